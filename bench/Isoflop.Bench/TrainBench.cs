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
    public static readonly (ModelConfig Model, int Sequences)[] Sizes =
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

    public static void Run(int threads, int seconds, int shards, int passRows, int widest)
    {
        Machine m = Machine.Measure(threads);
        Console.WriteLine($"{m.Cpu}, {threads} threads, {m.InstructionSet}");
        Console.WriteLine("parameters  d_model  layers  vocab  context  batch   tokens/s  GFLOP/s   peak  share");
        foreach ((ModelConfig config, int batch) in Sizes)
            if (config.DModel <= widest) Measure(config, batch, threads, seconds, shards, passRows);
    }

    /// <summary>One training step.</summary>
    public delegate void Step();

    /// <summary>Lays out a model and a batch of random tokens.</summary>
    public static Step Begin(IDevice device, ModelConfig c, int sequences, int shards = 1, int passRows = 0)
    {
        int rows = sequences * c.ContextLen, done = 0;
        var model = new Transformer(device, c, rows, training: true, shards, passRows);
        var optimiser = new AdamW(model);
        model.Initialise(1);
        var random = new Random(1);
        var batch = new Batch(rows, sequences);
        for (int r = 0; r < rows; r++)
        {
            if (r % c.ContextLen == 0) batch.BeginSequence();
            batch.Add(random.Next(c.VocabSize), random.Next(c.VocabSize), 1);
        }
        return () =>
        {
            model.ClearGradients();
            model.LossAndGradient(batch, rows);
            model.FinishGradients();
            optimiser.Step(new(1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, ++done, Clip: 1));
        };
    }

    static void Measure(ModelConfig c, int sequences, int threads, int seconds, int shards, int passRows)
    {
        using IDevice device = Devices.Open("cpu", threads);
        Step step = Begin(device, c, sequences, shards, passRows);
        int rows = sequences * c.ContextLen;
        double flops = Flops.Training(c, rows, sequences * Flops.Pairs(c.ContextLen)).Total;
        var times = new List<double>();
        double peak = Machine.Measure(threads).PeakGflops;
        for (long start = Stopwatch.GetTimestamp(); times.Count < 4 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
        {
            long began = Stopwatch.GetTimestamp();
            step();
            times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        peak = Math.Max(peak, Machine.Measure(threads).PeakGflops);
        times.Sort();
        double median = times[times.Count / 2], rate = flops / median / 1e9;
        Console.WriteLine(
            $"{new ParamTable(c).Parameters,10:N0} {c.DModel,8} {c.NLayer,7} {c.VocabSize,6} {c.ContextLen,8} {sequences,6} " +
            $"{rows / median,10:N0} {rate,8:F1} {peak,6:F0} {rate / peak,6:P0}");
    }
}
