namespace Isoflop.Tasks;

/// <summary>
/// <c>a:b- b:a=c c:a+/b-</c>: everyone says something; knights (+) speak the truth, knaves (-) lie. b- is "b is a knave"; &amp;
/// and, / or; a=c "a and c are alike", a#c "they are not". The answer is everyone's sign in order: <c>+-+</c>; there is exactly
/// one.
/// </summary>
sealed class Knights : TaskFamily
{
    static readonly int[] People = [3, 4, 5, 6, 7, 8];

    public override string Name => "knights";
    public override string Group => "logic";
    public override string Summary => "Who says what: + for each knight, who speaks true, - for each knave, who lies";
    public override int Levels => People.Length;
    public override double Chance(int level) => level switch { 1 => 0.2, 2 => 0.1, 3 => 0.06, 4 => 0.04, _ => 0.025 };
    protected override string Symbols => "abcdefgh:+-&/=# ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int n = People[level - 1];
        var said = new string[n];
        for (int i = 0; i < n; i++)
        {
            int[] others = [.. rng.Order(n).Where(o => o != i)];
            string first = Sign(others[0], ref rng), second = Sign(others[1], ref rng);
            said[i] = $"{Name(i)}:" + rng.NextInt(6) switch
            {
                0 or 1 => first,
                2 => $"{first}&{second}",
                3 => $"{first}/{second}",
                4 => $"{Name(others[1])}={Name(others[0])}",
                _ => $"{Name(others[1])}#{Name(others[0])}",
            };
        }
        string? key = null;
        var signs = new char[n];
        for (int bits = 0; bits < 1 << n; bits++)
        {
            for (int i = 0; i < n; i++) signs[i] = (bits >> i & 1) == 1 ? '+' : '-';
            if (said.Any(s => IsBroken(s, signs, n))) continue;
            if (key is not null) return null;
            key = new(signs);
        }
        return key is null ? null : new(string.Join(' ', said), key);

        static char Name(int i) => (char)('a' + i);
        static string Sign(int i, ref Rng rng) => $"{Name(i)}{rng.Pick("+-")}";
    }

    /// <summary>Who says what of whom, whatever they are called.</summary>
    protected override string ContentOf(string prompt)
    {
        List<(int, int, int)> arcs = [];
        string[] said = prompt.Split(' ');
        foreach (string statement in said)
        {
            bool alike = statement[3] is '=' or '#';
            int kind = alike ? statement[3] : statement.Length == 4 ? ':' : statement[4];
            for (int i = 2; i < statement.Length; i++)
                if (char.IsAsciiLetterLower(statement[i]))
                    arcs.Add((statement[0] - 'a', statement[i] - 'a', alike ? kind : 256 * kind + statement[i + 1]));
        }
        return Content.OfGraph(new int[said.Length], arcs);
    }

    /// <summary>Everyone in a statement is decided, and it does not agree with its speaker.</summary>
    static bool IsBroken(string statement, ReadOnlySpan<char> signs, int decided)
    {
        foreach (char c in statement)
            if (c is >= 'a' and <= 'h' && c - 'a' >= decided) return false;
        char sign = statement[3];
        bool first = signs[statement[2] - 'a'] == sign;
        bool truth = sign is '=' or '#' ? signs[statement[2] - 'a'] == signs[statement[4] - 'a'] == (sign == '=')
            : statement.Length == 4 ? first
            : statement[4] == '&' ? first && signs[statement[5] - 'a'] == statement[6]
            : first || signs[statement[5] - 'a'] == statement[6];
        return truth != (signs[statement[0] - 'a'] == '+');
    }

    public override string Solve(TaskItem item)
    {
        string[] said = item.Prompt.Split(' ');
        var signs = new char[said.Length];
        return Next(0) ? new(signs) : throw new ArgumentException("no solution");

        bool Next(int i)
        {
            if (i == signs.Length) return true;
            foreach (char sign in "+-")
            {
                signs[i] = sign;
                if (!said.Any(s => IsBroken(s, signs, i + 1)) && Next(i + 1)) return true;
            }
            return false;
        }
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        var search = new Supposing(item.Prompt.Split(' '), Solve(item));
        return new(search.Write(explore, 40 + 24 * search.Signs.Length, ref rng), new(search.Signs));
    }

    /// <summary>Suppose that a is a knight; then …; that cannot be.</summary>
    sealed class Supposing(string[] said, string solution) : WrittenSearch<char>
    {
        int decided;
        public char[] Signs { get; } = new char[said.Length];

        protected override char[] Options(ref Rng rng) => rng.Shuffle(['+', '-']);

        protected override NodeState Push(char choice)
        {
            Signs[decided++] = choice;
            return said.Any(s => IsBroken(s, Signs, decided)) ? NodeState.Dead : decided == Signs.Length ? NodeState.Solved
                : NodeState.Open;
        }

        protected override void Pop(char choice) => decided--;
        protected override string Say(char choice) => $"{(char)('a' + decided - 1)}{choice}";
        protected override bool IsOnWay(char choice) => solution[decided] == choice;
    }
}
