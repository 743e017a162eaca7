using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Frontiers;

/// <summary>
/// Accuracy as a smooth function of parameters, demonstrations, reinforcement and thought: a logistic regression with all
/// products
/// of two of them, in logarithms. Right answers are counts out of items, so cells at 0 or 1 enter as what they are. The interval
/// draws whole runs again: the cells of a run share its luck.
/// </summary>
/// <remarks>A response surface, Box and Wilson 1951; it says nothing outside of the grid, and refuses.</remarks>
sealed class AccuracySurface
{
    const int Factors = 4, Terms = 1 + Factors + Factors * (Factors + 1) / 2;
    // A prior worth a few answers: with it every grid has a maximum, also one whose corner is always right.
    const double Ridge = 2;

    readonly double[] centre = new double[Factors], scale = new double[Factors];
    readonly double unit;
    readonly double[] best;
    readonly List<double[]> draws = [];

    /// <summary>Standard deviation of a run around the surface, in the logit: what another seed may do.</summary>
    public double RunNoise { get; }

    public AccuracySurface(IReadOnlyList<FrontierCell> cells, ulong seed, int resamples = 200)
    {
        // What the first measured reinforcement costs: below it the logarithm flattens.
        unit = cells.Where(c => c.RlFlops > 0).Select(c => c.RlFlops).DefaultIfEmpty(1).Min();
        double[][] raw = [.. cells.Select(c => Raw(c.Parameters, c.TeachFlops, c.RlFlops, c.Budget))];
        for (int f = 0; f < Factors; f++)
        {
            centre[f] = raw.Average(x => x[f]);
            scale[f] = Math.Sqrt(raw.Average(x => (x[f] - centre[f]) * (x[f] - centre[f])));
            if (scale[f] == 0) scale[f] = 1;
        }
        double[][] terms = [.. raw.Select(Expand)];
        best = Fit(terms, cells, [.. Enumerable.Repeat(1.0, cells.Count)]);
        var runs = cells.Select((c, i) => (Run: (c.Width, c.TeachFlops, c.Seed), Index: i)).GroupBy(c => c.Run)
            .Select(g => (g.Key, Cells: g.Select(c => c.Index).ToArray())).ToList();
        RunNoise = NoiseOf(runs.Select(r => r.Cells), terms, cells);
        var points = runs.GroupBy(r => (r.Key.Width, Teach: (int)Math.Round(20 * Math.Log(r.Key.TeachFlops))))
            .Select(g => g.ToList()).ToList();
        // Of S runs drawn from themselves the variance is (S − 1)/S of what it estimates.
        double[] seeds = [.. points.Where(p => p.Count > 1).Select(p => (double)p.Count)];
        double widen = seeds.Length == 0 ? 1 : Math.Sqrt(1 / seeds.Average(s => (s - 1) / s));
        for (int d = 0; d < resamples; d++)
        {
            var rng = RandomUse.FrontierResample.Open(seed, d);
            var weights = new double[cells.Count];
            foreach (var point in points)
                foreach (var _ in point)
                    foreach (int i in point[rng.NextInt(point.Count)].Cells) weights[i]++;
            double[] drawn = Fit(terms, cells, weights);
            draws.Add([.. drawn.Zip(best, (to, from) => from + widen * (to - from))]);
        }
    }

    double[] Raw(double parameters, double teach, double rl, double budget) =>
        [Math.Log(parameters), Math.Log(teach), Math.Log(1 + rl / unit), Math.Log(budget)];

    double[] Expand(double[] raw)
    {
        var terms = new double[Terms];
        terms[0] = 1;
        int at = 1;
        for (int f = 0; f < Factors; f++) terms[at++] = (raw[f] - centre[f]) / scale[f];
        for (int f = 0; f < Factors; f++)
            for (int g = f; g < Factors; g++) terms[at++] = terms[1 + f] * terms[1 + g];
        return terms;
    }

    /// <summary>Newton's method on the penalised likelihood.</summary>
    static double[] Fit(double[][] terms, IReadOnlyList<FrontierCell> cells, double[] weights)
    {
        var theta = Vector<double>.Build.Dense(Terms);
        for (int round = 0; round < 60; round++)
        {
            var gradient = Vector<double>.Build.Dense(Terms);
            var hessian = Matrix<double>.Build.Dense(Terms, Terms);
            for (int i = 0; i < terms.Length; i++)
            {
                if (weights[i] == 0) continue;
                double p = Sigmoid(Dot(terms[i], theta)), w = weights[i] * cells[i].Items;
                double r = w * (cells[i].Accuracy - p), h = w * Math.Max(p * (1 - p), 1e-9);
                for (int a = 0; a < Terms; a++)
                {
                    gradient[a] += r * terms[i][a];
                    for (int b = 0; b <= a; b++) hessian[a, b] += h * terms[i][a] * terms[i][b];
                }
            }
            for (int a = 0; a < Terms; a++)
            {
                if (a > 0) gradient[a] -= Ridge * theta[a];
                hessian[a, a] += a > 0 ? Ridge : 1e-9;
                for (int b = a + 1; b < Terms; b++) hessian[a, b] = hessian[b, a];
            }
            Vector<double> step = hessian.Cholesky().Solve(gradient);
            double length = step.L2Norm();
            theta += length > 3 ? step * (3 / length) : step;
            if (length < 1e-9) break;
        }
        return theta.ToArray();
    }

    // Mean residual of each run in the logit, its spread; a half answer keeps logits finite.
    double NoiseOf(IEnumerable<int[]> runs, double[][] terms, IReadOnlyList<FrontierCell> cells)
    {
        double[] residuals = [.. runs.Select(run => run.Average(i =>
        {
            double p = (cells[i].Right + 0.5) / (cells[i].Items + 1);
            return Math.Log(p / (1 - p)) - Dot(terms[i], Vector<double>.Build.Dense(best));
        }))];
        return residuals.Length < 2 ? 0 : residuals.StandardDeviation();
    }

    static double Dot(double[] terms, Vector<double> theta)
    {
        double sum = 0;
        for (int i = 0; i < Terms; i++) sum += terms[i] * theta[i];
        return sum;
    }

    static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>Fits that the intervals are made of.</summary>
    public int Draws => draws.Count;

    /// <param name="draw">−1: the fit; else one of <see cref="Draws"/></param>
    public double At(double parameters, double teach, double rl, double budget, int draw = -1)
    {
        double[] terms = Expand(Raw(parameters, teach, rl, budget)), theta = draw < 0 ? best : draws[draw];
        double sum = 0;
        for (int i = 0; i < Terms; i++) sum += terms[i] * theta[i];
        return Sigmoid(sum);
    }

    /// <summary>For new runs, the mean of so many.</summary>
    public Statistics.Estimate Forecast(double parameters, double teach, double rl, double budget, int runs, ulong seed)
    {
        double[] all = [.. Enumerable.Range(0, Draws).Select(d =>
        {
            var rng = RandomUse.FrontierNoise.Open(seed, d);
            double p = Math.Clamp(At(parameters, teach, rl, budget, d), 1e-9, 1 - 1e-9);
            return Sigmoid(Math.Log(p / (1 - p)) + RunNoise / Math.Sqrt(runs) * rng.NextNormal());
        }).Order()];
        return new(At(parameters, teach, rl, budget), all[(int)(0.025 * all.Length)], all[(int)(0.975 * all.Length)]);
    }
}
