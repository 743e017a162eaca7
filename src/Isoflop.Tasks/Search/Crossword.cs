namespace Isoflop.Tasks;

/// <summary>
/// <c>c.t/.../..n ago cat con ant ten tow</c>: three words across, three down, all six from the list, each once; letters that
/// stand there stay. The answer is the grid, <c>cat/ogo/...</c>. A word of a thought is a row.
/// </summary>
sealed class Crossword : TaskFamily
{
    static readonly (int Letters, int Idle)[] Dial = [(5, 0), (3, 0), (1, 0), (0, 0), (0, 3), (0, 8)];

    // By the first two letters, 26·a + b: the third letters that make a word, as bits.
    static readonly int[] Thirds = Ends();

    static int[] Ends()
    {
        var thirds = new int[26 * 26];
        foreach (string word in WordLists.Three) thirds[26 * (word[0] - 'a') + word[1] - 'a'] |= 1 << word[2] - 'a';
        return thirds;
    }

    public override string Name => "crossword";
    public override string Group => "search";
    public override string Summary =>
        "A 3x3 grid with gaps (.), then words: fill it so that rows and columns are six of the words";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => 0.001;
    public override bool HasCheck => true;
    protected override string Symbols => "abcdefghijklmnopqrstuvwxyz./ ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int letters, int idle) = Dial[level - 1];
        string top = rng.Pick<string>(WordLists.Three), middle = rng.Pick<string>(WordLists.Three);
        int first = Third(top[0], middle[0]), second = Third(top[1], middle[1]), third = Third(top[2], middle[2]);
        if (first == 0 || second == 0 || third == 0) return null;
        string[] bottoms = [.. WordLists.Three.Where(w =>
            (first >> w[0] - 'a' & second >> w[1] - 'a' & third >> w[2] - 'a' & 1) == 1)];
        if (bottoms.Length == 0) return null;
        string bottom = rng.Pick<string>(bottoms);
        string[] words = [top, middle, bottom, .. Enumerable.Range(0, 3).Select(i => $"{top[i]}{middle[i]}{bottom[i]}")];
        if (words.Distinct().Count() < 6) return null;
        string[] more = [.. words];
        while (more.Length < 6 + idle) more = [.. more.Append(rng.Pick<string>(WordLists.Three)).Distinct()];
        bool[] shown = new bool[9];
        foreach (int i in rng.Order(9).Take(letters)) shown[i] = true;
        string grid = string.Concat((top + middle + bottom).Select((c, i) => (i is 3 or 6 ? "/" : "") + (shown[i] ? c : '.')));
        return new($"{grid} {string.Join(' ', more.Order(StringComparer.Ordinal))}");

        static int Third(char a, char b) => Thirds[26 * (a - 'a') + b - 'a'];
    }

    static bool Agrees(string grid, int row, string word)
    {
        for (int i = 0; i < 3; i++)
            if (grid[4 * row + i] != '.' && grid[4 * row + i] != word[i]) return false;
        return true;
    }

    /// <summary>The columns of so many rows each begin a different word that is not in a row.</summary>
    static bool Stands(List<string> rows, string[] words)
    {
        List<string> free = [.. words.Except(rows)];
        if (rows.Count == 3) return Columns(rows).All(free.Remove);
        return Columns(rows).All(start => free.Exists(w => w.StartsWith(start, StringComparison.Ordinal)));
    }

    static List<string> Fill(string grid, string[] words)
    {
        List<string> rows = [];
        return Next() ? rows : throw new ArgumentException("no solution");

        bool Next()
        {
            if (rows.Count == 3) return true;
            foreach (string word in words)
            {
                if (rows.Contains(word) || !Agrees(grid, rows.Count, word)) continue;
                rows.Add(word);
                if (Stands(rows, words) && Next()) return true;
                rows.RemoveAt(rows.Count - 1);
            }
            return false;
        }
    }

    static (string Grid, string[] Words) Read(string prompt) => (prompt[..11], prompt[12..].Split(' '));

    /// <summary>The six words that fill it: not which letters are shown, nor which other words stand by.</summary>
    protected override string ContentOf(string prompt)
    {
        (string grid, string[] words) = Read(prompt);
        string mirrored = string.Concat(grid.Select((c, i) => c == '/' ? '/' : grid[4 * (i % 4) + i / 4]));
        return Content.First(Six(grid), Six(mirrored));

        string Six(string grid)
        {
            List<string> rows = Fill(grid, words);
            return string.Join(' ', rows.Concat(Columns(rows)).Order(StringComparer.Ordinal));
        }
    }

    static IEnumerable<string> Columns(List<string> rows) =>
        Enumerable.Range(0, 3).Select(i => string.Concat(rows.Select(r => r[i])));

    public override string Solve(TaskItem item)
    {
        (string grid, string[] words) = Read(item.Prompt);
        return string.Join('/', Fill(grid, words));
    }

    protected override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length != 11) return false;
        (string grid, string[] words) = Read(prompt);
        string[] rows = answer.Split('/');
        return rows.Length == 3 && rows.All(words.Contains) && rows.Distinct().Count() == 3
            && Enumerable.Range(0, 3).All(r => Agrees(grid, r, rows[r]))
            && Stands([.. rows], words);
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        (string grid, string[] words) = Read(item.Prompt);
        var search = new Rows(grid, words, Fill(grid, words));
        return new(search.Write(explore, 160, ref rng), string.Join('/', search.Filled));
    }

    sealed class Rows(string grid, string[] words, List<string> solution) : WrittenSearch<string>
    {
        public List<string> Filled { get; } = [];

        protected override string[] Options(ref Rng rng) =>
            rng.Shuffle([.. words.Where(w => !Filled.Contains(w) && Agrees(grid, Filled.Count, w))]);

        protected override NodeState Push(string choice)
        {
            Filled.Add(choice);
            return !Stands(Filled, words) ? NodeState.Dead : Filled.Count == 3 ? NodeState.Solved : NodeState.Open;
        }

        protected override void Pop(string choice) => Filled.RemoveAt(Filled.Count - 1);
        protected override string Say(string choice) => choice;
        protected override bool IsOnWay(string choice) => Filled.Count < 3 && solution[Filled.Count] == choice;
    }
}
