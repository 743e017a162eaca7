using System.Runtime.CompilerServices;
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
        if (Avx.IsSupported)
            for (; i <= rows - 8; i += 8) TransposeEight(from + i * ld, ld, k, to + i, width);
        if (Sse.IsSupported)
        {
            for (; i <= rows - 4; i += 4) TransposeFour(from + i * ld, ld, k, to + i, width);
            if (i <= rows - 2)
            {
                TransposeTwo(from + i * ld, ld, k, to + i, width);
                i += 2;
            }
        }
        for (; i < rows; i++)
            for (int p = 0; p < k; p++) to[p * width + i] = from[i * ld + p];
    }

    /// <summary>Eight rows at a time through registers: 8 loads, 24 shuffles, 8 stores a square of 64.</summary>
    static void TransposeEight(float* from, nint ld, int k, float* to, nint width)
    {
        int p = 0;
        for (; p <= k - 8; p += 8, to += 8 * width)
        {
            float* x = from + p;
            Vector256<float> a = Vector256.Load(x), b = Vector256.Load(x + ld);
            x += 2 * ld;
            Vector256<float> c = Vector256.Load(x), d = Vector256.Load(x + ld);
            x += 2 * ld;
            Vector256<float> e = Vector256.Load(x), f = Vector256.Load(x + ld);
            x += 2 * ld;
            Vector256<float> g = Vector256.Load(x), h = Vector256.Load(x + ld);
            Vector256<float> ab = Avx.UnpackLow(a, b), cd = Avx.UnpackLow(c, d);
            Vector256<float> ef = Avx.UnpackLow(e, f), gh = Avx.UnpackLow(g, h);
            Vector256<float> AB = Avx.UnpackHigh(a, b), CD = Avx.UnpackHigh(c, d);
            Vector256<float> EF = Avx.UnpackHigh(e, f), GH = Avx.UnpackHigh(g, h);
            // Steps 0 and 4, 1 and 5, 2 and 6, 3 and 7, of the first four rows and of the last.
            Pair(Avx.Shuffle(ab, cd, 0x44), Avx.Shuffle(ef, gh, 0x44), to, width);
            Pair(Avx.Shuffle(ab, cd, 0xEE), Avx.Shuffle(ef, gh, 0xEE), to + width, width);
            Pair(Avx.Shuffle(AB, CD, 0x44), Avx.Shuffle(EF, GH, 0x44), to + 2 * width, width);
            Pair(Avx.Shuffle(AB, CD, 0xEE), Avx.Shuffle(EF, GH, 0xEE), to + 3 * width, width);
        }
        for (; p < k; p++, to += width)
            for (int i = 0; i < 8; i++) to[i] = from[i * ld + p];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Pair(Vector256<float> low, Vector256<float> high, float* to, nint width)
    {
        Avx.Permute2x128(low, high, 0x20).Store(to);
        Avx.Permute2x128(low, high, 0x31).Store(to + 4 * width);
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

    static void TransposeTwo(float* from, nint ld, int k, float* to, nint width)
    {
        float* r0 = from, r1 = r0 + ld;
        int p = 0;
        for (; p <= k - 4; p += 4)
        {
            Vector128<float> a = Vector128.Load(r0 + p), b = Vector128.Load(r1 + p);
            Vector128<float> low = Sse.UnpackLow(a, b), high = Sse.UnpackHigh(a, b);
            Sse.StoreLow(to, low);
            Sse.StoreHigh(to + width, low);
            Sse.StoreLow(to + 2 * width, high);
            Sse.StoreHigh(to + 3 * width, high);
            to += 4 * width;
        }
        for (; p < k; p++, to += width)
        {
            to[0] = r0[p];
            to[1] = r1[p];
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
    /// B's columns n0..n1 for steps p0..p1 as panels [columns / tile's][p1 − p0][tile's], the last filled up with zeros.
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

    /// <summary>
    /// Columns of A stored [k, m] as panels [k][rows of the panel], each so many elements from the one before.
    /// </summary>
    public static void Panels(float* from, nint ld, int columns, int k, float* to, nint panel)
    {
        int width = Microkernel.Rows, whole = columns / width * width;
        // Step by step, so that a line of memory is read once whatever lies between steps. More is read and written than a
        // panel is wide: what is read too much is the next step's, what is written too much the next step writes over.
        for (int p = 0; p < k - 1; p++)
        {
            float* step = from + p * ld, at = to + p * width;
            for (int i = 0; i < whole; i += width, at += panel)
            {
                Vector256.Load(step + i).Store(at);
                if (width > 8) Vector128.Load(step + i + 8).Store(at + 8);
            }
        }
        for (int i = 0; i < whole; i += width, to += panel)
            Copy(from + (k - 1) * ld + i, ld, width, 1, to + (k - 1) * width, width);
        if (whole < columns) Copy(from + whole, ld, columns - whole, k, to, columns - whole);
    }

    /// <summary>Rows of A stored [rows, k] as the same panels.</summary>
    public static void RowPanels(float* from, nint ld, int rows, int k, float* to, nint panel)
    {
        int width = Microkernel.Rows, i = 0;
        if (Avx.IsSupported && width == 6)
            for (; i <= rows - 6; i += 6, to += panel) TransposeSix(from + i * ld, ld, k, to);
        for (; i < rows; i += width, to += panel)
        {
            int part = Math.Min(width, rows - i);
            Transpose(from + i * ld, ld, part, k, to, part);
        }
    }

    /// <summary>A panel of six rows: a step's store is two too wide, and the next one's writes over it.</summary>
    static void TransposeSix(float* from, nint ld, int k, float* to)
    {
        float* r0 = from, r1 = r0 + ld, r2 = r1 + ld, r3 = r2 + ld, r4 = r3 + ld, r5 = r4 + ld;
        int p = 0;
        for (; p < k - 8; p += 8, to += 48)
        {
            Vector256<float> a = Vector256.Load(r0 + p), b = Vector256.Load(r1 + p);
            Vector256<float> c = Vector256.Load(r2 + p), d = Vector256.Load(r3 + p);
            Vector256<float> e = Vector256.Load(r4 + p), f = Vector256.Load(r5 + p);
            Vector256<float> ab = Avx.UnpackLow(a, b), cd = Avx.UnpackLow(c, d), ef = Avx.UnpackLow(e, f);
            Vector256<float> AB = Avx.UnpackHigh(a, b), CD = Avx.UnpackHigh(c, d), EF = Avx.UnpackHigh(e, f);
            Vector256<float> x0 = Avx.Shuffle(ab, cd, 0x44), x1 = Avx.Shuffle(ab, cd, 0xEE);
            Vector256<float> x2 = Avx.Shuffle(AB, CD, 0x44), x3 = Avx.Shuffle(AB, CD, 0xEE);
            Vector256<float> y1 = Avx.Shuffle(ef, ef, 0xEE), y3 = Avx.Shuffle(EF, EF, 0xEE);
            Avx.Permute2x128(x0, ef, 0x20).Store(to);
            Avx.Permute2x128(x1, y1, 0x20).Store(to + 6);
            Avx.Permute2x128(x2, EF, 0x20).Store(to + 12);
            Avx.Permute2x128(x3, y3, 0x20).Store(to + 18);
            Avx.Permute2x128(x0, ef, 0x31).Store(to + 24);
            Avx.Permute2x128(x1, y1, 0x31).Store(to + 30);
            Avx.Permute2x128(x2, EF, 0x31).Store(to + 36);
            Avx.Permute2x128(x3, y3, 0x31).Store(to + 42);
        }
        for (; p < k; p++, to += 6)
            (to[0], to[1], to[2], to[3], to[4], to[5]) = (r0[p], r1[p], r2[p], r3[p], r4[p], r5[p]);
    }
}
