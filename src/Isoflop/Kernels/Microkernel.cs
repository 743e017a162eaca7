// Written by tools/Microkernels.cs; change that.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Isoflop.Kernels;

/// <summary>c[i, 0..32] (+)= Σ_p a[p, i]·b[p, 0..32] for 1 to 12 rows: each element one chain of multiply-adds over ascending p.</summary>
/// <remarks>
/// a: the rows' values of step p lie at a + p·lda; b: [k, 32] packed; c: rows ldc apart. The tile is what the registers hold: with
/// AVX-512 12×32, 24 sums, two of b and a broadcast in 27 of 32; else 6×16, 12 sums, two of b and a broadcast in 15 of
/// AVX2's 16, or in 29 of NEON's 32 of half the width. The chains, and so the bits, are the same.
/// </remarks>
static unsafe class Microkernel
{
    /// <summary>Rows of a packed panel of A.</summary>
    public const int Rows = 12;

    /// <summary>Columns of a packed panel of B.</summary>
    public const int Columns = 32;

    const int NarrowRows = 6, NarrowColumns = 16;

    /// <summary>Runs the tile of so many rows.</summary>
    /// <param name="load">true begins the chains at c, false at zero</param>
    public static void Run(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            int parts = (rows + NarrowRows - 1) / NarrowRows;
            for (int part = 0; part < parts; part++)
            {
                int from = rows * part / parts, to = rows * (part + 1) / parts;
                for (int j = 0; j < Columns; j += NarrowColumns)
                    RunNarrow(to - from, k, a + from, lda, b + j, c + from * ldc + j, ldc, load);
            }
            return;
        }
        switch (rows)
        {
            case 1: Wide1(k, a, lda, b, c, ldc, load); break;
            case 2: Wide2(k, a, lda, b, c, ldc, load); break;
            case 3: Wide3(k, a, lda, b, c, ldc, load); break;
            case 4: Wide4(k, a, lda, b, c, ldc, load); break;
            case 5: Wide5(k, a, lda, b, c, ldc, load); break;
            case 6: Wide6(k, a, lda, b, c, ldc, load); break;
            case 7: Wide7(k, a, lda, b, c, ldc, load); break;
            case 8: Wide8(k, a, lda, b, c, ldc, load); break;
            case 9: Wide9(k, a, lda, b, c, ldc, load); break;
            case 10: Wide10(k, a, lda, b, c, ldc, load); break;
            case 11: Wide11(k, a, lda, b, c, ldc, load); break;
            case 12: Wide12(k, a, lda, b, c, ldc, load); break;
        }
    }

    static void RunNarrow(int rows, int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        switch (rows)
        {
            case 1: Narrow1(k, a, lda, b, c, ldc, load); break;
            case 2: Narrow2(k, a, lda, b, c, ldc, load); break;
            case 3: Narrow3(k, a, lda, b, c, ldc, load); break;
            case 4: Narrow4(k, a, lda, b, c, ldc, load); break;
            case 5: Narrow5(k, a, lda, b, c, ldc, load); break;
            case 6: Narrow6(k, a, lda, b, c, ldc, load); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide1(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide2(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide3(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide4(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            s0 = Vector512.MultiplyAddEstimate(x, u, s0); t0 = Vector512.MultiplyAddEstimate(x, v, t0);
            x = Vector512.Create(a[1]);
            s1 = Vector512.MultiplyAddEstimate(x, u, s1); t1 = Vector512.MultiplyAddEstimate(x, v, t1);
            x = Vector512.Create(a[2]);
            s2 = Vector512.MultiplyAddEstimate(x, u, s2); t2 = Vector512.MultiplyAddEstimate(x, v, t2);
            x = Vector512.Create(a[3]);
            s3 = Vector512.MultiplyAddEstimate(x, u, s3); t3 = Vector512.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide5(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide6(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 16); c += ldc;
        s1.Store(c); t1.Store(c + 16); c += ldc;
        s2.Store(c); t2.Store(c + 16); c += ldc;
        s3.Store(c); t3.Store(c + 16); c += ldc;
        s4.Store(c); t4.Store(c + 16); c += ldc;
        s5.Store(c); t5.Store(c + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Wide7(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Wide8(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector512<float> s0 = default, t0 = default;
        Vector512<float> s1 = default, t1 = default;
        Vector512<float> s2 = default, t2 = default;
        Vector512<float> s3 = default, t3 = default;
        Vector512<float> s4 = default, t4 = default;
        Vector512<float> s5 = default, t5 = default;
        Vector512<float> s6 = default, t6 = default;
        Vector512<float> s7 = default, t7 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector512.Load(from); t0 = Vector512.Load(from + 16); from += ldc;
            s1 = Vector512.Load(from); t1 = Vector512.Load(from + 16); from += ldc;
            s2 = Vector512.Load(from); t2 = Vector512.Load(from + 16); from += ldc;
            s3 = Vector512.Load(from); t3 = Vector512.Load(from + 16); from += ldc;
            s4 = Vector512.Load(from); t4 = Vector512.Load(from + 16); from += ldc;
            s5 = Vector512.Load(from); t5 = Vector512.Load(from + 16); from += ldc;
            s6 = Vector512.Load(from); t6 = Vector512.Load(from + 16); from += ldc;
            s7 = Vector512.Load(from); t7 = Vector512.Load(from + 16);
        }
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Wide9(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
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
        if (load)
        {
            float* from = c;
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
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Wide10(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
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
        if (load)
        {
            float* from = c;
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
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Wide11(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
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
        if (load)
        {
            float* from = c;
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
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Wide12(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
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
        if (load)
        {
            float* from = c;
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
        for (; k > 0; k--)
        {
            Vector512<float> u = Vector512.Load(b), v = Vector512.Load(b + 16), x;
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
            b += Columns;
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
    static void Narrow1(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow2(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow3(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow4(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
            x = Vector256.Create(a[0]);
            s0 = Vector256.MultiplyAddEstimate(x, u, s0); t0 = Vector256.MultiplyAddEstimate(x, v, t0);
            x = Vector256.Create(a[1]);
            s1 = Vector256.MultiplyAddEstimate(x, u, s1); t1 = Vector256.MultiplyAddEstimate(x, v, t1);
            x = Vector256.Create(a[2]);
            s2 = Vector256.MultiplyAddEstimate(x, u, s2); t2 = Vector256.MultiplyAddEstimate(x, v, t2);
            x = Vector256.Create(a[3]);
            s3 = Vector256.MultiplyAddEstimate(x, u, s3); t3 = Vector256.MultiplyAddEstimate(x, v, t3);
            a += lda;
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow5(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        Vector256<float> s4 = default, t4 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8); from += ldc;
            s4 = Vector256.Load(from); t4 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
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
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8); c += ldc;
        s4.Store(c); t4.Store(c + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow6(int k, float* a, nint lda, float* b, float* c, nint ldc, bool load)
    {
        Vector256<float> s0 = default, t0 = default;
        Vector256<float> s1 = default, t1 = default;
        Vector256<float> s2 = default, t2 = default;
        Vector256<float> s3 = default, t3 = default;
        Vector256<float> s4 = default, t4 = default;
        Vector256<float> s5 = default, t5 = default;
        if (load)
        {
            float* from = c;
            s0 = Vector256.Load(from); t0 = Vector256.Load(from + 8); from += ldc;
            s1 = Vector256.Load(from); t1 = Vector256.Load(from + 8); from += ldc;
            s2 = Vector256.Load(from); t2 = Vector256.Load(from + 8); from += ldc;
            s3 = Vector256.Load(from); t3 = Vector256.Load(from + 8); from += ldc;
            s4 = Vector256.Load(from); t4 = Vector256.Load(from + 8); from += ldc;
            s5 = Vector256.Load(from); t5 = Vector256.Load(from + 8);
        }
        for (; k > 0; k--)
        {
            Vector256<float> u = Vector256.Load(b), v = Vector256.Load(b + 8), x;
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
            b += Columns;
        }
        s0.Store(c); t0.Store(c + 8); c += ldc;
        s1.Store(c); t1.Store(c + 8); c += ldc;
        s2.Store(c); t2.Store(c + 8); c += ldc;
        s3.Store(c); t3.Store(c + 8); c += ldc;
        s4.Store(c); t4.Store(c + 8); c += ldc;
        s5.Store(c); t5.Store(c + 8);
    }
}
