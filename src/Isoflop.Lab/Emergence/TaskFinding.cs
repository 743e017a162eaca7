using System.Globalization;
using Isoflop.Lab.Statistics;
using MathNet.Numerics;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>When a flat task would leave chance, were its log-likelihood to go on as it goes.</summary>
/// <param name="Flops">median over the seeds; NaN: not within a factor of 10⁴ of the last rung</param>
/// <param name="Low">of the seed that rises first</param> <param name="High">of the last; NaN: it never does</param>
readonly record struct RiseForecast(double Flops, double Low, double High);

/// <summary>A task's class with its evidence.</summary>
/// <param name="Change">of ability from the first rung to the last</param>
/// <param name="Break">of the answer's log-likelihood; null: too few rungs or seeds to test</param>
/// <param name="Rise">of flat tasks: an extrapolated line, no law</param>
/// <param name="SaturatedAt">compute of the first rung from which on it is shown to be full; null: none</param>
/// <param name="Evidence">for a reader</param>
sealed record TaskFinding(string Task, TaskClass Class, TwoLevel Change, BreakResult? Break, RiseForecast? Rise,
    double? SaturatedAt, string Evidence)
{
    /// <summary>90 % interval of <see cref="Change"/>; NaN: not tested.</summary>
    public (double Low, double High) ChangeRange { get; init; } = (double.NaN, double.NaN);

    /// <summary>Why no break could be tested for; empty: one was.</summary>
    public string Untested { get; init; } = "";

    /// <summary>Classifies a curve by <see cref="MapRules"/>.</summary>
    public static TaskFinding Of(TaskCurve curve, ulong seed = 1)
    {
        IReadOnlyList<TaskRung> rungs = curve.Rungs;
        if (rungs.Count < 2 || !curve.IsAsked)
            return new(curve.Task, TaskClass.Unclear, default, null, null, null, rungs.Count < 2 ? "one rung" : "no items");
        if (rungs.Min(r => r.Items) is < MapRules.MinItems and var few)
            return new(curve.Task, TaskClass.Unclear, curve.Change, null, null, null,
                $"{few} {(few == 1 ? "item" : "items")}; a verdict needs {MapRules.MinItems}");
        TwoLevel change = curve.Change;
        // Where every item moved alike there is no spread to reckon with: then by what one such sample in 20 would have missed.
        double half = change.Error > 0 ? change.Half(1 - 2 * MapRules.Level)
            : (1 - Math.Pow(MapRules.Level, 1.0 / rungs[0].Items)) / (1 - rungs[^1].Chance);
        double low = change.Mean - half, high = change.Mean + half;
        BreakResult? found = BreakTest.Of([.. rungs.Select(r => Math.Log10(r.Flops))],
            [.. rungs.Select(r => r.Seeds.Select(s => s.AnswerNll).ToArray())], seed);
        double? full = SaturatedFrom(rungs);
        string moved = FormattableString.Invariant($"ability {rungs[0].Ability.Mean:0.00} → {rungs[^1].Ability.Mean:0.00}, ") +
            $"change {Signed(change.Mean, 2)} ({Signed(low, 2)} to {Signed(high, 2)} at 90 %)";
        bool flat = low > -MapRules.Change && high < MapRules.Change, broken = found is { } b && b.P <= MapRules.BreakP
            && b.After < 0 && b.After <= MapRules.BreakSlopes * Math.Min(b.Before, 0);
        if (low > 0 && !flat && broken) return Found(TaskClass.Sudden, null);
        if (full is not null) return Found(TaskClass.Saturated, null);
        if (high < -MapRules.Change || (high < 0 && change.Mean < -MapRules.Change)) return Found(TaskClass.Inverse, null);
        if (flat) return Found(TaskClass.Flat, RiseOf(rungs));
        return Found(low <= 0 ? TaskClass.Unclear : found is null ? TaskClass.Rising : TaskClass.Smooth, null);

        TaskFinding Found(TaskClass kind, RiseForecast? rise) => new(curve.Task, kind, change, found, rise, full, moved +
            (found is { } t ? FormattableString.Invariant($"; best break at {Math.Pow(10, t.At):0.#e0}, p {t.P:0.000}") : ""))
        { ChangeRange = (low, high), Untested = found is null ? WhyUntested(rungs) : "" };
    }

    static string WhyUntested(IReadOnlyList<TaskRung> rungs) => rungs.Count < BreakTest.MinRungs
        ? $"a break needs {BreakTest.MinRungs} budgets"
        : rungs.Any(r => r.Seeds.Any(s => double.IsNaN(s.AnswerNll))) ? "a break needs the answers' likelihood"
        : "a break needs seeds that differ";

    /// <summary>"+0.12", "-0.30", and "+0.00" of what rounds to nothing.</summary>
    internal static string Signed(double x, int decimals) => (Math.Round(x, decimals) + 0.0)
        .ToString(decimals == 1 ? "+0.0;-0.0" : "+0.00;-0.00", CultureInfo.InvariantCulture);

    /// <summary>The first rung from which on the ability is shown to be full.</summary>
    static double? SaturatedFrom(IReadOnlyList<TaskRung> rungs)
    {
        double? at = null;
        foreach (TaskRung rung in rungs.Reverse())
        {
            if (!(rung.LeastAbility(1 - MapRules.Level) > 1 - MapRules.FullMargin)) break;
            at = rung.Flops;
        }
        return at;
    }

    /// <summary>
    /// Where the mean margin over the best rival would pass 0, or −ln p of a reply ln 2, on a line through the last half of the
    /// rungs in log compute; a line a seed.
    /// </summary>
    static RiseForecast? RiseOf(IReadOnlyList<TaskRung> rungs)
    {
        TaskRung[] last = [.. rungs.Skip(rungs.Count / 2)];
        if (last.Length < 2) return null;
        bool choices = last[0].Chance > 0;
        double[] x = [.. last.Select(r => Math.Log10(r.Flops))];
        int seeds = last.Min(r => r.Seeds.Count);
        double[] at = [.. Enumerable.Range(0, seeds).Select(s =>
        {
            double[] y = [.. last.Select(r => choices ? -r.Seeds[s].Margin : r.Seeds[s].AnswerNll - Math.Log(2))];
            (double zero, double slope) = Fit.Line(x, y);
            double crossing = slope < 0 ? -zero / slope : double.PositiveInfinity;
            return crossing > x[^1] + 4 ? double.PositiveInfinity : Math.Max(crossing, x[^1]);
        })];
        double middle = at.Median();
        if (!(middle > x[^1])) return null;                       // passed already, or unknown: nothing to foresee
        return new(double.IsFinite(middle) ? Math.Pow(10, middle) : double.NaN, Math.Pow(10, at.Min()),
            at.Max() is var top && double.IsFinite(top) ? Math.Pow(10, top) : double.NaN);
    }
}
