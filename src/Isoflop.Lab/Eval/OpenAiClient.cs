using System.Buffers;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
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

    /// <summary>Shown of what an endpoint says to a refusal.</summary>
    const int MessageLength = 200;

    readonly HttpClient http = new() { Timeout = Timeout.InfiniteTimeSpan };
    readonly string root;

    /// <param name="url">https://host, https://host/v1 or https://host/v1/chat/completions</param>
    /// <exception cref="ConfigException">The address is none.</exception>
    public OpenAiClient(string url, string? key)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
            throw new ConfigException($"'{url}' is no address of an endpoint; give one like http://localhost:8000/v1");
        string path = uri.AbsolutePath.TrimEnd('/');
        if (path.EndsWith("/chat/completions", StringComparison.Ordinal)) path = path[..^"/chat/completions".Length];
        root = uri.GetLeftPart(UriPartial.Authority) + (path.Length == 0 ? "/v1" : path);
        Address = root[(uri.Scheme.Length + "://".Length)..];
        if (!string.IsNullOrEmpty(key)) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>Host and path.</summary>
    public string Address { get; }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        using JsonDocument reply = await Whole("/chat/completions", Chat(messages, options, stream: false), cancellationToken);
        JsonElement choice = FirstChoice(reply.RootElement);
        JsonElement? said = Member(choice, "message");
        var message = new ChatMessage(ChatRole.Assistant, said is { } m ? Word(m, "content") ?? "" : "");
        if (said is { } by && (Word(by, "reasoning_content") ?? Word(by, "reasoning")) is { Length: > 0 } reasoning)
            message.Contents.Add(new TextReasoningContent(reasoning));         // apart: it is no part of the message's text
        if (LogProbsOf(choice) is { } logProbs) message.AdditionalProperties = new() { [LogProbs] = logProbs };
        return new ChatResponse(message)
        {
            ModelId = Word(reply.RootElement, "model"),
            FinishReason = Finish(choice),
            Usage = UsageOf(reply.RootElement),
        };
    }

    /// <exception cref="IOException">The stream ended before it was done.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await Send("/chat/completions", Chat(messages, options, stream: true),
            cancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        bool done = false;
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data:", StringComparison.Ordinal)) continue;
            string data = line[5..].Trim();
            if (data == "[DONE]")
            {
                done = true;
                break;
            }
            using JsonDocument part = JsonDocument.Parse(data);
            if (part.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException($"the stream holds {Short(data)}, which is no object");
            if (Member(part.RootElement, "error") is { ValueKind: not JsonValueKind.Null } error)
                throw new IOException("the stream broke off: " + Short(Word(error, "message") ?? error.GetRawText()));
            var update = new ChatResponseUpdate { Role = ChatRole.Assistant, ModelId = Word(part.RootElement, "model") };
            if (Member(part.RootElement, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() > 0)
            {
                update.FinishReason = Finish(choices[0]);
                if (Member(choices[0], "delta") is { } delta && Word(delta, "content") is { } text)
                    update.Contents.Add(new TextContent(text));
                done |= update.FinishReason is not null;
            }
            if (UsageOf(part.RootElement) is { } usage) update.Contents.Add(new UsageContent(usage));
            yield return update;
        }
        if (!done) throw new IOException("the stream was cut before its end");
    }

    /// <summary>The log-probabilities of a given text; null: this endpoint gives none.</summary>
    public async Task<Echo?> EchoAsync(string model, string text, CancellationToken stop)
    {
        // One token more is written than needed: some endpoints refuse to write none.
        using JsonDocument reply = await Whole("/completions", Json(json =>
        {
            if (model.Length > 0) json.WriteString("model", model);
            json.WriteString("prompt", text);
            json.WriteBoolean("echo", true);
            json.WriteNumber("logprobs", 1);
            json.WriteNumber("max_tokens", 1);
            json.WriteNumber("temperature", 0);
        }), stop);
        if (Member(FirstChoice(reply.RootElement), "logprobs") is not { } found
            || Array(found, "tokens") is not { } tokens || Array(found, "token_logprobs") is not { } logP
            || Array(found, "text_offset") is not { } offsets || tokens.Length != logP.Length || tokens.Length != offsets.Length
            || !offsets.All(o => o.ValueKind == JsonValueKind.Number && o.TryGetInt32(out _)))
            return null;
        return new(Word(reply.RootElement, "model"), [.. tokens.Select(t => t.ToString())],
            [.. logP.Select(p => p.ValueKind == JsonValueKind.Number ? p.GetDouble() : (double?)null)],
            [.. offsets.Select(o => o.GetInt32())], UsageOf(reply.RootElement));

        static JsonElement[]? Array(JsonElement of, string name) =>
            Member(of, name) is { ValueKind: JsonValueKind.Array } a ? [.. a.EnumerateArray()] : null;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => http.Dispose();

    static byte[] Chat(IEnumerable<ChatMessage> messages, ChatOptions? options, bool stream) => Json(json =>
    {
        if (!string.IsNullOrEmpty(options?.ModelId)) json.WriteString("model", options.ModelId);
        json.WriteStartArray("messages");
        foreach (ChatMessage message in messages)
        {
            json.WriteStartObject();
            json.WriteString("role", message.Role.Value);
            json.WriteString("content", message.Text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (options?.MaxOutputTokens is { } most) json.WriteNumber("max_tokens", most);
        if (options?.Temperature is { } temperature) json.WriteNumber("temperature", temperature);
        if (options?.AdditionalProperties?.ContainsKey(LogProbs) == true) json.WriteBoolean(LogProbs, true);
        if (!stream) return;
        json.WriteBoolean("stream", true);
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

    async Task<JsonDocument> Whole(string path, byte[] body, CancellationToken stop)
    {
        using HttpResponseMessage response = await Send(path, body, stop);
        string text = await response.Content.ReadAsStringAsync(stop);
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException e)
        {
            throw new JsonException($"{root}{path}: the reply is not JSON: {Short(text)}", e);
        }
    }

    async Task<HttpResponseMessage> Send(string path, byte[] body, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, root + path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            string said = await response.Content.ReadAsStringAsync(stop);
            RetryConditionHeaderValue? after = response.Headers.RetryAfter;
            // A date is reckoned from the endpoint's own clock, where it tells it.
            TimeSpan? wait = after?.Delta ?? (after?.Date - (response.Headers.Date ?? DateTimeOffset.UtcNow));
            throw new EndpointException($"{root}{path}: {(int)response.StatusCode} {Message(said)}".TrimEnd(),
                response.StatusCode, wait < TimeSpan.Zero ? TimeSpan.Zero : wait);
        }
    }

    /// <summary>{"error": {"message": …}}, or the first of whatever came.</summary>
    static string Message(string said)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(said);
            if (json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("error", out JsonElement error)
                && Word(error, "message") is { } message) return Short(message);
        }
        catch (JsonException) { }                                              // a page, or nothing
        return Short(said);
    }

    static string Short(string text)
    {
        string line = string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)).Trim();
        return line.Length <= MessageLength ? line : line[..MessageLength] + "…";
    }

    static JsonElement? Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) ? value : null;

    static JsonElement FirstChoice(JsonElement reply) =>
        Member(reply, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.GetArrayLength() > 0
        && choices[0].ValueKind == JsonValueKind.Object ? choices[0]
            : throw new JsonException("the endpoint's reply has no choices");

    static string? Word(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    static ChatFinishReason? Finish(JsonElement choice) =>
        Word(choice, "finish_reason") is { Length: > 0 } reason ? new ChatFinishReason(reason) : null;

    static double[]? LogProbsOf(JsonElement choice) =>
        Member(choice, LogProbs) is { } found && Member(found, "content") is { ValueKind: JsonValueKind.Array } tokens
        && tokens.EnumerateArray().All(t => Member(t, "logprob") is { ValueKind: JsonValueKind.Number })
            ? [.. tokens.EnumerateArray().Select(t => t.GetProperty("logprob").GetDouble())] : null;

    static UsageDetails? UsageOf(JsonElement reply)
    {
        if (Member(reply, "usage") is not { ValueKind: JsonValueKind.Object } usage) return null;
        return new() { InputTokenCount = Count("prompt_tokens"), OutputTokenCount = Count("completion_tokens") };

        long? Count(string name) =>
            Member(usage, name) is { ValueKind: JsonValueKind.Number } n && n.TryGetInt64(out long count) ? count : null;
    }
}
