namespace Isoflop.Tasks;

/// <summary>
/// <c>sun 3 5 4</c>: three lines that begin with s, u, n and have 3, 5 and 4 syllables, of words of <see cref="WordLists"/>, none
/// twice: <c>soft river/under silver oak/…</c>. A thought's word carries the syllables of its line so far; / ends a line.
/// </summary>
sealed class Poem : TaskFamily
{
    static readonly (int Lines, int Low, int High)[] Dial = [(2, 2, 4), (2, 3, 7), (3, 3, 7), (4, 3, 8), (5, 4, 9)];

    public override string Name => "poem";
    public override string Group => "search";
    public override string Summary =>
        "A word and syllables a line: lines (/ between) that begin with its letters, of known words, none twice";
    public override int Levels => Dial.Length;
    // a poem that fits one acrostic and count fits few others
    public override double Chance(int level) => level == 1 ? 0.03 : 0.01;
    public override long? Size(int level) =>
        (long)(WordLists.Acrostics[Dial[level - 1].Lines - 2].Length * Math.Pow(Dial[level - 1].High - Dial[level - 1].Low + 1,
            Dial[level - 1].Lines));
    public override bool HasCheck => true;
    protected override string Symbols => "abcdefghijklmnopqrstuvwxyz 0123456789/?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int lines, int low, int high) = Dial[level - 1];
        string prompt = rng.Pick<string>(WordLists.Acrostics[lines - 2]);
        for (int i = 0; i < lines; i++) prompt += $" {rng.Between(low, high)}";
        return new(prompt);
    }

    static (string Acrostic, int[] Counts) Read(string prompt)
    {
        int space = prompt.IndexOf(' ');
        return (prompt[..space], Numbers.List(prompt[(space + 1)..], 100)!);
    }

    /// <summary>The first words of the list that will do.</summary>
    static List<string> Words(string prompt)
    {
        (string acrostic, int[] counts) = Read(prompt);
        List<string> words = [];
        for (int line = 0; line < counts.Length; line++)
            for (int left = counts[line]; left > 0; left -= WordLists.Syllables[words[^1]])
            {
                bool first = left == counts[line];
                words.Add(WordLists.Poetic.Where(w => WordLists.Syllables[w] <= left && !words.Contains(w)
                    && (!first || w[0] == acrostic[line]))
                    .MaxBy(w => WordLists.Syllables[w])!);
            }
        return words;
    }

    static string Text(IEnumerable<string> words, int[] counts)
    {
        string text = "";
        int line = 0, sum = 0;
        foreach (string word in words)
        {
            text += word;
            sum += WordLists.Syllables[word];
            bool ends = sum == counts[line];
            text += ends ? '/' : ' ';
            if (ends) (line, sum) = (line + 1, 0);
        }
        return text[..^1];
    }

    public override string Solve(TaskItem item) => Text(Words(item.Prompt), Read(item.Prompt).Counts);

    protected override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length > 400) return false;
        (string acrostic, int[] counts) = Read(prompt);
        string[] lines = answer.Split('/');
        if (lines.Length != counts.Length) return false;
        HashSet<string> used = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || lines[i][0] != acrostic[i]) return false;
            int sum = 0;
            foreach (string word in lines[i].Split(' '))
            {
                if (!WordLists.Syllables.TryGetValue(word, out int syllables) || !used.Add(word)) return false;
                sum += syllables;
            }
            if (sum != counts[i]) return false;
        }
        return true;
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        (string acrostic, int[] counts) = Read(item.Prompt);
        var search = new Writing(acrostic, counts, Words(item.Prompt));
        return new(search.Write(explore, 60 * counts.Length, ref rng), Text(search.Words, counts));
    }

    sealed class Writing(string acrostic, int[] counts, List<string> solution) : WrittenSearch<string>
    {
        const int Ideas = 4;
        readonly Stack<(int Line, int Sum)> places = new([(0, 0)]);

        public List<string> Words { get; } = [];

        // A few words come to mind: enough to go on from, and too long a one now and then.
        protected override string[] Options(ref Rng rng)
        {
            (int line, int sum) = places.Peek();
            string[] fitting = rng.Shuffle([.. WordLists.Poetic.Where(w => !Words.Contains(w)
                && (sum > 0 || w[0] == acrostic[line]))]);
            string[] ideas = [.. fitting.Take(Ideas)];
            return Words.Count < solution.Count && fitting.Contains(solution[Words.Count])
                ? [.. ideas.Append(solution[Words.Count]).Distinct()] : ideas;
        }

        protected override NodeState Push(string choice)
        {
            (int line, int sum) = places.Peek();
            sum += WordLists.Syllables[choice];
            Words.Add(choice);
            places.Push(sum == counts[line] ? (line + 1, 0) : (line, sum));
            return sum > counts[line] ? NodeState.Dead : places.Peek().Line == counts.Length ? NodeState.Solved : NodeState.Open;
        }

        protected override void Pop(string choice)
        {
            Words.RemoveAt(Words.Count - 1);
            places.Pop();
        }

        protected override string Say(string choice)
        {
            (int line, int sum) = places.Peek();
            return sum == 0 ? $"{choice}{counts[line - 1]}/" : $"{choice}{sum}";
        }

        protected override bool IsOnWay(string choice) => Words.Count < solution.Count && solution[Words.Count] == choice;
    }
}
