using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>Products by the warpgroups of compute capability 9.0, against those by warps, to the bit.</summary>
[Collection(CudaCollection.Name)]
public class WarpgroupProductTests : IDisposable
{
    const double Ulp = 1.0 / (1 << 24), BfUlp = 1.0 / (1 << 8);

    readonly HostCard card;
    readonly CudaDevice device;

    public WarpgroupProductTests(HostCard card)
    {
        this.card = card;
        card.Reset(major: 9);
        if (CardContext.Plain) Assert.Skip("ISOFLOP_PLAIN_CARD is set");
        device = card.Open(single: false);
        if (Cards.All()[0].Major != WarpgroupProducts.Capability) Assert.Skip("for a card of compute capability 9.0");
    }

    public void Dispose()
    {
        device.Dispose();
        card.Reset();
    }

    void Done(Fences fences, string what)
    {
        device.Download(device.Allocate(4), new byte[4]);
        fences.Check(what);
        card.Check();
    }

    /// <summary>To the bit where the card's two kinds of product agree, which it is asked; else as near as rounded operands allow.</summary>
    void Same(DeviceSpan<float> expected, DeviceSpan<float> got, int k, string what)
    {
        if (device.UsesWarpgroups) Assert.True(Fences.Values(expected).AsSpan().SequenceEqual(Fences.Values(got)), what);
        else Fences.Near(expected, got, _ => (k + 1) * (Ulp * (k + 1) + 2 * BfUlp), what);
    }

    [Theory, InlineData(MatMulLayout.Plain), InlineData(MatMulLayout.TransposedB), InlineData(MatMulLayout.TransposedA)]
    public void Every_tail_has_the_bits_of_the_other_tiles(MatMulLayout layout)
    {
        // Around boxes of 64 by 64, steps of 16, tiles of 128 and 256 columns, eight rows of tiles, a ring of four stages; rows begin at multiples of 16 bytes.
        (int M, int N, int K)[] shapes = layout switch
        {
            MatMulLayout.TransposedB => [(1, 1, 8), (64, 128, 64), (65, 127, 16), (128, 256, 56), (130, 257, 72), (127, 300, 128), (129, 131, 320), (70, 260, 520), (1100, 40, 24)],
            MatMulLayout.Plain => [(1, 8, 8), (64, 128, 64), (65, 120, 16), (128, 256, 56), (130, 264, 72), (127, 304, 128), (129, 136, 320), (70, 248, 520), (1100, 40, 24)],
            _ => [(8, 8, 1), (64, 128, 64), (72, 120, 15), (128, 256, 49), (136, 264, 65), (120, 304, 128), (200, 136, 321), (72, 248, 521), (56, 64, 33), (1104, 40, 20)],
        };
        foreach ((int m, int n, int k) in shapes)
            foreach (bool itself in (bool[])[false, true])
            {
                using Fences fences = card.Fences(m + n + k);
                DeviceSpan<float> a = fences.Random((long)m * k), b = fences.Random((long)k * n), c = fences.Random((long)m * n);
                DeviceSpan<float> wide = fences.Copy(c), narrow = fences.Copy(c);
                device.MatMul(layout, a, b, c, m, n, k, itself ? c : default);
                device.MatMulByWarpgroups(layout, a, b, wide, m, n, k, itself ? wide : default, wide: true);
                device.MatMulByWarpgroups(layout, a, b, narrow, m, n, k, itself ? narrow : default, wide: false);
                string what = $"{layout} {m}×{n}×{k}, {itself}";
                Done(fences, what);
                Same(c, wide, k, what);
                Same(c, narrow, k, what);
            }
    }

    [Fact]
    public void Groups_of_rows_are_sums_of_their_own()
    {
        foreach (int first in (int[])[0, 40])
        {
            using Fences fences = card.Fences(first);
            const int M = 40, N = 152, Rows = 300, Stride = M * N + 3;
            int[] begins = [0, 30, 30, 64, 199, 360];
            PassPlan.Groups groups = new(fences.Ints(6, i => begins[i]), first, Stride);
            DeviceSpan<float> a = fences.Random(Rows * M), b = fences.Random(Rows * N), c = fences.Random(5 * Stride);
            DeviceSpan<float> wide = fences.Copy(c), narrow = fences.Copy(c);
            device.MatMul(MatMulLayout.TransposedA, a, b, c, M, N, Rows, c, groups);
            device.MatMulByWarpgroups(MatMulLayout.TransposedA, a, b, wide, M, N, Rows, wide, groups, wide: true);
            device.MatMulByWarpgroups(MatMulLayout.TransposedA, a, b, narrow, M, N, Rows, narrow, groups, wide: false);
            Done(fences, $"from {first}");
            Same(c, wide, Rows, $"from {first}");
            Same(c, narrow, Rows, $"from {first}");
        }
    }

    [Fact]
    public void Both_products_of_a_gradient_that_is_rounded_once_have_the_bits_of_two()
    {
        // Around boxes of 64 by 64; groups that begin anywhere, some of them empty.
        foreach ((int rows, int outputs, int inputs) in (IEnumerable<(int, int, int)>)[(1, 8, 8), (63, 64, 72), (128, 128, 128), (130, 72, 136), (300, 200, 40), (385, 264, 64), (40, 200, 72)])
            foreach (int[] begins in (int[][])[[], [0, rows], [0, rows / 5, rows / 5, rows / 3 + 1, rows, rows]])
            {
                using Fences fences = card.Fences(rows + begins.Length);
                int stride = outputs * inputs + 5, count = Math.Max(1, begins.Length - 1);
                PassPlan.Groups groups = begins.Length == 0 ? default : new(fences.Ints(begins.Length, i => begins[i]), 0, stride);
                DeviceSpan<float> dy = fences.Random((long)rows * outputs), x = fences.Random((long)rows * inputs);
                using PreparedWeight w = ((IDevice)device).Prepare(fences.Random((long)outputs * inputs), outputs, inputs, backward: true);
                DeviceSpan<float> dw = fences.Random((long)count * stride), dwTwice = fences.Copy(dw), dx = fences.Empty((long)rows * inputs), dxTwice = fences.Empty((long)rows * inputs);
                device.AlwaysWarpgroups = true;
                device.MatMulBackward(dy, x, w, dw, dx, rows, groups);
                device.AlwaysWarpgroups = false;
                device.MatMulByWarpgroups(MatMulLayout.TransposedA, dy, x, dwTwice, outputs, inputs, rows, dwTwice, groups);
                device.MatMulByWarpgroups(MatMulLayout.Plain, dy, w.Values, dxTwice, rows, inputs, outputs);
                string what = $"{rows}, {outputs}, {inputs} in {begins.Length}";
                Done(fences, what);
                Assert.True(Fences.Values(dwTwice).AsSpan().SequenceEqual(Fences.Values(dw)), what);
                Assert.True(Fences.Values(dxTwice).AsSpan().SequenceEqual(Fences.Values(dx)), what);
            }
    }

    [Fact]
    public void A_step_has_the_same_bits_by_warpgroups()
    {
        var expected = CudaCardTests.Train(device, CudaCardTests.Grouped, [2, 5], 3);
        device.AlwaysWarpgroups = true;
        var got = CudaCardTests.Train(device, CudaCardTests.Grouped, [2, 5], 3);
        card.Check();
        if (!device.UsesWarpgroups) Assert.Skip("this card's warpgroups sum in another order than its warps");
        Assert.Equal(expected.Sums, got.Sums);
        Assert.Equal(expected.Parameters, got.Parameters);
    }

    [Fact]
    public void Where_warpgroups_sum_otherwise_they_are_not_used()
    {
        card.Reset(major: 9, played: true);
        Assert.True(device.UsesWarpgroups);
        card.Reverse(true);
        try
        {
            card.Reset(major: 9);                            // another driver: it is asked again
            using CudaDevice other = card.Open(single: false);
            Assert.False(other.UsesWarpgroups);
        }
        finally
        {
            card.Reverse(false);
        }
        card.Reset(major: 8);
        using CudaDevice older = card.Open(single: false);
        Assert.False(older.UsesWarpgroups);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Where_the_driver_refuses_clusters_blocks_go_alone(bool inGraphs)
    {
        card.Reset(major: 9, played: true);
        device.AlwaysWarpgroups = true;
        var expected = CudaCardTests.Train(device, CudaCardTests.Grouped, [5], 2);
        Assert.Equal(2, device.ClusterBlocks);
        card.Reset(major: 9);
        card.Alone(inGraphs);
        using CudaDevice other = card.Open(single: false);
        Assert.True(other.UsesWarpgroups && other.Overlaps);
        Assert.Equal(1, other.ClusterBlocks);
        other.AlwaysWarpgroups = true;
        var got = CudaCardTests.Train(other, CudaCardTests.Grouped, [5], 2);
        card.Check();
        Assert.Equal(expected.Parameters, got.Parameters);
    }

    [Fact]
    public void Where_they_never_end_it_is_said()
    {
        card.Reset(major: 9, played: true);
        card.Hang();
        double most = WarpgroupProducts.MostSeconds;
        WarpgroupProducts.MostSeconds = 0.01;
        try
        {
            Assert.Equal("products by warpgroups do not end on this card: set ISOFLOP_PLAIN_CARD=clusters to go without clusters",
                Assert.Throws<ConfigException>(() => card.Open(single: false)).Message);
        }
        finally
        {
            WarpgroupProducts.MostSeconds = most;
        }
    }

    [Fact]
    public void Where_the_driver_refuses_overlap_kernels_go_one_after_another()
    {
        card.Reset(major: 9, played: true);
        var expected = CudaCardTests.Train(device, CudaCardTests.Grouped, [5], 1);
        card.Reset(major: 9);
        card.Chain();
        using CudaDevice other = card.Open(single: false);
        var got = CudaCardTests.Train(other, CudaCardTests.Grouped, [5], 1);
        card.Check();
        Assert.NotEqual(0, other.Launches.Graphs);
        Assert.Equal(expected.Parameters, got.Parameters);
    }

    [Fact]
    public void Warpgroups_are_for_products_large_enough_whose_rows_begin_at_multiples_of_16_bytes()
    {
        Assert.True(WarpgroupProducts.Pay(32_768, 2304, 768, 1, 132, 2, 4, 1));
        Assert.True(WarpgroupProducts.Pay(768, 2304, 32_768, 8, 132, 2, 2, 1));
        Assert.True(WarpgroupProducts.Pay(32_768, 2304, 768, 1, 132, 4, 4, 1));
        Assert.False(WarpgroupProducts.Pay(2048, 192, 64, 1, 132, 2, 4, 1));
        Assert.False(WarpgroupProducts.Pay(128, 128, 128, 1, 132, 4, 4, 1));
        // Few tiles of weights with a long sum: no sooner than one tile, unless there are more groups.
        Assert.True(WarpgroupProducts.PayBackward(2304, 768, 32_768, 1, 132, 2, 2, 4, 1));
        Assert.False(WarpgroupProducts.PayBackward(512, 512, 32_768, 1, 132, 2, 2, 4, 1));
        Assert.True(WarpgroupProducts.PayBackward(512, 512, 32_768, 4, 132, 2, 2, 4, 1));
        Assert.False(WarpgroupProducts.PayBackward(192, 64, 2048, 8, 132, 2, 2, 4, 1));
        Assert.True(WarpgroupProducts.Take(MatMulLayout.TransposedB, 3, 5, 8));
        Assert.False(WarpgroupProducts.Take(MatMulLayout.TransposedB, 8, 8, 12));
        Assert.True(WarpgroupProducts.Take(MatMulLayout.Plain, 3, 8, 8));
        Assert.False(WarpgroupProducts.Take(MatMulLayout.Plain, 8, 12, 8));
        Assert.True(WarpgroupProducts.Take(MatMulLayout.TransposedA, 8, 8, 3));
        Assert.False(WarpgroupProducts.Take(MatMulLayout.TransposedA, 12, 8, 8));
        using DeviceMemory memory = new(device);
        DeviceSpan<float> x = memory.AllocateActivations(64);
        Assert.True(WarpgroupProducts.Take(x.Slice(8, 8)));
        Assert.False(WarpgroupProducts.Take(x.Slice(4, 8)));
        DeviceSpan<float> floats = memory.Allocate<float>(64);
        Assert.True(WarpgroupProducts.Take(floats.Slice(4, 8)));
        Assert.False(WarpgroupProducts.Take(floats.Slice(2, 8)));
    }
}
