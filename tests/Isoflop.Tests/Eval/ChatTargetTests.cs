using System.Globalization;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Eval;
using Microsoft.Extensions.AI;
using Xunit;

namespace Isoflop.Tests.Eval;

public sealed class ChatTargetTests
{
    readonly JumpingTime time = new();

    ChatTargetOptions Options => new() { Model = "m", Concurrency = 1, Time = time, KeyVariable = "ISOFLOP_NO_SUCH_KEY" };

    static EvalItem Sum(int i) => new() { Id = $"i{i}", Task = "sums", Prompt = $"{i} + 1 =", Answer = $" {i + 1}" };

    static EvalItem[] Sums(int count) => [.. Enumerable.Range(0, count).Select(Sum)];

    /// <summary>The right answer to a sum.</summary>
    static string Answered(FakeEndpoint.Call call) =>
        $"{int.Parse(call.Said.Split(' ')[0], CultureInfo.InvariantCulture) + 1}";

    static async Task<List<ItemResult>> All(ChatTarget target, params EvalItem[] items)
    {
        var results = new List<ItemResult>();
        await foreach (ItemResult result in target.AnswerAsync(items, default)) results.Add(result);
        return results;
    }

    [Theory, InlineData(""), InlineData("/v1"), InlineData("/v1/"), InlineData("/v1/chat/completions")]
    public async Task Replies_come_in_order_and_are_scored_and_paid(string path)
    {
        string? asked = null;
        using var endpoint = new FakeEndpoint((n, call) =>
        {
            Assert.Equal("/v1/chat/completions", call.Path);
            if (n == 1) asked = call.Body.GetRawText();
            Assert.Null(call.Key);
            return call.Reply(call.Said.StartsWith('2') ? "no idea" : $" {Answered(call)}\n");
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url + path, Options with { PriceIn = 2, PriceOut = 10 });
        List<ItemResult> results = await All(target, Sums(5));
        Assert.Equal(["i0", "i1", "i2", "i3", "i4"], results.Select(r => r.Id));
        Assert.Equal([1.0, 1, 0, 1, 1], results.Select(r => r.Score));
        Assert.All(results, r => Assert.Equal(("sums", 10, 2, "", false), (r.Task, r.Tokens, r.Bytes, r.Note, r.FormatError)));
        Assert.All(results, r => Assert.True(r.Milliseconds > 0));
        Assert.Equal("no idea", results[2].Reply);
        JsonElement body = JsonDocument.Parse(asked!).RootElement;
        Assert.Equal(("m", 256, 0.0), (body.GetProperty("model").GetString(), body.GetProperty("max_tokens").GetInt32(),
            body.GetProperty("temperature").GetDouble()));
        Assert.Equal("0 + 1 =", body.GetProperty("messages")[1].GetProperty("content").GetString());
        ChatSpent spent = target.Spent;
        Assert.Equal((5L, 0L, 500L, 50L), (spent.Requests, spent.Retries, spent.TokensIn, spent.TokensOut));
        Assert.Equal((500 * 2 + 50 * 10) / 1e6, spent.Cost, 1e-15);
    }

    [Fact]
    public async Task The_key_is_read_from_the_variable_that_is_named()
    {
        Environment.SetEnvironmentVariable("ISOFLOP_TEST_KEY", "k");
        using var endpoint = new FakeEndpoint((_, call) => call.Reply(call.Key ?? "none"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { KeyVariable = "ISOFLOP_TEST_KEY" });
        Assert.Equal("Bearer k", (await All(target, Sum(1))).Single().Reply);
    }

    [Fact]
    public async Task Too_many_requests_wait_as_long_as_they_are_told()
    {
        using var endpoint = new FakeEndpoint((n, call) => n == 2 ? call.Send(429, "", ("Retry-After", "7"))
            : call.Reply(Answered(call)));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Equal([1.0, 1, 1], (await All(target, Sums(3))).Select(r => r.Score));
        Assert.Equal([7.0], time.Waits);
        Assert.Equal((4L, 1L), (target.Spent.Requests, target.Spent.Retries));
    }

    [Fact]
    public async Task A_date_to_retry_after_is_reckoned_by_the_endpoints_clock()
    {
        using var endpoint = new FakeEndpoint((n, call) => n > 1 ? call.Reply("2")
            : call.Send(503, "", ("Date", "Thu, 01 Jan 2026 10:00:00 GMT"), ("Retry-After", "Thu, 01 Jan 2026 10:00:09 GMT")));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Equal(1, (await All(target, Sum(1))).Single().Score);
        Assert.Equal([9.0], time.Waits);
    }

    [Theory, InlineData(500, ""), InlineData(503, "busy"), InlineData(200, "<html>"), InlineData(200, "{}"), InlineData(408, "")]
    public async Task What_may_pass_is_asked_again_after_waits_that_double(int status, string text)
    {
        using var endpoint = new FakeEndpoint((n, call) => n <= 3 ? call.Send(status, text) : call.Reply("2"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Equal(1, (await All(target, Sum(1))).Single().Score);
        Assert.Equal([1.0, 2, 4], time.Waits);
        Assert.Equal(3, target.Spent.Retries);
    }

    [Fact]
    public async Task A_request_has_a_time_limit()
    {
        using var endpoint = new FakeEndpoint(async (n, call) =>
        {
            if (n == 1) await Task.Delay(3000);
            await call.Reply("2");
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Timeout = TimeSpan.FromSeconds(0.5) });
        Assert.Equal(1, (await All(target, Sum(1))).Single().Score);
        Assert.Equal(1, target.Spent.Retries);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_stream_that_is_cut_is_no_reply(bool abort)
    {
        const string Stop = """{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";
        const string Usage = """{"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}""";
        using var endpoint = new FakeEndpoint((n, call) => n == 1 ? call.Stream(abort, FakeEndpoint.Delta(" 1"))
            : call.Stream(false, FakeEndpoint.Delta(" 1"), FakeEndpoint.Delta("2"), Stop, Usage, "[DONE]"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Stream = true });
        ItemResult result = (await All(target, Sum(11))).Single();
        Assert.Equal((1.0, " 12", ""), (result.Score, result.Reply, result.Note));
        Assert.Equal((1L, 7L, 3L), (target.Spent.Retries, target.Spent.TokensIn, target.Spent.TokensOut));
    }

    [Theory]
    [InlineData("m", 0), InlineData("M", 0), InlineData("m-2026-01-02", 0), InlineData("m-mini", 2), InlineData("x", 2)]
    public async Task Another_models_name_is_noted_and_counted(string model, int byOthers)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Reply(Answered(call), model));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        List<ItemResult> results = await All(target, Sums(2));
        Assert.All(results, r => Assert.Equal((1.0, byOthers > 0 ? $"answered by {model}" : ""), (r.Score, r.Note)));
        Assert.Equal(byOthers, target.Spent.ByOthers);
        Assert.Equal(byOthers > 0, target.Spent.ToString().Contains($"2 replies by another model: {model}"));
    }

    [Fact]
    public async Task An_empty_reply_is_an_error_of_format()
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Reply(" ", finish: "length"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        ItemResult result = (await All(target, Sum(1))).Single();
        Assert.Equal((0.0, true, "reply cut at 256 tokens; empty reply"), (result.Score, result.FormatError, result.Note));
        Assert.Equal(1, target.Spent.Empty);
    }

    [Theory]
    [InlineData(500, "the server is down", "after 2 retries", "")]
    [InlineData(400, "{\"error\":{\"message\":\"too\\nlong\"}}", "400 too long", "")]
    [InlineData(429, "", "asks to wait 999 s", "999")]
    public async Task An_item_without_an_answer_is_left_out_and_not_wrong(int status, string text, string reason, string after)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Said.StartsWith('1')
            ? call.Send(status, text, after.Length > 0 ? [("Retry-After", after)] : []) : call.Reply(Answered(call)));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Retries = 2 });
        Assert.Equal(["i0", "i2"], (await All(target, Sums(3))).Select(r => r.Id));
        Assert.Equal(1, target.Spent.Unanswered);
        Assert.Contains(reason, target.Spent.LastFailure);
        Assert.Contains("1 items without an answer, left out: i1: ", target.Spent.ToString());
    }

    [Fact]
    public async Task An_endpoint_that_answers_nothing_stops_the_evaluation()
    {
        string url;
        using (var endpoint = new FakeEndpoint((_, call) => call.Send(500, "down")))
        {
            url = endpoint.Url;
            using ChatTarget target = ChatTarget.Open(url, Options with { Retries = 1 });
            Assert.Equal($"m does not answer: {url}/v1/chat/completions: 500 down, after 1 retries",
                (await Assert.ThrowsAsync<DataException>(() => All(target, Sums(9)))).Message);
            Assert.Equal(2, endpoint.Calls);
        }
        using ChatTarget nobody = ChatTarget.Open(url, Options with { Retries = 1 });
        await Assert.ThrowsAsync<DataException>(() => All(nobody, Sum(1)));
    }

    [Theory, InlineData(401, "key"), InlineData(403, "key"), InlineData(404, "model's name")]
    public async Task A_wrong_key_or_address_is_said_at_once(int status, string hint)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Send(status, ""));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Contains(hint, (await Assert.ThrowsAsync<ConfigException>(() => All(target, Sums(3)))).Message);
        Assert.Equal(1, endpoint.Calls);
    }

    [Theory]
    [InlineData("<html>gateway</html>", false), InlineData("""{"choices":[5]}""", false), InlineData("[1]", false)]
    [InlineData("""{"choices":{}}""", false), InlineData("5", true), InlineData("""{"choices":{}}""", true)]
    [InlineData("""{"choices":[7]}""", true)]
    public async Task A_reply_that_is_none_is_a_failure_and_no_crash(string text, bool stream)
    {
        using var endpoint = new FakeEndpoint((_, call) => stream ? call.Stream(false, text) : call.Send(200, text));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Retries = 1, Stream = stream });
        Assert.StartsWith("m does not answer: ", (await Assert.ThrowsAsync<DataException>(() => All(target, Sum(1)))).Message);
        Assert.Equal(2, endpoint.Calls);
    }

    [Fact]
    public void One_name_at_two_addresses_is_two_models()
    {
        string[] urls = ["http://127.0.0.1:1", "http://127.0.0.1:1/v1/chat/completions", "http://127.0.0.1:2/v1"];
        ChatTarget[] targets = [.. urls.Select(u => ChatTarget.Open(u, Options))];
        Assert.Equal(targets[0].Hash, targets[1].Hash);
        Assert.NotEqual(targets[0].Hash, targets[2].Hash);
        Assert.Equal(["127.0.0.1:1/v1", "127.0.0.1:1/v1", "127.0.0.1:2/v1"], targets.Select(t => t.Address));
        foreach (ChatTarget target in targets) target.Dispose();
    }

    [Fact]
    public void The_command_says_what_was_spent_and_noted_even_where_it_fails()
    {
        string home = Directory.CreateTempSubdirectory("isoflop-endpoint-").FullName, suite = Path.Combine(home, "s.jsonl");
        File.WriteAllLines(suite, ["""{"id":"a","task":"t","prompt":"x","answer":"1"}""",
            """{"id":"b","task":"t","choices":["1","2"],"answer":"1"}"""]);
        (int Code, string Out, string Err) Run(FakeEndpoint endpoint)
        {
            StringWriter output = new(), error = new();
            int code = App.Run(["eval", endpoint.Url, "--endpoint-model", "m", "--suite", suite, "--home", home, "--price-in", "1",
                "--concurrency", "1"], [EvalCommand.Create()], output, error);
            return (code, output.ToString(), error.ToString());
        }
        try
        {
            using var good = new FakeEndpoint((_, call) => call.Path.EndsWith("chat/completions", StringComparison.Ordinal)
                ? call.Reply("1") : call.Send(404, ""));
            (int code, string output, string error) = Run(good);
            Assert.Equal(0, code);
            Assert.Contains("asked by letter: 1 items: b", output);
            Assert.DoesNotContain("FLOPs", output);
            Assert.Contains("cost 0.0002", error);
            using var bad = new FakeEndpoint((n, call) => n == 1 ? call.Reply("1") : call.Send(401, ""));
            (code, _, error) = Run(bad);
            Assert.Equal(2, code);
            Assert.Contains("cost 0.0001", error);                                 // the first was paid for
            Assert.Equal(2, Directory.GetFiles(Path.Combine(home, "evals"), "*", SearchOption.AllDirectories).Length);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Theory]
    [InlineData("localhost:8000"), InlineData("ftp://x"), InlineData("nonsense")]
    public void An_address_must_be_one(string url) =>
        Assert.Contains("no address", Assert.Throws<ConfigException>(() => ChatTarget.Open(url, Options)).Message);

    [Fact]
    public void Options_are_checked()
    {
        foreach (ChatTargetOptions wrong in (ChatTargetOptions[])[Options with { Concurrency = 0 }, Options with { Retries = -1 },
            Options with { MaxTokens = 0 }, Options with { RequestsPerMinute = double.NaN }, Options with { PriceIn = -1 },
            Options with { Timeout = TimeSpan.Zero }])
            Assert.Throws<ConfigException>(() => ChatTarget.Open("http://127.0.0.1:1", wrong));
    }

    [Fact]
    public async Task Requests_keep_to_a_rate()
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Reply(Answered(call)));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { RequestsPerMinute = 30 });
        Assert.Equal(4, (await All(target, Sums(4))).Count);
        Assert.Equal([2.0, 2, 2], time.Waits);
    }

    [Fact]
    public async Task No_more_requests_are_under_way_than_allowed()
    {
        using var endpoint = new FakeEndpoint(async (_, call) =>
        {
            await Task.Delay(30);
            await call.Reply(Answered(call));
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Concurrency = 3 });
        List<ItemResult> results = await All(target, Sums(12));
        Assert.Equal(Sums(12).Select(i => i.Id), results.Select(r => r.Id));
        Assert.InRange(endpoint.MaxAtOnce, 2, 3);
    }

    [Fact]
    public async Task Stopping_stops()
    {
        using var stop = new CancellationTokenSource();
        using var endpoint = new FakeEndpoint(async (n, call) =>
        {
            if (n == 3) await stop.CancelAsync();
            await call.Reply(Answered(call));
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ItemResult _ in target.AnswerAsync(Sums(50), stop.Token)) { }
        });
        Assert.InRange(endpoint.Calls, 3, 4);
    }

    static readonly EvalItem paris = new()
    {
        Id = "paris",
        Task = "facts",
        Prompt = "Où? In",
        Choices = [" Rome", " Paris", " Bonn"],
        Answer = " Paris",
    };

    /// <summary>Characters as tokens; each of the right choice is likelier than the others'.</summary>
    static Task Echoed(FakeEndpoint.Call call)
    {
        string text = call.Body.GetProperty("prompt").GetString()! + "!";
        double p = text.Contains("Paris") ? -0.25 : text.Contains("Bonn") ? -0.5 : -1;
        return call.Send(200, JsonSerializer.Serialize(new
        {
            model = "m",
            choices = new[]
            {
                new
                {
                    logprobs = new
                    {
                        tokens = text.Select(c => $"{c}"),
                        token_logprobs = text.Select((_, i) => i == 0 ? (double?)null : p),
                        text_offset = text.Select((_, i) => i),
                    },
                },
            },
            usage = new { prompt_tokens = text.Length, completion_tokens = 1 },
        }));
    }

    [Fact]
    public async Task Choices_are_weighed_where_the_endpoint_echoes()
    {
        using var endpoint = new FakeEndpoint((_, call) => Echoed(call));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        List<ItemResult> results = await All(target, paris, paris with { Id = "rome", Answer = " Rome" });
        Assert.Equal(7, endpoint.Calls);                                           // one to see whether it echoes
        ItemResult right = results[0], wrong = results[1];
        // Six characters at −0.25, five at −0.5 and −1; the prompt's é and the token written are not counted.
        Assert.Equal((1.0, 1.0, 1.0, 1.5, 1.0, 6, 6), (right.Score, right.ScorePerToken, right.ScorePerByte, right.AnswerNll,
            right.Margin, right.Tokens, right.Bytes));
        Assert.Equal((0.0, 5.0, -3.5, ""), (wrong.Score, wrong.AnswerNll, wrong.Margin, wrong.Note));
        Assert.Equal(1.0 / 3, right.Chance);
        Assert.Null(right.Reply);
    }

    [Fact]
    public async Task Without_a_prompt_the_first_token_has_no_probability()
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Path == "/v1/completions" ? Echoed(call) : call.Reply("Z"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        List<ItemResult> results = await All(target,
            paris with { Prompt = "", Choices = ["In Rome", "In Paris"], Answer = "In Paris" },
            paris with { Id = "other", Prompt = "", Choices = ["Rome", "Paris"], Answer = "Paris" });
        Assert.Equal((1.0, null, "the first token, alike in all choices, has no probability"),
            (results[0].Score, results[0].AnswerNll, results[0].Note));
        Assert.Equal(("asked by letter", true), (results[1].Note, results[1].FormatError));
    }

    [Theory]
    [InlineData("{0}", true), InlineData(" ({0}) Paris", true), InlineData("**{0}**", true), InlineData("{0}. Paris", true)]
    [InlineData("It is {0}", false), InlineData("Paris", false), InlineData("Z", false)]
    public async Task Elsewhere_choices_are_asked_by_letter(string form, bool read)
    {
        string asked = "";
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            if (call.Path == "/v1/completions") return call.Send(404, "");
            asked = call.Said;
            char letter = asked.Split('\n').Single(l => l.EndsWith(". Paris", StringComparison.Ordinal))[0];
            return call.Reply(string.Format(CultureInfo.InvariantCulture, form, letter));
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        ItemResult result = (await All(target, paris)).Single();
        Assert.Equal((read ? 1.0 : 0.0, !read, "asked by letter"), (result.Score, result.FormatError, result.Note));
        Assert.Equal((null, null, 1.0 / 3), (result.AnswerNll, result.ScorePerToken, result.Chance));
        Assert.StartsWith("Où? In\n\nWhich of these comes next?\nA. ", asked);
    }

    [Fact]
    public async Task Choices_stand_in_another_order_for_another_item()
    {
        int[] places = new int[3];
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            if (call.Path == "/v1/completions") return call.Send(501, "");
            Interlocked.Increment(ref places[call.Said.Split('\n').Single(l => l.EndsWith(". Paris", StringComparison.Ordinal))[0] - 'A']);
            return call.Reply("A");
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        List<ItemResult> results = await All(target, [.. Enumerable.Range(0, 90).Select(i => paris with { Id = $"p{i}" })]);
        Assert.All(places, n => Assert.InRange(n, 12, 48));                        // 30 ± 4 standard deviations of 4.5
        Assert.Equal(places[0], results.Sum(r => r.Score));                        // always A: right by chance alone
    }

    sealed class Parrot : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken stop) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, messages.Last().Text)));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
            ChatOptions? options, CancellationToken stop) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey) => null;

        public void Dispose() { }
    }

    [Fact]
    public async Task Any_chat_client_is_a_target()
    {
        using var target = new ChatTarget(new Parrot(), "parrot");
        ItemResult result = (await All(target, Sum(1) with { Answer = "1 + 1 =" })).Single();
        Assert.Equal((1.0, "1 + 1 =", "parrot"), (result.Score, result.Reply, target.Name));
        Assert.Equal("asked by letter", (await All(target, paris)).Single().Note);
    }
}
