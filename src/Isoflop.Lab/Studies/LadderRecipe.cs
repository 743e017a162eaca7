using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>Rungs that are trained alike: isoFLOP budgets, how many a decade, sizes, seeds.</summary>
public sealed record Rung
{
    /// <summary>"1e10..1e13", "1e10,3e10,1e11" or "1e14": training FLOPs of one run.</summary>
    public string Budgets { get; set; } = "";

    /// <summary>Budgets a decade of a range.</summary>
    public int PerDecade { get; set; } = 2;

    /// <summary>Seeds of every size: 1 to this many.</summary>
    public int Seeds { get; set; } = 3;

    /// <summary>Sizes at each budget, a factor of <see cref="LadderRecipe.Spacing"/> apart.</summary>
    public int Sizes { get; set; } = 5;

    /// <summary>Planned and priced, but only run when asked for by name of its budget.</summary>
    public bool Later { get; set; }

    /// <summary>The budgets, ascending.</summary>
    /// <exception cref="ConfigException">Not a list or range of FLOPs.</exception>
    public IReadOnlyList<double> Values()
    {
        string[] ends = Budgets.Split("..");
        if (ends.Length > 2) throw Bad();
        if (ends.Length == 1)
        {
            double[] list = [.. Budgets.Split(',', StringSplitOptions.TrimEntries).Select(Parse).Order()];
            return list.Distinct().Count() == list.Length ? list : throw Bad();
        }
        double from = Parse(ends[0]), to = Parse(ends[1]);
        if (from > to || PerDecade < 1) throw Bad();
        int steps = (int)Math.Round(Math.Log10(to / from) * PerDecade);
        double[] range = [.. Enumerable.Range(0, steps + 1).Select(i => Rounded(from * Math.Pow(10, i / (double)PerDecade)))];
        return Math.Abs(range[^1] / to - 1) < 0.01 ? range : throw new ConfigException(
            $"budgets={Budgets}: {PerDecade} a decade from {ends[0]} do not end at {ends[1]}; try {ends[0]}..{range[^1]:0.##e0}");
    }

    double Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x) && x is >= 1e6 and <= 1e30 ? x
            : throw Bad();

    ConfigException Bad() => new($"budgets='{Budgets}' must be a range, a list or one number of FLOPs from 1e6 on, ascending; " +
        "try 1e10..1e12 or 1e10,3e10,1e11");

    static double Rounded(double x)
    {
        double unit = Math.Pow(10, Math.Floor(Math.Log10(x)) - 2);
        return Math.Round(x / unit) * unit;
    }
}

/// <summary>How the learning rate and the batch are found before the ladder: a grid on the smallest sizes.</summary>
public sealed record TuneRecipe
{
    /// <summary>Training FLOPs of each run of the grid; 0: no tuning, the factors hold as they stand.</summary>
    public double Flops { get; set; } = 1e11;

    /// <summary>Training FLOPs of the check that the choice carries over to larger runs; 0: no check.</summary>
    public double TransferFlops { get; set; } = 1e12;

    /// <summary>
    /// Instead: the learning rate alone is tuned, at every budget anew, until the best lies between two others:
    /// <see cref="RateSweep"/>.
    /// </summary>
    public bool EveryBudget { get; set; }
}

/// <summary>
/// Everything that decides the runs of a study. The same recipe plans the same runs, whatever was done of them before.
/// </summary>
public sealed record LadderRecipe
{
    /// <summary>Name of the study; its runs are called NAME.BUDGET.WIDTH.SEED.</summary>
    public string Name { get; set; } = "";

    /// <summary>One corpus, and so one tokenizer, for all rungs.</summary>
    public string Corpus { get; set; } = "";

    /// <summary>The budgets.</summary>
    public IReadOnlyList<Rung> Rungs { get; set; } = [];

    /// <summary>Settings of every run, as 'isoflop train' takes them: "model.context_len=128".</summary>
    public IReadOnlyList<string> Settings { get; set; } = [];

    /// <summary>Widths to choose sizes from; none: multiples of 8 to 32, then wider steps.</summary>
    public IReadOnlyList<int> Widths { get; set; } = [];

    /// <summary>
    /// Sizes are centred on the one that spends a budget at so many tokens for each parameter without the embedding.
    /// </summary>
    public double TokensPerParameter { get; set; } = ComputeOptimal.TokensPerParameter;

    /// <summary>Ratio of parameters from a size to the next.</summary>
    public double Spacing { get; set; } = 2;

    /// <summary>Multiplies the learning rate of the rule; tuning replaces it.</summary>
    public double LearningRateFactor { get; set; } = 1;

    /// <summary>Multiplies the batch of the rule; tuning replaces it.</summary>
    public double BatchFactor { get; set; } = 1;

    /// <summary>The tuning; null: none.</summary>
    public TuneRecipe? Tune { get; set; }

    /// <summary>
    /// One stable run a size and seed, from whose checkpoints a decay branches off at every budget: less compute, but the ends
    /// of a trunk are correlated.
    /// </summary>
    public bool Trunks { get; set; }

    /// <summary>A run of fewer updates is transient, not law: trained, shown, left out of fits.</summary>
    public int MinSteps { get; set; } = 200;

    /// <summary>A run that sees its text more often is left out of fits of the plain law.</summary>
    public double MaxEpochs { get; set; } = 4;

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="ConfigException">Not readable, unknown keys, a value of another type; one line.</exception>
    public static LadderRecipe Load(string file) => SettingsJson.Load(file, [], StudyJson.Default.LadderRecipe);

    /// <summary>What <see cref="Load"/> reads.</summary>
    internal string Text() => SettingsJson.Text(this, StudyJson.Default.LadderRecipe);

    /// <summary>Every rule that can be checked without the corpus.</summary>
    public IEnumerable<string> Problems()
    {
        if (FolderName.Problem("study", Name) is { } odd) yield return $"{odd}; it comes first";
        if (Corpus.Length == 0) yield return "corpus='' must be named; make one with 'isoflop corpus'";
        if (Rungs.Count == 0) yield return "no budgets; try budgets=1e10..1e12";
        foreach (Rung rung in Rungs)
        {
            if (rung.Seeds is < 1 or > 1000) yield return $"seeds={rung.Seeds} must be from 1 to 1000; try 3";
            if (rung.Sizes is < 1 or > 50) yield return $"sizes={rung.Sizes} must be from 1 to 50; try 5";
            if (rung.PerDecade is < 1 or > 20) yield return $"per_decade={rung.PerDecade} must be from 1 to 20; try 2";
        }
        if (Widths.Any(w => w is < 2 or > 65_536)) yield return $"widths={string.Join(',', Widths)}: from 2 to 65536; try " +
            $"16,32,64";
        if (!(Spacing > 1)) yield return $"spacing={Spacing} must be above 1; try 2";
        if (!(TokensPerParameter > 0)) yield return $"tokens_per_parameter={TokensPerParameter} must be positive; try 20";
        if (!(LearningRateFactor > 0)) yield return $"learning_rate_factor={LearningRateFactor} must be positive; try 1";
        if (!(BatchFactor > 0)) yield return $"batch_factor={BatchFactor} must be positive; try 1";
        if (MinSteps < 1) yield return $"min_steps={MinSteps} must be positive; try 200";
        if (!(MaxEpochs > 0)) yield return $"max_epochs={MaxEpochs} must be positive; try 4";
        if (Settings.FirstOrDefault(s => Reserved.Any(r => s.StartsWith(r + "=", StringComparison.Ordinal))) is { } taken)
            yield return $"'{taken}': the ladder sets this itself ({string.Join(", ", Reserved)}); leave it out";
    }

    static readonly string[] Reserved = ["name", "seed", "corpus", "flops", "from", "from_mode", "train.steps", "train.tokens",
        "train.learning_rate", "train.batch_tokens", "model.d_model"];

    /// <summary>
    /// Settings in which two recipes differ and which decide the bits of runs that both plan; rungs may come and go.
    /// </summary>
    internal IEnumerable<string> Differences(LadderRecipe now)
    {
        LadderRecipe Same(LadderRecipe r) => r with
        {
            Rungs = [],
            MinSteps = 1,
            MaxEpochs = 1,
            Spacing = 2,
            TokensPerParameter =
            1,
            Widths = []
        };
        JsonElement a = JsonSerializer.SerializeToElement(Same(this), StudyJson.Default.LadderRecipe),
            b = JsonSerializer.SerializeToElement(Same(now), StudyJson.Default.LadderRecipe);
        foreach (JsonProperty p in a.EnumerateObject())
            if (!JsonElement.DeepEquals(p.Value, b.GetProperty(p.Name)))
                yield return $"{p.Name}={p.Value.GetRawText()}, now {b.GetProperty(p.Name).GetRawText()}";
    }
}
