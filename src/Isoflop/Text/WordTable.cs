using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Isoflop.Text;

/// <summary>A set of byte strings, numbered in the order they came. Not safe for threads.</summary>
sealed class WordTable
{
    ulong[] slots = new ulong[1 << 12];                           // hash's upper half, then number + 1; 0 is empty
    byte[] bytes = new byte[1 << 14];
    int[] ends = new int[1 << 11];

    public int Count { get; private set; }

    /// <summary>Bytes of all words together.</summary>
    public int ByteCount => Count == 0 ? 0 : ends[Count - 1];

    public ReadOnlySpan<byte> this[int word]
    {
        get
        {
            int start = word == 0 ? 0 : ends[word - 1];
            return new ReadOnlySpan<byte>(bytes, start, ends[word] - start);
        }
    }

    /// <summary>The word's number, or −1 with the hash that <see cref="Add"/> wants.</summary>
    public int Find(ReadOnlySpan<byte> word, out ulong hash)
    {
        hash = Hash(word);
        ulong tag = hash & 0xFFFF_FFFF_0000_0000;
        int mask = slots.Length - 1;
        for (int i = (int)hash & mask; slots[i] != 0; i = (i + 1) & mask)
        {
            if ((slots[i] & 0xFFFF_FFFF_0000_0000) != tag) continue;
            int number = (int)(uint)slots[i] - 1;
            if (this[number].SequenceEqual(word)) return number;
        }
        return -1;
    }

    /// <summary>The word's number; a new word is added.</summary>
    public int FindOrAdd(ReadOnlySpan<byte> word)
    {
        int number = Find(word, out ulong hash);
        return number >= 0 ? number : Add(word, hash);
    }

    /// <summary>Adds a word that <see cref="Find"/> has not found, and returns its number.</summary>
    public int Add(ReadOnlySpan<byte> word, ulong hash)
    {
        int start = ByteCount, end = checked(start + word.Length);
        if (end > bytes.Length) Array.Resize(ref bytes, (int)Math.Min(Array.MaxLength, Math.Max(2L * bytes.Length, end)));
        if (Count == ends.Length) Array.Resize(ref ends, 2 * ends.Length);
        word.CopyTo(bytes.AsSpan(start));
        ends[Count++] = end;
        if (2 * Count > slots.Length) Grow(); else Place(slots, hash, Count);
        return Count - 1;
    }

    /// <summary>Empties the table and keeps its memory.</summary>
    public void Clear()
    {
        Array.Clear(slots);
        Count = 0;
    }

    void Grow()
    {
        var larger = new ulong[2 * slots.Length];
        for (int word = 0; word < Count; word++) Place(larger, Hash(this[word]), word + 1);
        slots = larger;
    }

    static void Place(ulong[] slots, ulong hash, int numberPlusOne)
    {
        int mask = slots.Length - 1, i = (int)hash & mask;
        while (slots[i] != 0) i = (i + 1) & mask;
        slots[i] = hash & 0xFFFF_FFFF_0000_0000 | (uint)numberPlusOne;
    }

    /// <summary>Two overlapping words of the bytes, folded by a 64×64→128 bit product; longer words chain it.</summary>
    static ulong Hash(ReadOnlySpan<byte> word)
    {
        const ulong A = 0x9E3779B97F4A7C15, B = 0xD6E8FEB86659FD93;
        ref byte first = ref MemoryMarshal.GetReference(word);
        int n = word.Length;
        if (n > 16)
        {
            ulong chain = (ulong)n;
            for (int i = 0; i < n - 16; i += 16) chain = Fold(Load8(ref first, i) ^ A ^ chain, Load8(ref first, i + 8) ^ B);
            return Fold(Load8(ref first, n - 16) ^ A ^ chain, Load8(ref first, n - 8) ^ B);
        }
        if (n >= 8) return Fold(Load8(ref first, 0) ^ A ^ (ulong)n, Load8(ref first, n - 8) ^ B);
        if (n >= 4) return Fold((ulong)Load4(ref first, 0) << 32 | Load4(ref first, n - 4) ^ A, (ulong)n ^ B);
        if (n == 0) return A;
        ulong all = (ulong)first << 16 | (ulong)Unsafe.Add(ref first, n >> 1) << 8 | Unsafe.Add(ref first, n - 1);
        return Fold(all ^ A, (ulong)n ^ B);
    }

    static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ BitOperations.RotateLeft(low, 32);
    }

    static ulong Load8(ref byte first, int at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, at));

    static uint Load4(ref byte first, int at) => Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, at));
}
