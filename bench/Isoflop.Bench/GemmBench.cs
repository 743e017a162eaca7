using System.Diagnostics;
using Isoflop.Kernels;

namespace Isoflop.Bench;

/// <summary>Matrix products beside the bare peak of the same run: share = GFLOP/s ÷ peak, median of rounds.</summary>
static class GemmBench
{
    public static void Run(int threads)
    {
        using var device = new CpuDevice(threads);
        double peak = Machine.Measure(threads).PeakGflops;
        Console.WriteLine($"{device.Name}; bare peak {peak:F1} GFLOP/s");
        Console.WriteLine("    M     K     N  form          GFLOP/s  share   packed B");
        foreach ((int m, int k, int n) in new[]
        {
            (2048, 256, 1024), (2048, 1024, 256), (512, 64, 256), (2048, 64, 64), (2048, 128, 512), (4096, 384, 1536),
            (1024, 512, 8192)
        })
            foreach (Form form in Enum.GetValues<Form>())
                Product(device, threads, form, m, k, n);
    }

    static void Product(CpuDevice device, int threads, Form form, int m, int k, int n)
    {
        // The three products of one layer with input [m, k] and output [m, n]: forward, gradient of the input, of the weights.
        (int M, int N, int K) = form switch { Form.TransposedB => (m, n, k), Form.Plain => (m, k, n), _ => (n, k, m) };
        DeviceMemory a = Random(device, (long)M * K), b = Random(device, (long)K * N), c = Random(device, (long)M * N);
        DeviceMemory packed = device.Allocate(device.PackedLength(N, K));
        device.Pack(form, b, packed, N, K);
        double plain = Rate(default), prepacked = form == Form.TransposedA ? double.NaN : Rate(packed);
        double peak = Machine.Measure(threads).PeakGflops;
        Console.WriteLine($"{m,5} {k,5} {n,5}  {form,-12} {plain,8:F1} {plain / peak,6:P0}  " +
            $"{prepacked,7:F1} {prepacked / peak,5:P0}");

        double Rate(DeviceMemory packedB)
        {
            double flops = 2.0 * M * N * K;
            int repeat = Math.Max(1, (int)(1e9 * threads / flops));
            var rates = new List<double>();
            for (int round = 0; round < 15; round++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < repeat; i++)
                    device.MatMul(form, a, b, packedB, c, M, N, K, accumulate: form == Form.TransposedA);
                rates.Add(flops * repeat / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
            }
            rates.Sort();
            return rates[rates.Count / 2];
        }
    }

    internal static DeviceMemory Random(IDevice device, long length)
    {
        var random = new Random(1);
        var values = new float[length];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
        DeviceMemory memory = device.Allocate(length);
        device.Upload(values, memory);
        return memory;
    }
}
