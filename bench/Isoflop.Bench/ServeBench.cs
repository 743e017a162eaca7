using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Isoflop.Bench;

/// <summary>
/// Load on a server that runs already: so many streams at once for so many minutes, each a request after the other. Every stream
/// must come to its end and hold the tokens that its usage tells; each seed is asked for again and must say the same.
/// </summary>
static class ServeBench
{
    sealed class Tally
    {
        public long Replies, Tokens, Lost, Differ, Busy;
    }

    /// <param name="process">of the server: its memory is read; 0: not</param>
    public static async Task Run(string url, int process, string model, int streams, double minutes)
    {
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = streams + 8 }) { Timeout = Timeout.InfiniteTimeSpan };
        var tally = new Tally();
        var said = new Dictionary<int, string>();
        long began = Stopwatch.GetTimestamp();
        using var stop = new CancellationTokenSource();
        Task[] all = [.. Enumerable.Range(0, streams).Select(s => Task.Run(() => Ask(s)))];
        Console.WriteLine("minute   replies  tokens/s  lost  differ  busy  resident MB");
        long before = 0;
        double rows = Math.Max(1, Math.Ceiling(minutes));
        for (int row = 1; row <= rows; row++)
        {
            await Task.Delay(TimeSpan.FromMinutes(minutes / rows));
            long tokens = Interlocked.Read(ref tally.Tokens);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row * minutes / rows,6:0.0} {tally.Replies,9:N0} {(tokens - before) / (60 * minutes / rows),9:N0} {tally.Lost,5} {tally.Differ,7} {tally.Busy,5} {Resident(process),12:N1}"));
            before = tokens;
        }
        stop.Cancel();
        await Task.WhenAll(all);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tally.Replies:N0} replies of {streams} streams in {Stopwatch.GetElapsedTime(began).TotalMinutes:0.0} minutes, {tally.Lost} lost, {tally.Differ} of another text than the same seed gave before"));

        async Task Ask(int stream)
        {
            var random = new Random(stream);
            while (!stop.IsCancellationRequested)
            {
                int seed = random.Next(500), length = 1 + seed % 40, most = 16 + seed % 100;
                string body = $$$"""{"model": "{{{model}}}", "prompt": "{{{new string((char)('a' + seed % 26), length)}}}", "max_tokens": {{{most}}}, "seed": {{{seed}}}, "stream": true, "stream_options": {"include_usage": true}}""";
                try
                {
                    using var request = new HttpRequestMessage(HttpMethod.Post, url + "/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
                    using HttpResponseMessage reply = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                    if (reply.StatusCode == HttpStatusCode.TooManyRequests)
                    {
                        Interlocked.Increment(ref tally.Busy);
                        await Task.Delay(reply.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1));
                        continue;
                    }
                    (string text, int written, bool whole) = await Followed(reply);
                    Interlocked.Add(ref tally.Tokens, written);
                    Interlocked.Increment(ref tally.Replies);
                    if (!whole) Interlocked.Increment(ref tally.Lost);
                    lock (said)
                        if (!said.TryAdd(seed, text) && said[seed] != text) Interlocked.Increment(ref tally.Differ);
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    Interlocked.Increment(ref tally.Lost);
                    await Task.Delay(100);
                }
            }
        }
    }

    static async Task<(string Text, int Tokens, bool Whole)> Followed(HttpResponseMessage reply)
    {
        var text = new StringBuilder();
        int tokens = -1;
        bool ended = false, done = false;
        using var lines = new StreamReader(await reply.Content.ReadAsStreamAsync());
        while (await lines.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            if (line == "data: [DONE]")
            {
                done = true;
                continue;
            }
            using JsonDocument part = JsonDocument.Parse(line[6..]);
            if (part.RootElement.TryGetProperty("usage", out JsonElement usage)) tokens = usage.GetProperty("completion_tokens").GetInt32();
            if (!part.RootElement.TryGetProperty("choices", out JsonElement choices)) continue;
            foreach (JsonElement choice in choices.EnumerateArray())
            {
                text.Append(choice.GetProperty("text").GetString());
                ended |= choice.GetProperty("finish_reason").ValueKind == JsonValueKind.String;
            }
        }
        return (text.ToString(), Math.Max(0, tokens), done && ended && tokens >= 0);
    }

    static double Resident(int process)
    {
        if (process == 0) return double.NaN;
        using Process server = Process.GetProcessById(process);
        return server.WorkingSet64 / 1e6;
    }
}
