using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;

namespace Isoflop.Bench;

/// <summary>How often the map's classes are right, on simulated tasks with the rungs and seeds of results/world.</summary>
static class MapBench
{
    static readonly double[] decades = [10, 10.5, 11, 11.5, 12, 12.5, 13];
    static readonly int[] seeds = [8, 8, 8, 8, 8, 3, 3];

    /// <param name="sd">between seeds, nats an answer; the world's median is 0.247</param>
    public static void Sudden(int tasks, double sd)
    {
        foreach (Calibration c in Calibration.Simulate(decades, seeds, 60, sd, tasks))
            Console.WriteLine(FormattableString.Invariant($"{c.Kind,-38} {100.0 * c.Sudden / c.Tasks,5:0.0} % ") +
                FormattableString.Invariant($"({100 * c.Range.Low:0.0}–{100 * c.Range.High:0.0} %)"));
    }

    /// <summary>Tasks called full at the last rung, three seeds, by true ability (chance 0) and items.</summary>
    public static void Full(int tasks)
    {
        double[] abilities = [0.9, 0.93, 0.95, 0.98, 0.99, 1];
        Console.WriteLine("items" + string.Concat(abilities.Select(a => FormattableString.Invariant($"{a,9:0.00}"))));
        foreach (int items in (int[])[40, 60, 120, 200, 500])
            Console.WriteLine($"{items,5}" + string.Concat(abilities.Select((a, which) =>
            {
                int full = ParallelEnumerable.Range(0, tasks).Count(t => IsFull(a, items, (ulong)(which * tasks + t)));
                return FormattableString.Invariant($"{100.0 * full / tasks,7:0.0} %");
            })));
    }

    /// <summary>Samples of 32 seeds that are called two groups, with exact intervals.</summary>
    public static void Groups(int samples)
    {
        foreach ((string name, Func<Func<double>, Func<double>, double> draw) in ((string, Func<Func<double>, Func<double>, double>)[])[
            ("even", (u, _) => u()), ("even, as shares of 256 items", (u, _) => Math.Round(256 * u()) / 256),
            ("bell curve", (_, n) => n()), ("skewed", (u, _) => Math.Pow(u(), 3)),
            ("two equal groups six standard deviations apart", (u, n) => (u() < 0.5 ? 0 : 6) + n())])
        {
            int called = ParallelEnumerable.Range(0, samples).Count(i =>
            {
                var rng = new Rng((ulong)i, RandomPurpose.Test);
                return TwoGroups.P([.. Enumerable.Range(0, 32).Select(_ => draw(() => rng.NextDouble(), () => rng.NextNormal()))]) <= 0.05;
            });
            (double low, double high) = ExactShare.Of(called, samples, 0.95);
            Console.WriteLine(FormattableString.Invariant(
                $"{name,-48} {100.0 * called / samples,5:0.0} % ({100 * low:0.0}–{100 * high:0.0} %)"));
        }
    }

    static bool IsFull(double ability, int items, ulong seed)
    {
        var rng = new Rng(seed, RandomPurpose.Test);
        TaskRung[] rungs = [.. decades.Select(x =>
        {
            double p = 0.2 + (x - decades[0]) / (decades[^1] - decades[0]) * (ability - 0.2);
            ItemResult[][] results = [.. Enumerable.Range(0, 3).Select(_ => (ItemResult[])[.. Enumerable.Range(0, items).Select(i =>
                new ItemResult { Id = $"{i}", Task = "t", AnswerNll = 1 - p, Score = rng.NextDouble() < p ? 1 : 0 })])];
            return new TaskRung(Math.Pow(10, x), Math.Pow(10, x), results, [1, 1, 1]);
        })];
        return TaskFinding.Of(new("t", rungs, null)).SaturatedAt is not null;
    }
}
