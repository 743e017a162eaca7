namespace Isoflop.Lab.Laws;

/// <summary>
/// A curve y(x) that is linear in one or two of its parameters once the others are given: the others are searched on a grid,
/// by projection, and the best places of the grid are the starts.
/// </summary>
abstract class Curve : LawForm
{
    internal override bool TakesX => !OfFrontier;
    internal override Inputs InputsOf(Observation o) => OfFrontier ? new(o.N, o.D, o.Unique, o.C) : base.InputsOf(o);

    /// <summary>The grid of what is not linear, in θ's own order and scale, given the data's range.</summary>
    protected abstract IEnumerable<double[]> Grid(FitData data);

    /// <summary>The functions that the linear parameters multiply, at x.</summary>
    protected abstract double[] Basis(double[] nonlinear, double x, FitData data);

    /// <summary>θ from both parts, or null where it has none there (a logarithm of what is not positive).</summary>
    protected abstract double[]? Theta(double[] linear, double[] nonlinear, FitData data);

    /// <summary>So many linear parameters may be negative.</summary>
    protected virtual int FreeSign => 2;

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        double[] ones = [.. Enumerable.Repeat(1.0, data.Count)];
        var found = new List<(double Value, double[] Theta)>();
        var problem = new FitProblem(this, data, Default);
        foreach (double[] nonlinear in Grid(data))
        {
            double[][] rows = [.. data.Inputs.Select(x => Basis(nonlinear, x.X, data))];
            double[][] columns = [.. Enumerable.Range(0, rows[0].Length).Select(j => rows.Select(r => r[j]).ToArray())];
            if (columns.Any(c => c.Any(v => !double.IsFinite(v)))) continue;
            (double[] linear, _) = VariableProjection.Solve(columns, data.Y, ones, FreeSign);
            if (Theta(linear, nonlinear, data) is not { } theta || theta.Any(t => !double.IsFinite(t))) continue;
            double value = problem.Value(theta);
            if (double.IsFinite(value)) found.Add((value, theta));
        }
        return [.. found.OrderBy(f => f.Value).Take(count).Select(f => f.Theta)];
    }

    internal override string SolverName(Objective objective) => "projection on a grid, BFGS, Nelder–Mead";

    /// <summary>n values from low to high, in equal ratios.</summary>
    protected static IEnumerable<double> Ratios(double low, double high, int n) =>
        Enumerable.Range(0, n).Select(i => low * Math.Pow(high / low, i / (n - 1.0)));

    protected static (double Low, double High) RangeX(FitData data) => (data.Inputs.Min(x => x.X), data.Inputs.Max(x => x.X));

    protected static double? Ln(double x) => x > 0 ? Math.Log(x) : null;
}

/// <summary>y = E + A·x^−α, of any x or of a frontier's compute. θ = (ln E, ln A at the centre, α).</summary>
/// <param name="frontier">x is C, and of each budget the best size counts</param>
sealed class SaturatingPower(bool frontier) : Curve
{
    public override string Name => frontier ? "frontier-power" : "saturating-power";
    public override string Formula => frontier ? "L = E + A * C^-alpha, best size of each budget" : "y = E + A * x^-alpha";
    public override Objective Default => frontier ? Objective.SquaredLog : base.Default;
    internal override bool OfFrontier => frontier;
    public override IReadOnlyList<string> Names { get; } = ["E", "A", "alpha"];
    public override double? Limit(ReadOnlySpan<double> p) => p[0];
    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] + p[1] * Math.Pow(x.X, -p[2]);
    internal override bool HasSlope => true;
    protected override int FreeSign => 0;

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2]) = (Math.Exp(t[0]), Math.Exp(t[1] + t[2] * data.CentreX), t[2]);

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double x = data.LnX[i] - data.CentreX, e = Math.Exp(t[0]), a = Math.Exp(t[1] - t[2] * x);
        (slope[0], slope[1], slope[2]) = (e, a, -a * x);
        return e + a;
    }

    protected override IEnumerable<double[]> Grid(FitData data) => Ratios(0.02, 2, 40).Select(a => (double[])[a]);
    protected override double[] Basis(double[] n, double x, FitData data) =>
        [1, Math.Exp(-n[0] * (Math.Log(x) - data.CentreX))];
    protected override double[]? Theta(double[] l, double[] n, FitData data) =>
        [Math.Log(Math.Max(l[0], 1e-12)), Math.Log(Math.Max(l[1], 1e-12)), n[0]];

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        p[0] < 1e-3 * data.Y.Min() ? "E stands at its bound 0: these points show no floor"
        : p[2] is < 0.01 or > 5 ? FormattableString.Invariant($"alpha = {p[2]:0.###} stands at the edge of .01 … 5") : null;
}

/// <summary>y = E + A·e^(−x/τ): what a power law is held against. θ = (ln E, ln A, ln τ).</summary>
sealed class SaturatingExponential : Curve
{
    public override string Name => "saturating-exponential";
    public override string Formula => "y = E + A * e^(-x/tau)";
    public override IReadOnlyList<string> Names { get; } = ["E", "A", "tau"];
    public override double? Limit(ReadOnlySpan<double> p) => p[0];
    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] + p[1] * Math.Exp(-x.X / p[2]);
    protected override int FreeSign => 0;

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2]) = (Math.Exp(t[0]), Math.Exp(t[1]), Math.Exp(t[2]));

    protected override IEnumerable<double[]> Grid(FitData data)
    {
        (double low, double high) = RangeX(data);
        return Ratios(low / 3, 10 * high, 60).Select(tau => (double[])[tau]);
    }
    protected override double[] Basis(double[] n, double x, FitData data) => [1, Math.Exp(-x / n[0])];
    protected override double[]? Theta(double[] l, double[] n, FitData data) =>
        [Math.Log(Math.Max(l[0], 1e-12)), Math.Log(Math.Max(l[1], 1e-12)), Math.Log(n[0])];

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        p[0] < 1e-3 * data.Y.Min() ? "E stands at its bound 0: these points show no floor"
        : p[2] > 100 * RangeX(data).High ? "tau is far beyond the points: they lie on a straight line" : null;
}
