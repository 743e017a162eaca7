namespace Isoflop.Tasks;

/// <summary>
/// <c>3....1.</c>: one queen in each column; a digit is the row of one that stands, a dot one to be placed. No two share a row or
/// a diagonal. The answer names all rows: <c>3572461</c>.
/// </summary>
sealed class Queens : TaskFamily
{
    static readonly (int Board, int Placed)[] Dial = [(7, 4), (7, 3), (8, 4), (8, 3), (9, 3), (9, 2)];

    public override string Name => "queens";
    public override string Group => "search";
    public override string Summary =>
        "Rows of queens by column, some missing (.): all rows, no two queens on one row or diagonal";
    public override int Levels => Dial.Length;
    public override double Chance(int level) => 0.06;
    public override bool HasCheck => true;
    protected override string Symbols => "123456789. ?~!|";

    protected override Draft? Draw(int level, ref Rng rng)
    {
        (int n, int placed) = Dial[level - 1];
        int[] rows = new int[n], order = rng.Order(n);
        Array.Fill(rows, -1);
        Complete(rows, order);
        bool[] shown = new bool[n];
        foreach (int c in rng.Order(n).Take(placed)) shown[c] = true;
        return new(string.Concat(rows.Select((r, c) => shown[c] ? (char)('1' + r) : '.')));
    }

    static bool Fits(ReadOnlySpan<int> rows, int column)
    {
        for (int c = 0; c < rows.Length; c++)
            if (c != column && rows[c] >= 0 && (rows[c] == rows[column]
                || Math.Abs(rows[c] - rows[column]) == Math.Abs(c - column))) return false;
        return true;
    }

    static int[] Read(string prompt) => [.. prompt.Select(c => c == '.' ? -1 : c - '1')];

    static string Text(int[] rows) => string.Concat(rows.Select(r => (char)('1' + r)));

    /// <param name="rows">in and out; -1 is to be placed</param> <param name="order">rows as they are tried</param>
    static int[] Complete(int[] rows, int[] order)
    {
        return Next() ? rows : throw new ArgumentException("no solution");

        bool Next()
        {
            int c = Array.IndexOf(rows, -1);
            if (c < 0) return true;
            for (int i = 0; i < order.Length; i++)
            {
                rows[c] = order[(i + c) % order.Length];
                if (Fits(rows, c) && Next()) return true;
            }
            rows[c] = -1;
            return false;
        }
    }

    /// <summary>The board, turned or mirrored.</summary>
    protected override string ContentOf(string prompt)
    {
        char[] board = [.. Enumerable.Repeat('.', prompt.Length * prompt.Length)];
        for (int c = 0; c < prompt.Length; c++)
            if (prompt[c] != '.') board[(prompt[c] - '1') * prompt.Length + c] = 'q';
        return Content.OfBoard(board, prompt.Length);
    }

    static int[] Complete(int[] rows) => Complete(rows, [.. Enumerable.Range(0, rows.Length)]);

    public override string Solve(TaskItem item) => Text(Complete(Read(item.Prompt)));

    protected override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length != prompt.Length) return false;
        for (int c = 0; c < answer.Length; c++)
            if (prompt[c] == '.' ? answer[c] < '1' || answer[c] >= '1' + prompt.Length : answer[c] != prompt[c]) return false;
        int[] rows = Read(answer);
        return Enumerable.Range(0, rows.Length).All(c => Fits(rows, c));
    }

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        int[] rows = Read(item.Prompt);
        var search = new Placing(rows, Complete([.. rows]));
        return new(search.Write(explore, 160, ref rng), Text(rows));
    }

    /// <summary>A word is a row, for the first column that is free.</summary>
    sealed class Placing(int[] rows, int[] solution) : WrittenSearch<int>
    {
        protected override int[] Options(ref Rng rng)
        {
            int c = Array.IndexOf(rows, -1);
            List<int> fit = [];
            for (rows[c] = 0; rows[c] < rows.Length; rows[c]++)
                if (Fits(rows, c)) fit.Add(rows[c]);
            rows[c] = -1;
            return rng.Shuffle([.. fit.Select(r => c * rows.Length + r)]);
        }

        protected override NodeState Push(int choice)
        {
            rows[choice / rows.Length] = choice % rows.Length;
            return rows.Contains(-1) ? NodeState.Open : NodeState.Solved;
        }

        protected override void Pop(int choice) => rows[choice / rows.Length] = -1;
        protected override string Say(int choice) => Numbers.Text(choice % rows.Length + 1);
        protected override bool IsOnWay(int choice) => solution[choice / rows.Length] == choice % rows.Length;
    }
}
