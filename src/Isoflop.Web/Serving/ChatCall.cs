using System.Text;
using System.Text.Json;
using Isoflop.Lab.Inference;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Text;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
sealed class ChatCall(HttpContext http, ModelPool pool, RemoteModels remote) : ModelCall(http, pool, remote)
{
    protected override string Operation => "chat";
    protected override string Path => "/chat/completions";
    protected override string Prefix => "chatcmpl-";
    protected override string Prompt => "messages";

    protected override IReadOnlyList<ReplyRequest> Read()
    {
        int? most = Request.Whole("max_completion_tokens", 1, int.MaxValue) ?? Request.Whole("max_tokens", 1, int.MaxValue);
        Request.Ignore("max_tokens", "parallel_tool_calls", "verbosity");
        bool scored = Request.Flag("logprobs");
        int? tops = Request.Whole("top_logprobs", 0, MostTops);
        if (tops is not null && !scored)
            throw ApiException.Bad("top_logprobs needs logprobs = true", "top_logprobs");
        string? effort = Request.OneOf("reasoning_effort", Effort.Names);
        int? budget = Request.Whole("thinking_budget", 0, int.MaxValue);
        if (effort is not null && budget is not null)
            throw ApiException.Bad("thinking_budget and reasoning_effort say the same twice; give one of them",
                "thinking_budget");
        Request.Refuse("models here call no tools", "tools", "tool_choice", "functions", "function_call", "web_search_options");
        Request.Refuse("models here write text alone", "audio", "prediction");
        TextAlone();
        Effort how = budget is { } tokens ? Effort.Of(tokens) : Effort.Of(effort, Model.Engine.Model.Config.ContextLen);
        (int[] prompt, ReplyForm? form) = Model.Speech.PromptOf(Turns(), how);
        Fitting(prompt);
        return [.. Enumerable.Range(0, Count).Select(i => new ReplyRequest
        {
            Prompt = prompt,
            Form = form,
            ThoughtTokens = how.Tokens,
            MaxTokens = most ?? int.MaxValue,
            Rule = Rule,
            Seed = Seed,
            Index = i,
            Stops = Stops,
            Tops = scored ? tops ?? 0 : null,
        })];
    }

    /// <summary>Text is what comes, and nothing else may be asked for.</summary>
    void TextAlone()
    {
        if (Request.Find("response_format") is { } format
            && (format.ValueKind != JsonValueKind.Object || !format.TryGetProperty("type", out JsonElement type)
                || type.ValueKind != JsonValueKind.String || !type.ValueEquals("text")))
            throw RequestReader.Wrong("response_format", format,
                "is not supported: models here are held to no form; leave it out", "unsupported_parameter");
        if (Request.Texts("modalities", MostStops) is { Length: > 0 } kinds && kinds.Any(k => k != "text"))
            throw RequestReader.Wrong("modalities", Request.Find("modalities")!.Value, "must be [\"text\"]",
                "unsupported_parameter");
    }

    List<Turn> Turns()
    {
        if (Request.Find("messages") is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
            throw ApiException.Bad("messages must be given: a list of {\"role\", \"content\"}, the last of them the " +
                "user's", "messages");
        List<Turn> turns = [];
        foreach (JsonElement message in messages.EnumerateArray())
        {
            string place = $"messages[{turns.Count}]";
            if (message.ValueKind != JsonValueKind.Object) throw RequestReader.Wrong(place, message, "must be an object");
            JsonElement role = message.TryGetProperty("role", out JsonElement r) ? r : default;
            Role? speaker = role.ValueKind != JsonValueKind.String ? null : role.GetString()! switch
            {
                "system" or "developer" => Role.System,
                "user" => Role.User,
                "assistant" => Role.Assistant,
                _ => null,
            };
            if (speaker is null)
                throw RequestReader.Wrong($"{place}.role", role.ValueKind == JsonValueKind.Undefined ? message : role,
                    "must be system, developer, user or assistant");
            turns.Add(new(speaker.Value, Content(message, place)));
        }
        return turns;
    }

    /// <summary>A string, or a list of parts that are text.</summary>
    static string Content(JsonElement message, string place)
    {
        if (!message.TryGetProperty("content", out JsonElement content)) content = default;
        if (content.ValueKind == JsonValueKind.String) return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw RequestReader.Wrong($"{place}.content", content.ValueKind == JsonValueKind.Undefined ? message : content,
                "must be a string, or a list of parts of type text");
        var text = new StringBuilder();
        foreach (JsonElement part in content.EnumerateArray())
            text.Append(part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement said)
                && said.ValueKind == JsonValueKind.String && part.TryGetProperty("type", out JsonElement type)
                && type.ValueKind == JsonValueKind.String && (type.ValueEquals("text") || type.ValueEquals("input_text"))
                ? said.GetString()!
                : throw RequestReader.Wrong($"{place}.content", part, "must be of type text"));
        return text.ToString();
    }

    // ---- answers --------------------------------------------------------------------------------------------------------------

    ChatBody Chunk(params IReadOnlyList<ChatChoice> choices) =>
        new(Id, "chat.completion.chunk", Created, Model.Name, Model.Fingerprint, Seed, choices);

    protected override Task Answer(IReadOnlyList<LiveReply> replies, IReadOnlyList<ReplyPiece> whole, Usage usage) =>
        Http.Response.WriteAsJsonAsync(new ChatBody(Id, "chat.completion", Created, Model.Name, Model.Fingerprint, Seed,
            [.. replies.Select((r, i) => new ChatChoice(i, Said("assistant", whole[i], whole: true), null,
                LogProbs(r, 0, r.Tokens.Count), NameOf(r.Ending)))])
        { Usage = usage },
            ServingJson.Default.ChatBody, cancellationToken: Http.RequestAborted);

    protected override Task Open(EventStream stream, IReadOnlyList<LiveReply> replies) => stream.Write(
        Chunk([.. replies.Select((_, i) => new ChatChoice(i, null, new("assistant", "", null, null), null, null))]),
        ServingJson.Default.ChatBody);

    protected override Task Tell(EventStream stream, int index, LiveReply reply, ReplyPiece piece) => stream.Write(
        Chunk(new ChatChoice(index, null, Said(null, piece, whole: false), LogProbs(reply, piece.FromToken, piece.ToToken),
            NameOf(piece.Ending))), ServingJson.Default.ChatBody);

    protected override Task Close(EventStream stream, Usage usage) =>
        stream.Write(Chunk() with { Usage = usage }, ServingJson.Default.ChatBody);

    static ChatMessageBody Said(string? role, ReplyPiece piece, bool whole)
    {
        string? thought = piece.Thought.Length > 0 ? piece.Thought : null;
        return new(role, whole || piece.Answer.Length > 0 ? piece.Answer : null, thought, thought);
    }

    /// <summary>Of the answer's tokens; those of the thought are left out.</summary>
    ChatLogProbs? LogProbs(LiveReply reply, int from, int to)
    {
        if (reply.Scores is not { } scores) return null;
        Tokenizer tokenizer = Model.Engine.Model.Tokenizer;
        List<ChatLogProb> all = [];
        for (int i = Math.Max(from, reply.ThoughtTokens); i < to; i++)
        {
            int place = reply.Request.Prompt.Length + i;
            all.Add(Of(reply.Tokens[i], scores[place]) with
            {
                TopLogprobs = [.. Enumerable.Range(0, scores.Tops).Select(rank => scores.Top(place, rank)).Select(t =>
                    Of(t.Token, t.LogProb))],
            });
        }
        return new(all);

        ChatLogProb Of(int token, float logProb) => new(TextCall.NameOf(tokenizer, token), logProb,
            [.. TextCall.BytesOf(tokenizer, token).ToArray().Select(b => (int)b)], null);
    }
}
