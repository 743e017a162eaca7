namespace Isoflop.Lab.Laws;

/// <summary>
/// Refits to points drawn again. Each draw has a stream of its own, named by its number: the result does not depend on the
/// threads. Each refit starts at the best fit.
/// </summary>
static class Bootstrap
{
    const int Attempts = 50;

    /// <summary>With fewer clusters than this for each parameter errors are drawn anew instead.</summary>
    public const int GroupsPerParameter = 3;

    public static Resampling Choose(LawForm form, int groups) =>
        !form.ResamplesResiduals && (form.GroupsAreCurves || groups >= GroupsPerParameter * form.Free)
            ? Resampling.Groups : Resampling.Residuals;

    /// <summary>The clusters: runs of one group, and each run that has none.</summary>
    public static int[][] Groups(IReadOnlyList<Observation> points) =>
        [.. points.Select((p, i) => (Key: p.Group.Length > 0 ? "g" + p.Group : $"#{i}", i)).GroupBy(p => p.Key)
            .Select(g => g.Select(p => p.i).ToArray())];

    /// <summary>
    /// What is resampled as one: the clusters that are named; else the budgets or the cells, where a test at 5 % finds that runs
    /// share an error of them, at least a quarter of the variance; else runs.
    /// </summary>
    public static (string Name, int[][] Clusters) Clusters(FitProblem problem, IReadOnlyList<FitTest> tests)
    {
        int[][] groups = Groups(problem.Data.Points);
        if (problem.Form.GroupsAreCurves || groups.Any(g => g.Length > 1)) return ("groups", groups);
        if (problem.Form is Allocation) return ("runs", groups);
        const double Level = 0.05;
        bool Shares(string against) => tests.Any(t =>
            t.Against == against && t.P < Level && t.Misfit * t.Misfit >= t.Scatter * t.Scatter / 3);
        return Shares("half decades") && problem.Form.IsSurface
                ? ("budgets", LackOfFit.Sets(LackOfFit.BudgetOf(problem.Data.Points)))
            : Shares("seeds") ? ("cells", LackOfFit.Sets(LackOfFit.CellOf(problem.Form, problem.Data))) : ("runs", groups);
    }

    /// <summary>Natural parameters of each resample; those that could not be fitted are missing.</summary>
    public static List<double[]> Draw(FitProblem problem, double[] theta, double[] fitted, Resampling how, ErrorModel errors,
        FitOptions options, CancellationToken stop)
    {
        var draws = new double[options.Bootstraps][];
        int[][] groups = errors.Clusters;
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
            CancellationToken = stop,
        };
        Parallel.For(0, draws.Length, parallel, b =>
        {
            var rng = RandomUse.LawResample.Open(options.Seed, LawForms.StreamOf(problem.Form), b);
            for (int attempt = 0; attempt < Attempts && draws[b] is null; attempt++)
            {
                LawForm form = problem.Form.Redrawn(ref rng);
                FitProblem again = how == Resampling.Groups
                    ? ResampleGroups(form, problem, groups, ref rng) : DrawErrors(form, problem, fitted, errors, ref rng);
                if (again.Used.Count < form.Free && !problem.Form.ResamplesResiduals) continue;
                Minimum found = form.Solve(again, theta);
                if (!double.IsFinite(found.Value)) continue;
                double[] natural = new double[problem.Form.Names.Count];
                form.Natural(found.Theta, problem.Data, natural);
                if (natural.All(double.IsFinite)) draws[b] = natural;
            }
        });
        return [.. draws.Where(d => d is not null)];
    }

    static FitProblem ResampleGroups(LawForm form, FitProblem problem, int[][] groups, ref Rng rng)
    {
        double[] weights = new double[problem.Data.Count];
        for (int g = 0; g < groups.Length; g++)
        {
            int[] group = groups[rng.NextInt(groups.Length)];
            for (int r = 0; r < group.Length; r++)
                weights[problem.Form.GroupsAreCurves || group.Length == 1 ? group[r] : group[rng.NextInt(group.Length)]]++;
        }
        return new(form, problem.Data, problem.Objective, weights) { Polishes = 1, Steps = 100 };
    }

    static FitProblem DrawErrors(LawForm form, FitProblem problem, double[] fitted, ErrorModel errors, ref Rng rng)
    {
        double[] drawn = errors.Draw(fitted.Length, ref rng);
        double[] y = [.. problem.Data.Y.Select((was, i) =>
            double.IsFinite(fitted[i]) ? FitProblem.Shift(problem.Objective, fitted[i], drawn[i] / problem.Data.Scale[i]) : was)];
        return new(form, problem.Data.With(y), problem.Objective, problem.Weights) { Polishes = 1, Steps = 100 };
    }
}
