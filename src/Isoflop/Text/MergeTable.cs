namespace Isoflop.Text;

/// <summary>One step of BPE: the tokens Left and Right, side by side, become the token Result.</summary>
readonly record struct Merge(int Left, int Right, int Result);

/// <summary>Merges by pair of tokens. Read-only after it is made, so safe for threads.</summary>
sealed class MergeTable
{
    /// <summary>What <see cref="Find"/> returns for a pair that never merges; larger than any rank.</summary>
    public const ulong None = ulong.MaxValue;

    readonly ulong[] keys;                                        // left, right + 1: 0 is empty
    readonly ulong[] values;

    /// <param name="merges">in order of rank; the last of two equal pairs counts, as at Hugging Face</param>
    public MergeTable(IReadOnlyList<Merge> merges)
    {
        int size = 16;
        while (size < 2 * merges.Count) size *= 2;
        keys = new ulong[size];
        values = new ulong[size];
        for (int rank = 0; rank < merges.Count; rank++)
        {
            ulong key = Key(merges[rank].Left, merges[rank].Right);
            int i = Slot(key);
            keys[i] = key;
            values[i] = (ulong)rank << 32 | (uint)merges[rank].Result;
        }
    }

    /// <summary>Rank in the upper half, resulting token in the lower; smaller merges first.</summary>
    public ulong Find(int left, int right)
    {
        ulong key = Key(left, right);
        int i = Slot(key);
        return keys[i] == key ? values[i] : None;
    }

    static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right + 1;

    /// <summary>Where the key is, or the empty place where it would be.</summary>
    int Slot(ulong key)
    {
        int mask = keys.Length - 1;
        int i = (int)((key * 0x9E3779B97F4A7C15) >> 40) & mask;
        while (keys[i] != key && keys[i] != 0) i = (i + 1) & mask;
        return i;
    }
}
