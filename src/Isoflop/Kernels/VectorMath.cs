using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>Functions of sixteen lanes whose bits do not depend on how wide the machine's vectors are.</summary>
static unsafe class VectorMath
{
    /// <summary>Lanes of every vector here.</summary>
    public const int Lanes = 16;

    /// <summary>e^x; 0 below −87.3 (where float turns subnormal), e^88 above. exp(0) is exactly 1, exp(−∞) exactly 0.</summary>
    /// <remarks>Relative error below 2e-7: x = n·ln 2 + r, |r| ≤ ln 2 / 2, Taylor's series to r⁷/7! (rest below 6e-9).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> tiny = Vector512.LessThan(x, Vector512.Create(-87.3f));
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87.3f)), Vector512.Create(88f));
        // Adding 1.5·2²³ rounds to the nearest integer and leaves it in the low bits.
        Vector512<float> shifter = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.MultiplyAddEstimate(x, Vector512.Create(1.44269504f), shifter);
        Vector512<float> n = shifted - shifter;
        Vector512<float> r = Vector512.MultiplyAddEstimate(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.MultiplyAddEstimate(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1f / 5040);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 720));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 120));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 24));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(1f / 6));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512.Create(0.5f));
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        p = Vector512.MultiplyAddEstimate(p, r, Vector512<float>.One);
        Vector512<int> exponent = (shifted.AsInt32() - shifter.AsInt32() + Vector512.Create(127)) << 23;     // n is in −126 … 127
        return Vector512.AndNot(p * exponent.AsSingle(), tiny);
    }

    /// <inheritdoc cref="Exp(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        Vector256<float> tiny = Vector256.LessThan(x, Vector256.Create(-87.3f));
        x = Vector256.Min(Vector256.Max(x, Vector256.Create(-87.3f)), Vector256.Create(88f));
        // Adding 1.5·2²³ rounds to the nearest integer and leaves it in the low bits.
        Vector256<float> shifter = Vector256.Create(12582912f);
        Vector256<float> shifted = Vector256.MultiplyAddEstimate(x, Vector256.Create(1.44269504f), shifter);
        Vector256<float> n = shifted - shifter;
        Vector256<float> r = Vector256.MultiplyAddEstimate(n, Vector256.Create(-0.693359375f), x);
        r = Vector256.MultiplyAddEstimate(n, Vector256.Create(2.12194440e-4f), r);
        Vector256<float> p = Vector256.Create(1f / 5040);
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1f / 720));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1f / 120));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1f / 24));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1f / 6));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(0.5f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256<float>.One);
        p = Vector256.MultiplyAddEstimate(p, r, Vector256<float>.One);
        Vector256<int> exponent = (shifted.AsInt32() - shifter.AsInt32() + Vector256.Create(127)) << 23;     // n is in −126 … 127
        return Vector256.AndNot(p * exponent.AsSingle(), tiny);
    }

    /// <summary>Sum of the lanes by halves: 8 + 8, 4 + 4, 2 + 2, 1 + 1, the same tree on every machine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        Vector256<float> eight = x.GetLower() + x.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }

    /// <summary>Largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.Max(x.GetLower(), x.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[2]), MathF.Max(four[1], four[3]));
    }

    /// <summary>
    /// The first <paramref name="count"/> &lt; 16 elements at x, <paramref name="rest"/> in the other lanes;
    /// reads nothing past them.
    /// </summary>
    public static Vector512<float> LoadPart(float* x, int count, float rest = 0) =>
        Vector512.Create(LoadPart8(x, count, rest), LoadPart8(x + 8, count - 8, rest));

    /// <summary>The same of eight lanes; count may be below 0 or above 8.</summary>
    public static Vector256<float> LoadPart8(float* x, int count, float rest = 0)
    {
        if (Avx.IsSupported)
        {
            Vector256<float> mask = First(count);
            return Vector256.ConditionalSelect(mask, Avx.MaskLoad(x, mask), Vector256.Create(rest));
        }
        float* lanes = stackalloc float[8];
        for (int i = 0; i < 8; i++) lanes[i] = i < count ? x[i] : rest;
        return Vector256.Load(lanes);
    }

    /// <summary>Writes the first <paramref name="count"/> &lt; 16 lanes.</summary>
    public static void StorePart(Vector512<float> v, float* y, int count)
    {
        StorePart8(v.GetLower(), y, count);
        StorePart8(v.GetUpper(), y + 8, count - 8);
    }

    /// <summary>The same of eight lanes; count may be below 0 or above 8.</summary>
    public static void StorePart8(Vector256<float> v, float* y, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(y, First(count), v);
            return;
        }
        for (int i = 0; i < Math.Min(count, 8); i++) y[i] = v[i];
    }

    /// <summary>All bits set in the first so many lanes.</summary>
    static Vector256<float> First(int count) =>
        Vector256.GreaterThan(Vector256.Create(count), Vector256<int>.Indices).AsSingle();

    /// <summary>Thread <paramref name="part"/>'s share of 0..count, in steps of <paramref name="grain"/>.</summary>
    public static (int From, int To) Share(int count, int part, int parts, int grain = 1)
    {
        long grains = (count + grain - 1) / grain;
        int from = (int)(grains * part / parts) * grain, to = (int)(grains * (part + 1) / parts) * grain;
        return (Math.Min(from, count), Math.Min(to, count));
    }
}
