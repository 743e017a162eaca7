using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public sealed class MixTests
{
    static (int Code, string Out, string Err) Run(TinyHome home, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [MixCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Two corpora under one tokenizer that can be read.</summary>
    static TinyHome Home()
    {
        var home = new TinyHome();
        var tokenizer = Isoflop.Text.BpeTrainer.Train([], 244, ["<|endoftext|>"]);
        foreach ((string name, int train) in ((string, int)[])[("tiny", 6000), ("other", 9000)])
        {
            string folder = new Workspace(home.Path).CorpusFolder(name);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            MadeSide Side(int count, int seed) => new(TinyHome.Text(count, seed), [], 1, count);
            new MadeCorpus(name, tokenizer, JsonDocument.Parse("{}").RootElement, [], () => Side(train, 1 + train),
                () => Side(500, 2 + train)).Write(new(home.Path), "");
        }
        return home;
    }

    static readonly string[] tiny = ["mix", "m", "--sources", "a=tiny", "b=other", "--budget", "3e7", "--mixtures", "4", "--scale", "2",
        "--seeds", "2", "--context", "32", "--yes"];

    [Fact]
    public void A_planted_mixing_law_comes_back()
    {
        var planted = new MixingLaw(1.5, 1.2, [-0.9, 0.2, 0.7], 0);
        double[][] mixtures = [.. Mixture.Plan(12, [0.5, 0.3, 0.2], 1).Select(m => m.Shares)];
        MixingLaw law = MixingLaw.Fit(mixtures, [.. mixtures.Select(planted.Predict)]);
        Assert.Equal(1.5, law.C, 2);
        Assert.Equal(1.2, law.K, 2);
        foreach ((double want, double got) in planted.T.Zip(law.T)) Assert.Equal(want, got, 2);
        Assert.InRange(law.Error, 0, 1e-4);
        Assert.Equal(planted.Predict([0.1, 0.1, 0.8]), law.Predict([0.1, 0.1, 0.8]), 3);
    }

    [Fact]
    public void A_mixing_law_needs_more_runs_than_parameters() =>
        Assert.Throws<DataException>(() => MixingLaw.Fit([[1, 0], [0, 1]], [1, 2]));

    [Fact]
    public void Mixtures_are_whole_percent_and_all_different()
    {
        IReadOnlyList<Mixture> all = Mixture.Plan(10, [0.6, 0.3, 0.1], 1);
        Assert.Equal(["100-0-0", "0-100-0", "0-0-100", "34-33-33", "60-30-10"], all.Take(5).Select(m => m.Name));
        Assert.Equal(10, all.Select(m => m.Name).Distinct().Count());
        Assert.All(all, m => Assert.Equal(100, m.Percent.Sum()));
        Assert.Equal(all.Select(m => m.Name), Mixture.Plan(10, [0.6, 0.3, 0.1], 1).Select(m => m.Name));
    }

    [Fact]
    public void A_mixed_corpus_has_its_shares_and_the_held_out_text_of_all()
    {
        using TinyHome home = Home();
        MixSources sources = MixSources.Open(Recipe, new(home.Path));
        sources.Mixed("mixed", new Mixture([30, 70]), 5001).Write(new(home.Path), "");
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder("mixed"));
        Assert.Equal((5001, 1000), (corpus.Train.Count, corpus.Valid.Count));
        int[] tags = new int[5001], valid = new int[1000];
        corpus.TrainTags!.Read(0, tags);
        corpus.ValidTags!.Read(0, valid);
        Assert.InRange(tags.Count(t => t == 0) / 5001.0, 0.28, 0.32);  // whole documents of about forty tokens
        Assert.Equal([.. new int[500], .. Enumerable.Repeat(1, 500)], valid);

        // its tags are sources again
        MixSources tagged = MixSources.Open(Recipe with { Sources = [], Corpus = "mixed" }, new(home.Path));
        Assert.Equal([("a", tags.Count(t => t == 0), 500), ("b", tags.Count(t => t == 1), 500)],
            tagged.All.Select(s => (s.Label, s.Train.Length, s.Valid.Length)));
    }

    static MixRecipe Recipe => new() { Name = "m", Sources = [new("a", "tiny"), new("b", "other")] };

    [Fact]
    public void Loss_by_source_is_the_mean_over_its_stretch()
    {
        double[] means = Mix.BySource([1, 3, 10, 20, 30], [3, 3]);      // the first token of six is nobody's target
        Assert.Equal([2, 20], means);
    }

    [Fact]
    public void From_sources_to_a_checked_mixture_and_the_second_call_trains_nothing()
    {
        using TinyHome home = Home();
        (int code, string first, string error) = Run(home, tiny);
        Assert.True(code == 0, error);
        Assert.Contains("predicted best", first);
        Assert.Contains("rank correlation", first);
        Assert.True(File.Exists(Path.Combine(new Workspace(home.Path).StudyFolder("m"), Mix.ResultsFile)));
        var there = Directory.GetFiles(home.Path, "*.*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".csv"))
            .ToDictionary(f => f, File.GetLastWriteTimeUtc);
        (code, string second, error) = Run(home, tiny);
        Assert.Equal((0, first), (code, second));
        (code, string json, _) = Run(home, [.. tiny, "--json"]);
        Assert.Equal(4, JsonDocument.Parse(json).RootElement.GetProperty("small").GetArrayLength());
        Assert.All(there, f => Assert.Equal(f.Value, File.GetLastWriteTimeUtc(f.Key)));
    }

    [Fact]
    public void A_name_whose_corpora_were_mixed_of_other_sources_is_refused()
    {
        using TinyHome home = Home();
        Assert.Equal(0, Run(home, tiny).Code);
        string[] other = [.. tiny.Select(t => t == "a=tiny" ? "c=tiny" : t)];
        (int code, _, string error) = Run(home, other);
        Assert.Equal(2, code);
        Assert.Contains("another corpus", error);
    }

    [Theory]
    [InlineData("a=tiny", "two or more")]
    [InlineData("a=tiny|b", "not LABEL=PATH")]
    [InlineData("a=tiny|a=other", "twice")]
    [InlineData("a=tiny|b=nowhere", "nowhere")]
    [InlineData("a=tiny|b=other|--target|c", "--target c")]
    [InlineData("a=tiny|b=other|--mixtures|1", "--mixtures 1")]
    [InlineData("a=tiny|b=other|--budget|0", "--budget 0")]
    [InlineData("a=tiny|b=other|--corpus|tiny", "either")]
    public void Bad_input_is_one_line(string given, string said)
    {
        using TinyHome home = Home();
        (int code, string output, string error) = Run(home, ["mix", "m", "--yes", "--sources", .. given.Split('|')]);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(said, error);
        Assert.Single(error.Trim().Split('\n'));
        Assert.False(Directory.Exists(Path.Combine(home.Path, "runs")));
    }
}
