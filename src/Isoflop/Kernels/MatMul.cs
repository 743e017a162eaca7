using System.Runtime.CompilerServices;

namespace Isoflop.Kernels;

/// <summary>C = start + A·B in three layouts; each element one chain of multiply-adds over ascending k.</summary>
/// <remarks>
/// Panels of both operands are packed for the register tile (Goto &amp; van de Geijn 2008), which <see cref="ITile"/> names. A
/// block of steps of a panel of B and of A stays near the core, <see cref="BlockM"/> rows of A in its second-level cache. The
/// chain continues at C from one block to the next, so neither blocks nor threads nor other rows show in the result.
/// </remarks>
static unsafe class MatMul
{
    /// <summary>Rows of a block of A at most.</summary>
    public const int BlockM = 168;

    const int BlockN = 1024;

    // A power of two from panel to panel would put all panels of A into the same cache sets: 16 floats more.
    static int PanelA<T>() where T : struct, ITile => T.Words(T.BlockK) * T.Rows + 16;

    /// <summary>Floats of scratch that each thread needs.</summary>
    public static int ScratchLength<T>() where T : struct, ITile =>
        BlockM / T.Rows * PanelA<T>() + BlockN * T.Words(T.BlockK) + T.Rows * T.Columns;

    /// <summary>One product; threads share it.</summary>
    public struct Task
    {
        public MatMulLayout Layout;
        public float* A, B, PackedB, C, Start;
        public int M, N, K;
        public int RowParts, ColumnParts;
        public KernelCode Code;

        public readonly nint StrideA => Layout == MatMulLayout.TransposedA ? M : K;
        public readonly nint StrideB => Layout == MatMulLayout.TransposedB ? K : N;

        /// <summary>Where A's element of this row and step lies.</summary>
        public readonly float* PlaceA(int row, int step) =>
            A + (Layout == MatMulLayout.TransposedA ? step * StrideA + row : row * StrideA + step);

        /// <summary>Where B's element of this step and column lies.</summary>
        public readonly float* PlaceB(int step, int column) =>
            B + (Layout == MatMulLayout.TransposedB ? column * StrideB + step : step * StrideB + column);
    }

    /// <summary>The definition: plain loops, double sums.</summary>
    public static void Reference(in Task t)
    {
        for (int i = 0; i < t.M; i++)
            for (int j = 0; j < t.N; j++)
            {
                double sum = t.Start != null ? t.Start[(long)i * t.N + j] : 0;
                for (int p = 0; p < t.K; p++) sum += (double)*t.PlaceA(i, p) * *t.PlaceB(p, j);
                t.C[(long)i * t.N + j] = (float)sum;
            }
    }

    /// <summary>Elements of a packed B: panels [n / Columns][words of k][Columns].</summary>
    public static long PackedLength<T>(int n, int k) where T : struct, ITile =>
        (long)(n + T.Columns - 1) / T.Columns * T.Columns * T.Words(k);

    /// <summary>Packs the whole of B, panels <paramref name="from"/> to <paramref name="to"/> of it.</summary>
    public static void Pack<T>(in Task t, int from, int to) where T : struct, ITile
    {
        nint panel = (nint)T.Words(t.K) * T.Columns;
        int n0 = from * T.Columns, n1 = Math.Min(t.N, to * T.Columns);
        if (n0 < n1) T.PackColumns(t, n0, n1, 0, t.K, t.PackedB + from * panel, panel);
    }

    /// <summary>Chooses how many parts the rows and the columns of C are cut into, for the soonest end.</summary>
    /// <remarks>A multiply-add takes .0175 ns, packing an element about .1; a thread packs what it needs of A and of B.</remarks>
    public static void Divide(ref Task t, int threads, int tileColumns)
    {
        // Waking the others costs about a microsecond: 30,000 multiply-adds.
        if ((long)t.M * t.N * t.K < 60_000) threads = 1;
        double best = double.PositiveInfinity;
        for (int rowParts = 1; rowParts <= threads; rowParts++)
        {
            if (threads % rowParts != 0) continue;
            int columnParts = threads / rowParts;
            double rows = Part(t.M, rowParts, 4), columns = Part(t.N, columnParts, tileColumns);
            double packA = rows * Math.Ceiling(columns / BlockN), packB = t.PackedB == null ? columns : 0;
            double cost = .0175 * rows * columns + .1 * (packA + packB);
            if (cost >= best) continue;
            best = cost;
            (t.RowParts, t.ColumnParts) = (rowParts, columnParts);
        }
        static int Part(int count, int parts, int grain) => ((count + grain - 1) / grain + parts - 1) / parts * grain;
    }

    /// <summary>Parts <paramref name="from"/> to <paramref name="to"/> of the product.</summary>
    /// <param name="scratch"><see cref="ScratchLength"/> floats of the thread's own</param>
    public static void Simd<T>(in Task t, int from, int to, float* scratch) where T : struct, ITile
    {
        if (from == to) return;
        T.Begin(t);
        for (int part = from; part < to; part++) Simd<T>(t, part, scratch);
        T.End(t);
    }

    static void Simd<T>(in Task t, int part, float* scratch) where T : struct, ITile
    {
        (int m0, int m1) = VectorMath.Share(t.M, part / t.ColumnParts, t.RowParts, 4);
        (int n0, int n1) = VectorMath.Share(t.N, part % t.ColumnParts, t.ColumnParts, T.Columns);
        int blockM = BlockM / T.Rows * T.Rows, blockK = T.BlockK;
        float* packedA = scratch, packedB = packedA + BlockM / T.Rows * PanelA<T>(), edge = packedB + BlockN * T.Words(blockK);
        if (t.K == 0)
            Copy(t, m0, m1, n0, n1);
        for (int j0 = n0; j0 < n1; j0 += BlockN)
        {
            int j1 = Math.Min(j0 + BlockN, n1);
            for (int p0 = 0; p0 < t.K; p0 += blockK)
            {
                int p1 = Math.Min(p0 + blockK, t.K), words = T.Words(p1 - p0);
                float* b;
                nint panelB;
                if (t.PackedB != null)
                {
                    panelB = (nint)T.Words(t.K) * T.Columns;
                    b = t.PackedB + j0 / T.Columns * panelB + (nint)T.Words(p0) * T.Columns;
                }
                else
                {
                    panelB = (nint)words * T.Columns;
                    b = packedB;
                    T.PackColumns(t, j0, j1, p0, p1, b, panelB);
                }
                for (int i0 = m0; i0 < m1; i0 += blockM)
                {
                    int i1 = Math.Min(i0 + blockM, m1);
                    T.PackRows(t, i0, i1, p0, p1, packedA, PanelA<T>());
                    Block<T>(t, i0, i1, j0, j1, words, packedA, b, panelB, edge, p0 > 0 ? t.C : t.Start);
                }
            }
        }
    }

    /// <summary>All register tiles of one block.</summary>
    static void Block<T>(in Task t, int i0, int i1, int j0, int j1, int words, float* a, float* b, nint panelB, float* edge,
        float* start) where T : struct, ITile
    {
        for (int j = j0; j < j1; j += T.Columns, b += panelB)
        {
            int columns = Math.Min(T.Columns, j1 - j);
            float* panelA = a;
            for (int i = i0; i < i1; i += T.Rows, panelA += PanelA<T>())
            {
                int rows = Math.Min(T.Rows, i1 - i);
                long at = (long)i * t.N + j;
                float* c = t.C + at, from = start == null ? null : start + at;
                if (columns == T.Columns && rows >= T.LeastRows) T.Run(t, rows, words, panelA, b, c, t.N, from);
                else if (T.HasHalf && columns == T.Columns / 2 && rows == T.Rows) T.RunHalf(words, panelA, b, c, t.N, from);
                else Edge<T>(t, rows, columns, words, panelA, b, c, edge, from);
            }
        }
    }

    /// <summary>A tile again and again on operands near the core: what a product can reach at best.</summary>
    /// <returns>flops of all repeats</returns>
    public static double Repeat<T>(in Task t, int repeats) where T : struct, ITile
    {
        const int Words = 128;
        float* room = stackalloc float[(Words + T.Columns) * T.Rows + Words * T.Columns + 16];
        float* a = (float*)((nint)room + 63 & -64), b = a + Words * T.Rows, c = b + Words * T.Columns;      // as scratch lies
        T.Begin(t);
        for (int i = 0; i < repeats; i++) T.Run(t, T.Rows, Words, a, b, c, T.Columns, null);
        T.End(t);
        int steps = T.Words(1024) < 1024 ? 2 * Words : Words;
        return 2.0 * T.Rows * T.Columns * steps * repeats;
    }

    /// <summary>A product of no steps: C is its start.</summary>
    static void Copy(in Task t, int m0, int m1, int n0, int n1)
    {
        for (int i = m0; i < m1; i++)
        {
            long at = (long)i * t.N + n0;
            var c = new Span<float>(t.C + at, n1 - n0);
            if (t.Start == null) c.Clear();
            else new ReadOnlySpan<float>(t.Start + at, c.Length).CopyTo(c);
        }
    }

    /// <summary>A tile that reaches past C's last column or row is computed beside it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Edge<T>(in Task t, int rows, int columns, int words, float* a, float* b, float* c, float* edge, float* start)
        where T : struct, ITile
    {
        if (start != null) Move(start, t.N, edge, T.Columns);
        T.Run(t, rows, words, a, b, edge, T.Columns, start == null ? null : edge);
        Move(edge, T.Columns, c, t.N);

        void Move(float* from, int fromStride, float* to, int toStride)
        {
            for (int i = 0; i < rows; i++)
                new ReadOnlySpan<float>(from + (long)i * fromStride, columns)
                    .CopyTo(new Span<float>(to + (long)i * toStride, columns));
        }
    }
}
