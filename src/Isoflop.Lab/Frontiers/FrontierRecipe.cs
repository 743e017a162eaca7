using System.Text.Json.Serialization;
using Isoflop.Lab.Recipes;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;

namespace Isoflop.Lab.Frontiers;

/// <summary>A way to divide compute: size, demonstrations, reinforcement, thought.</summary>
/// <param name="Width">d_model</param> <param name="TeachFlops">of demonstrations</param> <param name="Steps">of
/// reinforcement</param>
/// <param name="Budget">of thought: replies to a question</param>
public readonly record struct ComputeSplit(int Width, double TeachFlops, int Steps, int Budget)
{
    /// <summary>For a reader.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"width {Width}, {TeachFlops:0.##e0} FLOPs of demonstrations, {Steps} steps of reinforcement, {Budget} replies");
}

/// <summary>The grid of a frontier: everything that decides its bits.</summary>
public sealed record FrontierRecipe
{
    /// <summary>Name of the study; its runs begin with it.</summary>
    public string Name { get; set; } = "";
    /// <summary>One level: "parity:2".</summary>
    public string Task { get; set; } = "";
    /// <summary>d_model of the models; one head per 16.</summary>
    public IReadOnlyList<string> Widths { get; set; } = ["32", "48", "64"];
    /// <summary>FLOPs of demonstrations.</summary>
    public IReadOnlyList<string> Teach { get; set; } = ["2e11", "6e11"];
    /// <summary>Steps of reinforcement, a multiple of 4; measured at none of them, a quarter, a half and all.</summary>
    public int Steps { get; set; } = 40;
    /// <summary>Largest number of replies to a question; powers of two up to it are measured.</summary>
    public int Budget { get; set; } = 16;
    /// <summary>How replies become an answer.</summary>
    public string Strategy { get; set; } = "majority";
    /// <summary>Seeds of every point.</summary>
    public int Seeds { get; set; } = 3;
    /// <summary>Held-out items of every point.</summary>
    public int Items { get; set; } = 256;
    /// <summary>Layers.</summary>
    public int Layers { get; set; } = 2;
    /// <summary>Share of the demonstrations that think first.</summary>
    public double Think { get; set; } = 0.3;
    /// <summary>How those think.</summary>
    public Trace Trace { get; set; }
    /// <summary>Longest demonstration.</summary>
    public int Context { get; set; } = 64;
    /// <summary>Tokens of a reply at most.</summary>
    public int MostTokens { get; set; } = 24;
    /// <summary>Tokens of a batch of demonstrations.</summary>
    public int Batch { get; set; } = 2048;
    /// <summary>Learning rate of demonstrations.</summary>
    public double TeachRate { get; set; } = 0.004;
    /// <summary>Learning rate of reinforcement.</summary>
    public double Rate { get; set; } = 1e-3;

    /// <summary>Reads a file and applies "widths=32,64"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static FrontierRecipe Load(string? file, IReadOnlyList<string> edits) =>
        RecipeFile.Load(file, edits, FrontierJson.Default.FrontierRecipe);

    internal IReadOnlyList<int> AllWidths => [.. Widths.Select(w => int.TryParse(w, out int n) && n >= 16 && n % 16 == 0 ? n
        : throw new ConfigException($"widths: '{w}' must be a multiple of 16, 16 at least"))];

    internal IReadOnlyList<double> AllTeach => [.. Teach.Select(t => double.TryParse(t, System.Globalization.NumberStyles.Float,
        System.Globalization.CultureInfo.InvariantCulture, out double f) && f is > 0 and < 1e20 ? f
        : throw new ConfigException($"teach: '{t}' must be FLOPs above 0; try 2e11"))];

    internal IReadOnlyList<int> AllSteps => [0, Steps / 4, Steps / 2, Steps];

    /// <exception cref="ConfigException">A broken rule.</exception>
    internal void Check()
    {
        if (Name.Length == 0) throw new ConfigException("name='' must be given: the study is found by it");
        if (new TaskMix([Task]).Levels.Count != 1) throw new ConfigException($"task '{Task}' must be one level; try parity:2");
        if (AllWidths.Distinct().Count() < 2) throw new ConfigException("widths must be two at least: nothing shows what " +
            "size buys");
        if (AllTeach.Distinct().Count() < 2)
            throw new ConfigException("teach must be two amounts at least: nothing shows what demonstrations buy");
        foreach ((string key, int value, int least, int most) in ((string, int, int, int)[])[("steps", Steps, 4, 100_000),
            ("budget", Budget, 2, 4096), ("seeds", Seeds, 2, 100), ("items", Items, 16, 100_000), ("layers", Layers, 1, 64)])
            if (value < least || value > most) throw new ConfigException($"{key}={value} must be from {least} to {most}");
        if (Steps % 4 != 0) throw new ConfigException($"steps={Steps} must be a multiple of 4");
        if (!int.IsPow2(Budget)) throw new ConfigException($"budget={Budget} must be a power of two");
        _ = Strategies.Find(Strategy);
    }
}

/// <summary>Accuracy of one model with one budget of thought.</summary>
/// <param name="RlFlops">of reinforcement</param> <param name="TestFlops">mean a question</param>
/// <param name="Right">of <paramref name="Items"/></param>
public sealed record FrontierCell(int Width, long Parameters, double TeachFlops, int Steps, double RlFlops, int Budget,
    double TestFlops,
    long Seed, int Right, int Items)
{
    /// <summary>Share right.</summary>
    [JsonIgnore] public double Accuracy => Right / (double)Items;

    /// <summary>Spent before the first question.</summary>
    [JsonIgnore] public double TrainFlops => TeachFlops + RlFlops;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(FrontierRecipe))]
[JsonSerializable(typeof(SpendForecast))]
[JsonSerializable(typeof(SpendCheck))]
sealed partial class FrontierJson : JsonSerializerContext;
