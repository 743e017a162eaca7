using System.Diagnostics;
using Isoflop.Kernels;

namespace Isoflop.Bench;

/// <summary>
/// Matrix products beside the bare peak, in short rounds that alternate: share = median of product ÷ peak of the same moment;
/// OpenBLAS, where the system has it, on the same operands.
/// </summary>
static class GemmBench
{
    static readonly (int M, int K, int N)[] Layers =
    [
        (2048, 256, 1024), (2048, 1024, 256), (2048, 128, 512), (4096, 384, 1536), (2048, 384, 384), (1024, 512, 8192),
        (512, 64, 256), (2048, 64, 64), (2048, 16, 256),
    ];

    public static void Run(int threads, int milliseconds, Precision precision)
    {
        using IDevice device = Devices.Open("cpu", threads, precision);
        using var peak = new Machine.Peak(threads, Multiplication.Of(precision));
        Console.WriteLine(device.Traits.Name + (precision == Precision.F32 ? $"; tiles of {Microkernel.Rows}×{Microkernel.Columns}" : ""));
        using OpenBlas? blas = precision == Precision.F32 ? OpenBlas.Open(threads) : null;
        Console.WriteLine("    M     K     N  layout        GFLOP/s  share   share, weights laid out   OpenBLAS");
        double product = 1, others = 1, least = double.PositiveInfinity;
        int counted = 0;
        foreach ((int m, int k, int n) in Layers)
            foreach (MatMulLayout layout in Enum.GetValues<MatMulLayout>())
            {
                (double share, double other) = Product(device, blas, peak, layout, m, k, n, threads, milliseconds);
                if (m < 512 || k < 128) continue;
                (product, others, counted, least) = (product * share, others * other, counted + 1, Math.Min(least, share));
            }
        Console.WriteLine($"M ≥ 512, K ≥ 128: geometric mean {Math.Pow(product, 1.0 / counted):P1}, least {least:P1}"
            + (blas is null ? "" : $"; OpenBLAS {Math.Pow(others, 1.0 / counted):P1}"));
    }

    /// <summary>
    /// Shares of the peak, ours as a model forms it (B a weight that is laid out, but in the gradient of the weights) and
    /// OpenBLAS's (NaN: none).
    /// </summary>
    static (double Ours, double OpenBlas) Product(
        IDevice device, OpenBlas? blas, Machine.Peak peak, MatMulLayout layout, int m, int k, int n, int threads, int milliseconds)
    {
        // The three products of one layer with input [m, k] and output [m, n]: forward, gradient of the input, of the weights.
        (int M, int N, int K) = layout switch
        {
            MatMulLayout.TransposedB => (m, n, k),
            MatMulLayout.Plain => (m, k, n),
            _ => (n, k, m),
        };
        DeviceSpan<float> a = Random(device, (long)M * K), b = Random(device, (long)K * N), c = Random(device, (long)M * N);
        (int outputs, int inputs) = layout == MatMulLayout.TransposedB ? (N, K) : (K, N);
        using PreparedWeight weight = device.Prepare(b, outputs, inputs, backward: true);
        weight.Update();
        bool accumulate = layout == MatMulLayout.TransposedA;
        (double rate, double plain) = Rate(() => device.MatMul(layout, a, b, c, M, N, K, accumulate ? c : default));
        (double prepared, double share) = accumulate ? (rate, plain) : Rate(() => device.MatMul(layout, a, weight, c, M));
        double other = blas is null ? double.NaN : Rate(() => blas.Multiply(layout, a, b, c, M, N, K, accumulate)).Share;
        Console.WriteLine($"{m,5} {k,5} {n,5}  {layout,-12} {prepared / 1e9,8:F1} {plain,6:P0}  {share,6:P0} {(blas is null ? "–" : $"{other:P0}"),29}");
        return (share, other);

        (double Rate, double Share) Rate(Action product)
        {
            double flops = 2.0 * M * N * K;
            int repeat = Math.Max(1, (int)(3e8 * threads / flops));
            var rates = new List<double>();
            var shares = new List<double>();
            product();
            for (long begin = Stopwatch.GetTimestamp(); shares.Count < 5 || Stopwatch.GetElapsedTime(begin).TotalMilliseconds < milliseconds;)
            {
                double before = peak.Round(500_000);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < repeat; i++) product();
                double rate = flops * repeat / Stopwatch.GetElapsedTime(start).TotalSeconds;
                rates.Add(rate);
                shares.Add(rate / ((before + peak.Round(500_000)) / 2));
            }
            return (Median(rates), Median(shares));
        }

        static double Median(List<double> values)
        {
            values.Sort();
            return values[values.Count / 2];
        }
    }

    static DeviceSpan<float> Random(IDevice device, long length)
    {
        var random = new Random(1);
        var values = new float[length];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
        DeviceSpan<float> place = new DeviceMemory(device).Allocate<float>(length);
        device.Upload(values, place);
        return place;
    }
}
