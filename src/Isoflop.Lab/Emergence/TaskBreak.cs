using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>A broken power law (<see cref="LawForms.Broken"/>) through a task's −ln p of the answer, a point a seed.</summary>
/// <param name="At">training FLOPs of the break d1; NaN: not identified</param>
/// <param name="Reason">why nothing was identified; else empty</param>
sealed record TaskBreak(string Task, Estimate At, string Reason)
{
    /// <summary>Of every task whose answers' likelihood is known, in the map's order.</summary>
    public static IReadOnlyList<TaskBreak> All(CapabilityMap map, CancellationToken stop = default) =>
        [.. map.Curves.Where(c => c.IsAsked && double.IsFinite(c.Rungs[0].AnswerNll.Mean)).AsParallel().AsOrdered()
            .Select(c => Of(c, stop))];

    static TaskBreak Of(TaskCurve curve, CancellationToken stop)
    {
        List<Observation> points = [];
        foreach (TaskRung rung in curve.Rungs)
            for (int s = 0; s < rung.Seeds.Count; s++)
                if (rung.Seeds[s].AnswerNll is var nll && nll > 0)
                    points.Add(Observation.Point(rung.Flops, nll, seed: s + 1));
        Law law = Law.Fit(LawForms.Broken, points, new() { Bootstraps = 100, HeldOut = false, Threads = 1 }, stop);
        return law.Identified ? new(curve.Task, law["d1"], "") : new(curve.Task, Estimate.Of(double.NaN), law.Verdict.Text);
    }
}
