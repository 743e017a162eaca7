using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Isoflop.Lab.Statistics;

/// <summary>
/// Items differ in the probability p that one reply is right: p ~ Beta(α, β), so that c of n replies follow the beta-binomial.
/// Then coverage of k replies is 1 − B(α, β + k)/B(α, β), and what stays uncovered falls as k^−α: a power law comes from the
/// items with p near 0. Schaeffer et al. 2025, arXiv:2502.17578.
/// </summary>
/// <param name="Alpha">weight of hard items: the exponent</param> <param name="Beta">of easy ones</param>
readonly record struct BetaBinomial(double Alpha, double Beta)
{
    // ln α and ln β stay inside: with all replies right, or all wrong, the likelihood has no maximum.
    const double Least = -7, Most = 9;

    /// <summary>Maximum likelihood.</summary>
    /// <param name="counts">right replies of each item's replies</param>
    public static BetaBinomial Fit(IReadOnlyList<(int Right, int Replies)> counts)
    {
        var kinds = counts.GroupBy(c => c).Select(g => (g.Key.Right, g.Key.Replies, Items: g.Count())).ToArray();
        double mean = Math.Clamp(counts.Average(c => (double)c.Right / c.Replies), 1e-3, 1 - 1e-3);
        double Loss(Vector<double> theta)
        {
            double a = Math.Exp(Math.Clamp(theta[0], Least, Most)), b = Math.Exp(Math.Clamp(theta[1], Least, Most)), sum = 0;
            double none = SpecialFunctions.BetaLn(a, b);
            foreach ((int right, int replies, int items) in kinds)
                sum -= items * (SpecialFunctions.BetaLn(a + right, b + replies - right) - none);
            double outside = theta.Sum(t => Math.Max(0, Least - t) + Math.Max(0, t - Most));
            return sum + outside;
        }
        Vector<double>? best = null;
        double least = double.PositiveInfinity;
        foreach (double weight in (double[])[0.5, 3, 30])
        {
            try
            {
                Vector<double> at = NelderMeadSimplex.Minimum(ObjectiveFunction.Value(Loss), Vector<double>.Build.Dense(
                    [Math.Log(weight * mean), Math.Log(weight * (1 - mean))]), 1e-9, 4000).MinimizingPoint;
                if (Loss(at) < least) (best, least) = (at, Loss(at));
            }
            catch (MaximumIterationsException) { }               // another start ends
        }
        return best is null ? new(double.NaN, double.NaN)
            : new(Math.Exp(Math.Clamp(best[0], Least, Most)), Math.Exp(Math.Clamp(best[1], Least, Most)));
    }

    /// <summary>Share of items that k replies solve.</summary>
    public double Coverage(double k) =>
        1 - Math.Exp(SpecialFunctions.BetaLn(Alpha, Beta + k) - SpecialFunctions.BetaLn(Alpha, Beta));

    /// <summary>Mean of p.</summary>
    public double Mean => Alpha / (Alpha + Beta);

    /// <summary>Items hardly differ: sd of p below a tenth of the largest that its mean allows.</summary>
    public bool IsNarrow => Alpha + Beta > 99;                   // var p = mean·(1 − mean)/(α + β + 1)

    /// <summary>What stays uncovered for large k, in units of k^−α: Γ(α + β)/Γ(β).</summary>
    public double Uncovered => Math.Exp(SpecialFunctions.GammaLn(Alpha + Beta) - SpecialFunctions.GammaLn(Beta));
}
