// Written by tools/Microkernels.cs; change that.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Isoflop.Kernels;

/// <summary>c[i, j] (+)= Σ_p a[p, i]·b[p, j] for a tile of C: each element one chain of multiply-adds over ascending p.</summary>
/// <remarks>
/// a: the rows' values of step p lie at a + p·lda; b: [k, Columns] packed; c: rows ldc apart. The tile is what the registers
/// hold: with AVX-512 12×32, 24 sums, two of b and a broadcast in 27 of 32; else 6×16, 12 sums, two of b and a broadcast
/// in 15 of AVX2's 16, or in 29 of NEON's 32 of half the width. The chains, and so the bits, are the same.
/// </remarks>
static unsafe class Microkernel
{
    /// <summary>Tiles of vectors of 512 bits: where the machine has them, or where ISOFLOP_TILE asks for "wide" or "narrow".</summary>
    public static readonly bool Wide = Environment.GetEnvironmentVariable("ISOFLOP_TILE") switch
    {
        "wide" => true,
        "narrow" => false,
        _ => Vector512.IsHardwareAccelerated,
    };

    /// <summary>Rows of a tile, and of a packed panel of A.</summary>
    public static int Rows => Wide ? 12 : 6;

    /// <summary>Columns of a tile, and of a packed panel of B.</summary>
    public static int Columns => Wide ? 32 : 16;

    /// <summary>Runs the tile of so many rows.</summary>
    /// <param name="start">where the chains begin, laid out as c, may be c; null: zeros</param>
    public static void Run(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        if (Wide)
        {
            RunWide(rows, k, a, lda, b, c, ldc, start);
            return;
        }
        switch (rows)
        {
            case 1: Narrow1(k, a, lda, b, c, ldc, start); break;
            case 2: Narrow2(k, a, lda, b, c, ldc, start); break;
            case 3: Narrow3(k, a, lda, b, c, ldc, start); break;
            case 4: Narrow4(k, a, lda, b, c, ldc, start); break;
            case 5: Narrow5(k, a, lda, b, c, ldc, start); break;
            case 6: Narrow6(k, a, lda, b, c, ldc, start); break;
        }
    }

    /// <summary>The left half of a whole tile of vectors of 512 bits, on a panel of b as wide as ever: C's last 16 columns.</summary>
    public static void RunHalf(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start) =>
        Half12(k, a, lda, b, c, ldc, start);

    static void RunWide(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        switch (rows)
        {
            case 1: Wide1(k, a, lda, b, c, ldc, start); break;
            case 2: Wide2(k, a, lda, b, c, ldc, start); break;
            case 3: Wide3(k, a, lda, b, c, ldc, start); break;
            case 4: Wide4(k, a, lda, b, c, ldc, start); break;
            case 5: Wide5(k, a, lda, b, c, ldc, start); break;
            case 6: Wide6(k, a, lda, b, c, ldc, start); break;
            case 7: Wide7(k, a, lda, b, c, ldc, start); break;
            case 8: Wide8(k, a, lda, b, c, ldc, start); break;
            case 9: Wide9(k, a, lda, b, c, ldc, start); break;
            case 10: Wide10(k, a, lda, b, c, ldc, start); break;
            case 11: Wide11(k, a, lda, b, c, ldc, start); break;
            case 12: Wide12(k, a, lda, b, c, ldc, start); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide1(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 1 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide2(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 2 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide3(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 3 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide4(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 4 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide5(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 5 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide6(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 6 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide7(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 7 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide8(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 8 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16); c += ldc;
        s7.Store(c); t7.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide9(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        Vector512<float> s8 = default, t8 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16); from += ldc;
            s8 = Vector512.Load(from); t8 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 9 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16); c += ldc;
        s7.Store(c); t7.Store(c + 16); c += ldc;
        s8.Store(c); t8.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide10(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        Vector512<float> s8 = default, t8 = default;
        Vector512<float> s9 = default, t9 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16); from += ldc;
            s8 = Vector512.Load(from); t8 = Vector512.Load(from + 16); from += ldc;
            s9 = Vector512.Load(from); t9 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 10 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16); c += ldc;
        s7.Store(c); t7.Store(c + 16); c += ldc;
        s8.Store(c); t8.Store(c + 16); c += ldc;
        s9.Store(c); t9.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide11(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        Vector512<float> s8 = default, t8 = default;
        Vector512<float> s9 = default, t9 = default;
        Vector512<float> s10 = default, t10 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16); from += ldc;
            s8 = Vector512.Load(from); t8 = Vector512.Load(from + 16); from += ldc;
            s9 = Vector512.Load(from); t9 = Vector512.Load(from + 16); from += ldc;
            s10 = Vector512.Load(from); t10 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 11 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16); c += ldc;
        s7.Store(c); t7.Store(c + 16); c += ldc;
        s8.Store(c); t8.Store(c + 16); c += ldc;
        s9.Store(c); t9.Store(c + 16); c += ldc;
        s10.Store(c); t10.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide12(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        Vector512<float> s8 = default, t8 = default;
        Vector512<float> s9 = default, t9 = default;
        Vector512<float> s10 = default, t10 = default;
        Vector512<float> s11 = default, t11 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16); from += ldc;
            s8 = Vector512.Load(from); t8 = Vector512.Load(from + 16); from += ldc;
            s9 = Vector512.Load(from); t9 = Vector512.Load(from + 16); from += ldc;
            s10 = Vector512.Load(from); t10 = Vector512.Load(from + 16); from += ldc;
            s11 = Vector512.Load(from); t11 = Vector512.Load(from + 16);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 12 * ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16); next += ldc;
            Sse.Prefetch0(next); Sse.Prefetch0(next + 16);
        }
        Vector512<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            x = Vector512.Create(a[11]);
            s11 = Vector512.MultiplyAddEstimate(x, u, s11); t11 = Vector512.MultiplyAddEstimate(x, v, t11);
            a += lda;
            b += 32;
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            x = Vector512.Create(a[11]);
            s11 = Vector512.MultiplyAddEstimate(x, u, s11); t11 = Vector512.MultiplyAddEstimate(x, v, t11);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b); v = Vector512.Load(b + 16);
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            x = Vector512.Create(a[4]);
            s4 = Vector512.MultiplyAddEstimate(x, u, s4); t4 = Vector512.MultiplyAddEstimate(x, v, t4);
            x = Vector512.Create(a[5]);
            s5 = Vector512.MultiplyAddEstimate(x, u, s5); t5 = Vector512.MultiplyAddEstimate(x, v, t5);
            x = Vector512.Create(a[6]);
            s6 = Vector512.MultiplyAddEstimate(x, u, s6); t6 = Vector512.MultiplyAddEstimate(x, v, t6);
            x = Vector512.Create(a[7]);
            s7 = Vector512.MultiplyAddEstimate(x, u, s7); t7 = Vector512.MultiplyAddEstimate(x, v, t7);
            x = Vector512.Create(a[8]);
            s8 = Vector512.MultiplyAddEstimate(x, u, s8); t8 = Vector512.MultiplyAddEstimate(x, v, t8);
            x = Vector512.Create(a[9]);
            s9 = Vector512.MultiplyAddEstimate(x, u, s9); t9 = Vector512.MultiplyAddEstimate(x, v, t9);
            x = Vector512.Create(a[10]);
            s10 = Vector512.MultiplyAddEstimate(x, u, s10); t10 = Vector512.MultiplyAddEstimate(x, v, t10);
            x = Vector512.Create(a[11]);
            s11 = Vector512.MultiplyAddEstimate(x, u, s11); t11 = Vector512.MultiplyAddEstimate(x, v, t11);
            a += lda;
            b += 32;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16); c += ldc;
        s6.Store(c); t6.Store(c + 16); c += ldc;
        s7.Store(c); t7.Store(c + 16); c += ldc;
        s8.Store(c); t8.Store(c + 16); c += ldc;
        s9.Store(c); t9.Store(c + 16); c += ldc;
        s10.Store(c); t10.Store(c + 16); c += ldc;
        s11.Store(c); t11.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Half12(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector512<float> s0 = default;
        Vector512<float> s1 = default;
        Vector512<float> s2 = default;
        Vector512<float> s3 = default;
        Vector512<float> s4 = default;
        Vector512<float> s5 = default;
        Vector512<float> s6 = default;
        Vector512<float> s7 = default;
        Vector512<float> s8 = default;
        Vector512<float> s9 = default;
        Vector512<float> s10 = default;
        Vector512<float> s11 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector512.Load(from); from += ldc;
            s1 = Vector512.Load(from); from += ldc;
            s2 = Vector512.Load(from); from += ldc;
            s3 = Vector512.Load(from); from += ldc;
            s4 = Vector512.Load(from); from += ldc;
            s5 = Vector512.Load(from); from += ldc;
            s6 = Vector512.Load(from); from += ldc;
            s7 = Vector512.Load(from); from += ldc;
            s8 = Vector512.Load(from); from += ldc;
            s9 = Vector512.Load(from); from += ldc;
            s10 = Vector512.Load(from); from += ldc;
            s11 = Vector512.Load(from);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 12 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector512<float> u, x;
        for (; k > 1; k -= 2)
        {
            u = Vector512.Load(b);
            x = Vector512.Create(a[0]); s0 = Vector512.MultiplyAddEstimate(x, u, s0);
            x = Vector512.Create(a[1]); s1 = Vector512.MultiplyAddEstimate(x, u, s1);
            x = Vector512.Create(a[2]); s2 = Vector512.MultiplyAddEstimate(x, u, s2);
            x = Vector512.Create(a[3]); s3 = Vector512.MultiplyAddEstimate(x, u, s3);
            x = Vector512.Create(a[4]); s4 = Vector512.MultiplyAddEstimate(x, u, s4);
            x = Vector512.Create(a[5]); s5 = Vector512.MultiplyAddEstimate(x, u, s5);
            x = Vector512.Create(a[6]); s6 = Vector512.MultiplyAddEstimate(x, u, s6);
            x = Vector512.Create(a[7]); s7 = Vector512.MultiplyAddEstimate(x, u, s7);
            x = Vector512.Create(a[8]); s8 = Vector512.MultiplyAddEstimate(x, u, s8);
            x = Vector512.Create(a[9]); s9 = Vector512.MultiplyAddEstimate(x, u, s9);
            x = Vector512.Create(a[10]); s10 = Vector512.MultiplyAddEstimate(x, u, s10);
            x = Vector512.Create(a[11]); s11 = Vector512.MultiplyAddEstimate(x, u, s11);
            a += lda;
            b += 32;
            u = Vector512.Load(b);
            x = Vector512.Create(a[0]); s0 = Vector512.MultiplyAddEstimate(x, u, s0);
            x = Vector512.Create(a[1]); s1 = Vector512.MultiplyAddEstimate(x, u, s1);
            x = Vector512.Create(a[2]); s2 = Vector512.MultiplyAddEstimate(x, u, s2);
            x = Vector512.Create(a[3]); s3 = Vector512.MultiplyAddEstimate(x, u, s3);
            x = Vector512.Create(a[4]); s4 = Vector512.MultiplyAddEstimate(x, u, s4);
            x = Vector512.Create(a[5]); s5 = Vector512.MultiplyAddEstimate(x, u, s5);
            x = Vector512.Create(a[6]); s6 = Vector512.MultiplyAddEstimate(x, u, s6);
            x = Vector512.Create(a[7]); s7 = Vector512.MultiplyAddEstimate(x, u, s7);
            x = Vector512.Create(a[8]); s8 = Vector512.MultiplyAddEstimate(x, u, s8);
            x = Vector512.Create(a[9]); s9 = Vector512.MultiplyAddEstimate(x, u, s9);
            x = Vector512.Create(a[10]); s10 = Vector512.MultiplyAddEstimate(x, u, s10);
            x = Vector512.Create(a[11]); s11 = Vector512.MultiplyAddEstimate(x, u, s11);
            a += lda;
            b += 32;
        }
        if (k > 0)
        {
            u = Vector512.Load(b);
            x = Vector512.Create(a[0]); s0 = Vector512.MultiplyAddEstimate(x, u, s0);
            x = Vector512.Create(a[1]); s1 = Vector512.MultiplyAddEstimate(x, u, s1);
            x = Vector512.Create(a[2]); s2 = Vector512.MultiplyAddEstimate(x, u, s2);
            x = Vector512.Create(a[3]); s3 = Vector512.MultiplyAddEstimate(x, u, s3);
            x = Vector512.Create(a[4]); s4 = Vector512.MultiplyAddEstimate(x, u, s4);
            x = Vector512.Create(a[5]); s5 = Vector512.MultiplyAddEstimate(x, u, s5);
            x = Vector512.Create(a[6]); s6 = Vector512.MultiplyAddEstimate(x, u, s6);
            x = Vector512.Create(a[7]); s7 = Vector512.MultiplyAddEstimate(x, u, s7);
            x = Vector512.Create(a[8]); s8 = Vector512.MultiplyAddEstimate(x, u, s8);
            x = Vector512.Create(a[9]); s9 = Vector512.MultiplyAddEstimate(x, u, s9);
            x = Vector512.Create(a[10]); s10 = Vector512.MultiplyAddEstimate(x, u, s10);
            x = Vector512.Create(a[11]); s11 = Vector512.MultiplyAddEstimate(x, u, s11);
            a += lda;
            b += 32;
        }
        s0.Store(c); c += ldc;
        s1.Store(c); c += ldc;
        s2.Store(c); c += ldc;
        s3.Store(c); c += ldc;
        s4.Store(c); c += ldc;
        s5.Store(c); c += ldc;
        s6.Store(c); c += ldc;
        s7.Store(c); c += ldc;
        s8.Store(c); c += ldc;
        s9.Store(c); c += ldc;
        s10.Store(c); c += ldc;
        s11.Store(c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow1(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 1 * ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow2(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 2 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow3(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 3 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow4(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 4 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow5(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        Vector256<float> s4 = default, t4 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8); from += ldc;
            s4 = Vector256.Load(from); t4 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 5 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8); c += ldc;
        s4.Store(c); t4.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow6(int k, float* a, nint lda, float* b, float* c, nint ldc, float* start)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        Vector256<float> s4 = default, t4 = default;
        Vector256<float> s5 = default, t5 = default;
        if (start != null)
        {
            float* from = start;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8); from += ldc;
            s4 = Vector256.Load(from); t4 = Vector256.Load(from + 8); from += ldc;
            s5 = Vector256.Load(from); t5 = Vector256.Load(from + 8);
        }
        if (Sse.IsSupported && k > 128)
        {
            float* next = c + 6 * ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next); next += ldc;
            Sse.Prefetch0(next);
        }
        Vector256<float> u, v, x;
        for (; k > 1; k -= 2)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            x = Vector256.Create(a[5]);
            s5 = Vector256.MultiplyAddEstimate(x, u, s5); t5 = Vector256.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 16;
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            x = Vector256.Create(a[5]);
            s5 = Vector256.MultiplyAddEstimate(x, u, s5); t5 = Vector256.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 16;
        }
        if (k > 0)
        {
            u = Vector256.Load(b); v = Vector256.Load(b + 8);
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            x = Vector256.Create(a[4]);
            s4 = Vector256.MultiplyAddEstimate(x, u, s4); t4 = Vector256.MultiplyAddEstimate(x, v, t4);
            x = Vector256.Create(a[5]);
            s5 = Vector256.MultiplyAddEstimate(x, u, s5); t5 = Vector256.MultiplyAddEstimate(x, v, t5);
            a += lda;
            b += 16;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8); c += ldc;
        s4.Store(c); t4.Store(c + 8); c += ldc;
        s5.Store(c); t5.Store(c + 8);
    }
}
