using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop exam</c>: held-out items of tasks asked of any models.</summary>
static class ExamCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("runs") { Description = "RUN or RUN@STEP", Arity = ArgumentArity.OneOrMore };
        var tasks = new Option<string[]>("--task")
        {
            Description = "Levels to ask: parity:1..3",
            HelpName = "TASK",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var forms = new Option<string>("--forms")
        {
            Description = "open (the model chooses to think or not), think, direct (it is made to)",
            HelpName = "F,F",
            DefaultValueFactory = _ => "open",
        };
        static Option<int> Count(string name, string what, int otherwise) =>
            new(name) { Description = what, HelpName = "N", DefaultValueFactory = _ => otherwise };
        Option<int> items = Count("--items", "Held-out items of each level", 256),
            replies = Count("--replies", "Replies to each", 8),
            most = Count("--max-new-tokens", "Longest reply", 256);
        var seed = new Option<ulong>("--seed") { Description = "Seed of items and replies", DefaultValueFactory = _ => 1ul };
        var csv = new Option<string?>("--csv") { Description = "Write the rows", HelpName = "FILE" };
        var svg = new Option<string?>("--svg")
        {
            Description = "Write accuracy against size; runs whose names differ in .sSEED, .dWIDTH and .BUDGET alone are one " +
                "line",
            HelpName = "FILE",
        };
        var x = new Option<string>("--x")
        {
            Description = "Of the picture: parameters, flops",
            DefaultValueFactory = _ =>
            "parameters"
        };
        var verb = new Verb("exam", "Ask models held-out items of tasks: accuracy, pass@k, length of replies, by form.",
            "isoflop exam p p-rl --task parity:1..3 --forms open,think,direct",
            "isoflop exam t.d32.s1 t.d64.s1 t.d128.s1 --task permutations:2 --svg size.svg")
        { runs, tasks, forms, items, replies, most, seed, csv, svg, x };
        verb.Runs(call =>
        {
            ReplyForm[] asked = [.. call.Parsed.GetValue(forms)!.Split(',').Select(f =>
                Enum.TryParse(f, ignoreCase: true, out ReplyForm form) && Enum.IsDefined(form) && !char.IsDigit(f[0]) ? form
                    : throw new ConfigException($"--forms '{f}' must be open, think or direct"))];
            string axis = call.Parsed.GetValue(x)!;
            if (axis is not ("parameters" or "flops")) throw new ConfigException($"--x '{axis}' must be parameters or flops");
            IReadOnlyList<ExamRow> rows = PolicyExam.Of(call.Parsed.GetValue(runs)!,
                    new(call.Parsed.GetValue(tasks)!, asked, call.Parsed.GetValue(items),
                    call.Parsed.GetValue(replies), call.Parsed.GetValue(most), call.Parsed.GetValue(seed)), call.Here);
            if (call.Json)
                foreach (ExamRow row in rows) call.Out.WriteLine(JsonSerializer.Serialize(row, ExamJson.Default.ExamRow));
            else Write(call.Out, rows);
            if (call.Parsed.GetValue(csv) is { } table) PolicyExam.ToTable(rows).WriteCsv(table);
            if (call.Parsed.GetValue(svg) is { } picture)
            {
                IReadOnlyList<Chart> charts = PolicyExam.Charts(rows, axis == "flops");
                if (!Chart.Save(picture, charts, Math.Min(2, charts.Count))) call.Err.WriteLine(Chart.TooFew);
            }
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, IReadOnlyList<ExamRow> rows)
    {
        int width = rows.Max(r => r.Run.Length), level = rows.Max(r => r.Answers.Level.Length);
        output.WriteLine($"{"run".PadRight(width)}  parameters     FLOPs  {"level".PadRight(level)}  form    greedy  pass@1  " +
            $"    ±  " +
            "pass@k  length  thinks  cut off  chance");
        foreach (ExamRow r in rows)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{r.Run.PadRight(width)}  {r.Parameters,10:n0}  {r.Flops,8:0.00e0}  {r.Answers.Level.PadRight(level)}  ") +
                RlText.Form(r.Answers.Form) + "  " + RlText.Scores(r.Answers));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ExamRow))]
sealed partial class ExamJson : JsonSerializerContext;
