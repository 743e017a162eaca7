using System.Numerics;
using System.Text;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Eval;

/// <summary>Items whose prompt and answer stand word for word in a document of the training text.</summary>
/// <param name="Found">their ids</param> <param name="TooShort">ids of items too short to tell: not looked for</param>
/// <param name="Bytes">of text that was read</param>
public sealed record Contamination(IReadOnlySet<string> Found, IReadOnlySet<string> TooShort, long Bytes)
{
    /// <summary>Shorter texts than so many bytes stand anywhere by chance.</summary>
    public const int MinBytes = 24;

    /// <summary>
    /// Reads a corpus' training side once. Texts are compared with white space as single spaces, whole words at both ends.
    /// Memory: the items' texts and a few megabytes a thread, however large the corpus.
    /// </summary>
    public static Contamination Search(IReadOnlyList<EvalItem> items, Corpus corpus, Workspace here)
    {
        _ = corpus.Tokenizer;
        return Search(items, corpus.Train, corpus.Tokenizer, here.Part(p => p with { Stage = $"search {corpus.Name}" }));
    }

    internal static Contamination Search(IReadOnlyList<EvalItem> items, TokenStream train, Tokenizer tokenizer,
        Workspace here, int stretch = 1 << 20)
    {
        var texts = items.GroupBy(i => Encoding.UTF8.GetString(Normal(i.Prompt + i.Answer)), i => i.Id)
            .ToLookup(g => Encoding.UTF8.GetByteCount(g.Key) >= MinBytes);
        var needles = new Needles([.. texts[true].Select(g => Encoding.UTF8.GetBytes(g.Key))]);
        long read = 0;
        int count = needles.Count == 0 ? 0 : (int)((train.Count + stretch - 1) / stretch), done = 0;
        OrderedPipeline.Run(Enumerable.Range(0, count), i =>
        {
            long from = (long)i * stretch;
            return new Haystack(needles, train, tokenizer, stretch).Read(from, Math.Min(from + stretch, train.Count));
        }, bytes =>
        {
            read += bytes;
            here.Report("search", ++done, count);
        }, here.Cores, here.Stop);
        return new(texts[true].Where((_, i) => needles.IsFound(i)).SelectMany(g => g).ToHashSet(),
            texts[false].SelectMany(g => g).ToHashSet(), read);
    }

    static byte[] Normal(string text)
    {
        var bytes = new List<byte>();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            if (b > ' ') bytes.Add(b);
            else if (bytes.Count > 0 && bytes[^1] != ' ') bytes.Add((byte)' ');
        if (bytes.Count > 0 && bytes[^1] == ' ') bytes.RemoveAt(bytes.Count - 1);
        return [.. bytes];
    }

    /// <summary>
    /// Texts to look for, each by the window of <see cref="MinBytes"/> bytes in it that fewest of them share: a rolling hash
    /// (Karp and Rabin 1987) finds it, then the bytes decide.
    /// </summary>
    sealed class Needles
    {
        const ulong Base = 0x9E3779B97F4A7C15;
        const int FilterBits = 20;

        static readonly ulong Oldest = Enumerable.Range(0, MinBytes).Aggregate(1UL, (p, _) => unchecked(p * Base));

        readonly byte[][] texts;
        readonly bool[] found;
        readonly Dictionary<ulong, List<(int Text, int Offset)>> windows = [];
        readonly ulong[] filter = new ulong[1 << (FilterBits - 6)];

        public Needles(byte[][] texts)
        {
            (this.texts, found) = (texts, new bool[texts.Length]);
            Longest = texts.Length == 0 ? 0 : texts.Max(t => t.Length);
            var shared = new Dictionary<ulong, int>();
            foreach (byte[] text in texts)
                foreach (ulong hash in Hashes(text).Distinct()) shared[hash] = shared.GetValueOrDefault(hash) + 1;
            for (int t = 0; t < texts.Length; t++)
            {
                // Of equally rare windows the last: answers stand at the end.
                (ulong Hash, int Offset) rarest = Hashes(texts[t]).Select((h, i) => (h, i)).Reverse().MinBy(w => shared[w.h]);
                if (!windows.TryGetValue(rarest.Hash, out List<(int, int)>? own)) windows[rarest.Hash] = own = [];
                own.Add((t, rarest.Offset));
                filter[Place(rarest.Hash) >> 6] |= 1UL << (Place(rarest.Hash) & 63);
            }
        }

        public int Count => texts.Length;

        /// <summary>Bytes of the longest text.</summary>
        public int Longest { get; }

        public bool IsFound(int text) => found[text];

        static int Place(ulong hash) => (int)(hash * Base >> (64 - FilterBits));

        static IEnumerable<ulong> Hashes(byte[] text)
        {
            ulong hash = 0;
            for (int i = 0; i < text.Length; i++)
            {
                hash = Next(hash, text[i], i >= MinBytes ? text[i - MinBytes] : (byte)0);
                if (i >= MinBytes - 1) yield return hash;
            }
        }

        /// <param name="left">the byte that leaves the window; 0, which no text holds, where none does</param>
        static ulong Next(ulong hash, byte added, byte left) => unchecked(hash * Base + added - left * Oldest);

        /// <summary>Marks every text that stands in the bytes with a byte more on either side.</summary>
        public void Mark(ReadOnlySpan<byte> bytes)
        {
            ulong hash = 0;
            for (int i = 0; i < bytes.Length; i++)
            {
                hash = Next(hash, bytes[i], i >= MinBytes ? bytes[i - MinBytes] : (byte)0);
                int place = Place(hash);
                if ((filter[place >> 6] >> (place & 63) & 1) == 0 || !windows.TryGetValue(hash, out var own)) continue;
                foreach ((int text, int offset) in own)                        // threads may meet here: all write the same
                    if (!found[text] && Stands(bytes, i - MinBytes + 1 - offset, texts[text])) found[text] = true;
            }
        }

        static bool Stands(ReadOnlySpan<byte> bytes, int at, byte[] text) =>
            at > 0 && at + text.Length < bytes.Length && bytes.Slice(at, text.Length).SequenceEqual(text)
            && !(IsWord(bytes[at - 1]) && IsWord(text[0])) && !(IsWord(bytes[at + text.Length]) && IsWord(text[^1]));

        static bool IsWord(byte b) => b >= 0x80 || char.IsAsciiLetterOrDigit((char)b);
    }

    /// <summary>A reader of a stretch: white space made single, a line feed, which no text holds, between documents.</summary>
    sealed class Haystack(Needles needles, TokenStream stream, Tokenizer tokenizer, int room)
    {
        const byte Apart = (byte)'\n';

        // A text that begins before the stretch is seen whole by the reader before, which reads on for that long.
        const int TokensBefore = 1;

        readonly byte[] bytes = new byte[Math.Max(room, 2 * (needles.Longest + 2))];
        int length;
        long written;

        /// <summary>Marks what begins in tokens [from, to); gives the bytes it read for it.</summary>
        public long Read(long from, long to)
        {
            int[] tokens = new int[1 << 14];
            long at = Math.Max(0, from - TokensBefore), own = 0, end = long.MaxValue;
            if (at == 0) Add(Apart);
            while (at < stream.Count && written <= end)
            {
                Span<int> some = tokens.AsSpan(0, (int)Math.Min(tokens.Length, stream.Count - at));
                stream.Read(at, some);
                foreach (int token in some)
                {
                    if (at == to) end = written + needles.Longest + 1;
                    if (token == tokenizer.EndOfText) Add(Apart);
                    else own += AddText(tokenizer.Bytes(token));
                    at++;
                    if (written > end) break;
                }
            }
            Add(Apart);
            needles.Mark(bytes.AsSpan(0, length));
            return own;
        }

        int AddText(ReadOnlySpan<byte> text)
        {
            foreach (byte b in text)
                if (b > ' ') Add(b);
                else if (length == 0 || bytes[length - 1] is not ((byte)' ' or Apart)) Add((byte)' ');
            return text.Length;
        }

        void Add(byte b)
        {
            if (length == bytes.Length)
            {
                needles.Mark(bytes);
                int kept = needles.Longest + 2;                                // what may be the start of a text not yet whole
                bytes.AsSpan(length - kept).CopyTo(bytes);
                length = kept;
            }
            bytes[length++] = b;
            written++;
        }
    }
}
