using System.Diagnostics;
using Isoflop.Train;

namespace Isoflop.Lab.Runs;

/// <summary>What a run folder says about itself.</summary>
/// <param name="Status">done, running, stopped, fault, killed (neither running nor ended), broken (see Problem)</param>
/// <param name="Parameters">all of them</param> <param name="Step">updates done</param>
/// <param name="Tokens">trained on so far</param> <param name="Flops">spent on training so far</param>
/// <param name="Loss">of the last step, nats a token</param> <param name="ValidLoss">last on held-out text, nats a token</param>
/// <param name="BitsPerByte">the same in bits a byte</param>
public sealed record RunSummary(string Name, string Status, string Corpus, long Parameters, int Step, int Steps, long Tokens,
    double Flops, double Seconds, double? Loss, double? ValidLoss, double? BitsPerByte, DateTime Created, string? Problem);

/// <summary>Reads the runs below a home. It takes no lock and never writes.</summary>
public sealed class RunStore(string home)
{
    /// <summary>Folder of all runs.</summary>
    public string Folder { get; } = Path.Combine(home, "runs");

    /// <summary>All runs, oldest first; one that cannot be read is listed with its problem.</summary>
    public IReadOnlyList<RunSummary> List()
    {
        if (!Directory.Exists(Folder)) return [];
        return [.. Directory.GetDirectories(Folder).Select(path => Path.GetFileName(path)).Select(SummaryOrProblem)
            .OrderBy(r => r.Created).ThenBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>One run.</summary>
    /// <exception cref="DataException">There is none of that name, or it cannot be read.</exception>
    public RunSummary Find(string name)
    {
        string path = PathOf(name);
        RunRecord record = RunRecord.Load(path);
        StepRow? step = RunFolder.ReadSteps(path) is { Count: > 0 } steps ? steps[^1] : null;
        ValidRow? valid = RunFolder.ReadValid(path) is { Count: > 0 } rows ? rows[^1] : null;
        return new(name, StatusOf(RunFolder.ReadEvents(path)), record.Corpus.Name, record.Parameters, step?.Step ?? 0,
            record.Config.Train.Steps, step?.Tokens ?? 0, step?.Flops ?? 0, step?.Seconds ?? 0, step?.Loss, valid?.Loss,
            valid?.BitsPerByte, record.Created, null);
    }

    /// <summary>Folder of a run.</summary>
    public string PathOf(string name) => RunFolder.PathOf(home, name);

    RunSummary SummaryOrProblem(string name)
    {
        try
        {
            return Find(name);
        }
        catch (DataException e)
        {
            return new(name, "broken", "", 0, 0, 0, 0, 0, 0, null, null, null, Directory.GetCreationTimeUtc(PathOf(name)),
                e.Message);
        }
    }

    static string StatusOf(List<RunEvent> events)
    {
        if (events.Count == 0) return "killed";
        RunEvent last = events[^1];
        return last.Event switch
        {
            "done" => "done",
            "stop" => "stopped",
            "fault" => "fault",
            _ => last.Host != Environment.MachineName || Alive(last.Pid) ? "running" : "killed",
        };
    }

    static bool Alive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}
