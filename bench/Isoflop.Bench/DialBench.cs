using System.Globalization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Tables;
using Isoflop.Train;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Isoflop.Bench;

/// <summary>
/// The study behind the dial's learning rate, from a table of runs (recipes/dial.sh): the best rate of each cell, the power law
/// through those, and what the dial's own rate gives away in each.
/// </summary>
static class DialBench
{
    /// <summary>One run.</summary>
    sealed record Trial(string Corpus, double Flops, int Width, long Tokens, int Batch, double Rate, int Seed, double Loss);

    /// <summary>A size trained for so long at several rates.</summary>
    /// <param name="Rates">ascending, with the mean loss over the seeds that all of them have</param>
    /// <param name="Best">vertex of the parabola in ln rate through the best and its neighbours; NaN: the best is at an edge</param>
    /// <param name="BestLoss">least of those that were tried</param>
    sealed record Cell(string Corpus, double Flops, int Width, long Tokens, int Batch, IReadOnlyList<(double Rate, double Loss)> Rates,
        double Best, double BestLoss)
    {
        public double Parameters => ComputeOptimal.ParametersWithoutEmbedding(
            ComputeOptimal.Resolve(Flops, new() { DModel = Width, VocabSize = 512, ContextLen = 128 }).Model.Shape());

        public double Rule => ComputeOptimal.LearningRate(Width, Batch, Tokens);
    }

    /// <summary>Prints the cells, the exponents and the dial's distance from each optimum.</summary>
    /// <param name="below">budgets that are fitted; the others are foretold by them</param>
    public static void Run(string path, double below)
    {
        Cell[] cells = [.. CellsOf(Read(path)).Where(c => c.Rates.Count > 2)], fitted = [.. cells.Where(c => c.Flops <= below * 1.001 && double.IsFinite(c.Best))];
        Console.WriteLine($"{fitted.Length} cells with an interior optimum up to {below:0e0} FLOPs");
        Fit("width, batch, tokens", fitted, c => [c.Width / 64.0, c.Batch / 2048.0, c.Tokens / 1e6]);
        Fit("width, tokens, √batch held", fitted, c => [c.Width / 64.0, c.Tokens / 1e6], c => Math.Sqrt(c.Batch / 2048.0));
        Fit("width, updates", fitted, c => [c.Width / 64.0, (double)c.Tokens / c.Batch / 1000]);
        Fit("width", fitted, c => [c.Width / 64.0]);
        Console.WriteLine("corpus   FLOPs  width  batch    tokens  D/N  updates   best rate     dial  steps off  given away  tried");
        foreach (Cell c in cells)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{c.Corpus,-6} {c.Flops,7:0e0} {c.Width,6} {c.Batch,6} {c.Tokens,9} {c.Tokens / c.Parameters,4:0} {c.Tokens / c.Batch,8} ") +
                string.Create(CultureInfo.InvariantCulture,
                $"{c.Best,11:0.00000} {c.Rule,8:0.00000} {Math.Log2(c.Rule / c.Best),10:+0.00;-0.00} {At(c, c.Rule) - c.BestLoss,11:0.0000}  ") +
                string.Join(' ', c.Rates.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Rate}:{r.Loss:0.0000}"))));
        File.WriteAllText(Path.ChangeExtension(path, ".svg"), Picture(cells).Svg());
    }

    /// <summary>Loss above the best of each cell, against the rate in units of the dial's: all have their least near 1.</summary>
    static Chart Picture(Cell[] cells) => new("What another rate would cost", "learning rate / the dial's", "nats a token above the cell's best rate",
        [.. cells.Select(c => new ChartSeries(c.Flops.ToString("0e0", CultureInfo.InvariantCulture),
            [.. c.Rates.Select(r => (r.Rate / c.Rule, r.Loss - c.BestLoss))]) { Shade = c.Flops }),
            ChartSeries.AtX("the dial", 1)])
    {
        LegendTitle = "training FLOPs",
        Subtitle = "each line: one size, batch and length of run, at rates a factor of 2 apart",
        YLimits = (0, 0.3),
        Possible = Chart.NotNegative,
    };

    /// <summary>Ordinary least squares of ln best rate, a constant for each corpus; 95 % by Student's t.</summary>
    static double[] Fit(string what, Cell[] cells, Func<Cell, double[]> factors, Func<Cell, double>? held = null)
    {
        string[] corpora = [.. cells.Select(c => c.Corpus).Distinct()];
        int p = factors(cells[0]).Length + corpora.Length, freedom = cells.Length - p;
        if (freedom < 1) return [];
        Matrix<double> x = Matrix<double>.Build.DenseOfRowArrays(cells.Select(c => (double[])[.. factors(c).Select(x => Math.Log(x)),
            .. corpora.Select(name => name == c.Corpus ? 1.0 : 0)]).ToArray());
        Vector<double> y = Vector<double>.Build.DenseOfEnumerable(cells.Select(c => Math.Log(c.Best / (held?.Invoke(c) ?? 1))));
        Vector<double> b = x.QR().Solve(y), left = y - x * b;
        double variance = left.DotProduct(left) / freedom, t = StudentT.InvCDF(0, 1, freedom, 0.975);
        Vector<double> error = (x.TransposeThisAndMultiply(x)).Inverse().Diagonal().Map(v => t * Math.Sqrt(v * variance));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: ") + string.Join("  ", b.Take(p - corpora.Length)
            .Select((v, i) => string.Create(CultureInfo.InvariantCulture, $"{v:0.000} ± {error[i]:0.000}"))) + "  at one of each: " +
            string.Join(", ", corpora.Select((c, i) => string.Create(CultureInfo.InvariantCulture,
                $"{c} {Math.Exp(b[p - corpora.Length + i]):0.00000}"))) +
            string.Create(CultureInfo.InvariantCulture, $"  left over {Math.Sqrt(variance) / Math.Log(2):0.00} steps of 2"));
        return [.. b];
    }

    /// <summary>Loss at a rate by the parabola in ln rate through the three nearest; NaN: outside of what was tried.</summary>
    static double At(Cell c, double rate)
    {
        if (rate < c.Rates[0].Rate || rate > c.Rates[^1].Rate) return double.NaN;
        int middle = Enumerable.Range(1, c.Rates.Count - 2).MinBy(i => Math.Abs(Math.Log(c.Rates[i].Rate / rate)));
        (double a, double b, double top) = Parabola(c.Rates, middle);
        double x = Math.Log(rate / c.Rates[middle].Rate);
        return a * x * x + b * x + top;
    }

    static (double A, double B, double C) Parabola(IReadOnlyList<(double Rate, double Loss)> r, int middle)
    {
        double l = Math.Log(r[middle - 1].Rate / r[middle].Rate), h = Math.Log(r[middle + 1].Rate / r[middle].Rate),
            yl = (r[middle - 1].Loss - r[middle].Loss) / l, yh = (r[middle + 1].Loss - r[middle].Loss) / h, a = (yh - yl) / (h - l);
        return (a, yl - a * l, r[middle].Loss);
    }

    static IEnumerable<Cell> CellsOf(IReadOnlyList<Trial> runs) =>
        from run in runs
        group run by (run.Corpus, run.Flops, run.Width, run.Tokens, run.Batch) into cell
        orderby cell.Key.Flops, cell.Key.Corpus, cell.Key.Width descending, cell.Key.Batch
        select Of(cell.Key, [.. cell]);

    static Cell Of((string Corpus, double Flops, int Width, long Tokens, int Batch) key, Trial[] runs)
    {
        // Rates are compared on the seeds that all have.
        int[] seeds = [.. runs.GroupBy(r => r.Rate).Select(g => g.Select(r => r.Seed)).Aggregate((a, b) => a.Intersect(b))];
        (double Rate, double Loss)[] rates = [.. runs.Where(r => seeds.Contains(r.Seed)).GroupBy(r => r.Rate).OrderBy(g => g.Key)
            .Select(g => (g.Key, g.Average(r => r.Loss)))];
        int best = Array.FindIndex(rates, r => r.Loss == rates.Min(x => x.Loss));
        if (best <= 0 || best == rates.Length - 1)
            return new(key.Corpus, key.Flops, key.Width, key.Tokens, key.Batch, rates, double.NaN, rates.Min(r => r.Loss));
        (double a, double b, double top) = Parabola(rates, best);
        double x = -b / (2 * a);                                  // where the least is; how low it is, a parabola says too well
        return new(key.Corpus, key.Flops, key.Width, key.Tokens, key.Batch, rates, rates[best].Rate * Math.Exp(x), top);
    }

    static List<Trial> Read(string path)
    {
        var table = new ForeignTable(path);
        List<Trial> runs = [];
        for (int row = 0; row < table.Count; row++)
        {
            string Text(string name) => table[row, table.Column(name)];
            double Number(string name) => double.Parse(Text(name), CultureInfo.InvariantCulture);
            if (Text("valid_loss").Length == 0) continue;
            double budget = double.Parse(Number("planned_flops").ToString("0e0", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            runs.Add(new(Text("corpus"), budget, (int)Number("model.d_model"), (long)Number("tokens"), (int)Number("train.batch_tokens"),
                Number("train.learning_rate"), (int)Number("seed"), Number("valid_loss")));
        }
        return runs;
    }
}
