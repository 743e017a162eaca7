using System.Text.Json.Serialization;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Frontiers;

/// <summary>A way to divide compute: size, demonstrations, reinforcement, thought.</summary>
/// <param name="Width">d_model</param> <param name="TeachFlops">of demonstrations</param> <param name="Steps">of
/// reinforcement</param>
/// <param name="Budget">of thought: replies to a question</param>
readonly record struct ComputeSplit(int Width, double TeachFlops, int Steps, int Budget)
{
    /// <summary>For a reader.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"width {Width}, {TeachFlops:0.##e0} FLOPs of demonstrations, {Steps} steps of reinforcement, {Budget} replies");
}

/// <summary>The grid of a frontier: everything that decides its bits.</summary>
sealed record FrontierRecipe
{
    [Setting("name of the study; its runs begin with it")]
    public string Name { get; set; } = "";

    [Setting("one level: parity:2")]
    public string Task { get; set; } = "";

    [Setting("d_model of the models; one head per 16", Min = 16)]
    public IReadOnlyList<int> Widths { get; set; } = [32, 48, 64];

    [Setting("FLOPs of demonstrations", Above = 0, Below = 1e20, Try = "2e11")]
    public IReadOnlyList<double> Teach { get; set; } = [2e11, 6e11];

    [Setting("steps of reinforcement, a multiple of 4; measured at none of them, a quarter, a half and all", Min = 4,
        Max = 100_000)]
    public int Steps { get; set; } = 40;

    [Setting("largest number of replies to a question; powers of two up to it are measured", Min = 2, Max = 4096)]
    public int Budget { get; set; } = 16;

    [Setting("how replies become an answer")]
    public string Strategy { get; set; } = "majority";

    [Setting("seeds of every point", Min = 2, Max = 100)]
    public int Seeds { get; set; } = 3;

    [Setting("held-out items of every point", Min = 16, Max = 100_000)]
    public int Items { get; set; } = 256;

    [Setting("layers", Min = 1, Max = 64)]
    public int Layers { get; set; } = 2;

    [Setting("share of the demonstrations that think first", Min = 0, Max = 1)]
    public double Think { get; set; } = 0.3;

    [Setting("how those think")]
    public Trace Trace { get; set; }

    [Setting("longest demonstration, tokens", Min = 1)]
    public int Context { get; set; } = 64;

    [Setting("tokens of a reply at most", Min = 2, Was = "most_tokens")]
    public int MaxNewTokens { get; set; } = 24;

    [Setting("tokens of a batch of demonstrations", Min = 1)]
    public int Batch { get; set; } = 2048;

    [Setting("learning rate of demonstrations", Above = 0, Below = 10)]
    public double TeachRate { get; set; } = 0.004;

    [Setting("learning rate of reinforcement", Above = 0, Max = 1)]
    public double Rate { get; set; } = 1e-3;

    /// <summary>Reads a file and applies "widths=32,64"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static FrontierRecipe Load(string? file, IReadOnlyList<string> edits) =>
        SettingsJson.Load(file, edits, FrontierJson.Default.FrontierRecipe);

    internal IReadOnlyList<int> AllSteps => [0, Steps / 4, Steps / 2, Steps];

    /// <exception cref="ConfigException">A broken rule.</exception>
    internal void Check()
    {
        if (Name.Length == 0) throw new ConfigException("name='' must be given: the study is found by it");
        _ = FolderName.Checked("name", Name);
        if (new TaskMix([Task]).Levels.Count != 1) throw new ConfigException($"task '{Task}' must be one level; try parity:2");
        string problems = string.Join("; ", SettingsJson.Problems(this, FrontierJson.Default.FrontierRecipe));
        if (problems.Length > 0) throw new ConfigException(problems);
        if (Widths.Any(w => w % 16 != 0)) throw new ConfigException($"widths={string.Join(',', Widths)} must be multiples of 16");
        if (Widths.Distinct().Count() < 2) throw new ConfigException("widths must be two at least: nothing shows what " +
            "size buys");
        if (Teach.Distinct().Count() < 2)
            throw new ConfigException("teach must be two amounts at least: nothing shows what demonstrations buy");
        if (Steps % 4 != 0) throw new ConfigException($"steps={Steps} must be a multiple of 4");
        if (!int.IsPow2(Budget)) throw new ConfigException($"budget={Budget} must be a power of two");
        _ = Strategies.Find(Strategy);
    }
}

/// <summary>Accuracy of one model with one budget of thought.</summary>
/// <param name="RlFlops">of reinforcement</param> <param name="TestFlops">mean a question</param>
/// <param name="Right">of <paramref name="Items"/></param>
sealed record FrontierCell(int Width, long Parameters, double TeachFlops, int Steps, double RlFlops, int Budget,
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
