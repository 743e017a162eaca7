using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>What a training run tells beside its progress; one object a run, whose values hold during the call.</summary>
sealed class TrainProgress
{
    /// <summary>Updates done.</summary>
    public int Step { get; internal set; }
    /// <summary>Of the last step, nats a token.</summary>
    public double Loss { get; internal set; }
    /// <summary>Of the last step.</summary>
    public double LearningRate { get; internal set; }
    /// <summary>Of the last step.</summary>
    public double TokensPerSecond { get; internal set; }
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
    public static Plan PlanOf(RunConfig config, Workspace here)
    {
        SourceFacts? source = SourceOf(config, here, out _);
        using Corpus corpus = OpenCorpus(config, source, here);
        return Plan.Make(config, CorpusFacts.Of(corpus), source);
    }

    /// <summary>Trains, resumes, or says that it is done. Asked to stop, it saves a checkpoint at the end of the step.</summary>
    /// <param name="resumeAt">resume at this checkpoint and set later ones aside; null: at the newest</param>
    /// <exception cref="ConfigException">A broken rule; a run of that name with other settings; another process writes
    /// it.</exception>
    /// <exception cref="DataException">A checkpoint or corpus that was altered; a full disk; a loss that is not
    /// finite.</exception>
    public static TrainResult Train(RunConfig config, Workspace here, int? resumeAt = null)
    {
        SourceFacts? source = SourceOf(config, here, out string gone);
        using Corpus corpus = OpenCorpus(config, source, here);
        Plan plan = Plan.Make(config, CorpusFacts.Of(corpus), source);
        string path = here.RunFolder(plan.Name);
        List<int> there = Checkpoint.StepsIn(path);
        if (gone.Length > 0 && there.Count == 0) throw new ConfigException(gone);
        if (resumeAt is { } wanted && there.Count == 0)
            throw new ConfigException($"resume_at={wanted}: {path} has no checkpoint");
        using IDevice device = here.OpenDevice(plan.Precision);
        CheckMemory(plan, device.Traits, here.Ranks?.Count ?? 1);
        RunRecord record = RunRecord.Of(plan, device, here.Clock.GetUtcNow().UtcDateTime);
        Check(here.Ranks, plan, device, here.Device);
        bool writes = here.Ranks is null or { Rank: 0 };
        RunFolder? opened = writes ? RunFolder.Open(here, record) : null;
        here.Ranks?.Union(0);                                     // the others read what the first has tidied
        using RunFolder folder = opened ?? RunFolder.Silent(here, plan.Name);
        List<int> saved = Checkpoint.StepsIn(folder.Path), later = [];
        if (resumeAt is { } step)
        {
            if (!saved.Contains(step))
                throw new ConfigException($"resume_at={step}: {folder.Path} has checkpoints at {string.Join(", ", saved)}");
            later = [.. saved.Where(s => s > step)];
            saved.RemoveAll(s => s > step);
        }
        TrainState? state = saved.Count == 0 ? null : Resumable(folder, saved, plan);
        if (state is not null && state.Step == plan.Steps)
        {
            if (Whole(folder, plan) is { } whole) return ResultOf(folder, plan, state, whole);
            here.Remark($"{folder.Path}: the row of its last measurement is missing; the finished model is measured again");
        }
        if (state is not null) folder.GoOnWith(device, here.AllowOtherBits);
        if (later.Count > 0)
        {
            folder.SetAsideAfter(saved[^1]);
            folder.Event("rewind", saved[^1], $"checkpoints at {string.Join(", ", later)} were set aside");
        }

        var loop = new TrainLoop(plan, corpus, device, folder, here);
        if (state is not null) loop.Resume(state);
        else if (source is not null)
            loop.Begin(FolderOf(config, here),
                sameWindows: source.Config.Model.Shape().ContextLen == plan.Model.ContextLen
                    && CorpusFacts.SameStreams(source.StreamsHash, plan.Corpus.StreamsHash));
        else loop.Begin();
        ValidRow? end = loop.Run();
        loop.Dispose();                    // not after a failure: the thread of a rank may wait for ranks that are no more
        return ResultOf(folder, plan, loop.State, end) with { AlreadyDone = false };
    }

    static void Check(Ranks? ranks, Plan plan, IDevice device, string name)
    {
        if (ranks is null) return;
        CheckRanks(ranks.Count, plan);
        if (device is IRankDevice card) card.Join(ranks);
        else if (!Devices.OnHost(name)) throw new ConfigException($"device={name}: ranks cannot train on it; leave device out");
    }

    /// <summary>That ranks can share a plan's shards.</summary>
    /// <exception cref="ConfigException">They cannot.</exception>
    internal static void CheckRanks(int ranks, Plan plan)
    {
        if (ranks < 1 || !int.IsPow2(ranks) || plan.Shards % ranks != 0 || !int.IsPow2(plan.Shards / ranks))
            throw new ConfigException($"{ranks} ranks do not divide train.shards={plan.Shards} into powers of two; " +
                "shards are what ranks share: choose other ranks, or set train.shards, which is another run");
    }

    /// <summary>What would otherwise end in the middle of the night, killed for memory.</summary>
    static void CheckMemory(Plan plan, DeviceTraits device, int ranks)
    {
        long need = plan.MemoryOn(device, ranks).Total, there = device.MemoryBytes;
        if (need <= there) return;
        string needs = FormattableString.Invariant($"{need / 1e9:0.0} GB ({plan.Parameters:N0} parameters)");
        throw new ConfigException($"the run needs {needs}, " + FormattableString.Invariant($"there are {there / 1e9:0.0}; ") +
            "make model.d_model or model.n_layer smaller, or lower train.micro_tokens");
    }

    static TrainResult ResultOf(RunFolder folder, Plan plan, TrainState state, ValidRow? end) =>
        new(folder.Path, plan.Name, end is not null, true, state.Step, plan.Steps, state.Loss ?? double.NaN,
            end?.Loss ?? double.NaN, end?.BitsPerByte ?? double.NaN, state.Ledger);

    static ValidRow? Whole(RunFolder folder, Plan plan)
    {
        foreach (ValidRow row in RunFolder.ReadValid(folder.Path))
            if (row.Whole && row.Step == plan.Steps) return row;
        return null;
    }

    static Corpus OpenCorpus(RunConfig config, SourceFacts? source, Workspace here)
    {
        string name = config.Corpus ?? source?.Config.Corpus ?? "";
        string all = here.Corpora;
        if (name.Length > 0 && Directory.Exists(Path.Combine(all, name))) return Corpus.Open(Path.Combine(all, name));
        string[] folders = Directory.Exists(all) ? Directory.GetDirectories(all) : [];
        string[] there = [.. folders.Select(d => Path.GetFileName(d)!).Order()];
        throw new ConfigException($"corpus='{name}': {(name.Length == 0 ? "name one" : "there is none of that name")} " +
            $"in {all}; " +
            (there.Length == 0 ? "make one with 'isoflop corpus'" : $"there are: {string.Join(", ", there)}"));
    }

    static string FolderOf(RunConfig config, Workspace here)
    {
        RunPoint.TryParse(config.From, out RunPoint point);
        return Path.Combine(here.RunFolder(point.Run), Checkpoint.NameOf(point.Step));
    }

    /// <param name="gone">
    /// Why the checkpoint cannot be begun at: it was pruned, or its run deleted. A run that has its own by now needs it no more.
    /// </param>
    static SourceFacts? SourceOf(RunConfig config, Workspace here, out string gone)
    {
        gone = "";
        // a malformed one is among the settings' problems
        if (!RunPoint.TryParse(config.From, out RunPoint point)) return null;
        string run = here.RunFolder(point.Run), folder = FolderOf(config, here);
        if (Directory.Exists(folder))
        {
            TrainState state = Checkpoint.ReadState(folder);
            RunRecord own = RunRecord.Load(run);
            return new(point.Step, own.Config, state.Corpus, state.TokenizerHash, own.Corpus.StreamsHash);
        }
        List<int> steps = Checkpoint.StepsIn(run);
        bool known = File.Exists(Path.Combine(run, RunRecord.FileName));
        gone = known ? $"from={config.From}: no such checkpoint; {run} has " +
                (steps.Count > 0 ? $"{string.Join(", ", steps)}; save.every=N keeps more" : "none yet")
            : $"from={config.From}: there is no run {run}; 'isoflop runs' lists them";
        string? begun = config.Name is null ? null : here.RunFolder(config.Name);
        if (!known && (begun is null || !File.Exists(Path.Combine(begun, RunRecord.FileName))))
            throw new ConfigException(gone);
        RunRecord record = RunRecord.Load(known ? run : begun!);
        return new(point.Step, record.Config, record.Corpus.Name, record.Corpus.TokenizerHash, record.Corpus.StreamsHash);
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
        if (!was.SameText(now))
            throw new DataException($"{path} was trained on other text than corpus '{now.Name}' now holds, though as much: " +
                "it was built anew; restore it, or choose another name for a new run");
        try
        {
            return Checkpoint.Verify(path);
        }
        catch (DataException e)
        {
            string next = saved.Count > 1 ? $"to resume from the checkpoint before it, add resume_at={saved[^2]}"
                : $"there is no checkpoint before it; to start over, remove {folder.Path}";
            throw new DataException($"{e.Message}; {next}", e);
        }
    }
}
