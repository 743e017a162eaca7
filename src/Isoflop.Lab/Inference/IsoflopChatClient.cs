using System.Runtime.CompilerServices;
using Isoflop.Kernels;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Inference;

/// <summary>
/// A taught model in this process, as Microsoft.Extensions.AI speaks to any: calls side by side share its passes, and a reply is
/// the same whatever else is asked. Thought comes as <see cref="TextReasoningContent"/>, before the answer.
/// </summary>
/// <example><code>
/// using var client = IsoflopChatClient.Open(new Workspace("./isoflop"), "mine");
/// Console.WriteLine(await client.GetResponseAsync("What is the sum?", new() { Seed = 1 }));
/// </code></example>
public sealed class IsoflopChatClient : IChatClient
{
    /// <summary>
    /// Asked for by this additional option, an int: tokens of thought at most, then the model is made to answer; 0: at once.
    /// </summary>
    public const string ThinkingBudget = "thinking_budget";

    readonly ModelPool pool;
    readonly string model;
    readonly bool owns;

    internal IsoflopChatClient(ModelPool pool, string model, bool owns = false) =>
        (this.pool, this.model, this.owns) = (pool, model, owns);

    /// <summary>Of a home's run, or of a model folder. It is loaded when it is first asked.</summary>
    /// <param name="which">RUN, RUN@STEP or a folder</param>
    public static IsoflopChatClient Open(Workspace here, string which) => Directory.Exists(which)
        ? new(new(here, new Dictionary<string, string> { [Path.GetFileName(Path.GetFullPath(which))] = which }),
            Path.GetFileName(Path.GetFullPath(which)), owns: true)
        : new(new(here), which, owns: true);

    /// <inheritdoc/>
    /// <exception cref="ConfigException">Something that is asked cannot be done; the message says what and why.</exception>
    /// <exception cref="DataException">The model cannot be loaded; names the file.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken)
            .ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="ConfigException">As <see cref="GetResponseAsync"/>.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string name = options?.ModelId ?? model;
        using var call = new InferenceCall("chat", name);
        using ModelPool.ModelLease lease = await Taken(name).ConfigureAwait(false);
        ReplyRequest request = RequestOf(lease, messages, options);
        LiveReply reply = lease.Engine.Submit([request])[0];
        string id = "chatcmpl-" + Guid.NewGuid().ToString("N");
        await foreach (ReplyPiece piece in reply.Pieces(cancellationToken).ConfigureAwait(false))
        {
            if (piece.Ending == Ending.Fault) throw Failed(call, reply.Fault!);
            var update = new ChatResponseUpdate
            {
                Role = ChatRole.Assistant,
                ResponseId = id,
                MessageId = id,
                ModelId = name,
            };
            if (piece.Thought.Length > 0) update.Contents.Add(new TextReasoningContent(piece.Thought));
            if (piece.Answer.Length > 0) update.Contents.Add(new TextContent(piece.Answer));
            if (piece.Ending is { } ending)
            {
                call.Done([reply]);
                update.FinishReason = ending == Ending.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
                update.Contents.Add(new UsageContent(new()
                {
                    InputTokenCount = request.Prompt.Length,
                    OutputTokenCount = reply.Count,
                    ReasoningTokenCount = reply.ThoughtTokens,
                    TotalTokenCount = request.Prompt.Length + reply.Count,
                }));
            }
            yield return update;
        }

        async Task<ModelPool.ModelLease> Taken(string name)
        {
            try
            {
                return await pool.Take(name).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                throw Failed(call, e);
            }
        }
    }

    static Exception Failed(InferenceCall call, Exception e)
    {
        call.Fail(e);
        return e is DataException or ConfigException ? e
            : e is UnknownModelException or PromptTooLongException ? new ConfigException(e.Message)
            : new InvalidOperationException(e.Message, e);
    }

    static ReplyRequest RequestOf(ModelPool.ModelLease lease, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (options is { Tools.Count: > 0 }) throw Cannot("call tools", nameof(ChatOptions.Tools));
        if (options?.ResponseFormat is ChatResponseFormatJson)
            throw Cannot("be held to JSON", nameof(ChatOptions.ResponseFormat));
        if (options?.FrequencyPenalty is not (null or 0)) throw Cannot("be penalised", nameof(ChatOptions.FrequencyPenalty));
        if (options?.PresencePenalty is not (null or 0)) throw Cannot("be penalised", nameof(ChatOptions.PresencePenalty));
        List<Turn> turns = [];
        if (options?.Instructions is { Length: > 0 } scene) turns.Add(new(Role.System, scene));
        foreach (ChatMessage message in messages)
        {
            if (message.Contents.Any(c => c is DataContent or UriContent or FunctionCallContent or FunctionResultContent))
                throw new ConfigException($"a message of the {message.Role} holds what is no text; models here read text alone");
            turns.Add(new(message.Role == ChatRole.System ? Role.System : message.Role == ChatRole.Assistant ? Role.Assistant
                : message.Role == ChatRole.User ? Role.User
                : throw new ConfigException($"a message's role is {message.Role}; roles are system, user and assistant"),
                message.Text));
        }
        int context = lease.Engine.Model.Config.ContextLen;
        Effort effort = options?.AdditionalProperties?.TryGetValue(ThinkingBudget, out int budget) == true && budget >= 0
            ? Effort.Of(budget) : Effort.Of(NameOf(options?.Reasoning?.Effort), context);
        (int[] prompt, Replies.ReplyForm? form) = lease.Speech.PromptOf(turns, effort);
        if (prompt.Length > context) throw new ConfigException(new PromptTooLongException(prompt.Length, context).Message);
        return new()
        {
            Prompt = prompt,
            Form = form,
            ThoughtTokens = effort.Tokens,
            MaxTokens = options?.MaxOutputTokens ?? int.MaxValue,
            Rule = new(options?.Temperature ?? 1, options?.TopK ?? 0, options?.TopP ?? 1),
            Seed = (ulong)(options?.Seed ?? Random.Shared.NextInt64(1L << 48)),
            Stops = [.. options?.StopSequences ?? []],
        };

        static ConfigException Cannot(string what, string option) =>
            new($"{option} asks for what models here cannot do: they cannot {what}; leave it out");
    }

    static string? NameOf(ReasoningEffort? effort) => effort switch
    {
        ReasoningEffort.None => "none",
        ReasoningEffort.Low => "low",
        ReasoningEffort.Medium => "medium",
        ReasoningEffort.High => "high",
        ReasoningEffort.ExtraHigh => "xhigh",
        _ => null,
    };

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("isoflop", null, model)
        : serviceType.IsInstanceOfType(this) ? this : null;

    /// <summary>Frees the model, if it was opened here.</summary>
    public void Dispose()
    {
        if (owns) pool.Dispose();
    }
}
