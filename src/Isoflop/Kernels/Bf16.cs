using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Products of bf16 numbers, the upper halves of float32s, in float32 sums: what the two kinds of instructions compute, in plain
/// loops, and how operands are packed for them. <see cref="Bf16Code"/> is the machine code.
/// </summary>
/// <remarks>
/// Operands are rounded to nearest even. A word holds steps 2w and 2w + 1 of k, the first in its lower half. As in Intel's
/// Software Developer's Manual, VDPBF16PS and TDPBF16PS: multiply-adds round once, to nearest even; subnormal operands count as
/// zero, subnormal results become zero; MXCSR is not consulted. Steps past k are zeros.
/// </remarks>
static unsafe class Bf16
{
    const float LeastNormal = 1.17549435e-38f;

    /// <summary>Words of a block of 32 steps: a row of an AMX tile.</summary>
    public const int BlockWords = 16;

    /// <summary>The bf16 nearest to x, of two the even one; what is not a number stays none.</summary>
    public static uint Round(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x) ? bits >> 16 | 0x40 : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }

    /// <summary>The definition: C = start + A·B.</summary>
    public static void Reference(in MatMul.Task t, Precision precision)
    {
        int words = precision == Precision.Bf16Tiles ? Bf16TilesTile.Words(t.K) : Bf16PairsTile.Words(t.K);
        uint[] row = new uint[words], column = new uint[words];
        for (int i = 0; i < t.M; i++)
            for (int j = 0; j < t.N; j++)
            {
                for (int w = 0; w < words; w++) (row[w], column[w]) = (0, 0);
                for (int p = 0; p < t.K; p++)
                {
                    row[p / 2] |= Round(*t.PlaceA(i, p)) << 16 * (p % 2);
                    column[p / 2] |= Round(*t.PlaceB(p, j)) << 16 * (p % 2);
                }
                long at = (long)i * t.N + j;
                fixed (uint* a = row, b = column)
                    t.C[at] = Element(precision, t.Start != null ? t.Start[at] : 0, words, a, 1, b, 1);
            }
    }

    /// <summary>sum + Σ a·b of one element of C.</summary>
    /// <remarks>
    /// Pairs are one chain, in each word the second step before the first. Of tiles a block of 32 steps makes two chains that
    /// begin at zero, of its even and of its odd steps; they are added, and then to the sum.
    /// </remarks>
    public static float Element(Precision precision, float sum, int words, uint* a, nint da, uint* b, nint db)
    {
        if (precision == Precision.Bf16Pairs)
            for (int w = 0; w < words; w++, a += da, b += db)
            {
                sum = MultiplyAdd(Second(*a), Second(*b), sum);
                sum = MultiplyAdd(First(*a), First(*b), sum);
            }
        else
            for (int block = 0; block < words; block += BlockWords)
            {
                float even = 0, odd = 0;
                for (int w = 0; w < BlockWords; w++, a += da, b += db)
                {
                    even = MultiplyAdd(First(*a), First(*b), even);
                    odd = MultiplyAdd(Second(*a), Second(*b), odd);
                }
                sum = Zeroed(Zeroed(sum) + Zeroed(even + odd));
            }
        return sum;
    }

    static float First(uint word) => BitConverter.UInt32BitsToSingle(word << 16);

    static float Second(uint word) => BitConverter.UInt32BitsToSingle(word & 0xFFFF0000);

    static float MultiplyAdd(float a, float b, float c) => Zeroed(MathF.FusedMultiplyAdd(Zeroed(a), Zeroed(b), Zeroed(c)));

    static float Zeroed(float x) => MathF.Abs(x) < LeastNormal ? MathF.CopySign(0, x) : x;

    // ---- packing --------------------------------------------------------------------------------------------------------------

    /// <summary>Rows or columns of x as panels [words][width], filled up with zeros.</summary>
    /// <param name="alongK">x is [n, k]; else [k, n]</param> <param name="ld">elements from one stored row to the next</param>
    /// <param name="panel">words from one panel to the next; where width is no multiple of 16, four more than it holds</param>
    public static void Panels(float* x, nint ld, bool alongK, int n, int k, int words, int width, uint* to, nint panel)
    {
        const int Chunk = 64;
        uint* room = stackalloc uint[32 * Chunk];
        if (alongK)
            for (int i = 0; i < n; i += width, to += panel)
                for (int w = 0; w < words; w += Chunk)
                {
                    int count = Math.Min(Chunk, words - w);
                    for (int r = 0; r < width; r++)
                        Row(x + (i + r) * ld + 2 * w, i + r < n ? k - 2 * w : 0, room + r * Chunk, count);
                    Packing.Transpose((float*)room, Chunk, width, count, (float*)to + w * width, width);
                }
        else
            for (int group = MatMul.BlockM / width * width, i0 = 0; i0 < n; i0 += group)
                for (int w = 0, i1 = Math.Min(n, i0 + group); w < words; w++)
                    for (int i = i0; i < i1; i += width)
                    {
                        float* from = x + 2 * w * ld + i;
                        uint* at = to + i / width * panel + w * width;
                        int j = 0, left = k - 2 * w;
                        // A panel of 12 takes 16: the rest lies where its next words come, or in the gap behind it.
                        if (left >= 2)
                            for (; j < width && i + j <= n - 16; j += 16) Paired(from + j, from + ld + j).Store(at + j);
                        if (j < width) Pairs(from + j, ld, left, Math.Min(width, n - i) - j, at + j, width - j);
                    }
    }

    /// <summary>Rows of A as panels of blocks [words / 16][32][16]: an AMX tile's rows, filled up with zeros.</summary>
    public static void Blocks(float* a, nint ld, bool alongK, int m, int k, int words, uint* to, nint panel)
    {
        if (alongK)
            for (int r = 0, rows = (m + 31) / 32 * 32; r < rows; r++)     // along memory: a whole row, then the next
            {
                uint* row = to + r / 32 * panel + r % 32 * BlockWords;
                for (int w = 0; w < words; w += BlockWords)
                    Row(a + r * ld + 2 * w, r < m ? k - 2 * w : 0, row + w * 32, BlockWords);
            }
        else
        {
            uint* room = stackalloc uint[32 * BlockWords];
            for (int w = 0; w < words; w += BlockWords)
                for (int i = 0; i < m; i += 32)
                {
                    for (int s = 0; s < BlockWords; s++)
                        Pairs(a + 2 * (w + s) * ld + i, ld, k - 2 * (w + s), Math.Min(32, m - i), room + s * 32, 32);
                    Packing.Transpose((float*)room, 32, BlockWords, 32, (float*)(to + i / 32 * panel + w * 32), BlockWords);
                }
        }
    }

    /// <summary>k steps that lie side by side as words; zeros after them.</summary>
    static void Row(float* x, int k, uint* to, int words)
    {
        int w = 0;
        for (; w <= words - 16 && 2 * w <= k - 32; w += 16)
            Vector512.Narrow(Rounded(x + 2 * w) >>> 16, Rounded(x + 2 * w + 16) >>> 16).AsUInt32().Store(to + w);
        for (; w < words; w++)
            to[w] = (2 * w < k ? Round(x[2 * w]) : 0) | (2 * w + 1 < k ? Round(x[2 * w + 1]) : 0) << 16;
    }

    /// <summary>
    /// Two stored rows, steps of k, as one row of words; a row past the last of k is zero, and so is what count leaves.
    /// </summary>
    static void Pairs(float* x, nint ld, int k, int count, uint* to, int words)
    {
        int i = 0;
        float* y = x + ld;
        if (k >= 2)
            for (; i <= count - 16; i += 16)
                Paired(x + i, y + i).Store(to + i);
        for (; i < words; i++)
            to[i] = (k >= 1 && i < count ? Round(x[i]) : 0) | (k >= 2 && i < count ? Round(y[i]) : 0) << 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> Paired(float* x, float* y) => Rounded(x) >>> 16 | Rounded(y) & Vector512.Create(0xFFFF0000);

    /// <summary><see cref="Round"/> of sixteen numbers, in the upper halves; the lower ones are left over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> Rounded(float* x)
    {
        Vector512<float> value = Vector512.Load(x);
        Vector512<uint> bits = value.AsUInt32(), number = Vector512.Equals(value, value).AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + (bits >>> 16 & Vector512<uint>.One);
        return Vector512.ConditionalSelect(number, rounded, bits | Vector512.Create(0x400000u));
    }

    // ---- tiles ----------------------------------------------------------------------------------------------------------------

    /// <summary>A tile by machine code; without it by definition.</summary>
    public static void Run(in MatMul.Task t, Precision precision, int words, float* a, float* b, float* c, nint ldc, float* start)
    {
        if (t.Code.Multiply != 0)
        {
            ((delegate* unmanaged[SuppressGCTransition]<nint, float*, float*, float*, nint, float*, void>)t.Code.Multiply)(
                words, a, b, c, ldc * sizeof(float), start);
            return;
        }
        bool pairs = precision == Precision.Bf16Pairs;
        for (int i = 0; i < (pairs ? Bf16PairsTile.Rows : Bf16TilesTile.Rows); i++)
            for (int j = 0; j < 32; j++)
            {
                uint* row = (uint*)a + i * (pairs ? 1 : BlockWords), column = (uint*)b + j;
                float sum = start != null ? start[i * ldc + j] : 0;
                if (pairs) sum = Element(precision, sum, words, row, Bf16PairsTile.Rows, column, 32);
                else
                    for (int w = 0; w < words; w += BlockWords)
                        sum = Element(precision, sum, BlockWords, row + w * 32, 1, column + w * 32, 32);
                c[i * ldc + j] = sum;
            }
    }

    public static void Call(nint code)
    {
        if (code != 0) ((delegate* unmanaged[SuppressGCTransition]<void>)code)();
    }
}

/// <summary>12 × 32 sums in the registers of AVX-512.</summary>
readonly unsafe struct Bf16PairsTile : ITile
{
    public static int Rows => 12;

    public static int Columns => 32;

    public static int LeastRows => 12;

    public static int BlockK => 512;

    public static int Words(int k) => (k + 1) / 2;

    public static void PackRows(in MatMul.Task t, int i0, int i1, int p0, int p1, float* to, nint panel) => Bf16.Panels(
        t.PlaceA(i0, p0), t.StrideA, t.Layout != MatMulLayout.TransposedA, i1 - i0, p1 - p0, Words(p1 - p0), Rows,
        (uint*)to, panel);

    public static void PackColumns(in MatMul.Task t, int j0, int j1, int p0, int p1, float* to, nint panel) => Bf16.Panels(
        t.PlaceB(p0, j0), t.StrideB, t.Layout == MatMulLayout.TransposedB, j1 - j0, p1 - p0, Words(p1 - p0), Columns,
        (uint*)to, panel);

    public static void Run(in MatMul.Task t, int rows, int words, float* a, float* b, float* c, nint ldc, float* start) =>
        Bf16.Run(t, Precision.Bf16Pairs, words, a, b, c, ldc, start);
}

/// <summary>2 × 2 of AMX's tiles of 16 × 16 sums.</summary>
readonly unsafe struct Bf16TilesTile : ITile
{
    public static int Rows => 32;

    public static int Columns => 32;

    public static int LeastRows => 32;

    public static int BlockK => 512;

    public static int Words(int k) => (k + 31) / 32 * Bf16.BlockWords;

    public static void PackRows(in MatMul.Task t, int i0, int i1, int p0, int p1, float* to, nint panel) => Bf16.Blocks(
        t.PlaceA(i0, p0), t.StrideA, t.Layout != MatMulLayout.TransposedA, i1 - i0, p1 - p0, Words(p1 - p0), (uint*)to, panel);

    public static void PackColumns(in MatMul.Task t, int j0, int j1, int p0, int p1, float* to, nint panel) => Bf16.Panels(
        t.PlaceB(p0, j0), t.StrideB, t.Layout == MatMulLayout.TransposedB, j1 - j0, p1 - p0, Words(p1 - p0), Columns,
        (uint*)to, panel);

    public static void Run(in MatMul.Task t, int rows, int words, float* a, float* b, float* c, nint ldc, float* start) =>
        Bf16.Run(t, Precision.Bf16Tiles, words, a, b, c, ldc, start);

    public static void Begin(in MatMul.Task t) => Bf16.Call(t.Code.Begin);

    public static void End(in MatMul.Task t) => Bf16.Call(t.Code.End);
}
