using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Train;

/// <summary>
/// A run's folder, open for writing: run.json, metrics.jsonl, valid.jsonl, events.jsonl and checkpoints. One process holds it,
/// which the file <c>lock</c> says; any number may read.
/// </summary>
public sealed class RunFolder : IDisposable
{
    /// <summary>Names of the row files.</summary>
    public const string MetricsFile = "metrics.jsonl", ValidFile = "valid.jsonl", EventsFile = "events.jsonl";

    readonly FileStream held;
    readonly JsonLines metrics, valid, events;
    readonly TimeProvider time;

    RunFolder(string path, FileStream held, TimeProvider time)
    {
        (Path, this.held, this.time) = (path, held, time);
        CheckpointStore.Tidy(path);
        metrics = new(System.IO.Path.Combine(path, MetricsFile));
        valid = new(System.IO.Path.Combine(path, ValidFile));
        events = new(System.IO.Path.Combine(path, EventsFile));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Folder of a run below the home of everything.</summary>
    public static string PathOf(string home, string name) => System.IO.Path.Combine(home, "runs", name);

    /// <summary>Takes the run's folder, or makes it; the settings must be those it was started with.</summary>
    /// <param name="first">run.json, written when there is none</param>
    /// <param name="replaceUnstarted">and where no checkpoint was written under the one there is</param>
    /// <exception cref="ConfigException">The run was started with other settings, or another process holds it.</exception>
    /// <exception cref="DataException">The folder cannot be written, or run.json is not readable.</exception>
    internal static RunFolder Open(string home, RunRecord first, TimeProvider time, bool replaceUnstarted = false)
    {
        string path = PathOf(home, first.Name), record = System.IO.Path.Combine(path, RunRecord.FileName);
        FileStream? held = null;
        try
        {
            Directory.CreateDirectory(path);
            held = Lock(path);
            if (File.Exists(record) && !(replaceUnstarted && Checkpoint.StepsIn(path).Count == 0))
            {
                string[] differences = [.. RunRecord.Load(path).Differences(first)];
                if (differences.Length > 0)
                    throw new ConfigException(
                        $"{path} was started with {string.Join("; ", differences)}; choose another name, or leave it " +
                        "out: a run is then named by its settings");
            }
            else
            {
                WriteWhole(record, JsonSerializer.SerializeToUtf8Bytes(first, RunJson.Default.RunRecord));
            }
            return new RunFolder(path, held, time);
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new DataException($"{path}: cannot be written: {e.Message}", e);
            throw;
        }
    }

    static FileStream Lock(string path)
    {
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None);
        }
        catch (IOException e) when (Directory.Exists(path) && e is not (DirectoryNotFoundException or FileNotFoundException))
        {
            RunEvent? last = Read(System.IO.Path.Combine(path, EventsFile), RunJson.Default.RunEvent)
                .LastOrDefault(r => r.Event is "start" or "resume");
            string holder = last is null ? "another process" : $"process {last.Pid} on {last.Host}";
            throw new ConfigException($"{path} is being written by {holder}; wait for it, or stop it: " +
                "it saves and can be resumed");
        }
        held.SetLength(0);
        held.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
        held.Flush();
        return held;
    }

    /// <summary>Start of the names of folders that a killed deletion may have left; they are no runs.</summary>
    public const string DeletedPrefix = ".deleted-";

    /// <summary>Deletes a run: first it is renamed, so that no half of it is ever found under its name.</summary>
    /// <exception cref="ConfigException">There is none of that name, or another process holds it.</exception>
    public static void Delete(string home, string name)
    {
        string path = PathOf(home, name), doomed = PathOf(home, $"{DeletedPrefix}{name}-{Guid.NewGuid():N}");
        if (!Directory.Exists(path))
            throw new ConfigException($"{path}: there is no such run; 'isoflop runs' lists those there are");
        FileStream held = Lock(path);
        if (OperatingSystem.IsWindows()) held.Dispose();                    // there a folder with an open file keeps its name
        using (held) Directory.Move(path, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    /// <summary>That no other process holds a run, as far as can be told now.</summary>
    /// <exception cref="ConfigException">One does; names it.</exception>
    public static void ThrowIfHeld(string home, string name) => Lock(PathOf(home, name)).Dispose();

    static void WriteWhole(string path, byte[] content)
    {
        using (var file = new FileStream(path + ".tmp", FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".tmp", path, overwrite: true);
    }

    /// <summary>Rows of a file of JSON lines; a torn last line is left out. A missing file has none.</summary>
    /// <exception cref="DataException">A line that is not such a row; names it.</exception>
    public static List<T> Read<T>(string path, JsonTypeInfo<T> type)
    {
        List<T> rows = [];
        byte[] text;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            text = new byte[file.Length];
            text = text[..file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return rows;
        }
        for (int at = 0, end; (end = Array.IndexOf(text, (byte)'\n', at)) >= 0; at = end + 1)
        {
            try
            {
                rows.Add(JsonSerializer.Deserialize(text.AsSpan(at, end - at), type)!);
            }
            catch (JsonException e)
            {
                throw new DataException($"{path}: line {rows.Count + 1} is not a row: {e.Message}", e);
            }
        }
        return rows;
    }

    /// <summary>Steps of training of a run.</summary>
    public static List<StepRow> ReadSteps(string path) =>
        Read(System.IO.Path.Combine(path, MetricsFile), RunJson.Default.StepRow);

    /// <summary>Losses on held-out text of a run.</summary>
    public static List<ValidRow> ReadValid(string path) =>
        Read(System.IO.Path.Combine(path, ValidFile), RunJson.Default.ValidRow);

    /// <summary>Events of a run.</summary>
    public static List<RunEvent> ReadEvents(string path) =>
        Read(System.IO.Path.Combine(path, EventsFile), RunJson.Default.RunEvent);

    /// <summary>Drops the rows of steps that will be done again.</summary>
    internal void DropRowsAfter(int step)
    {
        metrics.DropAfter(step);
        valid.DropAfter(step);
    }

    /// <summary>Appends a step. Allocates nothing.</summary>
    internal void Write(in StepRow row)
    {
        Utf8JsonWriter json = metrics.Begin();
        json.WriteNumber("step"u8, row.Step);
        json.WriteNumber("loss"u8, row.Loss);
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
        metrics.Sync();
        valid.Sync();
    }

    /// <summary>Sets checkpoints after <paramref name="step"/> aside, under names that no resume looks at.</summary>
    internal void SetAsideAfter(int step)
    {
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
        metrics.Dispose();
        valid.Dispose();
        events.Dispose();
        held.Dispose();
    }
}
