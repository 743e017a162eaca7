using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>What one layer computes for at most M rows and its backward pass reads again.</summary>
sealed class LayerActivations(IDevice device, ModelConfig c, int M, DeviceMemory input, DeviceMemory? shared)
{
    static int Qkv(ModelConfig c) => (c.NHead + 2 * c.KvHeads) * c.HeadWidth;

    /// <summary>[M, C] the residual stream before attention.</summary>
    public DeviceMemory Input { get; } = input;

    /// <summary>[M, C] Input, normed.</summary>
    public DeviceMemory AttentionIn { get; } = device.Allocate((long)M * c.DModel);

    /// <summary>[M] the norm's scales.</summary>
    public DeviceMemory AttentionScale { get; } = device.Allocate(M);

    /// <summary>[M, (H + 2·KvHeads)·D] as projected: kept apart only where q and k are normed.</summary>
    public DeviceMemory RawQkv { get; } = c.QkNorm ? device.Allocate((long)M * Qkv(c)) : default;

    /// <summary>[M·H] and [M·KvHeads] scales of the norms of q and k.</summary>
    public DeviceMemory QScale { get; } = device.Allocate((long)M * c.NHead);
    public DeviceMemory KScale { get; } = device.Allocate((long)M * c.KvHeads);

    /// <summary>[M, (H + 2·KvHeads)·D] normed and rotated.</summary>
    public DeviceMemory RotatedQkv { get; } = device.Allocate((long)M * Qkv(c));

    /// <summary>[M, H·D] what attention gathers.</summary>
    public DeviceMemory Attended { get; } = device.Allocate((long)M * c.NHead * c.HeadWidth);

    /// <summary>[H, M] log-sums of attention's scores.</summary>
    public DeviceMemory Lse { get; } = device.Allocate((long)M * c.NHead);

    /// <summary>[M, C] the residual stream between attention and SwiGLU.</summary>
    public DeviceMemory Middle { get; } = shared ?? device.Allocate((long)M * c.DModel);

    /// <summary>[M, C] Middle, normed.</summary>
    public DeviceMemory MlpIn { get; } = device.Allocate((long)M * c.DModel);

    /// <summary>[M] the norm's scales.</summary>
    public DeviceMemory MlpScale { get; } = device.Allocate(M);

    /// <summary>[M, 2F] gate, up.</summary>
    public DeviceMemory GateUp { get; } = device.Allocate((long)M * 2 * c.FfWidth);

    /// <summary>[M, F] silu(gate) ⊙ up.</summary>
    public DeviceMemory Gated { get; } = device.Allocate((long)M * c.FfWidth);

    /// <summary>[M, C] the residual stream after the layer.</summary>
    public DeviceMemory Output { get; } = shared ?? device.Allocate((long)M * c.DModel);
}

/// <summary>Gradients of activations: one set, which every layer uses in turn.</summary>
sealed class ActivationGradients(IDevice device, ModelConfig c, int M)
{
    /// <summary>[M, C] of the residual stream.</summary>
    public DeviceMemory Stream { get; } = device.Allocate((long)M * c.DModel);

    /// <summary>[M, C] of a norm's output.</summary>
    public DeviceMemory Normed { get; } = device.Allocate((long)M * c.DModel);

    /// <summary>[M, (H + 2·KvHeads)·D].</summary>
    public DeviceMemory Qkv { get; } = device.Allocate((long)M * (c.NHead + 2 * c.KvHeads) * c.HeadWidth);

    /// <summary>[M, H·D].</summary>
    public DeviceMemory Attended { get; } = device.Allocate((long)M * c.NHead * c.HeadWidth);

    /// <summary>[M, 2F].</summary>
    public DeviceMemory GateUp { get; } = device.Allocate((long)M * 2 * c.FfWidth);

    /// <summary>[M, F].</summary>
    public DeviceMemory Gated { get; } = device.Allocate((long)M * c.FfWidth);
}
