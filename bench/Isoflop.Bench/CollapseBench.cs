using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Bench;

/// <summary>Which budgets of a ladder keep its training curves apart: the gate over stretches of it.</summary>
static class CollapseBench
{
    public static void Run(string home, string study)
    {
        var here = new Workspace(home);
        IReadOnlyList<StudyResult> all = StudyPoints.Counted(Study.Open(here, study), here);
        double[] budgets = [.. all.Select(r => r.Run.Budget).Distinct().Order()];
        for (int from = 0; from < budgets.Length - 1; from++)
            for (int to = from + 1; to < budgets.Length; to++)
                if (Collapse.Of([.. all.Where(r => r.Run.Budget >= budgets[from] && r.Run.Budget <= budgets[to])], here) is { } c)
                    Console.WriteLine($"{budgets[from]:0.##e0} to {budgets[to]:0.##e0}: {c.Says}");
    }
}
