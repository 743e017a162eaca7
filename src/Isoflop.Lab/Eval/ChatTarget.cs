using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Tasks;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Eval;

/// <summary>
/// A model behind a chat client or an OpenAI-compatible endpoint. Generation items are asked as they are. Multiple choice is
/// scored by log-likelihood where /v1/completions echoes a prompt's log-probabilities; elsewhere it is asked as a lettered
/// question, which is another metric and noted as such ("asked by letter").
/// </summary>
public sealed partial class ChatTarget : IEvalTarget, IDisposable
{
    internal const string ByLetter = "asked by letter";
    const int Letters = 26;

    readonly IChatClient client;
    readonly ChatTargetOptions options;
    readonly Asking asking;
    readonly SemaphoreSlim probing = new(1);
    readonly Lock gate = new();
    readonly SortedSet<string> others = new(StringComparer.Ordinal);
    bool? echoes;
    bool answered;
    long tokensIn, tokensOut;
    int unanswered, empty, byOthers;
    string? lastFailure;

    /// <summary>Any client; the target owns it. Its own retries, if it has any, stand below ours.</summary>
    /// <exception cref="ConfigException">An option that cannot be.</exception>
    public ChatTarget(IChatClient client, string name, ChatTargetOptions? options = null)
    {
        (this.client, this.options, Name) = (client, options ?? new(), name);
        Address = client is OpenAiClient endpoint ? endpoint.Address : "";
        this.options.Check();
        asking = new(this.options);
    }

    /// <summary>An OpenAI-compatible endpoint: https://host, https://host/v1 or https://host/v1/chat/completions.</summary>
    /// <exception cref="ConfigException">The address is none, or the key; an option that cannot be.</exception>
    public static ChatTarget Open(string url, ChatTargetOptions options)
    {
        var client = OpenAiClient.Open(url, options);
        return new(client, options.Model.Length > 0 ? options.Model : client.Name, options);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Of an endpoint, host and path: what goes by one model's name may be two things; of other clients empty.</summary>
    public string Address { get; }

    /// <summary>How an endpoint is asked since it refused to be asked as usual, for a reader.</summary>
    internal IReadOnlyList<string> Adapted => (client as OpenAiClient)?.Adapted ?? [];

    /// <summary>What it has cost so far.</summary>
    public ChatSpent Spent
    {
        get
        {
            lock (gate)
                return new(asking.Requests, asking.Retries, tokensIn, tokensOut,
                    (tokensIn * options.PriceIn + tokensOut * options.PriceOut) / 1e6, unanswered, empty, byOthers, [.. others],
                    lastFailure);
        }
    }

    /// <summary>Hex of the XxHash128 of the name, address, model asked for and instruction: what its answers depend on.</summary>
    public string Hash => Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(
        $"{Name}\n{Address}\n{options.Model}\n{options.Instruction}\n{options.Temperature}\n{options.MaxTokens}" +
        (options.SystemTurn ? "" : "\nno system"))));

    /// <inheritdoc/>
    /// <exception cref="ConfigException">The key, the address or the model's name is wrong.</exception>
    /// <exception cref="DataException">The endpoint answers nothing at all.</exception>
    public IEnumerable<IReadOnlyList<ItemResult>> Answer(IReadOnlyList<EvalItem> items, CancellationToken stop) =>
        AnswerAsync(items, stop).ToBlockingEnumerable(stop).Select(r => (IReadOnlyList<ItemResult>)[r]);

    /// <summary>The same without holding a thread.</summary>
    public async IAsyncEnumerable<ItemResult> AnswerAsync(IReadOnlyList<EvalItem> items,
        [EnumeratorCancellation] CancellationToken stop)
    {
        using var ours = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var underWay = new Queue<Task<ItemResult?>>();
        try
        {
            for (int next = 0; next < items.Count || underWay.Count > 0;)
            {
                while (next < items.Count && underWay.Count < options.Concurrency)
                    underWay.Enqueue(One(items[next++], ours.Token));
                if (await underWay.Dequeue() is { } result) yield return result;
            }
        }
        finally
        {
            await ours.CancelAsync();
            await ((Task)Task.WhenAll(underWay)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task<ItemResult?> One(EvalItem item, CancellationToken stop)
    {
        try
        {
            ItemResult result = item.Choices.Count == 0 ? await Written(item, stop)
                : await Echoes(stop) && await Likeliest(item, stop) is { } likeliest ? likeliest : await Lettered(item, stop);
            Volatile.Write(ref answered, true);
            return result;
        }
        catch (UnansweredException e)
        {
            if (!Volatile.Read(ref answered)) throw new DataException($"{Name} does not answer: {e.Message}", e);
            lock (gate) (unanswered, lastFailure) = (unanswered + 1, $"{item.Id}: {e.Message}");
            return null;
        }
    }

    static ItemResult Blank(EvalItem item) => new()
    {
        Id = item.Id,
        Task = item.Task,
        Level = item.Level,
        Template = item.Template,
        Score = 0,
        Chance = item.Choices.Count > 0 ? 1.0 / item.Choices.Count : 0,
        Bytes = Encoding.UTF8.GetByteCount(item.Answer),
    };

    async Task<ItemResult> Written(EvalItem item, CancellationToken stop)
    {
        (ItemResult result, string reply) = await Reply(item, item.Prompt, options.Instruction, "", stop);
        (string said, bool right) = item.Read(reply);
        return result with { Score = right ? 1 : 0, FormatError = said.Length == 0 };
    }

    async Task<ItemResult> Lettered(EvalItem item, CancellationToken stop)
    {
        int count = item.Choices.Count;
        if (count > Letters) throw new UnansweredException($"{count} choices are more than there are letters", null, true);
        int[] order = Order(item);
        var question = new StringBuilder();
        if (item.Prompt.Length > 0) question.Append(item.Prompt).Append("\n\n");
        question.Append(item.Prompt.Length > 0 ? "Which of these comes next?\n" : "Which of these is right?\n");
        for (int i = 0; i < count; i++)
            question.Append((char)('A' + i)).Append(". ").Append(item.Choices[order[i]].Trim()).Append('\n');
        question.Append("Answer with its letter alone.");
        (ItemResult result, string reply) = await Reply(item, question.ToString(), "", ByLetter, stop);
        int letter = Letter().Match(Answers.Marked(reply) ?? reply) is { Success: true } match
            ? match.Groups[1].Value[0] - 'A' : -1;
        bool read = letter >= 0 && letter < count;
        return result with { Score = read && order[letter] == Right(item) ? 1 : 0, FormatError = !read };
    }

    /// <summary>Files may have the answer always first: choices are asked in an order that the item's id alone decides.</summary>
    static int[] Order(EvalItem item)
    {
        ulong seed = 14695981039346656037;                                     // FNV-1a: the same everywhere
        foreach (byte b in Encoding.UTF8.GetBytes(item.Id)) seed = (seed ^ b) * 1099511628211;
        var rng = RandomUse.ChoiceOrder.Open(seed);
        int[] order = [.. Enumerable.Range(0, item.Choices.Count)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = rng.NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    static int Right(EvalItem item)
    {
        for (int i = 0; i < item.Choices.Count; i++)
            if (item.Choices[i] == item.Answer) return i;
        throw new DataException($"item '{item.Id}': its answer is none of its choices");
    }

    /// <summary>A letter, perhaps in brackets or bold, and punctuation before more text: "B", "(B)", "B. Paris".</summary>
    [GeneratedRegex(@"^[\s(*""]*([A-Z])(?:[).:,*""]|\s*$)")]
    private static partial Regex Letter();

    /// <summary>The reply as it came, and what of it was said.</summary>
    async Task<(ItemResult, string)> Reply(EvalItem item, string prompt, string instruction, string note, CancellationToken stop)
    {
        ChatMessage[] messages = instruction.Length > 0
            ? [new(ChatRole.System, instruction), new(ChatRole.User, prompt)] : [new(ChatRole.User, prompt)];
        (ChatResponse response, TimeSpan took) = await asking.Chat(client, messages, () => new()
        {
            ModelId = options.Model.Length > 0 ? options.Model : null,
            MaxOutputTokens = options.MaxTokens,
            Temperature = (float?)options.Temperature,
        }, options.Stream, stop);
        var notes = new List<string>();
        if (note.Length > 0) notes.Add(note);
        Count(response.ModelId, response.Usage, notes);
        (string thought, string said) = Answers.Parts(response.Text);
        string text = said.Trim();
        if (response.FinishReason == ChatFinishReason.Length) notes.Add($"reply cut at {options.MaxTokens} tokens");
        if (text.Length == 0)
        {
            notes.Add(thought.Length > 0 ? "thoughts without a reply" : "empty reply");
            lock (gate) empty++;
        }
        return (Blank(item) with
        {
            Reply = response.Text,
            Tokens = (int)Math.Clamp(response.Usage?.OutputTokenCount ?? 0, 0, int.MaxValue),
            Milliseconds = took.TotalMilliseconds,
            Note = string.Join("; ", notes),
        }, text);
    }

    void Count(string? model, UsageDetails? usage, List<string> notes)
    {
        lock (gate)
        {
            tokensIn += Math.Max(0, usage?.InputTokenCount ?? 0);
            tokensOut += Math.Max(0, usage?.OutputTokenCount ?? 0);
            if (options.Model.Length == 0 || string.IsNullOrEmpty(model) || IsAsked(model)) return;
            byOthers++;
            others.Add(model);
        }
        string told = $"answered by {model}";
        if (!notes.Contains(told)) notes.Add(told);
    }

    /// <summary>The name itself, or a dated snapshot of it: gpt-x-2026-01-02 for gpt-x, but not gpt-x-mini.</summary>
    bool IsAsked(string model) => model.Equals(options.Model, StringComparison.OrdinalIgnoreCase)
        || (model.StartsWith(options.Model + "-", StringComparison.OrdinalIgnoreCase)
            && model[(options.Model.Length + 1)..].All(c => char.IsAsciiDigit(c) || c == '-'));

    /// <summary>Asked once: does this endpoint give the log-probabilities of a prompt?</summary>
    async Task<bool> Echoes(CancellationToken stop)
    {
        if (client is not OpenAiClient endpoint) return false;
        await probing.WaitAsync(stop);
        try
        {
            if (echoes is { } known) return known;
            const string Text = "One two three";
            Echo? echo = await asking.Ask(limit => endpoint.EchoAsync(options.Model, Text, limit), stop);
            if (echo is not null) Count(echo.Model, echo.Usage, []);
            echoes = echo is not null && echo.LogP.Zip(echo.Offsets).Any(t => t.First.HasValue && t.Second > 0
                && t.Second < Text.Length);
        }
        catch (Exception e) when (e is UnansweredException { Refused: true } or ConfigException)
        {
            echoes = false;                                                    // a wrong key is found again by the question
        }
        finally
        {
            probing.Release();
        }
        return echoes.Value;
    }

    /// <summary>By log-likelihood; null where a choice's first token has none and choices begin differently.</summary>
    async Task<ItemResult?> Likeliest(EvalItem item, CancellationToken stop)
    {
        var endpoint = (OpenAiClient)client;
        int right = Right(item), begin = item.Prompt.EnumerateRunes().Count();
        double[] logP = new double[item.Choices.Count];
        int[] tokens = new int[logP.Length];
        var without = new HashSet<string>();
        var notes = new List<string>();
        double milliseconds = 0;
        for (int c = 0; c < logP.Length; c++)
        {
            string text = item.Prompt + item.Choices[c];
            int end = text.EnumerateRunes().Count();
            (Echo? given, TimeSpan took) = await asking.Timed(limit => endpoint.EchoAsync(options.Model, text, limit), stop);
            Echo echo = given ?? throw new UnansweredException("no log-probabilities this time", null, refused: true);
            milliseconds += took.TotalMilliseconds;
            Count(echo.Model, echo.Usage, notes);
            string first = "";
            for (int t = 0; t < echo.Tokens.Length && echo.Offsets[t] < end; t++)
            {
                int next = t + 1 < echo.Offsets.Length ? echo.Offsets[t + 1] : end;
                if (next <= begin) continue;
                if (echo.Offsets[t] < begin && !notes.Contains("a token crosses from prompt to choice"))
                    notes.Add("a token crosses from prompt to choice");
                tokens[c]++;
                if (echo.LogP[t] is { } p) logP[c] += p;
                else first += echo.Tokens[t];
            }
            without.Add(first);
        }
        if (without.Count > 1) return null;
        bool whole = without.Single().Length == 0;
        if (item.Caution() is { Length: > 0 } caution) notes.Add(caution);
        if (!whole) notes.Add("the first token, alike in all choices, has no probability");
        double[] bytes = [.. item.Choices.Select(c => (double)Encoding.UTF8.GetByteCount(c))];
        return Blank(item) with
        {
            Score = Share(logP, right),
            ScorePerToken = Share([.. logP.Zip(tokens, (p, n) => p / Math.Max(1, n))], right),
            ScorePerByte = Share([.. logP.Zip(bytes, (p, n) => p / Math.Max(1, n))], right),
            AnswerNll = whole ? -logP[right] : null,
            Margin = logP.Length > 1 ? logP[right] - logP.Where((_, c) => c != right).Max() : null,
            Tokens = tokens[right],
            Milliseconds = milliseconds,
            Note = string.Join("; ", notes),
        };

        static double Share(double[] values, int right) =>
            values[right] < values.Max() ? 0 : 1.0 / values.Count(v => v == values[right]);
    }

    /// <summary>Closes the client.</summary>
    public void Dispose()
    {
        client.Dispose();
        probing.Dispose();
    }
}
