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

    /// <summary>Floats of scratch a row needs: probabilities, and keys of eight bytes in their order.</summary>
    public static long ScratchLength(int V) => 3L * V + 1;

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

    static int Draw(in Task t, float* x, float max, float uniform, float* p)
    {
        int V = t.V;
        Probabilities(x, V, max, 1 / t.Temperature, p);
        double total = 0;
        for (int i = 0; i < V; i++) total += p[i];
        if ((t.TopK == 0 || t.TopK >= V) && t.TopP >= 1)
        {
            double sum = 0;
            for (int i = 0; i < V; i++)
                if ((sum += p[i]) > uniform * total) return i;
            int end = V - 1;                                      // rounding left the end open: the last that can be drawn
            while (end > 0 && p[end] == 0) end--;
            return end;
        }
        var best = (ulong*)(p + (V + 1) / 2 * 2);
        int kept = Keep(t, p, total, best);
        total = 0;
        for (int i = 0; i < kept; i++) total += p[(uint)best[i]];
        double cumulated = 0;
        for (int i = 0; i < kept; i++)
            if ((cumulated += p[(uint)best[i]]) > uniform * total) return (int)(uint)best[i];
        int last = kept - 1;
        while (last > 0 && p[(uint)best[last]] == 0) last--;
        return (int)(uint)best[last];
    }

    /// <summary>
    /// The most probable tokens, best first, equal ones in the order of their ids: as many as the rule keeps. Most often a few
    /// hold the mass, so that the rest need no order.
    /// </summary>
    /// <param name="best">[V] out: keys that sort by probability, with the token in their lower half</param>
    static int Keep(in Task t, float* p, double total, ulong* best)
    {
        int most = t.TopK > 0 ? Math.Min(t.TopK, t.V) : t.V, count = t.TopP < 1 ? Math.Min(most, 64) : most;
        while (true)
        {
            Best(p, t.V, count, best);
            double mass = 0;
            for (int i = 0; i < count; i++)
                if ((mass += p[(uint)best[i]]) >= t.TopP * total) return i + 1;
            if (count == most) return most;
            count = (int)Math.Min(most, 8L * count);
        }
    }

    static void Best(float* p, int V, int count, ulong* best)
    {
        if (count > V / 8)
        {
            for (int i = 0; i < V; i++) best[i] = Key(p[i], i);
            new Span<ulong>(best, V).Sort();
            return;
        }
        int held = 0;
        for (int i = 0; i < V; i++)
        {
            ulong key = Key(p[i], i);
            if (held == count && key > best[count - 1]) continue;
            int at = held < count ? held++ : count - 1;
            for (; at > 0 && best[at - 1] > key; at--) best[at] = best[at - 1];
            best[at] = key;
        }

        // The bits of floats that are not below zero sort as they do.
        static ulong Key(float p, int token) => (ulong)(uint.MaxValue - BitConverter.SingleToUInt32Bits(p)) << 32 | (uint)token;
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
