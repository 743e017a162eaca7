using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace Isoflop.Tasks;

/// <summary>
/// What a reply in words answers, as models of others write: thoughts are taken away, then the last answer that is marked counts
/// (in tags, in a box, behind <c>####</c> or "the answer is"), else the last line. A number is a number in every writing of it.
/// A reply that takes its answer back, or says two in one place, has said neither.
/// </summary>
static partial class Answers
{
    // An answer stands at the end of a reply: no more of it is looked at, and no closing phrase is longer.
    const int Longest = 1 << 16, LongestCloser = 400, LongestNumber = 60;

    // ---- thoughts -------------------------------------------------------------------------------------------------------------

    [GeneratedRegex(@"<(?<end>/?)(?:think|thinking|thought|reasoning|seed:think)>|\[(?<end>/?)think\]|◁(?<end>/?)think▷|" +
        @"<\|(?:begin|(?<end>end))_of_(?:thought|(?<solution>solution))\|>",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ThoughtTag();

    [GeneratedRegex(@"(?:<\|[a-z_]{1,20}\|>|</s>|<eos>|<end_of_turn>|\uFFFD|\u200B|\s)+\z",
        RegexOptions.CultureInvariant | RegexOptions.RightToLeft)]
    private static partial Regex EndSigns();

    /// <summary>
    /// What was thought and what was said. A thought whose beginning is not seen (templates open it in the prompt) begins with
    /// the reply; one without an end ends with it.
    /// </summary>
    public static (string Thought, string Said) Parts(string reply)
    {
        const string Final = "<|channel|>final<|message|>";
        StringBuilder thought = new(), said = new();
        int at = 0, final = reply.LastIndexOf(Final, StringComparison.Ordinal);
        if (final >= 0)
        {
            thought.Append(reply, 0, final);
            at = final + Final.Length;
        }
        bool open = false;
        foreach (Match tag in ThoughtTag().Matches(reply, at))
        {
            bool end = tag.Groups["end"].Length > 0, solution = tag.Groups["solution"].Success;
            (open ? thought : said).Append(reply, at, tag.Index - at);
            at = tag.Index + tag.Length;
            if (end && !open && !solution)
            {
                thought.Append(said);
                said.Clear();
            }
            open = !end && !solution;
        }
        (open ? thought : said).Append(reply, at, reply.Length - at);
        return (thought.ToString().Trim(), EndSigns().Replace(said.ToString(), ""));
    }

    // ---- the answer -----------------------------------------------------------------------------------------------------------

    /// <summary>The answer of what was said, plainly written; null: it says nothing.</summary>
    /// <param name="number">the answer is a number: one that is said is written as <see cref="Number"/> writes it</param>
    public static string? Of(string said, bool number = false)
    {
        if (Marked(said, number) is { Length: > 0 } marked) return marked;
        return LastLine(Closed(said)) is { } line ? Read(line, number) : null;
    }

    /// <summary>The last answer that is marked as such; empty: it is taken back again; null: none is marked.</summary>
    public static string? Marked(string said, bool number = false)
    {
        said = Closed(said);
        // What stands in tags is read for itself; of all others the one that begins last counts.
        Match tag = AnswerTag().Match(said);
        int last = tag.Success ? tag.Index : -1, begin = last + tag.Length, end = 0;
        if (tag.Success)
        {
            end = said.IndexOf($"/{tag.Groups[1].Value}{tag.Value[^1]}", begin, StringComparison.OrdinalIgnoreCase) - 1;
            if (end < begin) end = said.Length;
        }
        string? text = tag.Success ? Of(said[begin..end], number) ?? "" : null;
        if (Boxed(said, end) is { } box) (last, text) = (box.At, Read(box.Text, number));
        // A heading is followed by something, a marked number may be.
        if (Hashes().Matches(said, end).LastOrDefault(m => m.Index + m.Length == said.Length
            || NumberIn(m.Groups[1].Value) is not null) is { } hashes && hashes.Index > last)
            (last, text) = (hashes.Index, Read(hashes.Groups[1].Value, number));
        if (AnswerIs().Matches(said, end).LastOrDefault() is { } answer && answer.Index > last)
            text = Committed(said[(answer.Index + answer.Length)..], number) is { } sure ? Read(sure, number) : "";
        return text;
    }

    /// <summary>Two writings of one answer.</summary>
    public static bool Same(string said, string right)
    {
        string a = Plain(said), b = Plain(right);
        return said == right || (a.Length > 0 && a == b) || (Number(b) is { } value && value == Number(a));
    }

    static string Read(string text, bool number)
    {
        if (number && NumberIn(text) is { } value) return value;
        bool bold = text.Length <= LongestCloser && Bold().Count(text) == 1 && !Hedge().IsMatch(text);
        return Plain(bold ? Bold().Match(text).Groups[1].Value : text);
    }

    [GeneratedRegex(@"[<\[](answer|final_answer|ans|solution)[>\]]",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.RightToLeft)]
    private static partial Regex AnswerTag();

    [GeneratedRegex(@"(?<!\S)#{4}(?!#)[ \t]*(\S[^\n]*)$", RegexOptions.Multiline)]
    private static partial Regex Hashes();

    [GeneratedRegex(@"(?<!\p{L})answer(?:[ \t]+(?:to|for|of)\b[^\n.:=]{0,60}?)?(?:[ \t]*\([^()\n]{0,40}\))?[*_`""' \t]*" +
        @"(?::|=|\bis\b(?:[ \t]+(?:therefore|thus|then|simply|just|hence|exactly)\b)?[,: \t]*|\bwould be\b|\bwill be\b)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AnswerIs();

    /// <summary>The content of the last \boxed{…}, whose braces may nest.</summary>
    static (int At, string Text)? Boxed(string said, int from)
    {
        int at = Math.Max(said.LastIndexOf("\\boxed", StringComparison.Ordinal),
            said.LastIndexOf("\\fbox", StringComparison.Ordinal));
        int open = at < 0 ? -1 : said.IndexOfAny(['{', '\n'], at);
        if (at < from || open < 0 || said[open] != '{') return null;
        for (int i = open, depth = 0; i < said.Length; i++)
        {
            if (said[i] == '\\') i++;
            else if (said[i] == '{') depth++;
            else if (said[i] == '}' && --depth == 0) return (at, said[(open + 1)..i]);
        }
        return null;
    }

    [GeneratedRegex(@"(?<=[\p{L}\p{N}]{3}|[\p{N})\]}*$`""'])[.!?;][*_`""')]*(?=\s|\z)")]
    private static partial Regex SentenceEnd();

    // Stars that close what stood before; those that open the answer belong to it.
    [GeneratedRegex(@"\A(?:[\s_`:]|\*+(?=[\s:]|\z))*")]
    private static partial Regex Lead();

    /// <summary>
    /// What stands behind "the answer is", to the end of its sentence; null where what follows takes it back or says another.
    /// </summary>
    static string? Committed(string behind, bool number)
    {
        string text = Lead().Replace(behind, "");
        int line = text.IndexOf('\n');
        string first = line < 0 ? text : text[..line];
        int stop = SentenceEnd().Match(first) is { Success: true } end ? end.Index + end.Length : first.Length;
        string answer = first[..stop].TrimEnd('!'), rest = Closed(text[stop..]);
        if (LastLine(answer) is null || Hedge().IsMatch(rest)) return null;
        if (number && NumberIn(answer) is { } value && Digits().Matches(rest) is { Count: > 0 } others
            && Number(others[^1].Value) != value) return null;
        bool json = answer.Count(c => c == '}') > answer.Count(c => c == '{');      // {"answer": 145}
        return json ? answer.TrimEnd(' ', '\r', '}') : answer;
    }

    [GeneratedRegex(@"\b(?:or|nor|but|no|not|never|wait|actually|maybe|perhaps|however|alternatively|instead|incorrect|wrong|" +
        @"mistaken?|sorry|might|may|could|possibly|probably|hmm|unless|rather|correction|either|false|except)\b|n['’]t\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Hedge();

    // A share of certainty is no second answer.
    [GeneratedRegex(@"(?<![\p{L}\p{N}.,])[-+−]?[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?(?![0-9%]|\s*(?:%|percent))")]
    private static partial Regex Digits();

    [GeneratedRegex(@"(?<![\p{L}\p{N}])(?:i(?:['’]m| am) (?:happy|glad)|i hope|hope (?:this|that|it)|" +
        @"(?:please )?(?:let me know|feel free)|if you(?:['’]d| would| have| need| want)|is there anything|" +
        @"do you (?:have|need|want|understand)|would you like|" +
        @"thanks?(?: you)?\b|you(?:['’]re| are) welcome|good luck|happy (?:to|learning|coding)|glad to|" +
        @"have a (?:great|nice|good|wonderful)|cheers|any (?:other|further|more) questions)[^\n0-9]*\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Closer();

    /// <summary>Without the phrases that models close with; of phrases alone nothing is taken.</summary>
    static string Closed(string said)
    {
        said = said.Length > Longest ? said[^Longest..] : said;
        for (int end = Trimmed(said.Length); end > 0;)
        {
            int line = said.LastIndexOf('\n', end - 1) + 1, from = Math.Max(line, end - LongestCloser);
            int cut = !said.AsSpan(line, end - line).ContainsAnyLetterOrDigit() ? line
                : Closer().Match(said, from, end - from) is { Success: true } closer ? closer.Index : -1;
            if (cut < 0) return said[..end];
            end = Trimmed(cut);
        }
        return said.Trim();

        int Trimmed(int end) => said.AsSpan(0, end).TrimEnd().Length;
    }

    static string? LastLine(string text)
    {
        for (int end = text.Length; end > 0;)
        {
            int begin = text.LastIndexOf('\n', end - 1) + 1;
            if (text.AsSpan(begin, end - begin).ContainsAnyLetterOrDigit()) return text[begin..end].Trim();
            end = begin - 1;
        }
        return null;
    }

    static bool ContainsAnyLetterOrDigit(this ReadOnlySpan<char> text)
    {
        foreach (char c in text)
            if (char.IsLetterOrDigit(c)) return true;
        return false;
    }

    // ---- plain writing --------------------------------------------------------------------------------------------------------

    static readonly (string Open, string Close)[] dress =
    [
        ("**", "**"), ("__", "__"), ("```", "```"), ("`", "`"), ("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"),
        ("*", "*"), ("_", "_"), ("\"", "\""), ("“", "”"), ("'", "'"), ("\\text{", "}"), ("\\textbf{", "}"), ("\\mathrm{", "}"),
        ("\\mathbf{", "}"), ("\\boxed{", "}"),
    ];

    /// <summary>Without what models put around an answer: bold, code and formula signs, quotes, a full stop.</summary>
    public static string Plain(string answer)
    {
        string text = answer.Trim();
        for (string before = ""; before != text;)
        {
            before = text;
            text = text.TrimStart('*', '`', ' ').TrimEnd('*', '`', ' ', '.', '\r');
            foreach ((string open, string close) in dress)
                if (text.Length > open.Length + close.Length && text.StartsWith(open, StringComparison.Ordinal)
                    && text.EndsWith(close, StringComparison.Ordinal)
                    && text.IndexOf(close, open.Length, StringComparison.Ordinal) == text.Length - close.Length)
                    text = text[open.Length..^close.Length].Trim();
            if (text.EndsWith('$') && text.Count(c => c == '$') == 1) text = text[..^1];
        }
        return text;
    }

    // ---- numbers --------------------------------------------------------------------------------------------------------------

    [GeneratedRegex(@"\A(?<sign>[+-]?)(?:US)?[$€£¥₹]?(?<late>[+-]?)(?<whole>0|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]*)" +
        @"(?:\.(?<part>[0-9]*))?(?:[eE](?<power>[+-]?[0-9]{1,2}))?[$€£¥₹]?\z")]
    private static partial Regex DecimalForm();

    [GeneratedRegex(@"\A(?<sign>-?)(?:\\[dt]?frac\{(?<over>-?[0-9]{1,18})\}\{(?<under>[0-9]{1,18})\}|" +
        @"(?<over>[0-9]{1,18}) ?/ ?(?<under>[0-9]{1,18}))\z")]
    private static partial Regex FractionForm();

    [GeneratedRegex(@"\s*(?:\\times|×|\\cdot|·|\*)\s*10\s*\^\s*\{?\s*([+-]?[0-9]{1,2})\}?\z")]
    private static partial Regex PowerOfTen();

    /// <summary>
    /// A number in one writing: 145 for 145.0, +145, $145.00 and 1.45e2; −0.5 for -1/2; of fractions without end 1/3. Commas
    /// stand before three digits or not at all. Null: anything else.
    /// </summary>
    public static string? Number(string text)
    {
        text = text.Trim();
        if (text.Length is 0 or > LongestNumber) return null;
        text = text.Replace('−', '-').Replace('\uFF0D', '-').Replace('\uFE63', '-').Replace("{,}", ",").Replace("\\$", "$")
            .Replace("\\!", "").Replace("\\,", "").Replace("\u202F", "").Replace("\u2009", "").Replace("\u00A0", "");
        if (text.StartsWith('–')) text = "-" + text[1..];
        text = PowerOfTen().Replace(text, "e$1");
        if (FractionForm().Match(text) is { Success: true } fraction) return Ratio(fraction);
        if (DecimalForm().Match(text) is not { Success: true, Groups: var part }
            || (part["sign"].Length > 0 && part["late"].Length > 0)) return null;
        string digits = part["whole"].Value.Replace(",", "") + part["part"].Value;
        int power = part["power"].Success ? int.Parse(part["power"].Value, CultureInfo.InvariantCulture) : 0;
        return Written(part["sign"].Value + part["late"].Value == "-", BigInteger.Parse(digits, CultureInfo.InvariantCulture),
            power - part["part"].Length);
    }

    static string? Ratio(Match fraction)
    {
        BigInteger over = BigInteger.Parse(fraction.Groups["over"].Value, CultureInfo.InvariantCulture),
            under = BigInteger.Parse(fraction.Groups["under"].Value, CultureInfo.InvariantCulture);
        if (under.IsZero) return null;
        if (fraction.Groups["sign"].Length > 0) over = -over;
        BigInteger common = BigInteger.GreatestCommonDivisor(over, under);
        (over, under) = (over / common, under / common);
        BigInteger rest = under;
        int twos = 0, fives = 0;
        for (; rest % 2 == 0; rest /= 2) twos++;
        for (; rest % 5 == 0; rest /= 5) fives++;
        int places = Math.Max(twos, fives);
        return rest.IsOne ? Written(over.Sign < 0, BigInteger.Abs(over) * BigInteger.Pow(10, places) / under, -places)
            : string.Create(CultureInfo.InvariantCulture, $"{over}/{under}");
    }

    static string Written(bool negative, BigInteger digits, int power)
    {
        if (digits.IsZero) return "0";
        for (; digits % 10 == 0; power++) digits /= 10;
        string text = digits.ToString(CultureInfo.InvariantCulture);
        text = power >= 0 ? text + new string('0', power)
            : text.Length > -power ? text.Insert(text.Length + power, ".") : "0." + text.PadLeft(-power, '0');
        return negative ? "-" + text : text;
    }

    [GeneratedRegex(@"\A(?<number>[^\p{L}\s]\S*)\s+(?<unit>\p{L}{2,20}(?:\s\p{L}{2,20})?)\z")]
    private static partial Regex WithUnit();

    // Words that make another number of it, or none.
    [GeneratedRegex(@"\b(?:plus|minus|times|over|squared|cubed|factorial|percent|hundred|thousand|million|billion|trillion|" +
        @"dozen|mil|mn|bn|tn|lakh|crore|half|halves|thirds?|quarters?|tenths?|mod|modulo|and|is|to|less|more|than|about|if)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Scale();

    [GeneratedRegex(@"(?:=>?|→|⇒|['’]s\b|\b(?:is|are|be|equals|equal to|gives|yields|makes|obtain|totals?|get|got|have|has|had|" +
        @"(?:comes|adds up|sums|amounts|evaluates|simplifies) to|(?:result|total|sum|solution|output|ans):|" +
        @"(?:so|hence|thus|therefore),?)(?!\w))" +
        @"\s*(?<number>[^=]{1,80}?)\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.RightToLeft)]
    private static partial Regex Comes();

    [GeneratedRegex(@"\s+is (?:the|my) (?:final |correct )?answer\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IsTheAnswer();

    [GeneratedRegex(@"\s\([^()0-9]{1,60}\)\z")]
    private static partial Regex Aside();

    [GeneratedRegex(@"\*\*([^*]{1,80})\*\*")]
    private static partial Regex Bold();

    /// <summary>The one number that a line says: alone, with its unit, behind "=" or "is", or in bold.</summary>
    static string? NumberIn(string line)
    {
        string text = Plain(line);
        if (Number(text) is { } alone) return alone;
        if (text.Length > LongestCloser || Hedge().IsMatch(text)) return null;
        text = IsTheAnswer().Replace(text, "");
        if (Bold().Matches(text) is [var bold] && Value(bold.Groups[1].Value) is { } strong) return strong;
        return Value(text) ?? (Comes().Match(text) is { Success: true } comes ? Value(comes.Groups["number"].Value) : null);

        static string? Value(string of)
        {
            string bare = Aside().Replace(Plain(of), "");
            string plain = Plain(bare.Replace("\\text{", " ").Replace("\\mathrm{", " ").Replace("\\,", " ").TrimEnd('}'));
            return Number(bare) ?? Number(plain) ?? (WithUnit().Match(plain) is { Success: true, Groups: var part }
                && !Scale().IsMatch(part["unit"].Value) ? Number(part["number"].Value) : null);
        }
    }
}
