using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Causal attention in tiles, softmax(q·kᵀ/√D)·v within each sequence, no [T, T] matrix. Dao et al. 2022, arXiv:2205.14135.
/// </summary>
/// <remarks>
/// A tile is turned on its side: keys down, queries across, one a lane, so that the softmax runs down the lanes and every
/// product is <see cref="Microkernel"/>'s. Key tiles start at the sequence's start; a masked key adds an exact zero. So a row's
/// bits depend on its own sequence alone, and <see cref="AttentionCached"/> reaches the same ones row by row.
/// </remarks>
static unsafe class Attention
{
    /// <summary>Keys in a tile: the softmax's maximum moves once a tile.</summary>
    public const int TileKeys = 64;

    static int Lanes => Microkernel.Columns;

    /// <summary>One call, forward or backward.</summary>
    public struct Task
    {
        public float* Qkv, Y, Lse, DY, DQkv;
        public AttentionShape Shape;
        public int Rows;

        public readonly float Scale => 1 / MathF.Sqrt(Shape.DHead);
    }

    /// <summary>Floats of scratch that a thread needs for sequences of at most T tokens, forward.</summary>
    public static long ScratchLength(int T, int D) => (long)T * D + 2L * D * Lanes + TileKeys * Lanes + 2 * Lanes;

    /// <summary>Floats of scratch that a thread needs for sequences of at most T tokens, backward.</summary>
    public static long BackwardScratchLength(int T, int D) =>
        2L * T * D + 2L * D * Padded(T) + 3L * D * Lanes + 4 * TileKeys * Lanes + 2 * Lanes;

    static int Padded(int T) => (T + TileKeys - 1) / TileKeys * TileKeys;

    /// <summary>The definition: plain loops, double sums, one sequence of rows r0 to r1.</summary>
    public static void Reference(in Task t, int r0, int r1)
    {
        (int H, int kvHeads, int D) = t.Shape;
        double* p = stackalloc double[r1 - r0];
        for (int h = 0; h < H; h++)
            for (int r = r0; r < r1; r++)
            {
                float* q = Query(t, r, h), y = t.Y + (long)r * t.Shape.OutputStride + h * D;
                double max = double.NegativeInfinity, sum = 0;
                for (int j = r0; j <= r; j++)
                    max = Math.Max(max, p[j - r0] = Dot(q, Key(t, j, h / (H / kvHeads)), D) / Math.Sqrt(D));
                for (int j = r0; j <= r; j++) sum += p[j - r0] = Math.Exp(p[j - r0] - max);
                for (int d = 0; d < D; d++)
                {
                    double value = 0;
                    for (int j = r0; j <= r; j++) value += p[j - r0] * Value(t, j, h / (H / kvHeads))[d];
                    y[d] = (float)(value / sum);
                }
                t.Lse[(long)h * t.Rows + r] = (float)(max + Math.Log(sum));
            }
    }

    /// <summary>The definition's gradient: dv = pᵀ·dy, ds = p⊙(dy·vᵀ − dy·y), dq = ds·k/√D, dk = dsᵀ·q/√D.</summary>
    public static void ReferenceBackward(in Task t, int r0, int r1)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int group = H / kvHeads, S = t.Shape.Stride;
        var gradient = new double[(long)(r1 - r0) * S];
        for (int h = 0; h < H; h++)
            for (int r = r0; r < r1; r++)
            {
                float* q = Query(t, r, h), y = t.Y + (long)r * t.Shape.OutputStride + h * D, dy = t.DY + (y - t.Y);
                double delta = Dot(dy, y, D);
                for (int j = r0; j <= r; j++)
                {
                    float* k = Key(t, j, h / group), v = Value(t, j, h / group);
                    double p = Math.Exp(Dot(q, k, D) / Math.Sqrt(D) - t.Lse[(long)h * t.Rows + r]);
                    double ds = p * (Dot(dy, v, D) - delta) / Math.Sqrt(D);
                    long dq = (long)(r - r0) * S + h * D, dk = (long)(j - r0) * S + (H + h / group) * D, dv = dk + kvHeads * D;
                    for (int d = 0; d < D; d++)
                    {
                        gradient[dq + d] += ds * k[d];
                        gradient[dk + d] += ds * q[d];
                        gradient[dv + d] += p * dy[d];
                    }
                }
            }
        for (long i = 0; i < gradient.Length; i++) t.DQkv[(long)r0 * S + i] = (float)gradient[i];
    }

    /// <summary>Rows r0 to r1, one sequence; the query heads of one key head.</summary>
    /// <remarks>4·D flops a visible pair and head. |y − reference| ≤ 2e-6·max|v|.</remarks>
    public static void Simd(in Task t, int r0, int r1, int kvHead, float* scratch)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int T = r1 - r0, S = t.Shape.Stride, group = H / kvHeads;
        float* keys = scratch, q = keys + (long)T * D, o = q + D * Lanes, p = o + D * Lanes;
        float* max = p + TileKeys * Lanes, sum = max + Lanes;
        float* v = Value(t, r0, kvHead);
        PackTiles(Key(t, r0, kvHead), S, T, D, keys);
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++)
            for (int q0 = 0; q0 < T; q0 += Lanes)
            {
                int queries = Math.Min(Lanes, T - q0);
                PackLanes(Query(t, r0 + q0, h), S, queries, D, q, t.Scale);
                new Span<float>(o, D * Lanes).Clear();
                new Span<float>(max, Lanes).Fill(float.NegativeInfinity);
                new Span<float>(sum, Lanes).Clear();
                for (int k0 = 0; k0 < q0 + queries; k0 += TileKeys)
                {
                    int count = Math.Min(TileKeys, q0 + queries - k0);
                    TileTimes(keys + (long)k0 * D, Math.Min(TileKeys, T - k0), count, D, q, p);
                    if (Vector512.IsHardwareAccelerated) Softmax<Floats16>(p, count, q0 - k0, o, D, max, sum);
                    else Softmax<Floats8>(p, count, q0 - k0, o, D, max, sum);
                    for (int d = 0; d < D; d += Microkernel.Rows)
                        Microkernel.Run(Math.Min(Microkernel.Rows, D - d), count, v + (long)k0 * S + d, S, p, o + d * Lanes,
                            Lanes, o + d * Lanes);
                }
                Finish(t, r0 + q0, queries, h, o, max, sum);
            }
    }

    /// <summary>Scores become probabilities, the running maximum moves, and what was summed before shrinks by it.</summary>
    /// <param name="visible">lane i sees the tile's keys 0 to visible + i</param>
    static void Softmax<V>(float* p, int count, int visible, float* o, int D, float* max, float* sum) where V : struct, IFloats<V>
    {
        if (visible < count - 1) Mask(p, count, visible);
        int lanes = Lanes;
        for (int lane = 0; lane < lanes; lane += V.Count)
        {
            V before = V.Load(max + lane), top = before;
            for (int j = lane; j < count * lanes; j += lanes) top = V.Max(top, V.Load(p + j));
            V shrink = V.Exp(before - top), total = V.Load(sum + lane) * shrink;
            for (int j = lane; j < count * lanes; j += lanes)
            {
                V e = V.Exp(V.Load(p + j) - top);
                e.Store(p + j);
                total += e;
            }
            top.Store(max + lane);
            total.Store(sum + lane);
            for (int d = lane; d < D * lanes; d += lanes) (V.Load(o + d) * shrink).Store(o + d);
        }
    }

    /// <summary>−∞ wherever a lane's query comes before the key.</summary>
    static void Mask(float* p, int count, int visible)
    {
        for (int j = Math.Max(0, visible + 1); j < count; j++)
            for (int lane = 0; lane < Lanes && visible + lane < j; lane++) p[j * Lanes + lane] = float.NegativeInfinity;
    }

    /// <summary>y = o / sum and lse = max + ln sum, lanes back into rows.</summary>
    static void Finish(in Task t, int row, int queries, int h, float* o, float* max, float* sum)
    {
        int D = t.Shape.DHead;
        for (int lane = 0; lane < Lanes; lane += 16)
        {
            Vector512<float> total = Vector512.Load(sum + lane);
            for (int d = 0; d < D; d++) (Vector512.Load(o + d * Lanes + lane) / total).Store(o + d * Lanes + lane);
        }
        Packing.Transpose(o, Lanes, D, queries, t.Y + (long)row * t.Shape.OutputStride + h * D, t.Shape.OutputStride);
        for (int i = 0; i < queries; i++) t.Lse[(long)h * t.Rows + row + i] = max[i] + MathF.Log(sum[i]);
    }

    /// <summary>Gradient for rows r0 to r1, one sequence; one key head and its query heads, in their order.</summary>
    public static void SimdBackward(in Task t, int r0, int r1, int kvHead, float* scratch)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int T = r1 - r0, S = t.Shape.Stride, group = H / kvHeads, padded = Padded(T);
        float* keys = scratch, values = keys + (long)T * D, dk = values + (long)T * D, dv = dk + (long)D * padded;
        float* rest = dv + (long)D * padded;
        float* k = Key(t, r0, kvHead), v = Value(t, r0, kvHead);
        PackTiles(k, S, T, D, keys);
        PackTiles(v, S, T, D, values);
        new Span<float>(dk, 2 * D * padded).Clear();
        for (int h = kvHead * group; h < (kvHead + 1) * group; h++)
            for (int q0 = 0; q0 < T; q0 += Lanes) QueryTile(t, r0, T, q0, h, k, keys, values, dk, dv, rest);
        Scale(dk, (long)D * padded, t.Scale);
        long at = (long)r0 * S;
        Packing.Transpose(dk, padded, D, T, t.DQkv + at + (H + kvHead) * D, S);
        Packing.Transpose(dv, padded, D, T, t.DQkv + at + (H + kvHeads + kvHead) * D, S);
    }

    /// <summary>What a tile of queries of one head adds to dk and dv, and their dq.</summary>
    static void QueryTile(in Task t, int r0, int T, int q0, int h, float* k, float* keys, float* values, float* dk, float* dv,
        float* scratch)
    {
        int D = t.Shape.DHead, S = t.Shape.Stride, ldo = t.Shape.OutputStride, padded = Padded(T);
        int queries = Math.Min(Lanes, T - q0);
        float* q = scratch, dO = q + D * Lanes, dq = dO + D * Lanes, p = dq + D * Lanes, ds = p + TileKeys * Lanes;
        float* pRows = ds + TileKeys * Lanes, dsRows = pRows + TileKeys * Lanes;
        float* lse = dsRows + TileKeys * Lanes, delta = lse + Lanes;
        float* query = Query(t, r0 + q0, h), dy = t.DY + (long)(r0 + q0) * ldo + h * D, y = t.Y + (dy - t.DY);
        PackLanes(query, S, queries, D, q, t.Scale);
        PackLanes(y, ldo, queries, D, dq, 1);                  // dq's room, until delta is known
        PackLanes(dy, ldo, queries, D, dO, 1);
        LaneDots(dO, dq, D, delta);
        new Span<float>(lse, Lanes).Clear();
        new ReadOnlySpan<float>(t.Lse + (long)h * t.Rows + r0 + q0, queries).CopyTo(new Span<float>(lse, Lanes));
        new Span<float>(dq, D * Lanes).Clear();
        for (int k0 = 0; k0 < q0 + queries; k0 += TileKeys)
        {
            int count = Math.Min(TileKeys, q0 + queries - k0), inTile = Math.Min(TileKeys, T - k0);
            TileTimes(keys + (long)k0 * D, inTile, count, D, q, p);
            TileTimes(values + (long)k0 * D, inTile, count, D, dO, ds);
            if (q0 - k0 < count - 1) Mask(p, count, q0 - k0);
            if (Vector512.IsHardwareAccelerated) ScoreGradient<Floats16>(p, ds, count, lse, delta);
            else ScoreGradient<Floats8>(p, ds, count, lse, delta);
            for (int j = 0; j < count; j += Lanes)
            {
                int part = Math.Min(Lanes, count - j);
                Packing.Transpose(p + j * Lanes, Lanes, part, queries, pRows + j * Lanes, Lanes);
                Packing.Transpose(ds + j * Lanes, Lanes, part, queries, dsRows + j * Lanes, Lanes);
            }
            for (int d = 0; d < D; d += Microkernel.Rows)
            {
                int rows = Math.Min(Microkernel.Rows, D - d);
                Microkernel.Run(rows, count, k + (long)k0 * S + d, S, ds, dq + d * Lanes, Lanes, dq + d * Lanes);
                for (int j = 0; j < count; j += Lanes)
                {
                    long at = (long)d * padded + k0 + j;
                    Microkernel.Run(rows, queries, query + d, S, dsRows + j * Lanes, dk + at, padded, dk + at);
                    Microkernel.Run(rows, queries, dy + d, ldo, pRows + j * Lanes, dv + at, padded, dv + at);
                }
            }
        }
        Scale(dq, D * Lanes, t.Scale);
        Packing.Transpose(dq, Lanes, D, queries, t.DQkv + (long)(r0 + q0) * S + h * D, S);
    }

    /// <summary>p = exp(score − lse), ds = p⊙(dp − delta), in place of scores and dp.</summary>
    static void ScoreGradient<V>(float* p, float* ds, int count, float* lse, float* delta) where V : struct, IFloats<V>
    {
        int lanes = Lanes;
        for (int lane = 0; lane < lanes; lane += V.Count)
        {
            V top = V.Load(lse + lane), mean = V.Load(delta + lane);
            for (int j = lane; j < count * lanes; j += lanes)
            {
                V e = V.Exp(V.Load(p + j) - top);
                e.Store(p + j);
                (e * (V.Load(ds + j) - mean)).Store(ds + j);
            }
        }
    }

    /// <summary>to[i] = Σ_d a[d, i]·b[d, i] for each lane.</summary>
    static void LaneDots(float* a, float* b, int D, float* to)
    {
        for (int lane = 0; lane < Lanes; lane += 16)
        {
            Vector512<float> sum = default;
            for (int i = lane; i < D * Lanes; i += Lanes)
                sum = Vector512.MultiplyAddEstimate(Vector512.Load(a + i), Vector512.Load(b + i), sum);
            sum.Store(to + lane);
        }
    }

    /// <summary>s[key, lane] = Σ_d tile[key, d]·lanes[d, lane] for the tile's first <paramref name="count"/> keys.</summary>
    static void TileTimes(float* tile, int keysInTile, int count, int D, float* lanes, float* s)
    {
        for (int i = 0; i < count; i += Microkernel.Rows)
            Microkernel.Run(Math.Min(Microkernel.Rows, count - i), D, tile + i * D, Math.Min(Microkernel.Rows, keysInTile - i),
                lanes, s + i * Lanes, Lanes, start: null);
    }

    /// <summary>Rows as the register tile's left operand: tiles of 64 rows, in them panels [d][at most a tile's rows].</summary>
    static void PackTiles(float* from, int ld, int T, int D, float* to)
    {
        for (int k0 = 0; k0 < T; k0 += TileKeys)
            for (int i = k0, end = Math.Min(k0 + TileKeys, T); i < end; i += Microkernel.Rows)
            {
                int rows = Math.Min(Microkernel.Rows, end - i);
                Packing.Transpose(from + (long)i * ld, ld, rows, D, to + (long)i * D, rows);
            }
    }

    /// <summary>Rows as lanes, [d][Lanes], scaled; lanes without a row are zero.</summary>
    static void PackLanes(float* from, int ld, int rows, int D, float* to, float scale)
    {
        if (rows < Lanes) new Span<float>(to, D * Lanes).Clear();
        Packing.Transpose(from, ld, rows, D, to, Lanes);
        if (scale != 1) Scale(to, D * Lanes, scale);
    }

    /// <summary>x ← x·factor; the length is a multiple of 16.</summary>
    static void Scale(float* x, long length, float factor)
    {
        for (long i = 0; i < length; i += 16) (Vector512.Load(x + i) * factor).Store(x + i);
    }

    static float* Query(in Task t, int row, int h) => t.Qkv + (long)row * t.Shape.Stride + h * t.Shape.DHead;

    static float* Key(in Task t, int row, int kvHead) => Query(t, row, t.Shape.Heads + kvHead);

    static float* Value(in Task t, int row, int kvHead) => Query(t, row, t.Shape.Heads + t.Shape.KvHeads + kvHead);

    static double Dot(float* a, float* b, int D)
    {
        double sum = 0;
        for (int d = 0; d < D; d++) sum += (double)a[d] * b[d];
        return sum;
    }
}
