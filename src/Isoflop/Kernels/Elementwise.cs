using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>Sums over plain stretches of memory.</summary>
static unsafe class Elementwise
{
    /// <summary>Elements whose squares make one partial sum: fixed, so that threads do not show in the total.</summary>
    public const int Chunk = 16_384;

    /// <summary>Chunks of so many elements.</summary>
    public static int Chunks(long length) => checked((int)((length + Chunk - 1) / Chunk));

    /// <summary>y += x.</summary>
    public static void Add(float* x, float* y, long length)
    {
        long i = 0;
        for (; i <= length - 16; i += 16) (Vector512.Load(y + i) + Vector512.Load(x + i)).Store(y + i);
        for (; i < length; i++) y[i] += x[i];
    }

    /// <summary>√(first / second), 0 where the second is; 1 where there are none.</summary>
    public static double Root(double* ratio) => ratio == null ? 1 : ratio[1] == 0 ? 0 : Math.Sqrt(ratio[0] / ratio[1]);

    /// <summary>One y = a·x + b·y.</summary>
    public struct Pair
    {
        public float* X, Y;
        public float A, B;
        public long Length;
    }

    /// <summary>y = a·x + b·y, chunks <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void Axpby(in Pair t, int from, int to)
    {
        long i = (long)from * Chunk, end = Math.Min((long)to * Chunk, t.Length);
        Vector512<float> a = Vector512.Create(t.A), b = Vector512.Create(t.B);
        for (; i <= end - 16; i += 16)
        {
            Vector512<float> x = Vector512.Load(t.X + i);
            (t.B == 0 ? a * x : Vector512.MultiplyAddEstimate(a, x, b * Vector512.Load(t.Y + i))).Store(t.Y + i);
        }
        for (; i < end; i++) t.Y[i] = t.A * t.X[i] + (t.B == 0 ? 0 : t.B * t.Y[i]);
    }

    /// <summary>One sum of shards, which lie one after another.</summary>
    public struct Shards
    {
        public float* X;
        public int Count;
        public long Length;
    }

    /// <summary>The first shard becomes the tree's sum, chunks <paramref name="from"/> to <paramref name="to"/> of it.</summary>
    public static void SumShards(in Shards t, int from, int to)
    {
        for (int chunk = from; chunk < to; chunk++)
        {
            long at = (long)chunk * Chunk, length = Math.Min(Chunk, t.Length - at);
            for (int step = 1; step < t.Count; step *= 2)
                for (int i = 0; i + step < t.Count; i += 2 * step)
                    Add(t.X + (i + step) * t.Length + at, t.X + i * t.Length + at, length);
        }
    }

    /// <summary>One sum of squares, a partial sum a chunk.</summary>
    public struct Squares
    {
        public float* X;
        public double* Sums;
        public long Length;
    }

    /// <summary>Σ x² of chunks <paramref name="from"/> to <paramref name="to"/>, each in doubles.</summary>
    public static void SumSquares(in Squares t, int from, int to)
    {
        for (int i = from; i < to; i++)
            t.Sums[i] = SumSquares(t.X + (long)i * Chunk, Math.Min(Chunk, t.Length - (long)i * Chunk));
    }

    static double SumSquares(float* x, long length)
    {
        Vector512<double> a = default, b = default;
        long i = 0;
        for (; i <= length - 16; i += 16)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Load(x + i));
            a += low * low;
            b += high * high;
        }
        double* lanes = stackalloc double[8];                     // an index into a vector would keep it in memory all along
        (a + b).Store(lanes);
        double sum = 0;
        for (int lane = 0; lane < 8; lane++) sum += lanes[lane];
        for (; i < length; i++) sum += (double)x[i] * x[i];
        return sum;
    }
}
