namespace Isoflop.Lab.Laws;

/// <summary>
/// The loss on one source as a function of the mixture trained on: L = c + k·exp(Σ_j t_j·r_j), r the shares of the sources.
/// Ye et al. 2024, arXiv:2403.16952.
/// </summary>
/// <param name="C">what no mixture takes away, nats a token; not below 0</param>
/// <param name="K">at even shares: shares sum to 1, so a common term of t is a factor of k, and t is taken to sum to 0</param>
/// <param name="T">by source; negative lowers the loss</param>
/// <param name="Error">root mean square of the residuals over the degrees of freedom, nats a token; NaN: none is left</param>
sealed record MixingLaw(double C, double K, IReadOnlyList<double> T, double Error)
{
    /// <summary>Least squares: for given c the exponent is a straight line; a grid over c, then all together.</summary>
    /// <param name="mixtures">[run][source], shares that sum to 1</param> <param name="losses">[run], nats a token</param>
    /// <exception cref="DataException">Fewer runs than parameters, or a loss that is not positive.</exception>
    public static MixingLaw Fit(IReadOnlyList<double[]> mixtures, IReadOnlyList<double> losses)
    {
        int sources = mixtures.Count == 0 ? 0 : mixtures[0].Length;
        if (mixtures.Count != losses.Count || mixtures.Count < sources + 1)
            throw new DataException($"{mixtures.Count} mixtures and {losses.Count} losses for the {sources + 1} parameters of " +
                "a mixing law; more runs are needed");
        if (losses.Any(l => !(l > 0 && double.IsFinite(l)))) throw new DataException("a mixing law needs losses above 0");
        const int Grid = 60;
        double least = losses.Min();
        double[] best = [];
        double value = double.PositiveInfinity;
        foreach (double share in Enumerable.Range(0, Grid).Select(i => i / (double)Grid))
        {
            double c = least * share;
            double[] start = [share, .. Exponent(mixtures, losses, c)];
            double rss = Rss(start);
            if (rss < value) (best, value) = (start, rss);
        }
        for (int round = 0; round < 3; round++) (best, value) = Minimiser.Simplex(Rss, best, 0.1);
        double mean = best.Skip(1).Average();
        int free = losses.Count - sources - 1;
        return new(least * Bounded(best[0]), Math.Exp(mean), [.. best.Skip(1).Select(t => t - mean)],
            free > 0 ? Math.Sqrt(value / free) : double.NaN);

        double Rss(double[] p)
        {
            double sum = 0, c = least * Bounded(p[0]);
            for (int i = 0; i < losses.Count; i++)
            {
                double at = 0;
                for (int j = 0; j < sources; j++) at += p[j + 1] * mixtures[i][j];
                sum += Math.Pow(losses[i] - c - Math.Exp(at), 2);
            }
            return sum;
        }
    }

    /// <summary>The loss of a mixture.</summary>
    public double Predict(IReadOnlyList<double> mixture)
    {
        double at = 0;
        for (int j = 0; j < mixture.Count; j++) at += T[j] * mixture[j];
        return C + K * Math.Exp(at);
    }

    // Out of [0, 1) the sum of squares would have no derivative or no meaning; a mirror keeps the search inside.
    static double Bounded(double share) => Math.Min(Math.Abs(share), 1 - 1e-9);

    /// <summary>ln(L − c) = Σ t_j r_j by least squares, weighted to be those of L.</summary>
    static double[] Exponent(IReadOnlyList<double[]> mixtures, IReadOnlyList<double> losses, double c)
    {
        int sources = mixtures[0].Length;
        var x = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.Dense(losses.Count, sources,
            (i, j) => (losses[i] - c) * mixtures[i][j]);
        var y = MathNet.Numerics.LinearAlgebra.Vector<double>.Build.Dense(losses.Count,
            i => (losses[i] - c) * Math.Log(losses[i] - c));
        return [.. x.Svd().Solve(y)];
    }
}
