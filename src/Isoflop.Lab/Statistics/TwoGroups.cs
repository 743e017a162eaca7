using System.Collections.Concurrent;

namespace Isoflop.Lab.Statistics;

/// <summary>
/// Do values fall into two groups? The statistic is the excess mass: how much more of the values two intervals can hold than one,
/// at the price of λ a unit of length, for the λ at which that is most: max over λ of E₂(λ) − E₁(λ),
/// Eₘ(λ) = max over m disjoint intervals of Σ (share in it − λ·length). Müller &amp; Sawitzki 1991,
/// doi:10.1080/01621459.1991.10475103; it is twice the dip of Hartigan &amp; Hartigan 1985, doi:10.1214/aos/1176346577. Its null
/// is any distribution with one mode: of those, the uniform one has the largest values, and p is the share of simulated uniform
/// samples that reach this one.
/// </summary>
static class TwoGroups
{
    const int Draws = 20_000;

    // Of each size of sample: sorted statistics of uniform ones.
    static readonly ConcurrentDictionary<int, double[]> nulls = new();

    /// <summary>0 where one interval does as well, up to a half: two points with half of the values each.</summary>
    public static double Excess(IEnumerable<double> values)
    {
        double[] x = [.. values.Order()];
        double most = 0;
        foreach (double price in Prices(x))
        {
            // Along the values: the best that one and two intervals hold so far, and while one is open.
            double one = 0, two = 0, inOne = double.NegativeInfinity, inTwo = double.NegativeInfinity;
            for (int i = 0; i < x.Length; i++)
            {
                double step = i == 0 ? 0 : price * (x[i] - x[i - 1]), share = 1.0 / x.Length;
                (inOne, inTwo) = (share + Math.Max(inOne - step, 0), share + Math.Max(inTwo - step, one));
                (one, two) = (Math.Max(one, inOne), Math.Max(two, inTwo));
            }
            most = Math.Max(most, two - one);
        }
        return most;
    }

    /// <summary>
    /// Prices at which the best single interval changes, where the difference has its maxima: the corners of the upper hull of
    /// (length of the shortest interval with k values, k).
    /// </summary>
    static List<double> Prices(double[] x)
    {
        List<(double Length, double Share)> hull = [];
        for (int k = 1; k <= x.Length; k++)
        {
            double shortest = double.PositiveInfinity;
            for (int i = 0; i + k <= x.Length; i++) shortest = Math.Min(shortest, x[i + k - 1] - x[i]);
            (double Length, double Share) next = (shortest, (double)k / x.Length);
            while (hull.Count > 0 && (hull[^1].Length >= next.Length
                || hull.Count > 1 && Slope(hull[^2], hull[^1]) <= Slope(hull[^1], next))) hull.RemoveAt(hull.Count - 1);
            hull.Add(next);
        }
        return [.. hull.Zip(hull.Skip(1), Slope)];

        static double Slope((double Length, double Share) a, (double Length, double Share) b) =>
            (b.Share - a.Share) / (b.Length - a.Length);
    }

    /// <summary>How often one group looks like two as much as these.</summary>
    public static double P(IReadOnlyList<double> values)
    {
        double[] null_ = nulls.GetOrAdd(values.Count, static n =>
        {
            double[] all = new double[Draws];
            Parallel.For(0, Draws, i =>
            {
                var rng = RandomUse.Groups.Open(1, step: n, index: i);
                var sample = new double[n];
                for (int k = 0; k < n; k++) sample[k] = rng.NextDouble();
                all[i] = Excess(sample);
            });
            Array.Sort(all);
            return all;
        });
        double own = Excess(values);
        int first = Array.FindIndex(null_, v => v >= own - 1e-12);
        return (1.0 + (first < 0 ? 0 : Draws - first)) / (1 + Draws);
    }
}
