using System.Text.Json.Serialization;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Failures;

/// <summary>What one way to deal with a jumping loss made of one fault.</summary>
/// <param name="Fault">as "data@120@7"; empty: none, which shows what false alarms do</param>
/// <param name="Way">train.spikes; empty: nothing is done</param>
/// <param name="Loss">on held-out text at the end; null: the run did not end</param> <param name="Spikes">steps that were found
/// to jump</param> <param name="Skipped">steps without an update</param> <param name="Again">steps that were done more than
/// once</param> <param name="Effective">updates that count, of all steps computed</param>
sealed record SpikeOutcome(string Fault, string Way, double? Loss, int Spikes, int Skipped, int Again, double Effective);

/// <summary>All of a comparison.</summary>
sealed record SpikeReport(string Settings, int Steps, IReadOnlyList<SpikeOutcome> Outcomes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(SpikeReport))]
sealed partial class SpikeJson : JsonSerializerContext;

/// <summary>
/// Compares what is done about a loss that jumps, on the same faults: noise in the text, which stays there, and too high a rate,
/// which has passed when training goes back.
/// </summary>
static class SpikeLab
{
    static readonly Format format = new("spikes");
    static readonly string[] ways = ["", "skip", "clip", "rewind"];

    /// <summary>Runs what is still to be run.</summary>
    /// <exception cref="ConfigException">A recipe that breaks a rule, or a laboratory of that name with another one.</exception>
    public static SpikeReport Run(FailureRecipe recipe, Workspace here, TrainLine line)
    {
        if (recipe.Trials < 1) throw new ConfigException($"trials={recipe.Trials} must be at least 1: faults of each kind");
        (Workspace lab, Plan plan, string text, string settings) = FailureLab.Open(recipe.Config, here, checks: false);
        string file = Path.Combine(lab.Root, "spikes.json");
        SpikeReport done = File.Exists(file) ? JsonFile.Read(file, format, SpikeJson.Default.SpikeReport)
            : new(settings, plan.Steps, []);
        if (done.Settings != settings)
            throw new ConfigException($"{lab.Root} was begun with other settings; choose another name, or remove it");
        string[] faults = ["", .. Enumerable.Range(0, recipe.Trials).SelectMany(t =>
            ((FaultKind[])[FaultKind.Data, FaultKind.Rate]).Select(k =>
                Fault.Draw(k, plan.Steps, recipe.Seed, (int)k + 100 * t).ToString()))];
        (string Fault, string Way)[] all = [.. faults.SelectMany(f => ways.Select(w => (f, w)))];
        int at = 0;
        foreach ((string fault, string way) in all)
        {
            here.Report("spikes", at++, all.Length, "runs", $"{fault} {way}");
            if (done.Outcomes.Any(o => o.Fault == fault && o.Way == way)) continue;
            done = done with { Outcomes = [.. done.Outcomes, Outcome(fault, way)] };
            JsonFile.Write(file, done, format, SpikeJson.Default.SpikeReport);
        }
        here.Report("spikes", all.Length, all.Length, "runs");
        return done with { Outcomes = [.. all.Select(a => done.Outcomes.First(o => o.Fault == a.Fault && o.Way == a.Way))] };

        SpikeOutcome Outcome(string fault, string way)
        {
            string folder = lab.RunFolder("spiked");
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Attended what = new Supervisor(line, lab, text, recipe.Patience)
            {
                Also = way.Length > 0 ? [$"train.spikes={way}"] : [],
                Watches = false,
            }.Attend("spiked", fault.Length > 0 ? Fault.Parse(fault) : null, here.Stop);
            bool whole = what.Done && Checkpoint.StepsIn(folder).LastOrDefault() == plan.Steps;
            List<RunEvent> events = RunFolder.ReadEvents(folder);
            RunEvent[] spikes = [.. events.Where(e => e.Event == "spike")], back = [.. events.Where(e => e.Event == "rewind")];
            int skipped = spikes.Count(e => e.Note.EndsWith("no update", StringComparison.Ordinal)), again = back.Sum(Steps);
            double? loss = whole ? Checkpoint.ReadState(Path.Combine(folder, Checkpoint.NameOf(plan.Steps))).ValidLoss : null;
            return new(fault, way, loss,
                spikes.Length + back.Length, skipped, again, (double)(plan.Steps - skipped) / (plan.Steps + again));
        }

        // "step 120 had a loss of …": those behind the checkpoint, that one among them
        static int Steps(RunEvent back) => int.Parse(back.Note.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)
            - back.Step;
    }
}
