using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Isoflop.Kernels;
using Isoflop.Tests.Nn;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>
/// Every kernel against its definition, at every tail, between fences. <see cref="InstructionSetTests"/> runs this class again with
/// instruction sets switched off. Tolerances: n roundings of 2⁻²⁴ on the sum of magnitudes, and the error of exp stated at its kernel.
/// </summary>
public sealed class KernelTests : IDisposable
{
    const double Ulp = 1.0 / (1 << 24), ExpError = 3e-7;
    const string ExpectedSet = "ISOFLOP_TEST_INSTRUCTION_SET", ExpectedBits = "ISOFLOP_TEST_BITS";

    readonly CpuDevice cpu = new(2), alone = new(1);
    readonly ReferenceDevice reference = new();

    public void Dispose()
    {
        cpu.Dispose();
        alone.Dispose();
        reference.Dispose();
    }

    static IEnumerable<int> Lengths => Enumerable.Range(1, 130);

    [Fact]
    public void The_instruction_set_is_the_one_this_process_was_given()
    {
        if (Environment.GetEnvironmentVariable(ExpectedSet) is { } expected) Assert.Equal(expected, cpu.Traits.InstructionSet);
    }

    [Fact]
    public void Training_has_the_bits_of_the_widest_vectors()
    {
        if (Environment.GetEnvironmentVariable(ExpectedBits) is { } expected) Assert.Equal(expected, TrainingBits());
    }

    internal static string TrainingBits() => Convert.ToHexString(XxHash128.Hash(
        MemoryMarshal.AsBytes<float>(SameBitsTests.Train(SameBitsTests.Grouped, 2, [SameBitsTests.Lengths.Length]))));

    [Theory, InlineData(MatMulLayout.Plain), InlineData(MatMulLayout.TransposedB), InlineData(MatMulLayout.TransposedA)]
    public void MatMul_equals_the_definition(MatMulLayout layout)
    {
        var shapes = new List<(int M, int N, int K)>();
        foreach (int i in Lengths) shapes.AddRange([(i, 33, 17), (13, i, 5), (7, 35, i)]);
        shapes.AddRange([(1, 1, 1), (5, 3, 0), (181, 70, 530), (30, 1090, 20), (12, 32, 1030), (25, 48, 1030)]);
        foreach ((int m, int n, int k) in shapes)
            foreach (string begin in new[] { "zeros", "itself", "another" })
            {
                using var fences = new Fences(m + n + k);
                DeviceSpan<float> a = fences.Random((long)m * k), b = fences.Random((long)k * n), own = fences.Random((long)m * n);
                DeviceSpan<float> packed = fences.Empty(cpu.PackedLength(n, k)), other = fences.Random((long)m * n);
                DeviceSpan<float> From(DeviceSpan<float> c) => begin == "itself" ? c : begin == "another" ? other : default;
                DeviceSpan<float> expected = fences.Copy(own), c = fences.Copy(own), packedResult = fences.Copy(own);
                reference.MatMul(layout, a, b, expected, m, n, k, From(expected));
                cpu.MatMul(layout, a, b, c, m, n, k, From(c));
                cpu.Pack(layout, b, packed, n, k);
                cpu.MatMul(layout, a, b, packed, packedResult, m, n, k, From(packedResult));
                string what = $"{layout} {m}×{n}×{k}, begun at {begin}";
                Fences.Near(expected, c, _ => (k + 1) * Ulp * (k + 1), what);             // |a·b| ≤ 1: k + 1 terms, k + 1 roundings
                Assert.Equal(Fences.Values(c), Fences.Values(packedResult));
                fences.Check(what);
                if (layout == MatMulLayout.TransposedA) continue;
                (int outputs, int inputs) = layout == MatMulLayout.TransposedB ? (n, k) : (k, n);
                foreach ((IDevice device, DeviceSpan<float> by) in new[] { ((IDevice)cpu, c), (reference, expected) })
                {
                    using PreparedWeight weight = device.Prepare(b, outputs, inputs, backward: layout == MatMulLayout.Plain);
                    weight.Update();
                    DeviceSpan<float> result = fences.Copy(own);
                    device.MatMul(layout, a, weight, result, m, From(result));
                    Assert.Equal(Fences.Values(by), Fences.Values(result));
                }
            }
    }

    [Fact]
    public void RmsNorm_equals_the_definition_forward_and_backward()
    {
        foreach (int width in Lengths)
            foreach ((int heads, int gap) in new[] { (1, 0), (3, 5) })
                foreach (bool accumulate in new[] { false, true })
                {
                    using var fences = new Fences(width);
                    var shape = new HeadRows(5, heads, width, heads * width + gap);
                    long length = 4L * shape.Stride + heads * width;
                    DeviceSpan<float> x = fences.Random(length), gain = fences.Random(width), dy = fences.Random(length);
                    DeviceSpan<float> y = fences.Copy(x), yExpected = fences.Copy(x), s = fences.Empty(5 * heads), sExpected = fences.Empty(5 * heads);
                    reference.RmsNorm(x, gain, yExpected, sExpected, shape, 1e-5f);
                    cpu.RmsNorm(x, gain, y, s, shape, 1e-5f);
                    string what = $"width {width}, heads {heads}";
                    float[] scale = Fences.Values(sExpected);
                    double relative = (width + 4) * Ulp;
                    Fences.Near(sExpected, s, i => relative * scale[i], what);
                    Fences.Near(yExpected, y, _ => relative * scale.Max(), what);

                    DeviceSpan<float> dx = fences.Random(length), dxExpected = fences.Copy(dx), dGain = fences.Random(width), dGainExpected = fences.Copy(dGain);
                    reference.RmsNormBackward(x, gain, sExpected, dy, dxExpected, dGainExpected, shape, accumulate);
                    cpu.RmsNormBackward(x, gain, sExpected, dy, dx, dGain, shape, accumulate);
                    double top = scale.Max();
                    Fences.Near(dxExpected, dx, _ => 2 * (width + 8) * Ulp * (1 + top + top * top * top), what + ", dx");
                    Fences.Near(dGainExpected, dGain, _ => (5 * heads + 4) * Ulp * (1 + 5 * heads * top), what + ", dGain");
                    DeviceSpan<float> inPlace = fences.Copy(dy), unused = fences.Copy(gain), apart = fences.Copy(dy);
                    cpu.RmsNormBackward(x, gain, sExpected, dy, apart, fences.Copy(gain), shape, accumulate: false);
                    cpu.RmsNormBackward(x, gain, sExpected, inPlace, inPlace, unused, shape, accumulate: false);
                    Assert.Equal(Fences.Values(apart), Fences.Values(inPlace));
                    // One thread takes both sums in one pass.
                    DeviceSpan<float> one = fences.Copy(dy), oneGain = fences.Copy(gain);
                    alone.RmsNormBackward(x, gain, sExpected, dy, one, oneGain, shape, accumulate: false);
                    Assert.Equal(Fences.Values(apart), Fences.Values(one));
                    Assert.Equal(Fences.Values(unused), Fences.Values(oneGain));
                    fences.Check(what);
                }
    }

    [Fact]
    public void Rope_equals_the_definition_and_its_inverse_takes_it_back()
    {
        foreach (int half in Lengths)
        {
            using var fences = new Fences(half);
            int D = 2 * half;
            var shape = new HeadRows(4, 2, D, 2 * D + 3);
            var table = new float[8 * D];
            for (int p = 0; p < 8; p++) Rope.Angles(p, 10_000, table.AsSpan(p * D, D));
            DeviceSpan<float> angles = fences.Random(8 * D);
            DeviceSpan<int> positions = fences.Ints(4, i => (i * 5 + 2) % 8);
            cpu.Upload(table, angles);
            DeviceSpan<float> x = fences.Random(3L * shape.Stride + 2 * D), start = fences.Copy(x), expected = fences.Copy(x);
            reference.Rope(expected, angles, positions, shape, inverse: false);
            cpu.Rope(x, angles, positions, shape, inverse: false);
            Fences.Near(expected, x, _ => 6 * Ulp, $"half {half}");
            cpu.Rope(x, angles, positions, shape, inverse: true);
            Fences.Near(start, x, _ => 16 * Ulp, $"half {half}, back");
            fences.Check($"half {half}");
        }
    }

    [Fact]
    public void SwiGlu_equals_the_definition_forward_and_backward()
    {
        foreach (int width in Lengths)
            foreach (float scale in new[] { 2f, 200f })
            {
                using var fences = new Fences(width);
                DeviceSpan<float> gateUp = fences.Random(6 * width, scale), dy = fences.Random(3 * width);
                DeviceSpan<float> y = fences.Empty(3 * width), expected = fences.Empty(3 * width);
                reference.SwiGlu(gateUp, expected, 3, width);
                cpu.SwiGlu(gateUp, y, 3, width);
                float[] e = Fences.Values(expected);
                Fences.Near(expected, y, i => (ExpError + 4 * Ulp) * Math.Abs(e[i]) + 1e-30, $"width {width}");
                DeviceSpan<float> dExpected = fences.Empty(6 * width), inPlace = fences.Copy(gateUp);
                reference.SwiGluBackward(gateUp, dy, dExpected, 3, width);
                cpu.SwiGluBackward(gateUp, dy, inPlace, 3, width);
                Fences.Near(dExpected, inPlace, _ => (2 * ExpError + 8 * Ulp) * scale * (1 + scale), $"width {width}, backward");
                fences.Check($"width {width}");
            }
    }

    [Fact]
    public void CrossEntropy_equals_the_definition_and_its_gradient_sums_to_zero()
    {
        foreach (int V in Lengths.Append(1000))
        {
            using var fences = new Fences(V);
            DeviceSpan<float> logits = fences.Random(3 * V, 20), weights = fences.Random(3);
            DeviceSpan<int> targets = fences.Ints(3, i => (7 * i + 3) % V);
            DeviceSpan<float> expected = fences.Copy(logits), kept = fences.Copy(logits), nll = fences.Empty(3), nllExpected = fences.Empty(3), nllKept = fences.Empty(3);
            reference.CrossEntropy(expected, targets, weights, 3.7, nllExpected, 3, V);
            cpu.CrossEntropy(kept, targets, default, 1, nllKept, 3, V);
            Assert.Equal(Fences.Values(logits), Fences.Values(kept));
            cpu.CrossEntropy(logits, targets, weights, 3.7, nll, 3, V);
            // 20·2⁻²⁴ from a logit's difference, V roundings of the sum, the logarithm's own.
            Fences.Near(nllExpected, nll, _ => ExpError + (V / 16 + 60) * Ulp, $"V {V}");
            Assert.Equal(Fences.Values(nll), Fences.Values(nllKept));
            Fences.Near(expected, logits, _ => 2 * ExpError + (V / 16 + 60) * Ulp, $"V {V}, gradient");
            DeviceSpan<float> defined = fences.Copy(kept);
            reference.LogSoftmax(defined, 3, V);
            cpu.LogSoftmax(kept, 3, V);
            Fences.Near(defined, kept, _ => ExpError + (V / 16 + 60) * Ulp, $"V {V}, log-probabilities");
            for (int r = 0; r < 3; r++) Assert.Equal(-Fences.Values(nll)[r], Fences.Values(kept)[r * V + (7 * r + 3) % V]);
            // The loss is one chain of doubles, carried on from call to call.
            foreach (IDevice device in (IDevice[])[cpu, reference])
            {
                var total = new DeviceSpan<double>(fences.Empty(2).Address, 1);
                device.Clear(total);
                for (int i = 0; i < 2; i++) device.AddLoss(weights, nll, 3, total);
                double sum = 0;
                for (int i = 0; i < 6; i++) sum += (double)Fences.Values(weights)[i % 3] * Fences.Values(nll)[i % 3];
                Assert.Equal(sum, Read(total));
            }
            fences.Check($"V {V}");
        }
    }

    [Fact]
    public void AdamW_equals_the_definition()
    {
        foreach (int length in Lengths.Append(40_000))
        {
            using var fences = new Fences(length);
            var step = new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.5);
            DeviceSpan<float> p = fences.Random(length), g = fences.Random(length), m = fences.Random(length), v = fences.Random(length);
            var positive = Fences.Values(v).Select(Math.Abs).ToArray();
            cpu.Upload(positive, v);
            DeviceSpan<float> pe = fences.Copy(p), me = fences.Copy(m), ve = fences.Copy(v);
            DeviceSpan<double> sums = new(fences.Empty(4).Address, 2);
            // A loss or a norm that is no number leaves all as it was; else a norm of one, clipped to a half.
            foreach ((double loss, double squares) in ((double, double)[])[(double.NaN, 1), (1, double.PositiveInfinity), (1, 1)])
            {
                Assert.Equal(Fences.Values(pe), Fences.Values(p));
                Assert.Equal(Fences.Values(me), Fences.Values(m));
                cpu.Upload([loss, squares], sums);
                reference.AdamW(pe, g, me, ve, sums, step);
                cpu.AdamW(p, g, m, v, sums, step);
            }
            Fences.Near(me, m, _ => 4 * Ulp, $"m of {length}");
            Fences.Near(ve, v, _ => 4 * Ulp, $"v of {length}");
            float[] ms = Fences.Values(me), vs = Fences.Values(ve);
            // 1 − 0.95³ is rounded at 2⁻²⁴ of one: 4e-7 of itself; the step is 0.01·m̂/√v̂.
            Fences.Near(pe, p, i => 4 * Ulp + 1e-6 * 0.01 * Math.Abs(ms[i]) / Math.Sqrt(vs[i] + 1e-12) * 2, $"p of {length}");
            fences.Check($"length {length}");
        }
    }

    [Fact]
    public void Directions_and_sums_of_two_equal_the_definition()
    {
        foreach (int length in Lengths.Append(40_000))
        {
            using var fences = new Fences(length);
            var step = new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.5);
            DeviceSpan<float> g = fences.Random(length), m = fences.Random(length), v = fences.Random(length), y = fences.Random(length);
            cpu.Upload([.. Fences.Values(v).Select(Math.Abs)], v);
            DeviceSpan<double> sums = new(fences.Empty(4).Address, 2);
            foreach (DeviceSpan<float> second in new[] { v, default })
            {
                DeviceSpan<float> ge = fences.Copy(g), me = fences.Copy(m), ve = fences.Copy(v);
                float[] before = Fences.Values(g);
                cpu.Upload([1, double.NaN], sums);
                cpu.Direction(g, m, second, sums, step);
                reference.Direction(g, m, second, sums, step);
                Assert.Equal(before, Fences.Values(g));           // no number: nothing is changed
                cpu.Upload([1.0, 1], sums);                       // a norm of one, clipped to a half
                reference.Direction(ge, me, second.Length == 0 ? default : ve, sums, step);
                cpu.Direction(g, m, second, sums, step);
                Fences.Near(me, m, _ => 4 * Ulp, $"m of {length}");
                if (second.Length > 0) Fences.Near(ve, v, _ => 4 * Ulp, $"v of {length}");
                // As AdamW's step: 1 − 0.95³ is rounded at 4e-7 of itself.
                float[] want = Fences.Values(ge), ms = Fences.Values(me), vs = Fences.Values(ve);
                Fences.Near(ge, g, i => 8 * Ulp + (second.Length == 0 ? 0 : 2e-6 * Math.Abs(ms[i]) / Math.Sqrt(vs[i] + 1e-12)), $"g of {length}");
            }
            foreach ((float b, double[] ratio) in ((float, double[])[])[(0, []), (0.5f, []), (0.5f, [2, 8]), (1, [2, 0])])
            {
                DeviceSpan<float> ye = fences.Copy(y);
                if (b == 0) cpu.Upload([.. Enumerable.Repeat(float.NaN, length)], y);         // what is not read may be anything
                if (ratio.Length > 0) cpu.Upload(ratio, sums);
                reference.Axpby(3, m, b, ye, ratio.Length > 0 ? sums : default);
                cpu.Axpby(3, m, b, y, ratio.Length > 0 ? sums : default);
                // The product is rounded where multiply-adds are two operations, then the sum; and what is expected once more.
                float[] xs = Fences.Values(m), wanted = Fences.Values(ye);
                Fences.Near(ye, y, i => Ulp * (3 * Math.Abs(xs[i]) + 2 * Math.Abs(wanted[i])), $"y of {length}");
                if (ratio is [_, 0]) Fences.Near(ye, y, _ => 0, "y alone");
            }
            cpu.Axpby(2, m, 1, m, default);
            fences.Check($"length {length}");
        }
    }

    [Theory]
    [InlineData(24, 24), InlineData(16, 40), InlineData(40, 16), InlineData(1, 7), InlineData(130, 96)]
    public void Newton_Schulz_moves_singular_values_alone_and_near_to_one(int rows, int cols)
    {
        int s = Math.Min(rows, cols);
        var random = new Random(rows);
        double[][] left = Orthonormal(s, rows), right = Orthonormal(s, cols);
        double[] values = [.. Enumerable.Range(0, s).Select(i => 3 / (1.0 + i))], wanted = [.. values.Select(Moved)];
        if (s > 1) Assert.All(wanted[..Math.Min(s, 16)], v => Assert.InRange(v, 0.68, 1.14));
        foreach (IDevice device in new IDevice[] { cpu, reference })
        {
            var memory = new DeviceMemory(device);
            DeviceSpan<float> x = memory.Allocate<float>(rows * cols);
            device.Upload([.. Product(values).Select(v => (float)v)], x);
            new NewtonSchulz(device, memory, [(3, 5), (rows, cols)]).Apply(x, rows, cols);
            var got = new float[rows * cols];
            device.Download(x, got);
            double[] want = Product(wanted);
            // A rounding may grow 3.4445-fold each of the five times; every element is a sum of up to s products of about 1/√s.
            for (int i = 0; i < got.Length; i++) Assert.Equal(want[i], got[i], 485 * 4 * Ulp);
            device.Clear(x);
            new NewtonSchulz(device, memory, [(rows, cols)]).Apply(x, rows, cols);
            device.Download(x, got);
            Assert.All(got, v => Assert.Equal(0, v));
            memory.Dispose();
        }

        double Moved(double value)
        {
            double v = value / Math.Sqrt(values.Sum(w => w * w));
            for (int i = 0; i < 5; i++) v = 3.4445 * v - 4.7750 * v * v * v + 2.0315 * v * v * v * v * v;
            return v;
        }

        double[] Product(double[] middle) => [.. from r in Enumerable.Range(0, rows) from c in Enumerable.Range(0, cols)
            select Enumerable.Range(0, s).Sum(i => left[i][r] * middle[i] * right[i][c])];

        double[][] Orthonormal(int count, int length)
        {
            double[][] all = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5).ToArray())];
            for (int i = 0; i < count; i++)
            {
                for (int twice = 0; twice < 2; twice++)
                    for (int j = 0; j < i; j++)
                    {
                        double dot = all[i].Zip(all[j], (a, b) => a * b).Sum();
                        for (int k = 0; k < length; k++) all[i][k] -= dot * all[j][k];
                    }
                double norm = Math.Sqrt(all[i].Sum(v => v * v));
                for (int k = 0; k < length; k++) all[i][k] /= norm;
            }
            return all;
        }
    }

    [Fact]
    public void Sums_and_embeddings_equal_the_definition()
    {
        foreach (int C in Lengths.Append(40_000))
        {
            using var fences = new Fences(C);
            DeviceSpan<float> x = fences.Random(C), y = fences.Random(C), expected = fences.Copy(y);
            DeviceSpan<double> sum = new(fences.Empty(2).Address, 1), sumExpected = new(fences.Empty(2).Address, 1);
            reference.SumSquares(x, sumExpected);
            cpu.SumSquares(x, sum);
            Assert.Equal(Read(sumExpected), Read(sum), 1e-9 * C);
            reference.Add(x, expected);
            cpu.Add(x, y);
            Assert.Equal(Fences.Values(expected), Fences.Values(y));
            if (C > 130) continue;
            DeviceSpan<int> tokens = fences.Ints(6, i => i * i % 3);
            DeviceSpan<float> table = fences.Random(3 * C), rows = fences.Empty(6 * C), rowsExpected = fences.Empty(6 * C);
            reference.Embed(table, tokens, rowsExpected, 6, C);
            cpu.Embed(table, tokens, rows, 6, C);
            Assert.Equal(Fences.Values(rowsExpected), Fences.Values(rows));
            DeviceSpan<float> d = fences.Random(3 * C), dExpected = fences.Copy(d);
            reference.EmbedBackward(tokens, rows, dExpected, 6, C);
            cpu.EmbedBackward(tokens, rows, d, 6, C);
            Assert.Equal(Fences.Values(dExpected), Fences.Values(d));
            fences.Check($"C {C}");
        }
    }

    double Read(DeviceSpan<double> one)
    {
        var value = new double[1];
        cpu.Download(one, value);
        return value[0];
    }

    [Fact]
    public void Attention_equals_the_definition_forward_backward_and_cached()
    {
        var cases = Lengths.Select(T => (T, Shape: new AttentionShape(2, 1, 8)))
            .Concat(Lengths.Where(d => d % 3 == 1).Select(D => (T: 37, Shape: new AttentionShape(2, 2, D))))
            .Append((200, new AttentionShape(6, 3, 32)));
        foreach ((int T, AttentionShape shape) in cases)
        {
            using var fences = new Fences(T);
            int[] offsets = [0, 3, 3 + T];
            int rows = 3 + T;
            DeviceSpan<float> qkv = fences.Random((long)rows * shape.Stride), dy = fences.Random((long)rows * shape.OutputStride);
            DeviceSpan<float> y = fences.Empty(dy.Length), lse = fences.Empty((long)rows * shape.Heads), dqkv = fences.Empty(qkv.Length);
            DeviceSpan<float> yExpected = fences.Empty(y.Length), lseExpected = fences.Empty(lse.Length), dExpected = fences.Empty(qkv.Length);
            using var plan = new PassPlan(cpu, rows);
            plan.Set(new int[rows], new int[rows], offsets, new int[rows], new float[rows], []);
            reference.Attention(qkv, plan, yExpected, lseExpected, shape);
            cpu.Attention(qkv, plan, y, lse, shape);
            string what = $"T {T}, {shape}";
            // A score is off by (D + 1)·2⁻²⁴·|q||k|/√D ≤ (D + 1)·√D·2⁻²⁴; then T terms each way.
            double score = (shape.DHead + 2) * Math.Sqrt(shape.DHead) * Ulp, tolerance = 2 * score + 2 * ExpError + (T + 4) * Ulp;
            Fences.Near(yExpected, y, _ => tolerance, what);
            Fences.Near(lseExpected, lse, _ => tolerance + 8 * Ulp, what + ", lse");
            reference.AttentionBackward(qkv, yExpected, lseExpected, dy, dExpected, plan, shape);
            cpu.AttentionBackward(qkv, yExpected, lseExpected, dy, dqkv, plan, shape);
            double gradient = (tolerance + shape.DHead * Ulp) * shape.Heads / shape.KvHeads * shape.DHead * (1 + Math.Log(rows));
            Fences.Near(dExpected, dqkv, _ => gradient, what + ", backward");

            // Slot 1 takes all rows; slot 0 shares its full pages but the last and takes the rows from there on, in the same call.
            int slotPages = (T + AttentionCached.PageTokens - 1) / AttentionCached.PageTokens, shared = Math.Max(0, T / AttentionCached.PageTokens - 1), again = T - shared * AttentionCached.PageTokens;
            int[] pages = [.. Enumerable.Range(0, 2 * slotPages).Select(i => 2 * slotPages - 1 - (i < shared ? i + slotPages : i))];
            int[] slots = [.. new int[again], .. Enumerable.Repeat(1, T)], positions = [.. Enumerable.Range(T - again, again), .. Enumerable.Range(0, T)];
            float[] all = Fences.Values(qkv.Slice(3L * shape.Stride, (long)T * shape.Stride));
            DeviceSpan<float> both = fences.Empty((long)(again + T) * shape.Stride), cached = fences.Empty((long)(again + T) * shape.OutputStride);
            cpu.Upload([.. all[^(again * shape.Stride)..], .. all], both);
            using var view = new CacheView(cpu, again + T, 2, slotPages);
            view.Set(new int[again + T], slots, positions, pages, []);
            foreach ((IDevice device, DeviceSpan<float> by) in new[] { ((IDevice)cpu, y), (reference, yExpected) })
            {
                long bytes = 2 * slotPages * device.KvPageBytes(shape);
                device.AttentionCached(both, new(fences.Empty(bytes / 4).Address, bytes), view, cached, shape);
                float[] expected = Fences.Values(by)[(3 * shape.OutputStride)..];
                Assert.Equal([.. expected[^(again * shape.OutputStride)..], .. expected], Fences.Values(cached));
            }
            fences.Check(what);
        }
    }

    [Fact]
    public void Exp_is_within_its_bound_and_exact_where_it_must_be()
    {
        var worst = 0.0;
        for (int i = -8700; i < 8800; i++)
        {
            float x = i / 100f + 0.0031f;
            double expected = Math.Exp(x), actual = VectorMath.Exp(Vector512.Create(x))[3];
            worst = Math.Max(worst, Math.Abs(actual / expected - 1));
            Assert.Equal(VectorMath.Exp(Vector512.Create(x)).GetLower(), VectorMath.Exp(Vector256.Create(x)));
        }
        Assert.InRange(worst, 0, ExpError);
        Assert.Equal(1f, VectorMath.Exp(Vector512<float>.Zero)[0]);
        foreach (float x in new[] { float.NegativeInfinity, -1e30f, -88f })
            Assert.Equal(0f, VectorMath.Exp(Vector512.Create(x))[0]);
        Assert.True(float.IsNaN(VectorMath.Exp(Vector512.Create(float.NaN))[0]), "a NaN must not be hidden");
    }

    [Fact]
    public void Sampling_draws_by_the_rule_and_in_proportion()
    {
        float[] p = [0.5f, 0.25f, 0.125f, 0.1f, 0.025f];
        const int Draws = 20_000;
        RandomKey[] keys = [.. Enumerable.Range(0, Draws).Select(i => new RandomKey(i, 7))];
        Expect(new SamplingRule(), p);
        Expect(new SamplingRule(0.5f), Normal([.. p.Select(x => x * x)]));
        Expect(new SamplingRule(1, 2), Normal([0.5f, 0.25f, 0, 0, 0]));
        Expect(new SamplingRule(1, 0, 0.8f), Normal([0.5f, 0.25f, 0.125f, 0, 0]));
        Expect(new SamplingRule(0), [1, 0, 0, 0, 0]);

        static float[] Normal(float[] p) => [.. p.Select(x => x / p.Sum())];

        void Expect(SamplingRule rule, float[] expected)
        {
            SampledToken[] drawn = Draw(cpu, [.. p.Select(x => MathF.Log(x))], keys, rule, 1);
            for (int token = 0; token < p.Length; token++)
            {
                // Five standard deviations of a binomial share.
                double share = drawn.Count(t => t.Token == token) / (double)Draws, allowed = 5 * Math.Sqrt(expected[token] * (1 - expected[token]) / Draws);
                Assert.True(Math.Abs(share - expected[token]) <= allowed + 1e-6, $"{rule}: token {token} drawn {share:P2}, expected {expected[token]:P2}");
            }
        }
    }

    [Fact]
    public void A_draw_takes_the_random_number_that_its_key_names()
    {
        RandomKey[] keys = [.. Enumerable.Range(0, 500).Select(i => new RandomKey((1L << 46) + 77L * i, 3 * i))];
        // Of 256 equal tokens the first that passes u is ⌊256·u⌋.
        int[] expected = [.. keys.Select(k => (int)(256 * new Rng(9, RandomPurpose.Sample, k.Step, k.Stream).NextSingle()))];
        foreach (IDevice device in (IDevice[])[cpu, reference])
            Assert.Equal(expected, Draw(device, new float[256], keys, new SamplingRule(), 9).Select(t => t.Token));
    }

    /// <summary>A draw a key, all from the same logits.</summary>
    static SampledToken[] Draw(IDevice device, float[] row, RandomKey[] keys, SamplingRule rule, ulong seed)
    {
        using var memory = new DeviceMemory(device);
        DeviceSpan<float> logits = memory.Allocate<float>((long)keys.Length * row.Length);
        DeviceSpan<RandomKey> draws = memory.Allocate<RandomKey>(keys.Length);
        DeviceSpan<SampledToken> into = memory.Allocate<SampledToken>(keys.Length);
        for (int r = 0; r < keys.Length; r++) device.Upload(row, logits.Slice((long)r * row.Length, row.Length));
        device.Upload(keys, draws);
        device.Sample(logits, rule, seed, draws, into, row.Length);
        var drawn = new SampledToken[keys.Length];
        device.Download(into, drawn);
        return drawn;
    }
}
