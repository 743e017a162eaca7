using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>Sums over plain stretches of memory.</summary>
static unsafe class Elementwise
{
    /// <summary>Elements whose squares make one partial sum: fixed, so that threads do not show in the total.</summary>
    public const int Chunk = 16_384;

    /// <summary>y += x.</summary>
    public static void Add(float* x, float* y, long length)
    {
        long i = 0;
        for (; i <= length - 16; i += 16) (Vector512.Load(y + i) + Vector512.Load(x + i)).Store(y + i);
        for (; i < length; i++) y[i] += x[i];
    }

    /// <summary>Σ x² of one chunk, in doubles.</summary>
    public static double SumSquares(float* x, long length)
    {
        Vector512<double> a = default, b = default;
        long i = 0;
        for (; i <= length - 16; i += 16)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Load(x + i));
            a += low * low;
            b += high * high;
        }
        a += b;
        double sum = 0;
        for (int lane = 0; lane < 8; lane++) sum += a[lane];
        for (; i < length; i++) sum += (double)x[i] * x[i];
        return sum;
    }
}
