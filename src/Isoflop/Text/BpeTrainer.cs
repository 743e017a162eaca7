using System.Runtime.ExceptionServices;
using System.Text;
using Isoflop.Store;

namespace Isoflop.Text;

/// <summary>Learns the merges of byte-level BPE. Sennrich et al. 2016, arXiv:1508.07909.</summary>
public static class BpeTrainer
{
    /// <summary>The special tokens unless others are asked for; they take the first ids.</summary>
    public static IReadOnlyList<string> DefaultSpecials { get; } =
        [Tokenizer.EndOfTextName, "<|user|>", "<|assistant|>", "<|think|>", "<|/think|>"];

    const int LargestVocab = 1 << 16;                             // a token fits 16 bits on disk
    const int LongestWord = 256;                                  // bytes; longer pieces are learnt from in parts
    const int BatchBytes = 1 << 18;

    /// <summary>Merges the most frequent pair of neighbours, again and again, until the vocabulary is full.</summary>
    /// <param name="utf8Documents">text; every document's memory must stay as it is until training ends</param>
    /// <param name="vocabSize">all ids: special tokens, the 243 bytes of UTF-8, and merges; at most 65,536</param>
    /// <param name="specials">ids 0, 1, …; &lt;|endoftext|&gt; is among them. Null: <see cref="DefaultSpecials"/></param>
    /// <param name="here">threads that count words, on which the result does not depend; told the share of merges done</param>
    /// <exception cref="ConfigException">the size is out of bounds, or the text has too few different words for it</exception>
    public static Tokenizer Train(IEnumerable<ReadOnlyMemory<byte>> utf8Documents, int vocabSize,
        IReadOnlyList<string>? specials = null, Workspace? here = null)
    {
        here ??= new();
        specials ??= DefaultSpecials;
        int alphabet = specials.Count + ByteAlphabet.Utf8Values;
        if (vocabSize < alphabet || vocabSize > LargestVocab)
            throw new ConfigException($"vocab_size={vocabSize} must be from {alphabet} ({specials.Count} special tokens and " +
                $"the {ByteAlphabet.Utf8Values} bytes of UTF-8) to {LargestVocab}; try 256 or 8192");
        if (!specials.Contains(Tokenizer.EndOfTextName) || specials.Distinct().Count() < specials.Count || specials.Contains(""))
            throw new ConfigException($"specials=[{string.Join(", ", specials)}] must be different names with " +
                $"{Tokenizer.EndOfTextName} among them; add it");

        List<byte[]> tokens = [.. specials.Select(Encoding.UTF8.GetBytes)];
        var byteTokens = new int[256];
        for (int b = 0; b < 256; b++)
        {
            if (!ByteAlphabet.InUtf8(b)) continue;
            byteTokens[b] = tokens.Count;
            tokens.Add([(byte)b]);
        }

        (WordTable words, List<long> counts) = CountWords(utf8Documents, here.Cores);
        var learner = new MergeLearner(words, counts, byteTokens);
        List<Merge> merges = learner.Learn(tokens, specials.Count, vocabSize, here);
        if (tokens.Count < vocabSize)
            throw new ConfigException($"vocab_size={vocabSize} is more than this text has pairs for: it fills {tokens.Count}; " +
                $"give more text or ask for {tokens.Count} at most");
        return new Tokenizer(new TokenizerSpec
        {
            Tokens = [.. tokens],
            Merges = merges,
            Added = [.. specials.Select((text, id) => new AddedToken(id, text, IsSpecial: true))],
        });
    }

    /// <summary>How often each piece of text occurs. The numbers of words depend on the threads, the counts do not.</summary>
    static (WordTable Words, List<long> Counts) CountWords(IEnumerable<ReadOnlyMemory<byte>> documents, int threads)
    {
        var all = new (WordTable Words, List<long> Counts)[threads];
        using IEnumerator<ReadOnlyMemory<byte>> source = Segments(documents).GetEnumerator();
        bool more = true;
        try
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, worker =>
            {
                (WordTable words, List<long> counts) = all[worker] = (new WordTable(), []);
                List<ReadOnlyMemory<byte>> batch = [];
                while (TakeBatch(batch))
                    foreach (ReadOnlyMemory<byte> segment in batch) Count(segment.Span, words, counts);
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);    // the source's own failure, not its wrapping
        }
        for (int worker = 1; worker < threads; worker++)
            for (int i = 0; i < all[worker].Counts.Count; i++)
                Add(all[worker].Words[i], all[worker].Counts[i], all[0].Words, all[0].Counts);
        return all[0];

        bool TakeBatch(List<ReadOnlyMemory<byte>> batch)
        {
            batch.Clear();
            lock (source)
            {
                for (int size = 0; more && size < BatchBytes;)
                {
                    more = false;                                 // also when the source throws: the others stop then
                    if (!source.MoveNext()) break;
                    more = true;
                    batch.Add(source.Current);
                    size += source.Current.Length;
                }
            }
            return batch.Count > 0;
        }
    }

    /// <summary>Documents, large ones cut before a space after a visible ASCII character: there a piece ends anyway.</summary>
    internal static IEnumerable<ReadOnlyMemory<byte>> Segments(IEnumerable<ReadOnlyMemory<byte>> documents, int size = BatchBytes)
    {
        foreach (ReadOnlyMemory<byte> document in documents)
        {
            int start = 0;
            while (document.Length - start > size)
            {
                int cut = NextCut(document.Span, start + size);
                if (cut == document.Length) break;
                yield return document[start..cut];
                start = cut;
            }
            yield return document[start..];
        }
    }

    static int NextCut(ReadOnlySpan<byte> text, int at)
    {
        for (; at < text.Length; at++)
            if (text[at] is (byte)' ' or (byte)'\n' && text[at - 1] is > 0x20 and < 0x7F) return at;
        return text.Length;
    }

    static void Count(ReadOnlySpan<byte> text, WordTable words, List<long> counts)
    {
        text = Tokenizer.ValidUtf8(text);
        for (int start = 0; start < text.Length;)
        {
            int end = PreTokenizer.Next(text, start);
            for (; end - start > LongestWord; start += LongestWord) Add(text.Slice(start, LongestWord), 1, words, counts);
            if (end - start > 1) Add(text[start..end], 1, words, counts);          // one byte has no pair
            start = end;
        }
    }

    static void Add(ReadOnlySpan<byte> word, long count, WordTable words, List<long> counts)
    {
        int number = words.Find(word, out ulong hash);
        if (number >= 0)
        {
            counts[number] += count;
            return;
        }
        words.Add(word, hash);
        counts.Add(count);
    }
}
