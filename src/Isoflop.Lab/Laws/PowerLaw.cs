namespace Isoflop.Lab.Laws;

/// <summary>
/// y = A·x^p, and Kaplan's L(N) = (Nc/N)^αN, L(D), L(C) which are the same with p = −α and A = Xc^α: Kaplan et al. 2020.
/// </summary>
/// <remarks>θ = (ln y at the centre, p). Least squares in logarithms is a straight line.</remarks>
/// <param name="letter">N, D or C: Kaplan's law of that; empty: y(x)</param>
sealed class PowerLaw(string letter) : LawForm
{
    bool Plain => letter == "";
    public override string Name => Plain ? "power-law" : "kaplan-" + letter.ToLowerInvariant();
    public override string Formula => Plain ? "y = A * x^p" : $"L = ({letter}c/{letter})^alpha";
    public override IReadOnlyList<string> Names { get; } =
        letter == "" ? ["A", "p"] : [letter + "c", "alpha_" + letter.ToLowerInvariant()];
    public override Objective Default => Plain ? Objective.SquaredLog : Objective.HuberLog;
    internal override bool ReadsFlops => letter == "C";
    internal override bool TakesX => Plain;
    internal override bool HasSlope => true;

    internal override Inputs InputsOf(Observation o) => new(o.N, o.D, o.Unique,
        letter switch { "N" => o.N, "D" => o.D, "C" => o.C, _ => o.X });

    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        Plain ? p[0] * Math.Pow(x.X, p[1]) : Math.Pow(p[0] / x.X, p[1]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        p[0] = Plain ? Math.Exp(t[0] - t[1] * data.CentreX) : Math.Exp(data.CentreX - t[0] / t[1]);
        p[1] = Plain ? t[1] : -t[1];
    }

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double x = data.LnX[i] - data.CentreX, f = Math.Exp(t[0] + t[1] * x);
        slope[0] = f;
        slope[1] = f * x;
        return f;
    }

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        Line line = Line.Through(data.LnX, data.LnY);
        double[] start = [line.At(data.CentreX), line.Slope];
        return [start, [start[0], start[1] * 0.7], [start[0], start[1] * 1.4], [start[0] + 0.1, start[1] - 0.02]];
    }

    /// <summary>Least squares in logarithms needs no search.</summary>
    internal override Minimum Solve(FitProblem problem, double[] start)
    {
        if (problem.Objective != Objective.SquaredLog) return base.Solve(problem, start);
        Line line = Line.Through(problem.Data.LnX, problem.Data.LnY, problem.Weights);
        double[] theta = [line.At(problem.Data.CentreX), line.Slope];
        return new(theta, problem.Value(theta), true, "solved exactly");
    }

    internal override string SolverName(Objective objective) =>
        objective == Objective.SquaredLog ? "ordinary least squares in logarithms" : base.SolverName(objective);

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        !Plain && p[1] < 1e-3 ? FormattableString.Invariant($"{Names[1]} = {p[1]:0.####}: no fall to extrapolate") : null;
}

/// <summary>A straight line by (weighted) least squares.</summary>
readonly record struct Line(double Intercept, double Slope)
{
    public double At(double x) => Intercept + Slope * x;

    public static Line Through(IReadOnlyList<double> x, IReadOnlyList<double> y, IReadOnlyList<double>? weights = null)
    {
        double sum = 0, mx = 0, my = 0, xx = 0, xy = 0;
        for (int i = 0; i < x.Count; i++)
        {
            double w = weights?[i] ?? 1;
            sum += w;
            mx += w * x[i];
            my += w * y[i];
        }
        (mx, my) = (mx / sum, my / sum);
        for (int i = 0; i < x.Count; i++)
        {
            double w = weights?[i] ?? 1;
            xx += w * (x[i] - mx) * (x[i] - mx);
            xy += w * (x[i] - mx) * (y[i] - my);
        }
        double slope = xy / xx;
        return new(my - slope * mx, slope);
    }
}
