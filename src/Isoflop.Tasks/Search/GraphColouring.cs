namespace Isoflop.Tasks;

/// <summary>
/// <c>ab ac bd</c>: edges. Each vertex gets one of three colours, no edge two alike: <c>1223</c> in the order of the letters.
/// </summary>
sealed class GraphColouring : TaskFamily
{
    static readonly (int Vertices, int Edges)[] Dial = [(6, 8), (6, 10), (7, 12), (9, 18), (12, 26), (16, 36)];

    public override string Name => "graph-colouring";
    public override string Group => "search";
    public override string Summary => "Edges between letters: a colour 1, 2 or 3 for each letter in order, neighbours different";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => level switch { 1 => 0.12, 2 => 0.1, 3 => 0.04, 4 => 0.02, _ => 0.01 };
    public override long? Questions(int level) => level switch { 1 => 14, 2 => 4, 3 => 51, _ => null };
    internal override int Deal => 191;
    public override bool HasCheck => true;
    protected override string Symbols => "abcdefghijklmnop123 ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int m) = Dial[level - 1];
        int[] colours = [.. rng.Order(n).Select(i => i % 3)];
        SortedSet<string> edges = new(StringComparer.Ordinal);
        for (int tries = 0; edges.Count < m; tries++)
        {
            int a = rng.NextInt(n), b = rng.NextInt(n);
            if (tries > 100 * m) return null;
            if (colours[a] != colours[b]) edges.Add($"{(char)('a' + Math.Min(a, b))}{(char)('a' + Math.Max(a, b))}");
        }
        return edges.SelectMany(e => e).Distinct().Count() < n ? null : new(string.Join(' ', edges));
    }

    /// <summary>The graph, whatever its vertices are called.</summary>
    protected override string ContentOf(string prompt)
    {
        (int A, int B)[] edges = [.. prompt.Split(' ').Select(e => (e[0] - 'a', e[1] - 'a'))];
        return Content.OfGraph(new int[VerticesOf(prompt)],
            [.. edges.Select(e => (e.A, e.B, 0)), .. edges.Select(e => (e.B, e.A, 0))]);
    }

    public override string Solve(TaskItem item) => new(Colour(item.Prompt.Split(' '), VerticesOf(item.Prompt)));

    static int VerticesOf(string prompt) => prompt.Max() - 'a' + 1;

    static char[] Colour(string[] edges, int n)
    {
        var colours = new char[n];
        return Extend(0) ? colours : throw new ArgumentException("no colouring");

        bool Extend(int v)
        {
            if (v == n) return true;
            foreach (char colour in "123")
            {
                colours[v] = colour;
                if (!edges.Any(e => IsBroken(e, colours, v + 1)) && Extend(v + 1)) return true;
            }
            return false;
        }
    }

    static bool IsBroken(string edge, ReadOnlySpan<char> colours, int decided) =>
        edge[1] - 'a' < decided && colours[edge[0] - 'a'] == colours[edge[1] - 'a'];         // edges are written a < b

    protected override bool Fulfils(string prompt, string answer)
    {
        int n = VerticesOf(prompt);
        return answer.Length == n && answer.All(c => c is '1' or '2' or '3')
            && prompt.Split(' ').All(e => !IsBroken(e, answer, n));
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        string[] edges = item.Prompt.Split(' ');
        int n = VerticesOf(item.Prompt);
        var search = new Painting(edges, Colour(edges, n));
        return new(search.Write(explore, 40 + 16 * n, ref rng), new(search.Colours));
    }

    sealed class Painting(string[] edges, char[] solution) : WrittenSearch<char>
    {
        int decided;
        public char[] Colours { get; } = new char[solution.Length];

        // A colour that a neighbour has is now and then overlooked, and seen by the check.
        protected override char[] Options(ref Rng rng) => rng.Shuffle("123".ToCharArray());

        protected override NodeState Push(char choice)
        {
            Colours[decided++] = choice;
            return edges.Any(e => IsBroken(e, Colours, decided)) ? NodeState.Dead
                : decided == Colours.Length ? NodeState.Solved : NodeState.Open;
        }

        protected override void Pop(char choice) => decided--;
        protected override string Say(char choice) => $"{(char)('a' + decided - 1)}{choice}";
        protected override bool IsOnWay(char choice) => solution[decided] == choice;
    }
}
