using Isoflop.Cli;
using Isoflop.Lab.Failures;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Failures;

/// <summary>Intervals and fleets against what can be reckoned by hand.</summary>
public class FleetTests
{
    [Fact]
    public void Intervals_are_the_papers()
    {
        Assert.Equal(Math.Sqrt(2 * 5 * 1000), CheckpointInterval.Young(5, 1000), 1e-12);
        // Daly's series by hand: δ = 5, M = 1000: 100·(1 + .05/3 + .0025/9) − 5
        Assert.Equal(100 * (1 + 0.05 / 3 + 0.0025 / 9) - 5, CheckpointInterval.Daly(5, 1000), 1e-9);
        Assert.Equal(10, CheckpointInterval.Daly(20, 10));
        // It is the best of its own formula, to the order that it claims.
        double best = CheckpointInterval.Daly(5, 1000), at = CheckpointInterval.Effective(best, 5, 1000, 30);
        foreach (double other in (double[])[0.8, 0.9, 1.1, 1.25])
            Assert.True(CheckpointInterval.Effective(best * other, 5, 1000, 30) < at);
        Assert.Equal(141, CheckpointInterval.CheckEvery(1, 10_000));
        Assert.Equal(1, CheckpointInterval.CheckEvery(10, 1));
    }

    [Theory, InlineData(1000, 95, 5, 30), InlineData(200, 40, 5, 30), InlineData(20, 15, 1, 4)]
    public void The_simulation_is_Dalys_formula_where_that_holds(double between, double interval, double save, double restart)
    {
        double want = CheckpointInterval.Effective(interval, save, between, restart);
        (double mean, double low, double high) = new FleetModel(between, interval, save, restart).Play(200 * between, 3, 0, 400);
        // Each play has about 200 failures: the mean of 400 has a standard error of a twentieth of their spread.
        double error = (high - low) / 3.92 / 20;
        Assert.InRange(mean - want, -4 * error - 0.005, 4 * error + 0.005);      // the last save is never made, the first start always
    }

    [Fact]
    public void Without_failures_only_saves_cost()
    {
        (double mean, _, _) = new FleetModel(1e15, 90, 10, 0).Play(9000, 1, 0, 3);
        Assert.Equal(9000 / (9000 + 99 * 10.0), mean, 1e-9);
        (mean, _, _) = new FleetModel(1e15, 90, 0, 1000) { CheckCost = 0.5 }.Play(9000, 1, 0, 3);
        Assert.Equal(9000 / (9000 * 1.5 + 1000), mean, 1e-9);
    }

    [Fact]
    public void Spares_hangs_and_repairs_cost_what_they_must()
    {
        var fleet = new FleetModel(10_000, 1000, 1, 100);
        double plain = fleet.Play(1e7, 1, 1, 40).Mean;
        Assert.True(plain > (fleet with { HungShare = 1, HungSeconds = 600 }).Play(1e7, 1, 1, 40).Mean + 0.03);      // 600 of 10,000
        FleetModel breaks = fleet with { HardwareShare = 1, RepairSeconds = 20_000 };
        double[] spares = [.. ((int[])[0, 1, 4, 100]).Select(s => (breaks with { Spares = s }).Play(1e7, 1, 1, 40).Mean)];
        Assert.True(spares[0] < spares[1] && spares[1] < spares[2] && spares[2] < spares[3]);
        Assert.InRange(spares[0], 0.25, 0.40);                     // of 10,000 + 20,000 seconds the first are work
        Assert.InRange(spares[3] - plain, -0.01, 0.01);
    }

    [Fact]
    public void The_published_rate_is_a_failure_in_three_hours_on_16384() =>
        Assert.Equal(3.09, FailureRates.Llama3.Between(16384) / 3600, 0.005);

    [Fact]
    public void The_plan_says_how_often_to_save()
    {
        using var home = new TinyHome();
        StringWriter output = new(), error = new();
        string[] plan = ["plan", "corpus=tiny", "train.steps=100", "--gflops", "50", "--home", home.Path];
        Assert.Equal(0, App.Run([.. plan, "--hours-between", "100"], Verbs.All(), output, error));
        Assert.Matches(@"saves       .* in \d+ ms, measured in .*; a failure in 4 d 4 h: every .* by Daly, .* by Young; 99\.\d+ % .* save\.minutes=", output.ToString());
        Assert.Contains("train.check_every=", output.ToString());
        Assert.Equal(2, App.Run([.. plan, "--hours-between", "-1"], Verbs.All(), output, error));
        Assert.Contains("--hours-between '-1' must be a number, not negative", error.ToString());
    }

    [Theory]
    [InlineData("--fleet 0", "--fleet '0' must be whole numbers above 0")]
    [InlineData("--fleet 1e3", "--fleet '1e3' must be whole numbers above 0")]
    [InlineData("--fleet 1000 --restart 0", "restart 0 must be above 0")]
    public void Bad_fleets_are_one_line(string args, string says)
    {
        using var home = new TinyHome();
        StringWriter output = new(), error = new();
        Assert.Equal(2, App.Run(["failures", "corpus=tiny", "train.steps=400", "--home", home.Path, .. args.Split(' ')], Verbs.All(), output, error));
        Assert.Contains(says, error.ToString());
    }
}
