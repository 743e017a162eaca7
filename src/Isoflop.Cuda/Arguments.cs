using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Isoflop.Kernels;

namespace Isoflop.Cuda;

// What kernels are given, as Kernels/*.cu declares it, field by field. A test compares the sizes.
#pragma warning disable CA1815

/// <summary>Groups of kernel.h.</summary>
readonly struct GroupArguments(PassPlan.Groups groups)
{
    readonly nint offsets = groups.Offsets.Length == 0 ? 0 : groups.Offsets.Address;
    readonly long stride = groups.Stride;
    readonly int count = groups.Count, first = groups.First;
}

[StructLayout(LayoutKind.Sequential)]
struct CopyArguments
{
    const int MostPieces = 4;                                 // elementwise.cu

    Pieces pieces;

    public int Count { get; private set; }

    struct Piece
    {
        public nint X, Y;
        public long Words;
    }

    [InlineArray(MostPieces)]
    struct Pieces
    {
        Piece first;
    }

    public readonly long LongestWords
    {
        get
        {
            long most = 0;
            for (int i = 0; i < Count; i++) most = Math.Max(most, pieces[i].Words);
            return most;
        }
    }

    /// <summary>One piece more; false: there is no room, or it needs what another writes, or the other way round.</summary>
    public bool TryAdd(nint from, nint to, long bytes)
    {
        bool apart = Count < MostPieces;
        for (int i = 0; i < Count; i++)
        {
            (nint x, nint y, long length) = (pieces[i].X, pieces[i].Y, 4 * pieces[i].Words);
            apart &= !Meet(to, y) && !Meet(to, x) && !Meet(from, y);

            bool Meet(nint one, nint other) => one != 0 && other != 0 && one < other + length && other < one + bytes;
        }
        if (apart) pieces[Count++] = new() { X = from, Y = to, Words = bytes / 4 };
        return apart;
    }
}

[StructLayout(LayoutKind.Sequential)]
struct AddArguments
{
    public nint X, Y;
    public long Length;
}

[StructLayout(LayoutKind.Sequential)]
struct AxpbyArguments
{
    public nint X, Y, Ratio;
    public long Length;
    public float A, B;
}

[StructLayout(LayoutKind.Sequential)]
struct ShardsArguments
{
    public nint X;
    public long Length;
    public int Count;
}

[StructLayout(LayoutKind.Sequential)]
struct EmbedArguments
{
    public nint Table, Tokens, Y;
    public int Rows, C;
}

[StructLayout(LayoutKind.Sequential)]
struct EmbedBackwardArguments
{
    public nint Tokens, DY, DTable;
    public GroupArguments Groups;
    public int Rows, C, Owned;
}

[StructLayout(LayoutKind.Sequential)]
struct NormArguments
{
    public nint X, Gain, Y, S;
    public HeadRows Shape;
    public float Epsilon;
}

[StructLayout(LayoutKind.Sequential)]
struct GainSumArguments
{
    public nint Parts, DGain, Counter;
    public int Blocks;
}

[StructLayout(LayoutKind.Sequential)]
struct NormBackwardArguments
{
    public nint X, Gain, S, DY, DX;
    public GainSumArguments GainSum;
    public HeadRows Shape;
    public GroupArguments Groups;
    public int Accumulate, First, PartBlocks, Together;
}

[StructLayout(LayoutKind.Sequential)]
struct NormRotateArguments
{
    public nint Raw, Gains, Rotated, Scales, Table, Positions;
    public int Rows;
    public AttentionShape Shape;
    public int KeyGain;
    public float Epsilon;
}

[StructLayout(LayoutKind.Sequential)]
struct NormRotateBackwardArguments
{
    public nint Raw, Gains, Scales, D;
    public GainSumArguments GainSum;
    public nint Table, Positions;
    public GroupArguments Groups;
    public int Rows;
    public AttentionShape Shape;
    public int KeyGain, PartsOfEach;
}

[StructLayout(LayoutKind.Sequential)]
struct MatMulArguments
{
    public nint A, B, Start, C;
    public GroupArguments Groups;
    public int M, N, K, Grouped;
}

[StructLayout(LayoutKind.Sequential)]
struct MatMulBackwardArguments
{
    public MatMulArguments Weights, Inputs;
    public int Columns, WeightRows, WeightBlocks;
}

[StructLayout(LayoutKind.Sequential)]
struct RoundArguments
{
    public nint X, Y;
    public long Length;
}

/// <summary>CUtensorMap: opaque.</summary>
[InlineArray(16)]
struct TensorMap
{
    ulong first;
}

[StructLayout(LayoutKind.Sequential, Size = 320)]             // a multiple of 64, which maps begin at
struct WarpgroupMatMulArguments
{
    public TensorMap A, B;
    public nint Start, C;
    public GroupArguments Groups;
    public int M, N, K, Grouped;
}

[StructLayout(LayoutKind.Sequential, Size = 704)]
struct WarpgroupBackwardArguments
{
    public WarpgroupMatMulArguments Weights, Inputs;
    public int WeightTiles, GroupCount, InputsFirst;
}

[StructLayout(LayoutKind.Sequential)]
struct RopeArguments
{
    public nint X, Table, Positions;
    public HeadRows Shape;
    public int Inverse;
}

[StructLayout(LayoutKind.Sequential)]
struct AttentionArguments
{
    public nint Qkv, Positions, Y, Lse;
    public AttentionShape Shape;
    public int Rows;
    public float Scale;
}

[StructLayout(LayoutKind.Sequential)]
struct AttentionBackwardArguments
{
    public nint Qkv, Positions, Y, Lse, DY, Delta, DQkv;
    public AttentionShape Shape;
    public int Rows;
    public float Scale;
}

[StructLayout(LayoutKind.Sequential)]
struct CachedArguments
{
    public nint Qkv, Cache, Pages, FirstPage, Positions, Y;
    public AttentionShape Shape;
    public int Rows;
    public float Scale;
}

[StructLayout(LayoutKind.Sequential)]
struct SwiGluArguments
{
    public nint GateUp, DY, Y;
    public int Rows, Width;
}

[StructLayout(LayoutKind.Sequential)]
struct CrossEntropyArguments
{
    public nint Logits, Targets, Weights, Nll, Gradient;
    public double Total;
    public int Rows, V;
}

[StructLayout(LayoutKind.Sequential)]
struct SampleArguments
{
    public nint Logits, Draws, Into;
    public ulong Seed;
    public float Temperature, TopP;
    public int TopK, Rows, V;
}

[StructLayout(LayoutKind.Sequential)]
struct LossArguments
{
    public nint Weights, Nll, Parts, Sum, Counter;
    public int Rows;
}

[StructLayout(LayoutKind.Sequential)]
struct SquaresArguments
{
    public nint X, Parts, Sum, Counter;
    public long Length;
}

[StructLayout(LayoutKind.Sequential)]
record struct AdamWArguments
{
    public nint P, G, M, V, Sums;
    public long Length, Decayed;                              // elements; of those that decay, which come first
    public double Clip;
    public float Rate, Beta1, Beta2, Epsilon, Decay;
    public int Step;

    /// <summary>Goes on with the stretch behind it in the same slabs and step; false: next is another.</summary>
    public bool TryExtend(in AdamWArguments next)
    {
        nint bytes = (nint)Length * sizeof(float);
        AdamWArguments same = next with { P = P, G = G, M = M, V = V, Length = Length, Decay = Decay, Decayed = Decayed };
        if ((next.P, next.G, next.M, next.V) != (P + bytes, G + bytes, M + bytes, V + bytes) || !same.Equals(this)
            || next.Decayed > 0 && (Decayed < Length || next.Decay != Decay)) return false;
        (Length, Decayed) = (Length + next.Length, Decayed + next.Decayed);
        return true;
    }
}
