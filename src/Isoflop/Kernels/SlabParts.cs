using System.Numerics;

namespace Isoflop.Kernels;

/// <summary>
/// Who has what of a slab that ranks share: it falls into buckets, and a bucket into as many parts as there are ranks. A part is
/// whole chunks of <see cref="IDevice.SumSquares"/>; what a rank has of all buckets lies together in its memory, in their order.
/// One rank has all of it.
/// </summary>
sealed class SlabParts
{
    const int MostChunks = 64;                                    // of a bucket: 4 MB, a message long enough for any network

    readonly int chunks;
    readonly Stretch[] own;

    /// <summary>Shares out so many elements.</summary>
    public SlabParts(long length, int ranks = 1, int rank = 0)
    {
        (Length, Ranks, Rank, chunks) = (length, ranks, rank, Math.Min(MostChunks, Elementwise.Chunks(length)));
        own = [.. Split(0, length).Where(s => s.Rank == rank)];
        OwnLength = own.Sum(s => s.Length);
        Most = Split(0, length).GroupBy(s => s.Rank).Max(of => of.Sum(s => s.Length));
    }

    /// <summary>Elements that lie together, and where they lie in the memory of the rank that has them.</summary>
    public readonly record struct Stretch(int Rank, long Offset, long Length, long At);

    /// <summary>Elements of the slab.</summary>
    public long Length { get; }

    /// <summary>Among so many.</summary>
    public int Ranks { get; }

    /// <summary>This one.</summary>
    public int Rank { get; }

    /// <summary>What this rank has, in the slab's order.</summary>
    public ReadOnlySpan<Stretch> Own => own;

    /// <summary>Elements that this rank has.</summary>
    public long OwnLength { get; }

    /// <summary>Elements that a rank has at most.</summary>
    public long Most { get; }

    /// <summary>Elements of a bucket, but for the last one.</summary>
    public long Bucket => (long)chunks * Elementwise.Chunk;

    /// <summary>How many buckets there are.</summary>
    public int Buckets => (int)((Length + Bucket - 1) / Bucket);

    /// <summary>Which part of each bucket is a rank's, and which rank's is a part: its bits the other way round.</summary>
    public int Mirror(int rank)
    {
        int mirrored = 0;
        for (int step = 1; step < Ranks; step *= 2) mirrored = 2 * mirrored + ((rank & step) == 0 ? 0 : 1);
        return mirrored;
    }

    /// <summary>Parts <paramref name="from"/> to <paramref name="to"/> of a bucket.</summary>
    public DeviceSpan<float> Of(DeviceSpan<float> slab, int bucket, int from, int to)
    {
        long begin = Edge(bucket, from);
        return slab.Slice(begin, Edge(bucket, to) - begin);
    }

    /// <summary>Who has what of a part of the slab.</summary>
    public IEnumerable<Stretch> Split(long offset, long length)
    {
        long end = offset + length;
        if (Ranks == 1) yield return new(Rank, offset, length, offset);
        else
            for (long bucket = offset / Bucket; bucket * Bucket < end; bucket++)
                for (int part = 0; part < Ranks; part++)
                {
                    long begin = Edge(bucket, part), from = Math.Max(offset, begin), to = Math.Min(end, Edge(bucket, part + 1));
                    if (to > from)
                        yield return new(Mirror(part), from, to - from, bucket * (Inner(part + 1) - Inner(part)) + from - begin);
                }
    }

    long Edge(long bucket, int part) => Math.Min(Length, bucket * Bucket + Inner(part));

    long Inner(int part) => (long)chunks * part / Ranks * Elementwise.Chunk;
}
