using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>Memory of the two devices that compute in the host's own memory.</summary>
public abstract unsafe class HostDevice : IDisposable
{
    const int Alignment = 64;

    readonly List<nint> blocks = [];

    private protected HostDevice() { }

    /// <inheritdoc cref="IDevice.Allocate"/>
    public DeviceMemory Allocate(long length)
    {
        nuint bytes = checked((nuint)Math.Max(length, 1) * 4);
        void* block = NativeMemory.AlignedAlloc(bytes, Alignment);
        blocks.Add((nint)block);
        NativeMemory.Clear(block, bytes);
        return new((nint)block, length);
    }

    /// <inheritdoc cref="IDevice.Upload(ReadOnlySpan{float}, DeviceMemory)"/>
    public void Upload(ReadOnlySpan<float> from, DeviceMemory to) => from.CopyTo(new Span<float>(F(to), checked((int)to.Length)));

    /// <inheritdoc cref="IDevice.Upload(ReadOnlySpan{int}, DeviceMemory)"/>
    public void Upload(ReadOnlySpan<int> from, DeviceMemory to) => from.CopyTo(new Span<int>(I(to), checked((int)to.Length)));

    /// <inheritdoc cref="IDevice.Download(DeviceMemory, Span{float})"/>
    public void Download(DeviceMemory from, Span<float> to) =>
        new ReadOnlySpan<float>(F(from), checked((int)from.Length)).CopyTo(to);

    /// <inheritdoc cref="IDevice.Download(DeviceMemory, Span{int})"/>
    public void Download(DeviceMemory from, Span<int> to) => new ReadOnlySpan<int>(I(from), checked((int)from.Length)).CopyTo(to);

    /// <inheritdoc cref="IDevice.Copy"/>
    public void Copy(DeviceMemory from, DeviceMemory to) => NativeMemory.Copy(F(from), F(to), (nuint)from.Length * 4);

    /// <inheritdoc cref="IDevice.Clear"/>
    public void Clear(DeviceMemory x) => NativeMemory.Clear(F(x), (nuint)x.Length * 4);

    /// <summary>Frees all memory.</summary>
    public virtual void Dispose()
    {
        foreach (nint block in blocks) NativeMemory.AlignedFree((void*)block);
        blocks.Clear();
        GC.SuppressFinalize(this);
    }

    private protected static float* F(DeviceMemory m) => (float*)m.Address;

    private protected static int* I(DeviceMemory m) => (int*)m.Address;
}
