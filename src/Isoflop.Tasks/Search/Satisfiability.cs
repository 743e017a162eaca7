namespace Isoflop.Tasks;

/// <summary>
/// <c>abC aBd</c>: clauses of three literals, a capital stands for *not*. The answer names each variable once, in order:
/// <c>aBCd</c>. A solution is planted; clauses are uniform among those that it fulfils.
/// </summary>
sealed class Satisfiability : TaskFamily
{
    static readonly (int Variables, int Clauses)[] Dial = [(4, 12), (5, 18), (6, 22), (8, 32), (12, 50), (16, 66)];

    public override string Name => "sat3";
    public override string Group => "search";
    public override string Summary =>
        "Clauses of three literals, a capital is not: a value for each letter, true as small and false as capital";
    public override int Levels => Dial.Length;
    public override bool HasCheck => true;
    protected override string Symbols => "abcdefghijklmnopABCDEFGHIJKLMNOP ?~!|";

    /// <summary>
    /// A guess at distance d from the planted solution fulfils a clause with 1 − (1 − C(n−d,3)/C(n,3))/7; summed over d, clauses
    /// distinct.
    /// </summary>
    public override double Chance(int level)
    {
        (int n, int m) = Dial[level - 1];
        double sum = 0, ways = 1;
        for (int d = 0; d <= n; ways = ways * (n - d++) / (d))
        {
            double shared = 1.0 * (n - d) * (n - d - 1) * (n - d - 2) / (n * (n - 1) * (n - 2));
            sum += ways * Math.Pow(1 - (1 - Math.Max(0, shared)) / 7, m);
        }
        return sum / Math.Pow(2, n);
    }

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int m) = Dial[level - 1];
        var values = new bool[n];
        foreach (ref bool value in values.AsSpan()) value = rng.Chance(0.5);
        SortedSet<string> clauses = new(StringComparer.Ordinal);
        while (clauses.Count < m)
        {
            int[] variables = [.. rng.Order(n).Take(3).Order()];
            bool[] signs = [rng.Chance(0.5), rng.Chance(0.5), rng.Chance(0.5)];
            if (Enumerable.Range(0, 3).Any(i => values[variables[i]] == signs[i]))
                clauses.Add(string.Concat(variables.Select((v, i) => Literal(v, signs[i]))));
        }
        return clauses.SelectMany(c => c).Select(char.ToLowerInvariant).Distinct().Count() < n ? null
            : new(string.Join(' ', clauses));
    }

    /// <summary>Clauses whatever the variables are called, and whichever of their two values is.</summary>
    protected override string ContentOf(string prompt)
    {
        string[] clauses = prompt.Split(' ');
        int n = VariablesOf(prompt);
        int[] kinds = [.. Enumerable.Repeat(0, 2 * n), .. Enumerable.Repeat(1, clauses.Length)];
        List<(int, int, int)> arcs = [];
        for (int v = 0; v < n; v++) arcs.AddRange([(v, n + v, 0), (n + v, v, 0)]);
        foreach ((int i, string clause) in clauses.Index())
            foreach (char literal in clause)
                arcs.Add((2 * n + i, char.IsAsciiLetterLower(literal) ? literal - 'a' : n + literal - 'A', 1));
        return Content.OfGraph(kinds, arcs);
    }

    static char Literal(int variable, bool value) => (char)((value ? 'a' : 'A') + variable);

    /// <summary>Davis, Putnam, Logemann &amp; Loveland, without learning.</summary>
    public override string Solve(TaskItem item) => new(Assign(item.Prompt.Split(' '), VariablesOf(item.Prompt)));

    static int VariablesOf(string prompt) => prompt.Max(char.ToLowerInvariant) - 'a' + 1;

    static char[] Assign(string[] clauses, int n)
    {
        var values = new char[n];
        return Extend(0) ? values : throw new ArgumentException("no solution");

        bool Extend(int v)
        {
            if (v == n) return true;
            foreach (bool value in (bool[])[true, false])
            {
                values[v] = Literal(v, value);
                if (!clauses.Any(c => IsBroken(c, values, v + 1)) && Extend(v + 1)) return true;
            }
            return false;
        }
    }

    /// <summary>All literals are decided and false.</summary>
    static bool IsBroken(string clause, ReadOnlySpan<char> values, int decided)
    {
        foreach (char literal in clause)
        {
            int v = char.ToLowerInvariant(literal) - 'a';
            if (v >= decided || values[v] == literal) return false;
        }
        return true;
    }

    protected override bool Fulfils(string prompt, string answer)
    {
        int n = VariablesOf(prompt);
        if (answer.Length != n) return false;
        for (int v = 0; v < n; v++)
            if (answer[v] != Literal(v, true) && answer[v] != Literal(v, false)) return false;
        return prompt.Split(' ').All(c => !IsBroken(c, answer, n));
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        string[] clauses = item.Prompt.Split(' ');
        int n = VariablesOf(item.Prompt);
        var search = new Assigning(clauses, Assign(clauses, n));
        return new(search.Write(explore, 40 + 16 * n, ref rng), new(search.Values));
    }

    sealed class Assigning(string[] clauses, char[] solution) : WrittenSearch<char>
    {
        int decided;
        public char[] Values { get; } = new char[solution.Length];

        protected override char[] Options(ref Rng rng) => rng.Shuffle([Literal(decided, true), Literal(decided, false)]);

        protected override NodeState Push(char choice)
        {
            Values[decided++] = choice;
            return clauses.Any(c => IsBroken(c, Values, decided)) ? NodeState.Dead
                : decided == Values.Length ? NodeState.Solved : NodeState.Open;
        }

        protected override void Pop(char choice) => decided--;
        protected override string Say(char choice) => choice.ToString();
        protected override bool IsOnWay(char choice) => solution[decided] == choice;
    }
}
