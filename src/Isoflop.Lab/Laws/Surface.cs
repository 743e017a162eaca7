namespace Isoflop.Lab.Laws;

/// <summary>
/// L = E + A/N^α + B/D^β: Hoffmann et al. 2022, arXiv:2203.15556, approach 3. Tied (α = β) it is the law of over-training,
/// L = E + a·N^b + β′·6^(b/2)·(M·N)^b with a = A, b = −α, β′ = B·6^(α/2), M = D/N: Gadre et al. 2024, arXiv:2403.08540.
/// </summary>
/// <remarks>θ = (ln of A's term at the centre, ln of B's term at the centre, ln E, α[, β]).</remarks>
sealed class Surface(bool tied) : LawForm
{
    const int GridSize = 32;
    const double GridLow = 0.05, GridHigh = 0.95;

    public override string Name => tied ? "over-training" : "chinchilla";
    public override string Formula => tied ? "L = E + A/N^alpha + B/D^alpha" : "L = E + A/N^alpha + B/D^beta";
    public override IReadOnlyList<string> Names { get; } =
        tied ? ["A", "B", "E", "alpha"] : ["A", "B", "E", "alpha", "beta"];
    public override bool IsSurface => true;
    internal override bool HasSlope => true;
    public override double? Limit(ReadOnlySpan<double> p) => p[2];

    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        p[2] + p[0] * Math.Pow(x.N, -p[3]) + p[1] * Math.Pow(x.D, -p[^1]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        p[0] = Math.Exp(t[0] + t[3] * data.CentreN);
        p[1] = Math.Exp(t[1] + t[^1] * data.CentreD);
        p[2] = Math.Exp(t[2]);
        p[3] = t[3];
        p[^1] = t[^1];
    }

    internal override double ValueAndSlope(ReadOnlySpan<double> t, FitData data, int i, Span<double> slope)
    {
        double n = data.LnN[i] - data.CentreN, d = data.LnD[i] - data.CentreD;
        double a = Math.Exp(t[0] - t[3] * n), b = Math.Exp(t[1] - t[^1] * d), e = Math.Exp(t[2]);
        slope[0] = a;
        slope[1] = b;
        slope[2] = e;
        slope[^1] = -b * d;
        if (tied) slope[3] -= a * n;
        else slope[3] = -a * n;
        return a + b + e;
    }

    /// <summary>Variable projection's grid, best first; then random places of Hoffmann's grid of starts.</summary>
    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        double[] ones = [.. Enumerable.Repeat(1.0, data.Count)];
        List<double[]> starts = [.. Grid(data, ones).Take(Math.Max(1, count / 2)).Select(g => g.Theta)];
        while (starts.Count < count)
        {
            double alpha = 0.5 * rng.NextInt(5), beta = tied ? alpha : 0.5 * rng.NextInt(5);
            double a = 5 * rng.NextInt(6), b = 5 * rng.NextInt(6), e = -1 + 0.5 * rng.NextInt(5);
            double[] theta = [a - alpha * data.CentreN, b - beta * data.CentreD, e, alpha, beta];
            starts.Add(tied ? theta[..4] : theta);
        }
        return starts;
    }

    /// <summary>Least squares over a 32×32 grid of (α, β): the grid's local minima by their sum, then by the rest.</summary>
    List<(double Rss, double[] Theta)> Grid(FitData data, double[] weights)
    {
        double[][] n = Columns(data.LnN, data.CentreN), d = Columns(data.LnD, data.CentreD);
        var found = new (double Rss, double[] Theta)[GridSize, GridSize];
        for (int i = 0; i < GridSize; i++)
            for (int j = tied ? i : 0; j < (tied ? i + 1 : GridSize); j++)
            {
                (double[] c, double rss) = VariableProjection.Solve([n[i], d[j], Ones(data)], data.Y, weights);
                found[i, j] = (rss, Theta(c, Exponent(i), Exponent(j)));
            }
        List<(double Rss, double[] Theta, bool Local)> all = [];
        for (int i = 0; i < GridSize; i++)
            for (int j = 0; j < GridSize; j++)
                if (found[i, j].Theta is not null) all.Add((found[i, j].Rss, found[i, j].Theta, Local(i, j)));
        return [.. all.OrderByDescending(f => f.Local).ThenBy(f => f.Rss).Select(f => (f.Rss, f.Theta))];

        bool Local(int i, int j)
        {
            for (int a = Math.Max(0, i - 1); a <= Math.Min(GridSize - 1, i + 1); a++)
                for (int b = Math.Max(0, j - 1); b <= Math.Min(GridSize - 1, j + 1); b++)
                    if (found[a, b].Theta is not null && found[a, b].Rss < found[i, j].Rss) return false;
            return true;
        }
        static double Exponent(int i) => GridLow + i * (GridHigh - GridLow) / (GridSize - 1);
        static double[][] Columns(double[] ln, double centre) =>
            [.. Enumerable.Range(0, GridSize).Select(i => ln.Select(v => Math.Exp(-Exponent(i) * (v - centre))).ToArray())];
    }

    double[] Theta(double[] c, double alpha, double beta)
    {
        double[] theta = [Ln(c[0]), Ln(c[1]), Ln(c[2]), alpha, beta];
        return tied ? theta[..4] : theta;

        static double Ln(double x) => Math.Log(Math.Max(x, 1e-12));
    }

    static double[] Ones(FitData data) => [.. Enumerable.Repeat(1.0, data.Count)];

    /// <summary>Squared error is solved by projection: Nelder–Mead over the exponents alone.</summary>
    internal override Minimum Solve(FitProblem problem, double[] start)
    {
        if (problem.Objective != Objective.SquaredError) return base.Solve(problem, start);
        FitData data = problem.Data;
        double[] n = new double[data.Count], d = new double[data.Count], ones = Ones(data), c = [];
        double Project(double[] exponents)
        {
            for (int i = 0; i < data.Count; i++)
            {
                n[i] = Math.Exp(-exponents[0] * (data.LnN[i] - data.CentreN));
                d[i] = Math.Exp(-exponents[^1] * (data.LnD[i] - data.CentreD));
            }
            (c, double rss) = VariableProjection.Solve([n, d, ones], data.Y, problem.Weights);
            return rss;
        }
        (double[] at, _) = Minimiser.Simplex(Project, start[3..], 0.05);
        double value = Project(at);
        return new(Theta(c, at[0], at[^1]), value, true, "converged (projection)");
    }

    internal override string SolverName(Objective objective) => objective == Objective.SquaredError
        ? "variable projection (non-negative least squares), Nelder–Mead over the exponents"
        : "variable projection, BFGS, Nelder–Mead";

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        if (p[2] < 1e-3 * data.Y.Min()) return "E stands at its bound 0: these losses show no floor";
        foreach ((string name, double exponent) in ((string, double)[])[("alpha", p[3]), (tied ? "alpha" : "beta", p[^1])])
            if (exponent is < 0.01 or > 2)
                return FormattableString.Invariant($"{name} = {exponent:0.###} stands at the edge of .01 … 2");
        double a = p[0] * Math.Exp(-p[3] * data.CentreN), b = p[1] * Math.Exp(-p[^1] * data.CentreD), least = 1e-6 * data.Y.Min();
        return a < least ? "A stands at its bound 0: the loss does not depend on N here"
            : b < least ? "B stands at its bound 0: the loss does not depend on D here" : null;
    }

    /// <summary>N* = G·(C/k)^(β/(α+β)), G = (αA/βB)^(1/(α+β)).</summary>
    internal override double OptimalN(ReadOnlySpan<double> p, double flops, double k)
    {
        double alpha = p[3], beta = p[^1];
        return Math.Pow(alpha * p[0] / (beta * p[1]), 1 / (alpha + beta)) * Math.Pow(flops / k, beta / (alpha + beta));
    }
}
