using Isoflop.Data;
using Isoflop.Kernels;
using Layer = Isoflop.Nn.ModelWeights.LayerWeights;

namespace Isoflop.Nn;

/// <summary>
/// Forward and backward passes through a model, written by hand, side by side: the memory of what they compute, on a device of
/// their own. Several may share the weights at a time.
/// </summary>
/// <remarks>
/// What a row gives depends on its own sequence alone, and gradients are sums in the order of the rows: rows may be cut anywhere
/// between sequences.
/// </remarks>
sealed class Pass : IDisposable
{
    // Logits exist for one block of rows at a time: some 4 MB of them.
    const int LogitFloats = 1 << 20, MinLogitRows = 168;
    // On a device that wants long passes 512 MB, in whole blocks of rows, so that its sums over rows go on from block to block.
    const int DeviceLogitFloats = 1 << 27, LogitBlock = 256;

    readonly IDevice device;
    readonly ModelWeights weights;
    readonly ModelConfig config;
    readonly ParamTable table;
    readonly int maxRows;
    readonly AttentionShape heads;
    readonly LayerActivations[] layers;
    readonly ActivationGradients? d;
    readonly DeviceMemory memory;
    readonly PassPlan plan;
    readonly DeviceSpan<float> stream, finalNormed, finalScale, logits, dLogits;
    readonly float epsilon;

    /// <summary>Room for so many rows.</summary>
    /// <param name="training">false leaves out what only gradients need</param>
    /// <param name="groups">of rows with gradients of their own that may pass together</param>
    public Pass(IDevice device, ModelWeights weights, int maxRows, bool training, int groups = 1)
    {
        (this.device, this.weights, this.maxRows) = (device, weights, maxRows);
        (config, table, memory) = (weights.Config, weights.Table, new(device, "activations"));
        heads = Heads(config);
        epsilon = (float)config.NormEps;
        plan = new(device, maxRows, groups);
        stream = memory.Allocate<float>((long)maxRows * config.DModel);
        layers = new LayerActivations[config.NLayer];
        for (int i = 0; i < layers.Length; i++)
            layers[i] = training || i == 0
                ? new(memory, config, maxRows, i == 0 ? stream : layers[i - 1].Output, training ? null : stream)
                : layers[0];
        finalNormed = memory.AllocateActivations((long)maxRows * config.DModel);
        finalScale = memory.Allocate<float>(maxRows);
        if (training) d = new(memory, config, maxRows);
        LogitRows = LogitRowsOf(device.Traits, config, maxRows);
        logits = memory.Allocate<float>((long)LogitRows * config.VocabSize);
        dLogits = training && device.Traits.ActivationBytes < sizeof(float) ? memory.AllocateActivations(logits.Length) : logits;
    }

    /// <summary>The attention of a model.</summary>
    public static AttentionShape Heads(ModelConfig config) => new(config.NHead, config.KvHeads, config.HeadWidth);

    /// <summary>Rows whose logits exist at a time.</summary>
    public static int LogitRowsOf(DeviceTraits device, ModelConfig config, int maxRows) => Math.Min(maxRows, device.PassRows == 0
        ? Math.Max(MinLogitRows, LogitFloats / config.VocabSize)
        : Math.Max(LogitBlock, DeviceLogitFloats / config.VocabSize / LogitBlock * LogitBlock));

    /// <inheritdoc cref="LogitRowsOf"/>
    public int LogitRows { get; }

    /// <summary>−ln p of the targets (nats) of a batch's sequences; into a gradient goes what they add to it.</summary>
    /// <param name="from">first sequence</param> <param name="to">the one after the last</param>
    /// <param name="nll">[rows of the batch]: of these sequences' rows</param>
    /// <param name="rowWeights">[rows of the batch] likewise: the targets' weights, or default</param>
    /// <param name="totalWeight">Σ weight over the whole step</param>
    /// <param name="groups">rows of the batch at which groups with gradients of their own begin, then its end; empty: one</param>
    /// <param name="done">is told each layer behind which nothing more is added to its matrices' gradients</param>
    public void Read(Batch batch, int from, int to, DeviceSpan<float> nll, DeviceSpan<float> rowWeights, double totalWeight = 1,
        in Gradient? gradient = null, ReadOnlySpan<int> groups = default, Action<int>? done = null)
    {
        while (from < to)
        {
            int end = End(batch, from, to), first = batch.Offsets[from];
            Forward(batch, from, end, default, groups);
            if (rowWeights.Length > 0) device.Copy(plan.Weights, rowWeights.Slice(first, plan.Rows));
            Head(nll.Slice(first, plan.Rows), totalWeight, gradient);
            if (gradient is { } g) Backward(plan.Rows, g, end == to ? done : null);
            from = end;
        }
    }

    /// <summary>The same of some rows; the others' logits are never formed.</summary>
    /// <param name="wanted">rows of the batch, ascending; those of these sequences are read</param>
    /// <param name="nll">[wanted]</param>
    public void Read(Batch batch, int from, int to, ReadOnlySpan<int> wanted, DeviceSpan<float> nll)
    {
        while (from < to)
        {
            int end = End(batch, from, to);
            int first = Before(wanted, batch.Offsets[from]), last = Before(wanted, batch.Offsets[end]);
            if (last > first)
            {
                Forward(batch, from, end, wanted[first..last], default);
                Head(nll.Slice(first, last - first), 1, null);
            }
            from = end;
        }

        static int Before(ReadOnlySpan<int> ascending, int row)
        {
            int at = ascending.BinarySearch(row);
            return at >= 0 ? at : ~at;
        }
    }

    /// <summary>The end of the sequences from <paramref name="from"/> on for which there is room.</summary>
    int End(Batch batch, int from, int to)
    {
        int end = from + 1;
        while (end < to && batch.Offsets[end + 1] - batch.Offsets[from] <= maxRows) end++;
        return end;
    }

    void Forward(Batch batch, int from, int to, ReadOnlySpan<int> wanted, ReadOnlySpan<int> groups)
    {
        int first = batch.Offsets[from], rows = batch.Offsets[to] - first;
        plan.Set(batch.Tokens.AsSpan(first, rows), batch.Positions.AsSpan(first, rows), batch.Offsets[from..(to + 1)],
            batch.Targets.AsSpan(first, rows), batch.Weights.AsSpan(first, rows), wanted, groups);
        Embed(plan);
        for (int i = 0; i < layers.Length; i++)
        {
            ProjectQkv(i, plan);
            device.Attention(layers[i].RotatedQkv, plan, layers[i].Attended, layers[i].Lse, heads);
            AfterAttention(i, rows);
        }
    }

    void Embed(PassRows pass) => device.Embed(weights.Params.Slice(table.Embedding.Offset, table.Embedding.Length), pass.Tokens,
        stream, pass.Rows, config.DModel);

    // ---- one layer: x → x + Wo·attention(norm(x)) → … + Wd·swiglu(norm(…)) ----------------------------------------------------

    void ProjectQkv(int i, PassRows pass)
    {
        int rows = pass.Rows;
        (LayerActivations a, LayerParams p, Layer w) = At(i);
        device.RmsNorm(a.Input, Gain(weights.Params, p.AttentionNorm), a.AttentionIn, a.AttentionScale, Whole(rows), epsilon);
        w.Qkv.Forward(device, a.AttentionIn, config.QkNorm ? a.RawQkv : a.RotatedQkv, rows);
        if (config.QkNorm)
            device.NormRotate(a.RawQkv, QkGains(weights.Params, p), a.RotatedQkv, a.QkScales, weights.RopeTable, pass.Positions,
                rows, heads, epsilon);
        else device.Rope(a.RotatedQkv, weights.RopeTable, pass.Positions, Rotated(rows), inverse: false);
    }

    void ProjectQkvBackward(int i, int rows, DeviceSpan<float> slab)
    {
        (LayerActivations a, LayerParams p, Layer w) = At(i);
        if (config.QkNorm)
            device.NormRotateBackward(a.RawQkv, QkGains(weights.Params, p), a.QkScales, d!.Qkv, QkGains(slab, p),
                weights.RopeTable, plan.Positions, rows, heads, Groups);
        else device.Rope(d!.Qkv, weights.RopeTable, plan.Positions, Rotated(rows), inverse: true);
        w.Qkv.Backward(device, slab, a.AttentionIn, d.Qkv, d.Normed, rows, Groups);
        device.RmsNormBackward(a.Input, Gain(weights.Params, p.AttentionNorm), a.AttentionScale, d.Normed, d.Stream,
            Gain(slab, p.AttentionNorm), Whole(rows), accumulate: true, Groups);
    }

    void AfterAttention(int i, int rows)
    {
        (LayerActivations a, LayerParams p, Layer w) = At(i);
        w.Output.Forward(device, a.Attended, a.Middle, rows, a.Input);
        device.RmsNorm(a.Middle, Gain(weights.Params, p.MlpNorm), a.MlpIn, a.MlpScale, Whole(rows), epsilon);
        w.GateUp.Forward(device, a.MlpIn, a.GateUp, rows);
        device.SwiGlu(a.GateUp, a.Gated, rows, config.FfWidth);
        w.Down.Forward(device, a.Gated, a.Output, rows, a.Middle);
    }

    void AfterAttentionBackward(int i, int rows, DeviceSpan<float> slab)
    {
        (LayerActivations a, LayerParams p, Layer w) = At(i);
        w.Down.Backward(device, slab, a.Gated, d!.Stream, d.Gated, rows, Groups);
        device.SwiGluBackward(a.GateUp, d.Gated, d.GateUp, rows, config.FfWidth);
        w.GateUp.Backward(device, slab, a.MlpIn, d.GateUp, d.Normed, rows, Groups);
        device.RmsNormBackward(a.Middle, Gain(weights.Params, p.MlpNorm), a.MlpScale, d.Normed, d.Stream,
            Gain(slab, p.MlpNorm), Whole(rows), accumulate: true, Groups);
        w.Output.Backward(device, slab, a.Attended, d.Stream, d.Attended, rows, Groups);
    }

    void Backward(int rows, in Gradient gradient, Action<int>? done)
    {
        device.RmsNormBackward(layers[^1].Output, Gain(weights.Params, table.FinalNorm), finalScale, d!.Normed, d.Stream,
            Gain(gradient.Slab, table.FinalNorm), Whole(rows), accumulate: false, Groups);
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            AfterAttentionBackward(i, rows, gradient.Slab);
            device.AttentionBackward(layers[i].RotatedQkv, layers[i].Attended, layers[i].Lse, d.Attended, d.Qkv, plan, heads);
            ProjectQkvBackward(i, rows, gradient.Slab);
            done?.Invoke(i);
        }
        device.EmbedBackward(plan.Tokens, d.Stream, gradient.Embedding, rows, config.DModel,
            Groups with { Stride = gradient.Stride });
    }

    /// <summary>The final norm of a pass; where only some rows' logits are wanted, those gathered.</summary>
    DeviceSpan<float> FinalNorm(PassRows pass)
    {
        device.RmsNorm(layers[^1].Output, Gain(weights.Params, table.FinalNorm), finalNormed, finalScale,
            Whole(pass.Rows), epsilon);
        if (pass.Wanted.Length == 0) return finalNormed;
        device.Embed(finalNormed, pass.Wanted, layers[0].MlpIn, (int)pass.Wanted.Length, config.DModel);
        return layers[0].MlpIn;
    }

    /// <summary>Logits and cross-entropy of the plan's rows, a block at a time; with a gradient, d.Normed too.</summary>
    void Head(DeviceSpan<float> nll, double totalWeight, in Gradient? gradient)
    {
        int C = config.DModel, V = config.VocabSize;
        DeviceSpan<float> normed = FinalNorm(plan);
        for (int r = 0; r < plan.Predicting; r += LogitRows)
        {
            int count = Math.Min(LogitRows, plan.Predicting - r);
            DeviceSpan<float> x = normed.Slice((long)r * C, (long)count * C);
            weights.Head.Forward(device, x, logits, count);
            device.CrossEntropy(logits, plan.Targets.Slice(r, count), gradient is null ? default : plan.Weights.Slice(r, count),
                totalWeight, nll.Slice(r, count), count, V, dLogits);
            if (gradient is { } g)
                weights.Head.Backward(device, g.Slab, x, dLogits, d!.Normed.Slice((long)r * C, (long)count * C), count,
                    Groups.From(r));
        }
    }

    /// <summary>Appends each row's token to its slot, and gives logits for the view's wanted rows.</summary>
    /// <returns>[wanted, V], valid until the next pass</returns>
    public DeviceSpan<float> Decode(CacheView view, KvCache cache)
    {
        Embed(view);
        for (int i = 0; i < layers.Length; i++)
        {
            ProjectQkv(i, view);
            device.AttentionCached(layers[i].RotatedQkv, cache.Layer(i), view, layers[i].Attended, heads);
            AfterAttention(i, view.Rows);
        }
        int wanted = (int)view.Wanted.Length;
        if (wanted == 0) return default;
        weights.Head.Forward(device, FinalNorm(view), logits, wanted);
        return logits.Slice(0, (long)wanted * config.VocabSize);
    }

    // ---- places ---------------------------------------------------------------------------------------------------------------

    PassPlan.Groups Groups => new(plan.GroupOffsets, 0, table.Length);

    static DeviceSpan<float> Gain(DeviceSpan<float> slab, Param p) => slab.Slice(p.Offset, p.Length);

    /// <summary>Of queries first, of keys last.</summary>
    static DeviceSpan<float> QkGains(DeviceSpan<float> slab, LayerParams p) =>
        slab.Slice(p.QNorm!.Offset, p.KNorm!.Offset + p.KNorm.Length - p.QNorm.Offset);

    HeadRows Rotated(int rows) => heads.Vectors(rows, heads.Heads + heads.KvHeads);

    HeadRows Whole(int rows) => new(rows, 1, config.DModel, config.DModel);

    (LayerActivations, LayerParams, Layer) At(int i) => (layers[i], table.Layers[i], weights.Layers[i]);

    /// <summary>Frees its memory.</summary>
    public void Dispose()
    {
        plan.Dispose();
        memory.Dispose();
    }
}
