using System.Text.Json.Serialization;

namespace Isoflop.Lab.Laws;

/// <summary>
/// An equation with parameters. The optimiser moves in coordinates θ where the problem is well scaled (logarithms, centred);
/// the world sees natural parameters, and <see cref="At"/> is the definition. A form of one's own gives name, equation,
/// parameters and guesses, and is registered: <see cref="LawForms.Register"/>.
/// </summary>
[JsonConverter(typeof(LawFormName))]
public abstract class LawForm
{
    internal const int MaxParameters = 16;

    /// <summary>Words of a-z and 0-9 with hyphens between; with underscores it stands in law.json.</summary>
    public abstract string Name { get; }
    /// <summary>The equation, for reports.</summary>
    public abstract string Formula { get; }
    /// <summary>Natural parameters, 1 to 16.</summary>
    public abstract IReadOnlyList<string> Names { get; }
    /// <summary>What a fit makes small where nothing else is asked for.</summary>
    public virtual Objective Default => Objective.HuberLog;
    /// <summary>Takes N and D, not one coordinate.</summary>
    public virtual bool IsSurface => false;
    /// <summary>Whether this natural parameter may be negative or 0; if not, its logarithm is searched.</summary>
    public virtual bool MayBeNegative(int parameter) => false;
    /// <summary>Natural parameters to start from, most promising first: one guess at least.</summary>
    public virtual IEnumerable<double[]> Guesses(IReadOnlyList<Observation> points) =>
        [[.. Names.Select(_ => 1.0)], [.. Names.Select(_ => 0.1)]];
    /// <summary>A surface of a loss, whose least at equal compute splits it into N and D.</summary>
    internal virtual bool HasOptimum => IsSurface;
    /// <summary>Of each budget the best size counts alone.</summary>
    internal virtual bool OfFrontier => false;
    /// <summary>Reads compute: N*, D* or at least the loss follow from FLOPs.</summary>
    internal virtual bool ReadsFlops => true;
    /// <summary>Its coordinate is an observation's x, whatever that is.</summary>
    internal virtual bool TakesX => !IsSurface;
    /// <summary>x is a loss: it falls, and has no decades.</summary>
    internal virtual bool ReadsLoss => false;

    internal virtual Inputs InputsOf(Observation o) => new(o.N, o.D, o.Unique, o.X);

    /// <summary>The equation in natural parameters; NaN where it has no value.</summary>
    public abstract double At(ReadOnlySpan<double> p, in Inputs x);

    /// <summary>θ to natural parameters.</summary>
    internal virtual void Natural(ReadOnlySpan<double> theta, FitData data, Span<double> natural)
    {
        for (int i = 0; i < theta.Length; i++) natural[i] = MayBeNegative(i) ? theta[i] : Math.Exp(theta[i]);
    }

    /// <summary>Places to start from, most promising first.</summary>
    internal virtual IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        List<double[]> starts = [.. Guesses(data.Points).Select(g => g.Length == Names.Count
            ? g.Select((p, i) => MayBeNegative(i) ? p : Math.Log(Math.Max(p, 1e-300))).ToArray()
            : throw new ConfigException($"law form '{Name}': a guess of {g.Length} values for {Names.Count} parameters"))];
        int guesses = starts.Count;
        if (guesses == 0) throw new ConfigException($"law form '{Name}' gives no guess to start from");
        // Around the guesses, ever further: a factor of e in a logarithm, a tenth of itself and more otherwise.
        while (starts.Count < count)
        {
            double far = 1 + starts.Count / guesses;
            double[] from = starts[starts.Count % guesses], near = new double[from.Length];
            for (int i = 0; i < near.Length; i++)
                near[i] = from[i] + rng.NextNormal() * (MayBeNegative(i) ? far * (0.1 * Math.Abs(from[i]) + 0.01) : far / 2);
            starts.Add(near);
        }
        return starts;
    }

    /// <summary>Whether these parameters are both ends of an S: once they are given, its middle may lie far outside of the
    /// points.</summary>
    internal virtual bool AreEnds(IEnumerable<int> given) => false;

    /// <summary>Why a fitted parameter stands at the edge of what it may be, or null.</summary>
    internal virtual string? AtBound(ReadOnlySpan<double> natural, FitData data) => null;

    /// <summary>ln f's gradient is known: <see cref="ValueAndSlope"/>.</summary>
    internal virtual bool HasSlope => false;

    /// <summary>f at point i and its gradient by θ.</summary>
    internal virtual double ValueAndSlope(ReadOnlySpan<double> theta, FitData data, int i, Span<double> slope) =>
        throw new NotSupportedException();

    /// <summary>The best point that can be reached from a start.</summary>
    internal virtual Minimum Solve(FitProblem problem, double[] start) => Minimiser.Run(problem, start);

    /// <summary>Names the method of <see cref="Solve"/>.</summary>
    internal virtual string SolverName(Objective objective) => "BFGS, then Nelder–Mead";

    /// <summary>The N of the least loss at C = k·N·D.</summary>
    internal virtual double OptimalN(ReadOnlySpan<double> p, double flops, double k)
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
    internal virtual double OptimalD(ReadOnlySpan<double> p, double flops, double k) => flops / (k * OptimalN(p, flops, k));

    /// <summary>Where the curve goes in the end, or null: without end, or nowhere known.</summary>
    public virtual double? Limit(ReadOnlySpan<double> p) => null;

    /// <summary>What the fit says at each of its points; NaN where it says nothing of them.</summary>
    internal virtual double[] Fitted(FitProblem problem, double[] natural) =>
        [.. problem.Data.Inputs.Select(x => At(natural, x))];

    /// <summary>Degrees of freedom that a fit spends.</summary>
    internal virtual int Spent(FitProblem problem) => Names.Count;

    /// <summary>A cluster is one curve: its points stay together.</summary>
    internal virtual bool GroupsAreCurves => false;

    /// <summary>Intervals always from residuals: resampled points would leave nothing to fit.</summary>
    internal virtual bool ResamplesResiduals => false;

    /// <summary>It knows its own uncertainty: <see cref="WidthOf"/> and <see cref="Drift"/> in place of resamples.</summary>
    internal virtual bool HasWidth => false;

    /// <summary>With <see cref="HasWidth"/>: degrees of freedom, and the noise of runs.</summary>
    internal virtual Width WidthOf(FitProblem problem) => throw new NotSupportedException();

    /// <summary>With <see cref="HasWidth"/>: standard deviation of ln y at x, beside the noise of runs.</summary>
    internal virtual double Drift(ReadOnlySpan<double> p, double x) => 0;

    /// <summary>Fewest points; more than parameters, or the fit says nothing of its own errors.</summary>
    internal virtual int MinPoints => Free + 1;

    /// <summary>The form itself, whatever is known of its parameters.</summary>
    internal virtual LawForm Bare => this;

    /// <summary>Parameters that are searched for.</summary>
    internal virtual int Free => Names.Count;

    /// <summary>Beside the objective: what is known of parameters.</summary>
    internal virtual double Penalty(ReadOnlySpan<double> natural) => 0;

    /// <summary>With what is known drawn again, as a resample needs it.</summary>
    internal virtual LawForm Redrawn(ref Rng rng) => this;
}

/// <summary>What a form says of its own uncertainty.</summary>
/// <param name="Df">degrees of freedom of Student's t</param> <param name="Noise">of a run, of ln y; 0: unknown</param>
readonly record struct Width(int Df, double Noise);
