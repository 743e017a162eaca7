namespace Isoflop.Tasks;

/// <summary>
/// Value of an expression of whole numbers with + - * / and parentheses, exact: a small parser and nothing else, bounded in
/// length, depth and size. No signs before numbers, no functions, no powers.
/// </summary>
ref struct Expression
{
    const int MaxLength = 100;
    const long MaxPart = 1_000_000_000;
    readonly ReadOnlySpan<char> text;
    readonly List<int> numbers;
    int at;

    Expression(ReadOnlySpan<char> text)
    {
        this.text = text;
        numbers = [];
    }

    // How formulas write what is judged as one character, or as none.
    static readonly (string Sign, string Plain)[] signs = [("\\times", "*"), ("\\cdot", "*"), ("\\div", "/"), ("\\left", ""),
        ("\\right", ""), ("×", "*"), ("·", "*"), ("÷", "/"), ("−", "-"), (" ", "")];

    /// <summary>An expression of a formula in the writing that is judged, without the value that stands behind it.</summary>
    public static string Plain(string text)
    {
        foreach ((string sign, string plain) in signs) text = text.Replace(sign, plain);
        string[] sides = text.Split('=');
        return sides.FirstOrDefault(s => s.AsSpan().IndexOfAny("+-*/") >= 0) ?? text;
    }

    /// <summary>
    /// The value as a reduced fraction with a positive denominator, and the numbers in order; null: no such expression.
    /// </summary>
    public static (long Over, long Under, List<int> Numbers)? Evaluate(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxLength) return null;
        var own = new Expression(text);
        return own.Sum() is { } value && own.at == text.Length ? (value.Over, value.Under, own.numbers) : null;
    }

    (long Over, long Under)? Sum()
    {
        if (Product() is not { } value) return null;
        while (at < text.Length && text[at] is '+' or '-')
        {
            bool plus = text[at++] == '+';
            if (Product() is not { } next) return null;
            (long over, long under) = (next.Over * value.Under, value.Under * next.Under);
            if (Reduced(value.Over * next.Under + (plus ? over : -over), under) is not { } sum) return null;
            value = sum;
        }
        return value;
    }

    (long Over, long Under)? Product()
    {
        if (Atom() is not { } value) return null;
        while (at < text.Length && text[at] is '*' or '/')
        {
            bool times = text[at++] == '*';
            if (Atom() is not { } next || (!times && next.Over == 0)) return null;
            if (!times) next = next.Over < 0 ? (-next.Under, -next.Over) : (next.Under, next.Over);
            if (Reduced(value.Over * next.Over, value.Under * next.Under) is not { } product) return null;
            value = product;
        }
        return value;
    }

    (long Over, long Under)? Atom()
    {
        if (at == text.Length) return null;
        if (text[at] == '(')
        {
            at++;
            if (Sum() is not { } inner || at == text.Length || text[at++] != ')') return null;
            return inner;
        }
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        if (at - start > 6 || Numbers.Whole(text[start..at]) is not { } n) return null;
        numbers.Add((int)n);
        return (n, 1);
    }

    /// <summary>Both parts stay below 10⁹, so the products above fit in 64 bits.</summary>
    static (long Over, long Under)? Reduced(long over, long under)
    {
        (long a, long b) = (Math.Abs(over), under);
        while (b != 0) (a, b) = (b, a % b);
        (over, under) = (over / a, under / a);
        return Math.Abs(over) > MaxPart || under > MaxPart ? null : (over, under);
    }
}
