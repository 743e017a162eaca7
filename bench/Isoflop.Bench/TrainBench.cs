using System.Diagnostics;
using System.Globalization;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>Whole training steps (forward, backward, AdamW) of models with the dial's shards.</summary>
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

    /// <param name="from">least width</param> <param name="to">largest; where they are one, two numbers are all that is said</param>
    /// <param name="shards">0: the dial's</param> <param name="passRows">0: the trainer's</param>
    public static void Run(int threads, int seconds, int from, int to, int shards, int passRows, Precision precision)
    {
        using var peak = new Machine.Peak(threads, Multiplication.Of(precision));
        if (from < to) Console.WriteLine("parameters  d_model  layers  vocab  context  windows  shards   tokens/s  share of peak");
        foreach ((ModelConfig c, int sequences) in Sizes)
        {
            if (c.DModel < from || c.DModel > to) continue;
            (double tokens, double share, int of) = Measure(c, sequences, threads, seconds, shards, passRows, precision, peak);
            Console.WriteLine(from == to ? string.Create(CultureInfo.InvariantCulture, $"{tokens} {share}")
                : $"{new ParamTable(c).Parameters,10:N0} {c.DModel,8} {c.NLayer,7} {c.VocabSize,6} {c.ContextLen,8} {sequences,8} " +
                    $"{of,7} {tokens,10:N0} {share,6:P0}");
        }
    }

    /// <summary>One training step.</summary>
    public delegate void Step();

    /// <summary>Lays out a model and a batch of random tokens.</summary>
    public static Step Begin(IDevice device, ModelConfig c, int sequences, int shards = 1, int passRows = 0)
    {
        int rows = sequences * c.ContextLen, done = 0;
        var model = new Transformer(device, c, rows, training: true, shards, passRows);
        var optimiser = new Optimizer(model);
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

    /// <summary>Tokens a second, and the share of the peak that short rounds between the steps reach: medians.</summary>
    static (double Tokens, double Share, int Shards) Measure(ModelConfig c, int sequences, int threads, int seconds, int shards,
        int passRows, Precision precision, Machine.Peak peak)
    {
        using IDevice device = Devices.Open("cpu", threads, precision);
        int rows = sequences * c.ContextLen;
        if (shards == 0) shards = ComputeOptimal.Shards(new ParamTable(c).Parameters, rows, c.ContextLen);
        Step step = Begin(device, c, sequences, shards, passRows > 0 ? passRows : Plan.UsualPassTokens(new ParamTable(c).Parameters, c.DModel));
        double flops = Flops.Training(c, rows, sequences * Flops.Pairs(c.ContextLen)).Total;
        List<double> times = [], shares = [];
        for (int i = 0; i < 3; i++) step();
        for (long start = Stopwatch.GetTimestamp(); times.Count < 5 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
        {
            double before = Peak();
            long began = Stopwatch.GetTimestamp();
            step();
            double took = Stopwatch.GetElapsedTime(began).TotalSeconds;
            times.Add(took);
            shares.Add(flops / took / ((before + Peak()) / 2));
        }
        times.Sort();
        shares.Sort();

        // Rounds of a millisecond for a tenth of a step's time: the mean, as the step's is one.
        double Peak()
        {
            int rounds = times.Count == 0 ? 1 : Math.Clamp((int)(times[^1] / 0.02), 1, 100);
            double sum = 0;
            for (int i = 0; i < rounds; i++) sum += 1 / peak.Round(500_000);
            return rounds / sum;
        }

        return (rows / times[times.Count / 2], shares[shares.Count / 2], shards);
    }
}
