using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Statistics;

/// <summary>
/// Values of two models on the same items: D = Σ(a − b) / Σw, the mean difference where every weight is 1, a difference of ratios
/// (bits a byte) otherwise. Clusters vary together, so everything here is reckoned over the G sums S_c = Σ(a − b) of clusters.
/// </summary>
sealed class PairedSample
{
    /// <summary>Fewer clusters than this never reach 5 %: 2 · 2⁻⁵ = 0.0625.</summary>
    internal const int MinClusters = 6;
    /// <summary>Up to so many clusters that differ, all 2^k signs are tried.</summary>
    const int ExactUpTo = 16;

    readonly double[] a, b, sums, weights;
    readonly double weight;

    /// <param name="w">weights; null: 1 each</param> <param name="clusters">key of each item's cluster</param>
    public PairedSample(double[] a, double[] b, double[]? w, IReadOnlyList<string> clusters)
    {
        (this.a, this.b) = (a, b);
        var at = new Dictionary<string, int>();
        foreach (string key in clusters) at.TryAdd(key, at.Count);
        (sums, weights) = (new double[at.Count], new double[at.Count]);
        for (int i = 0; i < a.Length; i++)
        {
            int c = at[clusters[i]];
            sums[c] += a[i] - b[i];
            weights[c] += w?[i] ?? 1;
        }
        weight = weights.Sum();
        Binary = w is null && a.Concat(b).All(v => v is 0 or 1);
    }

    public int Items => a.Length;
    public int Clusters => sums.Length;
    public double MeanA => a.Sum() / weight;
    public double MeanB => b.Sum() / weight;
    public double Difference => sums.Sum() / weight;
    /// <summary>Nothing but 0 and 1.</summary>
    public bool Binary { get; }
    /// <summary>Right on one side alone.</summary>
    public int OnlyA => a.Zip(b).Count(p => p.First > p.Second);
    public int OnlyB => a.Zip(b).Count(p => p.First < p.Second);

    /// <summary>
    /// Cluster-robust: √(G/(G − 1) · Σ_c (S_c − D·W_c)²) / Σw; NaN for a single cluster. Liang &amp; Zeger 1986,
    /// doi:10.1093/biomet/73.1.13.
    /// </summary>
    public double StandardError
    {
        get
        {
            if (Clusters < 2) return double.NaN;
            double squares = 0, d = Difference;
            for (int c = 0; c < Clusters; c++) squares += Math.Pow(sums[c] - d * weights[c], 2);
            return Math.Sqrt(squares * Clusters / (Clusters - 1)) / weight;
        }
    }

    /// <summary>D ± t·SE at 95 %, G − 1 degrees of freedom; null for a single cluster.</summary>
    public (double Low, double High)? Interval()
    {
        if (Clusters < 2) return null;
        double half = StudentT.InvCDF(0, 1, Clusters - 1, 0.975) * StandardError;
        return (Difference - half, Difference + half);
    }

    /// <summary>
    /// The smallest true difference that a sample like this shows four times in five: (t₀.₉₇₅ + t₀.₈)·SE. No test sees fewer than
    /// six items that differ, so 0/1 scores need at least 6/n. Null: nothing could have been seen.
    /// </summary>
    public double? Detectable()
    {
        if (Clusters < MinClusters) return null;
        double least = (StudentT.InvCDF(0, 1, Clusters - 1, 0.975) + StudentT.InvCDF(0, 1, Clusters - 1, 0.8)) * StandardError;
        if (Binary) return Math.Max(least, (double)MinClusters / Items);
        return least > 0 ? least : null;
    }

    /// <summary>95 % percentile interval of D over resampled clusters; null for a single cluster.</summary>
    /// <remarks>Each draw has a stream of its own: the result does not depend on threads.</remarks>
    public (double Low, double High)? Bootstrap(int draws, ulong seed, long stream, CancellationToken stop)
    {
        if (Clusters < 2 || draws < 1) return null;
        double[] means = Draw(draws, stop, draw =>
        {
            var rng = RandomUse.Resample.Open(seed, stream, draw);
            double sum = 0, w = 0;
            for (int c = 0; c < sums.Length; c++)
            {
                int taken = rng.NextInt(sums.Length);
                sum += sums[taken];
                w += weights[taken];
            }
            return sum / w;
        });
        Array.Sort(means);
        return (Quantile.Of(means, 0.025), Quantile.Of(means, 0.975));
    }

    /// <summary>
    /// Two-sided p that A and B are alike: their names are exchanged in whole clusters. All 2^k ways where few clusters differ,
    /// else (1 + as far or farther)/(1 + draws). Without clusters and for 0/1 it is <see cref="McNemar"/>.
    /// </summary>
    public (double P, string Name) Test(int draws, ulong seed, long stream, CancellationToken stop)
    {
        if (Binary && Clusters == Items) return (McNemar(OnlyA, OnlyB), "McNemar, exact");
        string unit = Clusters == Items ? "sign flip" : "sign flip of clusters";
        double[] differing = [.. sums.Where(s => s != 0)];
        if (differing.Length == 0) return (1, unit + ", exact");
        double bound = Math.Abs(differing.Sum()) - 1e-9 * differing.Sum(Math.Abs);
        if (differing.Length <= ExactUpTo) return (Exact(differing, bound), unit + ", exact");
        double[] far = Draw(draws, stop, draw =>
        {
            var rng = RandomUse.Exchange.Open(seed, stream, draw);
            double sum = 0;
            uint signs = 0;
            for (int c = 0; c < differing.Length; c++, signs >>= 1)
            {
                if (c % 32 == 0) signs = rng.NextUInt32();
                sum += (signs & 1) == 0 ? differing[c] : -differing[c];
            }
            return Math.Abs(sum) >= bound ? 1 : 0;
        });
        return ((1 + far.Sum()) / (1 + draws), unit);
    }

    static double Exact(double[] differing, double bound)
    {
        int far = 0, all = 1 << differing.Length;
        for (int signs = 0; signs < all; signs++)
        {
            double sum = 0;
            for (int c = 0; c < differing.Length; c++) sum += (signs >> c & 1) == 0 ? differing[c] : -differing[c];
            if (Math.Abs(sum) >= bound) far++;
        }
        return (double)far / all;
    }

    static double[] Draw(int draws, CancellationToken stop, Func<int, double> one)
    {
        double[] all = new double[draws];
        Parallel.For(0, draws, new() { CancellationToken = stop }, d => all[d] = one(d));
        return all;
    }

    /// <summary>min(1, 2·P(X ≤ min(b, c))), X binomial(b + c, ½). McNemar 1947, doi:10.1007/BF02295996.</summary>
    public static double McNemar(int b, int c) =>
        b == c ? 1 : Math.Min(1, 2 * Binomial.CDF(0.5, b + c, Math.Min(b, c)));

    /// <summary>p adjusted for being one of several: the sorted times m, m − 1, …, made monotone. Holm 1979.</summary>
    public static double[] Holm(IReadOnlyList<double> p)
    {
        double[] adjusted = new double[p.Count];
        double largest = 0;
        int left = p.Count;
        foreach (int i in Enumerable.Range(0, p.Count).OrderBy(i => p[i]))
            adjusted[i] = largest = Math.Max(largest, Math.Min(1, left-- * p[i]));
        return adjusted;
    }
}
