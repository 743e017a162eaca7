using System.Text.Json;
using Isoflop.Kernels;
using Isoflop.Lab.Inference;
using Isoflop.Store;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary>
/// One call of an endpoint, from its body to its last byte: what all of them share. Members that mean the same everywhere are
/// read here; a client that hangs up ends its replies.
/// </summary>
abstract class ModelCall(HttpContext http, ModelPool pool, RemoteModels remote)
{
    /// <summary>Replies that one request may ask for, and stops.</summary>
    protected const int MostReplies = 128, MostStops = 16, MostTops = 20;

    const string Json = "application/json";

    readonly long created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    protected HttpContext Http => http;

    protected RequestReader Request { get; private set; } = null!;

    protected ModelPool.ModelLease Model { get; private set; } = null!;

    protected string Id { get; private set; } = "";

    protected long Created => created;

    protected ulong Seed { get; private set; }

    protected SamplingRule Rule { get; private set; } = new();

    protected string[] Stops { get; private set; } = [];

    /// <summary>Replies to each prompt.</summary>
    protected int Count { get; private set; }

    bool streams, tellsUsage;

    /// <summary>"chat" or "text_completion", as metrics name it.</summary>
    protected abstract string Operation { get; }

    /// <summary>Where it is asked, below /v1.</summary>
    protected abstract string Path { get; }

    /// <summary>Begins its ids.</summary>
    protected abstract string Prefix { get; }

    /// <summary>The member that holds the prompt.</summary>
    protected abstract string Prompt { get; }

    /// <summary>Reads what is its own, and says what is asked.</summary>
    protected abstract IReadOnlyList<ReplyRequest> Read();

    /// <summary>The whole answer.</summary>
    protected abstract Task Answer(IReadOnlyList<LiveReply> replies, IReadOnlyList<ReplyPiece> whole, Usage usage);

    /// <summary>What stands before the first piece.</summary>
    protected abstract Task Open(EventStream stream, IReadOnlyList<LiveReply> replies);

    /// <summary>A piece of a reply.</summary>
    protected abstract Task Tell(EventStream stream, int index, LiveReply reply, ReplyPiece piece);

    /// <summary>The last chunk, with what it has cost.</summary>
    protected abstract Task Close(EventStream stream, Usage usage);

    /// <summary>Does it, whatever comes.</summary>
    public async Task Run()
    {
        try
        {
            await Asked().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested) { }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            await ApiException.Of(e, Prompt).Write(http).ConfigureAwait(false);
        }
        catch (IOException) { }                                    // nobody is there any more
    }

    async Task Asked()
    {
        byte[] body = await Body().ConfigureAwait(false);
        Request = new(Parsed(body));
        string name = Request.Text("model") is { Length: > 0 } given ? given
            : throw ApiException.Bad("model must be given; GET /v1/models lists them", "model");
        if (remote.Has(name))
        {
            await remote.Forward(http, name, Path, body).ConfigureAwait(false);
            return;
        }
        Common();
        using var call = new InferenceCall(Operation, name);
        try
        {
            using ModelPool.ModelLease lease = Model = await pool.Take(name).ConfigureAwait(false);
            Id = Prefix + Guid.NewGuid().ToString("N");
            IReadOnlyList<ReplyRequest> requests = Read();
            Request.End();
            IReadOnlyList<LiveReply> replies = Model.Engine.Submit(requests);
            if (streams) await Stream(replies).ConfigureAwait(false);
            else await AtOnce(replies).ConfigureAwait(false);
            call.Done(replies);
        }
        catch (Exception e)
        {
            call.Fail(e);
            throw;
        }
    }

    async Task<byte[]> Body()
    {
        if (!http.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, $"the request's Content-Type must be {Json}");
        using var body = new MemoryStream();                     // the host bounds it
        await http.Request.Body.CopyToAsync(body, http.RequestAborted).ConfigureAwait(false);
        return body.ToArray();
    }

    static JsonElement Parsed(byte[] body)
    {
        try
        {
            return ForeignJson.Parse(body, "the request");
        }
        catch (DataException e)
        {
            throw ApiException.Bad(e.Message, null, "invalid_json");
        }
    }

    void Common()
    {
        streams = Request.Flag("stream");
        if (Request.Find("stream_options") is { } options)
        {
            var inner = new RequestReader(options);
            tellsUsage = inner.Flag("include_usage");
            inner.Ignore("include_obfuscation");
            inner.End();
        }
        Rule = new(Request.Number("temperature", 0, 10) ?? 1, Request.Whole("top_k", -1, int.MaxValue) is > 0 and int k ? k : 0,
            Request.Number("top_p", 0, 1) ?? 1);
        if (Rule.TopP == 0) Rule = Rule with { TopP = float.Epsilon };         // the likeliest alone
        // Numbers of JavaScript hold 53 bits.
        Seed = Request.Bits("seed") ?? (ulong)Random.Shared.NextInt64(1L << 53);
        Stops = Request.Texts("stop", MostStops);
        Count = Request.Whole("n", 1, MostReplies) ?? 1;
        Request.Ignore("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
            "prompt_cache_retention");
        Request.Refuse("tokens are drawn from the model's own distribution", "frequency_penalty", "presence_penalty",
            "logit_bias");
    }

    async Task AtOnce(IReadOnlyList<LiveReply> replies)
    {
        ReplyPiece[] whole = await Task.WhenAll(replies.Select(r => r.Whole(http.RequestAborted))).ConfigureAwait(false);
        Failed(replies);
        await Answer(replies, whole, UsageOf(replies)).ConfigureAwait(false);
    }

    async Task Stream(IReadOnlyList<LiveReply> replies)
    {
        var stream = new EventStream(http);
        try
        {
            stream.Begin();
            await Open(stream, replies).ConfigureAwait(false);
            await foreach ((int index, ReplyPiece piece) in
                EventStream.Merged(replies, http.RequestAborted).ConfigureAwait(false))
            {
                Failed(replies);
                await Tell(stream, index, replies[index], piece).ConfigureAwait(false);
            }
            if (tellsUsage) await Close(stream, UsageOf(replies)).ConfigureAwait(false);
            await stream.End().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException and not IOException && http.Response.HasStarted)
        {
            await stream.Write(ApiException.Of(e, Prompt).Body, ServingJson.Default.ErrorBody).ConfigureAwait(false);
        }
        finally
        {
            foreach (LiveReply reply in replies) reply.Cancel();
        }
    }

    static void Failed(IReadOnlyList<LiveReply> replies)
    {
        foreach (LiveReply reply in replies)
        {
            if (reply.Ending == Ending.Fault) throw reply.Fault!;
            if (reply.Ending == Ending.Cancelled) throw new ObjectDisposedException(nameof(InferenceEngine));
        }
    }

    Usage UsageOf(IReadOnlyList<LiveReply> replies) =>
        Usage.Of(replies.Where(r => r.Request.Index == 0).Sum(r => r.Request.Prompt.Length), replies.Sum(r => r.Tokens.Count),
            replies.Sum(r => r.ThoughtTokens));

    /// <summary>As OpenAI names it.</summary>
    protected static string? NameOf(Ending? ending) => ending switch
    {
        null => null,
        Ending.Stop => "stop",
        _ => "length",
    };

    /// <summary>Refuses a prompt that leaves no room, before it waits.</summary>
    protected int[] Fitting(int[] prompt)
    {
        int context = Model.Engine.Model.Config.ContextLen;
        return prompt.Length <= context ? prompt : throw new PromptTooLongException(prompt.Length, context);
    }
}
