using System.Text;

namespace Isoflop.Tasks;

/// <summary>
/// <c>45 base 2</c>: digits in another base. The thought divides again and again: <c>45=22*2+1</c>; remainders are the digits
/// from the right.
/// </summary>
sealed class BaseConversion : TaskFamily
{
    static readonly int[] Most = [99, 255, 999, 9999];

    public override string Name => "base-conversion";
    public override string Group => "arithmetic";
    public override string Summary => "n base b: n's digits in base b, from 2 to 9";
    public override int Levels => Most.Length;
    // small bases share no numbers, 1x and 2x come often
    public override double Chance(int level) => level == 1 ? 0.025 : 0.01;
    public override long? Size(int level) => 8L * (Most[level - 1] - 9);
    protected override string Symbols => "0123456789 base=*+|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int n = rng.Between(10, Most[level - 1]), b = rng.Between(2, 9);
        int power = 1;
        while (power * b <= n) power *= b;
        var digits = new StringBuilder();                        // from the left: greedy in powers
        for (int rest = n; power > 0; power /= b)
        {
            digits.Append(rest / power);
            rest %= power;
        }
        return new($"{n} base {b}", digits.ToString());
    }

    public override string Solve(TaskItem item) => Divide(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Divide(item.Prompt);

    static Derivation Divide(string prompt)
    {
        string[] parts = prompt.Split(" base ");
        int n = Numbers.Own(parts[0]), b = Numbers.Own(parts[1]);
        string thought = "", digits = "";
        for (; n > 0; n /= b)
        {
            thought += $"{(thought.Length > 0 ? " " : "")}{n}={n / b}*{b}+{n % b}";
            digits = Numbers.Text(n % b) + digits;
        }
        return new(thought, digits);
    }
}
