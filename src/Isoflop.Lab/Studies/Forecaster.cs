using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Studies;

/// <summary>
/// A law that has been tried out before it is believed. Each form is fitted below every budget of the points and asked for those
/// above; of the forms that all points identify the one with the smallest mean error is taken, and the size of those errors, a
/// decade of extrapolation, is part of the interval: the law's own supposes that the form is right, and over small runs none is.
/// </summary>
sealed class Forecaster
{
    static readonly LawForm[] Candidates = [LawForms.Chinchilla, LawForms.Kaplan];

    readonly double largest;

    Forecaster(Law law, double errorPerDecade, int tried, double largest, IReadOnlyList<(double, double)> frontier) =>
        (Law, ErrorPerDecade, Tried, this.largest, Frontier) = (law, errorPerDecade, tried, largest, frontier);

    /// <summary>The form taken, fitted to all points.</summary>
    public Law Law { get; }

    /// <summary>Root mean square of the relative error over decades extrapolated; NaN: too few budgets to try.</summary>
    public double ErrorPerDecade { get; }

    /// <summary>Predictions that it comes from.</summary>
    public int Tried { get; }

    /// <summary>Best mean loss of each budget.</summary>
    public IReadOnlyList<(double Flops, double Loss)> Frontier { get; }

    /// <param name="form">null: chosen</param>
    public static Forecaster Of(IReadOnlyList<StudyResult> points, LawForm? form, FitOptions? options, CancellationToken stop)
    {
        var tries = (form is { } only ? [only] : Candidates).Select(f => (Form: f, Errors: ErrorsOf(points, f, stop))).ToList();
        (Law? law, List<(double Error, double Decades)> errors) = (null, []);
        foreach (var t in tries.OrderBy(t => t.Errors.Count == 0 ? double.PositiveInfinity
            : t.Errors.Average(e => Math.Abs(e.Error))))
        {
            if (law is { Identified: true }) break;
            Law next = StudyPoints.Fit(points, t.Form, options, stop);
            if (law is null || next.Identified) (law, errors) = (next, t.Errors);
        }
        double rms = errors.Count == 0 ? double.NaN : Math.Sqrt(errors.Average(e => Math.Pow(e.Error / e.Decades, 2)));
        return new(law!, rms, errors.Count, points.Max(p => p.Run.Budget), StudyPoints.Frontier(points));
    }

    /// <summary>Loss of a run; the interval is for that run.</summary>
    /// <exception cref="DataException">The law is not identified, or the run too far away.</exception>
    public Estimate Predict(PlannedRun run, double tokens)
    {
        Estimate law = Law.Predict(run.ParametersWithoutEmbedding, tokens, tokens / Math.Max(1, run.Epochs));
        if (double.IsNaN(ErrorPerDecade)) return law;
        double quantile = StudentT.InvCDF(0, 1, Math.Max(1, Tried - 1), 0.975),
            form = quantile * ErrorPerDecade * law.Value * Math.Max(0, Math.Log10(run.Budget / largest));
        double low = double.IsNaN(law.Low) ? 0 : law.Value - law.Low, high = double.IsNaN(law.High) ? 0 : law.High - law.Value;
        return new(law.Value, law.Value - Math.Sqrt(low * low + form * form), law.Value + Math.Sqrt(high * high + form * form));
    }

    /// <summary>Mean relative error at the sizes of each budget above each cut.</summary>
    static List<(double Error, double Decades)> ErrorsOf(IReadOnlyList<StudyResult> points, LawForm form, CancellationToken stop)
    {
        double[] budgets = [.. points.Select(r => r.Run.Budget).Distinct().Order()];
        List<(double, double)> errors = [];
        foreach (double cut in budgets.SkipLast(1))
        {
            StudyResult[] below = [.. points.Where(r => r.Run.Budget <= cut)];
            Law law = StudyPoints.Fit(below, form, new() { Bootstraps = 0, HeldOut = false }, stop);
            if (!law.Identified) continue;
            foreach (double budget in budgets.Where(b => b > cut))
                errors.Add((points.Where(r => r.Run.Budget == budget)
                    .Average(r => law.Predict(r.Run.ParametersWithoutEmbedding, r.Tokens).Value / r.Loss - 1),
                    Math.Log10(budget / cut)));
        }
        return errors;
    }
}
