namespace Isoflop.Lab.Laws;

/// <summary>
/// An equation with parameters. The optimiser moves in coordinates θ where the problem is well scaled (logarithms, centred);
/// the world sees natural parameters, and <see cref="At"/> is the definition.
/// </summary>
abstract class Form
{
    public abstract LawForm Kind { get; }
    /// <summary>The equation, for reports.</summary>
    public abstract string Formula { get; }
    /// <summary>Natural parameters.</summary>
    public abstract IReadOnlyList<string> Names { get; }
    public virtual Objective Default => Objective.HuberLog;
    /// <summary>Takes N and D, not one coordinate.</summary>
    public virtual bool IsSurface => false;
    /// <summary>Reads compute: N*, D* or at least the loss follow from FLOPs.</summary>
    public virtual bool ReadsFlops => IsSurface;
    /// <summary>x is a loss: it falls, and has no decades.</summary>
    public virtual bool ReadsLoss => false;

    public virtual Inputs InputsOf(Observation o) => new(o.N, o.D, o.Unique, o.X);

    /// <summary>The equation in natural parameters.</summary>
    public abstract double At(ReadOnlySpan<double> p, in Inputs x);

    /// <summary>θ to natural parameters.</summary>
    public abstract void Natural(ReadOnlySpan<double> theta, FitData data, Span<double> natural);

    /// <summary>Places to start from, most promising first.</summary>
    public abstract IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng);

    /// <summary>Why a fitted parameter stands at the edge of what it may be, or null.</summary>
    public abstract string? AtBound(ReadOnlySpan<double> natural, FitData data);

    /// <summary>ln f's gradient is known: <see cref="ValueAndSlope"/>.</summary>
    public virtual bool HasSlope => false;

    /// <summary>f at point i and its gradient by θ.</summary>
    public virtual double ValueAndSlope(ReadOnlySpan<double> theta, FitData data, int i, Span<double> slope) =>
        throw new NotSupportedException();

    /// <summary>The best point that can be reached from a start.</summary>
    public virtual Minimum Solve(FitProblem problem, double[] start) => Minimiser.Run(problem, start);

    /// <summary>Names the method of <see cref="Solve"/>.</summary>
    public virtual string SolverName(Objective objective) => "BFGS, then Nelder–Mead";

    /// <summary>The N of the least loss at C = k·N·D.</summary>
    public virtual double OptimalN(ReadOnlySpan<double> p, double flops, double k)
    {
        double[] natural = p.ToArray();
        double nd = flops / k, low = 0, high = Math.Log(nd);
        double Loss(double lnN) => At(natural, new(Math.Exp(lnN), nd / Math.Exp(lnN), nd / Math.Exp(lnN), flops));
        double golden = (Math.Sqrt(5) - 1) / 2;
        for (int i = 0; i < 100; i++)
        {
            double a = high - golden * (high - low), b = low + golden * (high - low);
            if (Loss(a) < Loss(b)) high = b;
            else low = a;
        }
        return Math.Exp((low + high) / 2);
    }

    /// <summary>The D that goes with <see cref="OptimalN"/>.</summary>
    public virtual double OptimalD(ReadOnlySpan<double> p, double flops, double k) => flops / (k * OptimalN(p, flops, k));

    /// <summary>Where the curve goes in the end, or null: without end, or nowhere known.</summary>
    public virtual double? Limit(ReadOnlySpan<double> p) => null;

    /// <summary>What the fit says at each of its points; NaN where it says nothing of them.</summary>
    public virtual double[] Fitted(FitProblem problem, double[] natural) =>
        [.. problem.Data.Inputs.Select(x => At(natural, x))];

    /// <summary>A cluster is one curve: its points stay together.</summary>
    public virtual bool GroupsAreCurves => false;

    /// <summary>Intervals always from residuals: resampled points would leave nothing to fit.</summary>
    public virtual bool ResamplesResiduals => false;

    /// <summary>Fewest points; more than parameters, or the fit says nothing of its own errors.</summary>
    public virtual int MinPoints => Names.Count + 1;

    static readonly Dictionary<LawForm, Form> all = new Form[]
    {
        new Surface(tied: false), new Surface(tied: true), new KaplanSurface(), new RepeatedData(),
        new IsoFlopParabolas(), new Envelope(),
        new PowerLaw(LawForm.PowerLaw), new PowerLaw(LawForm.KaplanN), new PowerLaw(LawForm.KaplanD),
        new PowerLaw(LawForm.KaplanC), new SaturatingPower(), new SaturatingExponential(), new BrokenLaw(),
        new TaskSigmoid(), new ErrorOfLoss(), new RlSigmoid(), new Coverage(),
    }.ToDictionary(f => f.Kind);

    public static Form Of(LawForm kind) => all[kind];
}
