using System.Text;

namespace Isoflop.Text;

/// <summary>
/// Patterns of tokenizer files are Oniguruma's. What .NET reads alike stays; what it would read otherwise without a word is
/// rewritten or refused; what it cannot read it refuses itself.
/// </summary>
static class RegexDialect
{
    const int Longest = 10_000;                                   // making a matcher of more takes minutes
    const string Word = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}";

    /// <summary>The pattern as .NET means it, under the option that lets $ match at every line's end.</summary>
    /// <exception cref="DataException">Names what cannot be rewritten.</exception>
    public static string Translate(string pattern)
    {
        if (pattern.Length > Longest)
            throw new DataException($"pre_tokenizer pattern of {pattern.Length} characters is longer than {Longest}");
        var read = new StringBuilder(pattern.Length);
        bool inSet = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i], next = i + 1 < pattern.Length ? pattern[i + 1] : '\0';
            if (char.IsSurrogate(c)) throw Refused("a character beyond U+FFFF");
            if (c == '\\')
            {
                i++;
                if (next is 'b' or 'B' && !inSet || next == 'W' && inSet) throw Refused($@"\{next}");
                read.Append(next switch
                {
                    'w' => inSet ? Word : $"[{Word}]",
                    'W' => $"[^{Word}]",
                    '\0' => "\\",
                    _ => $@"\{next}",
                });
                continue;
            }
            if (inSet && (c == '[' || c == '&' && next == '&')) throw Refused("a set within a set");
            if (!inSet && c == '(' && Flags(pattern.AsSpan(i + 1)).Contains('m')) throw Refused("(?m)");
            inSet = inSet ? c != ']' : c == '[';
            read.Append(c);
        }
        return read.ToString();

        DataException Refused(string what) => new($"pre_tokenizer pattern '{pattern}' has {what}, which is not supported");
    }

    /// <summary>"i" of "?i:…)".</summary>
    static ReadOnlySpan<char> Flags(ReadOnlySpan<char> group)
    {
        if (group.IsEmpty || group[0] != '?') return [];
        int end = group[1..].IndexOfAnyExcept("imsxna-");
        return end < 0 || group[end + 1] is not (':' or ')') ? [] : group.Slice(1, end);
    }
}
