using System.Text.Json.Serialization;

namespace Isoflop.Lab.Worlds;

/// <summary>Everything that decides what the world says.</summary>
public sealed record WorldRecipe
{
    /// <summary>Names the world: its invented facts, what is held out, the order of its documents.</summary>
    public ulong Seed { get; init; } = 1;
    /// <summary>Facts of rank k come as often as k^−zipf.</summary>
    public double Zipf { get; init; } = 1;
    /// <summary>Villages of the invented gazetteer.</summary>
    public int Facts { get; init; } = 16_384;
    /// <summary>How often a family, or a level of it ("sums", "sums.3"), is heard; 1 where nothing is said, 0: never.</summary>
    public IReadOnlyDictionary<string, double> Weights { get; init; } = new SortedDictionary<string, double>();

    /// <summary>Everything wrong with the settings.</summary>
    public IEnumerable<string> Problems()
    {
        if (!(Zipf >= 0 && Zipf <= 4)) yield return FormattableString.Invariant($"zipf={Zipf} must be from 0 (all facts ") +
            FormattableString.Invariant($"alike) to 4; try 1");
        if (Facts is < 64 or > 1_000_000) yield return $"facts={Facts} must be from 64 to 1000000";
        string[] known = [.. World.FamiliesOf(this).SelectMany(f => Enumerable.Range(1, f.Levels).Select(l => $"{f.Name}.{l}")
            .Prepend(f.Name))];
        foreach ((string tag, double weight) in Weights)
        {
            if (!known.Contains(tag))
                yield return $"weight of '{tag}': there is no such task; there are " +
                    string.Join(", ", known.Where(k => !k.Contains('.'))) + ", and levels as in sums.3";
            if (!(weight >= 0 && double.IsFinite(weight)))
                yield return FormattableString.Invariant($"weight {tag}={weight} must not be negative");
        }
        if (World.WeightsOf(this).All(w => w == 0)) yield return "all weights are 0: the world would be silent";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(WorldRecipe))]
sealed partial class WorldJson : JsonSerializerContext;
