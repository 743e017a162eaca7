using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Sample;

/// <summary>A trained model with its tokenizer: text in, probabilities and text out.</summary>
public sealed class LanguageModel : IDisposable
{
    // Prompts are read in pieces of so many tokens.
    const int PassTokens = 1024;

    readonly IDevice device;
    readonly Transformer transformer;

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
    public static LanguageModel Open(string home, string which, int threads = 0)
    {
        string folder = Resolve(home, which);
        if (File.Exists(Path.Combine(folder, Checkpoint.StateFile))) Checkpoint.Verify(folder);
        ModelConfig config = ModelFolder.LoadConfig(folder);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        if (tokenizer.VocabSize > config.VocabSize)
            throw new DataException($"{folder}: tokenizer.json has {tokenizer.VocabSize} tokens, the model {config.VocabSize}; " +
                "they belong to different models");
        var device = new CpuDevice(threads);
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

    static string Resolve(string home, string which)
    {
        if (File.Exists(Path.Combine(which, ModelFolder.ConfigFile))) return which;
        bool hasStep = RunPoint.TryParse(which, out RunPoint point);
        string run = RunFolder.PathOf(home, hasStep ? point.Run : which);
        if (!Directory.Exists(run))
            throw new ConfigException($"no run '{(hasStep ? point.Run : which)}' below {Path.Combine(home, "runs")} " +
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
        var cache = new KvCache(device, Config, 1, Config.ContextLen);
        var own = new float[tokens.Length - 1];
        float[] next = [];
        int piece = Math.Min(transformer.MaxLogitRows, PassTokens);
        for (int at = 0; at < tokens.Length; at += piece)
        {
            int count = Math.Min(piece, tokens.Length - at);
            int[] rows = [.. Enumerable.Range(0, count)];
            DeviceMemory logits = transformer.Decode(
                tokens.AsSpan(at, count), new int[count], [.. rows.Select(r => at + r)], cache, rows);
            var values = new float[(long)count * Config.VocabSize];
            device.Download(logits, values);
            for (int r = 0; r < count; r++)
            {
                float[] logProbs = LogSoftmax(values.AsSpan(r * Config.VocabSize, Config.VocabSize));
                if (at + r + 1 < tokens.Length) own[at + r] = logProbs[tokens[at + r + 1]];
                else next = logProbs;
            }
        }
        return (next, tokens[1..], own);
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

    /// <summary>
    /// Continues a prompt <paramref name="count"/> times at once;
    /// a reply ends at end-of-text, at the context's end or at maxTokens.
    /// </summary>
    /// <param name="seed">with the reply's index names its random numbers: reply i is the same in any company</param>
    /// <param name="told">called with each new token of the first reply</param>
    public IReadOnlyList<Reply> Continue(string prompt, int count, int maxTokens, SamplingRule rule, ulong seed,
        Action<int>? told = null)
    {
        int[] tokens = [Tokenizer.EndOfText, .. Tokenizer.Encode(prompt)];
        if (tokens.Length >= Config.ContextLen)
            throw new ConfigException(
                $"the prompt has {tokens.Length} tokens, the model's context is {Config.ContextLen}; shorten it");
        if (count > transformer.MaxLogitRows)
            throw new ConfigException($"{count} replies at once; at most {transformer.MaxLogitRows} fit, ask twice");
        var cache = new KvCache(device, Config, count, Config.ContextLen);
        var replies = Enumerable.Range(0, count).Select(_ => new Reply([], [])).ToArray();
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
                Reply reply = replies[alive[r]];
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

    /// <summary>Frees all memory.</summary>
    public void Dispose() => device.Dispose();
}

/// <summary>One continuation: its tokens and their log-probabilities at temperature 1, nats.</summary>
public sealed record Reply(List<int> Tokens, List<float> LogProbs);
