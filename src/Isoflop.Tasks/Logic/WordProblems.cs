namespace Isoflop.Tasks;

/// <summary>
/// <c>Ann has 3 pens. Bob has 2 more than Ann. How many has Bob?</c>: facts that hang on one another; at higher levels in any
/// order, with some that do not matter. The thought goes from what is known to what is asked: <c>Ann=3 Bob=3+2=5</c>.
/// </summary>
sealed class WordProblems : TaskFamily
{
    const int Limit = 99;
    static readonly (int Hops, int Idle, bool Shuffled)[] Dial = [(1, 0, false), (2, 0, false), (3, 1, false), (3, 1, true),
        (5, 2, true), (7, 3, true)];
    static readonly string[] People = "Ann Bob Cal Dot Eve Fay Gus Hal Ida Jim Kay Lou".Split(' ');
    static readonly string[] Things = "pens cups keys hats eggs nuts maps toys".Split(' ');

    public override string Name => "word-problems";
    public override string Group => "logic";
    public override string Summary => "Who has how many, through others: the number that is asked for";
    public override int Levels => Dial.Length;
    public override bool AnswersAreNumbers => true;
    public override double Chance(int level) => level == 1 ? 0.11 : 0.07;               // small numbers come often
    protected override string Symbols => string.Concat(People) + string.Concat(Things)
        + "0123456789 .?=+-* has more fewer than times as many together Howd|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int hops, int idle, bool shuffled) = Dial[level - 1];
        string[] people = rng.Shuffle([.. People]);
        string thing = rng.Pick<string>(Things);
        int n = hops + 1 + idle;
        var values = new int[n];
        var facts = new string[n];
        (values[0], facts[0]) = (rng.Between(2, 12), "");
        facts[0] = $"{people[0]} has {values[0]} {thing}.";
        for (int i = 1; i < n; i++)
        {
            // The chain hangs on its last link; what does not matter on any.
            int on = i <= hops ? i - 1 : rng.NextInt(i), other = rng.NextInt(i), k = rng.Between(2, 9);
            (values[i], facts[i]) = rng.NextInt(other == on ? 3 : 4) switch
            {
                0 => (values[on] + k, $"{people[i]} has {k} more than {people[on]}."),
                1 => (values[on] - k, $"{people[i]} has {k} fewer than {people[on]}."),
                2 => (values[on] * (2 + k % 2), $"{people[i]} has {2 + k % 2} times as many as {people[on]}."),
                _ => (values[on] + values[other], $"{people[i]} has as many as {people[on]} and {people[other]} together."),
            };
            if (values[i] is < 1 or > Limit) return null;
        }
        if (shuffled) rng.Shuffle(facts);
        return new($"{string.Join(' ', facts)} How many has {people[hops]}?", Numbers.Text(values[hops]));
    }

    public override string Solve(TaskItem item) => Reason(item.Prompt).Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) => Reason(item.Prompt);

    /// <summary>The words of each one's fact, and who is asked for.</summary>
    static (Dictionary<string, string[]> About, string Asked) Read(string prompt)
    {
        string[] facts = prompt.Split(['.', '?'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return (facts[..^1].Select(f => f.Split(' ')).ToDictionary(w => w[0]), facts[^1].Split(' ')[^1]);
    }

    /// <summary>The sum that is asked for, in any order: not who has what, nor the facts that do not matter.</summary>
    protected override string ContentOf(string prompt)
    {
        (Dictionary<string, string[]> about, string asked) = Read(prompt);
        return Sum(asked);

        string Sum(string who) => string.Concat(Terms(who).Order(StringComparer.Ordinal));

        IEnumerable<string> Terms(string who) => about[who] switch
        {
            [_, _, "as", .., var a, _, var b, _] => [.. Terms(a), .. Terms(b)],
            [_, _, var k, "more", .., var on] => [.. Terms(on), $"+{k}"],
            [_, _, var k, "fewer", .., var on] => [.. Terms(on), $"-{k}"],
            [_, _, var k, "times", .., var on] => [$"+{k}({Sum(on)})"],
            var has => [$"+{has[2]}"],
        };
    }

    /// <summary>From the question back to what it needs, depth first, then said in the order in which it can be known.</summary>
    static Derivation Reason(string prompt)
    {
        (Dictionary<string, string[]> about, string asked) = Read(prompt);
        Dictionary<string, int> known = [];
        List<string> said = [];
        string answer = Numbers.Text(Value(asked));
        return new(string.Join(' ', said), answer);

        int Value(string who)
        {
            if (known.TryGetValue(who, out int value)) return value;
            string[] words = about[who];
            string sum;
            if (words[2] == "as")
            {
                int a = Value(words[5]), b = Value(words[7]);
                (value, sum) = (a + b, $"={a}+{b}");
            }
            else
            {
                int k = Numbers.Own(words[2]);
                int on = words.Length > 4 ? Value(words[^1]) : 0;
                (value, sum) = words[3] switch
                {
                    "more" => (on + k, $"={on}+{k}"),
                    "fewer" => (on - k, $"={on}-{k}"),
                    "times" => (on * k, $"={on}*{k}"),
                    _ => (k, ""),
                };
            }
            said.Add($"{who}{sum}={value}");
            return known[who] = value;
        }
    }
}
