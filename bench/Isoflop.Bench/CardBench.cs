using System.Diagnostics;
using System.Globalization;
using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;

namespace Isoflop.Bench;

/// <summary>Whole training steps on a card, the sizes that bench/peers/torch_train.py is given beside it.</summary>
static class CardBench
{
    static readonly (int Vocab, int Context, int Width, int Layers, int Heads, int Windows, int Shards)[] sizes =
    [
        (256, 128, 64, 2, 2, 16, 8), (256, 128, 64, 2, 2, 512, 16), (512, 256, 128, 4, 4, 8, 8), (512, 256, 128, 4, 4, 128, 16),
        (512, 256, 256, 8, 8, 128, 8), (8192, 512, 512, 8, 8, 64, 4), (50304, 1024, 768, 12, 12, 32, 2), (50304, 1024, 1024, 24, 16, 16, 1),
        (61, 32, 16, 1, 2, 2, 1),                                 // the last: for a host that plays a card
    ];

    /// <summary>Where a step's time goes: medians of ten steps, each operation waited for, which takes some ten microseconds.</summary>
    public static void Operations(string name, int size)
    {
        Cards.Register();
        (int vocab, int context, int width, int layers, int heads, int windows, int shards) = sizes[size];
        var c = new ModelConfig { VocabSize = vocab, ContextLen = context, DModel = width, NLayer = layers, NHead = heads, QkNorm = false };
        using IDevice inner = Devices.Open(name);
        nint place = inner.Allocate(16);
        using var device = new TimedDevice(inner, () => inner.Download(place, new byte[4]));
        TrainBench.Step step = TrainBench.Begin(device, c, windows, shards);
        for (int warm = 0; warm < 3; warm++) step();
        device.Take();
        var rounds = new Dictionary<string, (double Seconds, double Flops)>[10];
        for (int i = 0; i < rounds.Length; i++)
        {
            step();
            rounds[i] = device.Take();
        }
        foreach (string kernel in rounds[0].Keys.OrderByDescending(k => Median(k)))
        {
            double took = Median(kernel), flops = rounds[0][kernel].Flops;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{vocab} {context} {width} {layers} {windows} | {kernel,-22}{took * 1e3,10:F3} ms{flops / took / 1e12,8:F1} TFLOP/s"));
        }

        double Median(string kernel) => rounds.Select(r => r[kernel].Seconds).Order().ElementAt(rounds.Length / 2);
    }

    /// <summary>Lets the driver compile every parts-th module, from the part-th on: seconds each. It keeps what came of it.</summary>
    public static void Compile(string name, int part, int parts)
    {
        Driver driver = Driver.Open();
        CardContext card = CardContext.Of(driver, Cards.All()[int.Parse(name.Split(':')[1], CultureInfo.InvariantCulture)]);
        card.Enter();
        foreach (string module in card.Modules.Where((_, i) => i % parts == part))
        {
            long began = Stopwatch.GetTimestamp();
            card.Module(module);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{module,-26}{Stopwatch.GetElapsedTime(began).TotalSeconds,7:F2} s"));
        }
    }

    /// <summary>
    /// Products as training has them, forward and of weights' gradients, by each kind of tile: TFLOP/s, rounding of weights included, and how many
    /// results have other bits than the small tile's.
    /// </summary>
    public static void Products(string name)
    {
        Cards.Register();
        using var device = (CudaDevice)Devices.Open(name);
        Console.WriteLine("layout        m      n      k |  small  large narrow   wide TFLOP/s | other bits: large narrow wide");
        foreach (int size in (int[])[2, 4, 6, 7])
        {
            (int _, int context, int width, int _, int _, int windows, int _) = sizes[size];
            int rows = windows * context;
            foreach ((MatMulLayout layout, int m, int n, int k) in ((MatMulLayout, int, int, int)[])[(MatMulLayout.TransposedB, rows, 3 * width, width),
                (MatMulLayout.Plain, rows, width, 3 * width), (MatMulLayout.TransposedA, 3 * width, width, rows)])
            {
                using var memory = new DeviceMemory(device);
                // As layers have them: activations, and weights but where it is weights' gradient.
                DeviceSpan<float> a = layout == MatMulLayout.TransposedA ? Activations(k, m) : Activations(m, k),
                    b = layout == MatMulLayout.TransposedA ? Activations(k, n) : Random((long)k * n), c = memory.Allocate<float>((long)m * n);
                float[]? small = null;
                var rates = new List<string>();
                var others = new List<string>();
                foreach (Action product in (Action[])[() => Tiles(false), () => Tiles(true), () => Warpgroups(false), () => Warpgroups(true)])
                {
                    product();
                    float[] got = new float[c.Length];
                    device.Download(c, got);
                    small ??= got;
                    if (!ReferenceEquals(small, got)) others.Add($"{small.Zip(got).Count(p => !p.First.Equals(p.Second))}");
                    const int Times = 10;
                    long began = Stopwatch.GetTimestamp();
                    for (int i = 0; i < Times; i++) product();
                    device.Download(c.Slice(0, 1), new float[1]);
                    rates.Add(string.Create(CultureInfo.InvariantCulture,
                        $"{2.0 * m * n * k * Times / Stopwatch.GetElapsedTime(began).TotalSeconds / 1e12,6:F1}"));
                    if (rates.Count == 2 && !device.HasWarpgroups) break;
                }
                Console.WriteLine($"{layout,-11}{m,6} {n,6} {k,6} | {string.Join(' ', rates)} | {string.Join(' ', others)}");

                void Tiles(bool large)
                {
                    device.LargeTiles = large;
                    device.MatMul(layout, a, b, c, m, n, k);
                }

                void Warpgroups(bool wide) => device.MatMulByWarpgroups(layout, a, b, c, m, n, k, wide: wide);

                DeviceSpan<float> Activations(int rows, int columns)
                {
                    DeviceSpan<float> gain = memory.Allocate<float>(columns), y = memory.AllocateActivations((long)rows * columns);
                    device.Upload(Enumerable.Repeat(1f, columns).ToArray(), gain);
                    device.RmsNorm(Random((long)rows * columns), gain, y, memory.Allocate<float>(rows), new(rows, 1, columns, columns), 1e-6f);
                    return y;
                }

                DeviceSpan<float> Random(long length)
                {
                    var random = new Random(1);
                    float[] some = [.. Enumerable.Range(0, 1 << 16).Select(_ => (float)random.NextDouble() - 0.5f)];
                    DeviceSpan<float> x = memory.Allocate<float>(length);
                    for (long at = 0; at < length; at += some.Length)
                        device.Upload(some.AsSpan(0, (int)Math.Min(some.Length, length - at)), x.Slice(at, Math.Min(some.Length, length - at)));
                    return x;
                }
            }
        }
    }

    /// <summary>A line a size: vocab context width layers heads ff windows, tokens a second (median step), share of the peak.</summary>
    public static void Run(string name, int seconds, int from, int to)
    {
        Cards.Register();
        for (int i = from; i < Math.Min(sizes.Length, to == int.MaxValue ? to : to + 1); i++)
        {
            (int vocab, int context, int width, int layers, int heads, int windows, int shards) = sizes[i];
            var c = new ModelConfig { VocabSize = vocab, ContextLen = context, DModel = width, NLayer = layers, NHead = heads, QkNorm = false };
            using IDevice device = Devices.Open(name);
            int rows = windows * context;
            TrainBench.Step step = TrainBench.Begin(device, c, windows, shards);
            List<double> times = [];
            for (int warm = 0; warm < 5; warm++) step();
            for (long start = Stopwatch.GetTimestamp(); times.Count < 5 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds;)
            {
                long began = Stopwatch.GetTimestamp();
                step();
                times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
            times.Sort();
            double rate = rows / times[times.Count / 2], flops = Flops.Training(c, rows, windows * Flops.Pairs(context)).Total / rows;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{vocab} {context} {width} {layers} {heads} {c.FfWidth} {windows} {rate:0} {rate * flops / device.Traits.PeakFlops.Value:0.000}"));
        }
    }
}
