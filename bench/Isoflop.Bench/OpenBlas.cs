using System.Runtime.InteropServices;
using Isoflop.Kernels;

namespace Isoflop.Bench;

/// <summary>OpenBLAS's sgemm, found at run time (Debian: libopenblas0-openmp, libopenblas0-pthread).</summary>
sealed unsafe class OpenBlas : IDisposable
{
    // cblas.h
    const int RowMajor = 101, AsIs = 111, Transposed = 112;

    readonly nint library;
    readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> sgemm;

    OpenBlas(nint library, int threads)
    {
        this.library = library;
        sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
    }

    /// <summary>Null where the system has none.</summary>
    public static OpenBlas? Open(int threads) =>
        NativeLibrary.TryLoad("libopenblas.so.0", out nint library) ? new OpenBlas(library, threads) : null;

    /// <summary>C[m, n] = A·B or C += A·B, in the layout's meaning of <see cref="IDevice.MatMul(MatMulLayout, DeviceSpan{float},
    /// DeviceSpan{float}, DeviceSpan{float}, int, int, int, DeviceSpan{float})"/>.</summary>
    public void Multiply(MatMulLayout layout, DeviceSpan<float> a, DeviceSpan<float> b, DeviceSpan<float> c, int m, int n, int k, bool add)
    {
        bool aLies = layout == MatMulLayout.TransposedA, bLies = layout == MatMulLayout.TransposedB;
        sgemm(RowMajor, aLies ? Transposed : AsIs, bLies ? Transposed : AsIs, m, n, k, 1, (float*)a.Address, aLies ? m : k,
            (float*)b.Address, bLies ? k : n, add ? 1 : 0, (float*)c.Address, n);
    }

    public void Dispose() => NativeLibrary.Free(library);
}
