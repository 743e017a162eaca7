using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Statistics;

/// <summary>A mean over seeds and items.</summary>
/// <param name="Error">its standard error</param> <param name="Freedom">degrees of freedom of the error</param>
readonly record struct TwoLevel(double Mean, double Error, double Freedom)
{
    /// <summary>
    /// Seeds are drawn, and so are the items, a template at a time; both kinds of noise add: var = Var_seeds / S +
    /// Var_clusters, with
    /// Satterthwaite's degrees of freedom. With one seed its noise is unknown, and the error is that of the items alone.
    /// </summary>
    /// <param name="values">of each seed, a value an item</param> <param name="clusters">of each item</param>
    public static TwoLevel Of(IReadOnlyList<double[]> values, IReadOnlyList<string> clusters)
    {
        int seeds = values.Count, items = clusters.Count;
        double[] bySeed = [.. values.Select(v => v.Average())];
        double mean = bySeed.Average();
        double seedPart = seeds < 2 ? 0 : bySeed.Sum(m => (m - mean) * (m - mean)) / (seeds - 1) / seeds;
        double[] sums = [.. Enumerable.Range(0, items).GroupBy(i => clusters[i])
            .Select(g => g.Sum(i => values.Average(v => v[i]) - mean))];
        double itemPart = sums.Length < 2 ? 0 : sums.Length / (sums.Length - 1.0) * sums.Sum(s => s * s) / items / items;
        double variance = seedPart + itemPart;
        double freedom = variance == 0 ? Math.Max(1, sums.Length - 1) : variance * variance /
            ((seeds < 2 ? 0 : seedPart * seedPart / (seeds - 1)) + (sums.Length < 2 ? 0
                : itemPart * itemPart / (sums.Length - 1)));
        return new(mean, Math.Sqrt(variance), Math.Max(1, freedom));
    }

    /// <summary>
    /// Of each seed's share of the same items: their noise adds as above, and that of the items is p(1 − p)/n, as if seeds
    /// did not differ in which are right.
    /// </summary>
    public static TwoLevel OfShares(IReadOnlyList<double> shares, int items)
    {
        if (shares.Count == 0) return new(double.NaN, double.NaN, 1);
        TwoLevel seeds = OfSeeds(shares);
        return Sum(seeds.Mean, seeds with { Error = double.IsNaN(seeds.Error) ? 0 : seeds.Error },
            new(0, Math.Sqrt(seeds.Mean * (1 - seeds.Mean) / items), Math.Max(1, items - 1)));
    }

    /// <summary>Of values that differ from seed to seed alone; of one seed without an error.</summary>
    public static TwoLevel OfSeeds(IReadOnlyList<double> values) => values.Count == 0 ? new(double.NaN, double.NaN, 1)
        : new(values.Average(), values.Count < 2 ? double.NaN : values.StandardDeviation() / Math.Sqrt(values.Count),
            Math.Max(1, values.Count - 1));

    /// <summary>Of two independent means.</summary>
    public static TwoLevel Difference(TwoLevel a, TwoLevel b) => Sum(a.Mean - b.Mean, a, b);

    /// <summary>Errors of two independent parts, with Satterthwaite's degrees of freedom.</summary>
    static TwoLevel Sum(double mean, TwoLevel a, TwoLevel b)
    {
        double u = a.Error * a.Error, v = b.Error * b.Error;
        return new(mean, Math.Sqrt(u + v), u + v == 0 ? Math.Min(a.Freedom, b.Freedom)
            : Math.Max(1, (u + v) * (u + v) / (u * u / a.Freedom + v * v / b.Freedom)));
    }

    /// <summary>Half of the two-sided interval that covers the share.</summary>
    public double Half(double share) => Error == 0 ? 0 : StudentT.InvCDF(0, 1, Freedom, 0.5 + share / 2) * Error;

    /// <summary>
    /// As a share of so many items that all seeds were asked, with an interval that is never of no width: three seeds that are
    /// all right everywhere were right of these items, not of all. <see cref="ExactShare"/>.
    /// </summary>
    public Estimate Share(int items)
    {
        (double low, double high) = ExactShare.Of(Mean, Error, Freedom, items, 0.95);
        return new(Mean, low, high);
    }

    /// <summary>Ends of the 95 % interval.</summary>
    public (double Low, double High) Interval => (Mean - Half(0.95), Mean + Half(0.95));
}
