using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Store;

namespace Isoflop.Lab.Baselines;

/// <summary>The baselines of a corpus, measured once and kept beside it.</summary>
/// <param name="TrainTokens">that were counted: the first <see cref="MaxTrainTokens"/> of a larger corpus</param>
/// <param name="TokenizerHash">and <paramref name="ValidTokens"/> tell whether the corpus is still the one measured</param>
sealed record CorpusBaselines(long TrainTokens, long ValidTokens, string TokenizerHash, IReadOnlyList<Baseline> Rows,
    string? StreamsHash = null)
{
    /// <summary>Counting more than this takes a minute and gigabytes.</summary>
    public const int MaxTrainTokens = 20_000_000;

    /// <summary>File in a corpus folder.</summary>
    public const string FileName = "baselines.json";

    static readonly Format format = new("baselines");

    /// <summary>Those measured before, if they are of the corpus as it is now.</summary>
    public static CorpusBaselines? Kept(Corpus corpus)
    {
        string path = Path.Combine(corpus.Folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            CorpusBaselines kept = JsonFile.Read(path, format, CorpusBaselinesJson.Default.CorpusBaselines);
            return kept.ValidTokens == corpus.Valid.Count && kept.TokenizerHash == corpus.Info.TokenizerHash
                && (kept.StreamsHash ?? corpus.StreamsHash) == corpus.StreamsHash
                && kept.TrainTokens == Counted(corpus) ? kept : null;
        }
        catch (DataException)
        {
            return null;                                        // a torn file is measured again
        }
    }

    /// <summary>Reads them, or measures and writes them. About 2 s and 0.2 GB for 5 million tokens.</summary>
    /// <exception cref="DataException">The corpus is damaged or empty.</exception>
    public static CorpusBaselines Of(Corpus corpus, Workspace here)
    {
        if (Kept(corpus) is { } kept) return kept;
        long train = Counted(corpus), valid = corpus.Valid.Count;
        ushort[] trainTokens = Read(corpus.Train, train), validTokens = Read(corpus.Valid, valid);
        IReadOnlyList<Baseline> rows = Baselines.Measure(trainTokens, validTokens, corpus.Info.VocabSize, corpus.EndOfText,
            Text(corpus, validTokens), here);
        var measured = new CorpusBaselines(train, valid, corpus.Info.TokenizerHash, rows,
            corpus.StreamsHash);
        JsonFile.Write(Path.Combine(corpus.Folder, FileName), measured, format,
            CorpusBaselinesJson.Default.CorpusBaselines);
        return measured;
    }

    static long Counted(Corpus corpus) => Math.Min(corpus.Train.Count, MaxTrainTokens);

    static ushort[] Read(TokenStream stream, long count)
    {
        var tokens = new ushort[count];
        var piece = new int[1 << 16];
        for (long at = 0; at < count; at += piece.Length)
        {
            int n = (int)Math.Min(piece.Length, count - at);
            stream.Read(at, piece.AsSpan(0, n));
            for (int i = 0; i < n; i++) tokens[at + i] = checked((ushort)piece[i]);
        }
        return tokens;
    }

    static byte[] Text(Corpus corpus, ushort[] tokens)
    {
        using var bytes = new MemoryStream();
        foreach (ushort token in tokens)
            if (token != corpus.EndOfText) bytes.Write(corpus.Tokenizer.Bytes(token));
        return bytes.ToArray();
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CorpusBaselines))]
sealed partial class CorpusBaselinesJson : JsonSerializerContext;
