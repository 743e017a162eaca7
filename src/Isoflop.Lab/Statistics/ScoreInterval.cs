using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Statistics;

/// <summary>A mean score with its 95 % interval, inside of [0, 1].</summary>
/// <param name="Clusters">templates the items come from</param>
/// <param name="Wilson">the interval is Wilson's, which takes items for independent</param>
public readonly record struct ScoreInterval(double Mean, double Low, double High, int Clusters, bool Wilson)
{
    /// <summary>With fewer items the sum of few clusters is no bell curve: Wilson's interval is taken.</summary>
    internal const int FewItems = 30;

    const double Z = 1.959963984540054;

    /// <summary>
    /// Of scores whose items vary together within a cluster: mean ± t·se, se² = G/(G − 1) · Σ_g (Σ_{i∈g} (s_i − s̄))² / n²,
    /// t of G − 1 degrees of freedom. Miller 2024, "Adding Error Bars to Evals", arXiv:2411.00640; the factor and the degrees
    /// of freedom are for few clusters (Cameron &amp; Miller 2015, J. Human Resources 50(2), §VI).
    /// </summary>
    /// <remarks>
    /// Wilson's score interval instead (Wilson 1927, JASA 22) with one cluster only, below 30 items, and where all scores agree:
    /// there clusters tell nothing of the spread. Of one cluster it speaks for that template alone.
    /// </remarks>
    public static ScoreInterval Of(IReadOnlyList<(double Score, string Cluster)> scores)
    {
        int n = scores.Count;
        if (n == 0) return new(double.NaN, double.NaN, double.NaN, 0, true);
        double mean = scores.Average(s => s.Score);
        double[] sums = [.. scores.GroupBy(s => s.Cluster).Select(g => g.Sum(s => s.Score - mean))];
        int clusters = sums.Length;
        double error = clusters < 2 ? 0 : Math.Sqrt(clusters / (clusters - 1.0) * sums.Sum(s => s * s)) / n;
        if (clusters < 2 || n < FewItems || scores.All(s => s.Score == scores[0].Score)) return OfWilson(mean, n, clusters);
        double half = StudentT.InvCDF(0, 1, clusters - 1, 0.975) * error;
        return new(mean, Math.Max(0, mean - half), Math.Min(1, mean + half), clusters, false);
    }

    static ScoreInterval OfWilson(double mean, int n, int clusters)
    {
        double z2 = Z * Z, centre = (mean + z2 / (2 * n)) / (1 + z2 / n);
        double half = Z * Math.Sqrt(mean * (1 - mean) / n + z2 / (4.0 * n * n)) / (1 + z2 / n);
        return new(mean, Math.Max(0, centre - half), Math.Min(1, centre + half), clusters, true);
    }
}
