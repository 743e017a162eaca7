using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Data;

/// <summary>What one side of a corpus holds. Tokens include one end-of-text after each document; bytes are the documents'
/// UTF-8.</summary>
public sealed record CorpusSide
{
    /// <summary>Documents.</summary>
    public long Documents { get; init; }
    /// <summary>Tokens.</summary>
    public long Tokens { get; init; }
    /// <summary>Bytes of text; where tokens have weights, of what weighs.</summary>
    public long Bytes { get; init; }
    /// <summary>Tokens with a weight in the loss, where they have weights: prompts weigh 0, replies 1. 0: all weigh 1.</summary>
    public long WeightedTokens { get; init; }
    /// <summary>Stream files, in order; the names of parallel streams differ in the extension only.</summary>
    public IReadOnlyList<string> Shards { get; init; } = [];
    /// <summary>Bytes of text a token stands for: nats a token over ln 2 and over this is bits a byte.</summary>
    [JsonIgnore] public double BytesPerToken => Predicted == 0 ? 0 : (double)Bytes / Predicted;
    /// <summary>Tokens that weigh.</summary>
    [JsonIgnore] public long Predicted => WeightedTokens > 0 ? WeightedTokens : Tokens;
}

/// <summary>One thing a corpus was made of, as the user named it.</summary>
public sealed record CorpusSource
{
    /// <summary>Path, folder or glob.</summary>
    public required string Path { get; init; }
    /// <summary>Files found there.</summary>
    public long Files { get; init; }
    /// <summary>Their bytes on disk.</summary>
    public long Bytes { get; init; }
    /// <summary>Hash of what is in them; null: older than such hashes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? XxHash128 { get; init; }
}

/// <summary>corpus.json: what a corpus folder holds and how it came about.</summary>
public sealed record CorpusInfo
{
    static readonly Format format = new("corpus");

    /// <summary>File name in the corpus folder.</summary>
    public const string FileName = "corpus.json";

    /// <summary>Name of the corpus, also of its folder.</summary>
    public required string Name { get; init; }
    /// <summary>Where the text is from.</summary>
    public IReadOnlyList<CorpusSource> Sources { get; init; } = [];
    /// <summary>What is known about the right to use the text.</summary>
    public string Licence { get; init; } = "";
    /// <summary>Hash of tokenizer.json; streams made by another tokenizer are refused.</summary>
    public required string TokenizerHash { get; init; }
    /// <summary>Ids are below this.</summary>
    public required int VocabSize { get; init; }
    /// <summary>Id after each document.</summary>
    public required int EndOfText { get; init; }
    /// <summary>Bytes of text a token stands for, both sides together.</summary>
    public double BytesPerToken { get; init; }
    /// <summary>Training side.</summary>
    public required CorpusSide Train { get; init; }
    /// <summary>Validation side.</summary>
    public required CorpusSide Valid { get; init; }
    /// <summary>Names of the tags, by tag id; empty when there is no tag stream.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];
    /// <summary>
    /// Nats a token that the best possible model would pay on the validation side, by tag; null where nobody knows it.
    /// </summary>
    public IReadOnlyList<double?> TagEntropies { get; init; } = [];
    /// <summary>Documents dropped because their text stood in the sources already.</summary>
    public long DuplicatesDropped { get; init; }
    /// <summary>Lines of JSON that are none and were left out, where that was asked for.</summary>
    public long LinesLeftOut { get; init; }
    /// <summary>Groups of two or more near-duplicates; each lies on one side.</summary>
    public long NearDuplicateClusters { get; init; }
    /// <summary>Documents in these groups.</summary>
    public long NearDuplicateDocuments { get; init; }
    /// <summary>Share of validation text that stands verbatim in training, 0 to 1; <see cref="VerbatimMeaning"/> says of
    /// what.</summary>
    public double VerbatimShare { get; init; }
    /// <summary>What <see cref="VerbatimShare"/> counts.</summary>
    public string VerbatimMeaning { get; init; } = "";
    /// <summary>Jinja template of the prompts in it, for models trained on it; null: it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? ChatTemplate { get; init; }
    /// <summary>The recipe that built it; the builder's, opaque here.</summary>
    public JsonElement Recipe { get; init; }

    /// <summary>Reads corpus.json.</summary>
    /// <exception cref="DataException">Missing, broken, of a newer format, with unknown keys.</exception>
    public static CorpusInfo Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new DataException($"{folder}: no {FileName} here; build one with `isoflop corpus`");
        return JsonFile.Read(path, format, CorpusJson.Default.CorpusInfo);
    }

    /// <summary>The text of corpus.json.</summary>
    public string ToJson() => JsonFile.Encode(this, format, CorpusJson.Default.CorpusInfo) + "\n";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CorpusInfo))]
sealed partial class CorpusJson : JsonSerializerContext;

/// <summary>Stream files read as one. Safe from any number of threads.</summary>
public sealed class TokenStream
{
    readonly TokenShard[] shards;
    readonly long[] starts;                                     // first element of each shard

    /// <summary>Elements.</summary>
    public long Count { get; }

    internal TokenStream(TokenShard[] shards)
    {
        this.shards = shards;
        starts = new long[shards.Length];
        for (int i = 0; i < shards.Length; i++) (starts[i], Count) = (Count, Count + shards[i].Count);
    }

    /// <summary>Copies elements [start, start + into.Length), widened to 32 bits. Allocates nothing.</summary>
    /// <exception cref="DataException">A block does not match its checksum.</exception>
    public void Read(long start, Span<int> into) => Read(start, into, static (shard, at, part) => shard.Read(at, part));

    /// <summary>The same of weights.</summary>
    /// <exception cref="DataException">A block does not match its checksum.</exception>
    public void Read(long start, Span<float> into) => Read(start, into, static (shard, at, part) => shard.Read(at, part));

    delegate void ShardReader<T>(TokenShard shard, long start, Span<T> into);

    void Read<T>(long start, Span<T> into, ShardReader<T> read)
    {
        if (start < 0 || start > Count - into.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"{start} + {into.Length} is outside 0 to {Count}");
        if (into.IsEmpty) return;
        int i = Array.BinarySearch(starts, start);
        if (i < 0) i = ~i - 1;
        while (i + 1 < starts.Length && starts[i + 1] == start) i++;            // an empty shard starts where the next does
        for (; !into.IsEmpty; i++)
        {
            int n = (int)Math.Min(into.Length, starts[i] + shards[i].Count - start);
            read(shards[i], start - starts[i], into[..n]);
            into = into[n..];
            start += n;
        }
    }

    /// <summary>Holds every block against its checksum.</summary>
    /// <exception cref="DataException">The first altered block.</exception>
    public void Verify()
    {
        foreach (TokenShard shard in shards) shard.Verify();
    }
}

/// <summary>A corpus folder, open: its training and validation streams, its tokenizer and its counts.</summary>
public sealed class Corpus : IDisposable
{
    /// <summary>File name of the tokenizer in a corpus folder.</summary>
    public const string TokenizerFile = "tokenizer.json";

    readonly List<TokenShard> open = [];
    readonly Lazy<Tokenizer> tokenizer;

    /// <summary>The folder.</summary>
    public string Folder { get; }
    /// <summary>corpus.json.</summary>
    public CorpusInfo Info { get; }
    /// <summary>Name of the corpus.</summary>
    public string Name => Info.Name;
    /// <summary>Training tokens, all shards as one.</summary>
    public TokenStream Train { get; }
    /// <summary>Validation tokens.</summary>
    public TokenStream Valid { get; }
    /// <summary>A tag id for each training token; null where the corpus has no tags.</summary>
    public TokenStream? TrainTags { get; }
    /// <summary>A tag id for each validation token; null where the corpus has no tags.</summary>
    public TokenStream? ValidTags { get; }
    /// <summary>Weight of each training token in the loss; null: 1.</summary>
    public TokenStream? TrainWeights { get; }
    /// <summary>Weight of each validation token in the loss; null: 1.</summary>
    public TokenStream? ValidWeights { get; }
    /// <summary>Bytes of text a token stands for, both sides together.</summary>
    public double BytesPerToken => Info.BytesPerToken;
    /// <summary>Id after each document.</summary>
    public int EndOfText => Info.EndOfText;
    /// <summary>Hash of all streams: equal text, tags and weights, equal hash.</summary>
    internal string StreamsHash { get; }
    /// <summary>Loaded at first use.</summary>
    /// <exception cref="DataException">tokenizer.json is missing, broken, or not the one that made the streams.</exception>
    public Tokenizer Tokenizer => tokenizer.Value;

    Corpus(string folder, CorpusInfo info)
    {
        (Folder, Info) = (folder, info);
        tokenizer = new(LoadTokenizer);
        try
        {
            Train = Streams(info.Train, StreamKind.Tokens, ".tok");
            Valid = Streams(info.Valid, StreamKind.Tokens, ".tok");
            if (info.Train.WeightedTokens > 0)
            {
                TrainWeights = Streams(info.Train, StreamKind.Weights, ".wgt");
                ValidWeights = Streams(info.Valid, StreamKind.Weights, ".wgt");
            }
            if (info.Tags.Count > 0)
            {
                TrainTags = Streams(info.Train, StreamKind.Tags, ".tag");
                ValidTags = Streams(info.Valid, StreamKind.Tags, ".tag");
            }
            // A shard's checksum covers the checksums of its blocks, and those its elements.
            var hash = new XxHash128();
            foreach (TokenShard shard in open) hash.Append(BitConverter.GetBytes(shard.Checksum));
            StreamsHash = hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens a corpus folder and holds its files against corpus.json.</summary>
    /// <exception cref="DataException">A missing or cut shard, a newer format, another tokenizer or its shard; names the
    /// file.</exception>
    public static Corpus Open(string folder)
    {
        CorpusInfo info = CorpusInfo.Load(folder);
        string json = Path.Combine(folder, TokenizerFile);
        if (!File.Exists(json)) throw new DataException($"{json}: missing; build the corpus again with force=true");
        var corpus = new Corpus(folder, info);
        try
        {
            // Whoever opens a corpus copies or uses its tokenizer: one with other ids must not get that far.
            if (Convert.ToHexStringLower(XxHash128.Hash(File.ReadAllBytes(json))) != info.TokenizerHash) _ = corpus.Tokenizer;
            return corpus;
        }
        catch (Exception e)
        {
            corpus.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new DataException($"{json}: cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Holds the tokenizer and every block of every stream against their checksums.</summary>
    /// <exception cref="DataException">The first file that was altered.</exception>
    public void Verify()
    {
        _ = Tokenizer;
        foreach (TokenShard shard in open) shard.Verify();
    }

    TokenStream Streams(CorpusSide side, StreamKind kind, string extension)
    {
        var shards = new TokenShard[side.Shards.Count];
        for (int i = 0; i < shards.Length; i++)
        {
            string path = Path.Combine(Folder, Path.ChangeExtension(side.Shards[i], extension));
            if (!File.Exists(path)) throw new DataException($"{path}: missing, though corpus.json names it; build the corpus " +
                $"again");
            TokenShard shard = shards[i] = TokenShard.Open(path);
            open.Add(shard);
            if (shard.Kind != kind) throw new DataException($"{path}: holds {shard.Kind}, not {kind}; build the corpus again");
            if (shard.TokenizerHash != Info.TokenizerHash)
                throw new DataException($"{path}: made by tokenizer {shard.TokenizerHash}, corpus.json says " +
                    $"{Info.TokenizerHash}");
        }
        var stream = new TokenStream(shards);
        if (stream.Count != side.Tokens)
            throw new DataException($"{Folder}: {stream.Count} {kind} in {string.Join(", ", side.Shards)}, corpus.json says " +
                $"{side.Tokens}");
        return stream;
    }

    Tokenizer LoadTokenizer()
    {
        string path = Path.Combine(Folder, TokenizerFile);
        Tokenizer loaded = Tokenizer.Load(path);
        if (loaded.Hash != Info.TokenizerHash)
            throw new DataException($"{path}: its hash is {loaded.Hash}, corpus.json says {Info.TokenizerHash}; it was replaced");
        return loaded;
    }

    /// <summary>Unmaps the streams. No read may be under way.</summary>
    public void Dispose()
    {
        foreach (TokenShard shard in open) shard.Dispose();
    }
}
