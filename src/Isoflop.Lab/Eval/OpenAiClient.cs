using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Isoflop.Store;
using Microsoft.Extensions.AI;

namespace Isoflop.Lab.Eval;

/// <summary>A text given back token by token, as /v1/completions echoes it.</summary>
/// <param name="LogP">ln p of each token given those before; null where there is none</param>
/// <param name="Offsets">where tokens begin, code points</param>
sealed record Echo(string? Model, string[] Tokens, double?[] LogP, int[] Offsets, UsageDetails? Usage);

/// <summary>
/// Chat completions of an OpenAI-compatible endpoint, as far as an evaluation needs them. One request is one request: retries are
/// the caller's.
/// </summary>
sealed class OpenAiClient : IChatClient
{
    /// <summary>
    /// Asked for by this additional option, true; of a message, where the endpoint tells them, ln p of each token, double[].
    /// </summary>
    public const string LogProbs = "logprobs";

    // Characters shown of what an endpoint says to a refusal; most that is read of it, and of a reply, bytes.
    const int MessageLength = 200, RefusalLength = 1 << 16, ReplyLength = 1 << 23, MostHops = 5;

    // Redirections are followed here: a key must not go along.
    readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        UseCookies = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    readonly Endpoint endpoint;
    readonly Dialect first;
    readonly Lock gate = new();
    Dialect dialect;

    public OpenAiClient(Endpoint endpoint, Dialect dialect) =>
        (this.endpoint, first, this.dialect) = (endpoint, dialect, dialect);

    /// <summary>As the options name it.</summary>
    /// <exception cref="ConfigException">The address is none, or the key.</exception>
    public static OpenAiClient Open(string url, ChatTargetOptions options) =>
        new(new(url, Endpoint.KeyOf(options.KeyVariable)), new(options.MaxTokensField, System: options.SystemTurn));

    /// <summary>Host and path.</summary>
    public string Address => endpoint.Address;

    /// <summary>The address without secrets.</summary>
    public string Name => endpoint.Name;

    /// <summary>How it is asked since it refused to be asked as usual, for a reader.</summary>
    public IReadOnlyList<string> Adapted
    {
        get
        {
            lock (gate) return [.. dialect.Since(first)];
        }
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        const string Path = "/chat/completions";
        using HttpResponseMessage response = await Send(Path, d => Chat(messages, options, d, stream: false), cancellationToken);
        return ReplyOf(Parsed(await All(response, cancellationToken), Path));
    }

    ChatResponse ReplyOf(JsonElement reply)
    {
        JsonElement choice = FirstChoice(reply);
        var message = new ChatMessage(ChatRole.Assistant, (IList<AIContent>)[.. Said(Member(choice, "message") ?? choice)]);
        if (LogProbsOf(choice) is { } logProbs) message.AdditionalProperties = new() { [LogProbs] = logProbs };
        return new ChatResponse(message)
        {
            ModelId = Word(reply, "model"),
            FinishReason = Finish(choice),
            Usage = UsageOf(reply),
        };
    }

    /// <exception cref="IOException">The stream ended before it was done.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        const string Path = "/chat/completions";
        using HttpResponseMessage response = await Send(Path, d => Chat(messages, options, d, stream: true), cancellationToken);
        await using Stream bounded = await Body(response, cancellationToken);
        using var lines = new StreamReader(bounded, Encoding.UTF8);
        bool done = false, begun = false;
        string data = "";
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!begun && line.AsSpan().TrimStart() is ['{' or '<', ..])              // it does not stream
            {
                ChatResponse whole = ReplyOf(Parsed(Encoding.UTF8.GetBytes(line + "\n" +
                    await lines.ReadToEndAsync(cancellationToken)), Path));
                foreach (ChatResponseUpdate update in whole.ToChatResponseUpdates()) yield return update;
                yield break;
            }
            begun |= !string.IsNullOrWhiteSpace(line);
            bool ends = line.Length == 0;
            if (line.StartsWith("data:", StringComparison.Ordinal)) data += line[5..].Trim();
            else if (!ends) continue;
            if (data == "[DONE]")
            {
                done = true;
                break;
            }
            // An event may be told in several lines; one that is whole is taken at once.
            if (data.Length == 0 || (!ends && !data.EndsWith('}'))) continue;
            JsonElement? part = Event(data, mayGoOn: !ends, Path);
            if (part is not { } read) continue;
            data = "";
            if (Delta(read) is not { } told) continue;
            done |= told.FinishReason is not null;
            yield return told;
        }
        if (data.Length > 0 && !done) Event(data, mayGoOn: false, Path);
        if (!done) throw new IOException("the stream was cut before its end");
    }

    JsonElement? Event(string data, bool mayGoOn, string path)
    {
        try
        {
            JsonElement part = Parsed(Encoding.UTF8.GetBytes(data), path);
            return part.ValueKind == JsonValueKind.Object ? part
                : throw new JsonException($"the stream holds {Short(data)}, which is no object");
        }
        catch (JsonException) when (mayGoOn)
        {
            return null;
        }
    }

    /// <summary>An update; null where it is another choice's.</summary>
    ChatResponseUpdate? Delta(JsonElement part)
    {
        if (Fault(part) is { } fault) throw new IOException("the stream broke off: " + fault);
        var update = new ChatResponseUpdate { Role = ChatRole.Assistant, ModelId = Word(part, "model") };
        if (Member(part, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() > 0)
        {
            if (Member(choices[0], "index") is { ValueKind: JsonValueKind.Number } index && index.GetDouble() != 0) return null;
            update.FinishReason = Finish(choices[0]);
            foreach (AIContent content in Said(Member(choices[0], "delta") ?? Member(choices[0], "message") ?? choices[0]))
                update.Contents.Add(content);
        }
        if (UsageOf(part) is { } usage) update.Contents.Add(new UsageContent(usage));
        return update;
    }

    /// <summary>The log-probabilities of a given text; null: this endpoint gives none.</summary>
    public async Task<Echo?> EchoAsync(string model, string text, CancellationToken stop)
    {
        const string Path = "/completions";
        // One token more is written than needed: some endpoints refuse to write none.
        byte[] body = Json(json =>
        {
            if (model.Length > 0) json.WriteString("model", model);
            json.WriteString("prompt", text);
            json.WriteBoolean("echo", true);
            json.WriteNumber("logprobs", 1);
            json.WriteNumber("max_tokens", 1);
            json.WriteNumber("temperature", 0);
        });
        using HttpResponseMessage response = await Send(Path, _ => body, stop);
        JsonElement reply = Parsed(await All(response, stop), Path);
        if (Member(FirstChoice(reply), "logprobs") is not { } found
            || Array(found, "tokens") is not { } tokens || Array(found, "token_logprobs") is not { } logP
            || Array(found, "text_offset") is not { } offsets || tokens.Length == 0 || tokens.Length != logP.Length
            || tokens.Length != offsets.Length || offsets.Any(o => o.ValueKind != JsonValueKind.Number)) return null;
        return new(Word(reply, "model"), [.. tokens.Select(t => t.ToString())],
            [.. logP.Select(p => p.ValueKind == JsonValueKind.Number ? p.GetDouble() : (double?)null)],
            [.. offsets.Select(o => (int)o.GetDouble())], UsageOf(reply));

        static JsonElement[]? Array(JsonElement of, string name) =>
            Member(of, name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : null;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => http.Dispose();

    // ---- requests -------------------------------------------------------------------------------------------------------------

    static byte[] Chat(IEnumerable<ChatMessage> messages, ChatOptions? options, Dialect dialect, bool stream) => Json(json =>
    {
        if (!string.IsNullOrEmpty(options?.ModelId)) json.WriteString("model", options.ModelId);
        json.WriteStartArray("messages");
        string before = "";
        foreach (ChatMessage message in messages)
        {
            if (message.Role == ChatRole.System && !dialect.System)
            {
                before += message.Text + "\n\n";
                continue;
            }
            json.WriteStartObject();
            json.WriteString("role", message.Role.Value);
            json.WriteString("content", before + message.Text);
            json.WriteEndObject();
            before = "";
        }
        json.WriteEndArray();
        if (options?.MaxOutputTokens is { } most) json.WriteNumber(dialect.MaxTokens, most);
        if (options?.Temperature is { } temperature && dialect.Temperature) json.WriteNumber("temperature", temperature);
        if (options?.AdditionalProperties?.ContainsKey(LogProbs) == true) json.WriteBoolean(LogProbs, true);
        if (!stream) return;
        json.WriteBoolean("stream", true);
        if (!dialect.Usage) return;
        json.WriteStartObject("stream_options");
        json.WriteBoolean("include_usage", true);
        json.WriteEndObject();
    });

    static byte[] Json(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    async Task<HttpResponseMessage> Send(string path, Func<Dialect, byte[]> body, CancellationToken stop)
    {
        Dialect spoken;
        lock (gate) spoken = dialect;
        byte[] sent = body(spoken);
        Uri to = endpoint.Of(path);
        for (int hop = 0; ; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, to) { Content = new ByteArrayContent(sent) };
            request.Content.Headers.ContentType = new("application/json");
            endpoint.Sign(request);
            HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (response.IsSuccessStatusCode) return response;
            using (response)
            {
                Uri? next = Redirection(response, to);
                bool again = response.StatusCode is HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
                if (next is null || !again || hop == MostHops) throw await Refusal(path, response, next, spoken, sent, stop);
                to = next;
            }
        }
    }

    /// <summary>Where a request is sent on, never from https to http; null: nowhere.</summary>
    static Uri? Redirection(HttpResponseMessage response, Uri from) => response.Headers.Location is { } location
        && Uri.TryCreate(from, location, out Uri? to) && (to.Scheme == "https" || (to.Scheme == "http" && from.Scheme == "http"))
            ? to : null;

    async Task<EndpointException> Refusal(string path, HttpResponseMessage response, Uri? next, Dialect spoken, byte[] sent,
        CancellationToken stop)
    {
        string said = Message(await Beginning(response, stop));
        // A template that fails on a role is an error within for some.
        bool refused = response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity
            || (response.StatusCode == HttpStatusCode.InternalServerError && said.Contains(" role", StringComparison.Ordinal));
        Dialect? other = refused ? spoken.After(said, sent) : null;
        if (other is not null)
            lock (gate) dialect = dialect.And(other);
        string moved = next is null ? ""
            : $" has moved to {endpoint.Clean($"{next.Scheme}://{next.Authority}{next.AbsolutePath}")}; give that address";
        RetryConditionHeaderValue? after = response.Headers.RetryAfter;
        // A date is reckoned from the endpoint's own clock, where it tells it.
        TimeSpan? wait = after?.Delta ?? (after?.Date - (response.Headers.Date ?? DateTimeOffset.UtcNow));
        return new($"{endpoint.Shown(path)}: {(int)response.StatusCode}{moved} {Short(said)}".TrimEnd(), response.StatusCode,
            wait < TimeSpan.Zero ? TimeSpan.Zero : wait, askAgain: other is not null);
    }

    // ---- replies --------------------------------------------------------------------------------------------------------------

    static async Task<Stream> Body(HttpResponseMessage response, CancellationToken stop) =>
        new Bounded(await response.Content.ReadAsStreamAsync(stop), ReplyLength);

    static async Task<byte[]> All(HttpResponseMessage response, CancellationToken stop)
    {
        await using Stream body = await Body(response, stop);
        var whole = new MemoryStream();
        await body.CopyToAsync(whole, stop);
        return whole.ToArray();
    }

    static async Task<string> Beginning(HttpResponseMessage response, CancellationToken stop)
    {
        await using Stream body = await response.Content.ReadAsStreamAsync(stop);
        byte[] some = new byte[RefusalLength];
        return Encoding.UTF8.GetString(some, 0, await body.ReadAtLeastAsync(some, some.Length, throwOnEndOfStream: false, stop));
    }

    JsonElement Parsed(byte[] body, string path)
    {
        ReadOnlyMemory<byte> text = body.AsSpan().StartsWith("\uFEFF"u8) ? body.AsMemory(3) : body;
        try
        {
            return ForeignJson.Parse(text, "the reply");
        }
        catch (DataException e)
        {
            string begins = Encoding.UTF8.GetString(text.Span[..Math.Min(text.Length, 4 * MessageLength)]);
            throw new JsonException($"{endpoint.Shown(path)}: " + (text.Length == 0 ? "the reply is empty"
                : $"{endpoint.Clean(e.Message)} {Short(begins)}"), e);
        }
    }

    /// <summary>{"error": {"message": …}} in its many forms, or whatever came.</summary>
    string Message(string said)
    {
        try
        {
            JsonElement json = ForeignJson.Parse(said, "");
            if (Fault(json) is { } fault) return fault;
            if (Word(json, "message") is { Length: > 0 } message) return message;
            if (Word(json, "detail") is { } detail) return detail;
            if (Member(json, "detail") is { ValueKind: JsonValueKind.Array } details)
                return string.Join("; ", details.EnumerateArray().Select(d =>
                    Member(d, "loc") is { ValueKind: JsonValueKind.Array } at
                        ? $"{string.Join('.', at.EnumerateArray())}: {Word(d, "msg")}" : endpoint.Clean(d.ToString())));
        }
        catch (DataException) { }                                              // a page, or nothing
        return endpoint.Clean(said);
    }

    /// <summary>What an error says, and the parameter that it names; null: there is none.</summary>
    string? Fault(JsonElement of)
    {
        if (Member(of, "error") is not { ValueKind: not JsonValueKind.Null } error) return null;
        string message = error.ValueKind == JsonValueKind.String ? endpoint.Clean(error.GetString()!)
            : Word(error, "message") ?? endpoint.Clean(error.GetRawText());
        return Word(error, "param") is { Length: > 0 } param && !message.Contains(param) ? $"{message} ({param})" : message;
    }

    string Short(string text)
    {
        string line = string.Join(' ', endpoint.Clean(text).Split((char[])['\r', '\n', '\t'],
            StringSplitOptions.RemoveEmptyEntries)).Trim();
        return line.Length <= MessageLength ? line : line[..MessageLength] + "…";
    }

    static JsonElement? Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) ? value : null;

    JsonElement FirstChoice(JsonElement reply) =>
        Member(reply, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() > 0
        && choices[0].ValueKind == JsonValueKind.Object ? choices[0]
            : throw new JsonException(Fault(reply) is { } fault ? $"the endpoint says: {Short(fault)}"
                : "the endpoint's reply has no choices");

    string? Word(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.String } value ? endpoint.Clean(value.GetString()!) : null;

    /// <summary>
    /// Of a message what was said, as text or as a list of parts, and what was thought, in a field of its own or a part: that is
    /// no part of the message's text.
    /// </summary>
    List<AIContent> Said(JsonElement message)
    {
        List<AIContent> all = [];
        if (Member(message, "content") is { ValueKind: JsonValueKind.Array } parts)
            foreach (JsonElement part in parts.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.String) all.Add(new TextContent(endpoint.Clean(part.GetString()!)));
                else if (Word(part, "type") is "thinking" or "reasoning" or "reasoning_content")
                    all.Add(new TextReasoningContent(Thought(part)));
                else if (Word(part, "text") is { } text) all.Add(new TextContent(text));
            }
        else if ((Word(message, "content") ?? Word(message, "refusal") ?? Word(message, "text")) is { Length: > 0 } text)
            all.Add(new TextContent(text));
        if ((Word(message, "reasoning_content") ?? Word(message, "reasoning")) is { Length: > 0 } reasoning)
            all.Add(new TextReasoningContent(reasoning));
        return all;
    }

    string Thought(JsonElement part) => Word(part, "thinking") ?? Word(part, "reasoning") ?? Word(part, "text")
        ?? (Member(part, "thinking") is { ValueKind: JsonValueKind.Array } inner
            ? string.Concat(inner.EnumerateArray().Select(p => Word(p, "text"))) : "");

    ChatFinishReason? Finish(JsonElement choice) =>
        Word(choice, "finish_reason") is { Length: > 0 } reason ? new ChatFinishReason(reason) : null;

    static double[]? LogProbsOf(JsonElement choice) =>
        Member(choice, LogProbs) is { } found && Member(found, "content") is { ValueKind: JsonValueKind.Array } tokens
        && tokens.EnumerateArray().All(t => Member(t, "logprob") is { ValueKind: JsonValueKind.Number })
            ? [.. tokens.EnumerateArray().Select(t => t.GetProperty("logprob").GetDouble())] : null;

    static UsageDetails? UsageOf(JsonElement reply)
    {
        if (Member(reply, "usage") is not { ValueKind: JsonValueKind.Object } usage) return null;
        return new() { InputTokenCount = Count("prompt_tokens"), OutputTokenCount = Count("completion_tokens") };

        // What cannot be a count is none: nobody pays less for having asked.
        long? Count(string name) => Member(usage, name) is { ValueKind: JsonValueKind.Number } n
            && n.GetDouble() is >= 0 and <= 1e12 and double count ? (long)count : null;
    }
}
