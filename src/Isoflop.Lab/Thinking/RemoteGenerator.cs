using Isoflop.Lab.Eval;
using Isoflop.Tasks;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Thinking;

/// <summary>
/// A model behind an OpenAI-compatible endpoint, or any chat client: whole replies to messages. Tokens are those that the
/// endpoint counts, reasoning among them; what it thought is kept apart from its answer, which is the last line that it says.
/// </summary>
sealed class RemoteGenerator : IReplyGenerator, IDisposable
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
        new(OpenAiClient.Open(url, options), options, logProbs);

    /// <summary>How the endpoint is asked since it refused to be asked as usual, for a reader.</summary>
    public IReadOnlyList<string> Adapted => (client as OpenAiClient)?.Adapted ?? [];

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
        (ChatResponse response, TimeSpan took) = await asking.Chat(client, messages, () => new()
        {
            ModelId = options.Model.Length > 0 ? options.Model : null,
            MaxOutputTokens = Math.Min(r.MaxNewTokens, options.MaxTokens),
            Temperature = options.Temperature is null ? null : r.Temperature,
            AdditionalProperties = logProbs ? new() { [OpenAiClient.LogProbs] = true } : null,
        }, options.Stream && !logProbs, stop);
        (string thought, string said) = Parts(response);
        bool ended = response.FinishReason != ChatFinishReason.Length;
        // What an endpoint does not count is guessed from its text: four characters a token.
        long tokens = response.Usage?.OutputTokenCount is >= 0 and long counted ? counted
            : (thought.Length + said.Length + 3) / 4;
        double[]? each = response.Messages.LastOrDefault()?.AdditionalProperties?.TryGetValue(OpenAiClient.LogProbs,
            out object? found) == true ? (double[]?)found : null;
        PartialReply draft = new(said, [], ended)
        {
            Thought = thought,
            Answer = ended ? r.Problem.AnswerIn(said) : null,
            LogProb = each?.Sum() ?? double.NaN,
            DrawnTokens = each?.Length ?? (int)Math.Min(tokens, int.MaxValue),
            Earlier = r.From.Earlier,
        };
        return new(draft, new(tokens, tokens + Math.Max(0, response.Usage?.InputTokenCount ?? 0), 0, took.TotalSeconds));
    }

    /// <summary>What was thought, in fields of its own or in tags, and what was said.</summary>
    static (string Thought, string Said) Parts(ChatResponse response)
    {
        string apart = string.Concat(response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>()
            .Select(c => c.Text));
        (string thought, string said) = Answers.Parts(response.Text);
        return (apart + thought, said);
    }

    /// <summary>Closes the client.</summary>
    public void Dispose() => client.Dispose();
}
