using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// Draws tokens from rows of logits by inversion: the first token at which the cumulated probability passes the uniform.
/// </summary>
static unsafe class Sampling
{
    /// <summary>One call.</summary>
    public struct Task
    {
        public float* Logits;
        public RandomKey* Draws;
        public SampledToken* Into;
        public ulong Seed;
        public float Temperature, TopP;
        public int TopK, Rows, V;
    }

    /// <summary>The call of a device.</summary>
    public static Task TaskOf(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V) => new()
        {
            Logits = (float*)logits.Address,
            Draws = (RandomKey*)draws.Address,
            Into = (SampledToken*)into.Address,
            Seed = seed,
            Rows = (int)into.Length,
            V = V,
            Temperature = rule.Temperature,
            TopK = rule.TopK,
            TopP = rule.TopP,
        };

    /// <summary>Floats of scratch a row needs: probabilities, and tokens in their order.</summary>
    public static long ScratchLength(int V) => 2L * V;

    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static void Run(in Task t, int from, int to, float* scratch)
    {
        for (int r = from; r < to; r++)
        {
            float* x = t.Logits + (long)r * t.V;
            (float max, float sum) = CrossEntropy.MaxAndSum(x, t.V);
            int token = t.Temperature <= 0 ? ArgMax(x, t.V) : Draw(t, x, max, Uniform(t, r), scratch);
            t.Into[r] = new(token, -CrossEntropy.Nll(x[token], max, sum));
        }
    }

    static float Uniform(in Task t, int row) =>
        new Rng(t.Seed, RandomPurpose.Sample, t.Draws[row].Step, t.Draws[row].Stream).NextSingle();

    static int ArgMax(float* x, int V)
    {
        int best = 0;
        for (int i = 1; i < V; i++)
            if (x[i] > x[best]) best = i;
        return best;
    }

    static int Draw(in Task t, float* x, float max, float uniform, float* scratch)
    {
        int V = t.V;
        var p = new Span<float>(scratch, V);
        var order = new Span<int>(scratch + V, V);
        Probabilities(x, V, max, 1 / t.Temperature, scratch);
        double total = 0;
        for (int i = 0; i < V; i++) total += p[i];
        int kept = V;
        bool cut = t.TopK > 0 && t.TopK < V || t.TopP < 1;
        if (cut)
        {
            for (int i = 0; i < V; i++) order[i] = i;
            // Equal probabilities are cut in whatever order the sort leaves them; it is the same for the same row.
            for (int i = 0; i < V; i++) p[i] = -p[i];
            p.Sort(order);
            if (t.TopK > 0) kept = Math.Min(kept, t.TopK);
            double mass = 0;
            for (int i = 0; i < kept; i++)
            {
                mass -= p[i];
                if (mass < t.TopP * total) continue;
                kept = i + 1;
                break;
            }
            total = 0;
            for (int i = 0; i < kept; i++) total += p[i] = -p[i];
        }
        double threshold = uniform * total, cumulated = 0;
        for (int i = 0; i < kept; i++)
        {
            cumulated += p[i];
            if (cumulated > threshold) return cut ? order[i] : i;
        }
        int last = kept - 1;                                    // rounding left the end open: the last token that can be drawn
        while (last > 0 && p[last] == 0) last--;
        return cut ? order[last] : last;
    }

    /// <summary>p = exp((x − max)·sharpness).</summary>
    static void Probabilities(float* x, int V, float max, float sharpness, float* p)
    {
        var top = Vector512.Create(max);
        for (int i = 0; i < V; i += 16)
        {
            int part = V - i;
            if (part >= 16) VectorMath.Exp((Vector512.Load(x + i) - top) * sharpness).Store(p + i);
            else VectorMath.StorePart(VectorMath.Exp((VectorMath.LoadPart(x + i, part) - top) * sharpness), p + i, part);
        }
    }
}
