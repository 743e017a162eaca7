using Isoflop.Lab.Studies;
using Xunit;

namespace Isoflop.Tests.Studies;

public class RunQueueTests
{
    // Seconds are named by the run's budget, so that no machine's peak is in it.
    static PlannedRun Run(double seconds, long memory = 1) => new($"{seconds}", Phase.Ladder, seconds, 1, 16, 2, 1, 1, 1, 1, 1, 1, 1, 1,
        seconds, seconds, 0, memory, "", "", "", false);

    static PlannedRun? Choose(double share, long memory, params PlannedRun[] able) => RunQueue.Choose(able, r => r.Budget, share, r => r.MemoryBytes, memory);

    [Fact]
    public void Runs_begin_in_their_order_until_the_longest_would_come_last()
    {
        PlannedRun[] runs = [Run(1), Run(1), Run(4), Run(10)];
        Assert.Equal(1, Choose(10, 9, runs)!.Budget);             // two workers, 20 s left: ten each, and the longest takes ten
        Assert.Equal(10, Choose(9.5, 9, runs[1..])!.Budget);
        Assert.Null(Choose(1, 9));
    }

    [Fact]
    public void A_run_waits_for_memory()
    {
        Assert.Null(Choose(1, memory: 5, Run(3, memory: 6)));
        Assert.Equal(3, Choose(1, memory: 6, Run(3, memory: 6))!.Budget);
    }

    /// <summary>The rule by hand: two workers, each takes the next as soon as it is free.</summary>
    [Fact]
    public void Two_workers_end_together()
    {
        List<PlannedRun> waiting = [.. Enumerable.Repeat(1.0, 8).Append(8.0).Select(s => Run(s))];
        double[] free = [0, 0];
        while (waiting.Count > 0)
        {
            int next = free[0] <= free[1] ? 0 : 1;
            double left = waiting.Sum(r => r.Budget) + Math.Max(0, free[1 - next] - free[next]);
            PlannedRun run = Choose(left / 2, 9, [.. waiting])!;
            waiting.Remove(run);
            free[next] += run.Budget;
        }
        Assert.Equal(8, free.Min(), 1.0);                         // in the plan's order: 4 and 12
        Assert.Equal(8, free.Max(), 1.0);
    }
}
