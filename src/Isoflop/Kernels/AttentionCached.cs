using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Attention of single rows to the keys and values of their sequence so far: the bits of <see cref="Attention"/>, row by row.
/// </summary>
/// <remarks>
/// Here lanes are keys (for scores) and channels (for values), since there is one query; every element still sums in the same
/// order: scores over d, totals and values over keys, maxima moving at the same tiles of keys.
/// The cache is made of pages of 16 tokens, which slots may share: for each key head keys as [D][16], then values as
/// [16][D rounded up to 16]. A tile of keys is four pages, wherever they lie. Kwon et al. 2023, arXiv:2309.06180.
/// </remarks>
static unsafe class AttentionCached
{
    /// <summary>Tokens of a page: the lanes of a vector, so that pages cost a look-up a block and none a key.</summary>
    public const int PageTokens = 16;

    const int Block = PageTokens, TilePages = Attention.TileKeys / PageTokens;

    /// <summary>One call.</summary>
    public struct Task
    {
        public float* Qkv, Cache, Y;
        public int* Pages, FirstPage, Positions;
        public AttentionShape Shape;
    }

    /// <summary>Floats of a page, one key head.</summary>
    public static long PageLength(int D) => PageTokens * (D + Wide(D));

    /// <summary>Floats of scratch that a thread needs.</summary>
    public static long ScratchLength(int D) => D + Wide(D) + Attention.TileKeys;

    static int Wide(int D) => (D + Block - 1) / Block * Block;

    /// <summary>A page of a row's slot: its keys; D·16 further, its values.</summary>
    static float* Page(in Task t, int row, int kvHead, int index) =>
        t.Cache + ((long)t.Pages[t.FirstPage[row] + index] * t.Shape.KvHeads + kvHead) * PageLength(t.Shape.DHead);

    /// <summary>Writes rows' keys and values into their slots' pages: items are rows × key heads.</summary>
    public static void Append(in Task t, int from, int to)
    {
        for (int i = from; i < to; i++) AppendOne(t, i / t.Shape.KvHeads, i % t.Shape.KvHeads);
    }

    /// <summary>Attends with rows to their slots' pages: items are rows × key heads.</summary>
    public static void Attend(in Task t, int from, int to, float* scratch)
    {
        for (int i = from; i < to; i++) AttendOne(t, i / t.Shape.KvHeads, i % t.Shape.KvHeads, scratch);
    }

    static void AppendOne(in Task t, int row, int kvHead)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int position = t.Positions[row];
        float* k = t.Qkv + (long)row * t.Shape.Stride + (H + kvHead) * D, v = k + kvHeads * D;
        float* page = Page(t, row, kvHead, position / Block);
        float* keys = page + position % Block, values = page + D * Block + position % Block * Wide(D);
        for (int d = 0; d < D; d++)
        {
            keys[d * Block] = k[d];
            values[d] = v[d];
        }
    }

    /// <summary>One row, the query heads of one key head.</summary>
    static void AttendOne(in Task t, int row, int kvHead, float* scratch)
    {
        (int H, int kvHeads, int D) = t.Shape;
        int group = H / kvHeads, wide = Wide(D), end = t.Positions[row] + 1;
        float* q = scratch, o = q + D, p = o + wide;
        float** pages = stackalloc float*[TilePages];
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
                // Past the end a page stands for those that are not there: its scores become −∞.
                for (int i = 0; i < TilePages; i++) pages[i] = Page(t, row, kvHead, k0 / Block + (i * Block < count ? i : 0));
                Scores(pages, count, D, q, p);
                float shrink = Softmax(p, count, ref max, ref sum);
                for (int d = 0; d < wide; d += Block) Accumulate(pages, D * Block + d, wide, count, p, o + d, shrink);
            }
            float* y = t.Y + (long)row * t.Shape.OutputStride + h * D;
            for (int d = 0; d < D; d++) y[d] = o[d] / sum;
        }
    }

    /// <summary>p[j] = q·k_j for a tile of 64 keys, four blocks side by side; −∞ from count on.</summary>
    static void Scores(float** pages, int count, int D, float* q, float* p)
    {
        Vector512<float> a = default, b = default, c = default, e = default;
        float* first = pages[0], second = pages[1], third = pages[2], fourth = pages[3];
        for (int d = 0, k = 0; d < D; d++, k += Block)
        {
            Vector512<float> x = Vector512.Create(q[d]);
            a = Vector512.MultiplyAddEstimate(Vector512.Load(first + k), x, a);
            b = Vector512.MultiplyAddEstimate(Vector512.Load(second + k), x, b);
            c = Vector512.MultiplyAddEstimate(Vector512.Load(third + k), x, c);
            e = Vector512.MultiplyAddEstimate(Vector512.Load(fourth + k), x, e);
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
        for (int j = 0; j < Attention.TileKeys; j += Block) tops = Vector512.MaxNative(tops, Vector512.Load(p + j));
        float top = VectorMath.Max(tops), shrink = VectorMath.Exp(Vector512.Create(max - top))[0];
        for (int j = 0; j < count; j += Block) VectorMath.Exp(Vector512.Load(p + j) - Vector512.Create(top)).Store(p + j);
        sum *= shrink;
        for (int j = 0; j < count; j++) sum += p[j];
        max = top;
        return shrink;
    }

    /// <summary>o = o·shrink + Σ_j v_j·p_j for sixteen channels.</summary>
    static void Accumulate(float** pages, int offset, int wide, int count, float* p, float* o, float shrink)
    {
        Vector512<float> sum = Vector512.Load(o) * shrink;
        for (int j = 0; j < count; pages++)
        {
            float* v = *pages + offset;
            for (int end = Math.Min(j + Block, count); j < end; j++, v += wide)
                sum = Vector512.MultiplyAddEstimate(Vector512.Load(v), Vector512.Create(p[j]), sum);
        }
        sum.Store(o);
    }
}
