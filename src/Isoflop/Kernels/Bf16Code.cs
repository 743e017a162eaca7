using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Isoflop.Kernels;

/// <summary>The machine code of one kind of bf16 products: whether this machine runs it, and where it lies.</summary>
/// <remarks>
/// It is used only where its bits are those of the definition, on a tile that tells orders, roundings and flushed zeros apart: a
/// processor of another reading would be another precision.
/// </remarks>
sealed unsafe class Bf16Code
{
    Bf16Code(Precision precision, string instructions, bool supported, Func<Assembler, KernelLabels> write)
    {
        (Precision, Instructions) = (precision, instructions);
        if (!MachineCode.Possible) Missing = "machine code is written for Linux on x86-64";
        else if (!supported) Missing = $"no {instructions}";
        else if (precision == Precision.Bf16Tiles && !MachineCode.AskForTiles()) Missing = $"the kernel grants no {instructions}";
        else if ((Entries = Load(write)).Multiply == 0) Missing = "no memory may be made executable";
        else if (!Holds(precision, Entries)) Missing = $"{instructions} of this processor has other bits";
    }

    /// <summary>AVX512-BF16.</summary>
    public static Bf16Code Pairs => pairs.Value;

    /// <summary>AMX.</summary>
    public static Bf16Code Tiles => tiles.Value;

    // CPUID, leaf 7. That the system keeps the registers: of AVX-512 the runtime has asked, of AMX its permission says it.
    static readonly Lazy<Bf16Code> pairs = new(() => new(Precision.Bf16Pairs, "AVX512-BF16",
        Avx512F.IsSupported && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax >> 5 & 1) == 1, WritePairs));
    static readonly Lazy<Bf16Code> tiles = new(() => new(Precision.Bf16Tiles, "AMX",
        X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && (X86Base.CpuId(7, 0).Edx >> 22 & 5) == 5, WriteTiles));

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

    /// <summary>Places in a kernel that is being written.</summary>
    public readonly record struct KernelLabels(Label Multiply, Label Begin, Label End);

    /// <summary>Assembles a kernel and lays it out.</summary>
    public static KernelCode Load(Func<Assembler, KernelLabels> write)
    {
        var assembler = new Assembler(64);
        KernelLabels labels = write(assembler);
        using var bytes = new MemoryStream();
        AssemblerResult result =
            assembler.Assemble(new StreamCodeWriter(bytes), 0, BlockEncoderOptions.ReturnNewInstructionOffsets);
        nint memory = MachineCode.Load(bytes.ToArray());
        return memory == 0 ? default : new(At(labels.Multiply), At(labels.Begin), At(labels.End));

        nint At(Label label) => label.IsEmpty ? 0 : memory + (nint)result.GetLabelRIP(label);
    }

    /// <summary>
    /// A tile of 12 × 32 sums in zmm0 to 23: a word of each column in zmm24 and 25, a row's word spread over zmm26 to 29.
    /// </summary>
    /// <remarks>rdi words, rsi a [words][12], rdx b [words][32], rcx c, r8 bytes from row to row of c, r9 start.</remarks>
    public static KernelLabels WritePairs(Assembler c)
    {
        Label multiply = c.CreateLabel(), zeros = c.CreateLabel(), enter = c.CreateLabel(), next = c.CreateLabel(),
            store = c.CreateLabel();
        const int Rows = 12;
        c.Label(ref multiply);
        c.test(r9, r9);
        c.je(zeros);
        for (int r = 0; r < Rows; r++)
        {
            c.vmovups(Z(2 * r), __[r9]);
            c.vmovups(Z(2 * r + 1), __[r9 + 64]);
            c.add(r9, r8);
        }
        c.jmp(enter);
        c.Label(ref zeros);
        for (int i = 0; i < 2 * Rows; i++) c.vpxord(Z(i), Z(i), Z(i));
        c.Label(ref enter);
        c.test(rdi, rdi);
        c.je(store);
        c.Label(ref next);
        c.vmovups(zmm24, __[rdx]);
        c.vmovups(zmm25, __[rdx + 64]);
        for (int r = 0; r < Rows; r++)
        {
            c.vpbroadcastd(Z(26 + r % 4), __dword_ptr[rsi + 4 * r]);
            c.vdpbf16ps(Z(2 * r), Z(26 + r % 4), zmm24);
            c.vdpbf16ps(Z(2 * r + 1), Z(26 + r % 4), zmm25);
        }
        c.add(rsi, 4 * Rows);
        c.add(rdx, 128);
        c.dec(rdi);
        c.jne(next);
        c.Label(ref store);
        for (int r = 0; r < Rows; r++)
        {
            c.vmovups(__[rcx], Z(2 * r));
            c.vmovups(__[rcx + 64], Z(2 * r + 1));
            c.add(rcx, r8);
        }
        c.vzeroupper();
        c.ret();
        return new(multiply, default, default);

        static AssemblerRegisterZMM Z(int i) => new(Register.ZMM0 + i);
    }

    /// <summary>A tile of 32 × 32 sums in tmm0 to 3; 16 rows of a in tmm4 and 5 each, 16 columns of b in tmm6 and 7.</summary>
    /// <remarks>
    /// rdi words, rsi a [words / 16][32][16], rdx b [words][32], rcx c, r8 bytes from row to row of c, r9 start. Begin shapes all
    /// tiles as 16 rows of 64 bytes; the shape is the thread's until End.
    /// </remarks>
    public static KernelLabels WriteTiles(Assembler c)
    {
        Label multiply = c.CreateLabel(), zeros = c.CreateLabel(), enter = c.CreateLabel(), next = c.CreateLabel(),
            store = c.CreateLabel(), begin = c.CreateLabel(), end = c.CreateLabel(), shape = c.CreateLabel();
        c.Label(ref multiply);
        c.mov(r10d, 64);
        c.mov(r11d, 128);
        c.test(r9, r9);
        c.je(zeros);
        c.mov(rax, r8);
        c.shl(rax, 4);
        c.tileloadd(tmm0, __[r9 + r8]);
        c.tileloadd(tmm1, __[r9 + r8 + 64]);
        c.add(r9, rax);
        c.tileloadd(tmm2, __[r9 + r8]);
        c.tileloadd(tmm3, __[r9 + r8 + 64]);
        c.jmp(enter);
        c.Label(ref zeros);
        foreach (AssemblerRegisterTMM sums in (AssemblerRegisterTMM[])[tmm0, tmm1, tmm2, tmm3]) c.tilezero(sums);
        c.Label(ref enter);
        c.test(rdi, rdi);
        c.je(store);
        c.Label(ref next);
        c.tileloadd(tmm4, __[rsi + r10]);
        c.tileloadd(tmm6, __[rdx + r11]);
        c.tileloadd(tmm7, __[rdx + r11 + 64]);
        c.tdpbf16ps(tmm0, tmm4, tmm6);
        c.tdpbf16ps(tmm1, tmm4, tmm7);
        c.tileloadd(tmm5, __[rsi + r10 + 1024]);
        c.tdpbf16ps(tmm2, tmm5, tmm6);
        c.tdpbf16ps(tmm3, tmm5, tmm7);
        c.add(rsi, 2048);
        c.add(rdx, 2048);
        c.sub(rdi, Bf16.BlockWords);
        c.jne(next);
        c.Label(ref store);
        c.mov(rax, r8);
        c.shl(rax, 4);
        c.tilestored(__[rcx + r8], tmm0);
        c.tilestored(__[rcx + r8 + 64], tmm1);
        c.add(rcx, rax);
        c.tilestored(__[rcx + r8], tmm2);
        c.tilestored(__[rcx + r8 + 64], tmm3);
        c.ret();
        c.Label(ref begin);
        c.ldtilecfg(__[shape]);
        c.ret();
        c.Label(ref end);
        c.tilerelease();
        c.ret();
        // Palette 1, no row to restart at; bytes of a row of tiles 0 to 7 from byte 16 on, their rows from byte 48 on.
        c.Label(ref shape);
        byte[] palette = new byte[64];
        palette[0] = 1;
        for (int i = 0; i < 8; i++) (palette[16 + 2 * i], palette[48 + i]) = (64, 16);
        c.db(palette);
        return new(multiply, begin, end);
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
            for (int i = 0; i < Side * Side; i++) start[i] = BitConverter.UInt32BitsToSingle(Half() << 16) * (exponent == 64 ? 5e-20f : 1);
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
