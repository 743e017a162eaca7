namespace Isoflop.Kernels;

/// <summary>
/// The definition of every operation: plain loops, double sums, one thread. Slow; tests hold <see cref="CpuDevice"/> to it.
/// </summary>
public sealed unsafe class ReferenceDevice : HostDevice, IDevice
{
    /// <inheritdoc/>
    public string Name => "reference: plain loops, double sums";

    /// <inheritdoc/>
    public void Add(DeviceMemory x, DeviceMemory y)
    {
        for (long i = 0; i < x.Length; i++) F(y)[i] += F(x)[i];
    }

    /// <inheritdoc/>
    public void Embed(DeviceMemory table, DeviceMemory tokens, DeviceMemory y, int rows, int C) =>
        Embedding.Forward(new() { Table = F(table), Tokens = I(tokens), Y = F(y), Rows = rows, C = C }, 0, rows);

    /// <inheritdoc/>
    public void EmbedBackward(DeviceMemory tokens, DeviceMemory dy, DeviceMemory dTable, int rows, int C)
    {
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < C; c++) F(dTable)[(long)I(tokens)[r] * C + c] += F(dy)[(long)r * C + c];
    }

    /// <inheritdoc/>
    public void RmsNorm(DeviceMemory x, DeviceMemory gain, DeviceMemory y, DeviceMemory s, HeadRows shape, float epsilon) =>
        Kernels.RmsNorm.Reference(new() { X = F(x), Gain = F(gain), Y = F(y), S = F(s), Shape = shape, Epsilon = epsilon });

    /// <inheritdoc/>
    public void RmsNormBackward(DeviceMemory x, DeviceMemory gain, DeviceMemory s, DeviceMemory dy, DeviceMemory dx,
        DeviceMemory dGain, HeadRows shape, bool accumulate) => Kernels.RmsNorm.ReferenceBackward(new()
        {
            X = F(x),
            Gain = F(gain),
            S = F(s),
            DY = F(dy),
            DX = F(dx),
            DGain = F(dGain),
            Shape = shape,
            Accumulate = accumulate,
        });

    /// <inheritdoc/>
    public void MatMul(Form form, DeviceMemory a, DeviceMemory b, DeviceMemory packed, DeviceMemory c, int m, int n, int k,
        bool accumulate) => Kernels.MatMul.Reference(
            new() { Form = form, A = F(a), B = F(b), C = F(c), M = m, N = n, K = k, Accumulate = accumulate });

    /// <inheritdoc/>
    public long PackedLength(int n, int k) => 0;

    /// <inheritdoc/>
    public void Pack(Form form, DeviceMemory b, DeviceMemory packed, int n, int k) { }

    /// <inheritdoc/>
    public void Rope(DeviceMemory x, DeviceMemory table, DeviceMemory positions, HeadRows shape, bool inverse) =>
        Kernels.Rope.Reference(new() { X = F(x), Table = F(table), Positions = I(positions), Shape = shape, Inverse = inverse });

    /// <inheritdoc/>
    public void Attention(DeviceMemory qkv, ReadOnlySpan<int> offsets, DeviceMemory y, DeviceMemory lse, AttentionShape shape)
    {
        for (int i = 0; i + 1 < offsets.Length; i++)
            Kernels.Attention.Reference(
                new() { Qkv = F(qkv), Y = F(y), Lse = F(lse), Shape = shape, Rows = offsets[^1] }, offsets[i], offsets[i + 1]);
    }

    /// <inheritdoc/>
    public void AttentionBackward(DeviceMemory qkv, DeviceMemory y, DeviceMemory lse, DeviceMemory dy, DeviceMemory dqkv,
        ReadOnlySpan<int> offsets, AttentionShape shape)
    {
        for (int i = 0; i + 1 < offsets.Length; i++)
            Kernels.Attention.ReferenceBackward(
                new() { Qkv = F(qkv), Y = F(y), Lse = F(lse), DY = F(dy), DQkv = F(dqkv), Shape = shape, Rows = offsets[^1] },
                offsets[i], offsets[i + 1]);
    }

    /// <inheritdoc/>
    public long KvCacheLength(int pages, AttentionShape shape) =>
        (long)pages * Kernels.AttentionCached.PageTokens * shape.Stride;

    /// <inheritdoc/>
    /// <remarks>The cache keeps whole rows of qkv; a row's attention is the definition's last row on its slot's rows.</remarks>
    public void AttentionCached(DeviceMemory qkv, DeviceMemory cache, ReadOnlySpan<int> pages, int slotPages,
        ReadOnlySpan<int> slots, ReadOnlySpan<int> positions, DeviceMemory y, AttentionShape shape)
    {
        const int Page = Kernels.AttentionCached.PageTokens;
        int S = shape.Stride, O = shape.OutputStride, context = slotPages * Page;
        float[] lse = new float[shape.Heads * context], rows = new float[context * S], all = new float[context * O];
        for (int r = 0; r < slots.Length; r++)
            new ReadOnlySpan<float>(F(qkv) + (long)r * S, S).CopyTo(Row(pages, slots[r], positions[r]));
        fixed (float* pLse = lse, pRows = rows, pAll = all)
            for (int r = 0; r < slots.Length; r++)
            {
                int count = positions[r] + 1;
                for (int t = 0; t < count; t++) Row(pages, slots[r], t).CopyTo(rows.AsSpan(t * S, S));
                Kernels.Attention.Reference(new() { Qkv = pRows, Y = pAll, Lse = pLse, Shape = shape, Rows = count }, 0, count);
                all.AsSpan(positions[r] * O, O).CopyTo(new Span<float>(F(y) + (long)r * O, O));
            }

        Span<float> Row(ReadOnlySpan<int> pages, int slot, int t) =>
            new(F(cache) + ((long)pages[slot * slotPages + t / Page] * Page + t % Page) * S, S);
    }

    /// <inheritdoc/>
    public void SwiGlu(DeviceMemory gateUp, DeviceMemory y, int rows, int width) =>
        Kernels.SwiGlu.Reference(new() { GateUp = F(gateUp), Y = F(y), Rows = rows, F = width });

    /// <inheritdoc/>
    public void SwiGluBackward(DeviceMemory gateUp, DeviceMemory dy, DeviceMemory dGateUp, int rows, int width) =>
        Kernels.SwiGlu.ReferenceBackward(new() { GateUp = F(gateUp), DY = F(dy), DGateUp = F(dGateUp), Rows = rows, F = width });

    /// <inheritdoc/>
    public void CrossEntropy(DeviceMemory logits, DeviceMemory targets, DeviceMemory dWeights, DeviceMemory nll, int rows,
        int V) => Kernels.CrossEntropy.Reference(
            new() { Logits = F(logits), Targets = I(targets), DWeights = F(dWeights), Nll = F(nll), Rows = rows, V = V });

    /// <inheritdoc/>
    public void AdamW(DeviceMemory p, DeviceMemory g, DeviceMemory m, DeviceMemory v, in AdamWStep step) =>
        AdamWKernel.Reference(new() { P = F(p), G = F(g), M = F(m), V = F(v), Step = step }, p.Length);

    /// <inheritdoc/>
    public double SumSquares(DeviceMemory x)
    {
        double sum = 0;
        for (long i = 0; i < x.Length; i++) sum += (double)F(x)[i] * F(x)[i];
        return sum;
    }

    /// <inheritdoc/>
    public void Sample(DeviceMemory logits, ReadOnlySpan<float> uniforms, SamplingRule rule, Span<int> tokens,
        Span<float> logProbs, int V)
    {
        var scratch = new float[Sampling.ScratchLength(V)];
        fixed (float* pUniforms = uniforms, pLogProbs = logProbs, pScratch = scratch)
        fixed (int* pTokens = tokens)
            Sampling.Run(new()
            {
                Logits = F(logits),
                Uniforms = pUniforms,
                Tokens = pTokens,
                LogProbs = pLogProbs,
                Rows = tokens.Length,
                V = V,
                Temperature = rule.Temperature,
                TopK = rule.TopK,
                TopP = rule.TopP,
            }, 0, tokens.Length, pScratch);
    }
}
