using System.Runtime.ExceptionServices;
using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// A step's gradients where ranks train: their slab is summed bucket by bucket as the backward pass lets go of it, from the last
/// layer down, by a thread of its own where there is a network between the ranks. Each rank ends with its parts of the sum.
/// </summary>
sealed class SharedGradients : IDisposable
{
    readonly Ranks ranks;
    readonly IDevice device;
    readonly DeviceSpan<float> shards, slab, room;
    readonly int count;
    readonly int[] order, bounds, places;                         // buckets as they are summed; of the squares' sums
    readonly int early;                                           // so many of them hold matrices alone
    readonly DeviceSpan<double> squares;
    readonly DeviceMemory memory;
    readonly object gate = new();
    readonly Thread? talker;
    long ready = long.MaxValue;
    int next;
    bool all, whole, ended;
    ExceptionDispatchInfo? fault;

    /// <param name="shards">gradients of this rank's shards, one after another; the first one's becomes the sum</param>
    public SharedGradients(Ranks ranks, IDevice device, ParamTable table, DeviceSpan<float> shards)
    {
        (this.ranks, this.device, this.shards, count) = (ranks, device, shards, (int)(shards.Length / table.Length));
        slab = shards.Slice(0, table.Length);
        Parts = new(table.Length, ranks.Count, ranks.Rank);
        early = (int)(table.MatrixLength / Parts.Bucket);
        order = [.. Enumerable.Range(0, early).Reverse(), .. Enumerable.Range(early, Parts.Buckets - early)];
        memory = new(device, "gradients");
        room = memory.Allocate<float>((Parts.Bucket + Elementwise.Chunk) / 2);
        if (device is HostDevice)
        {
            int most = Elementwise.Chunks(Parts.Most);
            squares = memory.Allocate<double>((long)ranks.Count * most);
            bounds = [.. Enumerable.Range(0, ranks.Count + 1).Select(r => r * most)];
            places = new int[Elementwise.Chunks(table.Length)];
            foreach (SlabParts.Stretch s in Parts.Split(0, table.Length))
                for (int c = 0; c < Elementwise.Chunks(s.Length); c++)
                    places[s.Offset / Elementwise.Chunk + c] = bounds[s.Rank] + (int)(s.At / Elementwise.Chunk) + c;
        }
        else bounds = places = [];
        if (!ranks.MayTalkBeside || device is not HostDevice) return;
        talker = new(Talk) { IsBackground = true, Name = "ranks" };
        talker.Start();
    }

    /// <summary>What this rank has of the sum.</summary>
    public SlabParts Parts { get; }

    /// <summary>Moments may be shared out by <see cref="Parts"/>: the squares' sums by chunks have one process's bits.</summary>
    public bool ByParts => squares.Length > 0;

    /// <summary>Of the next step.</summary>
    public void Begin()
    {
        lock (gate) (next, ready, all, whole) = (0, long.MaxValue, false, false);
    }

    /// <summary>All shards are done with the matrices from this offset on.</summary>
    public void Ready(long offset)
    {
        if (talker is null) return;
        lock (gate)
        {
            if (offset >= ready) return;
            (ready, ranks.Beside) = (offset, true);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>All shards are done; returns when the sum is.</summary>
    public void Finish()
    {
        ranks.Beside = false;
        if (talker is null)
        {
            if (device is IRankDevice) ranks.Union(0);            // a rank that hangs is named before cards wait for it
            for (int i = 0; i < order.Length; i++) Join(order[i]);
            return;
        }
        lock (gate)
        {
            all = true;
            Monitor.PulseAll(gate);
            while (next < order.Length) Monitor.Wait(gate);
        }
        fault?.Throw();
    }

    void Talk()
    {
        while (true)
        {
            lock (gate)
            {
                while (!ended && !IsReady) Monitor.Wait(gate);
                if (ended) return;
            }
            int behind = next + 1;
            try
            {
                Join(order[next]);
            }
            catch (Exception e)
            {
                (fault, behind) = (ExceptionDispatchInfo.Capture(e), order.Length);
            }
            lock (gate)
            {
                next = behind;
                Monitor.PulseAll(gate);
            }
        }
    }

    bool IsReady => next < order.Length && (all || next < early && order[next] * Parts.Bucket >= ready);

    // The tree of this rank's shards, then that of the ranks: together it is one process's.
    void Join(int bucket)
    {
        for (int step = 1; step < count; step *= 2)
            for (int i = 0; i < count; i += 2 * step) device.Add(Of(i + step), Of(i));
        ranks.Sum(device, slab, room, Parts, bucket);

        DeviceSpan<float> Of(int shard) => Parts.Of(shards.Slice(shard * slab.Length, slab.Length), bucket, 0, ranks.Count);
    }

    /// <summary>sum[0] = Σ gradient², the bits of <see cref="IDevice.SumSquares"/>.</summary>
    public unsafe void SumSquares(DeviceSpan<double> sum)
    {
        if (!ByParts)
        {
            Gather();
            device.SumSquares(slab, sum);
            return;
        }
        foreach ((int rank, long offset, long length, long at) in Parts.Own)
            ((HostDevice)device).ChunkSquares(slab.Slice(offset, length),
                squares.Slice(bounds[rank] + at / Elementwise.Chunk, Elementwise.Chunks(length)));
        ranks.Gather(null, squares, bounds);
        double total = 0;
        foreach (int place in places) total += ((double*)squares.Address)[place];
        *(double*)sum.Address = total;
    }

    /// <summary>The whole sum in every rank.</summary>
    public void Gather()
    {
        if (!whole) ranks.Gather(device, slab, Parts);
        whole = true;
    }

    /// <summary>Ends its thread.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            ended = true;
            Monitor.PulseAll(gate);
        }
        talker?.Join();
        memory.Dispose();
    }
}
