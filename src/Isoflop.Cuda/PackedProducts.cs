using System.Runtime.InteropServices;
using Isoflop.Kernels;

namespace Isoflop.Cuda;

/// <summary>
/// Products of operands that are rounded and laid out beforehand, in the order in which blocks read them (pack.h): on cards of
/// compute capability 9.0, whose warpgroups multiply straight from shared memory.
/// </summary>
/// <remarks>
/// Where a card's warpgroups sum in another order than its warps, bits would hang on the shape. So both are asked first, and
/// these products are used only where all bits are equal.
/// </remarks>
static class PackedProducts
{
    /// <summary>The major one; wgmma is no part of others, not of later ones either.</summary>
    public const int Capability = 9;

    /// <summary>Of a chunk; pack.h.</summary>
    public const int Rows = 128;

    const int Steps = 64, ChunkBytes = Rows * Steps * 2, Stages = 4, EventBytes = 8;

    /// <summary>Of shared memory, of the kernel that turns.</summary>
    public const int TurnedBytes = Steps * (Rows + 1) * sizeof(float);

    /// <summary>Of shared memory, of a tile of 128 × 128·columns; matmul_hopper.cu.</summary>
    public static int SharedBytes(int columns) => Stages * ((1 + columns) * ChunkBytes + 2 * EventBytes);

    /// <summary>Along k, for each 128 rows: each group's last chunk may be short.</summary>
    public static int Chunks(int k, int groups) => k / Steps + groups;

    /// <summary>Of an operand.</summary>
    public static long Bytes(int rows, int chunks) => (long)((rows + Rows - 1) / Rows) * chunks * ChunkBytes;

    /// <summary>Whether packing and multiplying is likely faster than a product that rounds its operands itself.</summary>
    /// <remarks>
    /// Seconds on an H100 by arithmetic from assumed bandwidths, not measured. A tile asks the second cache, at 5.5 TB/s, for its
    /// operands: one of 128 × 128 in float32 reaches 176 TFLOP/s, of 64 × 64 88; packed, of 128 × 256 470, of 128 × 128 350.
    /// Packing writes two bytes for each that is read, at 2.5 TB/s, and is two launches of 1.1 µs more. Fewer tiles than
    /// processors leave some idle. What is packed where it is made, or read once for two products, is not counted as less.
    /// </remarks>
    /// <param name="left">bytes of an element of A as it lies there</param> <param name="right">of B</param>
    public static bool Pay(int m, int n, int k, int count, int processors, int left, int right)
    {
        double flops = 2.0 * m * n * k;
        double itself = Tiles(128, 128) >= processors ? flops / Rate(128, 128, left, right)
            : flops / (Rate(64, 64, left, right) * Fill(64, 64));
        double packed = Tiles(Rows, 2 * Rows) >= processors ? flops / Rate(Rows, 2 * Rows, 2, 2)
            : flops / (Rate(Rows, Rows, 2, 2) * Fill(Rows, Rows));
        return packed + (m * (left + 2.0) + n * (right + 2.0)) * k / 2.5e12 + 2 * 1.1e-6 < itself;

        static double Rate(int rows, int columns, int left, int right) =>
            5.5e12 * 2 * rows * columns / (rows * left + columns * right);

        double Tiles(int rows, int columns) =>
            (double)((m + rows - 1) / rows) * ((n + columns - 1) / columns) * count;

        double Fill(int rows, int columns) => Math.Min(1, Tiles(rows, columns) / processors);
    }

    /// <summary>Whether both kinds of product have the same bits on a card, in either tile.</summary>
    /// <remarks>
    /// Of operands of many magnitudes, so that sums lose bits; whatever order they are lost in shows. k goes round the ring of
    /// stages more than twice, and has a tail.
    /// </remarks>
    public static bool Same(CudaDevice device)
    {
        try
        {
            device.Load("matmul_hopper");
        }
        catch (DataException)                                     // this driver does not compile it
        {
            return false;
        }
        const int M = 128, N = 256, K = 584;
        using var memory = new DeviceMemory(device);
        DeviceSpan<float> a = Random(1, M * K), b = Random(2, N * K);
        DeviceSpan<float> c = memory.Allocate<float>(M * N), packed = memory.Allocate<float>(M * N);
        device.MatMul(MatMulLayout.TransposedB, a, b, c, M, N, K);
        int[] expected = Values(c);
        foreach (bool wide in (ReadOnlySpan<bool>)[false, true])
        {
            device.MatMulPacked(MatMulLayout.TransposedB, a, b, packed, M, N, K, wide: wide);
            if (!Values(packed).AsSpan().SequenceEqual(expected)) return false;
        }
        return true;

        DeviceSpan<float> Random(int seed, int length)
        {
            var random = new Random(seed);
            DeviceSpan<float> x = memory.Allocate<float>(length);
            device.Upload(MemoryMarshal.AsBytes<float>([.. Enumerable.Range(0, length).Select(_ =>
                (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-12, 13))))]), x.Address);
            return x;
        }

        int[] Values(DeviceSpan<float> x)
        {
            int[] bits = new int[x.Length];
            device.Download(x.Address, MemoryMarshal.AsBytes(bits.AsSpan()));
            return bits;
        }
    }
}
