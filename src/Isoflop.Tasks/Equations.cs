namespace Isoflop.Tasks;

/// <summary>Reads equations of a thought, <c>2+3*4=14</c>: whole numbers, * / % before + -, no parentheses.</summary>
static class Equations
{
    /// <summary>How many equations do not hold. What is no such equation is passed over; overflow counts as false.</summary>
    public static int CountFalse(string thought)
    {
        int wrong = 0;
        for (int equal = thought.IndexOf('='); equal >= 0; equal = thought.IndexOf('=', equal + 1))
        {
            int start = equal, end = equal + 1;
            while (start > 0 && IsPart(thought[start - 1])) start--;
            if (end < thought.Length && thought[end] == '-') end++;
            while (end < thought.Length && char.IsAsciiDigit(thought[end])) end++;
            if (start > 0 && char.IsAsciiLetter(thought[start - 1])) continue;
            if (end < thought.Length && (char.IsAsciiLetter(thought[end]) || thought[end] == '.')) continue;
            if (Value(thought.AsSpan(start, equal - start)) is { } left
                && Numbers.Whole(thought.AsSpan(equal + 1, end - equal - 1)) is { } right
                && left != right) wrong++;
        }
        return wrong;
    }

    static bool IsPart(char c) => char.IsAsciiDigit(c) || c is '+' or '-' or '*' or '/' or '%';

    /// <summary>Null: no such term, or one without a sign.</summary>
    static long? Value(ReadOnlySpan<char> text)
    {
        int at = 0;
        long sum = 0;
        if (Number(text, ref at) is not { } product || at == text.Length) return null;
        while (at < text.Length)
        {
            char sign = text[at++];
            if (Number(text, ref at) is not { } next) return null;
            switch (sign)
            {
                case '+' or '-':
                    sum += product;
                    product = sign == '+' ? next : -next;
                    break;
                case '*': product *= next; break;
                case '/' when next != 0 && product % next == 0: product /= next; break;
                case '%' when next != 0: product %= next; break;
                default: return null;
            }
            if (Math.Abs(product) > 1L << 31) return null;
        }
        return sum + product;
    }

    static long? Number(ReadOnlySpan<char> text, ref int at)
    {
        int start = at;
        if (at < text.Length && text[at] == '-') at++;
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at - start is > 0 and < 10 && Numbers.Whole(text[start..at]) is { } n ? n : null;
    }
}
