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
    /// <summary>The right choice, word for word; or the text to be written, compared without outer white space.</summary>
    public required string Answer { get; init; }
}
