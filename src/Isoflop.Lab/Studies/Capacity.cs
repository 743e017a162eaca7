using System.Globalization;
using Isoflop.Data;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;
using Isoflop.Store;

namespace Isoflop.Lab.Studies;

/// <summary>What models of one size stored of one amount of data, seeds together.</summary>
/// <param name="Count">strings, or names</param> <param name="DatasetBits">there were to store</param>
/// <param name="Memorised">bits stored, mean over seeds with its interval</param> <param name="Run">the first seed's</param>
/// <param name="Rate">factor on the rule for the learning rate: of those tried at this size and exposures, the one that stored
/// most</param>
sealed record CapacityPoint(PlannedRun Run, double Rate, int Exposures, int Count, double DatasetBits,
    Estimate Memorised, int Seeds);

/// <summary>The most that a size stored.</summary>
/// <param name="At">the point with the largest mean</param>
/// <param name="Bound">why the size may store more than this; empty: data was left over, and more of it added nothing</param>
sealed record CapacityPlateau(CapacityPoint At, string Bound)
{
    /// <summary>The size's limit; else a bound from below.</summary>
    public bool Reached => Bound.Length == 0;

    /// <summary>Bits for each of so many parameters.</summary>
    public Estimate Per(long parameters) =>
        new(At.Memorised.Value / parameters, At.Memorised.Low / parameters, At.Memorised.High / parameters);
}

/// <summary>How many bits a parameter stores.</summary>
sealed record CapacityResult(MemoryKind Kind, IReadOnlyList<CapacityPoint> Points, IReadOnlyList<CapacityPlateau> Plateaus,
    IReadOnlyList<FailedRun> Failed)
{
    /// <summary>What the literature reports, bits a parameter.</summary>
    public double Literature => Kind == MemoryKind.Random ? 3.6 : 2;
}

/// <summary>
/// How many bits a parameter stores: made data whose information is known is trained on again and again, in amounts up to more
/// than a model can hold; what the model saves on its code length it has stored.
/// </summary>
/// <remarks>
/// Morris et al. 2025, arXiv:2505.24832: 3.6 bits a parameter of random strings, in half precision. Allen-Zhu &amp; Li 2024,
/// arXiv:2404.05405: 2 of facts at 1000 exposures, 1 at 100.
/// </remarks>
static class Capacity
{
    /// <summary>File names in the study's folder.</summary>
    public const string ResultsFile = "results.csv", ChartFile = "memorised.svg";

    /// <summary>Every run before anything starts; where the rate is still to be chosen, at the middle one.</summary>
    /// <exception cref="ConfigException">All broken rules in one line.</exception>
    public static IReadOnlyList<PlannedRun> PlanOf(CapacityRecipe recipe, Workspace here)
    {
        var plan = new CapacityPlan(recipe);
        return [.. plan.Cells.SelectMany(c => plan.Tuning(c).Concat(plan.Runs(c, Chosen(plan.Tuning(c), here)
            ?? recipe.Rates[recipe.Rates.Count / 2]))).Select(r => r.Run).DistinctBy(r => r.Name)];
    }

    /// <summary>Trains what is not done yet, measures, and writes table and picture below <c>home/studies/name</c>.</summary>
    /// <param name="workers">runs side by side; 0: one a core</param>
    /// <exception cref="OperationCanceledException">Asked to stop; nothing is lost.</exception>
    public static CapacityResult Run(CapacityRecipe recipe, Workspace here, string name, int workers = 0)
    {
        _ = FolderName.Checked("study", name);
        var plan = new CapacityPlan(recipe);
        workers = here.SideBySide(workers);
        List<FailedRun> failed = [];
        Work("learning rate", [.. plan.Cells.SelectMany(plan.Tuning)]);
        List<CapacityRun> runs = [.. plan.Cells.SelectMany(c => plan.Runs(c, Chosen(plan.Tuning(c), here)
            ?? throw new DataException($"the learning rates of width {c.Width} were not all tried: {failed[0].Reason}")))];
        Work("capacity", runs);
        var lost = failed.Select(f => f.Name).ToHashSet();
        var bits = runs.Where(r => !lost.Contains(r.Run.Name)).Select(r => (Run: r, Bits: Measure(r, here))).ToList();
        List<CapacityPoint> points = [.. bits.GroupBy(b => (b.Run.Run.DModel, b.Run.Exposures, b.Run.Load)).Select(g =>
        {
            CapacityRun one = g.First().Run;
            return new CapacityPoint(one.Run, one.Rate, one.Exposures, one.Set.Count, one.Set.Bits,
                Estimate.OfMean([.. g.Select(b => b.Bits)]), g.Count());
        })];
        var result = new CapacityResult(recipe.Kind, points, [.. points.GroupBy(p => (p.Run.DModel, p.Exposures))
            .Select(g => PlateauOf([.. g]))], failed);
        string folder = here.StudyFolder(name);
        Directory.CreateDirectory(folder);
        TableOf(bits).WriteCsv(Path.Combine(folder, ResultsFile));
        WholeFile.Write(Path.Combine(folder, ChartFile), ChartOf(result, name).Svg());
        return result;

        void Work(string stage, IReadOnlyList<CapacityRun> some)
        {
            if (stage == "learning rate" && recipe.Rates.Count == 1) return;
            foreach (MemorySet set in some.Select(r => r.Set).Distinct()) set.Corpus().Write(here, "made by this program");
            failed.AddRange(new RunQueue(here, stage, [.. some.Select(r => r.Run)], workers)
                .Work().Failed);
        }
    }

    /// <summary>The rate that stored most; null while one of them is not done.</summary>
    static double? Chosen(IReadOnlyList<CapacityRun> tuning, Workspace here) =>
        tuning.Count == 1 ? tuning[0].Rate
        : tuning.All(r => StudyResult.Of(here, r.Run) is not null) ? tuning.MaxBy(r => Measure(r, here))!.Rate : null;

    static double Measure(CapacityRun run, Workspace here)
    {
        using Corpus corpus = Corpus.Open(here.CorpusFolder(run.Set.Name));
        return run.Set.Memorised(TokenLosses.Of(here with { Threads = 1 }, run.Run.Name, corpus));
    }

    /// <summary>The most of all amounts, and whether it is the size that sets it.</summary>
    internal static CapacityPlateau PlateauOf(IReadOnlyList<CapacityPoint> points)
    {
        const double Full = 0.9, Same = 0.03, Fallen = 0.1;
        var rising = points.OrderBy(p => p.DatasetBits).ToList();
        CapacityPoint best = rising.MaxBy(p => p.Memorised.Value)!, last = rising[^1];
        double most = best.Memorised.Value;
        return new(best, most > Full * last.DatasetBits || rising.Count < 2 ? "nearly all there was: give more of bits=LIST"
            : best == last && most > (1 + Same) * rising[^2].Memorised.Value ? "still rising: give more of bits=LIST"
            : last.Memorised.Value < (1 - Fallen) * most ?
                "more data stores less: training binds, give more of exposures=LIST" : "");
    }

    /// <summary>Bits stored against bits there were, a line for each size and exposures.</summary>
    internal static Chart ChartOf(CapacityResult r, string study)
    {
        // Its line goes on where it leaves the picture: what is there to store does not end with what was stored.
        double least = r.Points.Min(p => p.Memorised.Value), most = r.Points.Max(p =>
            double.IsNaN(p.Memorised.High) ? p.Memorised.Value : p.Memorised.High);
        double[] all = [r.Points.Min(p => p.DatasetBits), r.Points.Max(p => p.DatasetBits)];
        List<ChartSeries> series = [new("all of it", [.. all.Select(x => (x, x))]) { Dashed = true }];
        foreach (var size in r.Points.GroupBy(p => (p.Run.Parameters, p.Exposures)).OrderBy(g => g.Key))
        {
            CapacityPoint[] points = [.. size.OrderBy(p => p.DatasetBits)];
            series.Add(new(string.Create(CultureInfo.InvariantCulture,
                $"{size.Key.Parameters:N0} × {size.Key.Exposures}"),
                [.. points.Select(p => (p.DatasetBits, p.Memorised.Value))])
            {
                Range = points.Any(p => double.IsNaN(p.Memorised.Low)) ? null
                    : [.. points.Select(p => (p.Memorised.Low, p.Memorised.High))],
            });
        }
        string what = r.Kind == MemoryKind.Random ? "random strings" : "facts";
        return new Chart($"Bits memorised of {what}: {study}", "bits there are to store", "bits stored", series)
        {
            LogY = true,
            LegendTitle = "parameters × exposures",
            Possible = Chart.NotNegative,
            YLimits = least > 0 ? (least / 1.2, most * 1.2) : null,
            Subtitle = "areas: 95 % over seeds of data and training, down to the frame where they reach 0; " +
                "broken: all there is to store",
        };
    }

    static Table TableOf(IEnumerable<(CapacityRun Run, double Bits)> bits) => Table.Of(bits,
        ("run", b => b.Run.Run.Name), ("d_model", b => b.Run.Run.DModel), ("parameters", b => b.Run.Run.Parameters),
        ("parameters_without_embedding", b => b.Run.Run.ParametersWithoutEmbedding),
        ("non_embedding", b => b.Run.Run.NonEmbedding),
        ("count", b => b.Run.Set.Count), ("exposures", b => b.Run.Exposures), ("dataset_bits", b => b.Run.Set.Bits),
        ("memorised_bits", b => b.Bits), ("seed", b => (long)b.Run.Set.Seed), ("steps", b => b.Run.Run.Steps),
        ("learning_rate", b => b.Run.Run.LearningRate), ("flops", b => b.Run.Run.Flops));
}
