using Isoflop.Lab.Charts;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Rl;

public class RlChartsTests
{
    static IEnumerable<string> Names(params (string, double, double)[] first) => RlCharts.Before(first).Select(s => s.Name);

    [Fact]
    public void A_first_policy_that_thinks_by_itself_has_one_line_and_others_have_their_own()
    {
        Assert.Equal(["before", "before, thinking"], Names(("rl", 0.4, 0.99), ("rft", 0.4, 0.99)));
        Assert.Equal(["before, either way"], Names(("rl", 0.570, 0.568)));
        Assert.Equal(["before"], Names(("rl", 0.5, double.NaN)));
        Assert.Equal(["before: proof", "before: monologue"],
            Names(("from proof", 0.9, 0.9), ("from monologue", 0.2, 0.3)));
    }

    [Fact]
    public void A_forecast_says_what_it_leaves_out_and_that_a_share_ends_at_1()
    {
        var found = new RewardLaw(null!, 2e11, [new(3e11, default, new(0.9, 0.8, 1))]);
        ChartSeries rewards = new("reward of a step", [(1e11, 0.6), (2e11, 0.8), (3e11, 0.9)], SeriesKind.Points);
        (double, Estimate)[] curve = [(1e11, new(0.6, 0.5, 0.7)), (3e11, new(1.1, 0.6, 1.3))];
        Chart drawn = RlCharts.OfForecast([rewards], curve, found), without = RlCharts.OfForecast([rewards], [], found);
        Assert.Contains("the first 3 steps are not fitted", drawn.Subtitle);
        Assert.Contains("more than 1, 1 is drawn", drawn.Subtitle);
        Assert.Equal(1, drawn.PointsOf(drawn.Series[1])[^1].Y);
        Assert.StartsWith("no curve", without.Subtitle);
        Assert.DoesNotContain(without.Series, s => s.Name.Contains("fitted"));
    }
}
