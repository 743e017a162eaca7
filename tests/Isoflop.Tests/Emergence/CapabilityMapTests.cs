using System.Text.RegularExpressions;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Data;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Worlds;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Emergence;

/// <summary>One tiny ladder on a tiny world for all.</summary>
public sealed class WorldLadder : IDisposable
{
    public WorldLadder()
    {
        var silent = new Dictionary<string, double> { ["translation"] = 0, ["exam"] = 0, ["rooms"] = 0, ["sums"] = 0 };
        WorldCorpus.Build(new() { Name = "tiny", World = new() { Weights = silent }, Bytes = 200_000, ValidBytes = 30_000, Vocab = 300 }, new(Home));
        Study = Ladder.Run(new()
        {
            Name = "t",
            Corpus = "tiny",
            Settings = ["model.context_len=64", "train.warmup=0.1"],
            Widths = [8, 16],
            Rungs = [new() { Budgets = "1e9,3e9", Seeds = 2, Sizes = 2 }],
            MinSteps = 20,
            TokensPerParameter = 1,
            Spacing = 4,
            LearningRateFactor = 1,
            BatchFactor = 1,
        }, new(Home)).Study;
    }

    public string Home { get; } = Directory.CreateTempSubdirectory("isoflop-map-").FullName;
    public Study Study { get; }

    public void Dispose() => Directory.Delete(Home, recursive: true);
}

public class CapabilityMapTests(WorldLadder ladder) : IClassFixture<WorldLadder>
{
    CapabilityMap Map(IProgress<Progress>? told = null) =>
        CapabilityMap.Of(ladder.Study, new(ladder.Home) { Progress = told }, c => WorldCorpus.WorldOf(c).Suite(3));

    [Fact]
    public void What_the_tasks_paid_adds_up_to_what_the_loss_fell()
    {
        CapabilityMap map = Map();
        Assert.Equal(2, map.Gains.Count);                                // one step, and from the first to the last
        Assert.All(map.Gains, g => Assert.Equal(g.Total, g.Tasks.Sum(t => t.Share), 1e-9));
        Assert.True(map.Gains[^1].Total > 0);
        Assert.All(map.Curves, c => Assert.Equal([2, 2], c.Rungs.Select(r => r.Results.Count)));
        Assert.All(map.Curves, c => Assert.All(c.Rungs, r => Assert.Equal(2, r.Losses.Count)));
        Assert.All(map.Findings, f => Assert.Null(f.Break));             // two rungs are no ground for a break
        Assert.Equal(map.Curves.Count * 2, map.ToTable(TaskBreak.All(map)).RowCount);
        Assert.All(TaskBreak.All(map), b => Assert.True(double.IsNaN(b.At.Value) && b.Reason.Length > 0));
    }

    [Fact]
    public void What_was_asked_is_not_asked_again()
    {
        CapabilityMap first = Map();
        List<int> done = [];
        CapabilityMap again = Map(new Listener(p => done.Add((int)(4 * p.Done % p.Total))));
        Assert.Equal([0, 0, 0, 0], done);                                // four runs, each told once: all there
        Assert.Equal(first.Curves.SelectMany(c => c.Rungs.Select(r => r.AnswerNll.Mean)),
            again.Curves.SelectMany(c => c.Rungs.Select(r => r.AnswerNll.Mean)));
    }

    [Fact]
    public void The_pictures_name_every_task_and_the_report_shows_the_map()
    {
        CapabilityMap map = Map();
        string svg = MapPictures.Svg(map);
        System.Xml.Linq.XElement picture = System.Xml.Linq.XDocument.Parse(svg).Root!;
        Assert.All(picture.Elements().Where(e => e.Attribute("x")?.Value == "12"),     // some 6.5 units a character
            e => Assert.InRange(12 + 6.5 * e.Value.Length, 0, (double)picture.Attribute("width")!));
        Assert.All(map.Findings, f => Assert.Contains($" {f.Task}<", svg));
        MapPictures.Write(map, ladder.Study.Folder);
        string page = File.ReadAllText(StudyReport.Write(ladder.Study, new(ladder.Home)).Page);
        foreach (string part in (string[])["What each rung can do", "how unlikely the right answer is", "Easy and hard words",
            "<p class=\"tokens\"><span title="])
            Assert.Contains(part, page);
    }

    [Fact]
    public void What_rounds_to_nothing_has_no_sign_of_its_own() => Assert.Equal(["+0.00", "-0.30", "+1.0"],
        [TaskFinding.Signed(-0.001, 2), TaskFinding.Signed(-0.3, 2), TaskFinding.Signed(0.96, 1)]);

    [Fact]
    public void Tags_without_questions_are_mapped_by_their_losses()
    {
        CapabilityMap map = CapabilityMap.Of(ladder.Study, new(ladder.Home), _ => null!);
        Assert.Equal(Map().Gains[^1].Tasks, map.Gains[^1].Tasks);
        Assert.All(map.Curves, c => Assert.True(c.Rungs[1].Loss > 0 && c.Rungs[1].Results.Count == 0));
        var output = new StringWriter();
        MapPictures.Terminal(map, output);
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(map.Curves.Count + 1, lines.Length);
        Assert.Contains(FormattableString.Invariant($"{map.Curves[0].Rungs[0].Loss:0.0000}"), lines[1]);
        string folder = Path.Combine(ladder.Home, "pictures");
        MapPictures.Write(map, folder);
        Assert.Equal(["map-loss.svg"], Directory.GetFiles(folder).Select(Path.GetFileName));
        System.Xml.Linq.XDocument.Parse(File.ReadAllText(Path.Combine(folder, "map-loss.svg")));
    }

    [Fact]
    public void An_item_is_of_one_task()
    {
        EvalItem item = new() { Id = "1", Task = "meaning.1", Level = 2, Prompt = "The cat", Choices = [" is", " was"], Answer = " is" };
        EvalSuite suite = new("mine", [item, item with { Id = "2", Task = "meaning", Level = 3 }, item with { Id = "3", Task = "mine" }]);
        CapabilityMap map = CapabilityMap.Of(ladder.Study, new(ladder.Home), _ => suite);
        Assert.Equal(["meaning.1", "meaning.3", "mine.2"],
            map.Curves.Where(c => c.Rungs[0].Results.Count > 0).Select(c => c.Task));
        Assert.All(map.Curves.SelectMany(c => c.Rungs).SelectMany(r => r.Results), r => Assert.Single(r));
    }

    [Fact]
    public void A_prompt_climbs_the_rungs_and_the_next_token_is_a_distribution_at_each()
    {
        IReadOnlyList<StudyResult> rungs = Climb.Rungs(ladder.Study, new(ladder.Home));
        ClimbedRung[] climbed = [.. Climb.Continue(rungs, new(ladder.Home), "The cat", 5, 0, " is", 1)];
        Assert.Equal([1e9, 3e9], climbed.Select(r => r.Budget));
        Assert.Equal(climbed.Select(r => r.Text), Climb.Continue(rungs, new(ladder.Home), "The cat", 5, 0, "", 1).Select(r => r.Text));
        foreach (SharpenedRung r in Climb.Next(rungs, new(ladder.Home), "The cat"))
        {
            Assert.Equal(1, r.LogProbs.Sum(p => Math.Exp(p)), 1e-5);     // 300 float32 log-probabilities
            Assert.InRange(r.Entropy, 0, Math.Log(r.LogProbs.Length));
        }
        // The answer's price is the sum over its tokens.
        using LanguageModel model = LanguageModel.Open(new(ladder.Home), climbed[0].Run);
        EvalItem item = new() { Id = "1", Task = "t", Prompt = "The cat", Choices = [" is", " was"], Answer = " is" };
        ItemResult result = EvalRun.Ask(new LocalTarget(model), new("one", [item]), new(), Path.Combine(ladder.Home, "one.jsonl"))[0];
        Assert.Equal(result.AnswerNll!.Value, climbed[0].AnswerNats!.Value, 1e-4);
        // Where a token would lie across prompt and answer, the answer still has its price.
        string last = model.Tokenizer.Decode([model.Tokenizer.VocabSize - 1]);
        Assert.Single(model.Tokenizer.Encode(last));
        Assert.True(Climb.Continue(rungs, new(ladder.Home), last[..^1], 1, 0, last[^1..], 1).First().AnswerNats > 0.01);
    }

    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", ladder.Home], [MapCommand.Create(), ClimbCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void Commands_write_the_map_and_the_climb()
    {
        (int code, string output, _) = Run("map", "t", "--items", "3");
        Assert.Equal(0, code);
        Assert.Contains("which tasks paid", output);
        (code, output, _) = Run("climb", "t", "The cat", "--answer", " is", "--tokens", "3");
        Assert.Equal((0, 3), (code, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        (code, _, string error) = Run("map", "nosuch");
        Assert.Equal((2, 1), (code, error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
    }

    [Fact]
    public void Coloured_text_is_the_text_and_its_losses_sum()
    {
        using LanguageModel model = LanguageModel.Open(new(ladder.Home), Climb.Rungs(ladder.Study, new(ladder.Home))[0].Run.Name);
        const string text = "El niño <b> & Zuko é";
        IReadOnlyList<int> tokens = model.Tokenizer.Encode(text);
        float[] logProbs = [.. Enumerable.Range(1, tokens.Count).Select(i => -i / 4f)];
        LossText coloured = LossText.Of(model.Tokenizer, tokens, logProbs);
        Assert.Equal(text, string.Concat(coloured.Pieces.Select(p => p.Token)));
        Assert.Equal(-logProbs.Sum(), coloured.Pieces.Sum(p => p.Nats), 1e-4);
        Assert.Contains("&lt;b&gt;", Regex.Replace(coloured.Html("t"), "<[^>]*>", ""));
    }
}
