using Isoflop.Lab.Studies;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public class RateSweepTests
{
    static LadderRecipe Recipe => LadderTests.Tiny() with { Tune = new() { EveryBudget = true } };

    /// <summary>Losses that a parabola in log2 of the factor says; nothing is trained.</summary>
    static BudgetRate Found(double optimum, double about, double diverges = double.PositiveInfinity)
    {
        using var home = new TinyHome();
        var plan = LadderPlan.Of(Recipe, new(home.Path));
        double rule = plan.Probe(1e8, 1).Run.LearningRate;
        return RateSweep.Of(plan, 1e8, about, runs => [.. runs.Where(r => r.LearningRate / rule < diverges).Select(r =>
            new StudyResult(r, 1, 1, 1, 3 + Math.Pow(Math.Log2(r.LearningRate / rule / optimum), 2), 1, 1))]);
    }

    [Theory]
    [InlineData(1, 1, 3), InlineData(1.3, 1, 3), InlineData(12, 1, 7), InlineData(0.1, 1, 6), InlineData(3, 2.5, 3)]
    public void The_optimum_is_bracketed_and_then_the_parabolas_vertex(double optimum, double about, int most)
    {
        BudgetRate found = Found(optimum, about);
        Assert.True(found.Interior);
        Assert.Equal(optimum, found.Factor, 0.01 * optimum);      // three digits
        Assert.InRange(found.Tried.Count, 3, most);
    }

    [Fact]
    public void What_diverges_bounds_the_search_and_no_optimum_is_said_so()
    {
        BudgetRate bounded = Found(100, 1, diverges: 5);
        Assert.True(bounded.Interior);
        Assert.Equal(4, bounded.Factor);                          // its neighbour has no loss: no parabola
        BudgetRate endless = Found(1e9, 1);
        Assert.False(endless.Interior);
        Assert.Contains("edge", RateSweep.NoteOf([endless]));
    }

    [Fact]
    public void A_ladder_trains_each_budget_at_its_own_rate_and_repeats_nothing()
    {
        using var home = new TinyHome();
        LadderResult first = Ladder.Run(Recipe, new(home.Path), workers: 2);
        Study study = Study.Open(new(home.Path), "t");
        IReadOnlyList<BudgetRate> rates = study.Record.Tuning!.Rates!;
        Assert.Equal([1e8, 1e9], rates.Select(r => r.Budget));
        foreach (StudyResult r in first.Results)
            Assert.Equal(ComputeOptimalRate(r) * rates.First(b => b.Budget == r.Run.Budget).Factor, r.Run.LearningRate, 1e-12);
        Assert.All(study.Record.Runs.Where(r => r.Phase == Phase.Tune), r => Assert.Equal("tune", r.Excluded));
        Assert.Equal(rates.Sum(r => r.Tried.Count), study.Record.Runs.Count(r => r.Phase == Phase.Tune));
        Assert.Equal(first.Results, Ladder.Run(Recipe, new(home.Path), workers: 1).Results);
        double between = study.Record.FactorsAt(Math.Sqrt(1e17)).LearningRate;
        Assert.Equal(Math.Sqrt(rates[0].Factor * rates[1].Factor), between, 1e-9);
        Assert.Equal(rates[1].Factor, study.Record.FactorsAt(1e12).LearningRate);

        double ComputeOptimalRate(StudyResult r) => LadderPlan.Of(Recipe, new(home.Path)).Ladder(_ => new(1, 1))
            .First(p => p.Name == r.Run.Name).LearningRate;
    }
}
