using System.Net;
using System.Text.Json;

namespace Isoflop.Lab.Eval;

/// <summary>A request without an answer.</summary>
/// <param name="refused">no waiting would help; else waiting has not helped</param>
sealed class UnansweredException(string message, Exception? cause, bool refused) : Exception(message, cause)
{
    public bool Refused => refused;
}

/// <summary>An endpoint's refusal.</summary>
sealed class EndpointException(string message, HttpStatusCode status, TimeSpan? retryAfter)
    : HttpRequestException(message, null, status)
{
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
            catch (Exception e) when (!stop.IsCancellationRequested && e is HttpRequestException or IOException or JsonException
                or TimeoutException or OperationCanceledException)
            {
                string reason = e is OperationCanceledException ? $"no reply within {options.Timeout.TotalSeconds:0.###} s"
                    : e.Message;
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

    static Exception Refused(Exception e, string reason) => ((HttpRequestException)e).StatusCode switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
            new ConfigException($"{reason}; set the environment variable with this endpoint's key"),
        HttpStatusCode.NotFound => new ConfigException($"{reason}; check the address and the model's name"),
        _ => new UnansweredException(reason, e, refused: true),
    };

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
