namespace Isoflop.Lab.Eval;

/// <summary>What items are asked of: a model of ours, or anything else that can answer them.</summary>
public interface IEvalTarget
{
    /// <summary>For a reader.</summary>
    string Name { get; }

    /// <summary>Changes when its answers may.</summary>
    string Hash { get; }

    /// <summary>
    /// Asks items and gives their results in order, some at a time as they come. An item that got no answer is left out: that
    /// is not
    /// a wrong one.
    /// </summary>
    IEnumerable<IReadOnlyList<ItemResult>> Answer(IReadOnlyList<EvalItem> items, CancellationToken stop);
}
