using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// Keys and values of sequences that are being continued, in pages of the device; each slot, one sequence, has a table of them.
/// </summary>
sealed class KvCache : IDisposable
{
    readonly DeviceMemory memory;
    readonly DeviceSpan<byte>[] layers;

    /// <summary>Every slot has pages of its own, for up to <paramref name="context"/> tokens.</summary>
    public KvCache(Transformer model, int slots, int context)
        : this(model, slots, context, slots * PagesOf(model.Device.Traits, context))
    {
        for (int i = 0; i < Pages.Length; i++) Pages[i] = i;
    }

    /// <summary>So many pages, which the caller deals out: <see cref="Pages"/>.</summary>
    internal KvCache(Transformer model, int slots, int context, int pages)
    {
        DeviceTraits traits = model.Device.Traits;
        (Slots, Context, PageCount, PageTokens, SlotPages) =
            (slots, context, pages, traits.PageTokens, PagesOf(traits, context));
        Pages = new int[slots * SlotPages];
        memory = new(model.Device, "cached keys and values");
        layers = [.. Enumerable.Range(0, model.Config.NLayer).Select(_ => memory.Allocate<byte>(pages * model.KvPageBytes))];
        View = new(model.Device, model.MaxRows, slots, SlotPages);
    }

    /// <summary>Sequences that fit.</summary>
    public int Slots { get; }

    /// <summary>Tokens of each that fit.</summary>
    public int Context { get; }

    /// <summary>[Slots, SlotPages]: which page holds so many positions of a slot.</summary>
    internal int[] Pages { get; }

    internal int SlotPages { get; }

    internal int PageCount { get; }

    internal int PageTokens { get; }

    /// <summary>What a pass reads of it.</summary>
    internal CacheView View { get; }

    internal DeviceSpan<byte> Layer(int i) => layers[i];

    /// <summary>Pages of so many tokens.</summary>
    internal static int PagesOf(DeviceTraits device, int tokens) => (tokens + device.PageTokens - 1) / device.PageTokens;

    /// <summary>Frees its memory.</summary>
    public void Dispose()
    {
        memory.Dispose();
        View.Dispose();
    }
}
