using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Runs;

/// <summary>Whether a run is done, running, stopped or at fault, from the last rows of its files and its sign of life.</summary>
static class RunStatus
{
    /// <summary>Events say how a run ended; rows and checkpoint must agree, and stand in where the events were lost.</summary>
    /// <exception cref="DataException">Rows are missing: of the last step of a run that is done, or of its newest
    /// checkpoint.</exception>
    public static string Of(string path, RunRecord record, StepRow? lastStep, ValidRow? lastValid, RunEvent? last,
        TimeProvider clock)
    {
        int steps = record.Config.Train.Steps ?? 0, row = lastStep?.Step ?? 0;
        int newest = Checkpoint.StepsIn(path) is [.., var step] ? step : 0;
        bool said = last?.Event == "done", policy = record.Recipe is not null;
        bool measured = policy || lastValid is { Whole: true } valid && valid.Step == steps;
        if (row < newest && (said || row > 0)) throw Missing(RunFolder.MetricsFile, newest);
        if (said && !policy && row < steps) throw Missing(RunFolder.MetricsFile, steps);
        if (said && !measured && !(newest == steps && NothingHeldOut())) throw Missing(RunFolder.ValidFile, steps);
        return said ? "done" : FolderLock.HolderOf(path)?.IsAlive(clock) == true ? "running"
            : steps > 0 && row == steps && newest == steps && measured ? "done"
            : last?.Event is "fault" or "corruption" ? "fault" : "stopped";

        bool NothingHeldOut() => Checkpoint.ReadState(Path.Combine(path, Checkpoint.NameOf(newest))).ValidLoss is null;

        DataException Missing(string file, int at) =>
            new($"{Path.Combine(path, file)}: the row of step {at} is missing; restore the file from a copy");
    }
}
