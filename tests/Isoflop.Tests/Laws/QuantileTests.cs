using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Laws;

public sealed class QuantileTests
{
    /// <summary>
    /// Of n uniform draws the k-th has the mean k/(n + 1), and the ends are linear in the draws: so this is the mean of what lies below each.
    /// </summary>
    [Theory, InlineData(40), InlineData(60), InlineData(200), InlineData(1000)]
    public void Between_an_interval_s_ends_lies_its_share_in_the_mean(int n)
    {
        Estimate e = Quantile.Interval(0.5, [.. Enumerable.Range(1, n).Select(k => k / (n + 1.0))]);
        Assert.Equal((0.025, 0.975), (Math.Round(e.Low, 12), Math.Round(e.High, 12)));
    }
}
