namespace Isoflop.Tasks;

/// <summary>
/// <c>s.# .#. ..g</c>: rows; # is a wall. The answer walks from s to g with u, d, l, r, each field at most once. Exploring, the
/// walker tries ways and turns back where none is left.
/// </summary>
sealed class Maze : TaskFamily
{
    static readonly int[] Sides = [3, 4, 5, 6, 8, 10];

    public override string Name => "maze";
    public override string Group => "planning";
    public override string Summary => "Rows with walls (#): steps u, d, l, r from s to g, no field twice";
    public override int Levels => Sides.Length;
    public override double Chance(int level) => level switch { 1 => 0.12, 2 => 0.04, _ => 0.02 };
    public override bool HasCheck => true;
    protected override string Symbols => "sg.# udlr?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        int n = Sides[level - 1];
        var fields = new char[n * n];
        foreach (ref char field in fields.AsSpan()) field = rng.Chance(0.33) ? '#' : '.';
        int[] order = rng.Order(n * n);
        (fields[order[0]], fields[order[1]]) = ('s', 'g');
        string prompt = string.Join(' ', fields.Chunk(n).Select(r => new string(r)));
        return Shortest(prompt) is { Length: > 1 } way && way.Length >= n - 1 ? new(prompt) : null;
    }

    /// <summary>Turned, mirrored, or walked from the goal to the start.</summary>
    protected override string ContentOf(string prompt)
    {
        string fields = prompt.Replace(" ", "");
        int n = Stride(prompt) - 1;
        return Content.First(Content.OfBoard(fields, n),
            Content.OfBoard(fields.Replace('s', '?').Replace('g', 's').Replace('?', 'g'), n));
    }

    /// <summary>The place after a step, or −1. Rows have a space between them, which is as good as a wall.</summary>
    static int Step(string prompt, int at, char step)
    {
        int stride = Stride(prompt), next = step switch
        {
            'u' => at - stride,
            'd' => at + stride,
            'l' => at - 1,
            'r' => at + 1,
            _ => -1
        };
        return next >= 0 && next < prompt.Length && prompt[next] is not ('#' or ' ') ? next : -1;
    }

    static int Stride(string prompt) => prompt.IndexOf(' ') + 1;

    /// <summary>In breadth.</summary>
    static string? Shortest(string prompt)
    {
        var ways = new string?[prompt.Length];
        Queue<int> open = new([prompt.IndexOf('s')]);
        ways[open.Peek()] = "";
        while (open.TryDequeue(out int at))
        {
            if (prompt[at] == 'g') return ways[at];
            foreach (char step in "udlr")
                if (Step(prompt, at, step) is >= 0 and int next && ways[next] is null)
                {
                    ways[next] = ways[at] + step;
                    open.Enqueue(next);
                }
        }
        return null;
    }

    public override string Solve(TaskItem item) => Shortest(item.Prompt)!;

    protected override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length > prompt.Length) return false;
        int at = prompt.IndexOf('s');
        HashSet<int> been = [at];
        foreach (char step in answer)
            if ((at = Step(prompt, at, step)) < 0 || !been.Add(at)) return false;
        return prompt[at] == 'g';
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        var search = new Walking(item.Prompt, Solve(item));
        string thought = search.Write(explore, 40 + 4 * item.Prompt.Length, ref rng);
        return new(thought, string.Concat(search.Steps));
    }

    sealed class Walking(string prompt, string solution) : WrittenSearch<char>
    {
        readonly List<int> places = [prompt.IndexOf('s')];
        public List<char> Steps { get; } = [];

        protected override char[] Options(ref Rng rng) =>
            rng.Shuffle([.. "udlr".Where(s => Step(prompt, places[^1], s) is >= 0 and int next && !places.Contains(next))]);

        protected override NodeState Push(char choice)
        {
            places.Add(Step(prompt, places[^1], choice));
            Steps.Add(choice);
            return prompt[places[^1]] == 'g' ? NodeState.Solved : NodeState.Open;
        }

        protected override void Pop(char choice)
        {
            places.RemoveAt(places.Count - 1);
            Steps.RemoveAt(Steps.Count - 1);
        }

        protected override string Say(char choice) => choice.ToString();
        protected override bool IsOnWay(char choice) => Steps.Count < solution.Length && solution[Steps.Count] == choice;
    }
}
