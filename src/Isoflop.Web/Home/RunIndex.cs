using Isoflop.Lab.Runs;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Web.Home;

/// <summary>
/// All runs of a home, followed: a first look at all of them, then, every second, at those that may have changed. It
/// reads the last rows alone. Every change has a version, so that whoever asks gets what is new to them and nobody's queue grows.
/// </summary>
sealed class RunIndex
{
    // A run that is done is looked at again so rarely: its folder may still be deleted or altered, which the listing of names and
    // the page of the run itself notice earlier.
    const int RestLooks = 10;

    readonly Workspace here;
    readonly StudyIndex studies;
    readonly Func<HomeChange> frame;
    readonly Lock gate = new();
    readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    readonly Queue<(long Version, string Name)> gone = [];
    TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long version = 1, oldest;
    int scanned, total, looks;

    /// <param name="frame">what else of the home a change tells</param>
    public RunIndex(Workspace here, StudyIndex studies, Func<HomeChange> frame) =>
        (this.here, this.studies, this.frame) = (here, studies, frame);

    sealed class Entry
    {
        public required RunLine Line;
        public Signature Seen;
        public long Version;
        public RunRecord? Record;
        public (long, long) RecordSeen;
    }

    readonly record struct Signature((long, long) Record, (long, long) Metrics, (long, long) Valid, (long, long) Events);

    /// <summary>Follows until it is told to stop, on a thread of its own: the pool's answer requests.</summary>
    public Task Follow(CancellationToken stop) => Task.Factory.StartNew(() =>
    {
        try
        {
            do Look(stop);
            while (!stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(1)));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
    }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>What changed since a version; 0: all there is.</summary>
    public HomeChange Since(long since)
    {
        long now;
        lock (gate) now = version;
        // What the frame tells is at least as new as that; and whoever tells of news there holds a lock of its own.
        HomeChange framed = frame();
        lock (gate)
        {
            if (since < oldest || since > version) since = 0;
            return framed with
            {
                Version = now,
                Whole = since == 0,
                Scanned = scanned,
                Total = total,
                Runs = [.. entries.Values.Where(e => e.Version > since).Select(e => e.Line)],
                Gone = since == 0 ? [] : [.. gone.Where(g => g.Version > since && !entries.ContainsKey(g.Name))
                    .Select(g => g.Name)],
                Studies = studies.Lines(entries.Values.Select(e => e.Line)),
            };
        }
    }

    /// <summary>A run; null: there is none of that name.</summary>
    public RunLine? Find(string name)
    {
        lock (gate) return entries.TryGetValue(name, out Entry? e) ? e.Line : null;
    }

    /// <summary>Runs whose names begin so, or all.</summary>
    public IReadOnlyList<RunLine> All()
    {
        lock (gate) return [.. entries.Values.Select(e => e.Line)];
    }

    /// <summary>Ends when there is something newer than a version, or after a while.</summary>
    public async Task Changed(long since, TimeSpan most, CancellationToken stop)
    {
        Task wait;
        lock (gate)
        {
            if (version > since) return;
            wait = changed.Task;
        }
        await Task.WhenAny(wait, Task.Delay(most, stop)).ConfigureAwait(false);
    }

    /// <summary>Something beside the runs changed: jobs.</summary>
    public void Touch()
    {
        lock (gate) Next();
    }

    void Next()
    {
        version++;
        changed.TrySetResult();
        changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    void Look(CancellationToken stop)
    {
        string[] names = Directory.Exists(here.Runs) ? [.. new DirectoryInfo(here.Runs).EnumerateDirectories()
            .Select(d => d.Name).Where(n => !n.StartsWith('.'))] : [];
        bool first = looks++ == 0, all = looks % RestLooks == 0;
        if (studies.Look() && !first) Touch();
        lock (gate)
        {
            total = names.Length;
            HashSet<string> there = [.. names];
            string[] lost = [.. entries.Keys.Where(n => !there.Contains(n))];
            foreach (string name in lost)
            {
                entries.Remove(name);
                Next();
                gone.Enqueue((version, name));
            }
            while (gone.Count > 1000) oldest = gone.Dequeue().Version;
        }
        // Half of the cores: the browser that waits for the first page needs the others.
        int cores = Math.Max(1, here.Cores / 2);
        Parallel.ForEach(names, new ParallelOptions { CancellationToken = stop, MaxDegreeOfParallelism = cores }, name =>
        {
            Entry? entry;
            lock (gate) entries.TryGetValue(name, out entry);
            if (entry is null || all || entry.Line.Status is not "done") Look(name, entry);
            if (first) Interlocked.Increment(ref scanned);
        });
        scanned = names.Length;
        if (first) Touch();
    }

    void Look(string name, Entry? entry)
    {
        string path = Path.Combine(here.Runs, name);
        var seen = new Signature(StampOf(path, RunRecord.FileName), StampOf(path, RunFolder.MetricsFile),
            StampOf(path, RunFolder.ValidFile), StampOf(path, RunFolder.EventsFile));
        if (entry is not null && entry.Seen == seen && entry.Line.Status != "running"
            && !(entry.Line.Status is "stopped" or "fault" && File.Exists(Path.Combine(path, FolderLock.HolderFile)))) return;
        RunRecord? record = entry is not null && entry.RecordSeen == seen.Record ? entry.Record : null;
        RunLine line;
        try
        {
            record ??= RunRecord.Load(path);
            line = LineOf(name, path, record);
        }
        catch (DataException e)
        {
            line = new(name, "broken", "", studies.Of(name), record?.Corpus.Name ?? "", 0, 0, 0, 0, 0, 0, null, null, null, null,
                null, seen.Record.Item1 == 0 ? default : new(seen.Record.Item1, DateTimeKind.Utc), e.Message, 0);
            if (!Directory.Exists(path)) return;                 // deleted while it was looked at
        }
        lock (gate)
        {
            bool same = entry is not null && entry.Line == line;
            entry ??= new() { Line = line };
            (entry.Line, entry.Seen, entry.Record, entry.RecordSeen) = (line, seen, record, seen.Record);
            if (same) return;
            entries[name] = entry;
            Next();
            entry.Version = version;
        }
    }

    RunLine LineOf(string name, string path, RunRecord record)
    {
        StepRow? step = LastRow.Of(Path.Combine(path, RunFolder.MetricsFile), RunJson.Default.StepRow) is { Step: > 0 } s ? s
            : null;
        ValidRow? valid = LastRow.Of(Path.Combine(path, RunFolder.ValidFile), RunJson.Default.ValidRow) is { Tokens: > 0 } v ? v
            : null;
        RunEvent? last = LastRow.Of(Path.Combine(path, RunFolder.EventsFile), RunJson.Default.RunEvent);
        string status = RunStatus.Of(path, record, step, valid, last, here.Clock);
        Holder? holder = status == "running" ? FolderLock.HolderOf(path) : null;
        bool rewards = record.Recipe is not null;                 // its rows have no rates
        return new(name, status, rewards ? "rewards" : "text", studies.Of(name), record.Corpus.Name,
            record.Parameters, step?.Step ?? 0, record.Config.Train.Steps ?? 0, step?.Tokens ?? 0, step?.Flops ?? 0,
            step?.Seconds ?? 0, Finite(record.LossOf(step)), Finite(valid?.Loss), Finite(valid?.BitsPerByte),
            rewards ? null : Finite(step?.TokensPerSecond), rewards ? null : Finite(step?.PeakShare), record.Created, "",
            holder is { } h && h.Host == Environment.MachineName ? h.Pid : 0);
    }

    static double? Finite(double? x) => x is { } v && double.IsFinite(v) ? v : null;

    static (long, long) StampOf(string folder, string file)
    {
        var info = new FileInfo(Path.Combine(folder, file));
        return info.Exists ? (info.LastWriteTimeUtc.Ticks, info.Length) : default;
    }
}
