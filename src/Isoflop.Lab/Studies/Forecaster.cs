using System.Globalization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearRegression;

namespace Isoflop.Lab.Studies;

/// <summary>
/// A law that has been tried out before it is believed. Each form is fitted below every budget of the points and asked for the
/// best sizes above; of the forms that all points identify the one with the smallest mean error is taken, and the size of those
/// errors, a decade of extrapolation, is part of the interval: the law's own supposes that the form is right, and over small
/// runs none is. A straight line in log–log through the best size of each budget is among the forms; a surface says how to
/// split the compute. While the frontier accelerates, its exponent surely rising from half decade to half decade, all of them
/// are refused, since none can follow: the local trend foretells, with the width of its own drift.
/// </summary>
sealed class Forecaster
{
    static readonly LawForm[] Surfaces = [LawForms.Chinchilla, LawForms.Kaplan];
    static readonly LawForm Line = LawForms.KaplanC;

    readonly double largest;
    readonly (double Flops, double Parameters)[] sizes;          // the best of each budget

    Forecaster(Law law, Law surface, IReadOnlyList<(double Error, double Decades)> errors, IReadOnlyList<StudyResult> points)
    {
        (Law, Surface, Tried) = (law, surface, errors.Count);
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
            : t.Acceleration.High < 0 ? "it slows down" : "no acceleration is shown");

    /// <summary>Of losses: the form taken, fitted to all points; a straight line, to the best size of each budget.</summary>
    public Law Law { get; }

    /// <summary>
    /// Of the split into size and data: the surface that did best; the law itself, where that is one. It may be unidentified.
    /// </summary>
    public Law Surface { get; }

    /// <summary>Root mean square of the relative error over decades extrapolated; NaN: too few budgets to try.</summary>
    public double ErrorPerDecade { get; }

    /// <summary>Predictions that it comes from.</summary>
    public int Tried { get; }

    /// <summary>Best mean loss of each budget.</summary>
    public IReadOnlyList<(double Flops, double Loss)> Frontier { get; }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <param name="form">null: chosen</param>
    public static Forecaster Of(IReadOnlyList<StudyResult> points, LawForm? form, FitOptions? options, CancellationToken stop)
    {
        LawForm[] forms = form is { } only ? [only] : [.. Surfaces, Line];
        var tries = Filled([.. forms.Select(f => ErrorsOf(points, f, stop))]).Zip(forms, (errors, f) => (Form: f, Errors: errors))
            .OrderBy(t => t.Errors.Count == 0 ? double.PositiveInfinity : t.Errors.Average(e => Math.Abs(e.Error))).ToList();
        Law? refused = null, trend = form is null && LocalTrend.Of(StudyPoints.Frontier(points)) is { Acceleration.Low: > 0 }
            && FitTo(points, LawForms.LocalTrend, options, stop) is { Identified: true } accelerating ? accelerating : null;
        (Law Law, List<(double, double)> Errors)? best = null;
        foreach ((LawForm f, List<(double, double)> errors) in tries)
        {
            if (f == Line && best is not null) continue;          // only where it did best
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

        Forecaster Foretelling(Law law, Law surface, List<(double, double)> errors) =>
            trend is null ? new(law, surface, errors, points) : new(trend, surface, [], points);
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

    /// <summary>
    /// Errors of forms on the same tasks: where one was not identified, it counts as the worst of those that were. Else a form
    /// that speaks up last, of the nearest budget alone, would look best.
    /// </summary>
    static IEnumerable<List<(double Error, double Decades)>> Filled(
        IReadOnlyList<Dictionary<(double Cut, double Budget), double>> errors)
    {
        (double Cut, double Budget)[] tasks = [.. errors.SelectMany(e => e.Keys).Distinct()];
        return errors.Select(own => tasks.Select(t => (own.TryGetValue(t, out double error) ? error
            : errors.Where(e => e.ContainsKey(t)).Select(e => e[t]).MaxBy(Math.Abs), Math.Log10(t.Budget / t.Cut))).ToList());
    }

    /// <summary>A surface is fitted to all runs, the line to those of the best size.</summary>
    static Law FitTo(IReadOnlyList<StudyResult> points, LawForm form, FitOptions? options, CancellationToken stop) =>
        StudyPoints.Fit(form == Line ? [.. StudyPoints.BestSizes(points).SelectMany(s => s)] : points, form, options, stop);

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
        if (double.IsNaN(ErrorPerDecade)) return law;
        double quantile = StudentT.InvCDF(0, 1, Math.Max(1, Tried - 1), 0.975),
            form = quantile * ErrorPerDecade * law.Value * Math.Max(0, Math.Log10(budget / largest));
        double low = double.IsNaN(law.Low) ? 0 : law.Value - law.Low, high = double.IsNaN(law.High) ? 0 : law.High - law.Value;
        return new(law.Value, Math.Max(0, law.Value - Math.Sqrt(low * low + form * form)),
            law.Value + Math.Sqrt(high * high + form * form));
    }

    /// <summary>Relative error at the best size of each budget above each cut.</summary>
    static Dictionary<(double Cut, double Budget), double> ErrorsOf(IReadOnlyList<StudyResult> points, LawForm form,
        CancellationToken stop)
    {
        IReadOnlyList<StudyResult>[] best = [.. StudyPoints.BestSizes(points)];
        Dictionary<(double, double), double> errors = [];
        foreach (double cut in best.SkipLast(1).Select(s => s[0].Run.Budget))
        {
            StudyResult[] below = [.. points.Where(r => r.Run.Budget <= cut)];
            Law law = FitTo(below, form, new() { Bootstraps = 0, HeldOut = false }, stop);
            if (!law.Identified) continue;
            foreach (IReadOnlyList<StudyResult> above in best.Where(s => s[0].Run.Budget > cut))
                errors.Add((cut, above[0].Run.Budget), above.Average(r => (form.IsSurface
                    ? law.Predict(r.Run.ParametersWithoutEmbedding, r.Tokens) : law.PredictAt(r.Flops)).Value / r.Loss - 1));
        }
        return errors;
    }
}
