using Isoflop.Cuda;
using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Tests.Kernels;
using Isoflop.Tests.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>
/// The device whole: steps beside the processor's, and the promise of bits. On a card that the host plays, or on a real one: ISOFLOP_CARD names it.
/// </summary>
[Collection(CudaCollection.Name)]
public sealed class CudaCardTests
{
    const double BfUlp = 1.0 / (1 << 8);

    // Small enough for a host that plays a card; lengths around tiles of 64 and blocks of 16.
    internal static readonly ModelConfig Grouped = new()
    { VocabSize = 61, ContextLen = 96, DModel = 40, NLayer = 2, NHead = 4, NKvHead = 2, DHead = 12, DFf = 50 };
    static readonly ModelConfig Tied = Grouped with { NKvHead = null, QkNorm = false, TiedHead = true, DHead = 8, DModel = 33 };
    static readonly int[] Lengths = [64, 16, 48, 1, 70];

    readonly HostCard card;

    public CudaCardTests(HostCard card)
    {
        this.card = card;
        card.Reset();
    }

    static Batch Sequences(ModelConfig config, IEnumerable<int> which)
    {
        int[] chosen = [.. which];
        var batch = new Batch(Lengths.Sum(), Math.Max(1, chosen.Length));
        foreach (int i in chosen)
        {
            var random = new Random(i);
            batch.BeginSequence();
            for (int t = 0; t < Lengths[i]; t++) batch.Add(random.Next(config.VocabSize), random.Next(config.VocabSize), (t + i) % 5 == 0 ? 0 : 0.5f + t % 3);
        }
        return batch;
    }

    /// <summary>Losses and norms of three steps, the gradient of the first, and the parameters after them.</summary>
    internal static (double[] Sums, float[] Gradient, float[] Parameters) Train(IDevice device, ModelConfig config, int[] cuts, int shards, int passRows = 0, float rate = 1e-2f)
    {
        using var model = new Transformer(device, config, Lengths.Sum(), training: true, shards, passRows);
        using var optimiser = new Optimizer(model);
        model.Initialise(1);
        var sums = new List<double>();
        float[] gradient = new float[model.Table.Length], parameters = new float[model.Table.Length];
        for (int step = 1; step <= 3; step++)
        {
            model.ClearGradients();
            for (int i = 0, from = 0; i < cuts.Length; from = cuts[i++])
                model.LossAndGradient(Sequences(config, Enumerable.Range(from, cuts[i] - from)), Lengths.Sum());
            model.FinishGradients();
            if (step == 1) device.Download(model.Gradients, gradient);
            (double loss, double norm) = optimiser.Step(new(rate, 0.9f, 0.95f, 1e-8f, 0.1f, step, Clip: 1));
            sums.AddRange([loss, norm]);
        }
        device.Download(model.Params, parameters);
        return ([.. sums], gradient, parameters);
    }

    /// <summary>Of vectors, as a share of the first one's length.</summary>
    static double Distance(float[] expected, float[] got) =>
        Math.Sqrt(expected.Zip(got, (e, g) => ((double)e - g) * ((double)e - g)).Sum() / expected.Sum(e => (double)e * e));

    public static TheoryData<bool, int> Models => new() { { false, 1 }, { false, 3 }, { true, 1 }, { true, 2 } };

    [Theory, MemberData(nameof(Models))]
    public void Steps_agree_with_the_processor(bool tied, int shards)
    {
        ModelConfig config = tied ? Tied : Grouped;
        int[] whole = [Lengths.Length];
        using var cpu = new CpuDevice(1);
        var expected = Train(cpu, config, whole, shards);
        using (CudaDevice single = card.Open(single: true))
        {
            var got = Train(single, config, whole, shards);
            for (int i = 0; i < expected.Sums.Length; i++) Assert.Equal(1, got.Sums[i] / expected.Sums[i], 1e-5);
            Assert.InRange(Distance(expected.Gradient, got.Gradient), 0, 1e-5);
        }
        using (CudaDevice half = card.Open(single: false))
        {
            // Every product's operands are off by up to 2⁻⁹ of themselves; a gradient has gone through some twenty, and through a dozen
            // activations that are rounded where no product takes them: 52 errors, which add up as their squares do, √52·2⁻⁹ = 3.6·2⁻⁸,
            // and grow by a quarter on their way. The first step alone: AdamW divides by a gradient's own size, also where it is all rounding.
            var got = Train(half, config, whole, shards);
            Assert.Equal(1, got.Sums[0] / expected.Sums[0], BfUlp);
            Assert.InRange(Distance(expected.Gradient, got.Gradient), 0, 1.25 * Math.Sqrt(52) / 2 * BfUlp);
        }
        card.Check();
        Assert.Equal(0, card.Used);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_step_has_the_same_bits_however_it_is_cut_and_whatever_runs_beside_it(bool half)
    {
        using CudaDevice device = card.Open(!half), other = card.Open(!half);
        // Cuts at multiples of 16 rows; norms' gains go by blocks of 64: the first three sequences have 64, 16 and 48 rows, 128 in all.
        var whole = Train(device, Grouped, [Lengths.Length], 1);
        Task company = Task.Run(() => Train(other, Tied, [Lengths.Length], 2), TestContext.Current.CancellationToken);
        var beside = Train(device, Grouped, [Lengths.Length], 1);
        await company;
        Assert.Equal(whole.Sums, beside.Sums);
        Assert.Equal(whole.Parameters, beside.Parameters);
        var cut = Train(device, Grouped, [1, 3, Lengths.Length], 1);                // 64 + 64 rows, then the rest
        Assert.Equal(whole.Sums, cut.Sums);
        Assert.Equal(whole.Parameters, cut.Parameters);
        card.Check();
    }

    [Theory, InlineData(false), InlineData(true)]
    public void What_is_drawn_has_the_log_probabilities_that_training_computes(bool half)
    {
        using CudaDevice device = card.Open(!half);
        using var model = new Transformer(device, Grouped, 128, training: false);
        model.Initialise(6);
        using var sampler = new BatchSampler(model, endOfText: 0, Grouped.VocabSize, 3);
        SampleRequest[] requests = [.. Enumerable.Range(0, 5).Select(i => new SampleRequest([0, .. Enumerable.Range(1, 1 + 9 * i)], 30, i))];
        SampledReply[] replies = [.. requests.Select(_ => new SampledReply())], alone = [.. requests.Select(_ => new SampledReply())];
        sampler.Draw(requests, new SamplingRule(), 3, replies);
        for (int i = 0; i < requests.Length; i++)
        {
            sampler.Draw([requests[i]], new SamplingRule(), 3, [alone[i]]);
            Assert.Equal(replies[i].Tokens.ToArray(), alone[i].Tokens.ToArray());
            Assert.Equal(replies[i].LogProbs.ToArray(), alone[i].LogProbs.ToArray());
            int[] prompt = requests[i].Prompt, tokens = [.. prompt, .. replies[i].Tokens];
            var batch = new Batch(128, 1);
            batch.BeginSequence();
            for (int t = 0; t + 1 < tokens.Length; t++) batch.Add(tokens[t], tokens[t + 1], 1);
            var nll = new float[batch.Rows];
            model.Nll(batch, nll);
            Assert.Equal(nll[(prompt.Length - 1)..].Select(x => -x), replies[i].LogProbs.ToArray());
        }
        card.Check();
    }

    [Fact]
    public void Draws_are_those_of_the_definition()
    {
        using CudaDevice device = card.Open(single: true);
        using var reference = new ReferenceDevice();
        var random = new Random(3);
        const int Rows = 200, V = 150;
        float[] logits = [.. Enumerable.Range(0, Rows * V).Select(_ => 6 * random.NextSingle())];
        RandomKey[] keys = [.. Enumerable.Range(0, Rows).Select(i => new RandomKey((1L << 46) + 77L * i, 3 * i))];
        foreach (SamplingRule rule in (SamplingRule[])[new(), new(0), new(0.5f), new(1, 5), new(0.7f, 20, 0.9f), new(1, 0, 0.8f)])
        {
            SampledToken[] expected = Draw(reference, rule), got = Draw(device, rule);
            // A uniform that falls on a border within a rounding of the sums may go to the neighbour: 150·2⁻²⁴ of the draws.
            Assert.Equal(expected.Select(t => t.Token), got.Select(t => t.Token));
            Assert.All(expected.Zip(got), p => Assert.Equal(p.First.LogProb, p.Second.LogProb, 1e-5f));
        }
        card.Check();

        SampledToken[] Draw(IDevice on, SamplingRule rule)
        {
            using var memory = new DeviceMemory(on);
            DeviceSpan<float> there = memory.Allocate<float>(logits.Length);
            DeviceSpan<RandomKey> draws = memory.Allocate<RandomKey>(Rows);
            DeviceSpan<SampledToken> into = memory.Allocate<SampledToken>(Rows);
            on.Upload(logits, there);
            on.Upload(keys, draws);
            on.Sample(there, rule, 9, draws, into, V);
            var drawn = new SampledToken[Rows];
            on.Download(into, drawn);
            return drawn;
        }
    }

    [Fact]
    public void What_is_downloaded_arrives_whatever_the_collector_moves()
    {
        using CudaDevice device = card.Open(single: true);
        using var memory = new DeviceMemory(device);
        DeviceSpan<int> there = memory.Allocate<int>(100), work = memory.Allocate<int>(100_000);
        int[] sent = [.. Enumerable.Range(1, 100)];
        device.Upload(sent, there);
        bool done = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                GC.Collect(1, GCCollectionMode.Forced, blocking: true, compacting: true);
                Thread.Sleep(1);                                  // others run in this process
            }
        });
        collector.Start();
        try
        {
            for (int i = 0; i < 20; i++)
            {
                int[] hole = new int[7 * i], got = new int[sent.Length];
                GC.KeepAlive(hole);
                device.Clear(work);                               // something to wait for
                device.Download(there, got);
                Assert.Equal(sent, got);
            }
        }
        finally
        {
            Volatile.Write(ref done, true);
            collector.Join();
        }
    }

    static Batch EqualSequences(int rows, int each)
    {
        var batch = new Batch(rows, rows / each);
        for (int r = 0; r < rows; r++)
        {
            if (r % each == 0) batch.BeginSequence();
            batch.Add(r % 61, r * 7 % 61, 1);
        }
        return batch;
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_step_that_comes_again_is_one_launch_and_allocates_nothing(bool behind)
    {
        using CudaDevice device = card.Open(single: true);
        using var model = new Transformer(device, Grouped, Lengths.Sum(), training: true);
        using var optimiser = new Optimizer(model);
        model.Initialise(1);
        Batch[] batches = [Sequences(Grouped, [0, 1, 2]), EqualSequences(128, 64), EqualSequences(128, 32)];     // as many rows
        long graphs = 0, single = 0, told = 0, bytes = 0;
        var read = new (double Loss, double Norm)[6];
        for (int step = 1; step <= 6; step++)
        {
            Batch batch = batches[behind ? step % batches.Length : 0];
            ((single, graphs, told), bytes) = (device.Launches, GC.GetAllocatedBytesForCurrentThread());
            model.ClearGradients();
            model.LossAndGradient(batch, 128);
            model.FinishGradients();
            var rule = new AdamWStep(1e-2f / step, 0.9f, 0.95f, 1e-8f, 0.1f, step, Clip: 1);
            if (behind) optimiser.StepBehind(rule, step - 1);
            else read[step - 1] = optimiser.Step(rule);
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            if (step < 4) continue;
            Assert.Equal(0, bytes);
            Assert.Equal((single, graphs + 1), (device.Launches.Single, device.Launches.Graphs));
            Assert.InRange(device.Launches.Told - told, 1, 3);    // the rate, where the step's sums go, which room the tokens lie in
        }
        if (behind) optimiser.ReadBehind(read);
        Assert.All(read, r => Assert.True(r.Loss > 0 && double.IsFinite(r.Loss + r.Norm)));
        if (!behind) for (int step = 1; step < 6; step++) Assert.InRange(read[step].Loss, 0, read[step - 1].Loss);     // the same batch again and again
        card.Check();
    }

    /// <summary>A plan leaves out scales of norms, log-sums and lists: less than a tenth here.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void A_model_takes_the_memory_that_its_plan_says(bool half)
    {
        Plan plan = Plan.Make(Config.Load(null, ["corpus=c", "train.steps=5", "train.batch_tokens=1024", "model.context_len=64", "model.d_model=64", "model.n_layer=2",
            "model.n_head=2", "train.shards=2"]), new("c", 512, 1_000_000, 10_000, 3, "hash"));
        using var counting = new CountingDevice(card.Open(single: !half));
        using var model = new Transformer(counting, plan.Model, plan.BatchTokens, training: true, plan.Shards, plan.PassTokensOn(counting.Traits));
        MemoryPlan says = plan.MemoryOn(counting.Traits);
        long planned = says.Total - says.Moments;
        Assert.InRange(counting.Held, planned, planned * 11 / 10);
    }

    public static TheoryData<string> Fixtures => [.. GoldenTests.Fixtures().Select(f => f.Data.Item1).Distinct()];

    [Theory, MemberData(nameof(Fixtures))]
    public void Golden_ten_steps(string fixture) => new GoldenTests().Golden_ten_steps(fixture, card.Name(single: true));
}
