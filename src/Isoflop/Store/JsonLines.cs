using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Store;

/// <summary>
/// A file of JSON lines that is appended to, a row at a time, through buffers made once. Each row carries the running hash of
/// <see cref="RowChain"/>.
/// </summary>
sealed class JsonLines : IDisposable
{
    readonly FileStream file;
    readonly ArrayBufferWriter<byte> row = new(1024), line = new(1024);
    readonly Utf8JsonWriter json;
    RowChain chain;

    /// <summary>Rows of a file; a torn last line is left out. A missing file has none.</summary>
    /// <exception cref="DataException">A line that is not such a row, or was altered; names it.</exception>
    public static List<T> Read<T>(string path, JsonTypeInfo<T> type) => [.. new Tail<T>(path, type).Next().Rows];

    /// <summary>Holds a file of rows against its running hash.</summary>
    /// <returns>it has one; rows of older programs have none</returns>
    /// <exception cref="DataException">A line that was altered; names it.</exception>
    public static bool Verify(string path)
    {
        RowChain chain = default;
        int number = 0;
        byte[] text = File.ReadAllBytes(path);
        for (int at = 0, end; (end = Array.IndexOf(text, (byte)'\n', at)) >= 0; at = end + 1)
        {
            number++;
            if (!chain.Read(text.AsSpan(at, end - at), out _)) throw RowChain.Altered(path, number);
        }
        return chain.Sealed || number == 0;
    }

    /// <summary>Opens or makes the file and cuts off a torn last line: what a killed process was writing.</summary>
    /// <remarks>Rows are held against their hashes by who reads them or keeps them, see <see cref="DropAfter"/>.</remarks>
    public JsonLines(string path)
    {
        file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        json = new Utf8JsonWriter(row);
        byte[] text = ReadAll();
        CutAt(Walk(text, static (_, _) => true, trusting: true), text.Length);
    }

    /// <summary>Starts a row; write its properties, then call <see cref="End"/>.</summary>
    public Utf8JsonWriter Begin()
    {
        row.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        return json;
    }

    /// <summary>Hands the row to the operating system: from here on it survives a kill.</summary>
    /// <exception cref="DataException">The disk is full; what was half written is cut off at the next opening.</exception>
    public void End()
    {
        json.WriteEndObject();
        Append();
    }

    /// <summary>Writes a row that allocates: for those that are few.</summary>
    public void Write<T>(T value, JsonTypeInfo<T> type)
    {
        row.ResetWrittenCount();
        json.Reset();
        JsonSerializer.Serialize(json, value, type);
        Append();
    }

    void Append()
    {
        json.Flush();
        ReadOnlySpan<byte> text = row.WrittenSpan[..^1];
        line.ResetWrittenCount();
        line.Write(text);
        chain.Write(text, line.GetSpan(RowChain.Length)[..RowChain.Length]);
        line.Advance(RowChain.Length);
        line.Write("\n"u8);
        try
        {
            file.Write(line.WrittenSpan);
        }
        catch (IOException e)
        {
            throw new DataException($"{file.Name}: cannot be written: {e.Message}; make room and repeat the command", e);
        }
    }

    /// <summary>From here on it survives a power cut.</summary>
    public void Sync() => file.Flush(flushToDisk: true);

    /// <summary>Drops the rows of steps after <paramref name="step"/>; rows come in order of their steps.</summary>
    /// <param name="last">a row of that step must be there; what stands behind it may be anything: a power cut leaves what it
    /// likes</param>
    /// <exception cref="DataException">A line that is kept is not a row with a step, or was altered; or the last row is missing.
    /// The file is as it was.</exception>
    public void DropAfter(int step, bool last = false)
    {
        byte[] text = ReadAll();
        int seen = -1;
        int end = Walk(text, (line, number) =>
        {
            if (last && seen == step) return false;
            if (StepOf(line) is not { } here)
                throw new DataException($"{file.Name}: line {number} is not a row with a step; it was altered");
            if (here <= step) seen = here;
            return here <= step;
        });
        if (last && seen != step)
            throw new DataException($"{file.Name}: rows are missing: the last is of step {seen}, the checkpoint of {step}; " +
                "restore the file from a copy");
        CutAt(end, text.Length);
    }

    byte[] ReadAll()
    {
        byte[] text = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(text);
        return text;
    }

    delegate bool Keep(ReadOnlySpan<byte> line, int number);

    /// <summary>Goes over the rows for as long as they are to be kept.</summary>
    /// <returns>where the last of them ends; the chain stands there too</returns>
    int Walk(ReadOnlySpan<byte> text, Keep keep, bool trusting = false)
    {
        chain = default;
        int at = 0;
        for (int number = 1, length; (length = text[at..].IndexOf((byte)'\n')) >= 0; number++, at += length + 1)
        {
            ReadOnlySpan<byte> line = text.Slice(at, length);
            if (!keep(line, number)) break;
            if (!chain.Read(line, out _) && !trusting) throw RowChain.Altered(file.Name, number);
        }
        return at;
    }

    void CutAt(int end, int length)
    {
        if (end < length) file.SetLength(end);
        file.Position = end;
    }

    static int? StepOf(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            while (reader.Read())
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1
                    && reader.ValueTextEquals("step"u8))
                    return reader.Read() && reader.TryGetInt32(out int step) ? step : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
        return null;
    }

    public void Dispose()
    {
        json.Dispose();
        file.Dispose();
    }
}
