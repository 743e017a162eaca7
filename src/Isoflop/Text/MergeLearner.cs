using System.Runtime.InteropServices;
using Isoflop.Store;

namespace Isoflop.Text;

/// <summary>
/// Picks merges from counted words: pair counts are kept up to date word by word, and a heap holds the pairs. The most
/// frequent pair is next; of equals the one with the smaller left token, then the smaller right one.
/// </summary>
sealed class MergeLearner
{
    /// <summary>A pair's count over all words, and the chain of words that have or had it.</summary>
    struct PairState
    {
        public long Count;
        public int Chain;                                         // into links; −1 is the end
        public int TouchedBy;                                     // the merge that last raised the count
    }

    readonly int[] symbols;                                       // of all words; a word only ever shrinks in its place
    readonly int[] starts, lengths;
    readonly List<long> counts;
    readonly Dictionary<ulong, int> numbers = [];                 // pair to its place in states
    readonly List<PairState> states = [];
    readonly List<(int Word, int Next)> links = [];
    readonly PriorityQueue<ulong, (long Count, ulong Pair)> heap =
        new(Comparer<(long Count, ulong Pair)>.Create((a, b) =>
            a.Count != b.Count ? b.Count.CompareTo(a.Count) : a.Pair.CompareTo(b.Pair)));
    readonly List<ulong> touched = [];

    public MergeLearner(WordTable words, List<long> counts, int[] byteTokens)
    {
        this.counts = counts;
        symbols = new int[words.ByteCount];
        starts = new int[words.Count];
        lengths = new int[words.Count];
        int at = 0;
        for (int word = 0; word < words.Count; word++)
        {
            starts[word] = at;
            lengths[word] = words[word].Length;
            foreach (byte b in words[word]) symbols[at++] = byteTokens[b];
            for (int i = starts[word]; i < at - 1; i++) Raise(Pair(symbols[i], symbols[i + 1]), counts[word], word, merge: 0);
        }
        OfferTouched();
    }

    /// <summary>Appends tokens until there are <paramref name="vocabSize"/> or no pair is left; returns the merges.</summary>
    /// <param name="tokens">bytes of the tokens so far; the first <paramref name="specials"/> take part in no merge</param>
    public List<Merge> Learn(List<byte[]> tokens, int specials, int vocabSize, Workspace here)
    {
        List<Merge> merges = [];
        HashSet<ulong> merged = [];
        int step = 0, first = tokens.Count, reportAt = first;
        var known = new WordTable();                              // the same bytes by another way are the same token
        for (int i = specials; i < first; i++) known.FindOrAdd(tokens[i]);
        while (tokens.Count < vocabSize && TakeMostFrequent() is { } pair)
        {
            int left = (int)(pair >> 32), right = (int)(uint)pair;
            byte[] bytes = [.. tokens[left], .. tokens[right]];
            int result = specials + known.FindOrAdd(bytes);
            if (result == tokens.Count) tokens.Add(bytes);
            if (merged.Add(pair)) merges.Add(new Merge(left, right, result));      // else its left or right came about anew
            Apply(pair, left, right, result, ++step);
            if (tokens.Count < reportAt) continue;
            here.Stop.ThrowIfCancellationRequested();
            here.Report("tokenizer", (double)(tokens.Count - first) / (vocabSize - first));
            reportAt = tokens.Count + Math.Max(1, (vocabSize - first) / 100);
        }
        here.Report("tokenizer", 1);
        return merges;
    }

    ulong? TakeMostFrequent()
    {
        while (heap.TryDequeue(out ulong pair, out (long Count, ulong) offer))
        {
            long count = states[numbers[pair]].Count;
            if (count == offer.Count) return pair;
            // A count that fell is offered again here; one that rose was offered when it did.
            if (count > 0 && count < offer.Count) heap.Enqueue(pair, (count, pair));
        }
        return null;
    }

    /// <summary>Replaces the pair in every word that has it.</summary>
    void Apply(ulong pair, int left, int right, int result, int merge)
    {
        ref PairState merged = ref CollectionsMarshal.AsSpan(states)[numbers[pair]];
        int chain = merged.Chain;
        (merged.Count, merged.Chain) = (0, -1);
        for (; chain >= 0; chain = links[chain].Next)
        {
            int word = links[chain].Word;
            Span<int> s = symbols.AsSpan(starts[word], lengths[word]);
            long count = counts[word];
            int kept = 0;
            for (int i = 0; i < s.Length; i++)
            {
                if (i + 1 == s.Length || s[i] != left || s[i + 1] != right)
                {
                    s[kept++] = s[i];
                    continue;
                }
                if (kept > 0)
                {
                    Lower(Pair(s[kept - 1], left), count, pair);
                    Raise(Pair(s[kept - 1], result), count, word, merge);
                }
                if (i + 2 < s.Length)
                {
                    Lower(Pair(right, s[i + 2]), count, pair);
                    Raise(Pair(result, s[i + 2]), count, word, merge);
                }
                s[kept++] = result;
                i++;
            }
            lengths[word] = kept;
        }
        OfferTouched();
    }

    void Lower(ulong pair, long count, ulong merged)
    {
        if (pair == merged) return;                               // it is gone as a whole already
        CollectionsMarshal.AsSpan(states)[numbers[pair]].Count -= count;
    }

    void Raise(ulong pair, long count, int word, int merge)
    {
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, pair, out bool known);
        if (!known)
        {
            number = states.Count;
            states.Add(new PairState { Chain = -1, TouchedBy = -1 });
        }
        ref PairState state = ref CollectionsMarshal.AsSpan(states)[number];
        state.Count += count;
        if (state.TouchedBy != merge)
        {
            state.TouchedBy = merge;
            touched.Add(pair);
        }
        if (state.Chain >= 0 && links[state.Chain].Word == word) return;
        links.Add((word, state.Chain));
        state.Chain = links.Count - 1;
    }

    void OfferTouched()
    {
        foreach (ulong pair in touched)
        {
            long count = states[numbers[pair]].Count;
            if (count > 0) heap.Enqueue(pair, (count, pair));
        }
        touched.Clear();
    }

    static ulong Pair(int left, int right) => (ulong)(uint)left << 32 | (uint)right;
}
