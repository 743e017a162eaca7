using System.Globalization;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Statistics;

/// <summary>A value and its interval, 95 % unless said otherwise. NaN ends: no interval is known.</summary>
public readonly record struct Estimate(double Value, double Low, double High)
{
    /// <summary>A value without an interval.</summary>
    public static Estimate Of(double value) => new(value, double.NaN, double.NaN);

    /// <summary>Its interval for a reader, "1.2–3.4"; "–": none is known.</summary>
    /// <param name="between">what stands between the ends: numbers with signs want a word</param>
    internal string Ends(string format, string between = "–") => double.IsNaN(Low) || double.IsNaN(High) ? "–"
        : Low.ToString(format, CultureInfo.InvariantCulture) + between + High.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>
    /// Mean of independent values ± t·s/√n: Student's quantile, since with three seeds it is 4.30 and not 1.96.
    /// </summary>
    /// <param name="level">share of intervals that hold the mean</param>
    public static Estimate OfMean(IReadOnlyList<double> values, double level = 0.95)
    {
        double mean = values.Average();
        if (values.Count < 2) return Of(mean);
        double error = values.StandardDeviation() / Math.Sqrt(values.Count);
        double half = StudentT.InvCDF(0, 1, values.Count - 1, 0.5 + level / 2) * error;
        return new(mean, mean - half, mean + half);
    }
}
