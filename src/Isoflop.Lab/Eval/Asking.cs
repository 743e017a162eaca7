using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Eval;

/// <summary>A request without an answer.</summary>
/// <param name="refused">no waiting would help; else waiting has not helped</param>
sealed class UnansweredException(string message, Exception? cause, bool refused) : Exception(message, cause)
{
    public bool Refused => refused;
}

/// <summary>An endpoint's refusal.</summary>
/// <param name="askAgain">it named what it does not take: the next request goes without</param>
sealed class EndpointException(string message, HttpStatusCode status, TimeSpan? retryAfter, bool askAgain = false)
    : HttpRequestException(message, null, status)
{
    public bool AskAgain => askAgain;
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>Sends requests at a rate, each with a time limit, and again when its failure may pass.</summary>
sealed class Asking(ChatTargetOptions options)
{
    readonly Lock gate = new();
    DateTimeOffset next, held;
    long requests, retries;

    public long Requests => Interlocked.Read(ref requests);
    public long Retries => Interlocked.Read(ref retries);

    /// <exception cref="UnansweredException">The request was refused, or failed too often.</exception>
    /// <exception cref="ConfigException">The key, the address or the model is wrong: no request would be answered.</exception>
    public async Task<T> Ask<T>(Func<CancellationToken, Task<T>> request, CancellationToken stop)
    {
        for (int attempt = 0; ; attempt++)
        {
            await Turn(stop);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(options.Timeout);
            Interlocked.Increment(ref requests);
            try
            {
                return await request(limit.Token);
            }
            catch (EndpointException e) when (e.AskAgain)
            {
                Interlocked.Increment(ref retries);
                attempt--;
            }
            catch (Exception e) when (!stop.IsCancellationRequested && e is HttpRequestException or IOException or JsonException
                or TimeoutException or OperationCanceledException)
            {
                string reason = e is OperationCanceledException ? $"no reply within {options.Timeout.TotalSeconds:0.###} s"
                    : Innermost(e);
                if (!MayPass(e)) throw Refused(e, reason);
                TimeSpan? asked = (e as EndpointException)?.RetryAfter;
                TimeSpan wait = asked ?? TimeSpan.FromTicks(Math.Min(options.LongestWait.Ticks,
                    (long)Math.Min(long.MaxValue / 2.0, options.FirstWait.Ticks * Math.Pow(2, attempt))));
                if (attempt >= options.Retries)
                    throw new UnansweredException($"{reason}, after {attempt} retries", e, refused: false);
                if (wait > options.LongestWait)
                    throw new UnansweredException($"{reason}; asks to wait {wait.TotalSeconds:0} s", e, refused: false);
                Interlocked.Increment(ref retries);
                if (asked is not null) Hold(wait);                             // what one is told holds for all
                else await Task.Delay(wait, options.Time, stop);
            }
        }
    }

    static bool MayPass(Exception e) => e is not HttpRequestException { StatusCode: { } status }
        || status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        || ((int)status >= 500 && status is not HttpStatusCode.NotImplemented);

    /// <summary>What happened, and below it why: the first alone often says nothing.</summary>
    static string Innermost(Exception e)
    {
        string cause = e.GetBaseException().Message, said = e.Message;
        return e is EndpointException or JsonException || said.Contains(cause, StringComparison.Ordinal) ? said
            : $"{said.Replace(", see inner exception.", "").TrimEnd('.')}: {cause}";
    }

    Exception Refused(Exception e, string reason) => ((HttpRequestException)e).StatusCode switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
            new ConfigException($"{reason}; set the environment variable {options.KeyVariable} to this endpoint's key"),
        HttpStatusCode.NotFound => new ConfigException($"{reason}; check the address and the model's name"),
        _ => new UnansweredException(reason, e, refused: true),
    };

    /// <summary>Asks for one reply. The time is of the request that succeeded: waits and retries are not the model's.</summary>
    /// <param name="chat">made for each request: a client may change what it is given</param>
    public Task<(ChatResponse Reply, TimeSpan Took)> Chat(IChatClient client, IReadOnlyList<ChatMessage> messages,
        Func<ChatOptions> chat, bool stream, CancellationToken stop) => Timed(async limit => stream
            ? await client.GetStreamingResponseAsync(messages, chat(), limit).ToChatResponseAsync(limit)
            : await client.GetResponseAsync(messages, chat(), limit), stop);

    /// <summary>The same of any request.</summary>
    public Task<(T, TimeSpan)> Timed<T>(Func<CancellationToken, Task<T>> request, CancellationToken stop) => Ask(async limit =>
    {
        long start = options.Time.GetTimestamp();
        return (await request(limit), options.Time.GetElapsedTime(start));
    }, stop);

    void Hold(TimeSpan wait)
    {
        lock (gate)
        {
            DateTimeOffset until = options.Time.GetUtcNow() + wait;
            if (until > held) held = until;
        }
    }

    /// <summary>Waits for its place in the rate, then for the end of a hold.</summary>
    async Task Turn(CancellationToken stop)
    {
        TimeSpan interval = options.RequestsPerMinute > 0 ? TimeSpan.FromMinutes(1 / options.RequestsPerMinute) : TimeSpan.Zero;
        DateTimeOffset start;
        lock (gate)
        {
            DateTimeOffset now = options.Time.GetUtcNow();
            start = now > next ? now : next;
            next = start + interval;
        }
        for (DateTimeOffset now; (now = options.Time.GetUtcNow()) < start;)
            await Task.Delay(Rounded(start - now), options.Time, stop);
        while (true)
        {
            TimeSpan rest;
            lock (gate) rest = held - options.Time.GetUtcNow();
            if (rest <= TimeSpan.Zero) return;
            await Task.Delay(Rounded(rest), options.Time, stop);
        }
    }

    /// <summary>Timers count whole milliseconds: up, or the last is waited for in a busy loop.</summary>
    static TimeSpan Rounded(TimeSpan t) => TimeSpan.FromMilliseconds(Math.Ceiling(t.TotalMilliseconds));
}
