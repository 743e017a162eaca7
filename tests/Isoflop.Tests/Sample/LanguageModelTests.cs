using System.Text.Json.Nodes;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Kernels;
using Isoflop.Lab.Corpora;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Sample;

/// <summary>A home with a small corpus of sentences and a model trained on it for a few steps.</summary>
public sealed class TrainedHome : IDisposable
{
    public TrainedHome()
    {
        Path = Directory.CreateTempSubdirectory("isoflop-test-").FullName;
        var rng = new Rng(1, RandomPurpose.Test);
        string[] words = ["river", "stone", "walks", "under", "bright", "seven", "houses", "sings", "cold", "morning"];
        string texts = System.IO.Path.Combine(Path, "texts.jsonl");
        File.WriteAllLines(texts, Enumerable.Range(0, 200).Select(_ =>
            $"{{\"text\":\"{string.Join(' ', Enumerable.Range(0, 60).Select(_ => words[rng.NextInt(words.Length)]))}\"}}"));
        CorpusBuilder.Build(new CorpusRecipe { Name = "tiny", Sources = [texts], Vocab = 280, ValidShare = 0.1 }, new(Path));
        Trainer.Train(Config.Load(null, "corpus=tiny", "name=run", "train.steps=6", "train.batch_tokens=256", "model.context_len=64",
            "model.d_model=32", "model.n_layer=2", "model.n_head=2"), new Workspace(Path) { Threads = 1, PeakFlops = 1 });
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

public class LanguageModelTests(TrainedHome home) : IClassFixture<TrainedHome>
{
    [Fact]
    public void A_reply_is_the_same_in_any_company()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "run");
        IReadOnlyList<SampledReply> five = model.Continue("river stone", 5, 12, new SamplingRule(), seed: 7);
        SampledReply alone = model.Continue("river stone", 1, 12, new SamplingRule(), seed: 7)[0];
        Assert.Equal(five[0].Tokens.ToArray(), alone.Tokens.ToArray());
        Assert.Equal(five[0].LogProbs.ToArray(), alone.LogProbs.ToArray());
        Assert.NotEqual(five[0].Tokens.ToArray(), five[1].Tokens.ToArray());
    }

    [Fact]
    public void Replies_have_the_log_probabilities_that_reading_them_gives()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "run@6");
        SampledReply reply = model.Continue("", 1, 20, new SamplingRule(0), seed: 1)[0];
        string text = model.Tokenizer.Decode(reply.Said);
        (float[] next, int[] tokens, float[] logProbs) = model.Read(text);
        Assert.Equal(1, next.Sum(p => Math.Exp(p)), 1e-5);
        if (!reply.Said.SequenceEqual(tokens)) Assert.Skip("this text has another tokenisation than the one drawn");
        for (int i = 0; i < tokens.Length; i++) Assert.Equal(reply.LogProbs[i], logProbs[i], 1e-5f);
    }

    [Fact]
    public void A_checkpoint_tells_other_programs_how_it_was_trained_to_be_asked()
    {
        string step = Step();
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(step, "tokenizer_config.json")))!;
        Assert.Equal("PreTrainedTokenizerFast", (string?)config["tokenizer_class"]);
        foreach (string token in (string[])["bos_token", "eos_token", "pad_token", "unk_token"])
            Assert.Equal("<|endoftext|>", (string?)config[token]);
        Assert.Equal((true, false, false, 64), ((bool)config["add_bos_token"]!, (bool)config["add_eos_token"]!,
            (bool)config["clean_up_tokenization_spaces"]!, (int)config["model_max_length"]!));
        Assert.False(config.AsObject().ContainsKey("chat_template"));
        Assert.Equal("TemplateProcessing",
            (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(step, "tokenizer.json")))!["post_processor"]!["type"]);
    }

    string Step() => Path.Combine(new Workspace(home.Path).RunFolder("run"), "step-000006");

    [Fact]
    public void A_checkpoint_from_before_these_files_still_opens()
    {
        using var copy = new CopyOf(Step());
        foreach (string file in (string[])[ModelFolder.TokenizerConfigFile, ModelFolder.GenerationFile])
            File.Delete(Path.Combine(copy.Folder, file));
        TinyHome.Reseal(copy.Folder, state =>
        {
            state.Files.Remove(ModelFolder.TokenizerConfigFile);
            state.Files.Remove(ModelFolder.GenerationFile);
            return state;
        });
        using LanguageModel old = LanguageModel.Open(new(home.Path) { Threads = 1 }, copy.Folder);
        using LanguageModel now = LanguageModel.Open(new(home.Path) { Threads = 1 }, "run");
        Assert.Equal(now.Read("river").Next, old.Read("river").Next);
    }

    /// <summary>A folder's copy, to be broken.</summary>
    sealed class CopyOf : IDisposable
    {
        public CopyOf(string folder)
        {
            foreach (string file in Directory.GetFiles(folder)) File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("isoflop-test-").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }

    [Fact]
    public void Ids_beyond_the_tokenizer_end_a_reply()
    {
        Trainer.Train(Config.Load(null, "corpus=tiny", "name=padded", "train.steps=1", "train.batch_tokens=64", "model.context_len=64",
            "model.d_model=16", "model.n_layer=1", "model.n_head=1", "model.vocab_size=560"),
            new(home.Path) { Threads = 1, PeakFlops = 1 });
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "padded");
        Assert.Equal((280, 560), (model.Tokenizer.VocabSize, model.Config.VocabSize));
        IReadOnlyList<SampledReply> replies = model.Continue("river", 40, 30, new SamplingRule(), seed: 1);
        foreach (SampledReply reply in replies)
        {
            Assert.Equal(reply.Ended ? reply.Count - 1 : reply.Count, reply.Said.Length);
            Assert.All(reply.Said.ToArray(), t => Assert.InRange(t, 0, 279));
            model.Tokenizer.Decode(reply.Said);
        }
        Assert.Contains(replies, r => r.Ended && r.Tokens[^1] >= 280);
        Assert.Equal(0, App.Run(["sample", "padded", "river", "--count", "9", "--home", home.Path], [SampleCommand.Create()], TextWriter.Null, TextWriter.Null));
    }

    [Theory]
    [InlineData("no run 'none'", "sample", "none")]
    [InlineData("has no checkpoint of step 3; there are 6", "sample", "run@3")]
    [InlineData("--temperature '-1' must be a number, not negative", "sample", "run", "--temperature=-1")]
    [InlineData("--top-p 2 must be above 0", "sample", "run", "--top-p", "2")]
    [InlineData("--count 0 must be positive", "sample", "run", "--count", "0")]
    [InlineData("the text has ", "next", "run", "river stone walks under bright seven houses sings cold morning river stone walks under " +
        "bright seven houses sings cold morning river stone walks under bright seven houses sings cold morning river stone walks under " +
        "bright seven houses sings cold morning river stone walks under bright seven houses sings cold morning xyzzyxyzzyxyzzyxyzzy")]
    public void Mistakes_are_one_line_and_exit_code_2(string expected, params string[] args)
    {
        var error = new StringWriter();
        int code = App.Run([.. args, "--home", home.Path], [SampleCommand.Create(), NextCommand.Create()], TextWriter.Null, error);
        Assert.Equal(App.UserError, code);
        Assert.Contains(expected, error.ToString());
        Assert.Single(error.ToString().TrimEnd().Split('\n'));
    }

    [Fact]
    public void Next_shows_the_true_token_with_its_rank()
    {
        var output = new StringWriter();
        int code = App.Run(["next", "run", "river", "--true", " stone", "--top", "2", "--home", home.Path], [NextCommand.Create()], output, TextWriter.Null);
        Assert.Equal(0, code);
        Assert.Contains("← true", output.ToString());
        Assert.Contains("nats and rank", output.ToString());
    }
}
