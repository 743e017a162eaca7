using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>Products by the warpgroups of compute capability 9.0, against those by warps, to the bit.</summary>
[Collection(CudaCollection.Name)]
public sealed class PackedProductTests : IDisposable
{
    const double Ulp = 1.0 / (1 << 24), BfUlp = 1.0 / (1 << 8);

    readonly HostCard card;
    readonly CudaDevice device;

    public PackedProductTests(HostCard card)
    {
        this.card = card;
        card.Reset(major: 9);
        if (CardContext.Plain) Assert.Skip("ISOFLOP_PLAIN_CARD is set");
        device = card.Open(single: false);
        if (Cards.All()[0].Major != PackedProducts.Capability) Assert.Skip("for a card of compute capability 9.0");
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
        if (device.Packs) Assert.True(Fences.Values(expected).AsSpan().SequenceEqual(Fences.Values(got)), what);
        else Fences.Near(expected, got, _ => (k + 1) * (Ulp * (k + 1) + 2 * BfUlp), what);
    }

    [Theory, InlineData(MatMulLayout.Plain), InlineData(MatMulLayout.TransposedB), InlineData(MatMulLayout.TransposedA)]
    public void Every_tail_has_the_bits_of_the_other_tiles(MatMulLayout layout)
    {
        // Around chunks of 128 rows and 64 steps, steps of 16, tiles of 256 columns, a ring of four stages.
        (int M, int N, int K)[] shapes = [(1, 1, 1), (5, 3, 0), (64, 128, 64), (65, 127, 15), (128, 256, 49), (130, 257, 65), (127, 300, 128), (129, 131, 321),
            (200, 513, 33), (70, 260, 520)];
        foreach ((int m, int n, int k) in shapes)
            foreach (bool itself in (bool[])[false, true])
            {
                using Fences fences = card.Fences(m + n + k);
                DeviceSpan<float> a = fences.Random((long)m * k), b = fences.Random((long)k * n), c = fences.Random((long)m * n);
                DeviceSpan<float> wide = fences.Copy(c), narrow = fences.Copy(c);
                device.MatMul(layout, a, b, c, m, n, k, itself ? c : default);
                device.MatMulPacked(layout, a, b, wide, m, n, k, itself ? wide : default, wide: true);
                device.MatMulPacked(layout, a, b, narrow, m, n, k, itself ? narrow : default, wide: false);
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
            const int M = 37, N = 150, Rows = 300, Stride = M * N + 3;
            int[] begins = [0, 30, 30, 64, 199, 360];
            PassPlan.Groups groups = new(fences.Ints(6, i => begins[i]), first, Stride);
            DeviceSpan<float> a = fences.Random(Rows * M), b = fences.Random(Rows * N), c = fences.Random(5 * Stride);
            DeviceSpan<float> wide = fences.Copy(c), narrow = fences.Copy(c);
            device.MatMul(MatMulLayout.TransposedA, a, b, c, M, N, Rows, c, groups);
            device.MatMulPacked(MatMulLayout.TransposedA, a, b, wide, M, N, Rows, wide, groups, wide: true);
            device.MatMulPacked(MatMulLayout.TransposedA, a, b, narrow, M, N, Rows, narrow, groups, wide: false);
            Done(fences, $"from {first}");
            Same(c, wide, Rows, $"from {first}");
            Same(c, narrow, Rows, $"from {first}");
        }
    }

    [Fact]
    public void Both_products_of_a_gradient_that_is_read_once_have_the_bits_of_two()
    {
        // Around chunks of 128 rows by 64 steps of either product; groups that begin anywhere, some of them empty.
        foreach ((int rows, int outputs, int inputs) in (IEnumerable<(int, int, int)>)[(1, 1, 1), (63, 64, 65), (128, 128, 128), (130, 70, 129), (300, 200, 37), (385, 257, 64)])
            foreach (int[] begins in (int[][])[[], [0, rows], [0, rows / 5, rows / 5, rows / 3 + 1, rows, rows]])
            {
                using Fences fences = card.Fences(rows + begins.Length);
                int stride = outputs * inputs + 5, count = Math.Max(1, begins.Length - 1);
                PassPlan.Groups groups = begins.Length == 0 ? default : new(fences.Ints(begins.Length, i => begins[i]), 0, stride);
                DeviceSpan<float> dy = fences.Random((long)rows * outputs), x = fences.Random((long)rows * inputs), w = fences.Random((long)outputs * inputs);
                DeviceSpan<float> dw = fences.Random((long)count * stride), dwTwice = fences.Copy(dw), dx = fences.Empty((long)rows * inputs), dxTwice = fences.Empty((long)rows * inputs);
                device.MatMulBackwardPacked(dy, x, w, dw, dx, outputs, inputs, rows, groups);
                device.MatMulPacked(MatMulLayout.TransposedA, dy, x, dwTwice, outputs, inputs, rows, dwTwice, groups);
                device.MatMulPacked(MatMulLayout.Plain, dy, w, dxTwice, rows, inputs, outputs);
                string what = $"{rows}, {outputs}, {inputs} in {begins.Length}";
                Done(fences, what);
                Assert.True(Fences.Values(dwTwice).AsSpan().SequenceEqual(Fences.Values(dw)), what);
                Assert.True(Fences.Values(dxTwice).AsSpan().SequenceEqual(Fences.Values(dx)), what);
            }
    }

    [Fact]
    public void What_norms_and_SwiGlu_pack_themselves_has_the_bits_of_two_launches()
    {
        foreach ((int rows, int width, int n) in (IEnumerable<(int, int, int)>)[(1, 1, 1), (5, 8, 9), (128, 64, 70), (130, 63, 64), (65, 200, 30), (257, 68, 130)])
            foreach (bool glu in (bool[])[false, true])
            {
                using Fences fences = card.Fences(rows + width);
                DeviceSpan<float> x = fences.Random((long)rows * width * (glu ? 2 : 1)), gain = fences.Random(width), w = fences.Random((long)n * width);
                var results = new List<(float[] Y, float[] S, float[] C, long Launches)>();
                foreach (bool apart in (bool[])[true, false])
                {
                    DeviceSpan<float> y = fences.Empty((long)rows * width), s = fences.Empty(rows), c = fences.Empty((long)rows * n), between = fences.Random(1);
                    device.MatMulPacked(MatMulLayout.TransposedB, y, w, c, rows, n, width);      // room for its operands
                    device.Send();
                    long launches = Launches();
                    if (glu) device.SwiGlu(x, y, rows, width);
                    else device.RmsNorm(x, gain, y, s, new HeadRows(rows, 1, width, width), 1e-5f);
                    if (apart) device.Clear(between);
                    device.MatMulPacked(MatMulLayout.TransposedB, y, w, c, rows, n, width);
                    Done(fences, $"{rows} × {width} to {n}, {glu}, {apart}");
                    launches = Launches() - launches;
                    results.Add((Fences.Values(y), glu ? [] : Fences.Values(s), Fences.Values(c), launches));
                }
                Assert.Equal(results[0].Y, results[1].Y);
                Assert.Equal(results[0].S, results[1].S);
                Assert.Equal(results[0].C, results[1].C);
                Assert.Equal((5, 3), (results[0].Launches, results[1].Launches));
            }

        long Launches() => device.Launches.Single + 5 * device.Launches.Graphs;              // the longer one comes again
    }

    [Fact]
    public void A_step_has_the_same_bits_with_packed_products()
    {
        var expected = CudaCardTests.Train(device, CudaCardTests.Grouped, [2, 5], 3);
        device.PacksAll = true;
        var got = CudaCardTests.Train(device, CudaCardTests.Grouped, [2, 5], 3);
        card.Check();
        if (!device.Packs) Assert.Skip("this card's warpgroups sum in another order than its warps");
        Assert.Equal(expected.Sums, got.Sums);
        Assert.Equal(expected.Parameters, got.Parameters);
    }

    [Fact]
    public void Where_warpgroups_sum_otherwise_they_are_not_used()
    {
        card.Reset(major: 9, played: true);
        Assert.True(device.Packs);
        card.Reverse(true);
        try
        {
            card.Reset(major: 9);                            // another driver: it is asked again
            using CudaDevice other = card.Open(single: false);
            Assert.False(other.Packs);
        }
        finally
        {
            card.Reverse(false);
        }
        card.Reset(major: 8);
        using CudaDevice older = card.Open(single: false);
        Assert.False(older.Packs);
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
    public void Packing_is_for_products_large_enough()
    {
        Assert.True(PackedProducts.Pay(32_768, 2304, 768, 1, 132, 4, 4));
        Assert.True(PackedProducts.Pay(768, 2304, 32_768, 8, 132, 4, 4));
        Assert.False(PackedProducts.Pay(2048, 192, 64, 1, 132, 4, 4));
        Assert.False(PackedProducts.Pay(128, 128, 128, 1, 132, 4, 4));
        Assert.Equal(2L * (3 + 2) * 16_384, PackedProducts.Bytes(129, PackedProducts.Chunks(200, 2)));
    }
}
