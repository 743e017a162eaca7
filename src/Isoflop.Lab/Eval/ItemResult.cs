namespace Isoflop.Lab.Eval;

/// <summary>What a target made of one item: a line of runs/RUN/evals/SUITE-STEP.jsonl.</summary>
public sealed record ItemResult
{
    /// <summary>How a note begins that says by how much a prompt was shortened.</summary>
    public const string CutNote = "prompt cut by";

    /// <summary>Of the item.</summary>
    public required string Id { get; init; }
    /// <summary>Of the item.</summary>
    public required string Task { get; init; }
    /// <summary>Of the item.</summary>
    public int Level { get; init; } = 1;
    /// <summary>Of the item: what intervals are clustered by.</summary>
    public string Template { get; init; } = "";
    /// <summary>1 where the target is right, by raw log-likelihood for choices, by exact match for replies; ties share.</summary>
    public required double Score { get; init; }
    /// <summary>The same with log-likelihoods a token of the choice; null without choices.</summary>
    public double? ScorePerToken { get; init; }
    /// <summary>The same a byte of the choice.</summary>
    public double? ScorePerByte { get; init; }
    /// <summary>Score of one who knows nothing: 1 over the choices, 0 for replies.</summary>
    public double Chance { get; init; }
    /// <summary>−ln p of the answer given the prompt, nats; null where the target gives none.</summary>
    public double? AnswerNll { get; init; }
    /// <summary>How much likelier the answer is than its best rival, nats; null without choices.</summary>
    public double? Margin { get; init; }
    /// <summary>Tokens of the answer; of the reply where it was written.</summary>
    public int Tokens { get; init; }
    /// <summary>UTF-8 bytes of the answer.</summary>
    public int Bytes { get; init; }
    /// <summary>What the target wrote; null for choices.</summary>
    public string? Reply { get; init; }
    /// <summary>A reply without an answer that could be read: counted apart from wrong.</summary>
    public bool FormatError { get; init; }
    /// <summary>Milliseconds until the answer was there; 0 where items share a batch.</summary>
    public double Milliseconds { get; init; }
    /// <summary>FLOPs of asking it; 0 where that is not known.</summary>
    public double Flops { get; init; }
    /// <summary>What was done about an item that did not fit, or went wrong: "prompt cut by 12 tokens"; empty: nothing.</summary>
    public string Note { get; init; } = "";
}
