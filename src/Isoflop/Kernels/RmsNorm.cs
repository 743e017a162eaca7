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
        for (int v = from; v < to; v++)
        {
            long at = (long)(v / heads) * stride + v % heads * D;
            float* x = t.X + at, y = t.Y + at;
            Vector512<float> a = default, b = default;
            int i = 0;
            for (; i <= D - 32; i += 32)
            {
                Vector512<float> p = Vector512.Load(x + i), q = Vector512.Load(x + i + 16);
                a = Vector512.MultiplyAddEstimate(p, p, a);
                b = Vector512.MultiplyAddEstimate(q, q, b);
            }
            for (; i < D; i += 16)
            {
                Vector512<float> p = i <= D - 16 ? Vector512.Load(x + i) : VectorMath.LoadPart(x + i, D - i);
                a = Vector512.MultiplyAddEstimate(p, p, a);
            }
            float s = 1 / MathF.Sqrt(VectorMath.Sum(a + b) / D + t.Epsilon);
            t.S[v] = s;
            for (i = 0; i <= D - 16; i += 16) (Vector512.Load(t.Gain + i) * (Vector512.Load(x + i) * s)).Store(y + i);
            for (; i < D; i++) y[i] = t.Gain[i] * (x[i] * s);
        }
    }

    /// <summary>dx of vectors <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void SimdBackward(in Task t, int from, int to) => Backward(t, from, to, gain: false);

    /// <summary>dx and dg of all vectors, in one pass: the bits of <see cref="SimdGain"/>.</summary>
    public static void SimdBackwardWhole(in Task t, int from, int to) => Backward(t, from, to, gain: true);

    static void Backward(in Task t, int from, int to, bool gain)
    {
        (_, int heads, int D, int stride) = t.Shape;
        for (int v = from; v < to; v++)
        {
            long at = (long)(v / heads) * stride + v % heads * D;
            float* x = t.X + at, dy = t.DY + at, dx = t.DX + at, g = t.Gain, dg = t.DGain;
            float s = t.S[v];
            Vector512<float> sum = default;
            int i = 0;
            for (; i <= D - 16; i += 16)
            {
                Vector512<float> x0 = Vector512.Load(x + i), dy0 = Vector512.Load(dy + i);
                sum = Vector512.MultiplyAddEstimate(Vector512.Load(g + i) * dy0, x0, sum);
                if (gain) Vector512.MultiplyAddEstimate(dy0, x0 * s, Vector512.Load(dg + i)).Store(dg + i);
            }
            if (i < D)
            {
                int rest = D - i;
                Vector512<float> x0 = VectorMath.LoadPart(x + i, rest), dy0 = VectorMath.LoadPart(dy + i, rest);
                sum = Vector512.MultiplyAddEstimate(VectorMath.LoadPart(g + i, rest) * dy0, x0, sum);
                Vector512<float> dg0 = VectorMath.LoadPart(dg + i, rest);
                if (gain) VectorMath.StorePart(Vector512.MultiplyAddEstimate(dy0, x0 * s, dg0), dg + i, rest);
            }
            float slope = VectorMath.Sum(sum) * s * s / D;                        // mean(g⊙dy⊙x̂)·s
            for (i = 0; i <= D - 16; i += 16)
            {
                Vector512<float> d = (Vector512.Load(g + i) * Vector512.Load(dy + i) - Vector512.Load(x + i) * slope) * s;
                (t.Accumulate ? Vector512.Load(dx + i) + d : d).Store(dx + i);
            }
            for (; i < D; i++)
            {
                float d = (g[i] * dy[i] - x[i] * slope) * s;
                dx[i] = t.Accumulate ? dx[i] + d : d;
            }
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
