namespace Isoflop.Lab.Laws;

/// <summary>
/// Refits to points drawn again. Each draw has a stream of its own, named by its number: the result does not depend on the
/// threads. Each refit starts at the best fit.
/// </summary>
static class Bootstrap
{
    const int Attempts = 50;

    /// <summary>Webb 2014, "Reworking wild bootstrap based inference for clustered errors": mean 0, variance 1.</summary>
    static readonly double[] webb =
        [-Math.Sqrt(1.5), -1, -Math.Sqrt(0.5), Math.Sqrt(0.5), 1, Math.Sqrt(1.5)];

    /// <summary>With fewer clusters than this for each parameter their residuals are resampled instead.</summary>
    const int GroupsPerParameter = 3;

    public static Resampling Choose(LawForm form, int groups) =>
        !form.ResamplesResiduals && (form.GroupsAreCurves || groups >= GroupsPerParameter * form.Names.Count)
            ? Resampling.Groups : Resampling.Residuals;

    /// <summary>The clusters: runs of one group, and each run that has none.</summary>
    public static int[][] Groups(IReadOnlyList<Observation> points) =>
        [.. points.Select((p, i) => (Key: p.Group.Length > 0 ? "g" + p.Group : $"#{i}", i)).GroupBy(p => p.Key)
            .Select(g => g.Select(p => p.i).ToArray())];

    /// <summary>Natural parameters of each resample; those that could not be fitted are missing.</summary>
    /// <param name="enlarge">residuals are turned times this: a fit makes its own points' small</param>
    public static List<double[]> Draw(FitProblem problem, double[] theta, double[] fitted, Resampling how, double enlarge,
        FitOptions options,
        CancellationToken stop)
    {
        var draws = new double[options.Bootstraps][];
        int[][] groups = Groups(problem.Data.Points);
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
                FitProblem again = how == Resampling.Groups
                    ? ResampleGroups(problem, groups, ref rng) : TurnResiduals(problem, fitted, groups, enlarge, ref rng);
                if (again.Used.Count < problem.Form.Names.Count && !problem.Form.ResamplesResiduals) continue;
                Minimum found = problem.Form.Solve(again, theta);
                if (!double.IsFinite(found.Value)) continue;
                double[] natural = new double[problem.Form.Names.Count];
                problem.Form.Natural(found.Theta, problem.Data, natural);
                if (natural.All(double.IsFinite)) draws[b] = natural;
            }
        });
        return [.. draws.Where(d => d is not null)];
    }

    static FitProblem ResampleGroups(FitProblem problem, int[][] groups, ref Rng rng)
    {
        double[] weights = new double[problem.Data.Count];
        for (int g = 0; g < groups.Length; g++)
        {
            int[] group = groups[rng.NextInt(groups.Length)];
            for (int r = 0; r < group.Length; r++)
                weights[problem.Form.GroupsAreCurves || group.Length == 1 ? group[r] : group[rng.NextInt(group.Length)]]++;
        }
        return new(problem.Form, problem.Data, problem.Objective, weights) { Polishes = 1, Steps = 100 };
    }

    static FitProblem TurnResiduals(FitProblem problem, double[] fitted, int[][] groups, double enlarge, ref Rng rng)
    {
        FitData data = problem.Data;
        double[] y = [.. data.Y];
        foreach (int[] group in groups)
        {
            double turn = webb[rng.NextInt(webb.Length)] * enlarge;
            foreach (int i in group)
                if (double.IsFinite(fitted[i]))
                    y[i] = FitProblem.Shift(problem.Objective, fitted[i],
                        turn * FitProblem.Residual(problem.Objective, data.Y[i], fitted[i]));
        }
        return new(problem.Form, data.With(y), problem.Objective, problem.Weights) { Polishes = 1, Steps = 100 };
    }
}
