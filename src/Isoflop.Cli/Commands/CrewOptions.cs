using System.CommandLine;
using System.CommandLine.Parsing;
using Isoflop.Lab.Clusters;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary>What the commands that train many runs share: --on a cluster, and being one of its workers.</summary>
sealed class CrewOptions
{
    readonly Option<string> on = new("--on")
    {
        Description = "Train by workers: local or local:N on this host, slurm, ssh:FILE of hosts; the home is shared",
        HelpName = "ENGINE",
    };

    readonly Option<string> partition = new("--partition") { Description = "Slurm's, of --on slurm", HelpName = "NAME" };
    readonly Option<string> time = new("--time") { Description = "Limit of each worker on Slurm", HelpName = "HH:MM:SS" };
    readonly Option<int> cpus = new("--cpus")
    {
        Description = "Threads of each worker",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    readonly Option<double> lease = new("--lease")
    {
        Description = "Without a sign of life for so many seconds a worker's run is given to another",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => Crew.UsualLeaseSeconds,
    };

    readonly Option<int> workers = new("--workers") { Description = "Of --on: how many", HelpName = "N" };

    // What a worker is started with.
    readonly Option<string> worker = new("--worker") { Description = "Be that worker", HelpName = "NAME", Hidden = true },
        token = new("--crew") { Description = "By which it knows its folder", HelpName = "TOKEN", Hidden = true };

    /// <summary>Adds them, and --workers where the command has none.</summary>
    public void AddTo(Command verb)
    {
        if (verb.Options.All(o => o.Name != workers.Name)) verb.Add(workers);
        foreach (Option option in (Option[])[on, partition, time, cpus, lease, worker, token]) verb.Add(option);
    }

    /// <summary>Workers are asked for, or this process is one.</summary>
    public bool IsAsked(Invocation call) => (call.Parsed.GetValue(worker) ?? call.Parsed.GetValue(on)) is not null;

    /// <summary>Runs side by side: of all workers, or as many as this process is asked for.</summary>
    public int SideBySide(Invocation call, int workers) =>
        call.Parsed.GetValue(on) is not null ? SiteOf(call, workers).Hosts.Count
        : call.Here.SideBySide(workers);

    Site SiteOf(Invocation call, int workers) => Site.Parse(call.Parsed.GetValue(on)!, workers, call.Parsed.GetValue(cpus),
        call.Parsed.GetValue(partition) ?? "", call.Parsed.GetValue(time) ?? "");

    /// <summary>
    /// As a worker it does the work. Where workers are asked for it starts them: those of this host and of ssh are stayed with to
    /// their end, Slurm's are left to it.
    /// </summary>
    /// <param name="workers">0: by --workers</param>
    /// <param name="open">runs that are left, as far as that is known before</param>
    /// <param name="work">returns what failed</param>
    /// <returns>the exit code, where nothing is left to do; null: the results are there, or nobody asked for workers</returns>
    public int? Begin(Invocation call, string study, int workers, int open, Func<Workspace, IReadOnlyList<FailedRun>> work)
    {
        if (call.Parsed.GetValue(worker) is { } name) return Work(call, study, name, work);
        if (call.Parsed.GetValue(on) is null) return null;
        Site site = SiteOf(call, workers > 0 ? workers : call.Parsed.GetValue(this.workers));
        double seconds = call.Parsed.GetValue(lease);
        if (!(seconds >= 1))
            throw new ConfigException($"--lease {seconds} must be at least 1 second; 90 outlasts what NFS caches");
        string folder = call.Here.StudyFolder(study);
        CrewRecord crew = Crew.Begin(folder, call.Parsed.GetValue(on)!, site.Hosts.Count, seconds);
        string[] command = [.. Launch.Program(), .. WorkerArguments(call), "--threads", $"{site.Cpus}"];
        var launch = new Launch(site, command, folder, crew);
        if (site.Engine == "slurm")
        {
            string job = launch.Submit();
            Crew.Save(folder, crew with { Job = job });
            call.Err.WriteLine($"Slurm's job {job}: {site.Hosts.Count} workers; 'isoflop workers {study}' shows who does what, " +
                $"'isoflop cancel {study}' sends them home; when they are done, the same command without --on shows the results");
            return 0;
        }
        IReadOnlyList<string> wrong = launch.Attend(there =>
            call.Here.Report("workers", Crew.Done(folder), open, "runs", $"{there} workers"), call.Stop);
        foreach (string line in wrong) call.Err.WriteLine(line);
        call.Stop.ThrowIfCancellationRequested();
        return null;
    }

    int Work(Invocation call, string study, string name, Func<Workspace, IReadOnlyList<FailedRun>> work)
    {
        Workspace here = Crew.Join(call.Here, call.Here.StudyFolder(study), name, call.Parsed.GetValue(token) ?? "");
        using Worker self = here.Claims!.Worker;
        try
        {
            IReadOnlyList<FailedRun> failed = work(here);
            foreach (FailedRun f in failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
            return failed.Count > 0 ? App.UserError : 0;
        }
        catch (OperationCanceledException) when (self.Cancelled.IsCancellationRequested)
        {
            call.Err.WriteLine("sent home; what was under way is saved");
            return App.Interrupted;
        }
    }

    /// <summary>The command as it was given, without what only the start of workers needs.</summary>
    IEnumerable<string> WorkerArguments(Invocation call)
    {
        string[] dropped = ["--on", "--partition", "--time", "--cpus", "--lease", "--workers", "--threads"];
        string[] flags = ["--yes", "--json"];
        IReadOnlyList<Token> tokens = call.Parsed.Tokens;
        for (int i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Type == TokenType.Option && dropped.Contains(tokens[i].Value)) i++;
            else if (tokens[i].Type != TokenType.Option || !flags.Contains(tokens[i].Value)) yield return tokens[i].Value;
        }
        if (call.Parsed.CommandResult.Command.Options.Any(o => o.Name == "--yes")) yield return "--yes";
    }
}
