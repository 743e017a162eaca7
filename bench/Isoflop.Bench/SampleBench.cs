using System.Diagnostics;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;

namespace Isoflop.Bench;

/// <summary>
/// Batched drawing of replies against the forward pass of training on as many tokens, in pairs: each on the FLOPs that it does, and
/// their ratio. A reply of 48 tokens follows a prompt of 16; 32 prompts with 16 replies each, as a step of reinforcement draws them.
/// </summary>
static class SampleBench
{
    const int Prompts = 32, Replies = 16, PromptTokens = 16, ReplyTokens = 48, Vocab = 256, Context = 128;

    public static void Run(int threads, int rounds)
    {
        Machine m = Machine.Measure(threads);
        Console.WriteLine($"{m.Cpu}, {threads} threads, {m.InstructionSet}; medians of {rounds} pairs");
        Console.WriteLine("parameters  d_model  layers   drawn tokens/s  GFLOP/s   forward GFLOP/s   ratio");
        foreach ((int width, int layers, int heads) in ((int, int, int)[])[(64, 2, 4), (96, 3, 4), (128, 4, 4), (160, 4, 5)])
            Measure(new() { VocabSize = Vocab, ContextLen = Context, DModel = width, NLayer = layers, NHead = heads }, threads, rounds);
    }

    static void Measure(ModelConfig c, int threads, int rounds)
    {
        using IDevice device = Devices.Open("cpu", threads);
        var model = new Transformer(device, c, 4096, training: true);
        model.Initialise(1);
        model.RepackWeights();
        var sampler = new BatchSampler(model, Vocab - 1, Vocab, 512);
        var random = new Random(1);
        int[][] prompts = [.. Enumerable.Range(0, Prompts).Select(_ =>
            Enumerable.Range(0, PromptTokens).Select(_ => random.Next(Vocab - 1)).ToArray())];
        SampleRequest[] requests = [.. Enumerable.Range(0, Prompts * Replies).Select(i =>
            new SampleRequest(prompts[i / Replies], ReplyTokens, i))];
        SampledReply[] into = [.. requests.Select(_ => new SampledReply())];
        int length = PromptTokens + ReplyTokens, sequences = 4096 / length;
        var batch = new Batch(sequences * length, sequences);
        for (int r = 0; r < sequences * length; r++)
        {
            if (r % length == 0) batch.BeginSequence();
            batch.Add(random.Next(Vocab), random.Next(Vocab), 1);
        }
        double forward = Train.Flops.Forward(c, batch.Rows, Train.Flops.Pairs(batch.Offsets)).Total;
        List<double> drawn = [], read = [], ratios = [], tokens = [];
        for (int i = 0; i <= rounds; i++)
        {
            long began = Stopwatch.GetTimestamp();
            Train.Spending spent = sampler.Draw(requests, new SamplingRule(1), (ulong)i, into);
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            began = Stopwatch.GetTimestamp();
            int passes = Math.Max(1, (int)(spent.Flops / forward));
            for (int p = 0; p < passes; p++) model.Loss(batch);
            double other = Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (i == 0) continue;                                 // compiled and warm from here on
            drawn.Add(spent.Flops / seconds / 1e9);
            read.Add(passes * forward / other / 1e9);
            ratios.Add(drawn[^1] / read[^1]);
            tokens.Add(into.Sum(r => r.Count) / seconds);
        }
        Console.WriteLine($"{model.Table.Parameters,10:n0}  {c.DModel,7}  {c.NLayer,6}  {Median(tokens),15:n0}  {Median(drawn),7:0.0}  " +
            $"{Median(read),16:0.0}   {Median(ratios),5:0.00}");
    }

    static double Median(List<double> x) => x.Order().ElementAt(x.Count / 2);
}
