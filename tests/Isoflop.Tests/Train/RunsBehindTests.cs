using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Store;
using Isoflop.Tests.Kernels;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

/// <summary>Training on a device that works on while its caller lays out the next steps: losses are read once in many steps.</summary>
public sealed class RunsBehindTests
{
    const string Device = "behind";

    /// <summary>The last one that was opened.</summary>
    static CountingDevice opened = null!;

    static RunsBehindTests() => Devices.Register(Device, threads => opened = new(new CpuDevice(threads)) { RunsBehind = true });

    static TrainResult Train(TinyHome home, Workspace here, params string[] overrides) =>
        Trainer.Train(home.Config(["train.steps=40", "eval.every=0", .. overrides]), here with { Device = Device });

    // A clock that stands: no reading because time has passed.
    static Workspace Timeless(TinyHome home) => home.Here with { Clock = new StandingClock() };

    sealed class StandingClock : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }

    [Fact]
    public void Losses_are_read_once_in_many_steps_and_nothing_else_shows()
    {
        using TinyHome plain = new(), home = new();
        plain.Train("train.steps=40", "eval.every=0");
        int readings = 0;
        Train(home, Timeless(home).Reporting(p => readings = p.Done == 40 ? opened.Downloads : readings));
        Assert.Equal(2, readings);                                // 32 and 8 steps
        Assert.Equal(plain.Rows(), home.Rows());
        Assert.Equal(plain.Model(40), home.Model(40));
        Assert.Equal(plain.Optimizer(40), home.Optimizer(40));
    }

    [Fact]
    public void A_stop_between_two_readings_loses_nothing()
    {
        using TinyHome plain = new(), home = new();
        plain.Train("train.steps=40", "eval.every=7", "save.every=9");
        using (var stop = new CancellationTokenSource())
            Assert.False(Train(home, (Timeless(home) with { Stop = stop.Token }).Reporting(p => { if (p.Done == 5) stop.Cancel(); }), "eval.every=7", "save.every=9").Done);
        Train(home, Timeless(home), "eval.every=7", "save.every=9");
        Assert.Equal(plain.Rows(), home.Rows());
        foreach (int step in (int[])[9, 18, 27, 36, 40]) Assert.Equal(plain.Model(step), home.Model(step));
    }

    [Fact]
    public void A_loss_that_is_no_number_names_its_own_step()
    {
        using TinyHome plain = new(), home = new();
        string there = Broken(plain, () => plain.Train("train.steps=40", "eval.every=0")),
            here = Broken(home, () => Train(home, Timeless(home) with { AllowOtherBits = true }));
        Assert.Contains("step 5: loss is NaN; first bad tensor 'model.embed_tokens.weight' (weights)", there);
        Assert.Equal(there.Replace(plain.Path, ""), here.Replace(home.Path, ""));
        Assert.Equal(plain.Rows(), home.Rows());
        Assert.Equal([4], Checkpoint.StepsIn(home.RunPath()));

        static string Broken(TinyHome home, Action train)
        {
            home.TrainUntil(4, "train.steps=40", "eval.every=0");
            home.Spoil(4, "model.embed_tokens.weight");
            return Assert.Throws<DataException>(train).Message;
        }
    }
}
