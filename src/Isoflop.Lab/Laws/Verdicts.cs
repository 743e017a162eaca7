using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>Keeps improving, or saturates: ten times the compute against the scatter of runs.</summary>
static class Verdicts
{
    /// <summary>A gain below this share of the value is none, however small the noise.</summary>
    const double Least = 1e-3;
    /// <summary>Above this share of resamples at a bound the verdict says so: the interval reaches the bound.</summary>
    const double ManyAtBound = 0.025;
    /// <summary>A parameter whose interval spans more than this factor is not held by the points; nor is the limit beside
    /// it.</summary>
    const double Loose = 1e6;
    /// <summary>The next rung of a ladder.</summary>
    const double NextRung = 3.1622776601683795;

    public static Verdict Of(Law law, LawForm form)
    {
        bool ofLoss = form.ReadsLoss;
        double here, further, at = form.IsSurface ? law.MaxFlops : law.MaxX, next = 10 * at;
        if (ofLoss) (at, next) = (law.MinX, law.MinX - 0.1 * (law.MaxX - law.MinX));
        (here, further) = form.IsSurface ? (law.PredictAt(at).Value, law.PredictAt(next).Value)
            : (law.Predict(at).Value, law.Predict(next).Value);
        // Median size · 1.4826 is a normal's standard deviation, whatever a few odd runs did.
        double[] sizes = [.. law.Residuals.Select(r => Math.Abs(r.Loss - r.Predicted)).Order()];
        double sd = sizes.Length > 0 ? 1.4826 * Quantile.Of(sizes, 0.5) : 0;
        double[] best = [.. law.Parameters.Select(p => p.Estimate.Value)];
        double? end = form.Limit(best);
        LawParameter? loose = law.Parameters.FirstOrDefault(p => p.Estimate.Low > 0 && p.Estimate.High / p.Estimate.Low > Loose);
        string limit = end is not { } l ? "" : loose is null ? $"; the limit is {Number(l)}{Interval(law, form)}"
            : $"; where it ends is not identified: {loose.Name} may be {Number(loose.Estimate.Low)} or " +
                Number(loose.Estimate.High);
        string of = form == LawForms.KaplanN ? "N = " : form == LawForms.KaplanD ? "D = " : "";
        string step = ofLoss ? FormattableString.Invariant($"a loss of {next:0.###} instead of {at:0.###}")
            : FormattableString.Invariant($"ten times {of}{at:0.##e0}");
        string change = $"{step} makes {Number(here)} into {Number(further)}{limit}";
        if (law.AtBound > ManyAtBound)
            change += FormattableString.Invariant($"; in {100 * law.AtBound:0} % of the resamples a parameter is at its bound");
        NextPoint point = Next(law, form);
        if (Math.Abs(here - further) >= Math.Max(sd, Least * Math.Abs(here)) || end is not { } reached)
            return new(VerdictKind.KeepsImproving, $"keeps improving: {change}", point);
        string ends = loose is null ? $"saturates at {Number(reached)}" : "gains no more than noise";
        return new(VerdictKind.Saturates, $"{ends}: {change}", point);
    }

    static string Interval(Law law, LawForm form)
    {
        string? name = form.Names.FirstOrDefault(n => n is "E") ?? (form is RlSigmoid ? "A" : form is BrokenLaw ? "a" : null);
        return name is not null && double.IsFinite(law[name].Low) ? $" ({Number(law[name].Low)} … {Number(law[name].High)})" : "";
    }

    static NextPoint Next(Law law, LawForm form)
    {
        double flops = NextRung * law.MaxFlops;
        if (form.ReadsLoss) return new(flops, double.NaN, double.NaN, "a run with less loss than any of these");
        if (!form.IsSurface && form is not Allocation)
            return new(flops, double.NaN, double.NaN, "half a decade beyond the points");
        Optimum best = law.Optimal(flops);
        return new(flops, best.N.Value, best.D.Value, "half a decade beyond the points, split as this law calls best");
    }

    static string Number(double x) =>
        Math.Abs(x) < 1e5 ? FormattableString.Invariant($"{x:0.####}") : FormattableString.Invariant($"{x:0.###e0}");
}
