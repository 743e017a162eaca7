using System.Runtime.CompilerServices;

namespace Isoflop.Cuda;

/// <summary>A kernel by name.</summary>
/// <param name="Module">the PTX file it is in, without its ending</param>
/// <param name="Threads">of a block, as it was compiled for</param>
sealed record Kernel(string Module, string Name, int Threads);

/// <summary>Blocks of a launch, and the bytes of shared memory that each has.</summary>
readonly record struct Grid(int X, int Y = 1, int Z = 1, int Shared = 0);

/// <summary>Launches that were asked for and not yet made, in their order, with what each kernel is given.</summary>
/// <remarks>Grows to the longest stretch of work seen; after that it allocates nothing.</remarks>
sealed unsafe class Commands
{
    Launch[] launches = new Launch[256];
    byte[] arguments = GC.AllocateUninitializedArray<byte>(1 << 15, pinned: true);
    int used;

    /// <summary>One launch; its arguments begin at At.</summary>
    /// <param name="Before">shape of those before it</param>
    public readonly record struct Launch(Kernel Kernel, Grid Grid, int At, int Bytes, int Before);

    /// <summary>Launches.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<Launch> All => launches.AsSpan(0, Count);

    /// <summary>Of kernels and grids alone.</summary>
    public int Shape { get; private set; }

    /// <summary>Bytes that a launch's kernel is given, aligned to 16.</summary>
    public ReadOnlySpan<byte> Arguments(in Launch launch) => arguments.AsSpan(launch.At, launch.Bytes);

    /// <summary>The same by address: pinned until something is added.</summary>
    public void* Address(in Launch launch) => Unsafe.AsPointer(ref arguments[launch.At]);

    /// <summary>Adds a launch. A grid of no blocks has nothing to do.</summary>
    public void Add<T>(Kernel kernel, Grid grid, in T given) where T : unmanaged
    {
        if (grid.X <= 0 || grid.Y <= 0 || grid.Z <= 0) return;
        if (Count == launches.Length) Array.Resize(ref launches, 2 * Count);
        if (used + sizeof(T) > arguments.Length)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(2 * arguments.Length, pinned: true);
            arguments.CopyTo(larger, 0);
            arguments = larger;
        }
        Unsafe.WriteUnaligned(ref arguments[used], given);
        launches[Count++] = new(kernel, grid, used, sizeof(T), Shape);
        used = (used + sizeof(T) + 15) / 16 * 16;
        Shape = HashCode.Combine(Shape, RuntimeHelpers.GetHashCode(kernel), grid);
    }

    /// <summary>Whether the last launch is this kernel's, and what it was given: one may do what comes next too.</summary>
    public bool IsLast<T>(Kernel kernel, out T given) where T : unmanaged
    {
        given = default;
        if (Count == 0 || !ReferenceEquals(launches[Count - 1].Kernel, kernel)) return false;
        given = Unsafe.ReadUnaligned<T>(ref arguments[launches[Count - 1].At]);
        return true;
    }

    /// <summary>Takes the last launch back.</summary>
    public void DropLast() => (used, Shape) = (launches[--Count].At, launches[Count].Before);

    /// <summary>Same kernels and grids, launch by launch.</summary>
    public bool HasShapeOf(Commands other)
    {
        if (Shape != other.Shape || Count != other.Count) return false;
        for (int i = 0; i < Count; i++)
            if (!ReferenceEquals(launches[i].Kernel, other.launches[i].Kernel) || launches[i].Grid != other.launches[i].Grid)
                return false;
        return true;
    }

    /// <summary>Takes over what one launch is given in another stretch of the same shape; true: it was something else.</summary>
    public bool Take(Commands other, int i)
    {
        ReadOnlySpan<byte> theirs = other.Arguments(other.launches[i]);
        Span<byte> own = arguments.AsSpan(launches[i].At, launches[i].Bytes);
        if (own.SequenceEqual(theirs)) return false;
        theirs.CopyTo(own);
        return true;
    }

    /// <summary>A copy of its own.</summary>
    public Commands Kept()
    {
        var kept = new Commands { launches = [.. All], used = used, Count = Count, Shape = Shape };
        kept.arguments = GC.AllocateUninitializedArray<byte>(Math.Max(16, used), pinned: true);
        arguments.AsSpan(0, used).CopyTo(kept.arguments);
        return kept;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => (Count, used, Shape) = (0, 0, 0);
}
