using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Xunit;

namespace Isoflop.Tests.Rl;

public class RlCommandTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [TeachCommand.Create(), RlCommand.Create(), TracesCommand.Create(),
            ExamCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void From_a_file_to_a_run_its_table_its_traces_a_replay_and_a_picture()
    {
        string recipe = Path.Combine(home.Path, "r.json");
        File.WriteAllText(recipe, """
            { "from": "taught", "tasks": ["parity:1"], "prompts": 4, "replies": 4, "max_new_tokens": 16, "eval_items": 8, "eval_replies": 4,
              "eval_every": 1, "skip_gate": true }
            """);
        foreach (string seed in (string[])["1", "2"])
        {
            (int code, string output, _) = Run("rl", recipe, $"name=r{seed}", $"seed={seed}", "steps=3");
            Assert.Equal(0, code);
            Assert.Contains("parity.1", output);
            Assert.Contains("of the time drew replies", output);
        }
        (_, string table, _) = Run("rl", "show", "r1", "--json");
        Assert.Equal(2 * 4, JsonDocument.Parse(table).RootElement.GetProperty("evals").GetArrayLength());
        (_, string traces, _) = Run("traces", "r1", "--count", "2");
        Assert.Equal(4, traces.Split('\n').Count(l => l.StartsWith("  step ")));
        (_, string replay, _) = Run("rl", "replay", "r1", "--step", "2", "--show", "1");
        Assert.Equal(4, replay.Split('\n').Count(l => l.Contains("advantage")));
        Assert.Contains("step 2 played again is the step of rl.jsonl to the last bit", replay);
        string picture = Path.Combine(home.Path, "r.svg");
        Assert.Equal(0, Run("traces", "r1", "r2", "--svg", picture).Code);
        string svg = File.ReadAllText(picture);
        Assert.Contains(">reinforcement<", svg);                                     // two seeds, one line
        Assert.Contains("made to think", svg);
    }

    [Fact]
    public void Models_are_examined_drawn_beside_reinforcement_and_a_reward_is_foretold()
    {
        home.Run("long", "steps=24", "eval_every=8", "tasks=parity:1..2", "max_new_tokens=20");
        string csv = Path.Combine(home.Path, "e.csv"), svg = Path.Combine(home.Path, "e.svg");
        (int code, string output, _) = Run("exam", "taught", "long@24", "--task", "parity:1", "--forms", "open,direct", "--items", "8",
            "--replies", "2", "--max-new-tokens", "16", "--csv", csv, "--svg", svg);
        Assert.Equal(0, code);
        Assert.Equal(1 + 4, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(1 + 4, File.ReadAllLines(csv).Length);
        Assert.Contains("taught, at once", File.ReadAllText(svg), StringComparison.Ordinal);
        (code, output, _) = Run("rl", "forecast", "long");
        Assert.Equal(0, code);
        Assert.Contains("fitted to steps up to", output, StringComparison.Ordinal);
        Assert.Equal(0, Run("traces", "long", "--controls", "taught", "--forecast", "--svg", svg).Code);
        string picture = File.ReadAllText(svg);
        foreach (string part in (string[])["Accuracy against reinforcement: parity, level 2", "taught", "Length of a reply, by difficulty", "The reward&apos;s forecast"])
            Assert.True(picture.Contains(part, StringComparison.Ordinal) || picture.Contains(part.Replace("&apos;", "'"), StringComparison.Ordinal),
                part);
    }

    [Fact]
    public void An_exam_whose_table_cannot_be_written_is_shown_all_the_same()
    {
        string file = Path.Combine(home.Path, "plain");
        File.WriteAllText(file, "");
        (int code, string output, string error) = Run("exam", "taught", "--task", "parity:1", "--items", "2", "--replies", "2",
            "--max-new-tokens", "16", "--csv", Path.Combine(file, "e.csv"));
        Assert.Equal(2, code);
        Assert.Contains("cannot be written", error);
        Assert.Equal(1 + 1, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Theory]
    [InlineData("no setting 'stesp'", "rl", "stesp=3")]
    [InlineData("from='' must name a run", "rl", "tasks=parity:1")]
    [InlineData("there is no run", "rl", "from=nobody", "tasks=parity:1")]
    [InlineData("no run 'nobody'", "rl", "show", "nobody")]
    [InlineData("is no run of 'isoflop rl'", "traces", "taught")]
    [InlineData("no task 'pariti'", "teach", "name=x", "tasks=pariti")]
    [InlineData("give tasks to demonstrate or chat=FILE.jsonl", "teach", "name=x")]
    [InlineData("the context is 8; try context=32", "teach", "name=x", "tasks=parity:1", "context=8", "think=1")]
    [InlineData("--forms 'later' must be open, think or direct", "exam", "taught", "--task", "parity", "--forms", "later")]
    [InlineData("--x 'y' must be", "exam", "taught", "--task", "parity", "--x", "y")]
    [InlineData("items 0 must be", "exam", "taught", "--task", "parity", "--items", "0")]
    [InlineData("is no run of 'isoflop rl'", "rl", "forecast", "taught")]
    [InlineData("cannot be read", "teach", "name=x", "chat=nowhere.jsonl")]
    [InlineData("--threads -1", "rl", "from=taught", "tasks=parity:1", "max_new_tokens=16", "--threads", "-1")]
    public void A_mistake_is_one_line(string message, params string[] args)
    {
        (int code, _, string error) = Run(args);
        Assert.Equal(2, code);
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(message, line);
    }
}
