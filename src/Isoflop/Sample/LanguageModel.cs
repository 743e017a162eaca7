using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Sample;

/// <summary>A trained model with its tokenizer: text in, probabilities and text out.</summary>
public sealed class LanguageModel : IDisposable
{
    // Prompts are read in pieces of so many tokens.
    const int PassTokens = 1024;
    // Replies that are written at once: so many, and so many floats of keys and values.
    const int MostReplies = 128;
    const long CacheFloats = 1 << 26;

    readonly IDevice device;
    readonly Transformer transformer;
    readonly Batch batch = new(PassTokens, PassTokens);
    KvCache? readCache, writeCache;

    LanguageModel(string folder, IDevice device, Transformer transformer, Tokenizer tokenizer) =>
        (Folder, this.device, this.transformer, Tokenizer) = (folder, device, transformer, tokenizer);

    /// <summary>The folder it was read from.</summary>
    public string Folder { get; }

    /// <summary>Text to tokens.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The shape.</summary>
    public ModelConfig Config => transformer.Config;

    /// <summary>All parameters.</summary>
    public long Parameters => transformer.Table.Parameters;

    /// <summary>Opens a model.</summary>
    /// <param name="which">
    /// RUN (its newest checkpoint), RUN@STEP, or a folder with config.json, model.safetensors and tokenizer.json
    /// </param>
    /// <exception cref="ConfigException">There is no such run, step or folder.</exception>
    /// <exception cref="DataException">Files are damaged or do not fit each other.</exception>
    public static LanguageModel Open(Workspace here, string which)
    {
        string folder = Resolve(here, which);
        if (File.Exists(Path.Combine(folder, Checkpoint.StateFile))) Checkpoint.Verify(folder);
        ModelConfig config = ModelFolder.LoadConfig(folder);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        if (tokenizer.VocabSize > config.VocabSize)
            throw new DataException($"{folder}: tokenizer.json has {tokenizer.VocabSize} tokens, the model {config.VocabSize}; " +
                "they belong to different models");
        IDevice device = here.OpenDevice();
        try
        {
            var transformer = new Transformer(device, config, PassTokens, training: false);
            ModelFolder.LoadParams(folder, device, transformer.Table, transformer.Params);
            transformer.Refresh();
            return new(folder, device, transformer, tokenizer);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    static string Resolve(Workspace here, string which)
    {
        if (File.Exists(Path.Combine(which, ModelFolder.ConfigFile))) return which;
        bool hasStep = RunPoint.TryParse(which, out RunPoint point);
        string run = here.RunFolder(hasStep ? point.Run : which);
        if (!Directory.Exists(run))
            throw new ConfigException($"no run '{(hasStep ? point.Run : which)}' below {here.Runs} " +
                "and no model folder of that name; see isoflop runs");
        List<int> steps = Checkpoint.StepsIn(run);
        if (steps.Count == 0) throw new ConfigException($"{run} has no checkpoint yet; train it with isoflop train");
        if (hasStep && !steps.Contains(point.Step))
            throw new ConfigException($"{run} has no checkpoint of step {point.Step}; there are {string.Join(", ", steps)}");
        return Path.Combine(run, Checkpoint.NameOf(hasStep ? point.Step : steps[^1]));
    }

    /// <summary>
    /// Log-probabilities of every token after the text (nats), and of each of its own tokens given those before.
    /// </summary>
    /// <returns>Next [V]; Tokens of the text; LogProbs of the tokens, the first given end-of-text alone</returns>
    public (float[] Next, int[] Tokens, float[] LogProbs) Read(string text)
    {
        int[] tokens = [Tokenizer.EndOfText, .. Tokenizer.Encode(text)];
        if (tokens.Length > Config.ContextLen)
            throw new ConfigException(
                $"the text has {tokens.Length} tokens, the model's context is {Config.ContextLen}; shorten it");
        (float[] next, float[] own) = Read(tokens);
        return (next, tokens[1..], own);
    }

    /// <summary>The same of tokens; end-of-text is not put before them.</summary>
    (float[] Next, float[] LogProbs) Read(ReadOnlySpan<int> tokens)
    {
        KvCache cache = CacheFor(ref readCache, 1, tokens.Length);
        var own = new float[tokens.Length - 1];
        float[] next = [];
        int piece = Math.Min(transformer.MaxLogitRows, PassTokens);
        for (int at = 0; at < tokens.Length; at += piece)
        {
            int count = Math.Min(piece, tokens.Length - at);
            int[] rows = [.. Enumerable.Range(0, count)];
            DeviceMemory logits = transformer.Decode(
                tokens.Slice(at, count), new int[count], [.. rows.Select(r => at + r)], cache, rows);
            var values = new float[(long)count * Config.VocabSize];
            device.Download(logits, values);
            for (int r = 0; r < count; r++)
            {
                float[] logProbs = LogSoftmax(values.AsSpan(r * Config.VocabSize, Config.VocabSize));
                if (at + r + 1 < tokens.Length) own[at + r] = logProbs[tokens[at + r + 1]];
                else next = logProbs;
            }
        }
        return (next, own);
    }

    static float[] LogSoftmax(ReadOnlySpan<float> logits)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float x in logits) max = Math.Max(max, x);
        foreach (float x in logits) sum += Math.Exp(x - max);
        var result = new float[logits.Length];
        for (int i = 0; i < result.Length; i++) result[i] = (float)(logits[i] - max - Math.Log(sum));
        return result;
    }

    /// <summary>Draws many replies at once from this model; not while it is asked anything else.</summary>
    internal BatchSampler Sampler(int slots) => new(transformer, Tokenizer.EndOfText, Tokenizer.VocabSize, slots);

    /// <summary>
    /// Continues a prompt <paramref name="count"/> times at once;
    /// a reply ends at end-of-text, at the context's end or at maxTokens.
    /// </summary>
    /// <param name="seed">with the reply's index names its random numbers: reply i is the same in any company</param>
    /// <param name="told">called with each new token of the first reply</param>
    public IReadOnlyList<Continuation> Continue(string prompt, int count, int maxTokens, SamplingRule rule, ulong seed,
        Action<int>? told = null)
    {
        int[] tokens = [Tokenizer.EndOfText, .. Tokenizer.Encode(prompt)];
        if (tokens.Length >= Config.ContextLen)
            throw new ConfigException(
                $"the prompt has {tokens.Length} tokens, the model's context is {Config.ContextLen}; shorten it");
        if (count > transformer.MaxLogitRows)
            throw new ConfigException($"{count} replies at once; at most {transformer.MaxLogitRows} fit, ask twice");
        KvCache cache = CacheFor(ref writeCache, count, Math.Min(Config.ContextLen, tokens.Length + maxTokens));
        var replies = Enumerable.Range(0, count).Select(_ => new Continuation([], [])).ToArray();
        DeviceMemory logits = Prompt(tokens, count, cache);
        List<int> alive = [.. Enumerable.Range(0, count)];
        for (int at = tokens.Length; ; at++)
        {
            var drawn = new int[alive.Count];
            var logProbs = new float[alive.Count];
            float[] uniforms = [.. alive.Select(i => new Rng(seed, RandomPurpose.Sample, at, i).NextSingle())];
            device.Sample(logits, uniforms, rule, drawn, logProbs, Config.VocabSize);
            for (int r = alive.Count - 1; r >= 0; r--)
            {
                Continuation reply = replies[alive[r]];
                bool ended = drawn[r] == Tokenizer.EndOfText;
                if (!ended)
                {
                    reply.Tokens.Add(drawn[r]);
                    reply.LogProbs.Add(logProbs[r]);
                    if (alive[r] == 0) told?.Invoke(drawn[r]);
                }
                if (ended || reply.Tokens.Count >= maxTokens || at + 1 >= Config.ContextLen) alive.RemoveAt(r);
            }
            if (alive.Count == 0) return replies;
            int[] last = [.. alive.Select(i => replies[i].Tokens[^1])], positions = new int[alive.Count];
            Array.Fill(positions, at);
            logits = transformer.Decode(last, alive.ToArray(), positions, cache, [.. Enumerable.Range(0, alive.Count)]);
        }
    }

    /// <summary>Reads the prompt into every slot; logits after it, one row a slot.</summary>
    DeviceMemory Prompt(int[] tokens, int count, KvCache cache)
    {
        int piece = Math.Max(1, PassTokens / count);
        for (int from = 0; ; from += piece)
        {
            int length = Math.Min(piece, tokens.Length - from);
            var rows = new int[length * count];
            int[] slots = new int[rows.Length], positions = new int[rows.Length];
            for (int r = 0; r < rows.Length; r++)
                (rows[r], slots[r], positions[r]) = (tokens[from + r % length], r / length, from + r % length);
            int[] ends = [.. Enumerable.Range(1, count).Select(i => i * length - 1)];
            DeviceMemory logits = transformer.Decode(rows, slots, positions, cache, ends);
            if (from + length == tokens.Length) return logits;
        }
    }

    /// <summary>
    /// −ln p of each sequence's tokens from Start on, each given those before it, nats. Sequences share passes; what one gives
    /// is the same, bit for bit, in any company.
    /// </summary>
    /// <param name="sequences">of 2 tokens to a context and one more: the last is no input; Start from 1</param>
    public float[][] Nll(IReadOnlyList<(int[] Tokens, int Start)> sequences)
    {
        var results = new float[sequences.Count][];
        var wanted = new List<int>();
        var packed = new List<int>();
        for (int i = 0; i < results.Length; i++)
        {
            (int[] tokens, int start) = sequences[i];
            int inputs = tokens.Length - 1;
            if (start < 1 || start > inputs || inputs > Config.ContextLen)
                throw new ArgumentException($"{tokens.Length} tokens from {start} on; the context is {Config.ContextLen}");
            if (inputs > PassTokens)
            {
                (float[] next, float[] own) = Read(tokens.AsSpan(0, inputs));
                results[i] = [.. own.Skip(start - 1).Append(next[tokens[^1]]).Select(p => -p)];
                continue;
            }
            if (batch.Rows + inputs > PassTokens) Flush();
            batch.BeginSequence();
            for (int t = 0; t < inputs; t++)
            {
                if (t >= start - 1) wanted.Add(batch.Rows);
                batch.Add(tokens[t], tokens[t + 1], 1);
            }
            packed.Add(i);
        }
        Flush();
        return results;

        void Flush()
        {
            var nll = new float[wanted.Count];
            if (batch.Rows > 0) transformer.NllOf(batch, wanted.ToArray(), nll);
            int at = 0;
            foreach (int i in packed)
            {
                int count = sequences[i].Tokens.Length - sequences[i].Start;
                results[i] = nll[at..(at += count)];
            }
            wanted.Clear();
            packed.Clear();
            batch.Clear();
        }
    }

    /// <summary>
    /// The most probable continuation of each prompt, token by token, many at once; what one gives is the same in any company.
    /// </summary>
    /// <param name="prompts">as the model reads them, end-of-text first where they begin a document</param>
    /// <param name="limits">tokens of each reply at most; prompt and limit fit the context and one token more</param>
    /// <param name="ended">asked with a reply after each of its tokens; end-of-text always ends it and is left out</param>
    public IReadOnlyList<List<int>> Greedy(IReadOnlyList<int[]> prompts, IReadOnlyList<int> limits, Func<List<int>, bool> ended)
    {
        List<int>[] replies = [.. prompts.Select(_ => new List<int>())];
        if (replies.Length == 0) return replies;
        int context = Math.Min(Config.ContextLen, Enumerable.Range(0, replies.Length).Max(i => prompts[i].Length + limits[i]));
        long floats = 2L * Config.NLayer * Config.KvHeads * Config.HeadWidth * context;
        int most = (int)Math.Clamp(CacheFloats / floats, 1, Math.Min(MostReplies, transformer.MaxLogitRows));
        KvCache cache = CacheFor(ref writeCache, Math.Min(most, replies.Length), context);
        for (int first = 0; first < replies.Length; first += most)
        {
            int[] group = [.. Enumerable.Range(first, Math.Min(most, replies.Length - first))];
            int[] alive = [.. ReadAll(group).Where(Goes)];
            while (alive.Length > 0)
            {
                int[] last = [.. alive.Select(i => replies[i][^1])], slots = [.. alive.Select(i => i - first)];
                int[] at = [.. alive.Select(i => prompts[i].Length + replies[i].Count - 1)];
                Draw(transformer.Decode(last, slots, at, cache, [.. Enumerable.Range(0, alive.Length)]), alive);
                alive = [.. alive.Where(Goes)];
            }
        }
        foreach (List<int> reply in replies)
            if (reply.Count > 0 && Ends(reply[^1])) reply.RemoveAt(reply.Count - 1);
        return replies;

        // Reads the group's prompts, a pass full at a time, and draws each one's first token.
        int[] ReadAll(int[] group)
        {
            (int Prompt, int At)[] rows = [.. group.SelectMany(i => Enumerable.Range(0, prompts[i].Length).Select(t => (i, t)))];
            foreach ((int Prompt, int At)[] piece in rows.Chunk(PassTokens))
            {
                int[] ends =
                    [.. Enumerable.Range(0, piece.Length).Where(r => piece[r].At == prompts[piece[r].Prompt].Length - 1)];
                DeviceMemory logits = transformer.Decode([.. piece.Select(r => prompts[r.Prompt][r.At])],
                    [.. piece.Select(r => r.Prompt - group[0])], [.. piece.Select(r => r.At)], cache, ends);
                Draw(logits, [.. ends.Select(r => piece[r].Prompt)]);
            }
            return group;
        }

        void Draw(DeviceMemory logits, int[] of)
        {
            if (of.Length == 0) return;
            var drawn = new int[of.Length];
            device.Sample(logits, new float[of.Length], new SamplingRule(0), drawn, new float[of.Length], Config.VocabSize);
            for (int r = 0; r < of.Length; r++) replies[of[r]].Add(drawn[r]);
        }

        // Published models round their vocabulary up: those tokens end a reply too.
        bool Ends(int token) => token == Tokenizer.EndOfText || token >= Tokenizer.VocabSize;

        bool Goes(int i) => replies[i].Count < limits[i] && !Ends(replies[i][^1]) && !ended(replies[i]);
    }

    /// <summary>The last cache of a purpose where it is large enough: devices give memory back at their end only.</summary>
    KvCache CacheFor(ref KvCache? last, int slots, int context)
    {
        if (last is not null && last.Slots >= slots && last.Context >= context) return last;
        context = (int)Math.Min(Config.ContextLen, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)context));
        return last = new KvCache(device, Config, slots, context);
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose() => device.Dispose();
}

/// <summary>One continuation: its tokens and their log-probabilities at temperature 1, nats.</summary>
public sealed record Continuation(List<int> Tokens, List<float> LogProbs);
