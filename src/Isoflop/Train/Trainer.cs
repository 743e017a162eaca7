using Isoflop.Data;
using Isoflop.Kernels;

namespace Isoflop.Train;

/// <summary>How far a run is.</summary>
/// <param name="Step">updates done</param> <param name="Loss">of the last step, nats a token</param>
/// <param name="SecondsLeft">until the last step, at the pace of this process so far</param>
public readonly record struct TrainProgress(
    int Step, int Steps, double Loss, double LearningRate, double TokensPerSecond, double SecondsLeft);

/// <summary>Where and how to train; nothing here changes a bit of the result.</summary>
public sealed record TrainOptions
{
    /// <summary>Folder of all corpora and runs.</summary>
    public string Home { get; init; } = "./isoflop";

    /// <summary>0 takes every core.</summary>
    public int Threads { get; init; }

    /// <summary>Resume at this checkpoint and set later ones aside; null: at the newest.</summary>
    public int? ResumeAt { get; init; }

    /// <summary>The machine's peak, FLOPs a second, for the share in the rows; 0: measured at the start.</summary>
    public double PeakFlops { get; init; }

    /// <summary>Told after every step.</summary>
    public Action<TrainProgress>? Progress { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Opens a checkpoint's files; tests fill the disk here.</summary>
    internal CreateFile? CreateFile { get; init; }
}

/// <summary>What a run came to.</summary>
/// <param name="Done">all steps are done; else it was stopped and the same command resumes it</param>
/// <param name="AlreadyDone">it was before this call</param> <param name="Loss">of the last step, nats a token</param>
/// <param name="ValidLoss">on all held-out text, nats a token; NaN when stopped</param>
/// <param name="BitsPerByte">the same in bits a byte</param>
public sealed record TrainResult(string Path, string Name, bool Done, bool AlreadyDone, int Step, int Steps, double Loss,
    double ValidLoss, double BitsPerByte, Ledger Ledger);

/// <summary>
/// Trains one model. The same settings open the same run folder: killed at any moment and called again, it ends with the same
/// bits.
/// </summary>
public static class Trainer
{
    /// <summary>Prices a run without starting it.</summary>
    /// <exception cref="ConfigException">A broken rule.</exception>
    /// <exception cref="DataException">No such corpus or source run.</exception>
    public static Plan PlanOf(RunConfig config, string home)
    {
        SourceFacts? source = SourceOf(config, home, out _);
        using Corpus corpus = OpenCorpus(config, source, home);
        return Plan.Make(config, FactsOf(corpus), source);
    }

    /// <summary>Trains, resumes, or says that it is done.</summary>
    /// <param name="stop">saves a checkpoint at the end of the step under way, then returns</param>
    /// <exception cref="ConfigException">A broken rule; a run of that name with other settings; another process writes
    /// it.</exception>
    /// <exception cref="DataException">A checkpoint or corpus that was altered; a full disk; a loss that is not
    /// finite.</exception>
    public static TrainResult Train(RunConfig config, TrainOptions options, CancellationToken stop = default)
    {
        SourceFacts? source = SourceOf(config, options.Home, out string gone);
        using Corpus corpus = OpenCorpus(config, source, options.Home);
        Plan plan = Plan.Make(config, FactsOf(corpus), source);
        List<int> there = Checkpoint.StepsIn(RunFolder.PathOf(options.Home, plan.Config.Name));
        if (gone.Length > 0 && there.Count == 0) throw new ConfigException(gone);
        if (options.ResumeAt is { } wanted && there.Count == 0)
            throw new ConfigException(
                $"--resume-at {wanted}: {RunFolder.PathOf(options.Home, plan.Config.Name)} has no checkpoint");
        CheckThreads(options.Threads);
        using IDevice device = Devices.Open("cpu", options.Threads);
        CheckMemory(plan, device.Traits.MemoryBytes);
        RunRecord record = RunRecord.Of(plan, device, options.Time.GetUtcNow().UtcDateTime);
        using RunFolder folder = RunFolder.Open(options.Home, record, options.Time);
        if (options.ResumeAt is { } step) Rewind(folder, step);

        List<int> saved = Checkpoint.StepsIn(folder.Path);
        TrainState? state = saved.Count == 0 ? null : Resumable(folder, saved, plan);
        if (state is not null && state.Step == plan.Steps && Whole(folder, plan) is { } whole)
            return ResultOf(folder, plan, state, whole);

        var loop = new TrainLoop(plan, corpus, device, folder, options);
        if (state is not null) loop.Resume(state);
        else if (source is not null)
            loop.Begin(FolderOf(config, options.Home), sameWindows: source.Config.Model.ContextLen == plan.Model.ContextLen);
        else loop.Begin();
        ValidRow? end = loop.Run(stop);
        return ResultOf(folder, plan, loop.State, end) with { AlreadyDone = false };
    }

    /// <summary>What would otherwise end in the middle of the night, killed for memory.</summary>
    static void CheckMemory(Plan plan, long there)
    {
        if (plan.Memory.Total > there)
        {
            string needs = FormattableString.Invariant($"{plan.Memory.Total / 1e9:0.0} GB ({plan.Parameters:N0} parameters)");
            throw new ConfigException($"the run needs {needs}, " + FormattableString.Invariant($"there are {there / 1e9:0.0}; ") +
                "make model.d_model or model.n_layer smaller, or lower train.micro_tokens");
        }
    }

    internal static void CheckThreads(int threads)
    {
        if (threads < 0 || threads > 4 * Environment.ProcessorCount)
            throw new ConfigException($"--threads {threads} must be from 0 to {4 * Environment.ProcessorCount}: four a core; " +
                "0 takes one a core");
    }

    static TrainResult ResultOf(RunFolder folder, Plan plan, TrainState state, ValidRow? end) =>
        new(folder.Path, plan.Config.Name, end is not null, true, state.Step, plan.Steps, state.Loss ?? double.NaN,
            end?.Loss ?? double.NaN, end?.BitsPerByte ?? double.NaN, state.Ledger);

    static ValidRow? Whole(RunFolder folder, Plan plan)
    {
        foreach (ValidRow row in RunFolder.ReadValid(folder.Path))
            if (row.Whole && row.Step == plan.Steps) return row;
        return null;
    }

    static Corpus OpenCorpus(RunConfig config, SourceFacts? source, string home)
    {
        string name = config.Corpus.Length > 0 ? config.Corpus : source?.Config.Corpus ?? "";
        string all = Path.Combine(home, "corpus");
        if (name.Length > 0 && Directory.Exists(Path.Combine(all, name))) return Corpus.Open(Path.Combine(all, name));
        string[] folders = Directory.Exists(all) ? Directory.GetDirectories(all) : [];
        string[] there = [.. folders.Select(d => Path.GetFileName(d)!).Order()];
        throw new ConfigException($"corpus='{name}': {(name.Length == 0 ? "name one" : "there is none of that name")} " +
            $"in {all}; " +
            (there.Length == 0 ? "make one with 'isoflop corpus'" : $"there are: {string.Join(", ", there)}"));
    }

    static CorpusFacts FactsOf(Corpus corpus) => new(corpus.Name, corpus.Info.VocabSize, corpus.Train.Count, corpus.Valid.Count,
        corpus.Info.Valid.BytesPerToken, corpus.Info.TokenizerHash);

    static string FolderOf(RunConfig config, string home)
    {
        RunPoint.TryParse(config.From, out RunPoint point);
        return Path.Combine(RunFolder.PathOf(home, point.Run), Checkpoint.NameOf(point.Step));
    }

    /// <param name="gone">
    /// Why the checkpoint cannot be begun at: it was pruned, or its run deleted. A run that has its own by now needs it no more.
    /// </param>
    static SourceFacts? SourceOf(RunConfig config, string home, out string gone)
    {
        gone = "";
        // a malformed one is among the settings' problems
        if (!RunPoint.TryParse(config.From, out RunPoint point)) return null;
        string run = RunFolder.PathOf(home, point.Run), folder = FolderOf(config, home);
        if (Directory.Exists(folder))
        {
            TrainState state = Checkpoint.ReadState(folder);
            return new(point.Step, RunRecord.Load(run).Config, state.Corpus, state.TokenizerHash);
        }
        List<int> steps = Checkpoint.StepsIn(run);
        bool known = File.Exists(Path.Combine(run, RunRecord.FileName));
        gone = known ? $"from={config.From}: no such checkpoint; {run} has " +
                (steps.Count > 0 ? $"{string.Join(", ", steps)}; save.every=N keeps more" : "none yet")
            : $"from={config.From}: there is no run {run}; 'isoflop runs' lists them";
        string own = RunFolder.PathOf(home, config.Name);
        if (!known && (config.Name.Length == 0 || !File.Exists(Path.Combine(own, RunRecord.FileName))))
            throw new ConfigException(gone);
        RunRecord record = RunRecord.Load(known ? run : own);
        return new(point.Step, record.Config, record.Corpus.Name, record.Corpus.TokenizerHash);
    }

    static void Rewind(RunFolder folder, int step)
    {
        List<int> saved = Checkpoint.StepsIn(folder.Path);
        if (!saved.Contains(step))
            throw new ConfigException($"--resume-at {step}: {folder.Path} has " +
                (saved.Count == 0 ? "no checkpoint" : $"checkpoints at {string.Join(", ", saved)}"));
        if (saved[^1] == step) return;
        folder.SetAsideAfter(step);
        folder.Event("rewind", step, $"checkpoints at {string.Join(", ", saved.Where(s => s > step))} were set aside");
    }

    static TrainState Resumable(RunFolder folder, List<int> saved, Plan plan)
    {
        CorpusFacts was = RunRecord.Load(folder.Path).Corpus, now = plan.Corpus;
        string path = Path.Combine(folder.Path, Checkpoint.NameOf(saved[^1]));
        if (was.TokenizerHash != now.TokenizerHash)
            throw new DataException($"{path} was trained with tokenizer {was.TokenizerHash}, corpus '{now.Name}' now has " +
                $"{now.TokenizerHash}; restore that corpus, or choose another name for a new run");
        if (was.TrainTokens != now.TrainTokens || was.ValidTokens != now.ValidTokens)
            throw new DataException($"{path} was trained on {was.TrainTokens} tokens, corpus '{now.Name}' now has " +
                $"{now.TrainTokens}: it was built anew; restore it, or choose another name for a new run");
        try
        {
            return Checkpoint.Verify(path);
        }
        catch (DataException e)
        {
            string next = saved.Count > 1 ? $"to resume from the checkpoint before it, add --resume-at {saved[^2]}"
                : $"there is no checkpoint before it; to start over, remove {folder.Path}";
            throw new DataException($"{e.Message}; {next}", e);
        }
    }
}
