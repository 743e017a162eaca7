using System.Text.Json.Serialization;

namespace Isoflop.Lab.Rl;

/// <summary>How a token's probability ratio to the policy that drew it enters the loss.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RatioRule>))]
public enum RatioRule
{
    /// <summary>−min(ρA, clip(ρ, 1 − ε_low, 1 + ε_high)·A): PPO, GRPO; DAPO with the higher upper clip.</summary>
    [JsonStringEnumMemberName("clip")] Clip,
    /// <summary>−sg[min(ρ, ε_max)]·A·log π: CISPO, MiniMax 2025, arXiv:2506.13585.</summary>
    [JsonStringEnumMemberName("cispo")] Cispo,
    /// <summary>The clip on the whole reply's ratio, exp of the mean log ratio: GSPO, Zheng et al. 2025,
    /// arXiv:2507.18071.</summary>
    [JsonStringEnumMemberName("gspo")] Gspo,
}

/// <summary>
/// One token's loss as a function of its log-probability under the policy being trained, and the weight that makes the trainer's
/// Σ weight·(−log π) have its gradient.
/// </summary>
/// <param name="Rule">of the ratio</param> <param name="ClipLow">ε_low</param> <param name="ClipHigh">ε_high; of CISPO
/// ε_max</param>
/// <param name="Kl">weight of the KL divergence to the reference, estimated as e^d − d − 1, d = log π_ref − log π</param>
readonly record struct PolicyTerm(RatioRule Rule, double ClipLow, double ClipHigh, double Kl)
{
    /// <summary>The loss of a token.</summary>
    /// <param name="logP">under the policy</param> <param name="old">under the one that drew it</param>
    /// <param name="reference">under the reference; ignored without <see cref="Kl"/></param>
    /// <param name="ratio">GSPO: the reply's ratio, a function of the policy; CISPO: the ratio held still; else ignored</param>
    public double Loss(double logP, double old, double reference, double advantage, double ratio)
    {
        double rho = Rule == RatioRule.Clip ? Math.Exp(logP - old) : ratio;
        double loss = Rule == RatioRule.Cispo ? -Math.Min(rho, ClipHigh) * advantage * logP
            : -Math.Min(rho * advantage, Math.Clamp(rho, 1 - ClipLow, 1 + ClipHigh) * advantage);
        if (Kl == 0) return loss;
        double d = reference - logP;
        return loss + Kl * (Math.Exp(d) - d - 1);
    }

    /// <summary>−∂loss/∂log π. For GSPO the share of one token in its reply's gradient, each of n tokens having 1/n of
    /// it.</summary>
    public double Weight(double logP, double old, double reference, double advantage, double ratio)
    {
        double rho = Rule == RatioRule.Gspo ? ratio : Math.Exp(logP - old);
        double weight = Rule == RatioRule.Cispo ? Math.Min(rho, ClipHigh) * advantage
            : Clipped(rho, advantage) ? 0 : rho * advantage;
        return Kl == 0 ? weight : weight + Kl * (Math.Exp(reference - logP) - 1);
    }

    /// <summary>The ratio has left its bounds on the side to which the advantage pushes it: no gradient.</summary>
    public bool Clipped(double rho, double advantage) =>
        advantage > 0 ? rho > 1 + ClipHigh : advantage < 0 && rho < 1 - ClipLow;
}
