using System.CommandLine;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

public class TasksCommandTests
{
    static (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(["tasks", .. args], [TasksCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void Items_are_shown_with_demonstrations_that_score()
    {
        (int code, string output, _) = Run("countdown", "--level", "2", "--count", "3", "--split", "Test", "--json");
        Assert.Equal(0, code);
        TaskFamily family = TaskFamilies.Find("countdown");
        string[] lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        foreach ((int i, string line) in lines.Index())
        {
            using JsonDocument json = JsonDocument.Parse(line);
            TaskItem item = family.Make(Split.Test, 2, i, 0);
            Assert.Equal(item.Prompt, json.RootElement.GetProperty("prompt").GetString());
            foreach (string form in (string[])["monologue", "proof", "answer_first", "direct"])
                Assert.Equal(1, family.Reward(item, json.RootElement.GetProperty("replies").GetProperty(form).GetString()!));
        }
        (code, output, _) = Run("parity", "--form", "Proof", "--count", "1");
        Assert.Equal(0, code);
        Assert.Contains("256 items, chance 0.5", output);
        Assert.Matches("proof +<[01]{8}>[01]", output);
        Assert.DoesNotContain("monologue", output);
    }

    [Fact]
    public void All_families_are_listed_with_what_solving_and_checking_cost()
    {
        (int code, string output, _) = Run("--json", "--measure");
        Assert.Equal(0, code);
        JsonElement[] rows = [.. output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.True(rows.Length >= 24);                          // other tests register families meanwhile: those come last
        Assert.Equal(TaskFamilies.All.Take(rows.Length).Select(f => f.Name), rows.Select(r => r.GetProperty("name").GetString()));
        Assert.All(rows, r => Assert.All(r.GetProperty("levels").EnumerateArray(), l =>
        {
            Assert.True(l.GetProperty("items_per_second").GetDouble() > 0 && l.GetProperty("solve_microseconds").GetDouble() > 0);
            Assert.True(l.GetProperty("longest_reply").GetInt32() < Reply.MaxLength);
        }));
    }

    [Fact]
    public void The_list_measures_nothing_unless_it_is_asked()
    {
        (int code, string output, string error) = Run();
        Assert.Equal((0, ""), (code, error));                    // no progress: there is none to wait for
        Assert.Contains("Bits; 1 if the number of ones is odd, else 0", output);
        Assert.DoesNotContain("items/s", output);
        (_, output, _) = Run("--json");
        JsonElement level = JsonDocument.Parse(output.Split(Environment.NewLine)[0]).RootElement.GetProperty("levels")[0];
        Assert.Equal(0.5, level.GetProperty("chance").GetDouble());
        Assert.False(level.TryGetProperty("items_per_second", out _));
    }

    [Theory, InlineData("no task 'chess'; there are: parity", "chess"), InlineData("parity: --level 9 must be from 1 to 6", "parity", "--level", "9"),
        InlineData("--count 0 must be positive", "parity", "--count", "0"), InlineData("none.jsonl: no such file", "none.jsonl"), InlineData("--split 7 must be one of Train, Valid, Test", "parity", "--split", "7"),
        InlineData("--form -1 must be one of Monologue,", "parity", "--form", "-1"), InlineData("none.json: no such file", "none.json")]
    public void Mistakes_are_one_line(string message, params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.Equal(2, code);
        Assert.Contains(message, error);
        Assert.Single(error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
