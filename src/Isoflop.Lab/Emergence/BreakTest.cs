namespace Isoflop.Lab.Emergence;

/// <summary>What the test for a break found.</summary>
/// <param name="At">log10 of the compute at the best break</param> <param name="P">of the evenly bending curve</param>
/// <param name="Before">slope before it, a decade</param> <param name="After">slope after it</param>
public readonly record struct BreakResult(double At, double P, double Before, double After);

/// <summary>
/// Is a curve over log compute broken? Two straight pieces that meet are held against a parabola, the evenly bending curve, by
/// T = (SSE of the parabola − SSE of the pieces) / noise², and T against its own distribution when the parabola is true:
/// simulated
/// with the noise between the seeds, which is estimated anew each time.
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
        double[][] parabola = Basis(x, v => [1, v, v * v]);
        double[] places = [.. Enumerable.Range(0, Places).Select(i => x[1] + (x[^2] - x[1]) * i / (Places - 1.0))];
        double[][][] hinges = [.. places.Select(b => Basis(x, v => [1, v, Math.Max(0, v - b)]))];
        double Statistic(double[] m, double variance, out int best)
        {
            double least = double.PositiveInfinity;
            best = 0;
            for (int i = 0; i < hinges.Length; i++)
                if (Residual(m, hinges[i]) is var r && r < least) (least, best) = (r, i);
            return (Residual(m, parabola) - least) / variance;
        }
        double t = Statistic(means, noise, out int place);
        double[] smooth = Projected(means, parabola);
        double spread = Math.Sqrt(y.Sum(s => Variance(s) * (s.Length - 1)) / y.Sum(s => s.Length - 1));
        var rng = new Rng(seed, RandomPurpose.Bootstrap);
        int above = 0;
        var drawn = y.Select(s => new double[s.Length]).ToArray();
        var drawnMeans = new double[n];
        for (int i = 0; i < Simulations; i++)
        {
            for (int r = 0; r < n; r++)
            {
                for (int s = 0; s < drawn[r].Length; s++) drawn[r][s] = smooth[r] + spread * rng.NextNormal();
                drawnMeans[r] = drawn[r].Average();
            }
            if (Statistic(drawnMeans, Noise(drawn), out _) >= t) above++;
        }
        (double before, double after) = Slopes(x, means, places[place]);
        return new(places[place], (1.0 + above) / (1 + Simulations), before, after);
    }

    /// <summary>Variance of a rung's mean, pooled over the rungs.</summary>
    static double Noise(double[][] y) =>
        y.Sum(s => Variance(s) * (s.Length - 1)) / Math.Max(1, y.Sum(s => s.Length - 1)) * y.Average(s => 1.0 / s.Length);

    static double Variance(double[] s)
    {
        if (s.Length < 2) return 0;
        double mean = s.Average();
        return s.Sum(v => (v - mean) * (v - mean)) / (s.Length - 1);
    }

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
