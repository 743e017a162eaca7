namespace Isoflop.Kernels;

/// <summary>A device whose memory goes to other ranks' by a way of its own.</summary>
interface IRankDevice
{
    /// <summary>Opens that way; all ranks call it.</summary>
    /// <exception cref="ConfigException">There is none.</exception>
    void Join(Ranks ranks);

    /// <summary>As the ranks' own exchange, of this device's memory, behind all work that it was given.</summary>
    void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner);
}

/// <summary>
/// Processes that train one model together: each has all of its weights, and passes its share of the shards through it. Their
/// gradients are joined pair by pair, which is the tree by which one process joins its shards: so the bits are the same.
/// </summary>
abstract class Ranks : IDisposable
{
    volatile bool beside;

    /// <summary>This process among them, from 0; 0 writes.</summary>
    public abstract int Rank { get; }

    /// <summary>How many there are: a power of two.</summary>
    public abstract int Count { get; }

    /// <summary>Any thread may exchange, one at a time, and that pays: there is a network between them.</summary>
    public virtual bool MayTalkBeside => true;

    /// <summary>It exchanges beside what computes: who waits leaves the core to that.</summary>
    public bool Beside { get => beside; set => beside = value; }

    /// <summary>Gives host memory to a partner and takes its; both at once. Lengths in bytes.</summary>
    /// <exception cref="DataException">The partner does not answer; names it.</exception>
    protected abstract void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner);

    void Exchange<T>(IDevice? device, DeviceSpan<T> give, DeviceSpan<T> take, int partner) where T : unmanaged
    {
        unsafe
        {
            long given = give.Length * sizeof(T), taken = take.Length * sizeof(T);
            if (given + taken == 0) return;
            if (device is IRankDevice card) card.Exchange(give.Address, given, take.Address, taken, partner);
            else Exchange(give.Address, given, take.Address, taken, partner);
        }
    }

    /// <summary>
    /// Adds up what all have of a bucket, pair by pair: 0 and 1, 2 and 3; then 0–1 and 2–3; and so on. A pair halves what it
    /// adds, so the sum of a part ends with the rank whose it is; the rest holds what came on the way.
    /// </summary>
    /// <param name="room">half a bucket, overwritten</param>
    public void Sum(IDevice device, DeviceSpan<float> slab, DeviceSpan<float> room, SlabParts parts, int bucket)
    {
        int low = 0, high = Count;
        for (int step = 1; step < Count; step *= 2)
        {
            int middle = (low + high) / 2;
            bool lower = (Rank & step) == 0;
            DeviceSpan<float> keep = parts.Of(slab, bucket, lower ? low : middle, lower ? middle : high),
                give = parts.Of(slab, bucket, lower ? middle : low, lower ? high : middle), theirs = room.Slice(0, keep.Length);
            Exchange(device, give, theirs, Rank ^ step);
            if (keep.Length > 0) device.Add(theirs, keep);        // a sum of two has the same bits either way round
            (low, high) = lower ? (low, middle) : (middle, high);
        }
    }

    /// <summary>Fills in what the others have of a slab: the way of <see cref="Sum"/> back.</summary>
    public void Gather(IDevice device, DeviceSpan<float> slab, SlabParts parts)
    {
        for (int bucket = 0; bucket < parts.Buckets; bucket++)
        {
            int mine = parts.Mirror(Rank);
            for (int step = Count / 2, size = 1; step > 0; step /= 2, size *= 2)
            {
                int theirs = mine ^ size;
                Exchange(device, parts.Of(slab, bucket, mine, mine + size), parts.Of(slab, bucket, theirs, theirs + size),
                    Rank ^ step);
                mine = Math.Min(mine, theirs);
            }
        }
    }

    /// <summary>Fills in what the others have of a vector of which rank r has <c>x[bounds[r] .. bounds[r + 1]]</c>.</summary>
    /// <param name="device">whose memory it is; null: the host's</param>
    /// <param name="swapped">each has what is its neighbour's: 0 has 1's, and 1 has 0's</param>
    public void Gather<T>(IDevice? device, DeviceSpan<T> x, ReadOnlySpan<int> bounds, bool swapped = false) where T : unmanaged
    {
        for (int step = 1; step < Count; step *= 2)
        {
            int mine = (swapped ? Rank ^ 1 : Rank) / step * step, theirs = mine ^ step;
            Exchange(device, x.Slice(bounds[mine], bounds[mine + step] - bounds[mine]),
                x.Slice(bounds[theirs], bounds[theirs + step] - bounds[theirs]), Rank ^ step);
        }
    }

    /// <summary>To rank 0, elements of a slab in its order; all call it.</summary>
    /// <param name="own">what this rank has of the slab</param> <param name="into">filled in at rank 0</param>
    public unsafe void Collect(IDevice device, DeviceSpan<float> own, SlabParts parts, long offset, Span<float> into)
    {
        fixed (float* to = into)
            foreach ((int rank, long from, long length, long at) in parts.Split(offset, into.Length))
            {
                int first = (int)(from - offset);
                if (rank == Rank && Rank == 0) device.Download(own.Slice(at, length), into.Slice(first, (int)length));
                else if (rank == Rank) Exchange(null, own.Slice(at, length), default, 0);
                else if (Rank == 0) Exchange(null, default, new DeviceSpan<float>((nint)(to + first), length), rank);
            }
    }

    /// <summary>The bits that one of them has, in all. Also a meeting: none goes on before all are here.</summary>
    public unsafe long Union(long mine)
    {
        long other = 0;
        for (int step = 1; step < Count; step *= 2)
        {
            Exchange((nint)(&mine), sizeof(long), (nint)(&other), sizeof(long), Rank ^ step);
            mine |= other;
        }
        return mine;
    }

    /// <summary>Ends the connection.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends what a derived class opened.</summary>
    protected virtual void Dispose(bool disposing) { }
}
