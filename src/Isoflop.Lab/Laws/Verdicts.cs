using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>
/// Does not fit; else keeps improving, or saturates, or neither is shown: what ten times the compute buys, with the law's own
/// uncertainty, against a margin.
/// </summary>
static class Verdicts
{
    /// <summary>A gain below this share of the value is as good as none, and one above it is not: the margin of
    /// equivalence.</summary>
    const double Margin = 0.01;
    /// <summary>Above this share of resamples at a bound the verdict says so: the interval reaches the bound.</summary>
    const double ManyAtBound = 0.025;
    /// <summary>A parameter whose interval spans more than this factor is not held by the points; nor is the limit beside
    /// it.</summary>
    const double Loose = 1e6;
    /// <summary>The next rung of a ladder.</summary>
    const double NextRung = 3.1622776601683795;

    public static Verdict Of(Law law, FitProblem problem, double[] theta)
    {
        LawForm form = law.Form;
        if (form.IsSurface && !form.HasOptimum) return OfNoLoss(law);
        bool ofLoss = form.ReadsLoss;
        double at = form.IsSurface ? law.MaxFlops : law.MaxX, next = 10 * at;
        if (ofLoss) (at, next) = (law.MinX, law.MinX - 0.1 * (law.MaxX - law.MinX));
        double[] best = [.. law.Parameters.Select(p => p.Estimate.Value)];
        double here = law.ValueAt(best, at), further = law.ValueAt(best, next), sign = Math.Sign(further - here);
        Estimate gain = Gain(law, problem, theta, best,
            p => sign * (law.ValueAt(p, next) - law.ValueAt(p, at)) / Math.Abs(law.ValueAt(p, at)));

        LawParameter? loose = law.Parameters.FirstOrDefault(p => p.Estimate.Low > 0 && p.Estimate.High / p.Estimate.Low > Loose);
        double? end = form.Limit(best);
        string limit = end is not { } l ? "" : loose is null ? $"; the limit is {Number(l)}{Interval(law, form)}"
            : $"; where it ends is not identified: {loose.Name} may be {Number(loose.Estimate.Low)} or " +
                Number(loose.Estimate.High);
        string of = form == LawForms.KaplanN ? "N = " : form == LawForms.KaplanD ? "D = " : "";
        string step = ofLoss ? FormattableString.Invariant($"a loss of {next:0.###} instead of {at:0.###}")
            : FormattableString.Invariant($"ten times {of}{at:0.##e0}");
        string makes = $"{step} makes {Number(here)} into {Number(further)}";
        string tail = limit;
        if (law.AtBound > ManyAtBound)
            tail += FormattableString.Invariant($"; in {100 * law.AtBound:0} % of the resamples a parameter is at its bound");
        foreach (KnownCheck c in law.Known.Where(c => c.Contradicts))
            tail += $"; the points contradict {c.Known.Name} = {Number(c.Known.Value)}, which was given";
        NextPoint point = Next(law, form);

        FitTest[] misfits = [.. LackOfFit.Rejecting(law.LackOfFit)];
        if (misfits.Length > 0)
            return new(VerdictKind.DoesNotFit, "this form does not fit: " +
                $"{string.Join("; ", misfits.Select(t => Says(t, law.Objective)))}; if it did, {makes}{tail}", point);
        string change = FormattableString.Invariant($"{makes}, {100 * gain.Value:0.0} %") +
            (double.IsNaN(gain.Low) ? ""
                : FormattableString.Invariant($" ({100 * gain.Low:0.0} … {100 * gain.High:0.0})")) + tail;
        // Without an interval the value stands for itself.
        (double low, double high) = double.IsNaN(gain.Low) ? (gain.Value, gain.Value) : (gain.Low, gain.High);
        return low > Margin ? new(VerdictKind.KeepsImproving, $"keeps improving: {change}", point)
            : high > Margin ? new(VerdictKind.Undecided, "not decided, " + FormattableString.Invariant(
                $"{100 * Margin:0} % lies within what ten times may buy: {change}"), point)
            : new(VerdictKind.Saturates, (end is { } reached && loose is null ? $"saturates at {Number(reached)}"
                : FormattableString.Invariant($"gains less than {100 * Margin:0} %")) + $": {change}", point);
    }

    /// <summary>Of a quantity that is no loss: what ten times of either input makes of it.</summary>
    static Verdict OfNoLoss(Law law)
    {
        double[] best = [.. law.Parameters.Select(p => p.Estimate.Value)];
        double n = Math.Exp(law.Residuals.Average(r => Math.Log(r.N))), d = Math.Exp(law.Residuals.Average(r => Math.Log(r.D)));
        double here = law.Form.At(best, new(n, d, d, 0)), byN = law.Form.At(best, new(10 * n, d, d, 0)) / here,
            byD = law.Form.At(best, new(n, 10 * d, 10 * d, 0)) / here;
        FitTest[] misfits = [.. LackOfFit.Rejecting(law.LackOfFit)];
        string says = FormattableString.Invariant(
            $"ten times N makes it {byN:0.###} times what it was, ten times D {byD:0.###} times");
        NextPoint next = new(NextRung * law.MaxFlops, double.NaN, double.NaN, "half a decade beyond the points");
        return misfits.Length == 0 ? new(VerdictKind.Describes, $"describes its points: {says}", next)
            : new(VerdictKind.DoesNotFit, "this form does not fit: " +
                $"{string.Join("; ", misfits.Select(t => Says(t, law.Objective)))}; if it did, {says}", next);
    }

    /// <summary>What ten times the compute buys, a share of the value; ends at 5 % and 95 % of the resamples, or of t.</summary>
    static Estimate Gain(Law law, FitProblem problem, double[] theta, double[] best, Func<double[], double> of)
    {
        double value = of(best);
        if (law.Form.HasWidth)
        {
            // value = ±(1 − L′/L): an error of ln L′ moves what is left of L.
            double error = LocalTrend.Quantile(law.DegreesOfFreedom, 0.95) * law.Form.Drift(best, 10 * law.MaxFlops);
            return new(value, 1 - (1 - value) * Math.Exp(error), 1 - (1 - value) * Math.Exp(-error));
        }
        double[] draws = [.. law.Draws.Select(of).Where(double.IsFinite).Order()];
        if (draws.Length >= 20) return new(value, Quantile.Of(draws, 0.05), Quantile.Of(draws, 0.95));
        if (problem.Form is Allocation || Linear.Of(problem, theta) is not { } points) return Estimate.Of(value);
        double[] natural = new double[best.Length], at = [.. theta];
        double sd = points.SdOf([.. theta.Select((t, j) =>
        {
            double h = 6e-6 * Math.Max(1, Math.Abs(t)), up = With(t + h), down = With(t - h);
            at[j] = t;
            return (up - down) / (2 * h);

            double With(double moved)
            {
                at[j] = moved;
                problem.Form.Natural(at, problem.Data, natural);
                return of(natural);
            }
        })]);
        if (double.IsNaN(sd)) return Estimate.Of(value);
        double wide = StudentT.InvCDF(0, 1, problem.Data.Count - theta.Length, 0.95) * sd;
        return new(value, value - wide, value + wide);
    }

    /// <summary>"against seeds F(21, 50) = 69.6, p = 7e-30, 1.77 % off beside a scatter of 0.40 %".</summary>
    public static string Says(FitTest t, Objective objective)
    {
        string Size(double x) =>
            objective == Objective.SquaredError ? Number(x) : FormattableString.Invariant($"{100 * x:0.00} %");
        return FormattableString.Invariant($"against {t.Against} F({t.Df1}, {t.Df2}) = {t.F:0.##}, p = ") +
            (t.P < 1e-3 ? FormattableString.Invariant($"{t.P:0e0}") : FormattableString.Invariant($"{t.P:0.000}")) +
            (t.P < LackOfFit.Level ? $", {Size(t.Misfit)} off beside a scatter of {Size(t.Scatter)}" : "");
    }

    static string Interval(Law law, LawForm form)
    {
        string? name = form.Names.FirstOrDefault(n => n is "E")
            ?? (form == LawForms.RlSigmoid ? "A" : form is BrokenLaw ? "a" : null);
        return name is not null && double.IsFinite(law[name].Low) ? $" ({Number(law[name].Low)} … {Number(law[name].High)})" : "";
    }

    static NextPoint Next(Law law, LawForm form)
    {
        double flops = NextRung * law.MaxFlops;
        if (form.ReadsLoss) return new(flops, double.NaN, double.NaN, "a run with less loss than any of these");
        if (!form.HasOptimum && form is not Allocation)
            return new(flops, double.NaN, double.NaN, "half a decade beyond the points");
        Optimum best = law.Optimal(flops);
        return new(flops, best.N.Value, best.D.Value, "half a decade beyond the points, split as this law calls best");
    }

    static string Number(double x) =>
        Math.Abs(x) < 1e5 ? FormattableString.Invariant($"{x:0.####}") : FormattableString.Invariant($"{x:0.###e0}");
}
