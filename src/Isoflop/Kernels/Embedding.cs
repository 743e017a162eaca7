namespace Isoflop.Kernels;

/// <summary>
/// y[r] = table[tokens[r]], and the rows' gradients added to where they came from. Exact but for the sums' rounding.
/// </summary>
static unsafe class Embedding
{
    /// <summary>One call, forward (Y) or backward (Y is dy, Table is dTable).</summary>
    public struct Task
    {
        public float* Table, Y;
        public int* Tokens;
        public int Rows, C;
    }

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void Forward(in Task t, int from, int to)
    {
        for (int r = from; r < to; r++)
            new ReadOnlySpan<float>(t.Table + (long)t.Tokens[r] * t.C, t.C).CopyTo(new Span<float>(t.Y + (long)r * t.C, t.C));
    }

    /// <summary>Columns <paramref name="from"/> to <paramref name="to"/> of every row, in the order of the rows.</summary>
    public static void Backward(in Task t, int from, int to)
    {
        for (int r = 0; r < t.Rows; r++)
            Elementwise.Add(t.Y + (long)r * t.C + from, t.Table + (long)t.Tokens[r] * t.C + from, to - from);
    }
}
