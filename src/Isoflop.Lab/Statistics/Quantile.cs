namespace Isoflop.Lab.Statistics;

static class Quantile
{
    /// <summary>Of sorted values, linear between order statistics: type 7 of Hyndman &amp; Fan 1996, as numpy.</summary>
    public static double Of(double[] sorted, double q)
    {
        double at = q * (sorted.Length - 1);
        int low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
    }
}
