using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>What one seed made of a task's items, means over them.</summary>
/// <param name="Accuracy">share that is right</param> <param name="AnswerNll">−ln p of the answer, nats; NaN: unknown</param>
/// <param name="Margin">how much likelier the answer is than its best rival, nats; NaN for replies</param>
readonly record struct SeedScore(double Accuracy, double AnswerNll, double Margin)
{
    public static SeedScore Of(IReadOnlyList<ItemResult> items) => new(items.Average(r => r.Score),
        items.Average(r => r.AnswerNll ?? double.NaN), items.Average(r => r.Margin ?? double.NaN));
}

/// <summary>A task at one budget: the runs of the size that is best in total, a seed each.</summary>
/// <param name="Results">of each seed, in one order of items; empty where no items are known</param>
/// <param name="Losses">of each seed: loss on the task's held-out tokens, nats a token; empty: unknown</param>
sealed record TaskRung(double Budget, double Flops, IReadOnlyList<IReadOnlyList<ItemResult>> Results,
    IReadOnlyList<double> Losses)
{
    /// <summary>A rung of which only each seed's means are known.</summary>
    public static TaskRung OfScores(double budget, double flops, IReadOnlyList<SeedScore> seeds, int items, double chance) =>
        new(budget, flops, [], []) { Seeds = seeds, Items = items, Chance = chance };

    /// <summary>Empty: the task has no questions.</summary>
    public IReadOnlyList<SeedScore> Seeds { get; private init; } = [.. Results.Select(SeedScore.Of)];

    /// <summary>Questions, the same for every seed.</summary>
    public int Items { get; private init; } = Results.Count == 0 ? 0 : Results[0].Count;

    /// <summary>Chance of the items; 0 for replies.</summary>
    public double Chance { get; private init; } = Results.Count == 0 ? 0 : Results[0].Average(r => r.Chance);

    /// <summary>Mean score.</summary>
    public TwoLevel Accuracy => Results.Count > 0 ? Mean(r => r.Score)
        : TwoLevel.OfShares([.. Seeds.Select(s => s.Accuracy)], Items);

    /// <summary>Accuracy above chance as a share of what lies above chance.</summary>
    public TwoLevel Ability
    {
        get
        {
            double room = 1 - Chance;
            TwoLevel a = Accuracy;
            return a with { Mean = (a.Mean - Chance) / room, Error = a.Error / room };
        }
    }

    /// <summary>Interval of <see cref="Accuracy"/>, exact where all agree.</summary>
    public (double Low, double High) AccuracyRange(double level) => Accuracy is var a && double.IsNaN(a.Mean)
        ? (double.NaN, double.NaN) : ExactShare.Of(a.Mean, a.Error, a.Freedom, Items, level);

    /// <summary>Least ability that is not ruled out, one-sided.</summary>
    public double LeastAbility(double level) => (AccuracyRange(2 * level - 1).Low - Chance) / (1 - Chance);

    /// <summary>−ln p of the answer, nats.</summary>
    public TwoLevel AnswerNll => Results.Count > 0 ? Mean(r => r.AnswerNll ?? double.NaN)
        : TwoLevel.OfSeeds([.. Seeds.Select(s => s.AnswerNll)]);

    /// <summary>How much likelier the answer is than its best rival, nats; NaN for replies.</summary>
    public TwoLevel Margin => Results.Count > 0 ? Mean(r => r.Margin ?? double.NaN)
        : TwoLevel.OfSeeds([.. Seeds.Select(s => s.Margin)]);

    /// <summary>Mean loss over the seeds; NaN: unknown.</summary>
    public double Loss => Losses.Count == 0 ? double.NaN : Losses.Average();

    TwoLevel Mean(Func<ItemResult, double> of) =>
        TwoLevel.Of([.. Results.Select(s => s.Select(of).ToArray())], [.. Results[0].Select(ClusterOf)]);

    internal static string ClusterOf(ItemResult r) => r.Template.Length > 0 ? r.Template : r.Id;
}

/// <summary>A task along the ladder.</summary>
/// <param name="Entropy">of the world, nats a token that no model can save; null: unknown</param>
sealed record TaskCurve(string Task, IReadOnlyList<TaskRung> Rungs, double? Entropy)
{
    /// <summary>It has questions.</summary>
    public bool IsAsked => Rungs[0].Seeds.Count > 0;

    /// <summary>Change of ability from the first rung to the last, item by item where the items are known.</summary>
    public TwoLevel Change
    {
        get
        {
            TaskRung a = Rungs[0], b = Rungs[^1];
            int seeds = Math.Min(a.Results.Count, b.Results.Count);
            if (seeds == 0) return TwoLevel.Difference(b.Ability, a.Ability);
            double room = 1 - b.Chance;
            return TwoLevel.Of([.. Enumerable.Range(0, seeds).Select(s =>
                b.Results[s].Zip(a.Results[s], (y, x) => (y.Score - x.Score) / room).ToArray())],
                [.. a.Results[0].Select(TaskRung.ClusterOf)]);
        }
    }
}
