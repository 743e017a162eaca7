using Isoflop.Data;
using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// A decoder-only Transformer, the Llama and Qwen3 families: RMSNorm, rotary embedding, grouped-query attention (Qwen3: norms
/// on q and k), SwiGLU. Touvron et al. 2023, arXiv:2302.13971; Yang et al. 2025, arXiv:2505.09388.
/// </summary>
/// <remarks>
/// Forward and backward passes are written by hand, side by side; all memory is laid out here, before the first step. What a
/// row gives depends on its own sequence alone, and gradients are sums in the order of the rows: batches may be cut anywhere
/// between sequences.
/// </remarks>
public sealed class Transformer : IDisposable
{
    // Logits exist for one block of rows at a time: some 4 MB of them.
    const int LogitFloats = 1 << 20, MinLogitRows = 168;

    readonly IDevice device;
    readonly int maxRows, logitRows;
    readonly AttentionShape heads;
    readonly Weight head;
    readonly LayerWeights[] weights;
    readonly Weight[] everyWeight;
    readonly LayerActivations[] layers;
    readonly ActivationGradients? d;
    readonly DeviceMemory memory;
    readonly PassPlan plan;
    readonly DeviceSpan<float> rope, stream, finalNormed, finalScale, nll, logits, tiedGradient;
    readonly float epsilon;

    sealed record LayerWeights(Weight Qkv, Weight Output, Weight GateUp, Weight Down);

    /// <summary>
    /// Lays out a model for passes of at most <paramref name="maxRows"/> tokens;
    /// parameters are zero until initialised or loaded.
    /// </summary>
    /// <param name="training">false leaves out gradients and what only they need</param>
    /// <exception cref="ConfigException">The shape breaks a rule.</exception>
    public Transformer(IDevice device, ModelConfig config, int maxRows, bool training)
    {
        if (config.Problems().FirstOrDefault() is { } problem) throw new ConfigException(problem);
        (this.device, Config, this.maxRows) = (device, config, maxRows);
        Table = new ParamTable(config);
        memory = new(device);
        Params = memory.Allocate<float>(Table.Length);
        Gradients = training ? memory.Allocate<float>(Table.Length) : default;
        Sums = memory.Allocate<double>(2);
        heads = new(config.NHead, config.KvHeads, config.HeadWidth);
        epsilon = (float)config.NormEps;
        DeviceSpan<float>? gradients = training ? Gradients : null;
        weights = [.. Table.Layers.Select(l => new LayerWeights(
            new(device, Params, gradients, l.Q, l.K, l.V), new(device, Params, gradients, l.O),
            new(device, Params, gradients, l.Gate, l.Up), new(device, Params, gradients, l.Down)))];
        head = new(device, Params, gradients, Table.Head);
        everyWeight = [.. weights.SelectMany(w => (Weight[])[w.Qkv, w.Output, w.GateUp, w.Down]), head];
        // A tied head's gradient comes by row blocks, the embedding's at the end of each pass: two sums, joined once a step.
        if (training && config.TiedHead) tiedGradient = memory.Allocate<float>(Table.Embedding.Length);

        plan = new(device, maxRows);
        rope = RopeTable(config);
        stream = memory.Allocate<float>((long)maxRows * config.DModel);
        layers = new LayerActivations[config.NLayer];
        for (int i = 0; i < layers.Length; i++)
            layers[i] = training || i == 0
                ? new(memory, config, maxRows, i == 0 ? stream : layers[i - 1].Output, training ? null : stream)
                : layers[0];
        finalNormed = memory.Allocate<float>((long)maxRows * config.DModel);
        finalScale = memory.Allocate<float>(maxRows);
        if (training) d = new(memory, config, maxRows);
        logitRows = Math.Min(maxRows, Math.Max(MinLogitRows, LogitFloats / config.VocabSize));
        logits = memory.Allocate<float>((long)logitRows * config.VocabSize);
        nll = memory.Allocate<float>(maxRows);
    }

    /// <summary>The shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Names and places of all parameters.</summary>
    public ParamTable Table { get; }

    /// <summary>All parameters; after a change call <see cref="RepackWeights"/>.</summary>
    public DeviceSpan<float> Params { get; }

    /// <summary>Their gradients, in the same layout.</summary>
    public DeviceSpan<float> Gradients { get; }

    /// <summary>[2] Σ weight·nll since it was cleared, nats; Σ gradient², which the optimiser fills in.</summary>
    internal DeviceSpan<double> Sums { get; }

    /// <summary>Where all of this lies.</summary>
    public IDevice Device => device;

    /// <summary>Rows of one pass at most.</summary>
    public int MaxRows => maxRows;

    /// <summary>Bytes of a page of keys and values, one layer.</summary>
    internal long KvPageBytes => device.KvPageBytes(heads);

    /// <summary>
    /// Random first values: matrices by fan-in, those that write to the residual stream smaller by √(2·n_layer), gains one.
    /// </summary>
    public void Initialise(ulong seed)
    {
        for (int i = 0; i < Table.All.Count; i++)
        {
            Param p = Table.All[i];
            var values = new float[p.Length];
            if (!p.IsMatrix) Array.Fill(values, 1);
            else
            {
                var rng = RandomUse.FirstWeights.Open(seed, index: i);
                double std = Deviation(p);
                for (int j = 0; j < values.Length; j++) values[j] = (float)(std * rng.NextNormal());
            }
            device.Upload(values, Params.Slice(p.Offset, p.Length));
        }
        RepackWeights();
    }

    double Deviation(Param p)
    {
        double fanIn = 1 / Math.Sqrt(p.Cols);
        if (p == Table.Embedding) return Config.TiedHead ? fanIn : 0.1;
        bool writesStream = Table.Layers.Any(l => p == l.O || p == l.Down);
        return writesStream ? fanIn / Math.Sqrt(2 * Config.NLayer) : fanIn;
    }

    /// <summary>Counts calls of <see cref="RepackWeights"/>: what was computed at another count is stale.</summary>
    public int Version { get; private set; }

    /// <summary>Lays the weights out anew; after every change of <see cref="Params"/>.</summary>
    public void RepackWeights()
    {
        Version++;
        foreach (Weight weight in everyWeight) weight.Repack();
    }

    /// <summary>Zero gradients and loss: the start of a step.</summary>
    public void ClearGradients()
    {
        device.Clear(Gradients);
        if (Config.TiedHead) device.Clear(tiedGradient);
        ClearLoss();
    }

    /// <summary>Joins what a step's micro-batches summed apart: the end of a step.</summary>
    public void FinishGradients()
    {
        if (Config.TiedHead) device.Add(tiedGradient, Gradients.Slice(Table.Embedding.Offset, Table.Embedding.Length));
    }

    /// <summary>Zero loss.</summary>
    public void ClearLoss() => device.Clear(Sums);

    /// <summary>What the passes since it was cleared have added to the loss: Σ weight·nll, nats, row by row.</summary>
    public double ReadLoss()
    {
        Span<double> loss = stackalloc double[1];
        device.Download(Sums.Slice(0, 1), loss);
        return loss[0];
    }

    /// <summary>Adds the batch's Σ weight·nll to the loss, which stays on the device.</summary>
    /// <param name="nlls">[rows] where −ln p of the targets (nats) is wanted too; or empty</param>
    public void Loss(Batch batch, Span<float> nlls = default)
    {
        Forward(batch, default);
        Head(gradient: false, 1);
        device.AddLoss(plan.Weights, nll, plan.Predicting, Sums);
        if (!nlls.IsEmpty) device.Download(nll.Slice(0, batch.Rows), nlls);
    }

    /// <summary>
    /// The same, and adds the gradient of Σ weight·nll / <paramref name="totalWeight"/> to <see cref="Gradients"/>.
    /// </summary>
    /// <param name="totalWeight">Σ weight over the whole step, of which this batch may be a part</param>
    public void LossAndGradient(Batch batch, double totalWeight, Span<float> nlls = default)
    {
        Forward(batch, default);
        Head(gradient: true, totalWeight);
        device.AddLoss(plan.Weights, nll, plan.Predicting, Sums);
        Backward(batch.Rows);
        if (!nlls.IsEmpty) device.Download(nll.Slice(0, batch.Rows), nlls);
    }

    /// <summary>−ln p of the targets of some rows (nats); the others' logits are never formed.</summary>
    /// <param name="wanted">rows of the batch; empty: all</param>
    /// <param name="into">[wanted], the bits that <see cref="Loss"/> gives</param>
    public void Nll(Batch batch, Span<float> into, ReadOnlySpan<int> wanted = default)
    {
        Forward(batch, wanted);
        Head(gradient: false, 1);
        device.Download(nll.Slice(0, plan.Predicting), into);
    }

    void Forward(Batch batch, ReadOnlySpan<int> wanted)
    {
        int rows = batch.Rows;
        ReadOnlySpan<int> tokens = batch.Tokens.AsSpan(0, rows), at = batch.Positions.AsSpan(0, rows);
        ReadOnlySpan<int> targets = batch.Targets.AsSpan(0, rows);
        Check(tokens, at);
        CheckIds(targets);
        plan.Set(tokens, at, batch.Offsets, targets, batch.Weights.AsSpan(0, rows), wanted);
        Embed(plan);
        for (int i = 0; i < layers.Length; i++)
        {
            LayerActivations a = layers[i];
            ProjectQkv(i, plan);
            device.Attention(a.RotatedQkv, plan, a.Attended, a.Lse, heads);
            AfterAttention(i, rows);
        }
    }

    void Check(ReadOnlySpan<int> rows, ReadOnlySpan<int> at)
    {
        if (rows.Length > maxRows) throw new ArgumentException($"{rows.Length} rows, room for {maxRows}");
        CheckIds(rows);
        foreach (int position in at)
            if ((uint)position >= (uint)Config.ContextLen)
                throw new ArgumentException($"position {position} is outside of the context of {Config.ContextLen} tokens");
    }

    /// <summary>Ids come from files: one outside of the vocabulary would read past a table.</summary>
    void CheckIds(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
            if ((uint)id >= (uint)Config.VocabSize)
                throw new DataException(
                    $"token {id} is outside of the model's vocabulary of {Config.VocabSize}; build the corpus anew");
    }

    void Embed(PassRows pass) => device.Embed(
        Params.Slice(Table.Embedding.Offset, Table.Embedding.Length), pass.Tokens, stream, pass.Rows, Config.DModel);

    // ---- one layer: x → x + Wo·attention(norm(x)) → … + Wd·swiglu(norm(…)) ----------------------------------------------------

    void ProjectQkv(int i, PassRows pass)
    {
        int rows = pass.Rows;
        (LayerActivations a, LayerParams p) = (layers[i], Table.Layers[i]);
        device.RmsNorm(a.Input, Gain(p.AttentionNorm), a.AttentionIn, a.AttentionScale, Whole(rows), epsilon);
        (HeadRows q, HeadRows k) = HeadsOf(rows);
        DeviceSpan<float> projected = Config.QkNorm ? a.RawQkv : a.RotatedQkv;
        weights[i].Qkv.Forward(a.AttentionIn, projected, rows);
        if (Config.QkNorm)
        {
            device.Copy(Rows(a.RawQkv, rows, heads.Stride), a.RotatedQkv);
            device.RmsNorm(a.RawQkv, Gain(p.QNorm!), a.RotatedQkv, a.QScale, q, epsilon);
            device.RmsNorm(Keys(a.RawQkv), Gain(p.KNorm!), Keys(a.RotatedQkv), a.KScale, k, epsilon);
        }
        device.Rope(a.RotatedQkv, rope, pass.Positions, Rotated(rows), inverse: false);
    }

    void ProjectQkvBackward(int i, int rows)
    {
        (LayerActivations a, LayerParams p) = (layers[i], Table.Layers[i]);
        (HeadRows q, HeadRows k) = HeadsOf(rows);
        device.Rope(d!.Qkv, rope, plan.Positions, Rotated(rows), inverse: true);
        if (Config.QkNorm)
        {
            device.RmsNormBackward(a.RawQkv, Gain(p.QNorm!), a.QScale, d.Qkv, d.Qkv, GainGradient(p.QNorm!), q,
                accumulate: false);
            device.RmsNormBackward(Keys(a.RawQkv), Gain(p.KNorm!), a.KScale, Keys(d.Qkv), Keys(d.Qkv), GainGradient(p.KNorm!), k,
                accumulate: false);
        }
        weights[i].Qkv.Backward(a.AttentionIn, d.Qkv, d.Normed, rows);
        device.RmsNormBackward(a.Input, Gain(p.AttentionNorm), a.AttentionScale, d.Normed, d.Stream,
            GainGradient(p.AttentionNorm), Whole(rows), accumulate: true);
    }

    void AfterAttention(int i, int rows)
    {
        (LayerActivations a, LayerParams p, LayerWeights w) = (layers[i], Table.Layers[i], weights[i]);
        CopyStream(a.Input, a.Middle, rows);
        w.Output.Forward(a.Attended, a.Middle, rows, accumulate: true);
        device.RmsNorm(a.Middle, Gain(p.MlpNorm), a.MlpIn, a.MlpScale, Whole(rows), epsilon);
        w.GateUp.Forward(a.MlpIn, a.GateUp, rows);
        device.SwiGlu(a.GateUp, a.Gated, rows, Config.FfWidth);
        CopyStream(a.Middle, a.Output, rows);
        w.Down.Forward(a.Gated, a.Output, rows, accumulate: true);
    }

    void AfterAttentionBackward(int i, int rows)
    {
        (LayerActivations a, LayerParams p, LayerWeights w) = (layers[i], Table.Layers[i], weights[i]);
        w.Down.Backward(a.Gated, d!.Stream, d.Gated, rows);
        device.SwiGluBackward(a.GateUp, d.Gated, d.GateUp, rows, Config.FfWidth);
        w.GateUp.Backward(a.MlpIn, d.GateUp, d.Normed, rows);
        device.RmsNormBackward(a.Middle, Gain(p.MlpNorm), a.MlpScale, d.Normed, d.Stream, GainGradient(p.MlpNorm), Whole(rows),
            accumulate: true);
        w.Output.Backward(a.Attended, d.Stream, d.Attended, rows);
    }

    void Backward(int rows)
    {
        device.RmsNormBackward(layers[^1].Output, Gain(Table.FinalNorm), finalScale, d!.Normed, d.Stream,
            GainGradient(Table.FinalNorm), Whole(rows), accumulate: false);
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            AfterAttentionBackward(i, rows);
            device.AttentionBackward(layers[i].RotatedQkv, layers[i].Attended, layers[i].Lse, d.Attended, d.Qkv, plan, heads);
            ProjectQkvBackward(i, rows);
        }
        DeviceSpan<float> table =
            Config.TiedHead ? tiedGradient : Gradients.Slice(Table.Embedding.Offset, Table.Embedding.Length);
        device.EmbedBackward(plan.Tokens, d.Stream, table, rows, Config.DModel);
    }

    /// <summary>The final norm of a pass; where only some rows' logits are wanted, those gathered.</summary>
    DeviceSpan<float> FinalNorm(PassRows pass)
    {
        device.RmsNorm(layers[^1].Output, Gain(Table.FinalNorm), finalNormed, finalScale, Whole(pass.Rows), epsilon);
        if (pass.Wanted.Length == 0) return finalNormed;
        device.Embed(finalNormed, pass.Wanted, layers[0].MlpIn, (int)pass.Wanted.Length, Config.DModel);
        return layers[0].MlpIn;
    }

    /// <summary>Logits and cross-entropy of the plan's rows, a block at a time; with a gradient, d.Normed too.</summary>
    void Head(bool gradient, double totalWeight)
    {
        int C = Config.DModel, V = Config.VocabSize;
        DeviceSpan<float> normed = FinalNorm(plan);
        for (int r = 0; r < plan.Predicting; r += logitRows)
        {
            int count = Math.Min(logitRows, plan.Predicting - r);
            DeviceSpan<float> x = normed.Slice((long)r * C, (long)count * C);
            head.Forward(x, logits, count);
            device.CrossEntropy(logits, plan.Targets.Slice(r, count), gradient ? plan.Weights.Slice(r, count) : default,
                totalWeight, nll.Slice(r, count), count, V);
            if (gradient) head.Backward(x, logits, d!.Normed.Slice((long)r * C, (long)count * C), count);
        }
    }

    // ---- decoding -------------------------------------------------------------------------------------------------------------

    /// <summary>Continues sequences: appends each row's token to its slot and gives logits for chosen rows.</summary>
    /// <param name="slots">slot of each row</param>
    /// <param name="at">position of each row: how many tokens its slot holds before it</param>
    /// <param name="wanted">rows whose logits are needed, at most <see cref="MaxLogitRows"/></param>
    /// <param name="draws">[wanted], for <see cref="IDevice.Sample"/> to find in the cache's view; or empty</param>
    /// <returns>[wanted, V], valid until the next pass; bit for bit those of a pass over the whole sequence</returns>
    public DeviceSpan<float> Decode(ReadOnlySpan<int> next, ReadOnlySpan<int> slots, ReadOnlySpan<int> at, KvCache cache,
        ReadOnlySpan<int> wanted, ReadOnlySpan<RandomKey> draws = default)
    {
        int rows = next.Length;
        if (slots.Length != rows || at.Length != rows)
            throw new ArgumentException($"{rows} tokens, {slots.Length} slots, {at.Length} positions");
        for (int r = 0; r < rows; r++)
            if ((uint)slots[r] >= (uint)cache.Slots || (uint)at[r] >= (uint)cache.Context)
                throw new ArgumentException(
                    $"slot {slots[r]}, position {at[r]}: the cache has {cache.Slots} slots of {cache.Context} tokens");
        if (wanted.Length > logitRows)
            throw new ArgumentException($"{wanted.Length} rows of logits wanted, room for {logitRows}");
        Check(next, at);
        CacheView view = cache.View;
        view.Set(next, slots, at, cache.Pages, wanted, draws);
        Embed(view);
        for (int i = 0; i < layers.Length; i++)
        {
            ProjectQkv(i, view);
            device.AttentionCached(layers[i].RotatedQkv, cache.Layer(i), view, layers[i].Attended, heads);
            AfterAttention(i, rows);
        }
        if (wanted.IsEmpty) return default;
        head.Forward(FinalNorm(view), logits, wanted.Length);
        return logits.Slice(0, (long)wanted.Length * Config.VocabSize);
    }

    /// <summary>Rows whose logits one <see cref="Decode"/> can give.</summary>
    public int MaxLogitRows => logitRows;

    // ---- places ---------------------------------------------------------------------------------------------------------------

    void CopyStream(DeviceSpan<float> from, DeviceSpan<float> to, int rows)
    {
        if (d is not null) device.Copy(Rows(from, rows, Config.DModel), to);      // else they are one memory
    }

    static DeviceSpan<float> Rows(DeviceSpan<float> x, int rows, int width) => x.Slice(0, (long)rows * width);

    DeviceSpan<float> Keys(DeviceSpan<float> qkv) => qkv.Slice(heads.OutputStride, qkv.Length - heads.OutputStride);

    DeviceSpan<float> Gain(Param p) => Params.Slice(p.Offset, p.Length);

    DeviceSpan<float> GainGradient(Param p) => Gradients.Slice(p.Offset, p.Length);

    HeadRows Whole(int rows) => new(rows, 1, Config.DModel, Config.DModel);

    (HeadRows Q, HeadRows K) HeadsOf(int rows) =>
        (new(rows, heads.Heads, heads.DHead, heads.Stride), new(rows, heads.KvHeads, heads.DHead, heads.Stride));

    HeadRows Rotated(int rows) => new(rows, heads.Heads + heads.KvHeads, heads.DHead, heads.Stride);

    DeviceSpan<float> RopeTable(ModelConfig c)
    {
        var table = new float[c.ContextLen * c.HeadWidth];
        for (int i = 0; i < c.ContextLen; i++) Kernels.Rope.Angles(i, c.RopeTheta, table.AsSpan(i * c.HeadWidth, c.HeadWidth));
        DeviceSpan<float> place = memory.Allocate<float>(table.Length);
        device.Upload(table, place);
        return place;
    }

    /// <summary>Frees all its memory.</summary>
    public void Dispose()
    {
        foreach (Weight weight in everyWeight) weight.Dispose();
        plan.Dispose();
        memory.Dispose();
    }
}
