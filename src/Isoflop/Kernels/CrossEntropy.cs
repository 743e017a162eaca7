using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>Softmax with cross-entropy on rows of logits; with weights, the logits turn into their gradient in place.</summary>
static unsafe class CrossEntropy
{
    /// <summary>One call.</summary>
    public struct Task
    {
        public float* Logits, Weights, Nll;
        public int* Targets;
        public double TotalWeight;
        public int Rows, V;

        /// <summary>Factor of a row's gradient.</summary>
        public readonly float Share(int row) => (float)(Weights[row] / TotalWeight);
    }

    /// <summary>The definition: plain loops, double sums.</summary>
    public static void Reference(in Task t)
    {
        for (int r = 0; r < t.Rows; r++)
        {
            float* x = t.Logits + (long)r * t.V;
            double max = double.NegativeInfinity, sum = 0;
            for (int i = 0; i < t.V; i++) max = Math.Max(max, x[i]);
            for (int i = 0; i < t.V; i++) sum += Math.Exp(x[i] - max);
            t.Nll[r] = (float)(max + Math.Log(sum) - x[t.Targets[r]]);
            if (t.Weights == null) continue;
            for (int i = 0; i < t.V; i++)
                x[i] = (float)(t.Share(r) * (Math.Exp(x[i] - max) / sum - (i == t.Targets[r] ? 1 : 0)));
        }
    }

    /// <summary>
    /// Rows <paramref name="from"/> to <paramref name="to"/>. |nll error| ≤ 1e-6·(1 + |nll|) and a rounding of the largest logit.
    /// </summary>
    public static void Simd(in Task t, int from, int to)
    {
        for (int r = from; r < to; r++)
        {
            float* x = t.Logits + (long)r * t.V;
            int target = t.Targets[r];
            (float max, float sum) = MaxAndSum(x, t.V);
            float logit = x[target];
            t.Nll[r] = Nll(logit, max, sum);
            if (t.Weights == null) continue;
            float weight = t.Share(r), scale = weight / sum;
            for (int i = 0; i < t.V; i += 16)
            {
                int part = t.V - i;
                if (part >= 16) (VectorMath.Exp(Vector512.Load(x + i) - Vector512.Create(max)) * scale).Store(x + i);
                else
                    VectorMath.StorePart(
                        VectorMath.Exp(VectorMath.LoadPart(x + i, part) - Vector512.Create(max)) * scale, x + i, part);
            }
            x[target] -= weight;
        }
    }

    /// <summary>The definition.</summary>
    public static void LogSoftmaxReference(float* x, int rows, int V)
    {
        for (int r = 0; r < rows; r++, x += V)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int i = 0; i < V; i++) max = Math.Max(max, x[i]);
            for (int i = 0; i < V; i++) sum += Math.Exp(x[i] - max);
            for (int i = 0; i < V; i++) x[i] = (float)(x[i] - max - Math.Log(sum));
        }
    }

    /// <summary>Rows of logits become log-probabilities.</summary>
    public static void LogSoftmax(float* x, int rows, int V)
    {
        for (int r = 0; r < rows; r++, x += V)
        {
            (float max, float sum) = MaxAndSum(x, V);
            for (int i = 0; i < V; i++) x[i] = -Nll(x[i], max, sum);
        }
    }

    /// <summary>−ln p of a logit, nats: the trainer's and the sampler's one formula.</summary>
    public static float Nll(float logit, float max, float sum) => (float)((double)max - logit + Math.Log(sum));

    /// <summary>The row's largest logit, and Σ exp(x − max).</summary>
    public static (float Max, float Sum) MaxAndSum(float* x, int V)
    {
        float max = Max(x, V);
        Vector512<float> a = default, b = default, top = Vector512.Create(max);
        int i = 0;
        for (; i <= V - 32; i += 32)
        {
            a += VectorMath.Exp(Vector512.Load(x + i) - top);
            b += VectorMath.Exp(Vector512.Load(x + i + 16) - top);
        }
        for (; i < V; i += 16)
        {
            int part = V - i;
            a += VectorMath.Exp(
                (part >= 16 ? Vector512.Load(x + i) : VectorMath.LoadPart(x + i, part, float.NegativeInfinity)) - top);
        }
        return (max, VectorMath.Sum(a + b));
    }

    static float Max(float* x, int V)
    {
        Vector512<float> top = Vector512.Create(float.NegativeInfinity);
        int i = 0;
        for (; i <= V - 16; i += 16) top = Vector512.Max(top, Vector512.Load(x + i));
        float max = VectorMath.Max(top);
        for (; i < V; i++) max = MathF.Max(max, x[i]);
        return max;
    }
}
