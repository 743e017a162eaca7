using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Where a gradient points when its past is heard, in its place. With second moments Adam's direction:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², g ← m̂/(√v̂ + ε). Without them Nesterov's momentum: m ← β₁m + (1−β₁)g,
/// g ← β₁m + (1−β₁)g.
/// </summary>
static unsafe class DirectionKernel
{
    /// <summary>The definition.</summary>
    public static void Reference(in AdamWKernel.Task t, long length)
    {
        AdamWStep s = t.Step;
        double c1 = 1 - Math.Pow(s.Beta1, s.Step), c2 = 1 - Math.Pow(s.Beta2, s.Step);
        for (long i = 0; i < length; i++)
        {
            double g = (double)t.G[i] * t.GradientScale, m = s.Beta1 * (double)t.M[i] + (1 - (double)s.Beta1) * g;
            t.M[i] = (float)m;
            if (t.V == null)
            {
                t.G[i] = (float)(s.Beta1 * m + (1 - (double)s.Beta1) * g);
                continue;
            }
            double v = s.Beta2 * (double)t.V[i] + (1 - (double)s.Beta2) * g * g;
            t.V[i] = (float)v;
            t.G[i] = (float)(m / c1 / (Math.Sqrt(v / c2) + s.Epsilon));
        }
    }

    /// <summary>Chunks <paramref name="first"/> to <paramref name="last"/>, one pass.</summary>
    public static void Simd(in AdamWKernel.Task t, int first, int last)
    {
        long i = (long)first * Elementwise.Chunk, to = Math.Min((long)last * Elementwise.Chunk, t.Length);
        AdamWStep s = t.Step;
        float c1 = (float)(1 - Math.Pow(s.Beta1, s.Step)), c2 = (float)(1 - Math.Pow(s.Beta2, s.Step));
        float rate = MathF.Sqrt(c2) / c1, epsilon = s.Epsilon * MathF.Sqrt(c2);       // as AdamW's
        float g1 = (float)((1 - (double)s.Beta1) * t.GradientScale);
        float g2 = (float)((1 - (double)s.Beta2) * t.GradientScale * t.GradientScale);
        for (; i <= to - 16; i += 16)
        {
            Vector512<float> g = Vector512.Load(t.G + i), beta1 = Vector512.Create(s.Beta1);
            Vector512<float> m = Vector512.MultiplyAddEstimate(Vector512.Load(t.M + i), beta1, g * g1);
            m.Store(t.M + i);
            if (t.V == null) Vector512.MultiplyAddEstimate(m, beta1, g * g1).Store(t.G + i);
            else
            {
                Vector512<float> v = Vector512.MultiplyAddEstimate(
                    Vector512.Load(t.V + i), Vector512.Create(s.Beta2), g * g * g2);
                v.Store(t.V + i);
                (m * rate / (Vector512.Sqrt(v) + Vector512.Create(epsilon))).Store(t.G + i);
            }
        }
        for (; i < to; i++)
        {
            float g = t.G[i], m = t.M[i] = t.M[i] * s.Beta1 + g * g1;
            t.G[i] = t.V == null ? m * s.Beta1 + g * g1
                : m * rate / (MathF.Sqrt(t.V[i] = t.V[i] * s.Beta2 + g * g * g2) + epsilon);
        }
    }
}
