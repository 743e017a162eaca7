using Isoflop.Lab.Eval;
using Isoflop.Lab.Rl;
using Xunit;

namespace Isoflop.Tests.Rl;

public class PolicyTests
{
    static readonly double[] logPs = [-2.5, -1.3, -1.21, -1.05, -1, -0.96, -0.78, -0.7, -0.1], advantages = [-1.5, -0.2, 0, 0.4, 2];
    const double Old = -1, Reference = -1.4, Step = 1e-6;

    // A central difference errs by h²·f‴/6 ≤ 1e-12·e² and by rounding, 2^−53·|loss|/h ≤ 1e-9.
    const double Tolerance = 1e-8;

    public static TheoryData<string, double> Rules
    {
        get
        {
            var data = new TheoryData<string, double>();
            foreach (string rule in Enum.GetNames<RatioRule>())
                foreach (double kl in (double[])[0, 0.3]) data.Add(rule, kl);
            return data;
        }
    }

    [Theory, MemberData(nameof(Rules))]
    public void A_weight_is_minus_the_slope_of_the_loss(string name, double kl)
    {
        var term = new PolicyTerm(Enum.Parse<RatioRule>(name), 0.2, name == nameof(RatioRule.Cispo) ? 1.5 : 0.28, kl);
        foreach (double logP in logPs)
            foreach (double advantage in advantages)
            {
                // GSPO: a reply of three tokens, the other two 0.1 and −0.2 from where they were; each token bears a third.
                double Ratio(double x) => term.Rule == RatioRule.Gspo ? Math.Exp((x - Old + 0.1 - 0.2) / 3)
                    : Math.Exp(logP - Old);                       // CISPO holds it still
                double share = term.Rule == RatioRule.Gspo ? 1 / 3.0 : 1;
                double Loss(double x) => term.Loss(x, Old, Reference, advantage, Ratio(x));
                double slope = (Loss(logP + Step) - Loss(logP - Step)) / (2 * Step);
                var bare = term with { Kl = 0 };
                double weight = share * bare.Weight(logP, Old, Reference, advantage, Ratio(logP))
                    + term.Weight(logP, Old, Reference, advantage, Ratio(logP)) - bare.Weight(logP, Old, Reference, advantage, Ratio(logP));
                Assert.Equal(-slope, weight, Tolerance);
            }
    }

    [Fact]
    public void On_policy_the_weight_is_the_advantage()
    {
        foreach (RatioRule rule in Enum.GetValues<RatioRule>())
            Assert.Equal(0.7, new PolicyTerm(rule, 0.2, 5, 0).Weight(-1.25, -1.25, 0, 0.7, 1));
    }

    [Fact]
    public void A_clip_stops_what_pushes_outwards_and_nothing_else()
    {
        var term = new PolicyTerm(RatioRule.Clip, 0.2, 0.28, 0);
        Assert.True(term.Clipped(1.3, 1) && term.Clipped(0.7, -1));
        Assert.False(term.Clipped(1.27, 1) || term.Clipped(1.3, -1) || term.Clipped(0.7, 1));
    }

    [Theory]
    [InlineData(AdvantageBaseline.Mean, 0.75, -0.25)]
    [InlineData(AdvantageBaseline.LeaveOneOut, 1.0, -1 / 3.0)]
    [InlineData(AdvantageBaseline.Log, 3.0, -1.0)]
    [InlineData(AdvantageBaseline.Rejection, 1.0, 0.0)]
    [InlineData(AdvantageBaseline.Std, 1.5, -0.5)]                        // s² = (0.75² + 3·0.25²)/3 = 1/4
    public void Advantages_of_one_right_in_four(AdvantageBaseline baseline, double right, double wrong)
    {
        var advantages = new double[4];
        Advantage.Of(baseline, [0, 1, 0, 0], advantages);
        double tolerance = baseline == AdvantageBaseline.Std ? 2e-6 * right / 0.5 : 1e-12;      // ε = 1e-6 beside σ = 1/2
        Assert.Equal(right, advantages[1], tolerance);
        Assert.Equal(wrong, advantages[0], tolerance);
    }

    [Fact]
    public void Equal_rewards_give_exactly_nothing()
    {
        foreach (AdvantageBaseline baseline in Enum.GetValues<AdvantageBaseline>().Except([AdvantageBaseline.Rejection]))
        {
            double[] advantages = [9, 9, 9];
            Advantage.Of(baseline, [0.1, 0.1, 0.1], advantages);
            Assert.All(advantages, a => Assert.Equal(0, a));
        }
    }

    [Fact]
    public void Pass_at_k_is_the_share_of_subsets_with_a_right_one()
    {
        const int n = 6;
        for (int c = 0; c <= n; c++)
            for (int k = 1; k <= n; k++)
            {
                var subsets = Enumerable.Range(0, 1 << n).Where(s => int.PopCount(s) == k).ToList();
                double share = subsets.Count(s => (s & ((1 << c) - 1)) != 0) / (double)subsets.Count;
                Assert.Equal(share, Exam.PassAt(n, c, k), 1e-14);
            }
        Assert.True(double.IsNaN(Exam.PassAt(3, 1, 4)));
    }
}
