using System.Runtime.InteropServices;
using Isoflop.Kernels;

namespace Isoflop.Cuda;

/// <summary>
/// Exchange between the cards of two ranks by NVIDIA's library, found at run time, by its point-to-point calls alone: the order
/// in which ranks add is theirs. Names and structures: NCCL 2.7 and later.
/// </summary>
/// <remarks>Written without a card: the calls have run against a library that tests make, never against NVIDIA's.</remarks>
sealed unsafe class Nccl : IDisposable
{
    const int IdBytes = 128, Bytes = 0;                           // ncclInt8

    readonly nint library, all;
    readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> send, receive;
    readonly delegate* unmanaged<int> begin, end;

    /// <summary>ncclUniqueId.</summary>
    struct Id
    {
        public fixed byte Bytes[IdBytes];
    }

    /// <summary>Joins all ranks' cards, each its thread's; the name under which they meet goes by the ranks' own way.</summary>
    /// <exception cref="ConfigException">The library is not there, or too old.</exception>
    /// <exception cref="DataException">It fails.</exception>
    public Nccl(Ranks ranks)
    {
        if (!NativeLibrary.TryLoad("libnccl.so.2", out library))
            throw new ConfigException("ranks on cards need NVIDIA's NCCL, and there is no libnccl.so.2; install libnccl2, or " +
                "leave device out: ranks then train on CPUs");
        send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Find("ncclSend");
        receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)Find("ncclRecv");
        begin = (delegate* unmanaged<int>)Find("ncclGroupStart");
        end = (delegate* unmanaged<int>)Find("ncclGroupEnd");
        Id id = default;
        if (ranks.Rank == 0) Check(((delegate* unmanaged<Id*, int>)Find("ncclGetUniqueId"))(&id), "ncclGetUniqueId");
        int[] bounds = [0, .. Enumerable.Repeat(IdBytes, ranks.Count)];                 // rank 0 has all of it
        ranks.Gather(null, new DeviceSpan<byte>((nint)(&id), IdBytes), bounds);
        nint made;
        Check(((delegate* unmanaged<nint*, int, Id, int, int>)Find("ncclCommInitRank"))(&made, ranks.Count, id, ranks.Rank),
            "ncclCommInitRank");
        all = made;
    }

    nint Find(string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address
        : throw new ConfigException($"libnccl.so.2 lacks {name}: install NCCL 2.7 or later");

    /// <summary>Gives memory of this card to a partner's and takes its, behind what the queue holds.</summary>
    public void Exchange(nint give, long givenBytes, nint take, long takenBytes, int partner, nint stream)
    {
        Check(begin(), "ncclGroupStart");
        if (givenBytes > 0) Check(send(give, (nuint)givenBytes, Bytes, partner, all, stream), "ncclSend");
        if (takenBytes > 0) Check(receive(take, (nuint)takenBytes, Bytes, partner, all, stream), "ncclRecv");
        Check(end(), "ncclGroupEnd");
    }

    void Check(int result, string call)
    {
        if (result == 0) return;
        nint said = ((delegate* unmanaged<int, nint>)Find("ncclGetErrorString"))(result);
        throw new DataException($"NCCL: {Marshal.PtrToStringUTF8(said)} ({call})");
    }

    /// <summary>Leaves.</summary>
    public void Dispose()
    {
        if (all != 0) ((delegate* unmanaged<nint, int>)Find("ncclCommDestroy"))(all);
    }
}
