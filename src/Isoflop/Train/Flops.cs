using Isoflop.Kernels;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>FLOPs by kind of layer.</summary>
/// <param name="Embedding">a lookup: 0</param> <param name="Qkv">the products that make q, k and v</param>
/// <param name="Attention">q·kᵀ and the weighted sum of v</param> <param name="Output">attention's output product</param>
/// <param name="Mlp">gate, up, down</param> <param name="Head">the product that makes the logits</param>
/// <param name="Update">the optimiser's</param>
public readonly record struct FlopCount(double Embedding, double Qkv, double Attention, double Output, double Mlp, double Head,
    double Update = 0)
{
    /// <summary>The sum.</summary>
    public double Total => Embedding + Qkv + Attention + Output + Mlp + Head + Update;

    /// <summary>Kind by kind.</summary>
    public static FlopCount operator +(FlopCount a, FlopCount b) =>
        new(a.Embedding + b.Embedding, a.Qkv + b.Qkv, a.Attention + b.Attention, a.Output + b.Output, a.Mlp + b.Mlp,
            a.Head + b.Head, a.Update + b.Update);

    /// <summary>Kind by kind.</summary>
    public static FlopCount operator *(double s, FlopCount a) =>
        new(s * a.Embedding, s * a.Qkv, s * a.Attention, s * a.Output, s * a.Mlp, s * a.Head, s * a.Update);

    /// <summary>Name and count of each kind.</summary>
    public IEnumerable<(string Layer, double Flops)> ByLayer() =>
        [("embedding", Embedding), ("qkv", Qkv), ("attention", Attention), ("output", Output), ("mlp", Mlp), ("head", Head),
            .. Update == 0 ? ((string, double)[])[] : [("update", Update)]];
}

/// <summary>
/// Exact counts of the multiplications and additions of all matrix products: 2·m·n·k each, attention only where it is not masked,
/// the head and Muon's products included. Norms, rotations, activations and what an update does element by element are left
/// out, as everywhere in the literature.
/// </summary>
/// <remarks>Counts are whole numbers in doubles: exact below 2⁵³ ≈ 9e15.</remarks>
static class Flops
{
    /// <summary>Backward forms two products for each of forward's.</summary>
    public const double TrainingFactor = 3;

    /// <summary>
    /// Forward pass over <paramref name="tokens"/> rows whose sequences hold so many pairs (<see cref="Pairs(long)"/>).
    /// </summary>
    public static FlopCount Forward(ModelConfig c, double tokens, double pairs)
    {
        double q = (double)c.NHead * c.HeadWidth, kv = (double)c.KvHeads * c.HeadWidth, perToken = 2.0 * tokens * c.DModel;
        return new(
            Embedding: 0,
            Qkv: c.NLayer * perToken * (q + 2 * kv),
            Attention: c.NLayer * 4 * q * pairs,
            Output: c.NLayer * perToken * q,
            Mlp: c.NLayer * perToken * 3 * c.FfWidth,
            Head: perToken * c.VocabSize);
    }

    /// <summary>Forward and backward.</summary>
    public static FlopCount Training(ModelConfig c, double tokens, double pairs) => TrainingFactor * Forward(c, tokens, pairs);

    /// <summary>
    /// Forward and backward a token, for whole windows of the context without a document's end in them: a plan's count.
    /// </summary>
    public static FlopCount TrainingPerToken(ModelConfig c) => Training(c, 1, (c.ContextLen + 1) / 2.0);

    /// <summary>Products of one update: those of <see cref="NewtonSchulz"/>, where the optimiser has them.</summary>
    public static double Update(ModelConfig c, OptimizerKind kind) => kind.IsOrthogonal()
        ? new ParamTable(c).Hidden.Sum(p => NewtonSchulz.Flops(p.Rows, p.Cols)) : 0;

    /// <summary>Share of a run's training FLOPs that is left for tokens when updates of so many tokens cost their part.</summary>
    public static double ShareOfTokens(ModelConfig c, OptimizerKind kind, int batchTokens)
    {
        double tokens = TrainingPerToken(c).Total * batchTokens;
        return tokens / (tokens + Update(c, kind));
    }

    /// <summary>Pairs (query, key it sees) of a sequence: T(T + 1)/2.</summary>
    public static double Pairs(long length) => length * (length + 1.0) / 2;

    /// <summary>Pairs of all sequences.</summary>
    /// <param name="offsets">first row of each sequence, then the number of rows</param>
    public static double Pairs(ReadOnlySpan<int> offsets)
    {
        double sum = 0;
        for (int i = 1; i < offsets.Length; i++) sum += Pairs(offsets[i] - offsets[i - 1]);
        return sum;
    }
}
