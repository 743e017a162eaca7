using System.Numerics;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// Text as a row of word hashes. A word is a run of ASCII letters and digits, case ignored, or of bytes above 127; all else
/// separates.
/// </summary>
static class Words
{
    const ulong Odd = 0x9E3779B97F4A7C15;                       // 2^64/φ, odd, so that powers of it keep all bits apart

    /// <summary>0 separates; else the byte that counts, letters in lower case.</summary>
    static readonly byte[] Class = [.. Enumerable.Range(0, 256).Select(b =>
        b >= 128 ? (byte)b : char.IsAsciiLetterOrDigit((char)b) ? (byte)char.ToLowerInvariant((char)b) : (byte)0)];

    /// <summary>Appends one hash a word.</summary>
    public static void Hash(ReadOnlySpan<byte> utf8, List<ulong> words)
    {
        ulong hash = 0;
        foreach (byte b in utf8)
        {
            byte c = Class[b];
            if (c != 0)
            {
                hash = (BitOperations.RotateLeft(hash, 5) ^ c) * Odd;
            }
            else if (hash != 0)
            {
                words.Add(Mix(hash));
                hash = 0;
            }
        }
        if (hash != 0) words.Add(Mix(hash));
    }

    /// <summary>Hash of each run of <paramref name="length"/> words; one of all of them where there are fewer and at least
    /// one.</summary>
    public static void Shingles(List<ulong> words, int length, List<ulong> shingles)
    {
        length = Math.Min(length, words.Count);
        if (length == 0) return;
        ulong top = 1, hash = 0;                                // a rolling polynomial in Odd, mod 2^64
        for (int i = 0; i < length; i++) top *= Odd;
        for (int i = 0; i < words.Count; i++)
        {
            hash = hash * Odd + words[i];
            if (i >= length) hash -= top * words[i - length];
            if (i >= length - 1) shingles.Add(Mix(hash));
        }
    }

    /// <summary>Spreads every input bit over all output bits (the finaliser of splitmix64).</summary>
    public static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
