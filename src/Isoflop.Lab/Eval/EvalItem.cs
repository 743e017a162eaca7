using System.Text.Json.Serialization;
using Isoflop.Tasks;

namespace Isoflop.Lab.Eval;

/// <summary>
/// One question of a suite; a line of JSON in a file of items. With <see cref="Choices"/> it is multiple choice by
/// log-likelihood (a minimal pair when there are two and the prompt is empty); without, the model writes and
/// <see cref="Answer"/> must match exactly.
/// </summary>
public sealed record EvalItem
{
    /// <summary>Unique in its suite.</summary>
    public required string Id { get; init; }
    /// <summary>What is asked for: "arithmetic".</summary>
    public required string Task { get; init; }
    /// <summary>Difficulty, from 1.</summary>
    public int Level { get; init; } = 1;
    /// <summary>Items of one sentence frame vary together: intervals are clustered by it. Empty: every item is its own.</summary>
    public string Template { get; init; } = "";
    /// <summary>What stands before the answer, as it would stand in text; may be empty.</summary>
    public string Prompt { get; init; } = "";
    /// <summary>Continuations of the prompt, with their leading space; empty for a generation item.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
    /// <summary>
    /// The right choice, word for word; or the line to be written, compared without outer white space. With its leading space:
    /// its likelihood is that of the text as it stands here.
    /// </summary>
    public required string Answer { get; init; }
    /// <summary>What ends a reply, beside the end of its line: ".", " euros". Empty: nothing else.</summary>
    public string Stop { get; init; } = "";

    /// <summary>
    /// A reply up to its end, without outer white space: up to the stop, not before it has said something, or to the end of its
    /// first
    /// line. Null: it has no end.
    /// </summary>
    internal string? Ended(string reply)
    {
        int line = reply.IndexOf('\n'), begin = reply.Length - reply.TrimStart(' ').Length;
        int at = Stop.Length == 0 || begin == reply.Length ? -1 : reply.IndexOf(Stop, begin, StringComparison.Ordinal);
        int end = at < 0 || (line >= 0 && line < at) ? line : at;
        return end < 0 ? null : reply[..end].Trim();
    }

    /// <summary>
    /// What a reply in words answers, thoughts left out, and whether that is right: what it marks as its answer, else its first
    /// line as <see cref="Ended"/> cuts it, or of a number its last where the first is none. Numbers are compared as numbers.
    /// </summary>
    internal (string Said, bool Right) Read(string reply)
    {
        string right = Answer.Trim(), said = Answers.Parts(reply).Said.Trim(), first = Ended(said) ?? said;
        bool number = Answers.Number(Answers.Plain(right)) is not null;
        string? marked = Answers.Marked(said, number);
        if (said == right || (marked is null && Answers.Same(first, right))) return (first, true);
        if (marked is null && !(number && Answers.Number(Answers.Plain(first)) is null)) return (first, false);
        string last = Answers.Of(said, number) ?? "";
        last = Ended(last) ?? last;
        return (last, Answers.Same(last, right));
    }

    /// <summary>What of its text will be scored otherwise than it is meant, by log-likelihood; empty: nothing.</summary>
    internal string Caution()
    {
        if (Prompt.EndsWith(' ')) return "the prompt ends with a space, which models expect at the beginning of what follows";
        bool joined = Prompt.Length > 0 && Choices.Count > 0 && char.IsLetterOrDigit(Prompt[^1])
            && Choices.All(c => char.IsLetterOrDigit(c[0]));
        return joined ? "no space stands between the prompt and its choices: they are scored as one word" : "";
    }

    /// <summary>The first rule that the item breaks, with the next step; null: none.</summary>
    internal string? Problem()
    {
        if (Id.Length == 0) return "'id' is empty; every item needs one of its own";
        if (Task.Length == 0) return $"item '{Id}': 'task' is empty; name what is asked for";
        if (Level < 1) return $"item '{Id}': 'level' is {Level} and must be at least 1";
        if (Choices.Count == 0)
            return string.IsNullOrWhiteSpace(Answer) ? $"item '{Id}': 'answer' is empty; write what must be answered"
                : Answer.Trim().AsSpan().IndexOfAny('\r', '\n') >= 0
                ? $"item '{Id}': 'answer' has several lines, and a reply ends with its first; shorten it" : null;
        if (Choices.Count == 1) return $"item '{Id}': 'choices' holds one only; give two or more, or none and let it be written";
        for (int i = 0; i < Choices.Count; i++)
        {
            if (string.IsNullOrEmpty(Choices[i]))
                return $"item '{Id}': choice {i + 1} is empty: no token stands for it; write it out or drop it";
            for (int j = 0; j < i; j++)
                if (Choices[i] == Choices[j]) return $"item '{Id}': choices {j + 1} and {i + 1} are '{Choices[i]}'; drop one";
        }
        if (Answer.Length == 0) return $"item '{Id}': 'answer' is empty; repeat the right choice word for word";
        return Choices.Contains(Answer) ? null
            : $"item '{Id}': 'answer' '{Answer}' is not among the choices '{string.Join("', '", Choices)}'; " +
              "repeat one word for word, its leading space too";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(EvalItem))]
[JsonSerializable(typeof(ItemResult))]
[JsonSerializable(typeof(EvalHeader))]
sealed partial class EvalJson : JsonSerializerContext;
