using System.Text.Json;
using Isoflop.Kernels;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>
/// A run's folder, open for writing: run.json, metrics.jsonl, valid.jsonl, events.jsonl and checkpoints. One process holds it,
/// which the file <c>lock</c> says; any number may read.
/// </summary>
sealed class RunFolder : IDisposable
{
    /// <summary>Names of the row files.</summary>
    public const string MetricsFile = "metrics.jsonl", ValidFile = "valid.jsonl", EventsFile = "events.jsonl";

    readonly FolderLock? held;                                     // null: a rank that does not write; so are the rows' files
    readonly JsonLines? metrics, valid, events;
    readonly TimeProvider time;

    RunFolder(string path, TimeProvider time) => (Path, this.time) = (path, time);

    RunFolder(string path, FolderLock held, TimeProvider time)
    {
        (Path, this.held, this.time) = (path, held, time);
        CheckpointStore.Tidy(path);
        metrics = new(System.IO.Path.Combine(path, MetricsFile));
        valid = new(System.IO.Path.Combine(path, ValidFile));
        events = new(System.IO.Path.Combine(path, EventsFile));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The folder of a rank that does not write: whatever is written to it goes nowhere.</summary>
    internal static RunFolder Silent(Workspace here, string name) => new(here.RunFolder(name), here.Clock);

    /// <summary>Takes the run's folder, or makes it; the settings must be those it was started with.</summary>
    /// <param name="first">run.json, written when there is none</param>
    /// <param name="replaceUnstarted">and where no checkpoint was written under the one there is</param>
    /// <exception cref="ConfigException">The run was started with other settings, or another process holds it.</exception>
    /// <exception cref="DataException">The folder cannot be written, or run.json is not readable.</exception>
    internal static RunFolder Open(Workspace here, RunRecord first, bool replaceUnstarted = false)
    {
        string path = here.RunFolder(first.Name), record = System.IO.Path.Combine(path, RunRecord.FileName);
        FolderLock? held = null;
        try
        {
            held = FolderLock.Take(path, here.Clock, anew: here.Fence is not null);
            if (File.Exists(record) && !(replaceUnstarted && Checkpoint.StepsIn(path).Count == 0))
            {
                RunRecord there = RunRecord.Load(path);
                string[] differences = [.. there.Differences(first)];
                if (differences.Length > 0)
                    throw new ConfigException(
                        $"{path} was started with {string.Join("; ", differences)}; choose another name, or leave it " +
                        "out: a run is then named by its settings");
                // What was never saved may begin on a corpus that was built anew; a record older than hashes gets one.
                if (there.Corpus != first.Corpus && (Checkpoint.StepsIn(path).Count == 0 || there.Corpus == first.Corpus with
                { StreamsHash = there.Corpus.StreamsHash } && there.Corpus.StreamsHash is null))
                    (there with { Corpus = first.Corpus }).Save(path);
            }
            else
            {
                first.Save(path);
            }
            return new RunFolder(path, held, here.Clock);
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new DataException($"{path}: cannot be written: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Start of the names of folders that a killed deletion may have left; they are no runs.</summary>
    public const string DeletedPrefix = ".deleted-";

    /// <summary>Deletes a run: first it is renamed, so that no half of it is ever found under its name.</summary>
    /// <exception cref="ConfigException">There is none of that name, or another process holds it.</exception>
    public static void Delete(Workspace here, string name)
    {
        string path = here.RunFolder(name), doomed = here.RunFolder($"{DeletedPrefix}{name}-{Guid.NewGuid():N}");
        if (!Directory.Exists(path))
            throw new ConfigException($"{path}: there is no such run; 'isoflop runs' lists those there are");
        FolderLock held = FolderLock.Take(path, here.Clock);
        if (OperatingSystem.IsWindows()) held.Dispose();                    // there a folder with an open file keeps its name
        using (held) Directory.Move(path, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    /// <summary>Steps of training of a run.</summary>
    public static List<StepRow> ReadSteps(string path) =>
        JsonLines.Read(System.IO.Path.Combine(path, MetricsFile), RunJson.Default.StepRow);

    /// <summary>Follows a run's row files while it trains: each look reads only what is new.</summary>
    public static (Tail<StepRow> Steps, Tail<ValidRow> Valid, Tail<RunEvent> Events) Follow(string path) =>
        (new(System.IO.Path.Combine(path, MetricsFile), RunJson.Default.StepRow),
            new(System.IO.Path.Combine(path, ValidFile), RunJson.Default.ValidRow),
            new(System.IO.Path.Combine(path, EventsFile), RunJson.Default.RunEvent));

    /// <summary>Losses on held-out text of a run.</summary>
    public static List<ValidRow> ReadValid(string path) =>
        JsonLines.Read(System.IO.Path.Combine(path, ValidFile), RunJson.Default.ValidRow);

    /// <summary>Events of a run.</summary>
    public static List<RunEvent> ReadEvents(string path) =>
        JsonLines.Read(System.IO.Path.Combine(path, EventsFile), RunJson.Default.RunEvent);

    /// <summary>Drops the rows of steps that will be done again.</summary>
    /// <param name="done">steps up to there were done here: the row of the last must be there</param>
    internal void DropRowsAfter(int step, bool done = false)
    {
        metrics?.DropAfter(step, done);
        valid?.DropAfter(step);
    }

    /// <summary>
    /// That this machine goes on with the bits that the run was begun with; else the user must allow it, and run.json says so.
    /// </summary>
    /// <exception cref="ConfigException">Other bits, and nobody allowed them.</exception>
    internal void GoOnWith(IDevice device, bool allowOtherBits)
    {
        RunRecord record = RunRecord.Load(Path);
        MachineRecord now = RunRecord.MachineOf(device);
        if (record.AlsoOn.Append(record.Machine).Any(m => m.Bits == now.Bits)) return;
        if (!allowOtherBits)
            throw new ConfigException($"{Path} was begun on {record.Machine.Bits}, this is {now.Bits}: it would end with bits " +
                "of neither; go on where it was begun, take another name, or allow it with allow_other_bits=true");
        if (held is not null) (record with { AlsoOn = [.. record.AlsoOn, now] }).Save(Path);
    }

    /// <summary>Appends a step. Allocates nothing.</summary>
    internal void Write(in StepRow row)
    {
        if (held is null || metrics is null) return;
        held.Step = row.Step;
        Utf8JsonWriter json = metrics.Begin();
        json.WriteNumber("step"u8, row.Step);
        if (row.Loss is { } loss) json.WriteNumber("loss"u8, loss);
        if (row.Entropy is { } entropy) json.WriteNumber("entropy"u8, entropy);
        json.WriteNumber("grad_norm"u8, row.GradNorm);
        json.WriteNumber("learning_rate"u8, row.LearningRate);
        json.WriteNumber("tokens"u8, row.Tokens);
        json.WriteNumber("flops"u8, row.Flops);
        json.WriteNumber("seconds"u8, row.Seconds);
        json.WriteNumber("tokens_per_second"u8, row.TokensPerSecond);
        json.WriteNumber("peak_share"u8, row.PeakShare);
        metrics.End();
    }

    /// <summary>Appends a loss on held-out text.</summary>
    internal void Write(in ValidRow row)
    {
        if (valid is null) return;
        Utf8JsonWriter json = valid.Begin();
        json.WriteNumber("step"u8, row.Step);
        json.WriteNumber("loss"u8, row.Loss);
        json.WriteNumber("bits_per_byte"u8, row.BitsPerByte);
        json.WriteNumber("tokens"u8, row.Tokens);
        json.WriteBoolean("whole"u8, row.Whole);
        if (row.Tags is { } tags)
        {
            json.WriteStartArray("tags"u8);
            foreach (TagLoss tag in tags)
            {
                json.WriteStartObject();
                json.WriteString("tag"u8, tag.Tag);
                json.WriteNumber("tokens"u8, tag.Tokens);
                json.WriteNumber("loss"u8, tag.Loss);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        valid.End();
    }

    /// <summary>Appends an event.</summary>
    internal void Event(string name, int step, string note)
    {
        if (events is null) return;
        Utf8JsonWriter json = events.Begin();
        json.WriteString("event"u8, name);
        json.WriteString("utc"u8, time.GetUtcNow().UtcDateTime);
        json.WriteNumber("step"u8, step);
        json.WriteNumber("pid"u8, Environment.ProcessId);
        json.WriteString("host"u8, Environment.MachineName);
        json.WriteString("note"u8, note);
        events.End();
    }

    /// <summary>Rows before a checkpoint must outlive it.</summary>
    internal void Sync()
    {
        metrics?.Sync();
        valid?.Sync();
    }

    /// <summary>Sets checkpoints after <paramref name="step"/> aside, under names that no resume looks at.</summary>
    internal void SetAsideAfter(int step)
    {
        if (held is null) return;
        foreach (int later in Checkpoint.StepsIn(Path).Where(s => s > step))
        {
            string folder = System.IO.Path.Combine(Path, Checkpoint.NameOf(later)),
                aside = System.IO.Path.Combine(Path, "aside-" + Checkpoint.NameOf(later));
            if (Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
            Directory.Move(folder, aside);
        }
    }

    /// <summary>Removes all but the newest checkpoints and those of every so many steps.</summary>
    internal void Prune(int keep, int every)
    {
        List<int> steps = Checkpoint.StepsIn(Path);
        foreach (int step in steps.SkipLast(keep))
        {
            if (every > 0 && step % every == 0) continue;
            string name = Checkpoint.NameOf(step), doomed = System.IO.Path.Combine(Path, $".{name}.tmp");
            Directory.Move(System.IO.Path.Combine(Path, name), doomed);         // a kill must not leave half of it under its name
            Directory.Delete(doomed, recursive: true);
        }
    }

    /// <summary>Closes the files and lets go of the folder.</summary>
    public void Dispose()
    {
        metrics?.Dispose();
        valid?.Dispose();
        events?.Dispose();
        held?.Dispose();
    }
}
