using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>An F-test of what a form leaves of its points.</summary>
/// <param name="Against">what the misfit is held against: "seeds", "half decades", "held out"</param>
/// <param name="Misfit">standard deviation of what the form leaves, less the scatter that it is held against</param>
/// <param name="Scatter">standard deviation of that scatter, as the objective sees it</param>
/// <param name="P">probability of an F so large where the form is right</param>
sealed record FitTest(string Against, double F, int Df1, int Df2, double Misfit, double Scatter, double P);

/// <summary>
/// Does the form fit? Least squares near the fit, F = ((RSS − RSS′)/df1)/(RSS′/df2), where RSS′ is left when each set of points
/// has a mean of its own. Three sets: <em>seeds</em>, each cell of equal inputs (pure error; Draper &amp; Smith, Applied
/// Regression Analysis, ch. 2); <em>half decades</em> of compute, a drift of the slope; <em>held out</em>, what lies above the
/// cut of the held-out check. The last two count each cell once, as a mean, since seeds share its error. Points of a
/// cluster count as one, by their means: they share its error.
/// </summary>
static class LackOfFit
{
    /// <summary>Of all tests together, Holm's correction.</summary>
    public const double Level = 0.01;
    /// <summary>ln of inputs that differ by less are one cell: token counts of seeds differ in their last batch.</summary>
    const double Same = 0.02;
    /// <summary>Scatter below this is rounding: nothing to hold a misfit against.</summary>
    const double Rounding = 1e-7;
    const int MinDf2 = 3;

    /// <summary>The tests that the points allow.</summary>
    /// <param name="cut">of the held-out check; NaN: none</param>
    public static IReadOnlyList<FitTest> Of(FitProblem fit, double[] theta, double cut)
    {
        if (fit.Form is Allocation) return [];
        // Of the form, not of this fit: least squares, whatever the objective was.
        Objective squared = fit.Objective == Objective.HuberLog ? Objective.SquaredLog : fit.Objective;
        var problem = new FitProblem(fit.Form, fit.Data, squared);
        Minimum least = problem.Form.Solve(problem, theta);
        if (!double.IsFinite(least.Value) || Linear.Of(problem, least.Theta) is not { } points) return [];

        int[][] units = Bootstrap.Groups(problem.Data.Points);
        int[] cell = CellOf(problem.Form, problem.Data);
        Linear unit = points.Means(units);
        int[][] cells = Sets(units.Select(u => string.Join(' ', u.Select(i => cell[i]).Order())));
        double[] where = [.. units.Select(u => u.Average(i =>
            problem.Form.TakesX ? problem.Data.LnX[i] : Math.Log(problem.Data.Points[i].C)))];

        List<FitTest?> tests = [Test("seeds", unit, cells)];
        if (!problem.Form.ReadsLoss)
        {
            Linear mean = unit.Means(cells);
            double[] at = [.. cells.Select(c => c.Average(u => where[u]))];
            tests.Add(Test("half decades", mean, Sets(at.Select(x => Math.Floor(2 * x / Math.Log(10))))));
            int[] above = [.. Enumerable.Range(0, at.Length).Where(i => at[i] >= Math.Log(cut))];
            if (double.IsFinite(cut)) tests.Add(Test("held out", mean, [above]));
        }
        return [.. tests.OfType<FitTest>()];
    }

    /// <summary>
    /// Those that reject the form: the least p below the level over their number, the next over one fewer; and the misfit is no
    /// less than the scatter, since with points enough each form is wrong.
    /// </summary>
    public static IEnumerable<FitTest> Rejecting(IReadOnlyList<FitTest> tests) =>
        tests.OrderBy(t => t.P).TakeWhile((t, i) => t.P < Level / (tests.Count - i)).Where(t => t.Misfit >= t.Scatter);

    /// <summary>Points of equal inputs, seeds of each other: [point] → cell.</summary>
    public static int[] CellOf(LawForm form, FitData data)
    {
        int[] cell = new int[data.Count];
        int cells = -1, last = -1;
        foreach (int i in Enumerable.Range(0, data.Count).OrderBy(i => data.LnN[i]).ThenBy(i => data.Inputs[i].U)
            .ThenBy(i => data.LnD[i]).ThenBy(i => data.LnX[i]))
        {
            if (last < 0 || !IsOne(i, last)) cells++;
            cell[last = i] = cells;
        }
        return cell;

        bool IsOne(int i, int j) => form.TakesX ? data.LnX[i] == data.LnX[j]
            : Math.Abs(data.LnN[i] - data.LnN[j]) < Same && Math.Abs(data.LnD[i] - data.LnD[j]) < Same
                && Math.Abs(Math.Log(data.Inputs[i].U / data.Inputs[j].U)) < Same;
    }

    /// <summary>Budgets as <see cref="IsoFlopParabolas"/> tells them apart: [point] → budget.</summary>
    public static int[] BudgetOf(IReadOnlyList<Observation> points)
    {
        int[] budget = new int[points.Count];
        List<List<int>> all = IsoFlopParabolas.Budgets(new(LawForms.KaplanC, points), [.. Enumerable.Range(0, points.Count)]);
        for (int b = 0; b < all.Count; b++)
            foreach (int i in all[b]) budget[i] = b;
        return budget;
    }

    public static int[][] Sets<T>(IEnumerable<T> labels) where T : notnull =>
        [.. labels.Select((label, i) => (label, i)).GroupBy(x => x.label).Select(g => g.Select(x => x.i).ToArray())];

    static FitTest? Test(string against, Linear points, int[][] sets)
    {
        int n = points.Residual.Length;
        if (n - sets.Length < MinDf2) return null;
        List<double[]> form = Linear.Basis(points.Columns);
        List<double[]> wider = Linear.Basis([.. form, .. sets.Where(s => s.Length < n).Select(s => Linear.Indicator(n, s))]);
        double left = Linear.Square(Linear.Left(form, points.Residual)),
            scatter = Linear.Square(Linear.Left(wider, points.Residual));
        int df1 = wider.Count - form.Count, df2 = n - wider.Count;
        if (df1 < 1 || df2 < MinDf2 || !(Math.Sqrt(scatter / df2) > Rounding)) return null;
        double f = (left - scatter) / df1 / (scatter / df2), p = FisherSnedecor.CDF(df2, df1, 1 / f);
        return new(against, f, df1, df2, Math.Sqrt(Math.Max(0, (left - scatter) / df1 - scatter / df2) * df1 / n),
            Math.Sqrt(scatter / df2), p);
    }
}
