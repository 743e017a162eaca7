using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Nn;

/// <summary>Tests that count what the whole process allocates run beside no others.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

[Collection(nameof(Alone))]
public class AllocationTests
{
    [Theory, InlineData(Precision.F32), InlineData(Precision.Bf16Pairs), InlineData(Precision.Bf16Tiles)]
    public void Ten_training_steps_allocate_nothing_on_any_thread(Precision precision)
    {
        using var device = new CpuDevice(2, precision == Precision.F32 ? null : Multiplication.Defined(precision));
        ModelConfig config = SameBitsTests.Grouped with { ContextLen = 40, VocabSize = 50 };
        var model = new Transformer(device, config, 80, training: true);
        var optimiser = new Optimizer(model);
        model.Initialise(1);
        Batch batch = SameBitsTests.Sequences(config, [3, 3]);
        Step(1);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int step = 2; step <= 11; step++) Step(step);
        Assert.Equal(0, GC.GetTotalAllocatedBytes(precise: true) - before);

        void Step(int step)
        {
            model.ClearGradients();
            model.LossAndGradient(batch, batch.Rows);
            model.FinishGradients();
            optimiser.Step(new(1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, step, Clip: 1));
        }
    }
}
