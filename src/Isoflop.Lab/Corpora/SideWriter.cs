using System.Globalization;
using Isoflop.Data;

namespace Isoflop.Lab.Corpora;

/// <summary>Writes one side of a corpus: a stream of tokens, beside it tags and loss weights where there are any, cut into
/// shards.</summary>
sealed class SideWriter(string folder, Func<int, string> shardName, bool tagged, int vocabSize, string tokenizerHash,
    long shardTokens, bool weighted = false) : IDisposable
{
    readonly List<string> shards = [];
    TokenShardWriter? tokens, tags, loss;
    long documents, count, bytes, weighs;

    public static string TrainName(int shard) => string.Create(CultureInfo.InvariantCulture, $"train-{shard:D3}.tok");
    public static string ValidName(int shard) => shard == 0 ? "valid.tok"
        : string.Create(CultureInfo.InvariantCulture, $"valid-{shard:D3}.tok");

    /// <summary>Appends whole documents.</summary>
    /// <param name="tagRuns">tag and number of tokens, in order; empty without tags</param>
    /// <param name="weights">of each token; empty without weights</param>
    public void Append(ReadOnlySpan<int> ids, List<(int Tag, int Count)> tagRuns, long documents, long bytes,
        ReadOnlySpan<float> weights = default)
    {
        this.documents += documents;
        this.bytes += bytes;
        int run = 0, left = tagged && tagRuns.Count > 0 ? tagRuns[0].Count : 0;
        Span<int> labels = stackalloc int[1024];
        while (!ids.IsEmpty)
        {
            if (tokens is null || tokens.Count == shardTokens) NextShard();
            int n = (int)Math.Min(ids.Length, shardTokens - tokens!.Count);
            if (tagged)
            {
                while (left == 0) left = tagRuns[++run].Count;
                n = Math.Min(n, Math.Min(left, labels.Length));
                labels[..n].Fill(tagRuns[run].Tag);
                tags!.Append(labels[..n]);
                left -= n;
            }
            if (weighted)
            {
                loss!.Append(weights[..n]);
                foreach (float w in weights[..n]) weighs += w > 0 ? 1 : 0;
                weights = weights[n..];
            }
            tokens.Append(ids[..n]);
            count += n;
            ids = ids[n..];
        }
    }

    void NextShard()
    {
        tokens?.Commit();
        tags?.Commit();
        loss?.Commit();
        string name = shardName(shards.Count);
        shards.Add(name);
        string path = Path.Combine(folder, name);
        tokens = new TokenShardWriter(path, StreamKind.Tokens, TokenShardWriter.WidthFor(vocabSize), tokenizerHash);
        if (tagged) tags = new TokenShardWriter(Path.ChangeExtension(path, ".tag"), StreamKind.Tags, 2, tokenizerHash);
        if (weighted) loss = new TokenShardWriter(Path.ChangeExtension(path, ".wgt"), StreamKind.Weights, 4, tokenizerHash);
    }

    public CorpusSide Commit()
    {
        tokens?.Commit();
        tags?.Commit();
        loss?.Commit();
        return new() { Documents = documents, Tokens = count, Bytes = bytes, WeightedTokens = weighs, Shards = shards };
    }

    public void Dispose()
    {
        tokens?.Dispose();
        tags?.Dispose();
        loss?.Dispose();
    }
}
