using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Rotary position embedding: (x1, x2) → (x1·cos − x2·sin, x2·cos + x1·sin), x1 the first half of a head, x2 the second.
/// </summary>
static unsafe class Rope
{
    /// <summary>One call.</summary>
    public struct Task
    {
        public float* X, Table;
        public int* Positions;
        public HeadRows Shape;
        public bool Inverse;
    }

    /// <summary>The table's row of a position: cosines of its angles, then sines; angle i is position·theta^(−2i/D).</summary>
    public static void Angles(int position, double theta, Span<float> row)
    {
        int half = row.Length / 2;
        for (int i = 0; i < half; i++)
        {
            double angle = position * Math.Pow(theta, -(double)i / half);
            row[i] = (float)Math.Cos(angle);
            row[half + i] = (float)Math.Sin(angle);
        }
    }

    /// <summary>The definition.</summary>
    public static void Reference(in Task t)
    {
        (int rows, int heads, int D, int stride) = t.Shape;
        int half = D / 2;
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < heads; h++)
            {
                float* x = t.X + (long)r * stride + h * D, angles = t.Table + (long)t.Positions[r] * D;
                for (int i = 0; i < half; i++)
                {
                    double x1 = x[i], x2 = x[half + i], cos = angles[i], sin = t.Inverse ? -angles[half + i] : angles[half + i];
                    x[i] = (float)(x1 * cos - x2 * sin);
                    x[half + i] = (float)(x2 * cos + x1 * sin);
                }
            }
    }

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void Simd(in Task t, int from, int to)
    {
        if (Vector512.IsHardwareAccelerated && t.Shape.Width % 32 == 0) Simd<Floats16>(t, from, to);
        else Simd<Floats8>(t, from, to);
    }

    static void Simd<V>(in Task t, int from, int to) where V : struct, IFloats<V>
    {
        (_, int heads, int D, int stride) = t.Shape;
        int half = D / 2;
        float sign = t.Inverse ? -1 : 1;
        for (int r = from; r < to; r++)
            for (int h = 0; h < heads; h++)
            {
                float* x = t.X + (long)r * stride + h * D, angles = t.Table + (long)t.Positions[r] * D;
                int i = 0;
                for (; i <= half - V.Count; i += V.Count)
                {
                    V x1 = V.Load(x + i), x2 = V.Load(x + half + i);
                    V cos = V.Load(angles + i), sin = V.Load(angles + half + i) * V.Create(sign);
                    (x1 * cos - x2 * sin).Store(x + i);
                    (x2 * cos + x1 * sin).Store(x + half + i);
                }
                for (; i < half; i++)
                {
                    float x1 = x[i], x2 = x[half + i], cos = angles[i], sin = angles[half + i] * sign;
                    x[i] = x1 * cos - x2 * sin;
                    x[half + i] = x2 * cos + x1 * sin;
                }
            }
    }
}
