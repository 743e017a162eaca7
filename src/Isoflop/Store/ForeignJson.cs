using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Isoflop.Store;

/// <summary>A value of a file that another program wrote.</summary>
/// <param name="Place">file and line, for messages</param>
readonly record struct ForeignRow(string Place, JsonElement Value);

/// <summary>
/// JSON as other programs write it. Python's NaN and Infinity are read as null; half a surrogate pair, which is what is left
/// of an emoji that was cut, as U+FFFD; a list as well as a line each. Strings of what it returns can always be read.
/// </summary>
static class ForeignJson
{
    const int MaxLine = 1 << 26, MaxList = 1 << 30, MaxDepth = 1000;

    static readonly JsonDocumentOptions options = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Reads one value.</summary>
    /// <param name="place">where it stands, for messages</param>
    /// <exception cref="DataException">It is no JSON, no UTF-8, or holds a key twice.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> text, string place)
    {
        try
        {
            return Read(text, place);
        }
        catch (JsonException e)
        {
            throw new DataException($"{place}: is not JSON: {Why(e)}", e);
        }
    }

    /// <summary>The same of a text.</summary>
    public static JsonElement Parse(string text, string place) => Parse(Encoding.UTF8.GetBytes(text), place);

    /// <summary>Values of a file: its lines, or the members of the one list that it is.</summary>
    /// <exception cref="DataException">As <see cref="Parse(ReadOnlyMemory{byte}, string)"/>; the file cannot be read; a line is
    /// longer than 64 MB.</exception>
    public static IEnumerable<ForeignRow> Rows(string path)
    {
        using FileStream file = Open(path);
        using IEnumerator<(int Line, ReadOnlyMemory<byte> Text)> lines = Lines(file, path).GetEnumerator();
        if (!lines.MoveNext()) yield break;
        if (Whole(lines.Current.Text, file, path) is { } members)
        {
            foreach (ForeignRow member in members) yield return member;
            yield break;
        }
        do
        {
            string place = $"{path}:{lines.Current.Line}";
            yield return new(place, Parse(lines.Current.Text, place));
        }
        while (lines.MoveNext());
    }

    /// <summary>A file whose first line is no value of its own is one value; a list of objects counts as its members.</summary>
    static List<ForeignRow>? Whole(ReadOnlyMemory<byte> first, FileStream file, string path)
    {
        if (first.Span[0] is not ((byte)'[' or (byte)'{')) return null;
        try
        {
            JsonElement alone = Read(first, path);
            bool objects = alone.ValueKind == JsonValueKind.Array
                && alone.EnumerateArray().All(member => member.ValueKind == JsonValueKind.Object);
            return objects ? Members(alone) : null;
        }
        catch (JsonException)
        {
            if (!file.CanSeek) return null;
            if (file.Length > MaxList) throw new DataException($"{path}: a list of {file.Length:N0} bytes; write a line each");
            byte[] text = new byte[file.Length];
            long at = file.Position;
            file.Position = 0;
            text = text[..file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
            file.Position = at;
            try
            {
                return Members(Read(text.AsMemory(Mark(text)), path));
            }
            catch (JsonException) when (first.Span[0] == (byte)'{')
            {
                return null;                                                         // lines after all: the faulty one is named
            }
            catch (JsonException e)
            {
                throw new DataException($"{path}: is not JSON: {Why(e)}", e);
            }
        }

        List<ForeignRow> Members(JsonElement value) => value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select((member, index) => new ForeignRow($"{path}, member {index + 1}", member))]
            : [new(path, value)];
    }

    static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DataException(Directory.Exists(path) ? $"{path}: is a folder; name a file"
                : $"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Lines that are not blank, without their ends.</summary>
    static IEnumerable<(int Line, ReadOnlyMemory<byte> Text)> Lines(FileStream file, string path)
    {
        byte[] buffer = new byte[1 << 16];
        int start = 0, filled = 0, number = 0;
        for (bool end = false, first = true; !end;)
        {
            int searched = filled;
            if (filled == buffer.Length)
            {
                if (start > 0) (filled, searched) = Move();
                else if (filled < MaxLine) Array.Resize(ref buffer, 2 * filled);
                else throw new DataException($"{path}: line {number + 1} is longer than {MaxLine >> 20} MB; it is no file of " +
                    "lines");
            }
            int got = Fill();
            end = got == 0;
            filled += got;
            if (first && filled > 0)
            {
                start = Mark(buffer.AsSpan(0, filled));
                first = false;
            }
            while (start < filled)
            {
                int at = buffer.AsSpan(searched, filled - searched).IndexOf((byte)'\n');
                if (at < 0 && !end) break;
                int stop = at < 0 ? filled : searched + at;
                number++;
                ReadOnlyMemory<byte> line = Trim(buffer.AsMemory(start, stop - start));
                if (line.Length > 0) yield return (number, line);
                start = searched = Math.Min(filled, stop + 1);
            }
        }

        int Fill()
        {
            try
            {
                return file.Read(buffer, filled, buffer.Length - filled);
            }
            catch (IOException e)
            {
                throw new DataException($"{path}: cannot be read: {e.Message}", e);
            }
        }

        (int, int) Move()
        {
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            (filled, start) = (filled - start, 0);
            return (filled, filled);
        }
    }

    static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> line) => line.Trim(" \t\r"u8);

    /// <summary>Length of the mark that some programs set before UTF-8.</summary>
    static int Mark(ReadOnlySpan<byte> text) => text.StartsWith("\uFEFF"u8) ? 3 : 0;

    /// <exception cref="JsonException">It is no JSON.</exception>
    static JsonElement Read(ReadOnlyMemory<byte> text, string place)
    {
        if (!Utf8.IsValid(text.Span))
            throw new DataException($"{place}: is not UTF-8; convert it, for instance with iconv -t UTF-8");
        using JsonDocument document = JsonDocument.Parse(Repaired(text), options);
        return document.RootElement.Clone();
    }

    /// <summary>The same text with every half of a pair as U+FFFD, and null for numbers that JSON does not have.</summary>
    /// <param name="halves">false: halves of pairs stay as they are</param>
    public static ReadOnlyMemory<byte> Repaired(ReadOnlyMemory<byte> text, bool halves = true)
    {
        ReadOnlySpan<byte> from = text.Span;
        if (from.IndexOf("\\ud"u8) < 0 && from.IndexOf("\\uD"u8) < 0 && from.IndexOf("NaN"u8) < 0
            && from.IndexOf("Infinity"u8) < 0)
            return text;
        var to = new ArrayBufferWriter<byte>(from.Length + 16);
        bool quoted = false;
        for (int at = 0; at < from.Length;)
        {
            ReadOnlySpan<byte> rest = from[at..];
            int length = 1;
            if (quoted && rest[0] == '\\')
            {
                length = Math.Min(2, rest.Length);
                if (halves && Unit(rest) is { } unit && char.IsSurrogate(unit))
                {
                    length = 6;
                    if (char.IsHighSurrogate(unit) && Unit(rest[6..]) is { } low && char.IsLowSurrogate(low)) length = 12;
                    else
                    {
                        to.Write("\\uFFFD"u8);
                        at += length;
                        continue;
                    }
                }
            }
            else if (rest[0] == '"') quoted = !quoted;
            else if (!quoted && Unspoken(rest) is > 0 and int word)
            {
                to.Write("null"u8);
                at += word;
                continue;
            }
            to.Write(rest[..length]);
            at += length;
        }
        return to.WrittenMemory;
    }

    static int Unspoken(ReadOnlySpan<byte> rest) =>
        rest.StartsWith("NaN"u8) ? 3 : rest.StartsWith("Infinity"u8) ? 8 : rest.StartsWith("-Infinity"u8) ? 9 : 0;

    /// <summary>The UTF-16 unit that an escape at the start of a text stands for.</summary>
    static char? Unit(ReadOnlySpan<byte> text) =>
        text.Length >= 6 && text[0] == '\\' && text[1] == 'u'
        && ushort.TryParse(text[2..6], System.Globalization.NumberStyles.AllowHexSpecifier, null, out ushort unit)
            ? (char)unit : null;

    /// <summary>The reader's reason, without its own line and byte where they would be taken for the file's.</summary>
    static string Why(JsonException e) => e.Message.Split(" LineNumber:")[0].ReplaceLineEndings(" ").TrimEnd('.');
}
