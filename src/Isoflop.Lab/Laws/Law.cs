using System.Text.Json.Serialization;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>A fitted parameter by its name in the formula.</summary>
public sealed record LawParameter(string Name, Estimate Estimate);

/// <summary>An observation and what the law says of it.</summary>
/// <param name="Value">ln(loss/predicted) for objectives in logarithms, else loss − predicted</param>
public sealed record Residual(string Name, double N, double D, double C, double Loss, double Predicted, double Value);

/// <summary>Residuals of one decade of C.</summary>
/// <param name="Decade">the power of ten below</param>
/// <param name="P">of a t-test that the mean is 0; NaN with fewer than two</param>
public sealed record DecadeResiduals(int Decade, int Count, double Mean, double Sd, double P);

/// <summary>Fitted below a cut in C, tested above: an extrapolation whose answer is known.</summary>
/// <param name="MeanRelativeError">mean of |predicted − loss| / loss</param>
/// <param name="LargestRelativeError">the largest</param>
/// <param name="Skill">1 − error / error of a straight line through ln loss and ln C; above 0: better than the line</param>
public sealed record HeldOut(double Cut, int Trained, int Tested, double MeanRelativeError, double LargestRelativeError,
    double Skill);

/// <summary>What the points allow to be said.</summary>
[JsonConverter(typeof(SnakeCase<VerdictKind>))]
public enum VerdictKind
{
    /// <summary>Ten times the compute buys more than 1 % of the loss: 90 % of what the law may be agree.</summary>
    KeepsImproving,
    /// <summary>It buys less, likewise: a test of equivalence, each side at 5 %.</summary>
    Saturates,
    /// <summary>Neither is shown.</summary>
    Undecided,
    /// <summary>It fits, and is of no loss: nothing improves.</summary>
    Describes,
    /// <summary>What the form leaves of the points is no noise: it predicts, without an interval.</summary>
    DoesNotFit,
    /// <summary>These points do not fix this law; it refuses to predict.</summary>
    NotIdentified,
}

/// <summary>The run that would tell most next, and its price.</summary>
/// <param name="Flops">its training FLOPs, or x of a curve whose points have no FLOPs; NaN: unknown</param>
public sealed record NextPoint(double Flops, double N, double D, string Why);

/// <summary>The verdict, why, and what the next point costs.</summary>
public sealed record Verdict(VerdictKind Kind, string Text, NextPoint Next);

/// <summary>The best split of a budget.</summary>
public sealed record Optimum(double Flops, Estimate N, Estimate D, Estimate TokensPerParameter, Estimate Loss);

/// <summary>Result of a fit, or the statement that the points identify nothing. Immutable; law.json holds all of it.</summary>
public sealed record Law
{
    /// <summary>Which equation.</summary>
    public required LawForm Form { get; init; }
    /// <summary>The equation.</summary>
    public required string Formula { get; init; }
    /// <summary>Where it comes from: a fit, or a publication.</summary>
    public string Source { get; init; } = "fit";
    /// <summary>Which parameters N counts.</summary>
    public string NMeaning { get; init; } = "parameters";
    /// <summary>In the formula's order, with bootstrap intervals; empty when nothing was fitted.</summary>
    public IReadOnlyList<LawParameter> Parameters { get; init; } = [];
    /// <summary>What was given of them, beside what the points alone say.</summary>
    [JsonInclude]
    internal IReadOnlyList<KnownCheck> Known { get; init; } = [];
    /// <summary>What was made small.</summary>
    public Objective Objective { get; init; }
    /// <summary>Its value.</summary>
    public double ObjectiveValue { get; init; } = double.NaN;
    /// <summary>How.</summary>
    public string Solver { get; init; } = "";
    /// <summary>Starts tried.</summary>
    public int Starts { get; init; }
    /// <summary>Starts that came within 1e-4, relative, of the best objective.</summary>
    public int Agreeing { get; init; }
    /// <summary>How the best start ended.</summary>
    public string Status { get; init; } = "";
    /// <summary>Observations.</summary>
    public int Points { get; init; }
    /// <summary>Clusters: units of resampling, whose runs share an error.</summary>
    public int Groups { get; init; }
    /// <summary>What the fit leaves of the clusters: their number less the parameters that are spent between them.</summary>
    public double DegreesOfFreedom { get; init; } = double.NaN;
    /// <summary>What clusters are: "runs", named "groups", or the "cells" or "budgets" whose runs share an error.</summary>
    [JsonInclude]
    internal string Shared { get; init; } = "";
    /// <summary>Of a new run, as the objective sees it, where errors were drawn; 0: residuals say it.</summary>
    [JsonInclude]
    internal double NoiseSd { get; init; }
    /// <summary>How intervals were drawn.</summary>
    public Resampling Resampling { get; init; }
    /// <summary>Resamples that were fitted.</summary>
    public int Bootstraps { get; init; }
    /// <summary>Share of the resamples in which a parameter stands at its bound.</summary>
    public double AtBound { get; init; }
    /// <summary>Seed of resamples and starts.</summary>
    public ulong Seed { get; init; }
    /// <summary>k of C = k·N·D, the median of the points; 6 by convention.</summary>
    public double FlopsPerNd { get; init; } = 6;
    /// <summary>Least compute of the points.</summary>
    public double MinFlops { get; init; }
    /// <summary>Most compute of the points.</summary>
    public double MaxFlops { get; init; }
    /// <summary>Least x of the points; of a curve.</summary>
    public double MinX { get; init; }
    /// <summary>Most x of the points.</summary>
    public double MaxX { get; init; }
    /// <summary>By observation.</summary>
    public IReadOnlyList<Residual> Residuals { get; init; } = [];
    /// <summary>By decade of C.</summary>
    public IReadOnlyList<DecadeResiduals> Decades { get; init; } = [];
    /// <summary>F-tests of what the form leaves of the points; empty where the points allow none.</summary>
    [JsonInclude]
    internal IReadOnlyList<FitTest> LackOfFit { get; init; } = [];
    /// <summary>The check above a cut, where there were points enough.</summary>
    public HeldOut? HeldOut { get; init; }
    /// <summary>What may be said.</summary>
    public required Verdict Verdict { get; init; }
    /// <summary>Parameters of some resamples, in the formula's order: the joint uncertainty.</summary>
    public IReadOnlyList<double[]> Draws { get; init; } = [];

    /// <summary>The law predicts; otherwise every prediction is refused with the verdict's reason.</summary>
    [JsonIgnore]
    public bool Identified => Verdict.Kind != VerdictKind.NotIdentified;

    /// <summary>A form that does not fit has no interval of a prediction: draws and residuals suppose that it does.</summary>
    [JsonIgnore]
    internal bool Fits => !Laws.LackOfFit.Rejecting(LackOfFit).Any();

    /// <summary>Value of a parameter; NaN if there is none of that name.</summary>
    public Estimate this[string name] => Parameters.FirstOrDefault(p => p.Name == name)?.Estimate ?? Estimate.Of(double.NaN);

    /// <summary>Fits an equation to observations.</summary>
    /// <returns>the law, or one whose verdict is <see cref="VerdictKind.NotIdentified"/> with the reason</returns>
    /// <exception cref="DataException">A value that is not positive and finite, or duplicates that disagree.</exception>
    public static Law Fit(LawForm form, IReadOnlyList<Observation> points, FitOptions? options = null,
        CancellationToken stop = default) => Fitter.Fit(form, points, options ?? new(), stop);

    /// <summary>
    /// Loss of a new run of N parameters on D tokens. The interval is for that run: parameters are drawn from the resamples and a
    /// residual is drawn with each, widened by Student's t for the degrees of freedom left. A form that does not fit has none.
    /// </summary>
    /// <param name="unique">unique tokens, for repeated data; D when not given</param>
    /// <exception cref="DataException">Not identified, or more than 10⁴ beyond the points.</exception>
    public Estimate Predict(double n, double d, double unique = double.NaN) =>
        new Prediction(this).Surface(n, d, double.IsNaN(unique) ? d : unique);

    /// <summary>A curve at x; for <see cref="LawForms.KaplanN"/> x is N, and so on. The interval is for a new run.</summary>
    /// <exception cref="DataException">Not identified, more than 10⁴ beyond the points, or not a curve.</exception>
    public Estimate Predict(double x) => new Prediction(this).Curve(x);

    /// <summary>Loss of a compute-optimal run of C FLOPs. The interval is for a new run.</summary>
    /// <exception cref="DataException">Not identified, more than 10⁴ beyond the points, or not a law of compute.</exception>
    public Estimate PredictAt(double flops) => new Prediction(this).AtFlops(flops);

    /// <summary>The split of C FLOPs into N and D that this law calls best, with intervals from the resamples.</summary>
    /// <exception cref="DataException">Not identified, more than 10⁴ beyond the points, or a law without N and D.</exception>
    public Optimum Optimal(double flops) => new Prediction(this).Optimal(flops);

    /// <summary>By other parameters: a surface at its best split of x FLOPs, a curve at x.</summary>
    internal double ValueAt(double[] p, double x)
    {
        if (!Form.IsSurface) return Form.At(p, new(x, x, x, x));
        double n = Form.OptimalN(p, x, FlopsPerNd), d = x / (FlopsPerNd * n);
        return Form.At(p, new(n, d, d, x));
    }

    /// <summary>Writes law.json.</summary>
    public void Save(string path) => LawFile.Save(this, path);

    /// <summary>Reads law.json; the law predicts as it did when it was saved.</summary>
    /// <exception cref="DataException">Missing, broken, of a newer format.</exception>
    public static Law Load(string path) => LawFile.Load(path);
}
