using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>Memory of the two devices that compute in the host's own memory.</summary>
abstract unsafe class HostDevice : IDisposable
{
    const int Alignment = 64;

    readonly HashSet<nint> blocks = [];

    /// <inheritdoc cref="DeviceTraits.MemoryBytes"/>
    private protected static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <inheritdoc cref="IDevice.Allocate"/>
    public nint Allocate(long bytes)
    {
        nuint size = checked((nuint)Math.Max(bytes, 1));
        void* block = NativeMemory.AlignedAlloc(size, Alignment);
        blocks.Add((nint)block);
        NativeMemory.Clear(block, size);
        return (nint)block;
    }

    /// <inheritdoc cref="IDevice.AllocateActivations"/>
    public nint AllocateActivations(long count) => Allocate(sizeof(float) * count);

    /// <inheritdoc cref="IDevice.Free"/>
    public void Free(nint memory)
    {
        if (blocks.Remove(memory)) NativeMemory.AlignedFree((void*)memory);
    }

    /// <inheritdoc cref="IDevice.Upload"/>
    public void Upload(ReadOnlySpan<byte> from, nint to) => from.CopyTo(new Span<byte>((void*)to, from.Length));

    /// <inheritdoc cref="IDevice.Download"/>
    public void Download(nint from, Span<byte> to) => new ReadOnlySpan<byte>((void*)from, to.Length).CopyTo(to);

    /// <inheritdoc cref="IDevice.Copy"/>
    public void Copy(nint from, nint to, long bytes) => NativeMemory.Copy((void*)from, (void*)to, (nuint)bytes);

    /// <inheritdoc cref="IDevice.Clear"/>
    public void Clear(nint x, long bytes) => NativeMemory.Clear((void*)x, (nuint)bytes);

    /// <inheritdoc cref="IDevice.AddLoss"/>
    /// <remarks>One chain of doubles: nothing to share.</remarks>
    public void AddLoss(DeviceSpan<float> weights, DeviceSpan<float> nll, int rows, DeviceSpan<double> sum)
    {
        double loss = *D(sum);
        for (int r = 0; r < rows; r++) loss += (double)F(weights)[r] * F(nll)[r];
        *D(sum) = loss;
    }

    /// <summary>sums[i] = Σ x² of the i-th chunk of <see cref="Elementwise.Chunk"/>, in doubles.</summary>
    internal abstract void ChunkSquares(DeviceSpan<float> x, DeviceSpan<double> sums);

    /// <summary>Rows [From, To) of group <paramref name="g"/>, and by how much its sums lie further.</summary>
    private protected static (int From, int To, long At) RowsOf(PassPlan.Groups groups, int g, int rows)
    {
        if (groups.Offsets.Length == 0) return (0, rows, 0);
        int* offsets = I(groups.Offsets);
        return (Math.Clamp(offsets[g] - groups.First, 0, rows), Math.Clamp(offsets[g + 1] - groups.First, 0, rows),
            g * groups.Stride);
    }

    /// <summary>The same stretch, so many elements further, which may be beyond its end.</summary>
    private protected static DeviceSpan<T> Further<T>(DeviceSpan<T> x, long by) where T : unmanaged =>
        x.Length == 0 ? x : new(x.Address + (nint)(by * sizeof(T)), x.Length);

    /// <summary>Frees all memory.</summary>
    public virtual void Dispose()
    {
        foreach (nint block in blocks) NativeMemory.AlignedFree((void*)block);
        blocks.Clear();
        GC.SuppressFinalize(this);
    }

    private protected static float* F(DeviceSpan<float> x) => (float*)x.Address;

    private protected static int* I(DeviceSpan<int> x) => (int*)x.Address;

    private protected static double* D(DeviceSpan<double> x) => (double*)x.Address;
}
