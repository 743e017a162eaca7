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
    // Replies that are written at once.
    const int MaxReplies = 128;

    readonly IDevice device;
    readonly Transformer transformer;
    readonly Batch batch = new(PassTokens, PassTokens);
    KvCache? cache;
    BatchSampler? sampler;

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
        TrainState? state = File.Exists(Path.Combine(folder, Checkpoint.StateFile)) ? Checkpoint.Verify(folder) : null;
        ModelConfig config = ModelFolder.LoadShape(folder);
        Tokenizer tokenizer = ModelFolder.LoadTokenizer(folder);
        if (tokenizer.OtherFrame is { } frame)
            throw new DataException($"{Path.Combine(folder, ModelFolder.TokenizerFile)}: {frame} is not supported");
        if (state is { TokenizerHash.Length: > 0 } && state.TokenizerHash != tokenizer.Hash
            && state.TokenizerHash != tokenizer.AsTrained().Hash)
            throw new DataException($"{folder}: tokenizer.json has hash {tokenizer.Hash}, the model was trained with " +
                $"{state.TokenizerHash}; restore the corpus' own and train again");
        if (tokenizer.VocabSize > config.VocabSize)
            throw new DataException($"{folder}: tokenizer.json has {tokenizer.VocabSize} tokens, the model {config.VocabSize}; " +
                "they belong to different models");
        IDevice device = here.OpenDevice();
        try
        {
            var transformer = new Transformer(device, config, PassTokens, training: false);
            ModelFolder.LoadParams(folder, device, transformer.Table, transformer.Params);
            transformer.RepackWeights();
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
        if (which.Length > 0 && File.Exists(Path.Combine(which, "adapter_config.json")))
            throw new ConfigException($"{which} is an adapter, not a model; merge it into its base model first");
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
    /// <returns>Next [V]; Tokens of the text; LogProbs of the tokens, the first given the beginning alone</returns>
    public (float[] Next, int[] Tokens, float[] LogProbs) Read(string text)
    {
        int[] tokens = [Tokenizer.Beginning, .. Tokenizer.Encode(text)];
        if (tokens.Length > Config.ContextLen)
            throw new ConfigException(
                $"the text has {tokens.Length} tokens, the model's context is {Config.ContextLen}; shorten it");
        (float[] next, float[] own) = Read(tokens);
        return (next, tokens[1..], own);
    }

    /// <summary>The same of tokens; end-of-text is not put before them.</summary>
    (float[] Next, float[] LogProbs) Read(ReadOnlySpan<int> tokens)
    {
        if (cache is null || cache.Context < tokens.Length)
        {
            cache?.Dispose();
            cache = new(transformer, 1, Roomy(tokens.Length));
        }
        int V = Config.VocabSize, piece = Math.Min(transformer.MaxLogitRows, PassTokens);
        using var memory = new DeviceMemory(device);
        DeviceSpan<int> targets = memory.Allocate<int>(piece);
        DeviceSpan<float> nll = memory.Allocate<float>(piece);
        float[] own = new float[tokens.Length - 1], next = new float[V];
        for (int at = 0; at < tokens.Length; at += piece)
        {
            int count = Math.Min(piece, tokens.Length - at), follow = Math.Min(count, own.Length - at);
            int[] rows = [.. Enumerable.Range(0, count)];
            DeviceSpan<float> logits = transformer.Decode(
                tokens.Slice(at, count), new int[count], [.. rows.Select(r => at + r)], cache, rows);
            device.Upload(tokens.Slice(at + 1, follow), targets);
            device.CrossEntropy(logits, targets, default, 1, nll, follow, V);
            device.Download(nll.Slice(0, follow), own.AsSpan(at));
            if (follow == count) continue;
            DeviceSpan<float> last = logits.Slice((long)follow * V, V);
            device.LogSoftmax(last, 1, V);
            device.Download(last, next);
        }
        for (int i = 0; i < own.Length; i++) own[i] = -own[i];
        return (next, own);
    }

    int Roomy(int tokens) => (int)Math.Min(Config.ContextLen, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tokens));

    /// <summary>Draws many replies at once from this model; not while it is asked anything else.</summary>
    internal BatchSampler Sampler(int slots) => new(transformer, Tokenizer.EndOfText, Tokenizer.VocabSize, slots);

    /// <summary>Replies that join and leave; the model is asked nothing else meanwhile.</summary>
    internal ReplyBatch Batch(int slots, int pieceRows, long cacheBytes) =>
        new(transformer, Tokenizer.EndOfText, Tokenizer.VocabSize, slots, Config.ContextLen, cacheBytes, pieceRows);

    /// <summary>Draws replies, many at once; what one gives is the same, bit for bit, in any company.</summary>
    /// <exception cref="ConfigException">A prompt leaves no room for a reply in the context.</exception>
    /// <exception cref="DataException">The model's logits are not finite.</exception>
    public IReadOnlyList<SampledReply> Draw(IReadOnlyList<SampleRequest> requests, SamplingRule rule, ulong seed)
    {
        SampledReply[] replies = [.. requests.Select(_ => new SampledReply())];
        if (replies.Length == 0) return replies;
        int slots = Math.Min(replies.Length, MaxReplies);
        int context = Math.Min(Config.ContextLen, requests.Max(r => r.Prompt.Length + r.MaxNewTokens));
        if (sampler is null || sampler.Slots < slots || sampler.Context < context)
        {
            sampler?.Dispose();
            sampler = new(transformer, Tokenizer.EndOfText, Tokenizer.VocabSize, slots, Roomy(context));
        }
        sampler.Draw(requests, rule, seed, replies);
        return replies;
    }

    /// <summary>
    /// Continues a prompt <paramref name="count"/> times at once;
    /// a reply ends at end-of-text, at the context's end or at maxTokens.
    /// </summary>
    /// <param name="seed">with the reply's index names its random numbers: reply i is the same in any company</param>
    public IReadOnlyList<SampledReply> Continue(string prompt, int count, int maxTokens, SamplingRule rule, ulong seed) =>
        Continue([Tokenizer.Beginning, .. Tokenizer.Encode(prompt)], count, maxTokens, rule, seed);

    /// <summary>The same of tokens, their beginning among them.</summary>
    internal IReadOnlyList<SampledReply> Continue(int[] tokens, int count, int maxTokens, SamplingRule rule, ulong seed)
    {
        if (tokens.Length >= Config.ContextLen)
            throw new ConfigException(
                $"the prompt has {tokens.Length} tokens, the model's context is {Config.ContextLen}; shorten it");
        int most = Math.Min(maxTokens, Config.ContextLen - tokens.Length);
        return Draw([.. Enumerable.Range(0, count).Select(i => new SampleRequest(tokens, most, i, null, tokens.Length))], rule,
            seed);
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
            if (batch.Rows > 0) transformer.Nll(batch, nll, wanted.ToArray());
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

    /// <summary>Frees all memory.</summary>
    public void Dispose()
    {
        sampler?.Dispose();
        cache?.Dispose();
        transformer.Dispose();
        device.Dispose();
    }
}
