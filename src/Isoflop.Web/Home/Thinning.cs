using System.Runtime.CompilerServices;

namespace Isoflop.Web.Home;

/// <summary>Points of a curve, x rising.</summary>
sealed record Curve(IReadOnlyList<double> X, IReadOnlyList<float> Y)
{
    public static readonly Curve None = new([], []);
}

/// <summary>
/// As many points as a screen can show. Spikes stay: of the points above one pixel the lowest and the highest are kept.
/// </summary>
static class Thinning
{
    /// <param name="x">rising</param> <param name="y">NaN: no point</param> <param name="from">least x</param>
    /// <param name="pixels">columns of the screen</param> <param name="log">columns are even in log x</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]       // its first call may have a million rows
    public static Curve Of(ReadOnlySpan<double> x, ReadOnlySpan<double> y, double from, double to, int pixels, bool log)
    {
        (int first, int end) = Rows(x, from, to);
        if (end - first <= 2 * pixels) return All(x, y, first, end);
        List<double> px = new(2 * pixels);
        List<float> py = new(2 * pixels);
        var column = new Column(x[first], x[end - 1], pixels, log);
        for (int i = first; i < end;)
        {
            int low = -1, high = -1;
            for (int stop = EndOf(column, x, i, end); i < stop; i++)
            {
                if (double.IsNaN(y[i])) continue;
                if (low < 0 || y[i] < y[low]) low = i;
                if (high < 0 || y[i] > y[high]) high = i;
            }
            if (low < 0) continue;
            (low, high) = (Math.Min(low, high), Math.Max(low, high));
            px.Add(x[low]);
            py.Add((float)y[low]);
            if (low == high) continue;
            px.Add(x[high]);
            py.Add((float)y[high]);
        }
        return new(px, py);
    }

    static Curve All(ReadOnlySpan<double> x, ReadOnlySpan<double> y, int first, int end)
    {
        List<double> px = new(end - first);
        List<float> py = new(end - first);
        for (int i = first; i < end; i++)
            if (!double.IsNaN(y[i]))
            {
                px.Add(x[i]);
                py.Add((float)y[i]);
            }
        return new(px, py);
    }

    /// <summary>The mean of the rows around, one point a pixel.</summary>
    /// <param name="share">width of the window, of all rows</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Curve Smooth(ReadOnlySpan<double> x, ReadOnlySpan<double> y, double from, double to, int pixels, bool log,
        double share)
    {
        (int first, int end) = Rows(x, from, to);
        if (end - first < 3) return Curve.None;
        int half = Math.Max(1, (int)(share * x.Length / 2));
        int low = Math.Max(0, first - half), high = Math.Min(x.Length, end + half + 1);
        double[] sums = new double[high - low + 1];              // of rows from low on
        int[] counts = new int[high - low + 1];
        for (int i = low; i < high; i++)
        {
            bool there = !double.IsNaN(y[i]);
            sums[i - low + 1] = sums[i - low] + (there ? y[i] : 0);
            counts[i - low + 1] = counts[i - low] + (there ? 1 : 0);
        }
        List<double> px = new(pixels);
        List<float> py = new(pixels);
        var column = new Column(x[first], x[end - 1], pixels, log);
        for (int i = first; i < end;)
        {
            int start = i;
            i = EndOf(column, x, i, end);
            int middle = (start + i - 1) / 2, reach = Math.Min(half, Math.Min(middle, x.Length - 1 - middle));
            int a = middle - reach - low, b = middle + reach + 1 - low;
            if (counts[b] == counts[a]) continue;
            px.Add(x[middle]);
            py.Add((float)((sums[b] - sums[a]) / (counts[b] - counts[a])));
        }
        return new(px, py);
    }

    /// <summary>Rows within, and one more on either side, so that lines reach the edge.</summary>
    static (int First, int End) Rows(ReadOnlySpan<double> x, double from, double to)
    {
        int first = x.BinarySearch(from), end = x.BinarySearch(to);
        first = Math.Max(0, (first < 0 ? ~first : first) - 1);
        end = Math.Min(x.Length, (end < 0 ? ~end : end + 1) + 1);
        return (first, Math.Max(first, end));
    }

    /// <summary>The first row beyond the column of row i: by strides that double, then by halves.</summary>
    static int EndOf(Column column, ReadOnlySpan<double> x, int i, int end)
    {
        int at = column.Of(x[i]), low = i, stride = 1;
        for (; low + stride < end && column.Of(x[low + stride]) <= at; stride *= 2) low += stride;
        int high = Math.Min(end, low + stride);
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (column.Of(x[middle]) <= at) low = middle;
            else high = middle;
        }
        return high;
    }

    readonly struct Column(double low, double high, int pixels, bool log)
    {
        readonly double start = log ? Math.Log(Math.Max(low, double.Epsilon)) : low,
            scale = pixels / (log ? Math.Log(high / Math.Max(low, double.Epsilon)) : high - low);

        public int Of(double x) => (int)Math.Min(pixels - 1, ((log ? Math.Log(Math.Max(x, double.Epsilon)) : x) - start) * scale);
    }
}
