using Iced.Intel;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>
/// Runs the instructions that our machine code is made of, as Intel's Software Developer's Manual defines them, where no processor
/// has them. It shares nothing with the kernels' definition: its multiply-add is a sum of doubles, rounded once by hand.
/// </summary>
/// <remarks>Memory is real; an access outside of what was <see cref="Allow">allowed</see> fails, and so does an instruction not
/// known here.</remarks>
sealed unsafe class X86Interpreter
{
    readonly ulong[] general = new ulong[16];
    readonly uint[][] zmm = [.. Enumerable.Range(0, 32).Select(_ => new uint[16])];
    readonly uint[][] tmm = [.. Enumerable.Range(0, 8).Select(_ => new uint[256])];
    readonly Dictionary<ulong, Instruction> decoded = [];
    readonly List<(ulong From, ulong To, bool Write)> allowed = [];
    bool zero, shaped;

    /// <summary>Mnemonics that were executed.</summary>
    public HashSet<Mnemonic> Seen { get; } = [];

    /// <summary>Bits of sums that stand in tiles outside of a kernel: its shape is the thread's.</summary>
    public bool Shaped => shaped;

    public void Allow(void* from, long bytes, bool write = false) => allowed.Add(((ulong)from, (ulong)from + (ulong)bytes, write));

    /// <summary>Calls code by System V's convention; returns at its ret.</summary>
    public void Call(nint code, params ReadOnlySpan<nint> arguments)
    {
        Register[] order = [Register.RDI, Register.RSI, Register.RDX, Register.RCX, Register.R8, Register.R9];
        for (int i = 0; i < general.Length; i++) general[i] = 0xDEAD_0000_0000_0000 + (ulong)i;
        foreach (uint[] register in zmm) Array.Fill(register, 0x7FC0_1234u);                 // what was there is no number
        for (int i = 0; i < arguments.Length; i++) Set(order[i], (ulong)arguments[i]);
        for (ulong at = (ulong)code; ;)
        {
            Instruction i = Decode(at);
            Seen.Add(i.Mnemonic);
            at = i.NextIP;
            switch (i.Mnemonic)
            {
                case Mnemonic.Ret: return;
                case Mnemonic.Jmp: at = i.NearBranch64; break;
                case Mnemonic.Je: at = zero ? i.NearBranch64 : at; break;
                case Mnemonic.Jne: at = zero ? at : i.NearBranch64; break;
                default: Execute(i); break;
            }
        }
    }

    Instruction Decode(ulong at)
    {
        if (decoded.TryGetValue(at, out Instruction instruction)) return instruction;
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(new ReadOnlySpan<byte>((void*)at, 15).ToArray()), at);
        decoder.Decode(out instruction);
        Assert.False(instruction.IsInvalid, $"no instruction at {at:x}");
        return decoded[at] = instruction;
    }

    void Execute(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Mov: Set(i.Op0Register, Second(i)); break;
            case Mnemonic.Test: zero = (Get(i.Op0Register) & Second(i)) == 0; break;
            case Mnemonic.Add: Result(i, Get(i.Op0Register) + Second(i)); break;
            case Mnemonic.Sub: Result(i, Get(i.Op0Register) - Second(i)); break;
            case Mnemonic.Dec: Result(i, Get(i.Op0Register) - 1); break;
            case Mnemonic.Shl: Result(i, Get(i.Op0Register) << (int)Second(i)); break;
            case Mnemonic.Vmovups when i.Op0Kind == OpKind.Register:
                new ReadOnlySpan<uint>(Place(i, 64), 16).CopyTo(Vector(i.Op0Register));
                break;
            case Mnemonic.Vmovups: Vector(i.Op1Register).CopyTo(new Span<uint>(Place(i, 64, write: true), 16)); break;
            case Mnemonic.Vpbroadcastd: Array.Fill(Vector(i.Op0Register), *Place(i, 4)); break;
            case Mnemonic.Vpxord:
                for (int n = 0; n < 16; n++) Vector(i.Op0Register)[n] = Vector(i.Op1Register)[n] ^ Vector(i.Op2Register)[n];
                break;
            case Mnemonic.Vdpbf16ps: DotPairs(Vector(i.Op0Register), Vector(i.Op1Register), Vector(i.Op2Register)); break;
            case Mnemonic.Vzeroupper:
                for (int r = 0; r < 16; r++) Array.Clear(zmm[r], 4, 12);
                break;
            case Mnemonic.Ldtilecfg: Shape(Place(i, 64)); break;
            case Mnemonic.Tilerelease: shaped = false; break;
            case Mnemonic.Tilezero: Array.Clear(Tile(i.Op0Register)); break;
            case Mnemonic.Tileloadd: Rows(i, Tile(i.Op0Register), write: false); break;
            case Mnemonic.Tilestored: Rows(i, Tile(i.Op1Register), write: true); break;
            case Mnemonic.Tdpbf16ps: DotTiles(Tile(i.Op0Register), Tile(i.Op1Register), Tile(i.Op2Register)); break;
            default: Assert.Fail($"no meaning is given to {i}"); break;
        }
    }

    void Result(in Instruction i, ulong value)
    {
        Set(i.Op0Register, value);
        zero = value == 0;
    }

    ulong Second(in Instruction i) => i.Op1Kind == OpKind.Register ? Get(i.Op1Register) : i.GetImmediate(1);

    ulong Get(Register r) => general[r.GetFullRegister() - Register.RAX];

    void Set(Register r, ulong value) => general[r.GetFullRegister() - Register.RAX] = r.GetSize() == 4 ? (uint)value : value;

    uint[] Vector(Register r)
    {
        Assert.InRange(r, Register.ZMM0, Register.ZMM31);
        return zmm[r - Register.ZMM0];
    }

    uint[] Tile(Register r)
    {
        Assert.True(shaped, "#UD: tiles have no shape");
        return tmm[r - Register.TMM0];
    }

    uint* Place(in Instruction i, int bytes, bool write = false)
    {
        Assert.False(i.HasOpMask || i.IsBroadcast);
        if (i.IsIPRelativeMemoryOperand) return (uint*)i.IPRelativeMemoryAddress;            // our own constants
        Assert.Equal(Register.None, i.MemoryIndex);
        return Checked(Get(i.MemoryBase) + i.MemoryDisplacement64, bytes, write);
    }

    uint* Checked(ulong at, int bytes, bool write)
    {
        Assert.True(allowed.Exists(a => at >= a.From && at + (ulong)bytes <= a.To && (a.Write || !write)),
            $"{(write ? "writes" : "reads")} {bytes} bytes outside of its operands");
        return (uint*)at;
    }

    /// <summary>Sixteen rows of 64 bytes; the index register is what lies between their starts.</summary>
    void Rows(in Instruction i, uint[] tile, bool write)
    {
        ulong at = Get(i.MemoryBase) + i.MemoryDisplacement64, stride = Get(i.MemoryIndex) * (ulong)i.MemoryIndexScale;
        for (int row = 0; row < 16; row++, at += stride)
        {
            var memory = new Span<uint>(Checked(at, 64, write), 16);
            if (write) tile.AsSpan(16 * row, 16).CopyTo(memory);
            else memory.CopyTo(tile.AsSpan(16 * row, 16));
        }
    }

    /// <summary>LDTILECFG: only the shape that the kernels ask for is known here; all that is reserved must be zero.</summary>
    void Shape(uint* memory)
    {
        byte[] expected = new byte[64];
        expected[0] = 1;                                          // palette
        for (int t = 0; t < 8; t++) (expected[16 + 2 * t], expected[48 + t]) = (64, 16);      // bytes of a row; rows
        Assert.Equal(expected, new ReadOnlySpan<byte>(memory, 64));
        shaped = true;
        foreach (uint[] tile in tmm) Array.Clear(tile);
    }

    /// <summary>VDPBF16PS: in each lane first the upper product, then the lower.</summary>
    static void DotPairs(uint[] sums, uint[] a, uint[] b)
    {
        for (int n = 0; n < 16; n++)
        {
            sums[n] = Fused(a[n] & 0xFFFF0000, b[n] & 0xFFFF0000, sums[n]);
            sums[n] = Fused(a[n] << 16, b[n] << 16, sums[n]);
        }
    }

    /// <summary>TDPBF16PS: two chains from zero, added to each other, then to the sum.</summary>
    static void DotTiles(uint[] sums, uint[] a, uint[] b)
    {
        Span<uint> temp = stackalloc uint[32];
        for (int m = 0; m < 16; m++)
        {
            temp.Clear();
            for (int k = 0; k < 16; k++)
                for (int n = 0; n < 16; n++)
                {
                    uint x = a[16 * m + k], y = b[16 * k + n];
                    temp[2 * n] = Fused(x << 16, y << 16, temp[2 * n]);
                    temp[2 * n + 1] = Fused(x & 0xFFFF0000, y & 0xFFFF0000, temp[2 * n + 1]);
                }
            for (int n = 0; n < 16; n++) sums[16 * m + n] = Sum(sums[16 * m + n], Sum(temp[2 * n], temp[2 * n + 1]));
        }
    }

    /// <summary>a·b + c, rounded once: exact in two doubles, whose sum is rounded to odd before it is rounded to float32.</summary>
    static uint Fused(uint a, uint b, uint c)
    {
        double product = Number(a) * Number(b), addend = Number(c);         // 8 bits by 8 bits: exact
        double sum = product + addend, rest = sum - product, lost = product - (sum - rest) + (addend - rest);
        if (lost != 0 && (BitConverter.DoubleToUInt64Bits(sum) & 1) == 0)
            sum = lost > 0 == sum > 0 ? Away(sum, 1) : Away(sum, -1);
        return Bits(sum);

        static double Away(double x, long steps) => BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(x) + steps);
    }

    static uint Sum(uint x, uint y) => Bits(Number(x) + Number(y));         // 53 bits are more than twice 24: rounded once

    /// <summary>Denormals are zeros.</summary>
    static double Number(uint bits) => (bits & 0x7F800000) == 0 ? BitConverter.UInt32BitsToSingle(bits & 0x80000000) : BitConverter.UInt32BitsToSingle(bits);

    /// <summary>To nearest even; results that are denormal become zeros.</summary>
    static uint Bits(double x)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)x);
        return (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
    }
}
