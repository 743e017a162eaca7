using System.Diagnostics;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>Where a training step's time goes, kernel by kernel: medians of so many steps.</summary>
static class StepBench
{
    public static void Run(int threads, int seconds, int widest, Precision precision)
    {
        double peak = Machine.PeakOf(threads, Multiplication.Of(precision)) * 1e9;
        foreach ((ModelConfig config, int sequences) in TrainBench.Sizes.Where(s => s.Model.DModel <= widest))
        {
            using var device = new TimedDevice(Devices.Open("cpu", threads, precision));
            TrainBench.Step step = TrainBench.Begin(device, config, sequences);
            var rounds = new List<Dictionary<string, (double Seconds, double Flops)>>();
            for (long start = Stopwatch.GetTimestamp(); rounds.Count < 4 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
            {
                step();
                rounds.Add(device.Take());
            }
            double whole = Median(rounds.Select(r => r.Values.Sum(v => v.Seconds)));
            Console.WriteLine($"d {config.DModel}, {config.NLayer} layers, {sequences}×{config.ContextLen} tokens: {whole * 1e3:F2} ms in kernels");
            foreach (string kernel in rounds[0].Keys.OrderByDescending(k => Median(rounds.Select(r => r[k].Seconds))))
            {
                double took = Median(rounds.Select(r => r[kernel].Seconds)), flops = rounds[0][kernel].Flops;
                Console.WriteLine($"  {kernel,-24}{took * 1e3,9:F3} ms {took / whole,7:P1}" +
                    (flops > 0 ? $"{flops / took / 1e9,9:F1} GFLOP/s {flops / took / peak,6:P0} of the peak" : ""));
            }
        }

        static double Median(IEnumerable<double> values)
        {
            double[] sorted = [.. values.Order()];
            return sorted[sorted.Length / 2];
        }
    }
}
