using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>
/// Ranks that Open MPI's mpirun started, found at run time: handles are addresses of its symbols. MPICH and its kin have another
/// binary interface, and are named and refused.
/// </summary>
sealed unsafe partial class MpiRanks : Ranks
{
    const int ThreadsSerialized = 2, Tag = 7, RollTag = 8, AnySource = -1;
    const double RollSeconds = 5;
    const uint MicrosecondsBeside = 50;
    const long Bucket = 4 << 20;                                  // a whole slab at once is thrice as slow

    readonly nint library, world, bytes;
    readonly delegate* unmanaged<void*, int, nint, int, int, nint, void**, int> send, receive;
    readonly delegate* unmanaged<void**, int*, void*, int> test;
    readonly delegate* unmanaged<int, int, nint, int*, void*, int> probe;
    readonly double patience;
    readonly bool anyThread;

    MpiRanks(nint library, double patience)
    {
        (this.library, this.patience) = (library, patience);
        (world, bytes) = (Symbol("ompi_mpi_comm_world"), Symbol("ompi_mpi_byte"));
        int provided, rank, count;
        ((delegate* unmanaged<void*, void*, int, int*, int>)Symbol("MPI_Init_thread"))(null, null, ThreadsSerialized, &provided);
        anyThread = provided >= ThreadsSerialized;
        ((delegate* unmanaged<nint, int*, int>)Symbol("MPI_Comm_rank"))(world, &rank);
        ((delegate* unmanaged<nint, int*, int>)Symbol("MPI_Comm_size"))(world, &count);
        (Rank, Count) = (rank, count);
        send = (delegate* unmanaged<void*, int, nint, int, int, nint, void**, int>)Symbol("MPI_Isend");
        receive = (delegate* unmanaged<void*, int, nint, int, int, nint, void**, int>)Symbol("MPI_Irecv");
        test = (delegate* unmanaged<void**, int*, void*, int>)Symbol("MPI_Test");
        probe = (delegate* unmanaged<int, int, nint, int*, void*, int>)Symbol("MPI_Iprobe");
    }

    nint Symbol(string name) => NativeLibrary.GetExport(library, name);

    /// <summary>What mpirun says of this process; null: it was not started by one.</summary>
    /// <param name="seconds">that a partner is waited for</param>
    /// <exception cref="ConfigException">Another MPI than Open MPI, or its library is missing.</exception>
    public static MpiRanks? Open(double seconds)
    {
        int ranks = Number("OMPI_COMM_WORLD_SIZE");
        if (ranks == 0 && Number("PMI_SIZE") > 1)
            throw new ConfigException("started by another MPI than Open MPI (MPICH or its kin, by PMI_SIZE): ranks need Open " +
                "MPI, Debian's openmpi-bin");
        if (ranks < 2) return null;
        if ((ranks & (ranks - 1)) != 0)
            throw new ConfigException($"mpirun started {ranks} ranks; they must be a power of two: they join in pairs");
        if (!NativeLibrary.TryLoad("libmpi.so.40", out nint library) && !NativeLibrary.TryLoad("libmpi.so", out library))
            throw new ConfigException("mpirun started this, but there is no libmpi.so; install Open MPI's library, libopenmpi3");
        if (!NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _))
            throw new ConfigException("libmpi.so is not Open MPI's: it has no ompi_mpi_comm_world; ranks need Open MPI");
        return new(library, seconds);
    }

    /// <summary>Which of them this is, from 0.</summary>
    public static int NumberOnThisHost => Number("OMPI_COMM_WORLD_LOCAL_RANK");

    /// <summary>Ranks of mpirun on this host; 0: this process is none.</summary>
    public static int OnThisHost => Number("OMPI_COMM_WORLD_LOCAL_SIZE");

    static int Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None,
        CultureInfo.InvariantCulture, out int n) ? n : 0;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    /// <remarks>On one host the cores do the copying, and what they do beside a pass the pass waits for.</remarks>
    public override bool MayTalkBeside => anyThread && OnThisHost < Count;

    /// <inheritdoc/>
    protected override void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner)
    {
        for (long at = 0; at < Math.Max(givenBytes, takenBytes); at += Bucket)
        {
            int giving = (int)Math.Clamp(givenBytes - at, 0, Bucket), taking = (int)Math.Clamp(takenBytes - at, 0, Bucket);
            void* coming = null, going = null;
            receive((byte*)take + at, taking, bytes, partner, Tag, world, &coming);
            send((byte*)give + at, giving, bytes, partner, Tag, world, &going);
            Wait(&coming, partner);
            Wait(&going, partner);
        }
    }

    // By asking, not by MPI_Wait: a partner that hangs must not hang this one.
    void Wait(void** request, int partner)
    {
        int done = 0, roll = 0;
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; ; i++)
        {
            test(request, &done, null);
            if (done != 0) return;
            if (Beside && i > 100) _ = Sleep(MicrosecondsBeside);
            else if (i > 10_000) Thread.Yield();
            if ((i & 1023) != 1023) continue;
            probe(AnySource, RollTag, world, &roll, null);
            if (roll != 0 || Stopwatch.GetElapsedTime(began).TotalSeconds > patience) throw RollCall(partner);
        }
    }

    /// <summary>
    /// Who is there: the partner that keeps this rank waiting may itself wait for another. All that wait hear the call, and
    /// answer.
    /// </summary>
    DataException RollCall(int partner)
    {
        void** going = stackalloc void*[Count], coming = stackalloc void*[Count];
        byte* words = stackalloc byte[Count];
        int done = 0;
        for (int r = 0; r < Count; r++)
        {
            if (r == Rank) continue;
            receive(words + r, 1, bytes, r, RollTag, world, &coming[r]);
            send(words + Rank, 1, bytes, r, RollTag, world, &going[r]);
        }
        List<int> silent = [.. Enumerable.Range(0, Count).Where(r => r != Rank)];
        long began = Stopwatch.GetTimestamp();
        while (silent.Count > 0 && Stopwatch.GetElapsedTime(began).TotalSeconds < RollSeconds)
        {
            for (int i = silent.Count - 1; i >= 0; i--)
            {
                test(&coming[silent[i]], &done, null);
                if (done != 0) silent.RemoveAt(i);
            }
            Thread.Sleep(1);
        }
        string who = silent.Count == 0 ? $"rank {partner} is there, but gives" : silent.Count == 1 ? $"rank {silent[0]} gives"
            : $"ranks {string.Join(", ", silent)} give";
        return new(string.Create(CultureInfo.InvariantCulture,
            $"{who} no answer for {patience:0} s; the same command goes on from the last checkpoint"));
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int Sleep(uint microseconds);

    /// <summary>Leaves together with the others.</summary>
    protected override void Dispose(bool disposing) => ((delegate* unmanaged<int>)Symbol("MPI_Finalize"))();

    /// <summary>Ends all ranks: this one cannot go on.</summary>
    public void Abort(int code) => ((delegate* unmanaged<nint, int, int>)Symbol("MPI_Abort"))(world, code);
}
