using System.Diagnostics;
using Isoflop.Kernels;

namespace Isoflop.Bench;

/// <summary>Matrix products beside the bare peak of the same run: share = GFLOP/s ÷ peak, median of rounds.</summary>
static class GemmBench
{
    public static void Run(int threads)
    {
        using IDevice device = Devices.Open("cpu", threads);
        double peak = Machine.Measure(threads).PeakGflops;
        Console.WriteLine($"{device.Traits.Name}; bare peak {peak:F1} GFLOP/s");
        Console.WriteLine("    M     K     N  layout        GFLOP/s  share   packed B");
        foreach ((int m, int k, int n) in new[]
        {
            (2048, 256, 1024), (2048, 1024, 256), (512, 64, 256), (2048, 64, 64), (2048, 128, 512), (4096, 384, 1536),
            (1024, 512, 8192)
        })
            foreach (MatMulLayout layout in Enum.GetValues<MatMulLayout>())
                Product(device, threads, layout, m, k, n);
    }

    static void Product(IDevice device, int threads, MatMulLayout layout, int m, int k, int n)
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
        double plain = Rate(() => device.MatMul(layout, a, b, c, M, N, K, accumulate));
        double prepacked = accumulate ? double.NaN : Rate(() => device.MatMul(layout, a, weight, c, M, accumulate));
        double peak = Machine.Measure(threads).PeakGflops;
        Console.WriteLine($"{m,5} {k,5} {n,5}  {layout,-12} {plain,8:F1} {plain / peak,6:P0}  " +
            $"{prepacked,7:F1} {prepacked / peak,5:P0}");

        double Rate(Action product)
        {
            double flops = 2.0 * M * N * K;
            int repeat = Math.Max(1, (int)(1e9 * threads / flops));
            var rates = new List<double>();
            for (int round = 0; round < 15; round++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < repeat; i++) product();
                rates.Add(flops * repeat / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
            }
            rates.Sort();
            return rates[rates.Count / 2];
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
