using MathNet.Numerics.LinearRegression;

namespace Isoflop.Lab.Frontiers;

/// <summary>What reinforcement and a question cost at any point of a grid: log-linear in what was measured.</summary>
sealed class CostModel
{
    readonly double[] step, question;
    readonly double unit;
    readonly SortedDictionary<int, long> parameters = [];

    public CostModel(IReadOnlyList<FrontierCell> cells)
    {
        unit = cells.Where(c => c.RlFlops > 0).Select(c => c.RlFlops).DefaultIfEmpty(1).Min();
        foreach (FrontierCell c in cells) parameters[c.Width] = c.Parameters;
        FrontierCell[] learnt = [.. cells.Where(c => c.Steps > 0)];
        step = Line([.. learnt.Select(c => (double[])[Math.Log(c.Parameters)])],
            [.. learnt.Select(c => Math.Log(c.RlFlops / c.Steps))]);
        question = Line([.. cells.Select(c => Terms(c.Parameters, c.TeachFlops, c.RlFlops, c.Budget))],
            [.. cells.Select(c => Math.Log(c.TestFlops))]);
    }

    double[] Terms(double n, double teach, double rl, double budget) =>
        [Math.Log(n), Math.Log(teach), Math.Log(1 + rl / unit), Math.Log(budget)];

    static double[] Line(double[][] x, double[] y) => MultipleRegression.QR(x, y, intercept: true);

    /// <summary>Parameters of a width: between those of the grid the logarithm is a parabola's chord, so of the nearest
    /// two.</summary>
    public double Parameters(int width)
    {
        if (parameters.TryGetValue(width, out long known)) return known;
        (int below, int above) = (parameters.Keys.Last(w => w < width), parameters.Keys.First(w => w > width));
        double at = Math.Log((double)width / below) / Math.Log((double)above / below);
        return Math.Exp((1 - at) * Math.Log(parameters[below]) + at * Math.Log(parameters[above]));
    }

    /// <summary>FLOPs of so many steps of reinforcement.</summary>
    public double Reinforcement(double n, int steps) => steps == 0 ? 0 : steps * Math.Exp(step[0] + step[1] * Math.Log(n));

    /// <summary>FLOPs of a question.</summary>
    public double Question(double n, double teach, double rl, double budget)
    {
        double[] x = Terms(n, teach, rl, budget);
        return Math.Exp(question[0] + x.Zip(question[1..], (a, b) => a * b).Sum());
    }
}
