using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tests.Eval;
using Isoflop.Tests.Rl;
using Xunit;

namespace Isoflop.Tests.Thinking;

public sealed class ThinkCommandTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [ThinkCommand.Create(), ThinkCurveCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void A_problem_is_thought_about_and_an_item_is_judged()
    {
        (int code, string output, string error) = Run("think", "taught", "--task", "parity", "--index", "3", "--strategy", "majority",
            "--budget", "200", "--all");
        Assert.True(code == 0, error);
        Assert.Matches("answer [01]  (right|wrong)", output);
        Assert.Matches(@"majority: \d+ draws, \d+ attempts, \d+ tokens drawn of \d+ read, .* FLOPs", output);
        (_, string json, _) = Run("think", "taught", "01101001", "--json");
        JsonElement record = JsonDocument.Parse(json).RootElement;
        Assert.Equal("01101001", record.GetProperty("problem").GetString());
        Assert.Equal(JsonValueKind.Null, record.GetProperty("right").ValueKind);
        Assert.True(record.GetProperty("flops").GetDouble() > 0);
    }

    [Theory]
    [InlineData("give a problem or --task", "think", "taught")]
    [InlineData("no strategy 'best'", "think", "taught", "01", "--strategy", "best")]
    [InlineData("--budget 5h must be tokens, FLOPs or seconds", "think", "taught", "01", "--budget", "5h")]
    [InlineData("is below one reply: here one takes", "think", "taught", "--task", "parity", "--budget", "1")]
    [InlineData("needs a check without a key, and task 'parity' has none", "think", "taught", "--task", "parity", "--strategy",
        "best-of-n")]
    [InlineData("needs a scorer", "think", "taught", "01", "--strategy", "beam")]
    [InlineData("thoughts of task 'parity' never turn back", "think", "taught", "--task", "parity", "--strategy", "forcing")]
    [InlineData("no run 'nobody'", "think", "nobody", "01")]
    [InlineData("--index -1", "think", "taught", "--task", "parity", "--index", "-1")]
    [InlineData("--level 99 must be from 1", "think", "taught", "--task", "parity", "--level", "99")]
    [InlineData("the model's context is 48", "think", "taught", "--task", "parity", "--level", "6")]
    [InlineData("continues replies token by token", "think", "http://127.0.0.1:9/v1", "01", "--strategy", "forcing")]
    [InlineData("an endpoint does not tell its FLOPs", "think", "http://127.0.0.1:9/v1", "01", "--budget", "1e9flops")]
    [InlineData("--budgets 1..6", "think-curve", "taught", "--task", "parity", "--budgets", "1..6")]
    [InlineData("--budgets x must be FROM..TO", "think-curve", "taught", "--task", "parity", "--budgets", "x")]
    [InlineData("--items 1 must be from 2", "think-curve", "taught", "--task", "parity", "--items", "1")]
    [InlineData("needs a check", "think-curve", "taught", "--task", "parity", "--strategies", "tree", "--items", "2")]
    [InlineData("no task 'pariti'; did you mean parity?", "think-curve", "taught", "--task", "pariti")]
    public void A_mistake_is_one_line(string message, params string[] args)
    {
        (int code, _, string error) = Run(args);
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => !l.StartsWith("think "));
        Assert.Contains(message, line);
        Assert.Equal(2, code);
    }

    [Fact]
    public void A_curve_goes_on_where_it_was_killed_and_ends_the_same()
    {
        string csv = Path.Combine(home.Path, "c.csv"), svg = Path.Combine(home.Path, "c.svg");
        string[] args = ["think-curve", "taught", "--task", "parity:1", "--budgets", "1..4", "--items", "10", "--csv", csv, "--svg", svg];
        (int code, string output, string error) = Run(args);
        Assert.True(code == 0, error);
        Assert.Contains("coverage: @1", output);
        Assert.Contains("left out: strategy 'best-of-n' needs a check", output);
        Assert.Contains("best on Valid", output);
        Assert.DoesNotContain("random search", File.ReadAllText(svg));               // parity has no check to stop it
        string[] whole = File.ReadAllLines(csv);
        string rows = Directory.GetFiles(Path.Combine(home.Path, "thinks"), "rows.jsonl", SearchOption.AllDirectories).Single();
        string[] lines = File.ReadAllLines(rows);
        // Greedy once, majority, confidence and adaptive with three budgets, 10 items on two splits; the mean's 54 more of Valid.
        Assert.Equal(10 * 2 * (1 + 3 * 3) + 54, lines.Length);
        File.WriteAllLines(rows, lines[..^75]);
        File.AppendAllText(rows, lines[^75][..20]);                                 // torn
        Run(args);
        int seconds = Array.IndexOf(whole[0].Split(','), "seconds");
        Assert.Equal(whole.Select(Untimed), File.ReadAllLines(csv).Select(Untimed));
        Assert.Equal(lines.Length, File.ReadAllLines(rows).Length);
        DateTime written = File.GetLastWriteTimeUtc(rows);
        Run(args);
        Assert.Equal(written, File.GetLastWriteTimeUtc(rows));                      // nothing was asked again

        string Untimed(string line) => string.Join(',', line.Split(',').Where((_, i) => i != seconds));
    }

    static string Chat(string content, string reasoning, int tokens, string extra = "") =>
        $$$"""{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"{{{content}}}"{{{reasoning}}}},"finish_reason":"stop"{{{extra}}}}],"usage":{"prompt_tokens":50,"completion_tokens":{{{tokens}}}}}""";

    [Fact]
    public void An_endpoint_votes_with_its_own_counts_and_its_reasoning_apart()
    {
        using var endpoint = new FakeEndpoint((n, call) => call.Send(200, (n % 3) switch
        {
            0 => Chat("It is\\nAnswer: **5**.", ",\"reasoning_content\":\"two and three\"", 20),
            1 => Chat("<think>hm 7?</think>\\n5", "", 20),
            _ => Chat("7", ",\"reasoning\":\"guess\"", 20),
        }));
        (int code, string output, string error) = Run("think", endpoint.Url, "2+3", "--strategy", "majority", "--budget", "60",
            "--max-tokens", "20", "--json", "--all");
        Assert.True(code == 0, error);
        JsonElement r = JsonDocument.Parse(output).RootElement;
        Assert.Equal(("5", 3, 60), (r.GetProperty("answer").GetString(), r.GetProperty("draws").GetInt32(), r.GetProperty("tokens").GetInt32()));
        Assert.DoesNotContain("think", r.GetProperty("drafts").ToString());
        Assert.Contains(r.GetProperty("thought").GetString(), (string[])["hm 7?", "two and three"]);
        (code, _, error) = Run("think", endpoint.Url, "2+3", "--strategy", "confidence", "--budget", "60", "--max-tokens", "20");
        Assert.Equal(2, code);
        Assert.Contains("the endpoint gives none", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void An_endpoint_that_gives_log_probabilities_is_believed_where_it_is_sure_and_revision_speaks_to_it()
    {
        using var sure = new FakeEndpoint((n, call) => call.Send(200, n == 1
            ? Chat("7", "", 20, ",\"logprobs\":{\"content\":[{\"token\":\"7\",\"logprob\":-0.01}]}")
            : Chat("8", "", 20, ",\"logprobs\":{\"content\":[{\"token\":\"8\",\"logprob\":-2.5}]}")));
        (_, string output, _) = Run("think", sure.Url, "2+3", "--strategy", "confidence", "--budget", "60", "--max-tokens", "20", "--json");
        Assert.Equal("7", JsonDocument.Parse(output).RootElement.GetProperty("answer").GetString());
        List<int> messages = [];
        using var stubborn = new FakeEndpoint((n, call) =>
        {
            lock (messages) messages.Add(call.Body.GetProperty("messages").GetArrayLength());
            return call.Send(200, Chat("1+1", "", 20));
        });
        (int code, output, _) = Run("think", stubborn.Url, "--task", "countdown", "--strategy", "revision", "--budget", "60", "--max-tokens", "20");
        Assert.Equal(0, code);
        Assert.Contains("wrong", output);
        Assert.Equal([2, 4, 6], messages);                                          // what was said, and that it is not right
    }
}
