using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Web;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>Who may ask a window what: loopback, keys, other sites, names that lead elsewhere, requests without end.</summary>
public sealed class HostTests : IAsyncLifetime
{
    const string Key = "a-key-of-more-than-16-letters";

    readonly TinyHome home = new();
    readonly HttpClient client = new();
    WebHost host = null!;

    public async ValueTask InitializeAsync()
    {
        home.TrainUntil(5);
        host = await WebHost.Start(home.Here, new() { Port = 0 });
        client.BaseAddress = new(host.Address);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await host.DisposeAsync();
        home.Dispose();
    }

    async Task<(int Status, string Text)> Ask(HttpMethod method, string path, string? body = null, string? type = "application/json",
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type!);
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage answer = await client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    Task<(int Status, string Text)> Get(string path, params (string, string)[] headers) => Ask(HttpMethod.Get, path, null, null, headers);

    [Fact]
    public async Task Pages_come_with_a_policy_that_lets_no_script_but_ours_run()
    {
        using HttpResponseMessage page = await client.GetAsync("/runs");
        string policy = page.Headers.GetValues("Content-Security-Policy").Single(), text = await page.Content.ReadAsStringAsync();
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotMatch("(?i)<script(?![^>]*src=)|<style| style=| on[a-z]+=", text);
        Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal(404, (await Get("/app.map.js")).Status);
        // Names of a ladder's runs have dots; its pages are reloaded and linked to like others.
        foreach (string path in (string[])["/run/first.1e10.d8.s1", "/laws/my.study", "/thinking/a.b"]) Assert.Equal((200, text), await Get(path));
        Assert.Equal(304, (await Get("/app.js", ("If-None-Match", (await client.GetAsync("/app.js")).Headers.ETag!.ToString()))).Status);
    }

    [Fact]
    public async Task A_page_of_another_site_can_ask_and_start_nothing()
    {
        const string Body = """{"verb":"train","name":"evil","settings":["corpus=tiny"]}""";
        Assert.Equal(403, (await Ask(HttpMethod.Post, "/api/jobs", Body, "application/json", ("Origin", "http://evil.example"))).Status);
        Assert.Equal(403, (await Ask(HttpMethod.Post, "/api/jobs", Body, "application/json", ("Origin", "null"))).Status);
        Assert.Equal(403, (await Ask(HttpMethod.Post, "/api/jobs", Body, "application/json", ("Sec-Fetch-Site", "cross-site"))).Status);
        Assert.Equal(403, (await Ask(HttpMethod.Post, "/api/jobs", Body, "application/json", ("Sec-Fetch-Site", "same-site"))).Status);
        Assert.Equal(403, (await Get("/api/home", ("Sec-Fetch-Site", "cross-site"))).Status);
        // A name that was made to lead here is none of this machine's.
        Assert.Equal(403, (await Get("/api/home", ("Host", "evil.example"))).Status);
        Assert.Equal(403, (await Get("/", ("Host", "evil.example:80"))).Status);
        // A form cannot send JSON, and this window was given no program to start.
        (int status, string text) = await Ask(HttpMethod.Post, "/api/jobs", Body, "text/plain");
        Assert.Equal((400, true), (status, text.Contains("application/json")));
        (status, text) = await Ask(HttpMethod.Post, "/api/jobs", Body, "application/json", ("Origin", host.Address), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal((400, true), (status, text.Contains("can start nothing")));
        Assert.False(Directory.Exists(home.RunPath("evil")));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../../etc")]
    [InlineData("..%2f..%2f..%2fetc")]
    [InlineData("%2e%2e%5c%2e%2e")]
    [InlineData("/etc")]
    [InlineData("run%00")]
    [InlineData(".deleted-x")]
    [InlineData("-x")]
    [InlineData("%3Cscript%3E")]
    [InlineData("con%0d%0aSet-Cookie:x")]
    public async Task No_name_leads_out_of_the_home(string name)
    {
        foreach (string path in (string[])[$"run?name={name}", $"series?run={name}&x=step&y=loss", $"laws?study={name}", $"map?study={name}",
            $"laws/picture?study={name}&file=compute.svg", $"thinking?run={name}", $"map/items?study={name}&task=a&budget=1"])
        {
            (int status, string text) = await Get("/api/" + path);
            Assert.InRange(status, 400, 422);
            Assert.DoesNotContain("root:", text);
        }
        foreach (string verb in (string[])["resume", "continue", "train", "ladder"])
            Assert.Equal(400, (await Ask(HttpMethod.Post, "/api/jobs/command",
                JsonSerializer.Serialize(new { verb, name = Uri.UnescapeDataString(name), settings = Array.Empty<string>() }))).Status);
    }

    [Theory]
    [InlineData("/api/laws/picture?study=t&file=../../runs/run/run.json")]
    [InlineData("/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/..%2f..%2fetc%2fpasswd.js")]
    [InlineData("/api/../../etc/passwd")]
    public async Task No_file_is_read_but_those_that_belong_here(string path)
    {
        (int _, string text) = await Get(path);
        Assert.DoesNotContain("root:", text);
        Assert.DoesNotContain("format_version", text);
    }

    [Theory]
    [InlineData("/api/series?run=run&x=loss&y=loss", "x='loss' must be")]
    [InlineData("/api/series?run=run&x=step&y=hash", "y='hash' must be")]
    [InlineData("/api/series?run=run&x=step&y=loss&from=a", "from='a' must be a number")]
    [InlineData("/api/run", "name must be given")]
    [InlineData("/api/run?name=nowhere", "there is none of that name")]
    [InlineData("/api/thinking?run=run", "")]
    public async Task A_question_that_cannot_be_answered_says_why(string path, string why)
    {
        (int status, string text) = await Get(path);
        Assert.InRange(status, 400, 422);
        Assert.Contains(why, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("train", "a=b; rm -rf /")]
    [InlineData("train", "--plugin=x")]
    [InlineData("train", "plugin")]
    [InlineData("train", "name=other")]
    [InlineData("ladder", "plugin=x.cs")]
    [InlineData("ladder", "home=/tmp")]
    [InlineData("delete", "corpus=tiny")]
    public async Task Only_settings_are_started_no_options_and_no_other_command(string verb, string setting)
    {
        (int status, string text) = await Ask(HttpMethod.Post, "/api/jobs/command",
            JsonSerializer.Serialize(new { verb, name = "a", settings = new[] { setting } }));
        if (setting.StartsWith("a=b", StringComparison.Ordinal))
        {
            // One argument, whatever it holds: there is no shell.
            Assert.Equal(200, status);
            Assert.Contains("'a=b; rm -rf /'", JsonDocument.Parse(text).RootElement.GetProperty("command").GetString());
        }
        else Assert.Equal(400, status);
    }

    [Fact]
    public async Task Requests_have_ends()
    {
        // By the head alone: whoever announces so much need not send it.
        using (var one = new TcpClient())
        {
            await one.ConnectAsync(IPAddress.Loopback, new Uri(host.Address).Port);
            await one.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST /api/next HTTP/1.1\r\nHost: localhost\r\n" +
                "Content-Type: application/json\r\nContent-Length: 5000000\r\n\r\n"));
            using var reader = new StreamReader(one.GetStream());
            Assert.StartsWith("HTTP/1.1 413", await reader.ReadLineAsync());
        }
        Assert.Equal(400, (await Ask(HttpMethod.Post, "/api/next", "{\"text\":")).Status);
        Assert.Equal(400, (await Ask(HttpMethod.Post, "/api/next", "[]")).Status);
        Assert.Equal(400, (await Ask(HttpMethod.Post, "/api/next", "null")).Status);
        Assert.Equal(400, (await Ask(HttpMethod.Post, "/api/next", "{\"text\":null}")).Status);
        Assert.InRange((await Get("/api/run?name=" + new string('a', 9000))).Status, 400, 431);
        Assert.Equal(405, (await Ask(HttpMethod.Delete, "/runs")).Status);
    }

    [Fact]
    public async Task Slow_clients_and_half_open_connections_hold_nobody_up()
    {
        var open = new List<TcpClient>();
        try
        {
            for (int i = 0; i < 60; i++)
            {
                var one = new TcpClient();
                await one.ConnectAsync(IPAddress.Loopback, new Uri(host.Address).Port);
                // Some say nothing, some begin a request, some listen to events and never read.
                string said = (i % 3) switch
                {
                    0 => "",
                    1 => "POST /api/next HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
                    _ => "GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
                };
                await one.GetStream().WriteAsync(Encoding.ASCII.GetBytes(said));
                open.Add(one);
            }
            for (int i = 0; i < 20; i++) Assert.Equal(200, (await Get("/api/home")).Status);
        }
        finally
        {
            foreach (TcpClient one in open) one.Dispose();
        }
        Assert.Equal(200, (await Get("/api/home")).Status);
    }

    [Fact]
    public async Task Elsewhere_than_on_loopback_there_must_be_a_key()
    {
        async Task<string> Refused(WebOptions options) => (await Assert.ThrowsAsync<ConfigException>(() => WebHost.Start(home.Here, options))).Message;
        Assert.Contains("give a key", await Refused(new() { Port = 0, Host = "0.0.0.0" }));
        Assert.Contains("at least 16", await Refused(new() { Port = 0, Host = "0.0.0.0", Key = "short" }));
        Assert.Contains("must be an address", await Refused(new() { Port = 0, Host = "example.org" }));
        Assert.Contains("from 0 to 65535", await Refused(new() { Port = 70_000 }));
        Assert.Contains("cannot be taken", await Refused(new() { Port = new Uri(host.Address).Port }));

        await using WebHost other = await WebHost.Start(home.Here, new() { Port = 0, Host = "0.0.0.0", Key = Key });
        using var asker = new HttpClient(new HttpClientHandler { UseCookies = true }) { BaseAddress = new($"http://127.0.0.1:{new Uri(other.Address).Port}") };
        Assert.Equal(HttpStatusCode.OK, (await asker.GetAsync("/")).StatusCode);           // the pages hold nothing
        Assert.Equal(HttpStatusCode.Unauthorized, (await asker.GetAsync("/api/home")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await asker.GetAsync("/v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await asker.PostAsync("/api/key", new StringContent("not it"))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await asker.GetAsync("/api/home")).StatusCode);
        using var bearing = new HttpRequestMessage(HttpMethod.Get, "/api/home") { Headers = { Authorization = new("Bearer", Key) } };
        Assert.Equal(HttpStatusCode.OK, (await asker.SendAsync(bearing)).StatusCode);
        using HttpResponseMessage given = await asker.PostAsync("/api/key", new StringContent(Key));
        string cookie = given.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.OK, (await asker.GetAsync("/api/home")).StatusCode);
    }
}
