using System.IO.Hashing;
using System.Runtime.InteropServices;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

enum Side : byte { Dropped, Train, Valid }

/// <summary>
/// The first pass over the sources: which documents are new, which are alike, which side each goes to, and a sample for the
/// tokenizer. Memory grows by the hashes only: about 200 bytes a document, and the sample.
/// </summary>
sealed class Survey
{
    /// <summary>Text to train a tokenizer on, bytes at most.</summary>
    public const int SampleBytes = 25_000_000;

    readonly CorpusRecipe recipe;
    readonly bool sampling;
    readonly HashSet<UInt128> seen = [];
    readonly NearDuplicates near = new();
    readonly List<Side> sides = [];                             // by document, as read
    readonly List<int> kept = [], sizes = [];                   // by kept document: its index as read, its bytes
    readonly List<ulong> hashes = [];                           // by kept document
    readonly List<(int Start, int Documents, ulong Hash)> chunks = [];
    readonly Dictionary<string, int> tags = new(StringComparer.Ordinal);
    readonly PriorityQueue<(int Kept, byte[] Text), ulong> sample = new(Comparer<ulong>.Create((a, b) => b.CompareTo(a)));
    long sampled;
    ulong ceiling = ulong.MaxValue;                             // hashes from here on are not in the sample

    public long Duplicates { get; private set; }
    /// <summary>Lines that are no JSON and were left out.</summary>
    public long Broken { get; private set; }
    public long Clusters { get; private set; }
    public long ClusteredDocuments { get; private set; }
    public IReadOnlyDictionary<string, int> Tags => tags;

    Survey(CorpusRecipe recipe, bool sampling) => (this.recipe, this.sampling) = (recipe, sampling);

    /// <summary>Reads everything once.</summary>
    /// <param name="read">told the bytes on disk behind each chunk</param>
    /// <exception cref="DataException">Unreadable text, or too little of it for two sides.</exception>
    public static Survey Take(CorpusRecipe recipe, IEnumerable<Chunk> chunks, bool sampling, Workspace here,
        Action<long> read)
    {
        var survey = new Survey(recipe, sampling);
        OrderedPipeline.Run(chunks, Surveyed.Of, chunk =>
        {
            survey.Add(chunk);
            read(chunk.SourceBytes);
        }, here.Cores, here.Stop);
        survey.Split();
        return survey;
    }

    /// <summary>A chunk with everything about its documents that needs no other chunk.</summary>
    sealed record Surveyed(long SourceBytes, long Broken, List<TextDocument> Documents, UInt128[] Hashes, ulong[][] Keys,
        ulong Hash)
    {
        public static Surveyed Of(Chunk chunk)
        {
            Parsed parsed = chunk.Parse();
            List<TextDocument> documents = parsed.Documents;
            var hashes = new UInt128[documents.Count];
            var keys = new ulong[documents.Count][];
            List<ulong> words = [], shingles = [];
            for (int i = 0; i < documents.Count; i++)
            {
                hashes[i] = ContentHash(documents[i].Utf8.Span);
                words.Clear();
                shingles.Clear();
                Words.Hash(documents[i].Utf8.Span, words);
                Words.Shingles(words, NearDuplicates.ShingleWords, shingles);
                keys[i] = NearDuplicates.Keys(shingles);
            }
            return new(chunk.SourceBytes, parsed.Broken, documents, hashes, keys, HashOf(documents));
        }
    }

    /// <summary>Hash of the text with each run of white space as one space: what makes two documents the same.</summary>
    internal static UInt128 ContentHash(ReadOnlySpan<byte> utf8)
    {
        var hash = new XxHash128();
        Span<byte> buffer = stackalloc byte[1024];
        int filled = 0;
        bool space = false, started = false;
        foreach (byte b in utf8)
        {
            if (b is (byte)' ' or (>= 9 and <= 13))
            {
                space = started;
                continue;
            }
            if (filled > buffer.Length - 2)
            {
                hash.Append(buffer[..filled]);
                filled = 0;
            }
            if (space) buffer[filled++] = (byte)' ';
            buffer[filled++] = b;
            (space, started) = (false, true);
        }
        hash.Append(buffer[..filled]);
        return hash.GetCurrentHashAsUInt128();
    }

    static ulong HashOf(List<TextDocument> documents)
    {
        var hash = new XxHash3();
        foreach (TextDocument document in documents)
        {
            hash.Append(document.Utf8.Span);
            hash.Append([(byte)0xFF]);                          // in no UTF-8: keeps the borders
        }
        return hash.GetCurrentHashAsUInt64();
    }

    void Add(Surveyed chunk)
    {
        Broken += chunk.Broken;
        chunks.Add((sides.Count, chunk.Documents.Count, chunk.Hash));
        for (int i = 0; i < chunk.Documents.Count; i++)
        {
            if (!seen.Add(chunk.Hashes[i]))
            {
                sides.Add(Side.Dropped);
                Duplicates++;
                continue;
            }
            TextDocument document = chunk.Documents[i];
            if (document.Tag is { } tag && tags.TryAdd(tag, tags.Count) && tags.Count > 65536)
                throw new DataException($"more than 65536 different tags, '{tag}' among them; is '{recipe.TagField}' the right " +
                    $"field?");
            ulong hash = Words.Mix((ulong)chunk.Hashes[i] ^ Words.Mix(recipe.Seed));
            Sample(kept.Count, document.Utf8, Words.Mix(hash + 1));
            kept.Add(sides.Count);
            sides.Add(Side.Train);
            sizes.Add(document.Utf8.Length);
            hashes.Add(hash);
            near.Join(chunk.Keys[i]);
        }
    }

    /// <summary>Keeps the documents of lowest hash that fit: the same ones in whatever order they come.</summary>
    void Sample(int index, ReadOnlyMemory<byte> text, ulong hash)
    {
        if (!sampling || hash >= ceiling) return;
        // One long document may not push out all others.
        sample.Enqueue((index, text[..Math.Min(text.Length, SampleBytes / 8)].ToArray()), hash);
        sampled += Math.Min(text.Length, SampleBytes / 8);
        while (sampled > SampleBytes && sample.TryDequeue(out (int, byte[] Text) out_, out ulong highest))
        {
            sampled -= out_.Text.Length;
            ceiling = highest;
        }
    }

    /// <summary>Whole groups go to validation, in the order of their lowest hash, while they fit.</summary>
    void Split()
    {
        long total = sizes.Sum(s => (long)s);
        if (total == 0)
            throw new DataException("the sources hold no text" +
                (Broken > 0 ? $"; {Broken} lines are not JSON and were left out" : ""));
        int[] group = near.Groups();
        long[] bytes = new long[group.Length];
        int[] members = new int[group.Length];
        ulong[] lowest = new ulong[group.Length];
        Array.Fill(lowest, ulong.MaxValue);
        for (int i = 0; i < group.Length; i++)
        {
            int g = group[i];
            bytes[g] += sizes[i];
            members[g]++;
            lowest[g] = Math.Min(lowest[g], hashes[i]);
        }
        Clusters = members.Count(n => n > 1);
        ClusteredDocuments = members.Where(n => n > 1).Sum(n => (long)n);

        int[] groups = [.. Enumerable.Range(0, group.Length).Where(g => members[g] > 0).OrderBy(g => lowest[g]).ThenBy(g => g)];
        if (groups.Length < 2)
            throw new DataException($"the sources hold {kept.Count} document(s), all alike; training and validation need one " +
                $"each");
        double share = recipe.ValidShare is { } s ? s * total
            : Math.Min(Math.Clamp(0.01 * total, 100_000, 2_000_000), 0.1 * total);
        long room = (long)share;
        bool[] valid = new bool[group.Length];
        foreach (int g in groups)
        {
            if (bytes[g] > room) continue;
            valid[g] = true;
            room -= bytes[g];
            if (room < 0.05 * share) break;                     // the last gap would draw short documents only
        }
        if (!valid.Contains(true)) valid[groups.MinBy(g => bytes[g])] = true;
        for (int i = 0; i < group.Length; i++)
            if (valid[group[i]]) sides[kept[i]] = Side.Valid;
    }

    /// <summary>The sample's training documents, by hash. Empties the sample.</summary>
    public List<ReadOnlyMemory<byte>> TakeSample()
    {
        var texts = new List<ReadOnlyMemory<byte>>();
        while (sample.TryDequeue(out (int Kept, byte[] Text) next, out _))
            if (sides[kept[next.Kept]] == Side.Train) texts.Add(next.Text);
        return texts;
    }

    /// <summary>Where each document of a chunk goes; the chunk must be the one that was surveyed.</summary>
    /// <exception cref="DataException">A source changed between the passes.</exception>
    public ReadOnlySpan<Side> SidesOf(int chunk, List<TextDocument> documents)
    {
        if (chunk >= chunks.Count || chunks[chunk].Documents != documents.Count || chunks[chunk].Hash != HashOf(documents))
            throw Changed();
        return CollectionsMarshal.AsSpan(sides).Slice(chunks[chunk].Start, documents.Count);
    }

    public static DataException Changed() => new("the sources changed while they were read; build the corpus again");

    /// <summary>Chunks surveyed.</summary>
    public int Chunks => chunks.Count;
}
