using System.Text.Json.Serialization;

namespace Isoflop.Train;

/// <summary>What was spent on something.</summary>
/// <param name="Flops">of matrix products; see <see cref="Train.Flops"/></param>
/// <param name="Bytes">of weights, gradients and moments that had to pass through the processor: the least traffic</param>
/// <param name="Tokens">that passed through the model</param> <param name="Seconds">of wall time</param>
public readonly record struct Spending(double Flops, double Bytes, long Tokens, double Seconds)
{
    /// <summary>Both together.</summary>
    public static Spending operator +(Spending a, Spending b) =>
        new(a.Flops + b.Flops, a.Bytes + b.Bytes, a.Tokens + b.Tokens, a.Seconds + b.Seconds);
}

/// <summary>
/// What a run has cost, by purpose. It only grows, over every resume: work that a kill threw away is what it cannot know.
/// </summary>
public sealed record Ledger
{
    /// <summary>Next-word training.</summary>
    public Spending Train { get; set; }

    /// <summary>Reinforcement and fine-tuning.</summary>
    public Spending Tune { get; set; }

    /// <summary>Tokens drawn, dropped ones too.</summary>
    public Spending Sample { get; set; }

    /// <summary>Checking answers: seconds.</summary>
    public Spending Verify { get; set; }

    /// <summary>Evaluation: measured, not spent.</summary>
    public Spending Measure { get; set; }

    /// <summary>Everything but measuring.</summary>
    [JsonIgnore] public Spending Spent => Train + Tune + Sample + Verify;
}

/// <summary>Least traffic of a model of so many parameters, bytes.</summary>
static class Traffic
{
    /// <summary>Weights read forward and backward, gradients read and written.</summary>
    public static double Pass(long parameters) => 16.0 * parameters;

    /// <summary>AdamW: weights, gradients and two moments read; weights and moments written.</summary>
    public static double Update(long parameters) => 28.0 * parameters;

    /// <summary>Weights read.</summary>
    public static double Forward(long parameters) => 4.0 * parameters;
}
