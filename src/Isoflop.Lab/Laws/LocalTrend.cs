using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>
/// A frontier's slope by half decades, and how it drifts. From the last point on it goes on with its last slope, and the slope's
/// changes go on as they were: ln L(h) = ln L(0) − s·h with an error of q·√(h(h + 1)(2h + 1)/6), h in half decades, so √5·q at
/// 10 times and √30·q at 100 times the compute. It supposes no form: a slope that rises, falls or holds has its own q. A local
/// linear trend, Harvey 1989, Forecasting, Structural Time Series Models, §2.3.2, whose level has no error of its own.
/// </summary>
/// <remarks>q is the root mean square of the changes, so their mean and the losses' noise are in it: the interval is no narrower
/// for either.</remarks>
/// <param name="X">of the last point</param> <param name="Y">its loss</param>
/// <param name="Exponents">−Δ ln L / Δ log₁₀ X between neighbours, and the X in the middle: what a decade takes off</param>
/// <param name="Drift">q: of −Δ ln L a half decade, by half decades</param>
/// <param name="Df">changes that q comes from</param>
/// <param name="Acceleration">mean change of the exponent in a half decade, 95 % by Student's t: above 0 it rises</param>
sealed record LocalTrend(double X, double Y, IReadOnlyList<(double X, double Exponent)> Exponents, double Drift, int Df,
    Estimate Acceleration)
{
    /// <summary>Points at least: with two changes of the slope t is 4.30.</summary>
    public const int MinPoints = 4;

    /// <summary>Standard deviation of a run about the frontier, of ln L: part of the interval. 0: unknown.</summary>
    public double Noise { get; init; }

    /// <summary>Of the best of each budget; null: fewer than <see cref="MinPoints"/>.</summary>
    /// <param name="frontier">one point a budget, x in any order</param>
    public static LocalTrend? Of(IEnumerable<(double X, double Y)> frontier)
    {
        (double X, double Y)[] all = [.. frontier.OrderBy(p => p.X)];
        if (all.Length < MinPoints) return null;
        var slopes = all.Zip(all.Skip(1), (a, b) => (At: (Halves(a.X) + Halves(b.X)) / 2,
            Fall: Math.Log(a.Y / b.Y) / (Halves(b.X) - Halves(a.X)))).ToArray();
        // Steps of other lengths than a half decade: a random walk's variance grows with the length.
        var changes = slopes.Zip(slopes.Skip(1), (a, b) => (Step: b.At - a.At, Change: b.Fall - a.Fall)).ToArray();
        double drift = Math.Sqrt(changes.Average(c => c.Change * c.Change / c.Step));
        double[] rises = [.. changes.Select(c => 2 * c.Change / c.Step)];
        return new(all[^1].X, all[^1].Y, [.. slopes.Select(s => (Math.Pow(10, s.At / 2), 2 * s.Fall))], drift, changes.Length,
            Estimate.OfMean(rises));
    }

    /// <summary>Loss of a new run on the frontier, 95 %.</summary>
    public Estimate At(double x)
    {
        double value = ValueAt(Y, X, Exponents[^1].Exponent, x);
        double wide = Quantile(Df, 0.975) * Math.Sqrt(Math.Pow(Drift * Steps(X, x), 2) + Noise * Noise);
        return new(value, value * Math.Exp(-wide), value * Math.Exp(wide));
    }

    /// <summary>Y·10^(−exponent·log₁₀(x/X)).</summary>
    internal static double ValueAt(double lastY, double lastX, double exponent, double x) =>
        lastY * Math.Exp(-exponent * Halves(x / lastX) / 2);

    /// <summary>√(h(h + 1)(2h + 1)/6): what the changes to come add up to, in q.</summary>
    internal static double Steps(double lastX, double x) =>
        Math.Max(0, Halves(x / lastX)) is var h ? Math.Sqrt(h * (h + 1) * (2 * h + 1) / 6) : 0;

    internal static double Quantile(double df, double share) => StudentT.InvCDF(0, 1, df, share);

    static double Halves(double x) => 2 * Math.Log10(x);
}

/// <summary>
/// <see cref="LocalTrend"/> as a law of compute: L = L0·(C/Cref)^−γ from the last budget on, γ of the last step, with the error
/// that its drift q foretells in place of resamples. N* and D* are power laws through the best size of each budget.
/// </summary>
/// <remarks>θ = (ln N0, a, ln D0, b, ln L0, −γ, ln Cref, q).</remarks>
sealed class LocalTrendForm : Allocation
{
    public override string Name => "local-trend";
    public override string Formula => "L = L0*(C/Cref)^-gamma from the last budget on, the slope drifts by q a half decade";
    public override IReadOnlyList<string> Names { get; } = ["N0", "a", "D0", "b", "L0", "gamma", "Cref", "q"];
    public override Objective Default => Objective.SquaredLog;
    internal override string SolverName(Objective objective) => "the best size of each budget, its last step and its drift";
    internal override int MinPoints => LocalTrend.MinPoints;
    internal override int Spent(FitProblem problem) => 2;

    internal override double[] Fitted(FitProblem problem, double[] natural) =>
        [.. Enumerable.Repeat(double.NaN, problem.Data.Count)];

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p)
    {
        base.Natural(t, data, p);
        p[7] = t[7];
    }

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng) => [new double[8]];

    protected override string TooFew(FitProblem problem, int found) =>
        $"{found} budgets, and {LocalTrend.MinPoints} are needed: the slope's drift has {LocalTrend.MinPoints - 2} changes then";

    public override List<Best> Optima(FitProblem problem, out double residual)
    {
        residual = 0;
        FitData data = problem.Data;
        return [.. BestOfBudget.Of(data, problem.Used).Select(cell => new Best(cell.Average(i => data.LnX[i]),
            cell.Average(i => data.LnN[i]), cell.Average(i => data.LnD[i]), Math.Log(cell.Average(i => data.Y[i]))))];
    }

    internal override Minimum Solve(FitProblem problem, double[] start)
    {
        List<Best> best = Optima(problem, out _);
        if (LocalTrend.Of(best.Select(b => (Math.Exp(b.LnC), Math.Exp(b.LnLoss)))) is not { } trend)
            return new(start, double.PositiveInfinity, false, TooFew(problem, best.Count));
        double[] theta = base.Solve(problem, new double[7]).Theta;
        double reference = best[^1].LnC, moved = reference - theta[6];
        return new([theta[0] + theta[1] * moved, theta[1], theta[2] + theta[3] * moved, theta[3], best[^1].LnLoss,
            -trend.Exponents[^1].Exponent / Math.Log(10), reference, trend.Drift], 0, true,
            $"solved exactly ({best.Count} budgets)");
    }

    internal override bool HasWidth => true;

    internal override Width WidthOf(FitProblem problem)
    {
        FitData data = problem.Data;
        int[][] cells = [.. BestOfBudget.Of(data, problem.Used)];
        int[][] several = [.. cells.Where(c => c.Length > 1)];
        double noise = several.Length == 0 ? 0 : Math.Sqrt(
            several.Sum(c => (c.Length - 1) * c.Select(i => data.LnY[i]).Variance()) / several.Sum(c => c.Length - 1));
        return new(cells.Length - 2, noise);
    }

    internal override double Drift(ReadOnlySpan<double> p, double x) => p[7] * LocalTrend.Steps(p[6], x);
}
