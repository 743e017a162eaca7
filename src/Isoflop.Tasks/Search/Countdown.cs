namespace Isoflop.Tasks;

/// <summary>
/// <c>24=3 5 8 9</c>: an expression that gives 24 from some of the numbers, each used at most as often as it stands there.
/// </summary>
sealed class Countdown : TaskFamily
{
    static readonly (int Count, int Most, int Target)[] Dial = [(3, 9, 30), (4, 9, 50), (4, 20, 99), (5, 25, 99), (6, 50, 199)];

    public override string Name => "countdown";
    public override string Group => "search";
    public override string Summary =>
        "target=numbers: an expression with + - * / and parentheses that uses each number at most once";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => level == 1 ? 0.03 : 0.02;        // common pairs of small numbers
    public override bool HasCheck => true;
    protected override string Symbols => "0123456789=+-*/() ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int most, int limit) = Dial[level - 1];
        var numbers = new int[n];
        foreach (ref int number in numbers.AsSpan()) number = rng.Between(1, most);
        Array.Sort(numbers);
        // A walk that surely ends somewhere: some or all numbers combined at random.
        List<int> left = [.. rng.Shuffle([.. numbers])[..Math.Max(2, n - rng.NextInt(2))]];
        while (left.Count > 1)
        {
            (int a, int b) = (Math.Max(left[0], left[1]), Math.Min(left[0], left[1]));
            int value = rng.NextInt(4) switch
            {
                0 => a + b,
                1 => a - b,
                2 => a * b,
                _ => b > 0 && a % b == 0 ? a / b : 0,
            };
            if (value <= 0 || value > Combining.Largest) return null;
            left.RemoveRange(0, 2);
            left.Insert(rng.NextInt(left.Count + 1), value);
        }
        int target = left[0];
        return target < 10 || target > limit || numbers.Contains(target) ? null : new($"{target}={string.Join(' ', numbers)}");
    }

    public override string Solve(TaskItem item)
    {
        Rng none = default;
        return Derive(item, false, ref none).Answer;
    }

    internal override string? AnswerIn(string prompt, string said) =>
        Answers.Of(said) is { } answer ? Expression.Plain(answer) : null;

    protected override bool Fulfils(string prompt, string answer)
    {
        (int target, int[] numbers) = Read(prompt);
        if (Expression.Evaluate(answer) is not { } value || (value.Over, value.Under) != (target, 1)) return false;
        List<int> free = [.. numbers];
        return value.Numbers.All(free.Remove);
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        (int target, int[] numbers) = Read(item.Prompt);
        var search = new Combining(numbers, target, false, Combining.Search(numbers, target, false)!);
        string thought = search.Write(explore, 60 * numbers.Length, ref rng);
        return new(thought, search.Answer);
    }

    static (int Target, int[] Numbers) Read(string prompt)
    {
        int equal = prompt.IndexOf('=');
        return (Numbers.Own(prompt.AsSpan(0, equal)), Numbers.List(prompt[(equal + 1)..], 100)!);
    }
}
