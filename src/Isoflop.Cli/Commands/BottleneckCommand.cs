using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop bottleneck</c>: what binds at the end of a study's curve.</summary>
static class BottleneckCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("study") { Description = "The study" };
        var at = new Option<double?>("--at")
        {
            Description = "The budget to look at; the largest with enough seeds",
            HelpName =
            "FLOPs"
        };
        var seeds = new Option<int>("--seeds") { Description = "Seeds, paired", HelpName = "N", DefaultValueFactory = _ => 3 };
        var workers = new Option<int>("--workers") { Description = "Runs side by side; 0: one a core", HelpName = "N" };
        var yes = new Option<bool>("--yes") { Description = "Start without asking" };
        var verb = new Verb("bottleneck",
            "Change one factor at a time (size, data, learning rate, batch, context) at the end of a curve, and name what binds.",
            "isoflop bottleneck decades --at 1e12", "isoflop bottleneck first --yes --json") { name, at, seeds, workers, yes };
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            Study study = Study.Open(call.Here, call.Parsed.GetValue(name)!);
            double? budget = call.Parsed.GetValue(at);
            int count = call.Parsed.GetValue(seeds), side = call.Parsed.GetValue(workers);
            IReadOnlyList<PlannedRun> runs = Bottleneck.PlanOf(study, call.Here, budget, count);
            int open = runs.Count - StudyResult.Of(call.Here, runs).Count;
            if (open > 0)
            {
                StudyTables.Plan(call.Err, runs, null, crew.SideBySide(call, side), call.Here);
                StudyTables.Ask(call, call.Parsed.GetValue(yes));
            }
            if (crew.Begin(call, study.Name, side, open,
                here => Bottleneck.Run(Study.Open(here, study.Name), here, budget, count, 1).Failed) is { } code) return code;
            BottleneckResult result = Bottleneck.Run(study, call.Here, budget, count, side);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(result, DuelJson.Default.BottleneckResult));
            else Write(call.Out, result);
            foreach (FailedRun f in result.Failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
            return result.Failed.Count > 0 ? App.UserError : 0;
        });
        return verb;
    }

    static void Write(TextWriter output, BottleneckResult r)
    {
        output.WriteLine(I($"at {r.Budget:0.##e0} FLOPs: ") +
            I($"{r.Base.ParametersWithoutEmbedding:N0} parameters without the embedding, ") +
            I($"{r.Base.Tokens:N0} ") +
            I($"tokens, loss {r.BaseLoss:0.0000} nats/token, ") +
            (double.IsNaN(r.Noise) ? "one seed" : I($"± {r.Noise:0.0000} over seeds")));
        var rows = new List<string[]> { new[] { "factor", "change", "compute", "gain, nats", "95 %", "" } };
        foreach (Intervention i in r.Interventions)
            rows.Add([i.Factor, i.Change, I($"× {i.Compute:0.00}"), I($"{i.Gain.Value:+0.0000;-0.0000}"),
                double.IsNaN(i.Gain.Low) ? "–" : I($"± {i.Gain.High - i.Gain.Value:0.0000}"),
                double.IsNaN(i.Gain.Low) ? "unclear" : i.Helps ? "helps" : i.Gain.High < 0 ? "hurts" : "inside the noise"]);
        TextTable.Write(output, rows, 0, 1, 5);
        output.WriteLine(r.Verdict);
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
