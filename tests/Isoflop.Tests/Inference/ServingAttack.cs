using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Isoflop.Tests.Rl;
using Xunit;

namespace Isoflop.Tests.Inference;

/// <summary>Requests that are wrong by their making, and clients that stall: each gets its 4xx, and nobody else waits for them.</summary>
public sealed class ServingAttack(ServingFixture server) : IClassFixture<ServingFixture>
{
    static int Count => Attack.Attack.IsWhole ? 10_000 : 600;

    // Valid, so that what is done to them is all that is wrong.
    static readonly (string Path, string[] Members)[] valid =
    [
        ("/v1/chat/completions", ["\"model\": \"chat\"", "\"messages\": [{\"role\": \"user\", \"content\": \"5\"}]", "\"max_tokens\": 2", "\"temperature\": 0.5", "\"stream\": true",
            "\"stop\": [\"x\"]", "\"n\": 2", "\"seed\": 3", "\"top_p\": 0.9", "\"logprobs\": true"]),
        ("/v1/completions", ["\"model\": \"tasks\"", "\"prompt\": \"0101\"", "\"max_tokens\": 2", "\"temperature\": 0.5", "\"stream\": false", "\"stop\": \"x\"", "\"n\": 1", "\"seed\": 3",
            "\"top_p\": 0.9", "\"logprobs\": 2", "\"echo\": true"]),
    ];

    static readonly string[] wrong = ["{}", "[[]]", "[{}]", "\"\\u0000x\"", "1e400", "-1", "1.5", "[null]", "{\"a\": 1}", "99999999999999999999999", "\"NaN\"", "[\"a\", 1]"];

    // Of each member, what of those above is right after all.
    static readonly Dictionary<string, string[]> right = new()
    {
        ["stop"] = ["\"\\u0000x\"", "\"NaN\""],
        ["prompt"] = ["\"\\u0000x\"", "\"NaN\"", "[[]]"],
        ["temperature"] = ["1.5"],
        ["seed"] = ["-1"],
        ["echo"] = [],
        ["stream"] = [],
    };

    static readonly string[] names = ["../chat", "/etc/passwd", "..", "chat/../../x", "chat\\u0000", "CHAT", "chat@", "chat@999", "chat@-1", " chat", new('x', 5000), "<script>", "runs/chat", "\\u202e", "%2e%2e%2fchat"];

    HttpRequestMessage Made(int i)
    {
        var random = new Random(i);
        (string path, string[] members) = valid[random.Next(valid.Length)];
        string Body(IEnumerable<string> of) => "{" + string.Join(", ", of) + "}";
        string whole = Body(members);
        byte[] body = Encoding.UTF8.GetBytes(whole);
        string type = "application/json";
        HttpMethod method = HttpMethod.Post;
        switch (random.Next(12))
        {
            case 0:                                                                  // cut short
                body = body[..random.Next(body.Length)];
                break;
            case 1:                                                                  // a byte that JSON has nowhere outside of strings
                int at = random.Next(body.Length);
                body = [.. body[..at], (byte)random.Next(0x80, 0x100), .. body[at..]];
                break;
            case 2:
                body = new byte[random.Next(1, 2000)];
                random.NextBytes(body);
                body[0] = (byte)'~';
                break;
            case 3:                                                                  // a member of another kind
                string[] mine = [.. members.Where(m => !m.StartsWith("\"model\"", StringComparison.Ordinal))];
                string name = mine[random.Next(mine.Length)].Split('"')[1];
                string[] bad = [.. wrong.Except(right.GetValueOrDefault(name, []))];
                string value = bad[random.Next(bad.Length)];
                body = Encoding.UTF8.GetBytes(Body(members.Select(m => m.StartsWith($"\"{name}\"", StringComparison.Ordinal) ? $"\"{name}\": {value}" : m)));
                break;
            case 4:                                                                  // one that nobody knows
                body = Encoding.UTF8.GetBytes(Body(members.Append($"\"{(random.Next(2) == 0 ? "x" : new string('y', random.Next(1, 3000)))}{i}\": {wrong[random.Next(wrong.Length)]}")));
                break;
            case 5:                                                                  // one that is needed
                string needed = path.Contains("chat", StringComparison.Ordinal) && random.Next(2) == 0 ? "messages" : "model";
                body = Encoding.UTF8.GetBytes(Body(members.Where(m => !m.StartsWith($"\"{needed}\"", StringComparison.Ordinal))));
                break;
            case 6:
                string model = names[random.Next(names.Length)];
                body = Encoding.UTF8.GetBytes(Body(members.Skip(1).Prepend($"\"model\": \"{model}\"")));
                break;
            case 7:
                type = ((string[])["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/octet-stream"])[random.Next(4)];
                break;
            case 8:
                path = ((string[])["/v1", "/v1/", "/v1/chat", "/v1/chat/completions/x", "/v1/models", "/v1/models/..%2f..%2fx", "/v1/embeddings"])[random.Next(7)];
                method = path == "/v1/models" ? HttpMethod.Put : ((HttpMethod[])[HttpMethod.Post, HttpMethod.Get, HttpMethod.Delete, HttpMethod.Patch])[random.Next(4)];
                break;
            case 9:                                                                  // a key twice
                body = Encoding.UTF8.GetBytes(Body(members.Append(members[random.Next(members.Length)])));
                break;
            case 10:                                                                 // too long, or too deep
                body = Encoding.UTF8.GetBytes(random.Next(2) == 0
                    ? Body(members.Skip(2).Prepend(members[0]).Append(path.Contains("chat", StringComparison.Ordinal) ? $$"""
                        "messages": [{"role": "user", "content": "{{new string('1', random.Next(100, 20_000))}}"}]
                        """ : $"\"prompt\": \"{new string('1', random.Next(100, 20_000))}\""))
                    : string.Concat(Enumerable.Repeat(random.Next(2) == 0 ? "[" : "{\"a\":", random.Next(65, 30_000))));
                break;
            default:                                                                 // what a chat may not hold
                string turn = ((string[])["{}", "{\"role\": \"tool\", \"content\": \"x\"}", "{\"role\": \"user\"}", "{\"role\": 5, \"content\": \"x\"}", "{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}",
                    "{\"role\": \"assistant\", \"content\": \"x\"}", "null", "7"])[random.Next(8)];
                path = "/v1/chat/completions";
                body = Encoding.UTF8.GetBytes($$"""{"model": "chat", "messages": [{{turn}}]}""");
                break;
        }
        var request = new HttpRequestMessage(method, server.Http.BaseAddress + path.TrimStart('/'))
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } },
        };
        if (method == HttpMethod.Get) request.Content = null;
        return request;
    }

    [Fact]
    public async Task Malformed_requests_are_refused_with_a_reason_and_nothing_falls()
    {
        List<string> bad = [];
        int done = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, stop) =>
        {
            using HttpResponseMessage reply = await server.Http.SendAsync(Made(i), stop);
            string said = await reply.Content.ReadAsStringAsync(stop);
            bool shaped = false;
            try
            {
                shaped = JsonDocument.Parse(said).RootElement.GetProperty("error").GetProperty("message").GetString() is { Length: > 0 and < 2000 } message && !message.Contains("   at ", StringComparison.Ordinal);
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException) { }
            Interlocked.Increment(ref done);
            if ((int)reply.StatusCode is >= 400 and < 500 && shaped) return;
            lock (bad) bad.Add($"{i}: {(int)reply.StatusCode} {said[..Math.Min(said.Length, 300)]}");
        });
        Assert.True(bad.Count == 0, string.Join("\n", bad.Take(20)));
        Assert.Equal(Count, done);
        Assert.Equal(HttpStatusCode.OK, (await server.Post("/v1/completions", """{"model": "tasks", "prompt": "0101", "max_tokens": 1}""")).Status);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        // Asked before it is sent: what is not read may break the connection while it is written.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent($$"""{"model": "tasks", "prompt": "{{new string('1', 5 << 20)}}"}""", Encoding.UTF8, "application/json"),
            Headers = { ExpectContinue = true },
        };
        using HttpResponseMessage reply = await server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
        Assert.Contains("error", await reply.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Clients_that_stall_in_the_middle_of_a_request_or_do_not_read_hold_up_nobody()
    {
        List<TcpClient> stalled = [];
        async Task<NetworkStream> Connected()
        {
            var client = new TcpClient();
            await client.ConnectAsync(server.V1.Host, server.V1.Port);
            stalled.Add(client);
            return client.GetStream();
        }
        try
        {
            for (int i = 0; i < 40; i++)                                             // half of a head, half of a body
            {
                NetworkStream stream = await Connected();
                await stream.WriteAsync(Encoding.ASCII.GetBytes(i % 2 == 0 ? "POST /v1/completions HT"
                    : "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"model\": "));
            }
            string body = """{"model": "given", "prompt": "5", "max_tokens": 60, "temperature": 2, "stream": true}""";
            for (int i = 0; i < 3 * server.Models.Slots; i++)                        // whole ones whose streams nobody reads
            {
                NetworkStream stream = await Connected();
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            }
            for (int i = 0; i < 20; i++)
            {
                (HttpStatusCode status, _, _) = await server.Post("/v1/completions", """{"model": "tasks", "prompt": "0101", "max_tokens": 3}""");
                Assert.Equal(HttpStatusCode.OK, status);
            }
            // Their replies were written to the end and have left, though they are read by nobody.
            for (int i = 0; (await server.Post("/v1/completions", """{"model": "given", "prompt": "5", "max_tokens": 3}""")).Status != HttpStatusCode.OK; i++)
            {
                Assert.InRange(i, 0, 600);
                await Task.Delay(50);
            }
        }
        finally
        {
            foreach (TcpClient client in stalled) client.Dispose();
        }
    }
}
