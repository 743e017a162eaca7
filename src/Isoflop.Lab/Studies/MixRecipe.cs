using System.Globalization;
using System.Text.Json.Serialization;
using Isoflop.Store;

namespace Isoflop.Lab.Studies;

/// <summary>A source: its label, and a corpus of this home or a file, folder or glob of text.</summary>
sealed record MixInput(string Label, string From);

/// <summary>What a study of mixtures trains.</summary>
sealed record MixRecipe
{
    /// <summary>Name of the study, and of its corpora and runs.</summary>
    public required string Name { get; init; }
    /// <summary>Labelled sources.</summary>
    public IReadOnlyList<MixInput> Sources { get; init; } = [];
    /// <summary>Instead: a corpus whose tags are the sources.</summary>
    public string? Corpus { get; init; }
    /// <summary>Training FLOPs of each mixture's run.</summary>
    public double Budget { get; init; } = 1e11;
    /// <summary>Mixtures at that budget: corners, centre, as the sources are, and drawn evenly from all there are.</summary>
    public int Mixtures { get; init; } = 8;
    /// <summary>Label of the source whose held-out loss is to be least; null: the mean over sources.</summary>
    public string? Target { get; init; }
    /// <summary>The check's FLOPs over the budget; 0: no check.</summary>
    public double Scale { get; init; } = 10;
    /// <summary>Seeds of the check's runs.</summary>
    public int Seeds { get; init; } = 3;
    /// <summary>Vocabulary of the common tokenizer, where the sources are files.</summary>
    public int Vocab { get; init; } = 512;
    /// <summary>Property or column that holds the text of JSON lines and Parquet files.</summary>
    public string Field { get; init; } = "text";
    /// <summary>Context of the models, tokens.</summary>
    public int ContextLen { get; init; } = 128;
    /// <summary>Draws the mixtures and the order of the documents.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>All broken rules that can be seen without the sources.</summary>
    public IEnumerable<string> Problems()
    {
        if (FolderName.Problem("study", Name) is { } odd) yield return odd;
        if (Corpus is not null == Sources.Count > 0)
            yield return "give either sources=LABEL=PATH LABEL=PATH …, or corpus=NAME with a corpus that has tags";
        if (Sources.Count == 1) yield return $"sources={Sources[0].Label}: one source is no mixture; give two or more";
        if (Sources.FirstOrDefault(s => s.Label.Length == 0 || s.From.Length == 0
            || !s.Label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) is { } wrong)
            yield return $"sources={wrong.Label}={wrong.From}: a source is LABEL=PATH, the label of letters, digits, - and _";
        if (Sources.Select(s => s.Label).Distinct().Count() < Sources.Count) yield return "sources: a label stands twice";
        if (!(Budget > 0 && double.IsFinite(Budget))) yield return I($"budget={Budget} must be positive; try 1e11");
        if (Mixtures is < 4 or > 64) yield return $"mixtures={Mixtures} must be from 4 to 64; try 8";
        if (!(Scale == 0 || Scale is > 1 and <= 1000))
            yield return I($"scale={Scale} must be above 1, or 0 for no check; try 10");
        if (Seeds is < 1 or > 100) yield return $"seeds={Seeds} must be from 1 to 100; try 3";
        if (ContextLen is < 2 or > 65_536) yield return $"context={ContextLen} must be from 2 to 65536; try 128";
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Shares of the sources in whole percent, 100 together: what a mixture is named by.</summary>
sealed record Mixture(IReadOnlyList<int> Percent)
{
    /// <summary>"50-30-20".</summary>
    [JsonIgnore] public string Name => string.Join('-', Percent);

    /// <summary>The same, 1 together.</summary>
    [JsonIgnore] public double[] Shares => [.. Percent.Select(p => p / 100.0)];

    /// <summary>The nearest to these shares: what is lost in rounding goes to the largest remainders.</summary>
    public static Mixture Of(IReadOnlyList<double> shares)
    {
        int[] percent = [.. shares.Select(s => (int)Math.Floor(100 * s + 1e-9))];
        foreach (int j in Enumerable.Range(0, percent.Length).OrderByDescending(j => 100 * shares[j] - percent[j])
            .Take(100 - percent.Sum()))
            percent[j]++;
        return new(percent);
    }

    /// <summary>Evenly from all mixtures: Dirichlet with parameters 1.</summary>
    internal static Mixture Draw(ref Rng rng, int sources)
    {
        double[] e = new double[sources];
        for (int j = 0; j < sources; j++) e[j] = -Math.Log(1 - rng.NextDouble());
        return Of([.. e.Select(x => x / e.Sum())]);
    }

    /// <summary>Corners, centre, the natural one, and draws until there are so many different ones.</summary>
    internal static IReadOnlyList<Mixture> Plan(int count, double[] natural, ulong seed)
    {
        int sources = natural.Length;
        List<Mixture> all = [.. Enumerable.Range(0, sources).Select(j => Of([.. natural.Select((_, i) => i == j ? 1.0 : 0)])),
            Uniform(sources), Of(natural)];
        var rng = RandomUse.Mixtures.Open(seed);
        var names = new HashSet<string>();
        all.RemoveAll(m => !names.Add(m.Name));
        while (all.Count < count)
            if (Draw(ref rng, sources) is var drawn && names.Add(drawn.Name)) all.Add(drawn);
        return [.. all.Take(Math.Max(count, sources + 2))];
    }

    internal static Mixture Uniform(int sources) => Of([.. Enumerable.Repeat(1.0 / sources, sources)]);
}
