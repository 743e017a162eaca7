using System.Globalization;

namespace Isoflop.Tasks;

/// <summary>Numbers as text, in one writing: ASCII digits, <c>-</c> before, <c>.</c> between; the culture has no say.</summary>
static class Numbers
{
    /// <summary>
    /// A whole number as it is written once only: no <c>+</c>, no leading zeros, no <c>-0</c>, at most 18 digits; else null.
    /// </summary>
    public static long? Whole(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> digits = text.Length > 0 && text[0] == '-' ? text[1..] : text;
        if (digits.Length is 0 or > 18 || (digits[0] == '0' && text.Length > 1)) return null;
        long value = 0;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c)) return null;
            value = value * 10 + (c - '0');
        }
        return digits.Length < text.Length ? -value : value;
    }

    /// <summary>All whole numbers of a text that have one space between them, or null.</summary>
    public static int[]? List(string text, int most)
    {
        string[] parts = text.Split(' ', most + 1);
        var list = new int[parts.Length];
        if (parts.Length > most) return null;
        for (int i = 0; i < list.Length; i++)
        {
            if (Whole(parts[i]) is not (>= int.MinValue and <= int.MaxValue) || Whole(parts[i]) is not { } n) return null;
            list[i] = (int)n;
        }
        return list;
    }

    /// <summary>In the invariant culture.</summary>
    public static string Text(long n) => n.ToString(CultureInfo.InvariantCulture);

    /// <summary>With so many decimals, in the invariant culture.</summary>
    public static string Text(double x, int decimals) => x.ToString("F" + Text(decimals), CultureInfo.InvariantCulture);

    /// <summary>Reads what our own prompts hold.</summary>
    public static int Own(ReadOnlySpan<char> text) => int.Parse(text, NumberStyles.AllowLeadingSign,
        CultureInfo.InvariantCulture);
}
