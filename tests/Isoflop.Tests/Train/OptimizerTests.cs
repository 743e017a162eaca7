using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Tests.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class OptimizerTests
{
    static readonly ModelConfig Shape = SameBitsTests.Grouped with { VocabSize = 50, ContextLen = 40, DModel = 24, NHead = 2, NKvHead = 1, DHead = 12, DFf = 40 };

    public static TheoryData<OptimizerKind> Kinds => [OptimizerKind.Adamw, OptimizerKind.Muon, OptimizerKind.Adamh, OptimizerKind.Muonh];

    /// <summary>A model's weights before and after so many steps, tensor by tensor.</summary>
    static Dictionary<string, (float[] Before, float[] After, Param Param)> Run(IDevice device, OptimizerKind kind, int steps, bool tied = false,
        float rate = 1e-3f, float decay = 0.1f)
    {
        ModelConfig config = Shape with { TiedHead = tied };
        using var model = new Transformer(device, config, 80, training: true);
        using var optimizer = new Optimizer(model, kind);
        model.Initialise(1);
        float[] before = All(), after;
        Batch batch = SameBitsTests.Sequences(config, [3, 3]);
        for (int step = 1; step <= steps; step++)
        {
            model.ClearGradients();
            model.LossAndGradient(batch, batch.Rows);
            model.FinishGradients();
            Assert.True(double.IsFinite(optimizer.Step(new(rate, 0.9f, 0.95f, 1e-8f, decay, step, Clip: 1)).Norm));
        }
        after = All();
        return model.Table.All.ToDictionary(p => p.Name, p => (Of(before, p), Of(after, p), p));

        static float[] Of(float[] all, Param p) => all[(int)p.Offset..(int)(p.Offset + p.Length)];

        float[] All()
        {
            var all = new float[model.Table.Length];
            device.Download(model.Params, all);
            return all;
        }
    }

    static double Norm(IEnumerable<float> x) => Math.Sqrt(x.Sum(v => (double)v * v));

    static double Moved(float[] a, float[] b) => Norm(a.Zip(b, (x, y) => y - x));

    [Theory, MemberData(nameof(Kinds))]
    public void The_fast_device_and_the_definition_agree(OptimizerKind kind)
    {
        foreach (bool tied in new[] { false, true })
        {
            using IDevice fast = new CpuDevice(2), plain = new ReferenceDevice();
            var a = Run(fast, kind, 2, tied);
            // Two first steps: no second moment is that of a few noisy products alone, so directions are well conditioned. A step
            // moves an element by 1e-3 times what 485 roundings of Newton-Schulz, or a quotient of two sums, may change: a hundredth.
            foreach ((string name, (float[] _, float[] after, Param _)) in Run(plain, kind, 2, tied))
                Assert.True(Moved(a[name].After, after) <= 0.01 * Moved(a[name].Before, after), name);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Embedding_head_and_gains_are_adamws(OptimizerKind kind)
    {
        using IDevice device = new CpuDevice(1);
        var adamw = Run(device, OptimizerKind.Adamw, 1);
        foreach ((string name, (float[] _, float[] after, Param p)) in Run(device, kind, 1))
            if (kind == OptimizerKind.Adamw || !name.Contains("proj")) Assert.Equal(adamw[name].After, after);
            else Assert.NotEqual(adamw[name].After, after);
    }

    [Fact]
    public void Adamh_and_muonh_keep_the_norm_of_every_layers_matrix_and_turn_it_by_one_angle()
    {
        using IDevice device = new CpuDevice(1);
        const float Rate = 0.01f;
        double angle = 0.2 * Rate * Math.Sqrt(Shape.DModel);
        foreach (OptimizerKind kind in new[] { OptimizerKind.Adamh, OptimizerKind.Muonh })
        {
            foreach ((string name, (float[] before, float[] after, Param p)) in Run(device, kind, 1, rate: Rate).Where(t => t.Key.Contains("proj")))
            {
                Assert.Equal(1, Norm(after) / Norm(before), 1e-6);
                // a step of length η from a sphere of radius one, and back to it: at most η, and √(2 − 2/√(1 + η²)) where it is tangent
                double moved = Moved(before, after) / Norm(before);
                Assert.InRange(moved, 0.9 * angle, angle * 1.0001);
            }
            foreach ((string name, (float[] before, float[] after, Param p)) in Run(device, kind, 50, rate: Rate).Where(t => t.Key.Contains("proj")))
                Assert.Equal(1, Norm(after) / Norm(before), 1e-5);
        }
    }

    [Fact]
    public void Muons_steps_are_as_long_as_their_rule_says()
    {
        using IDevice device = new CpuDevice(1);
        const float Rate = 0.01f;
        foreach ((string name, (float[] before, float[] after, Param p)) in Run(device, OptimizerKind.Muon, 1, rate: Rate, decay: 0).Where(t => t.Key.Contains("proj")))
        {
            // Nearly orthogonal: a Frobenius norm of √min(rows, cols) times singular values of at most 1.14; those of a gradient
            // that are nearly nothing stay below.
            double most = 0.2 * Rate * Math.Sqrt((double)p.Rows * p.Cols);
            Assert.InRange(Moved(before, after) / most, 0.5, 1.14);
        }
        var decayed = Run(device, OptimizerKind.Muon, 1, rate: Rate, decay: 0.5f);
        foreach ((string name, (float[] before, float[] after, Param p)) in Run(device, OptimizerKind.Muon, 1, rate: Rate, decay: 0).Where(t => t.Key.Contains("proj")))
            for (int i = 0; i < before.Length; i++) Assert.Equal(after[i] - 0.5 * Rate * before[i], decayed[name].After[i], 1e-7);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_gradient_that_is_no_number_changes_nothing_and_one_of_zeros_no_layer(OptimizerKind kind)
    {
        using IDevice device = new CpuDevice(1);
        using var model = new Transformer(device, Shape, 80, training: true);
        using var optimizer = new Optimizer(model, kind);
        model.Initialise(1);
        float[] before = new float[model.Table.Length], after = new float[model.Table.Length];
        device.Download(model.Params, before);
        var rule = new AdamWStep(1e-2f, 0.9f, 0.95f, 1e-8f, 0, 1, Clip: 1);
        model.ClearGradients();
        model.FinishGradients();
        device.Upload([float.NaN], model.Gradients);
        Assert.False(double.IsFinite(optimizer.Step(rule).Norm));
        device.Download(model.Params, after);
        Assert.Equal(before, after);
        device.Upload([0f], model.Gradients);
        Assert.True(double.IsFinite(optimizer.Step(rule).Norm));
        device.Download(model.Params, after);
        for (int i = 0; i < after.Length; i++) Assert.Equal(before[i], after[i], 1e-6 * Math.Abs(before[i]));
    }

    [Theory]
    [InlineData("muon"), InlineData("adamh"), InlineData("muonh")]
    public void Threads_and_kills_do_not_change_a_bit(string kind)
    {
        using TinyHome whole = new(), parts = new();
        string[] settings = [$"train.optimizer={kind}", "train.shards=2"];
        whole.Train(settings);
        foreach (int step in new[] { 1, 5 }) Assert.False(parts.TrainUntil(step, settings).Done);
        Assert.True(Trainer.Train(parts.Config(settings), parts.Here with { Threads = 3 }).Done);
        Assert.Equal(whole.Model(12), parts.Model(12));
        Assert.Equal(whole.Optimizer(12), parts.Optimizer(12));
        Assert.Equal(whole.Rows(), parts.Rows());
    }

    [Fact]
    public void Each_learns_at_adamws_rate_and_they_are_different_runs()
    {
        List<double> losses = [];
        foreach (string kind in new[] { "adamw", "muon", "adamh", "muonh" })
        {
            using var home = new TinyHome();
            losses.Add(home.Train("train.steps=150", "eval.every=0", $"train.optimizer={kind}").ValidLoss);
        }
        Assert.All(losses, loss => Assert.InRange(loss, 1.0, 2.4));         // as TrainerTests has it of AdamW
        Assert.Equal(4, losses.Distinct().Count());
    }

    [Fact]
    public void Muons_products_are_on_the_ledger_and_come_out_of_the_budget()
    {
        using var home = new TinyHome();
        TrainResult adamw = home.Train("name=a"), muon = home.Train("name=m", "train.optimizer=muon");
        // q, k, v, o 16×16, gate and up 64×16, down 16×64: five times 4·s²·l + 2·s³, two layers, twelve steps.
        double update = 2 * 5 * (4 * 6.0 * 4096 + 3 * (4 * 256 * 64 + 2 * 4096));
        Assert.Equal(12 * update, muon.Ledger.Train.Flops - adamw.Ledger.Train.Flops);
        Assert.Equal(12 * update, Trainer.PlanOf(home.Config("train.optimizer=muon"), home.Here).FlopsByLayer.Update);

        Plan Of(string kind) => Trainer.PlanOf(home.Config("train.optimizer=" + kind) with { Flops = 1e9, Train = home.Config("train.optimizer=" + kind).Train with { Steps = null } }, home.Here);
        Assert.True(Of("muon").Tokens < Of("adamh").Tokens);
        // both within the half step that a length is rounded to
        foreach (string kind in new[] { "muon", "adamh" })
            Assert.Equal(1e9, Of(kind).FlopsByLayer.Total, Of(kind).FlopsByLayer.Total / Of(kind).Steps);
    }

    [Fact]
    public void A_fork_with_another_optimizer_is_refused_since_moments_would_mean_other_things()
    {
        using var home = new TinyHome();
        home.Train("name=a", "train.optimizer=muon");
        RunConfig fork = Config.Load(null, "from=a@12", "from_mode=fork", "name=b", "train.steps=5");
        Assert.True(Trainer.Train(fork, home.Here).Done);
        Assert.Contains("optimizer: must be that of from=a@12", Assert.Throws<ConfigException>(() =>
            Trainer.Train(fork with { Name = "c", Train = fork.Train with { Optimizer = OptimizerKind.Adamw } }, home.Here)).Message);
    }
}

[Collection(nameof(Alone))]
public class OptimizerAllocationTests
{
    [Theory]
    [InlineData("muon"), InlineData("adamh"), InlineData("muonh")]
    public void Ten_steps_allocate_nothing(string kind)
    {
        using var home = new TinyHome();
        long before = 0, after = 0;
        Trainer.Train(home.Config("train.steps=20", "eval.every=0", $"train.optimizer={kind}"), (home.Here with { Threads = 2 }).Reporting(p =>
        {
            if (p.Done == 6) before = GC.GetTotalAllocatedBytes(precise: true);
            if (p.Done == 16) after = GC.GetTotalAllocatedBytes(precise: true);
        }));
        Assert.True(before > 0);
        Assert.Equal(0, after - before);
    }
}
