using Isoflop.Tests.Nn;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

[Collection(nameof(Alone))]
public class TrainerAllocationTests
{
    [Theory, InlineData("train.eps=1e-8"), InlineData("train.check_every=2")]
    public void Ten_steps_allocate_nothing(string setting)
    {
        using var home = new TinyHome();
        long before = 0, after = 0;
        Trainer.Train(home.Config("train.steps=20", "eval.every=0", setting), (home.Here with { Threads = 2 }).Reporting(p =>
        {
            if (p.Done == 6) before = GC.GetTotalAllocatedBytes(precise: true);
            if (p.Done == 16) after = GC.GetTotalAllocatedBytes(precise: true);
        }));
        Assert.True(before > 0);
        Assert.Equal(0, after - before);
    }
}
