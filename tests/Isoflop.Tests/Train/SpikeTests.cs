using Isoflop.Lab.Failures;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

/// <summary>What train.spikes does about a loss that jumps, and save.beside about the time of saves.</summary>
public class SpikeTests
{
    // Noise in the text stays where it is, so the fault strikes every life of the run.
    const string Noise = "data@121@5";

    static TrainResult Train(TinyHome home, string fault, int? until, params string[] settings)
    {
        using var stop = new CancellationTokenSource();
        Workspace here = home.Here.Reporting(p => { if (p.Done == until) stop.Cancel(); }) with { Stop = stop.Token };
        return Trainer.Train(home.Config(["train.steps=200", "eval.every=0", "train.batch_tokens=256", .. settings]),
            fault.Length > 0 ? Injector.In(here, Fault.Parse(fault)) : here);
    }

    static (string, int)[] Events(TinyHome home) => [.. RunFolder.ReadEvents(home.RunPath()).Select(e => (e.Event, e.Step))];

    [Theory]
    [InlineData("skip", "spike 121, spike 122, spike 123"), InlineData("clip", "spike 121, spike 122, spike 123"), InlineData("rewind", "rewind 100")]
    public void A_spike_is_dealt_with_alike_whenever_the_run_stops(string way, string events)
    {
        string[] settings = [$"train.spikes={way}", "save.every=50"];
        using TinyHome whole = new(), parts = new(), calm = new(), watched = new();
        Train(whole, Noise, null, settings);
        Assert.Equal($"start 0, {events}, done 200", string.Join(", ", Events(whole).Select(e => $"{e.Item1} {e.Item2}")));
        foreach (int step in (int[])[60, 122, 125]) Train(parts, Noise, step, settings);
        Train(parts, Noise, null, settings);
        Assert.Equal(whole.Model(200), parts.Model(200));
        Assert.Equal(whole.Optimizer(200), parts.Optimizer(200));
        Assert.Equal(whole.Rows(), parts.Rows());
        Train(calm, "", null);
        Train(watched, "", null, settings);
        Assert.Equal(calm.Model(200), watched.Model(200));        // where nothing jumps it changes nothing
    }

    [Fact]
    public void A_batch_of_NaN_is_left_out()
    {
        using var home = new TinyHome();
        Assert.True(Train(home, "nan@121@1", null, "train.spikes=clip").Done);
        Assert.Equal([("start", 0), ("spike", 121), ("done", 200)], Events(home));
        Assert.Null(RunFolder.ReadSteps(home.RunPath())[120].Loss);
    }

    [Fact]
    public void A_rewind_needs_checkpoints()
    {
        using var home = new TinyHome();
        Assert.Contains("train.spikes=rewind needs checkpoints to go back to: set save.every; try save.every=100",
            Assert.Throws<ConfigException>(() => Train(home, "", null, "train.spikes=rewind")).Message);
    }

    [Fact]
    public void What_is_written_beside_is_what_was_copied_and_training_goes_on_meanwhile()
    {
        using TinyHome plain = new(), beside = new();
        plain.Train("save.every=4");
        int step = 0, seen = 0;
        Workspace here = (beside.Here with
        {
            CreateFile = (path, _) =>
            {
                if (path.Contains(".step-000004", StringComparison.Ordinal) && path.EndsWith(ModelFolder.ModelFile, StringComparison.Ordinal))
                {
                    Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref step) >= 7, TimeSpan.FromMinutes(1)));
                    seen = step;
                }
                return File.Create(path);
            },
        }).Reporting(p => { if (p.Stage == "train") Volatile.Write(ref step, (int)p.Done); });
        Trainer.Train(beside.Config("save.every=4", "save.beside=true"), here);
        Assert.InRange(seen, 7, 8);                               // the next save waits for the last
        foreach (int at in (int[])[4, 8, 12])
        {
            Assert.Equal(plain.Model(at), beside.Model(at));
            Assert.Equal(plain.Optimizer(at), beside.Optimizer(at));
            Checkpoint.Verify(beside.StepPath(at));
        }
        Assert.Equal(plain.Rows(), beside.Rows());
    }

    [Fact]
    public void A_disk_that_fills_beside_is_told_and_what_was_saved_stays()
    {
        using TinyHome home = new(), whole = new();
        whole.Train();
        string message = Assert.Throws<DataException>(() => Trainer.Train(home.Config("save.every=3", "save.beside=true"),
            home.Here with
            {
                CreateFile = (path, _) => path.Contains("000006", StringComparison.Ordinal)
                    ? throw new IOException("No space left on device") : File.Create(path),
            })).Message;
        Assert.Contains("step-000006: cannot be saved: No space left on device", message);
        Assert.Contains("Last good checkpoint: step-000003", message);
        Assert.Equal([3], Checkpoint.StepsIn(home.RunPath()));
        home.Train("save.every=3", "save.beside=true");
        Assert.Equal(whole.Model(12), home.Model(12));
    }
}
