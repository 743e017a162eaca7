using System.Text.Json.Serialization;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Failures;

/// <summary>What a laboratory of failures is asked for.</summary>
/// <param name="Config">of the run that is made to fail</param> <param name="Trials">faults of each kind</param>
/// <param name="Seed">of where and when they strike</param> <param name="Patience">seconds without a step</param>
sealed record FailureRecipe(RunConfig Config, IReadOnlyList<FaultKind> Kinds, int Trials = 1, ulong Seed = 1,
    double Patience = 10);

/// <summary>What one fault did to one run.</summary>
/// <param name="Fault">as "kill@120@7"</param> <param name="By">what found it; empty: nothing did</param>
/// <param name="After">steps from the one it struck at, 0: before that one was done; null: it was not found</param>
/// <param name="Again">steps that were done more than once</param> <param name="Lives">processes that it took</param>
/// <param name="SameBits">weights and moments at the end are those of the undisturbed run</param>
/// <param name="Loss">on held-out text at the end; null: the run did not end</param>
/// <param name="Effective">useful seconds, those of its steps each done once, of all</param>
/// <param name="Said">by what found it</param>
sealed record FaultOutcome(string Fault, string By, int? After, int Again, int Lives, bool SameBits, double? Loss, double Seconds,
    double Effective, string Said);

/// <summary>All of a laboratory.</summary>
/// <param name="Settings">of the run, as text: other settings are another laboratory</param>
/// <param name="StepSeconds">of a step, the median</param> <param name="SaveSeconds">of a checkpoint</param>
/// <param name="StartSeconds">of a process, from its start to its first step</param>
/// <param name="Undisturbed">the run that nothing happens to; its fault is empty</param>
sealed record FailureReport(string Name, string Settings, int Steps, double StepSeconds, double SaveSeconds, double StartSeconds,
    FaultOutcome Undisturbed, IReadOnlyList<FaultOutcome> Outcomes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(FailureReport))]
sealed partial class FailureJson : JsonSerializerContext;

/// <summary>
/// The laboratory of failures: a run is trained undisturbed, then once for each fault of a plan that a seed draws, as real
/// processes; what was found, by what, and what it cost is written down. It has a home of its own with a copy of the text, so
/// that no run of the user's is touched. Stopped, the same command goes on with the next fault.
/// </summary>
static class FailureLab
{
    const int LeastSteps = 80;
    const string Undisturbed = "undisturbed";
    static readonly Format format = new("failures");

    /// <summary>Runs what is still to be run.</summary>
    /// <exception cref="ConfigException">A recipe that breaks a rule, or a laboratory of that name with another one.</exception>
    public static FailureReport Run(FailureRecipe recipe, Workspace here, TrainLine line)
    {
        if (recipe.Trials < 1) throw new ConfigException($"trials={recipe.Trials} must be at least 1: faults of each kind");
        if (!(recipe.Patience >= 1)) throw new ConfigException($"patience={recipe.Patience} must be at least 1 second");
        (Workspace lab, Plan plan, string text, string settings) = Open(recipe.Config, here, checks: true);
        string file = Path.Combine(lab.Root, "failures.json");
        FailureReport? done = File.Exists(file) ? JsonFile.Read(file, format, FailureJson.Default.FailureReport) : null;
        if (done is not null && done.Settings != settings)
            throw new ConfigException($"{lab.Root} was begun with other settings; choose another name, or remove it");
        Fault[] faults = [.. Enumerable.Range(0, recipe.Trials).SelectMany(t => recipe.Kinds.Select(k =>
            Fault.Draw(k, plan.Steps, recipe.Seed, (int)k + 100 * t)))];

        var supervisor = new Supervisor(line, lab, text, recipe.Patience);
        int at = 0;
        here.Report("failures", at, faults.Length + 1, "runs", Undisturbed);
        if (done is null)
        {
            (FaultOutcome alone, double step, double start) = Outcome(supervisor, lab, Undisturbed, null, plan.Steps, here.Stop);
            double save = SaveTime.Measure(lab.Root, 12 * plan.Parameters);
            done = new(Path.GetFileName(lab.Root), settings, plan.Steps, step, save, start, alone, []);
            Save();
        }
        foreach (Fault fault in faults)
        {
            here.Report("failures", ++at, faults.Length + 1, "runs", fault.Words);
            if (done.Outcomes.Any(o => o.Fault == fault.ToString())) continue;
            done = done with { Outcomes = [.. done.Outcomes, Strike(fault)] };
            Save();
        }
        here.Report("failures", faults.Length + 1, faults.Length + 1, "runs");
        return done with { Outcomes = [.. faults.Select(f => done.Outcomes.First(o => o.Fault == f.ToString()))] };

        void Save() => JsonFile.Write(file, done, format, FailureJson.Default.FailureReport);

        FaultOutcome Strike(Fault fault)
        {
            if (fault.Kind != FaultKind.Shard) return Outcome(supervisor, lab, "struck", fault, plan.Steps, here.Stop).Outcome;
            string shard = Directory.GetFiles(lab.CorpusFolder(plan.Corpus.Name), "train*.tok").Order().First();
            string whole = Path.Combine(here.CorpusFolder(plan.Corpus.Name), Path.GetFileName(shard));
            var mending = new Supervisor(line, lab, text, recipe.Patience) { Mend = _ => File.Copy(whole, shard, true) };
            try
            {
                FlipOnDisk(shard, fault);
                return Outcome(mending, lab, "struck", fault, plan.Steps, here.Stop).Outcome;
            }
            finally
            {
                File.Copy(whole, shard, true);
            }
        }
    }

    /// <summary>
    /// A home of its own in which runs are made to fail, with a copy of their text and a file of their settings; checkpoints and
    /// checks are added where the user named none.
    /// </summary>
    internal static (Workspace Lab, Plan Plan, string RecipeFile, string Settings) Open(RunConfig config, Workspace here,
        bool checks)
    {
        if (OperatingSystem.IsWindows()) throw new ConfigException("failures need signals: Linux or macOS");
        if (config.From is { } from) throw new ConfigException($"from={from}: a run that fails begins at its own start");
        Plan plan = Trainer.PlanOf(config, here);
        if (plan.Steps < LeastSteps)
            throw new ConfigException($"a run of {plan.Steps} steps is too short to fail in: {LeastSteps} at least; try " +
                $"train.steps={2 * LeastSteps}");
        plan = Trainer.PlanOf(config with
        {
            Train = checks ? config.Train with { CheckEvery = config.Train.CheckEvery ?? 10 } : config.Train,
            Save = config.Save with { Minutes = config.Save.Minutes ?? 0, Every = config.Save.Every ?? plan.Steps / 10 },
        }, here);
        string name = FolderName.Checked("name", config.Name ?? plan.Name), corpus = plan.Corpus.Name;
        Workspace lab = here with { Root = Path.Combine(here.Root, "failures", name) };
        CopyCorpus(here.CorpusFolder(corpus), lab.CorpusFolder(corpus));
        string settings = Config.ToJson(plan.Config with { Name = null });
        string file = Path.Combine(lab.Root, checks ? "recipe.json" : "fleet-recipe.json");
        WholeFile.Write(file, settings);
        return (lab, plan, file, settings);
    }

    static void CopyCorpus(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            var copy = new FileInfo(Path.Combine(to, Path.GetFileName(file)));
            // One that a killed laboratory left with a flipped bit is younger than its original.
            if (!copy.Exists || copy.LastWriteTimeUtc != File.GetLastWriteTimeUtc(file)) File.Copy(file, copy.FullName, true);
        }
    }

    static (FaultOutcome Outcome, double StepSeconds, double StartSeconds) Outcome(Supervisor supervisor, Workspace lab,
        string run, Fault? fault, int steps, CancellationToken stop)
    {
        string folder = lab.RunFolder(run);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Attended what = supervisor.Attend(run, fault, stop);
        List<StepRow> rows = RunFolder.ReadSteps(folder);
        double[] paces = [.. rows.Select((r, i) => r.Seconds - (i > 0 ? rows[i - 1].Seconds : 0)).Where(s => s > 0).Order()];
        double step = paces.Length == 0 ? double.NaN : paces[paces.Length / 2];
        bool done = what.Done && Checkpoint.StepsIn(folder).LastOrDefault() == steps;
        TrainState? end = done ? Checkpoint.ReadState(Path.Combine(folder, Checkpoint.NameOf(steps))) : null;
        var outcome = new FaultOutcome(fault?.ToString() ?? "", what.Found?.By ?? "",
            what.Found is { } found ? Math.Max(0, found.Step - fault!.Step + 1) : null, what.Again, what.Lives.Count,
            end is not null && (fault is null || Bits(end) == Bits(Checkpoint.ReadState(Path.Combine(lab.RunFolder(Undisturbed),
                Checkpoint.NameOf(steps))))), end?.ValidLoss, what.Seconds, steps * step / what.Seconds, what.Found?.Said ?? "");
        return (outcome, step, what.Lives[0].Start);

        static (string, string) Bits(TrainState state) =>
            (state.Files[ModelFolder.ModelFile].XxHash128, state.Files[Checkpoint.OptimizerFile].XxHash128);
    }

    static void FlipOnDisk(string path, Fault fault)
    {
        Rng random = RandomUse.Fault.Open(fault.Seed);
        const int Header = 4096;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = Header + (long)(random.NextDouble() * (0.9 * file.Length - Header));
        int bits = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(bits ^ 1 << random.NextInt(8)));
    }
}
