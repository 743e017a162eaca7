using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// Groups documents that say almost the same: 64 MinHash values over runs of five words, in 16 bands of 4; documents with an
/// equal band are joined, and what is joined to one is joined to all. A pair that shares a part s of its shingles meets with
/// probability 1 − (1 − s⁴)¹⁶: 0.9998 at s = 0.8, 0.64 at 0.5, 0.12 at 0.3, 0.002 at 0.1. Broder 1997.
/// </summary>
sealed class NearDuplicates
{
    public const int Bands = 16, Rows = 4, ShingleWords = 5;
    const int Values = Bands * Rows;
    static readonly uint[] Multiply = Coefficients(1, odd: true), Plus = Coefficients(2, odd: false);

    readonly List<ulong>[] bands = [.. Enumerable.Range(0, Bands).Select(_ => new List<ulong>())];

    /// <summary>Documents added.</summary>
    public int Count => bands[0].Count;

    static uint[] Coefficients(ulong seed, bool odd) =>
        [.. Enumerable.Range(0, Values).Select(i => (uint)(Words.Mix(seed * 1000 + (ulong)i) >> 32) | (odd ? 1u : 0))];

    /// <summary>The band keys of a document; all zero for one without a word, which joins nothing.</summary>
    public static ulong[] Keys(List<ulong> shingles)
    {
        ulong[] keys = new ulong[Bands];
        if (shingles.Count == 0) return keys;
        Vector512<uint> m0 = Vector512.Create(uint.MaxValue), m1 = m0, m2 = m0, m3 = m0;
        Vector512<uint> a0 = Vector512.Create(Multiply, 0), a1 = Vector512.Create(Multiply, 16);
        Vector512<uint> a2 = Vector512.Create(Multiply, 32), a3 = Vector512.Create(Multiply, 48);
        Vector512<uint> b0 = Vector512.Create(Plus, 0), b1 = Vector512.Create(Plus, 16);
        Vector512<uint> b2 = Vector512.Create(Plus, 32), b3 = Vector512.Create(Plus, 48);
        foreach (ulong shingle in CollectionsMarshal.AsSpan(shingles))
        {
            Vector512<uint> x = Vector512.Create((uint)shingle);
            m0 = Vector512.Min(m0, x * a0 + b0);
            m1 = Vector512.Min(m1, x * a1 + b1);
            m2 = Vector512.Min(m2, x * a2 + b2);
            m3 = Vector512.Min(m3, x * a3 + b3);
        }
        Span<uint> values = stackalloc uint[Values];
        m0.CopyTo(values);
        m1.CopyTo(values[16..]);
        m2.CopyTo(values[32..]);
        m3.CopyTo(values[48..]);
        for (int band = 0; band < Bands; band++)
        {
            ulong key = (ulong)band + 1;
            foreach (uint value in values.Slice(band * Rows, Rows)) key = Words.Mix(key ^ value) * 3;
            keys[band] = key | 1;
        }
        return keys;
    }

    /// <summary>Adds the next document: 128 bytes.</summary>
    public void Join(ulong[] keys)
    {
        for (int band = 0; band < Bands; band++) bands[band].Add(keys[band]);
    }

    /// <summary>For each document the lowest index in its group.</summary>
    public int[] Groups()
    {
        int[] parent = [.. Enumerable.Range(0, Count)];
        int[] order = new int[Count];
        foreach (List<ulong> band in bands)
        {
            ulong[] keys = [.. band];
            for (int i = 0; i < order.Length; i++) order[i] = i;
            Array.Sort(keys, order);
            for (int i = 1; i < keys.Length; i++)
                if (keys[i] == keys[i - 1] && keys[i] != 0) Union(parent, order[i], order[i - 1]);
        }
        for (int i = 0; i < parent.Length; i++) parent[i] = Root(parent, i);
        return parent;
    }

    /// <summary>Joins towards the lower index, so that the result does not depend on the order of joins.</summary>
    static void Union(int[] parent, int a, int b)
    {
        (a, b) = (Root(parent, a), Root(parent, b));
        parent[Math.Max(a, b)] = Math.Min(a, b);
    }

    static int Root(int[] parent, int i)
    {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    }
}
