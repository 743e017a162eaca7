namespace Isoflop.Lab.Emergence;

/// <summary>
/// Curves c + Σ w_j·f_j(x), any c and w_j ≥ 0, fitted by least squares to rungs of unequal weight: the active-set method of
/// Lawson &amp; Hanson 1974, "Solving Least Squares Problems", ch. 23. A sum of the f and never a difference: f that bend slowly
/// make no curve that bends fast.
/// </summary>
sealed class CurveSum
{
    const double Tolerance = 1e-9;

    readonly double[] constant;
    readonly double[][] columns;
    readonly double[,] gram;

    /// <param name="x">places of the rungs</param> <param name="roots">√weight of each rung</param>
    public CurveSum(double[] x, double[] roots, IEnumerable<Func<double, double>> functions)
    {
        constant = Unit(roots);
        columns = [.. functions.Select(f => Unit(Without(constant, [.. x.Select((v, i) => f(v) * roots[i])])))];
        gram = new double[columns.Length, columns.Length];
        for (int i = 0; i < columns.Length; i++)
            for (int j = 0; j < columns.Length; j++) gram[i, j] = Dot(columns[i], columns[j]);
    }

    /// <summary>Least Σ (√weight·(y − curve))².</summary>
    /// <param name="y">of each rung, times √weight</param>
    public double Residual(double[] y)
    {
        Span<double> along = stackalloc double[columns.Length], weights = stackalloc double[columns.Length];
        Weights(y, along, weights);
        double c = Dot(y, constant), sum = Dot(y, y) - c * c;
        for (int j = 0; j < weights.Length; j++) sum -= weights[j] * along[j];
        return Math.Max(0, sum);
    }

    /// <summary>The best curve's values, times √weight.</summary>
    public double[] Fitted(double[] y)
    {
        Span<double> along = stackalloc double[columns.Length], weights = stackalloc double[columns.Length];
        Weights(y, along, weights);
        double[] fitted = [.. constant.Select(v => v * Dot(y, constant))];
        for (int j = 0; j < weights.Length; j++)
            for (int i = 0; i < fitted.Length; i++) fitted[i] += weights[j] * columns[j][i];
        return fitted;
    }

    /// <param name="along">out: products of the columns with y</param>
    void Weights(double[] y, Span<double> along, Span<double> weights)
    {
        int most = Math.Min(columns.Length, y.Length - 1), active = 0;
        Span<int> set = stackalloc int[most];
        Span<double> solved = stackalloc double[most];
        for (int j = 0; j < columns.Length; j++) along[j] = Dot(y, columns[j]);
        double least = Tolerance * Math.Sqrt(Dot(y, y));
        while (active < most && Steepest(along, weights, least) is >= 0 and int next)
        {
            set[active++] = next;
            while (active > 0)
            {
                // A column that is a mixture of those there adds nothing but rounding: done.
                if (!Solve(set[..active], along, solved)) return;
                if (set[active - 1] == next && weights[next] == 0 && solved[active - 1] <= 0) return;
                double step = 1;
                for (int k = 0; k < active; k++)
                    if (solved[k] <= 0) step = Math.Min(step, weights[set[k]] / (weights[set[k]] - solved[k]));
                int kept = 0;
                for (int k = 0; k < active; k++)
                {
                    double w = weights[set[k]] + step * (solved[k] - weights[set[k]]);
                    bool stays = step == 1 || (w > 0 && !(solved[k] <= 0 && w < least));
                    weights[set[k]] = stays ? w : 0;
                    if (stays) set[kept++] = set[k];
                }
                bool whole = kept == active;
                active = kept;
                if (whole) break;
            }
        }
    }

    /// <summary>The column outside of the sum that would lower the residual fastest; −1: none would.</summary>
    int Steepest(ReadOnlySpan<double> along, ReadOnlySpan<double> weights, double least)
    {
        int best = -1;
        for (int j = 0; j < along.Length; j++)
        {
            if (weights[j] > 0) continue;
            double slope = along[j];
            for (int k = 0; k < along.Length; k++)
                if (weights[k] > 0) slope -= gram[j, k] * weights[k];
            if (slope > least) (best, least) = (j, slope);
        }
        return best;
    }

    /// <summary>Least squares over the active columns: Cholesky. False: they depend on one another.</summary>
    bool Solve(ReadOnlySpan<int> set, ReadOnlySpan<double> along, Span<double> solved)
    {
        int n = set.Length;
        Span<double> l = stackalloc double[n * n];
        for (int i = 0; i < n; i++)
        {
            double rest = along[set[i]];
            for (int j = 0; j <= i; j++)
            {
                double sum = gram[set[i], set[j]];
                for (int k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
                if (j < i) l[i * n + j] = sum / l[j * n + j];
                else if (sum < Tolerance) return false;
                else l[i * n + i] = Math.Sqrt(sum);
                if (j < i) rest -= l[i * n + j] * solved[j];
            }
            solved[i] = rest / l[i * n + i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) solved[i] -= l[k * n + i] * solved[k];
            solved[i] /= l[i * n + i];
        }
        return true;
    }

    static double[] Without(double[] unit, double[] v)
    {
        double along = Dot(v, unit);
        return [.. v.Zip(unit, (a, b) => a - along * b)];
    }

    static double[] Unit(double[] v) => Math.Sqrt(Dot(v, v)) is > 0 and var length ? [.. v.Select(a => a / length)] : v;

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
