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
public sealed class Transformer
{
    // Logits exist for one block of rows at a time: some 4 MB of them.
    const int LogitFloats = 1 << 20, FewestLogitRows = 168;

    readonly IDevice device;
    readonly int maxRows, logitRows;
    readonly AttentionShape heads;
    readonly Weight head;
    readonly LayerWeights[] weights;
    readonly LayerActivations[] layers;
    readonly ActivationGradients? d;
    readonly DeviceMemory tokens, targets, positions, rowWeights, rope, stream;
    readonly DeviceMemory finalNormed, finalScale, nll, logits, tiedGradient;
    readonly float[] hostNll, hostWeights;
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
        Params = device.Allocate(Table.Length);
        Gradients = training ? device.Allocate(Table.Length) : default;
        heads = new(config.NHead, config.KvHeads, config.HeadWidth);
        epsilon = (float)config.NormEps;
        DeviceMemory? gradients = training ? Gradients : null;
        weights = [.. Table.Layers.Select(l => new LayerWeights(
            new(device, Params, gradients, l.Q, l.K, l.V), new(device, Params, gradients, l.O),
            new(device, Params, gradients, l.Gate, l.Up), new(device, Params, gradients, l.Down)))];
        head = new(device, Params, gradients, Table.Head);
        // A tied head's gradient comes by row blocks, the embedding's at the end of each pass: two sums, joined once a step.
        if (training && config.TiedHead) tiedGradient = device.Allocate(Table.Embedding.Length);

        (tokens, targets, positions) = (device.Allocate(maxRows), device.Allocate(maxRows), device.Allocate(maxRows));
        rowWeights = device.Allocate(maxRows);
        rope = RopeTable(config);
        stream = device.Allocate((long)maxRows * config.DModel);
        layers = new LayerActivations[config.NLayer];
        for (int i = 0; i < layers.Length; i++)
            layers[i] = training || i == 0
                ? new(device, config, maxRows, i == 0 ? stream : layers[i - 1].Output, training ? null : stream)
                : layers[0];
        finalNormed = device.Allocate((long)maxRows * config.DModel);
        finalScale = device.Allocate(maxRows);
        if (training) d = new(device, config, maxRows);
        logitRows = Math.Min(maxRows, Math.Max(FewestLogitRows, LogitFloats / config.VocabSize));
        logits = device.Allocate((long)logitRows * config.VocabSize);
        nll = device.Allocate(maxRows);
        (hostNll, hostWeights) = (new float[maxRows], new float[maxRows]);
    }

    /// <summary>The shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Names and places of all parameters.</summary>
    public ParamTable Table { get; }

    /// <summary>All parameters; after a change call <see cref="Refresh"/>.</summary>
    public DeviceMemory Params { get; }

    /// <summary>Their gradients, in the same layout.</summary>
    public DeviceMemory Gradients { get; }

    /// <summary>Where all of this lies.</summary>
    public IDevice Device => device;

    /// <summary>Rows of one pass at most.</summary>
    public int MaxRows => maxRows;

    /// <summary>−ln p of every target of the last pass, nats.</summary>
    public ReadOnlySpan<float> Nll => hostNll;

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
        Refresh();
    }

    double Deviation(Param p)
    {
        double fanIn = 1 / Math.Sqrt(p.Cols);
        if (p == Table.Embedding) return Config.TiedHead ? fanIn : 0.1;
        bool writesStream = Table.Layers.Any(l => p == l.O || p == l.Down);
        return writesStream ? fanIn / Math.Sqrt(2 * Config.NLayer) : fanIn;
    }

    /// <summary>Counts calls of <see cref="Refresh"/>: what was computed at another count is stale.</summary>
    public int Version { get; private set; }

    /// <summary>Lays the weights out anew; after every change of <see cref="Params"/>.</summary>
    public void Refresh()
    {
        Version++;
        foreach ((Weight qkv, Weight output, Weight gateUp, Weight down) in weights)
        {
            qkv.Refresh();
            output.Refresh();
            gateUp.Refresh();
            down.Refresh();
        }
        head.Refresh();
    }

    /// <summary>Zero gradients: the start of a step.</summary>
    public void ClearGradients()
    {
        device.Clear(Gradients);
        if (Config.TiedHead) device.Clear(tiedGradient);
    }

    /// <summary>Joins what a step's micro-batches summed apart: the end of a step.</summary>
    public void FinishGradients()
    {
        if (Config.TiedHead) device.Add(tiedGradient, Gradients.Slice(Table.Embedding.Offset, Table.Embedding.Length));
    }

    /// <summary>Adds the batch's Σ weight·nll (nats) to <paramref name="loss"/>, row by row.</summary>
    public void Loss(Batch batch, ref double loss)
    {
        Forward(batch);
        Head(batch.Rows, gradient: false);
        AddLoss(batch, ref loss);
    }

    /// <summary>
    /// The same, and adds the gradient of Σ weight·nll / <paramref name="totalWeight"/> to <see cref="Gradients"/>.
    /// </summary>
    /// <param name="totalWeight">Σ weight over the whole step, of which this batch may be a part</param>
    public void LossAndGradient(Batch batch, double totalWeight, ref double loss)
    {
        for (int r = 0; r < batch.Rows; r++) hostWeights[r] = (float)(batch.Weights[r] / totalWeight);
        device.Upload(hostWeights.AsSpan(0, batch.Rows), rowWeights.Slice(0, batch.Rows));
        Forward(batch);
        Head(batch.Rows, gradient: true);
        AddLoss(batch, ref loss);
        Backward(batch);
    }

    /// <summary>−ln p of the targets of some rows (nats); the others' logits are never formed.</summary>
    /// <param name="wanted">rows of the batch</param> <param name="into">[wanted], the bits that <see cref="Loss"/> gives</param>
    public void NllOf(Batch batch, ReadOnlySpan<int> wanted, Span<float> into)
    {
        Forward(batch);
        device.RmsNorm(layers[^1].Output, Gain(Table.FinalNorm), finalNormed, finalScale, Whole(batch.Rows), epsilon);
        for (int from = 0; from < wanted.Length; from += logitRows)
        {
            int count = Math.Min(logitRows, wanted.Length - from);
            HeadOf(wanted.Slice(from, count));
            var own = new int[count];
            for (int r = 0; r < count; r++) own[r] = batch.Targets[wanted[from + r]];
            device.Upload(own, targets.Slice(0, count));
            device.CrossEntropy(logits, targets.Slice(0, count), default, nll.Slice(0, count), count, Config.VocabSize);
            device.Download(nll.Slice(0, count), into.Slice(from, count));
        }
    }

    /// <summary>Logits of some rows of the final norm, gathered.</summary>
    void HeadOf(ReadOnlySpan<int> wanted)
    {
        device.Upload(wanted, targets.Slice(0, wanted.Length));
        device.Embed(finalNormed, targets, layers[0].MlpIn, wanted.Length, Config.DModel);
        head.Forward(layers[0].MlpIn, logits, wanted.Length);
    }

    void AddLoss(Batch batch, ref double loss)
    {
        device.Download(nll.Slice(0, batch.Rows), hostNll.AsSpan(0, batch.Rows));
        for (int r = 0; r < batch.Rows; r++) loss += (double)batch.Weights[r] * hostNll[r];
    }

    void Forward(Batch batch)
    {
        CheckIds(batch.Targets.AsSpan(0, batch.Rows));
        Upload(batch.Tokens.AsSpan(0, batch.Rows), batch.Positions.AsSpan(0, batch.Rows));
        device.Upload(batch.Targets.AsSpan(0, batch.Rows), targets.Slice(0, batch.Rows));
        for (int i = 0; i < layers.Length; i++)
        {
            LayerActivations a = layers[i];
            ProjectQkv(i, batch.Rows);
            device.Attention(a.RotatedQkv, batch.Offsets, a.Attended, a.Lse, heads);
            AfterAttention(i, batch.Rows);
        }
    }

    void Upload(ReadOnlySpan<int> rows, ReadOnlySpan<int> at)
    {
        if (rows.Length > maxRows) throw new ArgumentException($"{rows.Length} rows, room for {maxRows}");
        CheckIds(rows);
        foreach (int position in at)
            if ((uint)position >= (uint)Config.ContextLen)
                throw new ArgumentException($"position {position} is outside of the context of {Config.ContextLen} tokens");
        device.Upload(rows, tokens.Slice(0, rows.Length));
        device.Upload(at, positions.Slice(0, rows.Length));
        device.Embed(Params.Slice(Table.Embedding.Offset, Table.Embedding.Length), tokens, stream, rows.Length, Config.DModel);
    }

    /// <summary>Ids come from files: one outside of the vocabulary would read past a table.</summary>
    void CheckIds(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
            if ((uint)id >= (uint)Config.VocabSize)
                throw new DataException(
                    $"token {id} is outside of the model's vocabulary of {Config.VocabSize}; build the corpus anew");
    }

    // ---- one layer: x → x + Wo·attention(norm(x)) → … + Wd·swiglu(norm(…)) ----------------------------------------------------

    void ProjectQkv(int i, int rows)
    {
        (LayerActivations a, LayerParams p) = (layers[i], Table.Layers[i]);
        device.RmsNorm(a.Input, Gain(p.AttentionNorm), a.AttentionIn, a.AttentionScale, Whole(rows), epsilon);
        (HeadRows q, HeadRows k) = HeadsOf(rows);
        DeviceMemory projected = Config.QkNorm ? a.RawQkv : a.RotatedQkv;
        weights[i].Qkv.Forward(a.AttentionIn, projected, rows);
        if (Config.QkNorm)
        {
            device.Copy(Rows(a.RawQkv, rows, heads.Stride), a.RotatedQkv);
            device.RmsNorm(a.RawQkv, Gain(p.QNorm!), a.RotatedQkv, a.QScale, q, epsilon);
            device.RmsNorm(Keys(a.RawQkv), Gain(p.KNorm!), Keys(a.RotatedQkv), a.KScale, k, epsilon);
        }
        device.Rope(a.RotatedQkv, rope, positions, Rotated(rows), inverse: false);
    }

    void ProjectQkvBackward(int i, int rows)
    {
        (LayerActivations a, LayerParams p) = (layers[i], Table.Layers[i]);
        (HeadRows q, HeadRows k) = HeadsOf(rows);
        device.Rope(d!.Qkv, rope, positions, Rotated(rows), inverse: true);
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

    void Backward(Batch batch)
    {
        int rows = batch.Rows;
        device.RmsNormBackward(layers[^1].Output, Gain(Table.FinalNorm), finalScale, d!.Normed, d.Stream,
            GainGradient(Table.FinalNorm), Whole(rows), accumulate: false);
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            AfterAttentionBackward(i, rows);
            device.AttentionBackward(layers[i].RotatedQkv, layers[i].Attended, layers[i].Lse, d.Attended, d.Qkv,
                batch.Offsets, heads);
            ProjectQkvBackward(i, rows);
        }
        DeviceMemory table = Config.TiedHead ? tiedGradient : Gradients.Slice(Table.Embedding.Offset, Table.Embedding.Length);
        device.EmbedBackward(tokens, d.Stream, table, rows, Config.DModel);
    }

    /// <summary>Final norm, logits and cross-entropy, a block of rows at a time; with a gradient, d.Normed too.</summary>
    void Head(int rows, bool gradient)
    {
        int C = Config.DModel, V = Config.VocabSize;
        device.RmsNorm(layers[^1].Output, Gain(Table.FinalNorm), finalNormed, finalScale, Whole(rows), epsilon);
        for (int r = 0; r < rows; r += logitRows)
        {
            int count = Math.Min(logitRows, rows - r);
            DeviceMemory x = finalNormed.Slice((long)r * C, (long)count * C);
            head.Forward(x, logits, count);
            device.CrossEntropy(logits, targets.Slice(r, count), gradient ? rowWeights.Slice(r, count) : default,
                nll.Slice(r, count), count, V);
            if (gradient) head.Backward(x, logits, d!.Normed.Slice((long)r * C, (long)count * C), count);
        }
    }

    // ---- decoding -------------------------------------------------------------------------------------------------------------

    /// <summary>Continues sequences: appends each row's token to its slot and gives logits for chosen rows.</summary>
    /// <param name="slots">slot of each row</param>
    /// <param name="at">position of each row: how many tokens its slot holds before it</param>
    /// <param name="wanted">rows whose logits are needed, at most <see cref="MaxLogitRows"/></param>
    /// <returns>[wanted, V], valid until the next pass; bit for bit those of a pass over the whole sequence</returns>
    public DeviceMemory Decode(ReadOnlySpan<int> next, ReadOnlySpan<int> slots, ReadOnlySpan<int> at, KvCache cache,
        ReadOnlySpan<int> wanted)
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
        Upload(next, at);
        for (int i = 0; i < layers.Length; i++)
        {
            ProjectQkv(i, rows);
            device.AttentionCached(layers[i].RotatedQkv, cache.Layer(i), cache.Pages, cache.SlotPages, slots, at,
                layers[i].Attended, heads);
            AfterAttention(i, rows);
        }
        device.RmsNorm(layers[^1].Output, Gain(Table.FinalNorm), finalNormed, finalScale, Whole(rows), epsilon);
        HeadOf(wanted);
        return logits.Slice(0, (long)wanted.Length * Config.VocabSize);
    }

    /// <summary>Rows whose logits one <see cref="Decode"/> can give.</summary>
    public int MaxLogitRows => logitRows;

    // ---- places ---------------------------------------------------------------------------------------------------------------

    void CopyStream(DeviceMemory from, DeviceMemory to, int rows)
    {
        if (d is not null) device.Copy(Rows(from, rows, Config.DModel), to);      // else they are one memory
    }

    static DeviceMemory Rows(DeviceMemory x, int rows, int width) => x.Slice(0, (long)rows * width);

    DeviceMemory Keys(DeviceMemory qkv) => qkv.Slice(heads.OutputStride, qkv.Length - heads.OutputStride);

    DeviceMemory Gain(Param p) => Params.Slice(p.Offset, p.Length);

    DeviceMemory GainGradient(Param p) => Gradients.Slice(p.Offset, p.Length);

    HeadRows Whole(int rows) => new(rows, 1, Config.DModel, Config.DModel);

    (HeadRows Q, HeadRows K) HeadsOf(int rows) =>
        (new(rows, heads.Heads, heads.DHead, heads.Stride), new(rows, heads.KvHeads, heads.DHead, heads.Stride));

    HeadRows Rotated(int rows) => new(rows, heads.Heads + heads.KvHeads, heads.DHead, heads.Stride);

    DeviceMemory RopeTable(ModelConfig c)
    {
        var table = new float[c.ContextLen * c.HeadWidth];
        for (int i = 0; i < c.ContextLen; i++) Kernels.Rope.Angles(i, c.RopeTheta, table.AsSpan(i * c.HeadWidth, c.HeadWidth));
        DeviceMemory memory = device.Allocate(table.Length);
        device.Upload(table, memory);
        return memory;
    }
}
