using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>What one layer computes for at most M rows and its backward pass reads again.</summary>
sealed class LayerActivations(DeviceMemory memory, ModelConfig c, int M, DeviceSpan<float> input, DeviceSpan<float>? shared)
{
    static int Qkv(ModelConfig c) => (c.NHead + 2 * c.KvHeads) * c.HeadWidth;

    /// <summary>[M, C] the residual stream before attention.</summary>
    public DeviceSpan<float> Input { get; } = input;

    /// <summary>[M, C] Input, normed.</summary>
    public DeviceSpan<float> AttentionIn { get; } = memory.AllocateActivations((long)M * c.DModel);

    /// <summary>[M] the norm's scales.</summary>
    public DeviceSpan<float> AttentionScale { get; } = memory.Allocate<float>(M);

    /// <summary>[M, (H + 2·KvHeads)·D] as projected: kept apart only where q and k are normed.</summary>
    public DeviceSpan<float> RawQkv { get; } = c.QkNorm ? memory.AllocateActivations((long)M * Qkv(c)) : default;

    /// <summary>[M·(H + KvHeads)] scales of the norms of q, then of k.</summary>
    public DeviceSpan<float> QkScales { get; } = memory.Allocate<float>((long)M * (c.NHead + c.KvHeads));

    /// <summary>[M, (H + 2·KvHeads)·D] normed and rotated.</summary>
    public DeviceSpan<float> RotatedQkv { get; } = memory.AllocateActivations((long)M * Qkv(c));

    /// <summary>[M, H·D] what attention gathers.</summary>
    public DeviceSpan<float> Attended { get; } = memory.AllocateActivations((long)M * c.NHead * c.HeadWidth);

    /// <summary>[H, M] log-sums of attention's scores.</summary>
    public DeviceSpan<float> Lse { get; } = memory.Allocate<float>((long)M * c.NHead);

    /// <summary>[M, C] the residual stream between attention and SwiGLU.</summary>
    public DeviceSpan<float> Middle { get; } = shared ?? memory.Allocate<float>((long)M * c.DModel);

    /// <summary>[M, C] Middle, normed.</summary>
    public DeviceSpan<float> MlpIn { get; } = memory.AllocateActivations((long)M * c.DModel);

    /// <summary>[M] the norm's scales.</summary>
    public DeviceSpan<float> MlpScale { get; } = memory.Allocate<float>(M);

    /// <summary>[M, 2F] gate, up.</summary>
    public DeviceSpan<float> GateUp { get; } = memory.AllocateActivations((long)M * 2 * c.FfWidth);

    /// <summary>[M, F] silu(gate) ⊙ up.</summary>
    public DeviceSpan<float> Gated { get; } = memory.AllocateActivations((long)M * c.FfWidth);

    /// <summary>[M, C] the residual stream after the layer.</summary>
    public DeviceSpan<float> Output { get; } = shared ?? memory.Allocate<float>((long)M * c.DModel);
}

/// <summary>Gradients of activations: one set, which every layer uses in turn.</summary>
sealed class ActivationGradients(DeviceMemory memory, ModelConfig c, int M)
{
    /// <summary>[M, C] of the residual stream.</summary>
    public DeviceSpan<float> Stream { get; } = memory.Allocate<float>((long)M * c.DModel);

    /// <summary>[M, C] of a norm's output.</summary>
    public DeviceSpan<float> Normed { get; } = memory.AllocateActivations((long)M * c.DModel);

    /// <summary>[M, (H + 2·KvHeads)·D].</summary>
    public DeviceSpan<float> Qkv { get; } = memory.AllocateActivations((long)M * (c.NHead + 2 * c.KvHeads) * c.HeadWidth);

    /// <summary>[M, H·D].</summary>
    public DeviceSpan<float> Attended { get; } = memory.AllocateActivations((long)M * c.NHead * c.HeadWidth);

    /// <summary>[M, 2F].</summary>
    public DeviceSpan<float> GateUp { get; } = memory.AllocateActivations((long)M * 2 * c.FfWidth);

    /// <summary>[M, F].</summary>
    public DeviceSpan<float> Gated { get; } = memory.AllocateActivations((long)M * c.FfWidth);
}
