using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Isoflop.Tests.Eval;

/// <summary>An OpenAI-compatible endpoint on a loopback port that does as it is told.</summary>
sealed class FakeEndpoint : IDisposable
{
    readonly HttpListener listener;
    readonly Func<int, Call, Task> answer;
    int calls, now;

    /// <summary>One request: what was asked, and ways to answer.</summary>
    internal sealed record Call(string Path, JsonElement Body, string? Key, HttpListenerResponse Response)
    {
        /// <summary>Query and headers.</summary>
        public required HttpListenerRequest Request { get; init; }

        /// <summary>What the user says.</summary>
        public string Said => Body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;

        public Task Send(int status, string text, params (string, string)[] headers)
        {
            Response.StatusCode = status;
            foreach ((string name, string value) in headers) Response.Headers[name] = value;
            Response.Close(Encoding.UTF8.GetBytes(text), willBlock: true);         // at one go: two packets would wait 40 ms
            return Task.CompletedTask;
        }

        public Task Reply(string text, string model = "m", string finish = "stop") => Send(200, Chat(text, model, finish));

        public async Task Stream(bool abort, params string[] events)
        {
            Response.ContentType = "text/event-stream";
            Response.SendChunked = true;
            foreach (string e in events)
            {
                await Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes($"data: {e}\n\n"));
                await Response.OutputStream.FlushAsync();
            }
            if (abort) Response.Abort();
            else Response.Close();
        }
    }

    public FakeEndpoint(Func<int, Call, Task> answer)
    {
        this.answer = answer;
        for (int attempt = 0; ; attempt++)
        {
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
            }
            listener = new HttpListener { Prefixes = { Url + "/" } };
            try
            {
                listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 10) { }                  // somebody took the port between
        }
        _ = Serve();
    }

    public string Url { get; }
    public int Calls => calls;
    public int MaxAtOnce { get; private set; }

    public static string Chat(string text, string model = "m", string finish = "stop") =>
        $$$"""{"model":"{{{model}}}","choices":[{"index":0,"message":{"role":"assistant","content":{{{Quoted(text)}}}},"finish_reason":"{{{finish}}}"}],"usage":{"prompt_tokens":100,"completion_tokens":10}}""";

    public static string Delta(string text) => $$$"""{"model":"m","choices":[{"index":0,"delta":{"content":{{{Quoted(text)}}}},"finish_reason":null}]}""";

    static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    async Task Serve()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            _ = Task.Run(() => One(context));
        }
    }

    async Task One(HttpListenerContext context)
    {
        int number = Interlocked.Increment(ref calls);
        lock (listener) MaxAtOnce = Math.Max(MaxAtOnce, ++now);
        try
        {
            using JsonDocument body = await JsonDocument.ParseAsync(context.Request.InputStream);
            await answer(number, new(context.Request.Url!.AbsolutePath, body.RootElement, context.Request.Headers["Authorization"],
                context.Response)
            { Request = context.Request });
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException) { }   // the client left
        finally
        {
            lock (listener) now--;
        }
    }

    public void Dispose() => listener.Close();
}

/// <summary>Time in which every wait is over at once, and is written down.</summary>
sealed class JumpingTime : TimeProvider
{
    DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<double> Waits { get; } = [];

    public override DateTimeOffset GetUtcNow()
    {
        lock (Waits) return now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (Waits)
        {
            now += dueTime;
            Waits.Add(dueTime.TotalSeconds);
        }
        return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
