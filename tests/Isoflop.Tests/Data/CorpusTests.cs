using System.Text.RegularExpressions;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Tests.Corpora;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Data;

public sealed class CorpusTests : CorpusFixture
{
    readonly CorpusBuild build;

    public CorpusTests() => build = Build(Recipe(ProseFolder()), shardTokens: 4000);

    string At(string name) => Path.Combine(build.Folder, name);

    string Refused() => Assert.Throws<DataException>(() =>
    {
        using Corpus corpus = Corpus.Open(build.Folder);
        _ = corpus.Tokenizer;
    }).Message;

    [Fact]
    public void Shards_are_read_as_one_stream()
    {
        using Corpus corpus = Corpus.Open(build.Folder);
        Assert.True(corpus.Info.Train.Shards.Count > 3);
        var parts = new List<int>();
        foreach (string name in corpus.Info.Train.Shards)
        {
            using TokenShard shard = TokenShard.Open(At(name));
            int[] part = new int[shard.Count];
            shard.Read(0, part);
            parts.AddRange(part);
        }
        int[] whole = new int[corpus.Train.Count];
        corpus.Train.Read(0, whole);
        Assert.Equal(parts, whole);
        foreach (int start in (int[])[0, 3999, 4000, 4001, 7990, whole.Length - 9000, whole.Length - 1, whole.Length])
        {
            int[] window = new int[Math.Min(8100, whole.Length - start)];
            corpus.Train.Read(start, window);
            Assert.Equal(whole[start..(start + window.Length)], window);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Train.Read(whole.Length, new int[1]));
        corpus.Verify();
    }

    [Fact]
    public void Corpus_json_says_what_the_streams_hold()
    {
        using Corpus corpus = Corpus.Open(build.Folder);
        Assert.Equal(build.Info.ToJson(), corpus.Info.ToJson());
        Assert.Equal((build.Info.Train.Tokens, build.Info.Valid.Tokens), (corpus.Train.Count, corpus.Valid.Count));
        Assert.Equal(corpus.Info.Train.Bytes / (double)corpus.Train.Count, corpus.Info.Train.BytesPerToken);
        Assert.Equal(corpus.Tokenizer.EndOfText, corpus.EndOfText);
    }

    [Theory]
    [InlineData("\"format_version\": 2", "\"format_version\": 3, \"novelty\": []", "format version 3")]
    [InlineData("\"name\"", "\"nmae\"", "nmae")]
    [InlineData("\"licence\":", "\"extra\": 1, \"licence\":", "extra")]
    [InlineData("{", "", "corpus.json")]
    public void A_corpus_json_of_another_kind_is_refused(string had, string has, string message)
    {
        // Of what no hash covers: older files, and those that were edited on purpose.
        string json = Regex.Replace(File.ReadAllText(At("corpus.json")), ",\\s*\"hash\": \"\\w+\"", "");
        if (!had.Contains("version")) json = Regex.Replace(json, "\"format_version\": 2,", "");
        int at = json.IndexOf(had, StringComparison.Ordinal);
        File.WriteAllText(At("corpus.json"), json[..at] + has + json[(at + had.Length)..]);
        string refused = Refused();
        Assert.Contains(message, refused);
        Assert.Contains("corpus.json", refused);
    }

    [Theory, InlineData("train-001.tok"), InlineData("valid.tok"), InlineData("tokenizer.json"), InlineData("corpus.json")]
    public void A_missing_file_is_named(string name)
    {
        File.Delete(At(name));
        Assert.Contains(name, Refused());
    }

    [Fact]
    public void A_shard_in_the_place_of_another_is_noticed_by_its_count()
    {
        File.Copy(At(build.Info.Train.Shards[^1]), At("train-001.tok"), overwrite: true);
        Assert.Contains("corpus.json says", Refused());
    }

    [Fact]
    public void A_tokenizer_that_did_not_make_the_streams_is_refused()
    {
        BpeTrainer.Train([System.Text.Encoding.UTF8.GetBytes(Prose(777, 5000))], 320).Save(At("tokenizer.json"));
        Assert.Contains("it was replaced", Refused());
    }

    [Fact]
    public void A_shard_of_another_tokenizer_is_refused()
    {
        int[] tokens = new int[4000];
        using (var writer = new TokenShardWriter(At("train-001.tok"), StreamKind.Tokens, 2, "other"))
        {
            writer.Append(tokens);
            writer.Commit();
        }
        Assert.Contains("made by tokenizer other", Refused());
    }

    [Fact]
    public void An_altered_block_is_never_handed_out()
    {
        using (var file = File.Open(At("train-002.tok"), FileMode.Open))
        {
            file.Position = 4096 + 100;
            file.WriteByte(0xEE);
        }
        using Corpus corpus = Corpus.Open(build.Folder);
        corpus.Train.Read(0, new int[8000]);
        Assert.Contains("train-002.tok: block 0", Assert.Throws<DataException>(() => corpus.Train.Read(7999, new int[2]))
            .Message);
        Assert.Throws<DataException>(corpus.Verify);
    }

    [Fact]
    public void A_folder_without_a_corpus_says_how_to_build_one() =>
        Assert.Contains("isoflop corpus", Assert.Throws<DataException>(() => Corpus.Open(Folder)).Message);

    [Fact]
    public void Reading_the_stream_allocates_nothing()
    {
        using Corpus corpus = Corpus.Open(build.Folder);
        int[] into = new int[6000];
        corpus.Train.Read(0, into);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) corpus.Train.Read(i, into);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
