using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Isoflop.Nn;

/// <summary>Shape of a decoder-only Transformer of the Llama and Qwen3 families.</summary>
public sealed record ModelConfig
{
    [Description("tokens of the vocabulary; 0 takes the corpus' tokenizer's")]
    public int VocabSize { get; init; }

    [Description("longest sequence the model is trained on, tokens")]
    public int ContextLen { get; init; } = 256;

    [Description("width of the residual stream, channels")]
    public int DModel { get; init; } = 128;

    [Description("layers")]
    public int NLayer { get; init; } = 4;

    [Description("query heads")]
    public int NHead { get; init; } = 4;

    [Description("key and value heads; divides n_head; 0 means as many")]
    public int NKvHead { get; init; }

    [Description("width of a head, even; 0 means d_model / n_head")]
    public int DHead { get; init; }

    [Description("width of the SwiGLU layer; 0 means 8/3 · d_model, rounded up to a multiple of 32")]
    public int DFf { get; init; }

    [Description("RMSNorm on each head's q and k before the rotation: Qwen3; without it: Llama")]
    public bool QkNorm { get; init; } = true;

    [Description("the head shares the embedding's weights")]
    public bool TiedHead { get; init; }

    [Description("base of the rotary angles")]
    public double RopeTheta { get; init; } = 10_000;

    [Description("added to the mean square in every RMSNorm")]
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Key and value heads, resolved.</summary>
    [JsonIgnore] public int KvHeads => NKvHead == 0 ? NHead : NKvHead;

    /// <summary>Head width, resolved.</summary>
    [JsonIgnore] public int HeadWidth => DHead == 0 ? DModel / Math.Max(NHead, 1) : DHead;

    /// <summary>SwiGLU width, resolved.</summary>
    [JsonIgnore] public int FfWidth => DFf == 0 ? (DModel * 8 / 3 + 31) / 32 * 32 : DFf;

    /// <summary>Every rule this shape breaks: setting, value, rule, next step.</summary>
    public IEnumerable<string> Problems()
    {
        if (VocabSize < 2) yield return $"model.vocab_size={VocabSize} must be at least 2; the corpus' tokenizer gives it";
        if (ContextLen < 1) yield return $"model.context_len={ContextLen} must be positive; try 256";
        if (DModel < 1) yield return $"model.d_model={DModel} must be positive; try 128";
        if (NLayer < 1) yield return $"model.n_layer={NLayer} must be positive; try 4";
        if (NHead < 1) yield return $"model.n_head={NHead} must be positive; try 4";
        else if (DHead == 0 && DModel > 0 && DModel % NHead != 0)
            yield return $"model.n_head={NHead} must divide model.d_model={DModel} unless model.d_head is set; " +
                $"try {DivisorsOf(DModel)}";
        else if (DHead < 0 || DModel > 0 && HeadWidth % 2 != 0)
            yield return $"model.d_head={HeadWidth} must be even and positive: rotary embedding turns pairs; " +
                $"try {Math.Max(2, HeadWidth + 1)}";
        if (NKvHead < 0 || NHead > 0 && NHead % KvHeads != 0)
            yield return $"model.n_kv_head={NKvHead} must divide model.n_head={NHead}; try {DivisorsOf(NHead)}";
        if (DFf < 0) yield return $"model.d_ff={DFf} must be positive, or 0 for 8/3 of d_model";
        if (RopeTheta <= 0) yield return $"model.rope_theta={RopeTheta} must be positive; try 10000";
        if (NormEps <= 0) yield return $"model.norm_eps={NormEps} must be positive; try 1e-5";
    }

    static string DivisorsOf(int n) => string.Join(", ", Enumerable.Range(1, Math.Max(n, 1)).Where(d => n % d == 0));
}
