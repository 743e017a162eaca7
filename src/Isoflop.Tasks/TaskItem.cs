namespace Isoflop.Tasks;

/// <summary>What items are for. An item's own content decides it, so no content stands in two.</summary>
public enum Split
{
    /// <summary>8 of 10: demonstrations and rewards.</summary>
    Train,
    /// <summary>1 of 10: choices during training.</summary>
    Valid,
    /// <summary>1 of 10: what is reported.</summary>
    Test,
}

/// <summary>How a demonstration comes to its answer. The same derivation P with the answer A:</summary>
public enum TraceForm
{
    /// <summary><c>&lt;tries and steps back&gt;A</c>: what a mind says that looks for the answer, mistakes included.</summary>
    Monologue,
    /// <summary><c>&lt;P&gt;A</c>: the clean derivation, as it is written down when the way is known.</summary>
    Proof,
    /// <summary>
    /// <c>&lt;A|P&gt;A</c>: the answer, then the proof after it; exactly |A| + 1 characters longer than <see cref="Proof"/>.
    /// </summary>
    AnswerFirst,
    /// <summary><c>&gt;A</c>: answered at once.</summary>
    Direct,
}

/// <summary>One question.</summary>
/// <param name="Family">name of its family</param> <param name="Level">from 1</param>
/// <param name="Prompt">what the model reads; no <c>&lt;</c> or <c>&gt;</c> in it</param>
/// <param name="Key">what only <see cref="TaskFamily.Reward"/> may know; empty where an answer is checked without it</param>
public sealed record TaskItem(string Family, int Level, string Prompt, string Key);

/// <summary>A freshly drawn question; see <see cref="TaskItem"/>.</summary>
public readonly record struct Draft(string Prompt, string Key = "");

/// <summary>A derivation and the answer that it comes to.</summary>
public readonly record struct Derivation(string Thought, string Answer);
