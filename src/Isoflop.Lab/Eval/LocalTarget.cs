using System.IO.Hashing;
using System.Text;
using Isoflop.Kernels;
using Isoflop.Sample;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>
/// A model of ours. Every sequence is end-of-text, prompt, answer: the state in which training begins a document. Choices are
/// read many at once, replies are written greedily side by side; what an item gives does not depend on its company.
/// </summary>
public sealed class LocalTarget : IEvalTarget
{
    // A reply may be so many tokens longer than its answer: room for another way to write it, and for the end of the line.
    const int SpareTokens = 8;

    readonly LanguageModel model;
    readonly int together;
    readonly bool[] lineEnds;                                     // tokens after which a reply stops

    /// <param name="together">items asked at once; no result depends on it</param>
    public LocalTarget(LanguageModel model, int together = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(together);
        (this.model, this.together) = (model, together);
        lineEnds = [.. Enumerable.Range(0, model.Tokenizer.VocabSize)
            .Select(t => model.Tokenizer.Bytes(t).Contains((byte)'\n'))];
        var hash = new XxHash128();
        foreach (string file in (string[])[Path.Combine(model.Folder, ModelFolder.ConfigFile),
            Path.Combine(model.Folder, ModelFolder.TokenizerFile),
            .. TensorFiles.FilesOf(Path.Combine(model.Folder, ModelFolder.ModelFile))])
        {
            using FileStream content = File.OpenRead(file);
            hash.Append(content);
        }
        Hash = Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>The model's folder.</summary>
    public string Name => model.Folder;

    /// <summary>Hex of the XxHash128 of the model's shape, tokenizer and weights.</summary>
    public string Hash { get; }

    /// <inheritdoc/>
    /// <exception cref="DataException">An answer or choice alone is longer than the context; thrown first of all.</exception>
    public IEnumerable<IReadOnlyList<ItemResult>> Answer(IReadOnlyList<EvalItem> items, CancellationToken stop)
    {
        Asked[] all = [.. items.Select(Prepare)];
        foreach (Asked[] some in all.Chunk(together)) yield return Answer(some);
    }

    ItemResult[] Answer(Asked[] asked)
    {
        float[][] nll = model.Nll(
            [.. asked.SelectMany(a => a.Continuations, (a, c) => ((int[])[.. a.Prompt, .. c], a.Prompt.Length))]);
        var own = new double[asked.Length][];
        for (int i = 0, sequence = 0; i < asked.Length; sequence += own[i++].Length)
            own[i] = [.. nll.Skip(sequence).Take(asked[i].Continuations.Length).Select(n => n.Sum(x => (double)x))];
        // A model whose numbers are broken writes nothing.
        int[] writes = [.. Enumerable.Range(0, own.Length)
            .Where(i => asked[i].Item.Choices.Count == 0 && double.IsFinite(own[i][0]))];
        IReadOnlyList<SampledReply> replies = model.Draw(
            [.. writes.Select(i => new SampleRequest(asked[i].Prompt, asked[i].Limit, 0, lineEnds))], new SamplingRule(0), 0);
        return [.. asked.Select((a, i) => a.Item.Choices.Count > 0 ? Chosen(a, own[i])
            : Written(a, own[i][0], Array.IndexOf(writes, i) is var w && w >= 0 ? replies[w].Said : []))];
    }

    // ---- texts to tokens ------------------------------------------------------------------------------------------------------

    /// <param name="Prompt">end-of-text, then what fits of the prompt</param>
    /// <param name="Continuations">of each choice; of the answer, where it is to be written</param>
    /// <param name="Limit">tokens of a reply at most</param> <param name="Cut">tokens that the prompt was shortened by</param>
    sealed record Asked(EvalItem Item, int[] Prompt, int[][] Continuations, int Limit, int Cut);

    Asked Prepare(EvalItem item)
    {
        List<int> prompt = model.Tokenizer.Encode(item.Prompt);
        IReadOnlyList<string> texts = item.Choices.Count > 0 ? item.Choices : [item.Answer];
        int[][] continuations = [.. texts.Select(text => After(model.Tokenizer, prompt, item.Prompt, text))];
        int longest = continuations.Max(c => c.Length), context = model.Config.ContextLen;
        if (longest > context)
            throw new DataException($"item '{item.Id}': an answer of {longest} tokens, the model's context is {context}; " +
                "leave it out of the suite");
        int limit = item.Choices.Count > 0 ? 0 : Math.Min(longest + SpareTokens, context);
        // End-of-text takes a place, and the last token none: it is predicted and never read. All choices see one prompt.
        int cut = Math.Max(0, prompt.Count - (context - Math.Max(longest, limit)));
        return new(item, [model.Tokenizer.Beginning, .. prompt.Skip(cut)], continuations, limit, cut);
    }

    /// <summary>Tokens of a continuation as they stand in the whole text.</summary>
    internal static int[] After(Tokenizer tokenizer, List<int> prompt, string promptText, string continuation)
    {
        List<int> whole = tokenizer.Encode(promptText + continuation);
        // Where a token would lie across the boundary, the whole text has no tokens of the continuation alone: then it is encoded
        // for itself, as a sampler that was given the prompt would have to write it.
        bool splits = whole.Count > prompt.Count && whole.Take(prompt.Count).SequenceEqual(prompt);
        return splits ? [.. whole.Skip(prompt.Count)] : [.. tokenizer.Encode(continuation)];
    }

    // ---- results --------------------------------------------------------------------------------------------------------------

    ItemResult Chosen(Asked a, double[] nll)
    {
        int answer = a.Item.Choices.ToList().IndexOf(a.Item.Answer), n = nll.Length;
        double[] perToken = [.. nll.Select((x, i) => x / a.Continuations[i].Length)];
        double[] perByte = [.. nll.Select((x, i) => x / Encoding.UTF8.GetByteCount(a.Item.Choices[i]))];
        bool finite = nll.All(double.IsFinite);
        return Common(a, nll[answer]) with
        {
            Score = Best(nll, answer),
            ScorePerToken = Best(perToken, answer),
            ScorePerByte = Best(perByte, answer),
            Chance = 1.0 / n,
            Margin = finite ? nll.Where((_, i) => i != answer).Min() - nll[answer] : null,
            Tokens = a.Continuations[answer].Length,
            Flops = a.Continuations.Sum(c => ReadFlops(a.Prompt.Length, c.Length)),
            Note = finite ? NoteOf(a) : "likelihoods are not finite",
        };
    }

    ItemResult Written(Asked a, double nll, ReadOnlySpan<int> reply)
    {
        string text = model.Tokenizer.Decode(reply);
        string? ended = a.Item.Ended(text);
        bool unread = reply.Length == a.Limit && ended is null;                 // it never came to an end
        string first = ended ?? text.Trim();
        int rows = a.Prompt.Length + Math.Max(0, reply.Length - 1);
        return Common(a, nll) with
        {
            Score = !unread && double.IsFinite(nll) && first == a.Item.Answer.Trim() ? 1 : 0,
            Tokens = reply.Length,
            Reply = text,
            FormatError = unread || first.Length == 0,
            Flops = ReadFlops(a.Prompt.Length, a.Continuations[0].Length) + PassFlops(rows, Math.Max(1, reply.Length)),
            Note = double.IsFinite(nll) ? NoteOf(a) : "likelihoods are not finite",
        };
    }

    static ItemResult Common(Asked a, double nll) => new()
    {
        Id = a.Item.Id,
        Task = a.Item.Task,
        Level = a.Item.Level,
        Template = a.Item.Template,
        Score = 0,
        AnswerNll = double.IsFinite(nll) ? nll : null,
        Bytes = Encoding.UTF8.GetByteCount(a.Item.Answer),
    };

    static string NoteOf(Asked a) => string.Join("; ", ((string[])[a.Cut > 0 ? $"{ItemResult.CutNote} {a.Cut} tokens" : "",
        a.Item.Caution()]).Where(n => n.Length > 0));

    /// <summary>1 where the answer is the best, shared among equals.</summary>
    static double Best(double[] nll, int answer) =>
        nll.All(x => x >= nll[answer]) ? 1.0 / nll.Count(x => x == nll[answer]) : 0;

    double ReadFlops(int prompt, int continuation) => PassFlops(prompt + continuation - 1, continuation);

    double PassFlops(int rows, int predicted)
    {
        FlopCount all = Flops.Forward(model.Config, rows, Flops.Pairs(rows));
        return (all with { Head = all.Head / rows * predicted }).Total;
    }
}
