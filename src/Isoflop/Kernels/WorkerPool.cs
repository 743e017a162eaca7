using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>A device's threads: the caller and its workers run the parts of one job together and meet at its end.</summary>
/// <remarks>
/// A layer of a small model takes microseconds, less than waking a sleeping thread; so workers spin between jobs, and sleep when
/// none came for a while. The caller takes the parts that no worker has begun when its own is done: a worker that sleeps, or
/// whose core another process has, is not waited for. Dispatch allocates nothing.
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
    // The last job of which a worker's part was begun, by it or by the caller; a cache line each.
    readonly int[] begun;
    const int Line = 16;
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
        begun = new int[threads * Line];
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

    /// <summary>
    /// Calls <paramref name="job"/>(argument, part) once for each part from 0 to <see cref="Threads"/> − 1, on any thread, and
    /// returns when all have returned.
    /// </summary>
    public void Run(delegate*<void*, int, void> job, void* argument)
    {
        if (workers.Length == 0)
        {
            job(argument, 0);
            return;
        }
        this.job = job;
        this.argument = argument;
        Volatile.Write(ref shared.Pending, workers.Length);
        int generation = Interlocked.Increment(ref shared.Generation);
        WakeAll();
        job(argument, 0);
        for (int i = 0; i < workers.Length; i++)
        {
            if (!Begin(i, generation)) continue;
            job(argument, i + 1);
            Interlocked.Decrement(ref shared.Pending);
        }
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

    /// <summary>
    /// Takes a worker's part of a job, unless somebody has. Whoever has it may read <see cref="job"/>: the caller waits for it.
    /// </summary>
    bool Begin(int worker, int generation)
    {
        ref int last = ref begun[worker * Line];
        return Volatile.Read(ref last) == generation - 1
            && Interlocked.CompareExchange(ref last, generation, generation - 1) == generation - 1;
    }

    void WakeAll()
    {
        for (int i = 0; i < wake.Length; i++)
            if (Volatile.Read(ref asleep[i]) != 0 && Interlocked.Exchange(ref asleep[i], 0) != 0) wake[i].Release();
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
                else Volatile.Write(ref asleep[index], 0);
            }
            if (closing) return;
            seen = Volatile.Read(ref shared.Generation);
            if (!Begin(index, seen)) continue;
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
