using System.Text.Json.Nodes;
using Isoflop.Data;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

/// <summary>A corpus that was built anew with as many tokens, or whose tokenizer was exchanged, is not the one of before.</summary>
public sealed class OtherTextTests : IDisposable
{
    readonly TinyHome home = new();

    public void Dispose() => home.Dispose();

    void Rebuild(int text) => home.MakeCorpus("tiny", 6000, 700, "{\"tiny\":1}", text);

    string RunJson => Path.Combine(home.RunPath(), RunRecord.FileName);

    [Fact]
    public void A_run_does_not_go_on_with_other_text_and_is_not_done_with_it()
    {
        home.TrainUntil(5);
        Rebuild(1);
        Assert.Contains("was trained on other text than corpus 'tiny' now holds",
            Assert.Throws<DataException>(() => home.Train()).Message);
        Rebuild(0);
        Assert.True(home.Train().Done);
        Assert.True(home.Train().AlreadyDone);
        Rebuild(1);
        Assert.Contains("other text", Assert.Throws<DataException>(() => home.Train()).Message);
    }

    [Fact]
    public void A_run_that_saved_nothing_begins_on_what_is_there()
    {
        home.TrainUntil(5);
        Directory.Delete(home.StepPath(5), recursive: true);
        Rebuild(1);
        Assert.True(home.Train().Done);
        Assert.True(home.Train().AlreadyDone);
        Rebuild(0);
        Assert.Throws<DataException>(() => home.Train());
    }

    [Fact]
    public void A_run_that_is_older_than_the_hash_is_taken_once_and_has_it_from_then_on()
    {
        home.TrainUntil(5);
        JsonNode record = JsonNode.Parse(File.ReadAllText(RunJson))!;
        Assert.True(record["corpus"]!.AsObject().Remove("streams_hash"));
        Assert.True(record.AsObject().Remove("hash") && record.AsObject().Remove("format_version"));
        File.WriteAllText(RunJson, record.ToJsonString());
        Assert.True(home.Train().Done);
        Assert.Contains("streams_hash", File.ReadAllText(RunJson));
        Rebuild(1);
        Assert.Throws<DataException>(() => home.Train());
    }

    [Fact]
    public void A_run_is_not_extended_on_other_text_but_may_be_forked()
    {
        home.Train();
        Rebuild(1);
        Assert.Contains("other text", Assert.Throws<ConfigException>(() =>
            home.Train("name=longer", "from=run@12", "train.steps=20")).Message);
        Assert.True(home.Train("name=fork", "from=run@12", "from_mode=fork").Done);
    }

    [Fact]
    public void A_tokenizer_that_is_not_the_corpus_own_is_refused_before_the_first_step()
    {
        File.WriteAllText(Path.Combine(home.CorpusPath, Corpus.TokenizerFile), "{\"tiny\":2}");
        Assert.Contains("tokenizer", Assert.Throws<DataException>(() => home.Train()).Message);
        Assert.False(Directory.Exists(home.RunPath()));
    }

    [Fact]
    public void Checkpoints_have_the_tokenizer_of_the_beginning()
    {
        string file = Path.Combine(home.CorpusPath, Corpus.TokenizerFile), was = File.ReadAllText(file);
        Trainer.Train(home.Config(), home.Here.Reporting(p => { if (p.Done == 3) File.WriteAllText(file, "{}"); }));
        Assert.Equal(was, File.ReadAllText(Path.Combine(home.StepPath(12), ModelFolder.TokenizerFile)));
    }
}
