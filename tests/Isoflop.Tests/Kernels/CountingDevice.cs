using Isoflop.Kernels;

namespace Isoflop.Tests.Kernels;

/// <summary>A device from outside: passes everything on, and counts what crosses to it and back.</summary>
sealed class CountingDevice(IDevice inner) : IDevice
{
    readonly Dictionary<nint, long> pieces = [];

    public int Uploads { get; private set; }
    public long BytesUp { get; private set; }
    public int Downloads { get; private set; }
    public long BytesDown { get; private set; }

    /// <summary>Calls of attention on cached keys: one a layer and pass.</summary>
    public int CachedLayers { get; private set; }

    /// <summary>Bytes allocated and not freed.</summary>
    public long Held => pieces.Values.Sum();

    public void Reset() => (Uploads, BytesUp, Downloads, BytesDown, CachedLayers) = (0, 0, 0, 0, 0);

    public bool RunsBehind { get; init; }

    public DeviceTraits Traits => inner.Traits with { Name = "counting", RunsBehind = RunsBehind };

    public nint Allocate(long bytes) => Keep(inner.Allocate(bytes), bytes);

    public nint AllocateActivations(long count) => Keep(inner.AllocateActivations(count), count * inner.Traits.ActivationBytes);

    nint Keep(nint piece, long bytes)
    {
        pieces.Add(piece, bytes);
        return piece;
    }

    public void Free(nint memory)
    {
        Xunit.Assert.True(pieces.Remove(memory), "freed what it does not hold");
        inner.Free(memory);
    }

    public void Upload(ReadOnlySpan<byte> from, nint to)
    {
        (Uploads, BytesUp) = (Uploads + 1, BytesUp + from.Length);
        inner.Upload(from, to);
    }

    public void Download(nint from, Span<byte> to)
    {
        (Downloads, BytesDown) = (Downloads + 1, BytesDown + to.Length);
        inner.Download(from, to);
    }

    public void Copy(nint from, nint to, long bytes) => inner.Copy(from, to, bytes);

    public void Clear(nint x, long bytes) => inner.Clear(x, bytes);

    public void Add(DeviceSpan<float> x, DeviceSpan<float> y) => inner.Add(x, y);

    public void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C) => inner.Embed(table, tokens, y, rows, C);

    public void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C, PassPlan.Groups groups) =>
        inner.EmbedBackward(tokens, dy, dTable, rows, C, groups);

    public void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape, float epsilon) =>
        inner.RmsNorm(x, gain, y, s, shape, epsilon);

    public void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy, DeviceSpan<float> dx,
        DeviceSpan<float> dGain, HeadRows shape, bool accumulate, PassPlan.Groups groups) =>
        inner.RmsNormBackward(x, gain, s, dy, dx, dGain, shape, accumulate, groups);

    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k, DeviceSpan<float> start,
        PassPlan.Groups groups) => inner.MatMul(layout, a, b, c, m, n, k, start, groups);

    public PreparedWeight Prepare(DeviceSpan<float> values, int outputs, int inputs, bool backward) => inner.Prepare(values, outputs, inputs, backward);

    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, PreparedWeight b, DeviceSpan<float> c, int m, DeviceSpan<float> start) =>
        inner.MatMul(layout, a, b, c, m, start);

    public void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse) =>
        inner.Rope(x, table, positions, shape, inverse);

    public void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse, AttentionShape shape) =>
        inner.Attention(qkv, plan, y, lse, shape);

    public void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy, DeviceSpan<float> dqkv,
        PassPlan plan, AttentionShape shape) => inner.AttentionBackward(qkv, y, lse, dy, dqkv, plan, shape);

    public long KvPageBytes(AttentionShape shape) => inner.KvPageBytes(shape);

    public void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y, AttentionShape shape)
    {
        CachedLayers++;
        inner.AttentionCached(qkv, cache, view, y, shape);
    }

    public void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width) => inner.SwiGlu(gateUp, y, rows, width);

    public void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows, int width) =>
        inner.SwiGluBackward(gateUp, dy, dGateUp, rows, width);

    public void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight, DeviceSpan<float> nll,
        int rows, int V, DeviceSpan<float> gradient = default) => inner.CrossEntropy(logits, targets, weights, totalWeight, nll, rows, V, gradient);

    public void LogSoftmax(DeviceSpan<float> logits, int rows, int V) => inner.LogSoftmax(logits, rows, V);

    public void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws, DeviceSpan<SampledToken> into, int V) =>
        inner.Sample(logits, rule, seed, draws, into, V);

    public void AddLoss(DeviceSpan<float> weights, DeviceSpan<float> nll, int rows, DeviceSpan<double> sum) => inner.AddLoss(weights, nll, rows, sum);

    public void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum) => inner.SumSquares(x, sum);

    public void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums, in AdamWStep step) =>
        inner.AdamW(p, g, m, v, sums, step);

    public void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums, in AdamWStep step) =>
        inner.Direction(g, m, v, sums, step);

    public void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio) => inner.Axpby(a, x, b, y, ratio);

    public void Dispose() => inner.Dispose();
}
