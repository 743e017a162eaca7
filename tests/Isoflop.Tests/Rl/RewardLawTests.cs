using Isoflop.Lab.Rl;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Rl;

public class RewardLawTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    /// <summary>A run whose rewards are made up: its rows are written anew.</summary>
    void Write(string name, Func<double, double> reward, double noise, ulong seed)
    {
        if (!Directory.Exists(new Workspace(home.Path).RunFolder(name))) home.Run(name, "steps=1", "eval_every=0");
        RlStep row = RlRows.ReadSteps(new Workspace(home.Path).RunFolder(name))[0];
        var rng = new Rng(seed, RandomPurpose.Test);
        using var rows = new StreamWriter(Path.Combine(new Workspace(home.Path).RunFolder(name), RlRows.StepsFile));
        for (int s = 1; s <= 60; s++)
        {
            double flops = 1e10 * s;
            rows.WriteLine(System.Text.Json.JsonSerializer.Serialize(row with
            {
                Step = s,
                Flops = flops,
                Reward = reward(flops) + noise * (rng.NextDouble() * 2 - 1),
            }, RlJson.Default.RlStep));
        }
    }

    [Fact]
    public void A_planted_sigmoid_is_foretold_from_before_its_end()
    {
        double Planted(double c) => 0.1 + 0.8 / (1 + Math.Pow(2e11 / c, 2.5));
        for (ulong s = 1; s <= 3; s++) Write($"planted{s}", Planted, 0.02, s);
        RewardLaw found = RewardLaw.Of(["planted1", "planted2", "planted3"], new(home.Path), until: 3e11);
        Assert.True(found.Law.Identified, found.Law.Verdict.Text);
        Assert.Equal(3e11, found.Until);
        Assert.All(found.Checks, c => Assert.True(c.Flops > 3e11 && c.Forecast.Low <= Planted(c.Flops) && Planted(c.Flops) <= c.Forecast.High));
        // The steps behind the cut must not enter: other rewards there, the same forecast.
        for (ulong s = 1; s <= 3; s++) Write($"planted{s}", c => c > 3e11 ? 0 : Planted(c), 0.02, s);
        RewardLaw same = RewardLaw.Of(["planted1", "planted2", "planted3"], new(home.Path), until: 3e11);
        Assert.Equal(found.Checks.Select(c => c.Forecast), same.Checks.Select(c => c.Forecast));
        Assert.All(same.Checks, c => Assert.True(c.Measured.Value < 0.05));
    }

    [Fact]
    public void Without_a_cut_it_is_half_of_the_steps_whatever_came_after_and_a_cut_that_leaves_nothing_is_refused()
    {
        Write("halved", c => c < 3e11 ? 0.2 : 0.8, 0.01, 1);
        RewardLaw found = RewardLaw.Of(["halved"], new(home.Path));
        Write("halved", c => c < 3e11 ? 0.2 : c < 5e11 ? 0.21 : 0.3, 0.01, 1);
        RewardLaw other = RewardLaw.Of(["halved"], new(home.Path));
        Assert.Equal((3e11, 3e11), (found.Until, other.Until));
        Assert.Equal(found.Checks.Select(c => c.Forecast), other.Checks.Select(c => c.Forecast));
        foreach (double until in (double[])[1e9, 6e11])
            Assert.Contains("these runs span", Assert.Throws<ConfigException>(() => RewardLaw.Of(["halved"], new(home.Path), until)).Message,
                StringComparison.Ordinal);
        Assert.Throws<ConfigException>(() => RewardLaw.Of(["taught"], new(home.Path)));
    }
}
