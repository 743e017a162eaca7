using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Eval;
using Xunit;

namespace Isoflop.Tests.Eval;

/// <summary>Endpoints as they are: with parameters of their own, replies in many shapes, and secrets to keep.</summary>
public sealed class EndpointTests : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("isoflop-endpoint-").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    static readonly EvalItem five = new() { Id = "a", Task = "t", Prompt = "2 + 3 =", Answer = " 5" };

    ChatTargetOptions Options => new() { Model = "m", Concurrency = 1, Retries = 0, KeyVariable = "ISOFLOP_NO_SUCH_KEY", Time = new JumpingTime() };

    static async Task<ItemResult> Ask(ChatTarget target, EvalItem? item = null)
    {
        List<ItemResult> all = [];
        await foreach (ItemResult result in target.AnswerAsync([item ?? five], default)) all.Add(result);
        return all.Single();
    }

    async Task<ItemResult> Answered(string text, bool stream = false, params (string, string)[] headers)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Send(200, text, headers));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Stream = stream });
        return await Ask(target);
    }

    async Task<string> Refused(string text, int status = 200, ChatTargetOptions? options = null)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Send(status, text));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, options ?? Options);
        return (await Assert.ThrowsAnyAsync<Exception>(() => Ask(target))).Message;
    }

    (int Code, string Out, string Err) Run(string verb, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([verb, .. args, "--home", Path.Combine(home, "home")], [EvalCommand.Create(), ThinkCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    string Suite(params string[] answers)
    {
        string path = Path.Combine(home, "q.jsonl");
        File.WriteAllLines(path, answers.Select((a, i) => $$"""{"id":"i{{i}}","task":"t","prompt":"{{i}} + 5 =","answer":"{{a}}"}"""));
        return path;
    }

    // ---- what is read of a reply ----------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("5", true), InlineData("<think>two and three\nare 5</think>\n\n5", true), InlineData("two and three</think>5", true)]
    [InlineData("5.0", true), InlineData("**5**", true), InlineData("The answer is 5.", true), InlineData("\\boxed{5}", true), InlineData("2 + 3 = 5", true)]
    [InlineData("Let me add:\n\n5", true), InlineData("5. I hope this helps!", true), InlineData("<answer>5</answer>", true), InlineData("5 \uFFFD", true)]
    [InlineData("5\n7", true)]                                                      // a text that goes on
    [InlineData("5 or 6", false), InlineData("5\nNo, the answer is 6.", false), InlineData("The answer is 5. No, 6.", false), InlineData("6", false)]
    [InlineData("The answer is 5.\nWait.\n6", false), InlineData("<think>5", false), InlineData("<think>5</think>", false), InlineData("2 + 3 = 5\nNo, 6", false)]
    public async Task An_evaluation_reads_a_reply_as_a_thought_does(string reply, bool right) =>
        Assert.Equal(right ? 1 : 0, (await Answered(FakeEndpoint.Chat(reply))).Score);

    [Theory, InlineData("Paris", true), InlineData("**Paris**.", true), InlineData("The answer is Paris.", true), InlineData("paris", false), InlineData("Paris or Rome", false)]
    public void Words_must_match_to_the_letter(string reply, bool right) =>
        Assert.Equal(right, new EvalItem { Id = "a", Task = "t", Answer = " Paris" }.Read(reply).Right);

    [Fact]
    public async Task Thoughts_alone_are_no_reply()
    {
        ItemResult cut = await Answered(FakeEndpoint.Chat("<think>hm", finish: "length"));
        Assert.Equal((0.0, true, "reply cut at 256 tokens; thoughts without a reply", "<think>hm"), (cut.Score, cut.FormatError, cut.Note, cut.Reply));
    }

    const string Five = """{"model":"m","choices":[{"message":{"role":"assistant","content":"5"},"finish_reason":"stop"}]}""";

    [Theory]
    [InlineData(Five), InlineData("\uFEFF" + Five)]
    [InlineData("""{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"6"}]},{"type":"text","text":"5"}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":["5"]}}]}"""), InlineData("""{"choices":[{"message":{"content":"5 \ud83d"}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"5","reasoning_content":"6"},"logprobs":{"content":[{"logprob":NaN}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"5"}}],"usage":{"prompt_tokens":-5,"completion_tokens":"x"}}""")]
    [InlineData("""{"choices":[{"text":"5"}]}""")]
    public async Task Replies_come_in_many_shapes(string text)
    {
        foreach (bool stream in (bool[])[false, true])
        {
            ItemResult result = await Answered(text, stream);
            Assert.Equal((1.0, 0), (result.Score, result.Tokens));
        }
    }

    [Theory]
    [InlineData("data:\n\ndata: {0}\n\ndata: {1}\n\ndata: [DONE]\n\n"), InlineData("data:{0}\n\ndata:{1}\n\n"), InlineData("\r\n: ping\r\nevent: x\r\ndata: {0}\r\n\r\ndata: {1}\r\n\r\n")]
    [InlineData("data: {0}\n\ndata: [DONE]\n\n"), InlineData("data: {0}\ndata: {1}\ndata: [DONE]\n"), InlineData("data: {2}\n\ndata: {0}\n\ndata: [DONE]\n\n")]
    [InlineData("data: {3}\n\ndata: {1}\n\n"), InlineData("data: {4}\n\n")]
    public async Task Streams_come_in_many_shapes(string events)
    {
        string stop = """{"choices":[{"delta":{},"finish_reason":"stop"}]}""", other = """{"choices":[{"index":1,"delta":{"content":"9"}}]}""",
            split = "{\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"5\"}}]}", whole = Five;
        string text = string.Format(CultureInfo.InvariantCulture, events, FakeEndpoint.Delta("5"), stop, other, split, whole);
        Assert.Equal(("5", 1.0), ((await Answered(text, stream: true)).Reply, (await Answered(text, stream: true)).Score));
    }

    [Fact]
    public async Task A_reply_that_was_packed_is_unpacked()
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(Five));
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            call.Response.Headers["Content-Encoding"] = "gzip";
            call.Response.Close(packed.ToArray(), willBlock: true);
            return Task.CompletedTask;
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Equal(1, (await Ask(target)).Score);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_reply_without_end_is_cut_off_at_once(bool stream)
    {
        long sent = 0;
        using var endpoint = new FakeEndpoint(async (_, call) =>
        {
            call.Response.SendChunked = true;
            byte[] piece = new byte[1 << 20];
            piece.AsSpan().Fill((byte)' ');
            for (int i = 0; i < 200; i++, sent += piece.Length) await call.Response.OutputStream.WriteAsync(piece);
            call.Response.Close();
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Stream = stream, Retries = 3 });
        Assert.Equal("m does not answer: the reply goes on after 8 MB; it was cut off there", (await Assert.ThrowsAsync<DataException>(() => Ask(target))).Message);
        Assert.Equal(1, endpoint.Calls);
        Assert.InRange(sent, 0, 100L << 20);
    }

    [Theory]
    [InlineData(200, """{"error":{"message":"overloaded"}}""", "the endpoint says: overloaded"), InlineData(400, """{"error":"plain words"}""", "400 plain words")]
    [InlineData(422, """{"detail":[{"loc":["body","messages"],"msg":"field required"}]}""", "422 body.messages: field required")]
    [InlineData(200, "", "the reply is empty"), InlineData(400, """{"error":{"message":"bad \ud83d"}}""", "400 bad \uFFFD")]
    [InlineData(400, "\e[31mred\e[0m\u0007\u009b", "400 \uFFFD[31mred\uFFFD[0m\uFFFD"), InlineData(400, """{"message":"no \u001b[2J"}""", "400 no \uFFFD[2J")]
    public async Task What_an_endpoint_says_is_told_in_one_clean_line(int status, string text, string told)
    {
        string message = await Refused(text, status);
        Assert.Contains(told, message);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public async Task The_innermost_reason_is_told()
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Reply("5"));
        using ChatTarget target = ChatTarget.Open(endpoint.Url.Replace("http:", "https:"), Options);
        string message = (await Assert.ThrowsAsync<DataException>(() => Ask(target))).Message;
        Assert.DoesNotContain("inner exception", message);
        Assert.Contains("SSL connection could not be established: ", message);
    }

    // ---- parameters that an endpoint does not take ----------------------------------------------------------------------------

    static readonly (string Refusal, Func<JsonElement, bool> Has, string Told)[] quirks =
    [
        ("Unsupported parameter: use 'max_completion_tokens' instead", b => b.TryGetProperty("max_tokens", out _), "asked by max_completion_tokens"),
        ("Unsupported value: 'temperature' does not support 0", b => b.TryGetProperty("temperature", out _), "asked without a temperature"),
        ("System role not supported", b => b.GetProperty("messages")[0].GetProperty("role").GetString() == "system", "the instruction begins the user's turn"),
        ("body.stream_options: Extra inputs are not permitted", b => b.TryGetProperty("stream_options", out _), "streams are not asked for their usage"),
    ];

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(-1)]
    public async Task A_parameter_that_is_refused_by_name_is_asked_once(int which)
    {
        (string Refusal, Func<JsonElement, bool> Has, string Told)[] asked = which < 0 ? quirks : [quirks[which]];
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            foreach ((string refusal, Func<JsonElement, bool> has, string _) in asked)
                if (has(call.Body)) return call.Send(400, JsonSerializer.Serialize(new { error = new { message = refusal } }));
            Assert.EndsWith("2 + 3 =", call.Said);
            if (which is 2 or -1) Assert.StartsWith(Options.Instruction, call.Said);
            return call.Send(200, Five);
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { Stream = true });
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(1, (await Ask(target)).Score);
            Assert.Equal(asked.Length + i, endpoint.Calls);                        // refused once each, and remembered
        }
        Assert.Equal(asked.Length, target.Adapted.Count);
        foreach ((string _, Func<JsonElement, bool> _, string told) in asked) Assert.Contains(target.Adapted, a => a.StartsWith(told, StringComparison.Ordinal));
        Assert.Equal((3L + asked.Length, (long)asked.Length), (target.Spent.Requests, target.Spent.Retries));
    }

    [Theory, InlineData("max_tokens must be at most 128"), InlineData("bad prompt"), InlineData("your system is overloaded, try later")]
    public async Task Another_refusal_is_one(string refusal)
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Send(400, refusal));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options);
        Assert.Contains(refusal, (await Assert.ThrowsAsync<DataException>(() => Ask(target))).Message);
        Assert.Equal(1, endpoint.Calls);
    }

    [Fact]
    public void Options_ask_otherwise_from_the_beginning_and_the_command_says_what_was_given_up()
    {
        string seen = "";
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            seen = call.Body.GetRawText();
            return call.Send(200, Five);
        });
        (int code, _, string error) = Run("eval", endpoint.Url, "--endpoint-model", "m", "--suite", Suite("5"), "--temperature", "none", "--no-system",
            "--max-tokens-field", "max_completion_tokens");
        Assert.True(code == 0, error);
        Assert.DoesNotContain("temperature", seen);
        Assert.DoesNotContain("\"system\"", seen);
        Assert.Contains("\"max_completion_tokens\":256", seen);
        using var picky = new FakeEndpoint((_, call) => call.Body.TryGetProperty("max_tokens", out JsonElement _)
            ? call.Send(400, "use max_completion_tokens") : call.Send(200, Five));
        foreach (string verb in (string[])["eval", "think"])
            Assert.Contains("asked by max_completion_tokens, as the endpoint refuses max_tokens",
                verb == "eval" ? Run(verb, picky.Url, "--endpoint-model", "m", "--suite", Suite("5")).Err : Run(verb, picky.Url, "2+3").Err);
    }

    [Theory]
    [InlineData("--temperature 0,8 must be a number", "--temperature", "0,8"), InlineData("--temperature -1 must be a number", "--temperature", "-1")]
    [InlineData("--temperature NaN must be", "--temperature", "NaN"), InlineData("--temperature 1000 must be from 0 to 100", "--temperature", "1000")]
    [InlineData("--max-tokens-field x must be", "--max-tokens-field", "x"), InlineData("--price-in 'NaN' must be a number", "--price-in", "NaN")]
    [InlineData("--price-out '-1' must be", "--price-out", "-1"), InlineData("--requests-per-minute 1E-300 must be", "--requests-per-minute", "1e-300")]
    public void An_option_that_cannot_be_is_one_line(string message, params string[] options)
    {
        (int code, _, string error) = Run("eval", ["http://127.0.0.1:9/v1", "--suite", Suite("5"), .. options]);
        Assert.Equal(2, code);
        Assert.Contains(message, Assert.Single(error.TrimEnd().Split('\n')));
    }

    // ---- secrets --------------------------------------------------------------------------------------------------------------

    static string Keyed(string key)
    {
        string name = $"ISOFLOP_KEY_{Guid.NewGuid():N}";
        Environment.SetEnvironmentVariable(name, key);
        return name;
    }

    [Theory, InlineData("sk-1\r"), InlineData(" sk-1\n"), InlineData("\tsk-1 ")]
    public async Task A_key_is_trimmed(string key)
    {
        string? seen = null;
        using var endpoint = new FakeEndpoint((_, call) => call.Send(200, (seen = call.Key) is null ? "" : Five));
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { KeyVariable = Keyed(key) });
        await Ask(target);
        Assert.Equal("Bearer sk-1", seen);
    }

    [Theory, InlineData("sk-1\nx", "U+000A at place 5"), InlineData("sk-é", "U+00E9 at place 4"), InlineData("a b", "U+0020"), InlineData("a\u007f", "U+007F")]
    public void A_key_that_cannot_be_sent_is_refused_by_its_variable(string key, string what)
    {
        string variable = Keyed(key);
        string message = Assert.Throws<ConfigException>(() => ChatTarget.Open("http://127.0.0.1:9", Options with { KeyVariable = variable })).Message;
        Assert.Contains($"variable {variable} holds a character that no key has, {what}", message);
        Assert.DoesNotContain("sk-", message);
    }

    [Theory, InlineData("sk-SECRET123/+=", ""), InlineData(null, "us%20er:pa%2Fssword@")]
    public void No_secret_comes_into_a_message_or_file(string? key, string user)
    {
        string variable = key is null ? "ISOFLOP_NO_SUCH_KEY" : Keyed(key), suite = Suite("5", "6");
        string[] secrets = ["SECRET123", "pa%2Fssword", "pa/ssword", "us er", "c2VjcmV0"];
        using var endpoint = new FakeEndpoint((n, call) => n == 1
            ? call.Send(200, FakeEndpoint.Chat($"5 {call.Key}", model: $"m {call.Key}")) : call.Send(n == 2 ? 500 : 401,
                JsonSerializer.Serialize(new { error = new { message = $"bad key {call.Key} of {user}" } })));
        string url = endpoint.Url.Replace("://", $"://{user}") + "/v1?token=c2VjcmV0";
        (int code, string output, string error) = Run("eval", url, "--suite", suite, "--key-variable", variable, "--retries", "1", "--concurrency", "1");
        (int again, string said, string wrong) = Run("think", url, "2+3", "--key-variable", variable, "--retries", "0", "--all");
        Assert.Equal((2, 2), (code, again));
        Assert.Contains("[key]", error + wrong);
        foreach (string secret in secrets)
        {
            Assert.DoesNotContain(secret, output + error + said + wrong);
            foreach (string file in Directory.GetFiles(home, "*", SearchOption.AllDirectories))
                Assert.DoesNotContain(secret, file + File.ReadAllText(file));
        }
    }

    [Fact]
    public void A_reply_that_is_no_JSON_does_not_print_the_key_it_echoes()
    {
        using var endpoint = new FakeEndpoint((_, call) => call.Send(200, $"no json {call.Key}"));
        (int code, string output, string error) = Run("eval", endpoint.Url + "/v1", "--suite", Suite("5"), "--key-variable",
            Keyed("sk-SECRET123456789"), "--retries", "0", "--concurrency", "1");
        Assert.Equal(2, code);
        Assert.DoesNotContain("SECRET", output + error);
        Assert.Contains("[key]", error);
    }

    [Fact]
    public async Task A_user_and_a_query_of_the_address_are_sent()
    {
        string seen = "";
        using var endpoint = new FakeEndpoint((_, call) =>
        {
            seen = $"{call.Path} {call.Request.Url!.Query} {call.Key} {call.Request.Headers["api-key"]}";
            return call.Send(200, Five);
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url.Replace("://", "://user:pass@") + "/openai/chat/completions?api-version=2024-06-01",
            Options with { Model = "", KeyVariable = Keyed("sk-1234") });
        await Ask(target);
        Assert.Equal("/openai/chat/completions ?api-version=2024-06-01 Basic dXNlcjpwYXNz sk-1234", seen);
        Assert.Equal((endpoint.Url + "/openai", endpoint.Url[7..] + "/openai"), (target.Name, target.Address));
    }

    [Theory, InlineData(307), InlineData(308), InlineData(301), InlineData(302), InlineData(303)]
    public async Task A_redirection_carries_no_key_to_another_host(int status)
    {
        List<string> strangers = [];
        using var stranger = new FakeEndpoint((_, call) =>
        {
            lock (strangers) strangers.Add($"{call.Key}{call.Request.Headers["api-key"]}{call.Request.Headers}");
            return call.Send(200, Five);
        });
        using var endpoint = new FakeEndpoint((_, call) => call.Send(status, "", ("Location", stranger.Url + "/v1/chat/completions")));
        using ChatTarget target = ChatTarget.Open(endpoint.Url + "/v1?api-version=1", Options with { KeyVariable = Keyed("sk-SECRET") });
        if (status >= 307) Assert.Equal(1, (await Ask(target)).Score);
        else Assert.Contains($"has moved to {stranger.Url}/v1/chat/completions; give that address", (await Assert.ThrowsAsync<DataException>(() => Ask(target))).Message);
        Assert.All(strangers, s => Assert.DoesNotContain("SECRET", s));
        Assert.Equal(status >= 307 ? 1 : 0, strangers.Count);
    }

    [Fact]
    public async Task A_redirection_at_home_keeps_the_key()
    {
        List<string?> keys = [];
        using var endpoint = new FakeEndpoint((n, call) =>
        {
            keys.Add(call.Key);
            return n == 1 ? call.Send(307, "", ("Location", "/other/chat/completions")) : call.Send(200, Five);
        });
        using ChatTarget target = ChatTarget.Open(endpoint.Url, Options with { KeyVariable = Keyed("sk-SECRET") });
        await Ask(target);
        Assert.Equal(["Bearer sk-SECRET", "Bearer sk-SECRET"], keys);
    }

    // ---- answers that were paid for -------------------------------------------------------------------------------------------

    [Fact]
    public void Answers_that_were_paid_for_are_kept_whatever_is_asked_next()
    {
        using var good = new FakeEndpoint((_, call) => call.Reply("5"));
        string url = good.Url, suite = Suite("5", "6", "7");
        string[] Eval(params string[] more) => ["--endpoint-model", "m", "--suite", suite, "--retries", "0", "--concurrency", "1", .. more];
        Assert.Equal(0, Run("eval", [url, .. Eval()]).Code);
        string file = Directory.GetFiles(home, "q.jsonl", SearchOption.AllDirectories).Single(f => f != suite);
        string paid = File.ReadAllText(file);
        Assert.Equal(4, File.ReadAllLines(file).Length);
        good.Dispose();
        (int code, _, string error) = Run("eval", [url, .. Eval("--max-tokens", "99")]);           // the endpoint is down
        Assert.Equal(2, code);
        string aside = Assert.Single(Directory.GetFiles(Path.Combine(Path.GetDirectoryName(file)!, "kept")));
        Assert.Contains($"3 results of another model, or of other options are kept in {aside}", error);
        Assert.Equal(paid, File.ReadAllText(aside));
        (code, string output, error) = Run("eval", [url, .. Eval()]);                             // and back, without a request
        Assert.True(code == 0, error);
        Assert.Equal(paid, File.ReadAllText(file));
        Suite("5", "6", "8");                                                                     // an edited suite
        Assert.Equal(2, Run("eval", [url, .. Eval()]).Code);
        Assert.Equal(paid, File.ReadAllText(Assert.Single(Directory.GetFiles(Path.Combine(Path.GetDirectoryName(file)!, "kept")))));
    }

    [Fact]
    public void A_header_that_was_altered_loses_nothing()
    {
        using var good = new FakeEndpoint((_, call) => call.Reply("5"));
        string suite = Suite("5", "6");
        string[] args = [good.Url, "--endpoint-model", "m", "--suite", suite, "--concurrency", "1"];
        Assert.Equal(0, Run("eval", args).Code);
        string file = Directory.GetFiles(home, "q.jsonl", SearchOption.AllDirectories).Single(f => f != suite);
        byte[] whole = File.ReadAllBytes(file);
        int header = Array.IndexOf(whole, (byte)'\n');
        string[] rows = File.ReadAllLines(file)[1..];
        for (int at = 0; at < header; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 1;
            foreach (string f in Directory.GetFiles(Path.GetDirectoryName(file)!, "*", SearchOption.AllDirectories)) File.Delete(f);
            File.WriteAllBytes(file, flipped);
            Run("eval", args);
            string left = string.Concat(Directory.GetFiles(Path.GetDirectoryName(file)!, "*", SearchOption.AllDirectories).Select(File.ReadAllText));
            Assert.All(rows, r => Assert.Contains(r, left));
        }
    }

    [Fact]
    public void An_endpoint_that_is_not_there_is_one_line()
    {
        string url;
        using (var endpoint = new FakeEndpoint((_, call) => call.Reply("5"))) url = endpoint.Url;
        foreach (string strategy in (string[])["greedy", "majority", "confidence"])
        {
            (int code, _, string error) = Run("think", url, "2+3", "--strategy", strategy, "--retries", "0");
            Assert.Equal(2, code);
            Assert.Contains("refused", Assert.Single(error.TrimEnd().Split('\n')));
        }
    }

    [Fact]
    public async Task Ctrl_C_ends_the_requests_that_are_under_way()
    {
        using var endpoint = new FakeEndpoint(async (_, call) =>
        {
            await Task.Delay(20_000);
            await call.Reply("5");
        });
        foreach (string[] args in (string[][])[["eval", endpoint.Url, "--suite", Suite("5", "6")], ["think", endpoint.Url, "2+3"],
            ["think", endpoint.Url, "2+3", "--strategy", "majority"]])
        {
            using var stop = new CancellationTokenSource();
            StringWriter error = new();
            Task<int> run = Task.Run(() => App.Run([.. args, "--home", Path.Combine(home, "home")], [EvalCommand.Create(), ThinkCommand.Create()],
                TextWriter.Null, error, stop: stop.Token));
            await Task.Delay(500);
            await stop.CancelAsync();
            Assert.Equal(App.Interrupted, await run.WaitAsync(TimeSpan.FromSeconds(5)));
        }
    }
}
