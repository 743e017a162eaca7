using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Sample;

/// <summary>
/// Replies under way, a token each a step. Replies join and leave between steps, and what one gives is the same, bit for bit, in
/// any company and whenever it joins: rows do not see each other, and random numbers have names. Continuous batching: Yu et al.
/// 2022, "Orca". What replies have in common at their beginning is read once: <see cref="PrefixCache"/>.
/// </summary>
/// <remarks>A step allocates nothing. Not for two threads at once.</remarks>
sealed class ReplyBatch : IDisposable
{
    const long CacheBytes = 256 << 20;
    const int Unknown = -1;

    /// <summary>A place of the batch.</summary>
    struct Slot
    {
        public SampledReply? Reply;                               // null: free
        public SampleRequest Request;
        public TokenScores? Scores;
        public int Read;                                          // tokens of its prompt
        public int Draws;                                         // replies of one rule and seed have this in common
    }

    readonly Transformer model;
    readonly KvCache cache;
    readonly PrefixCache prefixes;
    readonly DeviceMemory memory;
    readonly DeviceSpan<SampledToken> drawnThere;
    readonly int endOfText, vocabulary, pieceRows, scoredRows;
    readonly double readBytes;                                    // of a pass
    readonly Slot[] all;
    readonly (SamplingRule Rule, ulong Seed, int Users)[] draws;  // of each Slot.Draws
    // Rows of a pass; those that are drawn from, and their slots; then those whose token is scored.
    readonly int[] next, slots, at, wanted, asking;
    readonly RandomKey[] keys;
    readonly SampledToken[] drawn;
    readonly float[] row;                                         // [V] log-probabilities
    int rows, asked, scored, promised, turn;
    int version = Unknown;                                        // of the weights that made what the cache holds
    double pairs, heads;
    long tokens, passes;

    /// <param name="vocabulary">tokens that mean something; a model's table may be longer, and those end a reply</param>
    /// <param name="slots">replies at once, at most what the model gives logits for in one pass</param>
    /// <param name="context">longest prompt and reply together; that of the model where it is less</param>
    /// <param name="cacheBytes">of keys and values at most, but a context always fits; replies wait where they may not</param>
    /// <param name="pieceRows">
    /// tokens of prompts that a step reads at most, so that a long one does not hold up who is writing; 0: as many as a pass
    /// takes
    /// </param>
    public ReplyBatch(Transformer model, int endOfText, int vocabulary, int slots, int context = int.MaxValue,
        long cacheBytes = CacheBytes, int pieceRows = 0)
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
        all = new Slot[slots];
        draws = new (SamplingRule, ulong, int)[slots];
        (next, this.slots, at) = (new int[model.MaxRows], new int[model.MaxRows], new int[model.MaxRows]);
        wanted = new int[model.MaxLogitRows];
        (asking, keys, drawn) = (new int[slots], new RandomKey[slots], new SampledToken[slots]);
        row = new float[model.Config.VocabSize];
        this.pieceRows = pieceRows;
        // Each slot's draw has its row of logits first.
        scoredRows = model.MaxLogitRows - slots;
    }

    /// <summary>Replies at once, at most.</summary>
    public int Slots => all.Length;

    /// <summary>Those under way.</summary>
    public int Count { get; private set; }

    /// <summary>Longest prompt and reply together, but for the last token, which is never read.</summary>
    public int Context => cache.Context;

    /// <summary>What replies have in common is read once in pieces of so many tokens.</summary>
    public int PageTokens => cache.PageTokens;

    /// <summary>What all steps since <see cref="Begin"/> have cost; no time.</summary>
    public Spending Spent
    {
        get
        {
            FlopCount sum = Flops.Forward(model.Config, tokens, pairs);
            return new((sum with { Head = sum.Head / Math.Max(1, tokens) * heads }).Total, passes * readBytes, tokens, 0);
        }
    }

    /// <summary>Empties the batch, and counts from nothing.</summary>
    /// <param name="reuse">what was read and drawn stays known, unless the weights changed or a step failed</param>
    public void Begin(bool reuse)
    {
        for (int s = 0; s < all.Length; s++) Leave(s);
        if (!reuse || version != model.Version) prefixes.Clear();
        version = model.Version;
        (tokens, passes, pairs, heads) = (0, 0, 0, 0);
    }

    /// <summary>Tokens that a reply may have.</summary>
    public int MostOf(in SampleRequest r) => Math.Min(r.MaxNewTokens, Context + 1 - r.Prompt.Length);

    // The last token drawn is never read.
    int MostPagesOf(in SampleRequest r) => KvCache.PagesOf(model.Device.Traits, r.Prompt.Length + Math.Max(1, MostOf(r)) - 1);

    /// <summary>Takes a reply in, if there is a place and pages for all that it may come to need.</summary>
    /// <param name="scores">
    /// filled from its first place on: of tokens of the prompt as they are read, of drawn ones as they are drawn; a request for
    /// no token at all has its prompt scored
    /// </param>
    /// <returns>its slot; −1: it has to wait</returns>
    /// <exception cref="ConfigException">The prompt leaves no room for a reply in the context.</exception>
    public int Join(in SampleRequest request, SamplingRule rule, ulong seed, SampledReply into, TokenScores? scores = null)
    {
        Check(request, scores);
        int slot = 0;
        while (slot < all.Length && all[slot].Reply is not null) slot++;
        if (slot == all.Length || promised + MostPagesOf(request) > prefixes.Pages) return -1;
        promised += MostPagesOf(request);
        into.Clear(Math.Max(0, MostOf(request)));
        int group = 0, free = -1;
        for (; group < draws.Length; group++)
            if (draws[group].Users == 0) free = free < 0 ? group : free;
            else if (draws[group].Seed == seed && draws[group].Rule == rule) break;
        if (group == draws.Length) (draws[free], group) = ((rule, seed, 0), free);
        draws[group].Users++;
        all[slot] = new() { Reply = into, Request = request, Scores = scores, Draws = group };
        Count++;
        return slot;
    }

    /// <exception cref="ConfigException">The prompt leaves no room for a reply in the context.</exception>
    internal void Check(in SampleRequest request, TokenScores? scores = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)request.Stream, 1ul << 48, nameof(request));
        if (scores?.From < request.Prompt.Length && scoredRows == 0)
            throw new ArgumentException($"a pass gives {model.MaxLogitRows} rows of logits, which the {Slots} slots draw from");
        bool room = request.MaxNewTokens == 0 && scores is not null ? request.Prompt.Length <= Context : MostOf(request) >= 1;
        if (!room)
            throw new ConfigException($"a prompt of {request.Prompt.Length} tokens leaves no room for a reply in the " +
                $"context of {Context}; ask easier levels, or a model with a longer context");
    }

    /// <summary>Whether the slot's reply is still under way.</summary>
    public bool IsUnderWay(int slot) => all[slot].Reply is not null;

    /// <summary>Ends a slot's reply where it stands. Its place and pages are free at once.</summary>
    public void Leave(int slot)
    {
        ref Slot s = ref all[slot];
        if (s.Reply is null) return;
        prefixes.Release(slot);
        promised -= MostPagesOf(s.Request);
        draws[s.Draws].Users--;
        s = default;
        Count--;
    }

    /// <summary>
    /// One pass: each reply whose prompt was read gets a token, the others' prompts are read on. Replies that end leave.
    /// </summary>
    /// <returns>replies that left</returns>
    /// <exception cref="DataException">The model's logits are not finite.</exception>
    public int Step()
    {
        Fill();
        if (rows == 0) return 0;
        version = Unknown;                                        // until all is well: pages are known before they are read
        Sort();
        for (int a = 0; a < asked; a++)
        {
            ref Slot s = ref all[asking[a]];
            keys[a] = new(s.Request.Stream, s.Request.FirstStep + s.Reply!.Count);
        }
        DeviceSpan<float> logits = model.Decode(next.AsSpan(0, rows), slots.AsSpan(0, rows), at.AsSpan(0, rows), cache,
            wanted.AsSpan(0, asked + scored), keys.AsSpan(0, asked));
        (tokens, passes, heads) = (tokens + rows, passes + 1, heads + asked + scored);
        int V = model.Config.VocabSize;
        for (int from = 0, to; from < asked; from = to)
        {
            int group = all[asking[from]].Draws;
            for (to = from + 1; to < asked && all[asking[to]].Draws == group;) to++;
            model.Device.Sample(logits.Slice((long)from * V, (long)(to - from) * V), draws[group].Rule, draws[group].Seed,
                cache.View.Draws.Slice(from, to - from), drawnThere.Slice(from, to - from), V);
        }
        model.Device.Download(drawnThere.Slice(0, asked), drawn);
        int before = Count;
        Score(logits, V);
        for (int a = 0; a < asked; a++) Take(asking[a], drawn[a], logits.Slice((long)a * V, V));
        for (int s = 0; s < all.Length; s++)                      // who wanted scores alone
            if (all[s] is { Reply: not null, Request: { MaxNewTokens: 0 } only } && all[s].Read == only.Prompt.Length) Leave(s);
        version = model.Version;
        return before - Count;
    }

    /// <summary>A reply has its next token.</summary>
    void Take(int slot, SampledToken token, DeviceSpan<float> logits)
    {
        ref Slot s = ref all[slot];
        SampledReply reply = s.Reply!;
        if (!float.IsFinite(token.LogProb))
            throw new DataException($"the model's logits are not finite (token {reply.Count + 1} of a reply): its weights are " +
                "broken; go back to an earlier checkpoint");
        if (s.Scores is { } scores)
        {
            model.Device.LogSoftmax(logits, 1, row.Length);
            model.Device.Download(logits, row);
            scores.Set(s.Request.Prompt.Length + reply.Count, token.LogProb, row);
        }
        // Published models round their vocabulary up: what lies beyond the tokenizer's ends a reply too.
        bool ends = token.Token == endOfText || token.Token >= vocabulary;
        bool stops = !ends && s.Request.Stops is { } marks && token.Token < marks.Length && marks[token.Token];
        reply.Add(token, ends, stops);
        if (ends || stops || reply.Count == MostOf(s.Request)) Leave(slot);
    }

    /// <summary>Tokens of prompts that are scored; their rows of logits follow those that are drawn from.</summary>
    void Score(DeviceSpan<float> logits, int V)
    {
        if (scored == 0) return;
        logits = logits.Slice((long)asked * V, (long)scored * V);
        model.Device.LogSoftmax(logits, scored, V);
        for (int i = 0; i < scored; i++)
        {
            int r = wanted[asked + i], slot = slots[r], place = at[r] + 1;
            int[] prompt = all[slot].Request.Prompt;
            model.Device.Download(logits.Slice((long)i * V, V), row);
            if (!float.IsFinite(row[prompt[place]]))
                throw new DataException($"the model's logits are not finite (token {place + 1} of a prompt): its weights are " +
                    "broken; go back to an earlier checkpoint");
            all[slot].Scores!.Set(place, row[prompt[place]], row);
        }
    }

    /// <summary>
    /// Rows of a pass: one token of each reply that is being written, then prompts, as many of their tokens as still fit.
    /// </summary>
    void Fill()
    {
        (rows, asked, scored) = (0, 0, 0);
        for (int s = 0; s < all.Length; s++)
            if (all[s].Reply is { } reply && all[s].Read == all[s].Request.Prompt.Length)
            {
                Add(s, reply.Last, all[s].Request.Prompt.Length + reply.Count - 1);
                Ask(s);
            }
        int most = pieceRows == 0 ? next.Length : Math.Min(next.Length, rows + pieceRows), first = turn;
        for (int i = 0; i < all.Length && rows < most; i++)
        {
            int s = (first + i) % all.Length;
            if (all[s].Reply is null || all[s].Read == all[s].Request.Prompt.Length) continue;
            Read(s, most);
            // In pieces, the next step goes on where this one ends: nobody's prompt waits for ever.
            if (pieceRows > 0) turn = all[s].Read < all[s].Request.Prompt.Length ? s : (s + 1) % all.Length;
        }
    }

    void Read(int s, int most)
    {
        ref Slot slot = ref all[s];
        int[] prompt = slot.Request.Prompt;
        // The row before a token that is scored is read, whoever has read it before.
        int free = Math.Min(prompt.Length - 1, slot.Scores is { } scores ? Math.Max(0, scores.From - 1) : int.MaxValue);
        while (slot.Read < prompt.Length && rows < most)
        {
            if (slot.Read < free && prefixes.TryShare(s, prompt, slot.Read))
            {
                // The last token gives the logits; where its page is shared, it is written there again, the same bits.
                slot.Read = Math.Min(slot.Read + PageTokens, free);
                continue;
            }
            bool score = slot.Scores is not null && slot.Read + 1 >= slot.Scores.From && slot.Read + 1 < prompt.Length;
            if (score && scored == scoredRows) return;
            if (score) wanted[wanted.Length - ++scored] = rows;
            Add(s, prompt[slot.Read], slot.Read++);
        }
        if (slot.Read == prompt.Length && slot.Request.MaxNewTokens > 0) Ask(s);
    }

    void Add(int slot, int token, int position)
    {
        prefixes.Append(slot, position, token);
        (next[rows], slots[rows], at[rows++]) = (token, slot, position);
        pairs += position + 1;
    }

    void Ask(int slot) => (wanted[asked], asking[asked++]) = (rows - 1, slot);

    /// <summary>Rows of one rule and seed side by side, in the order of their slots; those to be scored behind them.</summary>
    void Sort()
    {
        for (int i = 1; i < asked; i++)
            for (int j = i; j > 0 && all[asking[j]].Draws < all[asking[j - 1]].Draws; j--)
            {
                (asking[j], asking[j - 1]) = (asking[j - 1], asking[j]);
                (wanted[j], wanted[j - 1]) = (wanted[j - 1], wanted[j]);
            }
        Span<int> last = wanted.AsSpan(wanted.Length - scored);   // they were laid down from the end
        last.Reverse();
        last.CopyTo(wanted.AsSpan(asked));
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        cache.Dispose();
        memory.Dispose();
    }
}
