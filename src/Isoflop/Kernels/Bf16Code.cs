using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>The machine code of one kind of bf16 products: whether this machine runs it, and where it lies.</summary>
/// <remarks>
/// It is used only where its bits are those of the definition, on a tile that tells orders, roundings and flushed zeros apart: a
/// processor of another reading would be another precision.
/// </remarks>
sealed unsafe class Bf16Code
{
    Bf16Code(Precision precision, string instructions, bool supported, Func<KernelCode> load)
    {
        (Precision, Instructions) = (precision, instructions);
        if (!MachineCode.Possible) Missing = "machine code is written for Linux on x86-64";
        else if (!supported) Missing = $"no {instructions}";
        else if (precision == Precision.Bf16Tiles && !MachineCode.AskForTiles()) Missing = $"the kernel grants no {instructions}";
        else if ((Entries = load()).Multiply == 0) Missing = "no memory may be made executable";
        else if (!Holds(precision, Entries)) Missing = $"{instructions} of this processor has other bits";
    }

    /// <summary>AVX512-BF16.</summary>
    public static Bf16Code Pairs => pairs.Value;

    /// <summary>AMX.</summary>
    public static Bf16Code Tiles => tiles.Value;

    // CPUID, leaf 7. That the system keeps the registers: of AVX-512 the runtime has asked, of AMX its permission says it.
    static readonly Lazy<Bf16Code> pairs = new(() => new(Precision.Bf16Pairs, "AVX512-BF16",
        Avx512F.IsSupported && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax >> 5 & 1) == 1,
        () => Load(Bf16Bytes.Pairs)));
    static readonly Lazy<Bf16Code> tiles = new(() => new(Precision.Bf16Tiles, "AMX",
        X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && (X86Base.CpuId(7, 0).Edx >> 22 & 5) == 5,
        () => Load(Bf16Bytes.Tiles, Bf16Bytes.TilesBegin, Bf16Bytes.TilesEnd)));

    /// <summary>Whose bits it has.</summary>
    public Precision Precision { get; }

    /// <summary>It can be used.</summary>
    public bool Found => Missing.Length == 0;

    /// <summary>Why not.</summary>
    public string Missing { get; } = "";

    /// <summary>What it is made of.</summary>
    public string Instructions { get; }

    /// <summary>Where it lies.</summary>
    public KernelCode Entries { get; }

    /// <summary>Lays a kernel out.</summary>
    /// <param name="begin">offsets of its other entries; 0: none</param>
    public static KernelCode Load(ReadOnlySpan<byte> code, int begin = 0, int end = 0)
    {
        nint at = MachineCode.Load(code);
        return at == 0 ? default : new(at, begin == 0 ? 0 : at + begin, end == 0 ? 0 : at + end);
    }

    /// <summary>Whether a tile has the bits of the definition: sums near one, and sums where float32 turns subnormal.</summary>
    static bool Holds(Precision precision, KernelCode code)
    {
        const int Words = 4 * Bf16.BlockWords, Side = 32;
        float* room = (float*)NativeMemory.AlignedAlloc((2 * Words + 3 * Side) * Side * sizeof(float), 64);
        float* a = room, b = a + Words * Side, start = b + Words * Side, c = start + Side * Side, defined = c + Side * Side;
        bool same = true;
        foreach (int exponent in (int[])[127, 64])
        {
            var random = new Random(1);
            for (int i = 0; i < 2 * Words * Side; i++) ((uint*)room)[i] = Half() << 16 | Half();
            float scale = exponent == 64 ? 5e-20f : 1;
            for (int i = 0; i < Side * Side; i++) start[i] = BitConverter.UInt32BitsToSingle(Half() << 16) * scale;
            Run(code, c);
            Run(default, defined);
            int rows = precision == Precision.Bf16Pairs ? Bf16PairsTile.Rows : Side;
            same &= new ReadOnlySpan<int>(c, rows * Side).SequenceEqual(new ReadOnlySpan<int>(defined, rows * Side));

            uint Half() => (uint)(random.Next(2) << 15 | exponent - random.Next(6) << 7 | random.Next(128));
        }
        NativeMemory.AlignedFree(room);
        return same;

        void Run(KernelCode by, float* to)
        {
            Bf16.Call(by.Begin);
            Bf16.Run(new() { Code = by }, precision, Words, a, b, to, Side, start);
            Bf16.Call(by.End);
        }
    }
}
