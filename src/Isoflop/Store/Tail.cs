using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Store;

/// <summary>
/// Follows a file of JSON lines that another process may be writing: each look reads only what was added since the one before,
/// and gives whole rows. For one thread.
/// </summary>
sealed class Tail<T>(string path, JsonTypeInfo<T> type)
{
    long offset, line;
    RowChain chain;
    byte[] last = [];                                            // the row before offset: a file that was replaced has another

    /// <summary>Rows since the last look; a row that is still being written is given once it is whole.</summary>
    /// <returns>Anew: the file was cut or replaced (a run that was resumed drops the rows that it will do again), and the rows
    /// are all of it: forget those of before</returns>
    /// <exception cref="DataException">A line that is no such row, or was altered; names it.</exception>
    public (IReadOnlyList<T> Rows, bool Anew) Next()
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0);
            bool anew = !Continues(file);
            if (anew) Forget();
            return (Read(file), anew);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            bool anew = offset > 0;
            Forget();
            return ([], anew);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    void Forget() => (offset, line, last, chain) = (0, 0, [], default);

    bool Continues(FileStream file)
    {
        if (file.Length < offset) return false;
        var there = new byte[last.Length];
        file.Position = offset - last.Length;
        return file.ReadAtLeast(there, there.Length, throwOnEndOfStream: false) == last.Length
            && there.AsSpan().SequenceEqual(last);
    }

    List<T> Read(FileStream file)
    {
        List<T> rows = [];
        file.Position = offset;
        var text = new byte[file.Length - offset];
        text = text[..file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        for (int at = 0, end; (end = Array.IndexOf(text, (byte)'\n', at)) >= 0; at = end + 1)
        {
            line++;
            last = text[at..(end + 1)];
            offset += last.Length;
            if (!chain.Read(text.AsSpan(at, end - at), out int bare)) throw RowChain.Altered(path, line);
            if (bare > 0) text[at + bare] = (byte)'}';
            try
            {
                rows.Add(JsonSerializer.Deserialize(text.AsSpan(at, bare > 0 ? bare + 1 : end - at), type)
                    ?? throw new JsonException("it is null"));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
            {
                throw new DataException($"{path}: line {line} is not a row: {e.Message.Split(". Path")[0]}", e);
            }
        }
        return rows;
    }
}
