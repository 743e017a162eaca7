using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Store;

/// <summary>A file of JSON lines that is appended to, a row at a time, through buffers made once.</summary>
sealed class JsonLines : IDisposable
{
    readonly FileStream file;
    readonly ArrayBufferWriter<byte> row = new(1024);
    readonly Utf8JsonWriter json;

    /// <summary>Rows of a file; a torn last line is left out. A missing file has none.</summary>
    /// <exception cref="DataException">A line that is not such a row; names it.</exception>
    public static List<T> Read<T>(string path, JsonTypeInfo<T> type) => [.. new Tail<T>(path, type).Next().Rows];

    /// <summary>Opens or makes the file and cuts off a torn last line: what a killed process was writing.</summary>
    public JsonLines(string path)
    {
        file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        byte[] text = new byte[file.Length];
        file.ReadExactly(text);
        int whole = text.AsSpan().LastIndexOf((byte)'\n') + 1;
        if (whole < text.Length) file.SetLength(whole);
        file.Position = whole;
        json = new Utf8JsonWriter(row);
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
        row.Write("\n"u8);
        try
        {
            file.Write(row.WrittenSpan);
        }
        catch (IOException e)
        {
            throw new DataException($"{file.Name}: cannot be written: {e.Message}; make room and repeat the command", e);
        }
    }

    /// <summary>From here on it survives a power cut.</summary>
    public void Sync() => file.Flush(flushToDisk: true);

    /// <summary>Drops the rows of steps after <paramref name="step"/>; rows come in order of their steps.</summary>
    /// <exception cref="DataException">A line that is not a row with a step; names it.</exception>
    public void DropAfter(int step)
    {
        byte[] text = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(text);
        int at = 0;
        for (int line = 1; at < text.Length; line++)
        {
            int end = Array.IndexOf(text, (byte)'\n', at);
            if (StepOf(text.AsSpan(at, end - at)) is not { } here)
                throw new DataException($"{file.Name}: line {line} is not a row with a step; it was altered");
            if (here > step) break;
            at = end + 1;
        }
        file.SetLength(at);
        file.Position = at;
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
