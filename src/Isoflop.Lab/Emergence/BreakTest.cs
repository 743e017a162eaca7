using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>What the test for a break found.</summary>
/// <param name="At">log10 of the compute at the best break, of a step its middle</param>
/// <param name="P">of the smooth curve that fits best</param>
/// <param name="Before">slope of the falling line that the break stands on, a decade</param>
/// <param name="After">slope behind the break, of a step that within it, as the rungs show it</param>
readonly record struct BreakResult(double At, double P, double Before, double After);

/// <summary>
/// Does a curve over log compute fall all at once? Smooth is what falls as a sum of S-curves that take
/// <see cref="MapRules.SmoothDecades"/> from 10 to 90 % each, wherever they stand: any fall seen through a blur of that width,
/// so lines, power laws with a floor, slower S-curves, accelerating exponentials, several of them one after the other; and any
/// parabola. Sharp is a falling line that drops by a step of at most half as many decades, or that steepens at a point.
/// T = (SSE of the best smooth curve − SSE of the best sharp one) / s² is held against its own distribution when that best
/// smooth curve is true: simulated with the noise between the seeds, which is estimated anew each time. SSE is that of the
/// rungs' means, each with the weight of its seeds; s² is the variance of a seed, pooled.
/// </summary>
static class BreakTest
{
    /// <summary>A smooth curve and a sharp one have four parameters each.</summary>
    public const int MinRungs = 5;

    const int Simulations = 499, MinFreedom = 3;

    /// <summary>Decades between the middles that are tried.</summary>
    const double Between = MapRules.SmoothDecades / 8;

    /// <summary>Of an S-curve, 1/(1 + e^(−rate·x)), and so of its tails.</summary>
    static readonly double rate = 2 * Math.Log(9) / MapRules.SmoothDecades;

    /// <param name="x">log10 of the compute of each rung, rising</param>
    /// <param name="y">of each rung, the values of its seeds</param>
    /// <returns>null: fewer than five rungs, or no noise to compare with</returns>
    public static BreakResult? Of(double[] x, double[][] y, ulong seed)
    {
        int n = x.Length, freedom = y.Sum(s => s.Length - 1);
        if (n < MinRungs || freedom < MinFreedom) return null;
        double variance = y.Sum(s => Variance(s) * (s.Length - 1)) / freedom, spread = Math.Sqrt(variance);
        if (!(variance > 0)) return null;
        double[] roots = [.. y.Select(s => Math.Sqrt(s.Length))], means = [.. y.Zip(roots, (s, root) => s.Average() * root)];
        CurveSum[] smooth = [new(x, roots, Falling(x)), new(x, roots, Parabola(x))];
        (double At, CurveSum Curve)[] sharp = [.. from place in Places(x[1], x[^2], Between / 2) from f in Sharp(place)
            select (place, new CurveSum(x, roots, [v => -v, f]))];
        CurveSum[] broken = [.. sharp.Select(s => s.Curve)];
        double t = (Least(smooth, means) - Least(broken, means)) / variance;
        double[] even = smooth.MinBy(c => c.Residual(means))!.Fitted(means), drawn = new double[n];
        var rng = RandomUse.SuddenRise.Open(seed);
        int above = 0;
        for (int i = 0; i < Simulations; i++)
        {
            for (int r = 0; r < n; r++) drawn[r] = even[r] + spread * rng.NextNormal();
            double squares = 0;                                  // of normal values s² is independent of the means
            for (int k = 0; k < freedom; k++) squares += rng.NextNormal() is var z ? z * z : 0;
            if ((Least(smooth, drawn) - Least(broken, drawn)) / (variance * squares / freedom) >= t) above++;
        }
        (double at, CurveSum best) = sharp.MinBy(s => s.Curve.Residual(means));
        double[] fitted = [.. best.Fitted(means).Zip(roots, (f, root) => f / root)];
        double[] slopes = [.. Enumerable.Range(1, n - 1).Select(i => (fitted[i] - fitted[i - 1]) / (x[i] - x[i - 1]))];
        return new(at, (1.0 + above) / (1 + Simulations), slopes.Max(), slopes.Min());
    }

    /// <summary>S-curves inside of the rungs and a width outside; of those still farther away the tails; a line.</summary>
    static IEnumerable<Func<double, double>> Falling(double[] x)
    {
        double middle = (x[0] + x[^1]) / 2;
        return [v => -v, v => -Math.Exp(rate * (v - middle)), v => Math.Exp(-rate * (v - middle)),
            .. Places(x[0] - MapRules.SmoothDecades, x[^1] + MapRules.SmoothDecades, Between)
                .Select(at => (Func<double, double>)(v => -1 / (1 + Math.Exp(rate * (at - v)))))];
    }

    /// <summary>Either sign of its parts may be needed.</summary>
    static IEnumerable<Func<double, double>> Parabola(double[] x)
    {
        double middle = (x[0] + x[^1]) / 2;
        return [v => v, v => -v, v => (v - middle) * (v - middle), v => -(v - middle) * (v - middle)];
    }

    /// <summary>A steepening; steps that take an eighth to a half of a smooth curve's decades.</summary>
    static IEnumerable<Func<double, double>> Sharp(double at) => [v => -Math.Max(0, v - at),
        .. ((double[])[0.125, 0.25, 0.5]).Select(share => (Func<double, double>)(v =>
            -Math.Clamp((v - at) / (share * MapRules.SmoothDecades) + 0.5, 0, 1)))];

    static IEnumerable<double> Places(double from, double to, double step)
    {
        int steps = Math.Max(1, (int)Math.Round((to - from) / step));
        return Enumerable.Range(0, steps + 1).Select(i => from + (to - from) * i / steps);
    }

    static double Least(CurveSum[] curves, double[] y)
    {
        double least = double.PositiveInfinity;
        foreach (CurveSum c in curves) least = Math.Min(least, c.Residual(y));
        return least;
    }

    /// <summary>Between seeds; of one alone 0.</summary>
    internal static double Variance(double[] s) => s.Length < 2 ? 0 : s.Variance();
}
