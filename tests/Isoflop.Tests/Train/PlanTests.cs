using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Tests.Kernels;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class PlanTests
{
    static readonly CorpusFacts Facts = new("c", 512, 1_000_000, 10_000, 3, "hash");

    static Plan Make(params string[] overrides) => Plan.Make(Config.Load(null, ["corpus=c", .. overrides]), Facts);

    static string MessageOf(params string[] overrides) => Assert.Throws<ConfigException>(() => Make(overrides)).Message;

    /// <summary>Two more shards take what the plan says, to the bytes of some lists.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_shard_has_gradients_and_with_a_tied_head_those_of_the_embedding_apart(bool tied)
    {
        long Planned(int shards) => Plan.Make(Config.Load(null, ["corpus=c", "train.steps=5", "train.batch_tokens=512", "model.context_len=64",
            "model.d_model=64", "model.n_layer=1", "model.n_head=2", $"model.tied_head={(tied ? "true" : "false")}", $"train.shards={shards}"]),
            new("c", 512, 1_000_000, 10_000, 3, "hash")).Memory.Gradients;
        long Held(int shards)
        {
            using var counting = new CountingDevice(Devices.Open("cpu", 1));
            using var model = new Transformer(counting, new() { VocabSize = 512, ContextLen = 64, DModel = 64, NLayer = 1, NHead = 2, TiedHead = tied },
                512, training: true, shards);
            return counting.Held;
        }
        long planned = Planned(4) - Planned(2);
        Assert.InRange(Held(4) - Held(2), planned, planned + 4096);
    }

    [Fact]
    public void Flops_are_those_of_the_loops()
    {
        var c = new ModelConfig { VocabSize = 11, ContextLen = 7, DModel = 12, NLayer = 2, NHead = 3, NKvHead = 1, DFf = 20 };
        int[] offsets = [0, 3, 4, 9];
        double qkv = 0, attention = 0, output = 0, mlp = 0, head = 0;
        for (int sequence = 0; sequence + 1 < offsets.Length; sequence++)
            for (int t = offsets[sequence]; t < offsets[sequence + 1]; t++)
            {
                for (int layer = 0; layer < 2; layer++)
                {
                    qkv += 2 * 12 * (12 + 4 + 4);
                    // 3 heads of 4: q·k, p·v
                    for (int seen = offsets[sequence]; seen <= t; seen++) attention += 3 * (2 * 4 + 2 * 4);
                    output += 2 * 12 * 12;
                    mlp += 3 * 2 * 12 * 20;
                }
                head += 2 * 12 * 11;
            }
        FlopCount got = Flops.Forward(c, 9, Flops.Pairs(offsets));
        Assert.Equal(new FlopCount(0, qkv, attention, output, mlp, head), got);
        Assert.Equal(3 * got.Total, Flops.Training(c, 9, Flops.Pairs(offsets)).Total);
    }

    [Fact]
    public void Training_is_about_six_flops_a_parameter_and_token()
    {
        var c = new ModelConfig { VocabSize = 512, ContextLen = 64, DModel = 512, NLayer = 16, NHead = 16 };
        double ratio = Flops.TrainingPerToken(c).Total / (6.0 * ComputeOptimal.ParametersWithoutEmbedding(c));
        Assert.InRange(ratio, 1.0, 1.05);                        // attention's part and the gains are the rest
    }

    [Theory]
    [InlineData(1e10), InlineData(1e11), InlineData(1e12), InlineData(1e13), InlineData(1e14), InlineData(1e15), InlineData(1e17)]
    public void The_dial_spends_its_budget_at_twenty_tokens_a_parameter(double flops)
    {
        var facts = Facts with { TrainTokens = 1L << 40 };
        Plan plan = Plan.Make(Config.Load(null, "corpus=c", $"flops={flops:R}", "model.context_len=128"), facts);
        Assert.InRange(plan.FlopsByLayer.Total / flops, 0.97, 1.03);                        // whole updates
        if (flops >= 1e11) Assert.InRange((double)plan.Tokens / plan.ParametersWithoutEmbedding, 20 / 2.6, 20 * 2.6);
        Assert.True(plan.Steps >= 200, $"{plan.Steps} steps");
        Assert.Equal(0, plan.BatchTokens % 128);
        Assert.Equal(0, plan.Model.DModel % 16);
        Assert.Null(plan.Config.Flops);
        // resolved settings resolve to themselves
        Assert.Equal(plan.Config.Name, Plan.Make(plan.Config with { Name = null }, facts).Config.Name);
    }

    [Fact]
    public void More_flops_never_buy_a_smaller_model_nor_fewer_tokens()
    {
        int width = 0;
        for (double flops = 1e9; flops < 1e17; flops *= 1.7)
        {
            ModelConfig model = ComputeOptimal.Resolve(flops, new() { VocabSize = 512 }).Model.Shape();
            Assert.True(model.DModel >= width, $"{model.DModel} at {flops}");
            width = model.DModel;
        }
        Assert.True(width >= 256, $"{width}");
    }

    [Fact]
    public void What_is_given_stays_and_the_dial_sets_the_rest()
    {
        Plan plan = Make("flops=1e12", "model.d_model=64", "model.n_layer=7", "train.learning_rate=0.5",
            "train.batch_tokens=512");
        Assert.Equal((64, 7, 0.5, 512), (
            plan.Model.DModel, plan.Model.NLayer, plan.LearningRate, plan.BatchTokens));
        Assert.InRange(plan.FlopsByLayer.Total, 0.97e12, 1.03e12);
    }

    [Fact]
    public void The_rate_knows_width_batch_and_length()
    {
        double At(int width, int batch, double tokens) => ComputeOptimal.LearningRate(width, batch, tokens);
        Assert.Equal(ComputeOptimal.BaseLearningRate,
            At(ComputeOptimal.BaseWidth, ComputeOptimal.MinBatchTokens, ComputeOptimal.BaseTokens), 12);
        // Three digits are kept: half a unit of the third, twice.
        Assert.Equal(Math.Pow(4, ComputeOptimal.BatchExponent), At(64, 2048, 1e6) / At(64, 512, 1e6), 0.02);
        Assert.Equal(Math.Pow(16, -ComputeOptimal.DurationExponent), At(64, 512, 16e6) / At(64, 512, 1e6), 0.01);
        Assert.Equal(Math.Pow(4, -ComputeOptimal.WidthExponent), At(256, 512, 1e6) / At(64, 512, 1e6), 0.01);
        // A plan has it, by the tokens that it trains on.
        Plan plan = Make("flops=1e12", "model.context_len=128");
        Assert.Equal(At(plan.Model.DModel, plan.BatchTokens, plan.Tokens), plan.LearningRate);
        Plan longer = Make("train.steps=10000", "train.batch_tokens=1024"), shorter = Make("train.steps=100", "train.batch_tokens=1024");
        Assert.Equal(Math.Pow(100, -ComputeOptimal.DurationExponent), longer.LearningRate / shorter.LearningRate, 0.01);
    }

    [Fact]
    public void A_layer_has_some_thirty_two_channels()
    {
        int before = 0;
        foreach (int width in (int[])[16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 192, 256, 512, 1024])
        {
            ModelConfig shape = ComputeOptimal.Resolve(1e12, new() { VocabSize = 512, DModel = width }).Model.Shape();
            Assert.True(shape.NLayer >= before);
            before = shape.NLayer;
            if (width >= 64) Assert.InRange((double)width / shape.NLayer, 32 / 1.21, 32);      // 80 channels, 3 layers: 26.7
        }
    }

    [Fact]
    public void Steps_and_tokens_are_two_ways_to_say_one_length()
    {
        Plan a = Make("train.steps=100", "train.batch_tokens=1024"), b = Make("train.tokens=102400", "train.batch_tokens=1024");
        Assert.Equal((100, 102_400L, a.Config.Name), (b.Steps, b.Tokens, b.Config.Name));
        Assert.Equal(102_400.0 / 999_936, a.Epochs, 1e-12);      // 3906 windows of 256
    }

    [Theory]
    [InlineData("model.context_len=1000000",
        "model.context_len=1000000 is longer than the corpus: 'c' has 1000000 training tokens; try 524288")]
    [InlineData("train.batch_tokens=300", "train.batch_tokens=300 must be a multiple of model.context_len=256; try 256")]
    [InlineData("train.micro_tokens=100", "train.micro_tokens=100 must hold one window")]
    [InlineData("model.vocab_size=100", "model.vocab_size=100 is below the 512 tokens of corpus 'c'")]
    [InlineData("model.n_head=5", "model.n_head=5 must divide model.d_model=128")]
    public void A_plan_that_cannot_be_is_refused(string setting, string message) =>
        Assert.StartsWith(message, MessageOf("train.steps=5", "train.batch_tokens=1024", setting)[..]);

    [Fact]
    public void Micro_batches_cover_the_batch()
    {
        Plan plan = Make("train.steps=5", "train.batch_tokens=2560", "train.micro_tokens=1000", "train.shards=2");
        Assert.Equal((10, 3 * plan.Model.ContextLen, 4), (plan.Windows, plan.PassTokens, plan.Passes));
    }

    [Fact]
    public void The_batch_is_a_power_of_two_times_the_context()
    {
        for (double tokens = 1e3; tokens < 1e12; tokens *= 3)
            foreach (int context in new[] { 96, 128, 256 })
            {
                int rows = ComputeOptimal.BatchTokens(tokens, context) / context;
                Assert.True(System.Numerics.BitOperations.IsPow2(rows));
                Assert.True(rows == 1 || (double)rows * context * ComputeOptimal.MinSteps <= tokens * 1.42, $"{rows} rows of {context} for {tokens}");
            }
    }

    [Fact]
    public void The_schedule_rises_stays_and_falls()
    {
        var wsd = new Schedule(new() { LearningRate = 1, Warmup = 0.1, Decay = 0.2, MinLr = 0.1 }, 100);
        Assert.Equal([0.1, 0.5, 1, 1, 1], new[] { 0, 4, 9, 10, 79 }.Select(wsd.LearningRate).Select(x => Math.Round(x, 12)));
        Assert.True(wsd.LearningRate(80) < 1 && wsd.LearningRate(90) < wsd.LearningRate(80));
        Assert.InRange(wsd.LearningRate(99), 0.1, 0.13);
        var cosine = new Schedule(new() { LearningRate = 2, Warmup = 0, Schedule = ScheduleKind.Cosine }, 100);
        Assert.Equal([2, 1], new[] { 0, 50 }.Select(cosine.LearningRate).Select(x => Math.Round(x, 12)));
    }
}
