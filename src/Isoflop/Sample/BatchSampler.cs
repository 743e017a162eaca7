using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Sample;

/// <summary>A reply to draw.</summary>
/// <param name="Prompt">tokens as the model reads them, end-of-text first where they begin a document</param>
/// <param name="MaxNewTokens">of the reply, the end-of-text that ends it among them; the context may leave less</param>
/// <param name="Stream">names its random numbers, with the seed; below 2⁴⁸</param>
/// <param name="Stops">by token: after which it stops too, as after end-of-text; null or beyond its length: none</param>
/// <param name="FirstStep">names the first token's random number in its stream; those after it count on</param>
public readonly record struct SampleRequest(int[] Prompt, int MaxNewTokens, long Stream, bool[]? Stops = null, int FirstStep = 0);

/// <summary>A drawn reply.</summary>
public sealed class SampledReply
{
    int[] tokens = [];
    float[] logProbs = [];

    /// <summary>Its tokens, with the one that ended it: end-of-text, or one beyond the vocabulary.</summary>
    public ReadOnlySpan<int> Tokens => tokens.AsSpan(0, Count);

    /// <summary>The same without the one that ended it.</summary>
    public ReadOnlySpan<int> Said => tokens.AsSpan(0, Ended ? Count - 1 : Count);

    /// <summary>Of each token at temperature 1, nats: to the bit what a training pass over the sequence gives.</summary>
    public ReadOnlySpan<float> LogProbs => logProbs.AsSpan(0, Count);

    /// <summary>Tokens drawn.</summary>
    public int Count { get; private set; }

    /// <summary>It came to its end.</summary>
    public bool Ended { get; private set; }

    /// <summary>Its last token is one of the request's stops. Neither ended nor stopped: it was cut off.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Told of every token as soon as it is drawn.</summary>
    internal Action<SampledReply>? Told { get; init; }

    internal void Clear(int most)
    {
        if (tokens.Length < most) (tokens, logProbs) = (new int[most], new float[most]);
        (Count, Ended, Stopped) = (0, false, false);
    }

    internal int Last => tokens[Count - 1];

    internal void Add(SampledToken drawn, bool ended, bool stopped)
    {
        (tokens[Count], logProbs[Count++], Ended, Stopped) = (drawn.Token, drawn.LogProb, ended, stopped);
        Told?.Invoke(this);
    }
}

/// <summary>
/// Draws many replies at once with cached keys and values. A slot whose reply has ended takes the next request in the same pass,
/// so passes stay full until the requests run out; what a request gives is the same, bit for bit, in any company. What requests
/// have in common at their beginning is read once. It is a <see cref="ReplyBatch"/> that works off a list.
/// </summary>
/// <remarks>The loop allocates nothing. Not for two threads at once.</remarks>
public sealed class BatchSampler : IDisposable
{
    const long CacheBytes = 256 << 20;

    readonly ReplyBatch batch;

    /// <param name="vocabulary">tokens that mean something; a model's table may be longer, and those end a reply</param>
    /// <param name="slots">replies at once, at most what the model gives logits for in one pass</param>
    /// <param name="context">longest prompt and reply together; that of the model where it is less</param>
    /// <param name="cacheBytes">of keys and values at most, but a context always fits; replies wait where they may not</param>
    public BatchSampler(Transformer model, int endOfText, int vocabulary, int slots, int context = int.MaxValue,
        long cacheBytes = CacheBytes) => batch = new(model, endOfText, vocabulary, slots, context, cacheBytes);

    /// <summary>Replies at once, at most.</summary>
    public int Slots => batch.Slots;

    /// <summary>Longest prompt and reply together, but for the last token, which is never read.</summary>
    public int Context => batch.Context;

    /// <summary>What replies have in common is read once in pieces of so many tokens.</summary>
    public int PageTokens => batch.PageTokens;

    /// <summary>Draws a reply for each request.</summary>
    /// <param name="into">[requests], refilled</param>
    /// <param name="reuse">
    /// also of what earlier calls read and drew, unless the weights changed; without it the cost depends on this call alone
    /// </param>
    /// <returns>FLOPs, least traffic and tokens that passed through the model, nothing for what was shared; no time</returns>
    /// <exception cref="ConfigException">A prompt leaves no room for a reply in the context.</exception>
    /// <exception cref="DataException">The model's logits are not finite.</exception>
    public Spending Draw(IReadOnlyList<SampleRequest> requests, SamplingRule rule, ulong seed, IReadOnlyList<SampledReply> into,
        bool reuse = false, CancellationToken stop = default)
    {
        for (int i = 0; i < requests.Count; i++)
        {
            batch.Check(requests[i]);
            into[i].Clear(batch.MostOf(requests[i]));
        }
        batch.Begin(reuse);
        for (int begun = 0, left = requests.Count; left > 0; left -= batch.Step())
        {
            stop.ThrowIfCancellationRequested();
            while (begun < requests.Count && batch.Join(requests[begun], rule, seed, into[begun]) >= 0) begun++;
        }
        return batch.Spent;
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose() => batch.Dispose();
}
