using System.Text;

namespace Isoflop.Tasks;

/// <summary><c>34*27</c>: whole numbers. The thought sums up partial products: <c>34*7=238 34*20=680 238+680=918</c>.</summary>
sealed class Multiplication : TaskFamily
{
    static readonly (int A, int B)[] Digits = [(2, 1), (2, 2), (3, 2), (3, 3), (4, 4), (6, 6)];

    public override string Name => "multiplication";
    public override string Group => "arithmetic";
    public override string Summary => "a*b: the product";
    public override int Levels => Digits.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => level switch { 1 => 0.015, 2 => 0.005, _ => 0.001 };
    public override long? Size(int level) => level switch { 1 => 90 * 8, 2 => 90 * 91 / 2, 3 => 900 * 90, _ => null };
    protected override string Symbols => "0123456789*+= |";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int a, int b) = (Number(Digits[level - 1].A, ref rng), Number(Digits[level - 1].B, ref rng));
        return new($"{a}*{b}", Numbers.Text((long)a * b));
    }

    static int Number(int digits, ref Rng rng) =>
        digits == 1 ? rng.Between(2, 9) : rng.Between((int)Math.Pow(10, digits - 1), (int)Math.Pow(10, digits) - 1);

    public override string Solve(TaskItem item) => Partial(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Partial(item.Prompt);

    static Derivation Partial(string prompt)
    {
        int sign = prompt.IndexOf('*');
        long a = Numbers.Own(prompt.AsSpan(0, sign)), sum = 0, place = 1;
        var text = new StringBuilder();
        for (int i = prompt.Length - 1; i > sign; i--, place *= 10)
        {
            long digit = (prompt[i] - '0') * place, part = a * digit;
            if (digit == 0) continue;
            text.Append(text.Length > 0 ? " " : "").Append($"{a}*{digit}={part}");
            if (sum > 0) text.Append($" {sum}+{part}={sum + part}");
            sum += part;
        }
        return new(text.ToString(), Numbers.Text(sum));
    }

    protected override string ContentOf(string prompt)
    {
        string[] parts = prompt.Split('*');
        return Content.Unordered(parts[0], '*', parts[1]);
    }
}
