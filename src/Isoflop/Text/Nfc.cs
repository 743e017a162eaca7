using System.IO.Compression;
using System.Text;

namespace Isoflop.Text;

/// <summary>Unicode's normal form C: marks join their letters where a joint character exists. Standard annex 15.</summary>
/// <remarks>
/// Done here since .NET without a library of cultures normalises nothing. The table beside this file is made of UnicodeData.txt
/// 14.0 by numbers of seven bits a byte: how many decompositions; of each, twice its distance from the one before (odd: it is
/// joined again), twice the distance of its first part (odd: upwards), the second part or 0; then how many runs of combining
/// characters; of each, its distance from the one before, its length and class.
/// </remarks>
static class Nfc
{
    const int Hangul = 0xAC00, HangulCount = 11172, Lead = 0x1100, Vowel = 0x1161, Trail = 0x11A7, Vowels = 21, Trails = 28,
        Leads = 19;

    static readonly Lazy<Table> table = new(Table.Read);

    /// <param name="Moves">characters without which a text is in normal form: marks, and what is never written alone</param>
    sealed record Table(Dictionary<int, (int First, int Second)> Parts, Dictionary<(int, int), int> Joint,
        Dictionary<int, byte> Class, HashSet<int> Moves)
    {
        public static Table Read()
        {
            using Stream packed = typeof(Nfc).Assembly.GetManifestResourceStream("Isoflop.Text.nfc.zlib")!;
            using var reader = new BinaryReader(new ZLibStream(packed, CompressionMode.Decompress));
            var made = new Table([], [], [], [.. Enumerable.Range(Vowel, Vowels), .. Enumerable.Range(Trail, Trails)]);
            int code = 0;
            for (int left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                int step = reader.Read7BitEncodedInt(), far = reader.Read7BitEncodedInt(), second = reader.Read7BitEncodedInt();
                code += step >> 1;
                (int First, int Second) parts = (code + ((far & 1) == 1 ? far >> 1 : -(far >> 1)), second);
                made.Parts.Add(code, parts);
                if ((step & 1) == 1) made.Joint.Add(parts, code);
                made.Moves.Add((step & 1) == 1 ? second : code);
            }
            int start = 0;
            for (int left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                start += reader.Read7BitEncodedInt();
                int length = reader.Read7BitEncodedInt();
                byte of = (byte)reader.Read7BitEncodedInt();
                for (int c = start; c < start + length; c++) made.Class.Add(c, of);
            }
            made.Moves.UnionWith(made.Class.Keys);
            return made;
        }
    }

    /// <summary>The normal form of valid UTF-8; the same bytes where nothing in them can change.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> utf8)
    {
        // Everything below U+0300 is its own normal form, and joins nothing.
        if (utf8.IndexOfAnyExceptInRange((byte)0, (byte)0xCB) < 0 || !Moves(utf8)) return utf8;
        (List<int> codes, List<byte> classes) = Decomposed(utf8);
        Order(codes, classes);
        Join(codes, classes);
        var result = new MemoryStream(utf8.Length);
        Span<byte> bytes = stackalloc byte[4];
        foreach (int code in codes)
            if (code >= 0) result.Write(bytes[..new Rune(code).EncodeToUtf8(bytes)]);
        return result.GetBuffer().AsSpan(0, (int)result.Length);
    }

    static bool Moves(ReadOnlySpan<byte> utf8)
    {
        HashSet<int> moves = table.Value.Moves;
        while (!utf8.IsEmpty)
        {
            Rune.DecodeFromUtf8(utf8, out Rune rune, out int size);
            if (moves.Contains(rune.Value)) return true;
            utf8 = utf8[size..];
        }
        return false;
    }

    /// <summary>All characters taken apart, with their combining classes.</summary>
    static (List<int> Codes, List<byte> Classes) Decomposed(ReadOnlySpan<byte> utf8)
    {
        List<int> codes = [];
        List<byte> classes = [];
        foreach (Rune rune in Encoding.UTF8.GetString(utf8).EnumerateRunes()) Append(rune.Value);
        return (codes, classes);

        void Append(int code)
        {
            if (table.Value.Parts.TryGetValue(code, out (int First, int Second) parts))
            {
                Append(parts.First);
                if (parts.Second != 0) Append(parts.Second);
                return;
            }
            if ((uint)(code - Hangul) < HangulCount)
            {
                int n = code - Hangul;
                Append(Lead + n / (Vowels * Trails));
                Append(Vowel + n / Trails % Vowels);
                if (n % Trails > 0) Append(Trail + n % Trails);
                return;
            }
            codes.Add(code);
            classes.Add(table.Value.Class.GetValueOrDefault(code));
        }
    }

    /// <summary>Puts the marks behind a letter into the order of their classes; equal ones stay as they are.</summary>
    static void Order(List<int> codes, List<byte> classes)
    {
        for (int start = 0; start < codes.Count; start++)
        {
            if (classes[start] == 0) continue;
            int end = start + 1;
            while (end < codes.Count && classes[end] > 0) end++;
            (int Code, byte Class)[] marks = [.. Enumerable.Range(start, end - start).Select(i => (codes[i], classes[i]))];
            int at = start;
            foreach ((int code, byte of) in marks.OrderBy(m => m.Class)) (codes[at], classes[at++]) = (code, of);
            start = end;
        }
    }

    /// <summary>Joins marks with the letter before them unless one of their class stands between; the joined are −1.</summary>
    static void Join(List<int> codes, List<byte> classes)
    {
        int letter = -1, last = 0;                                // class of what stands between; 0: nothing
        for (int i = 0; i < codes.Count; i++)
        {
            if (letter >= 0 && (last == 0 || last < classes[i]) && Joint(codes[letter], codes[i]) is { } joint)
            {
                codes[letter] = joint;
                codes[i] = -1;
                continue;
            }
            if (classes[i] == 0) letter = i;
            last = classes[i];
        }
    }

    static int? Joint(int first, int second)
    {
        if ((uint)(first - Lead) < Leads && (uint)(second - Vowel) < Vowels)
            return Hangul + ((first - Lead) * Vowels + (second - Vowel)) * Trails;
        if ((uint)(first - Hangul) < HangulCount && (first - Hangul) % Trails == 0 && (uint)(second - Trail - 1) < Trails - 1)
            return first + second - Trail;
        return table.Value.Joint.TryGetValue((first, second), out int joint) ? joint : null;
    }
}
