using Isoflop.Lab.Statistics;
using Isoflop.Lab.Thinking;
using MathNet.Numerics.Distributions;
using Xunit;
using BetaBinomial = Isoflop.Lab.Statistics.BetaBinomial;

namespace Isoflop.Tests.Thinking;

/// <summary>What thinking is held against.</summary>
public class NullTests
{
    [Fact]
    public void Random_search_finds_what_counting_finds()
    {
        // All orders of the candidates 0 … 4, of which 0 and 1 are right; a search with a limit stops at the first right one.
        const int m = 5;
        int[][] orders = [.. Orders([0, 1, 2, 3, 4])];
        Assert.Equal(120, orders.Length);
        for (int limit = 0; limit <= m; limit++)
        {
            double made = orders.Average(o => (double)Math.Min(limit, Array.FindIndex(o, c => c < 2) + 1));
            double found = orders.Count(o => o.Take(limit).Any(c => c < 2)) / 120.0;
            Assert.Equal(found, RandomSearch.Finds(2.0 / m, m, made), 1e-12);
        }
        Assert.Equal(1, RandomSearch.Finds(0.5, 2, 7));
        // With repeats: every limit's searches find chance for each attempt that they make.
        const double chance = 0.3;
        double none = 1, attempts = 0;
        for (int limit = 1; limit < 30; limit++)
        {
            attempts += none;
            none *= 1 - chance;
            Assert.Equal(1 - none, RandomSearch.Finds(chance, null, attempts), 1e-12);
        }
        Assert.Equal(1, RandomSearch.Finds(chance, null, 50));

        static IEnumerable<int[]> Orders(int[] of) => of.Length == 1 ? [of]
            : of.SelectMany(first => Orders([.. of.Where(o => o != first)]).Select(rest => (int[])[first, .. rest]));
    }

    [Theory, InlineData(0.6, 1.7), InlineData(3, 2)]
    public void Planted_spread_of_difficulty_comes_back(double alpha, double beta)
    {
        const int items = 4000, replies = 64;
        var rng = new Random(11);
        var fit = BetaBinomial.Fit([.. Enumerable.Range(0, items).Select(_ =>
            (Binomial.Sample(rng, Beta.Sample(rng, alpha, beta), replies), replies))]);
        // The estimate's relative deviation is about 1.5/√items, the noise of 64 replies included; four of them.
        Assert.Equal(alpha, fit.Alpha, 6 / Math.Sqrt(items) * alpha);
        Assert.Equal(beta, fit.Beta, 6 / Math.Sqrt(items) * beta);
    }

    [Fact]
    public void Coverage_of_an_even_spread_is_k_over_k_and_one_and_tends_to_its_power_law()
    {
        for (int k = 1; k < 100; k *= 3) Assert.Equal(k / (k + 1.0), new BetaBinomial(1, 1).Coverage(k), 1e-12);
        var hard = new BetaBinomial(0.4, 2);
        double k6 = 1e6;                                         // the next term is smaller by about 1/k
        Assert.Equal(hard.Uncovered * Math.Pow(k6, -0.4), 1 - hard.Coverage(k6), 1e-4 * (1 - hard.Coverage(k6)));
        Assert.InRange(BetaBinomial.Fit([(0, 8), (0, 8)]).Coverage(64), 0, 0.01);     // nothing right: an end, no crash
        Assert.InRange(BetaBinomial.Fit([(8, 8), (8, 8)]).Coverage(1), 0.99, 1);
    }
}
