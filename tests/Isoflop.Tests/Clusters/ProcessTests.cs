using System.Diagnostics;
using System.Globalization;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Clusters;

/// <summary>Workers as processes: killed, and under a real Slurm.</summary>
public sealed class ProcessTests : IDisposable
{
    const string Study = "t";

    readonly TinyHome home = new();
    readonly string recipe;

    public ProcessTests()
    {
        recipe = Path.Combine(home.Path, "t.json");
        File.WriteAllText(recipe, """
            {"name":"t","corpus":"tiny","settings":["model.context_len=32","train.warmup=0.1"],"widths":[8,16,24],"min_steps":20,
             "rungs":[{"budgets":"1e8,1e9,3e9","seeds":2,"sizes":2}],"max_epochs":1000,"tokens_per_parameter":1,"spacing":4}
            """);
    }

    string Folder => new Workspace(home.Path).StudyFolder(Study);

    /// <summary>The table without its last column, which is time.</summary>
    static string Table(string home) => string.Join('\n', File.ReadLines(Path.Combine(new Workspace(home).StudyFolder(Study), Lab.Studies.Study.ResultsFile))
        .Select(l => l[..l.LastIndexOf(',')]));

    string TableOfOne()
    {
        using var alone = new TinyHome();
        Ladder.Run(LadderRecipe.Load(recipe), new(alone.Path), workers: 2);
        return Table(alone.Path);
    }

    (int Code, string Err) Run(Action<Process>? meanwhile, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), .. args, "--home", home.Path])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        while (meanwhile is not null && !process.HasExited) meanwhile(process);
        process.WaitForExit();
        return (process.ExitCode, error.Result + output.Result);
    }

    [Fact]
    public void Workers_that_are_killed_again_and_again_end_with_the_table_of_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "starts workers by a shell");
        var random = new Random(1);
        int kills = 0;
        (int code, string said) = Run(_ =>
        {
            Thread.Sleep(1500);
            WorkerCard[] alive = [.. Worker.AllOf(Folder).Where(c => !Worker.IsGone(c))];
            if (kills == 6 || alive.Length == 0) return;
            using Process victim = Process.GetProcessById(alive[random.Next(alive.Length)].Pid);
            victim.Kill();
            kills++;
        }, "ladder", recipe, "--yes", "--on", "local:3", "--lease", "2");
        Assert.True(code == 0, said);
        Assert.True(kills > 0);
        Assert.Equal(TableOfOne(), Table(home.Path));
        string[] done = [.. Directory.GetFiles(Path.Combine(Folder, "claims"), "*.done").Select(f => Path.GetFileName(f)!.Split(".0000")[0])];
        Assert.Equal(done.Distinct().Count(), done.Length);               // none twice
        // one that was killed between a run's end and the claim's leaves a run that is done without a word
        Assert.InRange(done.Length, Table(home.Path).Count(c => c == '\n') - kills, Table(home.Path).Count(c => c == '\n'));
    }

    [Fact]
    public void Seeds_of_one_recipe_are_taught_by_workers_as_by_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "starts workers by a shell");
        string[] args = ["teach", "name=p", "tasks=parity:1", "items=200", "model.d_model=16", "model.n_layer=1", "model.n_head=1", "train.steps=5"];
        (int code, string said) = Run(null, [.. args, "--seeds", "2", "--on", "local:2"]);
        Assert.True(code == 0, said);
        using var alone = new TinyHome();
        RunConfig settings = Config.Load(null, args[4..]);
        Teach.Run(TeachRecipe.Load(null, ["name=p.s2", "tasks=parity:1", "items=200", "seed=2"]), settings, new(alone.Path) { Threads = 1 });
        Assert.Equal(File.ReadAllBytes(Path.Combine(alone.RunPath("p.s2"), Checkpoint.NameOf(5), "model.safetensors")),
            File.ReadAllBytes(Path.Combine(home.RunPath("p.s2"), Checkpoint.NameOf(5), "model.safetensors")));
        Assert.True(Directory.Exists(home.RunPath("p.s1")));
        (code, said) = Run(null, ["teach", "tasks=parity:1", "--seeds", "2"]);
        Assert.Equal(2, code);
        Assert.Contains("name=NAME", said);
    }

    [Fact]
    public void A_job_array_of_a_real_Slurm_trains_a_study()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root" && File.Exists("/usr/sbin/slurmctld"),
            "needs Slurm (Debian: slurm-wlm, munge) and root");
        using var slurm = new LocalSlurm();
        (int code, string said) = Run(null, "ladder", recipe, "--yes", "--on", "slurm", "--workers", "2", "--partition", "moon");
        Assert.Equal(2, code);
        Assert.Contains("invalid partition specified: moon", said);
        (code, said) = Run(null, "ladder", recipe, "--yes", "--on", "slurm", "--workers", "2", "--partition", "main", "--time", "00:10:00");
        Assert.True(code == 0, said);
        Assert.True(SpinWait.SpinUntil(() =>
        {
            Thread.Sleep(500);
            return Worker.AllOf(Folder) is { Count: 2 } cards && cards.All(Worker.IsGone);
        }, TimeSpan.FromMinutes(3)), string.Join('\n', Directory.GetFiles(Path.Combine(Folder, "workers"), "*.log").Select(File.ReadAllText)));
        Assert.Equal(TableOfOne(), Table(home.Path));
        (code, said) = Run(null, "workers", Study);
        Assert.Equal(0, code);
        Assert.Contains($"{Table(home.Path).Count(c => c == '\n')} runs done", said);
    }

    [Fact]
    public void Ranks_of_a_real_mpirun_train_the_run_of_one_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/mpirun"), "needs Open MPI (Debian: openmpi-bin)");
        string[] args = ["train", "corpus=tiny", "name=r", "model.d_model=16", "model.n_layer=1", "model.n_head=1", "model.context_len=16",
            "train.steps=30", "train.batch_tokens=128", "train.shards=4"];
        using var alone = new TinyHome();
        Trainer.Train(Config.Load(null, args[1..]), new(alone.Path) { Threads = 1 });
        (int code, string said) = Mpi(2, [.. args, "train.shards=1"]);
        Assert.Equal(2, code);
        Assert.Contains("2 ranks do not divide train.shards=1", said);
        (code, said) = Mpi(3, args);
        Assert.Equal(2, code);
        Assert.Contains("power of two", said);
        (code, said) = Mpi(2, args);
        Assert.True(code == 0, said);
        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(alone.RunPath("r"), Checkpoint.NameOf(30), file)),
                File.ReadAllBytes(Path.Combine(home.RunPath("r"), Checkpoint.NameOf(30), file)));
    }

    /// <summary>Of four ranks one stops, dies, or is slow: the job ends, or goes on, with its name; and the same command finishes.</summary>
    [Theory]
    [InlineData("STOP", "rank 2 gives no answer for 3 s"), InlineData("KILL", "mpirun noticed that process rank 2"),
        InlineData("", "rank 2 takes ")]
    public void A_rank_that_hangs_dies_or_is_slow_is_named(string signal, string want)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/mpirun"), "needs Open MPI (Debian: openmpi-bin)");
        string[] args = ["train", "corpus=tiny", "name=r", "model.d_model=16", "model.n_layer=1", "model.n_head=1", "model.context_len=16",
            "train.steps=3000", "train.batch_tokens=64", "train.shards=4", "save.every=500", "--rank-seconds", "3"];
        if (signal.Length == 0) args[7] = "train.steps=300";
        (int code, string said) = signal.Length > 0 ? Mpi(4, args, meanwhile: job => Strike(signal, job))
            : Mpi(4, args, ["--fault", "slow@40@1"], rank: 2);
        string events = File.ReadAllText(Path.Combine(home.RunPath("r"), "events.jsonl"));
        Assert.Contains(want, said + events);
        Assert.True(code == 0 == (signal.Length == 0), $"{code}: {said}");
    }

    /// <summary>Once the run has rows, a signal to its third rank, which mpirun's child processes are in order.</summary>
    void Strike(string signal, Process job)
    {
        string rows = Path.Combine(home.RunPath("r"), "metrics.jsonl");
        Assert.True(SpinWait.SpinUntil(() => job.HasExited || File.Exists(rows) && new FileInfo(rows).Length > 2000, TimeSpan.FromMinutes(2)));
        int[] ranks = [.. File.ReadAllText($"/proc/{job.Id}/task/{job.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(int.Parse).Order()];
        using Process kill = Process.Start("/bin/kill", [$"-{signal}", $"{ranks[2]}"]);
    }

    (int Code, string Said) Mpi(int ranks, string[] args, string[]? other = null, int rank = 0, Action<Process>? meanwhile = null)
    {
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), .. args, "--home", home.Path, "--threads", "1"];
        string[] all = other is not { Length: > 0 } ? ["-np", $"{ranks}", .. command]
            : ["-np", $"{rank}", .. command, ":", "-np", "1", .. command, .. other, ":", "-np", $"{ranks - rank - 1}", .. command];
        var start = new ProcessStartInfo("/usr/bin/mpirun", ["--allow-run-as-root", "--oversubscribe", .. all])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        meanwhile?.Invoke(process);
        process.WaitForExit();
        return (process.ExitCode, error.Result + output.Result);
    }

    public void Dispose() => home.Dispose();

    /// <summary>Slurm on this host alone, without systemd, on ports of its own.</summary>
    sealed class LocalSlurm : IDisposable
    {
        readonly string folder = Directory.CreateTempSubdirectory("isoflop-slurm-").FullName;
        readonly List<Process> daemons = [];
        readonly string? before = Environment.GetEnvironmentVariable("SLURM_CONF");

        public LocalSlurm()
        {
            string host = Environment.MachineName, conf = Path.Combine(folder, "slurm.conf");
            foreach (string name in (string[])["state", "spool", "log"]) Directory.CreateDirectory(Path.Combine(folder, name));
            File.WriteAllText(conf, string.Create(CultureInfo.InvariantCulture, $"""
                ClusterName=isoflop
                SlurmctldHost={host}(127.0.0.1)
                SlurmctldPort={FreePort()}
                SlurmdPort={FreePort()}
                SlurmUser=root
                SlurmdUser=root
                AuthType=auth/munge
                AuthInfo=socket={folder}/munge.socket
                MpiDefault=none
                ProctrackType=proctrack/linuxproc
                TaskPlugin=task/none
                SelectType=select/cons_tres
                SelectTypeParameters=CR_Core
                SchedulerType=sched/backfill
                JobAcctGatherType=jobacct_gather/none
                AccountingStorageType=accounting_storage/none
                ReturnToService=2
                SlurmctldPidFile={folder}/slurmctld.pid
                SlurmdPidFile={folder}/slurmd.pid
                StateSaveLocation={folder}/state
                SlurmdSpoolDir={folder}/spool
                SlurmctldLogFile={folder}/log/slurmctld.log
                SlurmdLogFile={folder}/log/slurmd.log
                SchedulerParameters=sched_interval=1,sched_min_interval=10000,batch_sched_delay=0,bf_interval=1
                NodeName={host} NodeAddr=127.0.0.1 CPUs={Environment.ProcessorCount} RealMemory=1000 State=UNKNOWN
                PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP

                """));
            Environment.SetEnvironmentVariable("SLURM_CONF", conf);
            // A munged of its own: whatever runs, or was left, on this machine. It may not be root's: --force makes that a warning.
            string key = Path.Combine(folder, "munge.key");
            File.WriteAllBytes(key, System.Security.Cryptography.RandomNumberGenerator.GetBytes(64));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(key, UnixFileMode.UserRead);
                File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
            }
            daemons.Add(Process.Start("/bin/sh", ["-c", $"exec munged --force --foreground --socket={folder}/munge.socket --key-file={key} " +
                $"--pid-file={folder}/munge.pid --log-file={folder}/munge.log --seed-file={folder}/munge.seed > {folder}/log/munged.log 2>&1"]));
            daemons.Add(Process.Start("/bin/sh", ["-c", "exec slurmctld -D > /dev/null 2>&1"]));
            Thread.Sleep(1000);
            daemons.Add(Process.Start("/bin/sh", ["-c", "exec slurmd -D > /dev/null 2>&1"]));
            bool up = SpinWait.SpinUntil(() =>
            {
                Thread.Sleep(500);
                return Wait("sinfo", "-h", "-o", "%t").Trim() == "idle";
            }, TimeSpan.FromSeconds(60));
            if (up) return;
            string said = string.Join('\n', Directory.GetFiles(Path.Combine(folder, "log")).SelectMany(File.ReadLines)
                .Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase) || l.Contains("fatal", StringComparison.Ordinal)).TakeLast(12));
            Dispose();
            Assert.Fail("Slurm does not come up: " + said);
        }

        static int FreePort()
        {
            using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
            listener.Start();
            return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        }

        static string Wait(string program, params string[] args)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string said = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return said;
        }

        public void Dispose()
        {
            foreach (Process daemon in daemons)
            {
                daemon.Kill();
                daemon.WaitForExit();
                daemon.Dispose();
            }
            Environment.SetEnvironmentVariable("SLURM_CONF", before);
            Directory.Delete(folder, recursive: true);
        }
    }
}
