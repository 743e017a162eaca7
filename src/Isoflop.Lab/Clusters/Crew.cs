using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Clusters;

/// <summary>workers/crew.record: how the workers of a study were started.</summary>
/// <param name="Token">by which a worker knows that it sees the folder it was started for</param>
/// <param name="Engine">"local:4", "slurm", "ssh:hosts.txt"</param> <param name="Job">number of Slurm's job; empty: none</param>
sealed record CrewRecord(string Token, string Engine, string Job, int Workers, double LeaseSeconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(CrewRecord))]
sealed partial class CrewJson : JsonSerializerContext;

/// <summary>
/// The workers of a study: processes of the same command, on this host or others, that see one home. Each goes the study's whole
/// way by itself and claims the runs that it trains; there is no head whose death would matter.
/// </summary>
static class Crew
{
    static readonly Format format = new("crew");

    /// <summary>Without a sign of life for so long a worker is dead: several times what NFS keeps names in its caches.</summary>
    public const double UsualLeaseSeconds = 90;

    static string FileOf(string folder) => Path.Combine(folder, Worker.CardsFolder, "crew.record");

    /// <summary>Makes a folder ready for workers; what former ones left is removed, their runs stay.</summary>
    /// <exception cref="ConfigException">Workers are there already.</exception>
    public static CrewRecord Begin(string folder, string engine, int workers, double leaseSeconds)
    {
        ThrowIfAtWork(folder);
        foreach (string left in (string[])[Claims.FolderName, Worker.CardsFolder])
            if (Directory.Exists(Path.Combine(folder, left))) Directory.Delete(Path.Combine(folder, left), recursive: true);
        if (File.Exists(Path.Combine(folder, Worker.CancelFile))) File.Delete(Path.Combine(folder, Worker.CancelFile));
        var record = new CrewRecord(Guid.NewGuid().ToString("N"), engine, "", workers, leaseSeconds);
        Save(folder, record);
        return record;
    }

    /// <summary>Replaces the record.</summary>
    public static void Save(string folder, CrewRecord record) =>
        JsonFile.Write(FileOf(folder), record, format, CrewJson.Default.CrewRecord);

    /// <summary>How the workers of a folder were started; null: they never were.</summary>
    public static CrewRecord? Read(string folder) =>
        File.Exists(FileOf(folder)) ? JsonFile.Read(FileOf(folder), format, CrewJson.Default.CrewRecord) : null;

    /// <summary>Makes this process one of the workers.</summary>
    /// <returns>the same workspace, whose runs are claimed; dispose of its worker at the end</returns>
    /// <exception cref="ConfigException">The folder is not the one that the workers were started for, or they are another
    /// program.</exception>
    public static Workspace Join(Workspace here, string folder, string name, string token)
    {
        if (Read(folder) is not { } crew || crew.Token != token)
            throw new ConfigException($"{folder}: not the folder that worker {name} was started for: the home must be shared " +
                "by all hosts, under the same path; home=DIR names it");
        string bits;
        using (IDevice device = here.OpenDevice()) bits = RunRecord.MachineOf(device).Bits;
        var beat = TimeSpan.FromSeconds(Math.Min(3, crew.LeaseSeconds / 10));
        var worker = new Worker(folder, name, bits, beat, here.Clock);
        return here with
        {
            Claims = new(worker, crew.Workers, new(TimeSpan.FromSeconds(crew.LeaseSeconds)), here.Clock),
            Stop = CancellationTokenSource.CreateLinkedTokenSource(here.Stop, worker.Cancelled).Token,
        };
    }

    /// <summary>Workers that give signs of life now.</summary>
    public static IReadOnlyList<WorkerCard> AtWork(string folder)
    {
        List<WorkerCard> first = [.. Worker.AllOf(folder).Where(c => !Worker.IsGone(c))];
        // Of another host nothing but its next sign of life tells.
        if (first.All(c => c.Place == Worker.Here)) return first;
        Thread.Sleep(TimeSpan.FromSeconds(2 * Math.Min(3, (Read(folder)?.LeaseSeconds ?? UsualLeaseSeconds) / 10)));
        return [.. Worker.AllOf(folder).Where(c => !Worker.IsGone(c)
            && (c.Place == Worker.Here || first.Any(f => f.Worker == c.Worker && f.Beat != c.Beat)))];
    }

    /// <summary>That no worker is at work.</summary>
    /// <exception cref="ConfigException">One is.</exception>
    public static void ThrowIfAtWork(string folder)
    {
        if (AtWork(folder) is [var one, ..] all)
        {
            string study = Path.GetFileName(folder);
            throw new ConfigException($"{folder}: {all.Count} workers are at work on it, {one.Worker} on {one.Host} among " +
                $"them; 'isoflop workers {study}' shows them, 'isoflop cancel {study}' sends them home");
        }
    }

    /// <summary>Runs that the workers have done.</summary>
    public static int Done(string folder) => Directory.Exists(Path.Combine(folder, Claims.FolderName))
        ? Directory.EnumerateFiles(Path.Combine(folder, Claims.FolderName), $"*.{Claim.Done}").Count(f =>
            !Path.GetFileName(f).StartsWith(MadeCorpus.Piece, StringComparison.Ordinal)) : 0;

    /// <summary>All workers were asked to leave.</summary>
    public static bool IsCancelled(string folder) => File.Exists(Path.Combine(folder, Worker.CancelFile));

    /// <summary>Asks all workers to save and leave, by their next sign of life.</summary>
    public static void Cancel(string folder) => WholeFile.Write(Path.Combine(folder, Worker.CancelFile), "");
}
