using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>Lists of a pass on the device: written side by side on the host, sent in one piece, read by every layer.</summary>
public abstract class PassRows : IDisposable
{
    const int Alignment = 16;

    readonly IDevice device;
    readonly DeviceMemory memory;
    readonly DeviceSpan<byte> there;
    readonly byte[] here;
    int used;

    private protected PassRows(IDevice device, int lists, long bytes)
    {
        this.device = device;
        memory = new(device, "tokens of a pass");
        here = new byte[checked((int)bytes + lists * Alignment)];
        there = memory.Allocate<byte>(here.Length);
    }

    /// <summary>Rows of the pass.</summary>
    public int Rows { get; private set; }

    /// <summary>[Rows] inputs.</summary>
    public DeviceSpan<int> Tokens { get; private set; }

    /// <summary>[Rows] place of each in its sequence.</summary>
    public DeviceSpan<int> Positions { get; private set; }

    /// <summary>Rows whose logits are wanted; empty: of all.</summary>
    public DeviceSpan<int> Wanted { get; private protected set; }

    private protected void Begin(ReadOnlySpan<int> tokens, ReadOnlySpan<int> positions)
    {
        (used, Rows) = (0, tokens.Length);
        (Tokens, Positions) = (Add(tokens), Add(positions));
    }

    private protected DeviceSpan<T> Add<T>(ReadOnlySpan<T> list) where T : unmanaged
    {
        list.CopyTo(Room(list.Length, out DeviceSpan<T> place));
        return place;
    }

    /// <summary>Room for a list, on the host, and where it will lie.</summary>
    private protected Span<T> Room<T>(int count, out DeviceSpan<T> place) where T : unmanaged
    {
        int bytes = count * Unsafe.SizeOf<T>();
        place = new(there.Slice(used, bytes).Address, count);
        Span<T> room = MemoryMarshal.Cast<byte, T>(here.AsSpan(used, bytes));
        used = (used + bytes + Alignment - 1) / Alignment * Alignment;
        return room;
    }

    private protected void Send() => device.Upload(here.AsSpan(0, used), there.Address);

    /// <summary>Frees its memory.</summary>
    public void Dispose()
    {
        memory.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>A pass over whole sequences: training and reading.</summary>
public sealed class PassPlan : PassRows
{
    /// <summary>Room for so many rows, in so many groups.</summary>
    public PassPlan(IDevice device, int maxRows, int maxGroups = 0)
        : base(device, lists: 7, (6L * maxRows + 2 + maxGroups + 1) * 4) { }

    /// <summary>
    /// Rows whose gradients are sums of their own: group g has rows Offsets[g] to Offsets[g + 1], less <paramref name="First"/>,
    /// as far as they are among a call's; its sums lie <paramref name="Stride"/> elements behind those of the group before it.
    /// </summary>
    /// <param name="Offsets">[Count + 1] ascending, from the pass's first row on; empty: one group</param>
    public readonly record struct Groups(DeviceSpan<int> Offsets, int First, long Stride)
    {
        /// <summary>Groups there are.</summary>
        public int Count => Offsets.Length == 0 ? 1 : (int)Offsets.Length - 1;

        /// <summary>The same, seen from a row of the pass.</summary>
        public Groups From(int row) => this with { First = row };
    }

    /// <summary>Where the groups of rows begin; empty: there is one.</summary>
    public DeviceSpan<int> GroupOffsets { get; private set; }

    /// <summary>Sequences, which do not see each other.</summary>
    public int Sequences { get; private set; }

    /// <summary>Rows of the longest.</summary>
    public int Longest { get; private set; }

    /// <summary>[Sequences + 1] first row of each sequence, then the number of rows.</summary>
    public DeviceSpan<int> Offsets { get; private set; }

    /// <summary>Rows that predict: those wanted, or all.</summary>
    public int Predicting { get; private set; }

    /// <summary>[Predicting] what they are to predict.</summary>
    public DeviceSpan<int> Targets { get; private set; }

    /// <summary>[Predicting] weight of each in the loss.</summary>
    public DeviceSpan<float> Weights { get; private set; }

    /// <summary>Lays a pass out on the device; one upload.</summary>
    /// <param name="offsets">[sequences + 1] of a larger whole, of which this pass has the rows from the first offset on</param>
    /// <param name="targets">[rows]</param> <param name="weights">[rows]</param>
    /// <param name="wanted">rows of the whole whose logits are wanted; empty: of all here</param>
    /// <param name="groups">rows of the whole at which groups begin, then its end; empty: one group</param>
    public void Set(ReadOnlySpan<int> tokens, ReadOnlySpan<int> positions, ReadOnlySpan<int> offsets, ReadOnlySpan<int> targets,
        ReadOnlySpan<float> weights, ReadOnlySpan<int> wanted, ReadOnlySpan<int> groups = default)
    {
        int first = offsets[0];
        Begin(tokens, positions);
        Span<int> wantedHere = Room(wanted.Length, out DeviceSpan<int> wantedThere);
        for (int i = 0; i < wanted.Length; i++) wantedHere[i] = wanted[i] - first;
        Wanted = wantedThere;
        (Sequences, Longest) = (offsets.Length - 1, 0);
        for (int i = 0; i < Sequences; i++) Longest = Math.Max(Longest, offsets[i + 1] - offsets[i]);
        Predicting = wanted.IsEmpty ? Rows : wanted.Length;
        if (wanted.IsEmpty) (Targets, Weights) = (Add(targets), Add(weights));
        else
        {
            Span<int> own = Room(Predicting, out DeviceSpan<int> targetsThere);
            Span<float> weigh = Room(Predicting, out DeviceSpan<float> weightsThere);
            for (int i = 0; i < Predicting; i++)
                (own[i], weigh[i]) = (targets[wantedHere[i]], weights[wantedHere[i]]);
            (Targets, Weights) = (targetsThere, weightsThere);
        }
        Span<int> groupsHere = Room(groups.Length, out DeviceSpan<int> groupsThere);
        for (int i = 0; i < groups.Length; i++) groupsHere[i] = groups[i] - first;
        GroupOffsets = groupsThere;
        // Last: their number changes from pass to pass, and a card is told of every list that lies elsewhere than before.
        Span<int> offsetsHere = Room(offsets.Length, out DeviceSpan<int> offsetsThere);
        for (int i = 0; i < offsets.Length; i++) offsetsHere[i] = offsets[i] - first;
        Offsets = offsetsThere;
        Send();
    }
}

/// <summary>A pass that continues sequences whose keys and values are cached: decoding.</summary>
public sealed class CacheView : PassRows
{
    readonly int slotPages, pageTokens;
    readonly int[] first, count;                                  // of each slot's pages in this pass

    /// <summary>Room for a cache of so many slots, each of at most so many pages.</summary>
    public CacheView(IDevice device, int maxRows, int slots, int slotPages)
        : base(device, lists: 6, (4L * maxRows + (long)slots * slotPages) * 4 + (long)maxRows * Unsafe.SizeOf<RandomKey>())
    {
        (this.slotPages, pageTokens) = (slotPages, device.Traits.PageTokens);
        (first, count) = (new int[slots], new int[slots]);
    }

    /// <summary>[Rows] where in <see cref="Pages"/> the list of the row's slot begins.</summary>
    public DeviceSpan<int> FirstPage { get; private set; }

    /// <summary>Pages of the slots that have rows, slot by slot, up to each one's last row.</summary>
    public DeviceSpan<int> Pages { get; private set; }

    /// <summary>[Wanted] names of the random numbers that draw after each wanted row; or empty.</summary>
    public DeviceSpan<RandomKey> Draws { get; private set; }

    /// <summary>Lays a pass out on the device; one upload.</summary>
    /// <param name="slots">slot of each row</param> <param name="table">[slots, slotPages]: pages of each slot</param>
    public void Set(ReadOnlySpan<int> tokens, ReadOnlySpan<int> slots, ReadOnlySpan<int> positions, ReadOnlySpan<int> table,
        ReadOnlySpan<int> wanted, ReadOnlySpan<RandomKey> draws = default)
    {
        Begin(tokens, positions);
        Wanted = Add(wanted);
        Draws = Add(draws);
        Span<int> begins = Room(Rows, out DeviceSpan<int> beginsThere);
        for (int r = 0; r < slots.Length; r++) count[slots[r]] = Math.Max(count[slots[r]], positions[r] / pageTokens + 1);
        int pages = 0;
        for (int r = 0; r < slots.Length; r++)
        {
            int slot = slots[r];
            if (count[slot] > 0) (first[slot], pages, count[slot]) = (pages, pages + count[slot], -count[slot]);
            begins[r] = first[slot];
        }
        Span<int> list = Room(pages, out DeviceSpan<int> pagesThere);
        foreach (int slot in slots)
        {
            table.Slice(slot * slotPages, -count[slot]).CopyTo(list[first[slot]..]);
            count[slot] = 0;
        }
        (FirstPage, Pages) = (beginsThere, pagesThere);
        Send();
    }
}
