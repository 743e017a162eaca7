using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Nn;

/// <summary>The promise: a result depends on the configuration alone, not on threads, company, cuts or the way of computing.</summary>
public class SameBitsTests
{
    internal static readonly ModelConfig Grouped = new()
    {
        VocabSize = 331,
        ContextLen = 160,
        DModel = 72,
        NLayer = 2,
        NHead = 6,
        NKvHead = 2,
        DHead = 20,
        DFf = 100,
        QkNorm = true,
    };

    static readonly ModelConfig Tied = Grouped with { NKvHead = null, QkNorm = false, TiedHead = true, DHead = 8, DModel = 33 };

    public static TheoryData<string> Models => ["grouped", "tied"];

    static ModelConfig Model(string name) => name == "tied" ? Tied : Grouped;

    // Lengths around tiles of 32 queries and 64 keys.
    internal static readonly int[] Lengths = [1, 64, 65, 31, 128, 160, 33, 2, 97];

    [Theory, MemberData(nameof(Models))]
    public void Any_number_of_threads_gives_the_same_bits(string name)
    {
        foreach (int shards in new[] { 1, 4, 16 })
        {
            float[] one = Train(Model(name), threads: 1, cuts: [Lengths.Length], shards);
            foreach (int threads in new[] { 2, 3, 4, 5, 6, 7 })
                Assert.Equal(one, Train(Model(name), threads, [Lengths.Length], shards));
        }
    }

    [Fact]
    public void Shards_are_sums_of_their_own()
    {
        float[] one = Train(Grouped, 2, [Lengths.Length], shards: 1), four = Train(Grouped, 2, [Lengths.Length], shards: 4);
        Assert.NotEqual(one, four);
        // Three steps at a rate of 1e-2: AdamW moves a weight by about the rate whatever the gradient's size, so that one near zero
        // may go either way; the losses, last, are means of many.
        Assert.Equal(one[^2], four[^2], one[^2] * 1e-5);
    }

    [Theory, MemberData(nameof(Models))]
    public void Any_cut_of_a_step_into_micro_batches_gives_the_same_bits(string name)
    {
        float[] whole = Train(Model(name), 2, [Lengths.Length]);
        Assert.Equal(whole, Train(Model(name), 2, [4, Lengths.Length]));
        Assert.Equal(whole, Train(Model(name), 2, [1, 2, 7, Lengths.Length]));
        Assert.Equal(whole, Train(Model(name), 2, [.. Enumerable.Range(1, Lengths.Length)]));
    }

    [Theory, MemberData(nameof(Models))]
    public void Any_number_of_tokens_at_once_gives_the_same_bits(string name)
    {
        foreach (int shards in new[] { 1, 4 })
        {
            float[] whole = Train(Model(name), 2, [Lengths.Length], shards);
            foreach (int rows in new[] { 1, 200, 333 }) Assert.Equal(whole, Train(Model(name), 2, [Lengths.Length], shards, rows));
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void A_sequence_gives_the_same_bits_alone_and_in_any_company(string name)
    {
        using var device = new CpuDevice(2);
        var model = new Transformer(device, Model(name), Lengths.Sum(), training: false);
        model.Initialise(5);
        Batch all = Sequences(model.Config, Enumerable.Range(0, Lengths.Length));
        float[] together = Nll(model, all);
        for (int i = 0; i < Lengths.Length; i++)
        {
            float[] part = together[all.Offsets[i]..all.Offsets[i + 1]];
            Assert.Equal(part, Nll(model, Sequences(model.Config, [i])));
            Assert.Equal(part, Nll(model, Sequences(model.Config, [(i + 3) % Lengths.Length, i]))[^part.Length..]);
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void Decoding_token_by_token_gives_the_same_bits_as_the_whole_sequence(string name)
    {
        using var device = new CpuDevice(2);
        var model = new Transformer(device, Model(name), Lengths.Sum(), training: false);
        model.Initialise(6);
        int n = Lengths.Length;
        Batch all = Sequences(model.Config, Enumerable.Range(0, n));
        float[] whole = Nll(model, all), decoded = new float[whole.Length];
        var cache = new KvCache(model, n, model.Config.ContextLen);
        var memory = new DeviceMemory(device);
        DeviceSpan<int> targets = memory.Allocate<int>(n);
        DeviceSpan<float> nll = memory.Allocate<float>(n);
        // Slots run beside one another and end at different times; the first five tokens of each come as one piece.
        for (int step = 0; step < Lengths.Max(); step++)
        {
            var slots = new List<int>();
            for (int i = 0; i < n; i++)
                if (step < Lengths[i]) slots.Insert(0, i);
            int first = step == 4 ? 0 : step;
            if (step < 4 && slots.Any(s => Lengths[s] > 4)) slots.RemoveAll(s => Lengths[s] > 4);
            if (slots.Count == 0) continue;
            var rows = slots.SelectMany(s => Enumerable.Range(Lengths[s] > 4 ? first : step, step - (Lengths[s] > 4 ? first : step) + 1)
                .Select(at => (Slot: s, At: at))).ToArray();
            int[] wanted = [.. Enumerable.Range(0, rows.Length).Where(r => rows[r].At == step)];
            DeviceSpan<float> logits = model.Decode(
                [.. rows.Select(r => all.Tokens[all.Offsets[r.Slot] + r.At])], [.. rows.Select(r => r.Slot)], [.. rows.Select(r => r.At)], cache, wanted);
            device.Upload([.. wanted.Select(r => all.Targets[all.Offsets[rows[r].Slot] + step])], targets);
            device.CrossEntropy(logits, targets, default, 1, nll, wanted.Length, model.Config.VocabSize);
            var values = new float[n];
            device.Download(nll, values);
            for (int i = 0; i < wanted.Length; i++)
            {
                int row = all.Offsets[rows[wanted[i]].Slot] + step;
                Assert.True(whole[row] == values[i], $"slot {rows[wanted[i]].Slot}, position {step}: {whole[row]:R} and {values[i]:R}");
            }
        }
    }

    [Fact]
    public void A_drawn_token_has_the_log_probability_that_training_computes()
    {
        using var device = new CpuDevice(2);
        var memory = new DeviceMemory(device);
        DeviceSpan<float> logits = memory.Allocate<float>(7 * 331), nll = memory.Allocate<float>(7);
        DeviceSpan<int> targets = memory.Allocate<int>(7);
        DeviceSpan<RandomKey> draws = memory.Allocate<RandomKey>(7);
        DeviceSpan<SampledToken> into = memory.Allocate<SampledToken>(7);
        var random = new Random(3);
        device.Upload([.. Enumerable.Range(0, 7 * 331).Select(_ => 8 * random.NextSingle())], logits);
        var drawn = new SampledToken[7];
        foreach (SamplingRule rule in new[] { new SamplingRule(), new(0), new(0.7f, 20, 0.9f) })
        {
            device.Upload([.. Enumerable.Range(0, 7).Select(_ => new RandomKey(random.Next(), random.Next()))], draws);
            device.Sample(logits, rule, 5, draws, into, 331);
            device.Download(into, drawn);
            device.Upload([.. drawn.Select(t => t.Token)], targets);
            device.CrossEntropy(logits, targets, default, 1, nll, 7, 331);
            var expected = new float[7];
            device.Download(nll, expected);
            Assert.Equal(expected, drawn.Select(t => -t.LogProb));
        }
    }

    /// <summary>Parameters after three steps, each cut before the sequences named, and the losses' bits behind them.</summary>
    internal static float[] Train(ModelConfig config, int threads, int[] cuts, int shards = 1, int passRows = 0,
        Multiplication? multiplication = null)
    {
        using var device = new CpuDevice(threads, multiplication);
        using var model = new Transformer(device, config, Lengths.Sum(), training: true, shards, passRows);
        using var optimiser = new Optimizer(model);
        model.Initialise(1);
        var losses = new List<float>();
        for (int step = 1; step <= 3; step++)
        {
            model.ClearGradients();
            for (int i = 0, from = 0; i < cuts.Length; from = cuts[i++])
                model.LossAndGradient(Sequences(config, Enumerable.Range(from, cuts[i] - from)), Lengths.Sum());
            model.FinishGradients();
            (double loss, double norm) = optimiser.Step(new(1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, step, Clip: 1));
            losses.Add((float)norm);
            losses.AddRange([(float)loss, (float)(loss * 1e6 % 1)]);
        }
        var parameters = new float[model.Table.Length];
        device.Download(model.Params, parameters);
        return [.. parameters, .. losses];
    }

    internal static Batch Sequences(ModelConfig config, IEnumerable<int> which)
    {
        int[] chosen = [.. which];
        var batch = new Batch(Lengths.Sum(), Math.Max(1, chosen.Length));
        foreach (int i in chosen)
        {
            var random = new Random(i);
            batch.BeginSequence();
            int length = Math.Min(Lengths[i], config.ContextLen);
            for (int t = 0; t < length; t++) batch.Add(random.Next(config.VocabSize), random.Next(config.VocabSize), (t + i) % 5 == 0 ? 0 : 0.5f + t % 3);
        }
        return batch;
    }

    static float[] Nll(Transformer model, Batch batch)
    {
        var nll = new float[batch.Rows];
        model.Nll(batch, nll);
        return nll;
    }
}
