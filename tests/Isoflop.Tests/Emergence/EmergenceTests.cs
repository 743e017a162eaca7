using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;
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

    /// <summary>Seeds of each rung of results/world and the median noise between them (results/world/map.txt).</summary>
    static readonly int[] worldSeeds = [8, 8, 8, 8, 8, 3, 3];
    const double WorldNoise = 0.247;

    [Fact]
    public void Steps_are_called_sudden_and_smooth_curves_seldom()
    {
        const int tasks = 40;
        IReadOnlyList<Calibration> all = Calibration.Simulate(decades, worldSeeds, 60, WorldNoise, tasks);
        // 5 % of 40 are 2, sd 1.4: four of them more. 80 % are 32, sd 2.5: three of them less.
        Assert.All(all.Where(c => !c.IsStep), c => Assert.True(c.Sudden <= 7, $"{c.Kind}: {c.Sudden}"));
        Assert.All(all.Where(c => c.Kind is "a step of 1 nats within 0.5 decades" or "a step of 2 nats within 0.5 decades"),
            c => Assert.True(c.Sudden >= 25, $"{c.Kind}: {c.Sudden}"));
        Assert.Equal(9, all.Count(c => c.IsStep));
    }

    [Theory]
    [InlineData(0.1, 0.03), InlineData(0.5, 0.03), InlineData(1, 0.03), InlineData(0.1, 0.15), InlineData(0.5, 0.15), InlineData(1, 0.15)]
    public void A_true_jump_is_called_sudden(double width, double sd)
    {
        // From 3.0 to 0.2 nats: 2.8 are 11 sd of a seed at the least, and a smooth curve leaves a tenth of a step at a rung or two.
        for (int i = 0; i < 10; i++)
        {
            var rng = new Rng(9, RandomPurpose.Test, i);
            double middle = 11 + i / 9.0;
            double[][] y = [.. decades.Select((x, r) => (double[])[.. Enumerable.Range(0, worldSeeds[r]).Select(_ =>
                0.2 + 2.8 * Math.Clamp(0.5 - (x - middle) / width, 0, 1) + sd * rng.NextNormal())])];
            BreakResult found = BreakTest.Of(decades, y, 1)!.Value;
            Assert.True(found.P <= MapRules.BreakP, $"middle {middle}: p {found.P}");
            Assert.InRange(found.At, middle - 0.5, middle + 0.5);                     // no finer than the rungs
            Assert.True(found.After < 4 * found.Before && found.After < -1, $"{found}");
        }
    }

    [Fact]
    public void A_jump_to_the_ceiling_is_sudden_and_full()
    {
        TaskFinding f = TaskFinding.Of(Curve(x => x < 11.75 ? 0.1 : 1, x => x < 11.75 ? 2.3 : 0.01));
        Assert.Equal((TaskClass.Sudden, 1e12), (f.Class, f.SaturatedAt));
    }

    [Theory]
    [InlineData(40), InlineData(60), InlineData(200)]
    public void An_ability_of_93_percent_is_seldom_called_full(int items)
    {
        const int tasks = 100;
        int Full(double ability) => Enumerable.Range(0, tasks).Count(t =>
        {
            var rng = new Rng(11, RandomPurpose.Test, t);
            return TaskFinding.Of(new("t", [.. decades.Select(x => RungOf(Math.Min(1, 0.2 + (x - 10) / 3 * (ability - 0.2))))], null)).SaturatedAt
                is not null;

            TaskRung RungOf(double p) => new(1e10, 1e10, [.. Enumerable.Range(0, 3).Select(_ => (ItemResult[])[.. Enumerable.Range(0, items)
                .Select(i => new ItemResult { Id = $"{i}", Task = "t", AnswerNll = 1 - p, Score = rng.NextDouble() < p ? 1 : 0 })])], [1, 1, 1]);
        });
        // At most 5 % where .95 is to be shown and .93 is true: 5 of 100, sd 2.2, three of them more. Until now 67, 48 and 5 %.
        Assert.InRange(Full(0.93), 0, 11);
        // All right, the least that is not ruled out is 0.05^(1/items): 0.928, 0.951, 0.985.
        Assert.Equal(items < 59 ? 0 : tasks, Full(1));
    }

    [Fact]
    public void A_rise_on_few_rungs_or_without_seeds_is_neither_smooth_nor_sudden()
    {
        TaskCurve curve = Curve(x => 0.1 + 0.2 * (x - 10), x => 3 - 0.6 * (x - 10));
        Assert.Equal(TaskClass.Rising, TaskFinding.Of(curve with { Rungs = [.. curve.Rungs.Where((_, r) => r % 2 == 0)] }).Class);
        Assert.Equal(TaskClass.Rising, TaskFinding.Of(curve with { Rungs = [.. curve.Rungs.Select(r => new TaskRung(r.Budget, r.Flops, [r.Results[0]], [1]))] }).Class);
    }

    [Fact]
    public void A_sum_of_curves_is_the_best_one_without_negative_parts()
    {
        // Every combination of active columns solved by hand would be the definition: here tried over all 2^4 subsets.
        var rng = new Rng(3, RandomPurpose.Test);
        double[] x = [0, 0.5, 1, 1.5, 2, 2.5, 3], roots = [1, 2, 1, 1.5, 1, 1, 0.5];
        Func<double, double>[] f = [v => v, v => -v * v, v => Math.Exp(v), v => -Math.Max(0, v - 1)];
        for (int t = 0; t < 50; t++)
        {
            double[] y = [.. roots.Select(r => r * rng.NextNormal())];
            double best = double.PositiveInfinity;
            for (int set = 0; set < 16; set++)
            {
                Func<double, double>[] some = [.. f.Where((_, j) => (set >> j & 1) == 1)];
                var a = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.Dense(x.Length, 1 + some.Length,
                    (i, j) => roots[i] * (j == 0 ? 1 : some[j - 1](x[i])));
                var b = MathNet.Numerics.LinearAlgebra.Vector<double>.Build.Dense(y);
                var w = a.QR().Solve(b);
                if (w.Skip(1).All(v => v >= 0)) best = Math.Min(best, Math.Pow((b - a * w).L2Norm(), 2));
            }
            var sum = new CurveSum(x, roots, f);
            Assert.Equal(best, sum.Residual(y), 1e-9);
            Assert.Equal(best, sum.Fitted(y).Zip(y, (u, v) => (u - v) * (u - v)).Sum(), 1e-9);
        }
    }

    [Fact]
    public void Exact_intervals_are_the_binomials()
    {
        // 0 and n right by hand: (α/2)^(1/n); 5 of 10: 0.1871–0.8129 (Clopper and Pearson 1934, table).
        Assert.Equal(1 - Math.Pow(0.025, 1 / 60.0), ExactShare.Of(0, 60, 0.95).High, 1e-9);
        Assert.Equal(0, ExactShare.Of(0, 60, 0.95).Low);
        Assert.Equal(Math.Pow(0.025, 1 / 60.0), ExactShare.Of(60, 60, 0.95).Low, 1e-9);
        Assert.Equal(0.1871, ExactShare.Of(5, 10, 0.95).Low, 1e-4);
        Assert.Equal(ExactShare.Of(60, 60, 0.9), ExactShare.Of(1, 0, 4, 60, 0.9));   // three seeds that agree are no certainty
        // An error as of 60 independent items with its degrees of freedom is theirs.
        (double low, double high) = ExactShare.Of(0.9, Math.Sqrt(0.09 / 60), 59, 60, 0.95);
        Assert.Equal(ExactShare.Of(54, 60, 0.95).Low, low, 1e-6);
        Assert.Equal(ExactShare.Of(54, 60, 0.95).High, high, 1e-6);
    }

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
