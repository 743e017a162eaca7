using System.Numerics;

namespace Isoflop.Tasks;

/// <summary>
/// <c>1..4 .2.. ..3. 4..1</c>: rows with gaps; the answer is the full grid in the same writing. Every row, column and box holds
/// each digit once; a puzzle has one solution. A thought's word is a cell and its digit, <c>b23</c>: row b, column 2, a 3.
/// </summary>
abstract class Sudoku(int box, int[] gaps) : TaskFamily
{
    readonly int n = box * box;

    public sealed override string Group => "search";
    public sealed override string Summary =>
        $"{n} rows with gaps (.): the full grid, each digit once in each row, column and box";
    public sealed override int Levels => gaps.Length;
    public sealed override bool HasCheck => true;

    /// <summary>Longest thought that is striven for, characters.</summary>
    protected abstract int MaxThought { get; }

    protected sealed override string Symbols => "abcdefghi"[..n] + "123456789"[..n] + ". ?~!|";

    protected sealed override Draft? Draw(int level, ref Rng rng)
    {
        var cells = new int[n * n];
        Fill(cells, true, ref rng, out _);
        int left = gaps[level - 1];
        foreach (int cell in rng.Order(n * n))
        {
            if (left == 0) break;
            int digit = cells[cell];
            cells[cell] = 0;
            if (IsForced(cells, cell, digit)) left--;
            else cells[cell] = digit;
        }
        return left > 0 ? null : new(Text(cells));
    }

    /// <summary>No other digit in this cell leads to a solution.</summary>
    bool IsForced(int[] cells, int cell, int digit)
    {
        Rng none = default;
        for (int other = 1; other <= n; other++)
        {
            if (other == digit || (Free(cells, cell) >> other & 1) == 0) continue;
            int[] copy = [.. cells];
            copy[cell] = other;
            if (Fill(copy, false, ref none, out _)) return false;
        }
        return true;
    }

    public sealed override string Solve(TaskItem item) => Text(Solution(Read(item.Prompt), out _));

    int[] Solution(int[] cells, out List<int> order)
    {
        Rng none = default;
        return Fill(cells, false, ref none, out order) ? cells : throw new ArgumentException("no solution");
    }

    /// <summary>
    /// Depth-first, the cell with the fewest digits first: which is deduction as long as one has a single digit.
    /// </summary>
    /// <param name="cells">in and out</param> <param name="shuffle">digits in random order</param>
    /// <param name="rng">choices</param> <param name="order">cells as they were filled</param>
    bool Fill(int[] cells, bool shuffle, ref Rng rng, out List<int> order)
    {
        order = [];
        Span<int> seen = stackalloc int[3 * n];                  // digits of each row, column and box, as bits
        seen.Clear();
        for (int cell = 0; cell < cells.Length; cell++)
            if (cells[cell] != 0) Mark(seen, cell, cells[cell]);
        return Next(cells, seen, shuffle, order, ref rng);
    }

    /// <summary>Puts a digit into its row, column and box, or takes it out.</summary>
    void Mark(Span<int> seen, int cell, int digit)
    {
        int row = cell / n, column = cell % n;
        seen[row] ^= 1 << digit;
        seen[n + column] ^= 1 << digit;
        seen[2 * n + row / box * box + column / box] ^= 1 << digit;
    }

    bool Next(int[] cells, Span<int> seen, bool shuffle, List<int> order, ref Rng rng)
    {
        int best = -1, fewest = int.MaxValue, free = 0;
        for (int cell = 0; cell < cells.Length; cell++)
        {
            if (cells[cell] != 0) continue;
            int row = cell / n, column = cell % n;
            int mask = ~(seen[row] | seen[n + column] | seen[2 * n + row / box * box + column / box]) & ((1 << n + 1) - 2);
            int count = BitOperations.PopCount((uint)mask);
            if (count < fewest) (best, fewest, free) = (cell, count, mask);
            if (count <= 1) break;
        }
        if (best < 0) return true;
        int[]? digits = shuffle ? rng.Order(n) : null;
        for (int i = 0; i < n; i++)
        {
            int digit = 1 + (digits?[i] ?? i);
            if ((free >> digit & 1) == 0) continue;
            cells[best] = digit;
            order.Add(best);
            Mark(seen, best, digit);
            if (Next(cells, seen, shuffle, order, ref rng)) return true;
            Mark(seen, best, digit);
            order.RemoveAt(order.Count - 1);
        }
        cells[best] = 0;
        return false;
    }

    /// <summary>Digits that no cell in sight holds, as bits.</summary>
    int Free(int[] cells, int cell)
    {
        int row = cell / n, column = cell % n, seen = 0, corner = row / box * box * n + column / box * box;
        for (int i = 0; i < n; i++)
            seen |= 1 << cells[row * n + i] | 1 << cells[i * n + column] | 1 << cells[corner + i / box * n + i % box];
        return ~seen & ((1 << n + 1) - 2);
    }

    /// <summary>
    /// The grid as a graph, so whatever the digits are called, and with rows, columns and their bands in any order, mirrored or
    /// not.
    /// </summary>
    protected sealed override string ContentOf(string prompt)
    {
        const int Cell = 0, Line = 1, Box = 2, Digit = 3;
        int[] cells = Read(prompt);
        int lines = n * n, boxes = lines + 2 * n, digits = boxes + n;
        int[] kinds = [.. Enumerable.Repeat(Cell, lines), .. Enumerable.Repeat(Line, 2 * n), .. Enumerable.Repeat(Box, n),
            .. Enumerable.Repeat(Digit, n)];
        List<(int, int, int)> arcs = [];
        for (int cell = 0; cell < cells.Length; cell++)
        {
            int row = cell / n, column = cell % n;
            arcs.AddRange([(cell, lines + row, Line), (cell, lines + n + column, Line),
                (cell, boxes + row / box * box + column / box, Box)]);
            if (cells[cell] != 0) arcs.Add((cell, digits + cells[cell] - 1, Digit));
        }
        return Content.OfGraph(kinds, arcs);
    }

    string Text(int[] cells) =>
        string.Join(' ', cells.Chunk(n).Select(row => string.Concat(row.Select(d => d == 0 ? '.' : (char)('0' + d)))));

    int[] Read(string grid) => [.. grid.Where(c => c != ' ').Select(c => c == '.' ? 0 : c - '0')];

    protected sealed override bool Fulfils(string prompt, string answer)
    {
        if (answer.Length != prompt.Length) return false;
        for (int i = 0; i < answer.Length; i++)
            if (prompt[i] == '.' ? answer[i] < '1' || answer[i] > '0' + n : answer[i] != prompt[i]) return false;
        Span<int> seen = stackalloc int[3 * n];
        seen.Clear();
        for (int i = 0, cell = 0; i < answer.Length; i++)
            if (answer[i] != ' ') Mark(seen, cell++, answer[i] - '0');
        foreach (int digits in seen)
            if (digits != (1 << n + 1) - 2) return false;        // n digits, and each once
        return true;
    }

    protected sealed override Derivation Derive(TaskItem item, bool explore, ref Rng rng)
    {
        int[] cells = Read(item.Prompt), solution = Solution([.. cells], out List<int> order);
        var search = new Filling(this, cells, solution, explore ? null : order);
        return new(search.Write(explore, MaxThought, ref rng), Text(cells));
    }

    /// <summary>
    /// Cells in the order of deduction; or, exploring, row by row, where a digit that fits may turn out wrong later.
    /// </summary>
    sealed class Filling(Sudoku family, int[] cells, int[] solution, List<int>? order) : WrittenSearch<(int Cell, int Digit)>
    {
        protected override (int Cell, int Digit)[] Options(ref Rng rng)
        {
            int cell = order?.First(c => cells[c] == 0) ?? Array.IndexOf(cells, 0);
            int free = family.Free(cells, cell);
            int[] row = cells[(cell / family.n * family.n)..][..family.n];
            return rng.Shuffle([.. Enumerable.Range(1, family.n)
                .Where(d => IsNaive ? !row.Contains(d) : (free >> d & 1) == 1).Select(d => (cell, d))]);
        }

        // On the small grid a mind that explores looks along the row alone, and the check at the column and the box.
        bool IsNaive => order is null && family.n == 4;

        protected override NodeState Push((int Cell, int Digit) choice)
        {
            bool fits = !IsNaive || (family.Free(cells, choice.Cell) >> choice.Digit & 1) == 1;
            cells[choice.Cell] = choice.Digit;
            return !fits ? NodeState.Dead : cells.Contains(0) ? NodeState.Open : NodeState.Solved;
        }

        protected override void Pop((int Cell, int Digit) choice) => cells[choice.Cell] = 0;

        protected override string Say((int Cell, int Digit) choice) =>
            $"{(char)('a' + choice.Cell / family.n)}{choice.Cell % family.n + 1}{choice.Digit}";

        protected override bool IsOnWay((int Cell, int Digit) choice) => solution[choice.Cell] == choice.Digit;
    }
}

/// <summary>4 × 4: 288 grids.</summary>
sealed class Sudoku4() : Sudoku(2, [4, 6, 8, 10])
{
    public override string Name => "sudoku4";
    public override double Chance(int level) => 1.0 / 288;
    public override long? Candidates(int level) => 288;
    protected override int MaxThought => 240;
}

/// <summary>9 × 9.</summary>
sealed class Sudoku9() : Sudoku(3, [4, 10, 20, 30, 40])
{
    public override string Name => "sudoku9";
    public override double Chance(int level) => 1e-6;
    protected override int MaxThought => 480;
}
