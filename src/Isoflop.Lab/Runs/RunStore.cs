using System.IO.Enumeration;
using System.Text.Json;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Runs;

/// <summary>What a run folder says about itself.</summary>
/// <param name="Status">done, running (its process gave a sign of life a moment ago), stopped, fault, broken (see
/// Problem)</param>
/// <param name="Parameters">all of them</param> <param name="Step">updates done</param>
/// <param name="Tokens">trained on so far</param> <param name="Flops">spent on training so far</param>
/// <param name="Loss">of the last step, nats a token; null: none yet, or its training has none</param>
/// <param name="ValidLoss">last on held-out text, nats a token</param>
/// <param name="BitsPerByte">the same in bits a byte</param>
public sealed record RunSummary(string Name, string Status, string Corpus, long Parameters, int Step, int Steps, long Tokens,
    double Flops, double Seconds, double? Loss, double? ValidLoss, double? BitsPerByte, DateTime Created, string? Problem);

/// <summary>
/// Reads the runs of a workspace, without a lock; writes nothing, and deletes only what it is told to. Asked again, it reads only
/// what was added. For one thread.
/// </summary>
public sealed class RunStore(Workspace here)
{
    readonly Dictionary<string, LastRows> seen = [];

    /// <summary>Folder of all runs.</summary>
    public string Folder { get; } = here.Runs;

    /// <summary>All runs, oldest first; one that cannot be read is listed with its problem.</summary>
    public IReadOnlyList<RunSummary> List()
    {
        if (!Directory.Exists(Folder)) return [];
        return [.. Directory.GetDirectories(Folder).Select(path => Path.GetFileName(path))
            .Where(name => !name.StartsWith(RunFolder.DeletedPrefix, StringComparison.Ordinal)).Select(SummaryOrProblem)
            .OrderBy(r => r.Created).ThenBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>One run.</summary>
    /// <exception cref="DataException">There is none of that name, or it cannot be read.</exception>
    public RunSummary Find(string name)
    {
        string path = PathOf(name);
        RunRecord record = RunRecord.Load(path);
        if (!seen.TryGetValue(name, out LastRows? last)) seen.Add(name, last = new(path));
        last.Look();
        StepRow? step = last.Step;
        string status = RunStatus.Of(path, record, step, last.Valid, last.Event, here.Clock);
        return new(name, status, record.Corpus.Name, record.Parameters, step?.Step ?? 0,
            record.Config.Train.Steps ?? 0, step?.Tokens ?? 0, step?.Flops ?? 0, step?.Seconds ?? 0, record.LossOf(step),
            last.Valid?.Loss, last.Valid?.BitsPerByte, record.Created, null);
    }

    /// <summary>All runs whose names match one of the patterns, * and ?; all runs where there are no patterns.</summary>
    /// <exception cref="ConfigException">A pattern that no run matches.</exception>
    public IReadOnlyList<RunSummary> Matching(IReadOnlyList<string> patterns)
    {
        IReadOnlyList<RunSummary> all = List();
        if (patterns.FirstOrDefault(p => !all.Any(r => Matches(p, r.Name))) is { } wrong)
        {
            string there = string.Join(", ", all.Take(8).Select(r => r.Name)) + (all.Count > 8 ? ", …" : "");
            throw new ConfigException($"'{wrong}': no run in {Folder} has such a name; " +
                (all.Count == 0 ? "start one with isoflop train" : $"there are: {there}"));
        }
        return patterns.Count == 0 ? all : [.. all.Where(r => patterns.Any(p => Matches(p, r.Name)))];
    }

    internal static RunPoint CheckpointOf(string from, Workspace here)
    {
        bool step = RunPoint.TryParse(from, out RunPoint point);
        string run = here.RunFolder(step ? point.Run : from);
        if (!Directory.Exists(run)) throw new ConfigException($"from={from}: there is no run {run}; 'isoflop runs' lists them");
        List<int> saved = Checkpoint.StepsIn(run);
        if (saved.Count == 0) throw new ConfigException($"from={from}: {run} has no checkpoint yet");
        if (step && !saved.Contains(point.Step))
            throw new ConfigException($"from={from}: {run} has checkpoints at {string.Join(", ", saved)}");
        return step ? point : new(from, saved[^1]);
    }

    internal static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    /// <summary>Names of the studies that refer to each run.</summary>
    /// <exception cref="DataException">A study.json that cannot be read.</exception>
    public ILookup<string, string> Studies()
    {
        string folder = here.Studies;
        var found = new List<(string Run, string Study)>();
        string[] all = Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
        foreach (string study in all.Order(StringComparer.Ordinal))
        {
            string path = Path.Combine(study, "study.json");
            if (!File.Exists(path)) continue;
            try
            {
                using JsonDocument record = JsonDocument.Parse(File.ReadAllBytes(path));
                if (record.RootElement.ValueKind != JsonValueKind.Object
                    || !record.RootElement.TryGetProperty("runs", out JsonElement runs) || runs.ValueKind != JsonValueKind.Array)
                    continue;
                foreach (JsonElement run in runs.EnumerateArray())
                    if (run.ValueKind == JsonValueKind.Object && run.TryGetProperty("name", out JsonElement name)
                        && name.ValueKind == JsonValueKind.String)
                        found.Add((name.GetString()!, Path.GetFileName(study)));
            }
            catch (JsonException e)
            {
                throw new DataException($"{path}: cannot be read: {e.Message}", e);
            }
        }
        return found.Distinct().ToLookup(f => f.Run, f => f.Study);
    }

    /// <summary>Deletes runs: all of them, or none if one may not go.</summary>
    /// <param name="force">also runs that a study refers to</param>
    /// <exception cref="ConfigException">A process holds one, or a study refers to it.</exception>
    public void Delete(IReadOnlyList<string> names, bool force = false)
    {
        MayDelete(names, force);
        foreach (string name in names) RunFolder.Delete(here, name);
    }

    /// <inheritdoc cref="Delete"/>
    internal void MayDelete(IReadOnlyList<string> names, bool force)
    {
        if (!force)
        {
            ILookup<string, string> studies = Studies();
            foreach (string name in names)
                if (studies[name].Any())
                    throw new ConfigException($"run '{name}' belongs to the study '{string.Join("', '", studies[name])}', " +
                        "which needs it; leave it, or delete it with force=true");
        }
        foreach (string name in names) FolderLock.ThrowIfHeld(here.RunFolder(name));
    }

    /// <summary>Folder of a run.</summary>
    public string PathOf(string name) => here.RunFolder(name);

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

    /// <summary>The last rows of a run's files.</summary>
    sealed class LastRows(string path)
    {
        readonly (Tail<StepRow> Steps, Tail<ValidRow> Valid, Tail<RunEvent> Events) files = RunFolder.Follow(path);

        public StepRow? Step { get; private set; }
        public ValidRow? Valid { get; private set; }
        public RunEvent? Event { get; private set; }

        public void Look()
        {
            (IReadOnlyList<StepRow> steps, bool anew) = files.Steps.Next();
            Step = steps.Count > 0 ? steps[^1] : anew ? null : Step;
            (IReadOnlyList<ValidRow> valid, anew) = files.Valid.Next();
            Valid = valid.Count > 0 ? valid[^1] : anew ? null : Valid;
            (IReadOnlyList<RunEvent> events, anew) = files.Events.Next();
            Event = events.Count > 0 ? events[^1] : anew ? null : Event;
        }
    }
}
