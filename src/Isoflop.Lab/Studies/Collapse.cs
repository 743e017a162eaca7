using System.Globalization;
using Isoflop.Lab.Charts;
using Isoflop.Store;
using Isoflop.Train;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Studies;

/// <summary>A run's normalised training curve: (L(x) − E) / (L(1) − E) at the shares <see cref="Collapse.Shares"/>.</summary>
/// <param name="Noise">standard error of L(1) by the scatter of its steps, nats a token</param>
readonly record struct CollapseCurve(double Budget, ulong Seed, double[] Values, double Noise);

/// <summary>
/// Supercollapse: under a recipe that carries over, the training curves of a ladder's best sizes, normalised, lie on one curve as
/// closely as seeds do. Qiu et al. 2025, arXiv:2507.02119. L(x) is the mean training loss of a twentieth of the run, L(1) of its
/// last, E the floor from 0 up with which they collapse best: where even that does not help, no floor does.
/// </summary>
/// <param name="Floor">E, nats a token</param>
/// <param name="Spread">standard deviation between budgets' mean curves without the seeds' part, mean over shares</param>
/// <param name="Noise">standard deviation between the seeds of a budget, likewise</param>
/// <param name="P">how often budgets that are shuffled among the runs differ as much</param>
sealed record Collapse(IReadOnlyList<CollapseCurve> Curves, double Floor, double Spread, double Noise, double P)
{
    const int Bins = 20, Shuffles = 999;
    const double Level = 0.05;

    /// <summary>Shares of the run: the first tenth is still far above all scales, and at the end all are 1.</summary>
    public static IReadOnlyList<double> Shares { get; } = [.. Enumerable.Range(2, Bins - 3).Select(b => (b + 0.5) / Bins)];

    /// <summary>The budgets' spread over the seeds'.</summary>
    public double Ratio => Spread / Noise;

    /// <summary>Budgets are no further from each other than seeds.</summary>
    public bool Holds => Ratio <= 1;

    /// <summary>They are, and no chance of the seeds.</summary>
    public bool Fails => Ratio > 1 && P <= Level;

    /// <summary>A sentence.</summary>
    public string Says => string.Create(CultureInfo.InvariantCulture,
        $"normalised curves of {Curves.DistinctBy(c => c.Budget).Count()} budgets differ by {Ratio:0.0} × what seeds do ") +
        string.Create(CultureInfo.InvariantCulture, $"(floor {Floor:0.00}, p {P:0.000}): ") +
        (Holds ? "they collapse, the recipe carries over" : Fails ? "they do not collapse, the recipe does not carry over"
            : "undecided");

    /// <summary>Of the runs that count for laws; null: fewer than two budgets, or no budget with two seeds
    /// that differ.</summary>
    public static Collapse? Of(IReadOnlyList<StudyResult> results, Workspace here)
    {
        List<CollapseCurve> raw = [];
        foreach (StudyResult r in StudyPoints.BestSizes(results).SelectMany(s => s))
            if (Binned(RunFolder.ReadSteps(here.RunFolder(r.Run.Name))) is var (means, noise)
                && means.All(double.IsFinite)) raw.Add(new(r.Run.Budget, r.Run.Seed, means, noise));
        return Of(raw);
    }

    /// <summary>
    /// Mean loss of each twentieth of a run, and the last one's standard error; null: it has fewer than two steps in each, or
    /// begins in a trunk.
    /// </summary>
    static (double[] Means, double Noise)? Binned(List<StepRow> rows)
    {
        if (rows.Count < 2 * Bins || rows[0].Step > 1) return null;
        double[][] bins = [.. Enumerable.Range(0, Bins).Select(b => rows[(rows.Count * b / Bins)..(rows.Count * (b + 1) / Bins)]
            .Select(r => r.Loss ?? double.NaN).ToArray())];
        return ([.. bins.Select(b => b.Average())], bins[^1].StandardDeviation() / Math.Sqrt(bins[^1].Length));
    }

    /// <param name="raw">losses of all bins</param>
    internal static Collapse? Of(IReadOnlyList<CollapseCurve> raw)
    {
        double[] budgets = [.. raw.Select(c => c.Budget)];
        if (budgets.Distinct().Count() < 2 || budgets.Distinct().Count() == raw.Count) return null;
        double highest = Math.Max(0, raw.Min(Highest));
        double floor = Enumerable.Range(0, 100).Select(i => highest * i / 99).MinBy(e => Ratio(Normalised(raw, e), budgets));
        double[][] curves = Normalised(raw, floor);
        (double between, double within, double seeds) = Variances(curves, budgets);
        if (within == 0) return null;                             // seeds that do not differ measure nothing
        double own = between / within;
        int reached = 0;
        double[] shuffled = [.. budgets];
        var rng = RandomUse.Groups.Open(3);
        for (int s = 0; s < Shuffles; s++)
        {
            for (int i = shuffled.Length - 1; i > 0; i--)
            {
                int j = rng.NextInt(i + 1);
                (shuffled[i], shuffled[j]) = (shuffled[j], shuffled[i]);
            }
            if (Ratio(curves, shuffled) >= own * (1 - 1e-12)) reached++;
        }
        return new([.. raw.Zip(curves, (c, v) => c with { Values = v })], floor,
            Math.Sqrt(Math.Max(0, between - within / seeds)), Math.Sqrt(within), (1.0 + reached) / (1 + Shuffles));

        static double Ratio(double[][] curves, double[] budgets)
        {
            (double between, double within, _) = Variances(curves, budgets);
            return between / within;
        }
    }

    /// <summary>
    /// A floor leaves at least a fiftieth of a last loss, and twenty times its noise: nearer, that noise, blown up, is all that
    /// curves show. How far seeds part is no measure of it: a curve that lies higher as a whole is normalised like others.
    /// </summary>
    static double Highest(CollapseCurve raw) => Math.Min(0.98 * raw.Values[^1], raw.Values[^1] - 20 * raw.Noise);

    static double[][] Normalised(IReadOnlyList<CollapseCurve> raw, double floor) => [.. raw.Select(c =>
        c.Values[2..^1].Select(v => (v - floor) / (c.Values[^1] - floor)).ToArray())];

    /// <summary>Variance of the budgets' means, of the seeds about them, mean over shares; seeds a budget (harmonic).</summary>
    static (double Between, double Within, double Seeds) Variances(double[][] curves, double[] budgets)
    {
        int[][] cells = [.. Enumerable.Range(0, curves.Length).GroupBy(i => budgets[i]).Select(g => g.ToArray())];
        double between = 0, within = 0;
        for (int x = 0; x < curves[0].Length; x++)
        {
            double[] means = [.. cells.Select(c => c.Average(i => curves[i][x]))];
            between += means.Variance();
            for (int c = 0; c < cells.Length; c++)
                foreach (int i in cells[c]) within += Math.Pow(curves[i][x] - means[c], 2) / (curves.Length - cells.Length);
        }
        return (between / curves[0].Length, within / curves[0].Length, cells.Length / cells.Sum(c => 1.0 / c.Length));
    }

    /// <summary>All curves, shaded by budget.</summary>
    public Chart Picture() => new("Supercollapse: normalised training curves", "share of the run",
        "(loss − floor) / (last loss − floor)", [.. Curves.OrderBy(c => c.Budget).Select(c =>
            new ChartSeries(c.Budget.ToString("0.##e0", CultureInfo.InvariantCulture),
                [.. Shares.Zip(c.Values)]) { Shade = c.Budget })])
    {
        LogX = false,
        LegendTitle = "FLOPs of a run",
        Subtitle = Says,
    };
}
