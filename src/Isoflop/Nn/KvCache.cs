using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// Keys and values of sequences that are being continued: <paramref name="slots"/> of them,
/// each up to <paramref name="context"/> tokens.
/// </summary>
public sealed class KvCache(IDevice device, ModelConfig c, int slots, int context)
{
    readonly DeviceMemory[] layers = [.. Enumerable.Range(0, c.NLayer)
        .Select(_ => device.Allocate(device.KvCacheLength(slots, context, new AttentionShape(c.NHead, c.KvHeads, c.HeadWidth))))];

    /// <summary>Sequences that fit.</summary>
    public int Slots => slots;

    /// <summary>Tokens of each that fit.</summary>
    public int Context => context;

    internal DeviceMemory Layer(int i) => layers[i];
}
