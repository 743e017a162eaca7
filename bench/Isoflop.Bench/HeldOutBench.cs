using System.Globalization;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Train;
using MathNet.Numerics.Statistics;

namespace Isoflop.Bench;

/// <summary>Checkpoints of runs on all of their corpus' held-out text, token by token.</summary>
static class HeldOutBench
{
    const int Windows = 32;

    /// <summary>
    /// What the mean of a run's last checkpoints loses or gains: of the last 1, 2, 4, … of those that save.every kept.
    /// </summary>
    public static void Average(string home, IEnumerable<string> runs)
    {
        var here = new Workspace(home) { Threads = 1 };
        foreach (string run in runs)
        {
            using var read = new Reader(here, run);
            List<int> steps = read.Steps;
            Console.Write($"{run,-36} every {steps[^1] - steps[^2],4} of {steps[^1],5} steps");
            for (int count = 1; count <= Math.Min(16, steps.Count); count *= 2)
            {
                float[] nll = read.Losses(steps[^count..]);
                Console.Write(string.Create(CultureInfo.InvariantCulture, $"  {count}: {nll.Average(x => (double)x):0.0000}"));
            }
            Console.WriteLine();
        }
    }

    /// <summary>
    /// How far the choice of held-out text moves a loss, and the difference of two runs (two seeds of one recipe): standard errors
    /// over blocks of windows, since neighbouring tokens share their text.
    /// </summary>
    public static void Noise(string home, string[] runs)
    {
        var here = new Workspace(home) { Threads = 1 };
        float[][] losses = [.. runs.Select(Last)];
        double[][] blocks = [.. losses.Select(BlocksOf)];
        Console.WriteLine($"{losses[0].Length} tokens of held-out text in {blocks[0].Length} blocks");
        for (int i = 0; i < runs.Length; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{runs[i],-36} {losses[i].Average(x => (double)x):0.00000} ± {Error(blocks[i]):0.00000}"));
        for (int i = 0; i + 1 < runs.Length; i += 2)
        {
            double[] apart = [.. blocks[i].Zip(blocks[i + 1], (a, b) => a - b)];
            double seeds = Math.Abs(apart.Average()) / Math.Sqrt(2), text = Error(apart) / Math.Sqrt(2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{runs[i]} and {runs[i + 1]}: a seed's share of their difference {seeds:0.00000}, the text's {text:0.00000} nats"));
        }

        float[] Last(string run)
        {
            using var read = new Reader(here, run);
            return read.Losses(read.Steps[^1..]);
        }
    }

    /// <summary>
    /// Loss by place in the context: what is copied or looked up in it shows as a fall along it. And on random tokens that are said
    /// twice, the second time: only who copies can foretell those (Olsson et al. 2022, arXiv:2209.11895).
    /// </summary>
    public static void Places(string home, IEnumerable<string> runs)
    {
        var here = new Workspace(home) { Threads = 1 };
        foreach (string run in runs)
        {
            using var read = new Reader(here, run);
            float[] losses = read.Losses(read.Steps[^1..]);
            Console.Write($"{run,-40}");
            for (int from = 0, to = 8; from < read.Places.Max() + 1; (from, to) = (to, 2 * to))
                Console.Write(string.Create(CultureInfo.InvariantCulture,
                    $"  {from + 1}–{to}: {losses.Where((_, i) => read.Places[i] >= from && read.Places[i] < to).Average(x => (double)x):0.000}"));
            (double first, double second) = read.Repeated();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  random {first:0.000}, again {second:0.000}"));
        }
    }

    // Long enough for most documents: errors of blocks are independent.
    const int BlockTokens = 2048;

    static double[] BlocksOf(float[] losses) => [.. losses.Chunk(BlockTokens).Where(b => b.Length == BlockTokens).Select(b => b.Average(x => (double)x))];

    static double Error(double[] x) => x.StandardDeviation() / Math.Sqrt(x.Length);

    /// <summary>A run's model, with weights of any of its checkpoints.</summary>
    sealed class Reader : IDisposable
    {
        readonly string folder;
        readonly Corpus corpus;
        readonly IDevice device;
        readonly Transformer model;

        /// <summary>Of its checkpoints, ascending.</summary>
        public List<int> Steps { get; }

        /// <summary>Of every held-out token, how many of its document the model sees before the one that foretells it.</summary>
        public int[] Places { get; }

        public Reader(Workspace here, string run)
        {
            folder = here.RunFolder(run);
            Steps = Checkpoint.StepsIn(folder);
            corpus = Corpus.Open(here.CorpusFolder(RunRecord.Load(folder).Corpus.Name));
            device = here.OpenDevice();
            ModelConfig config = ModelFolder.LoadShape(Path.Combine(folder, Checkpoint.NameOf(Steps[^1])));
            model = new(device, config, Windows * config.ContextLen, training: false);
            Places = new int[corpus.Valid.Count - 1];
        }

        /// <summary>−ln p of every held-out token by the mean of the weights of some steps, nats.</summary>
        public float[] Losses(IReadOnlyList<int> steps)
        {
            var sum = new double[model.Table.Length];
            var own = new float[model.Table.Length];
            foreach (int step in steps)
            {
                ModelFolder.LoadParams(Path.Combine(folder, Checkpoint.NameOf(step)), device, model.Table, model.Params);
                device.Download(model.Params, own);
                for (int i = 0; i < own.Length; i++) sum[i] += own[i];
            }
            for (int i = 0; i < own.Length; i++) own[i] = (float)(sum[i] / steps.Count);
            device.Upload(own, model.Params);
            model.RepackWeights();
            int context = model.Config.ContextLen;
            var source = new EvalSource(corpus.Valid.Read, corpus.EndOfText, context);
            var batch = new Batch(Windows * context, Windows * context);
            long end = corpus.Valid.Count - 1;
            var losses = new float[end];
            for (long at = 0; at < end;)
            {
                long from = at;
                at = source.Fill(batch, at, end, Windows);
                model.Nll(batch, losses.AsSpan((int)from, batch.Rows));
                batch.Positions.AsSpan(0, batch.Rows).CopyTo(Places.AsSpan((int)from));
            }
            return losses;
        }

        /// <summary>Mean loss on random tokens, and on the same when they come again; the weights are those of <see cref="Losses"/>.</summary>
        public (double First, double Second) Repeated()
        {
            int half = model.Config.ContextLen / 2;
            var batch = new Batch(Windows * 2 * half, Windows);
            for (int w = 0; w < Windows; w++)
            {
                var random = new Random(w);
                int[] once = [.. Enumerable.Range(0, half).Select(_ => random.Next(1, model.Config.VocabSize))], twice = [.. once, .. once];
                batch.BeginSequence();
                for (int i = 0; i + 1 < twice.Length; i++) batch.Add(twice[i], twice[i + 1], 1);
            }
            var nll = new float[batch.Rows];
            model.Nll(batch, nll);
            return (Mean(p => p < half - 1), Mean(p => p >= half));

            double Mean(Func<int, bool> at) => nll.Where((_, i) => at(batch.Positions[i])).Average(x => (double)x);
        }

        public void Dispose()
        {
            model.Dispose();
            device.Dispose();
            corpus.Dispose();
        }
    }
}
