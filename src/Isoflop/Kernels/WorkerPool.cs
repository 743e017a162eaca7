using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>A device's threads: the caller and its workers run one job together and meet at its end.</summary>
/// <remarks>
/// A layer of a small model takes microseconds, less than waking a sleeping thread; so workers spin between jobs, and sleep when
/// none came for a while. Dispatch allocates nothing.
/// </remarks>
sealed unsafe class WorkerPool : IDisposable
{
    const int SpinsBeforeSleep = 20_000;                 // some 200 µs

    /// <summary>What threads share, each word on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    struct Shared
    {
        [FieldOffset(64)] public int Generation;
        [FieldOffset(192)] public int Pending;
        [FieldOffset(256)] public int Sleeping;
    }

    readonly Thread[] workers;
    readonly SemaphoreSlim wake = new(0);
    Shared shared;
    delegate*<void*, int, void> job;
    void* argument;
    volatile bool closing;

    /// <param name="threads">threads of a job, the caller's included</param>
    public WorkerPool(int threads)
    {
        Threads = threads;
        workers = new Thread[threads - 1];
        for (int i = 0; i < workers.Length; i++)
        {
            int index = i + 1;
            workers[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"isoflop-{index}" };
            workers[i].Start();
        }
    }

    /// <summary>Threads of a job, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>Calls <paramref name="job"/>(argument, thread) once for each thread and returns when all have.</summary>
    public void Run(delegate*<void*, int, void> job, void* argument)
    {
        if (workers.Length > 0)
        {
            this.job = job;
            this.argument = argument;
            Volatile.Write(ref shared.Pending, workers.Length);
            Interlocked.Increment(ref shared.Generation);
            if (Volatile.Read(ref shared.Sleeping) > 0) wake.Release(workers.Length);
        }
        job(argument, 0);
        var spinner = new SpinWait();
        for (int spins = 0; Volatile.Read(ref shared.Pending) > 0; spins++)
        {
            // A worker may have lost its core to another process: give ours away now and then.
            if (spins < SpinsBeforeSleep) Thread.SpinWait(4);
            else spinner.SpinOnce();
        }
    }

    void Work(int index)
    {
        int seen = 0;
        while (true)
        {
            for (int spins = 0; Volatile.Read(ref shared.Generation) == seen; spins++)
            {
                if (spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(4);
                    continue;
                }
                Interlocked.Increment(ref shared.Sleeping);
                if (Volatile.Read(ref shared.Generation) == seen) wake.Wait();
                Interlocked.Decrement(ref shared.Sleeping);
            }
            if (closing) return;
            seen++;
            job(argument, index);
            Interlocked.Decrement(ref shared.Pending);
        }
    }

    public void Dispose()
    {
        if (closing) return;
        closing = true;
        Interlocked.Increment(ref shared.Generation);
        wake.Release(workers.Length + 1);
        foreach (Thread worker in workers) worker.Join();
        wake.Dispose();
    }
}
