using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>A stretch of a device's memory, counted in elements. Opaque: only its device reads it.</summary>
/// <param name="address">what the device means by it: a pointer of its own memory</param> <param name="length">elements</param>
public readonly struct DeviceSpan<T>(nint address, long length) where T : unmanaged
{
    /// <summary>Where it begins, as its device counts.</summary>
    public nint Address => address;

    /// <summary>Elements; 0: there is none.</summary>
    public long Length => length;

    /// <summary>The <paramref name="count"/> elements from <paramref name="offset"/> on.</summary>
    public DeviceSpan<T> Slice(long offset, long count)
    {
        if (offset < 0 || count < 0 || offset > Length - count)
            throw new ArgumentOutOfRangeException(nameof(offset),
                $"[{offset}, {offset + count}) is outside of {Length} elements");
        return new(Address + (nint)(offset * Unsafe.SizeOf<T>()), count);
    }
}

/// <summary>Memory of one owner on a device: taken in pieces, given back together.</summary>
/// <param name="what">it is for, said where there is not enough</param>
public sealed class DeviceMemory(IDevice device, string what = "memory") : IDisposable
{
    readonly List<nint> pieces = [];

    /// <summary>New memory, all zero.</summary>
    /// <exception cref="ConfigException">The device has not so much left.</exception>
    public DeviceSpan<T> Allocate<T>(long length) where T : unmanaged => Take<T>(length, false);

    /// <inheritdoc cref="IDevice.AllocateActivations"/>
    internal DeviceSpan<float> AllocateActivations(long length) => Take<float>(length, true);

    DeviceSpan<T> Take<T>(long length, bool activations) where T : unmanaged
    {
        try
        {
            pieces.Add(activations ? device.AllocateActivations(length) : device.Allocate(checked(length * Unsafe.SizeOf<T>())));
            return new(pieces[^1], length);
        }
        catch (ConfigException e)
        {
            throw new ConfigException($"{what}: {e.Message}");
        }
    }

    /// <summary>Frees it; nothing may use it any more.</summary>
    public void Dispose()
    {
        foreach (nint piece in pieces) device.Free(piece);
        pieces.Clear();
    }
}

/// <summary>A device's copies, by elements.</summary>
public static class DeviceCopies
{
    /// <summary>Copies from the host.</summary>
    public static void Upload<T>(this IDevice device, ReadOnlySpan<T> from, DeviceSpan<T> to) where T : unmanaged =>
        device.Upload(MemoryMarshal.AsBytes(from), to.Slice(0, from.Length).Address);

    /// <summary>Copies to the host, all of it.</summary>
    public static void Download<T>(this IDevice device, DeviceSpan<T> from, Span<T> to) where T : unmanaged =>
        device.Download(from.Address, MemoryMarshal.AsBytes(to[..checked((int)from.Length)]));

    /// <summary>Copies inside the device.</summary>
    public static void Copy<T>(this IDevice device, DeviceSpan<T> from, DeviceSpan<T> to) where T : unmanaged =>
        device.Copy(from.Address, to.Slice(0, from.Length).Address, from.Length * Unsafe.SizeOf<T>());

    /// <summary>Sets every element to zero.</summary>
    public static void Clear<T>(this IDevice device, DeviceSpan<T> x) where T : unmanaged =>
        device.Clear(x.Address, x.Length * Unsafe.SizeOf<T>());
}
