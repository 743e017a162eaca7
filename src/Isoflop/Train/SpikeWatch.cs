namespace Isoflop.Train;

/// <summary>
/// Tells a loss that jumps: one further above the median of the ordinary ones before it than noise goes. The spread is 1.4826
/// times the median distance from the median, a standard deviation where noise is normal, which spikes cannot widen.
/// </summary>
/// <param name="window">ordinary losses that are remembered; OLMo 2's (Walsh et al. 2024, arXiv:2501.00656) are 128</param>
/// <param name="deviations">how far is too far; OLMo 2: 6 standard deviations</param>
sealed class SpikeWatch(int window = 128, double deviations = 6)
{
    /// <summary>Fewer losses than this say nothing of their noise.</summary>
    public const int Least = 20;

    /// <summary>Spikes do not last so long.</summary>
    public const int InARow = 10;

    readonly double[] ring = new double[window], sorted = new double[window];
    int count, running;

    /// <summary>Of the ordinary losses remembered; NaN: there are none.</summary>
    public double Median
    {
        get
        {
            Span<double> all = sorted.AsSpan(0, Math.Min(count, window));
            ring.AsSpan(0, all.Length).CopyTo(all);
            return MiddleOf(all);
        }
    }

    /// <summary>
    /// Looks at the next loss; an ordinary one is remembered. Too many spikes in a row are none, but a new level: all is
    /// forgotten. Allocates nothing.
    /// </summary>
    /// <returns>it is a spike, or no number</returns>
    public bool IsSpike(double loss)
    {
        if (!double.IsFinite(loss)) return Another();
        if (count >= Least)
        {
            double median = Median;
            Span<double> far = sorted.AsSpan(0, Math.Min(count, window));
            for (int i = 0; i < far.Length; i++) far[i] = Math.Abs(ring[i] - median);
            double noise = Math.Max(1.4826 * MiddleOf(far), 1e-3 * Math.Abs(median));
            if (loss > median + deviations * noise) return Another();
        }
        running = 0;
        ring[count++ % window] = loss;
        return false;
    }

    bool Another()
    {
        if (++running >= InARow) Clear();
        return true;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => count = running = 0;

    static double MiddleOf(Span<double> values)
    {
        if (values.IsEmpty) return double.NaN;
        values.Sort();
        return (values[values.Length / 2] + values[(values.Length - 1) / 2]) / 2;
    }
}
