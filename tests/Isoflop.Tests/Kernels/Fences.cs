using System.Runtime.InteropServices;
using Isoflop.Kernels;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>Operands between fences of NaN: a read past an end poisons the result, a write past it is found by <see cref="Check"/>.</summary>
/// <remarks>Their memory lasts until they are disposed of: addresses alone keep nothing alive.</remarks>
/// <param name="allocate">memory of so many bytes that a device reads by the host's own address; default: the host's</param>
sealed unsafe class Fences(int seed, Func<long, nint>? allocate = null, Action<nint>? free = null) : IDisposable
{
    const int Width = 64;
    readonly Random random = new(seed);
    readonly List<DeviceSpan<float>> blocks = [];                 // with their fences

    /// <summary>Uniform values in [−scale, scale).</summary>
    public DeviceSpan<float> Random(long length, float scale = 1) => New(length, _ => scale * (2 * random.NextSingle() - 1));

    /// <summary>Room for a result, full of NaN.</summary>
    public DeviceSpan<float> Empty(long length) => New(length, _ => float.NaN);

    public DeviceSpan<int> Ints(int length, Func<int, int> value) =>
        new(New(length, i => BitConverter.Int32BitsToSingle(value(i))).Address, length);

    public DeviceSpan<float> Copy(DeviceSpan<float> from)
    {
        float* source = (float*)from.Address;
        return New(from.Length, i => source[i]);
    }

    DeviceSpan<float> New(long length, Func<int, float> value)
    {
        long bytes = (length + 2 * Width) * sizeof(float);
        var block = new DeviceSpan<float>(allocate is null ? (nint)NativeMemory.AlignedAlloc((nuint)bytes, Width) : allocate(bytes), length + 2 * Width);
        blocks.Add(block);
        new Span<float>((void*)block.Address, (int)block.Length).Fill(float.NaN);
        DeviceSpan<float> inner = block.Slice(Width, length);
        for (int i = 0; i < length; i++) ((float*)inner.Address)[i] = value(i);
        return inner;
    }

    /// <summary>All fences stand.</summary>
    public void Check(string what)
    {
        foreach (DeviceSpan<float> block in blocks)
            for (int i = 0; i < Width; i++)
                Assert.True(float.IsNaN(((float*)block.Address)[i]) && float.IsNaN(((float*)block.Address)[block.Length - 1 - i]),
                    $"{what}: wrote outside of its operand");
    }

    public void Dispose()
    {
        foreach (DeviceSpan<float> block in blocks)
            if (free is null) NativeMemory.AlignedFree((void*)block.Address);
            else free(block.Address);
        blocks.Clear();
    }

    public static float[] Values(DeviceSpan<float> memory) => new ReadOnlySpan<float>((float*)memory.Address, (int)memory.Length).ToArray();

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
