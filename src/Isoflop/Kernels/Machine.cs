using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>The roofline of this machine, measured.</summary>
/// <param name="Cores">logical processors in use</param> <param name="InstructionSet">the widest that the kernels run on</param>
/// <param name="PeakGflops">multiply-adds of all cores on registers alone, float32, 10⁹ flops a second</param>
/// <param name="BandwidthGBs">a copy of memory larger than the caches, read and written bytes, 10⁹ a second</param>
/// <param name="Bf16">its precisions of bf16, the fastest first, or why there is none</param>
/// <param name="Bf16Gflops">the same as the peak, in the fastest of those; 0: there is none</param>
sealed record Machine(string Cpu, int Cores, string InstructionSet, double PeakGflops, double BandwidthGBs, string Runtime,
    string Bf16 = "", double Bf16Gflops = 0)
{
    /// <summary>With what it does in bf16.</summary>
    public Machine WithBf16()
    {
        Bf16Code[] all = [Bf16Code.Tiles, Bf16Code.Pairs];
        if (Precisions.Here is not { } best) return this with { Bf16 = $"not available: {Precisions.Missing}" };
        return this with
        {
            Bf16 = string.Join(", ", all.Where(c => c.Found).Select(c => $"{c.Precision.Name()} ({c.Instructions})")),
            Bf16Gflops = PeakOf(Cores, Multiplication.Of(best)),
        };
    }

    /// <summary>The peak of a way to multiply, 10⁹ flops a second; of a definition in plain loops that of float32.</summary>
    public static double PeakOf(int threads, Multiplication multiplication)
    {
        if (multiplication.Code.Multiply == 0) return Measure(threads).PeakGflops;
        using var peak = new Peak(threads, multiplication);
        return Enumerable.Range(0, 5).Max(_ => peak.Round(500_000)) / 1e9;
    }

    /// <summary>Measures for about a quarter of a second; the best of several rounds, since other work only slows it.</summary>
    public static unsafe Machine Measure(int threads = 0)
    {
        threads = threads > 0 ? threads : Environment.ProcessorCount;
        using var peak = new Peak(threads);
        const int Floats = 1 << 24;
        nuint bytes = (nuint)Floats * 4;
        var call = new Copies
        {
            Threads = threads,
            Length = Floats,
            From = (float*)NativeMemory.AlignedAlloc(bytes, 64),
            To = (float*)NativeMemory.AlignedAlloc(bytes, 64),
        };
        NativeMemory.Clear(call.From, bytes);
        NativeMemory.Clear(call.To, bytes);
        double flops = 0, bandwidth = 0;
        for (int round = 0; round < 5; round++)
        {
            flops = Math.Max(flops, peak.Round(200_000));
            bandwidth = Math.Max(bandwidth, 2.0 * bytes / peak.Seconds(&Move, &call));
        }
        NativeMemory.AlignedFree(call.From);
        NativeMemory.AlignedFree(call.To);
        return new(CpuName(), threads, CpuDevice.InstructionSet, flops / 1e9, bandwidth / 1e9,
            RuntimeInformation.FrameworkDescription);
    }

    /// <summary>The rate of multiply-adds that registers alone allow, round by round: clocks move while one measures.</summary>
    /// <param name="multiplication">one in machine code: the rate of its tile; else that of float32</param>
    internal sealed unsafe class Peak(int threads, Multiplication? multiplication = null) : IDisposable
    {
        readonly WorkerPool pool = new(threads);

        /// <summary>Flops a second of all threads in a round of so many steps, some two nanoseconds each.</summary>
        public double Round(int steps)
        {
            int awake = 1000;                                     // a worker that slept comes late to the first job alone
            pool.Run(&Multiply<Floats8>, &awake);
            if (multiplication is { Code.Multiply: not 0 } own)
            {
                var call = new Tiles { Task = new() { Code = own.Code }, Repeat = own.Repeat, Count = Math.Max(1, steps / 256) };
                double seconds = Seconds(&Tiles.Run, &call);
                return call.Flops * threads / seconds;
            }
            bool wide = Vector512.IsHardwareAccelerated;          // else they would be halved, and half of them spilled
            int lanes = wide ? Floats16.Count : Floats8.Count, count = steps;
            return 2.0 * 12 * lanes * steps * threads / Seconds(wide ? &Multiply<Floats16> : &Multiply<Floats8>, &count);
        }

        public double Seconds(delegate*<void*, int, void> job, void* argument)
        {
            long start = Stopwatch.GetTimestamp();
            pool.Run(job, argument);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public void Dispose() => pool.Dispose();
    }

    unsafe struct Tiles
    {
        public MatMul.Task Task;
        public delegate*<in MatMul.Task, int, double> Repeat;
        public int Count;
        public double Flops;                                      // of one thread: all write the same

        public static void Run(void* p, int thread)
        {
            var call = (Tiles*)p;
            call->Flops = call->Repeat(call->Task, call->Count);
        }
    }

    unsafe struct Copies
    {
        public float* From, To;
        public int Threads, Length;
    }

    static unsafe void Move(void* p, int thread)
    {
        var call = (Copies*)p;
        (int from, int to) = VectorMath.Share(call->Length, thread, call->Threads);
        new ReadOnlySpan<float>(call->From + from, to - from).CopyTo(new Span<float>(call->To + from, to - from));
    }

    /// <summary>Twelve independent chains of multiply-adds: more than latency times throughput on any core, and they fit its
    /// registers.</summary>
    static unsafe void Multiply<V>(void* p, int thread) where V : struct, IFloats<V>
    {
        V x = V.Create(1.0000001f), y = V.Create(1e-9f);
        V a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = *(int*)p; n > 0; n--)
        {
            (a, b, c) = (V.MultiplyAdd(a, x, y), V.MultiplyAdd(b, x, y), V.MultiplyAdd(c, x, y));
            (d, e, f) = (V.MultiplyAdd(d, x, y), V.MultiplyAdd(e, x, y), V.MultiplyAdd(f, x, y));
            (g, h, i) = (V.MultiplyAdd(g, x, y), V.MultiplyAdd(h, x, y), V.MultiplyAdd(i, x, y));
            (j, k, l) = (V.MultiplyAdd(j, x, y), V.MultiplyAdd(k, x, y), V.MultiplyAdd(l, x, y));
        }
        float* kept = stackalloc float[V.Count];                  // else nothing would be computed
        (a + b + c + d + e + f + g + h + i + j + k + l).Store(kept);
    }

    /// <summary>The processor's own name for itself.</summary>
    static string CpuName()
    {
        if (!X86Base.IsSupported) return RuntimeInformation.ProcessArchitecture.ToString();
        Span<int> words = stackalloc int[12];
        for (int i = 0; i < 3; i++)
            (words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3])
                = X86Base.CpuId(unchecked((int)0x80000002) + i, 0);
        return System.Text.Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words)).TrimEnd('\0', ' ').Trim();
    }
}
