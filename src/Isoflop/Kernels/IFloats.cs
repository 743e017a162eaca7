using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>
/// A vector of floats, so that a kernel is written once and compiled for the machine's registers: where vectors of 512 bits are
/// made of two halves, a kernel with many of them at a time keeps some in memory, and is quicker on eight lanes.
/// </summary>
/// <remarks>Only for kernels whose lanes do not meet: their bits are the same at any width.</remarks>
unsafe interface IFloats<V> where V : struct, IFloats<V>
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    static abstract V Load(float* x);

    /// <summary>The first so many elements, fewer than there are lanes, and zeros; nothing past them is read.</summary>
    static abstract V Load(float* x, int count);

    static abstract V Create(float x);

    void Store(float* x);

    /// <summary>Writes the first so many lanes.</summary>
    void Store(float* x, int count);

    static abstract V operator +(V a, V b);

    static abstract V operator -(V a, V b);

    static abstract V operator *(V a, V b);

    static abstract V operator /(V a, V b);

    /// <summary>a·b + c.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>b where either is not a number: it shows in what is computed with b then.</summary>
    static abstract V Max(V a, V b);

    /// <summary>e^x: <see cref="VectorMath.Exp(Vector512{float})"/>.</summary>
    static abstract V Exp(V x);
}

/// <summary>Eight lanes.</summary>
readonly unsafe struct Floats8(Vector256<float> v) : IFloats<Floats8>
{
    readonly Vector256<float> v = v;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Load(float* x) => new(Vector256.Load(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Load(float* x, int count) => new(VectorMath.LoadPart8(x, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Create(float x) => new(Vector256.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* x) => v.Store(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* x, int count) => VectorMath.StorePart8(v, x, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator +(Floats8 a, Floats8 b) => new(a.v + b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator -(Floats8 a, Floats8 b) => new(a.v - b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator *(Floats8 a, Floats8 b) => new(a.v * b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator /(Floats8 a, Floats8 b) => new(a.v / b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 MultiplyAdd(Floats8 a, Floats8 b, Floats8 c) => new(Vector256.MultiplyAddEstimate(a.v, b.v, c.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Max(Floats8 a, Floats8 b) => new(Vector256.MaxNative(a.v, b.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Exp(Floats8 x) => new(VectorMath.Exp(x.v));
}

/// <summary>Sixteen lanes.</summary>
readonly unsafe struct Floats16(Vector512<float> v) : IFloats<Floats16>
{
    readonly Vector512<float> v = v;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Load(float* x) => new(Vector512.Load(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Load(float* x, int count) => new(VectorMath.LoadPart(x, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Create(float x) => new(Vector512.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* x) => v.Store(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* x, int count) => VectorMath.StorePart(v, x, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator +(Floats16 a, Floats16 b) => new(a.v + b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator -(Floats16 a, Floats16 b) => new(a.v - b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator *(Floats16 a, Floats16 b) => new(a.v * b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator /(Floats16 a, Floats16 b) => new(a.v / b.v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 MultiplyAdd(Floats16 a, Floats16 b, Floats16 c) => new(Vector512.MultiplyAddEstimate(a.v, b.v, c.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Max(Floats16 a, Floats16 b) => new(Vector512.MaxNative(a.v, b.v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Exp(Floats16 x) => new(VectorMath.Exp(x.v));
}
