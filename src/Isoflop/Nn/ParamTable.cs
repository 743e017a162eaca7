namespace Isoflop.Nn;

/// <summary>One tensor of the model.</summary>
/// <param name="Name">as published Llama and Qwen3 checkpoints call it</param>
/// <param name="Rows">outputs of a matrix; 1 for a gain</param> <param name="Cols">inputs, or a gain's width</param>
/// <param name="Offset">first element in the slab</param> <param name="IsMatrix">2-D: weight decay applies</param>
sealed record Param(string Name, int Rows, int Cols, long Offset, bool IsMatrix)
{
    /// <summary>Elements.</summary>
    public long Length => (long)Rows * Cols;

    /// <summary>The shape in files.</summary>
    public int[] Shape => IsMatrix ? [Rows, Cols] : [Cols];
}

/// <summary>
/// Names, shapes and places of all parameters. Parameters, gradients and both moments are slabs of this one layout.
/// </summary>
/// <remarks>
/// Matrices first, then gains, so that weight decay is one stretch; q, k, v and gate, up are adjacent: one product each.
/// </remarks>
sealed class ParamTable
{
    readonly List<Param> all = [];

    /// <summary>Lays out a model.</summary>
    public ParamTable(ModelConfig c)
    {
        int q = c.NHead * c.HeadWidth, kv = c.KvHeads * c.HeadWidth;
        Embedding = Add("model.embed_tokens.weight", c.VocabSize, c.DModel, matrix: true);
        var layers = new LayerParams[c.NLayer];
        for (int i = 0; i < c.NLayer; i++)
        {
            string p = $"model.layers.{i}.";
            layers[i] = new LayerParams
            {
                Q = Add(p + "self_attn.q_proj.weight", q, c.DModel, matrix: true),
                K = Add(p + "self_attn.k_proj.weight", kv, c.DModel, matrix: true, follows: true),
                V = Add(p + "self_attn.v_proj.weight", kv, c.DModel, matrix: true, follows: true),
                O = Add(p + "self_attn.o_proj.weight", c.DModel, q, matrix: true),
                Gate = Add(p + "mlp.gate_proj.weight", c.FfWidth, c.DModel, matrix: true),
                Up = Add(p + "mlp.up_proj.weight", c.FfWidth, c.DModel, matrix: true, follows: true),
                Down = Add(p + "mlp.down_proj.weight", c.DModel, c.FfWidth, matrix: true),
            };
        }
        Head = c.TiedHead ? Embedding : Add("lm_head.weight", c.VocabSize, c.DModel, matrix: true);
        MatrixLength = Aligned;
        for (int i = 0; i < c.NLayer; i++)
        {
            string p = $"model.layers.{i}.";
            LayerParams l = layers[i];
            l.AttentionNorm = Add(p + "input_layernorm.weight", 1, c.DModel, matrix: false);
            l.MlpNorm = Add(p + "post_attention_layernorm.weight", 1, c.DModel, matrix: false);
            if (!c.QkNorm) continue;
            l.QNorm = Add(p + "self_attn.q_norm.weight", 1, c.HeadWidth, matrix: false);
            l.KNorm = Add(p + "self_attn.k_norm.weight", 1, c.HeadWidth, matrix: false);
        }
        FinalNorm = Add("model.norm.weight", 1, c.DModel, matrix: false);
        Layers = layers;
        Length = Aligned;
    }

    /// <summary>Every tensor, in slab order.</summary>
    public IReadOnlyList<Param> All => all;

    /// <summary>Elements of a slab, paddings included.</summary>
    public long Length { get; }

    /// <summary>The first part of a slab, which holds the matrices.</summary>
    public long MatrixLength { get; }

    /// <summary>Parameters of the model, all of them.</summary>
    public long Parameters => all.Sum(p => p.Length);

    /// <summary>Parameters without embedding and head (Kaplan's N).</summary>
    public long NonEmbedding => Parameters - Embedding.Length - (Head == Embedding ? 0 : Head.Length);

    /// <summary>The layers' matrices, which lie together: all but embedding and head.</summary>
    internal IEnumerable<Param> Hidden => all.Where(p => p.IsMatrix && p != Embedding && p != Head);

    internal Param Embedding { get; }
    internal Param Head { get; }
    internal Param FinalNorm { get; }
    internal IReadOnlyList<LayerParams> Layers { get; }

    long End => all.Count == 0 ? 0 : all[^1].Offset + all[^1].Length;
    long Aligned => (End + 15) / 16 * 16;

    Param Add(string name, int rows, int cols, bool matrix, bool follows = false)
    {
        all.Add(new Param(name, rows, cols, follows ? End : Aligned, matrix));
        return all[^1];
    }
}

/// <summary>The tensors of one layer.</summary>
sealed class LayerParams
{
    public required Param Q, K, V, O, Gate, Up, Down;
    public Param AttentionNorm = null!, MlpNorm = null!;
    public Param? QNorm, KNorm;
}
