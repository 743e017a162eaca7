using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Isoflop.Text;

/// <summary>What becomes of the matches of a rule and of the text between them.</summary>
enum Kept
{
    /// <summary>Each match is a piece, and so is what lies between two ("Isolated").</summary>
    All,
    /// <summary>Matches are left out of the text ("Removed").</summary>
    Between,
    /// <summary>All else is left out of the text ("Removed", inverted).</summary>
    Matches,
}

/// <summary>One cut of a pre-tokenizer.</summary>
readonly record struct SplitRule(string Pattern, Kept Kept = Kept.All);

/// <summary>Cuts text by any list of rules, each within the pieces of the one before. Slow; safe for threads.</summary>
/// <remarks>
/// .NET matches UTF-16 units, tokenizer files mean code points. So a character beyond U+FFFF is matched as a basic-plane
/// character of the same general category, which answers every \p{…} class alike.
/// </remarks>
sealed class RegexSplitter
{
    static readonly TimeSpan limit = TimeSpan.FromSeconds(5);
    readonly (SplitRule Rule, Regex Pattern)[] stages;

    /// <exception cref="DataException">A pattern that .NET cannot read, or would read otherwise than its author.</exception>
    public RegexSplitter(IReadOnlyList<SplitRule> rules) => stages = [.. rules.Select(r => (r, Made(r.Pattern)))];

    /// <summary>
    /// A stranger's pattern may take 2ⁿ steps on n characters, so it is matched without going back; one that looks ahead cannot
    /// be, and gets a time limit.
    /// </summary>
    static Regex Made(string pattern)
    {
        const RegexOptions Usual = RegexOptions.CultureInvariant | RegexOptions.Multiline;
        string read = RegexDialect.Translate(pattern);
        try
        {
            try
            {
                return new Regex(read, Usual | RegexOptions.NonBacktracking, limit);
            }
            catch (NotSupportedException)
            {
                return new Regex(read, Usual | RegexOptions.Compiled, limit);
            }
        }
        catch (RegexParseException e)
        {
            throw new DataException($"pre_tokenizer pattern is not one .NET can read: {e.Message}", e);
        }
    }

    /// <summary>Puts start and end of each piece, in bytes, into <paramref name="pieces"/>. Valid UTF-8 only.</summary>
    /// <exception cref="DataException">A pattern that takes too long.</exception>
    public void Split(ReadOnlySpan<byte> utf8, List<(int Start, int End)> pieces)
    {
        pieces.Clear();
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

        List<(int Start, int End)> now = [(0, count)], finer = [];
        foreach ((SplitRule rule, Regex pattern) in stages)
        {
            finer.Clear();
            try
            {
                foreach ((int start, int end) in now) Refine(rule, pattern, chars.AsSpan(start, end - start), start, finer);
            }
            catch (RegexMatchTimeoutException e)
            {
                throw new DataException($"tokenizer.json: pre_tokenizer pattern '{rule.Pattern}' takes more than " +
                    $"{limit.TotalSeconds} s for one match in a text of {utf8.Length} bytes; simplify its nested repeats", e);
            }
            (now, finer) = (finer, now);
        }
        foreach ((int start, int end) in now) pieces.Add((starts[start], starts[end]));
    }

    static void Refine(SplitRule rule, Regex pattern, ReadOnlySpan<char> text, int offset, List<(int Start, int End)> pieces)
    {
        int done = 0;
        foreach (ValueMatch match in pattern.EnumerateMatches(text))
        {
            if (match.Index > done && rule.Kept != Kept.Matches) pieces.Add((offset + done, offset + match.Index));
            done = match.Index + match.Length;
            // An empty match cuts, and is no piece.
            if (match.Length > 0 && rule.Kept != Kept.Between) pieces.Add((offset + match.Index, offset + done));
        }
        if (done < text.Length && rule.Kept != Kept.Matches) pieces.Add((offset + done, offset + text.Length));
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
