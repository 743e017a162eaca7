using System.Runtime.CompilerServices;
using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>
/// Every kernel of the card, compiled for the host, against its definition, at every tail, between fences. Tolerances as in
/// <see cref="KernelTests"/>: n roundings of 2⁻²⁴ on the sum of magnitudes; bfloat16's operands are rounded beforehand, so that products
/// are held to the same.
/// </summary>
[Collection(CudaCollection.Name)]
public class CudaKernelTests : IDisposable
{
    const double Ulp = 1.0 / (1 << 24), BfUlp = 1.0 / (1 << 8), ExpError = 4e-7;                // kernel.h

    readonly HostCard card;
    readonly ReferenceDevice reference = new();
    readonly CpuDevice cpu = new(1);
    readonly CudaDevice single, bf16;

    public CudaKernelTests(HostCard card)
    {
        this.card = card;
        card.Reset();
        (single, bf16) = (card.Open(single: true), card.Open(single: false));
    }

    public void Dispose()
    {
        foreach (IDevice device in (IDevice[])[single, bf16, cpu, reference]) device.Dispose();
    }

    /// <summary>Around warps, fragments of 8 and 16, steps of 32, tiles of 64 and 128.</summary>
    static IEnumerable<int> Lengths => [.. Enumerable.Range(1, 35), 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 130];

    /// <summary>Waits for the card, and looks at its fences and ours.</summary>
    void Done(Fences fences, string what)
    {
        foreach (CudaDevice device in (CudaDevice[])[single, bf16]) device.Download(device.Allocate(4), new byte[4]);
        fences.Check(what);
        card.Check();
    }

    /// <summary>Values that bfloat16 has.</summary>
    DeviceSpan<float> Round(DeviceSpan<float> x)
    {
        cpu.Upload([.. Fences.Values(x).Select(Fences.Round)], x);
        return x;
    }

    [Fact]
    public void Kernels_are_given_what_they_take()
    {
        card.Reset(played: true);
        (string, int)[] given =
        [
            ("copy", Unsafe.SizeOf<CopyArguments>()), ("add", Unsafe.SizeOf<AddArguments>()), ("sum_shards", Unsafe.SizeOf<ShardsArguments>()),
            ("embed", Unsafe.SizeOf<EmbedArguments>()), ("embed_backward", Unsafe.SizeOf<EmbedBackwardArguments>()),
            ("rms_norm", Unsafe.SizeOf<NormArguments>()), ("rms_norm_backward", Unsafe.SizeOf<NormBackwardArguments>()),
            ("norm_rotate", Unsafe.SizeOf<NormRotateArguments>()),
            ("norm_rotate_parts", Unsafe.SizeOf<NormRotateBackwardArguments>()), ("matmul_plain_large_bf16", Unsafe.SizeOf<MatMulArguments>()),
            ("matmul_backward_float", Unsafe.SizeOf<MatMulBackwardArguments>()),
            ("rope", Unsafe.SizeOf<RopeArguments>()), ("attention_64_float", Unsafe.SizeOf<AttentionArguments>()),
            ("attention_delta_64_bf16", Unsafe.SizeOf<AttentionBackwardArguments>()), ("attention_dkv_64_bf16", Unsafe.SizeOf<AttentionBackwardArguments>()), ("cache_append_16_float", Unsafe.SizeOf<CachedArguments>()),
            ("swiglu", Unsafe.SizeOf<SwiGluArguments>()), ("cross_entropy", Unsafe.SizeOf<CrossEntropyArguments>()),
            ("sample", Unsafe.SizeOf<SampleArguments>()), ("loss", Unsafe.SizeOf<LossArguments>()),
            ("squares", Unsafe.SizeOf<SquaresArguments>()), ("adamw", Unsafe.SizeOf<AdamWArguments>()),
            ("direction", Unsafe.SizeOf<AdamWArguments>()), ("axpby", Unsafe.SizeOf<AxpbyArguments>()),
            ("round_operand", Unsafe.SizeOf<RoundArguments>()), ("matmul_warpgroup_plain_wide", Unsafe.SizeOf<WarpgroupMatMulArguments>()),
            ("matmul_warpgroup_backward_wide", Unsafe.SizeOf<WarpgroupBackwardArguments>()),
        ];
        Assert.All(given, g => Assert.Equal((g.Item1, card.BytesOf(g.Item1)), g));
    }

    /// <summary>Some of them need what others wrote, and must not go with them.</summary>
    [Fact]
    public void Copies_and_clears_in_a_row_do_what_each_by_itself_would()
    {
        const int Length = 3000;
        using DeviceMemory memory = new(single);
        DeviceSpan<float> there = memory.Allocate<float>(Length);
        var random = new Random(5);
        float[] expected = [.. Enumerable.Range(0, Length).Select(i => (float)i)], got = new float[Length];
        single.Upload(expected, there);
        single.Send();
        long launches = single.Launches.Single;
        single.Clear(there.Slice(0, 10));
        single.Copy(there.Slice(100, 50), there.Slice(20, 50));
        single.Send();
        Assert.Equal(launches + 1, single.Launches.Single);
        single.Upload(expected, there);
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 12; i++)
            {
                int length = random.Next(0, 700), from = random.Next(Length / 2 - length), to = Length / 2 + random.Next(Length / 2 - length);
                if (random.Next(2) == 0) (from, to) = (to, from);
                if (random.Next(3) == 0)
                {
                    single.Clear(there.Slice(to, length));
                    expected.AsSpan(to, length).Clear();
                }
                else
                {
                    single.Copy(there.Slice(from, length), there.Slice(to, length));
                    expected.AsSpan(from, length).CopyTo(expected.AsSpan(to, length));
                }
            }
            single.Download(there, got);
            Assert.Equal(expected, got);
            expected[random.Next(Length)] = round;
            single.Upload(expected, there);
        }
        card.Check();
    }

    [Theory, InlineData(MatMulLayout.Plain), InlineData(MatMulLayout.TransposedB), InlineData(MatMulLayout.TransposedA)]
    public void MatMul_equals_the_definition(MatMulLayout layout)
    {
        var shapes = new List<(int M, int N, int K)> { (1, 1, 1), (5, 3, 0), (150, 140, 70), (64, 64, 64) };
        foreach (int i in Lengths) shapes.AddRange([(i, 9, 17), (13, i, 5), (7, 20, i)]);
        foreach ((int m, int n, int k) in shapes)
        {
            using Fences fences = card.Fences(m + n + k);
            DeviceSpan<float> a = Round(fences.Random((long)m * k)), b = Round(fences.Random((long)k * n)), own = fences.Random((long)m * n);
            foreach (bool itself in (bool[])[false, true])
            {
                DeviceSpan<float> expected = fences.Copy(own), fast = fences.Copy(own), f = fences.Copy(own), h = fences.Copy(own);
                reference.MatMul(layout, a, b, expected, m, n, k, itself ? expected : default, default);
                cpu.MatMul(layout, a, b, fast, m, n, k, itself ? fast : default, default);
                single.MatMul(layout, a, b, f, m, n, k, itself ? f : default, default);
                bf16.MatMul(layout, a, b, h, m, n, k, itself ? h : default, default);
                DeviceSpan<float>[] large = [fences.Copy(own), fences.Copy(own)];
                foreach ((CudaDevice device, DeviceSpan<float> c) in ((CudaDevice, DeviceSpan<float>)[])[(single, large[0]), (bf16, large[1])])
                {
                    device.LargeTiles = true;
                    device.MatMul(layout, a, b, c, m, n, k, itself ? c : default, default);
                    device.LargeTiles = null;
                }
                string what = $"{layout} {m}×{n}×{k}, {itself}";
                Done(fences, what);
                if (CpuDevice.InstructionSet is "AVX-512" or "AVX2 + FMA") Assert.Equal(Fences.Values(fast), Fences.Values(f));    // the same chain
                Fences.Near(expected, f, _ => (k + 1) * Ulp * (k + 1), what);
                Fences.Near(expected, h, _ => (k + 1) * Ulp * (k + 1), what + ", bf16");
                Assert.Equal(Fences.Values(f), Fences.Values(large[0]));
                Assert.Equal(Fences.Values(h), Fences.Values(large[1]));
            }
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_product_has_the_same_bits_in_either_tile_and_however_its_rows_are_cut(bool half)
    {
        CudaDevice device = half ? bf16 : single;
        using Fences fences = card.Fences(3);
        const int M = 130, N = 140, K = 96;
        DeviceSpan<float> a = fences.Random(M * K), b = fences.Random(N * K), whole = fences.Empty(M * N), parts = fences.Empty(M * N);
        device.LargeTiles = true;                                // for the whole, small ones for its parts
        device.MatMul(MatMulLayout.TransposedB, a, b, whole, M, N, K, default, default);
        device.LargeTiles = false;
        foreach ((int from, int count) in ((int, int)[])[(0, 1), (1, 63), (64, 66)])
            device.MatMul(MatMulLayout.TransposedB, a.Slice(from * K, count * K), b, parts.Slice(from * N, count * N), count, N, K, default, default);
        // A gradient of weights: rows are the sum's.
        DeviceSpan<float> x = fences.Random(160 * 20), dy = fences.Random(160 * 30), once = fences.Random(20 * 30), cut = fences.Copy(once);
        device.MatMul(MatMulLayout.TransposedA, dy, x, once, 30, 20, 160, once, default);
        foreach ((int from, int count) in ((int, int)[])[(0, 16), (16, 96), (112, 48)])
            device.MatMul(MatMulLayout.TransposedA, dy.Slice(from * 30, count * 30), x.Slice(from * 20, count * 20), cut, 30, 20, count, cut, default);
        Done(fences, "cut");
        Assert.Equal(Fences.Values(whole), Fences.Values(parts));
        Assert.Equal(Fences.Values(once), Fences.Values(cut));
    }

    /// <summary>Against the two products one after another: what they are is held above.</summary>
    [Theory, InlineData(1, 1, 1), InlineData(70, 65, 130), InlineData(130, 64, 64), InlineData(200, 37, 21)]
    public void Both_products_backwards_in_one_have_the_bits_of_two(int rows, int outputs, int inputs)
    {
        foreach (CudaDevice device in (CudaDevice[])[single, bf16])
            foreach (int first in (int[])[-1, 40])
            {
                using Fences fences = card.Fences(rows);
                int[] begins = [0, 30, 30, 64, 99, 240];
                long stride = outputs * inputs + 7;
                PassPlan.Groups groups = first < 0 ? default : new(fences.Ints(6, i => begins[i]), first, stride);
                DeviceSpan<float> dy = fences.Random(rows * outputs), x = fences.Random(rows * inputs), start = fences.Random(5 * stride);
                device.LargeTiles = false;                           // for a small card these sizes fill it
                using PreparedWeight w = ((IDevice)device).Prepare(fences.Random(outputs * inputs), outputs, inputs, backward: true);
                float[][] results = [.. ((IDevice[])[new CountingDevice(device), device]).Select(one =>
                {
                    DeviceSpan<float> dw = fences.Copy(start), dx = fences.Random(rows * inputs);
                    one.MatMulBackward(dy, x, w, dw.Slice(0, outputs * inputs), dx, rows, groups);
                    Done(fences, $"{rows} rows, {outputs} × {inputs}");
                    return (float[])[.. Fences.Values(dw), .. Fences.Values(dx)];
                })];
                device.LargeTiles = null;
                Assert.Equal(results[0], results[1]);
            }
    }

    [Fact]
    public void Groups_of_rows_are_sums_of_their_own()
    {
        foreach (int rows in (int[])[1, 70, 130, 200])
            foreach (int first in (int[])[0, 40])
            {
                using Fences fences = card.Fences(rows);
                const int C = 37, Out = 21, V = 5;
                int[] begins = [0, 30, 30, 64, 99, 240];
                PassPlan.Groups groups = new(fences.Ints(6, i => begins[i]), first, 1100);
                DeviceSpan<float> x = Round(fences.Random(rows * C)), dy = Round(fences.Random(rows * Out)), gain = fences.Random(C), s = fences.Random(rows);
                DeviceSpan<int> tokens = fences.Ints(rows, i => i * i % V);
                DeviceSpan<float> dyC = fences.Random(rows * C), start = fences.Random(5500);
                var shape = new HeadRows(rows, 1, C, C);
                float[][] results = [.. ((IDevice[])[reference, cpu, single, bf16]).Select(device =>
                {
                    DeviceSpan<float> sums = fences.Copy(start), w = sums.Slice(0, Out * C), table = sums.Slice(800, V * C), dGain = sums.Slice(990, C), dx = fences.Copy(x);
                    device.MatMul(MatMulLayout.TransposedA, dy, x, w, Out, C, rows, w, groups);
                    device.EmbedBackward(tokens, dyC, table, rows, C, groups);
                    device.RmsNormBackward(x, gain, s, dyC, dx, dGain, shape, false, groups);
                    device.Download(device.Allocate(4), new byte[4]);
                    return (float[])[.. Fences.Values(sums), .. Fences.Values(dx)];
                })];
                Done(fences, $"{rows} rows from {first}");
                foreach (float[] result in results)
                    for (int i = 0; i < result.Length; i++) Assert.Equal(results[0][i], result[i], (rows + 8) * Ulp * (rows + 8));
            }
    }

    [Fact]
    public void RmsNorm_equals_the_definition_forward_and_backward()
    {
        foreach (int width in Lengths)
            foreach ((int heads, int gap) in new[] { (1, 0), (3, 5) })
            {
                using Fences fences = card.Fences(width);
                var shape = new HeadRows(70, heads, width, heads * width + gap);
                long length = 69L * shape.Stride + heads * width;
                DeviceSpan<float> x = fences.Random(length), gain = fences.Random(width), dy = fences.Random(length);
                DeviceSpan<float> y = fences.Copy(x), yExpected = fences.Copy(x), s = fences.Empty(70 * heads), sExpected = fences.Empty(70 * heads);
                reference.RmsNorm(x, gain, yExpected, sExpected, shape, 1e-5f);
                single.RmsNorm(x, gain, y, s, shape, 1e-5f);
                bool accumulate = width % 2 == 0;
                DeviceSpan<float> dx = fences.Random(length), dxExpected = fences.Copy(dx), dGain = fences.Random(width), dGainExpected = fences.Copy(dGain);
                reference.RmsNormBackward(x, gain, sExpected, dy, dxExpected, dGainExpected, shape, accumulate, default);
                single.RmsNormBackward(x, gain, sExpected, dy, dx, dGain, shape, accumulate, default);
                DeviceSpan<float> inPlace = fences.Copy(dy), unused = fences.Copy(gain), apart = fences.Copy(dy);
                single.RmsNormBackward(x, gain, sExpected, dy, apart, fences.Copy(gain), shape, accumulate: false, default);
                single.RmsNormBackward(x, gain, sExpected, inPlace, inPlace, unused, shape, accumulate: false, default);
                string what = $"width {width}, heads {heads}";
                Done(fences, what);
                float[] scale = Fences.Values(sExpected);
                double relative = (width + 4) * Ulp, top = scale.Max();
                Fences.Near(sExpected, s, i => relative * scale[i], what);
                Fences.Near(yExpected, y, _ => relative * top, what);
                Fences.Near(dxExpected, dx, _ => 2 * (width + 8) * Ulp * (1 + top + top * top * top), what + ", dx");
                Fences.Near(dGainExpected, dGain, _ => (70 * heads + 4) * Ulp * (1 + 70 * heads * top), what + ", dGain");
                Assert.Equal(Fences.Values(apart), Fences.Values(inPlace));
            }
    }

    [Fact]
    public void Rope_and_SwiGlu_equal_the_definition()
    {
        foreach (int width in Lengths)
        {
            using Fences fences = card.Fences(width);
            int D = 2 * width;
            var shape = new HeadRows(4, 2, D, 2 * D + 3);
            var table = new float[8 * D];
            for (int p = 0; p < 8; p++) Rope.Angles(p, 10_000, table.AsSpan(p * D, D));
            DeviceSpan<float> angles = fences.Random(8 * D);
            cpu.Upload(table, angles);
            DeviceSpan<int> positions = fences.Ints(4, i => (i * 5 + 2) % 8);
            DeviceSpan<float> x = fences.Random(3L * shape.Stride + 2 * D), start = fences.Copy(x), expected = fences.Copy(x), back = fences.Copy(x);
            reference.Rope(expected, angles, positions, shape, inverse: false);
            single.Rope(x, angles, positions, shape, inverse: false);
            single.Rope(back, angles, positions, shape, inverse: false);
            single.Rope(back, angles, positions, shape, inverse: true);
            DeviceSpan<float> gateUp = fences.Random(6 * width, 20), dy = fences.Random(3 * width);
            DeviceSpan<float> y = fences.Empty(3 * width), yExpected = fences.Empty(3 * width), dExpected = fences.Empty(6 * width), inPlace = fences.Copy(gateUp);
            reference.SwiGlu(gateUp, yExpected, 3, width);
            single.SwiGlu(gateUp, y, 3, width);
            reference.SwiGluBackward(gateUp, dy, dExpected, 3, width);
            single.SwiGluBackward(inPlace, dy, inPlace, 3, width);
            string what = $"width {width}";
            Done(fences, what);
            Fences.Near(expected, x, _ => 6 * Ulp, what);
            Fences.Near(start, back, _ => 16 * Ulp, what);
            float[] e = Fences.Values(yExpected);
            Fences.Near(yExpected, y, i => (ExpError + 4 * Ulp) * Math.Abs(e[i]) + 1e-30, what);
            Fences.Near(dExpected, inPlace, _ => (2 * ExpError + 8 * Ulp) * 20 * 21, what);
        }
    }

    /// <summary>Against copy, norms and rotation one after another on the same card: what they are is held above.</summary>
    [Theory, InlineData(2), InlineData(16), InlineData(24), InlineData(32), InlineData(34), InlineData(64), InlineData(80), InlineData(128)]
    public void Norms_and_rotation_in_one_have_the_bits_of_their_parts(int D)
    {
        foreach ((int heads, int keys, int rows, int first) in ((int, int, int, int)[])[(1, 1, 1, 0), (3, 1, 70, 0), (4, 2, 130, 40)])
        {
            using Fences fences = card.Fences(D);
            var shape = new AttentionShape(heads, keys, D);
            int[] begins = [0, 30, 30, 64, 99, 240];
            PassPlan.Groups groups = new(fences.Ints(6, i => begins[i]), first, 3L * D + 20);
            var table = new float[8 * D];
            for (int p = 0; p < 8; p++) Rope.Angles(p, 10_000, table.AsSpan(p * D, D));
            DeviceSpan<float> angles = fences.Random(8 * D), gains = fences.Random(2 * D + 8), raw = fences.Random((long)rows * shape.Stride);
            cpu.Upload(table, angles);
            DeviceSpan<int> positions = fences.Ints(rows, i => (i * 5 + 2) % 8);
            DeviceSpan<float> dy = fences.Random(raw.Length), start = fences.Random(5 * (3L * D + 20));
            float[][] results = [.. ((IDevice[])[new CountingDevice(single), single]).Select(device =>
            {
                DeviceSpan<float> rotated = fences.Empty(raw.Length), scales = fences.Empty((long)rows * (heads + keys));
                DeviceSpan<float> d = fences.Copy(dy), sums = fences.Copy(start);
                device.NormRotate(raw, gains, rotated, scales, angles, positions, rows, shape, 1e-5f);
                device.NormRotateBackward(raw, gains, scales, d, sums.Slice(5, gains.Length), angles, positions, rows, shape, groups);
                Done(fences, $"{rows} rows of {heads} and {keys} heads of {D}");
                return (float[])[.. Fences.Values(rotated), .. Fences.Values(scales), .. Fences.Values(d), .. Fences.Values(sums)];
            })];
            Assert.Equal(results[0], results[1]);
        }
    }

    [Fact]
    public void CrossEntropy_equals_the_definition_and_log_probabilities_are_its_own()
    {
        foreach (int V in (IEnumerable<int>)[.. Lengths, 1000, 16_383, 16_384, 17_001])      // the last two by large blocks
        {
            using Fences fences = card.Fences(V);
            DeviceSpan<float> logits = fences.Random(3 * V, 20), weights = fences.Random(3);
            DeviceSpan<int> targets = fences.Ints(3, i => (7 * i + 3) % V);
            DeviceSpan<float> expected = fences.Copy(logits), kept = fences.Copy(logits), nll = fences.Empty(3), nllExpected = fences.Empty(3), nllKept = fences.Empty(3);
            DeviceSpan<float> logs = fences.Copy(logits);
            reference.CrossEntropy(expected, targets, weights, 3.7, nllExpected, 3, V);
            single.CrossEntropy(kept, targets, default, 1, nllKept, 3, V);
            single.LogSoftmax(logs, 3, V);
            float[] before = Fences.Values(logits);
            single.CrossEntropy(logits, targets, weights, 3.7, nll, 3, V);
            Done(fences, $"V {V}");
            Assert.Equal(before, Fences.Values(kept));
            Fences.Near(nllExpected, nll, _ => ExpError + (V / 16 + 60) * Ulp, $"V {V}");
            Assert.Equal(Fences.Values(nll), Fences.Values(nllKept));
            Fences.Near(expected, logits, _ => 2 * ExpError + (V / 16 + 60) * Ulp, $"V {V}, gradient");
            for (int r = 0; r < 3; r++) Assert.Equal(-Fences.Values(nll)[r], Fences.Values(logs)[r * V + (7 * r + 3) % V]);
            if (V < 1000) continue;
            SampledToken[] drawn = new SampledToken[3];          // the same of what is drawn
            DeviceSpan<SampledToken> into = new(fences.Empty(6).Address, 3);
            single.Sample(kept, new SamplingRule(0.7f), 9, new(fences.Empty(12).Address, 3), into, V);
            single.Download(into, drawn);
            for (int r = 0; r < 3; r++) Assert.Equal(Fences.Values(logs)[r * V + drawn[r].Token], drawn[r].LogProb);
        }
    }

    [Fact]
    public void Squares_of_nothing_are_zero()
    {
        using DeviceMemory memory = new(single);
        DeviceSpan<double> sum = memory.Allocate<double>(1);
        single.Upload<double>([5.0], sum);
        single.SumSquares(memory.Allocate<float>(4).Slice(4, 0), sum);
        double[] got = new double[1];
        single.Download(sum, got);
        Assert.Equal(0, got[0]);
    }

    [Fact]
    public void A_steps_end_equals_the_definition()
    {
        foreach (int length in Lengths.Append(9000))
        {
            using Fences fences = card.Fences(length);
            var step = new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.5);
            DeviceSpan<float> p = fences.Random(length), g = fences.Random(length), m = fences.Random(length), v = fences.Random(length), nll = fences.Random(length);
            cpu.Upload([.. Fences.Values(v).Select(Math.Abs)], v);
            DeviceSpan<float> pe = fences.Copy(p), me = fences.Copy(m), ve = fences.Copy(v), sum = fences.Copy(p), sumExpected = fences.Copy(p);
            DeviceSpan<float> shards = fences.Random(5 * length), shardsExpected = fences.Copy(shards);
            DeviceSpan<double> sums = new(fences.Empty(4).Address, 2), other = new(fences.Empty(4).Address, 2);
            foreach ((double loss, double squares) in ((double, double)[])[(double.NaN, 1), (1, double.PositiveInfinity), (1, 1)])
            {
                Assert.Equal(Fences.Values(pe), Fences.Values(p));
                Assert.Equal(Fences.Values(me), Fences.Values(m));
                cpu.Upload([loss, squares], sums);
                // In two stretches, which are one launch: the second without decay.
                long first = p.Length / 3, launches = single.Launches.Single;
                foreach ((long at, long count, AdamWStep own) in ((long, long, AdamWStep)[])[(0, first, step), (first, p.Length - first, step with { WeightDecay = 0 })])
                {
                    reference.AdamW(pe.Slice(at, count), g.Slice(at, count), me.Slice(at, count), ve.Slice(at, count), sums, own);
                    single.AdamW(p.Slice(at, count), g.Slice(at, count), m.Slice(at, count), v.Slice(at, count), sums, own);
                }
                single.Send();
                Assert.Equal(launches + 1, single.Launches.Single);
                Done(fences, $"length {length}");
            }
            reference.Add(g, sumExpected);
            single.Add(g, sum);
            ((IDevice)reference).SumShards(shardsExpected, 5);
            single.SumShards(shards, 5);
            foreach ((IDevice device, DeviceSpan<double> into) in ((IDevice, DeviceSpan<double>)[])[(reference, other), (single, sums)])
            {
                device.SumSquares(g, into.Slice(1, 1));
                device.Clear(into.Slice(0, 1));
                device.AddLoss(g, nll, length, into);
                device.AddLoss(g, nll, length, into);
            }
            Done(fences, $"length {length}");
            Fences.Near(me, m, _ => 4 * Ulp, $"m of {length}");
            Fences.Near(ve, v, _ => 4 * Ulp, $"v of {length}");
            float[] ms = Fences.Values(me), vs = Fences.Values(ve);
            Fences.Near(pe, p, i => 4 * Ulp + 1e-6 * 0.01 * Math.Abs(ms[i]) / Math.Sqrt(vs[i] + 1e-12) * 2, $"p of {length}");
            Assert.Equal(Fences.Values(sumExpected), Fences.Values(sum));
            Assert.Equal(Fences.Values(shardsExpected)[..length], Fences.Values(shards)[..length]);
            double[] expected = new double[2], got = new double[2];
            cpu.Download(other, expected);
            cpu.Download(sums, got);
            for (int i = 0; i < 2; i++) Assert.Equal(expected[i], got[i], 1e-12 * length);
        }
    }

    [Fact]
    public void Directions_and_sums_of_two_equal_the_definition()
    {
        foreach (int length in Lengths.Append(9000))
        {
            using Fences fences = card.Fences(length);
            var step = new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.5);
            DeviceSpan<float> g = fences.Random(length), m = fences.Random(length), v = fences.Random(length), y = fences.Random(length);
            cpu.Upload([.. Fences.Values(v).Select(Math.Abs)], v);
            DeviceSpan<double> sums = new(fences.Empty(4).Address, 2);
            foreach (DeviceSpan<float> second in (DeviceSpan<float>[])[v, default])           // Adam's, Nesterov's
            {
                DeviceSpan<float> ge = fences.Copy(g), me = fences.Copy(m), ve = fences.Copy(v);
                float[] before = [.. Fences.Values(g), .. Fences.Values(m), .. Fences.Values(v)];
                cpu.Upload([1, double.NaN], sums);
                single.Direction(g, m, second, sums, step);
                Done(fences, $"length {length}");
                float[] after = [.. Fences.Values(g), .. Fences.Values(m), .. Fences.Values(v)];
                Assert.Equal(before, after);
                cpu.Upload([1.0, 1], sums);                       // a norm of one, clipped to a half
                reference.Direction(ge, me, second.Length == 0 ? default : ve, sums, step);
                single.Direction(g, m, second, sums, step);
                Done(fences, $"length {length}");
                Fences.Near(me, m, _ => 4 * Ulp, $"m of {length}");
                Fences.Near(ve, v, _ => 4 * Ulp, $"v of {length}");
                // As AdamW's step: 1 − 0.95³ is rounded at 4e-7 of itself.
                float[] ms = Fences.Values(me), vs = Fences.Values(ve);
                Fences.Near(ge, g, i => 8 * Ulp + (second.Length == 0 ? 0 : 2e-6 * Math.Abs(ms[i]) / Math.Sqrt(vs[i] + 1e-12)), $"g of {length}");
            }
            foreach ((float b, double[] ratio) in ((float, double[])[])[(0, []), (0.5f, []), (0.5f, [2, 8]), (1, [2, 0])])
            {
                DeviceSpan<float> expected = fences.Copy(y);
                float[] xs = Fences.Values(m), before = Fences.Values(y);
                if (b == 0) cpu.Upload([.. Enumerable.Repeat(float.NaN, length)], y);         // what is not read may be anything
                if (ratio.Length > 0) cpu.Upload(ratio, sums);
                reference.Axpby(3, m, b, expected, ratio.Length > 0 ? sums : default);
                single.Axpby(3, m, b, y, ratio.Length > 0 ? sums : default);
                Done(fences, $"length {length}");
                float[] wanted = Fences.Values(expected);
                // The factor, b·y, the sum, and the sum that is expected are rounded.
                Fences.Near(expected, y, i => Ulp * (3 * Math.Abs(xs[i]) + b * Math.Abs(before[i]) + 2 * Math.Abs(wanted[i])), $"y of {length}");
            }
        }
    }

    [Fact]
    public void Embeddings_equal_the_definition()
    {
        // Vocabularies of one block of tokens and of several, small and large.
        foreach ((int C, int V) in (IEnumerable<(int, int)>)[.. Lengths.Append(300).Select(c => (c, 7)), (5, 8), (300, 45), (33, 8200)])
        {
            using Fences fences = card.Fences(C);
            const int Rows = 300;
            DeviceSpan<int> tokens = fences.Ints(Rows, i => i * i * (V / 7) % V);
            DeviceSpan<float> table = fences.Random(V * C), rows = fences.Empty(Rows * C), expected = fences.Empty(Rows * C);
            reference.Embed(table, tokens, expected, Rows, C);
            single.Embed(table, tokens, rows, Rows, C);
            DeviceSpan<float> dy = fences.Random(Rows * C), d = fences.Random(V * C), dExpected = fences.Copy(d), words = fences.Random(C), copy = fences.Empty(C);
            reference.EmbedBackward(tokens, dy, dExpected, Rows, C, default);
            single.EmbedBackward(tokens, dy, d, Rows, C, default);
            single.Copy(words, copy);
            Done(fences, $"C {C}, V {V}");
            Assert.Equal(Fences.Values(expected), Fences.Values(rows));
            Assert.Equal(Fences.Values(dExpected), Fences.Values(d));           // row by row, as the definition
            Assert.Equal(Fences.Values(words), Fences.Values(copy));
        }
    }
}
