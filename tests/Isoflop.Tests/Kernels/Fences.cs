using System.Runtime.InteropServices;
using Isoflop.Cuda;
using Isoflop.Kernels;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>Operands between fences of NaN: a read past an end poisons the result, a write past it is found by <see cref="Check"/>.</summary>
/// <remarks>Their memory lasts until they are disposed of: addresses alone keep nothing alive.</remarks>
/// <param name="allocate">memory of so many bytes that a device reads by the host's own address; default: the host's</param>
sealed unsafe class Fences(int seed, Func<long, nint>? allocate = null, Action<nint>? free = null) : IDisposable
{
    const int FenceBytes = 256, Alignment = 64;
    readonly Random random = new(seed);
    readonly List<(nint At, long Bytes)> blocks = [];             // with their fences

    /// <summary>Uniform values in [−scale, scale).</summary>
    public DeviceSpan<float> Random(long length, float scale = 1) => New(length, _ => scale * (2 * random.NextSingle() - 1));

    /// <summary>Room for a result, full of NaN.</summary>
    public DeviceSpan<float> Empty(long length) => New(length, _ => float.NaN);

    public DeviceSpan<int> Ints(int length, Func<int, int> value) =>
        new(New(length, i => BitConverter.Int32BitsToSingle(value(i))).Address, length);

    public DeviceSpan<float> Copy(DeviceSpan<float> from)
    {
        float[] values = Values(from);
        return IsNarrow(from) ? NewNarrow(from.Length, i => values[i]) : New(from.Length, i => values[i]);
    }

    /// <summary>The same values as a card keeps activations: bfloat16, to the nearest.</summary>
    public DeviceSpan<float> Narrow(DeviceSpan<float> from)
    {
        float[] values = Values(from);
        return NewNarrow(from.Length, i => values[i]);
    }

    /// <summary>Room for such a result, full of NaN.</summary>
    public DeviceSpan<float> EmptyNarrow(long length) => NewNarrow(length, _ => float.NaN);

    static bool IsNarrow(DeviceSpan<float> x) => (x.Address & CudaDevice.Bf16Tag) != 0;

    static Span<ushort> Halves(DeviceSpan<float> x) => new((void*)((x.Address & ~CudaDevice.Bf16Tag) / 2), (int)x.Length);

    static ushort Half(float x) => float.IsNaN(x) ? ushort.MaxValue : (ushort)(Rounded(x) >> 16);

    static uint Rounded(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000;
    }

    /// <summary>The nearest that bfloat16 has.</summary>
    public static float Round(float x) => float.IsNaN(x) ? x : BitConverter.UInt32BitsToSingle(Rounded(x));

    DeviceSpan<float> New(long length, Func<int, float> value)
    {
        DeviceSpan<float> inner = new(Block(length * sizeof(float)), length);
        for (int i = 0; i < length; i++) ((float*)inner.Address)[i] = value(i);
        return inner;
    }

    DeviceSpan<float> NewNarrow(long length, Func<int, float> value)
    {
        DeviceSpan<float> inner = new((nint)(CudaDevice.Bf16Tag | 2 * Block(length * sizeof(ushort))), length);
        for (int i = 0; i < length; i++) Halves(inner)[i] = Half(value(i));
        return inner;
    }

    /// <summary>Between fences of ones: NaN in either kind of number.</summary>
    nint Block(long bytes)
    {
        long all = bytes + 2 * FenceBytes;
        nint block = allocate is null ? (nint)NativeMemory.AlignedAlloc((nuint)all, Alignment) : allocate(all);
        blocks.Add((block, all));
        new Span<byte>((void*)block, (int)all).Fill(byte.MaxValue);
        return block + FenceBytes;
    }

    /// <summary>All fences stand.</summary>
    public void Check(string what)
    {
        foreach ((nint at, long bytes) in blocks)
            Assert.True(!new Span<byte>((void*)at, FenceBytes).ContainsAnyExcept(byte.MaxValue)
                && !new Span<byte>((void*)(at + bytes - FenceBytes), FenceBytes).ContainsAnyExcept(byte.MaxValue), $"{what}: wrote outside of its operand");
    }

    public void Dispose()
    {
        foreach ((nint at, _) in blocks)
            if (free is null) NativeMemory.AlignedFree((void*)at);
            else free(at);
        blocks.Clear();
    }

    public static void Set(DeviceSpan<float> to, float[] values) => values.CopyTo(new Span<float>((float*)to.Address, values.Length));

    public static float[] Values(DeviceSpan<float> memory)
    {
        if (!IsNarrow(memory)) return new ReadOnlySpan<float>((float*)memory.Address, (int)memory.Length).ToArray();
        var values = new float[memory.Length];
        for (int i = 0; i < values.Length; i++) values[i] = BitConverter.UInt32BitsToSingle((uint)Halves(memory)[i] << 16);
        return values;
    }

    /// <summary>Every |expected − actual| ≤ allowed(i).</summary>
    public static void Near(DeviceSpan<float> expected, DeviceSpan<float> actual, Func<int, double> allowed, string what)
    {
        float[] e = Values(expected), a = Values(actual);
        for (int i = 0; i < e.Length; i++)
        {
            double limit = allowed(i);
            if (!(Math.Abs((double)e[i] - a[i]) <= limit))
                Assert.Fail($"{what}: element {i} of {e.Length} is {a[i]:R}, by definition {e[i]:R}, allowed ±{limit:E1}");
        }
    }
}
