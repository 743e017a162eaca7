namespace Isoflop.Lab.Eval;

/// <summary>What is asked: a model of ours, or one behind an endpoint.</summary>
public interface IEvalTarget
{
    /// <summary>For tables and files.</summary>
    string Name { get; }

    /// <summary>Answers in the order of the items. An item that got none is left out: no answer is not a wrong one.</summary>
    IAsyncEnumerable<ItemResult> Answer(IReadOnlyList<EvalItem> items, CancellationToken stop);
}
