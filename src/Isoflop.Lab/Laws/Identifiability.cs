using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>What points cannot tell, said before anything is fitted, with the run that would help.</summary>
static class Identifiability
{
    /// <summary>Points whose ln D lies so close to a straight line in ln N are one curve: α and β mix.</summary>
    const double OneCurve = 0.05;
    /// <summary>
    /// Condition of the information matrix's root above which parameters may stand in for each other: grids of 2 to 5 sizes over
    /// 4 to 7 half decades have 37 to 143, as a test holds.
    /// </summary>
    public const double WorstCondition = 200;
    /// <summary>
    /// Spread of ln D about a line in ln N below which that is D for N: a condition is large as well where sizes span little and
    /// exponents are small, and intervals hold there. Each size with 1, 2, 5 and 10 times the data has 0.9.
    /// </summary>
    const double NearCurve = 0.5;
    /// <summary>Duplicates of one seed that differ by more than this share disagree.</summary>
    const double Disagreement = 0.01;

    /// <summary>Values that no law can have.</summary>
    /// <exception cref="DataException">Names the point.</exception>
    public static void Check(LawForm form, IReadOnlyList<Observation> points, Objective objective, bool replicates)
    {
        // Forms of scores rather than losses take whatever the objective has a logarithm of.
        double least = form.Default != Objective.SquaredError || form is Allocation ? 0
            : objective switch
            {
                Objective.SquaredError or Objective.SquaredArcsine => double.NegativeInfinity,
                Objective.SquaredLog1p => -1,
                _ => 0,
            };

        foreach ((Observation p, int i) in points.Select((p, i) => (p, i)))
        {
            if (objective == Objective.SquaredArcsine && !(p.Loss is >= 0 and <= 1))
                throw Bad("value", p.Loss, "a share, from 0 to 1");
            Positive(p.Items, "items");
            Inputs x = form.InputsOf(p);
            if (form.IsSurface || form is Allocation)
            {
                Positive(x.N, "N");
                Positive(x.D, "D");
                Positive(x.U, "unique tokens");
            }
            else Positive(x.X, "x");
            Positive(p.C, "C");
            if (least == 0) Positive(p.Loss, "loss");
            else if (!double.IsFinite(p.Loss)) throw Bad("value", p.Loss, "finite");
            else if (p.Loss <= least) throw Bad("value", p.Loss, $"above {least} for this objective");

            void Positive(double v, string name)
            {
                if (!(v > 0) || !double.IsFinite(v)) throw Bad(name, v, "positive and finite");
            }
            DataException Bad(string name, double v, string rule) => new(FormattableString.Invariant(
                $"point {i + 1}{(p.Name.Length > 0 ? $" ({p.Name})" : "")}: {name} = {v} must be {rule}; ") +
                "a condition (where=COND) leaves rows out");
        }
        if (replicates) return;
        foreach (var same in points
            .GroupBy(p => (p.N, p.D, p.C, p.Unique, p.X, p.Seed, Curve: form.GroupsAreCurves ? p.Group : ""))
            .Where(g => g.Count() > 1))
        {
            Observation low = same.MinBy(p => p.Loss)!, high = same.MaxBy(p => p.Loss)!;
            if (high.Loss - low.Loss > Disagreement * Math.Abs(high.Loss))
                throw new DataException(
                    FormattableString.Invariant($"the same point twice, N = {low.N:0.###e0} D = {low.D:0.###e0} ") +
                    FormattableString.Invariant($"seed {low.Seed}, with losses {low.Loss} and {high.Loss}; ") +
                    "give the seeds their column, say that they are replicates, or take one out");
        }
    }

    /// <summary>Why the form cannot be fitted to these points, or null.</summary>
    /// <param name="known">what is given need not be told by the points; null: nothing</param>
    public static (string Reason, NextPoint Next)? Refusal(LawForm form, IReadOnlyList<Observation> points,
        IReadOnlyList<Known>? known = null)
    {
        int given = known?.Count ?? 0, least = form.MinPoints - given;
        if (points.Count == 0) return ("there are no points", new(double.NaN, double.NaN, double.NaN, "any first run"));
        var data = new FitData(form, points);
        double most = points.Max(p => p.C), middle = Math.Exp(points.Average(p => Math.Log(p.C)));
        Observation largest = points.MaxBy(p => p.C)!;
        int distinct = form.IsSurface || form is Allocation
            ? points.Select(p => (p.N, p.D, p.Unique)).Distinct().Count() : data.Inputs.Select(x => x.X).Distinct().Count();
        if (distinct < least)
            return ($"{distinct} different points for {form.Names.Count - given} parameters; at least {least} are needed",
                new(middle, double.NaN, double.NaN, "another run inside of the range"));
        var compute = new FitData(LawForms.KaplanC, points);
        int budgets = IsoFlopParabolas.Budgets(compute, [.. Enumerable.Range(0, points.Count)]).Count;
        if ((form.IsSurface || form is Allocation) && budgets < 2)
            return (FormattableString.Invariant($"all points have one budget, {most:0.##e0}: nothing shows what compute buys"),
                new(4 * most, 2 * largest.N, 2 * largest.D, "a second budget, four times the first"));
        if (form.IsSurface && given == 0 && OneCurveOnly(data))
            return ("all points lie on one curve of D and N (D ∝ N or a power of it): what each of them buys cannot be told",
                OffTheCurve(points));
        return null;
    }

    /// <summary>The run that tells size from data where all others lie on one curve.</summary>
    public static NextPoint OffTheCurve(IReadOnlyList<Observation> points) => points.MaxBy(p => p.C) is var largest
        ? new(largest!.C, largest.N / 2, 2 * largest.D, "the largest budget at half the parameters and twice the tokens") : null!;

    static bool OneCurveOnly(FitData data) => data.LnN.PopulationStandardDeviation() < OneCurve
        || data.LnD.PopulationStandardDeviation() < OneCurve || OffLine(data) < OneCurve;

    /// <summary>Whether a surface's points lie so near one curve of D and N that their condition tells nothing else.</summary>
    public static bool IsNearCurve(FitData data) => OffLine(data) < NearCurve;

    /// <summary>Standard deviation of ln D about a straight line in ln N.</summary>
    static double OffLine(FitData data)
    {
        Line line = Line.Through(data.LnN, data.LnD);
        return data.LnN.Select((n, i) => data.LnD[i] - line.At(n)).PopulationStandardDeviation();
    }
}
