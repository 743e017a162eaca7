namespace Isoflop.Tasks;

/// <summary>
/// <c>4 7 8 8</c>: an expression over all four numbers that is 24. All 1,820 hands of 1 … 13 are known, 1,362 can be solved.
/// </summary>
sealed class GameOf24 : TaskFamily
{
    static readonly int[] Most = [8, 10, 13];

    // By level: the solvable hands.
    static readonly Lazy<string[][]> Hands = new(() => [.. Most.Select(most => (from a in Enumerable.Range(1, most)
                                                                               from b in Enumerable.Range(a, most - a + 1)
                                                                               from c in Enumerable.Range(b, most - b + 1)
                                                                               from d in Enumerable.Range(c, most - c + 1)
                                                                               where Combining.Exact([a, b, c, d], 24) is not null
                                                                               select $"{a} {b} {c} {d}").ToArray())]);

    public override string Name => "game-24";
    public override string Group => "search";
    public override string Summary => "Four numbers: an expression with + - * / and parentheses that uses each once and is 24";
    public override int Levels => Most.Length;
    public override double Chance(int level) => 0.01;
    public override long? Size(int level) => Hands.Value[level - 1].Length;
    public override bool HasCheck => true;
    protected override string Symbols => "0123456789+-*/()= ?~!|";

    protected override Draft? Draw(int level, ref Rng rng) => new(rng.Pick<string>(Hands.Value[level - 1]));

    public override string Solve(TaskItem item) => Combining.Exact(Numbers.List(item.Prompt, 4)!, 24)!;

    internal override string? AnswerIn(string prompt, string said) =>
        Answers.Of(said) is { } answer ? Expression.Plain(answer) : null;

    protected override bool Fulfils(string prompt, string answer) => Expression.Evaluate(answer) is { Over: 24, Under: 1 } value
        && value.Numbers.Order().SequenceEqual(Numbers.List(prompt, 4)!);

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        int[] numbers = Numbers.List(item.Prompt, 4)!;
        if (Combining.Search(numbers, 24, true) is not { } solution)
        {
            string fractions = Solve(item);                      // a dozen hands need fractions: said as it is
            return new($"{fractions}{Marks.Solved}", fractions);
        }
        var search = new Combining(numbers, 24, true, solution);
        string thought = search.Write(explore, 260, ref rng);
        return new(thought, search.Answer);
    }
}
