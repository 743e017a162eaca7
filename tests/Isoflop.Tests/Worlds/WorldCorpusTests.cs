using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Worlds;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Worlds;

public sealed class WorldCorpusTests : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("isoflop-world-").FullName;

    static WorldCorpusRecipe Small(string name = "w") => new() { Name = name, Bytes = 300_000, ValidBytes = 60_000, Vocab = 300 };

    public void Dispose() => Directory.Delete(home, recursive: true);

    [Fact]
    public void Every_token_is_labelled_with_its_task()
    {
        using Corpus corpus = Corpus.Open(WorldCorpus.Build(Small(), new(home)).Folder);
        var world = new World(new());
        Assert.Equal(world.Tasks.Select(t => t.Tag), corpus.Info.Tags);
        var tokens = new int[3000];
        var tags = new int[3000];
        corpus.Train.Read(0, tokens);
        corpus.TrainTags!.Read(0, tags);
        for (int at = 0, document = 0; ; document++)
        {
            int end = Array.IndexOf(tokens, corpus.EndOfText, at);
            if (end < 0) break;
            WorldDocument expected = world.Document(validation: false, document);
            Assert.Equal(expected.Text, corpus.Tokenizer.Decode(tokens[at..end]));
            Assert.All(tags[at..(end + 1)], tag => Assert.Equal(expected.Task, tag));     // end-of-text belongs to what it ends
            at = end + 1;
        }
    }

    [Fact]
    public void Threads_change_no_bit_and_the_same_recipe_is_found()
    {
        string one = WorldCorpus.Build(Small("one"), new(home) { Threads = 1 }).Folder, four = WorldCorpus.Build(Small("four"), new(home) { Threads = 4 }).Folder;
        foreach (string file in (string[])["train-000.tok", "train-000.tag", "valid.tok", "valid.tag", "tokenizer.json"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(one, file)), File.ReadAllBytes(Path.Combine(four, file)));
        Assert.True(WorldCorpus.Build(Small("one"), new(home)).AlreadyThere);
        Assert.Contains("bytes was 300000, is 400000",
            Assert.Throws<ConfigException>(() => WorldCorpus.Build(Small("one") with { Bytes = 400_000 }, new(home))).Message);
        Assert.Equal(new World(new()).Tasks, WorldCorpus.WorldOf(CorpusInfo.Load(one)).Tasks);
    }

    [Fact]
    public void Real_text_mixes_in_by_weight_and_is_never_repeated()
    {
        string text = Path.Combine(home, "own.jsonl");
        File.WriteAllLines(text, Enumerable.Range(0, 20_000).Select(i => $"{{\"text\": \"Line {i} of my own text, unlike any other: {i * 7919L}.\"}}"));
        using Corpus corpus = Corpus.Open(WorldCorpus.Build(Small() with { Bytes = 100_000, ValidBytes = 12_000, Mix = [new(text, 0.25)] }, new(home)).Folder);
        Assert.Equal("text:own", corpus.Info.Tags[^1]);
        Assert.Null(corpus.Info.TagEntropies[^1]);
        var tags = new int[(int)corpus.Train.Count];
        corpus.TrainTags!.Read(0, tags);
        var tokens = new int[tags.Length];
        corpus.Train.Read(0, tokens);
        double bytes = corpus.Tokenizer.Decode([.. tokens.Where((t, i) => t != corpus.EndOfText && tags[i] == corpus.Info.Tags.Count - 1)]).Length;
        Assert.InRange(bytes / corpus.Info.Train.Bytes, 0.25, 0.27);      // the last document may go past
        Assert.Contains("nothing is repeated", Assert.Throws<ConfigException>(() =>
            WorldCorpus.Build(Small("much") with { Bytes = 3_000_000, Mix = [new(text, 0.9)] }, new(home))).Message);
    }

    /// <summary>Σ tokens·loss over the tags is the total, at every evaluation.</summary>
    [Fact]
    public void The_loss_splits_exactly_by_task()
    {
        WorldCorpus.Build(Small(), new(home));
        Check("corpus=w");
    }

    [Fact]
    public void So_does_that_of_a_users_own_labelled_text()
    {
        string text = Path.Combine(home, "own.jsonl");
        File.WriteAllLines(text, Enumerable.Range(0, 3000).Select(i =>
            $"{{\"text\": \"{(i % 3 == 0 ? "one two three four" : "abc def")} {i} {i * 7919L}\", \"tag\": \"{(i % 3 == 0 ? "numbers" : "letters")}\"}}"));
        CorpusBuilder.Build(new() { Name = "own", Sources = [text], TagField = "tag", Vocab = 260 }, new(home));
        Assert.Equal(["letters", "numbers"], Check("corpus=own").Order());
    }

    IEnumerable<string> Check(string corpus)
    {
        RunConfig config = Config.Load(null, [corpus, "name=run", "train.steps=20", "train.batch_tokens=256", "eval.every=5",
            "eval.tokens=1000", "model.d_model=16", "model.n_layer=1", "model.n_head=1", "model.context_len=32"]);
        Trainer.Train(config, new(home) { Threads = 2, PeakFlops = 1 });
        List<ValidRow> rows = RunFolder.ReadValid(new Workspace(home).RunFolder("run"));
        Assert.Equal(4, rows.Count);
        foreach (ValidRow row in rows)
        {
            Assert.Equal(row.Tokens, row.Tags!.Sum(t => t.Tokens));
            Assert.Equal(row.Loss, row.Tags!.Sum(t => t.Tokens / (double)row.Tokens * t.Loss), 1e-9);
        }
        return rows[^1].Tags!.Select(t => t.Tag);
    }
}
