using System.Text.Json.Serialization;

namespace Isoflop.Lab.Rl;

/// <summary>What a reply's reward is held against: that of the other replies to its prompt.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AdvantageBaseline>))]
public enum AdvantageBaseline
{
    /// <summary>r − μ: Dr. GRPO, Liu et al. 2025, arXiv:2503.20783.</summary>
    [JsonStringEnumMemberName("mean")] Mean,
    /// <summary>(r − μ)/(σ + ε): GRPO, Shao et al. 2024, arXiv:2402.03300.</summary>
    [JsonStringEnumMemberName("std")] Std,
    /// <summary>r − mean of the others: RLOO, Ahmadian et al. 2024, arXiv:2402.14740.</summary>
    [JsonStringEnumMemberName("leave_one_out")] LeaveOneOut,
    /// <summary>(r − μ)/μ: the gradient of log pass rate.</summary>
    [JsonStringEnumMemberName("log")] Log,
    /// <summary>None: 1 where the reward is the group's best and above 0, else 0. Fine-tuning on what was right.</summary>
    [JsonStringEnumMemberName("rejection")] Rejection,
}

/// <summary>Rewards of a group become advantages.</summary>
static class Advantage
{
    const double Epsilon = 1e-6;

    /// <summary>All rewards are one: no reply is better than another, nothing can be learnt.</summary>
    public static bool Equal(ReadOnlySpan<double> rewards)
    {
        foreach (double r in rewards)
            if (r != rewards[0]) return false;
        return true;
    }

    /// <summary>Writes the advantages; equal rewards give exactly zero, except that right ones are still learnt by
    /// rejection.</summary>
    public static void Of(AdvantageBaseline baseline, ReadOnlySpan<double> rewards, Span<double> into)
    {
        int n = rewards.Length;
        if (baseline == AdvantageBaseline.Rejection)
        {
            double best = 0;
            foreach (double r in rewards) best = Math.Max(best, r);
            for (int i = 0; i < n; i++) into[i] = best > 0 && rewards[i] == best ? 1 : 0;
            return;
        }
        into.Clear();
        if (n < 2 || Equal(rewards)) return;
        double mean = 0, squares = 0;
        foreach (double r in rewards) mean += r / n;
        foreach (double r in rewards) squares += (r - mean) * (r - mean);
        double scale = baseline switch
        {
            AdvantageBaseline.Std => 1 / (Math.Sqrt(squares / (n - 1)) + Epsilon),
            AdvantageBaseline.LeaveOneOut => n / (n - 1.0),                // r − (Σ − r)/(n − 1)
            AdvantageBaseline.Log => mean > 0 ? 1 / mean : 0,
            _ => 1,
        };
        for (int i = 0; i < n; i++) into[i] = (rewards[i] - mean) * scale;
    }
}
