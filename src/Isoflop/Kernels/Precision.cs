using System.Text.Json.Serialization;

namespace Isoflop.Kernels;

/// <summary>What weights' products are formed in; all else is float32, their sums and what they are made of too.</summary>
/// <remarks>
/// A precision is one set of bits. AVX512-BF16 and AMX add the same products in other orders, so they are two;
/// <see cref="Bf16"/> defines both.
/// </remarks>
[JsonConverter(typeof(JsonStringEnumConverter<Precision>))]
public enum Precision
{
    /// <summary>float32.</summary>
    [JsonStringEnumMemberName("f32")] F32,
    /// <summary>A wish: bf16 where the machine has it and the model is wide enough, else float32.</summary>
    [JsonStringEnumMemberName("auto")] Auto,
    /// <summary>A wish: the faster of the two that the machine has.</summary>
    [JsonStringEnumMemberName("bf16")] Bf16,
    /// <summary>bf16 in one chain of pairs: AVX512-BF16.</summary>
    [JsonStringEnumMemberName("bf16_pairs")] Bf16Pairs,
    /// <summary>bf16 in chains of 32 steps: AMX.</summary>
    [JsonStringEnumMemberName("bf16_tiles")] Bf16Tiles,
}

/// <summary>Which precision a machine has, and which a wish comes to.</summary>
static class Precisions
{
    /// <summary>Narrower models spend their time elsewhere.</summary>
    public const int LeastWidth = 256;

    /// <summary>As settings and records have it.</summary>
    public static string Name(this Precision precision) => precision switch
    {
        Precision.Bf16Pairs => "bf16_pairs",
        Precision.Bf16Tiles => "bf16_tiles",
        _ => precision.ToString().ToLowerInvariant(),
    };

    /// <summary>The fastest bf16 of this machine; null: it has none.</summary>
    public static Precision? Here =>
        Bf16Code.Tiles.Found ? Precision.Bf16Tiles : Bf16Code.Pairs.Found ? Precision.Bf16Pairs : null;

    /// <summary>Why this machine has none.</summary>
    public static string Missing => Bf16Code.Pairs.Missing == Bf16Code.Tiles.Missing ? Bf16Code.Pairs.Missing
        : $"{Bf16Code.Pairs.Missing}, {Bf16Code.Tiles.Missing}";

    /// <summary>
    /// What a wish comes to at a model's width; what is none stays, whatever the machine: a record may be another's.
    /// </summary>
    /// <exception cref="ConfigException">bf16 was asked for by name, and there is none.</exception>
    public static Precision Chosen(Precision? wish, int width) => Chosen(wish, width, Here, Missing);

    /// <param name="here">the machine's best</param>
    internal static Precision Chosen(Precision? wish, int width, Precision? here, string missing) => wish switch
    {
        null => Precision.F32,
        Precision.Auto => width >= LeastWidth ? here ?? Precision.F32 : Precision.F32,
        Precision.Bf16 => here ?? throw NotHere(Precision.Bf16, missing),
        { } settled => settled,
    };

    /// <summary>The one line for a precision that this machine has not.</summary>
    public static ConfigException NotHere(Precision precision, string missing) => new(
        $"train.precision={precision.Name()}: this machine has none ({missing}); leave it out for f32, or train where there is");
}
