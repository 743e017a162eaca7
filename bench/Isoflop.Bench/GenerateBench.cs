using System.Diagnostics;
using System.Globalization;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>
/// Tokens drawn a second, one stream and many: of one, the share of the time that its weights take to be read; of many, the shares of
/// the peak that all and that the products alone reach, and what the time goes to.
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
        using var peak = new Machine.Peak(threads);
        if (width == 0) Console.WriteLine("parameters  streams   tokens/s  share of the bandwidth bound  share of peak  products alone  time: products  attention  draws  between");
        foreach (ModelConfig c in Sizes)
        {
            if (width > 0 && c.DModel != width) continue;
            (double rate, double seconds, double parameters) = Measure(c, threads, streams, peak);
            string parts = width > 0 ? "" : Parts(c, threads, streams, peak);
            // A token of a stream alone reads every weight but the embedding's once.
            double bound = machine.BandwidthGBs * 1e9 / (4 * (parameters - (double)c.VocabSize * c.DModel));
            double flops = Flops.Forward(c, 1, Tokens / 2.0).Total;
            Console.WriteLine(width > 0 ? string.Create(CultureInfo.InvariantCulture, $"{rate} {rate / bound}")
                : $"{parameters,10:N0} {streams,8} {rate,10:N0} {rate / streams / bound,29:P0} {seconds * flops,14:P0}{parts}");
        }
    }

    /// <summary>Tokens a second, tokens a FLOP of the peak of the same moment, parameters.</summary>
    static (double Rate, double OfPeak, double Parameters) Measure(ModelConfig c, int threads, int streams, Machine.Peak peak)
    {
        using IDevice device = Devices.Open("cpu", threads);
        List<double> rates = [], shares = [];
        double parameters = Draw(device, c, streams, (tokens, seconds) =>
        {
            rates.Add(tokens / seconds);
            shares.Add(tokens / seconds / peak.Round(500_000));
        });
        return (Median(rates), Median(shares), parameters);
    }

    static double Median(List<double> values) => values[1..].Order().ElementAt((values.Count - 1) / 2);

    /// <summary>The share of the peak that products reach while they run, and the shares of the time.</summary>
    static string Parts(ModelConfig c, int threads, int streams, Machine.Peak peak)
    {
        using var device = new TimedDevice(Devices.Open("cpu", threads));
        double whole = 0, attention = 0, draws = 0, kernels = 0, products = 0;
        List<double> shares = [];
        Draw(device, c, streams, (_, seconds) =>
        {
            double multiplying = 0, flops = 0;
            whole += seconds;
            foreach ((string kernel, (double took, double did)) in device.Take())
            {
                kernels += took;
                if (kernel.StartsWith("MatMul")) (multiplying, flops) = (multiplying + took, flops + did);
                else if (kernel.StartsWith("Attention")) attention += took;
                else if (kernel is "Sample" or "LogSoftmax") draws += took;
            }
            products += multiplying;
            shares.Add(flops / multiplying / peak.Round(500_000));
        });
        return $"{Median(shares),16:P0} {products / whole,15:P0} {attention / whole,10:P0} {draws / whole,6:P0} {(whole - kernels) / whole,8:P0}";
    }

    /// <summary>Rounds of replies for some seconds, each told as tokens and seconds; the model's parameters.</summary>
    static long Draw(IDevice device, ModelConfig c, int streams, Action<int, double> round)
    {
        using var model = new Transformer(device, c, Math.Max(streams, 64), training: false);
        model.Initialise(1);
        using var sampler = new BatchSampler(model, c.VocabSize - 1, c.VocabSize, streams);
        SampleRequest[] requests = [.. Enumerable.Range(0, streams).Select(i => new SampleRequest([i % 7, 5, 6, i % 11], Tokens, i))];
        SampledReply[] into = [.. requests.Select(_ => new SampledReply())];
        int rounds = 0;
        for (long begin = Stopwatch.GetTimestamp(); rounds < 4 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 3; rounds++)
        {
            long start = Stopwatch.GetTimestamp();
            sampler.Draw(requests, new SamplingRule(1), (ulong)rounds, into);
            round(into.Sum(r => r.Count), Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return model.Table.Parameters;
    }
}
