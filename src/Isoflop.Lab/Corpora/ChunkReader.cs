using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>One document: valid UTF-8, line ends \n.</summary>
readonly record struct TextDocument(ReadOnlyMemory<byte> Utf8, string? Tag);

/// <summary>A piece of a source that can be parsed on any thread.</summary>
/// <param name="SourceBytes">bytes on disk read for it, for the progress</param>
sealed record Chunk(long SourceBytes, Func<List<TextDocument>> Parse);

/// <summary>Reads sources front to back in bounded memory and cuts them into chunks; the same chunks every time.</summary>
sealed partial class ChunkReader(CorpusRecipe recipe)
{
    const int ChunkBytes = 1 << 20;
    /// <summary>A longer text is cut, so that one large file still has documents to validate on.</summary>
    const int LongestText = 64 * 1024;

    /// <summary>All chunks of all files, in order.</summary>
    /// <exception cref="DataException">A file that cannot be read; names it and the place.</exception>
    public IEnumerable<Chunk> Chunks(IEnumerable<SourceFile> files) => files.SelectMany(file => file.Kind switch
    {
        SourceKind.Text => Guarded(file, TextChunks),
        SourceKind.JsonLines => Guarded(file, LineChunks),
        SourceKind.Parquet => new ParquetRows(recipe).Chunks(file),
        _ => [new Chunk(file.Bytes, () => ReferenceDocs.Parse(file.Path))],
    });

    /// <summary>Turns what a broken archive throws into one line that names the file.</summary>
    static IEnumerable<Chunk> Guarded(SourceFile file, Func<SourceFile, Stream, FileStream, IEnumerable<Chunk>> read)
    {
        using Stream stream = file.Open(out FileStream raw);
        using IEnumerator<Chunk> chunks = read(file, stream, raw).GetEnumerator();
        while (true)
        {
            try
            {
                if (!chunks.MoveNext()) yield break;
            }
            catch (Exception e) when (e is InvalidDataException or IOException or ZstdSharp.ZstdException)
            {
                throw new DataException($"{file.Path}: cannot be read past byte {raw.Position}: {e.Message}", e);
            }
            yield return chunks.Current;
        }
    }

    /// <summary>Fills [filled, …) until the buffer is full or the stream ends.</summary>
    static int Fill(Stream stream, byte[] buffer, int filled) =>
        stream.ReadAtLeast(buffer.AsSpan(filled), buffer.Length - filled, throwOnEndOfStream: false);

    IEnumerable<Chunk> TextChunks(SourceFile file, Stream stream, FileStream raw)
    {
        long offset = 0, reported = 0;
        byte[] carry = [];
        for (bool ended = false; !ended;)
        {
            byte[] buffer = new byte[carry.Length + Math.Min(ChunkBytes, Math.Max(4096, file.Bytes + 1))];
            carry.CopyTo(buffer, 0);
            int length = carry.Length + Fill(stream, buffer, carry.Length);
            ended = length < buffer.Length;
            var cuts = new List<int> { 0 };
            int start = offset == 0 && buffer.AsSpan(0, length).StartsWith("\uFEFF"u8) ? 3 : 0;
            cuts[0] = start;
            while (length - cuts[^1] > LongestText) cuts.Add(cuts[^1] + Cut(buffer.AsSpan(cuts[^1], LongestText)));
            if (ended && length > cuts[^1]) cuts.Add(length);
            int end = cuts[^1];
            carry = buffer[end..length];
            long at = offset, bytes = raw.Position - reported;
            offset += end;
            reported = raw.Position;
            yield return new Chunk(bytes, () => ParseText(file.Path, buffer, cuts, at));
        }
    }

    /// <summary>Length of the piece to cut from a window: to its last blank line, or line, or word, in the second half; else
    /// all whole characters.</summary>
    static int Cut(ReadOnlySpan<byte> window)
    {
        int half = window.Length / 2;
        ReadOnlySpan<byte> tail = window[half..];
        int blank = Math.Max(tail.LastIndexOf("\n\n"u8), tail.LastIndexOf("\n\r\n"u8));
        if (blank >= 0) return half + blank + 1;
        int line = tail.LastIndexOf((byte)'\n');
        if (line < 0) line = tail.LastIndexOf((byte)' ');
        if (line >= 0) return half + line + 1;
        int end = window.Length;
        while (end > window.Length - 4 && (window[end - 1] & 0xC0) == 0x80) end--;
        return window[end - 1] >= 0xC0 ? end - 1 : window.Length;
    }

    List<TextDocument> ParseText(string path, byte[] buffer, List<int> cuts, long offset)
    {
        var documents = new List<TextDocument>();
        for (int i = 0; i + 1 < cuts.Count; i++)
        {
            ReadOnlyMemory<byte> text = Valid(path, buffer.AsMemory(cuts[i]..cuts[i + 1]), offset + cuts[i]);
            if (text.Span.Contains((byte)'\r'))
                text = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text.Span).ReplaceLineEndings("\n"));
            // Pieces of one file lose the blank line between them; a whole file keeps its indentation.
            text = text[(text.Length - text.Span.TrimStart("\n"u8).Length)..];
            text = text[..text.Span.TrimEnd("\n"u8).Length];
            if (!text.Span.Trim(" \t\v\f\n"u8).IsEmpty) documents.Add(new(text, null));
        }
        return documents;
    }

    /// <summary>The text itself where it is UTF-8; else a refusal, or a copy with U+FFFD.</summary>
    ReadOnlyMemory<byte> Valid(string path, ReadOnlyMemory<byte> text, long offset)
    {
        if (Utf8.IsValid(text.Span)) return text;
        if (recipe.Lossy) return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text.Span));
        int bad = 0;
        while (Rune.DecodeFromUtf8(text.Span[bad..], out _, out int consumed) == OperationStatus.Done) bad += consumed;
        throw new DataException($"{path}: byte {offset + bad} (0x{text.Span[bad]:X2}) is not UTF-8; convert the file, or " +
            $"replace such bytes with --lossy");
    }

    IEnumerable<Chunk> LineChunks(SourceFile file, Stream stream, FileStream raw)
    {
        long offset = 0, line = 1, reported = 0;
        byte[] carry = [];
        int room = ChunkBytes;
        for (bool ended = false; !ended;)
        {
            byte[] buffer = new byte[carry.Length + room];
            carry.CopyTo(buffer, 0);
            int length = carry.Length + Fill(stream, buffer, carry.Length);
            ended = length < buffer.Length;
            int end = ended ? length : buffer.AsSpan(0, length).LastIndexOf((byte)'\n') + 1;
            carry = buffer[end..length];
            room = Math.Max(ChunkBytes, carry.Length);          // a line longer than the buffer doubles it
            if (end == 0) continue;
            (long at, long first, long bytes) = (offset, line, raw.Position - reported);
            offset += end;
            line += buffer.AsSpan(0, end).Count((byte)'\n');
            reported = raw.Position;
            yield return new Chunk(bytes, () => ParseLines(file.Path, buffer.AsMemory(0, end), at, first));
        }
    }

    List<TextDocument> ParseLines(string path, ReadOnlyMemory<byte> lines, long offset, long line)
    {
        var documents = new List<TextDocument>();
        if (offset == 0 && lines.Span.StartsWith("\uFEFF"u8)) (lines, offset) = (lines[3..], 3);
        for (; !lines.IsEmpty; line++)
        {
            int end = lines.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> one = end < 0 ? lines : lines[..end];
            if (!one.Span.Trim(" \t\r"u8).IsEmpty && ParseLine(path, Valid(path, one, offset), line) is { } document)
                documents.Add(document);
            int step = end < 0 ? lines.Length : end + 1;
            offset += step;
            lines = lines[step..];
        }
        return documents;
    }

    TextDocument? ParseLine(string path, ReadOnlyMemory<byte> json, long line)
    {
        try
        {
            return Property(json, path, line);
        }
        catch (JsonException e)
        {
            throw new DataException($"{path}: line {line} is not JSON: {Brief(e)}; each line must be one object", e);
        }
        catch (InvalidOperationException) when (recipe.Lossy)
        {
            string text = LoneSurrogate().Replace(Encoding.UTF8.GetString(json.Span), "\\ufffd");
            return Property(Encoding.UTF8.GetBytes(text), path, line);
        }
        catch (InvalidOperationException e)
        {
            throw new DataException($"{path}: line {line} has half of a surrogate pair, which is not text; replace it with " +
                $"--lossy", e);
        }
    }

    static string Brief(JsonException e) => e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ')
        + $" at byte {e.BytePositionInLine}";

    TextDocument? Property(ReadOnlyMemory<byte> json, string path, long line)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new DataException($"{path}: line {line} is a JSON {reader.TokenType}; each line must be one object");
        string? text = null, tag = null;
        bool found = false;
        var seen = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString()!;
            seen.Add(name);
            reader.Read();
            bool isText = name == recipe.Field;
            if (isText && reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                throw new DataException($"{path}: line {line}: '{name}' is a {reader.TokenType}, not a string");
            if (isText) (text, found) = (reader.GetString(), true);
            if (name == recipe.TagField && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
                tag = reader.TokenType == JsonTokenType.String ? reader.GetString() : Encoding.UTF8.GetString(reader.ValueSpan);
            reader.Skip();
        }
        reader.Read();                                          // anything after the object throws
        if (!found) throw NoField($"{path}: line {line}: no property", recipe.Field, seen);
        if (recipe.TagField is { } t && tag is null) throw NoField($"{path}: line {line}: no tag", t, seen);
        return string.IsNullOrWhiteSpace(text) ? null : new(Encoding.UTF8.GetBytes(text), tag);
    }

    internal static DataException NoField(string where, string field, IEnumerable<string> there) =>
        new($"{where} '{field}'; here there are: {string.Join(", ", there)}");

    [GeneratedRegex(@"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|" +
        @"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}")]
    private static partial Regex LoneSurrogate();
}
