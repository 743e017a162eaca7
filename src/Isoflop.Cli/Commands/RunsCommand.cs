using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Runs;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop runs</c>: lists the runs of a home.</summary>
static class RunsCommand
{
    static readonly string[] Heads =
        ["name", "status", "corpus", "params", "step", "tokens", "FLOPs", "loss", "valid", "bits/byte"];

    public static Command Create()
    {
        var verb = new Verb("runs", "List the runs: status, size, what was spent, loss.", "isoflop runs", "isoflop runs --json");
        verb.Runs(call =>
        {
            IReadOnlyList<RunSummary> runs = new RunStore(call.Home).List();
            if (call.Json)
            {
                foreach (RunSummary run in runs)
                    call.Out.WriteLine(JsonSerializer.Serialize(run, RunsCommandJson.Default.RunSummary));
                return 0;
            }
            if (runs.Count == 0) call.Err.WriteLine($"no runs in {call.Home}; start one with isoflop train");
            else TextTable.Write(call.Out, [Heads, .. runs.Select(Cells)], 0, 1, 2);
            foreach (RunSummary run in runs)
                if (run.Problem is not null) call.Err.WriteLine(run.Problem);
            return 0;
        });
        return verb;
    }

    static string[] Cells(RunSummary r) =>
    [
        r.Name, r.Status, r.Corpus, Format.Quantity(r.Parameters, "").TrimEnd(), $"{r.Step}/{r.Steps}",
        Format.Quantity(r.Tokens, "").TrimEnd(),
        r.Flops.ToString("0.00e0", CultureInfo.InvariantCulture), Number(r.Loss), Number(r.ValidLoss), Number(r.BitsPerByte),
    ];

    static string Number(double? x) => x?.ToString("F4", CultureInfo.InvariantCulture) ?? "-";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunSummary))]
sealed partial class RunsCommandJson : JsonSerializerContext;
