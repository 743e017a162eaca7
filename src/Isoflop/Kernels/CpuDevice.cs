using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>The fast device: <see cref="Vector512"/> kernels on the machine's cores.</summary>
/// <remarks>
/// Threads divide outputs, never sums, so their number shows in the time alone. Each has scratch of its own, which grows to the
/// largest operation seen and is then reused: a step that repeats allocates nothing.
/// </remarks>
sealed unsafe class CpuDevice : HostDevice, IDevice
{
    readonly WorkerPool pool;
    readonly float** scratch;
    readonly double* partials;
    readonly Multiplication multiplication;
    long scratchLength, partialsLength;

    /// <param name="threads">0 takes every core</param>
    /// <param name="multiplication">how products are formed; null: in float32</param>
    public CpuDevice(int threads = 0, Multiplication? multiplication = null)
    {
        Threads = threads > 0 ? threads : Environment.ProcessorCount;
        this.multiplication = multiplication ??= Multiplication.Float32;
        pool = new WorkerPool(Threads);
        scratch = (float**)NativeMemory.AllocZeroed((nuint)Threads, (nuint)sizeof(float*));
        partialsLength = 1 << 16;
        partials = (double*)NativeMemory.Alloc((nuint)partialsLength, sizeof(double));
        Scratch(multiplication.ScratchLength);
        bool float32 = multiplication.Precision == Precision.F32;
        string precision = float32 ? "float32" : multiplication.Precision.Name();
        Traits = new($"cpu: {Threads} threads, {InstructionSet}{(float32 ? "" : ", " + precision)}", InstructionSet, precision,
            true, Kernels.AttentionCached.PageTokens, MemoryBytes, new(() => Machine.PeakOf(Threads, multiplication) * 1e9));
    }

    /// <summary>Threads that share each operation.</summary>
    public int Threads { get; }

    /// <summary>
    /// The widest instructions that the kernels run on; results are the same on all that have fused multiply-add.
    /// </summary>
    public static string InstructionSet =>
        Avx512F.IsSupported ? "AVX-512" : Fma.IsSupported ? "AVX2 + FMA" : Vector128.IsHardwareAccelerated ? "128-bit" : "none";

    /// <summary>The same as part of a device's name.</summary>
    public static string Variant =>
        InstructionSet switch { "AVX-512" => "avx512", "AVX2 + FMA" => "avx2", "128-bit" => "128bit", var none => none };

    /// <inheritdoc/>
    public DeviceTraits Traits { get; }

    /// <summary>What an operation's threads are given.</summary>
    struct Call<T> where T : unmanaged
    {
        public T Task;
        public void* Kernel;
        public float** Scratch;
        public int* Offsets;
        public int Items, Grain, Threads;
        public int Next;                                          // sequences differ in length: threads take the next one
    }

    Call<T> Prepare<T>(in T task, void* kernel, int items, int grain = 1) where T : unmanaged =>
        new() { Task = task, Kernel = kernel, Items = items, Grain = grain, Threads = Threads, Scratch = scratch };

    /// <summary>Each thread takes an even share of the items.</summary>
    void Share<T>(in T task, int items, delegate*<in T, int, int, void> kernel, int grain = 1) where T : unmanaged
    {
        Call<T> call = Prepare(task, kernel, items, grain);
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<T>*)p;
            (int from, int to) = VectorMath.Share(call->Items, thread, call->Threads, call->Grain);
            if (from < to) ((delegate*<in T, int, int, void>)call->Kernel)(call->Task, from, to);
        }
    }

    /// <summary>The same with room of so many floats for each thread.</summary>
    void Share<T>(in T task, int items, long room, delegate*<in T, int, int, float*, void> kernel) where T : unmanaged
    {
        Scratch(room);
        Call<T> call = Prepare(task, kernel, items);
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<T>*)p;
            (int from, int to) = VectorMath.Share(call->Items, thread, call->Threads);
            ((delegate*<in T, int, int, float*, void>)call->Kernel)(call->Task, from, to, call->Scratch[thread]);
        }
    }

    /// <summary>Each thread takes the next sequence and key head that is free.</summary>
    void Share(in Kernels.Attention.Task task, PassPlan plan, long room,
        delegate*<in Kernels.Attention.Task, int, int, int, float*, void> kernel)
    {
        Scratch(room);
        Call<Kernels.Attention.Task> call = Prepare(task, kernel, plan.Sequences * task.Shape.KvHeads);
        call.Offsets = I(plan.Offsets);
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.Attention.Task>*)p;
            var kernel = (delegate*<in Kernels.Attention.Task, int, int, int, float*, void>)call->Kernel;
            int kvHeads = call->Task.Shape.KvHeads;
            for (int i; (i = Interlocked.Increment(ref call->Next) - 1) < call->Items;)
            {
                int* rows = call->Offsets + i / kvHeads;
                kernel(call->Task, rows[0], rows[1], i % kvHeads, call->Scratch[thread]);
            }
        }
    }

    /// <summary>Room of so many floats for each thread.</summary>
    void Scratch(long length)
    {
        if (length <= scratchLength) return;
        scratchLength = length;
        for (int i = 0; i < Threads; i++)
        {
            NativeMemory.AlignedFree(scratch[i]);
            // 1,088 bytes more than a power of two can be: threads' scratch must not share cache sets.
            scratch[i] = (float*)NativeMemory.AlignedAlloc((nuint)length * 4 + 1088, 64);
        }
    }

    /// <inheritdoc/>
    public DeviceLanes Split(int most) => Math.Min(most, Threads) is > 1 and int count ? new Lanes(this, count)
        : new DeviceLanes(this);

    /// <summary>Devices of a share of the threads; the pool's first threads each lead one.</summary>
    sealed class Lanes : DeviceLanes
    {
        readonly CpuDevice device;
        readonly GCHandle self;
        Action<int>? work;
        ExceptionDispatchInfo? fault;

        public Lanes(CpuDevice device, int count) : base([.. Enumerable.Range(0, count).Select(i =>
            new CpuDevice(device.Threads * (i + 1) / count - device.Threads * i / count, device.multiplication))])
        {
            this.device = device;
            self = GCHandle.Alloc(this);
        }

        public override void Run(Action<int> work)
        {
            (this.work, fault) = (work, null);
            device.pool.Run(&Job, (void*)GCHandle.ToIntPtr(self));
            fault?.Throw();

            static void Job(void* p, int part)
            {
                var lanes = (Lanes)GCHandle.FromIntPtr((nint)p).Target!;
                if (part >= lanes.Devices.Count) return;
                try
                {
                    lanes.work!(part);
                }
                catch (Exception e)
                {
                    lanes.fault = ExceptionDispatchInfo.Capture(e);
                }
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (!self.IsAllocated) return;
            self.Free();
            foreach (IDevice lane in Devices) lane.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y) => Elementwise.Add(F(x), F(y), x.Length);

    /// <inheritdoc/>
    public void SumShards(DeviceSpan<float> x, int count) => Share(
        new Elementwise.Shards { X = F(x), Count = count, Length = x.Length / count },
        Elementwise.Chunks(x.Length / count), &Elementwise.SumShards);

    /// <inheritdoc/>
    public void Embed(DeviceSpan<float> table, DeviceSpan<int> tokens, DeviceSpan<float> y, int rows, int C) =>
        Share(new Embedding.Task { Table = F(table), Tokens = I(tokens), Y = F(y), Rows = rows, C = C }, rows,
            &Embedding.Forward);

    /// <inheritdoc/>
    public void EmbedBackward(DeviceSpan<int> tokens, DeviceSpan<float> dy, DeviceSpan<float> dTable, int rows, int C,
        PassPlan.Groups groups = default)
    {
        for (int g = 0; g < groups.Count; g++)
        {
            (int from, int to, long at) = RowsOf(groups, g, rows);
            Share(
                new Embedding.Task
                { Table = F(dTable) + at, Tokens = I(tokens) + from, Y = F(dy) + (long)from * C, Rows = to - from, C = C },
                C, &Embedding.Backward, VectorMath.Lanes);
        }
    }

    /// <inheritdoc/>
    public void RmsNorm(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> y, DeviceSpan<float> s, HeadRows shape,
        float epsilon) => Share(
            new Kernels.RmsNorm.Task { X = F(x), Gain = F(gain), Y = F(y), S = F(s), Shape = shape, Epsilon = epsilon },
            shape.Rows * shape.Heads, &Kernels.RmsNorm.Simd);

    /// <inheritdoc/>
    public void RmsNormBackward(DeviceSpan<float> x, DeviceSpan<float> gain, DeviceSpan<float> s, DeviceSpan<float> dy,
        DeviceSpan<float> dx, DeviceSpan<float> dGain, HeadRows shape, bool accumulate, PassPlan.Groups groups = default)
    {
        if (groups.Count > 1)
        {
            for (int g = 0; g < groups.Count; g++)
            {
                (int from, int to, long at) = RowsOf(groups, g, shape.Rows);
                long row = (long)from * shape.Stride;
                RmsNormBackward(Further(x, row), gain, Further(s, (long)from * shape.Heads), Further(dy, row), Further(dx, row),
                    Further(dGain, at), shape with { Rows = to - from }, accumulate, default);
            }
            return;
        }
        var task = new Kernels.RmsNorm.Task
        {
            X = F(x),
            Gain = F(gain),
            S = F(s),
            DY = F(dy),
            DX = F(dx),
            DGain = F(dGain),
            Shape = shape,
            Accumulate = accumulate,
        };
        if (Threads == 1)
        {
            Kernels.RmsNorm.SimdBackwardWhole(task, 0, shape.Rows * shape.Heads);
            return;
        }
        Share(task, shape.Width, &Kernels.RmsNorm.SimdGain, VectorMath.Lanes);           // first: dx may be dy
        Share(task, shape.Rows * shape.Heads, &Kernels.RmsNorm.SimdBackward);
    }

    /// <inheritdoc/>
    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k,
        DeviceSpan<float> start = default, PassPlan.Groups groups = default)
    {
        for (int g = 0; g < groups.Count; g++)
        {
            (int from, int to, long at) = RowsOf(groups, g, k);
            MatMul(layout, Further(a, (long)from * m), Further(b, (long)from * n), default, Further(c, at), m, n, to - from,
                Further(start, at));
        }
    }

    /// <inheritdoc/>
    public void MatMul(MatMulLayout layout, DeviceSpan<float> a, PreparedWeight b, DeviceSpan<float> c, int m,
        DeviceSpan<float> start)
    {
        var w = (PackedWeight)b;
        if (layout == MatMulLayout.TransposedB) MatMul(layout, a, w.Values, w.Forward, c, m, w.Outputs, w.Inputs, start);
        else MatMul(layout, a, w.Values, w.Backward, c, m, w.Inputs, w.Outputs, start);
    }

    /// <param name="packed">B as <see cref="Pack"/> laid it out for this layout, or default</param>
    internal void MatMul(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> packed,
        DeviceSpan<float> c, int m, int n, int k, DeviceSpan<float> start = default)
    {
        var task = new Kernels.MatMul.Task
        {
            Layout = layout,
            A = F(a),
            B = F(b),
            PackedB = F(packed),
            C = F(c),
            M = m,
            N = n,
            K = k,
            Start = F(start),
            Code = multiplication.Code,
        };
        Kernels.MatMul.Divide(ref task, Threads, multiplication.Columns);
        int parts = task.RowParts * task.ColumnParts;
        if (parts == 1) multiplication.Run(task, 0, 1, scratch[0]);
        else Share(task, parts, 0, multiplication.Run);
    }

    /// <inheritdoc/>
    public PreparedWeight Prepare(DeviceSpan<float> values, int outputs, int inputs, bool backward) =>
        new PackedWeight(this, values, outputs, inputs, backward);

    /// <summary>A weight in panels: <see cref="Kernels.MatMul.Pack"/>.</summary>
    sealed class PackedWeight : PreparedWeight
    {
        readonly CpuDevice device;
        readonly DeviceMemory memory;

        public PackedWeight(CpuDevice device, DeviceSpan<float> values, int outputs, int inputs, bool backward)
            : base(values, outputs, inputs)
        {
            (this.device, memory) = (device, new(device));
            Forward = memory.Allocate<float>(device.PackedLength(outputs, inputs));
            if (backward) Backward = memory.Allocate<float>(device.PackedLength(inputs, outputs));
        }

        public DeviceSpan<float> Forward { get; }

        public DeviceSpan<float> Backward { get; }

        public override void Update()
        {
            device.Pack(MatMulLayout.TransposedB, Values, Forward, Outputs, Inputs);
            if (Backward.Length > 0) device.Pack(MatMulLayout.Plain, Values, Backward, Inputs, Outputs);
        }

        protected override void Dispose(bool disposing) => memory.Dispose();
    }

    /// <summary>Lays B of k × n out for products of this layout.</summary>
    internal void Pack(MatMulLayout layout, DeviceSpan<float> b, DeviceSpan<float> packed, int n, int k) => Share(
        new Kernels.MatMul.Task { Layout = layout, B = F(b), PackedB = F(packed), N = n, K = k },
        (n + multiplication.Columns - 1) / multiplication.Columns, multiplication.Pack);

    /// <summary>Elements of B of k × n laid out so.</summary>
    internal long PackedLength(int n, int k) => multiplication.PackedLength(n, k);

    /// <inheritdoc/>
    public void Rope(DeviceSpan<float> x, DeviceSpan<float> table, DeviceSpan<int> positions, HeadRows shape, bool inverse) =>
        Share(new Kernels.Rope.Task { X = F(x), Table = F(table), Positions = I(positions), Shape = shape, Inverse = inverse },
            shape.Rows, &Kernels.Rope.Simd);

    /// <inheritdoc/>
    public void Attention(DeviceSpan<float> qkv, PassPlan plan, DeviceSpan<float> y, DeviceSpan<float> lse,
        AttentionShape shape) => Share(
            new Kernels.Attention.Task { Qkv = F(qkv), Y = F(y), Lse = F(lse), Shape = shape, Rows = plan.Rows }, plan,
            Kernels.Attention.ScratchLength(plan.Longest, shape.DHead), &Kernels.Attention.Simd);

    /// <inheritdoc/>
    public void AttentionBackward(DeviceSpan<float> qkv, DeviceSpan<float> y, DeviceSpan<float> lse, DeviceSpan<float> dy,
        DeviceSpan<float> dqkv, PassPlan plan, AttentionShape shape) => Share(
            new Kernels.Attention.Task
            { Qkv = F(qkv), Y = F(y), Lse = F(lse), DY = F(dy), DQkv = F(dqkv), Shape = shape, Rows = plan.Rows }, plan,
            Kernels.Attention.BackwardScratchLength(plan.Longest, shape.DHead), &Kernels.Attention.SimdBackward);

    /// <inheritdoc/>
    public long KvPageBytes(AttentionShape shape) =>
        shape.KvHeads * Kernels.AttentionCached.PageLength(shape.DHead) * sizeof(float);

    /// <inheritdoc/>
    public void AttentionCached(DeviceSpan<float> qkv, DeviceSpan<byte> cache, CacheView view, DeviceSpan<float> y,
        AttentionShape shape)
    {
        var task = new Kernels.AttentionCached.Task
        {
            Qkv = F(qkv),
            Cache = (float*)cache.Address,
            Y = F(y),
            Pages = I(view.Pages),
            FirstPage = I(view.FirstPage),
            Positions = I(view.Positions),
            Shape = shape,
        };
        int items = view.Rows * shape.KvHeads;
        Share(task, items, &Kernels.AttentionCached.Append);      // first: a row sees others of this call
        Share(task, items, Kernels.AttentionCached.ScratchLength(shape.DHead), &Kernels.AttentionCached.Attend);
    }

    /// <inheritdoc/>
    public void SwiGlu(DeviceSpan<float> gateUp, DeviceSpan<float> y, int rows, int width) => Share(
        new Kernels.SwiGlu.Task { GateUp = F(gateUp), Y = F(y), Rows = rows, F = width }, rows, &Kernels.SwiGlu.Simd);

    /// <inheritdoc/>
    public void SwiGluBackward(DeviceSpan<float> gateUp, DeviceSpan<float> dy, DeviceSpan<float> dGateUp, int rows, int width) =>
        Share(new Kernels.SwiGlu.Task { GateUp = F(gateUp), DY = F(dy), DGateUp = F(dGateUp), Rows = rows, F = width }, rows,
            &Kernels.SwiGlu.SimdBackward);

    /// <inheritdoc/>
    public void CrossEntropy(DeviceSpan<float> logits, DeviceSpan<int> targets, DeviceSpan<float> weights, double totalWeight,
        DeviceSpan<float> nll, int rows, int V, DeviceSpan<float> gradient = default) => Share(
            Kernels.CrossEntropy.TaskOf(logits, targets, weights, totalWeight, nll, rows, V), rows, &Kernels.CrossEntropy.Simd);

    /// <inheritdoc/>
    public void LogSoftmax(DeviceSpan<float> logits, int rows, int V) => Kernels.CrossEntropy.LogSoftmax(F(logits), rows, V);

    /// <inheritdoc/>
    public void Sample(DeviceSpan<float> logits, SamplingRule rule, ulong seed, DeviceSpan<RandomKey> draws,
        DeviceSpan<SampledToken> into, int V) => Share(
            Sampling.TaskOf(logits, rule, seed, draws, into, V), (int)into.Length, Sampling.ScratchLength(V), &Sampling.Run);

    /// <inheritdoc/>
    public void AdamW(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        if (AdamWKernel.TryScale(D(sums), step.Clip, out float scale))
            Share(Moments(p, g, m, v, step, scale), Elementwise.Chunks(g.Length), &AdamWKernel.Simd);
    }

    /// <inheritdoc/>
    public void Direction(DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v, DeviceSpan<double> sums,
        in AdamWStep step)
    {
        if (AdamWKernel.TryScale(D(sums), step.Clip, out float scale))
            Share(Moments(default, g, m, v, step, scale), Elementwise.Chunks(g.Length), &DirectionKernel.Simd);
    }

    static AdamWKernel.Task Moments(DeviceSpan<float> p, DeviceSpan<float> g, DeviceSpan<float> m, DeviceSpan<float> v,
        in AdamWStep step, float scale) => new()
        { P = F(p), G = F(g), M = F(m), V = F(v), Step = step, GradientScale = scale, Length = g.Length };

    /// <inheritdoc/>
    public void Axpby(float a, DeviceSpan<float> x, float b, DeviceSpan<float> y, DeviceSpan<double> ratio)
    {
        double scale = a * Elementwise.Root(ratio.Length == 0 ? null : D(ratio));
        var task = new Elementwise.Pair { X = F(x), Y = F(y), A = (float)scale, B = b, Length = x.Length };
        int chunks = Elementwise.Chunks(x.Length);
        if (chunks == 1) Elementwise.Axpby(task, 0, 1);           // small: no barrier
        else Share(task, chunks, &Elementwise.Axpby);
    }

    /// <inheritdoc/>
    public void SumSquares(DeviceSpan<float> x, DeviceSpan<double> sum)
    {
        double total = 0;
        for (long from = 0; from < x.Length; from += partialsLength * Elementwise.Chunk)
        {
            long length = Math.Min(x.Length - from, partialsLength * Elementwise.Chunk);
            int chunks = Elementwise.Chunks(length);
            ChunkSquares(x.Slice(from, length), new((nint)partials, chunks));
            for (int i = 0; i < chunks; i++) total += partials[i];
        }
        *D(sum) = total;
    }

    internal override void ChunkSquares(DeviceSpan<float> x, DeviceSpan<double> sums) => Share(
        new Elementwise.Squares { X = F(x), Length = x.Length, Sums = D(sums) }, (int)sums.Length, &Elementwise.SumSquares);

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (scratchLength == 0) return;
        scratchLength = 0;
        pool.Dispose();
        for (int i = 0; i < Threads; i++) NativeMemory.AlignedFree(scratch[i]);
        NativeMemory.Free(scratch);
        NativeMemory.Free(partials);
        base.Dispose();
    }
}
