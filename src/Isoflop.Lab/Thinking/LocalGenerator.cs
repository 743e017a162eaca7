using System.Text;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>A model of ours writes: any beginning is continued, many at once, and every FLOP is known.</summary>
sealed class LocalGenerator : IReplyGenerator
{
    const int Slots = 512;
    const int DrawBits = 20, ProblemBits = 24;

    readonly BatchSampler sampler;
    readonly ModelConfig config;
    readonly Tokenizer tokenizer;
    readonly ulong seed;
    readonly TimeProvider time;

    /// <param name="seed">names the random numbers, with each problem's own number</param>
    public LocalGenerator(LanguageModel model, ulong seed, TimeProvider? clock = null)
        : this(model.Sampler(Slots), model.Config, model.Tokenizer, seed, clock) { }

    internal LocalGenerator(BatchSampler sampler, ModelConfig config, Tokenizer tokenizer, ulong seed, TimeProvider? clock) =>
        (this.sampler, this.config, this.tokenizer, this.seed, time) =
            (sampler, config, tokenizer, seed, clock ?? TimeProvider.System);

    /// <summary>What all draws together have cost, as the sampler counts; its seconds are of wall time.</summary>
    public Spending Sampled { get; private set; }

    /// <inheritdoc/>
    public bool Continues => true;

    /// <inheritdoc/>
    public int Room(Problem problem, PartialReply from) =>
        Math.Max(0, config.ContextLen + 1 - PromptOf(problem).Length - from.Tokens.Count);

    /// <inheritdoc/>
    public int Within(Problem problem, PartialReply from, double flops)
    {
        int begin = PromptOf(problem).Length + from.Tokens.Count, low = 0, high = config.ContextLen + 2 - begin;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (CostOf(new(problem, from, middle, false, 0, 0), middle).Flops <= flops) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <inheritdoc/>
    public PartialReply Rewrite(PartialReply from, int length, string text)
    {
        List<int> kept = [];
        int at = 0;
        foreach (int token in from.Tokens)
        {
            int bytes = tokenizer.Bytes(token).Length;
            if (at + bytes > length) break;
            kept.Add(token);
            at += bytes;
        }
        // Where a token lies across the cut its first part is written anew. Replies are of characters of one byte.
        int whole = kept.Count;
        string rest = from.Text[at..length] + text;
        if (rest.Length > 0) kept.AddRange(tokenizer.Encode(rest));
        return new(from.Text[..length] + text, kept, false)
        {
            LogProb = from.LogProb,
            DrawnTokens = from.DrawnTokens,
            Read = Math.Min(from.Read, whole),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<Generation> Draw(IReadOnlyList<GenerationRequest> requests, CancellationToken stop)
    {
        var drawn = new Generation[requests.Count];
        foreach (var same in Enumerable.Range(0, drawn.Length).GroupBy(i => requests[i].Temperature))
            Draw([.. same], requests, drawn, same.Key, stop);
        return drawn;
    }

    void Draw(int[] of, IReadOnlyList<GenerationRequest> asked, Generation[] drawn, float temperature, CancellationToken stop)
    {
        SampleRequest[] requests = [.. of.Select(i => asked[i]).Select(r => new SampleRequest(
            [.. PromptOf(r.Problem), .. r.From.Tokens], r.MaxNewTokens, StreamOf(r),
            r.Step ? StopsOf(r.Problem.StepEnds) : null))];
        SampledReply[] replies = [.. requests.Select(_ => new SampledReply())];
        long began = time.GetTimestamp();
        Spending spent = sampler.Draw(requests, new SamplingRule(temperature), seed, replies, reuse: true, stop);
        Spending timed = spent with { Seconds = time.GetElapsedTime(began).TotalSeconds };
        Sampled += timed;
        Cost[] costs = [.. of.Select((i, o) => CostOf(asked[i], replies[o].Count))];
        double seconds = timed.Seconds / costs.Sum(c => c.Flops);
        for (int o = 0; o < of.Length; o++)
            drawn[of[o]] = new(Continued(asked[of[o]].From, replies[o]), costs[o] with { Seconds = seconds * costs[o].Flops });
    }

    static long StreamOf(GenerationRequest r) => r.Number >> DrawBits == 0
        ? RandomUse.SearchReply.Index((r.Problem.Stream % (1 << ProblemBits) << DrawBits) + r.Number)
        : throw new ConfigException($"more than {1 << DrawBits} draws for one problem; lower the budget");

    bool[] StopsOf(string ends)
    {
        if (stops.TryGetValue(ends, out bool[]? known)) return known;
        return stops[ends] = [.. Enumerable.Range(0, tokenizer.VocabSize).Select(t =>
            t != tokenizer.EndOfText && tokenizer.Bytes(t).IndexOfAny(Encoding.UTF8.GetBytes(ends)) >= 0)];
    }

    PartialReply Continued(PartialReply begun, SampledReply reply)
    {
        ReadOnlySpan<int> said = reply.Said;
        double logProb = begun.LogProb;
        foreach (float p in reply.LogProbs) logProb += p;
        return new(begun.Text + tokenizer.Decode(said), [.. begun.Tokens, .. said], reply.Ended)
        {
            LogProb = logProb,
            DrawnTokens = begun.DrawnTokens + reply.Count,
            Read = begun.Tokens.Count + reply.Count - 1,         // the last one drawn does not pass
        };
    }

    /// <summary>
    /// What a request computes where a problem's own keys and values are kept, in whole pages, and nobody else's: alone, that is.
    /// All rows but the last token's pass, each drawn one through the head.
    /// </summary>
    internal Cost CostOf(GenerationRequest r, int drawn)
    {
        int prompt = PromptOf(r.Problem).Length, begin = prompt + r.From.Tokens.Count;
        int read = r.From.Read > 0 ? prompt + r.From.Read : r.Number > 0 ? prompt : 0;
        int shared = Math.Min(read / sampler.PageTokens * sampler.PageTokens, begin - 1);
        int last = begin + drawn - 1;
        FlopCount all = Flops.Forward(config, last - shared, Flops.Pairs(last) - Flops.Pairs(shared));
        return new(drawn, last - shared, (all with { Head = all.Head / (last - shared) * drawn }).Total, 0);
    }

    /// <summary>The first tokens of a drawn continuation, as if no more had been asked for.</summary>
    internal Generation Shortened(GenerationRequest r, Generation long_, int most)
    {
        int begin = r.From.Tokens.Count;
        int[] tokens = [.. long_.Draft.Tokens.Take(begin + most)];
        Cost cost = CostOf(r, most);
        return new(long_.Draft with
        {
            Text = r.From.Text + tokenizer.Decode(tokens.AsSpan(begin)),
            Tokens = tokens,
            Ended = false,
            DrawnTokens = r.From.DrawnTokens + most,
            Read = begin + most - 1,
        }, cost with { Seconds = long_.Cost.Seconds * cost.Flops / long_.Cost.Flops });
    }

    // Asked for again and again.
    readonly Dictionary<Problem, int[]> prompts = [];
    readonly Dictionary<string, bool[]> stops = [];

    int[] PromptOf(Problem problem)
    {
        if (prompts.TryGetValue(problem, out int[]? known)) return known;
        int[] prompt = [tokenizer.Beginning, .. tokenizer.Encode(problem.Prompt)];
        if (prompt.Length + 2 > config.ContextLen)
            throw new ConfigException($"the question has {prompt.Length} tokens, the model's context is {config.ContextLen}; " +
                "ask an easier level, or a model with a longer context");
        return prompts[problem] = prompt;
    }
}
