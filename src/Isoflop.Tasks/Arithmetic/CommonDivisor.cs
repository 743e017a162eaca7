namespace Isoflop.Tasks;

/// <summary><c>gcd 48 36</c>: the thought is Euclid's, pair by pair.</summary>
sealed class CommonDivisor : TaskFamily
{
    static readonly (int Divisor, int Factor)[] Dial = [(12, 12), (20, 40), (30, 200), (50, 1500)];

    public override string Name => "gcd";
    public override string Group => "arithmetic";
    public override string Summary => "gcd a b: the greatest common divisor";
    public override int Levels => Dial.Length;
    public override bool AnswersAreNumbers => true;
    // A small divisor of small numbers is often their last digit.
    public override double Chance(int level) => level switch { 1 => 0.18, 2 => 0.11, 3 => 0.05, _ => 0.025 };
    protected override string Symbols => "gcd 0123456789|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int most, int factor) = Dial[level - 1];
        int divisor = rng.Between(2, most), a = rng.Between(2, factor), b = rng.Between(2, factor);
        for (int d = 2; d <= Math.Min(a, b); d++)
            if (a % d == 0 && b % d == 0) return null;
        return new($"gcd {a * divisor} {b * divisor}", Numbers.Text(divisor));
    }

    public override string Solve(TaskItem item) => Euclid(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Euclid(item.Prompt);

    static Derivation Euclid(string prompt)
    {
        int[] pair = Numbers.List(prompt[4..], 2)!;
        (int a, int b) = (Math.Max(pair[0], pair[1]), Math.Min(pair[0], pair[1]));
        string thought = $"{a} {b}";
        while (b != 0)
        {
            (a, b) = (b, a % b);
            thought += $" {b}";
        }
        return new(thought, Numbers.Text(a));
    }

    protected override string ContentOf(string prompt)
    {
        int[] pair = Numbers.List(prompt[4..], 2)!;
        return $"{Math.Min(pair[0], pair[1])} {Math.Max(pair[0], pair[1])}";
    }
}
