using System.Text.Json;
using System.Text.Json.Serialization;

namespace Isoflop.Store;

/// <summary>What a worker says of itself.</summary>
/// <param name="Place">host, boot and space of process numbers: where <paramref name="Pid"/> means something</param>
/// <param name="Beat">grows with every sign of life: clocks of two hosts are never compared</param>
/// <param name="State">"waiting", "working" or "ended"</param> <param name="Run">under way; empty: none</param>
/// <param name="Done">runs that it finished</param>
sealed record WorkerCard(string Worker, string Host, string Place, int Pid, string Version, long Beat, string State, string Run,
    int Step, int Steps, int Done, int Failed);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WorkerCard))]
sealed partial class WorkerJson : JsonSerializerContext;

/// <summary>
/// This process as one of the workers on a folder: a card of its own, workers/NAME.json, with a sign of life every few seconds,
/// and an eye on the wish to cancel. All workers are one program on one arithmetic: a run may pass from one to another.
/// </summary>
sealed class Worker : IDisposable
{
    /// <summary>Names in the folder that is worked on.</summary>
    public const string CardsFolder = "workers", CancelFile = "cancel", ProgramFile = "program";

    readonly string path, cancel;
    readonly Lock one = new();
    readonly CancellationTokenSource cancelled = new();
    readonly ITimer timer;
    WorkerCard card;
    string run = "";
    int step, steps;
    bool left;

    /// <summary>Takes a place among the workers.</summary>
    /// <param name="bits">what decides the bits of this machine's results</param>
    /// <param name="every">between two signs of life</param>
    /// <exception cref="ConfigException">The others are another program, or compute other bits.</exception>
    /// <exception cref="DataException">The folder cannot be written.</exception>
    public Worker(string folder, string name, string bits, TimeSpan every, TimeProvider clock)
    {
        (Folder, path, cancel) = (folder, Path.Combine(folder, CardsFolder, name + ".json"), Path.Combine(folder, CancelFile));
        card = new(name, Environment.MachineName, Here, Environment.ProcessId, Version, 0, "waiting", "", 0, 0, 0, 0);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Join($"version {Version} on {bits}");
            Beat();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be written: {e.Message}", e);
        }
        timer = clock.CreateTimer(_ => Pulse(), null, every, every);
    }

    // The first says what all must be.
    void Join(string program)
    {
        string file = Path.Combine(Folder, CardsFolder, ProgramFile);
        try
        {
            using var first = new StreamWriter(new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read));
            first.Write(program);
        }
        catch (IOException) when (File.Exists(file))
        {
            if (File.ReadAllText(file) is { Length: > 0 } there && there != program)
                throw new ConfigException($"{Folder}: its workers are {there}, this is {program}; a run may pass from one " +
                    "worker to another: use one program on one kind of processor");
        }
    }

    /// <summary>Of this life of the worker, and of no other process.</summary>
    public string Token { get; } = Guid.NewGuid().ToString("N");

    /// <summary>The folder that is worked on.</summary>
    public string Folder { get; }

    /// <summary>Its name among the workers.</summary>
    public string Name => card.Worker;

    /// <summary>Cancelled from outside.</summary>
    public CancellationToken Cancelled => cancelled.Token;

    /// <summary>Of this program.</summary>
    public static string Version { get; } = typeof(Worker).Assembly.GetName().Version!.ToString(3);

    /// <summary>Where process numbers mean something: host, boot, space of numbers.</summary>
    public static string Here { get; } = string.Join('/', Environment.MachineName, FirstLine("/proc/sys/kernel/random/boot_id"),
        new FileInfo("/proc/self/ns/pid") is { LinkTarget: { } space } ? space : "");

    static string FirstLine(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault("") : "";

    /// <summary>Says what it does, with the next sign of life. Allocates nothing.</summary>
    public void Tell(string run, int step = 0, int steps = 0)
    {
        lock (one) (this.run, this.step, this.steps) = (run, step, steps);
    }

    /// <summary>Counts a run that ended here.</summary>
    public void Count(bool done)
    {
        lock (one) (card, run) = (done ? card with { Done = card.Done + 1 } : card with { Failed = card.Failed + 1 }, "");
    }

    void Pulse()
    {
        try
        {
            Beat();
            if (File.Exists(cancel)) cancelled.Cancel();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }   // a full disk stops no work
    }

    // In place, opened and closed each time: what was closed is what the next open on another host shows.
    void Beat()
    {
        lock (one)
        {
            card = card with
            {
                Beat = card.Beat + 1,
                State = left ? "ended" : run.Length > 0 ? "working" : "waiting",
                Run = run,
                Step = step,
                Steps = steps,
            };
            byte[] text = JsonSerializer.SerializeToUtf8Bytes(card, WorkerJson.Default.WorkerCard);
            using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            file.Write(text);
            file.SetLength(text.Length);
        }
    }

    /// <summary>Another's card as it lies there; empty: there is none.</summary>
    public static byte[] CardOf(string folder, string name)
    {
        try
        {
            using var file = new FileStream(Path.Combine(folder, CardsFolder, name + ".json"), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            byte[] text = new byte[Math.Min(file.Length, 1 << 16)];
            return text[..file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>A card; null: torn, which another look mends.</summary>
    public static WorkerCard? Read(byte[] card)
    {
        try
        {
            return JsonSerializer.Deserialize(card, WorkerJson.Default.WorkerCard);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>All workers that a folder has seen, by name.</summary>
    public static IReadOnlyList<WorkerCard> AllOf(string folder)
    {
        string cards = Path.Combine(folder, CardsFolder);
        return !Directory.Exists(cards) ? [] : [.. Directory.EnumerateFiles(cards, "*.json")
            .Select(f => Read(CardOf(folder, Path.GetFileNameWithoutExtension(f)))).OfType<WorkerCard>()
            .OrderBy(c => c.Worker, StringComparer.Ordinal)];
    }

    /// <summary>Is known to be gone: it said so, or its process is no more; that of another host is known to none.</summary>
    public static bool IsGone(WorkerCard card) => card.State == "ended" || card.Place == Here && !Holder.ProcessLives(card.Pid);

    /// <summary>Leaves: the card stays and says so.</summary>
    public void Dispose()
    {
        timer.Dispose();
        lock (one) (left, run, step, steps) = (true, "", 0, 0);
        Pulse();
        cancelled.Dispose();
    }
}
