using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Lab.Clusters;
using Isoflop.Store;

namespace Isoflop.Cli;

/// <summary>Where workers are to run, as --on names it.</summary>
/// <param name="Engine">"local", "ssh" or "slurm"</param> <param name="Hosts">of ssh, a line each; "" is this host</param>
/// <param name="Cpus">threads of each worker</param> <param name="Partition">of Slurm</param>
/// <param name="Time">of Slurm, as it takes it; empty: the partition's</param>
sealed record Site(string Engine, IReadOnlyList<string> Hosts, int Cpus, string Partition, string Time)
{
    /// <summary>Reads --on.</summary>
    /// <param name="workers">0: one a core here, four on Slurm, one a host by ssh</param>
    /// <exception cref="ConfigException">No such engine, or no such file of hosts.</exception>
    public static Site Parse(string on, int workers, int cpus, string partition, string time)
    {
        string[] parts = on.Split(':', 2);
        if (cpus < 1) throw new ConfigException($"--cpus {cpus} must be at least 1: threads of each worker");
        if (parts[0] != "slurm" && (partition.Length > 0 || time.Length > 0))
            throw new ConfigException($"--partition and --time are Slurm's; --on {on} has none");
        switch (parts[0])
        {
            case "local":
                int count = workers > 0 ? workers : Math.Max(1, Environment.ProcessorCount / cpus);
                if (parts.Length > 1 && !(int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out count)
                    && count is > 0 and <= 1024))
                    throw new ConfigException($"--on {on}: '{parts[1]}' must be a number of workers from 1 to 1024");
                return new("local", [.. Enumerable.Repeat("", count)], cpus, "", "");
            case "slurm" when parts.Length == 1:
                return new("slurm", [.. Enumerable.Repeat("", workers > 0 ? workers : 4)], cpus, partition, time);
            case "ssh" when parts.Length == 2:
                if (!File.Exists(parts[1]))
                    throw new ConfigException($"--on {on}: there is no file {parts[1]}; it names a host a line, as ssh takes it");
                string[] hosts = [.. File.ReadLines(parts[1]).Select(l => l.Split('#')[0].Trim()).Where(l => l.Length > 0)];
                if (hosts.FirstOrDefault(h => h.StartsWith('-') || h.Any(char.IsWhiteSpace)) is { } wrong)
                    throw new ConfigException($"{parts[1]}: '{wrong}' is no host; a line is HOST or USER@HOST");
                return hosts.Length == 0 ? throw new ConfigException($"{parts[1]} names no host; a line is HOST or USER@HOST")
                    : new("ssh", [.. Enumerable.Repeat(hosts, Math.Max(1, workers / hosts.Length)).SelectMany(h => h)], cpus,
                        "", "");
            default:
                throw new ConfigException($"--on {on} must be local, local:N, slurm or ssh:FILE of hosts");
        }
    }

    /// <summary>Name of a worker.</summary>
    public string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{Engine}-{index + 1}");
}

/// <summary>Starts workers and, where they are children of this process, stays with them.</summary>
/// <param name="command">program and arguments of one worker, without its name</param>
/// <param name="folder">of the study</param>
sealed class Launch(Site site, IReadOnlyList<string> command, string folder, CrewRecord crew)
{
    const int Restarts = 1000, Beginnings = 3, Interrupted = 130;

    /// <summary>Folder of Slurm's commands; empty: the path's.</summary>
    internal string Tools { get; init; } = "";

    IEnumerable<string> CommandOf(string name) => [.. command, "--worker", name, "--crew", crew.Token];

    string LogOf(string name) => Path.Combine(folder, Worker.CardsFolder, name + ".log");

    /// <summary>Runs the workers as children until all are done. One that is killed is started again.</summary>
    /// <param name="tell">workers that are there, every half second</param>
    /// <returns>what went wrong, a line a worker</returns>
    /// <exception cref="ConfigException">None came up.</exception>
    public IReadOnlyList<string> Attend(Action<int> tell, CancellationToken stop)
    {
        List<string> wrong = [];
        int never = 0;
        var children = site.Hosts.Select((host, i) => (Host: host, Name: site.NameOf(i), Restarts: 0)).ToDictionary(w =>
            Start(w.Host, w.Name), w => w);
        while (children.Count > 0)
        {
            if (stop.IsCancellationRequested && !Crew.IsCancelled(folder)) Crew.Cancel(folder);
            foreach ((Process child, (string host, string name, int restarts)) in children.ToList())
            {
                if (!child.HasExited) continue;
                int code = child.ExitCode;
                children.Remove(child);
                child.Dispose();
                if (code is 0 or Interrupted || Crew.IsCancelled(folder)) continue;
                // 2: a user's mistake, which the log tells; anything else: killed, or the way to its host is cut.
                // One that never got as far as its card will not at the next start either: no such host, no program there.
                bool began = Worker.CardOf(folder, name).Length > 0;
                if (!began && restarts == Beginnings) never++;
                if (code == 2 || restarts == (began ? Restarts : Beginnings))
                    wrong.Add($"{name}{(host.Length > 0 ? $" on {host}" : "")}: {LastLine(name)}");
                else children[Start(host, name)] = (host, name, restarts + 1);
            }
            tell(children.Count);
            Thread.Sleep(500);
        }
        return never < site.Hosts.Count ? wrong
            : throw new ConfigException($"no worker came up; {wrong[0]}; {LogOf(site.NameOf(0))} has it all");
    }

    string LastLine(string name)
    {
        using var log = new StreamReader(new FileStream(LogOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return log.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault("it said nothing");
    }

    Process Start(string host, string name)
    {
        string line = $"exec {Quoted(CommandOf(name))}";
        if (host.Length > 0)
            line = $"exec ssh -o BatchMode=yes {Quote(host)} {Quote($"cd {Quote(Directory.GetCurrentDirectory())} && {line}")}";
        return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{line} >> {Quote(LogOf(name))} 2>&1"]))!;
    }

    /// <summary>
    /// Hands the workers to Slurm as one job array. Before its time is up a worker is told to save; it gives its run back and
    /// asks to be queued again.
    /// </summary>
    /// <returns>number of the job</returns>
    /// <exception cref="ConfigException">There is no Slurm, or it refuses.</exception>
    public string Submit()
    {
        string script = Path.Combine(folder, Worker.CardsFolder, "slurm.sh");
        WholeFile.Write(script, Script());
        (int code, string output, string error) = Run(Path.Combine(Tools, "sbatch"), "--parsable", script);
        string job = output.Trim().Split(';')[0];
        return code == 0 && Regex.IsMatch(job, @"^\d+$") ? job
            : throw new ConfigException($"sbatch refuses: {Regex.Replace(error + output, @"\s+", " ").Trim()}");
    }

    internal string Script()
    {
        var text = new StringBuilder("#!/bin/bash\n");
        void Ask(string what) => text.Append("#SBATCH ").Append(what).Append('\n');
        string logs = Path.Combine(Path.GetFullPath(folder), Worker.CardsFolder);
        Ask($"--job-name=isoflop-{Path.GetFileName(folder)}");
        Ask(string.Create(CultureInfo.InvariantCulture, $"--array=1-{site.Hosts.Count}"));
        Ask(string.Create(CultureInfo.InvariantCulture, $"--cpus-per-task={site.Cpus}"));
        if (site.Partition.Length > 0) Ask($"--partition={site.Partition}");
        if (site.Time.Length > 0) Ask($"--time={site.Time}");
        Ask("--signal=B:USR1@60");
        Ask("--requeue");
        Ask("--open-mode=append");
        Ask($"--output=\"{logs}/slurm-%a.log\"");
        text.Append($"cd {Quote(Directory.GetCurrentDirectory())} || exit 2\n");
        text.Append("ask() { kill -TERM $worker 2> /dev/null; }\ntrap 'again=1; ask' USR1\ntrap ask TERM\n");
        text.Append($"{Quoted(command)} --worker \"slurm-$SLURM_ARRAY_TASK_ID\" --crew {crew.Token} &\nworker=$!\n");
        // A trapped signal ends the first wait, not the worker.
        text.Append("while :; do wait $worker; code=$?; kill -0 $worker 2> /dev/null || break; done\n");
        text.Append("if [ -n \"$again\" ] && [ $code -eq 130 ]; then\n");
        text.Append("    scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"\n    sleep 60\nfi\nexit $code\n");
        return text.ToString();
    }

    /// <summary>Takes what still waits from Slurm's queue; what runs is told by <see cref="Crew.Cancel"/>, and saves.</summary>
    public static void Withdraw(string job) => Run("scancel", "--state=PENDING", job);

    /// <summary>This program, as it was started.</summary>
    public static string[] Program() => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
        ? [path] : [Environment.ProcessPath ?? "dotnet", Path.GetFullPath(Environment.GetCommandLineArgs()[0])];

    static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
        catch (Win32Exception)
        {
            throw new ConfigException($"there is no '{Path.GetFileName(program)}' on the path: is this a host of a Slurm " +
                "cluster? --on local and --on ssh:FILE need none");
        }
    }

    static string Quoted(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    /// <summary>A word as a shell takes it.</summary>
    internal static string Quote(string word) => Regex.IsMatch(word, @"^[\w@%+=:,./-]+$") ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
