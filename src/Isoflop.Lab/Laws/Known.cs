using System.Globalization;
using System.Text.Json.Serialization;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>A parameter that is known from elsewhere: fixed, or with a normal prior.</summary>
/// <param name="Name">of the form's</param> <param name="Sd">standard deviation of the prior; 0: fixed</param>
sealed record Known(string Name, double Value, double Sd = 0);

/// <summary>What points say by themselves of a parameter that was given.</summary>
/// <param name="Alone">fitted without what is given; 95 %, no ends: these points do not hold it</param>
/// <param name="Apart">how far apart, in standard deviations of both together; NaN where nothing is known</param>
/// <param name="Contradicts">they disagree: two-sided 1 %, Student's t</param>
sealed record KnownCheck(Known Known, Estimate Alone, double Apart, bool Contradicts)
{
    /// <summary>What alone says of a parameter: least squares near its fit.</summary>
    /// <param name="theta">of the form without what is known</param>
    public static KnownCheck Of(Known known, FitProblem alone, double[] theta)
    {
        double[] natural = new double[alone.Form.Names.Count], at = [.. theta];
        int place = alone.Form.Names.ToList().IndexOf(known.Name);
        double value = With(at), sd = double.NaN;
        if (double.IsFinite(value) && Linear.Of(alone, theta) is { } points
            && points.Condition() < Identifiability.WorstCondition)
            sd = points.SdOf([.. theta.Select((t, j) =>
            {
                double h = 6e-6 * Math.Max(1, Math.Abs(t));
                at[j] = t + h;
                double up = With(at);
                at[j] = t - h;
                double down = With(at);
                at[j] = t;
                return (up - down) / (2 * h);
            })]);
        if (!double.IsFinite(sd)) return new(known, Estimate.Of(value), double.NaN, false);
        int df = alone.Data.Count - theta.Length;
        double wide = StudentT.InvCDF(0, 1, df, 0.975) * sd,
            apart = (value - known.Value) / Math.Sqrt(sd * sd + known.Sd * known.Sd);
        return new(known, new(value, value - wide, value + wide), apart,
            Math.Abs(apart) > StudentT.InvCDF(0, 1, df, 0.995));

        double With(double[] moved)
        {
            alone.Form.Natural(moved, alone.Data, natural);
            return natural[place];
        }
    }

    [JsonIgnore]
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Known.Name} = {Known.Value:G5}") +
        (Known.Sd > 0 ? string.Create(CultureInfo.InvariantCulture, $" ± {Known.Sd:G3} as a prior") : " fixed") +
        (double.IsNaN(Alone.Low) ? "; these points alone do not hold it" : string.Create(CultureInfo.InvariantCulture,
            $"; the points alone say {Alone.Value:G4} ({Alone.Low:G4} … {Alone.High:G4})")) +
        (Contradicts ? string.Create(CultureInfo.InvariantCulture,
            $": they contradict it, {Math.Abs(Apart):0.0} standard deviations apart") : "");
}

/// <summary>
/// A form of which some parameters are known. Fixed ones leave θ; priors are a penalty beside the objective, Σ((p − value)/sd)²
/// times half of the objective's own unit, which makes it the posterior's logarithm. Resamples draw the prior's value anew: so
/// its width is in the intervals.
/// </summary>
sealed class KnownForm : LawForm
{
    readonly LawForm form;
    readonly int[] free;                                           // places in the form's θ
    readonly (int At, double Value, bool Log)[] held;
    readonly (int At, double Value, double Sd)[] priors;
    readonly double unit;

    /// <param name="unit">of the objective, per nat of likelihood; for priors</param>
    public KnownForm(LawForm form, FitData data, IReadOnlyList<Known> known, double unit)
        : this(form, [.. known.Where(k => k.Sd == 0).Select(k => Held(form, data, k))],
            [.. known.Where(k => k.Sd > 0).Select(k => (PlaceOf(form, k), k.Value, k.Sd))], unit)
    {
    }

    KnownForm(LawForm form, (int At, double Value, bool Log)[] held, (int At, double Value, double Sd)[] priors, double unit)
    {
        (this.form, this.held, this.priors, this.unit) = (form, held, priors, unit);
        free = [.. Enumerable.Range(0, form.Names.Count).Where(j => held.All(h => h.At != j))];
    }

    /// <exception cref="ConfigException">No such parameter, or a form that solves for all of them at once.</exception>
    public static void Check(LawForm form, IReadOnlyList<Known> known)
    {
        if (known.Count == 0) return;
        if (form is Allocation)
            throw new ConfigException($"form '{form.Name}' is solved budget by budget: none of its parameters can be given");
        foreach (Known k in known)
        {
            PlaceOf(form, k);
            if (known.Count(o => o.Name == k.Name) > 1) throw new ConfigException($"'{k.Name}' is given twice");
        }
        if (known.Count(k => k.Sd == 0) == form.Names.Count)
            throw new ConfigException($"all {form.Names.Count} parameters of '{form.Name}' are fixed: nothing is left to fit");
    }

    static int PlaceOf(LawForm form, Known known) =>
        form.Names.ToList().IndexOf(known.Name) is >= 0 and int at ? at : throw new ConfigException(
            $"form '{form.Name}' has no parameter '{known.Name}'; it has {string.Join(", ", form.Names)}");

    /// <summary>Each natural parameter is its θ or an exponential of it, moved by what others are.</summary>
    static (int, double, bool) Held(LawForm form, FitData data, Known known)
    {
        int at = PlaceOf(form, known);
        double[] theta = new double[form.Names.Count], p = new double[form.Names.Count];
        Array.Fill(theta, 0.5);
        double[] values = [.. ((double[])[0.5, 1, 1.5]).Select(t =>
        {
            theta[at] = t;
            form.Natural(theta, data, p);
            return p[at];
        })];
        bool log = Math.Abs(values[2] - 2 * values[1] + values[0]) > 1e-9 * Math.Abs(values[2] - values[0]);
        return log && !(known.Value / values[0] > 0)
            ? throw new ConfigException(string.Create(CultureInfo.InvariantCulture,
                $"{known.Name} = {known.Value} must be {(values[0] > 0 ? "above" : "below")} 0 in {form.Formula}"))
            : (at, known.Value, log);
    }

    public override string Name => form.Name;
    public override string Formula => form.Formula;
    public override IReadOnlyList<string> Names => form.Names;
    public override Objective Default => form.Default;
    public override bool IsSurface => form.IsSurface;
    public override bool MayBeNegative(int parameter) => form.MayBeNegative(parameter);
    internal override LawForm Bare => form;
    internal override int Free => free.Length;
    internal override bool ReadsFlops => form.ReadsFlops;
    internal override bool TakesX => form.TakesX;
    internal override bool ReadsLoss => form.ReadsLoss;
    internal override Inputs InputsOf(Observation o) => form.InputsOf(o);
    public override double At(ReadOnlySpan<double> p, in Inputs x) => form.At(p, x);
    internal override double OptimalN(ReadOnlySpan<double> p, double flops, double k) => form.OptimalN(p, flops, k);
    public override double? Limit(ReadOnlySpan<double> p) => form.Limit(p);
    internal override bool HasOptimum => form.HasOptimum;
    internal override bool OfFrontier => form.OfFrontier;
    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        form.AreEnds(held.Select(h => h.At)) ? null : form.AtBound(p, data);
    internal override int Spent(FitProblem problem) => free.Length;

    internal override void Natural(ReadOnlySpan<double> theta, FitData data, Span<double> natural)
    {
        Span<double> full = stackalloc double[MaxParameters];
        full = full[..form.Names.Count];
        full.Fill(0.5);
        for (int i = 0; i < free.Length; i++) full[free[i]] = theta[i];
        // What moves one is set before it, or in the second round.
        for (int round = 0; round < Math.Min(2, held.Length); round++)
            foreach ((int at, double value, bool log) in held)
            {
                form.Natural(full, data, natural);
                double here = natural[at], was = full[at];
                full[at] = was + 1;
                form.Natural(full, data, natural);
                full[at] = was + (log ? Math.Log(value / here) / Math.Log(natural[at] / here)
                    : (value - here) / (natural[at] - here));
            }
        form.Natural(full, data, natural);
        foreach ((int at, double value, _) in held) natural[at] = value;
    }

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng) =>
        [.. form.Starts(data, count, ref rng).Select(t => free.Select(j => t[j]).ToArray())];

    internal override double Penalty(ReadOnlySpan<double> natural)
    {
        double sum = 0;
        foreach ((int at, double value, double sd) in priors) sum += Math.Pow((natural[at] - value) / sd, 2);
        return unit * sum / 2;
    }

    internal override LawForm Redrawn(ref Rng rng)
    {
        if (priors.Length == 0) return this;
        var drawn = new (int, double, double)[priors.Length];
        for (int i = 0; i < drawn.Length; i++)
            drawn[i] = (priors[i].At, priors[i].Value + priors[i].Sd * rng.NextNormal(), priors[i].Sd);
        return new KnownForm(form, held, drawn, unit);
    }
}
