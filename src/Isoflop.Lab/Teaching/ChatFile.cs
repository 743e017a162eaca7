using System.Text.Json;
using Isoflop.Store;

namespace Isoflop.Lab.Teaching;

/// <summary>
/// Conversations as people keep them: OpenAI's messages, ShareGPT's conversations, prompt and completion, Alpaca's instruction,
/// input and output. What cannot be taught as it stands is left out and counted.
/// </summary>
sealed class ChatFile
{
    const string Formats = "must have messages [{role, content}, …], conversations [{from, value}, …], " +
        "prompt and completion, or instruction and output";

    readonly SortedDictionary<string, int> leftOut = new(StringComparer.Ordinal);

    /// <summary>Reads a file: a line each, or a list.</summary>
    /// <exception cref="DataException">It cannot be read, or a line is no conversation; names file, line and rule.</exception>
    public ChatFile(string path, ChatFormat format)
    {
        foreach (ForeignRow row in ForeignJson.Rows(path))
        {
            Count++;
            Turn[]? chat = Read(row);
            if (chat is null) continue;
            if (format.Refusal(chat) is { } why) LeaveOut(why);
            else Conversations.Add(chat);
        }
    }

    /// <summary>Conversations of the file, those left out too.</summary>
    public int Count { get; }

    /// <summary>Those that can be taught.</summary>
    public List<Turn[]> Conversations { get; } = [];

    /// <summary>What was left out, and how often.</summary>
    public IEnumerable<string> LeftOut => leftOut.Select(p => $"{p.Value} with {p.Key}");

    /// <summary>Counts something that is not taught.</summary>
    public void LeaveOut(string why) => leftOut[why] = leftOut.GetValueOrDefault(why) + 1;

    Turn[]? Read(ForeignRow row)
    {
        List<Turn> turns = [];
        if (!Of(row, turns)) return null;
        if (!turns.Any(t => t.Role == Role.Assistant))
            throw new DataException($"{row.Place}: the last message must be the assistant's: it is what is learnt");
        int last = turns.FindLastIndex(t => t.Role == Role.Assistant);
        if (last < turns.Count - 1) LeaveOut("a last turn that nobody answers (the turns before it are taught)");
        if (turns.Take(last + 1).Any(t => t.Learnt)) return [.. turns.Take(last + 1)];
        LeaveOut("weight 0 on all that the assistant says");
        return null;
    }

    /// <summary>Turns of one conversation; false: it was left out.</summary>
    bool Of(ForeignRow row, List<Turn> turns)
    {
        JsonElement chat = row.Value;
        if (chat.ValueKind != JsonValueKind.Object) throw new DataException($"{row.Place}: {Formats}");
        if (Text(chat, "system") is { } scene && scene.Trim().Length > 0) turns.Add(new(Role.System, scene));
        if (List(chat, "messages") is { } messages) return All(messages, row, turns);
        if (List(chat, "conversations") is { } conversations) return All(conversations, row, turns);
        if (chat.TryGetProperty("prompt", out JsonElement prompt) && Either(chat, "completion", "response") is { } completion)
            return Side(prompt, Role.User, row, turns) && Side(completion, Role.Assistant, row, turns);
        if (Text(chat, "instruction") is { } instruction && Text(chat, "output") is { } output)
        {
            bool more = Text(chat, "input") is { } input && input.Trim().Length > 0;
            return Say(Role.User, more ? $"{instruction}\n\n{Text(chat, "input")}" : instruction, true, turns)
                && Say(Role.Assistant, output, true, turns);
        }
        string keys = string.Join(", ", chat.EnumerateObject().Select(p => p.Name).Take(8));
        throw new DataException($"{row.Place}: has the keys {(keys.Length == 0 ? "(none)" : keys)}; {Formats}");
    }

    bool Side(JsonElement side, Role role, ForeignRow row, List<Turn> turns) => side.ValueKind switch
    {
        JsonValueKind.Array => All(side, row, turns),
        JsonValueKind.String => Say(role, side.GetString(), true, turns),
        _ => Say(role, null, true, turns),
    };

    bool All(JsonElement messages, ForeignRow row, List<Turn> turns)
    {
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object) throw new DataException($"{row.Place}: {Formats}");
            string name = (Text(message, "role") ?? Text(message, "from"))
                ?? throw new DataException($"{row.Place}: a message has neither role nor from");
            if (name.ToLowerInvariant() is "tool" or "function" or "function_call" or "observation" or "ipython" or "developer")
                return Without($"turns of role '{name}'");
            if (Calls(message)) return Without("calls of tools");
            Role role = RoleOf(name, row);
            if (Text(message, "reasoning_content") is { Length: > 0 } || Text(message, "reasoning") is { Length: > 0 })
                LeaveOut("reasoning beside the content (the content is taught without it)");
            bool text = Content(message, out string? content);
            if (!text) return Without("parts that are not text");
            if (role == Role.System && string.IsNullOrWhiteSpace(content)) continue;      // a scene that is not set
            if (!Say(role, content, Weighs(message, row), turns)) return false;
        }
        return true;
    }

    bool Say(Role role, string? content, bool weighs, List<Turn> turns)
    {
        if (string.IsNullOrWhiteSpace(content)) return Without($"turns of the {role.ToString().ToLowerInvariant()} without text");
        turns.Add(new(role, content, weighs && role == Role.Assistant));
        return true;
    }

    bool Without(string why)
    {
        LeaveOut(why);
        return false;
    }

    static Role RoleOf(string name, ForeignRow row) => name.ToLowerInvariant() switch
    {
        "system" => Role.System,
        "user" or "human" => Role.User,
        "assistant" or "gpt" or "chatgpt" or "bot" or "model" => Role.Assistant,
        _ => throw new DataException($"{row.Place}: role '{name}' must be system, user or assistant"),
    };

    static bool Calls(JsonElement message) => List(message, "tool_calls") is { } calls && calls.GetArrayLength() > 0
        || message.TryGetProperty("function_call", out JsonElement call) && call.ValueKind == JsonValueKind.Object;

    /// <summary>What is said: a string, or a list of parts that are text. False: other parts.</summary>
    static bool Content(JsonElement message, out string? content)
    {
        content = null;
        if (Either(message, "content", "value") is not { } given) return true;
        if (given.ValueKind == JsonValueKind.String) content = given.GetString();
        if (given.ValueKind is JsonValueKind.String or JsonValueKind.Null) return true;
        if (given.ValueKind != JsonValueKind.Array) return false;
        string?[] parts = [.. given.EnumerateArray()
            .Select(p => p.ValueKind == JsonValueKind.String ? p.GetString() : Text(p, "text"))];
        content = string.Concat(parts);
        return parts.All(p => p is not null);
    }

    /// <summary>OpenAI's weight: 1 is taught, 0 is context.</summary>
    static bool Weighs(JsonElement message, ForeignRow row)
    {
        if (!message.TryGetProperty("weight", out JsonElement weight) || weight.ValueKind == JsonValueKind.Null) return true;
        return weight.ValueKind == JsonValueKind.Number && weight.GetDouble() is 0 or 1 ? weight.GetDouble() == 1
            : throw new DataException($"{row.Place}: weight={weight} must be 0 or 1");
    }

    static JsonElement? Either(JsonElement from, string name, string other) =>
        from.TryGetProperty(name, out JsonElement value) || from.TryGetProperty(other, out value) ? value : null;

    static JsonElement? List(JsonElement from, string name) =>
        from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value : null;

    static string? Text(JsonElement from, string name) => from.ValueKind == JsonValueKind.Object
        && from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
