namespace Isoflop.Lab.Laws;

/// <summary>Fits the smallest, predicts the largest.</summary>
static class HeldOutCheck
{
    /// <summary>Cuts tried: the largest compute (or x) over this; the first that leaves enough below.</summary>
    static readonly double[] shares = [10, 5, 3, 2, 1.2];

    public static HeldOut? Of(LawForm form, IReadOnlyList<Observation> points, FitOptions options, CancellationToken stop) =>
        CutOf(form, points) is var cut && double.IsFinite(cut) ? Of(form, points, cut, options, stop) : null;

    /// <summary>C (or x) that leaves points enough below and above; NaN: none does.</summary>
    public static double CutOf(LawForm form, IReadOnlyList<Observation> points)
    {
        if (form.ReadsLoss) return double.NaN;
        double[] at = [.. points.Select(p => Where(form, p))];
        double most = at.Max();
        return shares.Select(share => most / share).FirstOrDefault(
            cut => at.Count(x => x < cut) >= Math.Max(form.MinPoints + 1, points.Count / 3), double.NaN);
    }

    /// <summary>Trained on C (or x) below the cut, tested from there on; null where the points below identify nothing.</summary>
    public static HeldOut? Of(LawForm form, IReadOnlyList<Observation> points, double cut, FitOptions options,
        CancellationToken stop)
    {
        Observation[] below = [.. points.Where(p => Where(form, p) < cut)], above = [.. points.Where(p => Where(form, p) >= cut)];
        if (above.Length == 0 || Identifiability.Refusal(form, below) is not null) return null;
        if (Fitter.Parameters(form, below, options, stop) is not { } natural) return null;
        if (form is Allocation) (below, above) = (BestOfEach(below), BestOfEach(above));      // it speaks of the best run alone
        double[] errors = [.. above.Select(p => Math.Abs(form.At(natural, form.InputsOf(p)) - p.Loss) / Math.Abs(p.Loss))];
        double skill = double.NaN;
        if (points.All(p => p.Loss > 0))
        {
            Line line = Line.Through([.. below.Select(p => Math.Log(Where(form, p)))], [.. below.Select(p => Math.Log(p.Loss))]);
            double straight = above.Average(p => Math.Abs(Math.Exp(line.At(Math.Log(Where(form, p)))) - p.Loss) / p.Loss);
            skill = 1 - errors.Average() / straight;
        }
        return new(cut, below.Length, above.Length, errors.Average(), errors.Max(), skill);

        Observation[] BestOfEach(Observation[] some) =>
            [.. BestOfBudget.Of(new(form, some), [.. Enumerable.Range(0, some.Length)]).SelectMany(size => size)
                .Select(i => some[i])];
    }

    static double Where(LawForm form, Observation p) => form.IsSurface ? p.C : form.InputsOf(p).X;
}
