using Isoflop.Lab.Emergence;
using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Emergence;

public class TwoGroupsTests
{
    static double[] Sample(int n, ulong seed, Func<Func<double>, Func<double>, double> draw)
    {
        var rng = new Rng(seed, RandomPurpose.Test, n);
        return [.. Enumerable.Range(0, n).Select(_ => draw(() => rng.NextDouble(), () => rng.NextNormal()))];
    }

    [Fact]
    public void The_excess_is_that_of_its_definition()
    {
        for (ulong seed = 1; seed <= 30; seed++)
        {
            double[] x = [.. Sample(7, seed, (u, _) => u()).Order()];
            var intervals = (from i in Enumerable.Range(0, 7)
                             from j in Enumerable.Range(i, 7 - i)
                             select (From: i, To: j, Length: x[j] - x[i], Share: (j - i + 1) / 7.0)).ToList();
            var sets = intervals.Select(a => (a.Length, a.Share)).ToList();
            var pairs = (from a in intervals from b in intervals where a.To < b.From select (Length: a.Length + b.Length, Share: a.Share + b.Share)).ToList();
            // Both excesses are the upper hull of lines in the price: the difference has its maxima where some two lines cross.
            double[] prices = [.. from a in sets.Concat(pairs) from b in sets.Concat(pairs)
                where a.Length > b.Length + 1e-12 && a.Share > b.Share select (a.Share - b.Share) / (a.Length - b.Length)];
            double most = prices.Max(price => Math.Max(pairs.Max(p => p.Share - price * p.Length), sets.Max(p => p.Share - price * p.Length))
                - sets.Max(p => p.Share - price * p.Length));
            Assert.Equal(most, TwoGroups.Excess(x.Reverse()), 12);
        }
    }

    [Fact]
    public void Known_samples_have_the_excess_of_twice_their_dip()
    {
        Assert.Equal(1.0 / 12, TwoGroups.Excess(Enumerable.Range(0, 12).Select(i => (double)i)), 12);
        Assert.Equal(0.5, TwoGroups.Excess([0, 0, 0, 0, 1, 1, 1, 1]), 12);
        Assert.Equal(0.25, TwoGroups.Excess([0, 0, 0, 0, 0, 0, 1, 1]), 12);
    }

    [Theory]
    [InlineData(8), InlineData(32)]
    public void One_group_is_called_two_as_seldom_as_promised_and_two_far_ones_are_found(int seeds)
    {
        const int Tries = 400;
        int Called(ulong first, Func<Func<double>, Func<double>, double> draw) =>
            Enumerable.Range(0, Tries).Count(i => TwoGroups.P(Sample(seeds, first + (ulong)i, draw)) <= 0.05);

        // Binomial(400, 0.05): 34 or more come in one test of a thousand, 8 or fewer too. The uniform null is exact, all others below it.
        Assert.InRange(Called(1000, (u, _) => u()), 9, 33);
        Assert.InRange(Called(2000, (_, n) => n()), 0, 33);
        Assert.InRange(Called(3000, (u, _) => Math.Pow(u(), 3)), 0, 33);
        Assert.InRange(Called(4000, (u, n) => u() < 0.9 ? 0.1 * n() : 3 * u()), 0, 33);       // a tail is no group
        if (seeds == 32) Assert.InRange(Called(5000, (u, n) => (u() < 0.5 ? 0 : 6) + n()), 320, Tries);        // the goal: 80 %
    }

    [Fact]
    public void A_maps_seeds_are_counted_by_budget_and_only_a_mixed_one_is_two_groups()
    {
        string path = Path.GetTempFileName();
        try
        {
            var rng = new Rng(5, RandomPurpose.Test);
            var lines = new List<string> { "task,flops,seed,accuracy,items,chance" };
            foreach ((double flops, double through) in ((double, double)[])[(1e9, 0), (1e10, 0.5), (1e11, 1)])
                for (int s = 0; s < 32; s++)
                    lines.Add(FormattableString.Invariant(
                        $"parity,{flops},{s},{Math.Round(256 * (s < 32 * through ? 0.95 + 0.05 * rng.NextDouble() : 0.45 + 0.1 * rng.NextDouble())) / 256},256,0.5"));
            File.WriteAllLines(path, lines);
            IReadOnlyList<SeedGroups> cells = SeedGroups.All(CapabilityMap.OfTable(path, new(), []));
            Assert.Equal([0, 16, 32], cells.Select(c => c.Through));
            Assert.Equal([false, true, false], cells.Select(c => c.Two));
            Assert.Equal(0, cells[0].Range.Low);
            Assert.Equal(1 - Math.Pow(0.025, 1.0 / 32), cells[0].Range.High, 1e-9);
            Assert.InRange(cells[1].Range.Low, 0.31, 0.33);       // Clopper and Pearson's of 16 of 32: .319 to .681
        }
        finally
        {
            File.Delete(path);
        }
    }
}
