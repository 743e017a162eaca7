namespace Isoflop.Lab.Laws;

/// <summary>
/// Laws that find the best N and D of some budgets first and then draw straight lines through them:
/// N* = N0·(C/Cref)^a, D* = D0·(C/Cref)^b, L* = L0·(C/Cref)^−γ, with Cref the points' geometric mean.
/// </summary>
/// <remarks>θ is natural: (ln N0, a, ln D0, b, ln L0, −γ, ln Cref). Nothing is searched: the solver is least squares.</remarks>
abstract class Allocation : LawForm
{
    public override string Formula => "N* = N0*(C/Cref)^a, D* = D0*(C/Cref)^b, L* = L0*(C/Cref)^-gamma";
    public override IReadOnlyList<string> Names { get; } = ["N0", "a", "D0", "b", "L0", "gamma", "Cref"];
    public override Objective Default => Objective.SquaredError;
    internal override bool TakesX => false;
    internal override Inputs InputsOf(Observation o) => new(o.N, o.D, o.Unique, o.C);

    public override double At(ReadOnlySpan<double> p, in Inputs x) => p[4] * Math.Pow(x.X / p[6], -p[5]);
    internal override double OptimalN(ReadOnlySpan<double> p, double flops, double k) => p[0] * Math.Pow(flops / p[6], p[1]);
    internal override double OptimalD(ReadOnlySpan<double> p, double flops, double k) => p[2] * Math.Pow(flops / p[6], p[3]);

    internal override void Natural(ReadOnlySpan<double> t, FitData data, Span<double> p) =>
        (p[0], p[1], p[2], p[3], p[4], p[5], p[6]) =
        (Math.Exp(t[0]), t[1], Math.Exp(t[2]), t[3], Math.Exp(t[4]), -t[5], Math.Exp(t[6]));

    internal override IEnumerable<double[]> Starts(FitData data, int count, ref Rng rng) => [new double[7]];

    /// <summary>Why so few optima were found.</summary>
    protected virtual string TooFew(FitProblem problem, int found) =>
        $"{found} budgets have an optimum inside their points; 2 are needed";

    /// <summary>The best of each budget, from the points that have weight.</summary>
    /// <param name="residual">Σ of squares that each budget's own fit leaves</param>
    public abstract List<Best> Optima(FitProblem problem, out double residual);

    internal override Minimum Solve(FitProblem problem, double[] start)
    {
        List<Best> best = Optima(problem, out double residual);
        if (best.Count < 2)
            return new(start, double.PositiveInfinity, false, TooFew(problem, best.Count));
        double reference = problem.Data.LnX.Average();
        double[] c = [.. best.Select(b => b.LnC - reference)];
        Line n = Line.Through(c, [.. best.Select(b => b.LnN)]), d = Line.Through(c, [.. best.Select(b => b.LnD)]),
            l = Line.Through(c, [.. best.Select(b => b.LnLoss)]);
        return new([n.Intercept, n.Slope, d.Intercept, d.Slope, l.Intercept, l.Slope, reference], residual, true,
            $"solved exactly ({best.Count} optima)");
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data) => p[5] <= 0 ? "the loss does not fall with C" : null;

    /// <summary>A budget's optimum.</summary>
    public readonly record struct Best(double LnC, double LnN, double LnD, double LnLoss);
}

/// <summary>
/// Approach 2: in each budget L is a parabola in ln N near its vertex, the optimum. Hoffmann et al. 2022. Away from the vertex L
/// is no parabola, and its two sides differ: sizes beyond a factor of 3 are left out, but of each budget the nearest five stay. A
/// budget counts when it has at least three sizes; a vertex outside of them refuses the law, since to leave the budget out would
/// choose among optima.
/// </summary>
sealed class IsoFlopParabolas : Allocation
{
    /// <summary>Budgets are told apart by gaps of more than this in ln C; none is wider than twice this.</summary>
    public const double Gap = 0.15;
    /// <summary>ln 3.</summary>
    const double Window = 1.0986122886681098;
    const int MinSizes = 3, KeptSizes = 5;

    public override string Name => "iso-flop";
    internal override string SolverName(Objective objective) =>
        "a parabola in ln N near the vertex of each budget, least squares through the vertices";
    internal override int MinPoints => 6;

    internal override bool ResamplesResiduals => true;
    /// <summary>Three for each budget's parabola.</summary>
    internal override int Spent(FitProblem problem) => 3 * Parabolas(problem).Count;

    public override List<Best> Optima(FitProblem problem, out double residual)
    {
        List<Parabola> all = Parabolas(problem);
        residual = all.Sum(p => p.Rss);
        return [.. all.Where(p => p.Curve > 0 && p.Loss > 0).Select(p => p.Best)];
    }

    internal override double[] Fitted(FitProblem problem, double[] natural)
    {
        double[] fitted = [.. Enumerable.Repeat(double.NaN, problem.Data.Count)];
        foreach (Parabola p in Parabolas(problem))
            foreach (int i in p.Points) fitted[i] = p.At(problem.Data.LnN[i]);
        return fitted;
    }

    internal override string? AtBound(ReadOnlySpan<double> p, FitData data)
    {
        foreach (Parabola b in Parabolas(new(this, data, Default)))
            if (!(b.Curve > 0) || !(b.Best.LnN > b.Low) || !(b.Best.LnN < b.High))
                return FormattableString.Invariant($"the budget {Math.Exp(b.Best.LnC):0.##e0} has no optimum inside its ") +
                    FormattableString.Invariant($"sizes, {Math.Exp(b.Low):0.##e0} … {Math.Exp(b.High):0.##e0}: give it ") +
                    "further ones, or leave it out";
        return base.AtBound(p, data);
    }

    /// <summary>L = c0 + c1·x + c2·x², x = ln N − centre, through the points of a budget near its vertex.</summary>
    readonly record struct Parabola(int[] Points, double[] C, double Centre, double Rss, double Low, double High, Best Best)
    {
        public double Curve => C[2];
        public double Loss => Math.Exp(Best.LnLoss);
        public double At(double lnN) => lnN - Centre is var x ? C[0] + x * (C[1] + x * C[2]) : 0;
    }

    static List<Parabola> Parabolas(FitProblem problem)
    {
        FitData data = problem.Data;
        List<Parabola> found = [];
        foreach (List<int> budget in Budgets(data, problem.Used))
        {
            if (SizesOf(budget) < MinSizes) continue;
            double low = budget.Min(i => data.LnN[i]), high = budget.Max(i => data.LnN[i]);
            int[] near = [.. budget];
            Parabola last = Fit(near);
            // The window moves with the vertex; it stays where it was before.
            for (int round = 0; round < 8; round++)
            {
                double vertex = last.Curve > 0 ? Math.Clamp(last.Best.LnN, low, high)
                    : data.LnN[budget.MinBy(i => data.Y[i])];
                double[] sizes = [.. budget.Select(i => Math.Round(Math.Abs(data.LnN[i] - vertex), 3)).Distinct().Order()];
                double within = Math.Max(Window, sizes[Math.Min(KeptSizes, sizes.Length) - 1] + 1e-3);
                int[] next = [.. budget.Where(i => Math.Abs(data.LnN[i] - vertex) <= within)];
                if (next.SequenceEqual(near)) break;
                last = Fit(near = next);
            }
            found.Add(last);

            Parabola Fit(int[] points)
            {
                double[] w = [.. points.Select(i => problem.Weights[i])];
                double sum = w.Sum(), centre = points.Select((i, k) => w[k] * data.LnN[i]).Sum() / sum;
                double lnC = points.Select((i, k) => w[k] * data.LnX[i]).Sum() / sum;
                double[] x = [.. points.Select(i => data.LnN[i] - centre)], y = [.. points.Select(i => data.Y[i])];
                double[] ones = [.. x.Select(_ => 1.0)], squares = [.. x.Select(v => v * v)];
                (double[] c, double rss) = VariableProjection.Solve([ones, x, squares], y, w, free: 3);
                double vertex = -c[1] / (2 * c[2]), loss = c[0] + vertex * (c[1] + vertex * c[2]);
                Line tokens = Line.Through(x, [.. points.Select(i => data.LnD[i])], w);
                return new(points, c, centre, rss, low, high, new(lnC, vertex + centre, tokens.At(vertex), Math.Log(loss)));
            }
        }
        return found;

        int SizesOf(IEnumerable<int> points) => points.Select(i => Math.Round(data.LnN[i], 3)).Distinct().Count();
    }

    /// <summary>Points by budget, smallest first.</summary>
    public static List<List<int>> Budgets(FitData data, IReadOnlyList<int> points)
    {
        var budgets = new List<List<int>>();
        double first = double.NegativeInfinity, last = first;
        foreach (int i in points.OrderBy(i => data.LnX[i]))
        {
            if (data.LnX[i] - last > Gap || data.LnX[i] - first > 2 * Gap)
            {
                budgets.Add([]);
                first = data.LnX[i];
            }
            budgets[^1].Add(i);
            last = data.LnX[i];
        }
        return budgets;
    }
}

/// <summary>
/// Approach 1: the lower envelope of training curves. A cluster is one run's curve; at eight FLOPs a decade the least loss among
/// the curves that reach there counts when a smaller and a larger model were compared. Hoffmann et al. 2022.
/// </summary>
sealed class Envelope : Allocation
{
    const double Step = 0.2878231366242557;                              // ln 10 / 8
    /// <summary>Curves that are compared: the best one has neighbours.</summary>
    const int MinRuns = 3;

    static int[][] Curves(FitProblem problem) =>
        [.. problem.Used.GroupBy(i => problem.Data.Points[i].Group).Where(g => g.Count() >= 2)
            .Select(g => g.OrderBy(i => problem.Data.LnX[i]).ToArray())];

    protected override string TooFew(FitProblem problem, int found) => Curves(problem).Length is var n && n < MinRuns
        ? $"training curves: {n}, at least {MinRuns} are needed; a column that names the run makes its points one (group=COL)"
        : base.TooFew(problem, found);

    internal override bool GroupsAreCurves => true;
    /// <summary>Points above the envelope are not its noise.</summary>
    internal override double[] Fitted(FitProblem problem, double[] natural) =>
        [.. Enumerable.Repeat(double.NaN, problem.Data.Count)];

    public override string Name => "envelope";
    internal override string SolverName(Objective objective) =>
        "least loss of the curves at 8 budgets a decade, least squares through them";
    internal override int MinPoints => 6;

    public override List<Best> Optima(FitProblem problem, out double residual)
    {
        FitData data = problem.Data;
        residual = 0;
        int[][] curves = Curves(problem);
        var found = new List<Best>();
        if (curves.Length < MinRuns) return found;
        double low = curves.Min(c => data.LnX[c[0]]), high = curves.Max(c => data.LnX[c[^1]]);
        for (double at = Math.Ceiling(low / Step) * Step; at <= high; at += Step)
        {
            var here = new List<Best>();
            foreach (int[] curve in curves)
            {
                int k = Array.FindIndex(curve, i => data.LnX[i] >= at);
                if (k < 1) continue;
                double c0 = data.LnX[curve[k - 1]], c1 = data.LnX[curve[k]], t = c1 > c0 ? (at - c0) / (c1 - c0) : 1;
                here.Add(new(at, Mix(data.LnN), Mix(data.LnD), Mix(data.LnY)));
                double Mix(double[] v) => (1 - t) * v[curve[k - 1]] + t * v[curve[k]];
            }
            if (here.Count < MinRuns) continue;
            Best best = here.MinBy(b => b.LnLoss);
            if (best.LnN > here.Min(b => b.LnN) && best.LnN < here.Max(b => b.LnN)) found.Add(best);
        }
        if (found.Count < 2) return found;
        Line line = Line.Through([.. found.Select(b => b.LnC)], [.. found.Select(b => b.LnN)]);
        residual = found.Sum(b => Math.Pow(b.LnN - line.At(b.LnC), 2));
        return found;
    }
}
