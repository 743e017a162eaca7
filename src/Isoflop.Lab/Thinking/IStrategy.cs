using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>What a strategy cannot do without.</summary>
[Flags]
public enum Needs
{
    /// <summary>Whole replies as text.</summary>
    Nothing = 0,
    /// <summary>Answers that can be checked without a key.</summary>
    Check = 1,
    /// <summary>Values of beginnings: <see cref="IScorer"/>.</summary>
    Scorer = 2,
    /// <summary>Continuing what was begun, token by token.</summary>
    Prefix = 4,
    /// <summary>Thoughts that turn back: <see cref="Problem.ContinuationMarker"/>.</summary>
    ContinuationMarker = 8,
    /// <summary>Log-probabilities of replies.</summary>
    LogProbs = 16,
}

/// <summary>
/// A way to spend a budget on one problem, written as if there were no other: draws of many problems share the batches all the
/// same. Its only source of chance is what it draws.
/// </summary>
public interface IStrategy
{
    /// <summary>As it is asked for.</summary>
    string Name { get; }
    /// <summary>One line of help.</summary>
    string Says { get; }
    /// <summary>What it cannot do without.</summary>
    Needs Needs { get; }
    /// <summary>Thinks; the reply that it decides for, or null.</summary>
    Task<PartialReply?> Think(Problem problem, BudgetedSession session);
}

/// <summary>All there are; a new one of ours is a file and a line here, a user's own is registered.</summary>
public static class Strategies
{
    static readonly Registry<IStrategy> registry = new("strategy", s => s.Name,
    [
        new Greedy(), new Majority(), new Confidence(), new BestOfN(), new Weighted(), new Adaptive(), new Revision(),
        new Forcing(), new StepBeam(diverse: false), new StepBeam(diverse: true), new TreeSearch(),
    ]);

    /// <summary>In the order of help and legends; behind them what was registered.</summary>
    public static IReadOnlyList<IStrategy> All => registry.All;

    /// <summary>Adds a strategy of one's own: every verb and every recipe finds it by its name.</summary>
    /// <exception cref="ConfigException">Its name is taken, or no name.</exception>
    public static void Register(IStrategy strategy) => registry.Add(strategy);

    /// <summary>The one of that name.</summary>
    /// <exception cref="ConfigException">There is none.</exception>
    public static IStrategy Find(string name) => registry.Find(name);

    /// <summary>Why a strategy cannot be used here, in one line; null: it can.</summary>
    public static string? Refusal(IStrategy strategy, Problem problem, IReplyGenerator generator, IScorer? scorer)
    {
        Needs needs = strategy.Needs;
        return needs.HasFlag(Needs.Check) && !problem.HasCheck
                ? $"strategy '{strategy.Name}' needs a check without a key, and {problem.Kind} has none; try majority"
            : needs.HasFlag(Needs.Scorer) && scorer is null
                ? $"strategy '{strategy.Name}' needs a scorer, and none is given; try majority"
            : needs.HasFlag(Needs.Prefix) && !generator.Continues
                ? $"strategy '{strategy.Name}' continues replies token by token, which an endpoint does not; try majority"
            : needs.HasFlag(Needs.ContinuationMarker) && problem.ContinuationMarker.Length == 0 && generator.Continues
                ? $"strategy '{strategy.Name}' goes on where a thought ends, and thoughts of {problem.Kind} never turn back; " +
                    "try majority"
            : null;
    }
}

/// <summary>
/// Values beginnings of replies: how likely each comes to a right answer, 0 to 1. Of an ended reply: how likely it is right.
/// </summary>
public interface IScorer
{
    /// <summary>In the order of the drafts, each with what it cost; a value depends on nothing but its draft.</summary>
    IReadOnlyList<(double Value, Cost Cost)> Score(IReadOnlyList<(Problem Problem, PartialReply Draft)> drafts);
}
