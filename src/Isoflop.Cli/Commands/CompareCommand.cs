using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Tables;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop compare</c>: two models on the same items, one by one.</summary>
static class CompareCommand
{
    public static Command Create()
    {
        var sides = new Argument<string[]>("sides")
        {
            Description = "A and B: runs, files of results, or files and folders of lm-evaluation-harness samples",
            Arity = new ArgumentArity(2, 2),
        };
        var metric = new Option<string>("--metric")
        {
            Description = "Field of the score: score_per_byte, acc_norm; by default score, correct, acc, exact_match, acc_norm",
            HelpName = "NAME",
        };
        var filter = new Option<string>("--filter")
        {
            Description = "Of harness samples with several filters, the one to take; by default the first",
            HelpName = "NAME",
        };
        var draws = new Option<int>("--draws")
        {
            Description = "Resamples of the bootstrap, and sign flips",
            HelpName = "N",
            DefaultValueFactory = _ => 10_000,
        };
        var seed = new Option<ulong>("--seed") { Description = "Of the resamples", HelpName = "N" };
        var csv = new Option<string>("--csv") { Description = "Write every row as CSV; -: to stdout", HelpName = "FILE" };
        var verb = new Verb("compare",
            "Compare two models item by item: difference, interval, test and the smallest difference that could have been " +
                "seen. Nothing is ranked inside the noise.",
            "isoflop compare small large                        newest evaluation that both runs have",
            "isoflop compare runs/a/evals/core.jsonl other.jsonl --csv differences.csv",
            "isoflop compare out/model-a out/model-b --metric acc_norm    folders of samples_*.jsonl")
        {
            sides, metric, filter, draws, seed, csv,
        };
        verb.Runs(call =>
        {
            string[] names = call.Parsed.GetValue(sides)!;
            int count = call.Parsed.GetValue(draws);
            if (count < 1000) throw new ConfigException($"--draws {count} is too few for an interval; give at least 1000");
            (ResultSet a, ResultSet b) =
                ResultSet.Open(names[0], names[1], call.Here, call.Parsed.GetValue(metric), call.Parsed.GetValue(filter));
            Comparison comparison = Comparison.Of(a, b, count, call.Parsed.GetValue(seed), call.Stop);
            string? file = call.Parsed.GetValue(csv);
            if (file == "-") Rows(comparison).WriteCsv(call.Out);
            else if (file is not null) Rows(comparison).WriteCsv(file);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(comparison, CompareJson.Default.Comparison));
            else if (file is null) Write(call.Out, comparison);
            return 0;
        });
        return verb;
    }

    static Table Rows(Comparison c) => Table.Of([.. c.Tasks, c.All, .. c.Measures],
        ("a", ColumnKind.Text, _ => c.A), ("b", ColumnKind.Text, _ => c.B),
        ("what", ColumnKind.Text, (PairedDifference d) => d.What),
        ("items", ColumnKind.Whole, d => d.Items), ("clusters", ColumnKind.Whole, d => d.Clusters),
        ("mean_a", ColumnKind.Real, d => d.MeanA), ("mean_b", ColumnKind.Real, d => d.MeanB),
        ("difference", ColumnKind.Real, d => d.Difference),
        ("low", ColumnKind.Real, d => d.Low), ("high", ColumnKind.Real, d => d.High),
        ("boot_low", ColumnKind.Real, d => d.BootLow), ("boot_high", ColumnKind.Real, d => d.BootHigh),
        ("only_a", ColumnKind.Whole, d => d.OnlyA), ("only_b", ColumnKind.Whole, d => d.OnlyB),
        ("mcnemar_p", ColumnKind.Real, d => d.McNemarP), ("test", ColumnKind.Text, d => d.Test),
        ("p", ColumnKind.Real, d => d.P), ("adjusted_p", ColumnKind.Real, d => d.AdjustedP),
        ("detectable", ColumnKind.Real, d => d.Detectable), ("verdict", ColumnKind.Text, d => d.Verdict));

    static void Write(TextWriter output, Comparison c)
    {
        output.WriteLine($"A = {c.A}");
        output.WriteLine($"B = {c.B}");
        output.WriteLine(I($"{c.Pairs} items answered by both, by {c.Metric}; difference is A less B, intervals are 95 %, ") +
            "p is Holm's over the tasks");
        Missing("A", c.OnlyInA);
        Missing("B", c.OnlyInB);
        foreach (string warning in c.Warnings) output.WriteLine("beware: " + warning);
        Table("task", [.. c.Tasks, c.All]);
        if (c.Measures.Count > 0)
        {
            output.WriteLine();
            Table("less is better", c.Measures);
        }
        if (c.LikelihoodRefused is { } reason) output.WriteLine($"likelihood of the answer is not compared: {reason}");
        output.WriteLine();
        foreach (string test in c.Tasks.Append(c.All).Concat(c.Measures).Select(d => d.Test).Distinct())
            output.WriteLine($"test: {test}");
        Better("A", c.Dominance.ABetter);
        Better("B", c.Dominance.BBetter);
        output.WriteLine($"inside the noise: {(c.Dominance.Noise.Count > 0 ? string.Join(", ", c.Dominance.Noise) : "nothing")}");
        output.WriteLine(c.Dominance.Verdict);

        void Missing(string side, Unpaired u)
        {
            if (u.Count > 0)
                output.WriteLine($"{u.Count} only in {side}, left out: {string.Join(", ", u.First)}" +
                    (u.Count > u.First.Count ? ", …" : ""));
        }

        void Better(string side, IReadOnlyList<string> what)
        {
            if (what.Count > 0) output.WriteLine($"{side} is better on: {string.Join(", ", what)}");
        }

        void Table(string head, IReadOnlyList<PairedDifference> differences)
        {
            var rows = new List<string[]>
            {
                new[] { head, "items", "clusters", "A", "B", "difference", "interval", "bootstrap", "A : B alone", "McNemar p",
                    "p", "seen from", "verdict" },
            };
            foreach (PairedDifference d in differences)
                rows.Add([d.What, I($"{d.Items}"), I($"{d.Clusters}"), N(d.MeanA), N(d.MeanB), Signed(d.Difference),
                    Span(d.Low, d.High), Span(d.BootLow, d.BootHigh), I($"{d.OnlyA} : {d.OnlyB}"), P(d.McNemarP),
                    P(d.AdjustedP), d.Detectable is { } least ? N(least) : "-", d.Verdict]);
            TextTable.Write(output, rows, 0, 12);
        }
    }

    static string N(double x) => I($"{x:0.####}");
    static string Signed(double x) => I($"{x:+0.####;-0.####;0}");
    static string Span(double? low, double? high) => low is { } l && high is { } h ? $"{Signed(l)} … {Signed(h)}" : "-";
    static string P(double? p) => p switch { null => "-", < 0.0001 => "<0.0001", { } x => I($"{x:0.####}") };

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Comparison))]
sealed partial class CompareJson : JsonSerializerContext;
