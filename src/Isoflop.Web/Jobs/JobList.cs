using System.Diagnostics;
using System.Runtime.InteropServices;
using Isoflop.Web.Home;

namespace Isoflop.Web.Jobs;

/// <summary>Processes that pages started, and their last words. They are asked to stop when the window closes.</summary>
sealed partial class JobList(WebOptions options, Action changed) : IAsyncDisposable
{
    const int MostRunning = 8, MostKept = 30, Lines = 40, Terminate = 15;

    sealed class Job(int id, string command, Process process, DateTime started)
    {
        public readonly Queue<string> Output = [];
        public int Id => id;
        public Process Process => process;
        public bool Stopping;
        public int? Exit;

        public JobLine Line() => new(id, command, Exit is not null ? "ended" : Stopping ? "stopping" : "running", Exit, started,
            [.. Output]);
    }

    readonly List<Job> jobs = [];
    int last;

    /// <summary>All of them, the newest first.</summary>
    public IReadOnlyList<JobLine> All()
    {
        lock (jobs) return [.. jobs.AsEnumerable().Reverse().Select(j => j.Line())];
    }

    /// <summary>Starts one.</summary>
    /// <exception cref="ConfigException">Too many run, or the program cannot be started.</exception>
    public JobLine Start(IReadOnlyList<string> arguments)
    {
        if (options.Program.Count == 0) throw new ConfigException("this window can start nothing: it was opened by a program");
        lock (jobs)
        {
            if (jobs.Count(j => j.Exit is null) is >= MostRunning and var many)
                throw new ConfigException($"{many} processes run already; stop one first");
            var start = new ProcessStartInfo(options.Program[0])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                UseShellExecute = false,
            };
            foreach (string argument in options.Program.Skip(1).Concat(arguments)) start.ArgumentList.Add(argument);
            Process process;
            try
            {
                process = Process.Start(start)!;
            }
            catch (System.ComponentModel.Win32Exception e)
            {
                throw new ConfigException($"{options.Program[0]} cannot be started: {e.Message}");
            }
            process.StandardInput.Close();
            var job = new Job(++last, CommandLine.Shown(arguments), process, DateTime.UtcNow);
            jobs.Add(job);
            if (jobs.Count > MostKept && jobs.FindIndex(j => j.Exit is not null) is >= 0 and var old) jobs.RemoveAt(old);
            process.OutputDataReceived += (_, e) => Said(job, e.Data);
            process.ErrorDataReceived += (_, e) => Said(job, e.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _ = Ended(job);
            changed();
            return job.Line();
        }
    }

    /// <summary>Asks one to stop, as Ctrl-C does: it saves first. Asked again, kills. Null: there is none.</summary>
    public JobLine? Stop(int id)
    {
        lock (jobs)
        {
            if (jobs.Find(j => j.Id == id) is not { } job) return null;
            if (job.Exit is null)
            {
                if (job.Stopping || OperatingSystem.IsWindows() || Signal(job.Process.Id, Terminate) != 0) job.Process.Kill(true);
                job.Stopping = true;
            }
            changed();
            return job.Line();
        }
    }

    void Said(Job job, string? line)
    {
        if (line is null) return;
        lock (jobs)
        {
            job.Output.Enqueue(line.Length > 400 ? line[..400] + "…" : line);
            while (job.Output.Count > Lines) job.Output.Dequeue();
        }
        changed();
    }

    async Task Ended(Job job)
    {
        await job.Process.WaitForExitAsync().ConfigureAwait(false);
        lock (jobs) job.Exit = job.Process.ExitCode;
        job.Process.Dispose();
        changed();
    }

    /// <summary>Stops all and waits a while for what they save.</summary>
    public async ValueTask DisposeAsync()
    {
        int[] running;
        lock (jobs) running = [.. jobs.Where(j => j.Exit is null).Select(j => j.Id)];
        foreach (int id in running) Stop(id);
        for (int i = 0; i < 100 && All().Any(j => j.State != "ended"); i++) await Task.Delay(100).ConfigureAwait(false);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);
}
