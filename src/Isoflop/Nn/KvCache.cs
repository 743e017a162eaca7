using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// Keys and values of sequences that are being continued, in pages of 16 tokens; each slot, one sequence, has a table of them.
/// </summary>
public sealed class KvCache
{
    readonly DeviceMemory[] layers;

    /// <summary>Every slot has pages of its own, for up to <paramref name="context"/> tokens.</summary>
    public KvCache(IDevice device, ModelConfig c, int slots, int context)
        : this(device, c, slots, context, slots * AttentionCached.PagesOf(context))
    {
        for (int i = 0; i < Pages.Length; i++) Pages[i] = i;
    }

    /// <summary>So many pages, which the caller deals out: <see cref="Pages"/>.</summary>
    internal KvCache(IDevice device, ModelConfig c, int slots, int context, int pages)
    {
        (Slots, Context, SlotPages, PageCount) = (slots, context, AttentionCached.PagesOf(context), pages);
        Pages = new int[slots * SlotPages];
        layers = [.. Enumerable.Range(0, c.NLayer)
            .Select(_ => device.Allocate(device.KvCacheLength(pages, new AttentionShape(c.NHead, c.KvHeads, c.HeadWidth))))];
    }

    /// <summary>Sequences that fit.</summary>
    public int Slots { get; }

    /// <summary>Tokens of each that fit.</summary>
    public int Context { get; }

    /// <summary>[Slots, SlotPages]: which page holds 16 positions of a slot.</summary>
    internal int[] Pages { get; }

    internal int SlotPages { get; }

    internal int PageCount { get; }

    internal DeviceMemory Layer(int i) => layers[i];
}
