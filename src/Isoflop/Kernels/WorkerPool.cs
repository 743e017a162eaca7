using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>A device's threads: the caller and its workers run one job together and meet at its end.</summary>
/// <remarks>
/// A layer of a small model takes microseconds, less than waking a sleeping thread; so workers spin between jobs, and sleep when
/// none came for a while. Dispatch allocates nothing.
/// </remarks>
sealed unsafe class WorkerPool : IDisposable
{
    const int SpinsBeforeSleep = 4_000;                  // some 40 ns each

    /// <summary>What threads share, each word on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    struct Shared
    {
        [FieldOffset(64)] public int Generation;
        [FieldOffset(192)] public int Pending;
        [FieldOffset(256)] public int CallerWaits;
    }

    readonly Thread[] workers;
    readonly int spins;
    // A semaphore each: a quick worker would take the permit meant for a slow one. Any may hold one too many: waits look again.
    readonly SemaphoreSlim[] wake;
    readonly int[] asleep;
    readonly SemaphoreSlim done = new(0);
    Shared shared;
    delegate*<void*, int, void> job;
    void* argument;
    volatile bool closing;

    /// <param name="threads">threads of a job, the caller's included</param>
    public WorkerPool(int threads)
    {
        Threads = threads;
        spins = threads <= Environment.ProcessorCount ? SpinsBeforeSleep : 0;
        workers = new Thread[threads - 1];
        asleep = new int[threads - 1];
        wake = [.. workers.Select(_ => new SemaphoreSlim(0))];
        for (int i = 0; i < workers.Length; i++)
        {
            int index = i;
            workers[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"isoflop-{index + 1}" };
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
            WakeAll();
        }
        job(argument, 0);
        for (int waits = 0; Volatile.Read(ref shared.Pending) > 0; waits++)
        {
            if (waits < spins)
            {
                Thread.SpinWait(1);
                continue;
            }
            // A worker has lost its core to another process.
            Interlocked.Exchange(ref shared.CallerWaits, 1);
            if (Volatile.Read(ref shared.Pending) > 0) done.Wait();
            Volatile.Write(ref shared.CallerWaits, 0);
        }
    }

    void WakeAll()
    {
        for (int i = 0; i < wake.Length; i++)
            if (Volatile.Read(ref asleep[i]) != 0) wake[i].Release();
    }

    void Work(int index)
    {
        int seen = 0;
        while (true)
        {
            for (int waits = 0; Volatile.Read(ref shared.Generation) == seen; waits++)
            {
                if (waits < spins)
                {
                    Thread.SpinWait(1);
                    continue;
                }
                Interlocked.Exchange(ref asleep[index], 1);
                if (Volatile.Read(ref shared.Generation) == seen) wake[index].Wait();
                Volatile.Write(ref asleep[index], 0);
            }
            if (closing) return;
            seen++;
            job(argument, index + 1);
            if (Interlocked.Decrement(ref shared.Pending) == 0 && Volatile.Read(ref shared.CallerWaits) != 0) done.Release();
        }
    }

    public void Dispose()
    {
        if (closing) return;
        closing = true;
        Interlocked.Increment(ref shared.Generation);
        WakeAll();
        foreach (Thread worker in workers) worker.Join();
        foreach (SemaphoreSlim semaphore in wake) semaphore.Dispose();
        done.Dispose();
    }
}
