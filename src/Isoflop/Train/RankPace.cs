using System.Globalization;
using Isoflop.Kernels;

namespace Isoflop.Train;

/// <summary>Names the rank that the others wait for, by the time that each takes to the end of its own pass.</summary>
sealed class RankPace(Ranks ranks)
{
    const int Steps = 32;
    const double Slow = 1.5;                                      // times the median of the others

    readonly int[] bounds = [.. Enumerable.Range(0, ranks.Count + 1)];
    readonly long[] sorted = new long[ranks.Count - 1];
    long own;
    int steps, named = -1;

    /// <summary>A step more; every so many all ranks compare, which is a meeting.</summary>
    /// <param name="ticks">of this rank's part of it, waiting left out</param>
    /// <returns>what is to be said: once of a rank, until it is fast again; else null</returns>
    public unsafe string? Add(long ticks)
    {
        own += ticks;
        if (++steps % Steps != 0) return null;
        long* all = stackalloc long[ranks.Count];
        all[ranks.Rank] = own;
        ranks.Gather(null, new DeviceSpan<long>((nint)all, ranks.Count), bounds);
        own = 0;
        int slowest = 0;
        for (int r = 1; r < ranks.Count; r++) if (all[r] > all[slowest]) slowest = r;
        for (int r = 0, n = 0; r < ranks.Count; r++) if (r != slowest) sorted[n++] = all[r];
        Array.Sort(sorted);
        long median = sorted[sorted.Length / 2];
        if (all[slowest] <= Slow * median)
        {
            named = -1;
            return null;
        }
        if (slowest == named) return null;
        named = slowest;
        double times = (double)all[slowest] / median;
        return string.Create(CultureInfo.InvariantCulture, $"rank {slowest} takes {times:0.0} times as long as the others, " +
            $"who wait for it {100 * (1 - 1 / times):0} % of a pass");
    }
}
