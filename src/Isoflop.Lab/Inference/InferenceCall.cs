using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Isoflop.Lab.Inference;

/// <summary>
/// A call to a model as others watch it: a span and the metrics of OpenTelemetry's conventions for generative AI, "gen_ai.…".
/// Where nobody listens it costs nothing to speak of.
/// </summary>
sealed class InferenceCall : IDisposable
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string Source = "Isoflop.Inference";

    // Buckets as the conventions advise.
    static readonly double[] seconds = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    static readonly Meter meter = new(Source);
    static readonly ActivitySource spans = new(Source);
    static readonly Histogram<double>
        duration = Seconds("gen_ai.server.request.duration", "from the request to the end of its last reply", seconds),
        toFirst = Seconds("gen_ai.server.time_to_first_token", "from the request to the first token of a reply",
            [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10]),
        perToken = Seconds("gen_ai.server.time_per_output_token", "between two tokens of a reply, its mean",
            [.001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5]);
    static readonly Histogram<int> tokens = meter.CreateHistogram("gen_ai.client.token.usage", "{token}",
        "tokens of prompts and of replies", advice: new InstrumentAdvice<int>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576],
        });

    readonly string operation, model;
    readonly TimeProvider time;
    readonly long began;
    readonly Activity? span;
    string? error;

    /// <param name="operation">"chat" or "text_completion"</param> <param name="model">as it was asked for</param>
    public InferenceCall(string operation, string model, TimeProvider? clock = null)
    {
        (this.operation, this.model, time) = (operation, model, clock ?? TimeProvider.System);
        began = time.GetTimestamp();
        span = spans.StartActivity($"{operation} {model}", ActivityKind.Server, parentContext: default, Tags());
    }

    TagList Tags() => new()
    {
        { "gen_ai.operation.name", operation },
        { "gen_ai.provider.name", "isoflop" },
        { "gen_ai.request.model", model },
    };

    static Histogram<double> Seconds(string name, string what, double[] bounds) => meter.CreateHistogram(name, "s", what,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    /// <summary>It failed.</summary>
    public void Fail(Exception e)
    {
        error = e.GetType().Name;
        span?.SetStatus(ActivityStatusCode.Error, e.Message);
    }

    /// <summary>Its replies have ended.</summary>
    public void Done(IReadOnlyList<LiveReply> replies)
    {
        TagList tags = Tags();
        int read = 0, written = 0;
        foreach (LiveReply reply in replies)
        {
            read += reply.Request.Index == 0 ? reply.Request.Prompt.Length : 0;
            written += reply.Count;
            if (reply.First > 0) toFirst.Record(time.GetElapsedTime(reply.Asked, reply.First).TotalSeconds, tags);
            if (reply.Count > 1)
                perToken.Record(time.GetElapsedTime(reply.First, reply.Last).TotalSeconds / (reply.Count - 1), tags);
        }
        foreach ((string type, int count) in ((string, int)[])[("input", read), ("output", written)])
        {
            TagList typed = Tags();
            typed.Add("gen_ai.token.type", type);
            tokens.Record(count, typed);
        }
        span?.SetTag("gen_ai.usage.input_tokens", read);
        span?.SetTag("gen_ai.usage.output_tokens", written);
        span?.SetTag("gen_ai.response.finish_reasons",
            replies.Select(r => r.Ending?.ToString().ToLowerInvariant() ?? "").ToArray());
    }

    /// <summary>It is over.</summary>
    public void Dispose()
    {
        TagList tags = Tags();
        if (error is not null) tags.Add("error.type", error);
        duration.Record(time.GetElapsedTime(began).TotalSeconds, tags);
        span?.Dispose();
    }
}
