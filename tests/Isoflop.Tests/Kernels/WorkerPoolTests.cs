using System.Runtime.InteropServices;
using Isoflop.Kernels;
using Xunit;

namespace Isoflop.Tests.Kernels;

public sealed unsafe class WorkerPoolTests
{
    struct Count
    {
        public fixed int Parts[64];
        public fixed long Threads[64];
    }

    /// <summary>More threads than cores, so that workers come late and the caller takes their parts.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void Every_part_of_every_job_runs_once(int threads)
    {
        const int Jobs = 5_000;
        using var pool = new WorkerPool(threads);
        var count = (Count*)NativeMemory.AllocZeroed((nuint)sizeof(Count));
        for (int job = 1; job <= Jobs; job++)
        {
            pool.Run(&Add, count);
            for (int part = 0; part < threads; part++) Assert.Equal(job, count->Parts[part]);
            if (job % 1000 == 0) Thread.Sleep(5);                 // long enough for workers to sleep
        }
        NativeMemory.Free(count);

        static void Add(void* p, int part) => ((Count*)p)->Parts[part]++;
    }

    /// <summary>Workers that sleep are not waited for.</summary>
    [Fact]
    public void The_caller_takes_parts_that_no_worker_has_begun()
    {
        using var pool = new WorkerPool(4);
        var count = (Count*)NativeMemory.AllocZeroed((nuint)sizeof(Count));
        int most = 0;
        for (int job = 0; job < 200; job++)
        {
            Thread.Sleep(1);                                      // workers sleep: waking them takes longer than the job
            pool.Run(&Who, count);
            int own = 0;
            for (int part = 0; part < 4; part++) own += count->Threads[part] == Environment.CurrentManagedThreadId ? 1 : 0;
            Assert.Equal(Environment.CurrentManagedThreadId, count->Threads[0]);
            most = Math.Max(most, own);
        }
        NativeMemory.Free(count);
        Assert.True(most > 1, "the caller ran no part but its own in 200 jobs");

        static void Who(void* p, int part) => ((Count*)p)->Threads[part] = Environment.CurrentManagedThreadId;
    }
}
