using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Isoflop.Kernels;
using Isoflop.Sample;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Inference;

/// <summary>The endpoints by their bare bytes; the clients of others are in <see cref="ForeignClientTests"/>.</summary>
public sealed class ServingTests(ServingFixture server) : IClassFixture<ServingFixture>
{
    [Fact]
    public async Task Models_are_listed_with_how_they_were_taught()
    {
        JsonElement list = await server.Http.GetFromJsonAsync<JsonElement>("/v1/models");
        Assert.Equal([("chat", "chats"), ("given", "texts"), ("tasks", "tasks")], list.GetProperty("data").EnumerateArray()
            .Select(m => (m.GetProperty("id").GetString()!, m.GetProperty("taught").GetString()!)));
        Assert.Equal("chat", (await server.Http.GetFromJsonAsync<JsonElement>("/v1/models/chat")).GetProperty("id").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await server.Http.GetAsync("/v1/models/none")).StatusCode);
        JsonElement lost = await (await server.Http.GetAsync("/v1/embeddings")).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Contains("there is no GET /v1/embeddings", lost.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_completion_is_what_sample_says_with_its_seed_streamed_or_not()
    {
        using LanguageModel model = LanguageModel.Open(server.Here, "chat");
        string[] expected = [.. model.Continue("The sum", 3, 12, new(0.9f, 0, 0.95f), 7).Select(r => model.Tokenizer.Decode(r.Said))];
        const string Asked = """{"model": "chat", "prompt": "The sum", "n": 3, "max_tokens": 12, "temperature": 0.9, "top_p": 0.95, "seed": 7""";
        (HttpStatusCode status, JsonElement body, _) = await server.Post("/v1/completions", Asked + "}");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(expected, body.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()));
        int prompt = 1 + model.Tokenizer.Encode("The sum").Count;
        Assert.Equal(prompt, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(7, body.GetProperty("seed").GetInt32());
        List<JsonElement> events = await Events("/v1/completions", Asked + """, "stream": true, "stream_options": {"include_usage": true}}""");
        for (int i = 0; i < 3; i++)
            Assert.Equal(expected[i], string.Concat(events.SelectMany(e => e.GetProperty("choices").EnumerateArray())
                .Where(c => c.GetProperty("index").GetInt32() == i).Select(c => c.GetProperty("text").GetString())));
        Assert.Equal(0, events[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(body.GetProperty("usage").GetRawText(), events[^1].GetProperty("usage").GetRawText());
        // Without a seed it says which it drew, and that gives the same again.
        const string Free = """{"model": "chat", "prompt": "The sum", "max_tokens": 12""";
        JsonElement free = (await server.Post("/v1/completions", Free + "}")).Body;
        JsonElement again = (await server.Post("/v1/completions", Free + $$""", "seed": {{free.GetProperty("seed").GetRawText()}}}""")).Body;
        Assert.Equal(free.GetProperty("choices").GetRawText(), again.GetProperty("choices").GetRawText());
    }

    async Task<List<JsonElement>> Events(string path, string json)
    {
        using HttpResponseMessage reply = await server.Http.PostAsync(path, new StringContent(json, System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal("text/event-stream", reply.Content.Headers.ContentType!.MediaType);
        string[] events = (await reply.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", events[^1]);
        return [.. events[..^1].Select(e => JsonDocument.Parse(e["data: ".Length..]).RootElement)];
    }

    [Fact]
    public async Task Requests_of_the_evaluation_harness_are_answered_as_it_reads_them()
    {
        // lm-evaluation-harness, docs/API_guide.md and model "local-completions": token ids in lists, context and continuation
        // together; one token is written and left out of the sum; greedy where every token is the likeliest.
        using LanguageModel model = LanguageModel.Open(server.Here, "chat");
        Tokenizer tokenizer = model.Tokenizer;
        (string Context, string Continuation)[] asked = [("The capital", " of 5"), ("17", " 3 é"), ("x", "5")];
        int[][] prompts = [.. asked.Select(a => (int[])[tokenizer.EndOfText, .. tokenizer.Encode(a.Context), .. tokenizer.Encode(a.Continuation)])];
        (HttpStatusCode status, JsonElement body, _) = await server.Post("/v1/completions", JsonSerializer.Serialize(new
        {
            model = "chat",
            prompt = prompts,
            temperature = 0,
            max_tokens = 1,
            logprobs = 1,
            seed = 1234,
            echo = true,
        }));
        Assert.Equal(HttpStatusCode.OK, status);
        JsonElement[] choices = [.. body.GetProperty("choices").EnumerateArray().OrderBy(c => c.GetProperty("index").GetInt32())];
        Assert.Equal(3, choices.Length);
        for (int i = 0; i < 3; i++)
        {
            int context = 1 + tokenizer.Encode(asked[i].Context).Count;
            JsonElement scores = choices[i].GetProperty("logprobs");
            JsonElement[] tokens = [.. scores.GetProperty("token_logprobs").EnumerateArray()], tops = [.. scores.GetProperty("top_logprobs").EnumerateArray()];
            Assert.Equal(JsonValueKind.Null, tokens[0].ValueKind);
            float[] own = [.. model.Nll([(prompts[i], context)])[0].Select(x => -x)];
            Assert.Equal(own, tokens[context..^1].Select(t => t.GetSingle()));
            bool greedy = tokens[context..^1].Zip(tops[context..^1]).All(p => p.First.GetSingle() == p.Second.EnumerateObject().Max(t => t.Value.GetSingle()));
            bool expected = Enumerable.Range(context, prompts[i].Length - context).All(t => model.Continue(prompts[i][..t], 1, 1, new(0), 1)[0].Tokens[0] == prompts[i][t]);
            Assert.Equal(expected, greedy);
            Assert.Equal(prompts[i].Length + 1, tokens.Length);
            // Tokens and their places give the text.
            string text = choices[i].GetProperty("text").GetString()!;
            int[] offsets = [.. scores.GetProperty("text_offset").EnumerateArray().Select(o => o.GetInt32())];
            Assert.Equal(offsets.Order(), offsets);
            string[] names = [.. scores.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)];
            for (int t = 0; t < names.Length; t++)                                   // one that ends it has no text
                if (offsets[t] < text.Length && !names[t].StartsWith("bytes:")) Assert.StartsWith(names[t], new System.Globalization.StringInfo(text).String[offsets[t]..]);
        }
        // Generation: strings, until, greedy. Rolling likelihood: no token is written at all.
        (status, body, _) = await server.Post("/v1/completions", """{"model": "chat", "prompt": ["5", "17"], "max_tokens": 8, "temperature": 0, "stop": ["\n\n", "<|endoftext|>"], "seed": 1234}""");
        Assert.Equal(model.Tokenizer.Decode(model.Continue("17", 1, 8, new(0), 1)[0].Said), body.GetProperty("choices")[1].GetProperty("text").GetString());
        (status, body, _) = await server.Post("/v1/completions", """{"model": "chat", "prompt": "17", "max_tokens": 0, "echo": true, "logprobs": 1}""");
        Assert.Equal("17", body.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.Equal(0, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(model.Read("17").LogProbs, body.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().Select(t => t.GetSingle()));
    }

    [Fact]
    public async Task A_chat_has_its_thought_apart_under_both_names_and_counts_it()
    {
        // A seed with which it thinks for a while: it was hardly taught.
        string Asked = "";
        JsonElement whole = default;
        for (int seed = 0; seed == 0 || !Thinks(whole); seed++)
        {
            Assert.InRange(seed, 0, 200);
            Asked = $$"""{"model": "tasks", "messages": [{"role": "user", "content": "0101"}], "seed": {{seed}}, "temperature": 1.5, "max_tokens": 30, "logprobs": true, "top_logprobs": 2""";
            whole = (await server.Post("/v1/chat/completions", Asked + """, "reasoning_effort": "xhigh"}""")).Body;
        }
        JsonElement message = whole.GetProperty("choices")[0].GetProperty("message");
        string thought = message.GetProperty("reasoning_content").GetString()!;
        Assert.Equal(thought, message.GetProperty("reasoning").GetString());
        Assert.NotEmpty(thought);
        List<JsonElement> events = await Events("/v1/chat/completions", Asked + """, "reasoning_effort": "xhigh", "stream": true, "stream_options": {"include_usage": true}}""");
        Assert.Equal("assistant", events[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        string Told(string name) => string.Concat(events.SelectMany(e => e.GetProperty("choices").EnumerateArray()).Select(c =>
            c.GetProperty("delta").TryGetProperty(name, out JsonElement part) ? part.GetString() : ""));
        Assert.Equal((thought, thought, message.GetProperty("content").GetString()), (Told("reasoning_content"), Told("reasoning"), Told("content")));
        Assert.Equal(whole.GetProperty("usage").GetRawText(), events[^1].GetProperty("usage").GetRawText());
        int reasoning = whole.GetProperty("usage").GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32();
        Assert.InRange(reasoning, thought.Length, thought.Length + 1);
        int content = whole.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").GetArrayLength();
        Assert.Equal(whole.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), reasoning + content);
        // A budget: so many tokens, and the sign that ends it; none at all answers at once.
        JsonElement two = (await server.Post("/v1/chat/completions", Asked + """, "thinking_budget": 2}""")).Body;
        Assert.Equal(thought[..2], two.GetProperty("choices")[0].GetProperty("message").GetProperty("reasoning").GetString());
        foreach (string none in (string[])["\"thinking_budget\": 0", "\"reasoning_effort\": \"none\""])
            Assert.False((await server.Post("/v1/chat/completions", Asked + $", {none}}}")).Body.GetProperty("choices")[0].GetProperty("message").TryGetProperty("reasoning", out _));

        static bool Thinks(JsonElement reply) => reply.GetProperty("choices")[0].GetProperty("message") is var said
            && said.TryGetProperty("reasoning", out JsonElement thought) && thought.GetString()!.Length > 3 && said.GetProperty("content").GetString()!.Length > 0;
    }

    [Theory]
    [InlineData(404, "model_not_found", "there are: chat, given, tasks", "chat", """{"model": "gpt-5", "messages": [{"role": "user", "content": "5"}]}""")]
    [InlineData(400, "unknown_parameter", "unknown parameter 'temprature'", "chat", """{"model": "chat", "messages": [{"role": "user", "content": "5"}], "temprature": 1}""")]
    [InlineData(400, "invalid_value", "temperature = -1 must be a number from 0 to 10", "chat", """{"model": "chat", "messages": [{"role": "user", "content": "5"}], "temperature": -1}""")]
    [InlineData(400, "unsupported_parameter", "tools", "chat", """{"model": "chat", "messages": [{"role": "user", "content": "5"}], "tools": [{"type": "function"}]}""")]
    [InlineData(400, null, "the last message must be the user's", "chat", """{"model": "chat", "messages": [{"role": "assistant", "content": "5"}]}""")]
    [InlineData(400, null, "taught neither chats nor tasks", "chat", """{"model": "given", "messages": [{"role": "user", "content": "5"}]}""")]
    [InlineData(413, "context_length_exceeded", "the prompt has 69 tokens, the model's context is 64", "text", """{"model": "tasks", "prompt": "01010101010101010101010101010101010101010101010101010101010101010101"}""")]
    [InlineData(400, "invalid_json", "the request: is not JSON", "text", """{"model": "tasks", """)]
    [InlineData(400, null, "model must be given", "text", """{"prompt": "5"}""")]
    [InlineData(400, null, "needs echo = true", "text", """{"model": "tasks", "prompt": "5", "max_tokens": 0}""")]
    [InlineData(400, "invalid_value", "must be a token id from 0 to", "text", """{"model": "tasks", "prompt": [1, 999999]}""")]
    [InlineData(400, null, "more than 128 replies", "text", """{"model": "tasks", "prompt": ["5", "6"], "n": 100}""")]
    public async Task What_is_wrong_is_said_in_OpenAIs_shape(int status, string? code, string message, string kind, string json)
    {
        (HttpStatusCode given, JsonElement body, _) = await server.Post(kind == "chat" ? "/v1/chat/completions" : "/v1/completions", json);
        JsonElement error = body.GetProperty("error");
        Assert.Equal((status, code), ((int)given, error.GetProperty("code").GetString()));
        Assert.Contains(message, error.GetProperty("message").GetString());
        Assert.DoesNotContain('\n', error.GetProperty("message").GetString()!);
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task A_full_queue_says_when_to_come_again_and_who_hangs_up_makes_room()
    {
        string many = $$"""{"model": "given", "prompt": [{{string.Join(", ", Enumerable.Repeat("\"5\"", 30))}}], "max_tokens": 60, "temperature": 3, "stream": true}""";
        using var gone = new CancellationTokenSource();
        List<Task> busy = [];
        HttpResponseMessage? refused = null;
        for (int i = 0; i < 200 && refused is null; i++)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent(many, System.Text.Encoding.UTF8, "application/json") };
            HttpResponseMessage reply = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, gone.Token);
            if (reply.StatusCode == HttpStatusCode.TooManyRequests) refused = reply;
            else busy.Add(Task.Run(async () => { await using Stream s = await reply.Content.ReadAsStreamAsync(gone.Token); await Task.Delay(-1, gone.Token); }));
        }
        Assert.NotNull(refused);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal("rate_limit_exceeded", (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetProperty("code").GetString());
        gone.Cancel();
        for (int i = 0; ; i++)
        {
            (HttpStatusCode status, _, _) = await server.Post("/v1/completions", """{"model": "given", "prompt": "5", "max_tokens": 1}""");
            if (status == HttpStatusCode.OK) break;
            Assert.InRange(i, 0, 600);
            await Task.Delay(50);
        }
    }
}
