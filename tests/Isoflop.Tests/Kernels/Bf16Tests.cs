using System.Runtime.InteropServices;
using Iced.Intel;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Tests.Nn;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>
/// bf16 without a processor that has it: packing and blocks against the definition of whole products, machine code through an
/// interpreter against the definition of a tile. With such a processor the same by its own instructions.
/// </summary>
public sealed unsafe class Bf16Tests
{
    public static TheoryData<Precision> Both => [Precision.Bf16Pairs, Precision.Bf16Tiles];

    static int Rows(Precision p) => p == Precision.Bf16Pairs ? Bf16PairsTile.Rows : Bf16TilesTile.Rows;

    static KernelCode Written(Precision p) => p == Precision.Bf16Pairs ? Bf16Code.Load(Bf16Bytes.Pairs)
        : Bf16Code.Load(Bf16Bytes.Tiles, Bf16Bytes.TilesBegin, Bf16Bytes.TilesEnd);

    static void NeedsMachineCode() => Assert.SkipUnless(MachineCode.Possible, "machine code is written for Linux on x86-64 alone");

    /// <summary>The one line of what no machine without the instructions can show.</summary>
    static Multiplication Hardware(Precision p)
    {
        Bf16Code code = p == Precision.Bf16Pairs ? Bf16Code.Pairs : Bf16Code.Tiles;
        Assert.SkipUnless(code.Found, $"{p.Name()} cannot run here ({code.Missing}): its code has run in the interpreter alone");
        return Multiplication.Of(p);
    }

    // ---- rounding -------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Rounding_takes_the_nearest_and_of_two_the_even()
    {
        foreach (uint sign in new[] { 0u, 0x80000000 })
            for (uint upper = 0; upper < 0x7F7F; upper++)                  // the last has no finite neighbour
                foreach (uint lower in new uint[] { 0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF })
                {
                    double x = Value(upper << 16 | lower), below = Value(upper << 16), above = Value(upper + 1 << 16);
                    uint nearest = x - below < above - x || x - below == above - x && upper % 2 == 0 ? upper : upper + 1;
                    Assert.Equal(sign >> 16 | nearest, Bf16.Round(BitConverter.UInt32BitsToSingle(sign | upper << 16 | lower)));
                }
        Assert.Equal(0x7F80u, Bf16.Round(float.PositiveInfinity));
        Assert.Equal(0x7F80u, Bf16.Round(float.MaxValue));
        foreach (uint none in new uint[] { 0x7F800001, 0x7FFFFFFF, 0xFFFFFFFF, 0xFF800001 })
            Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle(Bf16.Round(BitConverter.UInt32BitsToSingle(none)) << 16)));

        static double Value(uint bits) => BitConverter.UInt32BitsToSingle(bits);
    }

    // ---- whole products -------------------------------------------------------------------------------------------------------

    public static TheoryData<Precision, MatMulLayout> Layouts => [.. Both.SelectMany(p => Enum.GetValues<MatMulLayout>().Select(l => ((Precision)p, l)))];

    [Theory, MemberData(nameof(Layouts))]
    public void Any_product_has_the_bits_of_the_definition(Precision precision, MatMulLayout layout)
    {
        foreach ((int m, int n, int k) in Shapes()) Same(precision, layout, Multiplication.Defined(precision), m, n, k);
    }

    [Theory, MemberData(nameof(Layouts))]
    public void The_processors_product_has_the_bits_of_the_definition(Precision precision, MatMulLayout layout)
    {
        Multiplication own = Hardware(precision);
        foreach ((int m, int n, int k) in Shapes()) Same(precision, layout, own, m, n, k);
    }

    // Around tiles of 12 and 32 rows, 32 columns, words of 2 and blocks of 32 and 512 steps, 168 rows.
    static IEnumerable<(int M, int N, int K)> Shapes()
    {
        for (int i = 1; i <= 66; i++)
        {
            yield return (i, 33, 7);
            yield return (5, i, 9);
            yield return (3, 18, i);
        }
        foreach ((int, int, int) shape in new[] { (1, 1, 1), (5, 3, 0), (37, 40, 530), (9, 35, 1090), (172, 21, 33), (3, 1060, 5) }) yield return shape;
    }

    static void Same(Precision precision, MatMulLayout layout, Multiplication by, int m, int n, int k)
    {
        using ReferenceDevice reference = new(precision);
        foreach (int threads in m + n > 90 ? new[] { 1, 3 } : [2])
            foreach (string begin in new[] { "zeros", "itself", "another" })
            {
                using CpuDevice cpu = new(threads, by);
                using var fences = new Fences(m + n + k);
                // Some products near where float32 turns subnormal.
                float scale = (m + n + k) % 3 == 0 ? 2e-19f : 1;
                DeviceSpan<float> a = fences.Random((long)m * k, scale), b = fences.Random((long)k * n, scale);
                DeviceSpan<float> own = fences.Random((long)m * n, scale * scale), other = fences.Random((long)m * n, scale * scale);
                DeviceSpan<float> packed = fences.Empty(cpu.PackedLength(n, k));
                DeviceSpan<float> From(DeviceSpan<float> c) => begin == "itself" ? c : begin == "another" ? other : default;
                DeviceSpan<float> expected = fences.Copy(own), c = fences.Copy(own), laidOut = fences.Copy(own);
                reference.MatMul(layout, a, b, expected, m, n, k, From(expected));
                cpu.MatMul(layout, a, b, c, m, n, k, From(c));
                cpu.Pack(layout, b, packed, n, k);
                cpu.MatMul(layout, a, b, packed, laidOut, m, n, k, From(laidOut));
                string what = $"{precision.Name()} {layout} {m}×{n}×{k}, begun at {begin}, {threads} threads";
                Assert.True(Bits(expected).SequenceEqual(Bits(c)), what);
                Assert.True(Bits(expected).SequenceEqual(Bits(laidOut)), what + ", weights laid out");
                fences.Check(what);
            }
    }

    static int[] Bits(DeviceSpan<float> x) => [.. MemoryMarshal.Cast<float, int>(Fences.Values(x))];

    /// <summary>
    /// An operand's rounding is at most 2⁻⁹ of it, so a product's 2⁻⁸ + 2⁻¹⁸, and a sum's on top at most 2⁻²⁴ a step (here |a|, |b| ≤ 1).
    /// </summary>
    [Theory, MemberData(nameof(Both))]
    public void A_product_is_as_near_to_float32_as_its_roundings_allow(Precision precision)
    {
        const int M = 9, N = 40, K = 333;
        using CpuDevice cpu = new(2, Multiplication.Defined(precision));
        using ReferenceDevice reference = new();
        using var fences = new Fences(1);
        DeviceSpan<float> a = fences.Random(M * K), b = fences.Random(K * N), expected = fences.Empty(M * N), c = fences.Empty(M * N);
        reference.MatMul(MatMulLayout.Plain, a, b, expected, M, N, K, default);
        cpu.MatMul(MatMulLayout.Plain, a, b, c, M, N, K, default);
        Fences.Near(expected, c, _ => K * (1.0 / 256 + 1.0 / (1 << 18) + (K + 2.0) / (1 << 24)), precision.Name());
        Assert.NotEqual(Fences.Values(expected), Fences.Values(c));
    }

    // ---- machine code ---------------------------------------------------------------------------------------------------------

    [Fact]
    public void Memory_of_code_is_executable_and_not_writable()
    {
        NeedsMachineCode();
        nint code = MachineCode.Load([0xB8, 42, 0, 0, 0, 0xC3]);                         // mov eax, 42; ret
        Assert.NotEqual(0, code);
        Assert.Equal(42, ((delegate* unmanaged[SuppressGCTransition]<int>)code)());
        foreach (nint place in new[] { code, Written(Precision.Bf16Pairs).Multiply, Written(Precision.Bf16Tiles).Multiply })
        {
            string line = File.ReadLines("/proc/self/maps").Single(l =>
            {
                string[] range = l.Split(' ')[0].Split('-');
                return Convert.ToUInt64(range[0], 16) <= (ulong)place && (ulong)place < Convert.ToUInt64(range[1], 16);
            });
            Assert.Equal("r-xp", line.Split(' ')[1]);
        }
    }

    [Theory, MemberData(nameof(Both))]
    public void Machine_code_has_the_bits_of_the_definition(Precision precision)
    {
        NeedsMachineCode();
        KernelCode code = Written(precision);
        var seen = new HashSet<Mnemonic>();
        int[] lengths = precision == Precision.Bf16Pairs ? [0, 1, 2, 3, 7, 64, 257] : [0, 16, 32, 48, 256];
        foreach (int words in lengths)
            foreach (int exponent in new[] { 127, 64 })
                foreach (int pitch in new[] { 32, 45 })
                    foreach (string begin in new[] { "zeros", "itself", "another" })
                        seen.UnionWith(Interpreted(precision, code, words, exponent, pitch, begin));
        Assert.Contains(precision == Precision.Bf16Pairs ? Mnemonic.Vdpbf16ps : Mnemonic.Tdpbf16ps, seen);
    }

    /// <summary>One tile both ways; operands end where the kernel must.</summary>
    static HashSet<Mnemonic> Interpreted(Precision precision, KernelCode code, int words, int exponent, int pitch, string begin)
    {
        int rows = Rows(precision), length = (rows - 1) * pitch + 32;
        var random = new Random(words + exponent);
        uint Half() => random.Next(20) == 0 ? (uint)random.Next(2) << 15 : (uint)(random.Next(2) << 15 | exponent - random.Next(6) << 7 | random.Next(128));
        uint[] Words(int count) => [.. Enumerable.Range(0, count).Select(_ => Half() << 16 | Half())];
        uint Sum() => (uint)(random.Next(2) << 31 | (exponent == 64 ? random.Next(6) : 127 - random.Next(6)) << 23 | random.Next(1 << 23));
        uint[] a = Words(words * rows), b = Words(words * 32), expected = [.. Enumerable.Range(0, length).Select(_ => Sum())],
            actual = [.. expected], other = [.. expected.Select(_ => Sum())];
        var machine = new X86Interpreter();
        fixed (uint* pa = a, pb = b, pe = expected, pc = actual, po = other)
        {
            float* start = begin == "another" ? (float*)po : null;
            Bf16.Run(default, precision, words, (float*)pa, (float*)pb, (float*)pe, pitch, begin == "itself" ? (float*)pe : start);
            machine.Allow(pa, a.Length * 4L);
            machine.Allow(pb, b.Length * 4L);
            machine.Allow(pc, length * 4L, write: true);
            machine.Allow(po, length * 4L);
            if (code.Begin != 0) machine.Call(code.Begin);
            Assert.Equal(code.Begin != 0, machine.Shaped);
            machine.Call(code.Multiply, words, (nint)pa, (nint)pb, (nint)pc, pitch * 4, begin == "itself" ? (nint)pc : (nint)start);
            if (code.End != 0) machine.Call(code.End);
            Assert.False(machine.Shaped);
        }
        int wrong = Enumerable.Range(0, length).FirstOrDefault(i => expected[i] != actual[i], -1);
        if (wrong >= 0)
            Assert.Fail($"{precision.Name()}, {words} words near 2^{exponent - 127}, begun at {begin}: element {wrong / pitch}, {wrong % pitch} is " +
                $"{actual[wrong]:x8}, by definition {expected[wrong]:x8}");
        return machine.Seen;
    }

    // ---- training -------------------------------------------------------------------------------------------------------------

    static readonly ModelConfig Small = SameBitsTests.Grouped with { VocabSize = 61, ContextLen = 37, DModel = 44, NLayer = 1, DHead = 12, NHead = 4, NKvHead = 2, DFf = 50 };

    [Theory, MemberData(nameof(Both))]
    public void Threads_do_not_show(Precision precision)
    {
        Multiplication by = Multiplication.Defined(precision);
        int all = SameBitsTests.Lengths.Length;
        foreach ((int shards, int passRows) in new[] { (1, 0), (4, 0), (4, 50) })
        {
            float[] one = SameBitsTests.Train(Small, 1, [all], shards, passRows, by);
            for (int threads = 2; threads <= 7; threads++)
                Assert.Equal(one, SameBitsTests.Train(Small, threads, [all], shards, passRows, by));
        }
        // What is a pass shows, unlike in float32: so a plan knows it from the settings alone.
        Assert.NotEqual(SameBitsTests.Train(Small, 2, [all], 1, 50, by), SameBitsTests.Train(Small, 2, [all], 1, 0, by));
        Assert.NotEqual(SameBitsTests.Train(Small, 1, [all]), SameBitsTests.Train(Small, 1, [all], multiplication: by));
    }

    [Theory, MemberData(nameof(Both))]
    public void The_processors_training_has_the_bits_of_the_definition(Precision precision)
    {
        Multiplication own = Hardware(precision);
        int all = SameBitsTests.Lengths.Length;
        foreach (int threads in new[] { 1, 4 })
            Assert.Equal(SameBitsTests.Train(Small, 2, [all], 4, multiplication: Multiplication.Defined(precision)),
                SameBitsTests.Train(Small, threads, [all], 4, multiplication: own));
    }

    /// <summary>
    /// A gradient passes at most ten products, five there and five back, each of two operands that are rounded by at most 2⁻⁹ of
    /// themselves. Norms keep what flows between them near one, so that these errors add up at most: 20·2⁻⁹ of the gradient.
    /// </summary>
    [Theory, MemberData(nameof(Both))]
    public void A_steps_gradient_is_as_near_to_float32s_as_its_roundings_allow(Precision precision)
    {
        float[] exact = GradientBy(null), rounded = GradientBy(Multiplication.Defined(precision));
        double apart = exact.Zip(rounded, (x, y) => (double)(x - y) * (x - y)).Sum(), size = exact.Sum(x => (double)x * x);
        Assert.InRange(Math.Sqrt(apart / size), 1e-5, 20.0 / 512);

        static float[] GradientBy(Multiplication? by)
        {
            using CpuDevice device = new(2, by);
            using var model = new Transformer(device, Small, SameBitsTests.Lengths.Sum(), training: true);
            model.Initialise(1);
            model.ClearGradients();
            Batch batch = SameBitsTests.Sequences(Small, Enumerable.Range(0, SameBitsTests.Lengths.Length));
            model.LossAndGradient(batch, batch.Rows);
            model.FinishGradients();
            var gradient = new float[model.Table.Length];
            device.Download(model.Gradients, gradient);
            return gradient;
        }
    }
}
