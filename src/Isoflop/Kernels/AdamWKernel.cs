using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p·(1 − lr·wd) − lr·m̂/(√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
/// Loshchilov &amp; Hutter 2019, arXiv:1711.05101.
/// </summary>
static unsafe class AdamWKernel
{
    /// <summary>One call.</summary>
    public struct Task
    {
        public float* P, G, M, V;
        public AdamWStep Step;
        public float GradientScale;
        public long Length;
    }

    /// <summary>What clips the gradients, from a step's two sums; false: one of them is not finite.</summary>
    public static bool TryScale(double* sums, double clip, out float scale)
    {
        double norm = Math.Sqrt(sums[1]);
        scale = clip > 0 && norm > clip ? (float)(clip / norm) : 1;
        return double.IsFinite(sums[0]) && double.IsFinite(norm);
    }

    /// <summary>The definition.</summary>
    public static void Reference(in Task t, long length)
    {
        AdamWStep s = t.Step;
        double c1 = 1 - Math.Pow(s.Beta1, s.Step), c2 = 1 - Math.Pow(s.Beta2, s.Step);
        for (long i = 0; i < length; i++)
        {
            double g = (double)t.G[i] * t.GradientScale;
            double m = s.Beta1 * (double)t.M[i] + (1 - (double)s.Beta1) * g;
            double v = s.Beta2 * (double)t.V[i] + (1 - (double)s.Beta2) * g * g;
            t.M[i] = (float)m;
            t.V[i] = (float)v;
            double p = t.P[i] * (1 - (double)s.LearningRate * s.WeightDecay);
            t.P[i] = (float)(p - s.LearningRate * (m / c1) / (Math.Sqrt(v / c2) + s.Epsilon));
        }
    }

    /// <summary>Chunks <paramref name="first"/> to <paramref name="last"/>, one pass over the four slabs.</summary>
    public static void Simd(in Task t, int first, int last)
    {
        long from = (long)first * Elementwise.Chunk, to = Math.Min((long)last * Elementwise.Chunk, t.Length);
        AdamWStep s = t.Step;
        float c1 = (float)(1 - Math.Pow(s.Beta1, s.Step)), c2 = (float)(1 - Math.Pow(s.Beta2, s.Step));
        // p − lr·(m/c1)/(√(v/c2) + ε) = p − rate·m/(√v + ε')
        float rate = s.LearningRate * MathF.Sqrt(c2) / c1, epsilon = s.Epsilon * MathF.Sqrt(c2);
        float keep = 1 - s.LearningRate * s.WeightDecay;
        float g1 = (float)((1 - (double)s.Beta1) * t.GradientScale);
        float g2 = (float)((1 - (double)s.Beta2) * t.GradientScale * t.GradientScale);
        long i = from;
        for (; i <= to - 16; i += 16)
        {
            Vector512<float> g = Vector512.Load(t.G + i);
            Vector512<float> m = Vector512.MultiplyAddEstimate(Vector512.Load(t.M + i), Vector512.Create(s.Beta1), g * g1);
            Vector512<float> v = Vector512.MultiplyAddEstimate(Vector512.Load(t.V + i), Vector512.Create(s.Beta2), g * g * g2);
            m.Store(t.M + i);
            v.Store(t.V + i);
            Vector512<float> step = m * rate / (Vector512.Sqrt(v) + Vector512.Create(epsilon));
            (Vector512.Load(t.P + i) * keep - step).Store(t.P + i);
        }
        for (; i < to; i++)
        {
            float g = t.G[i], m = t.M[i] * s.Beta1 + g * g1, v = t.V[i] * s.Beta2 + g * g * g2;
            t.M[i] = m;
            t.V[i] = v;
            t.P[i] = t.P[i] * keep - m * rate / (MathF.Sqrt(v) + epsilon);
        }
    }
}
