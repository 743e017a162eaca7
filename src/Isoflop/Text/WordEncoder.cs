namespace Isoflop.Text;

/// <summary>Merges the bytes of one piece of text into tokens and remembers what it has seen. One a thread.</summary>
sealed class WordEncoder
{
    /// <summary>Pieces longer than this are not remembered, and merged by a heap: the plain search is quadratic.</summary>
    const int LongWord = 128;
    const int MaxWords = 1 << 16, MaxTokens = 1 << 19;            // about 5 MB; then all is forgotten: text repeats itself

    readonly int[] byteTokens;
    readonly MergeTable merges;
    readonly WholeWords? whole;
    readonly WordTable words = new();
    int[] tokenEnds = new int[1 << 10];
    int[] tokens = new int[1 << 12];

    /// <param name="byteTokens">[256] token of each byte</param>
    /// <param name="whole">pieces that are tokens as they stand, whatever the merges say; or null</param>
    public WordEncoder(int[] byteTokens, MergeTable merges, WholeWords? whole) =>
        (this.byteTokens, this.merges, this.whole) = (byteTokens, merges, whole);

    /// <summary>Scratch of the slow splitter.</summary>
    public List<(int Start, int End)> Pieces { get; } = [];

    /// <summary>The tokens of one piece; they hold until the next call.</summary>
    public ReadOnlySpan<int> Encode(ReadOnlySpan<byte> word)
    {
        if (word.Length == 1) return new ReadOnlySpan<int>(byteTokens, word[0], 1);
        if (word.Length > LongWord) return EncodeLong(word);
        int number = words.Find(word, out ulong hash);
        if (number < 0) number = Remember(word, hash);
        int start = number == 0 ? 0 : tokenEnds[number - 1];
        return new ReadOnlySpan<int>(tokens, start, tokenEnds[number] - start);
    }

    int Remember(ReadOnlySpan<byte> word, ulong hash)
    {
        if (words.Count == MaxWords || (words.Count > 0 && tokenEnds[words.Count - 1] > MaxTokens - LongWord)) words.Clear();
        int number = words.Add(word, hash);
        int start = number == 0 ? 0 : tokenEnds[number - 1];
        if (number == tokenEnds.Length) Array.Resize(ref tokenEnds, 2 * tokenEnds.Length);
        if (start + LongWord > tokens.Length) Array.Resize(ref tokens, 2 * tokens.Length);
        tokenEnds[number] = start + MergeShort(word, tokens.AsSpan(start));
        return number;
    }

    /// <summary>Smallest rank first, leftmost of equals. O(n²) with a tiny constant. Returns the number of tokens.</summary>
    int MergeShort(ReadOnlySpan<byte> word, Span<int> result)
    {
        if (whole is not null && whole.TryGet(word, out result[0])) return 1;
        int n = word.Length;
        for (int i = 0; i < n; i++) result[i] = byteTokens[word[i]];
        Span<ulong> ranks = stackalloc ulong[LongWord];
        for (int i = 0; i < n - 1; i++) ranks[i] = merges.Find(result[i], result[i + 1]);
        while (n > 1)
        {
            int best = 0;
            for (int i = 1; i < n - 1; i++)
                if (ranks[i] < ranks[best]) best = i;
            if (ranks[best] == MergeTable.None) break;
            result[best] = (int)(uint)ranks[best];
            n--;
            result[(best + 2)..(n + 1)].CopyTo(result[(best + 1)..]);
            ranks[(best + 1)..n].CopyTo(ranks[best..]);
            if (best > 0) ranks[best - 1] = merges.Find(result[best - 1], result[best]);
            if (best < n - 1) ranks[best] = merges.Find(result[best], result[best + 1]);
        }
        return n;
    }

    /// <summary>The same merges in O(n log n), for text without spaces. Allocates.</summary>
    int[] EncodeLong(ReadOnlySpan<byte> word)
    {
        if (whole is not null && whole.TryGet(word, out int token)) return [token];
        int n = word.Length;
        int[] symbols = new int[n], next = new int[n], previous = new int[n];
        var queue = new PriorityQueue<ulong, (ulong Merge, int At)>();
        for (int i = 0; i < n; i++)
        {
            symbols[i] = byteTokens[word[i]];
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        for (int i = 0; i < n - 1; i++) Offer(i);
        int left = n;
        while (queue.TryDequeue(out ulong merge, out (ulong, int At) place))
        {
            int at = place.At;
            if (symbols[at] < 0 || next[at] >= n || merges.Find(symbols[at], symbols[next[at]]) != merge) continue;
            int gone = next[at];
            symbols[at] = (int)(uint)merge;
            symbols[gone] = -1;
            next[at] = next[gone];
            if (next[at] < n) previous[next[at]] = at;
            left--;
            if (previous[at] >= 0) Offer(previous[at]);
            if (next[at] < n) Offer(at);
        }
        int[] result = new int[left];
        for (int i = 0, k = 0; i < n; i = next[i]) result[k++] = symbols[i];
        return result;

        void Offer(int at)
        {
            ulong merge = merges.Find(symbols[at], symbols[next[at]]);
            if (merge != MergeTable.None) queue.Enqueue(merge, (merge, at));
        }
    }
}

/// <summary>Byte strings that are tokens, for files that ask for them before any merge. Read-only, so safe for threads.</summary>
sealed class WholeWords
{
    readonly Dictionary<string, int> tokens = [];                 // Latin-1: one char a byte
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    readonly int longest;

    public WholeWords(IEnumerable<(byte[] Bytes, int Token)> words)
    {
        foreach ((byte[] bytes, int token) in words)
        {
            tokens[System.Text.Encoding.Latin1.GetString(bytes)] = token;
            longest = Math.Max(longest, bytes.Length);
        }
        lookup = tokens.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public bool TryGet(ReadOnlySpan<byte> word, out int token)
    {
        token = -1;
        if (word.Length > longest) return false;
        Span<char> chars = word.Length <= 256 ? stackalloc char[256] : new char[word.Length];
        System.Text.Encoding.Latin1.GetChars(word, chars);
        return lookup.TryGetValue(chars[..word.Length], out token);
    }
}
