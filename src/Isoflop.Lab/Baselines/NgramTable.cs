using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Lab.Baselines;

/// <summary>Numbers n-grams 0, 1, … as they come. An n-gram is the number of its first n − 1 tokens, and its last.</summary>
/// <remarks>Keys are exact, so no two n-grams are ever taken for one. 14 to 23 bytes an n-gram.</remarks>
sealed class NgramTable
{
    int[] slots;                                                  // number + 1; 0 is empty
    ulong[] keys;                                                 // context, then 16 bits of token
    int shift;                                                    // leaves as many bits as the slots have

    /// <param name="expected">n-grams that fit before the table grows</param>
    public NgramTable(int expected)
    {
        keys = new ulong[Math.Max(expected, 1 << 10)];
        int bits = BitOperations.Log2((uint)(keys.Length * 4L / 3)) + 1;
        slots = new int[1 << bits];
        shift = 64 - bits;
    }

    public int Count { get; private set; }

    public int Context(int number) => (int)(keys[number] >> 16);

    /// <summary>The number of the n-gram, −1 when it was never added.</summary>
    public int Find(int context, int token)
    {
        ulong key = Key(context, token);
        for (int i = Home(key); slots[i] != 0; i = (i + 1) & (slots.Length - 1))
            if (keys[slots[i] - 1] == key) return slots[i] - 1;
        return -1;
    }

    /// <summary>The number of the n-gram; <see cref="Count"/> as it was when the n-gram is new.</summary>
    public int FindOrAdd(int context, int token)
    {
        ulong key = Key(context, token);
        int i = Home(key);
        for (; slots[i] != 0; i = (i + 1) & (slots.Length - 1))
            if (keys[slots[i] - 1] == key) return slots[i] - 1;
        if (Count == keys.Length) Array.Resize(ref keys, keys.Length + keys.Length / 2);
        keys[Count] = key;
        slots[i] = ++Count;
        if (4L * Count > 3L * slots.Length) Grow();
        return Count - 1;
    }

    /// <summary>Asks for the memory that adding this n-gram will look at first; the tables are far larger than a cache.</summary>
    public unsafe void Prefetch(int context, int token)
    {
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref slots[Home(Key(context, token))]));
    }

    /// <summary>Gives back what growing took too much.</summary>
    public void Trim() => Array.Resize(ref keys, Count);

    void Grow()
    {
        slots = new int[2 * slots.Length];
        shift--;
        for (int number = 0; number < Count; number++)
        {
            int i = Home(keys[number]);
            while (slots[i] != 0) i = (i + 1) & (slots.Length - 1);
            slots[i] = number + 1;
        }
    }

    int Home(ulong key) => (int)(key * 0x9E3779B97F4A7C15 >> shift);

    static ulong Key(int context, int token) => (ulong)(uint)context << 16 | (uint)token;
}
