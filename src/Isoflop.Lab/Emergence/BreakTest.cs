using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>What the test for a break found.</summary>
/// <param name="At">log10 of the compute at the best break</param> <param name="P">of the evenly bending curve</param>
/// <param name="Before">slope before it, a decade</param> <param name="After">slope after it</param>
public readonly record struct BreakResult(double At, double P, double Before, double After);

/// <summary>
/// Is a curve over log compute broken? Two straight pieces that meet are held against the evenly bending curves, a parabola and
/// S-curves that take <see cref="MapRules.SmoothDecades"/> or more, by T = (SSE of the best of these − SSE of the pieces) /
/// noise², and T against its own distribution when that best curve is true: simulated with the noise between the seeds, which is
/// estimated anew each time.
/// </summary>
static class BreakTest
{
    const int Simulations = 999, Places = 24;

    /// <param name="x">log10 of the compute of each rung, rising</param>
    /// <param name="y">of each rung, the values of its seeds</param>
    /// <returns>null: fewer than five rungs, or no noise to compare with</returns>
    public static BreakResult? Of(double[] x, double[][] y, ulong seed)
    {
        int n = x.Length;
        if (n < 5 || y.Sum(s => s.Length - 1) < 3) return null;
        double[] means = [.. y.Select(s => s.Average())];
        double noise = Noise(y);
        if (!(noise > 0)) return null;
        double[] places = [.. Enumerable.Range(0, Places).Select(i => x[1] + (x[^2] - x[1]) * i / (Places - 1.0))];
        double[][][] hinges = [.. places.Select(b => Basis(x, v => [1, v, Math.Max(0, v - b)]))];
        double[][][] smooth = Smooth(x);
        double Statistic(double[] m, double variance) =>
            (Residual(m, Best(m, smooth)) - Residual(m, Best(m, hinges))) / variance;
        double t = Statistic(means, noise);
        double[] even = Projected(means, Best(means, smooth));
        double spread = Math.Sqrt(Pooled(y));
        var rng = RandomUse.SuddenRise.Open(seed);
        int above = 0;
        var drawn = y.Select(s => new double[s.Length]).ToArray();
        var drawnMeans = new double[n];
        for (int i = 0; i < Simulations; i++)
        {
            for (int r = 0; r < n; r++)
            {
                for (int s = 0; s < drawn[r].Length; s++) drawn[r][s] = even[r] + spread * rng.NextNormal();
                drawnMeans[r] = drawn[r].Average();
            }
            if (Statistic(drawnMeans, Noise(drawn)) >= t) above++;
        }
        double at = places[Array.IndexOf(hinges, Best(means, hinges))];
        (double before, double after) = Slopes(x, means, at);
        return new(at, (1.0 + above) / (1 + Simulations), before, after);
    }

    /// <summary>A parabola, and S-curves of several widths (from 10 to 90 %) and middles, inside of the rungs and out.</summary>
    static double[][][] Smooth(double[] x) =>
        [Basis(x, v => [1, v, v * v]), .. from width in (double[])[1, 1.5, 2.5]
            from i in Enumerable.Range(0, Places)
            let middle = x[0] - 1 + (x[^1] - x[0] + 2) * i / (Places - 1.0)
            let scale = width * MapRules.SmoothDecades / (2 * Math.Log(9))
            select Basis(x, v => [1, 1 / (1 + Math.Exp((v - middle) / scale))])];

    /// <summary>Of several curves the one that leaves least.</summary>
    static double[][] Best(double[] y, double[][][] curves) => curves.MinBy(c => Residual(y, c))!;

    /// <summary>Variance of a rung's mean, pooled over the rungs.</summary>
    static double Noise(double[][] y) => Pooled(y) * y.Average(s => 1.0 / s.Length);

    static double Pooled(double[][] y) => y.Sum(s => Variance(s) * (s.Length - 1)) / Math.Max(1, y.Sum(s => s.Length - 1));

    /// <summary>Between seeds; of one alone 0.</summary>
    internal static double Variance(double[] s) => s.Length < 2 ? 0 : s.Variance();

    /// <summary>An orthonormal basis of what the functions span over x: Gram–Schmidt.</summary>
    static double[][] Basis(double[] x, Func<double, double[]> functions)
    {
        double middle = x.Average();
        double[][] rows = [.. x.Select(functions)];
        List<double[]> basis = [];
        for (int f = 0; f < rows[0].Length; f++)
        {
            double[] column = [.. rows.Select(r => r[f])];
            for (int pass = 0; pass < 2; pass++)                  // twice: x and x² are nearly parallel far from 0
                foreach (double[] b in basis)
                {
                    double along = Dot(column, b);
                    for (int i = 0; i < column.Length; i++) column[i] -= along * b[i];
                }
            double length = Math.Sqrt(Dot(column, column));
            if (length > 1e-9 * Math.Abs(middle)) basis.Add([.. column.Select(v => v / length)]);
        }
        return [.. basis];
    }

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    static double[] Projected(double[] y, double[][] basis)
    {
        var result = new double[y.Length];
        foreach (double[] b in basis)
        {
            double along = Dot(y, b);
            for (int i = 0; i < y.Length; i++) result[i] += along * b[i];
        }
        return result;
    }

    static double Residual(double[] y, double[][] basis)
    {
        double[] fitted = Projected(y, basis);
        double sum = 0;
        for (int i = 0; i < y.Length; i++) sum += (y[i] - fitted[i]) * (y[i] - fitted[i]);
        return sum;
    }

    /// <summary>Slopes of the two pieces.</summary>
    static (double Before, double After) Slopes(double[] x, double[] y, double at)
    {
        double[] f = Projected(y, Basis(x, v => [1, v, Math.Max(0, v - at)]));
        return ((f[1] - f[0]) / (x[1] - x[0]), (f[^1] - f[^2]) / (x[^1] - x[^2]));
    }
}
