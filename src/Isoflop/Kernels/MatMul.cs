using System.Runtime.CompilerServices;

namespace Isoflop.Kernels;

/// <summary>C = start + A·B in three layouts; each element one chain of multiply-adds over ascending k.</summary>
/// <remarks>
/// Panels of both operands are packed for the register tile (Goto &amp; van de Geijn 2008). <see cref="BlockK"/> steps of a panel
/// of B and a panel of A stay near the core, <see cref="BlockM"/> rows of A in its second-level cache. The chain continues at C
/// from one block to the next, so neither blocks nor threads nor other rows show in the result.
/// </remarks>
static unsafe class MatMul
{
    const int BlockM = 168, BlockN = 1024;

    static int BlockK => Microkernel.Wide ? 512 : 256;

    // A power of two from panel to panel would put all panels of A into the same cache sets: 16 floats more.
    static int PanelA => BlockK * Microkernel.Rows + 16;

    /// <summary>Floats of scratch that each thread needs.</summary>
    public static int ScratchLength =>
        BlockM / Microkernel.Rows * PanelA + BlockN * BlockK + Microkernel.Rows * Microkernel.Columns;

    /// <summary>One product; threads share it.</summary>
    public struct Task
    {
        public MatMulLayout Layout;
        public float* A, B, PackedB, C, Start;
        public int M, N, K;
        public int RowParts, ColumnParts;

        public readonly nint StrideA => Layout == MatMulLayout.TransposedA ? M : K;
        public readonly nint StrideB => Layout == MatMulLayout.TransposedB ? K : N;
    }

    /// <summary>The definition: plain loops, double sums.</summary>
    public static void Reference(in Task t)
    {
        for (int i = 0; i < t.M; i++)
            for (int j = 0; j < t.N; j++)
            {
                double sum = t.Start != null ? t.Start[(long)i * t.N + j] : 0;
                for (int p = 0; p < t.K; p++)
                {
                    float a = t.Layout == MatMulLayout.TransposedA ? t.A[(long)p * t.M + i] : t.A[(long)i * t.K + p];
                    float b = t.Layout == MatMulLayout.TransposedB ? t.B[(long)j * t.K + p] : t.B[(long)p * t.N + j];
                    sum += (double)a * b;
                }
                t.C[(long)i * t.N + j] = (float)sum;
            }
    }

    /// <summary>Elements of a packed B: panels [n / Columns][k][Columns].</summary>
    public static long PackedLength(int n, int k) =>
        (long)(n + Microkernel.Columns - 1) / Microkernel.Columns * Microkernel.Columns * k;

    /// <summary>Packs the whole of B, panels <paramref name="from"/> to <paramref name="to"/> of it.</summary>
    public static void Pack(in Task t, int from, int to)
    {
        nint panel = (nint)t.K * Microkernel.Columns;
        bool transposed = t.Layout == MatMulLayout.TransposedB;
        int n0 = from * Microkernel.Columns, n1 = Math.Min(t.N, to * Microkernel.Columns);
        if (n0 < n1) Packing.Columns(t.B, t.StrideB, transposed, n0, n1, 0, t.K, t.PackedB + from * panel, panel);
    }

    /// <summary>Chooses how many parts the rows and the columns of C are cut into, for the soonest end.</summary>
    /// <remarks>A multiply-add takes .0175 ns, packing an element about .1; a thread packs what it needs of A and of B.</remarks>
    public static void Divide(ref Task t, int threads)
    {
        // Waking the others costs about a microsecond: 30,000 multiply-adds.
        if ((long)t.M * t.N * t.K < 60_000) threads = 1;
        double best = double.PositiveInfinity;
        for (int rowParts = 1; rowParts <= threads; rowParts++)
        {
            if (threads % rowParts != 0) continue;
            int columnParts = threads / rowParts;
            double rows = Part(t.M, rowParts, 4), columns = Part(t.N, columnParts, Microkernel.Columns);
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
    public static void Simd(in Task t, int from, int to, float* scratch)
    {
        for (int part = from; part < to; part++) Simd(t, part, scratch);
    }

    static void Simd(in Task t, int part, float* scratch)
    {
        (int m0, int m1) = VectorMath.Share(t.M, part / t.ColumnParts, t.RowParts, 4);
        (int n0, int n1) = VectorMath.Share(t.N, part % t.ColumnParts, t.ColumnParts, Microkernel.Columns);
        float* packedA = scratch, packedB = packedA + BlockM / Microkernel.Rows * PanelA, edge = packedB + BlockN * BlockK;
        if (t.K == 0)
            Copy(t, m0, m1, n0, n1);
        for (int j0 = n0; j0 < n1; j0 += BlockN)
        {
            int j1 = Math.Min(j0 + BlockN, n1);
            for (int p0 = 0; p0 < t.K; p0 += BlockK)
            {
                int p1 = Math.Min(p0 + BlockK, t.K);
                float* b;
                nint panelB;
                if (t.PackedB != null)
                {
                    panelB = (nint)t.K * Microkernel.Columns;
                    b = t.PackedB + j0 / Microkernel.Columns * panelB + (nint)p0 * Microkernel.Columns;
                }
                else
                {
                    panelB = (nint)(p1 - p0) * Microkernel.Columns;
                    b = packedB;
                    Packing.Columns(t.B, t.StrideB, t.Layout == MatMulLayout.TransposedB, j0, j1, p0, p1, b, panelB);
                }
                for (int i0 = m0; i0 < m1; i0 += BlockM)
                {
                    int i1 = Math.Min(i0 + BlockM, m1);
                    PackRows(t, i0, i1, p0, p1, packedA);
                    Block(t, i0, i1, j0, j1, p1 - p0, packedA, b, panelB, edge, p0 > 0 ? t.C : t.Start);
                }
            }
        }
    }

    /// <summary>A's rows i0..i1 for steps p0..p1 as panels [step][rows of the panel].</summary>
    static void PackRows(in Task t, int i0, int i1, int p0, int p1, float* to)
    {
        if (t.Layout == MatMulLayout.TransposedA)
            Packing.Panels(t.A + p0 * t.StrideA + i0, t.StrideA, i1 - i0, p1 - p0, to, PanelA);
        else Packing.RowPanels(t.A + i0 * t.StrideA + p0, t.StrideA, i1 - i0, p1 - p0, to, PanelA);
    }

    /// <summary>All register tiles of one block.</summary>
    static void Block(in Task t, int i0, int i1, int j0, int j1, int k, float* a, float* b, nint panelB, float* edge,
        float* start)
    {
        for (int j = j0; j < j1; j += Microkernel.Columns, b += panelB)
        {
            int columns = Math.Min(Microkernel.Columns, j1 - j);
            float* panelA = a;
            for (int i = i0; i < i1; i += Microkernel.Rows, panelA += PanelA)
            {
                int rows = Math.Min(Microkernel.Rows, i1 - i);
                long at = (long)i * t.N + j;
                float* c = t.C + at, from = start == null ? null : start + at;
                if (columns == Microkernel.Columns) Microkernel.Run(rows, k, panelA, rows, b, c, t.N, from);
                else Edge(rows, columns, k, panelA, b, c, t.N, edge, from);
            }
        }
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

    /// <summary>A tile that reaches past C's last column is computed beside it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Edge(int rows, int columns, int k, float* a, float* b, float* c, int ldc, float* edge,
        float* start)
    {
        if (start != null) Move(start, ldc, edge, Microkernel.Columns);
        Microkernel.Run(rows, k, a, rows, b, edge, Microkernel.Columns, start == null ? null : edge);
        Move(edge, Microkernel.Columns, c, ldc);

        void Move(float* from, int fromStride, float* to, int toStride)
        {
            for (int i = 0; i < rows; i++)
                new ReadOnlySpan<float>(from + (long)i * fromStride, columns)
                    .CopyTo(new Span<float>(to + (long)i * toStride, columns));
        }
    }
}
