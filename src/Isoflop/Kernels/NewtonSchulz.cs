namespace Isoflop.Kernels;

/// <summary>
/// Makes a matrix nearly orthogonal: of X = U·S·Vᵀ about U·Vᵀ, singular values in .68 … 1.13. Five times
/// X ← aX + (bA + cA²)X with A = X·Xᵀ, from X/‖X‖. Jordan et al. 2024, kellerjordan.github.io/posts/muon.
/// </summary>
/// <param name="sizes">rows and columns of the matrices that will come: room for the largest is taken here</param>
sealed class NewtonSchulz(IDevice device, DeviceMemory memory, IReadOnlyList<(int Rows, int Cols)> sizes)
{
    const int Times = 5;
    const float a = 3.4445f, b = -4.7750f, c = 2.0315f;

    readonly DeviceSpan<float> spare = memory.Allocate<float>(sizes.Max(s => (long)s.Rows * s.Cols)),
        grams = memory.Allocate<float>(2 * sizes.Max(s => (long)Math.Min(s.Rows, s.Cols) * Math.Min(s.Rows, s.Cols)));
    readonly DeviceSpan<double> norm = OneAndRoom(device, memory);

    static DeviceSpan<double> OneAndRoom(IDevice device, DeviceMemory memory)
    {
        DeviceSpan<double> two = memory.Allocate<double>(2);
        device.Upload([1.0], two);
        return two;
    }

    /// <summary>FLOPs of its products: 2·s²·l, 2·s³ and 2·s²·l each time, s the shorter side, l the longer.</summary>
    public static double Flops(int rows, int cols)
    {
        double s = Math.Min(rows, cols), l = Math.Max(rows, cols);
        return Times * (4 * s * s * l + 2 * s * s * s);
    }

    /// <summary>Floats of its room.</summary>
    public static long Room(IReadOnlyList<(int Rows, int Cols)> sizes) => sizes.Max(s => (long)s.Rows * s.Cols)
        + 2 * sizes.Max(s => (long)Math.Min(s.Rows, s.Cols) * Math.Min(s.Rows, s.Cols));

    /// <summary>x [rows, cols], in place. Zeros stay zeros.</summary>
    public void Apply(DeviceSpan<float> x, int rows, int cols)
    {
        bool wide = rows <= cols;
        int s = Math.Min(rows, cols), l = Math.Max(rows, cols);
        DeviceSpan<float> y = spare.Slice(0, x.Length), gram = grams.Slice(0, s * s),
            square = grams.Slice(grams.Length / 2, s * s);
        device.SumSquares(x, norm.Slice(1, 1));
        device.Axpby(1, x, 0, x, norm);
        for (int i = 0; i < Times; i++)
        {
            // X·Xᵀ, or Xᵀ·X where that is smaller; what a product adds to is divided by c first
            device.MatMul(wide ? MatMulLayout.TransposedB : MatMulLayout.TransposedA, x, x, gram, s, s, l);
            device.Axpby(b / c, gram, 0, square);
            device.MatMul(MatMulLayout.Plain, gram, gram, square, s, s, s, square);
            device.Axpby(a / c, x, 0, y);
            if (wide) device.MatMul(MatMulLayout.Plain, square, x, y, rows, cols, s, y);
            else device.MatMul(MatMulLayout.Plain, x, square, y, rows, cols, s, y);
            device.Axpby(c, y, 0, x);
        }
    }
}
