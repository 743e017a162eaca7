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
    const double Beside = 1.3;                                  // steps between forecasts of one budget

    /// <summary>
    /// Loss against compute: runs, the best of each budget, the law, forecasts and what was measured. One interval a picture:
    /// that of the forecasts that were written; where there are none, that of a forecast that would be written now.
    /// </summary>
    public static Chart Compute(IReadOnlyList<StudyResult> results, Forecaster forecaster, IReadOnlyList<Forecast> forecasts,
        IReadOnlyList<Score> scores)
    {
        Law law = forecaster.Law;
        double last = results.Max(r => r.Flops), first = results.Min(r => r.Flops),
            end = Math.Min(5e3 * last, Math.Max(10 * last, forecasts.Select(f => 2 * f.Flops).DefaultIfEmpty(0).Max()));
        List<ChartSeries> series = [];
        if (law.Identified)
        {
            const string Name = "law at its best size";
            Law bare = law with { Draws = [] };
            // the local trend has no past of its own but the points
            series.Add(new(Name, law.Form == LawForms.LocalTrend ? forecaster.Frontier
                : [.. Geometric(first, last, CurvePoints).Select(c => (c, bare.PredictAt(c).Value))]));
            double[] beyond = Geometric(last, end, CurvePoints);
            Estimate[] said = [.. beyond.Select(forecaster.PredictAt)];
            series.Add(new(Name, [.. beyond.Zip(said, (c, e) => (c, e.Value))])
            {
                Dashed = true,
                Range = forecasts.Count > 0 ? null : [.. said.Select(e => (e.Low, e.High))],
            });
        }
        series.Add(new("runs", [.. results.Select(r => (r.Flops, r.Loss))], SeriesKind.Points));
        series.Add(new("best size of a budget", [.. StudyPoints.Frontier(results)], SeriesKind.Points));
        // Forecasts of one budget stand side by side, and beside its runs: else their bars would be one bar. What was measured
        // stands on the bar of its forecast.
        var beside = forecasts.GroupBy(f => f.Flops).SelectMany(g => g.OrderBy(f => f.Id).Select((f, i) => (X: f.Run.Flops
            * Math.Pow(Beside, i + (results.Any(r => r.Run.Budget == g.Key) ? 1 : 0)), F: f))).ToList();
        if (forecasts.Count > 0)
            series.Add(new($"forecast by number{For(forecasts)}, 95 %", [.. beside.Select(p => (p.X, p.F.Loss.Value))],
                SeriesKind.Points)
            {
                Range = [.. beside.Select(p => (p.F.Loss.Low, p.F.Loss.High))],
                Labels = [.. beside.Select(p => $"{p.F.Id}")],
            });
        var measured = scores.Select(s => (beside.First(p => p.F.Id == s.Id).X, s.Loss)).ToList();
        if (measured.Count > 0) series.Add(new("measured after it", measured, SeriesKind.Points));
        series.Add(ChartSeries.AtX("data end", last));
        double[] heights = [.. series.Where(s => s.Kind != SeriesKind.AtX).SelectMany(s =>
            s.Points.Select(p => p.Y).Concat(s.Range?.SelectMany(r => (double[])[r.Low, r.High]) ?? []))];
        double lowest = heights.Where(h => h > 0).Min();
        (double Low, double High) limits = (Math.Max(0.9 * lowest, 0.3 * results.Min(r => r.Loss)), 1.05 * heights.Max());
        return new Chart("Loss against training compute", "training FLOPs", "held-out loss, nats a token", series)
        {
            LogY = true,
            Possible = Chart.NotNegative,
            // A bar that reaches far below all else would press all else together: it leaves the picture, as its number says.
            YLimits = limits,
            Subtitle = !law.Identified ? "no law: " + law.Verdict.Text
                : $"{Symbols.In(law.Formula)}, fitted to {law.Points} runs"
                    + (law.Points < results.Count ? $" of {results.Count}, those of the best sizes" : "")
                    + "; broken: beyond the data" + (forecasts.Count > 0 ? "" : "; area: 95 % for a run")
                    + (series.Any(s => s.Range?.Any(r => r.Low < limits.Low) ?? false) ? ", it goes on below the frame" : "")
                    + (beside.Any(p => p.X > 1.001 * p.F.Run.Flops)
                        ? "; forecasts stand to the right of their budget, not beyond it, each in line with what was measured " +
                            "after it" : ""),
        };
    }

    /// <summary>The budget that forecasts are for, where it is one.</summary>
    static string For(IReadOnlyList<Forecast> forecasts) => forecasts.Select(f => f.Flops).Distinct().ToArray() is [var one]
        ? string.Create(CultureInfo.InvariantCulture, $" for {one:0.##e0}") : "";

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
        if (minima.Count > 0) series.Add(new("minima of the curves", minima) { Dashed = true });
        return new Chart("Best size at each budget: IsoFLOP curves", "parameters without the embedding",
            "held-out loss, nats a token", series)
        {
            LegendTitle = "FLOPs of a run",
            Subtitle = minima.Count > 1 ? string.Create(CultureInfo.InvariantCulture,
                $"bars: least and largest of the seeds; the best size grows as C^{Exponent(results):0.00}")
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
        return new Chart("Loss over size and data", "parameters without the embedding", "training tokens",
        [
            ChartSeries.Contours("loss, nats a token", new ChartSurface(xs, ys, z)),
            new("best split", path),
            new("runs", [.. results.Select(r => ((double)r.Run.ParametersWithoutEmbedding, (double)r.Tokens))],
                SeriesKind.Points),
        ])
        {
            LogY = true,
            Subtitle = Symbols.In(law.Formula),
        };
    }

    /// <summary>ln(loss / law) of every run against compute: a law that holds leaves no shape.</summary>
    /// <param name="test">of the same law over all budgets; null: too few budgets for one</param>
    public static Chart Residuals(Law law, LawRange? test)
    {
        double sd = law.Residuals.Select(Log).RootMeanSquare();
        double low = law.Residuals.Min(r => r.C) / 1.5, high = law.Residuals.Max(r => r.C) * 1.5;
        List<ChartSeries> series =
        [
            new("± 2 standard deviations", [(low, 0), (high, 0)], SeriesKind.Band) { Range =
                [(-2 * sd, 2 * sd), (-2 * sd, 2 * sd)] },
            new("runs", [.. law.Residuals.Select(r => (r.C, Log(r)))], SeriesKind.Points),
        ];
        if (test is not null)
            series.Add(new("mean of a budget", [.. test.Budgets.Select(b => (b.Budget, b.Mean))]));
        series.Add(ChartSeries.AtY("", 0));
        return new Chart("Does one law hold? What it leaves of each run", "training FLOPs", "ln(loss / law)", series)
        {
            Subtitle = $"{Symbols.In(law.Formula)}. " + (test?.Says ?? "Fewer than three budgets: nothing is tested."),
        };

        static double Log(Residual r) => Math.Log(r.Loss / r.Predicted);
    }

    /// <summary>
    /// Does the line keep improving or saturate? The best of each budget under a power law and under a saturating exponential in
    /// the logarithm of compute; what leaves more of the points is drawn as what it is, rejected. Where the points do not say
    /// when it would saturate, the other is the curve that has done so where they end. Where the law of all runs does not
    /// hold, neither curve is a verdict.
    /// </summary>
    public static Chart? Verdict(IReadOnlyList<StudyResult> results, Law law, CancellationToken stop = default)
    {
        IReadOnlyList<(double Flops, double Loss)> best = StudyPoints.Frontier(results);
        if (best.Count < 5) return null;
        double first = best[0].Flops, last = best[^1].Flops, end = 100 * last;
        Law power = Law.Fit(LawForms.PowerLaw, [.. best.Select(p => Observation.Point(p.Flops, p.Loss))], null, stop);
        Law bend = Law.Fit(LawForms.SaturatingExponential,
            [.. best.Select(p => Observation.Point(Decades(p.Flops) + 1, p.Loss))], null, stop);
        if (!power.Identified) return null;
        (double E, double A, double Tau) full = bend.Identified ? (bend["E"].Value, bend["A"].Value, bend["tau"].Value)
            : EndsWithData(best);
        double Improving(double c) => power["A"].Value * Math.Pow(c, power["p"].Value);
        double Saturating(double c) => full.E + full.A * Math.Exp(-(Decades(c) + 1) / full.Tau);
        double improves = Left(Improving), saturates = Left(Saturating);
        bool improving = improves <= saturates;
        string times = FormattableString.Invariant(
            $"{Math.Max(improves, saturates) / Math.Max(1e-300, Math.Min(improves, saturates)):0.#} times the squared residuals");
        string keeps = "keeps improving: a power law", stops = bend.Identified ? "saturates: an exponential in log C"
            : "saturated where the data end";
        bool fits = law.Verdict.Kind != VerdictKind.DoesNotFit;
        string nearer = improving ? "keeps improving" : "saturates", further = fits ? "rejected" : "further off";
        ChartSeries[] blue = improving ? Along(keeps, Improving) : Along(stops, Saturating),
            red = improving ? Along($"{further}: {stops}", Saturating) : Along($"{further}: {keeps}", Improving);
        return new Chart("Blue line or red line?", "training FLOPs", "held-out loss, nats a token",
        [
            .. blue, .. red, new("best size of a budget", [.. best], SeriesKind.Points)
            {
                Range = [.. StudyPoints.BestSizes(results).Select(s => (s.Min(r => r.Loss), s.Max(r => r.Loss)))],
            },
            ChartSeries.AtX("data end", last),
        ])
        {
            Possible = Chart.NotNegative,
            Subtitle = (fits ? nearer : $"no verdict, since no law holds for all runs; nearer is what {nearer}") +
                $": the other curve leaves {times}" + (bend.Identified ? ""
                : "; the points alone do not say where it would saturate")
                + "; broken: beyond the data; bars, where longer than a mark: least and largest of the seeds",
        };

        double Decades(double c) => Math.Log10(c / first);

        ChartSeries[] Along(string name, Func<double, double> loss) =>
        [
            new(name, [.. Geometric(first, last, CurvePoints).Select(c => (c, loss(c)))]),
            new(name, [.. Geometric(last, end, CurvePoints).Select(c => (c, loss(c)))]) { Dashed = true },
        ];

        double Left(Func<double, double> loss) => best.Sum(p => Math.Pow(Math.Log(p.Loss / loss(p.Flops)), 2));

        // 95 % of the fall are done at the last point; level and height by least squares.
        (double, double, double) EndsWithData(IReadOnlyList<(double Flops, double Loss)> points)
        {
            double tau = Decades(last) / 3;
            Line line = Line.Through([.. points.Select(p => Math.Exp(-(Decades(p.Flops) + 1) / tau))],
                [.. points.Select(p => p.Loss)]);
            return (line.Intercept, line.Slope, tau);
        }
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
