using System.Text;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Isoflop.Tests.Kernels;

/// <summary>
/// Writes src/Isoflop/Kernels/Bf16Bytes.cs, the machine code of bf16 products, and holds it to what is written here. With
/// ISOFLOP_REWRITE=1 it is written anew; then <see cref="Bf16Tests"/> tell whether it is right.
/// </summary>
public class Bf16AssemblerTests
{
    static string Path => System.IO.Path.Combine(Places.Root, "src", "Isoflop", "Kernels", "Bf16Bytes.cs");

    [Fact]
    public void The_bytes_are_those_of_the_assembler()
    {
        string written = File();
        if (Environment.GetEnvironmentVariable("ISOFLOP_REWRITE") == "1") System.IO.File.WriteAllText(Path, written);
        Assert.Equal(written, System.IO.File.ReadAllText(Path).ReplaceLineEndings("\n"));
    }

    static string File()
    {
        (string pairs, _) = Bytes(WritePairs);
        (string tiles, ulong[] entries) = Bytes(WriteTiles);
        return $$"""
            // Written by tests/Isoflop.Tests/Kernels/Bf16AssemblerTests.cs; change that.
            namespace Isoflop.Kernels;

            /// <summary>Machine code of bf16 tiles, x86-64, for <see cref="KernelCode"/>'s calls in System V's convention.</summary>
            /// <remarks>rdi words, rsi a, rdx b, rcx c, r8 bytes from row to row of c, r9 start or 0.</remarks>
            static class Bf16Bytes
            {
                /// <summary>
                /// 12 × 32 sums in zmm0 to 23; the words of 32 columns in zmm24 and 25, a row's word spread over zmm26 to 29. a [words][12],
                /// b [words][32].
                /// </summary>
                public static ReadOnlySpan<byte> Pairs =>
                [
            {{pairs}}    ];

                /// <summary>Entries of <see cref="Tiles"/>: give this thread's tiles their shape, and take it away.</summary>
                public const int TilesBegin = {{entries[1]}}, TilesEnd = {{entries[2]}};

                /// <summary>
                /// 32 × 32 sums in tmm0 to 3; 16 rows of a in tmm4 and 5 each, 16 columns of b in tmm6 and 7. a [words / 16][32][16],
                /// b [words][32].
                /// </summary>
                public static ReadOnlySpan<byte> Tiles =>
                [
            {{tiles}}    ];
            }

            """.ReplaceLineEndings("\n");
    }

    /// <summary>A line an instruction, as it reads in assembler; and where the entries lie.</summary>
    static (string, ulong[]) Bytes(Func<Assembler, Label[]> write)
    {
        var assembler = new Assembler(64);
        Label[] entries = write(assembler);
        using var stream = new MemoryStream();
        AssemblerResult result = assembler.Assemble(new StreamCodeWriter(stream), 0, BlockEncoderOptions.ReturnNewInstructionOffsets);
        byte[] all = stream.ToArray();
        var decoder = Iced.Intel.Decoder.Create(64, all);
        var formatter = new NasmFormatter();
        var text = new StringBuilder();
        for (int at = 0; at < all.Length;)
        {
            bool data = entries.Length > 1 && at >= (int)result.GetLabelRIP(entries[^1]);
            Instruction i = data ? default : decoder.Decode();
            int length = data ? Math.Min(16, all.Length - at) : i.Length;
            var name = new StringOutput();
            if (!data) formatter.Format(i, name);
            string bytes = string.Join(", ", all.AsSpan(at, length).ToArray().Select(b => $"0x{b:X2}")) + ",";
            text.Append($"        {bytes,-67}// {(data ? "shape" : $"{at,3:x}: {name.ToStringAndReset()}")}".TrimEnd()).Append('\n');
            at += length;
        }
        return (text.ToString(), [.. entries.Select(l => result.GetLabelRIP(l))]);
    }

    static Label[] WritePairs(Assembler c)
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
        return [multiply];

        static AssemblerRegisterZMM Z(int i) => new(Register.ZMM0 + i);
    }

    static Label[] WriteTiles(Assembler c)
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
        c.sub(rdi, 16);
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
        return [multiply, begin, end, shape];
    }
}
