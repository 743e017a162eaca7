using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Kernels;

/// <summary>The door to devices, and what crosses it: a third device fits, and a pass tells it everything once.</summary>
public class DevicesTests
{
    static readonly ModelConfig Shape = new() { VocabSize = 40, ContextLen = 48, DModel = 16, NLayer = 2, NHead = 2, NKvHead = 1 };

    [Fact]
    public void A_device_is_opened_by_name_and_what_is_not_there_is_refused_in_one_line()
    {
        using IDevice cpu = Devices.Open("cpu", 3), definition = Devices.Open("cpu:reference");
        Assert.StartsWith("cpu: 3 threads, ", cpu.Traits.Name);
        string own = Devices.Names.Single(n => n is not "cpu:reference" && n.StartsWith("cpu:", StringComparison.Ordinal));
        using IDevice named = Devices.Open(own, 1);
        Assert.Equal(cpu.Traits.InstructionSet, named.Traits.InstructionSet);
        Assert.Equal((true, "float32"), (definition.Traits.BatchInvariant, definition.Traits.Precision));
        Assert.InRange(cpu.Traits.MemoryBytes, 1 << 20, long.MaxValue);
        Assert.Superset(new HashSet<string>(["cpu", own, "cpu:reference"]), Devices.Names.ToHashSet());   // and those of other tests
        foreach ((string name, string why) in ((string, string)[])[("cpu:sse9", $"this machine's cpu runs {own[4..]}"), ("gpu", "there is none of that name")])
        {
            string message = Assert.Throws<ConfigException>(() => Devices.Open(name)).Message;
            Assert.StartsWith($"device={name}: {why}; there are: ", message);
            Assert.Contains($"cpu, {own}, cpu:reference", message);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void A_training_step_uploads_its_batches_and_downloads_loss_and_norm()
    {
        Devices.Register("counting", _ => new CountingDevice(Devices.Open("cpu:reference")));
        using var counting = (CountingDevice)Devices.Open("counting");
        using IDevice plain = Devices.Open("cpu:reference");
        Batch[] batches = [Texts(1, 20, 9), Texts(2, 30, 3)];
        var expected = Run(plain, null);
        Assert.Equal(expected, Run(counting, counting));
        Assert.Equal(0, counting.Held);

        (string, string) Run(IDevice device, CountingDevice? counts)
        {
            using var model = new Transformer(device, Shape, 64, training: true);
            using var optimiser = new Optimizer(model);
            model.Initialise(1);
            string sums = "";
            for (int step = 1; step <= 3; step++)
            {
                counts?.Reset();
                model.ClearGradients();
                foreach (Batch batch in batches) model.LossAndGradient(batch, 62);
                model.FinishGradients();
                sums += optimiser.Step(new(1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, step, Clip: 1)).ToString();
                if (counts is null) continue;
                // Four lists of the rows and the sequences' beginnings, each rounded up to 16 bytes.
                Assert.Equal((2, 1, 16), (counts.Uploads, counts.Downloads, counts.BytesDown));
                Assert.InRange(counts.BytesUp, 62 * 4 * 4, 62 * 4 * 4 + 2 * (3 * 4 + 6 * 16));
            }
            var parameters = new float[model.Table.Length];
            device.Download(model.Params, parameters);
            return (sums, string.Join(' ', parameters));
        }
    }

    [Fact]
    public void A_decoding_pass_uploads_its_rows_once_for_all_layers_and_downloads_what_was_drawn()
    {
        using var counting = new CountingDevice(Devices.Open("cpu:reference"));
        using IDevice plain = Devices.Open("cpu:reference");
        SampleRequest[] requests = [.. Enumerable.Range(0, 5).Select(i => new SampleRequest([0, .. Enumerable.Range(1, 3 + 4 * i)], 9, i))];
        long up = 0;
        foreach (int layers in (int[])[1, 3])
        {
            ModelConfig shape = Shape with { NLayer = layers };
            string expected = Run(plain, null);
            Assert.Equal(expected, Run(counting, counting));
            Assert.Equal(0, counting.Held);

            string Run(IDevice device, CountingDevice? counts)
            {
                using var model = new Transformer(device, shape, 64, training: false);
                model.Initialise(1);
                using var sampler = new BatchSampler(model, endOfText: -1, shape.VocabSize, 4);
                SampledReply[] replies = [.. requests.Select(_ => new SampledReply())];
                counts?.Reset();
                long tokens = sampler.Draw(requests, new SamplingRule(), 3, replies).Tokens;
                if (counts is not null)
                {
                    int passes = counts.CachedLayers / layers;
                    Assert.Equal((passes, passes, 5 * 9 * 8), (counts.Uploads, counts.Downloads, counts.BytesDown));
                    // A row's token, position and list of pages; what is drawn after it; its slot's pages, here at most two.
                    Assert.InRange(counts.BytesUp, tokens * 12, tokens * (3 * 4 + 4 + 16 + 2 * 4) + passes * 6 * 16);
                    Assert.True(up == 0 || up == counts.BytesUp, "more layers, more uploads");
                    up = counts.BytesUp;
                }
                return string.Join('\n', replies.Select(r => string.Join(' ', r.Tokens.ToArray()) + string.Join(' ', r.LogProbs.ToArray())));
            }
        }
    }

    [Fact]
    public void A_model_in_use_gives_its_memory_back_and_another_takes_its_place()
    {
        using var counting = new CountingDevice(Devices.Open("cpu"));
        long first = 0;
        for (int i = 0; i < 3; i++)
        {
            using (var model = new Transformer(counting, Shape, 64, training: true))
            using (var cache = new KvCache(model, 2, 32))
            {
                model.Initialise((ulong)i);
                model.LossAndGradient(Texts(1, 20), 20);
                model.Decode([1, 2], [0, 1], [0, 0], cache, [0]);
                if (i == 0) first = counting.Held;
                Assert.Equal(first, counting.Held);
            }
            Assert.Equal(0, counting.Held);
        }
    }

    static Batch Texts(int seed, params int[] lengths)
    {
        var batch = new Batch(64, lengths.Length);
        var rng = new Rng((ulong)seed, RandomPurpose.Test);
        foreach (int length in lengths)
        {
            batch.BeginSequence();
            for (int t = 0; t < length; t++) batch.Add(rng.NextInt(40), rng.NextInt(40), 1);
        }
        return batch;
    }
}
