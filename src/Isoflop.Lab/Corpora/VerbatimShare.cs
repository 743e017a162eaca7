using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// How much of the validation text stands verbatim in training: the share of its runs of 13 words, at every word of every
/// document, that some training document has too. Memory: 16 to 32 bytes a word of validation, however large the training side
/// is.
/// </summary>
/// <remarks>Runs are compared by 64-bit hashes: among 10¹⁰ training runs and 4·10⁵ others, 2·10⁻⁴ are expected to agree by
/// chance.</remarks>
static class VerbatimShare
{
    public const string Meaning = "share of the runs of 13 words in validation documents that also stand in a training " +
        "document; " +
        "words are runs of letters and digits, case ignored; shorter documents have no run";
    const int Run = 13;
    /// <summary>Tokens a work item starts documents in.</summary>
    internal const int Stretch = 1 << 19;

    /// <summary>Measured on the written streams.</summary>
    public static double Measure(TokenStream train, TokenStream valid, Tokenizer tokenizer, Workspace here,
        int stretch = Stretch)
    {
        var runs = new List<ulong>();
        var scratch = new Scratch(valid, tokenizer);
        scratch.Documents(0, valid.Count, runs.AddRange);
        if (runs.Count == 0) return 0;
        var table = new RunTable(runs);
        long done = 0;
        OrderedPipeline.Run(Starts(train.Count, stretch), start =>
        {
            new Scratch(train, tokenizer).Documents(start, Math.Min(start + stretch, train.Count), table.Mark);
            return start;
        }, _ => here.Report("comparing", Math.Min(train.Count, done += stretch), train.Count), here.Cores, here.Stop);
        return runs.Count(table.Marked) / (double)runs.Count;
    }

    static IEnumerable<long> Starts(long count, int stretch)
    {
        for (long start = 0; start < count; start += stretch) yield return start;
    }

    /// <summary>Buffers of one reader.</summary>
    sealed class Scratch(TokenStream stream, Tokenizer tokenizer)
    {
        readonly int[] tokens = new int[1 << 14];
        readonly List<ulong> words = [], runs = [];
        byte[] text = new byte[1 << 16];

        /// <summary>The runs of each document whose first token lies in [from, to).</summary>
        public void Documents(long from, long to, Action<List<ulong>> document)
        {
            long at = Math.Max(0, from - 1);                    // a document starts after an end of text
            bool inside = from == 0;
            int length = 0;
            while (at < stream.Count)
            {
                Span<int> some = tokens.AsSpan(0, (int)Math.Min(tokens.Length, stream.Count - at));
                stream.Read(at, some);
                foreach (int token in some)
                {
                    if (token == tokenizer.EndOfText)
                    {
                        if (inside) Emit(length, document);
                        length = 0;
                        inside = true;
                        if (at + 1 >= to) return;
                    }
                    else if (inside)
                    {
                        ReadOnlySpan<byte> bytes = tokenizer.Bytes(token);
                        if (length + bytes.Length > text.Length) Array.Resize(ref text, text.Length * 2 + bytes.Length);
                        bytes.CopyTo(text.AsSpan(length));
                        length += bytes.Length;
                    }
                    at++;
                }
            }
        }

        void Emit(int length, Action<List<ulong>> document)
        {
            words.Clear();
            runs.Clear();
            Words.Hash(text.AsSpan(0, length), words);
            if (words.Count < Run) return;
            Words.Shingles(words, Run, runs);
            document(runs);
        }
    }

    /// <summary>A set of hashes that can be marked from any number of threads: open addressing, half full at most.</summary>
    sealed class RunTable
    {
        readonly ulong[] keys;
        readonly bool[] marks;
        readonly int mask;

        public RunTable(List<ulong> runs)
        {
            int size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)runs.Count * 2);
            (keys, marks, mask) = (new ulong[size], new bool[size], size - 1);
            foreach (ulong run in runs) keys[Slot(run)] = run | 1;
        }

        public void Mark(List<ulong> runs)
        {
            foreach (ulong run in runs)
                if (Slot(run) is var slot && keys[slot] != 0) marks[slot] = true;   // all writers write the same
        }

        public bool Marked(ulong run) => marks[Slot(run)];

        /// <summary>Where the run is, or the free slot where it would be.</summary>
        int Slot(ulong run)
        {
            run |= 1;                                           // 0 is a free slot
            int slot = (int)(run >> 20) & mask;
            while (keys[slot] != 0 && keys[slot] != run) slot = (slot + 1) & mask;
            return slot;
        }
    }
}
