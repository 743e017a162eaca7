using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Isoflop.Text;

/// <summary>Cuts text by any list of patterns, each within the pieces of the one before. Slow; safe for threads.</summary>
/// <remarks>
/// .NET matches UTF-16 units, tokenizer files mean code points. So a character beyond U+FFFF is matched as a basic-plane
/// character of the same general category, which answers every \p{…} class alike.
/// </remarks>
sealed class RegexSplitter
{
    readonly Regex[] stages;

    /// <summary>Throws <see cref="RegexParseException"/> when .NET cannot read a pattern.</summary>
    public RegexSplitter(IReadOnlyList<string> patterns) =>
        stages = [.. patterns.Select(p => new Regex(p, RegexOptions.CultureInvariant | RegexOptions.Compiled))];

    /// <summary>Puts the end of each piece, in bytes, into <paramref name="ends"/>. Valid UTF-8 only.</summary>
    public void Split(ReadOnlySpan<byte> utf8, List<int> ends)
    {
        ends.Clear();
        if (utf8.IsEmpty) return;
        char[] chars = new char[utf8.Length];
        int[] starts = new int[utf8.Length + 1];
        int count = 0, at = 0;
        while (at < utf8.Length)
        {
            Rune.DecodeFromUtf8(utf8[at..], out Rune rune, out int size);
            starts[count] = at;
            chars[count++] = rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune));
            at += size;
        }
        starts[count] = at;

        List<int> cuts = [count], finer = [];
        foreach (Regex stage in stages)
        {
            finer.Clear();
            int start = 0;
            foreach (int end in cuts)
            {
                Refine(stage, chars.AsSpan(start, end - start), start, finer);
                start = end;
            }
            (cuts, finer) = (finer, cuts);
        }
        foreach (int cut in cuts) ends.Add(starts[cut]);
    }

    /// <summary>Each match is a piece, and so is the text between two matches ("Isolated").</summary>
    static void Refine(Regex stage, ReadOnlySpan<char> piece, int offset, List<int> cuts)
    {
        int done = 0;
        foreach (ValueMatch match in stage.EnumerateMatches(piece))
        {
            if (match.Length == 0) continue;
            if (match.Index > done) cuts.Add(offset + match.Index);
            done = match.Index + match.Length;
            cuts.Add(offset + done);
        }
        if (done < piece.Length) cuts.Add(offset + piece.Length);
    }

    /// <summary>A basic-plane character of the category, one that no pattern names.</summary>
    internal static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => 'Ꙁ',
        UnicodeCategory.LowercaseLetter => 'ꙁ',
        UnicodeCategory.TitlecaseLetter => 'ᾈ',
        UnicodeCategory.ModifierLetter => 'ꙿ',
        UnicodeCategory.OtherLetter => 'ꔀ',
        UnicodeCategory.NonSpacingMark => '\uA66F',
        UnicodeCategory.SpacingCombiningMark => '\uA823',
        UnicodeCategory.EnclosingMark => '\u20DD',
        UnicodeCategory.DecimalDigitNumber => '꘠',
        UnicodeCategory.LetterNumber => 'ꛦ',
        UnicodeCategory.OtherNumber => '꠰',
        UnicodeCategory.ConnectorPunctuation => '‿',
        UnicodeCategory.DashPunctuation => '⸗',
        UnicodeCategory.OpenPunctuation => '⸨',
        UnicodeCategory.ClosePunctuation => '⸩',
        UnicodeCategory.InitialQuotePunctuation => '⸂',
        UnicodeCategory.FinalQuotePunctuation => '⸃',
        UnicodeCategory.OtherPunctuation => '꘍',
        UnicodeCategory.MathSymbol => '⨀',
        UnicodeCategory.CurrencySymbol => '₠',
        UnicodeCategory.ModifierSymbol => '꜀',
        UnicodeCategory.OtherSymbol => '⎈',
        UnicodeCategory.Format => '\u2064',
        UnicodeCategory.PrivateUse => '\uE123',
        _ => '\uFFFE',                                            // unassigned
    };
}
