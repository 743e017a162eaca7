namespace Isoflop.Lab.Laws;

/// <summary>
/// L = E + (A/N^α + B/D^β)^κ: Hoffmann's form at κ = 1, and Kaplan's at E = 0. With κ below 1 the larger term decides more.
/// </summary>
/// <remarks>θ = (ln of A's term at the centre, ln of B's term, ln E, α, β, ln κ).</remarks>
sealed class PowerSurface : LawForm
{
    public override string Name => "power-surface";
    public override string Formula => "L = E + (A/N^alpha + B/D^beta)^kappa";
    public override IReadOnlyList<string> Names { get; } = ["A", "B", "E", "alpha", "beta", "kappa"];
    public override bool IsSurface => true;
    internal override bool HasSlope => true;
    public override double? Limit(ReadOnlySpan<double> p) => p[2];

    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        p[2] + Math.Pow(p[0] * Math.Pow(x.N, -p[3]) + p[1] * Math.Pow(x.D, -p[4]), p[5]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2], p[3], p[4], p[5]) = (Math.Exp(t[0] + t[3] * data.CentreN), Math.Exp(t[1] + t[4] * data.CentreD),
            Math.Exp(t[2]), t[3], t[4], Math.Exp(t[5]));

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double n = data.LnN[i] - data.CentreN, d = data.LnD[i] - data.CentreD, kappa = Math.Exp(t[5]);
        double a = Math.Exp(t[0] - t[3] * n), b = Math.Exp(t[1] - t[4] * d), e = Math.Exp(t[2]);
        double power = Math.Pow(a + b, kappa), by = kappa * power / (a + b);
        (slope[0], slope[1], slope[2], slope[3], slope[4]) = (by * a, by * b, e, -by * a * n, -by * b * d);
        slope[5] = kappa * power * Math.Log(a + b);
        return e + power;
    }

    /// <summary>(L − E)^(1/κ) is linear in the two terms: least squares on a grid of the other four.</summary>
    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        var found = new List<(double Value, double[] Theta)>();
        var problem = new FitProblem(this, data, Objective.SquaredLog);
        double least = data.Y.Min();
        double[] exponents = [.. Enumerable.Range(0, 8).Select(i => 0.1 + 0.12 * i)];
        double[][] first = [.. exponents.Select(x => data.LnN.Select(v => Math.Exp(-x * (v - data.CentreN))).ToArray())],
            second = [.. exponents.Select(x => data.LnD.Select(v => Math.Exp(-x * (v - data.CentreD))).ToArray())];
        foreach (double share in (double[])[0.01, 0.4, 0.7, 0.9])
            foreach (double kappa in (double[])[0.15, 0.35, 0.7, 1, 1.5])
            {
                double e = share * least, power = 1 / kappa;
                double[] y = [.. data.Y.Select(l => Math.Pow(l - e, power))];
                // A relative error of L, as the logarithm weighs it.
                double[] weights = [.. data.Y.Select((l, i) => Math.Pow(kappa * (l - e) / (l * y[i]), 2))];
                for (int i = 0; i < exponents.Length; i++)
                    for (int j = 0; j < exponents.Length; j++)
                    {
                        (double[] c, _) = VariableProjection.Solve([first[i], second[j]], y, weights);
                        double[] theta = [Ln(c[0]), Ln(c[1]), Math.Log(e), exponents[i], exponents[j], Math.Log(kappa)];
                        found.Add((problem.Value(theta), theta));
                    }
            }
        return [.. found.OrderBy(f => f.Value).Take(count).Select(f => f.Theta)];

        static double Ln(double x) => Math.Log(Math.Max(x, 1e-12));
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        if (p[2] < 1e-3 * data.Y.Min()) return "E stands at its bound 0: these losses show no floor";
        foreach ((int i, string name, double low, double high) in ((int, string, double, double)[])
            [(3, "alpha", 0.01, 5), (4, "beta", 0.01, 5), (5, "kappa", 0.02, 10)])
            if (p[i] < low || p[i] > high)
                return FormattableString.Invariant($"{name} = {p[i]:0.###} stands at the edge of {low} … {high}");
        return null;
    }
}

/// <summary>
/// y = A·N^p·D^q: a learning rate or a batch that was best at each size and duration, or any other quantity that is no loss.
/// Li et al. 2025 (Step Law), arXiv:2503.04715.
/// </summary>
/// <remarks>θ = (ln y at the centre, p, q). Least squares in logarithms.</remarks>
sealed class PowerOfBoth : LawForm
{
    public override string Name => "power-of-both";
    public override string Formula => "y = A * N^p * D^q";
    public override IReadOnlyList<string> Names { get; } = ["A", "p", "q"];
    public override Objective Default => Objective.SquaredLog;
    public override bool IsSurface => true;
    internal override bool HasOptimum => false;
    internal override bool ReadsFlops => false;

    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] * Math.Pow(x.N, p[1]) * Math.Pow(x.D, p[2]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2]) = (Math.Exp(t[0] - t[1] * data.CentreN - t[2] * data.CentreD), t[1], t[2]);

    public override bool MayBeNegative(int parameter) => parameter > 0;

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng) => [[data.LnY.Average(), 0, 0]];

    internal override Minimum Solve(FitProblem problem, double[] start)
    {
        if (problem.Objective != Objective.SquaredLog) return base.Solve(problem, start);
        FitData data = problem.Data;
        double[][] columns = [[.. Enumerable.Repeat(1.0, data.Count)], [.. data.LnN.Select(n => n - data.CentreN)],
            [.. data.LnD.Select(d => d - data.CentreD)]];
        (double[] theta, double rss) = VariableProjection.Solve(columns, data.LnY, problem.Weights, free: 3);
        return new(theta, rss, true, "solved exactly");
    }

    internal override string SolverName(Objective objective) =>
        objective == Objective.SquaredLog ? "ordinary least squares in logarithms" : base.SolverName(objective);
}
