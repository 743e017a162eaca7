using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Thinking;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop think-curve</c>: the second o1 plot.</summary>
static class ThinkCurveCommand
{
    public static Verb Create()
    {
        var models = new Argument<string[]>("models")
        {
            Description = "RUN, RUN@STEP or model folders; names that differ in a last .s2 alone are seeds of one model",
            Arity = ArgumentArity.OneOrMore,
        };
        var task = new Option<string>("--task")
        {
            Description = "FAMILY:LEVEL or FAMILY:FROM..TO",
            HelpName = "TASK",
            Required = true,
        };
        var strategies = new Option<string>("--strategies")
        {
            Description = "all, or names with commas: " + string.Join(", ", Strategies.All.Select(s => s.Name)),
            HelpName = "NAMES",
            DefaultValueFactory = _ => "all",
        };
        var budgets = new Option<string>("--budgets")
        {
            Description = "Powers of two, in mean replies of the model at the level",
            HelpName = "FROM..TO",
            DefaultValueFactory = _ => "1..64",
        };
        var items = new Option<int>("--items")
        {
            Description = "Held-out items a level, of each split",
            HelpName = "N",
            DefaultValueFactory = _ => 128,
        };
        var fixedOnly = new Option<bool>("--no-choice")
        {
            Description = "Do not learn which strategy is best where: half the work",
        };
        var form = new Option<ReplyForm>("--form")
        {
            Description = "What replies begin with: Open (the model chooses), Think, Direct",
            HelpName = "FORM",
        };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Of items and draws",
            HelpName = "S",
            DefaultValueFactory = _ => 1,
        };
        var scorer = new Option<string?>("--scorer") { Description = "A run of 'isoflop teach --scorer'", HelpName = "RUN" };
        var csv = new Option<string>("--csv") { Description = "Write the points as CSV; -: to stdout", HelpName = "FILE" };
        var svg = new Option<string>("--svg")
        {
            Description = "Write the picture: of the strategies named, else majority and the three that come furthest",
            HelpName = "FILE",
        };
        var verb = new Verb("think-curve",
            "Accuracy against test-time compute, strategy by strategy, beside ideal random search. The same command resumes.",
            "isoflop think-curve my-run --task sudoku4:1..3 --budgets 1..256 --svg think.svg",
            "isoflop think-curve m.s1 m.s2 m.s3 --task modular-root:2 --strategies majority,best-of-n,revision --csv think.csv")
        { models, task, strategies, budgets, items, fixedOnly, form, seed, scorer, csv, svg };
        verb.Runs(call =>
        {
            string names = call.Parsed.GetValue(strategies)!;
            using Scorer? values = call.Parsed.GetValue(scorer) is { } run
                ? Scorer.Open(run, call.Here) : null;
            ThinkReport report = ThinkCurve.Run(new()
            {
                Models = call.Parsed.GetValue(models)!,
                Task = call.Parsed.GetValue(task)!,
                Strategies = names == "all" ? [] : names.Split(',', StringSplitOptions.TrimEntries),
                Budgets = ThinkCurveOptions.ReadBudgets(call.Parsed.GetValue(budgets)!),
                Items = call.Parsed.GetValue(items),
                Choose = !call.Parsed.GetValue(fixedOnly),
                Form = call.Parsed.GetValue(form),
                Seed = call.Parsed.GetValue(seed),
                Scorer = values is null ? null : _ => values,
                ScorerName = values?.Name ?? "",
            }, call.Here);
            if (call.Parsed.GetValue(svg) is { Length: > 0 } picture)
            {
                IReadOnlyList<Chart> charts = report.Charts();
                if (!Chart.Save(picture, charts, Math.Min(charts.Count, 3))) call.Err.WriteLine(Chart.TooFew);
            }
            string? table = call.Parsed.GetValue(csv);
            if (table is { Length: > 0 } and not "-") report.ToTable().WriteCsv(table);
            if (table == "-") report.ToTable().WriteCsv(call.Out);
            else if (call.Json)
                call.Out.WriteLine(JsonSerializer.Serialize(new ThinkCurveRecord(report.Points, report.Coverages, report.Policies,
                    report.Slopes, report.Adaptive, report.Refused, report.Files), ThinkCurveJson.Default.ThinkCurveRecord));
            else Write(call.Out, report);
            return 0;
        });
        return verb;
    }

    // ---- for a reader ---------------------------------------------------------------------------------------------------------

    static void Write(TextWriter output, ThinkReport report)
    {
        bool several = report.Points.Select(p => p.Model).Distinct().Count() > 1;
        foreach (var level in report.Points.GroupBy(p => (p.Model, p.Level)))
        {
            string head = several ? $"{level.Key.Model}  {level.Key.Level}" : level.Key.Level;
            List<string[]> lines = [[head, "budget", "accuracy", "95 %", "random", "attempts", "tokens", "FLOPs", "s", "kept"]];
            lines.AddRange(level.Select(p => (string[])[p.Strategy, I($"{p.Budget}"), I($"{p.Accuracy.Value:0.000}"),
                p.Accuracy.Ends("0.00"), I($"{p.Random:0.000}"), I($"{p.Attempts:0.0}"),
                I($"{p.Tokens:0}"), I($"{p.Flops:0.00e0}"), I($"{p.Seconds:0.000}"), I($"{p.Kept:P0}")]));
            TextTable.Write(output, lines, 0);
            output.WriteLine("  a doubling of tokens: " + string.Join(", ", report.Slopes
                .Where(s => (s.Model, s.Level) == level.Key).Select(s => I($"{s.Strategy} {s.PerDoubling:+0.000;-0.000}"))));
            foreach (CoverageCurve c in report.Coverages.Where(c => (c.Model, c.Level) == level.Key)) Write(output, c);
            foreach (AdaptiveGain a in report.Adaptive.Where(a => (a.Model, a.Level) == level.Key && a.Budget > 1))
                output.WriteLine(I($"  adaptive, budget {a.Budget}: {a.Accuracy:0.000} with {a.Flops:0.00e0} FLOPs; ") +
                    I($"{a.Uniform} with as many {a.UniformAccuracy:0.000}"));
            output.WriteLine();
        }
        foreach (Policy p in report.Policies)
        {
            output.WriteLine((several ? p.Model + ": " : "") + "best on Valid, by level and budget: " + string.Join("; ",
                p.Choices.GroupBy(c => c.Level).Select(g => $"{g.Key}: " + string.Join(" ", g.Select(c =>
                I($"{c.Budget} {c.Strategy}"))))));
            if (double.IsNaN(p.Accuracy))
            {
                output.WriteLine($"  nothing to judge it on: Valid has every prompt of Test; {p.Single} was best everywhere");
                continue;
            }
            output.WriteLine(I($"  on Test {p.Accuracy:0.000}, {p.Single} everywhere {p.SingleAccuracy:0.000}: ") +
                I($"{p.Gain.Value:+0.000;-0.000} ({p.Gain.Ends("+0.000;-0.000", " to ")}); ") +
                I($"best in hindsight {p.Choices.Where(c => !double.IsNaN(c.Best)).Average(c => c.Best):0.000}"));
        }
        output.WriteLine("random: what draws of answers blind to the question that stop at a right one find in as many " +
            "attempts, without repeats where a level has finitely many; kept: share of items within the budget");
        foreach (string r in report.Refused) output.WriteLine("left out: " + r);
        foreach (string f in report.Files) output.WriteLine($"rows: {f}");
    }

    static void Write(TextWriter output, CoverageCurve c)
    {
        output.WriteLine("  coverage: " + string.Join("  ", c.Measured.Select(m =>
            I($"@{m.K} {m.Share:0.000} ({c.Fit.Coverage(m.K):0.000})"))) + " (fitted)");
        output.WriteLine(c.Fit.IsNarrow
            ? I($"  items are equally hard, p = {c.Fit.Mean:0.###}: coverage is 1 - (1 - p)^k, no power law")
            : I($"  p of an item ~ Beta({c.Fit.Alpha:0.##}, {c.Fit.Beta:0.##}): uncovered falls as ") +
                I($"{c.Fit.Uncovered:0.##}·k^-{c.Alpha.Value:0.##} ({c.Alpha.Ends("0.##", " to ")})"));
        output.WriteLine(I($"  selected by {c.BestSelection.Strategy}: {c.BestSelection.Accuracy:0.000}, ") +
            I($"covered and not selected: {c.Gap:0.000}"));
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

sealed record ThinkCurveRecord(IReadOnlyList<ThinkPoint> Points, IReadOnlyList<CoverageCurve> Coverages,
    IReadOnlyList<Policy> Policies, IReadOnlyList<Slope> Slopes, IReadOnlyList<AdaptiveGain> Adaptive,
    IReadOnlyList<string> Refused, IReadOnlyList<string> Rows);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IncludeFields = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ThinkCurveRecord))]
sealed partial class ThinkCurveJson : JsonSerializerContext;
