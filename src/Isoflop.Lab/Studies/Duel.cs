using System.Globalization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Studies;

/// <summary>How much less compute B needs for A's loss at one budget of A.</summary>
/// <param name="Multiplier">geometric mean over paired seeds: 2 is half the compute; NaN: A's budget or loss lies
/// outside of B's curve</param>
/// <param name="Low">of the 95 % interval over seeds, Student's t of the logarithm; NaN with one seed</param>
sealed record DuelPoint(double Budget, double LossA, double LossB, double Multiplier, double Low, double High, int Seeds);

/// <summary>Two studies side by side.</summary>
/// <param name="Multiplier">geometric mean over budgets; its interval is the wider of seeds' and budgets' scatter</param>
/// <param name="Growth">log10 of the multiplier a decade of compute: its slope, with an interval likewise</param>
/// <param name="Verdict">a sentence</param> <param name="Warnings">what makes the comparison unfair</param>
sealed record DuelResult(string A, string B, IReadOnlyList<DuelPoint> Points, Estimate Multiplier, Estimate Growth,
    string Verdict, IReadOnlyList<string> Warnings);

/// <summary>
/// The compute multiplier of one recipe over another: at each budget of A the compute at which B's curve passes A's loss. The
/// curve of a seed is its loss at the size that is best over all seeds at each budget, linear in log compute between budgets.
/// </summary>
static class Duel
{
    /// <summary>Compares two trained studies, seed by seed.</summary>
    /// <exception cref="ConfigException">No common budgets or seeds.</exception>
    public static DuelResult Of(Study a, Study b, Workspace here)
    {
        IReadOnlyList<StudyResult> ra = Counted(a, here), rb = Counted(b, here);
        List<string> warnings = [];
        bool bytes = a.Record.Recipe.Corpus != b.Record.Recipe.Corpus;
        if (bytes) warnings.Add($"'{a.Record.Recipe.Corpus}' and '{b.Record.Recipe.Corpus}' hold out different text: bits " +
            $"per byte are " +
            "compared, and the texts' own difficulty is part of the difference");
        foreach (Study study in (Study[])[a, b])
            foreach (BudgetRate rate in study.Record.Tuning?.Rates?.Where(r => !r.Interior) ?? [])
                warnings.Add(string.Create(CultureInfo.InvariantCulture,
                    $"'{study.Name}' has its best rate at {rate.Budget:0.##e0} at the edge of what was tried: it may do better"));
        return Compare(a.Name, b.Name, Curves(ra, bytes), Curves(rb, bytes), warnings);
    }

    static IReadOnlyList<StudyResult> Counted(Study study, Workspace here) =>
        StudyResult.Of(here, study.Record.Runs.Where(r => r.Phase == Phase.Ladder && r.Excluded.Length == 0));

    /// <summary>Seed → (log10 FLOPs, loss) by budget.</summary>
    internal static Dictionary<ulong, List<(double LogC, double Loss)>> Curves(IReadOnlyList<StudyResult> results, bool bytes)
    {
        Dictionary<ulong, List<(double, double)>> curves = [];
        foreach (var budget in results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key))
        {
            var best = budget.GroupBy(r => r.Run.DModel).MinBy(g => g.Average(r => r.Loss))!;
            foreach (StudyResult r in best)
            {
                if (!curves.TryGetValue(r.Run.Seed, out List<(double, double)>? curve)) curves[r.Run.Seed] = curve = [];
                curve.Add((Math.Log10(r.Flops), bytes ? r.BitsPerByte : r.Loss));
            }
        }
        return curves;
    }

    internal static DuelResult Compare(string nameA, string nameB, Dictionary<ulong, List<(double LogC, double Loss)>> a,
        Dictionary<ulong, List<(double LogC, double Loss)>> b, List<string> warnings)
    {
        ulong[] seeds = [.. a.Keys.Intersect(b.Keys).Order()];
        if (seeds.Length == 0 || b.Values.All(c => c.Count < 2))
            throw new ConfigException($"'{nameA}' and '{nameB}' have no seed in common with two budgets of '{nameB}'; " +
                "train both ladders on the same seeds and at least two budgets");
        // Where B has no run a gain would be its last segment's, carried on: curves that flatten make it look better than it is.
        const double Beside = 0.1;
        var bySeed = seeds.Select(s => a[s].Select(p => (p.LogC, p.Loss, Gain: p.LogC >= b[s][0].LogC - Beside
            && p.LogC <= b[s][^1].LogC + Beside ? p.LogC - Where(b[s], p.Loss, p.LogC) : double.NaN)).ToList()).ToList();
        List<DuelPoint> points = [];
        foreach (double budget in bySeed[0].Select(p => p.LogC))
        {
            var here = bySeed.Select(s => s.Find(p => Math.Abs(p.LogC - budget) < 0.02)).Where(p => p.LogC > 0).ToList();
            double[] gains = [.. here.Select(p => p.Gain).Where(double.IsFinite)];
            double lossB = seeds.Select(s => b[s].Find(p => Math.Abs(p.LogC - budget) < 0.02)).Where(p => p.LogC > 0)
                .Select(p => p.Loss).DefaultIfEmpty(double.NaN).Average();
            Estimate m = gains.Length == here.Count ? Powers(Number(gains)) : Estimate.Of(double.NaN);
            points.Add(new(Math.Pow(10, budget), here.Average(p => p.Loss), lossB, m.Value, m.Low, m.High, gains.Length));
        }
        var inside = bySeed.Select(s => s.Where(p => double.IsFinite(p.Gain)).ToList()).Where(s => s.Count > 0).ToList();
        (double mean, double slope) = BudgetErrors([.. points.Where(p => double.IsFinite(p.Multiplier))
            .Select(p => (Math.Log10(p.Budget), Math.Log10(p.Multiplier)))]);
        Estimate all = Powers(AtLeast(Number([.. inside.Select(s => s.Average(p => p.Gain))]), mean));
        Estimate growth = AtLeast(Number([.. inside.Where(s => s.Count > 1)
            .Select(s => Slope([.. s.Select(p => (p.LogC, p.Gain))]))]), slope);
        return new(nameA, nameB, points, all, growth, VerdictOf(nameA, nameB, all, growth, points), warnings);
    }

    /// <summary>
    /// Half widths, 95 %, of the budgets' mean and slope by their scatter about a line: what seeds of a budget share, such as a
    /// rate that is tuned once for all of them, shows there alone. 0 with fewer than four budgets, which show too little. A
    /// budget where some seed has no multiplier is left out.
    /// </summary>
    static (double Mean, double Slope) BudgetErrors((double LogC, double Gain)[] budgets)
    {
        int n = budgets.Length;
        if (n < 4) return (0, 0);
        double slope = Slope(budgets), mx = budgets.Average(p => p.LogC), my = budgets.Average(p => p.Gain);
        double left = budgets.Sum(p => Math.Pow(p.Gain - my - slope * (p.LogC - mx), 2));
        double half = StudentT.InvCDF(0, 1, n - 2, 0.975) * Math.Sqrt(left / (n - 2));
        return (half / Math.Sqrt(n), half / Math.Sqrt(budgets.Sum(p => Math.Pow(p.LogC - mx, 2))));
    }

    static Estimate AtLeast(Estimate e, double half) => double.IsNaN(e.Low) ? e
        : new(e.Value, Math.Min(e.Low, e.Value - half), Math.Max(e.High, e.Value + half));

    /// <summary>
    /// log10 FLOPs at which a curve falls past a loss, the nearest to <paramref name="near"/> where noise makes several; up to
    /// half a decade past its ends along the last segment. NaN: nowhere.
    /// </summary>
    internal static double Where(List<(double LogC, double Loss)> curve, double loss, double near)
    {
        const double Past = 0.5, Rounding = 1e-9;
        double best = double.NaN;
        for (int i = 1; i < curve.Count; i++)
        {
            ((double c0, double l0), (double c1, double l1)) = (curve[i - 1], curve[i]);
            if (l1 >= l0) continue;                              // noise: no place is told by a stretch that rises
            double at = c0 + (l0 - loss) / (l0 - l1) * (c1 - c0);
            double from = i == 1 ? c0 - Past : c0, to = i == curve.Count - 1 ? c1 + Past : c1;
            bool inside = at >= from - Rounding && at <= to + Rounding;
            if (inside && !(Math.Abs(at - near) >= Math.Abs(best - near))) best = at;
        }
        return best;
    }

    /// <summary>Both curves, and the multiplier at each budget where there is one.</summary>
    public static IReadOnlyList<Chart> Pictures(DuelResult duel) =>
    [
        new("Loss of two recipes", "training FLOPs", "held-out loss, nats a token",
        [
            new(duel.A, [.. duel.Points.Select(p => (p.Budget, p.LossA))]),
            new(duel.B, [.. duel.Points.Select(p => (p.Budget, p.LossB))]),
        ])
        { LogY = true },
        new($"Compute that {duel.B} saves", "training FLOPs", "compute multiplier, 95 %",
        [
            new("for the same loss", [.. duel.Points.Select(p => (p.Budget, p.Multiplier))])
            {
                Range = [.. duel.Points.Select(p => double.IsNaN(p.Low) ? (p.Multiplier, p.Multiplier) : (p.Low, p.High))],
            },
            ChartSeries.AtY("no gain", 1),
        ])
        { LogY = true, Subtitle = duel.Verdict },
    ];

    static double Slope((double LogC, double Gain)[] s)
    {
        double mx = s.Average(p => p.LogC), my = s.Average(p => p.Gain);
        return s.Sum(p => (p.LogC - mx) * (p.Gain - my)) / s.Sum(p => (p.LogC - mx) * (p.LogC - mx));
    }

    static Estimate Number(double[] x) => x.Length == 0 ? Estimate.Of(double.NaN) : Estimate.OfMean(x);

    static Estimate Powers(Estimate log) => new(Math.Pow(10, log.Value), Math.Pow(10, log.Low), Math.Pow(10, log.High));

    static string VerdictOf(string a, string b, Estimate m, Estimate growth, List<DuelPoint> points)
    {
        if (double.IsNaN(m.Value))
            return $"not identified: the losses of '{a}' lie outside of the curve of '{b}'; train more budgets of '{b}'";
        string size = string.Create(CultureInfo.InvariantCulture,
            $"'{b}' needs {1 / m.Value:0.###} of the compute of '{a}' for its loss");
        if (double.IsNaN(m.Low)) return size + "; one seed: no interval, so no verdict";
        string sure = m.Low > 1 ? size : m.High < 1 ? size + ": it is the worse one" : $"inside the noise: {size}";
        string trend = double.IsNaN(growth.Low) ? "" : growth.Low > 0 ? "; the advantage grows with compute"
            : growth.High < 0 ? "; the advantage shrinks with compute" : "; no change with compute beyond the noise";
        return sure + trend + (points.Exists(p => double.IsNaN(p.Multiplier))
            ? $" (some budgets lie outside of the curve of '{b}')" : "");
    }
}
