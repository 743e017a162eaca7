using System.Diagnostics;
using System.Runtime.InteropServices;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>A device that times each of another's operations.</summary>
/// <param name="wait">until an operation is done, where it is put off</param>
sealed class TimedDevice(IDevice inner, Action? wait = null) : IDevice
{
    Dictionary<string, (double Seconds, double Flops)> times = [];

    public Dictionary<string, (double Seconds, double Flops)> Take()
    {
        Dictionary<string, (double Seconds, double Flops)> taken = times;
        times = [];
        return taken;
    }

    void Time(string kernel, Action operation, double flops = 0)
    {
        long start = Stopwatch.GetTimestamp();
        operation();
        wait?.Invoke();
        (double seconds, double sum) = times.GetValueOrDefault(kernel);
        times[kernel] = (seconds + Stopwatch.GetElapsedTime(start).TotalSeconds, sum + flops);
    }

    double AttentionFlops(PassPlan plan, AttentionShape s, int products)
    {
        var offsets = new int[plan.Sequences + 1];
        inner.Download(plan.Offsets.Address, MemoryMarshal.AsBytes(offsets.AsSpan()));
        return 2.0 * products * s.Heads * s.DHead * Flops.Pairs(offsets);
    }

    public DeviceTraits Traits => inner.Traits;
    public nint Allocate(long bytes) => inner.Allocate(bytes);
    public nint AllocateActivations(long count) => inner.AllocateActivations(count);
    public void Send() => inner.Send();
    public void Free(nint memory) => inner.Free(memory);
    public void Upload(ReadOnlySpan<byte> from, nint to) => inner.Upload(from, to);
    public void Download(nint from, Span<byte> to) => inner.Download(from, to);
    public void Copy(nint from, nint to, long bytes) => Time("Copy", () => inner.Copy(from, to, bytes));
    public void Clear(nint x, long bytes) => Time("Clear", () => inner.Clear(x, bytes));
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y) => Time("Add", () => inner.Add(x, y));

    public void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C) =>
        Time("Embed", () => inner.Embed(table, tokens, y, rows, C));

    public void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C,
        PassPlan.Groups groups) => Time("EmbedBackward", () => inner.EmbedBackward(tokens, dy, dTable, rows, C, groups));

    public void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape,
        float epsilon) => Time("RmsNorm", () => inner.RmsNorm(x, gain, y, s, shape, epsilon));

    public void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy,
        DeviceSpan<float> dx, DeviceSpan<float> dGain, HeadRows shape, bool accumulate,
        PassPlan.Groups groups) =>
        Time("RmsNormBackward", () => inner.RmsNormBackward(x, gain, s, dy, dx, dGain, shape, accumulate, groups));

    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start, PassPlan.Groups groups) =>
        Time("MatMul " + layout, () => inner.MatMul(layout, a, b, c, m, n, k, start, groups), 2.0 * m * n * k);

    public PreparedWeight Prepare(DeviceSpan<float> values, int outputs, int inputs, bool backward) =>
        new TimedWeight(this, inner.Prepare(values, outputs, inputs, backward));

    sealed class TimedWeight(TimedDevice device, PreparedWeight weight)
        : PreparedWeight(weight.Values, weight.Outputs, weight.Inputs)
    {
        public PreparedWeight Inner => weight;
        public override void Update() => device.Time("Repack", weight.Update);
        protected override void Dispose(bool disposing) => weight.Dispose();
    }

    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, PreparedWeight b, DeviceSpan<float> c, int m,
        DeviceSpan<float> start) => Time("MatMul " + layout,
            () => inner.MatMul(layout, a, ((TimedWeight)b).Inner, c, m, start), 2.0 * m * b.Inputs * b.Outputs);

    public void MatMulBackward(DeviceSpan<float> dy, DeviceSpan<float> x, PreparedWeight w, DeviceSpan<float> dw,
        DeviceSpan<float> dx, int rows, PassPlan.Groups groups)
    {
        if (wait is not null)
            Time("MatMulBackward", () => inner.MatMulBackward(dy, x, ((TimedWeight)w).Inner, dw, dx, rows, groups),
                4.0 * rows * w.Inputs * w.Outputs);
        else                                                 // the host's are two products
        {
            MatMul(MatMulLayout.TransposedA, dy, x, dw, w.Outputs, w.Inputs, rows, dw, groups);
            MatMul(MatMulLayout.Plain, dy, w, dx, rows, default);
        }
    }

    public void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse) =>
        Time("Rope", () => inner.Rope(x, table, positions, shape, inverse));

    public void NormRotate(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> rotated, DeviceSpan<float> scales,
        DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape, float epsilon) => Time("NormRotate",
            () => inner.NormRotate(raw, gains, rotated, scales, table, positions, rows, shape, epsilon));

    public void NormRotateBackward(DeviceSpan<float> raw, DeviceSpan<float> gains, DeviceSpan<float> scales, DeviceSpan<float> d,
        DeviceSpan<float> dGains, DeviceSpan<float> table, DeviceSpan<int> positions, int rows, AttentionShape shape,
        PassPlan.Groups groups) => Time("NormRotateBackward",
            () => inner.NormRotateBackward(raw, gains, scales, d, dGains, table, positions, rows, shape, groups));

    public void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse,
        AttentionShape shape) =>
        Time("Attention", () => inner.Attention(qkv, plan, y, lse, shape), AttentionFlops(plan, shape, 2));

    public void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy,
        DeviceSpan<float> dqkv, PassPlan plan, AttentionShape shape) => Time("AttentionBackward",
            () => inner.AttentionBackward(qkv, y, lse, dy, dqkv, plan, shape), AttentionFlops(plan, shape, 5));

    public long KvPageBytes(AttentionShape shape) => inner.KvPageBytes(shape);

    public void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y,
        AttentionShape shape) => Time("AttentionCached", () => inner.AttentionCached(qkv, cache, view, y, shape));

    public void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width) =>
        Time("SwiGlu", () => inner.SwiGlu(gateUp, y, rows, width));

    public void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows,
        int width) => Time("SwiGluBackward", () => inner.SwiGluBackward(gateUp, dy, dGateUp, rows, width));

    public void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V, DeviceSpan<float> gradient = default) =>
        Time("CrossEntropy", () => inner.CrossEntropy(logits, targets, weights, totalWeight, nll, rows, V, gradient));

    public void LogSoftmax(DeviceSpan<float> logits, int rows, int V) =>
        Time("LogSoftmax", () => inner.LogSoftmax(logits, rows, V));

    public void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V) =>
        Time("Sample", () => inner.Sample(logits, rule, seed, draws, into, V));

    public void AddLoss(DeviceSpan<float> weights, DeviceSpan<float> nll, int rows, DeviceSpan<double> sum) =>
        Time("AddLoss", () => inner.AddLoss(weights, nll, rows, sum));

    public void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum) => Time("SumSquares", () => inner.SumSquares(x, sum));

    public void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v,
        DeviceSpan<double> sums, in AdamWStep step)
    {
        AdamWStep rule = step;
        Time("AdamW", () => inner.AdamW(p, g, m, v, sums, rule));
    }

    public void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        AdamWStep rule = step;
        Time("Direction", () => inner.Direction(g, m, v, sums, rule));
    }

    public void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio) =>
        Time("Axpby", () => inner.Axpby(a, x, b, y, ratio));

    public void Dispose() => inner.Dispose();
}
