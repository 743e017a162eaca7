using System.Globalization;

namespace Isoflop.Lab.Studies;

/// <summary>The learning rate of a budget, as a factor on the rule's.</summary>
/// <param name="Tried">factors, ascending</param>
/// <param name="Interior">the best of them lies between two others</param>
sealed record BudgetRate(double Budget, double Factor, IReadOnlyList<double> Tried, bool Interior);

/// <summary>
/// Tunes the learning rate at every budget anew, on its middle size and first seed: factors twofold apart, on until the best lies
/// between two others, then the vertex of the parabola through those three. The next budget begins at what this one found.
/// </summary>
static class RateSweep
{
    const double Step = 2, Furthest = 64;

    /// <summary>What is tried first about a factor.</summary>
    public static IReadOnlyList<double> First(double about) => [Rounded(about / Step), Rounded(about), Rounded(about * Step)];

    /// <param name="train">runs to results; a run that diverges has none</param>
    public static BudgetRate Of(LadderPlan plan, double budget, double about,
        Func<IReadOnlyList<PlannedRun>, IReadOnlyList<StudyResult>> train)
    {
        var losses = new SortedDictionary<double, double>();
        IReadOnlyList<double> wanted = First(about);
        while (true)
        {
            Trial[] trials = [.. wanted.Select(f => plan.Probe(budget, f))];
            Dictionary<string, double> done = train(LadderPlan.RunsOf(trials)).ToDictionary(r => r.Run.Name, r => r.Loss);
            foreach (Trial t in trials)
                losses[t.Factors.LearningRate] = done.GetValueOrDefault(t.Run.Name, double.PositiveInfinity);
            double best = losses.MinBy(l => l.Value).Key, low = losses.Keys.First(), high = losses.Keys.Last();
            bool interior = best > low && best < high;
            if (interior || best / about > Furthest || about / best > Furthest)
                return new(budget, interior ? Vertex(losses, best) : best, [.. losses.Keys], interior);
            wanted = [Rounded(best == low ? best / Step : best * Step)];
        }
    }

    /// <summary>Of the parabola in log factor through the best and its neighbours.</summary>
    static double Vertex(SortedDictionary<double, double> losses, double best)
    {
        (double left, double right) = (losses.Last(l => l.Key < best).Value, losses.First(l => l.Key > best).Value);
        double bend = left + right - 2 * losses[best];
        return !double.IsFinite(bend) || bend <= 0 ? best : Rounded(best * Math.Pow(Step, (left - right) / (2 * bend)));
    }

    /// <summary>For a reader.</summary>
    public static string NoteOf(IReadOnlyList<BudgetRate> rates) => "rate tuned at every budget: " + string.Join(", ",
        rates.Select(r => string.Create(CultureInfo.InvariantCulture, $"× {r.Factor:0.###} at {r.Budget:0.##e0}")
            + (r.Interior ? "" : " (at the edge of what was tried)")));

    static double Rounded(double x) => double.Parse(x.ToString("G3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
