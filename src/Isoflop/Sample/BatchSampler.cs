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
/// have in common at their beginning is read once: <see cref="PrefixCache"/>.
/// </summary>
/// <remarks>The loop allocates nothing. Not for two threads at once.</remarks>
public sealed class BatchSampler : IDisposable
{
    const long CacheBytes = 256 << 20;
    const int Unknown = -1;

    readonly Transformer model;
    readonly KvCache cache;
    readonly PrefixCache prefixes;
    readonly DeviceMemory memory;
    readonly DeviceSpan<SampledToken> drawnThere;
    readonly int endOfText, vocabulary;
    readonly double readBytes;                                   // of a pass
    readonly int[] request, read;                                // of each slot: its request, −1: free; tokens of its prompt read
    // rows of a pass; rows whose logits are drawn from, and their slots
    readonly int[] next, slots, at, wanted, asking;
    readonly RandomKey[] draws;
    readonly SampledToken[] drawn;
    int version = Unknown;                                       // of the weights that made what the cache holds

    /// <param name="vocabulary">tokens that mean something; a model's table may be longer, and those end a reply</param>
    /// <param name="slots">replies at once, at most what the model gives logits for in one pass</param>
    /// <param name="context">longest prompt and reply together; that of the model where it is less</param>
    /// <param name="cacheBytes">of keys and values at most, but a context always fits; replies wait where they may not</param>
    public BatchSampler(Transformer model, int endOfText, int vocabulary, int slots, int context = int.MaxValue,
        long cacheBytes = CacheBytes)
    {
        (this.model, this.endOfText, this.vocabulary) = (model, endOfText, vocabulary);
        slots = Math.Clamp(slots, 1, Math.Min(model.MaxLogitRows, model.MaxRows));
        context = Math.Min(context, model.Config.ContextLen);
        int most = KvCache.PagesOf(model.Device.Traits, context);
        long pages = Math.Clamp(cacheBytes / (model.Config.NLayer * model.KvPageBytes), most, (long)slots * most);
        cache = new(model, slots, context, (int)pages);
        prefixes = new(cache);
        memory = new(model.Device, "draws");
        drawnThere = memory.Allocate<SampledToken>(slots);
        readBytes = Traffic.Forward(model.Table.Parameters);
        (request, read) = (new int[slots], new int[slots]);
        int rows = model.MaxRows;
        (next, this.slots, at, wanted) = (new int[rows], new int[rows], new int[rows], new int[slots]);
        (asking, draws, drawn) = (new int[slots], new RandomKey[slots], new SampledToken[slots]);
    }

    /// <summary>Replies at once, at most.</summary>
    public int Slots => request.Length;

    /// <summary>Longest prompt and reply together, but for the last token, which is never read.</summary>
    public int Context => cache.Context;

    /// <summary>What replies have in common is read once in pieces of so many tokens.</summary>
    public int PageTokens => cache.PageTokens;

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
            int most = MostOf(requests[i]);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)requests[i].Stream, 1ul << 48, nameof(requests));
            if (most < 1)
                throw new ConfigException($"a prompt of {requests[i].Prompt.Length} tokens leaves no room for a reply in the " +
                    $"context of {Context}; ask easier levels, or a model with a longer context");
            into[i].Clear(most);
        }
        if (!reuse || version != model.Version) prefixes.Clear();
        version = Unknown;                                       // until all is well: pages are known before they are read
        Array.Fill(request, -1);
        int begun = 0, left = requests.Count, promised = 0;
        double pairs = 0, heads = 0;
        long tokens = 0, passes = 0;
        while (left > 0)
        {
            stop.ThrowIfCancellationRequested();
            (int rows, int asked) = Fill(requests, into, ref begun, ref promised, ref pairs);
            for (int a = 0; a < asked; a++)
            {
                int r = request[asking[a]];
                draws[a] = new(requests[r].Stream, requests[r].FirstStep + into[r].Count);
            }
            DeviceSpan<float> logits = model.Decode(next.AsSpan(0, rows), slots.AsSpan(0, rows), at.AsSpan(0, rows), cache,
                wanted.AsSpan(0, asked), draws.AsSpan(0, asked));
            (tokens, passes, heads) = (tokens + rows, passes + 1, heads + asked);
            DeviceSpan<SampledToken> there = drawnThere.Slice(0, asked);
            if (asked > 0) model.Device.Sample(logits, rule, seed, cache.View.Draws, there, model.Config.VocabSize);
            model.Device.Download(there, drawn);
            for (int a = 0; a < asked; a++)
            {
                int slot = asking[a], r = request[slot], token = drawn[a].Token;
                if (!float.IsFinite(drawn[a].LogProb))
                    throw new DataException($"the model's logits are not finite (reply {r}, token {into[r].Count + 1}): its " +
                        "weights are broken; go back to an earlier checkpoint");
                // Published models round their vocabulary up: what lies beyond the tokenizer's ends a reply too.
                bool ends = token == endOfText || token >= vocabulary;
                bool stops = !ends && requests[r].Stops is { } marks && token < marks.Length && marks[token];
                into[r].Add(drawn[a], ends, stops);
                if (!ends && !stops && into[r].Count < MostOf(requests[r])) continue;
                prefixes.Release(slot);
                promised -= MostPagesOf(requests[r]);
                request[slot] = -1;
                left--;
            }
        }
        version = model.Version;
        FlopCount all = Flops.Forward(model.Config, tokens, pairs);
        return new((all with { Head = all.Head / Math.Max(1, tokens) * heads }).Total,
            passes * readBytes, tokens, 0);
    }

    int MostOf(in SampleRequest r) => Math.Min(r.MaxNewTokens, Context + 1 - r.Prompt.Length);

    // The last token drawn is never read.
    int MostPagesOf(in SampleRequest r) => KvCache.PagesOf(model.Device.Traits, r.Prompt.Length + MostOf(r) - 1);

    /// <summary>
    /// Rows of a pass: one token of each reply under way, then prompts, as many of their tokens as still fit.
    /// </summary>
    /// <param name="promised">pages that the replies under way may come to need</param>
    (int Rows, int Asked) Fill(IReadOnlyList<SampleRequest> requests, IReadOnlyList<SampledReply> into, ref int begun,
        ref int promised, ref double pairs)
    {
        int rows = 0, asked = 0;
        for (int s = 0; s < request.Length; s++)
        {
            if (request[s] < 0 || read[s] < requests[request[s]].Prompt.Length) continue;
            int r = request[s];
            Add(s, into[r].Last, requests[r].Prompt.Length + into[r].Count - 1, ref pairs);
            Ask(s);
        }
        for (int s = 0; s < request.Length && rows < next.Length; s++)
        {
            if (request[s] < 0)
            {
                if (begun == requests.Count || promised + MostPagesOf(requests[begun]) > prefixes.Pages) continue;
                promised += MostPagesOf(requests[begun]);
                (request[s], read[s]) = (begun++, 0);
            }
            int[] prompt = requests[request[s]].Prompt;
            if (read[s] == prompt.Length) continue;
            while (read[s] < prompt.Length && rows < next.Length)
                if (prefixes.TryShare(s, prompt, read[s]))
                    read[s] = Math.Min(read[s] + PageTokens, prompt.Length - 1);   // the last gives the logits
                else Add(s, prompt[read[s]], read[s]++, ref pairs);
            if (read[s] == prompt.Length) Ask(s);
        }
        return (rows, asked);

        void Add(int slot, int token, int position, ref double pairs)
        {
            prefixes.Append(slot, position, token);
            (next[rows], slots[rows], at[rows++]) = (token, slot, position);
            pairs += position + 1;
        }

        void Ask(int slot) => (wanted[asked], asking[asked++]) = (rows - 1, slot);
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        cache.Dispose();
        memory.Dispose();
    }
}
