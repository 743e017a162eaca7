using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>The fast device: <see cref="Vector512"/> kernels on the machine's cores.</summary>
/// <remarks>
/// Threads divide outputs, never sums, so their number shows in the time alone. Each has scratch of its own, which grows to the
/// largest operation seen and is then reused: a step that repeats allocates nothing.
/// </remarks>
public sealed unsafe class CpuDevice : HostDevice, IDevice
{
    readonly WorkerPool pool;
    readonly float** scratch;
    readonly double* partials;
    long scratchLength, partialsLength;

    /// <param name="threads">0 takes every core</param>
    public CpuDevice(int threads = 0)
    {
        Threads = threads > 0 ? threads : Environment.ProcessorCount;
        pool = new WorkerPool(Threads);
        scratch = (float**)NativeMemory.AllocZeroed((nuint)Threads, (nuint)sizeof(float*));
        partialsLength = 1 << 16;
        partials = (double*)NativeMemory.Alloc((nuint)partialsLength, sizeof(double));
        Scratch(Kernels.MatMul.ScratchLength);
    }

    /// <summary>Threads that share each operation.</summary>
    public int Threads { get; }

    /// <summary>
    /// The widest instructions that the kernels run on; results are the same on all that have fused multiply-add.
    /// </summary>
    public static string InstructionSet =>
        Avx512F.IsSupported ? "AVX-512" : Fma.IsSupported ? "AVX2 + FMA" : Vector128.IsHardwareAccelerated ? "128-bit" : "none";

    /// <inheritdoc/>
    public string Name => $"cpu: {Threads} threads, {InstructionSet}";

    /// <summary>What an operation's threads are given.</summary>
    struct Call<T> where T : unmanaged
    {
        public T Task;
        public int Threads;
        public float** Scratch;
        public int* Offsets;
        public int Items;
        public int Next;                                          // the next item, where items differ in size
        public double* Partials;
    }

    Call<T> Prepare<T>(in T task) where T : unmanaged => new() { Task = task, Threads = Threads, Scratch = scratch };

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
    public void Add(DeviceMemory x, DeviceMemory y) => Elementwise.Add(F(x), F(y), x.Length);

    /// <inheritdoc/>
    public void Embed(DeviceMemory table, DeviceMemory tokens, DeviceMemory y, int rows, int C)
    {
        var call = Prepare(new Embedding.Task { Table = F(table), Tokens = I(tokens), Y = F(y), Rows = rows, C = C });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Embedding.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Rows, thread, call->Threads);
            Embedding.Forward(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void EmbedBackward(DeviceMemory tokens, DeviceMemory dy, DeviceMemory dTable, int rows, int C)
    {
        var call = Prepare(new Embedding.Task { Table = F(dTable), Tokens = I(tokens), Y = F(dy), Rows = rows, C = C });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Embedding.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.C, thread, call->Threads, VectorMath.Lanes);
            if (from < to) Embedding.Backward(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void RmsNorm(DeviceMemory x, DeviceMemory gain, DeviceMemory y, DeviceMemory s, HeadRows shape, float epsilon)
    {
        var call = Prepare(
            new Kernels.RmsNorm.Task { X = F(x), Gain = F(gain), Y = F(y), S = F(s), Shape = shape, Epsilon = epsilon });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.RmsNorm.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Shape.Rows * call->Task.Shape.Heads, thread, call->Threads);
            Kernels.RmsNorm.Simd(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void RmsNormBackward(DeviceMemory x, DeviceMemory gain, DeviceMemory s, DeviceMemory dy, DeviceMemory dx,
        DeviceMemory dGain, HeadRows shape, bool accumulate)
    {
        var call = Prepare(new Kernels.RmsNorm.Task
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
        pool.Run(&Columns, &call);                                // first: dx may be dy
        pool.Run(&Rows, &call);

        static void Columns(void* p, int thread)
        {
            var call = (Call<Kernels.RmsNorm.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Shape.Width, thread, call->Threads, VectorMath.Lanes);
            Kernels.RmsNorm.SimdGain(call->Task, from, to);
        }

        static void Rows(void* p, int thread)
        {
            var call = (Call<Kernels.RmsNorm.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Shape.Rows * call->Task.Shape.Heads, thread, call->Threads);
            Kernels.RmsNorm.SimdBackward(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void MatMul(Form form, DeviceMemory a, DeviceMemory b, DeviceMemory packed, DeviceMemory c, int m, int n, int k,
        bool accumulate)
    {
        var call = Prepare(new Kernels.MatMul.Task
        {
            Form = form,
            A = F(a),
            B = F(b),
            PackedB = F(packed),
            C = F(c),
            M = m,
            N = n,
            K = k,
            Accumulate = accumulate,
        });
        Kernels.MatMul.Divide(ref call.Task, Threads);
        if (call.Task.RowParts * call.Task.ColumnParts == 1) Job(&call, 0);
        else pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.MatMul.Task>*)p;
            Kernels.MatMul.Simd(call->Task, thread, call->Scratch[thread]);
        }
    }

    /// <inheritdoc/>
    public long PackedLength(int n, int k) => Kernels.MatMul.PackedLength(n, k);

    /// <inheritdoc/>
    public void Pack(Form form, DeviceMemory b, DeviceMemory packed, int n, int k)
    {
        var call = Prepare(new Kernels.MatMul.Task { Form = form, B = F(b), PackedB = F(packed), N = n, K = k });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.MatMul.Task>*)p;
            ref Kernels.MatMul.Task t = ref call->Task;
            (int from, int to) = VectorMath.Share((t.N + Microkernel.Columns - 1) / Microkernel.Columns, thread, call->Threads);
            Kernels.MatMul.Pack(t.Form, t.B, t.PackedB, t.N, t.K, from, to);
        }
    }

    /// <inheritdoc/>
    public void Rope(DeviceMemory x, DeviceMemory table, DeviceMemory positions, HeadRows shape, bool inverse)
    {
        var call = Prepare(
            new Kernels.Rope.Task { X = F(x), Table = F(table), Positions = I(positions), Shape = shape, Inverse = inverse });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.Rope.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Shape.Rows, thread, call->Threads);
            Kernels.Rope.Simd(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void Attention(DeviceMemory qkv, ReadOnlySpan<int> offsets, DeviceMemory y, DeviceMemory lse, AttentionShape shape)
    {
        Scratch(Kernels.Attention.ScratchLength(Longest(offsets), shape.DHead));
        var call = Prepare(
            new Kernels.Attention.Task { Qkv = F(qkv), Y = F(y), Lse = F(lse), Shape = shape, Rows = offsets[^1] });
        RunSequences(ref call, offsets, &Job);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.Attention.Task>*)p;
            int kvHeads = call->Task.Shape.KvHeads;
            for (int i = Interlocked.Increment(ref call->Next) - 1; i < call->Items;
                i = Interlocked.Increment(ref call->Next) - 1)
            {
                Kernels.Attention.Simd(call->Task, call->Offsets[i / kvHeads], call->Offsets[i / kvHeads + 1], i % kvHeads,
                    call->Scratch[thread]);
            }
        }
    }

    /// <inheritdoc/>
    public void AttentionBackward(DeviceMemory qkv, DeviceMemory y, DeviceMemory lse, DeviceMemory dy, DeviceMemory dqkv,
        ReadOnlySpan<int> offsets, AttentionShape shape)
    {
        Scratch(Kernels.Attention.BackwardScratchLength(Longest(offsets), shape.DHead));
        var call = Prepare(new Kernels.Attention.Task
        {
            Qkv = F(qkv),
            Y = F(y),
            Lse = F(lse),
            DY = F(dy),
            DQkv = F(dqkv),
            Shape = shape,
            Rows = offsets[^1],
        });
        RunSequences(ref call, offsets, &Job);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.Attention.Task>*)p;
            int kvHeads = call->Task.Shape.KvHeads;
            for (int i = Interlocked.Increment(ref call->Next) - 1; i < call->Items;
                i = Interlocked.Increment(ref call->Next) - 1)
            {
                Kernels.Attention.SimdBackward(call->Task, call->Offsets[i / kvHeads], call->Offsets[i / kvHeads + 1],
                    i % kvHeads, call->Scratch[thread]);
            }
        }
    }

    /// <summary>Sequences differ in length: threads take the next one that is free.</summary>
    void RunSequences(ref Call<Kernels.Attention.Task> call, ReadOnlySpan<int> offsets, delegate*<void*, int, void> job)
    {
        fixed (int* pOffsets = offsets)
        fixed (Call<Kernels.Attention.Task>* pCall = &call)
        {
            pCall->Offsets = pOffsets;
            pCall->Items = (offsets.Length - 1) * call.Task.Shape.KvHeads;
            pool.Run(job, pCall);
        }
    }

    static int Longest(ReadOnlySpan<int> offsets)
    {
        int longest = 0;
        for (int i = 0; i + 1 < offsets.Length; i++) longest = Math.Max(longest, offsets[i + 1] - offsets[i]);
        return longest;
    }

    /// <inheritdoc/>
    public long KvCacheLength(int pages, AttentionShape shape) =>
        (long)pages * shape.KvHeads * Kernels.AttentionCached.PageLength(shape.DHead);

    /// <inheritdoc/>
    public void AttentionCached(DeviceMemory qkv, DeviceMemory cache, ReadOnlySpan<int> pages, int slotPages,
        ReadOnlySpan<int> slots, ReadOnlySpan<int> positions, DeviceMemory y, AttentionShape shape)
    {
        Scratch(Kernels.AttentionCached.ScratchLength(shape.DHead));
        fixed (int* pPages = pages, pSlots = slots, pPositions = positions)
        {
            var call = Prepare(new Kernels.AttentionCached.Task
            {
                Qkv = F(qkv),
                Cache = F(cache),
                Y = F(y),
                Pages = pPages,
                Slots = pSlots,
                Positions = pPositions,
                Shape = shape,
                Rows = slots.Length,
                SlotPages = slotPages,
            });
            pool.Run(&Append, &call);                             // first: a row sees others of this call
            pool.Run(&Attend, &call);
        }

        static void Append(void* p, int thread)
        {
            var call = (Call<Kernels.AttentionCached.Task>*)p;
            int kvHeads = call->Task.Shape.KvHeads;
            (int from, int to) = VectorMath.Share(call->Task.Rows * kvHeads, thread, call->Threads);
            for (int i = from; i < to; i++) Kernels.AttentionCached.Append(call->Task, i / kvHeads, i % kvHeads);
        }

        static void Attend(void* p, int thread)
        {
            var call = (Call<Kernels.AttentionCached.Task>*)p;
            int kvHeads = call->Task.Shape.KvHeads;
            (int from, int to) = VectorMath.Share(call->Task.Rows * kvHeads, thread, call->Threads);
            for (int i = from; i < to; i++)
                Kernels.AttentionCached.Attend(call->Task, i / kvHeads, i % kvHeads, call->Scratch[thread]);
        }
    }

    /// <inheritdoc/>
    public void SwiGlu(DeviceMemory gateUp, DeviceMemory y, int rows, int width)
    {
        var call = Prepare(new Kernels.SwiGlu.Task { GateUp = F(gateUp), Y = F(y), Rows = rows, F = width });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.SwiGlu.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Rows, thread, call->Threads);
            Kernels.SwiGlu.Simd(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void SwiGluBackward(DeviceMemory gateUp, DeviceMemory dy, DeviceMemory dGateUp, int rows, int width)
    {
        var call = Prepare(
            new Kernels.SwiGlu.Task { GateUp = F(gateUp), DY = F(dy), DGateUp = F(dGateUp), Rows = rows, F = width });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.SwiGlu.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Rows, thread, call->Threads);
            Kernels.SwiGlu.SimdBackward(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void CrossEntropy(DeviceMemory logits, DeviceMemory targets, DeviceMemory dWeights, DeviceMemory nll, int rows, int V)
    {
        var call = Prepare(new Kernels.CrossEntropy.Task
        {
            Logits = F(logits),
            Targets = I(targets),
            DWeights = F(dWeights),
            Nll = F(nll),
            Rows = rows,
            V = V,
        });
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<Kernels.CrossEntropy.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Rows, thread, call->Threads);
            Kernels.CrossEntropy.Simd(call->Task, from, to);
        }
    }

    /// <inheritdoc/>
    public void AdamW(DeviceMemory p, DeviceMemory g, DeviceMemory m, DeviceMemory v, in AdamWStep step)
    {
        var call = Prepare(new AdamWKernel.Task { P = F(p), G = F(g), M = F(m), V = F(v), Step = step });
        call.Items = checked((int)((p.Length + Elementwise.Chunk - 1) / Elementwise.Chunk));
        call.Task.Length = p.Length;
        pool.Run(&Job, &call);

        static void Job(void* p, int thread)
        {
            var call = (Call<AdamWKernel.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Items, thread, call->Threads);
            AdamWKernel.Simd(call->Task, (long)from * Elementwise.Chunk,
                Math.Min((long)to * Elementwise.Chunk, call->Task.Length));
        }
    }

    /// <inheritdoc/>
    public double SumSquares(DeviceMemory x)
    {
        double sum = 0;
        for (long from = 0; from < x.Length; from += partialsLength * Elementwise.Chunk)
        {
            var call = Prepare(
                new Squares { X = F(x) + from, Length = Math.Min(x.Length - from, partialsLength * Elementwise.Chunk) });
            call.Items = (int)((call.Task.Length + Elementwise.Chunk - 1) / Elementwise.Chunk);
            call.Partials = partials;
            pool.Run(&Job, &call);
            for (int i = 0; i < call.Items; i++) sum += partials[i];
        }
        return sum;

        static void Job(void* p, int thread)
        {
            var call = (Call<Squares>*)p;
            (int from, int to) = VectorMath.Share(call->Items, thread, call->Threads);
            for (int i = from; i < to; i++)
            {
                long at = (long)i * Elementwise.Chunk;
                call->Partials[i] = Elementwise.SumSquares(
                    call->Task.X + at, Math.Min(Elementwise.Chunk, call->Task.Length - at));
            }
        }
    }

    struct Squares
    {
        public float* X;
        public long Length;
    }

    /// <inheritdoc/>
    public void Sample(DeviceMemory logits, ReadOnlySpan<float> uniforms, SamplingRule rule, Span<int> tokens,
        Span<float> logProbs, int V)
    {
        Scratch(Sampling.ScratchLength(V));
        fixed (float* pUniforms = uniforms, pLogProbs = logProbs)
        fixed (int* pTokens = tokens)
        {
            var call = Prepare(new Sampling.Task
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
            });
            pool.Run(&Job, &call);
        }

        static void Job(void* p, int thread)
        {
            var call = (Call<Sampling.Task>*)p;
            (int from, int to) = VectorMath.Share(call->Task.Rows, thread, call->Threads);
            Sampling.Run(call->Task, from, to, call->Scratch[thread]);
        }
    }

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
