namespace Isoflop.Lab.Laws;

/// <summary>
/// L = E + A/N′^α + B/D′^α with D′ = U + U·R_D·(1 − e^(−R/R_D)), R = D/U − 1, and N′ likewise of U_N = min(N, (U·G)^(β/α)·G),
/// G = (αA/βB)^(1/(α+β)); β = α as published. Muennighoff et al. 2023, arXiv:2305.16264.
/// </summary>
/// <remarks>θ = (ln of A's and B's terms at the centre, ln E, α, ln R_D, ln R_N).</remarks>
sealed class RepeatedData : LawForm
{
    public override string Name => "repeated-data";
    public override string Formula => "L = E + A/N'^alpha + B/D'^alpha, repeats decay by R_D and R_N";
    public override IReadOnlyList<string> Names { get; } = ["A", "B", "E", "alpha", "R_D", "R_N"];
    public override bool IsSurface => true;
    internal override bool HasSlope => true;
    public override double? Limit(ReadOnlySpan<double> p) => p[2];

    public override double At(ReadOnlySpan<double> p, in Inputs x)
    {
        double u = Math.Min(x.U, x.D), d = Effective(u, x.D, p[4]);
        double g = Math.Pow(p[0] / p[1], 0.5 / p[3]);                       // α = β
        double n = Effective(Math.Min(x.N, u * g * g), x.N, p[5]);
        return p[2] + p[0] * Math.Pow(n, -p[3]) + p[1] * Math.Pow(d, -p[3]);
    }

    /// <summary>u + u·r·(1 − e^(−R/r)), R = all/u − 1.</summary>
    static double Effective(double u, double all, double r) => u - u * r * MoreMath.ExpM1(-(all / u - 1) / r);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        p[0] = Math.Exp(t[0] + t[3] * data.CentreN);
        p[1] = Math.Exp(t[1] + t[3] * data.CentreD);
        (p[2], p[3], p[4], p[5]) = (Math.Exp(t[2]), t[3], Math.Exp(t[4]), Math.Exp(t[5]));
    }

    /// <summary>U_N depends on A, B and α through ln G² = (a − b)/α: N′ carries their slopes where it is below N.</summary>
    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        Inputs x = data.Inputs[i];
        double alpha = t[3], rd = Math.Exp(t[4]), rn = Math.Exp(t[5]);
        double u = x.U * Math.Exp((t[0] - t[1]) / alpha + data.CentreN - data.CentreD);
        (double lnN, double byU, double byRn) = x.N > u ? Decay(u, x.N, rn) : (data.LnN[i], 0, 0);
        (double lnD, _, double byRd) = x.D > x.U ? Decay(x.U, x.D, rd) : (data.LnD[i], 0, 0);
        double a = Math.Exp(t[0] - alpha * (lnN - data.CentreN)), b = Math.Exp(t[1] - alpha * (lnD - data.CentreD));
        slope[0] = a * (1 - byU);
        slope[1] = b + a * byU;
        slope[2] = Math.Exp(t[2]);
        slope[3] = -a * (lnN - data.CentreN) - b * (lnD - data.CentreD) + a * byU * (t[0] - t[1]) / alpha;
        slope[4] = -alpha * b * byRd;
        slope[5] = -alpha * a * byRn;
        return a + b + slope[2];
    }

    /// <summary>ln of the effective count, and its slopes by ln u and ln r.</summary>
    static (double Ln, double ByU, double ByR) Decay(double u, double all, double r)
    {
        double repeats = all / u - 1, e = Math.Exp(-repeats / r), rest = -MoreMath.ExpM1(-repeats / r);
        double count = u * (1 + r * rest);
        return (Math.Log(count), u / count * (1 + r * rest - e * all / u), r * u / count * (rest - e * repeats / r));
    }

    /// <summary>The plain surface's starts, with some decays.</summary>
    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        double[][] plain = [.. LawForms.OverTraining.Starts(data, 4, ref rng)];
        var found = new List<(double Value, double[] Theta)>();
        var problem = new FitProblem(this, data, Objective.SquaredLog);
        foreach (double[] t in plain.Take(3))
            foreach (double rd in (double[])[1, 4, 16, 64])
                foreach (double rn in (double[])[1, 4, 16, 64])
                {
                    double[] theta = [.. t, Math.Log(rd), Math.Log(rn)];
                    found.Add((problem.Value(theta), theta));
                }
        return [.. found.OrderBy(f => f.Value).Take(count).Select(f => f.Theta)];
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        if (!data.Inputs.Any(i => i.D > 1.5 * i.U)) return "no run repeats its data: R_D and R_N cannot be known";
        if (p[2] < 1e-3 * data.Y.Min()) return "E stands at its bound 0: these losses show no floor";
        if (p[3] is < 0.01 or > 2) return FormattableString.Invariant($"alpha = {p[3]:0.###} stands at the edge of .01 … 2");
        return p[4] is < 1e-2 or > 1e4 ? FormattableString.Invariant($"R_D = {p[4]:0.##e0} stands at the edge of .01 … 1e4")
            : p[5] is < 1e-2 or > 1e4
            ? FormattableString.Invariant($"R_N = {p[5]:0.##e0} stands at the edge of .01 … 1e4") : null;
    }
}

static class MoreMath
{
    /// <summary>e^x − 1 without the loss of digits near 0. Kahan's form.</summary>
    public static double ExpM1(double x)
    {
        double u = Math.Exp(x);
        return u == 1 ? x : u - 1 == -1 ? -1 : (u - 1) * x / Math.Log(u);
    }
}
