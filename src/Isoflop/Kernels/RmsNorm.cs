using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>y = g ⊙ x·s, s = 1/√(mean(x²) + ε) per vector. Zhang &amp; Sennrich 2019, arXiv:1910.07467.</summary>
static unsafe class RmsNorm
{
    /// <summary>One call, forward or backward.</summary>
    public struct Task
    {
        public float* X, Gain, Y, S, DY, DX, DGain;
        public HeadRows Shape;
        public float Epsilon;
        public bool Accumulate;
    }

    /// <summary>The definition: plain loops, double sums.</summary>
    public static void Reference(in Task t)
    {
        (int rows, int heads, int D, int stride) = t.Shape;
        for (int v = 0; v < rows * heads; v++)
        {
            long at = (long)(v / heads) * stride + v % heads * D;
            double squares = 0;
            for (int i = 0; i < D; i++) squares += (double)t.X[at + i] * t.X[at + i];
            t.S[v] = (float)(1 / Math.Sqrt(squares / D + t.Epsilon));
            for (int i = 0; i < D; i++) t.Y[at + i] = t.Gain[i] * (t.X[at + i] * t.S[v]);
        }
    }

    /// <summary>dg += Σ dy⊙x̂;  dx (+)= s·(g⊙dy − x̂·mean(g⊙dy⊙x̂)),  x̂ = x·s.</summary>
    public static void ReferenceBackward(in Task t)
    {
        (int rows, int heads, int D, int stride) = t.Shape;
        double* dGain = stackalloc double[D];
        for (int i = 0; i < D; i++) dGain[i] = t.DGain[i];
        for (int v = 0; v < rows * heads; v++)
        {
            long at = (long)(v / heads) * stride + v % heads * D;
            double s = t.S[v], dot = 0;
            for (int i = 0; i < D; i++) dot += t.Gain[i] * (double)t.DY[at + i] * (t.X[at + i] * s);
            for (int i = 0; i < D; i++)
            {
                double xHat = t.X[at + i] * s, dy = t.DY[at + i];
                dGain[i] += dy * xHat;
                double dx = s * (t.Gain[i] * dy - xHat * (dot / D));
                t.DX[at + i] = (float)(t.Accumulate ? t.DX[at + i] + dx : dx);
            }
        }
        for (int i = 0; i < D; i++) t.DGain[i] = (float)dGain[i];
    }

    /// <summary>Vectors <paramref name="from"/> to <paramref name="to"/>. |s error| ≤ 1e-6·s.</summary>
    public static void Simd(in Task t, int from, int to)
    {
        (_, int heads, int D, int stride) = t.Shape;
        (int row, int head) = Math.DivRem(from, heads);
        for (int v = from; v < to; v++)
        {
            long at = (long)row * stride + head * D;
            float* x = t.X + at, y = t.Y + at;
            float s = 1 / MathF.Sqrt(SumOfSquares(x, D) / D + t.Epsilon);
            t.S[v] = s;
            int i = 0;
            for (; i <= D - 16; i += 16) (Vector512.Load(t.Gain + i) * (Vector512.Load(x + i) * s)).Store(y + i);
            for (; i < D; i++) y[i] = t.Gain[i] * (x[i] * s);
            if (++head < heads) continue;
            head = 0;
            row++;
        }
    }

    // Sums end in a call where part of a vector is left: a call in their midst would keep them in memory through all of the loop.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float SumOfSquares(float* x, int D)
    {
        Vector512<float> a = default, b = default;
        int i = 0;
        for (; i <= D - 32; i += 32)
        {
            Vector512<float> p = Vector512.Load(x + i), q = Vector512.Load(x + i + 16);
            a = Vector512.MultiplyAddEstimate(p, p, a);
            b = Vector512.MultiplyAddEstimate(q, q, b);
        }
        if (i <= D - 16)
        {
            Vector512<float> p = Vector512.Load(x + i);
            a = Vector512.MultiplyAddEstimate(p, p, a);
            i += 16;
        }
        return i == D ? VectorMath.Sum(a + b) : WithPart(a, b, x + i, D - i);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static float WithPart(Vector512<float> a, Vector512<float> b, float* x, int rest)
        {
            Vector512<float> p = VectorMath.LoadPart(x, rest);
            return VectorMath.Sum(Vector512.MultiplyAddEstimate(p, p, a) + b);
        }
    }

    /// <summary>dx of vectors <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void SimdBackward(in Task t, int from, int to) => Backward(t, from, to, gain: false);

    /// <summary>dx and dg of all vectors, in one pass: the bits of <see cref="SimdGain"/>.</summary>
    public static void SimdBackwardWhole(in Task t, int from, int to) => Backward(t, from, to, gain: true);

    static void Backward(in Task t, int from, int to, bool gain)
    {
        (_, int heads, int D, int stride) = t.Shape;
        (int row, int head) = Math.DivRem(from, heads);
        for (int v = from; v < to; v++)
        {
            long at = (long)row * stride + head * D;
            float* x = t.X + at, dy = t.DY + at, dx = t.DX + at, g = t.Gain;
            float s = t.S[v];
            float slope = Dot(g, dy, x, D) * s * s / D;                           // mean(g⊙dy⊙x̂)·s
            if (gain) AddGain(dy, x, s, t.DGain, D);
            int i = 0;
            for (; i <= D - 16; i += 16)
            {
                Vector512<float> d = (Vector512.Load(g + i) * Vector512.Load(dy + i) - Vector512.Load(x + i) * slope) * s;
                (t.Accumulate ? Vector512.Load(dx + i) + d : d).Store(dx + i);
            }
            for (; i < D; i++)
            {
                float d = (g[i] * dy[i] - x[i] * slope) * s;
                dx[i] = t.Accumulate ? dx[i] + d : d;
            }
            if (++head < heads) continue;
            head = 0;
            row++;
        }
    }

    /// <summary>Σ g·dy·x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Dot(float* g, float* dy, float* x, int D)
    {
        Vector512<float> sum = default;
        int i = 0;
        for (; i <= D - 16; i += 16)
            sum = Vector512.MultiplyAddEstimate(Vector512.Load(g + i) * Vector512.Load(dy + i), Vector512.Load(x + i), sum);
        return i == D ? VectorMath.Sum(sum) : WithPart(sum, g + i, dy + i, x + i, D - i);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static float WithPart(Vector512<float> sum, float* g, float* dy, float* x, int rest)
        {
            Vector512<float> product = VectorMath.LoadPart(g, rest) * VectorMath.LoadPart(dy, rest);
            return VectorMath.Sum(Vector512.MultiplyAddEstimate(product, VectorMath.LoadPart(x, rest), sum));
        }
    }

    /// <summary>dg += dy⊙x·s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddGain(float* dy, float* x, float s, float* dg, int D)
    {
        int i = 0;
        for (; i <= D - 16; i += 16)
        {
            Vector512<float> xs = Vector512.Load(x + i) * s, sum = Vector512.Load(dg + i);
            Vector512.MultiplyAddEstimate(Vector512.Load(dy + i), xs, sum).Store(dg + i);
        }
        if (i < D) AddPart(dy + i, x + i, s, dg + i, D - i);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void AddPart(float* dy, float* x, float s, float* dg, int rest)
        {
            Vector512<float> sum = VectorMath.LoadPart(dg, rest), xs = VectorMath.LoadPart(x, rest) * s;
            VectorMath.StorePart(Vector512.MultiplyAddEstimate(VectorMath.LoadPart(dy, rest), xs, sum), dg, rest);
        }
    }

    /// <summary>
    /// dg of columns <paramref name="from"/> to <paramref name="to"/>: one chain over all vectors for each column.
    /// </summary>
    public static void SimdGain(in Task t, int from, int to)
    {
        (int rows, int heads, int D, int stride) = t.Shape;
        for (int c = from; c < to; c += 16)
        {
            int part = Math.Min(16, to - c);
            Vector512<float> sum = part == 16 ? Vector512.Load(t.DGain + c) : VectorMath.LoadPart(t.DGain + c, part);
            for (int r = 0; r < rows; r++)
                for (int h = 0; h < heads; h++)
                {
                    long at = (long)r * stride + h * D + c;
                    Vector512<float> x = part == 16 ? Vector512.Load(t.X + at) : VectorMath.LoadPart(t.X + at, part);
                    Vector512<float> dy = part == 16 ? Vector512.Load(t.DY + at) : VectorMath.LoadPart(t.DY + at, part);
                    sum = Vector512.MultiplyAddEstimate(dy, x * t.S[r * heads + h], sum);
                }
            if (part == 16) sum.Store(t.DGain + c);
            else VectorMath.StorePart(sum, t.DGain + c, part);
        }
    }
}
