using System.Diagnostics;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>
/// Whole training steps (forward, backward, AdamW): tokens/s and share of the bare peak,
/// both medians over steps of the same run.
/// </summary>
static class TrainBench
{
    static readonly (ModelConfig Model, int Batch)[] Sizes =
    [
        (Shape(256, 128, 16, 2, 1), 16),
        (Shape(256, 128, 64, 2, 2), 16),
        (Shape(512, 256, 128, 4, 4), 8),
        (Shape(4096, 256, 256, 4, 8), 8),
        (Shape(4096, 256, 384, 6, 12), 8),
        (Shape(8192, 256, 512, 8, 16), 8),
    ];

    static ModelConfig Shape(int vocab, int context, int width, int layers, int heads) =>
        new() { VocabSize = vocab, ContextLen = context, DModel = width, NLayer = layers, NHead = heads };

    public static void Run(int threads, int seconds)
    {
        Machine m = Machine.Measure(threads);
        Console.WriteLine($"{m.Cpu}, {threads} threads, {m.InstructionSet}");
        Console.WriteLine("parameters  d_model  layers  vocab  context  batch   tokens/s  GFLOP/s   peak  share");
        foreach ((ModelConfig config, int batch) in Sizes) Measure(config, batch, threads, seconds);
    }

    static void Measure(ModelConfig c, int sequences, int threads, int seconds)
    {
        using IDevice device = Devices.Open("cpu", threads);
        int rows = sequences * c.ContextLen;
        var model = new Transformer(device, c, rows, training: true);
        var optimiser = new AdamW(model);
        model.Initialise(1);
        var random = new Random(1);
        var batch = new Batch(rows, sequences);
        for (int r = 0; r < rows; r++)
        {
            if (r % c.ContextLen == 0) batch.BeginSequence();
            batch.Add(random.Next(c.VocabSize), random.Next(c.VocabSize), 1);
        }
        double flops = Flops.Training(c, rows, Flops.Pairs(batch.Offsets)).Total;
        var times = new List<double>();
        double peak = Machine.Measure(threads).PeakGflops;
        for (long start = Stopwatch.GetTimestamp(); times.Count < 4 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
        {
            long step = Stopwatch.GetTimestamp();
            model.ClearGradients();
            model.LossAndGradient(batch, rows);
            model.FinishGradients();
            optimiser.Step(new(1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, times.Count + 1, Clip: 1));
            times.Add(Stopwatch.GetElapsedTime(step).TotalSeconds);
        }
        peak = Math.Max(peak, Machine.Measure(threads).PeakGflops);
        times.Sort();
        double median = times[times.Count / 2], rate = flops / median / 1e9;
        Console.WriteLine(
            $"{model.Table.Parameters,10:N0} {c.DModel,8} {c.NLayer,7} {c.VocabSize,6} {c.ContextLen,8} {sequences,6} " +
            $"{rows / median,10:N0} {rate,8:F1} {peak,6:F0} {rate / peak,6:P0}");
    }
}
