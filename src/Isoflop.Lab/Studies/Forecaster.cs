using System.Globalization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearRegression;

namespace Isoflop.Lab.Studies;

/// <summary>A form's prediction of a budget from those up to a cut, on its best size.</summary>
/// <param name="Error">(measured − said)/measured: above 0 the form said too little</param>
readonly record struct TriedError(double Cut, double Budget, double Error)
{
    public double Decades => Math.Log10(Budget / Cut);
}

/// <summary>
/// A law that has been tried out before it is believed. Each form is fitted below every budget of the points and asked for the
/// best sizes above. Forms are compared on identical cuts and budgets, and the one with the smallest mean error is taken: a
/// surface, a straight line in log–log through the best size of each budget, that line with a floor, or the frontier's last
/// slope. Errors keep their signs. Their size a decade is part of the interval, which is no narrower than the frontier's drift:
/// the law's own supposes that the form is right, and over small runs none is. A surface says how to split the compute.
/// Where the frontier shows a floor, forms without one are refused: cuts below, where it did not show yet, cannot speak for them.
/// While the frontier accelerates, its exponent surely rising from half decade to half decade, all of them are refused, since
/// none can follow: the local trend foretells, with the width of its own drift.
/// </summary>
sealed class Forecaster
{
    static readonly LawForm[] Surfaces = [LawForms.Chinchilla, LawForms.Kaplan];
    static readonly LawForm Line = LawForms.KaplanC;
    static readonly LawForm[] Frontiers = [Line, LawForms.FrontierPower, LawForms.LocalTrend];
    static readonly LawForm[] Floors = [LawForms.Chinchilla, LawForms.FrontierPower];
    /// <summary>Predictions at least that a form is judged by.</summary>
    const int MinTried = 3;
    /// <summary>Budgets at least that show a floor: three parameters go through three.</summary>
    const int MinForFloor = 4;
    /// <summary>Of the last loss; the margin of <see cref="Verdicts"/>.</summary>
    const double LeastFloor = 0.01;

    static readonly FitOptions Tries = new() { Bootstraps = 0, HeldOut = false };

    readonly double largest;
    readonly (double Flops, double Parameters)[] sizes;          // the best of each budget

    readonly Estimate? floor;

    Forecaster(Law law, Law surface, IReadOnlyList<TriedError> errors, Estimate? floor, IReadOnlyList<StudyResult> points)
    {
        (Law, Surface, Tried, this.floor) = (law, surface, errors, floor);
        ErrorPerDecade = errors.Count == 0 ? double.NaN : Math.Sqrt(errors.Average(e => Math.Pow(e.Error / e.Decades, 2)));
        largest = points.Max(p => p.Run.Budget);
        sizes = [.. StudyPoints.BestSizes(points).Select(s => (s[0].Run.Budget, (double)s[0].Run.ParametersWithoutEmbedding))];
        Frontier = StudyPoints.Frontier(points);
        Trend = LocalTrend.Of(Frontier);
    }

    /// <summary>The frontier's exponent by half decades, and its drift; null: too few budgets.</summary>
    public LocalTrend? Trend { get; }

    /// <summary>A sentence on the regime; empty: too few budgets to tell.</summary>
    public string Regime => Trend is not { } t ? ""
        : $"exponents {string.Join(' ', t.Exponents.Select(e => I($"{e.Exponent:0.000}")))} " +
        I($"a decade, drift q {t.Drift:0.000} a half decade; the exponent changes by {t.Acceleration.Value:+0.000;-0.000} ") +
        $"({t.Acceleration.Ends("+0.000;-0.000", " to ")}) from one to the next: " + (t.Acceleration.Low > 0
            ? "it accelerates, so power laws are refused and the local trend foretells"
            : t.Acceleration.High < 0 ? "it slows down" : "no acceleration is shown") +
        (floor is not { } e ? ""
            : I($"; it shows a floor, {e.Value:0.000} ({e.Ends("0.000", " to ")}): forms without one are refused"));

    /// <summary>Of losses: the form taken, fitted to all points; a frontier's, to the best size of each budget.</summary>
    public Law Law { get; }

    /// <summary>
    /// Of the split into size and data: the surface that did best; the law itself, where that is one. It may be unidentified.
    /// </summary>
    public Law Surface { get; }

    /// <summary>Root mean square of the relative error over decades extrapolated; NaN: too few budgets to try.</summary>
    public double ErrorPerDecade { get; }

    /// <summary>Mean of the same with its sign: above 0 the form has said too little. NaN: too few budgets to try.</summary>
    public double SignedPerDecade => Tried.Count == 0 ? double.NaN : Tried.Average(e => e.Error / e.Decades);

    /// <summary>Predictions that it comes from.</summary>
    public IReadOnlyList<TriedError> Tried { get; }

    /// <summary>Best mean loss of each budget.</summary>
    public IReadOnlyList<(double Flops, double Loss)> Frontier { get; }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <param name="form">null: chosen</param>
    public static Forecaster Of(IReadOnlyList<StudyResult> points, LawForm? form, FitOptions? options, CancellationToken stop)
    {
        Estimate? floor = form is null ? FloorOf(points, options, stop) : null;
        LawForm[] forms = form is { } only ? [only] : floor is null ? [.. Surfaces, .. Frontiers] : Floors;
        Dictionary<LawForm, List<TriedError>> all = forms.ToDictionary(f => f, f => ErrorsOf(points, f, stop));
        var tries = Compared(all).OrderBy(t => t.Value.Count == 0 ? double.PositiveInfinity
            : t.Value.Average(e => Math.Abs(e.Error))).ToList();
        // Hardly tried, the line whose floor was seen goes first.
        if (floor is not null && tries.Any(t => t.Value.Count < MinTried))
            tries = [.. tries.OrderBy(t => t.Key.IsSurface).Select(t => KeyValuePair.Create(t.Key, all[t.Key]))];
        Law? refused = null, trend = form is null && LocalTrend.Of(StudyPoints.Frontier(points)) is { Acceleration.Low: > 0 }
            && FitTo(points, LawForms.LocalTrend, options, stop) is { Identified: true } accelerating ? accelerating : null;
        (Law Law, List<TriedError> Errors)? best = null;
        foreach ((LawForm f, List<TriedError> errors) in tries)
        {
            if (!f.IsSurface && best is not null) continue;       // only where it did best
            Law law = FitTo(points, f, options, stop);
            if (law.Identified)
            {
                best ??= (law, errors);
                if (form is not null || law.Form.IsSurface) return Foretelling(best.Value.Law, law, best.Value.Errors);
            }
            else if (refused is not { Form.IsSurface: true }) refused = law;
        }
        // Runs whose sizes hardly differ tell no surface; the line through the best of them still stands.
        return best is { } line ? Foretelling(line.Law, refused!, line.Errors) : Foretelling(refused!, refused!, []);

        Forecaster Foretelling(Law law, Law surface, List<TriedError> errors) =>
            trend is null ? new(law, surface, errors, floor, points) : new(trend, surface, [], null, points);
    }

    /// <summary>
    /// The floor that the best sizes alone show, surely above <see cref="LeastFloor"/> of their last loss; null: none, too few
    /// budgets, or no draws to say what is sure.
    /// </summary>
    internal static Estimate? FloorOf(IReadOnlyList<StudyResult> points, FitOptions? options, CancellationToken stop) =>
        StudyPoints.Frontier(points) is { Count: >= MinForFloor } best && FitTo(points, LawForms.FrontierPower,
            (options ?? new()) with { HeldOut = false }, stop)["E"] is var e && e.Low > LeastFloor * best[^1].Loss ? e : null;

    /// <summary>
    /// Errors of forms on the same cuts and budgets, since far ones are harder: those that all of them answered. A form that
    /// answers so few that less than <see cref="MinTried"/> would be left is judged by what the others leave: none.
    /// </summary>
    internal static Dictionary<LawForm, List<TriedError>> Compared(Dictionary<LawForm, List<TriedError>> all)
    {
        List<LawForm> kept = [.. all.Keys.Where(f => all[f].Count > 0)];
        HashSet<(double, double)> common = [];
        while (kept.Count > 0)
        {
            common = [.. all[kept[0]].Select(e => (e.Cut, e.Budget))];
            foreach (LawForm f in kept) common.IntersectWith(all[f].Select(e => (e.Cut, e.Budget)));
            if (common.Count >= MinTried || kept.Count == 1) break;
            kept.Remove(kept.MinBy(f => all[f].Count)!);
        }
        return all.ToDictionary(p => p.Key, p => kept.Contains(p.Key)
            ? p.Value.Where(e => common.Contains((e.Cut, e.Budget))).ToList() : []);
    }

    /// <summary>
    /// Parameters of the best size at so much compute: by the surface, or where none is identified by a power law through the
    /// best size of each budget.
    /// </summary>
    public double SizeAt(double flops)
    {
        if (Surface.Form.IsSurface && Surface.Identified) return Surface.Optimal(flops).N.Value;
        double[] x = [.. sizes.Select(s => Math.Log(s.Flops))], y = [.. sizes.Select(s => Math.Log(s.Parameters))];
        if (x.Length < 2) return sizes[0].Parameters;
        (double intercept, double slope) = SimpleRegression.Fit(x, y);
        return Math.Exp(intercept + slope * Math.Log(flops));
    }

    /// <summary>A surface is fitted to all runs, the line to those of the best size.</summary>
    static Law FitTo(IReadOnlyList<StudyResult> points, LawForm form, FitOptions? options, CancellationToken stop)
    {
        if (form != Line) return StudyPoints.Fit(points, form, options, stop);
        IReadOnlyList<IReadOnlyList<StudyResult>> best = StudyPoints.BestSizes(points);
        // Of one budget alone the seeds' few FLOPs more or less would make a line.
        return StudyPoints.Fit(best.Count < 2 ? [best[0][0]] : [.. best.SelectMany(s => s)], form, options, stop);
    }

    /// <summary>Loss of a run; the interval is for that run.</summary>
    /// <exception cref="DataException">The law is not identified, or the run too far away.</exception>
    public Estimate Predict(PlannedRun run, double tokens) => Widened(Law.Form.IsSurface
        ? Supposed.Predict(run.ParametersWithoutEmbedding, tokens, tokens / Math.Max(1, run.Epochs))
        : Supposed.PredictAt(run.Flops), run.Budget);

    /// <summary>Loss of a run of the best size at so much compute.</summary>
    /// <exception cref="DataException">The law is not identified, or the compute too far away.</exception>
    public Estimate PredictAt(double flops) => Widened(Supposed.PredictAt(flops), flops);

    /// <summary>With the scatter of its runs, whether it fits or not: its misses widen the interval here.</summary>
    Law Supposed => Law with { LackOfFit = [] };

    Estimate Widened(Estimate law, double budget)
    {
        double low = double.IsNaN(law.Low) ? 0 : law.Value - law.Low, high = double.IsNaN(law.High) ? 0 : law.High - law.Value;
        double steps = LocalTrend.Steps(largest, budget);
        if (steps == 0) return law;
        if (Tried.Count > 0)
        {
            // Errors grow as those of a slope that drifts.
            double form = StudentT.InvCDF(0, 1, Math.Max(1, Tried.Count - 1), 0.975) * law.Value * steps
                * Math.Sqrt(Tried.Average(e => Math.Pow(e.Error / LocalTrend.Steps(e.Cut, e.Budget), 2)));
            (low, high) = (Math.Sqrt(low * low + form * form), Math.Sqrt(high * high + form * form));
        }
        // Fewer than four budgets show no drift: it is taken to be as large as the slope itself, two of which are 95 %.
        (double below, double above) = Trend?.At(budget) is { } drift
            ? (1 - drift.Low / drift.Value, drift.High / drift.Value - 1)
            : 2 * steps * Math.Abs(Math.Log(law.Value / Frontier[^1].Loss)) / (2 * Math.Log10(budget / Frontier[^1].Flops))
                is var wide ? (wide, wide) : default;
        (low, high) = (Math.Max(low, law.Value * below), Math.Max(high, law.Value * above));
        return new(law.Value, Math.Max(0, law.Value - low), law.Value + high);
    }

    /// <summary>Relative error at the best size of each budget above each cut.</summary>
    static List<TriedError> ErrorsOf(IReadOnlyList<StudyResult> points, LawForm form, CancellationToken stop)
    {
        IReadOnlyList<StudyResult>[] best = [.. StudyPoints.BestSizes(points)];
        List<TriedError> errors = [];
        foreach (double cut in best.SkipLast(1).Select(s => s[0].Run.Budget))
        {
            StudyResult[] below = [.. points.Where(r => r.Run.Budget <= cut)];
            Law law = FitTo(below, form, Tries, stop);
            if (!law.Identified) continue;
            foreach (IReadOnlyList<StudyResult> above in best.Where(s => s[0].Run.Budget > cut))
                errors.Add(new(cut, above[0].Run.Budget, above.Average(r => 1 - (form.IsSurface
                    ? law.Predict(r.Run.ParametersWithoutEmbedding, r.Tokens) : law.PredictAt(r.Flops)).Value / r.Loss)));
        }
        return errors;
    }
}
