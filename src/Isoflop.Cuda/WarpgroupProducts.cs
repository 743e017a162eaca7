using System.Runtime.InteropServices;
using Isoflop.Kernels;

namespace Isoflop.Cuda;

/// <summary>
/// Products by warpgroups, which multiply straight from shared memory, where copies of boxes put operands in bfloat16: on cards
/// of compute capability 9.0. What lies in float32 is rounded first.
/// </summary>
/// <remarks>
/// Where a card's warpgroups sum in another order than its warps, bits would hang on the shape. So both are asked first, and
/// these products are used only where all bits are equal.
/// </remarks>
static class WarpgroupProducts
{
    /// <summary>The major one; wgmma is no part of others, not of later ones either.</summary>
    public const int Capability = 9;

    /// <summary>Their kernels.</summary>
    public const string Module = "matmul_hopper";

    /// <summary>Blocks that share B, where a card lets them: tiles one below the other; matmul_hopper.cu.</summary>
    public const int ClusterBlocks = 2;

    /// <summary>Seconds that the first of them, some microseconds of work, may take.</summary>
    internal static double MostSeconds { get; set; } = 10;

    const int Stages = 4, BoxBytes = 64 * 64 * 2, EventBytes = 8;

    /// <summary>Of shared memory, of a tile of 128 × 128·columns; matmul_hopper.cu.</summary>
    public static int SharedBytes(int columns) => Stages * ((2 + 2 * columns) * BoxBytes + 2 * EventBytes);

    /// <summary>Whether rows of both operands begin at multiples of 16 bytes, as copies of boxes want.</summary>
    public static bool Take(MatMulLayout layout, int m, int n, int k) => k > 0
        && (layout == MatMulLayout.TransposedA ? m : k) % 8 == 0 && (layout == MatMulLayout.TransposedB ? k : n) % 8 == 0;

    /// <summary>Whether an operand begins at one; a tagged address is twice where it lies.</summary>
    public static bool Take(DeviceSpan<float> x) => x.Address % ((x.Address & CudaDevice.Bf16Tag) == 0 ? 16 : 32) == 0;

    /// <summary>Whether that is likely faster than a product that rounds its operands itself.</summary>
    /// <remarks>
    /// Seconds on an H100 by arithmetic from assumed bandwidths, not measured. A tile asks the second cache, at 5.5 TB/s, for its
    /// operands: one of 128 × 128 in float32 reaches 176 TFLOP/s, of 64 × 64 88; in bfloat16 one of 128 × 256 reaches 470, of
    /// 128 × 128 350; where blocks share B, 704 and 469. Rounding reads four bytes and writes two at 2.5 TB/s, a launch of 1.1 µs
    /// more. Fewer tiles than processors leave some idle.
    /// </remarks>
    /// <param name="left">bytes of an element of A as it lies there</param> <param name="right">of B</param>
    /// <param name="share">blocks that share B</param>
    public static bool Pay(int m, int n, int k, int count, int processors, int left, int right, int share) =>
        ByWarpgroups(m, n, k, count, processors, left, right, share) < ByWarps(m, n, k, count, processors, left, right);

    /// <summary>Whether a layer's two backward products are likely faster as one launch than each by itself.</summary>
    /// <remarks>Tiles of the longer sum begin first; the others fill the card beside them, but no tile ends sooner.</remarks>
    /// <param name="gradient">bytes of an element of dy as it lies there; of x and of W next</param>
    public static bool PayBackward(int outputs, int inputs, int rows, int count, int processors, int gradient, int input,
        int weight, int share)
    {
        double apart = Least(outputs, inputs, rows, count, gradient, input) + Least(rows, inputs, outputs, 1, gradient, weight);
        double tile = 2.0 * 128 * processors
            * Math.Max(128.0 * rows / count / Rate(128, 128, 2, 2, share), 256.0 * outputs / Rate(128, 256, 2, 2, share));
        double all = 2.0 * outputs * inputs * rows * (1 / Rate(128, 128, 2, 2, share) + 1 / Rate(128, 256, 2, 2, share));
        return Math.Max(tile, all) + Rounding((double)rows * outputs, gradient) + Rounding((double)rows * inputs, input)
            + Rounding((double)outputs * inputs, weight) < apart;

        double Least(int m, int n, int k, int groups, int left, int right) => Math.Min(
            ByWarpgroups(m, n, k, groups, processors, left, right, share), ByWarps(m, n, k, groups, processors, left, right));
    }

    static double ByWarps(int m, int n, int k, int count, int processors, int left, int right) =>
        Tiles(m, n, 128, 128) * count >= processors ? 2.0 * m * n * k / Rate(128, 128, left, right)
            : 2.0 * m * n * k / (Rate(64, 64, left, right) * Math.Min(1, Tiles(m, n, 64, 64) * count / processors));

    static double ByWarpgroups(int m, int n, int k, int count, int processors, int left, int right, int share) =>
        (Tiles(m, n, 128, 256) * count >= processors ? 2.0 * m * n * k / Rate(128, 256, 2, 2, share)
            : 2.0 * m * n * k / (Rate(128, 128, 2, 2, share) * Math.Min(1, Tiles(m, n, 128, 128) * count / processors)))
        + Rounding((double)m * k, left) + Rounding((double)n * k, right);

    static double Rounding(double length, int bytes) => bytes == 2 ? 0 : 6 * length / 2.5e12 + 1.1e-6;

    static double Rate(int rows, int columns, int left, int right, int share = 1) =>
        5.5e12 * 2 * rows * columns / (rows * left + columns * right / share);

    static double Tiles(int m, int n, int rows, int columns) =>
        (double)((m + rows - 1) / rows) * ((n + columns - 1) / columns);

    /// <summary>Whether both kinds of product have the same bits on a card, in either tile.</summary>
    /// <remarks>
    /// Of operands of many magnitudes, so that sums lose bits; whatever order they are lost in shows. k goes round the ring of
    /// stages more than twice, and has a tail.
    /// </remarks>
    /// <exception cref="ConfigException">They broke the card's context, or never end: nothing more is possible there.</exception>
    public static bool Same(CudaDevice device, CardContext context)
    {
        if (Holds(device, context)) return true;
        if (context.ClusterBlocks == 1) return false;
        context.LeaveClusters();
        return Holds(device, context);
    }

    static bool Holds(CudaDevice device, CardContext context)
    {
        try
        {
            device.Load(Module);
            return Compare(device, context);
        }
        catch (DataException e)                                   // this driver does not compile, describe or launch them
        {
            try
            {
                device.Download(device.Allocate(4), new byte[4]);
                return false;
            }
            catch (DataException)
            {
                throw Without(context, $"products by warpgroups broke the card's context ({e.Message})");
            }
        }
    }

    static ConfigException Without(CardContext context, string what)
    {
        (string value, string those) = context.ClusterBlocks > 1 ? ("clusters", "clusters") : ("1", "them");
        return new($"{what}: set ISOFLOP_PLAIN_CARD={value} to go without {those}");
    }

    static bool Compare(CudaDevice device, CardContext context)
    {
        const int M = 192, N = 256, K = 584;
        using var memory = new DeviceMemory(device);
        DeviceSpan<float> a = Random(1, M * K), b = Random(2, N * K);
        DeviceSpan<float> c = memory.Allocate<float>(M * N);
        DeviceSpan<float>[] others = [memory.Allocate<float>(M * N), memory.Allocate<float>(M * N)];
        MatMulLayout[] layouts = Enum.GetValues<MatMulLayout>();
        foreach (MatMulLayout layout in (MatMulLayout[])[.. layouts, layouts[^1]])      // what comes again is replayed as a graph
        {
            device.MatMul(layout, a, b, c, M, N, K);
            int[] expected = Values(c);
            for (int i = 0; i < others.Length; i++) device.MatMulByWarpgroups(layout, a, b, others[i], M, N, K, wide: i == 1);
            if (!device.Ends(MostSeconds)) throw Without(context, "products by warpgroups do not end on this card");
            if (others.Any(o => !Values(o).AsSpan().SequenceEqual(expected))) return false;
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
