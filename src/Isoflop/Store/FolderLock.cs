using System.Buffers;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Isoflop.Store;

/// <summary>
/// A folder, taken for writing by one process; any number may read. The lock is the system's and ends with the process. Beside it
/// lies who holds it, with a sign of life every few seconds: lock.json; it is removed when the folder is let go, and stays when
/// the process is killed.
/// </summary>
sealed class FolderLock : IDisposable
{
    /// <summary>Names of its files.</summary>
    public const string LockFile = "lock", HolderFile = "lock.json";

    readonly FileStream held;
    readonly SafeFileHandle card;
    readonly string cardPath;
    readonly TimeProvider clock;
    readonly DateTime started;
    readonly ITimer timer;
    readonly ArrayBufferWriter<byte> text = new(512);
    readonly Utf8JsonWriter json;
    int step;
    bool closed;

    FolderLock(FileStream held, string cardPath, TimeProvider clock)
    {
        (this.held, this.cardPath, this.clock, started) = (held, cardPath, clock, clock.GetUtcNow().UtcDateTime);
        json = new(text);
        card = File.OpenHandle(cardPath, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        Beat();
        var every = TimeSpan.FromSeconds(Holder.BeatSeconds);
        timer = clock.CreateTimer(_ => Beat(), null, every, every);
    }

    /// <summary>Takes a folder, and makes it where it is missing.</summary>
    /// <param name="name">of the lock, where a folder has more than one</param>
    /// <param name="anew">of a fence's holder: who held it before is no longer asked</param>
    /// <exception cref="ConfigException">Another process holds it; names it.</exception>
    /// <exception cref="DataException">It cannot be written.</exception>
    public static FolderLock Take(string folder, TimeProvider clock, string name = LockFile, bool anew = false)
    {
        FileStream? held = null;
        try
        {
            Directory.CreateDirectory(folder);
            if (anew)                                             // the other keeps its lock, on a file without a name
            {
                File.Delete(Path.Combine(folder, name));
                File.Delete(Path.Combine(folder, name + ".json"));
            }
            held = Open(folder, name);
            if (anew) RenewRows(folder);
            return new(held, Path.Combine(folder, name + ".json"), clock);
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new DataException($"{folder}: cannot be written: {e.Message}", e);
            throw;
        }
    }

    /// <summary>
    /// Gives every file of rows a copy's place: who lost the fence and has one open writes to one without a name.
    /// </summary>
    public static void RenewRows(string folder)
    {
        foreach (string rows in Directory.GetFiles(folder, "*.jsonl"))
        {
            string copy = rows + ".tmp";
            File.Copy(rows, copy, overwrite: true);
            File.Move(copy, rows, overwrite: true);
        }
    }

    /// <summary>That no other process holds a folder, as far as can be told now.</summary>
    /// <exception cref="ConfigException">One does; names it.</exception>
    public static void ThrowIfHeld(string folder) => Open(folder, LockFile).Dispose();

    static FileStream Open(string folder, string name)
    {
        try
        {
            return new FileStream(Path.Combine(folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeld(e))
        {
            string who = HolderOf(folder, name) is { } h ? $"process {h.Pid} on {h.Host}" : "another process";
            throw new ConfigException($"{folder} is being written by {who}; wait for it, or stop it: nothing is lost, and the " +
                "same command goes on");
        }
    }

    // EAGAIN of flock(2) on Linux and macOS, and the two of Windows; anything else (a read-only or full disk) is what it says.
    public static bool IsHeld(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    /// <summary>Who holds a folder, or held it when it was killed; null: nobody, as far as is written there.</summary>
    public static Holder? HolderOf(string folder, string name = LockFile)
    {
        try
        {
            using var file = new FileStream(Path.Combine(folder, name + ".json"), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            return JsonSerializer.Deserialize(file, HolderJson.Default.Holder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>How far the holder is, for the next sign of life.</summary>
    public int Step
    {
        set => Volatile.Write(ref step, value);
    }

    // In place and through buffers made once: a step of training allocates nothing, and neither may what beats beside it.
    void Beat()
    {
        lock (json)
        {
            if (closed) return;
            text.ResetWrittenCount();
            json.Reset();
            json.WriteStartObject();
            json.WriteString("kind"u8, "lock"u8);
            json.WriteNumber("format_version"u8, 1);
            json.WriteNumber("pid"u8, Environment.ProcessId);
            json.WriteString("host"u8, Environment.MachineName);
            json.WriteString("started"u8, started);
            json.WriteString("beat"u8, clock.GetUtcNow().UtcDateTime);
            json.WriteNumber("step"u8, Volatile.Read(ref step));
            json.WriteEndObject();
            json.Flush();
            Span<byte> rest = text.GetSpan(64)[..64];              // a shorter text leaves nothing of a longer one behind it
            rest.Fill((byte)' ');
            text.Advance(64);
            try
            {
                RandomAccess.Write(card, text.WrittenSpan, 0);
            }
            catch (IOException) { }                                // a full disk stops the beat, not the work
        }
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose()
    {
        timer.Dispose();
        lock (json)
        {
            if (closed) return;
            closed = true;
            json.Dispose();
            card.Dispose();
        }
        if (File.Exists(cardPath)) File.Delete(cardPath);          // a run that is deleted was moved away
        held.Dispose();
    }
}
