using System.Text.Json.Serialization;

namespace Isoflop.Web.Serving;

// What OpenAI's interface answers with, https://platform.openai.com/docs/api-reference: names are theirs. Beyond it: the seed
// that was drawn with, and a model's way of being spoken to.

sealed record ErrorBody(ApiError Error);

sealed record ApiError(string Message, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);

sealed record ModelList(string Object, IReadOnlyList<ModelBody> Data);

/// <param name="Taught">chats, tasks, texts or elsewhere: whether it answers, and how; endpoint: another server knows</param>
sealed record ModelBody(string Id, string Object, long Created, string OwnedBy, string Taught);

/// <summary>Tokens of what was read and written.</summary>
sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, CompletionDetails CompletionTokensDetails)
{
    public static Usage Of(int read, int written, int thought) => new(read, written, read + written, new(thought));
}

sealed record CompletionDetails(int ReasoningTokens);

/// <summary>A chat's whole answer, or a chunk of its stream.</summary>
sealed record ChatBody(string Id, string Object, long Created, string Model, string SystemFingerprint, ulong Seed,
    IReadOnlyList<ChatChoice> Choices)
{
    public Usage? Usage { get; init; }
}

/// <param name="Message">of a whole answer</param> <param name="Delta">of a chunk</param>
sealed record ChatChoice(int Index, ChatMessageBody? Message, ChatMessageBody? Delta,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogProbs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <param name="ReasoningContent">thought, as several servers name it</param>
/// <param name="Reasoning">the same, as others do</param>
sealed record ChatMessageBody(string? Role, string? Content, string? ReasoningContent, string? Reasoning);

sealed record ChatLogProbs(IReadOnlyList<ChatLogProb> Content);

/// <param name="Bytes">of the token: not always whole characters</param>
sealed record ChatLogProb(string Token, float Logprob, int[] Bytes, IReadOnlyList<ChatLogProb>? TopLogprobs);

/// <summary>A text's whole continuation, or a chunk of its stream.</summary>
sealed record TextBody(string Id, string Object, long Created, string Model, string SystemFingerprint, ulong Seed,
    IReadOnlyList<TextChoice> Choices)
{
    public Usage? Usage { get; init; }
}

sealed record TextChoice(int Index, string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TextLogProbs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <param name="TokenLogprobs">null: before the first token stands nothing</param>
/// <param name="TopLogprobs">the likeliest in each place, the token that stands there among them</param>
/// <param name="TextOffset">where each token begins in the text, characters</param>
sealed record TextLogProbs(List<string> Tokens, List<float?> TokenLogprobs, List<Dictionary<string, float>?> TopLogprobs,
    List<int> TextOffset);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ChatBody))]
[JsonSerializable(typeof(TextBody))]
sealed partial class ServingJson : JsonSerializerContext;
