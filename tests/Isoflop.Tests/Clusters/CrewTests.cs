using System.Diagnostics;
using Isoflop.Cli;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Tests.Studies;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Clusters;

public class CrewTests
{
    static string Table(TinyHome home) => string.Join('\n', File.ReadLines(Path.Combine(new Workspace(home.Path).StudyFolder("t"), Study.ResultsFile))
        .Select(l => l[..l.LastIndexOf(',')]));                         // but its last column, which is time

    static Workspace Join(TinyHome home, CrewRecord crew, string name, CancellationToken stop = default) =>
        Crew.Join(new Workspace(home.Path) { Threads = 1, Stop = stop }, new Workspace(home.Path).StudyFolder("t"), name, crew.Token);

    [Fact]
    public void Workers_train_a_study_to_the_table_that_one_process_makes()
    {
        using TinyHome alone = new(), shared = new();
        LadderRecipe recipe = LadderTests.Tiny() with { Tune = new() { Flops = 2e7, TransferFlops = 1e8 } };
        Ladder.Run(recipe, new(alone.Path), workers: 1);
        CrewRecord crew = Crew.Begin(new Workspace(shared.Path).StudyFolder("t"), "local:3", 3, 20);
        Exception? wrong = null;
        Thread[] threads = [.. Enumerable.Range(1, 3).Select(i => new Thread(() =>
        {
            try
            {
                Workspace here = Join(shared, crew, $"w{i}");
                using Worker self = here.Claims!.Worker;
                Assert.Empty(Ladder.Run(recipe, here, workers: 1).Failed);
            }
            catch (Exception e)
            {
                wrong = e;
            }
        }, 16 << 20))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.Null(wrong);
        Assert.Equal(Table(alone), Table(shared));
        string[] ended = [.. Directory.GetFiles(Path.Combine(new Workspace(shared.Path).StudyFolder("t"), "claims")).Select(f => Path.GetFileName(f)!)];
        Assert.All(ended, f => Assert.Matches(@"\.000001(\.done)?$", f));       // each run once
        IReadOnlyList<WorkerCard> cards = Worker.AllOf(new Workspace(shared.Path).StudyFolder("t"));
        Assert.Equal(ended.Length / 2, cards.Sum(c => c.Done));
        Assert.All(cards, c => Assert.Equal("ended", c.State));
    }

    [Fact]
    public void Who_lost_the_fence_writes_nothing_that_anybody_reads()
    {
        using var home = new TinyHome();
        string study = new Workspace(home.Path).StudyFolder("t");
        CrewRecord crew = Crew.Begin(study, "local:2", 2, 1);
        Workspace first = Join(home, crew, "a"), second = Join(home, crew, "b");
        using Worker a = first.Claims!.Worker, b = second.Claims!.Worker;
        Assert.Equal(ClaimAnswer.Won, first.Claims.Try("r", () => false, out Claim? old));
        RunConfig run = Config.Load(null, "corpus=tiny", "name=r", "model.d_model=8", "model.n_layer=1", "model.n_head=1", "model.context_len=16",
            "train.steps=30", "train.batch_tokens=32", "save.every=10");
        int steps = 0;
        Claim? newer = null;
        // In the middle of a step the first sleeps through its lease; the second takes the run, and trains it to its end.
        Workspace sleeper = first.Reporting(_ =>
        {
            if (++steps != 15) return;
            File.WriteAllText(Path.Combine(study, "claims", "r.000001.stopped"), "");
            second.Claims!.Look();
            Assert.Equal(ClaimAnswer.Won, second.Claims.Try("r", () => false, out newer));
            Assert.True(Trainer.Train(run, second with { Fence = newer }).Done);
        }) with
        { Fence = old };
        Assert.Throws<FenceLostException>(() => Trainer.Train(run, sleeper));
        string folder = home.RunPath("r");
        Assert.Equal(Enumerable.Range(1, 30), RunFolder.ReadSteps(folder).Select(r => r.Step));
        Assert.Single(RunFolder.ReadValid(folder), v => v.Whole);
        Assert.True(JsonLines.Verify(Path.Combine(folder, RunFolder.MetricsFile)));
        Assert.Equal(2, Checkpoint.ReadState(Path.Combine(folder, Checkpoint.NameOf(30))).Claim);
        Assert.Empty(Directory.GetFileSystemEntries(folder, "*.tmp"));
    }

    [Fact]
    public void A_home_that_is_another_and_workers_that_are_at_work_are_said()
    {
        using TinyHome home = new(), other = new();
        string study = new Workspace(home.Path).StudyFolder("t");
        CrewRecord crew = Crew.Begin(study, "local:1", 1, 5);
        Assert.Contains("shared", Assert.Throws<ConfigException>(() => Join(other, crew, "a")).Message);
        using (Join(home, crew, "a").Claims!.Worker)
        {
            Assert.Contains("isoflop cancel t", Assert.Throws<ConfigException>(() => Crew.Begin(study, "local:1", 1, 5)).Message);
            Assert.Contains("at work", Assert.Throws<ConfigException>(() => Ladder.Run(LadderTests.Tiny(), new(home.Path))).Message);
        }
        Crew.Begin(study, "local:1", 1, 5);
    }

    [Fact]
    public void Cancelled_workers_save_and_give_their_runs_back()
    {
        using var home = new TinyHome();
        string study = new Workspace(home.Path).StudyFolder("t");
        CrewRecord crew = Crew.Begin(study, "local:1", 1, 1);
        Workspace here = Join(home, crew, "a");
        using Worker self = here.Claims!.Worker;
        bool asked = false;
        // seconds long: progress is told five times a second
        LadderRecipe recipe = LadderTests.Tiny() with { MaxEpochs = 1e6, Rungs = [new() { Budgets = "1e11", Seeds = 1, Sizes = 1 }] };
        Assert.Throws<OperationCanceledException>(() => Ladder.Run(recipe, here.Reporting(p =>
        {
            if (p.Detail is not LadderProgress { Running: [{ Step: > 2 }] } || asked) return;
            asked = true;
            Crew.Cancel(study);
            SpinWait.SpinUntil(() => self.Cancelled.IsCancellationRequested, 20_000);
        }), workers: 1));
        Assert.Contains(Directory.GetFiles(Path.Combine(study, "claims")), f => f.EndsWith(".000001.stopped", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("moon"), InlineData("local:0"), InlineData("local:x"), InlineData("ssh:/no/such/file"), InlineData("slurm:4")]
    public void What_cannot_run_workers_is_said(string on) =>
        Assert.Contains($"--on {on}", Assert.Throws<ConfigException>(() => Site.Parse(on, 0, 1, "", "")).Message);

    [Fact]
    public void Slurms_options_belong_to_slurm() => Assert.Contains("--partition",
        Assert.Throws<ConfigException>(() => Site.Parse("local", 0, 1, "main", "")).Message);

    [Theory]
    [InlineData("plain/word-1.0", "plain/word-1.0"), InlineData("two words", "'two words'"), InlineData("it's", @"'it'\''s'"), InlineData("", "''")]
    public void Words_reach_the_shell_as_they_are(string word, string quoted) => Assert.Equal(quoted, Launch.Quote(word));

    [Fact]
    public void A_job_array_is_handed_to_sbatch_and_its_refusal_is_one_line()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell");
        using var home = new TinyHome();
        string study = new Workspace(home.Path).StudyFolder("t"), tools = Path.Combine(home.Path, "tools"), fake = Path.Combine(tools, "sbatch");
        Directory.CreateDirectory(tools);
        CrewRecord crew = Crew.Begin(study, "slurm", 3, 90);
        var launch = new Launch(Site.Parse("slurm", 3, 2, "main", "00:10:00"), ["/bin/isoflop", "ladder", "my study"], study, crew) { Tools = tools };
        Assert.Contains("no 'sbatch'", Assert.Throws<ConfigException>(() => launch.Submit()).Message);
        Write("#!/bin/sh\ncat \"$2\" > \"$0.got\"\necho '42;cluster'\n");
        Assert.Equal("42", launch.Submit());
        string script = File.ReadAllText(fake + ".got");
        foreach (string line in (string[])["#SBATCH --array=1-3", "#SBATCH --cpus-per-task=2", "#SBATCH --partition=main", "#SBATCH --time=00:10:00",
            "#SBATCH --signal=B:USR1@60", "#SBATCH --requeue", $"/bin/isoflop ladder 'my study' --worker \"slurm-$SLURM_ARRAY_TASK_ID\" --crew {crew.Token} &"])
            Assert.Contains(line + "\n", script);
        Write("#!/bin/sh\necho 'sbatch: error: invalid partition specified: moon' >&2\necho 'sbatch: error: Batch job submission failed' >&2\nexit 1\n");
        string said = Assert.Throws<ConfigException>(() => launch.Submit()).Message;
        Assert.Contains("invalid partition specified: moon", said);
        Assert.DoesNotContain('\n', said);

        void Write(string text)
        {
            File.WriteAllText(fake, text);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(fake, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
