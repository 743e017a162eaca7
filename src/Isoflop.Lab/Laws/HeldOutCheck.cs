namespace Isoflop.Lab.Laws;

/// <summary>Fits the smallest, predicts the largest.</summary>
static class HeldOutCheck
{
    /// <summary>Cuts tried: the largest compute (or x) over this; the first that leaves enough below.</summary>
    static readonly double[] shares = [10, 5, 3, 2, 1.2];

    public static HeldOut? Of(LawForm form, IReadOnlyList<Observation> points, FitOptions options, CancellationToken stop)
    {
        if (form.ReadsLoss) return null;
        double most = points.Max(Where);
        foreach (double share in shares)
            if (points.Count(p => Where(p) < most / share) >= Math.Max(form.MinPoints + 1, points.Count / 3))
                return Of(form, points, most / share, options, stop);
        return null;

        double Where(Observation p) => form.IsSurface ? p.C : form.InputsOf(p).X;
    }

    /// <summary>Trained on C (or x) below the cut, tested from there on; null where the points below identify nothing.</summary>
    public static HeldOut? Of(LawForm form, IReadOnlyList<Observation> points, double cut, FitOptions options,
        CancellationToken stop)
    {
        Observation[] below = [.. points.Where(p => Where(p) < cut)], above = [.. points.Where(p => Where(p) >= cut)];
        if (above.Length == 0 || Identifiability.Refusal(form, below) is not null) return null;
        if (Fitter.Parameters(form, below, options, stop) is not { } natural) return null;
        if (form is Allocation) (below, above) = (BestOfEach(below), BestOfEach(above));      // it speaks of the best run alone
        double[] errors = [.. above.Select(p => Math.Abs(form.At(natural, form.InputsOf(p)) - p.Loss) / Math.Abs(p.Loss))];
        double skill = double.NaN;
        if (points.All(p => p.Loss > 0))
        {
            Line line = Line.Through([.. below.Select(p => Math.Log(Where(p)))], [.. below.Select(p => Math.Log(p.Loss))]);
            double straight = above.Average(p => Math.Abs(Math.Exp(line.At(Math.Log(Where(p)))) - p.Loss) / p.Loss);
            skill = 1 - errors.Average() / straight;
        }
        return new(cut, below.Length, above.Length, errors.Average(), errors.Max(), skill);

        double Where(Observation p) => form.IsSurface ? p.C : form.InputsOf(p).X;
        Observation[] BestOfEach(Observation[] some) =>
            [.. IsoFlopParabolas.Budgets(new(form, some), [.. Enumerable.Range(0, some.Length)])
                .Select(budget => budget.Select(i => some[i]).MinBy(p => p.Loss)!)];
    }
}
