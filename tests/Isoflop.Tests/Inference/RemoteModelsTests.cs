using System.Text;
using System.Text.Json;
using Isoflop.Store;
using Isoflop.Tests.Eval;
using Isoflop.Tests.Train;
using Isoflop.Web;
using Isoflop.Web.Serving;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Isoflop.Tests.Inference;

/// <summary>Models of other endpoints, behind the same door.</summary>
public sealed class RemoteModelsTests : IDisposable
{
    const string Key = "sk-of-the-others", Variable = "ISOFLOP_TESTS_REMOTE_KEY", Asked = """{"model": "theirs", "messages": [{"role": "user", "content": "ü"}], "odd": [1]}""";

    readonly TinyHome home = new();

    public RemoteModelsTests() => Environment.SetEnvironmentVariable(Variable, Key);

    public void Dispose() => home.Dispose();

    async Task<(int Status, string Type, string Text)> Ask(string address, string path = "chat/completions", string body = Asked)
    {
        var models = new IsoflopOptions { Endpoints = { ["theirs"] = address } };
        await using WebHost host = await WebHost.Start(home.Here, new() { Port = 0, Models = models });
        using var client = new HttpClient();
        using HttpResponseMessage reply = await client.PostAsync($"{host.Address}/v1/{path}", new StringContent(body, Encoding.UTF8, "application/json"));
        return ((int)reply.StatusCode, reply.Content.Headers.ContentType?.MediaType ?? "", await reply.Content.ReadAsStringAsync());
    }

    static string Message(string text) => JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("message").GetString()!;

    [Fact]
    public async Task What_is_asked_goes_there_as_it_came_and_what_is_said_comes_back_so()
    {
        string? key = null, path = null, asked = null;
        using var there = new FakeEndpoint((_, call) =>
        {
            (key, path, asked) = (call.Key, call.Path, call.Body.GetRawText());
            call.Response.ContentType = "application/json";
            return call.Reply("Guten Tag");
        });
        (int status, string type, string text) = await Ask($"{there.Url}/v1#{Variable}");
        Assert.Equal((200, "application/json", FakeEndpoint.Chat("Guten Tag")), (status, type, text));
        Assert.Equal(("Bearer " + Key, "/v1/chat/completions", Asked), (key, path, asked));
        await Ask($"{there.Url}/v1", "completions", """{"model": "theirs", "prompt": "a"}""");
        Assert.Equal((null, "/v1/completions"), (key, path));       // a key is for whom it was given
    }

    [Fact]
    public async Task A_stream_comes_as_a_stream()
    {
        var second = new TaskCompletionSource();
        using var there = new FakeEndpoint(async (_, call) =>
        {
            call.Response.ContentType = "text/event-stream";
            call.Response.SendChunked = true;
            await call.Response.OutputStream.WriteAsync("data: {\"a\":1}\n\n"u8.ToArray());
            await call.Response.OutputStream.FlushAsync();
            await second.Task;                                      // said when the first was read at the other end
            await call.Response.OutputStream.WriteAsync("data: [DONE]\n\n"u8.ToArray());
            call.Response.Close();
        });
        var models = new IsoflopOptions { Endpoints = { ["theirs"] = there.Url } };
        await using WebHost host = await WebHost.Start(home.Here, new() { Port = 0, Models = models });
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Address + "/v1/chat/completions") { Content = new StringContent(Asked, Encoding.UTF8, "application/json") };
        using HttpResponseMessage reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await reply.Content.ReadAsStreamAsync());
        Assert.Equal("data: {\"a\":1}", await reader.ReadLineAsync());
        second.SetResult();
        Assert.Equal("\ndata: [DONE]\n\n", await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task They_are_listed_and_asked_by_their_names_alone()
    {
        var models = new IsoflopOptions { Endpoints = { ["theirs"] = "http://127.0.0.1:9/v1" } };
        await using WebHost host = await WebHost.Start(home.Here, new() { Port = 0, Models = models });
        using var client = new HttpClient { BaseAddress = new(host.Address) };
        JsonElement model = JsonDocument.Parse(await client.GetStringAsync("/v1/models")).RootElement.GetProperty("data").EnumerateArray().Single();
        Assert.Equal(("theirs", "endpoint", "127.0.0.1:9/v1"), (model.GetProperty("id").GetString(), model.GetProperty("taught").GetString(), model.GetProperty("owned_by").GetString()));
        Assert.Contains("theirs", await client.GetStringAsync("/v1/models/theirs"));
        using HttpResponseMessage other = await client.PostAsync("/v1/chat/completions", new StringContent(Asked.Replace("theirs", "http://127.0.0.1:9/v1"), Encoding.UTF8, "application/json"));
        Assert.Equal(404, (int)other.StatusCode);
    }

    [Theory]
    [InlineData(429, """{"error": {"message": "slower, sk-of-the-others"}}""", 429, "answers 429: slower, [key]")]
    [InlineData(401, """{"error": {"message": "no"}}""", 502, "answers 401: no")]          // it is not our key that is wrong
    [InlineData(500, "<html>", 502, "answers 500")]
    [InlineData(302, "", 502, "answers 302")]
    [InlineData(200, "<script>alert(1)</script>", 502, "answers with text/html, which is no reply")]
    public async Task What_is_no_answer_is_said_with_its_place(int status, string says, int expected, string message)
    {
        using var there = new FakeEndpoint((_, call) =>
        {
            call.Response.ContentType = "text/html";
            call.Response.Headers["Location"] = "http://127.0.0.1:9/elsewhere";
            return call.Send(status, says);
        });
        (int got, string type, string text) = await Ask($"{there.Url}/v1#{Variable}");
        Assert.Equal((expected, "application/json"), (got, type));
        Assert.Contains(message, Message(text));
        Assert.Contains(new Uri(there.Url).Authority, Message(text));
    }

    [Fact]
    public async Task Who_is_not_there_or_says_nothing_holds_up_nobody()
    {
        (int status, _, string text) = await Ask("http://127.0.0.1:9/v1");
        Assert.Equal(502, status);
        Assert.Contains("127.0.0.1:9/v1 cannot be reached", Message(text));
        var never = new TaskCompletionSource();
        using var there = new FakeEndpoint((_, _) => never.Task);
        using var models = new RemoteModels([new("theirs", there.Url)], TimeSpan.FromMilliseconds(50));
        ApiException silent = await Assert.ThrowsAsync<ApiException>(() => models.Forward(new DefaultHttpContext(), "theirs", "/chat/completions", Encoding.UTF8.GetBytes(Asked)));
        Assert.Equal(504, silent.Status);
        never.SetResult();
    }

    [Theory]
    [InlineData("nonsense", "is no address of an endpoint")]
    [InlineData("ftp://host/v1", "is no address of an endpoint")]
    [InlineData("http://127.0.0.1:9/v1#ISOFLOP_TESTS_NOT_SET", "'ISOFLOP_TESTS_NOT_SET' is to hold its key, and is not set")]
    public async Task An_address_that_is_none_is_said_at_the_start(string address, string message)
    {
        var models = new IsoflopOptions { Endpoints = { ["theirs"] = address } };
        Assert.Contains(message, (await Assert.ThrowsAsync<ConfigException>(() => WebHost.Start(home.Here, new() { Port = 0, Models = models }))).Message);
    }
}
