using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Runs;
using Isoflop.Lab.Tables;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop runs</c>: lists, filters, exports, compares and deletes the runs of a home.</summary>
sealed class RunsCommand
{
    static readonly string[] Heads =
        ["name", "status", "corpus", "params", "step", "tokens", "FLOPs", "loss", "valid", "bits/byte"];

    readonly Option<string[]> where = new("--where")
    {
        Description = "Only runs whose column or setting is so: valid_loss<3, status=done, model.d_model>=64; may be given " +
            "again. loss is of the last step's batch, valid_loss of held-out text",
        HelpName = "CONDITION",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };
    readonly Option<string> sort = new("--sort") { Description = "Order by a column or setting", HelpName = "COLUMN" };
    readonly Option<bool> descending = new("--descending") { Description = "The largest first" };
    readonly Option<string> columns = new("--columns")
    {
        Description = "Columns and settings to show or export, with commas between; all: every one",
        HelpName = "A,B,…",
    };
    readonly Option<bool> all = new("--all") { Description = "Each run of a study on a line of its own, too" };
    readonly Option<bool> steps = new("--steps") { Description = "Export a row for each step instead of each run" };
    readonly Option<string> csv = new("--csv") { Description = "Write a table as CSV; -: to stdout", HelpName = "FILE" };
    readonly Option<string> parquet = new("--parquet") { Description = "Write a table as Parquet", HelpName = "FILE" };

    public static Command Create() => new RunsCommand().Verb();

    Verb Verb()
    {
        Argument<string[]> patterns = Names("Names of runs, * and ? stand for any characters; none: all runs",
            ArgumentArity.ZeroOrMore);
        var verb = new Verb("runs", "List the runs: status, size, what was spent, loss; filter, export, compare and delete them.",
            "isoflop runs                            a line a study; --all or a pattern: a line a run",
            "isoflop runs 'decades.*' --where status=done --where 'd_model>=64' --sort valid_loss",
            "isoflop runs --csv runs.csv             every setting and result, a row a run",
            "isoflop runs --steps --parquet steps.parquet", "isoflop runs diff A B", "isoflop runs delete 'test-*'")
        { patterns, where, sort, descending, columns, all, steps, csv, parquet };
        verb.Add(Diff());
        verb.Add(Delete());
        verb.Add(Verify());
        verb.Runs(call => List(call, call.Parsed.GetValue(patterns) ?? []));
        return verb;
    }

    static Argument<string[]> Names(string description, ArgumentArity arity) =>
        new("pattern") { Description = description, Arity = arity };

    int List(Invocation call, string[] patterns)
    {
        var store = new RunStore(call.Here);
        IReadOnlyList<RunSummary> runs = store.Matching(patterns);
        if (runs.Count == 0) call.Err.WriteLine($"no runs in {call.Here.Root}; start one with isoflop train");
        Table table = RunTables.Of(store, runs);
        string? order = call.Parsed.GetValue(sort);
        bool sorted = order is not null, lastBatch = order == "loss";
        foreach (string condition in call.Parsed.GetValue(where) ?? [])
        {
            var filter = TableFilter.Parse(condition);
            table = filter.Apply(table);
            lastBatch |= filter.Column == "loss";
        }
        if (lastBatch) call.Err.WriteLine("loss is that of the last step's batch; valid_loss is of held-out text");
        if (order is not null) table = Sorted(table, order, call.Parsed.GetValue(descending));
        Dictionary<string, RunSummary> byName = runs.ToDictionary(r => r.Name);
        List<RunSummary> chosen = [.. Enumerable.Range(0, table.RowCount).Select(r => byName[(string)table[r, 0]!])];

        (string? csvFile, string? parquetFile) = (call.Parsed.GetValue(csv), call.Parsed.GetValue(parquet));
        bool perStep = call.Parsed.GetValue(steps), export = csvFile is not null || parquetFile is not null;
        if (perStep && !export && !call.Json)
            throw new ConfigException("--steps needs a place for its rows; give --csv FILE, --parquet FILE or --json");
        if (perStep) table = RunTables.StepsOf(store, chosen);
        string? wanted = call.Parsed.GetValue(columns);
        if (wanted is not (null or "all"))
            table = table.Select(
                [.. wanted.Split(',').Select(c => table.Columns[TableFilter.ColumnOf(table, c.Trim())].Name)]);

        if (csvFile == "-") table.WriteCsv(call.Out);
        else if (csvFile is not null) table.WriteCsv(csvFile);
        if (parquetFile is not null) table.WriteParquet(parquetFile);
        foreach (string? file in (string?[])[csvFile, parquetFile])
            if (file is not null and not "-") call.Err.WriteLine($"{file}: {table.RowCount} rows, {table.Columns.Count} columns");
        if (call.Json && (perStep || wanted is not null)) table.WriteJsonLines(call.Out);
        else if (call.Json) Write(call.Out, chosen);
        else if (!export && wanted is not null) Write(call.Out, table);
        else if (!export && chosen.Count > 0)
        {
            bool flat = patterns.Length > 0 || sorted || call.Parsed.GetValue(all)
                || call.Parsed.GetValue(where) is { Length: > 0 };
            TextTable.Write(call.Out, [Heads, .. flat ? chosen.Select(Cells) : Grouped(chosen, call.Here)], 0, 1, 2);
        }
        else if (!export && runs.Count > 0) call.Err.WriteLine($"none of {runs.Count} runs fulfils every --where");
        foreach (RunSummary run in chosen)
            if (run.Problem is not null && !call.Json) call.Err.WriteLine(run.Problem);
        return 0;
    }

    static Table Sorted(Table table, string column, bool descending)
    {
        int at = TableFilter.ColumnOf(table, column);
        IEnumerable<int> rows = Enumerable.Range(0, table.RowCount);
        var there = rows.Where(r => table[r, at] is not null);
        Comparer<object?> order = Comparer<object?>.Create((a, b) => a is string x && b is string y
            ? string.CompareOrdinal(x, y) : Comparer<object?>.Default.Compare(a, b));
        there = descending ? there.OrderByDescending(r => table[r, at], order) : there.OrderBy(r => table[r, at], order);
        return table.Rows([.. there, .. rows.Where(r => table[r, at] is null)]);
    }

    static Verb Diff()
    {
        Argument<string> a = new("A") { Description = "A run" }, b = new("B") { Description = "Another" };
        var verb = new Verb("diff", "Compare two runs: the settings in which they differ, and their results.",
            "isoflop runs diff small large") { a, b };
        verb.Runs(call =>
        {
            var store = new RunStore(call.Here);
            string[] names = [call.Parsed.GetValue(a)!, call.Parsed.GetValue(b)!];
            Table both = RunTables.Of(store, [.. names.Select(n =>
            {
                store.Matching([n]);
                return store.Find(n);
            })]);
            HashSet<string> skipped = [.. RunTables.Outcome, "name", "created"];
            var rows = new List<(string What, string Sort, object? A, object? B)>();
            for (int c = 0; c < both.Columns.Count; c++)
            {
                string name = both.Columns[c].Name;
                if (skipped.Contains(name) || name.StartsWith("ledger.", StringComparison.Ordinal)) continue;
                if (!Equals(both[0, c], both[1, c])) rows.Add((name, "setting", both[0, c], both[1, c]));
            }
            foreach (string name in RunTables.Outcome)
                rows.Add((name, "outcome", both[0, both.ColumnOf(name)], both[1, both.ColumnOf(name)]));
            if (call.Json)
            {
                foreach (var r in rows)
                    Table.Of<(string What, string Sort, object? A, object? B)>([r], ("what", x => x.What), ("kind", x => x.Sort),
                        ("a", x => x.A), ("b", x => x.B)).WriteJsonLines(call.Out);
                return 0;
            }
            if (!rows.Exists(r => r.Sort == "setting")) call.Out.WriteLine("no setting differs");
            List<string[]> text = [["", .. names, ""]];
            text.AddRange(rows.Where(r => r.Sort == "setting").Select(r => (string[])[r.What, Shown(r.A), Shown(r.B), ""]));
            text.Add(["", "", "", ""]);
            text.AddRange(rows.Where(r => r.Sort == "outcome")
                .Select(r => (string[])[r.What, Shown(r.A), Shown(r.B), Change(r.A, r.B)]));
            TextTable.Write(call.Out, text, 0);
            return 0;
        });
        return verb;
    }

    static Verb Verify()
    {
        var verb = new Verb("verify", "Hold every record, row and checkpoint of the home against its hash; exit code 2 where " +
            "one does not fit.", "isoflop runs verify", "isoflop runs verify --json");
        verb.Runs(call =>
        {
            HomeReport report = HomeCheck.Of(call.Here);
            foreach (Finding finding in report.Findings)
                call.Out.WriteLine(call.Json ? JsonSerializer.Serialize(finding, RunsCommandJson.Default.Finding)
                    : $"{finding.File}: {finding.Problem}");
            call.Err.WriteLine($"{report.Sealed} records fit their hashes" +
                (report.Unsealed > 0 ? $", {report.Unsealed} of older programs have none" : "") +
                $", {report.Findings.Count} {(report.Findings.Count == 1 ? "does" : "do")} not");
            return report.Findings.Count > 0 ? App.UserError : 0;
        });
        return verb;
    }

    static Verb Delete()
    {
        Argument<string[]> patterns = Names("Names of runs, * and ? stand for any characters", ArgumentArity.OneOrMore);
        Option<bool> yes = new("--yes") { Description = "Do not ask" },
            force = new("--force") { Description = "Also runs that a study refers to" };
        var verb = new Verb("delete", "Delete runs with their checkpoints, after asking.", "isoflop runs delete 'test-*'",
            "isoflop runs delete old --yes") { patterns, yes, force };
        verb.Runs(call =>
        {
            var store = new RunStore(call.Here);
            IReadOnlyList<RunSummary> runs = store.Matching(call.Parsed.GetValue(patterns)!);
            string[] names = [.. runs.Select(r => r.Name)];
            store.MayDelete(names, call.Parsed.GetValue(force));
            long bytes = runs.Sum(r => new DirectoryInfo(store.PathOf(r.Name))
                .EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length));
            string what = $"{runs.Count} {(runs.Count == 1 ? "run" : "runs")}, {Format.Quantity(bytes, "B")}";
            if (!call.Parsed.GetValue(yes))
            {
                if (call.In is null || !call.Terminal)
                    throw new ConfigException($"{string.Join(", ", names)}: nobody can be asked here whether to delete {what}; " +
                        "give --yes");
                TextTable.Write(call.Err, [Heads, .. runs.Select(Cells)], 0, 1, 2);
                call.Err.Write($"delete {what}, for good? [y/N] ");
                if (call.In.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes"))
                {
                    call.Err.WriteLine("nothing was deleted");
                    return 0;
                }
            }
            store.Delete(names, call.Parsed.GetValue(force));
            foreach (string name in names) call.Out.WriteLine(name);
            call.Err.WriteLine($"deleted {what}");
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, IEnumerable<RunSummary> runs)
    {
        foreach (RunSummary run in runs)
            output.WriteLine(JsonSerializer.Serialize(run, RunsCommandJson.Default.RunSummary));
    }

    static void Write(TextWriter output, Table table) => TextTable.Write(output,
        [[.. table.Columns.Select(c => c.Name)], .. Enumerable.Range(0, table.RowCount)
            .Select(r => table.Columns.Select((_, c) => Shown(table[r, c])).ToArray())],
        [.. Enumerable.Range(0, table.Columns.Count).Where(c => table.Columns[c].Kind is ColumnKind.Text or ColumnKind.Time)]);

    static string Shown(object? cell) => cell switch
    {
        null => "-",
        "" => "''",
        double x => x.ToString("G6", CultureInfo.InvariantCulture),
        bool x => x ? "true" : "false",
        DateTime x => x.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        _ => Convert.ToString(cell, CultureInfo.InvariantCulture)!,
    };

    /// <summary>B against A: a difference, or a factor where it is large.</summary>
    static string Change(object? a, object? b)
    {
        if (a is null or string || b is null or string) return "";
        double x = Convert.ToDouble(a, CultureInfo.InvariantCulture), y = Convert.ToDouble(b, CultureInfo.InvariantCulture);
        if (x == y) return "=";
        return x > 0 && y > 0 && (y / x >= 1.5 || x / y >= 1.5) ? string.Create(CultureInfo.InvariantCulture, $"×{y / x:G3}")
            : string.Create(CultureInfo.InvariantCulture, $"{(y > x ? "+" : "−")}{Math.Abs(y - x):G4}");
    }

    static string[] Cells(RunSummary r) =>
    [
        r.Name, r.Status, r.Corpus, Format.Quantity(r.Parameters, "").TrimEnd(), $"{r.Step}/{r.Steps}",
        Format.Quantity(r.Tokens, "").TrimEnd(),
        r.Flops.ToString("0.00e0", CultureInfo.InvariantCulture), Number(r.Loss), Number(r.ValidLoss), Number(r.BitsPerByte),
    ];

    /// <summary>A line for all runs of a study, one for those of its tuning, and one for each other run.</summary>
    static IEnumerable<string[]> Grouped(IEnumerable<RunSummary> runs, Workspace here) =>
        runs.GroupBy(r => GroupOf(r.Name, here) ?? r.Name).Select(g => g.Count() == 1 ? Cells(g.First()) :
        [
            $"{g.Key}.*", string.Join(", ", g.GroupBy(r => r.Status).Select(s => $"{s.Count()} {s.Key}")),
            g.Select(r => r.Corpus).Distinct().Count() == 1 ? g.First().Corpus : "-",
            Spread(g.Min(r => r.Parameters), g.Max(r => r.Parameters)), "", Format.Quantity(g.Sum(r => r.Tokens), "").TrimEnd(),
            g.Sum(r => r.Flops).ToString("0.00e0", CultureInfo.InvariantCulture), "", Least(g.Min(r => r.ValidLoss)),
            Least(g.Min(r => r.BitsPerByte)),
        ]);

    /// <summary>STUDY, or STUDY.tune and STUDY.transfer, of a run that a study named; else null.</summary>
    static string? GroupOf(string run, Workspace here)
    {
        for (int dot = run.IndexOf('.'); dot > 0; dot = run.IndexOf('.', dot + 1))
        {
            if (!Directory.Exists(here.StudyFolder(run[..dot]))) continue;
            string next = run[(dot + 1)..].Split('.')[0];
            return next is "tune" or "transfer" ? $"{run[..dot]}.{next}" : run[..dot];
        }
        return null;
    }

    static string Spread(long least, long most)
    {
        (string a, string b) = (Format.Quantity(least, "").TrimEnd(), Format.Quantity(most, "").TrimEnd());
        return a == b ? a : $"{a}–{b}";
    }

    static string Least(double? x) => x is null ? "-" : "≥ " + Number(x);

    static string Number(double? x) => x?.ToString("F4", CultureInfo.InvariantCulture) ?? "-";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunSummary))]
[JsonSerializable(typeof(Finding))]
sealed partial class RunsCommandJson : JsonSerializerContext;
