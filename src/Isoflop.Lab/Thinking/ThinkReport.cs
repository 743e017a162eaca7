using System.Text.RegularExpressions;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;
using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>A strategy with a budget at a level, on the items that are reported.</summary>
/// <param name="Model">seeds of one model are one</param> <param name="Budget">in mean replies</param>
/// <param name="Accuracy">95 %: over seeds where there are several, else over items, equal prompts as clusters</param>
/// <param name="Tokens">drawn, mean an item</param> <param name="Attempts">mean an item</param>
/// <param name="Random">what ideal random search finds with as many attempts an item</param>
/// <param name="Kept">share of items whose tokens stayed within the budget</param>
sealed record ThinkPoint(string Model, string Level, string Strategy, int Budget, Estimate Accuracy, double Tokens,
    double Flops, double Seconds, double Attempts, double Random, double Kept, int Items, int Seeds);

/// <summary>Coverage of k replies at a level: the share of items of which one is right.</summary>
/// <param name="Measured">unbiased, k = 1, 2, 4, …</param> <param name="Fit">distribution of the items' own rates</param>
/// <param name="Alpha">its exponent: what is uncovered falls as k^−α; 95 % by resampling prompts</param>
/// <param name="BestSelection">the strategy that selects best with the most replies, and its accuracy on items that did not
/// choose it: those of Valid choose where they were asked, else each half of the items chooses for the other</param>
sealed record CoverageCurve(string Model, string Level, IReadOnlyList<(int K, double Share)> Measured, BetaBinomial Fit,
    Estimate Alpha, (string Strategy, double Accuracy) BestSelection)
{
    /// <summary>Covered, and not selected.</summary>
    public double Gap => Measured[^1].Share - BestSelection.Accuracy;
}

/// <summary>The strategy that did best on the Valid items of a level and budget, and what it does on Test.</summary>
/// <param name="Accuracy">of the choice on Test</param> <param name="Best">of the best there in hindsight</param>
sealed record Choice(string Model, string Level, int Budget, string Strategy, double Accuracy, double Best);

/// <summary>
/// Choosing by level and budget against one strategy for all, both learnt on Valid; accuracies on those items of Test whose
/// prompt no item of Valid has: small levels have few prompts. NaN where none is left.
/// </summary>
/// <param name="Gain">of choosing; 95 % over prompts</param>
sealed record Policy(string Model, IReadOnlyList<Choice> Choices, double Accuracy, string Single, double SingleAccuracy,
    Estimate Gain);

/// <summary>What a strategy makes of more budget.</summary>
/// <param name="PerDoubling">accuracy a doubling of tokens, least squares</param>
sealed record Slope(string Model, string Level, string Strategy, double PerDoubling);

/// <summary>Stopping early against generator all, at the same mean FLOPs.</summary>
/// <param name="Uniform">the strategy without stops, its accuracy interpolated in ln FLOPs</param>
sealed record AdaptiveGain(string Model, string Level, int Budget, double Flops, double Accuracy, string Uniform,
    double UniformAccuracy);

/// <summary>What a curve says.</summary>
sealed class ThinkReport
{
    const int Resamples = 100;

    readonly ThinkCurveOptions options;
    readonly List<(string Model, int Seed, TaskLevel Of, ThinkRow Row)> rows = [];

    internal ThinkReport(ThinkCurveOptions options, IReadOnlyList<(string Model, TaskLevel Of, IReadOnlyList<ThinkRow> Rows)> all,
        IReadOnlyList<string> refused, IReadOnlyList<string> files)
    {
        (this.options, Refused, Files) = (options, refused, files);
        int seed = 0;
        foreach ((string model, TaskLevel of, IReadOnlyList<ThinkRow> own) in all)
        {
            string stem = Regex.Replace(model, @"\.s\d+(@\d+)?$", "");
            foreach (ThinkRow row in own) rows.Add((stem, options.Models.ToList().IndexOf(model), of, row));
            seed++;
        }
        var test = rows.Where(r => r.Row.Split == Split.Test).ToList();
        string[] order = [.. Strategies.All.Select(s => s.Name)];
        Points = [.. test.GroupBy(r => (r.Model, r.Row.Level, r.Row.Strategy, r.Row.Budget))
            .OrderBy(g => g.Key.Model, StringComparer.Ordinal).ThenBy(g => g.First().Of.Level)
            .ThenBy(g => Array.IndexOf(order, g.Key.Strategy)).ThenBy(g => g.Key.Budget).Select(PointOf)];
        var levels = test.GroupBy(r => (r.Model, r.Row.Level)).ToList();
        Coverages = [.. levels.Select(g => CoverageOf(g.Key.Model, g.Key.Level)).OfType<CoverageCurve>()];
        Policies = options.Choose ? [.. rows.GroupBy(r => r.Model).Select(g => PolicyOf(g.Key))] : [];
        Slopes = [.. Points.GroupBy(p => (p.Model, p.Level, p.Strategy)).Where(g => g.Count() > 1)
            .Select(g => new Slope(g.Key.Model, g.Key.Level, g.Key.Strategy, Line.Through([.. g.Select(p => Math.Log2(p.Tokens))],
            [.. g.Select(p => p.Accuracy.Value)]).Slope))];
        Adaptive = [.. Points.Where(p => p.Strategy == "adaptive").Select(GainOf).OfType<AdaptiveGain>()];
    }

    /// <summary>By model, level, strategy and budget.</summary>
    public IReadOnlyList<ThinkPoint> Points { get; }
    /// <summary>By model and level; none where majority was left out.</summary>
    public IReadOnlyList<CoverageCurve> Coverages { get; }
    /// <summary>By model; none where nothing was to be chosen.</summary>
    public IReadOnlyList<Policy> Policies { get; }
    /// <summary>By model, level and strategy.</summary>
    public IReadOnlyList<Slope> Slopes { get; }
    /// <summary>By model, level and budget.</summary>
    public IReadOnlyList<AdaptiveGain> Adaptive { get; }
    /// <summary>Why strategies were left out.</summary>
    public IReadOnlyList<string> Refused { get; }
    /// <summary>Where the rows are.</summary>
    public IReadOnlyList<string> Files { get; }

    static ThinkPoint PointOf(IGrouping<(string Model, string Level, string Strategy, int Budget),
        (string Model, int Seed, TaskLevel Of, ThinkRow Row)> g)
    {
        TaskLevel of = g.First().Of;
        double chance = of.Family.Chance(of.Level);
        long? candidates = of.Family.Candidates(of.Level);
        double[] seeds = [.. g.GroupBy(r => r.Seed).Select(s => s.Average(r => r.Row.Right ? 1.0 : 0))];
        ScoreInterval items = ScoreInterval.Of([.. g.Select(r => (r.Row.Right ? 1.0 : 0, r.Row.Prompt))]);
        return new(g.Key.Model, g.Key.Level, g.Key.Strategy, g.Key.Budget,
            seeds.Length > 1 ? TwoLevel.OfShares(seeds, g.Count() / seeds.Length).Share(g.Count() / seeds.Length)
                : new(items.Mean, items.Low, items.High),
            g.Average(r => r.Row.Tokens), g.Average(r => r.Row.Flops), g.Average(r => r.Row.Seconds),
            g.Average(r => r.Row.Attempts), RandomSearch.Finds(chance, candidates, g.Average(r => r.Row.Attempts)),
            g.Average(r => r.Row.Tokens <= r.Row.Allowed ? 1.0 : 0), g.Count() / seeds.Length, seeds.Length);
    }

    CoverageCurve? CoverageOf(string model, string level)
    {
        int most = options.Budgets.To;
        ThinkRow[] own = [.. rows.Where(r => r.Model == model && r.Row.Level == level && r.Row.Split == Split.Test
            && r.Row.Strategy == "majority" && r.Row.Budget == most).Select(r => r.Row)];
        if (own.Length == 0 || most < 2) return null;
        (int, double)[] measured = [.. Enumerable.Range(0, 13).Select(i => 1 << i).Where(k => k <= most)
            .Select(k => (k, own.Average(r => Exam.PassAt(r.Replies, r.RightReplies, k))))];
        BetaBinomial fit = BetaBinomial.Fit([.. own.Select(r => (r.RightReplies, r.Replies))]);
        // Items with equal prompts stand and fall together.
        ThinkRow[][] prompts = [.. own.GroupBy(r => r.Prompt).Select(g => g.ToArray())];
        var rng = RandomUse.ThoughtResample.Open(options.Seed);
        var alphas = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            List<(int, int)> drawn = [];
            foreach (ThinkRow[] _ in prompts)
                drawn.AddRange(prompts[rng.NextInt(prompts.Length)].Select(r => (r.RightReplies, r.Replies)));
            alphas[i] = BetaBinomial.Fit(drawn).Alpha;
        }
        Array.Sort(alphas);
        return new(model, level, measured, fit, new(fit.Alpha, alphas[Resamples / 40], alphas[^(1 + Resamples / 40)]),
            BestOf(model, level, most));
    }

    /// <summary>The best strategy of a level, judged on other items than chose it.</summary>
    (string Strategy, double Accuracy) BestOf(string model, string level, int budget)
    {
        ThinkRow[] own = [.. rows.Where(r => r.Model == model && r.Row.Level == level && r.Row.Budget == budget)
            .Select(r => r.Row)];
        ThinkRow[] test = [.. own.Where(r => r.Split == Split.Test)], valid = [.. own.Where(r => r.Split == Split.Valid)];
        HashSet<string> chose = [.. valid.Select(r => r.Prompt)];
        ThinkRow[] unseen = [.. test.Where(r => !chose.Contains(r.Prompt))];
        if (valid.Length > 0 && unseen.Length > 0) return Judged(valid, unseen);
        // Equal prompts stand together.
        Dictionary<string, int> half = [];
        foreach (ThinkRow r in test.OrderBy(r => r.Item)) half.TryAdd(r.Prompt, half.Count % 2);
        ThinkRow[] first = [.. test.Where(r => half[r.Prompt] == 0)], second = [.. test.Where(r => half[r.Prompt] == 1)];
        if (second.Length == 0) return (Best(test), double.NaN);
        (string Strategy, double Accuracy) a = Judged(first, second), b = Judged(second, first);
        return (a.Strategy == b.Strategy ? a.Strategy : $"{a.Strategy} or {b.Strategy}",
            (a.Accuracy * second.Length + b.Accuracy * first.Length) / (first.Length + second.Length));

        static double Share(IEnumerable<ThinkRow> some) => some.Average(r => r.Right ? 1.0 : 0);
        static string Best(IEnumerable<ThinkRow> some) => some.GroupBy(r => r.Strategy).MaxBy(Share)!.Key;
        static (string, double) Judged(ThinkRow[] choosing, ThinkRow[] judging) =>
            Best(choosing) is var best ? (best, Share(judging.Where(r => r.Strategy == best))) : default;
    }

    // ---- which strategy where -------------------------------------------------------------------------------------------------

    Policy PolicyOf(string model)
    {
        // Greedy has one budget, which every larger one contains.
        var cells = rows.Where(r => r.Model == model && (r.Row.Strategy == "greedy" || options.AllBudgets.Contains(r.Row.Budget)))
            .GroupBy(r => (r.Row.Split, r.Row.Level, r.Row.Strategy, Budget: r.Row.Strategy == "greedy" ? 0 : r.Row.Budget))
            .ToDictionary(g => g.Key, g => g.ToDictionary(r => (r.Seed, r.Row.Item), r => r.Row));
        string[] names = [.. cells.Keys.Select(k => k.Strategy).Distinct()];
        string[] levels = [.. cells.Keys.Select(k => k.Level).Distinct()];
        HashSet<(string, string)> chose = [.. rows.Where(r => r.Model == model && r.Row.Split == Split.Valid)
            .Select(r => (r.Row.Level, r.Row.Prompt))];
        Dictionary<(int, int), ThinkRow> Cell(Split split, string level, string name, int budget) =>
            cells[(split, level, name, name == "greedy" ? 0 : budget)];
        double Mean(Split split, string level, string name, int budget) => Cell(split, level, name, budget).Values
            .Where(r => split == Split.Valid || !chose.Contains((r.Level, r.Prompt))).Select(r => r.Right ? 1.0 : 0)
            .DefaultIfEmpty(double.NaN).Average();

        var grid = levels.SelectMany(l => options.AllBudgets.Select(b => (Level: l, Budget: b))).ToList();
        string single = names.MaxBy(n => grid.Average(c => Mean(Split.Valid, c.Level, n, c.Budget)))!;
        List<Choice> choices = [];
        Dictionary<(string, string), List<double>> gains = [];
        foreach ((string level, int budget) in grid)
        {
            string chosen = names.OrderByDescending(n => Mean(Split.Valid, level, n, budget))
                .ThenBy(n => Cell(Split.Valid, level, n, budget).Values.Average(r => r.Flops)).First();
            choices.Add(new(model, level, budget, chosen, Mean(Split.Test, level, chosen, budget),
                names.Max(n => Mean(Split.Test, level, n, budget))));
            foreach (((int Seed, int Item) key, ThinkRow row) in Cell(Split.Test, level, chosen, budget))
            {
                if (chose.Contains((level, row.Prompt))) continue;
                double gain = (row.Right ? 1 : 0) - (Cell(Split.Test, level, single, budget)[key].Right ? 1 : 0);
                if (!gains.TryGetValue((level, row.Prompt), out var list)) gains.Add((level, row.Prompt), list = []);
                list.Add(gain);
            }
        }
        static double Known(IEnumerable<double> some) => some.Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
        return new(model, choices, Known(choices.Select(c => c.Accuracy)), single,
            Known(grid.Select(c => Mean(Split.Test, c.Level, single, c.Budget))),
            gains.Count == 0 ? Estimate.Of(double.NaN) : Estimate.OfMean([.. gains.Values.Select(g => g.Average())]));
    }

    AdaptiveGain? GainOf(ThinkPoint p)
    {
        ThinkPoint[] Line(string name) => [.. Points.Where(q => q.Model == p.Model && q.Level == p.Level && q.Strategy == name)
            .OrderBy(q => q.Flops)];
        ThinkPoint[] uniform = Line("best-of-n") is { Length: > 0 } checkd ? checkd : Line("majority");
        int above = Array.FindIndex(uniform, q => q.Flops >= p.Flops);
        if (above < 0) return null;                              // dearer than anything it could be held against
        double value = uniform[above].Accuracy.Value;
        if (above > 0)
        {
            (ThinkPoint a, ThinkPoint b) = (uniform[above - 1], uniform[above]);
            double at = Math.Log(p.Flops / a.Flops) / Math.Log(b.Flops / a.Flops);
            value = a.Accuracy.Value + at * (b.Accuracy.Value - a.Accuracy.Value);
        }
        else if (p.Flops < uniform[0].Flops) return null;
        return new(p.Model, p.Level, p.Budget, p.Flops, p.Accuracy.Value, uniform[0].Strategy, value);
    }

    // ---- out ------------------------------------------------------------------------------------------------------------------

    /// <summary>Points as a table.</summary>
    public Table ToTable() => Table.Of(Points, ("model", p => p.Model), ("level", p => p.Level), ("strategy", p => p.Strategy),
        ("budget", p => (long)p.Budget), ("items", p => (long)p.Items), ("seeds", p => (long)p.Seeds),
        ("accuracy", p => p.Accuracy.Value), ("low", p => p.Accuracy.Low), ("high", p => p.Accuracy.High),
        ("random_search", p => p.Random), ("attempts", p => p.Attempts), ("tokens", p => p.Tokens), ("flops", p => p.Flops),
        ("seconds", p => p.Seconds), ("kept", p => p.Kept));

    /// <summary>
    /// The second o1 plot, a panel a level. Where no strategies were asked for, majority and the three that come furthest: more
    /// lines cannot be told apart, and the table has all. Random search is drawn where a check would tell it when to stop.
    /// </summary>
    public IReadOnlyList<Chart> Charts()
    {
        IReadOnlyDictionary<string, string> models = ChartNames.Of(Points.Select(p => p.Model));
        HashSet<string> checkedLevels = [.. rows.Where(r => r.Of.Family.HasCheck).Select(r => r.Row.Level)];
        return Chart.OfShares(Points.GroupBy(p => p.Level).Select(level =>
        {
            string[] all = [.. level.Select(p => p.Strategy).Distinct()], shown = Shown(level, all);
            List<ChartSeries> series = [];
            foreach (var line in level.Where(p => shown.Contains(p.Strategy)).GroupBy(p => (p.Model, p.Strategy)))
            {
                ThinkPoint[] points = [.. line.OrderBy(p => p.Flops)];
                series.Add(new(NameOf(line.Key.Model, line.Key.Strategy), [.. points.Select(p => (p.Flops, p.Accuracy.Value))],
                    points.Length == 1 ? SeriesKind.Points : SeriesKind.Line)
                {
                    Range = points.Any(p => double.IsNaN(p.Accuracy.Low)) ? null
                        : [.. points.Select(p => (p.Accuracy.Low, p.Accuracy.High))],
                });
            }
            if (checkedLevels.Contains(level.Key))
                foreach (var line in level.Where(p => p.Strategy == "majority").GroupBy(p => p.Model))
                    series.Add(new(NameOf(line.Key, "ideal random search"),
                        [.. line.OrderBy(p => p.Flops).Select(p => (p.Flops, p.Random))])
                    { Dashed = true });
            return new Chart($"Accuracy against thinking: {ChartNames.Level(level.Key)}", "FLOPs a question, at test time",
                "accuracy, held-out items", series)
            {
                Subtitle = (series.Any(s => s is { Kind: SeriesKind.Points, Range: not null }) ? "areas, bars" : "areas")
                    + (level.First().Seeds > 1 ? ": 95 % over seeds" : ": 95 % over items")
                    + (checkedLevels.Contains(level.Key) ? "; random search: with as many attempts as majority" : "")
                    + (shown.Length < all.Length ? $"; {shown.Length} of {all.Length} strategies, the table has all" : ""),
            };
        }));

        string NameOf(string model, string what) => models.Count == 1 ? what
            : Points.All(p => p.Strategy == "majority") && what == "majority" ? models[model] : $"{models[model]}: {what}";
    }

    string[] Shown(IEnumerable<ThinkPoint> level, string[] all)
    {
        const int Most = 4;
        if (options.Strategies.Count > 0 || all.Length <= Most) return all;
        return [.. level.GroupBy(p => p.Strategy).OrderBy(g => g.Key == "majority" ? 0 : 1)
            .ThenByDescending(g => g.Max(p => p.Accuracy.Value)).ThenBy(g => g.MaxBy(p => p.Accuracy.Value)!.Flops)
            .Select(g => g.Key).Take(Most)];
    }
}
