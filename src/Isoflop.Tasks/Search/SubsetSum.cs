namespace Isoflop.Tasks;

/// <summary>
/// <c>35=3 8 12 15 21</c>: numbers that sum up to 35, <c>8+12+15</c>. The thought adds, one number a word, and says the sum so
/// far: <c>+8=8 +15=23 +21=44?~+12=35!</c>.
/// </summary>
sealed class SubsetSum : TaskFamily
{
    static readonly (int Count, int Most)[] Dial = [(4, 9), (5, 20), (6, 40), (8, 60), (10, 99), (14, 199)];

    public override string Name => "subset-sum";
    public override string Group => "search";
    public override string Summary => "target=numbers: some of them, each once, whose sum is the target, as 8+12+15";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => level == 1 ? 0.04 : 0.01;
    public override bool HasCheck => true;
    protected override string Symbols => "0123456789=+ ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int most) = Dial[level - 1];
        int[] numbers = [.. rng.Order(most).Take(n).Select(i => i + 1).Order()];
        int[] chosen = rng.Shuffle([.. numbers])[..rng.Between(2, n - 1)];
        int target = chosen.Sum();
        return numbers.Contains(target) ? null : new($"{target}={string.Join(' ', numbers)}");
    }

    /// <summary>Who finds some of the numbers has found the others too.</summary>
    protected override string ContentOf(string prompt)
    {
        (int target, int[] numbers) = Read(prompt);
        return $"{Math.Min(target, numbers.Sum() - target)}={string.Join(' ', numbers)}";
    }

    /// <summary>Dynamic programme over reachable sums, from above, so that each number counts once.</summary>
    public override string Solve(TaskItem item) => string.Join('+', Chosen(item.Prompt));

    static List<int> Chosen(string prompt)
    {
        (int target, int[] numbers) = Read(prompt);
        var last = new int[target + 1];                          // index + 1 of the number that first reached a sum
        for (int i = 0; i < numbers.Length; i++)
            for (int sum = target; sum >= numbers[i]; sum--)
                if (last[sum] == 0 && (sum == numbers[i] || last[sum - numbers[i]] > 0)) last[sum] = i + 1;
        List<int> chosen = [];
        for (int sum = target; sum > 0; sum -= numbers[last[sum] - 1]) chosen.Add(numbers[last[sum] - 1]);
        chosen.Reverse();
        return chosen;
    }

    protected override bool Fulfils(string prompt, string answer)
    {
        (int target, int[] numbers) = Read(prompt);
        long sum = 0, used = 0;
        foreach (Range part in answer.AsSpan().Split('+'))
        {
            if (Numbers.Whole(answer.AsSpan(part)) is not { } n
                || Array.BinarySearch(numbers, (int)Math.Clamp(n, -1, int.MaxValue)) is not (>= 0 and int i)
                || (used >> i & 1) == 1) return false;
            used |= 1L << i;
            sum += n;
        }
        return sum == target;
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        (int target, int[] numbers) = Read(item.Prompt);
        var search = new Adding(target, numbers, Chosen(item.Prompt));
        return new(search.Write(explore, 40 * numbers.Length, ref rng), string.Join('+', search.Taken));
    }

    static (int Target, int[] Numbers) Read(string prompt)
    {
        int equal = prompt.IndexOf('=');
        return (Numbers.Own(prompt.AsSpan(0, equal)), Numbers.List(prompt[(equal + 1)..], 100)!);
    }

    sealed class Adding(int target, int[] numbers, List<int> solution) : WrittenSearch<int>
    {
        public List<int> Taken { get; } = [];

        // Larger ones are free, so that no set is tried in two orders.
        protected override int[] Options(ref Rng rng) => rng.Shuffle([.. numbers.Where(n => Taken.Count == 0 || n > Taken[^1])]);

        protected override NodeState Push(int choice)
        {
            Taken.Add(choice);
            int sum = Taken.Sum();
            return sum == target ? NodeState.Solved : sum > target || choice == numbers[^1] ? NodeState.Dead : NodeState.Open;
        }

        protected override void Pop(int choice) => Taken.RemoveAt(Taken.Count - 1);
        protected override string Say(int choice) => $"+{choice}={Taken.Sum()}";
        protected override bool IsOnWay(int choice) => Taken.Count < solution.Count && solution[Taken.Count] == choice;
    }
}
