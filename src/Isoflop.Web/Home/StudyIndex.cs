using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Web.Home;

/// <summary>All studies of a home, and which runs each planned. A study.json is read again where it was written.</summary>
sealed class StudyIndex(Workspace here)
{
    sealed record Entry(StudyRecord? Record, string Problem, DateTime Written, bool Running);

    readonly Lock gate = new();
    readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    Dictionary<string, string> studyOf = new(StringComparer.Ordinal);

    /// <summary>The study that planned a run; empty: none.</summary>
    public string Of(string run)
    {
        lock (gate) return studyOf.GetValueOrDefault(run, "");
    }

    /// <summary>Looks for what changed; true: something did.</summary>
    public bool Look()
    {
        string[] names = Directory.Exists(here.Studies) ? [.. Directory.GetDirectories(here.Studies)
            .Select(d => Path.GetFileName(d))
            .Where(n => !n.StartsWith('.') && File.Exists(Path.Combine(here.Studies, n, Study.RecordFile)))] : [];
        bool changed = false, planned = false;
        foreach (string name in names)
        {
            string folder = Path.Combine(here.Studies, name), path = Path.Combine(folder, Study.RecordFile);
            DateTime written = File.GetLastWriteTimeUtc(path);
            bool running = FolderLock.HolderOf(folder)?.IsAlive(here.Clock) == true;
            Entry? was;
            lock (gate) entries.TryGetValue(name, out was);
            if (was is not null && was.Written == written && was.Running == running) continue;
            Entry now = was is not null && was.Written == written ? was with { Running = running } : Read(name, written, running);
            planned |= was?.Record != now.Record;
            changed = true;
            lock (gate) entries[name] = now;
        }
        lock (gate)
        {
            foreach (string lost in entries.Keys.Except(names).ToList()) changed = planned = entries.Remove(lost) || changed;
            if (!planned) return changed;
            var of = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach ((string name, Entry entry) in entries.OrderBy(e => e.Key, StringComparer.Ordinal))
                foreach (PlannedRun run in entry.Record?.Runs ?? []) of.TryAdd(run.Name, name);
            studyOf = of;
        }
        return changed;
    }

    Entry Read(string name, DateTime written, bool running)
    {
        try
        {
            return new(Study.Open(here, name).Record, "", written, running);
        }
        catch (Exception e) when (e is DataException or ConfigException)
        {
            return new(null, e.Message, written, running);
        }
    }

    /// <summary>What a study plans; null: none of that name, or it cannot be read.</summary>
    public StudyRecord? Record(string name)
    {
        lock (gate) return entries.GetValueOrDefault(name)?.Record;
    }

    /// <summary>A line a study.</summary>
    public IReadOnlyList<StudyLine> Lines(IEnumerable<RunLine> runs)
    {
        lock (gate)
        {
            ILookup<string, RunLine> byStudy = runs.Where(r => r.Study.Length > 0).ToLookup(r => r.Study);
            return [.. entries.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e =>
            {
                PlannedRun[] planned = [.. (e.Value.Record?.Runs ?? []).Where(r => !r.Later)];
                double[] budgets = [.. planned.Where(r => r.Phase == Phase.Ladder).Select(r => r.Budget)];
                RunLine[] own = [.. byStudy[e.Key]], done = [.. own.Where(r => r.Status == "done")];
                // Of a ladder that several workers climb nobody holds the folder.
                bool running = e.Value.Running || own.Any(r => r.Status == "running");
                return new StudyLine(e.Key, e.Value.Record?.Recipe.Corpus ?? "", budgets.Length > 0 ? budgets.Min() : null,
                    budgets.Length > 0 ? budgets.Max() : null, planned.Length, done.Length, running, done.Min(r => r.ValidLoss),
                    e.Value.Problem);
            })];
        }
    }
}
