using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>
/// How runs scatter about a law, as the objective sees it: a normal error of each run, and one of its cluster where runs share
/// it. Both variances are known only as mean squares with their degrees of freedom, and are drawn too, as MS·df/χ²(df): what
/// is drawn of a law that is linear in θ then has Student's t. Variance components by expected mean squares (Henderson
/// 1953, method 3), drawn as Weerahandi 1993 does.
/// </summary>
/// <param name="Run">mean square within clusters</param> <param name="RunDf">its degrees of freedom</param>
/// <param name="Between">mean square between clusters; 0: none is shared</param>
/// <param name="BetweenDf">its degrees, after Satterthwaite: (tr M)²/tr M²</param>
/// <param name="Weight">k of E(Between) = σ²(run) + k·σ²(cluster)</param>
readonly record struct ErrorModel(double Run, double RunDf, double Between, double BetweenDf, double Weight, int[][] Clusters)
{
    /// <param name="fitted">of each point; NaN: the law says nothing of it</param>
    public static ErrorModel Of(FitProblem problem, double[] theta, double[] fitted, int[][] clusters)
    {
        int n = fitted.Count(double.IsFinite);
        double square = fitted.Select((f, i) =>
            FitProblem.Residual(problem.Objective, problem.Data.Y[i], f) * problem.Data.Scale[i])
            .Where(double.IsFinite).Sum(r => r * r);
        double left = Math.Max(1, n - problem.Form.Spent(problem));
        var alone = new ErrorModel(square / left, left, 0, 0, 1, clusters);
        if (clusters.All(c => c.Length == 1) || problem.Form is Allocation
            || Linear.Of(problem, theta) is not { } points) return alone;

        int count = points.Residual.Length;
        List<double[]> form = Linear.Basis(points.Columns),
            wider = Linear.Basis([.. form, .. clusters.Select(c => Linear.Indicator(count, c))]);
        double within = Linear.Square(Linear.Left(wider, points.Residual)),
            between = Linear.Square(Linear.Left(form, points.Residual)) - within;
        int df1 = wider.Count - form.Count, df2 = count - wider.Count;
        if (df1 < 1) return alone;
        // M = Z'PZ, P on what clusters add to the form: directions that it nearly explains hold little of their error.
        double[][] sums = [.. wider.Skip(form.Count).Select(b => clusters.Select(c => c.Sum(i => b[i])).ToArray())];
        double trace = sums.Sum(Linear.Square);
        double squares = sums.Sum(a => sums.Sum(b => Math.Pow(a.Zip(b, (x, y) => x * y).Sum(), 2)));
        double weight = trace / df1, df = trace * trace / squares;
        return df2 < 1 ? new(0, 1, between / df1, df, weight, clusters)
            : new(within / df2, df2, between / df1, df, weight, clusters);
    }

    /// <summary>Standard deviation of a new run's error.</summary>
    public double Sd => Math.Sqrt(Run + Math.Max(0, Between - Run) / Weight);

    /// <summary>Degrees of freedom of that, after Satterthwaite 1946.</summary>
    public double Df
    {
        get
        {
            double shared = Between > Run ? 1 / Weight : 0, a = (1 - shared) * Run, b = shared * Between;
            return (a + b) * (a + b) / (a * a / RunDf + (shared > 0 ? b * b / BetweenDf : 0)) is var df && df >= 1 ? df : 1;
        }
    }

    /// <summary>Errors of all points.</summary>
    public double[] Draw(int points, ref Rng rng)
    {
        double run = Drawn(Run, RunDf, ref rng), cluster = 0;
        if (Between > 0) cluster = Math.Max(0, Drawn(Between, BetweenDf, ref rng) - run) / Weight;
        double[] errors = new double[points];
        for (int i = 0; i < points; i++) errors[i] = Math.Sqrt(run) * rng.NextNormal();
        if (cluster > 0)
            foreach (int[] c in Clusters)
            {
                double shared = Math.Sqrt(cluster) * rng.NextNormal();
                foreach (int i in c) errors[i] += shared;
            }
        return errors;
    }

    static double Drawn(double meanSquare, double df, ref Rng rng) =>
        meanSquare * df / ChiSquared.InvCDF(df, Math.Clamp(rng.NextDouble(), 1e-6, 1 - 1e-6));
}
