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

    /// <summary>What a device's call gives.</summary>
    public static Task TaskOf(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V) => new()
        {
            Logits = (float*)logits.Address,
            Targets = (int*)targets.Address,
            Weights = (float*)weights.Address,
            TotalWeight = totalWeight,
            Nll = (float*)nll.Address,
            Rows = rows,
            V = V,
        };

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
        if (Vector512.IsHardwareAccelerated) Simd<Floats16>(t, from, to);
        else Simd<Floats8>(t, from, to);
    }

    static void Simd<V>(in Task t, int from, int to) where V : struct, IFloats<V>
    {
        for (int r = from; r < to; r++)
        {
            float* x = t.Logits + (long)r * t.V;
            float logit = x[t.Targets[r]], max = Max(x, t.V);
            bool gradient = t.Weights != null;
            float sum = ExpSum<V>(x, t.V, max, gradient ? x : null);
            t.Nll[r] = Nll(logit, max, sum);
            if (!gradient) continue;
            float weight = t.Share(r), scale = weight / sum;
            int i = 0;
            for (; i <= t.V - 16; i += 16) (Vector512.Load(x + i) * scale).Store(x + i);
            for (; i < t.V; i++) x[i] *= scale;
            x[t.Targets[r]] -= weight;
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
        return (max, Vector512.IsHardwareAccelerated ? ExpSum<Floats16>(x, V, max, null) : ExpSum<Floats8>(x, V, max, null));
    }

    /// <summary>Σ exp(x − max), in lanes of sixteen by turns of two; terms, where they are wanted, may be x.</summary>
    static float ExpSum<V>(float* x, int count, float max, float* terms) where V : struct, IFloats<V>
    {
        const int Lanes = VectorMath.Lanes;
        float* sums = stackalloc float[2 * Lanes], rest = stackalloc float[Lanes];
        V top = V.Create(max);
        int whole = count / Lanes * Lanes, pairs = whole / (2 * Lanes) * (2 * Lanes);
        new Span<float>(rest, Lanes).Fill(float.NegativeInfinity);
        new ReadOnlySpan<float>(x + whole, count - whole).CopyTo(new Span<float>(rest, Lanes));
        for (int lane = 0; lane < Lanes; lane += V.Count)
        {
            V a = default, b = default;
            int i = lane;
            for (; i < pairs; i += 2 * Lanes)
            {
                V e = V.Exp(V.Load(x + i) - top), f = V.Exp(V.Load(x + i + Lanes) - top);
                a += e;
                b += f;
                if (terms == null) continue;
                e.Store(terms + i);
                f.Store(terms + i + Lanes);
            }
            for (; i < whole; i += Lanes)
            {
                V e = V.Exp(V.Load(x + i) - top);
                a += e;
                if (terms != null) e.Store(terms + i);
            }
            V last = V.Exp(V.Load(rest + lane) - top);
            if (whole < count) a += last;
            last.Store(rest + lane);
            a.Store(sums + lane);
            b.Store(sums + Lanes + lane);
        }
        if (terms != null) new ReadOnlySpan<float>(rest, count - whole).CopyTo(new Span<float>(terms + whole, count - whole));
        return VectorMath.Sum(Vector512.Load(sums) + Vector512.Load(sums + Lanes));
    }

    static float Max(float* x, int V)
    {
        Vector512<float> top = Vector512.Create(float.NegativeInfinity);
        int i = 0;
        for (; i <= V - 16; i += 16) top = Vector512.MaxNative(top, Vector512.Load(x + i));
        float max = VectorMath.Max(top);
        for (; i < V; i++) max = MathF.Max(max, x[i]);
        return max;
    }
}
