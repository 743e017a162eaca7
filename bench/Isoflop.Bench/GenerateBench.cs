using System.Diagnostics;
using System.Globalization;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>
/// Tokens drawn a second, one stream and many: of one, the share of the time that its weights take to be read; of many, the share of
/// the peak that the products' FLOPs reach.
/// </summary>
static class GenerateBench
{
    const int Context = 256, Tokens = 128;

    /// <summary>About .1, 1 and 10 million parameters.</summary>
    public static readonly ModelConfig[] Sizes = [Shape(512, 64, 2, 2), Shape(1024, 128, 4, 4), Shape(4096, 320, 7, 10)];

    static ModelConfig Shape(int vocab, int width, int layers, int heads) =>
        new() { VocabSize = vocab, ContextLen = Context, DModel = width, NLayer = layers, NHead = heads };

    /// <param name="width">of one size, of which two numbers are all that is said; 0: all</param>
    public static void Run(int threads, int streams, int width)
    {
        Machine machine = Machine.Measure(threads);
        if (width == 0) Console.WriteLine("parameters  streams   tokens/s  share of the bandwidth bound  share of peak");
        foreach (ModelConfig c in Sizes)
        {
            if (width > 0 && c.DModel != width) continue;
            (double rate, double parameters) = Measure(c, threads, streams);
            // A token of a stream alone reads every weight but the embedding's once.
            double bound = machine.BandwidthGBs * 1e9 / (4 * (parameters - (double)c.VocabSize * c.DModel));
            double flops = Flops.Forward(c, 1, Tokens / 2.0).Total;
            Console.WriteLine(width > 0 ? string.Create(CultureInfo.InvariantCulture, $"{rate} {rate / bound}")
                : $"{parameters,10:N0} {streams,8} {rate,10:N0} {rate / streams / bound,29:P0} {rate * flops / machine.PeakGflops / 1e9,14:P0}");
        }
    }

    static (double Rate, double Parameters) Measure(ModelConfig c, int threads, int streams)
    {
        using IDevice device = Devices.Open("cpu", threads);
        using var model = new Transformer(device, c, Math.Max(streams, 64), training: false);
        model.Initialise(1);
        using var sampler = new BatchSampler(model, c.VocabSize - 1, c.VocabSize, streams);
        SampleRequest[] requests = [.. Enumerable.Range(0, streams).Select(i => new SampleRequest([i % 7, 5, 6, i % 11], Tokens, i))];
        SampledReply[] into = [.. requests.Select(_ => new SampledReply())];
        List<double> rates = [];
        for (long begin = Stopwatch.GetTimestamp(); rates.Count < 4 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 3;)
        {
            long start = Stopwatch.GetTimestamp();
            sampler.Draw(requests, new SamplingRule(1), (ulong)rates.Count, into);
            rates.Add(into.Sum(r => r.Count) / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return (rates[1..].Order().ElementAt(rates.Count / 2), model.Table.Parameters);
    }
}
