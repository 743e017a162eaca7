using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>A task at one budget: the runs of the size that is best in total, a seed each.</summary>
/// <param name="Results">of each seed, in one order of items; empty where the task has no items</param>
/// <param name="Losses">of each seed: loss on the task's held-out tokens, nats a token</param>
sealed record TaskRung(double Budget, double Flops, IReadOnlyList<IReadOnlyList<ItemResult>> Results,
    IReadOnlyList<double> Losses)
{
    /// <summary>Chance of the items; 0 for replies.</summary>
    public double Chance => Results.Count == 0 ? 0 : Results[0].Average(r => r.Chance);

    /// <summary>Mean score.</summary>
    public TwoLevel Accuracy => Mean(r => r.Score);

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
        ? (double.NaN, double.NaN) : ExactShare.Of(a.Mean, a.Error, a.Freedom, Results[0].Count, level);

    /// <summary>Least ability that is not ruled out, one-sided.</summary>
    public double LeastAbility(double level) => (AccuracyRange(2 * level - 1).Low - Chance) / (1 - Chance);

    /// <summary>−ln p of the answer, nats.</summary>
    public TwoLevel AnswerNll => Mean(r => r.AnswerNll ?? double.NaN);

    /// <summary>How much likelier the answer is than its best rival, nats; NaN for replies.</summary>
    public TwoLevel Margin => Mean(r => r.Margin ?? double.NaN);

    /// <summary>Mean loss over the seeds.</summary>
    public double Loss => Losses.Average();

    TwoLevel Mean(Func<ItemResult, double> of) => Results.Count == 0 ? new(double.NaN, double.NaN, 1)
        : TwoLevel.Of([.. Results.Select(s => s.Select(of).ToArray())], [.. Results[0].Select(ClusterOf)]);

    internal static string ClusterOf(ItemResult r) => r.Template.Length > 0 ? r.Template : r.Id;
}

/// <summary>A task along the ladder.</summary>
/// <param name="Entropy">of the world, nats a token that no model can save; null: unknown</param>
sealed record TaskCurve(string Task, IReadOnlyList<TaskRung> Rungs, double? Entropy)
{
    /// <summary>Change of ability from the first rung to the last, item by item.</summary>
    public TwoLevel Change
    {
        get
        {
            TaskRung a = Rungs[0], b = Rungs[^1];
            int seeds = Math.Min(a.Results.Count, b.Results.Count);
            double room = 1 - b.Chance;
            return TwoLevel.Of([.. Enumerable.Range(0, seeds).Select(s =>
                b.Results[s].Zip(a.Results[s], (y, x) => (y.Score - x.Score) / room).ToArray())],
                [.. a.Results[0].Select(TaskRung.ClusterOf)]);
        }
    }
}
