using System.Diagnostics;
using System.Runtime.InteropServices;
using Isoflop.Kernels;
using Table = Isoflop.Cuda.KernelTable;

namespace Isoflop.Cuda;

/// <summary>The operations on a card. Each adds a launch to the work that waits; a download sends it.</summary>
/// <remarks>
/// Products round their operands to bfloat16 and sum in float32, in one chain over ascending k, or work in float32 throughout.
/// Sums over rows go by blocks of 16 (products) and 64 rows (gains), begun anew at every group: cutting a step into passes at
/// multiples of 64 rows changes no bit. Weights, moments, the residual stream and all sums are float32. Activations are what
/// products take: an address with <see cref="Bf16Tag"/> says so, and is otherwise twice where they lie, so that slices of them,
/// which are counted as floats, need not know.
/// </remarks>
sealed unsafe partial class CudaDevice : IDevice, IRankDevice
{
    const int MostCounters = 1 << 14;                             // columns of half a million
    const int Page = 16, MostBlocks = 2048, LossRows = 64, SquaresChunk = 4096, TileRows = 64;
    // A pass of so many rows fills any card.
    const int PassRowsWanted = 65_536;
    internal const long Bf16Tag = 1L << 62;                       // of an address; kernel.h

    readonly CardStream stream;
    readonly Table kernels;
    readonly Commands work = new();
    readonly int processors, sharedBytes;
    nint scratch, counters;
    Nccl? nccl;
    long scratchBytes;
    int staged;                                                   // bytes of the staging room in use
    nint staging;                                                 // 0: not asked for since the last launch

    /// <param name="single">products and activations in float32 instead of bfloat16</param>
    public CudaDevice(Card card, bool single)
    {
        stream = new(Driver.Open(), card);
        (kernels, processors, sharedBytes) = (Table.For(single), card.Processors, card.SharedBytes);
        string precision = single ? "float32" : "bfloat16";
        Traits = new($"cuda: {card.Name}, {precision}", $"{card.Name}, {precision}", precision, true, Page, card.MemoryBytes,
            new(() => card.PeakFlops(!single)))
        { PassRows = PassRowsWanted, RunsBehind = true, ActivationBytes = kernels.OperandBytes };
        HasWarpgroups = !single && card.Major == WarpgroupProducts.Capability && !CardContext.Plain;
        try
        {
            UsesWarpgroups = HasWarpgroups && stream.Context.HasSameProducts(() => WarpgroupProducts.Same(this, stream.Context));
        }
        catch (ConfigException)
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public DeviceTraits Traits { get; }

    /// <summary>Whether large products are by warpgroups: the card has them, and with the bits of others.</summary>
    internal bool UsesWarpgroups { get; }

    /// <summary>Whether the card has such products, with whatever bits.</summary>
    internal bool HasWarpgroups { get; }

    /// <summary>Blocks of its warpgroups' products that share what they copy.</summary>
    internal int ClusterBlocks => stream.Context.ClusterBlocks;

    /// <summary>Products of any size are, for tests.</summary>
    internal bool AlwaysWarpgroups { get; set; }

    /// <summary>Tiles of 128 × 128, or of 64 × 64; null: the large one where it fills the card.</summary>
    internal bool? LargeTiles { get; set; }

    /// <summary>Attention's gradients of queries and of keys as one launch; null: where the card has room for both.</summary>
    internal bool? GradientsTogether { get; set; }

    /// <inheritdoc cref="CardContext.Module"/>
    internal void Load(string module)
    {
        _ = stream.Handle;                                        // this card is the thread's
        stream.Context.Module(module);
    }

    /// <inheritdoc cref="CardStream.Ends"/>
    internal bool Ends(double seconds)
    {
        Flush();
        return stream.Ends(seconds);
    }

    /// <inheritdoc cref="CardContext.Overlaps"/>
    internal bool Overlaps => stream.Context.Overlaps;

    /// <inheritdoc cref="CardStream.Launches"/>
    internal (long Single, long Graphs, long Told) Launches => stream.Launches;

    // ---- memory ---------------------------------------------------------------------------------------------------------------

    /// <inheritdoc/>
    public nint Allocate(long bytes) => stream.Allocate(bytes);

    /// <inheritdoc/>
    public nint AllocateActivations(long count) =>
        kernels.OperandBytes == sizeof(float) ? Allocate(sizeof(float) * count) : (nint)(Bf16Tag | 2 * Allocate(2 * count));

    static bool IsBf16(DeviceSpan<float> x) => (x.Address & Bf16Tag) != 0;

    /// <summary>Attention's kernels are compiled for what activations are here, and would read other memory as that.</summary>
    void CheckActivations(params ReadOnlySpan<DeviceSpan<float>> all)
    {
        foreach (DeviceSpan<float> x in all)
            if (IsBf16(x) != (kernels.OperandBytes == 2))
                throw new InvalidOperationException($"attention in {kernels.Operand} takes memory of AllocateActivations");
    }

    /// <summary>Kernels of either kind of activations look at one of them.</summary>
    static void AssertAlike(DeviceSpan<float> one, DeviceSpan<float> other) =>
        Debug.Assert(IsBf16(one) == IsBf16(other), "activations of two kinds");

    static void AssertMemory(nint address) => Debug.Assert((address & Bf16Tag) == 0, "activations are for layers' operations");

    /// <inheritdoc/>
    public void Free(nint memory)
    {
        Flush();
        stream.Free((memory & Bf16Tag) == 0 ? memory : (nint)((memory & ~Bf16Tag) / 2));
    }

    /// <inheritdoc/>
    /// <remarks>Small pieces wait with the rest: laid out on the host, where a kernel of the same work reads them.</remarks>
    public void Upload(ReadOnlySpan<byte> from, nint to)
    {
        AssertMemory(to);
        int room = (from.Length + 15) / 16 * 16;
        if (from.Length % 4 != 0 || room > CardStream.StagingBytes)
        {
            Flush();
            stream.Upload(from, to);
            return;
        }
        if (staged + room > CardStream.StagingBytes) Flush();
        if (staging == 0) staging = stream.Staging;
        from.CopyTo(new Span<byte>((void*)(staging + staged), from.Length));
        Copy(staging + staged, to, from.Length);
        staged += room;
    }

    /// <inheritdoc/>
    public void Download(nint from, Span<byte> to)
    {
        AssertMemory(from);
        Flush();
        stream.Download(from, to);
    }

    /// <inheritdoc/>
    public void Send() => Flush();

    /// <inheritdoc/>
    /// <remarks>One after another they are one launch, where none needs what another of them has written.</remarks>
    public void Copy(nint from, nint to, long bytes)
    {
        AssertMemory(from | to);
        if (bytes == 0) return;
        if (work.IsLast(Table.Copy, out CopyArguments given) && given.TryAdd(from, to, bytes)) work.DropLast();
        else
        {
            given = default;
            given.TryAdd(from, to, bytes);
        }
        // In sixteens of blocks: a pass has as many tokens as the one before, in other sequences, and should be the same graph.
        work.Add(Table.Copy, new(Up(Elements(given.LongestWords).X, 16) * 16), given);
    }

    /// <inheritdoc/>
    public void Clear(nint x, long bytes) => Copy(0, x, bytes);

    /// <inheritdoc/>
    public void Join(Ranks ranks)
    {
        _ = stream.Handle;                                        // this card is the thread's
        nccl = new(ranks);
    }

    /// <inheritdoc/>
    public void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner)
    {
        Flush();
        nccl!.Exchange(give, givenBytes, take, takenBytes, partner, stream.Handle);
    }

    /// <summary>Sends the work that waits.</summary>
    void Flush()
    {
        try
        {
            stream.Run(work);
        }
        finally
        {
            work.Clear();
            (staging, staged) = (0, 0);
        }
    }

    /// <summary>Room of the device's own, until the next operation that asks for it.</summary>
    nint Scratch(long bytes)
    {
        if (bytes > scratchBytes)
        {
            Flush();
            if (scratch != 0) stream.Free(scratch);
            scratch = 0;
            scratchBytes = (bytes + (1 << 20) - 1) >> 20 << 20;
            scratch = stream.Allocate(scratchBytes);
        }
        return scratch;
    }

    /// <summary>Zeros before and after: one for each 32 columns, for blocks that ask whether they are the last.</summary>
    nint Counters => counters != 0 ? counters : counters = stream.Allocate(MostCounters * sizeof(uint));

    static int Blocks(long items, int each) => (int)Math.Min(MostBlocks, (items + each - 1) / each);

    static Grid Elements(long count) => new(Blocks(count, 256));

    static int Up(int count, int each) => (count + each - 1) / each;

    // ---- layers ---------------------------------------------------------------------------------------------------------------

    /// <inheritdoc/>
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y) => work.Add(Table.Add, Elements(x.Length),
        new AddArguments { X = x.Address, Y = y.Address, Length = x.Length });

    /// <inheritdoc/>
    public void SumShards(DeviceSpan<float> x, int count) => work.Add(Table.SumShards, Elements(x.Length / count),
        new ShardsArguments { X = x.Address, Length = x.Length / count, Count = count });

    /// <inheritdoc/>
    public void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C)
    {
        AssertAlike(table, y);
        work.Add(Table.Embed, new(Math.Min(rows, MostBlocks)),
            new EmbedArguments { Table = table.Address, Tokens = tokens.Address, Y = y.Address, Rows = rows, C = C });
    }

    /// <inheritdoc/>
    public void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C,
        PassPlan.Groups groups)
    {
        // Every block reads all tokens, so few blocks of many tokens; of a small vocabulary more, to fill the card.
        int V = (int)(dTable.Length / C), owned = V < 8192 ? 8 : 32;
        int shared = (256 * owned + 2 * 256 + 8) * sizeof(uint);                     // sums, two lists, votes; embed.cu
        work.Add(Table.EmbedBackward, new(Up(V, owned), Up(C, 256), groups.Count, shared), new EmbedBackwardArguments
        {
            Tokens = tokens.Address,
            DY = dy.Address,
            DTable = dTable.Address,
            Groups = new(groups),
            Rows = rows,
            C = C,
            Owned = owned,
        });
    }

    /// <summary>Bytes of shared memory, which a block can have.</summary>
    /// <exception cref="ConfigException">This card has less.</exception>
    int Held(int shared, AttentionShape shape) => shared <= sharedBytes ? shared : throw new ConfigException(
        $"model.d_head={shape.DHead}: {Traits.Name} has {sharedBytes / 1024} KB for a block's tiles, {(shared + 1023) / 1024} " +
        "are needed; use more heads, or products in bfloat16 (cuda:N)");

    /// <summary>Elements between rows of a tile, as tile.h says.</summary>
    int Padded(int columns) => columns + 16 / kernels.OperandBytes;

    /// <inheritdoc/>
    public void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse, AttentionShape shape)
    {
        CheckActivations(qkv, y);
        (int i, int width) = Table.For(shape.DHead);
        int shared = Held(kernels.OperandBytes * TileRows * (3 * Padded(width) + Padded(TileRows)), shape);
        work.Add(kernels.Attention[i], new(Up(plan.Rows, TileRows), shape.Heads, 1, shared), new AttentionArguments
        {
            Qkv = qkv.Address,
            Positions = plan.Positions.Address,
            Y = y.Address,
            Lse = lse.Address,
            Shape = shape,
            Rows = plan.Rows,
            Scale = 1 / MathF.Sqrt(shape.DHead),
        });
    }

    /// <inheritdoc/>
    public void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy,
        DeviceSpan<float> dqkv, PassPlan plan, AttentionShape shape)
    {
        CheckActivations(qkv, y, dy, dqkv);
        (int i, int width) = Table.For(shape.DHead);
        const int Stats = 2 * TileRows * sizeof(float);
        int shared = Held(kernels.OperandBytes * TileRows * (4 * Padded(width) + Padded(TileRows)) + Stats, shape) - Stats;
        var given = new AttentionBackwardArguments
        {
            Qkv = qkv.Address,
            Positions = plan.Positions.Address,
            Y = y.Address,
            Lse = lse.Address,
            DY = dy.Address,
            DQkv = dqkv.Address,
            Shape = shape,
            Rows = plan.Rows,
            Scale = 1 / MathF.Sqrt(shape.DHead),
        };
        int tiles = Up(plan.Rows, TileRows), both = shape.Heads + shape.KvHeads;
        // By themselves queries leave room for more blocks on a processor, which should be faster on a full card.
        if (kernels.BothGradients.Length > 0 && (GradientsTogether ?? tiles * both <= 2 * processors))
        {
            work.Add(kernels.BothGradients[i], new(tiles, both, 1, shared + Stats), given);
            return;
        }
        given.Delta = Scratch((long)plan.Rows * shape.Heads * sizeof(float));
        work.Add(kernels.Delta[i], new(Blocks((long)plan.Rows * shape.Heads, 8)), given);
        work.Add(kernels.QueryGradient[i], new(tiles, shape.Heads, 1, shared), given);
        work.Add(kernels.KeyGradient[i], new(tiles, shape.KvHeads, 1, shared + Stats), given);
    }

    /// <inheritdoc/>
    public long KvPageBytes(AttentionShape shape) => 2L * Page * shape.KvHeads * shape.DHead * kernels.OperandBytes;

    /// <inheritdoc/>
    public void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y,
        AttentionShape shape)
    {
        CheckActivations(qkv, y);
        (int i, int width) = Table.For(shape.DHead);
        var given = new CachedArguments
        {
            Qkv = qkv.Address,
            Cache = cache.Address,
            Pages = view.Pages.Address,
            FirstPage = view.FirstPage.Address,
            Positions = view.Positions.Address,
            Y = y.Address,
            Shape = shape,
            Rows = view.Rows,
            Scale = 1 / MathF.Sqrt(shape.DHead),
        };
        work.Add(kernels.Append[i], new(Math.Min(view.Rows, MostBlocks)), given);                  // first: a row sees others
        int shared = kernels.OperandBytes * ((16 + 2 * TileRows) * Padded(width) + 16 * Padded(TileRows));
        work.Add(kernels.Cached[i], new(view.Rows, shape.KvHeads, 1, shared), given);
    }

    /// <inheritdoc/>
    public void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width)
    {
        AssertAlike(gateUp, y);
        work.Add(Table.SwiGlu, Elements(((long)rows * width + 3) / 4),
            new SwiGluArguments { GateUp = gateUp.Address, Y = y.Address, Rows = rows, Width = width });
    }

    /// <inheritdoc/>
    public void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows, int width) =>
        work.Add(Table.SwiGluBackward, Elements(((long)rows * width + 3) / 4), new SwiGluArguments
        {
            GateUp = gateUp.Address,
            DY = dy.Address,
            Y = dGateUp.Address,
            Rows = rows,
            Width = width,
        });

    // ---- logits ---------------------------------------------------------------------------------------------------------------

    const int RowRoom = 320, LongRow = 16384;                     // bytes, elements; logits.h
    const int HalfSecondCacheFloats = 6 << 20;                    // an H100's

    /// <inheritdoc/>
    public void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V, DeviceSpan<float> gradient = default)
    {
        // Each is read three times: as many at once as half of the second cache holds, but enough to keep all processors at it.
        Kernel kernel = V < LongRow ? Table.CrossEntropy : Table.CrossEntropyLong;
        int atOnce = processors * Math.Max(HalfSecondCacheFloats / V / processors, Math.Max(1, 512 / kernel.Threads));
        work.Add(kernel, new(Math.Min(rows, Math.Min(8 * MostBlocks, atOnce)), 1, 1, RowRoom), new CrossEntropyArguments
        {
            Logits = logits.Address,
            Targets = targets.Address,
            Weights = weights.Length == 0 ? 0 : weights.Address,
            Nll = nll.Address,
            Gradient = gradient.Length == 0 ? logits.Address : gradient.Address,
            Total = totalWeight,
            Rows = rows,
            V = V,
        });
    }

    /// <inheritdoc/>
    public void LogSoftmax(DeviceSpan<float> logits, int rows, int V) => work.Add(Table.LogSoftmax,
        new(Math.Min(rows, 8 * MostBlocks), 1, 1, RowRoom),
        new CrossEntropyArguments { Logits = logits.Address, Rows = rows, V = V });

    /// <inheritdoc/>
    public void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V) => work.Add(Table.Sample,
            new((int)Math.Min(into.Length, 8 * MostBlocks), 1, 1, RowRoom + 128 * sizeof(double)), new SampleArguments
            {
                Logits = logits.Address,
                Draws = draws.Address,
                Into = into.Address,
                Seed = seed,
                Temperature = rule.Temperature,
                TopP = rule.TopP,
                TopK = rule.TopK,
                Rows = (int)into.Length,
                V = V,
            });

    // ---- a step's end ---------------------------------------------------------------------------------------------------------

    /// <inheritdoc/>
    public void AddLoss(DeviceSpan<float> weights, DeviceSpan<float> nll, int rows, DeviceSpan<double> sum)
    {
        int parts = Up(rows, LossRows);
        var given = new LossArguments
        {
            Weights = weights.Address,
            Nll = nll.Address,
            Parts = Scratch((long)parts * sizeof(double)),
            Sum = sum.Address,
            Counter = Counters,
            Rows = rows,
        };
        work.Add(Table.Loss, new(Up(parts, 8), 1, 1, 256 * sizeof(double) + 16), given);
    }

    /// <inheritdoc/>
    public void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum)
    {
        int parts = Math.Max(1, checked((int)((x.Length + SquaresChunk - 1) / SquaresChunk)));     // of nothing it is 0
        var given = new SquaresArguments
        {
            X = x.Address,
            Parts = Scratch((long)parts * sizeof(double)),
            Sum = sum.Address,
            Counter = Counters,
            Length = x.Length,
        };
        work.Add(Table.Squares, new(parts, 1, 1, 8 * sizeof(double) + 16), given);
    }

    /// <inheritdoc/>
    public void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        AdamWArguments next = Given(p, g, m, v, sums, step);
        if (work.IsLast(Table.AdamW, out AdamWArguments given) && given.TryExtend(next)) work.DropLast();
        else given = next;
        work.Add(Table.AdamW, Elements(given.Length), given);
    }

    /// <inheritdoc/>
    public void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step) => work.Add(Table.Direction, Elements(g.Length), Given(default, g, m, v, sums, step));

    static AdamWArguments Given(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v,
        DeviceSpan<double> sums, in AdamWStep step) => new()
        {
            P = p.Address,
            G = g.Address,
            M = m.Address,
            V = v.Length == 0 ? 0 : v.Address,
            Sums = sums.Address,
            Length = g.Length,
            Clip = step.Clip,
            Rate = step.LearningRate,
            Beta1 = step.Beta1,
            Beta2 = step.Beta2,
            Epsilon = step.Epsilon,
            Decay = step.WeightDecay,
            Decayed = step.WeightDecay == 0 ? 0 : g.Length,
            Step = step.Step,
        };

    /// <inheritdoc/>
    public void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio = default) =>
        work.Add(Table.Axpby, Elements(x.Length), new AxpbyArguments
        {
            X = x.Address,
            Y = y.Address,
            Ratio = ratio.Length == 0 ? 0 : ratio.Address,
            Length = x.Length,
            A = a,
            B = b,
        });

    /// <summary>Bytes a second of a copy, read and written, and FLOPs a second of a product of square matrices.</summary>
    public (double Bandwidth, double Flops) Measure(int side, long bytes)
    {
        using var memory = new DeviceMemory(this);
        DeviceSpan<float> x = memory.Allocate<float>(Math.Max(bytes / 4, (long)side * side));
        DeviceSpan<float> y = memory.Allocate<float>(x.Length);
        var random = new Random(1);                               // zeros would draw less power, and clocks stay higher
        float[] some = [.. Enumerable.Range(0, 1 << 18).Select(_ => (float)random.NextDouble() - 0.5f)];
        for (long at = 0; at < x.Length; at += some.Length)
            Upload(MemoryMarshal.AsBytes(some.AsSpan(0, (int)Math.Min(some.Length, x.Length - at))), x.Address + (nint)(4 * at));
        DeviceSpan<float> operand = memory.AllocateActivations((long)side * side);
        RmsNorm(x, x.Slice(0, side), operand, y.Slice(0, side), new(side, 1, side, side), 1e-6f);
        return (Best(2 * bytes, () => Copy(x.Address, y.Address, bytes)), Best(2.0 * side * side * side,
            () => MatMul(MatMulLayout.TransposedB, operand, operand, y, side, side, side)));

        double Best(double amount, Action once)
        {
            const int Times = 8;
            double best = 0;
            for (int round = 0; round < 4; round++)
            {
                long began = Stopwatch.GetTimestamp();
                for (int i = 0; i < Times; i++) once();
                Download(x.Address, new byte[4]);
                best = Math.Max(best, Times * amount / Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
            return best;
        }
    }

    /// <summary>Ends it and frees its memory.</summary>
    public void Dispose()
    {
        nccl?.Dispose();
        nccl = null;
        stream.Dispose();
    }
}
