using Isoflop.Lab.Failures;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

/// <summary>Silent corruption: what train.check_every finds, when, and what it must not change.</summary>
public class StepCheckTests
{
    static TrainResult Train(TinyHome home, string fault, params string[] settings) =>
        Trainer.Train(home.Config(settings), Injector.In(home.Here, Fault.Parse(fault)));

    static void EndsAsUndisturbed(TinyHome home, params string[] settings)
    {
        using var whole = new TinyHome();
        whole.Train();
        home.Train(settings);
        Assert.Equal(whole.Model(12), home.Model(12));
        Assert.Equal(whole.Optimizer(12), home.Optimizer(12));
        Assert.Equal(whole.Rows(), home.Rows());
    }

    [Theory, InlineData("weight@7@1"), InlineData("weight@8@2"), InlineData("moment@7@3"), InlineData("moment@7@4")]
    public void A_bit_that_flips_in_memory_is_found_in_its_step(string fault)
    {
        using TinyHome silent = new(), home = new(), whole = new();
        whole.Train();
        try
        {
            Train(silent, fault);
            Assert.NotEqual((whole.Model(12), whole.Optimizer(12)), (silent.Model(12), silent.Optimizer(12)));
        }
        catch (DataException e)
        {
            Assert.Contains("not finite", e.Message.Replace("is NaN", "not finite").Replace("is Infinity", "not finite"));
        }
        string[] settings = ["train.check_every=100", "save.every=6"];
        string message = Assert.Throws<DataException>(() => Train(home, fault, settings)).Message;
        int step = Fault.Parse(fault).Step;
        Assert.Contains($"step {step}: weights or moments have changed while nothing wrote them: memory or arithmetic of this host fails. " +
            "Last good checkpoint: step-000006; the same command goes on from it", message);
        Assert.Equal(("corruption", step), (RunFolder.ReadEvents(home.RunPath())[^1].Event, RunFolder.ReadEvents(home.RunPath())[^1].Step));
        EndsAsUndisturbed(home, settings);
    }

    [Theory]
    [InlineData("gradient@8@1", 8), InlineData("gradient@5@1", 0), InlineData("core@5@1", 8), InlineData("core@8@1", 8), InlineData("core@9@1", 12)]
    public void Arithmetic_that_errs_is_found_at_the_next_step_that_is_computed_twice(string fault, int found)
    {
        using var home = new TinyHome();
        if (found == 0)
        {
            using var whole = new TinyHome();
            whole.Train();
            Train(home, fault, "train.check_every=4");
            Assert.NotEqual(whole.Model(12), home.Model(12));                  // once, between two checks: the docs say so
            return;
        }
        string message = Assert.Throws<DataException>(() => Train(home, fault, "train.check_every=4")).Message;
        Assert.Contains($"step {found}: computed twice, it has other bits each time", message);
        EndsAsUndisturbed(home, "train.check_every=4");
    }

    [Fact]
    public void What_is_saved_was_computed_twice()
    {
        using TinyHome steps = new(), clock = new();
        Assert.Contains("step 6: computed twice", Assert.Throws<DataException>(() =>
            Train(steps, "core@4@1", "train.check_every=100", "save.every=6")).Message);
        Assert.Empty(Checkpoint.StepsIn(steps.RunPath()));
        Assert.Contains("step 4: computed twice", Assert.Throws<DataException>(() =>
            Train(clock, "core@4@1", "train.check_every=100", "save.minutes=1e-9")).Message);
        Assert.Equal([1, 2, 3], Checkpoint.StepsIn(clock.RunPath()));
    }

    [Theory, InlineData("train.optimizer=adamw"), InlineData("train.optimizer=muon"), InlineData("model.tied_head=true")]
    public void Checks_change_neither_bits_nor_names(string setting)
    {
        using TinyHome a = new(), b = new();
        TrainResult plain = Trainer.Train(a.Config(setting) with { Name = null }, a.Here),
            checkedTwice = Trainer.Train(b.Config(setting, "train.check_every=3") with { Name = null }, b.Here with { Threads = 2 });
        Assert.Equal(plain.Name, checkedTwice.Name);
        Assert.Equal(a.Model(12, plain.Name), b.Model(12, plain.Name));
        Assert.Equal(a.Optimizer(12, plain.Name), b.Optimizer(12, plain.Name));
        Assert.Equal(a.Rows(plain.Name), b.Rows(plain.Name));
    }

    [Fact]
    public void A_run_goes_on_with_other_checks()
    {
        using var home = new TinyHome();
        home.TrainUntil(5, "train.check_every=2");
        EndsAsUndisturbed(home, "train.check_every=5");
    }

    [Fact]
    public void A_spike_is_told_from_noise()
    {
        var watch = new SpikeWatch();
        var random = new Rng(1, RandomPurpose.Test);
        for (int i = 0; i < 2000; i++) Assert.False(watch.IsSpike(3 + 2.0 / (1 + i) + 0.05 * random.NextNormal()));      // P < 2000 · 1e-9
        Assert.False(watch.IsSpike(3.2));
        Assert.True(watch.IsSpike(3.5));
        Assert.True(watch.IsSpike(double.NaN));
        Assert.InRange(watch.Median, 2.98, 3.02);                 // of 128: a standard error of 1.25 · .05 / √128 = .006
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) watch.IsSpike(3);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        for (int i = 1; i < SpikeWatch.InARow; i++) Assert.True(watch.IsSpike(9));      // they are not remembered
        Assert.False(watch.IsSpike(3));
        for (int i = 0; i < SpikeWatch.InARow; i++) Assert.True(watch.IsSpike(9));
        Assert.False(watch.IsSpike(9));                           // a new level
    }
}
