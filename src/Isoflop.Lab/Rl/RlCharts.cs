using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>Pictures of runs of reinforcement learning, seeds of one recipe together.</summary>
static class RlCharts
{
    /// <summary>
    /// The first o1 plot: pass@1 on held-out items against the FLOPs of reinforcement, an interval over the seeds, beside what
    /// the first policy does when it is made to think. A picture a level.
    /// </summary>
    /// <param name="runs">names; those whose recipes differ in seed, start and name alone are one line</param>
    /// <param name="controls">
    /// taught models that went on from the same start with more demonstrations: points at what that cost them
    /// </param>
    /// <exception cref="ConfigException">A run is none of 'isoflop rl', or has no evaluations.</exception>
    public static IReadOnlyList<Chart> PassAtOne(IReadOnlyList<string> runs, Workspace here,
        IReadOnlyList<string>? controls = null)
    {
        var lines = Lines(runs, here, Evals).ToList();
        var taught = Controls(controls ?? [], Reinforcement.RecipeOf(runs[0], here), here).ToLookup(c => c.Level);
        return Chart.OfShares(lines.SelectMany(l => l).SelectMany(r => r.Rows).Select(e => e.Level).Distinct().Select(level =>
        {
            List<ChartSeries> series = [];
            List<(string Line, double Chosen, double Thinking)> first = [];
            foreach (var line in lines)
            {
                ReplyForm form = line.First().Recipe.Form;
                RlEval[] all = [.. line.SelectMany(r => r.Rows).Where(e => e.Level == level)];
                var points = all.Where(e => e.Form == form && e.Step > 0).GroupBy(e => e.Step).OrderBy(g => g.Key)
                    .Select(g => (X: g.Average(e => e.Flops), Y: Estimate.OfMean([.. g.Select(e => e.PassAt1)]))).ToList();
                series.Add(new(line.Key, [.. points.Select(p => (p.X, p.Y.Value))])
                {
                    Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null : [.. points.Select(p => (p.Y.Low, p.Y.High))],
                });
                first.Add((line.Key, First(form), First(ReplyForm.Think)));

                double First(ReplyForm of) => all.Where(e => e.Step == 0 && e.Form == of).Select(e => e.PassAt1)
                    .DefaultIfEmpty(double.NaN).Average();
            }
            series.AddRange(Before(first));
            series.AddRange(taught[level]
                .Select(c => new ChartSeries(c.Name, [c.Point], SeriesKind.Points) { Range = c.Range }));
            return OfLevel(level, series);
        }));
    }

    /// <summary>
    /// What the first policies did. Where all lines have the same, as it chose and made to think, and of one that thinks by
    /// itself these are one; else as each chose, by its line.
    /// </summary>
    internal static IEnumerable<ChartSeries> Before(IReadOnlyList<(string Line, double Chosen, double Thinking)> first)
    {
        (_, double chosen, double thinking) = first[0];
        return !first.All(f => IsNear(f.Chosen, chosen) && IsNear(f.Thinking, thinking))
                ? first.Select(f => ChartSeries.AtY($"before: {f.Line.Replace("from ", "", StringComparison.Ordinal)}", f.Chosen))
            : IsNear(chosen, thinking) ? [ChartSeries.AtY(Either, chosen)]
            : double.IsFinite(thinking) ? [ChartSeries.AtY("before", chosen), ChartSeries.AtY(Made, thinking)]
            : [ChartSeries.AtY("before", chosen)];

        static bool IsNear(double a, double b) => a.Equals(b) || Math.Abs(a - b) < 0.005;
    }

    const string Made = "before, thinking", Either = "before, either way";

    internal static Chart OfLevel(string level, IReadOnlyList<ChartSeries> series) =>
        new($"Accuracy against reinforcement: {ChartNames.Level(level)}",
            "FLOPs after the first policy: replies and learning", "pass@1, held-out items", series)
        {
            Subtitle = (series.Any(s => s is { Kind: SeriesKind.Points, Range: not null }) ? "areas, bars" : "areas") +
                ": 95 % over seeds; before: the first policy as it chooses"
                + (series.Any(s => s.Name is Made or Either) ? ", and made to think" : ""),
        };

    /// <summary>Taught models at what they cost after their own start; the items are those of the first run.</summary>
    static IEnumerable<(string Level, string Name, (double, double) Point, (double, double)[]? Range)> Controls(
        IReadOnlyList<string> taught, RlRecipe of, Workspace here)
    {
        if (taught.Count == 0) return [];
        var exam = new ExamRecipe(of.Tasks, [of.Form], of.EvalItems, of.EvalReplies, of.MaxNewTokens, of.Seed);
        IReadOnlyList<ExamRow> rows = PolicyExam.Of(taught, exam, here);
        // What they share with the first run's name tells nothing.
        IReadOnlyDictionary<string, string> names = ChartNames.Of([.. rows.Select(r => r.Line), PolicyExam.LineOf(of.Name)]);
        return rows.GroupBy(r => (r.Line, r.Answers.Level)).Select(g =>
        {
            Estimate y = Estimate.OfMean([.. g.Select(r => r.Answers.PassAt1)]);
            return (g.Key.Level, names[g.Key.Line], (g.Average(Cost), y.Value),
                double.IsNaN(y.Low) ? null : ((double, double)[])[(y.Low, y.High)]);
        });

        double Cost(ExamRow r)
        {
            string? from = RunRecord.Load(here.RunFolder(RunOf(r.Run))).Config.From;
            RunPoint start = string.IsNullOrEmpty(from) ? default : RunStore.CheckpointOf(from, here);
            return r.Flops - (start.Run is null ? 0 : Checkpoint.ReadState(Path.Combine(here.RunFolder(start.Run),
                Checkpoint.NameOf(start.Step))).Ledger.Spent.Flops);
        }
    }

    static string RunOf(string point) => RunPoint.TryParse(point, out RunPoint p) ? p.Run : point;

    /// <summary>
    /// Over the steps: the share of replies that think first, their length, on held-out items of each level where there are
    /// several,
    /// and what thoughts do.
    /// </summary>
    /// <exception cref="ConfigException">A run is none of 'isoflop rl'.</exception>
    public static IReadOnlyList<Chart> Habits(IReadOnlyList<string> runs, Workspace here)
    {
        var steps = Lines(runs, here, (r, h) => RlRows.ReadSteps(h.RunFolder(r))).ToList();
        List<Chart> charts =
        [
            OverSteps("Replies that think first", "share of replies", steps.Select(l => (l.Key, l.SelectMany(r => r.Rows)
                .Select(s => (s.Step, s.Thinking))))).AsShares(),
            OverSteps("Length of a reply", "tokens", steps.Select(l => (l.Key, l.SelectMany(r => r.Rows)
                .Select(s => (s.Step, s.Length))))),
        ];
        var evals = Lines(runs, here, Evals).ToList();
        if (evals.SelectMany(l => l).SelectMany(r => r.Rows).Select(e => e.Level).Distinct().Count() > 1)
        {
            charts.AddRange(evals.Select(line => ByLevel("Length of a reply, by difficulty", "tokens", line, e => e.Length)));
            charts.AddRange(Chart.OfShares(evals.Select(line =>
                ByLevel("Replies that think first, by difficulty", "share of replies", line, e => e.Thinking))));
        }
        foreach (var line in evals)
        {
            RlEval[] all = [.. Own(line)];
            var counts = Counters.Where(c => all.Any(e => c.Of(e.Behaviour) > 0)).ToList();
            if (counts.Count > 0)
                charts.Add(OverSteps($"What thoughts do{(evals.Count == 1 ? "" : $": {line.Key}")}",
                    "times a reply, held-out items",
                    counts.Select(c => (c.Name, all.Select(e => (e.Step, c.Of(e.Behaviour)))))));
        }
        return charts;

        Chart ByLevel(string title, string y, IGrouping<string, (RlRecipe, List<RlEval>)> line, Func<RlEval, double> of) =>
            OverSteps(title + (evals.Count == 1 ? "" : $": {line.Key}"), y, Own(line).GroupBy(e => e.Level)
                .Select(l => (ChartNames.Level(l.Key), l.Select(e => (e.Step, of(e))))));

        static IEnumerable<RlEval> Own(IEnumerable<(RlRecipe Recipe, List<RlEval> Rows)> line) =>
            line.SelectMany(r => r.Rows.Where(e => e.Form == r.Recipe.Form));
    }

    static readonly (string Name, Func<BehaviourMeans, double> Of)[] Counters =
    [
        ("attempts", b => b.Attempts), ("checks", b => b.Checks), ("steps back", b => b.StepsBack), ("sub-goals", b => b.Goals),
        ("repeats", b => b.Repeats), ("false steps", b => b.Slips), ("false \"solved\"", b => b.FalseSolved),
    ];

    /// <summary>Means at each step of all values that a name has there, with an interval over them where they are
    /// seeds.</summary>
    static Chart OverSteps(string title, string y,
        IEnumerable<(string Name, IEnumerable<(int Step, double Value)> Values)> lines) =>
        new(title, "steps of reinforcement", y, [.. lines.Select(line =>
        {
            var points = line.Values.GroupBy(v => v.Step).OrderBy(g => g.Key)
                .Select(g => (X: (double)g.Key, Y: Estimate.OfMean([.. g.Select(v => v.Value)]))).ToList();
            return new ChartSeries(line.Name, [.. points.Select(p => (p.X, p.Y.Value))])
            {
                Range = points.Any(p => double.IsNaN(p.Y.Low)) ? null : [.. points.Select(p => (p.Y.Low, p.Y.High))],
            };
        })])
        { LogX = false, Possible = Chart.NotNegative };

    /// <summary>The reward's sigmoid: the steps it was fitted to, what it said of the later ones, what they gave.</summary>
    public static Chart Forecast(RewardLaw found, IReadOnlyList<string> runs, Workspace here)
    {
        List<ChartSeries> series = [.. runs.Select(r => new ChartSeries("reward of a step",
            [.. RlRows.ReadSteps(here.RunFolder(r)).Select(s => (s.Flops, s.Reward))], SeriesKind.Points))];
        IReadOnlyList<(double X, Estimate Y)> curve = [];
        if (found.Law.Identified)
        {
            double low = found.Law.MinX, high = found.Checks[^1].Flops;
            curve = [.. Enumerable.Range(0, 60).Select(i => low * Math.Pow(high / low, i / 59.0))
                .Select(x => (x, found.Law.Predict(x)))];
        }
        return OfForecast(series, curve, found);
    }

    /// <param name="series">rewards</param> <param name="curve">empty: none was identified</param>
    internal static Chart OfForecast(List<ChartSeries> series, IReadOnlyList<(double X, Estimate Y)> curve, RewardLaw found)
    {
        if (curve.Count > 0)
            series.Add(new("sigmoid, fitted before the line", [.. curve.Select(p => (p.X, p.Y.Value))])
            {
                Range = [.. curve.Select(p => (p.Y.Low, p.Y.High))],
            });
        series.Add(new("measured after it", [.. found.Checks.Select(c => (c.Flops, c.Measured.Value))], SeriesKind.Points)
        {
            Range = found.Checks.Any(c => double.IsNaN(c.Measured.Low)) ? null
                : [.. found.Checks.Select(c => (c.Measured.Low, c.Measured.High))],
        });
        string leftOut = $"the first {RewardLaw.LeaveOut} steps are not fitted";
        series.Add(ChartSeries.AtX(curve.Count > 0 ? "fitted up to here" : "points for the fit end here", found.Until));
        return new Chart("The reward's forecast", "FLOPs of reinforcement", "share of replies right, training items",
            series)
        {
            Subtitle = curve.Count == 0 ? $"no curve: the points before the line do not identify one; {leftOut}"
                : $"area: 95 % for a new run, bars: 95 % over seeds; {leftOut}"
                    + (curve.Any(p => p.Y.Value > 1) ? "; where the sigmoid says more than 1, 1 is drawn" : ""),
        }.AsShares();
    }

    static List<RlEval> Evals(string run, Workspace here) => RlRows.ReadEvals(here.RunFolder(run)) is { Count: > 0 } rows
        ? rows
        : throw new ConfigException($"run '{run}' has no evaluations yet");

    /// <summary>
    /// Runs whose recipes differ in name and seed alone are one line, named by what differs: the method and settings. Starts
    /// that end in ".s2" are seeds of one start.
    /// </summary>
    static IEnumerable<IGrouping<string, (RlRecipe Recipe, List<T> Rows)>> Lines<T>(IReadOnlyList<string> runs, Workspace here,
        Func<string, Workspace, List<T>> rows)
    {
        var all = runs.Select(r =>
        {
            RlRecipe recipe = Reinforcement.RecipeOf(r, here);
            string from = Regex.Replace(recipe.From, @"(\.s\d+)?@\d+$", "");
            JsonElement bare = JsonSerializer.SerializeToElement(recipe with { Name = "", Seed = 0, From = from },
                RlJson.Default.RlRecipe);
            return (Recipe: recipe, Bare: bare, Rows: rows(r, here));
        }).ToList();
        string[] differ = [.. all[0].Bare.EnumerateObject().Where(p =>
            all.Any(r => !JsonElement.DeepEquals(p.Value, r.Bare.GetProperty(p.Name))))
            .Select(p => p.Name)];
        IReadOnlyDictionary<string, string> starts = ChartNames.Of(all.Select(r => $"{r.Bare.GetProperty("from")}"));
        return all.GroupBy(r => differ.Length == 0 ? MethodText(r.Recipe.Method) : string.Join(", ", differ.Select(d => d switch
        {
            "method" => MethodText(r.Recipe.Method),
            "from" => $"from {starts[$"{r.Bare.GetProperty(d)}"]}",
            _ => $"{d.Replace('_', ' ')} {r.Bare.GetProperty(d)}",
        })), r => (r.Recipe, r.Rows));
    }

    static string MethodText(string method) => method switch
    {
        "dr_grpo" => "reinforcement",
        "rejection" => "own right replies",
        _ => method,
    };
}
