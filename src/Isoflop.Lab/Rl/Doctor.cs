using Isoflop.Lab.Eval;

namespace Isoflop.Lab.Rl;

/// <summary>What is wrong with a run of reinforcement learning.</summary>
public enum Ailment
{
    /// <summary>Nearly all groups have equal rewards: there is nothing to learn from.</summary>
    NoVariance,
    /// <summary>Replies became short and the reward did not rise: the model stopped thinking.</summary>
    LengthCollapse,
    /// <summary>Many replies are cut off before their answer.</summary>
    Truncation,
    /// <summary>The policy hardly tries anything any more, while it is still often wrong.</summary>
    EntropyCollapse,
    /// <summary>The reward rises while held-out accuracy falls: the judge is being fooled, or items are learnt by
    /// heart.</summary>
    RewardHacking,
    /// <summary>The model cannot do enough yet for rewards to teach it.</summary>
    NotReady,
}

/// <summary>An ailment, its evidence and what to change.</summary>
public sealed record Diagnosis(Ailment Ailment, string Text)
{
    /// <summary>"no variance": as written in events and in the terminal.</summary>
    public string Name => NameOf(Ailment);

    internal static string NameOf(Ailment ailment) =>
        string.Concat(ailment.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}"
        : char.ToLowerInvariant(c).ToString()));
}

/// <summary>Reads a run's rows; thresholds stand here and are the same for every run.</summary>
static class Doctor
{
    /// <summary>Steps that a sign must hold for.</summary>
    public const int Window = 5;
    const double MaxEqual = 0.8, ShrunkTo = 0.5, MaxTruncated = 0.2, MinEntropy = 0.1, Solved = 0.9, Gain = 0.1, Rise = 0.02;

    /// <summary>What the last steps show; nothing for the first few.</summary>
    /// <param name="steps">all so far</param> <param name="evals">in the form that is learnt</param>
    public static IEnumerable<Diagnosis> Examine(IReadOnlyList<RlStep> steps, IReadOnlyList<RlEval> evals)
    {
        if (steps.Count < Window) yield break;
        RlStep[] last = [.. steps.TakeLast(Window)];
        RlStep first = steps[0];
        double Mean(Func<RlStep, double> of) => last.Average(of);
        double equal = last.Sum(s => s.Dropped) / (double)Math.Max(1, last.Sum(s => s.Groups)), reward = Mean(s => s.Reward);
        if (equal > MaxEqual && reward < Solved)
            yield return Of(Ailment.NoVariance, $"{equal:P0} of the groups had equal rewards, mean reward {reward:0.00}; " +
                (reward < 0.1 ? "ask easier levels, open them one by one (opens_at), or teach more first"
                    : "raise replies"));
        double length = Mean(s => s.Length);
        if (length < ShrunkTo * first.Length && reward < first.Reward + Rise)
            yield return Of(Ailment.LengthCollapse,
                $"replies went from {first.Length:0.0} to {length:0.0} tokens and the reward " +
                $"from {first.Reward:0.00} to {reward:0.00}; teach longer so that thinking pays, or force it: form=think");
        double truncated = Mean(s => s.Truncated);
        if (truncated > MaxTruncated)
            yield return Of(Ailment.Truncation, $"{truncated:P0} of the replies were cut off; raise max_new_tokens, or charge " +
                "for " +
                "length with token_price or overlong");
        double entropy = Mean(s => s.Entropy);
        if (entropy < MinEntropy * first.Entropy && reward < Solved)
            yield return Of(Ailment.EntropyCollapse, $"entropy fell from {first.Entropy:0.000} to {entropy:0.000} nats a token " +
                $"with the reward at {reward:0.00}; lower learning_rate, raise clip_high, or add kl");
        if (Hacked(steps, evals, reward) is { } hacked) yield return hacked;
    }

    /// <summary>Held-out accuracy fell beyond its noise since its best, while the reward rose.</summary>
    static Diagnosis? Hacked(IReadOnlyList<RlStep> steps, IReadOnlyList<RlEval> evals, double reward)
    {
        var taken = evals.GroupBy(e => e.Step).OrderBy(g => g.Key).Select(g => (Step: g.Key, Mean: g.Average(e => e.PassAt1),
            Error: Math.Sqrt(g.Sum(e => e.Error * e.Error)) / g.Count())).ToList();
        if (taken.Count < 2) return null;
        (int step, double best, double error) = taken.MaxBy(t => t.Mean);
        (_, double now, double noise) = taken[^1];
        double then = steps.Where(s => s.Step <= Math.Max(1, step)).TakeLast(Window).Average(s => s.Reward);
        double drop = best - now;
        return drop > 3 * Math.Sqrt(error * error + noise * noise) && drop > 0.05 && reward > then + Gain
            ? Of(Ailment.RewardHacking, $"the reward rose from {then:0.00} to {reward:0.00} since step {step} and held-out " +
                $"accuracy fell from {best:0.00} to {now:0.00}; read replies (isoflop traces) for what pays and is not right")
            : null;
    }

    /// <summary>
    /// The gate: given a demonstration's thought the model says its answer, and its own replies are right more often than chance.
    /// </summary>
    /// <param name="afterThought">share right after a given thought</param>
    public static Diagnosis? Gate(double afterThought, IReadOnlyList<RlEval> easiest)
    {
        const double Follows = 0.9;
        if (afterThought < Follows)
            return Of(Ailment.NotReady,
                $"given a right thought it says the right answer in {afterThought:P0} of the items, below " +
                $"{Follows:P0}; teach longer (isoflop teach), then start again");
        foreach (RlEval e in easiest)
        {
            double chance = 1 - Math.Pow(1 - e.Chance, e.Replies);
            // with one answer in two right by chance, many replies show nothing
            bool byOne = chance > 0.5;
            double seen = byOne ? e.PassAt1 - 2 * e.Error : e.PassAtK, wanted = byOne ? e.Chance : Math.Min(0.9, chance + 0.1);
            if (seen <= wanted)
                return Of(Ailment.NotReady, $"{e.Level}: " +
                    (byOne ? $"sampled accuracy {e.PassAt1:0.00} (± {2 * e.Error:0.00}) is not above "
                    : $"pass@{e.Replies} {e.PassAtK:0.00} is not well above ") +
                        $"chance, {(byOne ? e.Chance : chance):0.00}; teach longer, or " +
                    "ask easier levels");
        }
        return null;
    }

    static Diagnosis Of(Ailment ailment, FormattableString text) => new(ailment, FormattableString.Invariant(text));

    static Diagnosis Of(Ailment ailment, string text) => new(ailment, text);
}
