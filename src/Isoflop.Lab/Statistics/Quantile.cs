using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Statistics;

static class Quantile
{
    /// <summary>Of sorted values, linear between order statistics: type 7 of Hyndman &amp; Fan 1996, as numpy.</summary>
    public static double Of(double[] sorted, double q) => SortedArrayStatistics.QuantileCustom(sorted, q, QuantileDefinition.R7);
}
