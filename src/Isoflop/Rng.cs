using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Isoflop;

/// <summary>
/// What random numbers are for: no two purposes ever share a stream. Numbers are part of the format; add, never renumber.
/// </summary>
public enum RandomPurpose : byte
{
    /// <summary>First values of the parameters.</summary>
    Initialise = 1,
    /// <summary>Order of the training windows.</summary>
    Shuffle = 2,
    /// <summary>Drawing tokens.</summary>
    Sample = 3,
    /// <summary>Making tasks, worlds and documents.</summary>
    Generate = 4,
    /// <summary>Resampling for intervals.</summary>
    Bootstrap = 5,
    /// <summary>Tests.</summary>
    Test = 255,
}

/// <summary>
/// A stream of random numbers named by (seed, purpose, step, index): nothing is ambient, any stream can be opened anywhere, and
/// none needs saving. Philox4x32-10, a counter-based generator: Salmon et al. 2011, doi:10.1145/2063384.2063405.
/// </summary>
/// <remarks>A mutable value: pass it by reference. A stream holds 2³⁴ words.</remarks>
public struct Rng
{
    readonly ulong key;
    readonly ulong high;                 // purpose, step, index's upper part
    readonly uint index;                 // index's lower part
    uint block;
    Philox.Block words;
    int used;
    double spare;
    bool hasSpare;

    /// <summary>Opens a stream.</summary>
    /// <param name="step">below 2⁴⁰</param> <param name="index">below 2⁴⁸</param>
    public Rng(ulong seed, RandomPurpose purpose, long step = 0, long index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)step, 1ul << 40, nameof(step));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, 1ul << 48, nameof(index));
        key = seed;
        high = (ulong)purpose << 56 | (ulong)step << 16 | (ulong)index >> 32;
        this.index = (uint)index;
        used = 4;
    }

    /// <summary>32 random bits.</summary>
    public uint NextUInt32()
    {
        if (used == 4)
        {
            words = Philox.Of(new(block, index, (uint)high, (uint)(high >> 32)), key);
            block = checked(block + 1);
            used = 0;
        }
        return words[used++];
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64() => NextUInt32() | (ulong)NextUInt32() << 32;

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float NextSingle() => (NextUInt32() >> 8) * (1f / (1 << 24));

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1L << 53));

    /// <summary>Uniform in [0, bound), without bias. Lemire 2019, doi:10.1145/3230636.</summary>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        ulong product = (ulong)NextUInt32() * (uint)bound;
        if ((uint)product < (uint)bound)
        {
            uint threshold = (uint)-bound % (uint)bound;          // 2³² mod bound
            while ((uint)product < threshold) product = (ulong)NextUInt32() * (uint)bound;
        }
        return (int)(product >> 32);
    }

    /// <summary>Standard normal. Box &amp; Muller 1958, doi:10.1214/aoms/1177706645.</summary>
    public double NextNormal()
    {
        if (hasSpare)
        {
            hasSpare = false;
            return spare;
        }
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));          // 1 − u is in (0, 1]
        (double sin, double cos) = Math.SinCos(2 * Math.PI * NextDouble());
        (spare, hasSpare) = (radius * sin, true);
        return radius * cos;
    }
}

/// <summary>Philox4x32-10: 128 bits of counter and 64 of key to 128 random bits.</summary>
static class Philox
{
    /// <summary>Four words.</summary>
    [InlineArray(4)]
    internal struct Block
    {
        uint first;

        public Block(uint a, uint b, uint c, uint d) => (this[0], this[1], this[2], this[3]) = (a, b, c, d);
    }

    public static Block Of(Block counter, ulong key)
    {
        uint a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong x = 0xD2511F53ul * a, y = 0xCD9E8D57ul * c;
            (a, b, c, d) = ((uint)(y >> 32) ^ b ^ k0, (uint)y, (uint)(x >> 32) ^ d ^ k1, (uint)x);
            k0 += 0x9E3779B9;                                     // the golden ratio and √3 − 1, as in Random123
            k1 += 0xBB67AE85;
        }
        return new(a, b, c, d);
    }
}

/// <summary>
/// A keyed permutation of 0 … n − 1 that is computed, not stored: a balanced Feistel network with cycle walking.
/// </summary>
/// <remarks>
/// Black &amp; Rogaway 2002, doi:10.1007/3-540-45760-7_9. Eight rounds of Philox; at most four walks on average.
/// </remarks>
readonly struct Permutation
{
    const int Rounds = 8, MostTabulated = 14;                     // bits of a half: 512 kB
    readonly ulong key;
    readonly uint tweakLow, tweakHigh;
    readonly int halfBits;

    /// <summary>[<see cref="Rounds"/>, halves] what <see cref="Round"/> gives; null: it is asked each time.</summary>
    uint[]? Table { get; init; }

    /// <summary>The permutation that this seed, purpose and step name.</summary>
    public Permutation(long length, ulong seed, RandomPurpose purpose, long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)step, 1ul << 40, nameof(step));
        Length = length;
        key = seed;
        ulong tweak = (ulong)purpose << 56 | (ulong)step << 16;
        (tweakLow, tweakHigh) = ((uint)tweak, (uint)(tweak >> 32));
        int bits = length == 1 ? 1 : 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(length - 1));
        halfBits = (bits + 1) / 2;
    }

    /// <summary>n.</summary>
    public long Length { get; }

    /// <summary>Where <paramref name="i"/> goes.</summary>
    public long this[long i]
    {
        get
        {
            Debug.Assert(i >= 0 && i < Length);
            ulong x = (ulong)i;
            do x = Encrypt(x); while (x >= (ulong)Length);        // ends: x runs along a cycle that holds i
            return (long)x;
        }
    }

    uint Mask => (uint)((1ul << halfBits) - 1);

    /// <summary>The same with what each round makes of each half computed beforehand: for who asks often.</summary>
    /// <param name="room">is written, and made where there is none; permutations of one length may share it by turns</param>
    public Permutation Tabulated(ref uint[]? room)
    {
        if (halfBits > MostTabulated) return this;
        room ??= new uint[Rounds << halfBits];
        for (int i = 0; i < room.Length; i++) room[i] = Round((uint)i & Mask, (uint)(i >> halfBits));
        return this with { Table = room };
    }

    uint Round(uint half, uint round) => Philox.Of(new(half, round, tweakLow, tweakHigh), key)[0] & Mask;

    ulong Encrypt(ulong x)
    {
        uint left = (uint)(x >> halfBits), right = (uint)x & Mask;
        for (uint round = 0; round < Rounds; round++)
            (left, right) = (right, left ^ (Table is null ? Round(right, round) : Table[round << halfBits | right]));
        return (ulong)left << halfBits | right;
    }
}
