namespace Isoflop.Lab.Laws;

/// <summary>
/// L = E + U(N) + B(N)·D^−A(N): how fast data helps depends on the size. U with E is e^(a3·N^γ + b3), B is e^(a2·N^β + b2), A is
/// e^(a1·N^α + b1). Li et al. 2025 (Farseer), arXiv:2506.10972.
/// </summary>
/// <remarks>
/// Each exponent of e is searched as level + slope·((N/N₀)^p − 1)/p at the points' centre N₀, Box and Cox's transform, which
/// has a limit at p = 0.
/// θ = (level, slope, p) of A, of B, of U.
/// </remarks>
sealed class Farseer : LawForm
{
    const int Sizes = 3, Durations = 3;
    const double Flat = 1e-4;                                      // p nearer to 0 is the logarithm, to rounding

    public override string Name => "farseer";
    public override string Formula => "L = e^(a3*N^gamma + b3) + e^(a2*N^beta + b2)*D^-e^(a1*N^alpha + b1)";
    public override IReadOnlyList<string> Names { get; } = ["a1", "alpha", "b1", "a2", "beta", "b2", "a3", "gamma", "b3"];
    public override Objective Default => Objective.SquaredLog;
    public override bool IsSurface => true;
    public override bool MayBeNegative(int parameter) => true;
    internal override bool HasSlope => true;

    public override double At(ReadOnlySpan<double> p, in Inputs x)
    {
        double Exponent(ReadOnlySpan<double> q, double n) => q[0] * Math.Pow(n, q[1]) + q[2];
        double lnB = Exponent(p[3..6], x.N), a = Math.Exp(Exponent(p[..3], x.N));
        return Math.Exp(Exponent(p[6..], x.N)) + Math.Exp(lnB - a * Math.Log(x.D));
    }

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        for (int f = 0; f < 3; f++)
        {
            double level = t[3 * f], slope = t[3 * f + 1], power = Away(t[3 * f + 2]);
            p[3 * f] = slope / power * Math.Exp(-power * data.CentreN);
            p[3 * f + 1] = power;
            p[3 * f + 2] = level - slope / power;
        }
    }

    static double Away(double power) => Math.Abs(power) < Flat ? (power < 0 ? -Flat : Flat) : power;

    /// <summary>(e^(p·n) − 1)/p and its slope by p.</summary>
    static (double Value, double ByP) BoxCox(double n, double p)
    {
        p = Away(p);
        double e = MoreMath.ExpM1(p * n);
        return (e / p, (n * (e + 1) - e / p) / p);
    }

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double n = data.LnN[i] - data.CentreN, d = data.LnD[i];
        (double phiA, double byA) = BoxCox(n, t[2]);
        (double phiB, double byB) = BoxCox(n, t[5]);
        (double phiU, double byU) = BoxCox(n, t[8]);
        double a = Math.Exp(t[0] + t[1] * phiA), u = Math.Exp(t[6] + t[7] * phiU), w = Math.Exp(t[3] + t[4] * phiB - a * d);
        double byLnA = -w * a * d;
        (slope[0], slope[1], slope[2]) = (byLnA, byLnA * phiA, byLnA * t[1] * byA);
        (slope[3], slope[4], slope[5]) = (w, w * phiB, w * t[4] * byB);
        (slope[6], slope[7], slope[8]) = (u, u * phiU, u * t[7] * byU);
        return u + w;
    }

    /// <summary>
    /// As its authors do: L = u + b·D^−a at each size, then a curve of N through each of the three; and the surface of Hoffmann's
    /// form, whose A is the same at every size.
    /// </summary>
    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        List<double[]> starts = [];
        List<(double N, double[] P)> sizes = [];
        foreach (int[] size in LackOfFit.Sets(data.LnN.Select(n => Math.Round(n, 2))))
        {
            if (size.Select(i => Math.Round(data.LnD[i], 2)).Distinct().Count() < Durations) continue;
            Observation[] curve = [.. size.Select(i => Observation.Point(data.Inputs[i].D, data.Y[i]))];
            var own = new FitData(LawForms.SaturatingPower, curve);
            var problem = new FitProblem(LawForms.SaturatingPower, own, Objective.SquaredLog) { Polishes = 1, Steps = 50 };
            double[] p = new double[3];
            Minimum best = LawForms.SaturatingPower.Starts(own, 2, ref rng)
                .Select(s => LawForms.SaturatingPower.Solve(problem, s)).MinBy(m => m.Value);
            if (!double.IsFinite(best.Value)) continue;
            LawForms.SaturatingPower.Natural(best.Theta, own, p);
            if (p[0] > 1e-3 * own.Y.Min() && p[1] > 0 && p[2] is > 0.01 and < 4)
                sizes.Add((data.LnN[size[0]] - data.CentreN, [Math.Log(p[2]), Math.Log(p[1]), Math.Log(p[0])]));
        }
        double[] powers = [0.1, -0.1, 0.3, -0.3];
        if (sizes.Count >= Sizes)
            foreach (double power in powers)
            {
                double[] theta = new double[9];
                for (int f = 0; f < 3; f++)
                {
                    Line line = Line.Through([.. sizes.Select(s => BoxCox(s.N, power).Value)], [.. sizes.Select(s => s.P[f])]);
                    (theta[3 * f], theta[3 * f + 1], theta[3 * f + 2]) = (line.Intercept, line.Slope, power);
                }
                starts.Add(theta);
            }
        foreach (double[] s in LawForms.Chinchilla.Starts(data, 4, ref rng))
            foreach (double power in powers.Take(2))
            {
                double a = Math.Exp(s[0]), e = Math.Exp(s[2]), u = a + e, beta = Math.Max(0.02, s[4]);
                starts.Add([Math.Log(beta), 0, power, s[1] + beta * data.CentreD, 0, power, Math.Log(u), -s[3] * a / u, power]);
            }
        return starts.Take(Math.Max(count, 1));
    }

    internal override string SolverName(Objective objective) => "a curve of D at each size, BFGS, Nelder–Mead";

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        foreach (Inputs x in data.Inputs)
            if (Math.Exp(p[0] * Math.Pow(x.N, p[1]) + p[2]) is var a && a is < 0.005 or > 4)
                return FormattableString.Invariant($"A(N) = {a:0.###} at N = {x.N:0.##e0} stands at the edge of .005 … 4");
        return null;
    }
}
