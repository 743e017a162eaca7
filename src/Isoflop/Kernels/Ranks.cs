namespace Isoflop.Kernels;

/// <summary>
/// Processes that train one model together: each has all of its weights, and passes its share of the shards through it. Their
/// gradients are joined pair by pair, which is the tree by which one process joins its shards: so the bits are the same.
/// </summary>
abstract class Ranks : IDisposable
{
    /// <summary>This process among them, from 0; 0 writes.</summary>
    public abstract int Rank { get; }

    /// <summary>How many there are: a power of two.</summary>
    public abstract int Count { get; }

    /// <summary>Gives host memory to a partner and takes its; both at once. Lengths in bytes.</summary>
    /// <exception cref="DataException">The partner does not answer; names it.</exception>
    protected abstract void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner);

    /// <summary>Adds up what all have, pair by pair: 0 and 1, 2 and 3; then 0–1 and 2–3; and so on.</summary>
    /// <param name="x">in each process its own, then the sum</param> <param name="room">as long, overwritten</param>
    public void Sum(IDevice device, DeviceSpan<float> x, DeviceSpan<float> room)
    {
        for (int step = 1; step < Count; step *= 2)
        {
            Exchange(x.Address, x.Length * sizeof(float), room.Address, x.Length * sizeof(float), Rank ^ step);
            device.Add(room, x);                                  // a sum of two has the same bits either way round
        }
    }

    /// <summary>Fills in what the others have of a vector of which rank r has <c>x[bounds(r) .. bounds(r + 1)]</c>.</summary>
    public void Gather(DeviceSpan<float> x, Func<int, int> bounds)
    {
        for (int step = 1; step < Count; step *= 2)
        {
            int mine = Rank / step * step, theirs = mine ^ step;
            DeviceSpan<float> give = x.Slice(bounds(mine), bounds(mine + step) - bounds(mine)),
                take = x.Slice(bounds(theirs), bounds(theirs + step) - bounds(theirs));
            Exchange(give.Address, give.Length * sizeof(float), take.Address, take.Length * sizeof(float), Rank ^ step);
        }
    }

    /// <summary>True in all of them when it is in one. Also a meeting: none goes on before all are here.</summary>
    public unsafe bool Any(bool mine)
    {
        long own = mine ? 1 : 0, other = 0;
        for (int step = 1; step < Count; step *= 2)
        {
            Exchange((nint)(&own), sizeof(long), (nint)(&other), sizeof(long), Rank ^ step);
            own |= other;
        }
        return own != 0;
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
