using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>
/// Copies of matrices in the order in which <see cref="Microkernel"/> reads them. Packing moves numbers and rounds none.
/// </summary>
static unsafe class Packing
{
    /// <summary>
    /// to[p·width + i] = from[i·ld + p] for i &lt; rows, p &lt; k: rows become columns; to's columns from rows on are left alone.
    /// </summary>
    public static void Transpose(float* from, nint ld, int rows, int k, float* to, nint width)
    {
        int i = 0;
        if (Sse.IsSupported)
            for (; i <= rows - 4; i += 4) TransposeFour(from + i * ld, ld, k, to + i, width);
        for (; i < rows; i++)
            for (int p = 0; p < k; p++) to[p * width + i] = from[i * ld + p];
    }

    /// <summary>Four rows at a time through registers: 4 loads, 8 shuffles, 4 stores a square of sixteen.</summary>
    static void TransposeFour(float* from, nint ld, int k, float* to, nint width)
    {
        float* r0 = from, r1 = r0 + ld, r2 = r1 + ld, r3 = r2 + ld;
        int p = 0;
        for (; p <= k - 4; p += 4)
        {
            Vector128<float> a = Vector128.Load(r0 + p), b = Vector128.Load(r1 + p);
            Vector128<float> c = Vector128.Load(r2 + p), d = Vector128.Load(r3 + p);
            Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d);
            Vector128<float> AB = Sse.UnpackHigh(a, b), CD = Sse.UnpackHigh(c, d);
            Sse.MoveLowToHigh(ab, cd).Store(to);
            Sse.MoveHighToLow(cd, ab).Store(to + width);
            Sse.MoveLowToHigh(AB, CD).Store(to + 2 * width);
            Sse.MoveHighToLow(CD, AB).Store(to + 3 * width);
            to += 4 * width;
        }
        for (; p < k; p++, to += width)
        {
            to[0] = r0[p];
            to[1] = r1[p];
            to[2] = r2[p];
            to[3] = r3[p];
        }
    }

    /// <summary>to[p·width + i] = from[p·ld + i] for p &lt; k, i &lt; columns; to's other columns are left alone.</summary>
    public static void Copy(float* from, nint ld, int columns, int k, float* to, nint width)
    {
        for (int p = 0; p < k; p++, from += ld, to += width)
        {
            int i = 0;
            for (; i <= columns - 16; i += 16) Vector512.Load(from + i).Store(to + i);
            for (; i <= columns - 4; i += 4) Vector128.Load(from + i).Store(to + i);
            for (; i < columns; i++) to[i] = from[i];
        }
    }

    /// <summary>
    /// B's columns n0..n1 for steps p0..p1 as panels [columns / 32][p1 − p0][32], the last filled up with zeros.
    /// </summary>
    /// <param name="b">[k, n], or [n, k] when <paramref name="transposed"/></param>
    /// <param name="ld">elements from one stored row to the next</param>
    /// <param name="panel">elements from one panel to the next</param>
    public static void Columns(float* b, nint ld, bool transposed, int n0, int n1, int p0, int p1, float* to, nint panel)
    {
        for (int j = n0; j < n1; j += Microkernel.Columns, to += panel)
        {
            int columns = Math.Min(Microkernel.Columns, n1 - j), k = p1 - p0;
            if (columns < Microkernel.Columns) new Span<float>(to, k * Microkernel.Columns).Clear();
            if (transposed) Transpose(b + j * ld + p0, ld, columns, k, to, Microkernel.Columns);
            else Copy(b + p0 * ld + j, ld, columns, k, to, Microkernel.Columns);
        }
    }
}
