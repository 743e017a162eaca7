using System.Buffers;
using System.Text;

namespace Isoflop.Text;

/// <summary>A token that is no product of merges; <paramref name="IsSpecial"/>: it marks structure, not text.</summary>
sealed record AddedToken(int Id, string Text, bool IsSpecial)
{
    /// <summary>Not where a letter or digit touches it.</summary>
    public bool SingleWord { get; init; }
    /// <summary>It takes the spaces before it.</summary>
    public bool TakesLeft { get; init; }
    /// <summary>It takes the spaces behind it.</summary>
    public bool TakesRight { get; init; }
    /// <summary>It is looked for after the normalizer, which is applied to its name too.</summary>
    public bool Normalized { get; init; }
}

/// <summary>A stretch of text: an added token, or −1 for what lies between them.</summary>
readonly record struct Cut(int Id, int Start, int End);

/// <summary>
/// Finds added tokens in text, the longest at the leftmost place, as Hugging Face does when it is told that special tokens are
/// text: the name of a special token is passed over as a whole. Read-only, so safe for threads.
/// </summary>
sealed class AddedTokens
{
    readonly Dictionary<byte, (byte[] Name, AddedToken Token)[]> byFirst;
    readonly SearchValues<byte> firsts;

    public AddedTokens(IEnumerable<(byte[] Name, AddedToken Token)> tokens)
    {
        byFirst = tokens.GroupBy(t => t.Name[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Name.Length).ToArray());
        firsts = SearchValues.Create([.. byFirst.Keys]);
    }

    /// <summary>The whole text in stretches, none of them empty.</summary>
    public List<Cut> Cuts(ReadOnlySpan<byte> utf8)
    {
        List<Cut> cuts = [];
        int done = 0;
        for (int at = 0; at < utf8.Length;)
        {
            int next = utf8[at..].IndexOfAny(firsts);
            if (next < 0) break;
            at += next;
            if (Find(utf8[at..]) is not { } found)
            {
                at++;
                continue;
            }
            int start = at, end = at += found.Name.Length;
            if (found.Token.IsSpecial) continue;
            if (found.Token.SingleWord && (EndsInWord(utf8[..start]) || StartsWithWord(utf8[end..]))) continue;
            if (found.Token.TakesLeft) start = Math.Max(done, SpacesBefore(utf8[..start]));
            if (found.Token.TakesRight) at = end = end + SpacesAfter(utf8[end..]);
            if (start > done) cuts.Add(new(-1, done, start));
            cuts.Add(new(found.Token.Id, start, end));
            done = end;
        }
        if (done < utf8.Length) cuts.Add(new(-1, done, utf8.Length));
        return cuts;
    }

    (byte[] Name, AddedToken Token)? Find(ReadOnlySpan<byte> rest)
    {
        foreach ((byte[] name, AddedToken token) in byFirst[rest[0]])
            if (rest.StartsWith(name)) return (name, token);
        return null;
    }

    // No text decodes to U+FFFD, which is neither.
    static bool EndsInWord(ReadOnlySpan<byte> text)
    {
        Rune.DecodeLastFromUtf8(text, out Rune last, out _);
        return IsWord(last);
    }

    static bool StartsWithWord(ReadOnlySpan<byte> text)
    {
        Rune.DecodeFromUtf8(text, out Rune first, out _);
        return IsWord(first);
    }

    static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) is <= System.Globalization.UnicodeCategory.LetterNumber
        or System.Globalization.UnicodeCategory.ConnectorPunctuation || rune.Value is 0x200C or 0x200D;

    static int SpacesBefore(ReadOnlySpan<byte> text)
    {
        while (Rune.DecodeLastFromUtf8(text, out Rune last, out int size) == 0 && Rune.IsWhiteSpace(last)) text = text[..^size];
        return text.Length;
    }

    static int SpacesAfter(ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (Rune.DecodeFromUtf8(text[length..], out Rune first, out int size) == 0 && Rune.IsWhiteSpace(first)) length += size;
        return length;
    }
}
