using System.Text;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Thinking;

/// <summary>A model of ours writes: any beginning is continued, many at once, and every FLOP is known.</summary>
public sealed class LocalDrawing : IDrawing
{
    const int Slots = 512;
    // A step is drawn in pieces of so many tokens and cut at its end; what is behind it was drawn and is charged.
    const int Piece = 12;
    // Streams: far from those of reinforcement and its exams. A problem's draws, then the pieces of a step.
    const long FirstStream = 1L << 46;
    const int DrawBits = 18, ProblemBits = 20, PieceBits = 7;

    readonly BatchSampler sampler;
    readonly ModelConfig config;
    readonly Tokenizer tokenizer;
    readonly ulong seed;
    readonly TimeProvider time;

    /// <param name="seed">names the random numbers, with each problem's own number</param>
    public LocalDrawing(LanguageModel model, ulong seed, TimeProvider? clock = null)
        : this(model.Sampler(Slots), model.Config, model.Tokenizer, seed, clock) { }

    internal LocalDrawing(BatchSampler sampler, ModelConfig config, Tokenizer tokenizer, ulong seed, TimeProvider? clock) =>
        (this.sampler, this.config, this.tokenizer, this.seed, time) =
            (sampler, config, tokenizer, seed, clock ?? TimeProvider.System);

    /// <summary>What all draws together have cost, as the sampler counts; its seconds are of wall time.</summary>
    public Spending Sampled { get; private set; }

    /// <inheritdoc/>
    public bool Continues => true;

    /// <inheritdoc/>
    public int Room(Problem problem, Draft from) =>
        Math.Max(0, config.ContextLen + 1 - PromptOf(problem).Length - from.Tokens.Count);

    /// <inheritdoc/>
    public int Within(Problem problem, Draft from, double flops)
    {
        int begin = PromptOf(problem).Length + from.Tokens.Count, low = 0, high = config.ContextLen + 2 - begin;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (CostOf(begin, middle).Flops <= flops) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <inheritdoc/>
    public Draft Rewrite(Draft from, int length, string text)
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
        string rest = from.Text[at..length] + text;
        if (rest.Length > 0) kept.AddRange(tokenizer.Encode(rest));
        return new(from.Text[..length] + text, kept, false) { LogProb = from.LogProb, Drawn = from.Drawn };
    }

    /// <inheritdoc/>
    public IReadOnlyList<Drawn> Draw(IReadOnlyList<DrawRequest> requests, CancellationToken stop)
    {
        var drawn = new Drawn[requests.Count];
        for (int i = 0; i < drawn.Length; i++) drawn[i] = new(requests[i].From with { Ended = false }, default);
        int[] open = [.. Enumerable.Range(0, drawn.Length)];
        for (int piece = 0; open.Length > 0; piece++)
        {
            foreach (var same in open.GroupBy(i => requests[i].Temperature))
                Draw([.. same], requests, drawn, piece, same.Key, stop);
            open = [.. open.Where(i => requests[i].Step && Goes(requests[i], drawn[i]))];
        }
        return drawn;
    }

    static bool Goes(DrawRequest r, Drawn d) => !d.Draft.Ended && d.Cost.Tokens < r.MostTokens
        && !(d.Draft.Text.Length > r.From.Text.Length && r.Problem.StepEnds.Contains(d.Draft.Text[^1]));

    void Draw(int[] open, IReadOnlyList<DrawRequest> asked, Drawn[] drawn, int piece, float temperature, CancellationToken stop)
    {
        var requests = new SampleRequest[open.Length];
        for (int o = 0; o < open.Length; o++)
        {
            DrawRequest r = asked[open[o]];
            int left = r.MostTokens - (int)drawn[open[o]].Cost.Tokens;
            requests[o] = new([.. PromptOf(r.Problem), .. drawn[open[o]].Draft.Tokens], r.Step ? Math.Min(Piece, left) : left,
                StreamOf(r, piece));
        }
        SampledReply[] replies = [.. requests.Select(_ => new SampledReply())];
        long began = time.GetTimestamp();
        Spending spent = sampler.Draw(requests, new SamplingRule(temperature), seed, replies, stop);
        Sampled += spent with { Seconds = time.GetElapsedTime(began).TotalSeconds };
        double seconds = time.GetElapsedTime(began).TotalSeconds / spent.Flops;
        for (int o = 0; o < open.Length; o++)
        {
            Cost cost = CostOf(requests[o].Prompt.Length, replies[o].Count);
            drawn[open[o]] = new(Continued(asked[open[o]], drawn[open[o]].Draft, replies[o]),
                drawn[open[o]].Cost + cost with { Seconds = seconds * cost.Flops });
        }
    }

    static long StreamOf(DrawRequest r, int piece)
    {
        if (r.Number >> DrawBits != 0 || piece >> PieceBits != 0)
            throw new ConfigException($"more than {1 << DrawBits} draws for one problem; lower the budget");
        return FirstStream + ((long)piece << (DrawBits + ProblemBits)) + (r.Problem.Stream % (1 << ProblemBits) << DrawBits)
            + r.Number;
    }

    Draft Continued(DrawRequest r, Draft begun, SampledReply reply)
    {
        int count = reply.Count;
        bool ended = reply.Ended;
        List<int> tokens = [.. begun.Tokens];
        var text = new StringBuilder(begun.Text);
        for (int i = 0; i < count - (ended ? 1 : 0); i++)
        {
            tokens.Add(reply.Tokens[i]);
            string said = tokenizer.Decode([reply.Tokens[i]]);
            text.Append(said);
            if (!r.Step || said.IndexOfAny([.. r.Problem.StepEnds]) < 0) continue;
            (count, ended) = (i + 1, false);
            break;
        }
        double logProb = begun.LogProb;
        foreach (float p in reply.LogProbs[..count]) logProb += p;
        return new(text.ToString(), tokens, ended)
        {
            LogProb = logProb,
            Drawn = begun.Drawn + count,
        };
    }

    /// <summary>
    /// What a request computes: its prompt and all but the last of its tokens pass, each drawn one through the head. Over a batch
    /// it sums up to what the sampler counts.
    /// </summary>
    internal Cost CostOf(int prompt, int drawn)
    {
        int rows = prompt + drawn - 1;
        FlopCount all = Flops.Forward(config, rows, Flops.Pairs(rows));
        return new(drawn, rows, (all with { Head = all.Head / rows * drawn }).Total, 0);
    }

    /// <summary>The first tokens of a drawn continuation, as if no more had been asked for.</summary>
    internal Drawn Shortened(DrawRequest r, Drawn long_, int most)
    {
        int begin = r.From.Tokens.Count;
        int[] tokens = [.. long_.Draft.Tokens.Take(begin + most)];
        Cost cost = CostOf(PromptOf(r.Problem).Length + begin, most);
        return new(long_.Draft with
        {
            Text = r.From.Text + tokenizer.Decode(tokens.AsSpan(begin)),
            Tokens = tokens,
            Ended = false,
            Drawn = r.From.Drawn + most,
        }, cost with { Seconds = long_.Cost.Seconds * cost.Flops / long_.Cost.Flops });
    }

    // Prompts are asked for again and again.
    readonly Dictionary<Problem, int[]> prompts = [];

    int[] PromptOf(Problem problem)
    {
        if (prompts.TryGetValue(problem, out int[]? known)) return known;
        int[] prompt = [tokenizer.EndOfText, .. tokenizer.Encode(problem.Prompt)];
        if (prompt.Length + 2 > config.ContextLen)
            throw new ConfigException($"the question has {prompt.Length} tokens, the model's context is {config.ContextLen}; " +
                "ask an easier level, or a model with a longer context");
        return prompts[problem] = prompt;
    }
}
