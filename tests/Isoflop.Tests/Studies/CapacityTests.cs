using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Data;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public sealed class CapacityTests
{
    static readonly MemorySet strings = new(MemoryKind.Random, 16, 8, 20, 1, 1), facts = new(MemoryKind.Facts, 16, 5, 20, 3, 1);

    static (int Code, string Out, string Err) Run(TinyHome home, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [CapacityCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    static readonly string[] tiny = ["capacity", "t", "--sizes", "8,16", "--exposures", "4", "--bits", "0.05,0.1", "--rates", "1,2",
        "--seeds", "2", "--symbols", "16", "--length", "8", "--yes"];

    [Fact]
    public void Bits_memorised_are_what_is_saved_on_the_code_length_of_the_source()
    {
        Assert.Equal(20 * 8 * 4, strings.Bits, 9);
        float[] nats = new float[20 * 9];
        Assert.Equal(strings.Bits, strings.Memorised(nats), 9);    // all known by heart
        for (int i = 0; i < nats.Length; i++) nats[i] = i % 9 == 8 ? 0 : MathF.Log(16);
        Assert.Equal(0, strings.Memorised(nats), 3);               // the source's own distribution: nothing stored
        nats[8] = MathF.Log(4);                                    // an end that was not foreseen costs two bits
        Assert.Equal(-2, strings.Memorised(nats), 3);
        Array.Fill(nats, MathF.Log(4));
        Assert.Equal(20 * 8 * 2 - 20 * 2, strings.Memorised(nats), 3);
    }

    [Fact]
    public void Of_facts_the_values_count_and_neither_names_nor_order()
    {
        int period = facts.Period;
        Assert.Equal((4 + 2 * 5 + 1, 20 * 5 * 4.0), (period, facts.Bits));
        float[] nats = new float[20 * period];
        Array.Fill(nats, 100);
        using var home = new TinyHome();
        facts.Corpus().Write(new(home.Path), "");
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder(facts.Name));
        int[] valid = new int[corpus.Valid.Count];
        corpus.Valid.Read(0, valid);
        for (int i = 0; i < nats.Length; i++)                      // what follows an attribute is a value
            if (valid[i] > facts.Symbols) nats[i] = MathF.Log(2);
        Assert.Equal(facts.Bits - 20 * 5, facts.Memorised(nats), 3);
    }

    [Fact]
    public void Documents_are_windows_and_held_out_text_is_the_text_itself()
    {
        using var home = new TinyHome();
        CorpusFacts made = strings.Corpus().Write(new(home.Path), ""), planned = strings.Facts;
        Assert.Equal(planned with { BytesPerToken = made.BytesPerToken, StreamsHash = made.StreamsHash }, made);
        Assert.Equal(made, strings.Corpus().Write(new(home.Path), ""));  // there already
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder(strings.Name));
        int[] train = new int[corpus.Train.Count], valid = new int[corpus.Valid.Count];
        corpus.Train.Read(0, train);
        corpus.Valid.Read(0, valid);
        Assert.Equal(train, valid);
        Assert.All(train.Select((t, i) => (t, i)), x => Assert.Equal(x.i % strings.Period == 0, x.t == corpus.EndOfText));
    }

    [Fact]
    public void Facts_are_told_in_several_orders_and_asked_for_in_another()
    {
        using var home = new TinyHome();
        facts.Corpus().Write(new(home.Path), "");
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder(facts.Name));
        List<int[]> told = Documents(corpus.Train), asked = Documents(corpus.Valid);
        Assert.Equal((60, 20), (told.Count, asked.Count));
        Assert.Equal(20, asked.Select(d => string.Join(' ', d[..4])).Distinct().Count());
        foreach (int[] document in asked)
        {
            List<int[]> same = told.FindAll(d => d[..4].SequenceEqual(document[..4]));
            Assert.Equal(3, same.Count);
            Assert.All(same, d => Assert.Equal(Values(document), Values(d)));
        }
        Assert.True(told.Select(Order).Distinct().Count() > 10);

        List<int[]> Documents(TokenStream stream)
        {
            int[] all = new int[stream.Count];
            stream.Read(0, all);
            return [.. all.Skip(1).Chunk(facts.Period)];
        }
        static string Values(int[] d) => string.Join(' ', Enumerable.Range(0, 5).Select(i => (d[4 + 2 * i], d[5 + 2 * i])).Order());
        static string Order(int[] d) => string.Join(' ', Enumerable.Range(0, 5).Select(i => d[4 + 2 * i]));
    }

    [Fact]
    public void The_second_call_trains_nothing()
    {
        using var home = new TinyHome();
        (int code, string first, string error) = Run(home, tiny);
        Assert.True(code == 0, error);
        Assert.Contains("literature", first);
        string folder = new Workspace(home.Path).StudyFolder("t");
        string svg = File.ReadAllText(Path.Combine(folder, Capacity.ChartFile));
        Assert.StartsWith("<svg", svg);
        Assert.Contains($": {Path.GetFileName(folder)}<", svg);                      // pictures of two studies are told apart
        Assert.Equal(1 + 2 * 2 * 2, File.ReadAllLines(Path.Combine(folder, Capacity.ResultsFile)).Length);
        var there = Directory.GetFiles(Path.Combine(home.Path, "runs"), "*", SearchOption.AllDirectories)
            .ToDictionary(f => f, File.GetLastWriteTimeUtc);
        (code, string second, error) = Run(home, tiny);
        Assert.Equal((0, first), (code, second));
        Assert.DoesNotContain("loss", error);
        (code, string json, _) = Run(home, [.. tiny, "--json"]);
        Assert.Equal(4, JsonDocument.Parse(json).RootElement.GetProperty("points").GetArrayLength());
        Assert.All(Directory.GetFiles(Path.Combine(home.Path, "runs"), "*", SearchOption.AllDirectories),
            f => Assert.Equal(there[f], File.GetLastWriteTimeUtc(f)));
    }

    [Fact]
    public void What_a_run_ends_with_is_what_is_measured()
    {
        using var home = new TinyHome();
        Run(home, tiny);
        foreach (string path in Directory.GetDirectories(Path.Combine(home.Path, "runs")))
        {
            RunRecord run = RunRecord.Load(path);
            using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder(run.Corpus.Name));
            float[] nats = Lab.Eval.TokenLosses.Of(new(home.Path), Path.GetFileName(path), corpus);
            // one pass of floats in another batch: the same bits a row
            Assert.Equal(RunFolder.ReadValid(path)[^1].Loss, nats.Average(x => (double)x), 9);
        }
    }

    [Theory]
    [InlineData("--sizes", "7", "--sizes 7")]
    [InlineData("--sizes", "x", "not a number")]
    [InlineData("--bits", "0", "--bits 0")]
    [InlineData("--exposures", "0", "--exposures 0")]
    [InlineData("--exposures", "1.5", "whole number")]
    [InlineData("--symbols", "1", "--symbols 1")]
    [InlineData("--rates", "-1", "--rates -1")]
    [InlineData("--run", "nobody", "nobody")]
    public void Bad_input_is_one_line(string option, string value, string said)
    {
        using var home = new TinyHome();
        (int code, string output, string error) = Run(home, "capacity", option, value, "--yes");
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(said, error);
        Assert.Single(error.Trim().Split('\n'));
        Assert.False(Directory.Exists(Path.Combine(home.Path, "runs")));
    }

    [Fact]
    public void A_plateau_needs_data_left_over_and_no_more_stored()
    {
        static CapacityPoint At(double bits, double stored) => new(null!, 1, 1, 1, bits, Estimate.Of(stored), 1);
        Assert.True(Capacity.PlateauOf([At(100, 95), At(200, 150), At(400, 152)]).Reached);
        Assert.True(Capacity.PlateauOf([At(100, 95), At(200, 150), At(400, 145)]).Reached);
        Assert.Contains("less", Capacity.PlateauOf([At(100, 95), At(200, 150), At(400, 90)]).Bound);
        Assert.Contains("rising", Capacity.PlateauOf([At(100, 95), At(200, 150), At(400, 200)]).Bound);
        Assert.Contains("all", Capacity.PlateauOf([At(100, 99)]).Bound);
    }

    [Fact]
    public void Gain_beyond_the_first_orders()
    {
        var gain = new GainByOrder("r", Loss: 2, Unigram: 6, Bigram: 4, FiveGram: 3);
        Assert.Equal((0.5, 0.25), (gain.BeyondPairs, gain.BeyondFives));
        Assert.True(double.IsNaN((gain with { Loss = 7 }).BeyondPairs));
    }
}
