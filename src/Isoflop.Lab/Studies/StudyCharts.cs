using System.Globalization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Studies;

/// <summary>The pictures of a study, each from its finished runs and a law.</summary>
static class StudyCharts
{
    const int CurvePoints = 48;

    /// <summary>Loss against compute: runs, the best of each budget, the law with its band, forecasts and what came.</summary>
    public static Chart Compute(IReadOnlyList<StudyResult> results, Law law, IReadOnlyList<Forecast> forecasts,
        IReadOnlyList<Score> scores)
    {
        double last = results.Max(r => r.Flops), first = results.Min(r => r.Flops),
            end = Math.Max(10 * last, forecasts.Select(f => 2 * f.Flops).DefaultIfEmpty(0).Max());
        List<ChartSeries> series = [];
        if (law.Identified) series.Add(Curve("the law's best split, 95 % for a run", law, first, Math.Min(end, 5e3 * last)));
        series.Add(new("runs", [.. results.Select(r => (r.Flops, r.Loss))], SeriesKind.Points));
        series.Add(new("best size of a budget", [.. StudyPoints.Frontier(results)], SeriesKind.Points));
        if (forecasts.Count > 0)
            series.Add(new("forecast, 95 %", [.. forecasts.Select(f => (f.Run.Flops, f.Loss.Value))], SeriesKind.Points)
            {
                Range = [.. forecasts.Select(f => (f.Loss.Low, f.Loss.High))],
            });
        var measured = scores.Select(s => (forecasts.First(f => f.Id == s.Id).Run.Flops, s.Loss)).ToList();
        if (measured.Count > 0) series.Add(new("measured", measured, SeriesKind.Points));
        series.Add(ChartSeries.AtX("data end", last));
        return new Chart("Loss against training compute", "training FLOPs", "held-out loss, nats a token", series)
        {
            LogY = true,
            YLimits = (0.85 * series.Where(s => s.Kind != SeriesKind.AtX).SelectMany(s => s.Points).Min(p => p.Y),
                1.08 * results.Max(r => r.Loss)),
            Subtitle = law.Identified ? $"{law.Formula}, fitted to {law.Points} runs" : "no law: " + law.Verdict.Text,
        };
    }

    /// <summary>Loss against size at each budget, with the parabola in log N through the means over seeds.</summary>
    public static Chart IsoFlops(IReadOnlyList<StudyResult> results)
    {
        List<ChartSeries> series = [];
        List<(double, double)> minima = [];
        foreach (var budget in results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key))
        {
            var sizes = budget.GroupBy(r => r.Run.ParametersWithoutEmbedding).OrderBy(g => g.Key).ToList();
            (double X, double Y)[] means = [.. sizes.Select(s => ((double)s.Key, s.Average(r => r.Loss)))];
            string name = budget.Key.ToString("0.##e0", CultureInfo.InvariantCulture);
            series.Add(new(name, means, SeriesKind.Points)
            {
                Shade = budget.Key,
                Range = [.. sizes.Select(s => (s.Min(r => r.Loss), s.Max(r => r.Loss)))],
            });
            if (means.Length < 3) continue;
            (double a, double b, double c) = Parabola([.. means.Select(m => (Math.Log(m.X), m.Y))]);
            double low = Math.Log(means[0].X) - 0.3, high = Math.Log(means[^1].X) + 0.3;
            series.Add(new(name, [.. Enumerable.Range(0, 40).Select(i => low + (high - low) * i / 39)
                .Select(x => (Math.Exp(x), a * x * x + b * x + c))])
            { Shade = budget.Key });
            double least = -b / (2 * a);
            if (a > 0 && least > low && least < high) minima.Add((Math.Exp(least), c - b * b / (4 * a)));
        }
        if (minima.Count > 0) series.Add(new("minima", minima) { Dashed = true });
        return new Chart("IsoFLOP curves", "parameters without the embedding", "held-out loss, nats a token", series)
        {
            LegendTitle = "FLOPs of a run",
            Subtitle = minima.Count > 1 ? string.Create(CultureInfo.InvariantCulture,
                $"bars: least and largest of the seeds; the minima move as C^{Exponent(results):0.00}")
                    : "bars: least and largest of the seeds",
        };
    }

    /// <summary>Exponent of N*(C) by the parabolas' minima.</summary>
    static double Exponent(IReadOnlyList<StudyResult> results)
    {
        List<(double X, double Y)> points = [];
        foreach (var budget in results.GroupBy(r => r.Run.Budget))
        {
            (double, double)[] means = [.. budget.GroupBy(r => r.Run.ParametersWithoutEmbedding)
                .Select(s => (Math.Log(s.Key), s.Average(r => r.Loss)))];
            if (means.Length < 3) continue;
            (double a, double b, _) = Parabola(means);
            double least = -b / (2 * a);
            if (a > 0 && least > means.Min(m => m.Item1) - 0.3 && least < means.Max(m => m.Item1) + 0.3)
                points.Add((Math.Log(budget.Average(r => r.Flops)), least));
        }
        double mx = points.Average(p => p.X), my = points.Average(p => p.Y);
        return points.Sum(p => (p.X - mx) * (p.Y - my)) / points.Sum(p => (p.X - mx) * (p.X - mx));
    }

    /// <summary>Heights of the law over N and D, the runs, and the path of the best split.</summary>
    public static Chart Surface(IReadOnlyList<StudyResult> results, Law law)
    {
        double n0 = results.Min(r => r.Run.ParametersWithoutEmbedding) / 2.0,
            n1 = results.Max(r => r.Run.ParametersWithoutEmbedding) * 4.0;
        double d0 = results.Min(r => r.Tokens) / 2.0, d1 = results.Max(r => r.Tokens) * 4.0;
        double[] xs = Geometric(n0, n1, 36), ys = Geometric(d0, d1, 36);
        var z = new double[xs.Length, ys.Length];
        Law plain = law with { Draws = [] };
        for (int i = 0; i < xs.Length; i++)
            for (int j = 0; j < ys.Length; j++) z[i, j] = plain.Predict(xs[i], ys[j]).Value;
        double from = results.Min(r => r.Flops), to = 10 * results.Max(r => r.Flops);
        var path = Geometric(from, to, 30).Select(c => plain.Optimal(c)).Select(o => (o.N.Value, o.D.Value))
            .Where(p => p.Item1 >= n0 && p.Item1 <= n1 && p.Item2 >= d0 && p.Item2 <= d1).ToList();
        return new Chart("The loss surface", "parameters without the embedding", "training tokens",
        [
            ChartSeries.Contours("loss, nats a token", new ChartSurface(xs, ys, z)),
            new("best split", path),
            new("runs", [.. results.Select(r => ((double)r.Run.ParametersWithoutEmbedding, (double)r.Tokens))],
                SeriesKind.Points),
        ])
        {
            LogY = true,
            Subtitle = law.Formula,
        };
    }

    /// <summary>ln(loss / law) of every run against compute: a law that holds leaves no shape.</summary>
    public static Chart Residuals(Law law)
    {
        double sd = law.Residuals.Select(Log).RootMeanSquare();
        double low = law.Residuals.Min(r => r.C) / 1.5, high = law.Residuals.Max(r => r.C) * 1.5;
        return new Chart("Residuals", "training FLOPs", "ln(loss / law)",
        [
            new("± 2 standard deviations", [(low, 0), (high, 0)], SeriesKind.Band) { Range =
                [(-2 * sd, 2 * sd), (-2 * sd, 2 * sd)] },
            new("runs", [.. law.Residuals.Select(r => (r.C, Log(r)))], SeriesKind.Points),
            new("mean of a budget", [.. law.Residuals.GroupBy(r => Math.Round(2 * Math.Log10(r.C))).OrderBy(g => g.Key)
                .Select(g => (Math.Exp(g.Average(r => Math.Log(r.C))), g.Average(Log)))]),
            ChartSeries.AtY("", 0),
        ])
        {
            Subtitle = "a law that holds leaves no shape here",
        };

        static double Log(Residual r) => Math.Log(r.Loss / r.Predicted);
    }

    /// <summary>
    /// Does the line keep improving or saturate? The best of each budget under a power law and under a saturating exponential in
    /// the logarithm of compute, both with their bands beyond the data.
    /// </summary>
    public static Chart? Verdict(IReadOnlyList<StudyResult> results, CancellationToken stop = default)
    {
        IReadOnlyList<(double Flops, double Loss)> best = StudyPoints.Frontier(results);
        if (best.Count < 5) return null;
        double first = best[0].Flops, last = best[^1].Flops, end = 100 * last;
        Law power = Law.Fit(LawForms.PowerLaw, [.. best.Select(p => Observation.Point(p.Flops, p.Loss))], null, stop);
        Law bend = Law.Fit(LawForms.SaturatingExponential,
            [.. best.Select(p => Observation.Point(Math.Log10(p.Flops / first) + 1, p.Loss))], null, stop);
        List<ChartSeries> series = [];
        if (power.Identified) series.Add(Along("keeps improving: a power law", c => power.Predict(c)));
        if (bend.Identified) series.Add(Along("saturates: an exponential in log C", c =>
            bend.Predict(Math.Log10(c / first) + 1)));
        if (series.Count == 0) return null;
        series.Add(new("best size of a budget", [.. best], SeriesKind.Points));
        series.Add(ChartSeries.AtX("data end", last));
        double a = Spread(power), b = Spread(bend);
        string said = !power.Identified ? "only the saturating curve can be fitted"
            : !bend.Identified ? "keeps improving: the points do not identify where it would saturate"
            : a < b ? "the power law leaves smaller residuals: keeps improving" : "the saturating curve leaves smaller residuals";
        return new Chart("Blue line or red line?", "training FLOPs", "held-out loss, nats a token", series) { Subtitle = said };

        ChartSeries Along(string name, Func<double, Estimate> predict)
        {
            List<(double, double)> points = [];
            List<(double, double)> range = [];
            foreach (double c in Geometric(first, end, CurvePoints))
            {
                Estimate e;
                try
                {
                    e = predict(c);
                }
                catch (DataException)
                {
                    break;                                      // further than this curve may be drawn
                }
                points.Add((c, e.Value));
                range.Add((Math.Max(e.Low, 0.3 * e.Value), Math.Min(e.High, 3 * e.Value)));
            }
            return new(name, points) { Range = range };
        }

        static double Spread(Law law) => !law.Identified ? double.NaN
            : law.Residuals.Sum(r => Math.Pow(Math.Log(r.Loss / r.Predicted), 2));
    }

    static ChartSeries Curve(string name, Law law, double from, double to)
    {
        Estimate[] at = [.. Geometric(from, to, CurvePoints).Select(c => law.PredictAt(c))];
        double[] x = Geometric(from, to, CurvePoints);
        bool band = at.All(e => double.IsFinite(e.Low) && e.Low > 0);
        return new(name, [.. x.Zip(at, (c, e) => (c, e.Value))])
        {
            Range = band ? [.. at.Select(e => (e.Low, e.High))] : null,
        };
    }

    static double[] Geometric(double from, double to, int count) =>
        [.. Enumerable.Range(0, count).Select(i => from * Math.Pow(to / from, i / (count - 1.0)))];

    /// <summary>y = a·x² + b·x + c by least squares.</summary>
    internal static (double A, double B, double C) Parabola((double X, double Y)[] p)
    {
        double[] fit = MathNet.Numerics.Fit.Polynomial([.. p.Select(q => q.X)], [.. p.Select(q => q.Y)], 2);
        return (fit[2], fit[1], fit[0]);
    }
}
