using Isoflop.Lab.Runs;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Runs;

public class RunStoreTests
{
    [Fact]
    public void Runs_are_listed_with_what_they_came_to()
    {
        using var home = new TinyHome();
        TrainResult done = home.Train("name=a");
        home.TrainUntil(5, "name=b");
        Directory.CreateDirectory(home.RunPath("c"));
        File.WriteAllText(Path.Combine(home.RunPath("c"), RunRecord.FileName), "{ \"format_version\": 7 }");

        List<RunSummary> runs = [.. new RunStore(new(home.Path)).List().OrderBy(r => r.Name)];
        Assert.Equal(["a done", "b stopped", "c broken"], runs.Select(r => $"{r.Name} {r.Status}"));
        Assert.Equal((12, 12, 12 * 128L, done.Loss, done.ValidLoss, done.BitsPerByte, "tiny"),
            (runs[0].Step, runs[0].Steps, runs[0].Tokens, runs[0].Loss!.Value, runs[0].ValidLoss!.Value,
                runs[0].BitsPerByte!.Value, runs[0].Corpus));
        Assert.Equal((5, 12), (runs[1].Step, runs[1].Steps));
        Assert.Contains("format version 7", runs[2].Problem);
    }

    [Fact]
    public void A_run_under_way_is_running_and_a_dead_one_stopped()
    {
        using var home = new TinyHome();
        string? status = null, beat = null;
        string events = Path.Combine(home.RunPath(), RunFolder.EventsFile), card = Path.Combine(home.RunPath(), FolderLock.HolderFile);
        Trainer.Train(home.Config(), home.Here.Reporting(p =>
        {
            status ??= new RunStore(home.Here).Find("run").Status;
            beat ??= File.ReadAllText(card);
        }));
        Assert.Equal("running", status);
        Assert.False(File.Exists(card));                         // let go of
        // As kill -9 leaves it: no event says that it ended, and the last checkpoint was not saved.
        Directory.Delete(home.StepPath(12), recursive: true);
        File.WriteAllText(events, File.ReadAllLines(events)[0] + "\n");
        File.WriteAllText(card, beat);
        var store = new RunStore(home.Here);
        Assert.Equal("running", store.Find("run").Status);
        Assert.Equal("stopped", new RunStore(home.Here with { Clock = new Later() }).Find("run").Status);
        File.WriteAllText(card, beat!.Replace($"\"pid\":{Environment.ProcessId}", "\"pid\":2147483000"));
        Assert.Equal("stopped", store.Find("run").Status);
        File.WriteAllText(card, beat!.Replace($"\"host\":\"{Environment.MachineName}\"", "\"host\":\"elsewhere\""));
        Assert.Equal("running", store.Find("run").Status);       // of another host there is only the beat
        File.Delete(card);
        Assert.Equal("stopped", store.Find("run").Status);
    }

    sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddSeconds(Holder.DeadSeconds + 1);
    }

    [Fact]
    public void A_home_without_runs_has_none() => Assert.Empty(new RunStore(new("/nowhere/at/all")).List());
}
