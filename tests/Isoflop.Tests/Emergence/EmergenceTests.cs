using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Xunit;

namespace Isoflop.Tests.Emergence;

public class EmergenceTests
{
    static readonly double[] decades = [10, 10.5, 11, 11.5, 12, 12.5, 13];

    /// <summary>A task whose score and answer's −ln p follow functions of log10 compute, with noise between three seeds.</summary>
    static TaskCurve Curve(Func<double, double> score, Func<double, double> nll, double sd = 0.02, int items = 200, double chance = 0)
    {
        var rng = new Rng(5, RandomPurpose.Test);
        List<TaskRung> rungs = [];
        foreach (double x in decades)
        {
            var results = new ItemResult[3][];
            for (int s = 0; s < 3; s++)
            {
                double noise = sd * rng.NextNormal(), right = score(x);
                results[s] = new ItemResult[items];
                for (int i = 0; i < items; i++)
                    results[s][i] = new()
                    {
                        Id = $"{i}",
                        Task = "t",
                        Template = $"{i % 20}",
                        Chance = chance,
                        Score = (i + 0.5) / items < right ? 1 : 0,
                        AnswerNll = nll(x) + noise,
                        Margin = -nll(x) + 1,
                    };
            }
            rungs.Add(new(Math.Pow(10, x), Math.Pow(10, x), results, [1, 1, 1]));
        }
        return new("t", rungs, null);
    }

    [Fact]
    public void Classes_are_what_was_planted()
    {
        Assert.Equal(TaskClass.Flat, TaskFinding.Of(Curve(_ => 0.3, _ => 2)).Class);
        Assert.Equal(TaskClass.Smooth, TaskFinding.Of(Curve(x => 0.1 + 0.2 * (x - 10), x => 3 - 0.6 * (x - 10))).Class);
        Assert.Equal(TaskClass.Inverse, TaskFinding.Of(Curve(x => 0.8 - 0.2 * (x - 10), x => 1 + 0.6 * (x - 10))).Class);
        Assert.Equal(TaskClass.Saturated, TaskFinding.Of(Curve(x => Math.Min(1, 0.2 + 0.5 * (x - 10)), x => 3 - 0.6 * (x - 10))).Class);
        Assert.Equal(TaskClass.Unclear, TaskFinding.Of(Curve(x => 0.3 + 0.03 * (x - 10), _ => 2, items: 20)).Class);
        foreach (int few in (int[])[1, 19])                      // whatever they show
            Assert.All(((Func<double, double>[])[x => x < 12 ? 1 : 0, _ => 1, _ => 0.5]).Select(a => TaskFinding.Of(Curve(a, _ => 2, items: few))),
                f => Assert.Equal((TaskClass.Unclear, $"{few} {(few == 1 ? "item" : "items")}; a verdict needs 20"), (f.Class, f.Evidence)));
        TaskFinding sudden = TaskFinding.Of(Curve(x => 0.05 + 0.5 * Math.Max(0, x - 11.75), x => 3 - 2 * Math.Max(0, x - 11.75)));
        Assert.Equal(TaskClass.Sudden, sudden.Class);
        Assert.InRange(sudden.Break!.Value.At, 11.5, 12);
    }

    [Fact]
    public void Saturation_is_dated_and_a_flat_task_gets_a_line()
    {
        TaskFinding full = TaskFinding.Of(Curve(x => Math.Min(1, 0.2 + 0.5 * (x - 10)), x => 3 - 0.6 * (x - 10)));
        Assert.Equal(1e12, full.SaturatedAt!.Value, 1e6);
        TaskFinding flat = TaskFinding.Of(Curve(_ => 0.25, x => 4 - 0.7 * (x - 10), sd: 0, chance: 0.25));
        Assert.Equal(TaskClass.Flat, flat.Class);
        Assert.Equal(10 + 3 / 0.7, Math.Log10(flat.Rise!.Value.Flops), 6);       // margin 1 − nll passes 0 where nll is 1
        Assert.True(double.IsNaN(TaskFinding.Of(Curve(_ => 0.25, _ => 4, chance: 0.25)).Rise!.Value.Flops));
    }

    [Fact]
    public void A_few_items_that_never_move_do_not_show_that_a_task_is_flat()
    {
        // 1 − 0.05^(1/20) = 13.9 % may move unseen, 1 − 0.05^(1/40) = 7.2 %.
        Assert.Equal(TaskClass.Unclear, TaskFinding.Of(Curve(_ => 0, _ => 2, items: 20)).Class);
        Assert.Equal(TaskClass.Flat, TaskFinding.Of(Curve(_ => 0, _ => 2, items: 40)).Class);
        Assert.Equal(TaskClass.Unclear, TaskFinding.Of(Curve(_ => 0.5, _ => 2, items: 40, chance: 0.5)).Class);
    }

    [Fact]
    public void Two_seeds_foretell_the_middle_between_them()
    {
        // Margins pass 0 at 10^14 and 10^16 along lines of the seeds' own slopes.
        TaskRung[] rungs = [.. decades.Select(x => new TaskRung(Math.Pow(10, x), Math.Pow(10, x),
            [.. ((double[])[14, 16]).Select(at => (ItemResult[])[.. Enumerable.Range(0, 40).Select(i => new ItemResult
            {
                Id = $"{i}",
                Task = "t",
                Score = i % 4 == 0 ? 1 : 0,
                Chance = 0.25,
                AnswerNll = 5,
                Margin = x - at,
            })])], [1, 1]))];
        RiseForecast rise = TaskFinding.Of(new("t", rungs, null)).Rise!.Value;
        Assert.Equal(15, Math.Log10(rise.Flops), 6);
        Assert.Equal(14, Math.Log10(rise.Low), 6);
        Assert.Equal(16, Math.Log10(rise.High), 6);
    }

    [Fact]
    public void A_parabola_is_no_break_more_often_than_stated()
    {
        int alarms = 0, found = 0;
        const int tries = 200;
        for (int i = 0; i < tries; i++)
        {
            var rng = new Rng(7, RandomPurpose.Test, i);
            double[][] Noisy(Func<double, double> f) =>
                [.. decades.Select(x => (double[])[.. Enumerable.Range(0, 3).Select(_ => f(x) + 0.05 * rng.NextNormal())])];
            if (BreakTest.Of(decades, Noisy(x => 3 - 0.2 * (x - 10) - 0.15 * (x - 10) * (x - 10)), 1)!.Value.P <= 0.05) alarms++;
            if (BreakTest.Of(decades, Noisy(x => 3 - 1.5 * Math.Max(0, x - 11.7)), 1)!.Value.P <= 0.05) found++;
        }
        // Binomial: mean 10, sd 3.1; four of them.
        Assert.InRange(alarms, 0, 22);
        Assert.True(found > tries / 2, $"{found} of {tries}");
    }

    [Fact]
    public void Simulated_smooth_tasks_are_seldom_sudden() =>
        Assert.All(FalseAlarms.Simulate(decades, 3, 0.05, 60), f => Assert.True(f.Alarms <= 5, $"{f.Curve}: {f.Alarms}"));

    [Fact]
    public void Noise_of_seeds_and_of_clusters_adds()
    {
        // Seeds' means 0.4 and 0.6: variance 0.02, over 2 seeds 0.01. Cluster sums of the item means about 0.5: ±0.5, twice.
        TwoLevel mean = TwoLevel.Of([[0, 0, 0.8, 0.8], [0.5, 0.5, 0.7, 0.7]], ["a", "a", "b", "b"]);
        Assert.Equal(0.5, mean.Mean, 12);
        Assert.Equal(Math.Sqrt(0.01 + 2.0 / 1 * 2 * 0.25 / 16), mean.Error, 12);
        Assert.Equal(0, TwoLevel.Of([[1, 1]], ["a", "b"]).Half(0.95));
    }

    [Fact]
    public void Fewer_than_five_rungs_or_one_seed_test_nothing()
    {
        Assert.Null(BreakTest.Of([1, 2, 3, 4], [[1, 2], [1, 2], [1, 2], [1, 2]], 1));
        Assert.Null(BreakTest.Of([1, 2, 3, 4, 5], [[1], [2], [3], [4], [5]], 1));
    }
}
