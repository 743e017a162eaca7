using Isoflop.Lab.Studies;
using Isoflop.Nn;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public class DuelTests
{
    /// <summary>A straight line in log compute; seed noise moves a seed's whole curve.</summary>
    static Dictionary<ulong, List<(double, double)>> Curve(Func<double, double> logMultiplier, double noise = 0) =>
        Enumerable.Range(1, 3).ToDictionary(s => (ulong)s, s => (List<(double, double)>)
            [.. Enumerable.Range(0, 5).Select(i => 10 + i * 0.5)
                .Select(c => (c, 9 - 0.5 * (c + logMultiplier(c)) + noise * (s - 2)))]);

    [Fact]
    public void A_planted_multiplier_is_found()
    {
        double two = Math.Log10(2);
        DuelResult duel = Duel.Compare("a", "b", Curve(_ => 0, 0.01), Curve(_ => two, 0.01), []);
        Assert.Equal(2, duel.Multiplier.Value, 9);                // noise that both share cancels in pairs
        Assert.Equal(0, duel.Growth.Value, 9);
        Assert.All(duel.Points.Where(p => double.IsFinite(p.Multiplier)), p => Assert.Equal(2, p.Multiplier, 9));
        Assert.Contains("needs 0.5 of the compute", duel.Verdict);
    }

    [Fact]
    public void An_advantage_that_shrinks_is_said_to_shrink()
    {
        DuelResult duel = Duel.Compare("a", "b", Curve(_ => 0), Curve(c => 0.3 - 0.1 * (c - 10)), []);
        Assert.True(duel.Growth.High < 0);
        Assert.Contains("shrinks", duel.Verdict);
    }

    /// <summary>
    /// Seeds agree to 1e-9 about a multiplier that zigzags by ±0.05 decades: Student's t with three degrees of the five budgets' scatter about
    /// their line, 3.182·√(Σr²/3)/√2.5 for its slope. By seeds alone it would surely shrink.
    /// </summary>
    [Fact]
    public void What_seeds_of_a_budget_share_widens_the_interval()
    {
        double Zigzag(double c) => 0.3 - 0.02 * (c - 10) + (Math.Round(2 * c) % 2 == 0 ? 0.05 : -0.05);
        DuelResult duel = Duel.Compare("a", "b", Curve(c => -Zigzag(c)), Curve(_ => 0), []);
        // Residuals of +, −, +, −, + about their mean: 0.05 · (0.8, −1.2, 0.8, −1.2, 0.8); no slope of their own.
        double left = 3.182446 * Math.Sqrt(0.0025 * (3 * 0.64 + 2 * 1.44) / 3);
        Assert.Equal(left / Math.Sqrt(2.5), duel.Growth.High - duel.Growth.Value, 6);
        Assert.Equal(left / Math.Sqrt(5), Math.Log10(duel.Multiplier.High / duel.Multiplier.Value), 6);
        Assert.True(duel.Growth.High > 0 && duel.Growth.Low < 0);
        Assert.Contains("no change with compute beyond the noise", duel.Verdict);
    }

    /// <summary>B stops a half decade before A, and both flatten: its last segment would reach A's last loss too soon.</summary>
    [Fact]
    public void A_budget_that_the_other_never_saw_is_not_compared()
    {
        Dictionary<ulong, List<(double, double)>> Flat(int budgets) => Enumerable.Range(1, 3).ToDictionary(s => (ulong)s,
            _ => (List<(double, double)>)[.. Enumerable.Range(0, budgets).Select(i => (10 + i * 0.5, 1 + Math.Pow(10, -0.5 * i)))]);
        DuelResult duel = Duel.Compare("a", "b", Flat(5), Flat(4), []);
        Assert.All(duel.Points.Take(4), p => Assert.Equal(1, p.Multiplier, 9));
        Assert.True(double.IsNaN(duel.Points[4].Multiplier));
        Assert.Equal(1, duel.Multiplier.Value, 9);
        Assert.Contains("outside of the curve", duel.Verdict);
    }

    [Fact]
    public void Curves_that_never_meet_are_not_identified()
    {
        DuelResult duel = Duel.Compare("a", "b", Curve(_ => 0), Curve(_ => 20), []);
        Assert.True(double.IsNaN(duel.Multiplier.Value));
        Assert.StartsWith("not identified", duel.Verdict);
    }

    [Fact]
    public void A_duel_with_itself_is_a_draw()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = LadderTests.Tiny() with { Rungs = [new() { Budgets = "1e8..1e9", PerDecade = 2, Seeds = 2, Sizes = 1 }] };
        Ladder.Run(recipe, new(home.Path));
        Study study = Study.Open(new(home.Path), "t");
        DuelResult duel = Duel.Of(study, study, new(home.Path));
        Assert.Equal(1, duel.Multiplier.Value, 9);
        Assert.StartsWith("inside the noise", duel.Verdict);
    }

    [Fact]
    public void Bottleneck_changes_one_factor_at_a_time()
    {
        using var home = new TinyHome();
        Ladder.Run(LadderTests.Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 2, Sizes = 2 }] }, new(home.Path));
        BottleneckResult result = Bottleneck.Run(Study.Open(new(home.Path), "t"), new(home.Path), seeds: 2);
        Assert.Empty(result.Failed);
        // its batch is one context: half of it would be the same run again
        Assert.Equal(["size", "data", "learning rate", "learning rate", "batch", "context"],
            result.Interventions.Select(i => i.Factor));
        Assert.InRange(result.Interventions[0].Compute, 1.3, 3.2);
        Assert.Equal(2, result.Interventions[1].Compute, 2);
        Assert.All(result.Interventions.Skip(2).Take(3), i => Assert.InRange(i.Compute, 0.9, 1.1));
        Assert.All(result.Interventions, i => Assert.True(double.IsFinite(i.Gain.Value + i.Gain.High)));
        Assert.NotEmpty(result.Verdict);
    }


    [Fact]
    public void What_costs_more_compute_is_not_called_free()
    {
        Intervention size = new("size", "× 2", new(0.06, 0.01, 0.11), 1.4, 2), rate = new("learning rate", "÷ 2", new(0.05, 0.01, 0.09), 1, 2);
        Assert.StartsWith("size binds: the best return on more compute", Bottleneck.VerdictOf([size]));
        Assert.StartsWith("learning rate ÷ 2 binds: it pays without", Bottleneck.VerdictOf([size, rate]));
    }

    [Theory]
    [InlineData(16, 512)]                                         // the head is the model
    [InlineData(64, 512)]
    [InlineData(256, 64)]                                         // the layers are
    public void Twice_the_size_is_twice_the_parameters_without_the_embedding(int width, int vocab)
    {
        var shape = new ModelSettings { DModel = width, NLayer = 2, NHead = width / 16, VocabSize = vocab };
        double ratio = (double)ComputeOptimal.ParametersWithoutEmbedding(Bottleneck.Doubled(shape).Shape())
            / ComputeOptimal.ParametersWithoutEmbedding(shape.Shape());
        Assert.InRange(ratio, 1.7, 2.3);
    }
}
