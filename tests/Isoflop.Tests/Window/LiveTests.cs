using System.Text.Json;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Isoflop.Web;
using Isoflop.Web.Home;
using Isoflop.Web.Pages;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>A home that changes while it is watched.</summary>
public sealed class LiveTests
{
    static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Runs_appear_grow_and_go_while_they_are_watched()
    {
        using var home = new TinyHome();
        await using WebHost host = await WebHost.Start(home.Here, new() { Port = 0 });
        using var client = new HttpClient { BaseAddress = new(host.Address), Timeout = patience };
        using var stop = new CancellationTokenSource(patience);
        using var reader = new StreamReader(await client.GetStreamAsync("/api/live", stop.Token));
        var there = new Dictionary<string, RunLine>();

        async Task Until(Func<bool> enough)
        {
            while (!enough())
            {
                string line = await reader.ReadLineAsync(stop.Token) ?? throw new EndOfStreamException();
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                HomeChange change = JsonSerializer.Deserialize(line[6..], PagesJson.Default.HomeChange)!;
                if (change.Whole) there.Clear();
                foreach (string name in change.Gone) there.Remove(name);
                foreach (RunLine run in change.Runs) there[run.Name] = run;
            }
        }

        await Until(() => true);
        home.TrainUntil(5, "name=a");
        await Until(() => there.GetValueOrDefault("a") is { Step: 5, Status: "stopped" });    // seen earlier it still runs
        Assert.Equal((12, "tiny"), (there["a"].Steps, there["a"].Corpus));
        home.Train("name=a");
        await Until(() => there["a"].Status == "done");
        Assert.Equal(12, there["a"].Step);
        Assert.NotNull(there["a"].ValidLoss);
        Directory.Delete(home.RunPath("a"), recursive: true);
        await Until(() => !there.ContainsKey("a"));
    }

    [Fact]
    public async Task A_run_that_died_without_a_last_event_is_stopped_not_running()
    {
        using var home = new TinyHome();
        string events = Path.Combine(home.RunPath(), RunFolder.EventsFile), card = Path.Combine(home.RunPath(), FolderLock.HolderFile);
        string? beat = null;
        Trainer.Train(home.Config(), home.Here.Reporting(_ => beat ??= File.ReadAllText(card)));
        Directory.Delete(home.StepPath(12), recursive: true);
        File.WriteAllText(events, File.ReadAllLines(events)[0] + "\n");
        File.WriteAllText(card, beat!.Replace($"\"pid\":{Environment.ProcessId}", "\"pid\":2147483000"));
        var studies = new StudyIndex(home.Here);
        var index = new RunIndex(home.Here, studies, () => new("", "", false, 0, true, 0, 0, [], [], [], [], []));
        using var stop = new CancellationTokenSource();
        Task following = Task.Run(() => index.Follow(stop.Token));
        await index.Changed(1, patience, stop.Token);
        while (index.Find("run") is null) await Task.Delay(20);
        Assert.Equal("stopped", index.Find("run")!.Status);
        File.WriteAllText(card, beat);                            // our own process is alive
        while (index.Find("run")!.Status != "running") await Task.Delay(20);
        Assert.Equal(Environment.ProcessId, index.Find("run")!.Pid);
        await stop.CancelAsync();
        await following;
    }

    [Fact]
    public async Task A_run_that_is_broken_is_listed_with_its_problem_and_a_hostile_name_is_only_a_name()
    {
        using var home = new TinyHome();
        const string Hostile = "<img src=x onerror=alert(1)>";
        foreach (string name in (string[])[Hostile, "empty", "newer"]) Directory.CreateDirectory(Path.Combine(home.Here.Runs, name));
        File.WriteAllText(Path.Combine(home.Here.Runs, "newer", RunRecord.FileName), "{ \"format_version\": 99 }");
        await using WebHost host = await WebHost.Start(home.Here, new() { Port = 0 });
        using var client = new HttpClient { BaseAddress = new(host.Address) };
        HomeChange change;
        do change = JsonSerializer.Deserialize(await client.GetStringAsync("/api/home"), PagesJson.Default.HomeChange)!;
        while (change.Runs.Count < 3);
        Assert.All(change.Runs, r => Assert.Equal("broken", r.Status));
        Assert.Contains("format version 99", change.Runs.Single(r => r.Name == "newer").Problem);
        Assert.Contains(change.Runs, r => r.Name == Hostile);
    }
}
