using System.Diagnostics;
using Isoflop.Data;
using Isoflop.Kernels;

namespace Isoflop.Nn;

/// <summary>
/// A decoder-only Transformer, the Llama and Qwen3 families: RMSNorm, rotary embedding, grouped-query attention (Qwen3: norms
/// on q and k), SwiGLU. Touvron et al. 2023, arXiv:2302.13971; Yang et al. 2025, arXiv:2505.09388.
/// </summary>
/// <remarks>
/// A batch's sequences fall into shards, each with a gradient of its own, a sum in the order of its rows; shards are added as a
/// fixed tree. So bits depend on the batch and on the number of shards. Lanes, parts of the device that each have memory for a
/// pass, take shard after shard and do not wait for each other; a device that wants long passes takes all of them at once. All
/// memory is laid out here, before the first step.
/// </remarks>
public sealed class Transformer : IDisposable
{
    // More lanes than one for models of fewer parameters: what is left of a step's end does not weigh then.
    const long ReadInLanes = 1 << 20;

    readonly IDevice device;
    readonly DeviceMemory memory;
    readonly ModelWeights weights;
    readonly DeviceLanes lanes;
    readonly Pass[] passes;                                       // one a lane
    readonly Gradient[] gradients;                                // one a shard that is this process's
    readonly Ranks? ranks;
    readonly SharedGradients? shared;
    readonly int allShards;
    readonly int maxRows;
    readonly DeviceSpan<float> everyGradient, nll, rowWeights;
    readonly int[] wantedRows, groupRows, rankRows, layersDone;
    readonly bool together;                                       // all shards pass at once
    readonly Action<int> work, layerDone;
    Pass? whole;
    bool gradientsStale;
    Job job;
    int nextShard;

    /// <summary>What the lanes are at.</summary>
    struct Job
    {
        public Batch Batch;
        public int First, Shards, Of, Wanted;                      // shards First to First + Shards of so many
        public bool Gradient;
        public double TotalWeight;
    }

    /// <summary>
    /// Lays out a model for batches of at most <paramref name="maxRows"/> tokens;
    /// parameters are zero until initialised or loaded.
    /// </summary>
    /// <param name="training">false leaves out gradients and what only they need</param>
    /// <param name="shards">of a batch, when it trains</param>
    /// <param name="passRows">
    /// tokens that pass through the model at once, of all lanes; 0: a batch. In float32 memory, never bits; else each lane's
    /// </param>
    /// <exception cref="ConfigException">The shape breaks a rule.</exception>
    public Transformer(IDevice device, ModelConfig config, int maxRows, bool training, int shards = 1, int passRows = 0)
        : this(device, config, maxRows, training, shards, passRows, null) { }

    /// <param name="ranks">with which it trains; shards over ranks is a power of two</param>
    internal Transformer(IDevice device, ModelConfig config, int maxRows, bool training, int shards, int passRows, Ranks? ranks)
    {
        if (config.Problems().FirstOrDefault() is { } problem) throw new ConfigException(problem);
        (this.device, this.maxRows, this.ranks, allShards) = (device, maxRows, ranks, shards);
        shards /= ranks?.Count ?? 1;
        weights = new(device, config, training);
        memory = new(device, "gradients");
        Sums = memory.Allocate<double>(2);
        (nll, rowWeights, wantedRows) = (memory.Allocate<float>(maxRows), memory.Allocate<float>(maxRows), new int[maxRows]);
        if (training)
        {
            everyGradient = memory.Allocate<float>(shards * Table.Length);
            Param e = Table.Embedding;
            DeviceSpan<float> apart = config.TiedHead ? memory.Allocate<float>(shards * e.Length) : default;
            gradients = new Gradient[shards];
            for (int s = 0; s < shards; s++)
            {
                DeviceSpan<float> slab = everyGradient.Slice(s * Table.Length, Table.Length);
                gradients[s] = config.TiedHead ? new(slab, apart.Slice(s * e.Length, e.Length), e.Length)
                    : new(slab, slab.Slice(e.Offset, e.Length), Table.Length);
            }
            if (ranks is not null) shared = new(ranks, device, Table, everyGradient);
        }
        else gradients = [];
        lanes = device.Split(training ? shards : Table.Parameters < ReadInLanes ? int.MaxValue : 1);
        // Other precisions than float32 sum gradients over groups of a pass's rows: what is a pass must not hang on the lanes.
        int most = passRows > 0 ? Math.Min(passRows, maxRows) : maxRows,
            own = training && device.Traits.Precision != "float32" ? most : most / lanes.Devices.Count;
        passes = [.. lanes.Devices.Select(lane =>
            new Pass(lane, weights, Math.Min(maxRows, Math.Max(own, config.ContextLen)), training, shards))];
        together = device.Traits.PassRows > 0 && lanes.Devices.Count == 1;
        groupRows = new int[shards + 1];
        rankRows = new int[(ranks?.Count ?? 0) + 1];
        layersDone = new int[config.NLayer];
        (work, layerDone) = (Work, LayerDone);
    }

    /// <summary>The shape.</summary>
    public ModelConfig Config => weights.Config;

    /// <summary>Names and places of all parameters.</summary>
    internal ParamTable Table => weights.Table;

    /// <summary>All parameters; after a change call <see cref="RepackWeights"/>.</summary>
    public DeviceSpan<float> Params => weights.Params;

    /// <summary>
    /// Their gradients, in the same layout, after <see cref="FinishGradients"/>; where ranks train, this one's parts of them.
    /// </summary>
    public DeviceSpan<float> Gradients => gradients.Length > 0 ? gradients[0].Slab : default;

    /// <summary>What of the slabs an optimiser that goes element by element need not step itself; null: nothing.</summary>
    internal SlabParts? OwnParts => shared is { ByParts: true } s ? s.Parts : null;

    /// <summary>[2] Σ weight·nll since it was cleared, nats; Σ gradient², which the optimiser fills in.</summary>
    internal DeviceSpan<double> Sums { get; }

    /// <summary>Where all of this lies.</summary>
    public IDevice Device => device;

    /// <summary>Rows of one batch at most.</summary>
    public int MaxRows => maxRows;

    /// <summary>Bytes of a page of keys and values, one layer.</summary>
    internal long KvPageBytes => device.KvPageBytes(Pass.Heads(Config));

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

    /// <summary>When the last pass with gradients ended here, whatever others are at: a <see cref="Stopwatch"/>'s time.</summary>
    internal long PassEnded { get; private set; }

    /// <summary>Counts calls of <see cref="RepackWeights"/>: what was computed at another count is stale.</summary>
    public int Version { get; private set; }

    /// <summary>Lays the weights out anew; after every change of <see cref="Params"/>.</summary>
    public void RepackWeights()
    {
        Version++;
        weights.Repack();
    }

    /// <summary>Zero gradients and loss: the start of a step.</summary>
    public void ClearGradients()
    {
        gradientsStale = true;                                    // each is cleared by the lane that comes to it
        Array.Clear(layersDone);
        shared?.Begin();
        ClearLoss();
    }

    /// <summary>Joins what a step summed apart: the end of a step.</summary>
    public void FinishGradients()
    {
        if (gradientsStale) ClearStale(0, gradients.Length);
        gradientsStale = false;
        if (shared is not null) return;                           // joined with the pass: ranks have one a step
        JoinEmbeddings();
        if (gradients.Length > 1) device.SumShards(everyGradient, gradients.Length);
    }

    void JoinEmbeddings()
    {
        if (!Config.TiedHead) return;
        foreach (Gradient g in gradients)
            device.Add(g.Embedding, g.Slab.Slice(Table.Embedding.Offset, Table.Embedding.Length));
    }

    /// <summary>Σ gradient² into the second of <see cref="Sums"/>.</summary>
    internal void SumSquares()
    {
        DeviceSpan<double> sum = Sums.Slice(1, 1);
        if (shared is null) device.SumSquares(Gradients, sum);
        else shared.SumSquares(sum);
    }

    /// <summary>
    /// Each of a pair of ranks passes the other's shards, which shows in no bit: what was computed once is computed elsewhere.
    /// </summary>
    internal bool Swapped { get; set; }

    /// <summary>Makes <see cref="Gradients"/> whole in every rank.</summary>
    internal void GatherGradients() => shared?.Gather();

    /// <summary>Takes the others' parts of <see cref="Params"/>, which each has stepped for all.</summary>
    internal void GatherParams()
    {
        if (shared is not null) ranks!.Gather(device, Params, shared.Parts);
    }

    void ClearStale(int from, int to)
    {
        DeviceSpan<float> first = gradients[from].Slab, embedding = gradients[from].Embedding;
        device.Clear(new DeviceSpan<float>(first.Address, (to - from) * first.Length));
        if (Config.TiedHead) device.Clear(new DeviceSpan<float>(embedding.Address, (to - from) * embedding.Length));
    }

    /// <summary>Zero loss.</summary>
    public void ClearLoss() => device.Clear(Sums);

    /// <summary>What the batches since it was cleared have added to the loss: Σ weight·nll, nats, row by row.</summary>
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
        Run(new() { Batch = batch, Shards = PartsToRead, Of = PartsToRead });
        AddLoss(batch, nlls);
    }

    /// <summary>
    /// The same, and adds the gradient of Σ weight·nll / <paramref name="totalWeight"/> to <see cref="Gradients"/>.
    /// </summary>
    /// <param name="totalWeight">
    /// Σ weight over the whole step. The batch may be a part of it, whose cut shows in no bit where there is one shard.
    /// </param>
    public void LossAndGradient(Batch batch, double totalWeight, Span<float> nlls = default)
    {
        int own = gradients.Length;
        if (shared is not null && !gradientsStale) throw new InvalidOperationException("ranks pass a step's batch in one piece");
        Run(new()
        {
            Batch = batch,
            First = own * (ranks is null ? 0 : Swapped ? ranks.Rank ^ 1 : ranks.Rank),
            Shards = own,
            Of = allShards,
            Gradient = true,
            TotalWeight = totalWeight,
        });
        gradientsStale = false;
        if (shared is not null)
        {
            PassEnded = Stopwatch.GetTimestamp();
            JoinEmbeddings();
            shared.Finish();
            GatherLosses(ranks!, batch, own);
        }
        AddLoss(batch, nlls);
    }

    // The loss is one chain over all rows, in every process.
    void GatherLosses(Ranks others, Batch batch, int own)
    {
        for (int r = 0; r < rankRows.Length; r++) rankRows[r] = batch.Offsets[FirstOf(r * own)];
        others.Gather(device, nll, rankRows, Swapped);
        device.Upload(batch.Weights.AsSpan(0, batch.Rows), rowWeights);
    }

    /// <summary>−ln p of the targets of some rows (nats); the others' logits are never formed.</summary>
    /// <param name="wanted">rows of the batch, ascending; empty: all</param>
    /// <param name="into">[wanted], the bits that <see cref="Loss"/> gives</param>
    public void Nll(Batch batch, Span<float> into, ReadOnlySpan<int> wanted = default)
    {
        wanted.CopyTo(wantedRows);
        Run(new() { Batch = batch, Shards = PartsToRead, Of = PartsToRead, Wanted = wanted.Length });
        device.Download(nll.Slice(0, wanted.IsEmpty ? batch.Rows : wanted.Length), into);
    }

    int PartsToRead => lanes.Devices.Count == 1 ? 1 : 4 * lanes.Devices.Count;

    void Run(in Job next)
    {
        Batch batch = next.Batch;
        Check(batch.Tokens.AsSpan(0, batch.Rows), batch.Positions.AsSpan(0, batch.Rows));
        CheckIds(batch.Targets.AsSpan(0, batch.Rows));
        (job, nextShard) = (next, 0);
        lanes.Run(work);
    }

    /// <summary>A lane takes shard after shard.</summary>
    void Work(int lane)
    {
        if (together && job.Gradient)
        {
            ReadTogether();
            return;
        }
        for (int shard; (shard = Interlocked.Increment(ref nextShard) - 1) < job.Shards;)
        {
            int from = FirstOf(job.First + shard), to = FirstOf(job.First + shard + 1);
            if (job.Gradient)
            {
                if (gradientsStale) ClearStale(shard, shard + 1);
                passes[lane].Read(job.Batch, from, to, nll, rowWeights, job.TotalWeight, gradients[shard],
                    done: shared is null ? null : layerDone);
            }
            else if (job.Wanted > 0) passes[lane].Read(job.Batch, from, to, wantedRows.AsSpan(0, job.Wanted), nll);
            else passes[lane].Read(job.Batch, from, to, nll, rowWeights);
        }
    }

    void LayerDone(int layer)
    {
        if (Interlocked.Increment(ref layersDone[layer]) == gradients.Length) shared!.Ready(Table.Layers[layer].Q.Offset);
    }

    void ReadTogether()
    {
        int end = job.First + job.Shards;
        for (int s = 0; s <= job.Shards; s++) groupRows[s] = job.Batch.Offsets[FirstOf(job.First + s)];
        if (gradientsStale) ClearStale(0, job.Shards);
        passes[0].Read(job.Batch, FirstOf(job.First), FirstOf(end), nll, rowWeights, job.TotalWeight, gradients[0],
            job.Shards > 1 ? groupRows : default);
    }

    /// <summary>A shard has the sequences that begin in its share of the rows.</summary>
    int FirstOf(int shard)
    {
        ReadOnlySpan<int> begins = job.Batch.Offsets[..^1];
        int row = (int)((long)job.Batch.Rows * shard / job.Of), at = begins.BinarySearch(row);
        return at >= 0 ? at : ~at;
    }

    void AddLoss(Batch batch, Span<float> nlls)
    {
        device.AddLoss(rowWeights, nll, batch.Rows, Sums);
        if (!nlls.IsEmpty) device.Download(nll.Slice(0, batch.Rows), nlls);
    }

    void Check(ReadOnlySpan<int> rows, ReadOnlySpan<int> at)
    {
        if (rows.Length > maxRows) throw new ArgumentException($"{rows.Length} rows, room for {maxRows}");
        CheckIds(rows);
        if (at.IndexOfAnyExceptInRange(0, Config.ContextLen - 1) is >= 0 and var row)
            throw new ArgumentException($"position {at[row]} is outside of the context of {Config.ContextLen} tokens");
    }

    /// <summary>Ids come from files: one outside of the vocabulary would read past a table.</summary>
    void CheckIds(ReadOnlySpan<int> ids)
    {
        if (ids.IndexOfAnyExceptInRange(0, Config.VocabSize - 1) is >= 0 and var row)
            throw new DataException(
                $"token {ids[row]} is outside of the model's vocabulary of {Config.VocabSize}; build the corpus anew");
    }

    /// <summary>Continues sequences: appends each row's token to its slot and gives logits for chosen rows.</summary>
    /// <param name="slots">slot of each row</param>
    /// <param name="at">position of each row: how many tokens its slot holds before it</param>
    /// <param name="wanted">rows whose logits are needed, at most <see cref="MaxLogitRows"/></param>
    /// <param name="draws">[wanted], for <see cref="IDevice.Sample"/> to find in the cache's view; or empty</param>
    /// <returns>[wanted, V], valid until the next pass; bit for bit those of a pass over the whole sequence</returns>
    internal DeviceSpan<float> Decode(ReadOnlySpan<int> next, ReadOnlySpan<int> slots, ReadOnlySpan<int> at, KvCache cache,
        ReadOnlySpan<int> wanted, ReadOnlySpan<RandomKey> draws = default)
    {
        int rows = next.Length;
        if (slots.Length != rows || at.Length != rows)
            throw new ArgumentException($"{rows} tokens, {slots.Length} slots, {at.Length} positions");
        for (int r = 0; r < rows; r++)
            if ((uint)slots[r] >= (uint)cache.Slots || (uint)at[r] >= (uint)cache.Context)
                throw new ArgumentException(
                    $"slot {slots[r]}, position {at[r]}: the cache has {cache.Slots} slots of {cache.Context} tokens");
        if (wanted.Length > MaxLogitRows)
            throw new ArgumentException($"{wanted.Length} rows of logits wanted, room for {MaxLogitRows}");
        Check(next, at);
        CacheView view = cache.View;
        view.Set(next, slots, at, cache.Pages, wanted, draws);
        return Whole.Decode(view, cache);
    }

    /// <summary>Rows whose logits one <see cref="Decode"/> can give.</summary>
    public int MaxLogitRows => Pass.LogitRowsOf(device.Traits, Config, maxRows);

    // One lane of all threads is it; else it is made for the first decoding.
    Pass Whole => lanes.Devices.Count == 1 ? passes[0] : whole ??= new(device, weights, maxRows, training: false);

    /// <summary>Frees all its memory.</summary>
    public void Dispose()
    {
        shared?.Dispose();
        whole?.Dispose();
        foreach (Pass pass in passes) pass.Dispose();
        lanes.Dispose();
        weights.Dispose();
        memory.Dispose();
    }
}
