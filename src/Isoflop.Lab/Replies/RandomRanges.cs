namespace Isoflop.Lab.Replies;

/// <summary>Numbers of one kind that one user of a seed has to itself.</summary>
readonly record struct RandomRange(long First, long Count)
{
    /// <summary>The number <paramref name="i"/> of the range.</summary>
    public long this[long i] => (ulong)i < (ulong)Count ? First + i
        : throw new ArgumentOutOfRangeException(nameof(i), $"{i} is not among the {Count} numbers from {First} on");
}

/// <summary>
/// Who has which numbers of a purpose (<see cref="RandomPurpose"/>) where several share a model or a family of tasks: no two
/// ever meet. They are part of what a seed means: add, never change.
/// </summary>
static class RandomRanges
{
    // ---- streams of replies, RandomPurpose.Sample; the step is a token's place ------------------------------------------------

    /// <summary>Replies that reinforcement learns from: item by item.</summary>
    public static readonly RandomRange PolicyReplies = new(0, 1L << 44);

    /// <summary>Replies to held-out items.</summary>
    public static readonly RandomRange ExamReplies = new(1L << 44, 1L << 44);

    /// <summary>Replies that a scorer learns from: 2⁴⁰ a split.</summary>
    public static readonly RandomRange ScorerReplies = new(1L << 45, 1L << 45);

    /// <summary>What a local generator writes: 2²⁰ draws a problem.</summary>
    public static readonly RandomRange ThinkingReplies = new(1L << 46, 1L << 46);

    // ---- items of a level -----------------------------------------------------------------------------------------------------

    /// <summary>Items that are demonstrated.</summary>
    public static readonly RandomRange DemonstratedItems = new(0, 1L << 40);

    /// <summary>Items whose thoughts stand in other demonstrations.</summary>
    public static readonly RandomRange CorruptingItems = new(1L << 40, 1L << 40);

    /// <summary>Items of reinforcement.</summary>
    public static readonly RandomRange PolicyItems = new(1L << 42, 1L << 42);

    /// <summary>Items whose replies a scorer learns from.</summary>
    public static readonly RandomRange ScorerItems = new(1L << 43, 1L << 43);

    // ---- choice of an item's level, steps of RandomPurpose.Shuffle ------------------------------------------------------------

    /// <summary>Of demonstrations, by split.</summary>
    public static readonly RandomRange DemonstratedLevels = new(0, 1L << 32);

    /// <summary>Of reinforcement, by step.</summary>
    public static readonly RandomRange PolicyLevels = new(1L << 32, 1L << 32);

    /// <summary>Of a scorer's items, by split.</summary>
    public static readonly RandomRange ScorerLevels = new(1L << 39, 1L << 39);
}
