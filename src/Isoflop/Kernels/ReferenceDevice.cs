namespace Isoflop.Kernels;

/// <summary>
/// The definition of every operation: plain loops, double sums, one thread. Slow; tests hold <see cref="CpuDevice"/> to it.
/// </summary>
/// <param name="precision">of weights' products: in bf16 by <see cref="Bf16.Reference"/></param>
sealed unsafe class ReferenceDevice(Precision precision = Precision.F32) : HostDevice, IDevice
{
    /// <inheritdoc/>
    public DeviceTraits Traits { get; } = new("reference: plain loops, double sums", "none",
        precision == Precision.F32 ? "float32" : precision.Name(), true,
        Kernels.AttentionCached.PageTokens, MemoryBytes, new(() => Machine.Measure(1).PeakGflops * 1e9));

    /// <inheritdoc/>
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y)
    {
        for (long i = 0; i < x.Length; i++) F(y)[i] += F(x)[i];
    }

    /// <inheritdoc/>
    public void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C) =>
        Embedding.Forward(new() { Table = F(table), Tokens = I(tokens), Y = F(y), Rows = rows, C = C }, 0, rows);

    /// <inheritdoc/>
    public void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C,
        PassPlan.Groups groups = default)
    {
        for (int g = 0; g < groups.Count; g++)
        {
            (int from, int to, long at) = RowsOf(groups, g, rows);
            for (int r = from; r < to; r++)
                for (int c = 0; c < C; c++) F(dTable)[at + (long)I(tokens)[r] * C + c] += F(dy)[(long)r * C + c];
        }
    }

    /// <inheritdoc/>
    public void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape,
        float epsilon) =>
        Kernels.RmsNorm.Reference(new() { X = F(x), Gain = F(gain), Y = F(y), S = F(s), Shape = shape, Epsilon = epsilon });

    /// <inheritdoc/>
    public void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy,
        DeviceSpan<float> dx, DeviceSpan<float> dGain, HeadRows shape, bool accumulate, PassPlan.Groups groups = default)
    {
        for (int g = 0; g < groups.Count; g++)
        {
            (int from, int to, long at) = RowsOf(groups, g, shape.Rows);
            long row = (long)from * shape.Stride;
            Kernels.RmsNorm.ReferenceBackward(new()
            {
                X = F(x) + row,
                Gain = F(gain),
                S = F(s) + (long)from * shape.Heads,
                DY = F(dy) + row,
                DX = F(dx) + row,
                DGain = F(dGain) + at,
                Shape = shape with { Rows = to - from },
                Accumulate = accumulate,
            });
        }
    }

    /// <inheritdoc/>
    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start = default, PassPlan.Groups groups = default)
    {
        for (int g = 0; g < groups.Count; g++)
        {
            (int from, int to, long at) = RowsOf(groups, g, k);
            var task = new Kernels.MatMul.Task
            {
                Layout = layout,
                A = F(a) + (long)from * m,                        // rows of both, where there are groups
                B = F(b) + (long)from * n,
                C = F(c) + at,
                M = m,
                N = n,
                K = to - from,
                Start = start.Length == 0 ? null : F(start) + at,
            };
            if (precision == Precision.F32) Kernels.MatMul.Reference(task);
            else Bf16.Reference(task, precision);
        }
    }

    /// <inheritdoc/>
    public void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse) =>
        Kernels.Rope.Reference(new() { X = F(x), Table = F(table), Positions = I(positions), Shape = shape, Inverse = inverse });

    /// <inheritdoc/>
    public void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse, AttentionShape shape)
    {
        int* offsets = I(plan.Offsets);
        for (int i = 0; i < plan.Sequences; i++)
            Kernels.Attention.Reference(
                new() { Qkv = F(qkv), Y = F(y), Lse = F(lse), Shape = shape, Rows = plan.Rows }, offsets[i], offsets[i + 1]);
    }

    /// <inheritdoc/>
    public void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy,
        DeviceSpan<float> dqkv, PassPlan plan, AttentionShape shape)
    {
        int* offsets = I(plan.Offsets);
        for (int i = 0; i < plan.Sequences; i++)
            Kernels.Attention.ReferenceBackward(
                new() { Qkv = F(qkv), Y = F(y), Lse = F(lse), DY = F(dy), DQkv = F(dqkv), Shape = shape, Rows = plan.Rows },
                offsets[i], offsets[i + 1]);
    }

    /// <inheritdoc/>
    public long KvPageBytes(AttentionShape shape) => (long)Kernels.AttentionCached.PageTokens * shape.Stride * sizeof(float);

    /// <inheritdoc/>
    /// <remarks>The cache keeps whole rows of qkv; a row's attention is the definition's last row on its slot's rows.</remarks>
    public void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y,
        AttentionShape shape)
    {
        const int Page = Kernels.AttentionCached.PageTokens;
        int S = shape.Stride, O = shape.OutputStride;
        int* positions = I(view.Positions);
        for (int r = 0; r < view.Rows; r++)
            new ReadOnlySpan<float>(F(qkv) + (long)r * S, S).CopyTo(Row(r, positions[r]));
        for (int r = 0; r < view.Rows; r++)
        {
            int count = positions[r] + 1;
            float[] lse = new float[shape.Heads * count], rows = new float[count * S], all = new float[count * O];
            for (int t = 0; t < count; t++) Row(r, t).CopyTo(rows.AsSpan(t * S, S));
            fixed (float* pLse = lse, pRows = rows, pAll = all)
                Kernels.Attention.Reference(new() { Qkv = pRows, Y = pAll, Lse = pLse, Shape = shape, Rows = count }, 0, count);
            all.AsSpan(positions[r] * O, O).CopyTo(new Span<float>(F(y) + (long)r * O, O));
        }

        Span<float> Row(int r, int t)
        {
            int page = I(view.Pages)[I(view.FirstPage)[r] + t / Page];
            return new((float*)cache.Address + ((long)page * Page + t % Page) * S, S);
        }
    }

    /// <inheritdoc/>
    public void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width) =>
        Kernels.SwiGlu.Reference(new() { GateUp = F(gateUp), Y = F(y), Rows = rows, F = width });

    /// <inheritdoc/>
    public void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows, int width) =>
        Kernels.SwiGlu.ReferenceBackward(new() { GateUp = F(gateUp), DY = F(dy), DGateUp = F(dGateUp), Rows = rows, F = width });

    /// <inheritdoc/>
    public void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V, DeviceSpan<float> gradient = default) => Kernels.CrossEntropy.Reference(
            Kernels.CrossEntropy.TaskOf(logits, targets, weights, totalWeight, nll, rows, V));

    /// <inheritdoc/>
    public void LogSoftmax(DeviceSpan<float> logits, int rows, int V) =>
        Kernels.CrossEntropy.LogSoftmaxReference(F(logits), rows, V);

    /// <inheritdoc/>
    public void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V)
    {
        var scratch = new float[Sampling.ScratchLength(V)];
        fixed (float* pScratch = scratch)
            Sampling.Run(Sampling.TaskOf(logits, rule, seed, draws, into, V), 0, (int)into.Length, pScratch);
    }

    /// <inheritdoc/>
    public void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum)
    {
        double total = 0, part;
        for (long from = 0; from < x.Length; from += Elementwise.Chunk)
        {
            ChunkSquares(x.Slice(from, Math.Min(Elementwise.Chunk, x.Length - from)), new((nint)(&part), 1));
            total += part;
        }
        *D(sum) = total;
    }

    internal override void ChunkSquares(DeviceSpan<float> x, DeviceSpan<double> sums)
    {
        for (int chunk = 0; chunk < sums.Length; chunk++)
        {
            double total = 0;
            long from = (long)chunk * Elementwise.Chunk, to = Math.Min(from + Elementwise.Chunk, x.Length);
            for (long i = from; i < to; i++) total += (double)F(x)[i] * F(x)[i];
            D(sums)[chunk] = total;
        }
    }

    /// <inheritdoc/>
    public void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        if (AdamWKernel.TryScale(D(sums), step.Clip, out float scale))
            AdamWKernel.Reference(
                new() { P = F(p), G = F(g), M = F(m), V = F(v), Step = step, GradientScale = scale }, p.Length);
    }

    /// <inheritdoc/>
    public void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        if (AdamWKernel.TryScale(D(sums), step.Clip, out float scale))
            DirectionKernel.Reference(new() { G = F(g), M = F(m), V = F(v), Step = step, GradientScale = scale }, g.Length);
    }

    /// <inheritdoc/>
    public void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio)
    {
        double scale = a * Elementwise.Root(ratio.Length == 0 ? null : D(ratio));
        for (long i = 0; i < x.Length; i++) F(y)[i] = (float)(scale * F(x)[i] + (b == 0 ? 0 : (double)b * F(y)[i]));
    }
}
