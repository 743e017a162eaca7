using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Attention of single rows to the keys and values of their sequence so far: the bits of <see cref="Attention"/>, row by row.
/// </summary>
/// <remarks>
/// Here lanes are keys (for scores) and channels (for values), since there is one query; every element still sums in the same
/// order: scores over d, totals and values over keys, maxima moving at the same tiles of keys.
/// A slot's cache, for each key head: keys as [context / 16][D][16], then values as [context][D rounded up to 16].
/// </remarks>
static unsafe class AttentionCached
{
    const int Block = 16;

    /// <summary>One call.</summary>
    public struct Task
    {
        public float* Qkv, Cache, Y;
        public int* Slots, Positions;
        public AttentionShape Shape;
        public int Rows, Context;
    }

    /// <summary>Floats of one slot and key head.</summary>
    public static long HeadLength(int context, int D) => (long)Padded(context) * D + (long)Padded(context) * Wide(D);

    /// <summary>Floats of scratch that a thread needs.</summary>
    public static long ScratchLength(int D) => D + Wide(D) + Attention.TileKeys;

    static int Padded(int context) => (context + Attention.TileKeys - 1) / Attention.TileKeys * Attention.TileKeys;

    static int Wide(int D) => (D + Block - 1) / Block * Block;

    static float* Keys(in Task t, int row, int kvHead) =>
        t.Cache + ((long)t.Slots[row] * t.Shape.KvHeads + kvHead) * HeadLength(t.Context, t.Shape.DHead);

    static float* Values(in Task t, int row, int kvHead) => Keys(t, row, kvHead) + (long)Padded(t.Context) * t.Shape.DHead;

    /// <summary>Writes a row's key and value into its slot.</summary>
    public static void Append(in Task t, int row, int kvHead)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int position = t.Positions[row];
        float* k = t.Qkv + (long)row * t.Shape.Stride + (H + kvHead) * D, v = k + kvHeads * D;
        float* keys = Keys(t, row, kvHead) + (long)(position / Block) * D * Block + position % Block;
        float* values = Values(t, row, kvHead) + (long)position * Wide(D);
        for (int d = 0; d < D; d++)
        {
            keys[d * Block] = k[d];
            values[d] = v[d];
        }
    }

    /// <summary>One row, the query heads of one key head.</summary>
    public static void Attend(in Task t, int row, int kvHead, float* scratch)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int group = H / kvHeads, wide = Wide(D), end = t.Positions[row] + 1;
        float* keys = Keys(t, row, kvHead), values = Values(t, row, kvHead), q = scratch, o = q + D, p = o + wide;
        float scale = 1 / MathF.Sqrt(D);
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++)
        {
            float* query = t.Qkv + (long)row * t.Shape.Stride + h * D;
            for (int d = 0; d < D; d++) q[d] = query[d] * scale;
            new Span<float>(o, wide).Clear();
            float max = float.NegativeInfinity, sum = 0;
            for (int k0 = 0; k0 < end; k0 += Attention.TileKeys)
            {
                int count = Math.Min(Attention.TileKeys, end - k0);
                Scores(keys + (long)k0 * D, count, D, q, p);
                float shrink = Softmax(p, count, ref max, ref sum);
                for (int d = 0; d < wide; d += Block) Accumulate(values + (long)k0 * wide + d, wide, count, p, o + d, shrink);
            }
            float* y = t.Y + (long)row * t.Shape.OutputStride + h * D;
            for (int d = 0; d < D; d++) y[d] = o[d] / sum;
        }
    }

    /// <summary>p[j] = q·k_j for a tile of 64 keys, four blocks side by side; −∞ from count on.</summary>
    static void Scores(float* keys, int count, int D, float* q, float* p)
    {
        Vector512<float> a = default, b = default, c = default, e = default;
        int next = D * Block;
        for (int d = 0; d < D; d++, keys += Block)
        {
            Vector512<float> x = Vector512.Create(q[d]);
            a = Vector512.MultiplyAddEstimate(Vector512.Load(keys), x, a);
            b = Vector512.MultiplyAddEstimate(Vector512.Load(keys + next), x, b);
            c = Vector512.MultiplyAddEstimate(Vector512.Load(keys + 2 * next), x, c);
            e = Vector512.MultiplyAddEstimate(Vector512.Load(keys + 3 * next), x, e);
        }
        a.Store(p);
        b.Store(p + Block);
        c.Store(p + 2 * Block);
        e.Store(p + 3 * Block);
        new Span<float>(p + count, Attention.TileKeys - count).Fill(float.NegativeInfinity);
    }

    /// <summary>Scores become probabilities; returns by how much earlier sums shrink.</summary>
    static float Softmax(float* p, int count, ref float max, ref float sum)
    {
        Vector512<float> tops = Vector512.Create(max);
        for (int j = 0; j < Attention.TileKeys; j += Block) tops = Vector512.Max(tops, Vector512.Load(p + j));
        float top = VectorMath.Max(tops), shrink = VectorMath.Exp(Vector512.Create(max - top))[0];
        for (int j = 0; j < count; j += Block) VectorMath.Exp(Vector512.Load(p + j) - Vector512.Create(top)).Store(p + j);
        sum *= shrink;
        for (int j = 0; j < count; j++) sum += p[j];
        max = top;
        return shrink;
    }

    /// <summary>o = o·shrink + Σ_j v_j·p_j for sixteen channels.</summary>
    static void Accumulate(float* v, int wide, int count, float* p, float* o, float shrink)
    {
        Vector512<float> sum = Vector512.Load(o) * shrink;
        for (int j = 0; j < count; j++, v += wide)
            sum = Vector512.MultiplyAddEstimate(Vector512.Load(v), Vector512.Create(p[j]), sum);
        sum.Store(o);
    }
}
