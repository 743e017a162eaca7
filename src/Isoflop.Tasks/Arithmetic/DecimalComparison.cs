namespace Isoflop.Tasks;

/// <summary>
/// <c>max 9.11 9.8</c>: 9.8, though 11 is more than 8. The thought fills up with zeros and compares digit by digit:
/// <c>9.11 9.80 99 18</c>. In most items the longer fraction is the smaller number.
/// </summary>
sealed class DecimalComparison : TaskFamily
{
    static readonly (int Whole, int Decimals)[] Digits = [(1, 2), (1, 3), (2, 4), (3, 6), (4, 9)];

    public override string Name => "decimals";
    public override string Group => "arithmetic";
    public override string Summary => "max or min of two decimal numbers, copied as it is written";
    public override int Levels => Digits.Length;
    public override double Chance(int level) => 0.5;
    protected override string Symbols => "maxin 0123456789.|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int whole, int most) = Digits[level - 1];
        string integer = Run(whole, ref rng), other = rng.Chance(0.9) ? integer : Run(whole, ref rng);
        int cut = rng.Between(1, most - 1), common = rng.NextInt(cut);           // digits after the point that both share
        string shared = Run(common, ref rng);
        string a = $"{integer}.{shared}{Run(rng.Between(1, most - common), ref rng)}";
        string b = $"{other}.{shared}{Run(cut - common, ref rng)}";
        decimal x = decimal.Parse(a, System.Globalization.CultureInfo.InvariantCulture);
        decimal y = decimal.Parse(b, System.Globalization.CultureInfo.InvariantCulture);
        if (x == y) return null;
        bool longer = a.Length > b.Length, trap = a.Length == b.Length || longer == x < y;
        if (!trap && rng.Chance(0.5)) return null;
        bool max = rng.Chance(0.5), first = rng.Chance(0.5);
        return new($"{(max ? "max" : "min")} {(first ? a : b)} {(first ? b : a)}", max == x > y ? a : b);
    }

    static string Run(int n, ref Rng rng)
    {
        string digits = "";
        for (int i = 0; i < n; i++) digits += (char)(i == 0 ? '1' + rng.NextInt(9) : '0' + rng.NextInt(10));
        return digits;
    }

    /// <summary>Of the two numbers the one that is said, as it is written there.</summary>
    internal override string? AnswerIn(string prompt, string said) => Answers.Of(said, number: true) is not { } value ? null
        : prompt.Split(' ')[1..].FirstOrDefault(n => Answers.Number(n) is { } own && own == Answers.Number(value)) ?? value;

    public override string Solve(TaskItem item) => Compare(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Compare(item.Prompt);

    static Derivation Compare(string prompt)
    {
        string[] parts = prompt.Split(' ');
        (string a, string b) = (parts[1], parts[2]);
        int pointA = a.IndexOf('.'), pointB = b.IndexOf('.'), whole = Math.Max(pointA, pointB);
        int fraction = Math.Max(a.Length - pointA, b.Length - pointB);
        string wideA = (new string('0', whole - pointA) + a).PadRight(whole + fraction, '0');
        string wideB = (new string('0', whole - pointB) + b).PadRight(whole + fraction, '0');
        string thought = $"{wideA} {wideB}";
        for (int i = 0; i < wideA.Length; i++)
        {
            if (wideA[i] == '.') continue;
            thought += $" {wideA[i]}{wideB[i]}";
            if (wideA[i] != wideB[i]) return new(thought, wideA[i] > wideB[i] == (parts[0] == "max") ? a : b);
        }
        throw new ArgumentException($"{prompt}: equal numbers");
    }

    /// <summary>Two numbers: who knows the larger knows the smaller; 9.80 is 9.8.</summary>
    protected override string ContentOf(string prompt)
    {
        string[] parts = prompt.Split(' ');
        return Content.Unordered(parts[1].TrimEnd('0'), ' ', parts[2].TrimEnd('0'));
    }
}
