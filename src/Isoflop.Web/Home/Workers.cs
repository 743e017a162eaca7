using Isoflop.Lab.Clusters;
using Isoflop.Store;

namespace Isoflop.Web.Home;

/// <summary>A worker of a study.</summary>
/// <param name="State">waiting, working, ended; silent: it gives no sign of life any more</param>
/// <param name="Run">under way; empty: none</param> <param name="Done">runs that it finished</param>
sealed record WorkerLine(string Name, string Host, string State, string Run, int Step, int Steps, int Done, int Failed);

/// <summary>Who trains a study, as 'isoflop workers' shows it. Of other hosts nothing but a next sign of life tells; so what was
/// seen last is kept, with our own time.</summary>
sealed class Workers(Workspace here)
{
    readonly Dictionary<(string Study, string Worker), (long Beat, long At)> seen = [];

    /// <summary>A line a worker; none where the study was never given to workers.</summary>
    public IReadOnlyList<WorkerLine> Of(string study)
    {
        string folder = here.StudyFolder(study);
        if (Crew.Read(folder) is not { } crew) return [];
        lock (seen)
            return [.. Worker.AllOf(folder).Select(c => new WorkerLine(c.Worker, c.Host,
                c.State != "ended" && IsSilent(study, c, crew) ? "silent" : c.State, c.Run, c.Step, c.Steps, c.Done, c.Failed))];
    }

    bool IsSilent(string study, WorkerCard card, CrewRecord crew)
    {
        if (card.Place == Worker.Here) return Worker.IsGone(card);
        long now = here.Clock.GetTimestamp();
        if (!seen.TryGetValue((study, card.Worker), out (long Beat, long At) last) || last.Beat != card.Beat)
            seen[(study, card.Worker)] = last = (card.Beat, now);
        return here.Clock.GetElapsedTime(last.At, now).TotalSeconds > crew.LeaseSeconds;
    }
}
