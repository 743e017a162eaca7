using Isoflop.Lab.Thinking;
using MathNet.Numerics.Distributions;
using Xunit;
using BetaBinomial = Isoflop.Lab.Thinking.BetaBinomial;

namespace Isoflop.Tests.Thinking;

/// <summary>What thinking is held against.</summary>
public class NullTests
{
    [Fact]
    public void Random_search_finds_what_counting_finds()
    {
        const int m = 6, right = 2;                              // candidates 0 … 5, of which 0 and 1 are right
        for (int a = 0; a <= m; a++)
        {
            var sets = Enumerable.Range(0, 1 << m).Where(s => int.PopCount(s) == a).ToList();
            Assert.Equal(sets.Count(s => (s & 3) != 0) / (double)sets.Count, RandomSearch.Finds(right / 6.0, m, a), 1e-12);
            int all = (int)Math.Pow(m, a);
            int found = Enumerable.Range(0, all).Count(n => Digits(n, a).Any(d => d < right));
            Assert.Equal(found / (double)all, RandomSearch.Finds(right / 6.0, null, a), 1e-12);
        }
        Assert.Equal(1, RandomSearch.Finds(0.5, 2, 7));

        static IEnumerable<int> Digits(int n, int count) => Enumerable.Range(0, count).Select(i => n / (int)Math.Pow(m, i) % m);
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
