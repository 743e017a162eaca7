namespace Isoflop.Nn;

/// <summary>
/// Shape of a decoder-only Transformer of the Llama and Qwen3 families, nothing left to choose; the first values are the usual.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabSize { get; init; }

    /// <summary>Longest sequence the model is trained on, tokens.</summary>
    public int ContextLen { get; init; } = 256;

    /// <summary>Width of the residual stream, channels.</summary>
    public int DModel { get; init; } = 128;

    /// <summary>Layers.</summary>
    public int NLayer { get; init; } = 4;

    /// <summary>Query heads.</summary>
    public int NHead { get; init; } = 4;

    /// <summary>Key and value heads; divides <see cref="NHead"/>; null: as many.</summary>
    public int? NKvHead { get; init; }

    /// <summary>Width of a head, even; null: <see cref="DModel"/> / <see cref="NHead"/>.</summary>
    public int? DHead { get; init; }

    /// <summary>Width of the SwiGLU layer; null: 8/3 of <see cref="DModel"/>, rounded up to a multiple of 32.</summary>
    public int? DFf { get; init; }

    /// <summary>RMSNorm on each head's q and k before the rotation: Qwen3; without it: Llama.</summary>
    public bool QkNorm { get; init; } = true;

    /// <summary>The head shares the embedding's weights.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Base of the rotary angles.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Added to the mean square in every RMSNorm.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Key and value heads, resolved.</summary>
    public int KvHeads => NKvHead ?? NHead;

    /// <summary>Head width, resolved.</summary>
    public int HeadWidth => DHead ?? DModel / Math.Max(NHead, 1);

    /// <summary>SwiGLU width, resolved.</summary>
    public int FfWidth => DFf ?? (DModel * 8 / 3 + 31) / 32 * 32;

    /// <summary>Every rule this shape breaks: setting, value, rule, next step.</summary>
    public IEnumerable<string> Problems()
    {
        if (VocabSize < 2) yield return $"model.vocab_size={VocabSize} must be at least 2; the corpus' tokenizer gives it";
        if (ContextLen < 1) yield return $"model.context_len={ContextLen} must be positive; try 256";
        if (DModel < 1) yield return $"model.d_model={DModel} must be positive; try 128";
        if (NLayer < 1) yield return $"model.n_layer={NLayer} must be positive; try 4";
        if (NHead < 1) yield return $"model.n_head={NHead} must be positive; try 4";
        else if (DHead is null && DModel > 0 && DModel % NHead != 0)
            yield return $"model.n_head={NHead} must divide model.d_model={DModel} unless model.d_head is set; " +
                $"try {DivisorsOf(DModel)}";
        else if (DHead < 1 || DModel > 0 && HeadWidth % 2 != 0)
            yield return $"model.d_head={HeadWidth} must be even and positive: rotary embedding turns pairs; " +
                $"try {Math.Max(2, HeadWidth + 1)}";
        if (NKvHead < 1 || NHead > 0 && NHead % KvHeads != 0)
            yield return $"model.n_kv_head={NKvHead} must divide model.n_head={NHead}; try {DivisorsOf(NHead)}";
        if (DFf < 1) yield return $"model.d_ff={DFf} must be positive, or left out for 8/3 of d_model";
        if (RopeTheta <= 0) yield return $"model.rope_theta={RopeTheta} must be positive; try 10000";
        if (NormEps <= 0) yield return $"model.norm_eps={NormEps} must be positive; try 1e-5";
    }

    static string DivisorsOf(int n) => string.Join(", ", Enumerable.Range(1, Math.Clamp(n, 1, 1 << 16)).Where(d => n % d == 0));
}
