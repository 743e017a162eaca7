using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Statistics;

/// <summary>Two-sided intervals of a share that hold it at least as often as they say, at 0 and 1 too.</summary>
static class ExactShare
{
    /// <summary>
    /// Binomial: low = B⁻¹(α/2; x, n − x + 1), high = B⁻¹(1 − α/2; x + 1, n − x). Clopper &amp; Pearson 1934, Biometrika 26.
    /// </summary>
    /// <param name="right">of n; either may be no whole number</param>
    public static (double Low, double High) Of(double right, double n, double level)
    {
        double tail = (1 - level) / 2;
        return (right <= 0 ? 0 : Beta.InvCDF(right, n - right + 1, tail),
            right >= n ? 1 : Beta.InvCDF(right + 1, n - right, 1 - tail));
    }

    /// <summary>
    /// Of a mean of scores with a standard error of several levels: the binomial's with as many items as would have that error,
    /// n* = p(1 − p)/se², less for an error that is itself uncertain, ·(t_(n−1)/t_f)². Korn &amp; Graubard 1998, "Confidence
    /// intervals for proportions with small expected number of positive counts", Survey Methodology 24. Where all agree there is
    /// no error to go by: the items, once each.
    /// </summary>
    /// <param name="freedom">degrees of freedom of the error</param>
    public static (double Low, double High) Of(double mean, double error, double freedom, int items, double level)
    {
        double n = items;
        if (error > 0 && mean is > 0 and < 1)
            n = mean * (1 - mean) / (error * error) * Math.Pow(T(Math.Max(1, items - 1)) / T(freedom), 2);
        return Of(mean * n, n, level);

        double T(double f) => StudentT.InvCDF(0, 1, f, 0.5 + level / 2);
    }

    /// <summary>
    /// a − b of two independent shares from their intervals: each end takes the far end of one and the near end of the other,
    /// d − √((a − a_low)² + (b_high − b)²). Newcombe 1998, Statistics in Medicine 17, method 10. Of no width only where both are.
    /// </summary>
    public static Estimate Difference(Estimate a, Estimate b)
    {
        double d = a.Value - b.Value;
        return new(d, d - Math.Sqrt(Square(a.Value - a.Low) + Square(b.High - b.Value)),
            d + Math.Sqrt(Square(a.High - a.Value) + Square(b.Value - b.Low)));

        static double Square(double x) => x * x;
    }
}
