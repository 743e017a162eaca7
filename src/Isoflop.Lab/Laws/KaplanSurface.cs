namespace Isoflop.Lab.Laws;

/// <summary>L = [(Nc/N)^(αN/αD) + Dc/D]^αD. Kaplan et al. 2020, arXiv:2001.08361, eq. 1.5.</summary>
/// <remarks>θ = (ln of the first term at the centre, ln of the second, αN, αD).</remarks>
sealed class KaplanSurface : LawForm
{
    public override string Name => "kaplan";
    public override string Formula => "L = [(Nc/N)^(alpha_n/alpha_d) + Dc/D]^alpha_d";
    public override IReadOnlyList<string> Names { get; } = ["Nc", "Dc", "alpha_n", "alpha_d"];
    public override bool IsSurface => true;
    internal override bool HasSlope => true;

    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        Math.Pow(Math.Pow(p[0] / x.N, p[2] / p[3]) + p[1] / x.D, p[3]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        p[0] = Math.Exp(t[0] * t[3] / t[2] + data.CentreN);
        p[1] = Math.Exp(t[1] + data.CentreD);
        p[2] = t[2];
        p[3] = t[3];
    }

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double n = data.LnN[i] - data.CentreN, d = data.LnD[i] - data.CentreD, power = t[2] / t[3];
        double first = Math.Exp(t[0] - power * n), second = Math.Exp(t[1] - d), sum = first + second;
        double f = Math.Pow(sum, t[3]), byLn = f * t[3] / sum;
        slope[0] = byLn * first;
        slope[1] = byLn * second;
        slope[2] = -byLn * first * n / t[3];
        slope[3] = f * Math.Log(sum) + byLn * first * n * power / t[3];
        return f;
    }

    /// <summary>L^(1/αD) is linear in the two terms: least squares on a grid of exponents.</summary>
    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        double[] ones = [.. Enumerable.Repeat(1.0, data.Count)];
        var found = new List<(double Value, double[] Theta)>();
        var problem = new FitProblem(this, data, Objective.SquaredLog);
        for (int a = 0; a < 16; a++)
            for (int b = 0; b < 16; b++)
            {
                double alphaN = 0.02 * Math.Pow(1.25, a), alphaD = 0.02 * Math.Pow(1.25, b), centre = data.LnY.Average();
                double[] y = [.. data.LnY.Select(l => Math.Exp((l - centre) / alphaD))];
                double[] first = [.. data.LnN.Select(l => Math.Exp(-alphaN / alphaD * (l - data.CentreN)))];
                double[] second = [.. data.LnD.Select(l => Math.Exp(-(l - data.CentreD)))];
                double[] weights = [.. y.Select(v => 1 / (v * v))];
                (double[] c, _) = VariableProjection.Solve([first, second], y, weights);
                double[] theta = [Ln(c[0]) + centre / alphaD, Ln(c[1]) + centre / alphaD, alphaN, alphaD];
                found.Add((problem.Value(theta), theta));
            }
        return [.. found.OrderBy(f => f.Value).Take(count).Select(f => f.Theta)];

        static double Ln(double x) => Math.Log(Math.Max(x, 1e-12));
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        p[2] is < 0.005 or > 2 ? FormattableString.Invariant($"alpha_n = {p[2]:0.###} stands at the edge of .005 … 2")
        : p[3] is < 0.005 or > 2 ? FormattableString.Invariant($"alpha_d = {p[3]:0.###} stands at the edge of .005 … 2") : null;
}
