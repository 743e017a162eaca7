using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>One document: valid UTF-8, line ends \n.</summary>
readonly record struct TextDocument(ReadOnlyMemory<byte> Utf8, string? Tag);

/// <summary>What a chunk holds.</summary>
sealed class Parsed
{
    /// <summary>Its documents, in order.</summary>
    public List<TextDocument> Documents { get; init; } = [];
    /// <summary>Lines that are no JSON and were left out, where that is asked for.</summary>
    public long Broken { get; set; }
}

/// <summary>A piece of a source that can be parsed on any thread.</summary>
/// <param name="SourceBytes">bytes on disk read for it, for the progress</param>
sealed record Chunk(long SourceBytes, Func<Parsed> Parse);

/// <summary>Reads sources front to back in bounded memory and cuts them into chunks; the same chunks every time.</summary>
/// <param name="remark">told, once, what in an archive is not read</param>
sealed class ChunkReader(CorpusRecipe recipe, Action<string>? remark = null)
{
    const int ChunkBytes = 1 << 20;
    /// <summary>A longer text is cut, so that one large file still has documents to validate on.</summary>
    const int LongestText = 64 * 1024;
    /// <summary>A longer line is no record, whatever it is.</summary>
    const int LongestLine = 1 << 26;

    const string ReadInArchives = ".txt .md .markdown .jsonl .ndjson .json";

    readonly JsonDocuments json = new(recipe);
    readonly HashSet<string> remarks = [];

    /// <summary>All chunks of all files, in order.</summary>
    /// <exception cref="DataException">A file that cannot be read; names it and the place.</exception>
    public IEnumerable<Chunk> Chunks(IEnumerable<SourceFile> files) => files.SelectMany(file => file.Kind switch
    {
        SourceKind.Parquet => new ParquetRows(recipe).Chunks(file),
        SourceKind.ReferenceXml => recipe.TagField is not null ? throw NoTags(file.Path)
            : [new Chunk(file.Bytes, () => new() { Documents = ReferenceDocs.Parse(file.Path) })],
        _ => Guarded(file),
    });

    /// <summary>A stream of bytes that is read from its beginning.</summary>
    /// <param name="Head">what was read of it already</param> <param name="Raw">the file on disk</param>
    sealed record Source(string Path, byte[] Head, Stream Stream, FileStream Raw)
    {
        long reported;

        /// <summary>Bytes on disk since the last call.</summary>
        public long Progress()
        {
            long before = reported;
            reported = Raw.Position;
            return Math.Max(0, reported - before);
        }

        /// <summary>Puts <paramref name="carry"/> and what follows into a new buffer.</summary>
        /// <returns>Length of what it holds; less than the buffer: the stream has ended</returns>
        public int Fill(byte[] carry, int room, out byte[] buffer)
        {
            buffer = new byte[carry.Length + room];
            carry.CopyTo(buffer, 0);
            return carry.Length + Stream.ReadAtLeast(buffer.AsSpan(carry.Length), room, throwOnEndOfStream: false);
        }
    }

    /// <summary>Turns what a broken archive throws into one line that names the file.</summary>
    IEnumerable<Chunk> Guarded(SourceFile file)
    {
        using Stream stream = file.Open(out FileStream raw);
        using IEnumerator<Chunk> chunks = Read(file.Kind, new(file.Path, [], stream, raw), file.Bytes).GetEnumerator();
        while (true)
        {
            try
            {
                if (!chunks.MoveNext()) yield break;
            }
            catch (Exception e) when (SourceFile.IsBroken(e))
            {
                throw new DataException($"{file.Path}: cannot be read past byte {raw.Position}: {e.Message}", e);
            }
            yield return chunks.Current;
        }
    }

    IEnumerable<Chunk> Read(SourceKind kind, Source source, long size) => kind switch
    {
        SourceKind.Tar => TarChunks(source),
        SourceKind.JsonLines => LineChunks(source),
        SourceKind.JsonList => ListChunks(source),
        _ => recipe.TagField is null ? TextChunks(source, size) : throw NoTags(source.Path),
    };

    DataException NoTags(string path) => new($"{path}: is plain text, which has no '{recipe.TagField}'; tags are read from " +
        "JSON lines and Parquet: leave tag_field out, or name such files");

    /// <summary>The members of an archive whose names promise text.</summary>
    IEnumerable<Chunk> TarChunks(Source archive)
    {
        int read = 0;
        List<string> without = [];
        foreach ((string name, Stream content) in TarMembers.Read(archive.Stream))
        {
            string path = $"{archive.Path}/{name}";
            if (name.Split('/').Any(part => part.StartsWith('.') && part is not ("." or ".."))) continue;
            if (SourceNames.KindOf(name) is null)
            {
                Remark($"{archive.Path}: not read: members of other kinds; read are {ReadInArchives}");
                continue;
            }
            byte[] head = FileForms.HeadOf(content);
            SourceKind? kind = SourceNames.Decide(path, FileForm.Text, head, recipe, named: false, out string? what);
            if (kind is null) without.Add(path);
            else if (what is not null) Remark(what);
            if (kind is SourceKind.Parquet or SourceKind.Tar)
                throw new DataException($"{path}: {FileForms.Of(head).Named()} in an archive is not read; unpack it first");
            if (kind is null) continue;
            read++;
            foreach (Chunk chunk in Read(kind.Value, new(path, head, content, archive.Raw), ChunkBytes)) yield return chunk;
        }
        if (without.Count > 0)
            Remark($"{without[0]}: left out: no JSON lines with '{recipe.Field}'" +
                (without.Count > 1 ? $"; and {without.Count - 1} more such members" : ""));
        if (read == 0)
            throw new DataException($"{archive.Path}: holds nothing to read; of an archive, {ReadInArchives} are read");
    }

    void Remark(string what)
    {
        if (remarks.Count < 100 && remarks.Add(what)) remark?.Invoke(what);
    }

    IEnumerable<Chunk> TextChunks(Source source, long size)
    {
        long offset = 0;
        byte[] carry = source.Head;
        for (bool ended = false; !ended;)
        {
            int length = source.Fill(carry, (int)Math.Min(ChunkBytes, Math.Max(4096, size + 1)), out byte[] buffer);
            ended = length < buffer.Length;
            var cuts = new List<int> { 0 };
            int start = offset == 0 && buffer.AsSpan(0, length).StartsWith("\uFEFF"u8) ? 3 : 0;
            cuts[0] = start;
            while (length - cuts[^1] > LongestText) cuts.Add(cuts[^1] + Cut(buffer.AsSpan(cuts[^1], LongestText)));
            if (ended && length > cuts[^1]) cuts.Add(length);
            int end = cuts[^1];
            carry = buffer[end..length];
            long at = offset;
            offset += end;
            yield return new Chunk(source.Progress(), () => ParseText(source.Path, buffer, cuts, at));
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

    Parsed ParseText(string path, byte[] buffer, List<int> cuts, long offset)
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
        return new() { Documents = documents };
    }

    /// <summary>The text itself where it is UTF-8; else a refusal, or a copy with U+FFFD.</summary>
    ReadOnlyMemory<byte> Valid(string path, ReadOnlyMemory<byte> text, long offset)
    {
        if (Utf8.IsValid(text.Span)) return text;
        if (recipe.Lossy) return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text.Span));
        int bad = 0;
        while (Rune.DecodeFromUtf8(text.Span[bad..], out _, out int consumed) == OperationStatus.Done) bad += consumed;
        throw new DataException($"{path}: byte {offset + bad} (0x{text.Span[bad]:X2}) is not UTF-8; convert the file, or " +
            $"replace such bytes with lossy=true");
    }

    IEnumerable<Chunk> LineChunks(Source source)
    {
        long offset = 0, line = 1;
        byte[] carry = source.Head;
        int room = ChunkBytes;
        for (bool ended = false; !ended;)
        {
            int length = source.Fill(carry, room, out byte[] buffer);
            ended = length < buffer.Length;
            int end = ended ? length : buffer.AsSpan(0, length).LastIndexOf((byte)'\n') + 1;
            carry = buffer[end..length];
            if (carry.Length > LongestLine) throw TooLong(source.Path, $"line {line + buffer.AsSpan(0, end).Count((byte)'\n')}");
            room = Math.Max(ChunkBytes, carry.Length);          // a line longer than the buffer doubles it
            if (end == 0) continue;
            (long at, long first) = (offset, line);
            offset += end;
            line += buffer.AsSpan(0, end).Count((byte)'\n');
            yield return new Chunk(source.Progress(), () => ParseLines(source.Path, buffer.AsMemory(0, end), at, first));
        }
    }

    static DataException TooLong(string path, string which) => new($"{path}: {which} is longer than {LongestLine >> 20} MB, " +
        "which no record is; if it is text, rename it to .txt");

    Parsed ParseLines(string path, ReadOnlyMemory<byte> lines, long offset, long line)
    {
        var parsed = new Parsed();
        if (offset == 0 && lines.Span.StartsWith("\uFEFF"u8)) (lines, offset) = (lines[3..], 3);
        for (; !lines.IsEmpty; line++)
        {
            int end = lines.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> one = end < 0 ? lines : lines[..end];
            if (!one.Span.Trim(" \t\r"u8).IsEmpty) json.Add(Valid(path, one, offset), path, "line", line, parsed);
            int step = end < 0 ? lines.Length : end + 1;
            offset += step;
            lines = lines[step..];
        }
        return parsed;
    }

    /// <summary>A list's members, cut at its commas; a member is held whole, the list is not.</summary>
    IEnumerable<Chunk> ListChunks(Source source)
    {
        long offset = 0, number = 1;
        byte[] carry = source.Head;
        var cutter = new ListCutter();
        for (bool ended = false; !ended;)
        {
            int length = source.Fill(carry, Math.Max(ChunkBytes, carry.Length), out byte[] buffer);
            ended = length < buffer.Length;
            List<Range> members = cutter.Members(buffer.AsSpan(0, length), source.Path);
            int end = cutter.Begin;
            carry = buffer[end..length];
            if (carry.Length > LongestLine) throw TooLong(source.Path, $"member {number + members.Count}");
            cutter.Shift(end);
            if (ended && !cutter.Ended)
            {
                if (!recipe.Lossy)
                    throw new DataException($"{source.Path}: the list is cut short in member {number + members.Count}; " +
                        "fetch it again, or leave that out with lossy=true");
                members.Add(end..length);
            }
            (long at, long first) = (offset, number);
            offset += end;
            number += members.Count;
            yield return new Chunk(source.Progress(), () => ParseMembers(source.Path, buffer, members, at, first));
        }
    }

    Parsed ParseMembers(string path, ReadOnlyMemory<byte> buffer, List<Range> members, long offset, long number)
    {
        var parsed = new Parsed();
        foreach (Range range in members)
            json.Add(Valid(path, buffer[range], offset + range.Start.Value), path, "member", number++, parsed);
        return parsed;
    }
}
