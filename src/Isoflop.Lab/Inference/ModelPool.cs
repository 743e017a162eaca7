using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Isoflop.Nn;
using Isoflop.Sample;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Inference;

/// <summary>What a pool may hold, and how its engines work.</summary>
/// <param name="Bytes">of weights and caches; 0: half of the memory there is</param>
sealed record PoolLimits(long Bytes = 0, EngineLimits? Engine = null);

/// <summary>There is no model of that name.</summary>
sealed class UnknownModelException(string message) : Exception(message);

/// <summary>
/// Models by name: the runs of a home that have a checkpoint, and folders that were given. One is loaded when it is first asked
/// for; where memory is short, that which was asked longest ago makes room. A run that has a newer checkpoint is loaded anew for
/// who asks then; replies under way end with the weights they began with.
/// </summary>
sealed class ModelPool : IDisposable
{
    const int NamesShown = 20;

    /// <summary>A model that is loaded, or is being so.</summary>
    sealed class Entry(string name, string folder, string stamp, long bytes)
    {
        public string Name => name;
        public string Folder => folder;
        public string Stamp => stamp;
        public long Bytes => bytes;
        public Task<Loaded>? Loading;
        public int Users;
        public long Used;
        public bool Retired;                                       // whoever lets go last disposes of it
    }

    internal sealed record Loaded(InferenceEngine Engine, Speech Speech);

    readonly Workspace here;
    readonly IReadOnlyDictionary<string, string> folders;
    readonly PoolLimits limits;
    readonly long most;
    readonly Lock gate = new();
    readonly List<Entry> entries = [];
    long clock;
    bool disposed;

    /// <param name="folders">model folders by the names they are to have</param>
    public ModelPool(Workspace here, IReadOnlyDictionary<string, string>? folders = null, PoolLimits? limits = null)
    {
        (this.here, this.folders, this.limits) = (here, folders ?? new Dictionary<string, string>(), limits ?? new());
        most = this.limits.Bytes > 0 ? this.limits.Bytes : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
    }

    /// <summary>What there is, by name: the folder of each, and whether it is loaded.</summary>
    public IReadOnlyList<(string Name, string Folder, bool IsLoaded)> List()
    {
        List<(string, string)> found = [.. folders.Select(f => (f.Key, f.Value))];
        if (Directory.Exists(here.Runs))
            found.AddRange(Directory.GetDirectories(here.Runs).Select(p => (Path.GetFileName(p), p))
                .Where(r => !folders.ContainsKey(r.Item1) && FolderName.IsGood(r.Item1) && Checkpoint.StepsIn(r.p).Count > 0));
        lock (gate)
            return [.. found.OrderBy(f => f.Item1, StringComparer.Ordinal)
                .Select(f => (f.Item1, f.Item2, entries.Any(e => e.Name == f.Item1 && !e.Retired)))];
    }

    /// <summary>A model to be asked, loaded if it is not; let go of it.</summary>
    /// <param name="name">of <see cref="List"/>; RUN@STEP: an older checkpoint</param>
    /// <exception cref="UnknownModelException">There is none of that name.</exception>
    /// <exception cref="DataException">It cannot be loaded; names the file.</exception>
    /// <exception cref="BusyException">Memory is full of models that are being asked.</exception>
    public async Task<ModelLease> Take(string name)
    {
        for (int attempt = 0; ; attempt++)
        {
            string folder = FolderOf(name);
            Entry? entry = null;
            try
            {
                entry = EntryOf(name, folder);
                return new(this, entry, name, StampOf(folder), await entry.Loading!.ConfigureAwait(false));
            }
            catch (Exception e) when (e is not (BusyException or ObjectDisposedException))
            {
                if (entry is not null) Drop(entry);
                // A run that trains on deletes old checkpoints: there is a newer one then.
                if (attempt < 3 && e is DataException or IOException && FolderOf(name) != folder) continue;
                throw e is DataException or ConfigException or UnknownModelException ? e
                    : new DataException($"{folder}: cannot be loaded: {e.Message}", e);
            }
        }
    }

    /// <summary>Only what is listed, or a step of it: a name leads nowhere else.</summary>
    string FolderOf(string name)
    {
        if (folders.TryGetValue(name, out string? given)) return given;
        bool step = RunPoint.TryParse(name, out RunPoint point);
        string run = step ? point.Run : name;
        List<int> steps = FolderName.IsGood(run) ? Checkpoint.StepsIn(here.RunFolder(run)) : [];
        if (steps.Count == 0) throw Unknown(name);
        if (!step) return Path.Combine(here.RunFolder(run), Checkpoint.NameOf(steps[^1]));
        return steps.Contains(point.Step) ? Path.Combine(here.RunFolder(run), Checkpoint.NameOf(point.Step))
            : throw new UnknownModelException($"run '{run}' has no checkpoint of step {point.Step}; there are " +
                string.Join(", ", steps));
    }

    /// <summary>What is said of a name that is none.</summary>
    internal UnknownModelException Unknown(string name)
    {
        string[] there = [.. List().Select(m => m.Name)];
        string shown = string.Join(", ", there.Take(NamesShown)) + (there.Length > NamesShown ? ", …" : "");
        return new($"there is no model '{(name.Length > 100 ? name[..100] + "…" : name)}'; " + (there.Length == 0
            ? "this home has none yet: train one with isoflop train" : $"there are: {shown}"));
    }

    /// <summary>Which weights a folder holds now.</summary>
    static string StampOf(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, ModelFolder.ModelFile));
        return file.Exists ? string.Create(CultureInfo.InvariantCulture, $"{folder}:{file.Length}:{file.LastWriteTimeUtc.Ticks}")
            : folder;
    }

    Entry EntryOf(string name, string folder)
    {
        string stamp = StampOf(folder);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            Entry? known = entries.Find(e => e.Name == name && !e.Retired);
            if (known is not null && known.Stamp != stamp)
            {
                Retire(known);
                known = null;
            }
            if (known is null)
            {
                long bytes = BytesOf(folder);
                MakeRoom(bytes);
                known = new(name, folder, stamp, bytes);
                known.Loading = Task.Run(() => Load(folder));
                entries.Add(known);
            }
            known.Users++;
            known.Used = ++clock;
            return known;
        }
    }

    Loaded Load(string folder)
    {
        var model = LanguageModel.Open(here, folder);
        try
        {
            return new(new(model, limits.Engine, here.Clock), new(model));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Weights, as they are and as products read them, and the cache.</summary>
    long BytesOf(string folder)
    {
        ModelConfig c = ModelFolder.LoadShape(folder);
        EngineLimits engine = limits.Engine ?? new();
        long keys = 8L * c.NLayer * c.KvHeads * c.HeadWidth * c.ContextLen * engine.Slots;
        return 8 * new ParamTable(c).Parameters + Math.Min(keys, engine.CacheBytes);
    }

    void MakeRoom(long bytes)
    {
        while (entries.Count > 0 && entries.Sum(e => e.Bytes) + bytes > most)
        {
            Entry? idle = entries.Where(e => e.Users == 0).MinBy(e => e.Used);
            if (idle is null)
                throw new BusyException($"the {entries.Count} models that are being asked fill the {most >> 20} MB for models",
                    TimeSpan.FromSeconds(5));
            Retire(idle);
        }
    }

    void Retire(Entry entry)
    {
        entry.Retired = true;
        if (entry.Users == 0) Remove(entry);
    }

    void Remove(Entry entry)
    {
        entries.Remove(entry);
        if (entry.Loading is { IsCompletedSuccessfully: true } loaded) loaded.Result.Engine.Dispose();
    }

    /// <summary>One user less, of a model that could not be loaded.</summary>
    void Drop(Entry entry)
    {
        lock (gate)
        {
            entry.Retired = true;
            LetGo(entry);
        }
    }

    void LetGo(Entry entry)
    {
        if (--entry.Users == 0 && entry.Retired) Remove(entry);
    }

    /// <summary>Ends all engines.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            foreach (Entry entry in entries.ToArray()) Retire(entry);
        }
    }

    /// <summary>A model that is being asked: it stays loaded until it is let go.</summary>
    internal sealed class ModelLease : IDisposable
    {
        readonly ModelPool pool;
        readonly Entry entry;
        readonly Loaded loaded;
        int disposed;

        internal ModelLease(ModelPool pool, object entry, string name, string stamp, Loaded loaded)
        {
            (this.pool, this.entry, this.loaded, Name) = (pool, (Entry)entry, loaded, name);
            Fingerprint = "fp_" + Convert.ToHexStringLower(XxHash3.Hash(Encoding.UTF8.GetBytes(stamp)));
        }

        /// <summary>As it was asked for.</summary>
        public string Name { get; }

        /// <summary>Changes when the weights do.</summary>
        public string Fingerprint { get; }

        public InferenceEngine Engine => loaded.Engine;

        public Speech Speech => loaded.Speech;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0)
                lock (pool.gate) pool.LetGo(entry);
        }
    }
}
