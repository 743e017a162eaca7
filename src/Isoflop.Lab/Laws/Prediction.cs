using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>What a law says of runs that are not among its points, or its refusal.</summary>
readonly struct Prediction
{
    /// <summary>No further than this factor beyond the points.</summary>
    public const double Furthest = 1e4;
    const int Noises = 101;

    readonly Law law;
    readonly LawForm form;
    readonly double[] best;

    public Prediction(Law law)
    {
        if (!law.Identified) throw Refused(law, law.Verdict.Text);
        (this.law, form) = (law, law.Form);
        best = [.. law.Parameters.Select(p => p.Estimate.Value)];
    }

    public Estimate Surface(double n, double d, double unique)
    {
        if (!form.IsSurface) throw Refused(law, $"{law.Formula} does not take N and D");
        if (law.Residuals.Count > 0)
        {
            Check(n, law.Residuals.Min(r => r.N), law.Residuals.Max(r => r.N), "N");
            Check(d, law.Residuals.Min(r => r.D), law.Residuals.Max(r => r.D), "D");
        }
        Check(law.FlopsPerNd * n * d, law.MinFlops, law.MaxFlops, "C");
        var x = new Inputs(n, d, unique, 0);
        LawForm f = form;
        return NewRun(f.At(best, x), p => f.At(p, x));
    }

    public Estimate Curve(double at)
    {
        if (form.IsSurface) throw Refused(law, $"{law.Formula} takes N and D");
        double span = law.MaxX - law.MinX;
        if (!form.ReadsLoss) Check(at, law.MinX, law.MaxX, "x");
        else if (!(at >= law.MinX - span && at <= law.MaxX + span))
            throw Refused(law, FormattableString.Invariant(
                $"x = {at:0.###} lies further outside of the points ({law.MinX:0.###} … {law.MaxX:0.###}) than they span"));
        var x = new Inputs(at, at, at, at);
        LawForm f = form;
        return form.HasWidth ? Drifting(f.At(best, x), at) : NewRun(f.At(best, x), p => f.At(p, x));
    }

    /// <summary>A new run by a form that knows its own width.</summary>
    Estimate Drifting(double value, double at)
    {
        double drift = form.Drift(best, at), wide = LocalTrend.Quantile(law.DegreesOfFreedom, 0.975)
            * Math.Sqrt(drift * drift + law.NoiseSd * law.NoiseSd);
        return new(value, value * Math.Exp(-wide), value * Math.Exp(wide));
    }

    public Estimate AtFlops(double flops)
    {
        if (form.IsSurface && !form.HasOptimum) throw Refused(law, $"{law.Formula} takes N and D, and no split of FLOPs is best");
        Check(flops, law.MinFlops, law.MaxFlops, "C");
        if (!form.IsSurface) return form.ReadsFlops ? Curve(flops) : throw Refused(law, $"{law.Formula} is not a law of compute");
        Law l = law;
        return NewRun(law.ValueAt(best, flops), p => l.ValueAt(p, flops));
    }

    public Optimum Optimal(double flops)
    {
        if (!form.HasOptimum && form is not Allocation) throw Refused(law, $"{law.Formula} does not split compute into N and D");
        Check(flops, law.MinFlops, law.MaxFlops, "C");
        LawForm f = form;
        double k = law.FlopsPerNd;
        return new(flops, Of(p => f.OptimalN(p, flops, k)), Of(p => f.OptimalD(p, flops, k)),
            Of(p => f.OptimalD(p, flops, k) / f.OptimalN(p, flops, k)), AtFlops(flops));
    }

    void Check(double at, double least, double most, string name)
    {
        if (!(at > 0) || !double.IsFinite(at)) throw Refused(law, FormattableString.Invariant($"{name} = {at} must be positive"));
        if (at > Furthest * most)
            throw Refused(law, FormattableString.Invariant(
                $"{name} = {at:0.##e0} is {at / most:0.#e0} times the largest point ({most:0.##e0}); at most {Furthest:0e0}"));
        if (at < least / Furthest)
            throw Refused(law, FormattableString.Invariant(
                $"{name} = {at:0.##e0} is 1/{least / at:0.#e0} of the smallest point ({least:0.##e0}); ") +
                FormattableString.Invariant($"at least 1/{Furthest:0e0}"));
    }

    static DataException Refused(Law law, string why) => new(law.Identified
        ? $"not predicted: {why}" : $"not identified: {why.Replace("not identified: ", "")}");

    /// <summary>A quantity of the law alone: quantiles over the resamples.</summary>
    Estimate Of(Func<double[], double> quantity)
    {
        double value = quantity(best);
        double[] draws = [.. law.Draws.Select(quantity).Where(double.IsFinite).Order()];
        return draws.Length < 20 || !law.Fits ? Estimate.Of(value)
            : Quantile.Interval(value, draws);
    }

    /// <summary>A new run: every resample with every error (at most 101 of them, evenly along their order).</summary>
    Estimate NewRun(double value, Func<double[], double> at)
    {
        if (!double.IsFinite(value)) throw Refused(law, "the law has no value there");
        if (value < 0 && law.Residuals.Count > 0 && law.Residuals.All(r => r.Loss > 0))
            throw Refused(law, FormattableString.Invariant($"the law is negative there, {value:0.####}, and no point is"));
        double[] noise = Noise(), draws = [.. law.Draws.Select(at).Where(double.IsFinite)];
        if (draws.Length < 20 || !law.Fits) return Estimate.Of(value);
        double[] all = new double[draws.Length * noise.Length];
        for (int i = 0; i < draws.Length; i++)
            for (int j = 0; j < noise.Length; j++)
                all[i * noise.Length + j] = FitProblem.Shift(law.Objective, draws[i], noise[j]);
        Array.Sort(all);
        double widen = law.NoiseSd > 0 ? 1 : StudentT.InvCDF(0, 1, law.DegreesOfFreedom, 0.975) / 1.959963984540054;
        return new(value, value - widen * Math.Max(0, value - Quantile.Of(all, 0.025)),
            value + widen * Math.Max(0, Quantile.Of(all, 0.975) - value));
    }

    /// <summary>
    /// Student's t of the noise where errors were drawn; else residuals, enlarged since a fit makes its own points' small:
    /// √(clusters/degrees of freedom).
    /// </summary>
    double[] Noise()
    {
        if (law.NoiseSd is > 0 and var sd)
        {
            var t = new StudentT(0, sd, law.DegreesOfFreedom);
            return [.. Enumerable.Range(0, Noises).Select(i => t.InverseCumulativeDistribution((i + 0.5) / Noises))];
        }
        double[] sorted = [.. law.Residuals.Select(r => r.Value).Order()];
        if (sorted.Length == 0) return [0];
        double enlarge = Math.Sqrt(law.Groups / law.DegreesOfFreedom);
        int n = Math.Min(Noises, sorted.Length);
        return [.. Enumerable.Range(0, n).Select(i => enlarge * Quantile.Of(sorted, (i + 0.5) / n))];
    }
}
