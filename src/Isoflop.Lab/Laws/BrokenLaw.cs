namespace Isoflop.Lab.Laws;

/// <summary>
/// y = a + b·x^−c0·(1 + (x/d1)^(1/f1))^(−c1·f1): one smooth break at d1, of sharpness 1/f1. Caballero et al. 2023,
/// arXiv:2210.14891. θ = (a, ln b, c0, c1, ln d1, ln f1).
/// </summary>
sealed class BrokenLaw : Curve
{
    public override string Name => "broken";
    public override string Formula => "y = a + b * x^-c0 * (1 + (x/d1)^(1/f1))^(-c1*f1)";
    public override IReadOnlyList<string> Names { get; } = ["a", "b", "c0", "c1", "d1", "f1"];
    public override Objective Default => Objective.SquaredLog1p;
    public override double? Limit(ReadOnlySpan<double> p) => p[2] + Math.Min(p[3], 0) > 0 || p[2] + p[3] > 0 ? p[0] : null;
    protected override int FreeSign => 0;

    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        p[0] + p[1] * Math.Pow(x.X, -p[2]) * Break(x.X, p[3], p[4], p[5]);

    /// <summary>(1 + (x/d)^(1/f))^(−c·f) without overflow at a sharp break.</summary>
    static double Break(double x, double c, double d, double f)
    {
        double power = Math.Log(x / d) / f;
        double ln = power > 700 ? power : power < -700 ? 0 : Math.Log(1 + Math.Exp(power));
        return Math.Exp(-c * f * ln);
    }

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2], p[3], p[4], p[5]) =
            (t[0], Math.Exp(t[1] + t[2] * data.CentreX), t[2], t[3], Math.Exp(t[4]), Math.Exp(t[5]));

    protected override IEnumerable<double[]> Grid(FitData data)
    {
        (double low, double high) = RangeX(data);
        foreach (double d in Ratios(low, high, 14))
            foreach (double f in Ratios(0.02, 1, 6))
                foreach (double c0 in (double[])[0.0, 0.03, 0.1, 0.3])
                    foreach (double c1 in (double[])[-0.5, 0.3, 1, 3, 7])
                        yield return [c0, c1, d, f];
    }

    protected override double[] Basis(double[] n, double x, FitData data) =>
        [1, Math.Exp(-n[0] * (Math.Log(x) - data.CentreX)) * Break(x, n[1], n[2], n[3])];

    protected override double[]? Theta(double[] l, double[] n, FitData data) =>
        Ln(l[1]) is { } b ? [l[0], b, n[0], n[1], Math.Log(n[2]), Math.Log(n[3])] : null;

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        (double low, double high) = RangeX(data);
        return p[4] < low || p[4] > high
            ? FormattableString.Invariant($"the break d1 = {p[4]:0.###e0} lies outside of the points")
            : p[5] < 1e-3 ? "f1 stands at its bound 0: the break is sharper than the points can tell" : null;
    }
}
