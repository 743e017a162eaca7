using System.Globalization;

namespace Isoflop.Text;

/// <summary>Cuts UTF-8 text where no merge may cross: the hand-written equal of <see cref="Pattern"/>.</summary>
static class PreTokenizer
{
    /// <summary>Contractions, single digits, words with their space, runs of marks with their space, whitespace.</summary>
    public const string Pattern = @"'(?:[sdmt]|ll|ve|re)|\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    const byte Other = 0, Letter = 1, Number = 2, Space = 3;

    /// <summary>Class of each code point of the basic plane; the rest is asked for one by one.</summary>
    static readonly byte[] Classes = MakeClasses();

    /// <summary>The end of the piece that starts at <paramref name="start"/>. Valid UTF-8 only.</summary>
    public static int Next(ReadOnlySpan<byte> utf8, int start)
    {
        int first = ClassAt(utf8, start, out int end);
        if (first == Space)
        {
            if (utf8[start] != ' ' || end == utf8.Length) return SpaceEnd(utf8, start, end);
            int second = ClassAt(utf8, end, out int afterSecond);
            return second is Letter or Other ? RunEnd(utf8, afterSecond, second)
                : second == Space ? SpaceEnd(utf8, start, end)
                : end;
        }
        if (first == Number) return end;
        if (utf8[start] == '\'')
        {
            int contraction = ContractionEnd(utf8, start);
            if (contraction > 0) return contraction;
        }
        return RunEnd(utf8, end, first);
    }

    static int RunEnd(ReadOnlySpan<byte> utf8, int at, int kind)
    {
        while (at < utf8.Length && ClassAt(utf8, at, out int after) == kind) at = after;
        return at;
    }

    /// <summary>The run of whitespace, without its last character when text follows: that one goes with the text.</summary>
    static int SpaceEnd(ReadOnlySpan<byte> utf8, int start, int end)
    {
        int last = start;
        while (end < utf8.Length && ClassAt(utf8, end, out int after) == Space)
        {
            last = end;
            end = after;
        }
        return end == utf8.Length || last == start ? end : last;
    }

    static int ContractionEnd(ReadOnlySpan<byte> utf8, int start)
    {
        if (start + 1 >= utf8.Length) return 0;
        byte first = utf8[start + 1];
        if (first is (byte)'s' or (byte)'d' or (byte)'m' or (byte)'t') return start + 2;
        if (start + 2 >= utf8.Length) return 0;
        return (first, utf8[start + 2]) is ((byte)'l', (byte)'l') or ((byte)'v', (byte)'e') or ((byte)'r', (byte)'e')
            ? start + 3 : 0;
    }

    static int ClassAt(ReadOnlySpan<byte> utf8, int at, out int after)
    {
        byte lead = utf8[at];
        if (lead < 0x80)
        {
            after = at + 1;
            return Classes[lead];
        }
        if (lead < 0xE0)
        {
            after = at + 2;
            return Classes[(lead & 0x1F) << 6 | utf8[at + 1] & 0x3F];
        }
        if (lead < 0xF0)
        {
            after = at + 3;
            return Classes[(lead & 0x0F) << 12 | (utf8[at + 1] & 0x3F) << 6 | utf8[at + 2] & 0x3F];
        }
        after = at + 4;
        return ClassOf((lead & 0x07) << 18 | (utf8[at + 1] & 0x3F) << 12 | (utf8[at + 2] & 0x3F) << 6 | utf8[at + 3] & 0x3F);
    }

    static byte[] MakeClasses()
    {
        var classes = new byte[0x10000];
        for (int c = 0; c < classes.Length; c++) classes[c] = ClassOf(c);
        return classes;
    }

    static byte ClassOf(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        <= UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => codePoint < 0x10000 && char.IsWhiteSpace((char)codePoint) ? Space : Other,
    };
}
