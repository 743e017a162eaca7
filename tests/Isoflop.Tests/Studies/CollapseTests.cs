using Isoflop.Lab.Studies;
using MathNet.Numerics.Statistics;
using Xunit;

namespace Isoflop.Tests.Studies;

public class CollapseTests
{
    /// <summary>Curves of twentieths: a floor, a height of each budget, a shape of the share; seeds move each twentieth and the whole.</summary>
    static List<CollapseCurve> Curves(Func<double, double, double> shape, double noise, ulong seed = 1, int seeds = 3, double floor = 1.2,
        double? whole = null)
    {
        var rng = new Rng(seed, RandomPurpose.Test);
        List<CollapseCurve> all = [];
        for (int b = 0; b < 5; b++)
            for (ulong s = 1; s <= (ulong)seeds; s++)
            {
                double height = 3 / Math.Pow(1.5, b), own = 1 + (whole ?? noise) * rng.NextNormal();
                all.Add(new(Math.Pow(10, 10 + b / 2.0), s, [.. Enumerable.Range(0, 20)
                    .Select(i => floor + height * own * shape((i + 0.5) / 20, b) * (1 + noise * rng.NextNormal()))],
                    noise * height * own * shape(0.975, b)));
            }
        return all;
    }

    [Fact]
    public void Curves_of_one_shape_collapse_and_their_floor_is_found()
    {
        Collapse c = Collapse.Of(Curves((x, _) => Math.Pow(x, -0.4), 0.01))!;
        Assert.True(c.Holds && !c.Fails, c.Says);
        Assert.InRange(c.Floor, 1.0, 1.4);
        Assert.Contains("they collapse", c.Says);
    }

    [Fact]
    public void Curves_whose_shape_changes_with_the_budget_do_not()
    {
        Collapse c = Collapse.Of(Curves((x, b) => Math.Pow(x, -0.3 - 0.08 * b), 0.01))!;
        Assert.True(c.Fails, c.Says);
        Assert.True(c.Ratio > 3, c.Says);
        Assert.Contains("does not carry over", c.Says);
    }

    [Fact]
    public void A_recipe_that_carries_over_is_seldom_accused()
    {
        // Binomial(200, 0.05): 21 or more come in one test of a thousand.
        int accused = Enumerable.Range(1, 200).Count(i => Collapse.Of(Curves((x, _) => Math.Pow(x, -0.4), 0.02, (ulong)i))!.Fails);
        Assert.InRange(accused, 0, 20);
    }

    [Fact]
    public void One_budget_or_one_seed_each_is_no_evidence()
    {
        List<CollapseCurve> all = Curves((x, _) => Math.Pow(x, -0.4), 0.01);
        Assert.Null(Collapse.Of([.. all.Where(c => c.Budget == all[0].Budget)]));
        Assert.Null(Collapse.Of([.. all.Where(c => c.Seed == 1)]));
        Assert.Null(Collapse.Of([]));
    }

    /// <summary>
    /// Nearer to a last loss the seeds' noise of it, divided by what is left, hides everything: curves of any shape would
    /// "collapse" there. Without the bound these find their floor beyond it.
    /// </summary>
    [Fact]
    public void The_floor_stays_twenty_deviations_of_the_noise_off_every_last_loss()
    {
        foreach (double noise in (double[])[0.03, 0.06])
        {
            List<CollapseCurve> all = Curves((x, b) => Math.Pow(x, -0.3 - 0.02 * b), noise, seeds: 4, floor: 6);
            Collapse c = Collapse.Of(all)!;
            Assert.All(all, run => Assert.InRange(c.Floor, 0, run.Values[^1] - 20 * run.Noise));
        }
    }

    /// <summary>Seeds whose curves lie higher or lower as a whole, by a tenth of what is above the floor, have one normalised curve.</summary>
    [Fact]
    public void Seeds_that_part_as_a_whole_hide_no_floor()
    {
        List<CollapseCurve> all = Curves((x, _) => Math.Pow(x, -0.4), 0.005, seeds: 2, whole: 0.1);
        Collapse c = Collapse.Of(all)!;
        Assert.False(c.Fails, c.Says);
        Assert.InRange(c.Floor, 1.1, 1.25);
    }
}
