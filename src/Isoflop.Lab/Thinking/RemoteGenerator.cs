using System.Text.RegularExpressions;
using Isoflop.Lab.Eval;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Thinking;

/// <summary>
/// A model behind an OpenAI-compatible endpoint, or any chat client: whole replies to messages. Tokens are those that the
/// endpoint counts, reasoning among them; what it thought is kept apart from its answer, which is the last line that it says.
/// </summary>
public sealed partial class RemoteGenerator : IReplyGenerator, IDisposable
{
    const string Retry = "That answer is not right. Think again, and reply as before.";

    readonly IChatClient client;
    readonly ChatTargetOptions options;
    readonly Asking asking;
    readonly bool logProbs;

    /// <param name="logProbs">ask for them; an endpoint that refuses or leaves them out is said so</param>
    /// <exception cref="ConfigException">An option that cannot be.</exception>
    public RemoteGenerator(IChatClient client, ChatTargetOptions options, bool logProbs = false)
    {
        options.Check();
        (this.client, this.options, this.logProbs) = (client, options, logProbs);
        asking = new(options);
    }

    /// <summary>An endpoint by its address.</summary>
    /// <exception cref="ConfigException">The address is none; an option that cannot be.</exception>
    public static RemoteGenerator Open(string url, ChatTargetOptions options, bool logProbs) =>
        new(new OpenAiClient(url, Environment.GetEnvironmentVariable(options.KeyVariable)), options, logProbs);

    /// <inheritdoc/>
    public bool Continues => false;

    /// <inheritdoc/>
    public int Room(Problem problem, PartialReply from) => options.MaxTokens;

    /// <inheritdoc/>
    public int Within(Problem problem, PartialReply from, double flops) => 0;

    /// <inheritdoc/>
    public PartialReply Rewrite(PartialReply from, int length, string text) =>
        throw new NotSupportedException("replies come whole");

    /// <inheritdoc/>
    /// <exception cref="ConfigException">Key, address or model are wrong; it gives no log-probabilities.</exception>
    /// <exception cref="DataException">It does not answer.</exception>
    public IReadOnlyList<Generation> Draw(IReadOnlyList<GenerationRequest> requests, CancellationToken stop)
    {
        var drawn = new Generation[requests.Count];
        Task all = Parallel.ForAsync(0, drawn.Length,
            new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = stop },
            async (i, ended) => drawn[i] = await One(requests[i], ended));
        try
        {
            all.GetAwaiter().GetResult();
        }
        catch (UnansweredException e)
        {
            throw logProbs ? new ConfigException($"the endpoint does not answer when asked for log-probabilities: {e.Message}; " +
                "try majority") : new DataException($"the endpoint does not answer: {e.Message}", e);
        }
        return drawn;
    }

    async Task<Generation> One(GenerationRequest r, CancellationToken stop)
    {
        List<ChatMessage> messages = [];
        if (r.Problem.Summary.Length > 0)
            messages.Add(new(ChatRole.System,
                $"Task: {r.Problem.Summary}. End your reply with a line that holds the answer alone."));
        messages.Add(new(ChatRole.User, r.Problem.Prompt));
        foreach (string answer in r.From.Earlier)
        {
            messages.Add(new(ChatRole.Assistant, answer.Length > 0 ? answer : "-"));
            messages.Add(new(ChatRole.User, Retry));
        }
        var chat = new ChatOptions
        {
            ModelId = options.Model.Length > 0 ? options.Model : null,
            MaxOutputTokens = Math.Min(r.MaxNewTokens, options.MaxTokens),
            Temperature = r.Temperature,
        };
        if (logProbs) chat.AdditionalProperties = new() { [OpenAiClient.LogProbs] = true };
        long began = options.Time.GetTimestamp();
        ChatResponse response = await asking.Ask(limit => client.GetResponseAsync(messages, chat, limit), stop);
        double seconds = options.Time.GetElapsedTime(began).TotalSeconds;
        (string thought, string said) = Parts(response);
        bool ended = response.FinishReason != ChatFinishReason.Length;
        // What an endpoint does not count is guessed from its text: four characters a token.
        long tokens = response.Usage?.OutputTokenCount ?? (thought.Length + said.Length + 3) / 4;
        double[]? each = response.Messages.LastOrDefault()?.AdditionalProperties?.TryGetValue(OpenAiClient.LogProbs,
            out object? found) == true ? (double[]?)found : null;
        PartialReply draft = new(said, [], ended)
        {
            Thought = thought,
            Answer = ended ? AnswerOf(said) : null,
            LogProb = each?.Sum() ?? double.NaN,
            DrawnTokens = each?.Length ?? (int)tokens,
            Earlier = r.From.Earlier,
        };
        return new(draft, new(tokens, tokens + (response.Usage?.InputTokenCount ?? 0), 0, seconds));
    }

    /// <summary>What was thought, in fields of its own or between &lt;think&gt; and &lt;/think&gt;, and what was said.</summary>
    internal static (string Thought, string Said) Parts(ChatResponse response)
    {
        string thought = string.Concat(response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>()
            .Select(c => c.Text)), said = response.Text;
        // Some templates open the thought in the prompt: then only its end is seen.
        int end = said.LastIndexOf("</think>", StringComparison.Ordinal);
        bool open = said.TrimStart().StartsWith("<think>", StringComparison.Ordinal);
        if (end < 0) return open ? (thought + said, "") : (thought, said);
        string inner = said[..end].TrimStart();
        if (inner.StartsWith("<think>", StringComparison.Ordinal)) inner = inner["<think>".Length..];
        return (thought + inner, said[(end + "</think>".Length)..]);
    }

    /// <summary>The last line, without what models like to put around an answer.</summary>
    internal static string? AnswerOf(string said)
    {
        string? line = said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault(l => l.Any(char.IsLetterOrDigit));
        return line is null ? null : Around().Replace(line, "").TrimStart('*', '`', '$', ' ').TrimEnd('*', '`', '$', ' ', '.');
    }

    [GeneratedRegex(@"^[*`_\s]*(final\s+)?answer[*`_\s]*[:=][*`_\s]*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Around();

    /// <summary>Closes the client.</summary>
    public void Dispose() => client.Dispose();
}
