using System.CommandLine;
using System.Globalization;
using Isoflop.Data;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Tables;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Worlds;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop eval</c>: a model's answers to a suite of questions, with intervals and contamination.</summary>
static class EvalCommand
{
    public static Verb Create()
    {
        var model = new Argument<string>("model")
        {
            Description = "RUN, RUN@STEP, a model folder; or the URL of an " +
            "OpenAI-compatible endpoint"
        };
        var suite = new Option<string>("--suite")
        {
            Description = "world: held-out questions of the model's world. Or JSON lines or a list, an item each: id, task, " +
                "answer; level, template, prompt, choices, stop. Without choices the model writes a line that must match",
            HelpName = "world|FILE.jsonl",
            DefaultValueFactory = _ => WorldSuite,
        };
        var perTask = new Option<int>("--items")
        {
            Description = "Questions a task and level of the world",
            HelpName = "N",
            DefaultValueFactory = _ => 100,
        };
        var limit = new Option<int?>("--limit") { Description = "Ask the first N items only", HelpName = "N" };
        var csv = new Option<string>("--csv")
        {
            Description = "Write the table by task, level and template as CSV; -: to stdout",
            HelpName = "FILE",
        };
        var skip = new Option<bool>("--no-contamination") { Description = "Do not look for the items in the training text" };
        EndpointOptions endpoint = new();
        var verb = new Verb("eval", "Ask a model a suite of questions: choices by likelihood, replies by exact match.",
            "isoflop eval my-run                                   questions of the world it was trained on",
            "isoflop eval my-run --suite questions.jsonl",
            "isoflop eval my-run@500 --suite questions.jsonl --limit 100 --csv scores.csv",
            "isoflop eval https://host/v1 --endpoint-model NAME --suite questions.jsonl --price-in 0.1 --price-out 0.4",
            "where a line of questions.jsonl is",
            """  {"id":"a1","task":"sums","template":"t1","prompt":"2 + 3 =","choices":[" 5"," 6"],"answer":" 5"}""")
        { model, suite, perTask, limit, csv, skip };
        endpoint.AddTo(verb);
        verb.Runs(call =>
        {
            int? most = call.Parsed.GetValue(limit);
            if (most < 1) throw new ConfigException($"--limit {most} must be positive; leave it out to ask all items");
            string which = call.Parsed.GetValue(suite)!;
            EvalSuite? given = which == WorldSuite ? null : EvalSuite.Read(which);
            string name = call.Parsed.GetValue(model)!;
            if (EndpointOptions.IsUrl(name))
            {
                EvalSuite remote = given ?? new World(new()).Suite(call.Parsed.GetValue(perTask));
                return endpoint.Eval(call, name, remote, most ?? 0, call.Parsed.GetValue(csv));
            }
            using LanguageModel open = LanguageModel.Open(call.Here, name);
            ChatFormat.NoteOf(open, call.Here);
            EvalSuite items = given ?? WorldOf(open.Folder, call.Here).Suite(call.Parsed.GetValue(perTask));
            string? file = EvalRun.FileFor(open.Folder, items);
            IReadOnlyList<ItemResult> results = EvalRun.Ask(new LocalTarget(open), items, call.Here, file, most ?? 0);
            Contamination? found = call.Parsed.GetValue(skip) ? null
                : Search([.. items.Items.Take(results.Count)], open.Folder, call);
            return Write(call, new EvalReport(results, found), name, items, file, call.Parsed.GetValue(csv));
        });
        return verb;
    }

    /// <summary>The report in the form that was asked for.</summary>
    internal static int Write(Invocation call, EvalReport report, string model, EvalSuite items, string? file, string? csv)
    {
        Table table = report.ToTable(model, items);
        if (csv == "-")
        {
            table.WriteCsv(call.Out);
            return 0;
        }
        if (csv is { Length: > 0 }) table.WriteCsv(csv);
        if (call.Json) table.WriteJsonLines(call.Out);
        else Write(call.Out, report, file);
        return 0;
    }

    const string WorldSuite = "world";

    /// <summary>The world that a checkpoint's run was trained on; of another model the first one.</summary>
    static World WorldOf(string modelFolder, Workspace here) => EvalRun.RunOf(modelFolder) is not { } run ? new World(new())
        : WorldCorpus.WorldOf(CorpusInfo.Load(here.CorpusFolder(RunRecord.Load(run.Folder).Corpus.Name)));

    /// <summary>Looks in all text that a checkpoint was trained on; null where that is not known or gone.</summary>
    static Contamination? Search(IReadOnlyList<EvalItem> items, string modelFolder, Invocation call)
    {
        IReadOnlyList<(string Folder, CorpusFacts? Then)> corpora = EvalRun.CorporaOf(modelFolder);
        if (corpora.Count == 0)
            call.Err.WriteLine($"{modelFolder} is no checkpoint of a run: its training text is not known and was not searched");
        Contamination? all = null;
        foreach ((string folder, CorpusFacts? then) in corpora)
        {
            if (!Directory.Exists(folder))
            {
                call.Err.WriteLine($"{folder} is no longer there: the training text was not searched");
                return null;
            }
            using Corpus corpus = Corpus.Open(folder);
            if (then is null || !then.SameText(CorpusFacts.Of(corpus)))
            {
                call.Err.WriteLine($"{folder} was built anew after the training: the training text was not searched");
                return null;
            }
            Contamination own = Contamination.Search(items, corpus, call.Here);
            if (all is not null) own = own with { Found = all.Found.Union(own.Found).ToHashSet(), Bytes = all.Bytes + own.Bytes };
            all = own;
        }
        return all;
    }

    // ---- for a reader ---------------------------------------------------------------------------------------------------------

    static void Write(TextWriter output, EvalReport report, string? file)
    {
        EvalRow all = report.Rows[0];
        List<string[]> lines =
        [
            ["task", "level", "items", "accuracy", "95 %", "chance", "/token", "/byte", "nll", "bits/byte", "margin", "tokens",
                "ms", "format", "cut", "in training"],
        ];
        var tasks = report.Rows.Where(r => r.Slice == "task").ToList();
        foreach (EvalRow task in tasks)
        {
            lines.Add(Cells(task, task.Task!));
            var levels = report.Rows.Where(r => r.Slice == "task level" && r.Task == task.Task).ToList();
            if (levels.Count > 1) lines.AddRange(levels.Select(l => Cells(l, "  " + World.TitleOf($"{l.Task}.{l.Level}"))));
        }
        if (tasks.Count > 1) lines.Add(Cells(all, "all"));
        // Columns that say nothing of this suite are left out.
        int last = lines[0].Length - 1;
        int[] shown = [.. Enumerable.Range(0, last).Where(c => c < 6 || lines.Skip(1).Any(l => l[c] is not ("" or "0"))),
            .. all.Contaminated is null ? [] : (int[])[last]];
        TextTable.Write(output, [.. lines.Select(l => shown.Select(c => l[c]).ToArray())], 0);
        output.WriteLine();
        foreach (EvalNote note in report.Notes)
            output.WriteLine((note.Note == ItemResult.CutNote
                ? $"cut: {note.Items} prompts were longer than the context and lost their beginning: "
                : $"{note.Note}: {note.Items} items: ") + string.Join(", ", note.First) +
                (note.Items > note.First.Count ? ", …" : ""));
        if (all.Contaminated is { } found)
            output.WriteLine($"in training: {found} of {all.Items - all.TooShort} items stand there word for word" +
                (all.TooShort > 0 ? $"; {all.TooShort} are too short to tell (below {Contamination.MinBytes} bytes)" : ""));
        string stars = report.Rows.Any(r => r.Accuracy.Wilson) ? ", * Wilson's" : "";
        output.WriteLine((all.Flops > 0 ? $"{Format.Quantity(all.Flops, "FLOPs")} of measuring; " : "") +
            $"intervals are clustered by template{stars}");
        if (file is not null) output.WriteLine($"results: {file}");
    }

    static string[] Cells(EvalRow row, string task) =>
    [
        task, row.Slice == "task level" ? Text($"{row.Level}") : "", Text($"{row.Items}"), Percent(row.Accuracy.Mean),
        $"{Percent(row.Accuracy.Low)}–{Percent(row.Accuracy.High)}{(row.Accuracy.Wilson ? "*" : " ")}", Percent(row.Chance),
        Percent(row.AccuracyPerToken), Percent(row.AccuracyPerByte), Value(row.AnswerNll, row.NllInterval),
        Value(row.BitsPerByte, row.BitsInterval), Value(row.Margin, row.MarginInterval), Text($"{row.Tokens:F1}"),
        Text($"{row.Milliseconds:F0}"), Text($"{row.FormatErrors}"),
        Text($"{row.Cut}"), Text($"{row.Contaminated}"),
    ];

    static string Percent(double? share) => share is null ? "" : Text($"{100 * share:F1}");

    static string Value(double? value, (double Low, double High)? interval) =>
        Text($"{value:F2}") + (interval is { } i ? Text($" ±{(i.High - i.Low) / 2,4:F2}") : "");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
