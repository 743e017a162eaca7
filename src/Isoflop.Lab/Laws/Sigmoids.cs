namespace Isoflop.Lab.Laws;

/// <summary>
/// accuracy = a/(1 + e^(−k(x − x0))) + b of a task's loss x: the second of two steps. Bhagia et al. 2024, arXiv:2412.04403.
/// θ = (a, k, x0, b).
/// </summary>
sealed class TaskSigmoid : Curve
{
    public override string Name => "task-sigmoid";
    public override string Formula => "y = a / (1 + e^(-k*(x - x0))) + b";
    public override IReadOnlyList<string> Names { get; } = ["a", "k", "x0", "b"];
    public override Objective Default => Objective.SquaredError;
    internal override bool ReadsFlops => false;
    internal override bool ReadsLoss => true;
    /// <summary>Of ever less loss.</summary>
    public override double? Limit(ReadOnlySpan<double> p) => p[1] > 0 ? p[3] : p[0] + p[3];
    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] / (1 + Math.Exp(-p[1] * (x.X - p[2]))) + p[3];

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) => t.CopyTo(p);
    internal override bool AreEnds(IEnumerable<int> given) => given.Contains(0) && given.Contains(3);

    protected override IEnumerable<double[]> Grid(FitData data)
    {
        (double low, double high) = RangeX(data);
        double span = high - low;
        for (int i = -4; i <= 24; i++)
            foreach (double k in Ratios(0.5, 60, 20)) yield return [-k / span, low + i * span / 20];
    }
    protected override double[] Basis(double[] n, double x, FitData data) => [1 / (1 + Math.Exp(-n[0] * (x - n[1]))), 1];
    protected override double[]? Theta(double[] l, double[] n, FitData data) => [l[0], n[0], n[1], l[1]];

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        (double low, double high) = RangeX(data);
        double span = high - low;
        return p[2] < low - 0.5 * span || p[2] > high + 0.5 * span
            ? FormattableString.Invariant($"the middle x0 = {p[2]:0.###} lies far outside of the points") : null;
    }
}

/// <summary>error = ε − k·e^(−γ·L). Gadre et al. 2024. θ = (ε, ln k, ln γ).</summary>
sealed class ErrorOfLoss : Curve
{
    public override string Name => "error-of-loss";
    public override string Formula => "error = epsilon - k * e^(-gamma*L)";
    public override IReadOnlyList<string> Names { get; } = ["epsilon", "k", "gamma"];
    public override Objective Default => Objective.SquaredError;
    internal override bool ReadsFlops => false;
    internal override bool ReadsLoss => true;
    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] - p[1] * Math.Exp(-p[2] * x.X);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2]) = (t[0], Math.Exp(t[1] + Math.Exp(t[2]) * data.Inputs.Average(i => i.X)), Math.Exp(t[2]));

    protected override IEnumerable<double[]> Grid(FitData data)
    {
        (double low, double high) = RangeX(data);
        return Ratios(0.05 / (high - low), 30 / (high - low), 60).Select(g => (double[])[g]);
    }
    protected override double[] Basis(double[] n, double x, FitData data) =>
        [1, -Math.Exp(-n[0] * (x - data.Inputs.Average(i => i.X)))];
    protected override double[]? Theta(double[] l, double[] n, FitData data) =>
        Ln(l[1]) is { } k ? [l[0], k, Math.Log(n[0])] : null;

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        (double low, double high) = RangeX(data);
        return p[2] * (high - low) < 0.05 ? "gamma stands at its bound 0: the points lie on a straight line" : null;
    }
}

/// <summary>
/// R = R0 + (A − R0)/(1 + (Cmid/C)^B): reward by compute of reinforcement learning. ScaleRL (Khatri et al. 2025),
/// arXiv:2510.13786: leave out the first steps; grid over A and Cmid. θ = (R0, A, ln Cmid, ln B). Of a frontier's losses the
/// ends are L0 and E; where both are known, as ln V and a world's entropy, its middle may lie far beyond the points.
/// </summary>
/// <param name="frontier">a loss of the best size of each budget</param>
sealed class RlSigmoid(bool frontier) : Curve
{
    public override string Name => frontier ? "frontier-sigmoid" : "rl-sigmoid";
    public override string Formula => frontier ? "L = L0 + (E - L0) / (1 + (Cmid/C)^B), best size of each budget"
        : "R = R0 + (A - R0) / (1 + (Cmid/C)^B)";
    public override IReadOnlyList<string> Names { get; } = frontier ? ["L0", "E", "Cmid", "B"] : ["R0", "A", "Cmid", "B"];
    public override Objective Default => frontier ? Objective.SquaredLog : Objective.SquaredError;
    internal override bool OfFrontier => frontier;
    internal override bool AreEnds(IEnumerable<int> given) => given.Contains(0) && given.Contains(1);
    public override double? Limit(ReadOnlySpan<double> p) => p[1];
    public override double At(ReadOnlySpan<double> p, in Inputs x) =>
        p[0] + (p[1] - p[0]) / (1 + Math.Pow(p[2] / x.X, p[3]));

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2], p[3]) = (t[0], t[1], Math.Exp(t[2]), Math.Exp(t[3]));

    protected override IEnumerable<double[]> Grid(FitData data)
    {
        (double low, double high) = RangeX(data);
        foreach (double mid in Ratios(low / 3, (frontier ? 1e4 : 10) * high, 40))
            foreach (double b in Ratios(0.2, 8, 16)) yield return [mid, b];
    }
    protected override double[] Basis(double[] n, double x, FitData data)
    {
        double s = 1 / (1 + Math.Pow(n[0] / x, n[1]));
        return [1 - s, s];
    }
    protected override double[]? Theta(double[] l, double[] n, FitData data) => [l[0], l[1], Math.Log(n[0]), Math.Log(n[1])];

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        (double low, double high) = RangeX(data);
        return p[2] > 10 * high || p[2] < low / 10
            ? FormattableString.Invariant($"Cmid = {p[2]:0.##e0} lies far outside of the points: A is a guess") : null;
    }
}

/// <summary>ln c = a·k^b, a &lt; 0: the share c of questions that k samples solve. Brown et al. 2024, arXiv:2407.21787.</summary>
/// <remarks>θ = (ln −a at the centre, b).</remarks>
sealed class Coverage : LawForm
{
    public override string Name => "coverage";
    public override string Formula => "ln c = a * k^b";
    public override IReadOnlyList<string> Names { get; } = ["a", "b"];
    public override Objective Default => Objective.SquaredError;
    public override double? Limit(ReadOnlySpan<double> p) => p[1] < 0 ? 1 : null;
    public override double At(ReadOnlySpan<double> p, in Inputs x) => Math.Exp(p[0] * Math.Pow(x.X, p[1]));

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1]) = (-Math.Exp(t[0] - t[1] * data.CentreX), t[1]);

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng)
    {
        double[] y = [.. data.Y.Select(c => Math.Log(-Math.Log(Math.Clamp(c, 1e-9, 1 - 1e-9))))];
        Line line = Line.Through(data.LnX, y);
        return [[line.At(data.CentreX), line.Slope], [line.At(data.CentreX), line.Slope / 2],
            [line.At(data.CentreX) + 0.3, line.Slope], [line.At(data.CentreX), 2 * line.Slope]];
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) =>
        data.Y.Any(c => c > 1) ? "coverage is a share: some values are above 1"
        : p[1] >= 0 ? "b is not negative: coverage does not grow with samples" : null;
}
