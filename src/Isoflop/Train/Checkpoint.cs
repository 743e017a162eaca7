using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Train;

/// <summary>Length and XxHash128 of a file.</summary>
public sealed record FileDigest(long Bytes, string XxHash128);

/// <summary>state.json: all that changes in a run beside the tensors, and what the files must be.</summary>
public sealed record TrainState
{
    internal static readonly Format Format = new("checkpoint", 1, Sealed: int.MaxValue);      // it has a hash of its own

    /// <summary>"checkpoint"; null in one that is older than kinds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Kind { get; init; }

    /// <summary>Format of the checkpoint.</summary>
    public int FormatVersion { get; init; } = Format.Newest;

    /// <summary>Which claim on the run it was saved under, where workers shared a study; null: under none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? Claim { get; init; }

    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Updates the moments have seen: the bias corrections. More than the steps in a fork.</summary>
    public int Updates { get; set; }

    /// <summary>Windows of the corpus taken: the place in the data.</summary>
    public long Cursor { get; set; }

    /// <summary>Seed of the run; there is no other state of randomness.</summary>
    public ulong Seed { get; init; }

    /// <summary>Name of the corpus.</summary>
    public string Corpus { get; init; } = "";

    /// <summary>Hash of tokenizer.json.</summary>
    public string TokenizerHash { get; init; } = "";

    /// <summary>Id that ends a document.</summary>
    public int EndOfText { get; init; }

    /// <summary>Training loss of the last step, nats a token.</summary>
    public double? Loss { get; set; }

    /// <summary>Last loss on held-out text, nats a token.</summary>
    public double? ValidLoss { get; set; }

    /// <summary>What was spent.</summary>
    public Ledger Ledger { get; init; } = new();

    /// <summary>The other files of the folder.</summary>
    public SortedDictionary<string, FileDigest> Files { get; init; } = [];

    /// <summary>XxHash128 of this file with this value empty.</summary>
    public string Hash { get; init; } = "";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainState))]
sealed partial class StateJson : JsonSerializerContext;

/// <summary>A checkpoint folder, step-000500: a Hugging Face model, the optimiser's moments, and state.json.</summary>
static class Checkpoint
{
    public const string StateFile = "state.json", OptimizerFile = "optimizer.safetensors";
    const string Prefix = "step-";

    /// <summary>"step-000500".</summary>
    public static string NameOf(int step) => Prefix + step.ToString("000000", CultureInfo.InvariantCulture);

    /// <summary>Steps of the checkpoints of a run folder, ascending.</summary>
    public static List<int> StepsIn(string runFolder)
    {
        List<int> steps = [];
        if (!Directory.Exists(runFolder)) return steps;
        foreach (string folder in Directory.EnumerateDirectories(runFolder, Prefix + "*"))
            if (int.TryParse(Path.GetFileName(folder).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture,
                out int step))
                steps.Add(step);
        steps.Sort();
        return steps;
    }

    /// <summary>
    /// The checkpoint of a step, where it is there and whole by the lengths of its files; null: a process was killed before it
    /// was saved, and that step is not done.
    /// </summary>
    /// <exception cref="DataException">It was altered.</exception>
    public static TrainState? At(string runFolder, int step)
    {
        string folder = Path.Combine(runFolder, NameOf(step));
        if (!Directory.Exists(folder)) return null;
        TrainState state = ReadState(folder);
        foreach ((string name, FileDigest want) in state.Files)
            if (new FileInfo(Path.Combine(folder, name)) is not { Exists: true } file || file.Length != want.Bytes)
                throw new DataException($"{Path.Combine(folder, name)}: missing or cut short; remove {folder}, and the same " +
                    "command trains again from the checkpoint before it");
        return state;
    }

    /// <summary>Reads state.json and holds every file of the folder against it.</summary>
    /// <exception cref="DataException">A newer format; a file that is missing, cut short or altered.</exception>
    public static TrainState Verify(string folder)
    {
        TrainState state = ReadState(folder);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        try
        {
            foreach ((string name, FileDigest want) in state.Files)
            {
                string path = Path.Combine(folder, name);
                if (!File.Exists(path)) throw new DataException($"{path}: missing");
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
                if (file.Length != want.Bytes)
                    throw new DataException(
                        $"{path}: {(file.Length < want.Bytes ? "cut short" : "too long")}: {want.Bytes} bytes " +
                        $"expected, found {file.Length}");
                var hash = new XxHash128();
                for (int n; (n = file.Read(buffer)) > 0;) hash.Append(buffer.AsSpan(0, n));
                if (Hex(hash) != want.XxHash128) throw new DataException($"{path}: does not match its hash: it was altered");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: cannot be read: {e.Message}", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return state;
    }

    /// <summary>Reads state.json and holds it against its own hash; the other files are not looked at.</summary>
    /// <exception cref="DataException">Missing, altered, of a newer format.</exception>
    public static TrainState ReadState(string folder)
    {
        string path = Path.Combine(folder, StateFile);
        try
        {
            byte[] json = File.ReadAllBytes(path);
            using (JsonDocument tree = JsonDocument.Parse(json))
                TrainState.Format.Check(path, TextOf(tree, "kind"),
                    tree.RootElement.TryGetProperty("format_version", out JsonElement v) ? v.GetInt32() : 0);
            TrainState state = JsonSerializer.Deserialize(json, StateJson.Default.TrainState)
                ?? throw new DataException($"{path}: holds null");
            if (!json.AsSpan().SequenceEqual(Encode(state)) || state.Hash != HashOf(state))
                throw new DataException($"{path}: does not match its hash: it was altered");
            return state;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DataException($"{path}: broken: it was altered ({e.Message})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    static string? TextOf(JsonDocument tree, string key) =>
        tree.RootElement.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;

    internal static byte[] Encode(TrainState state) => JsonSerializer.SerializeToUtf8Bytes(state, StateJson.Default.TrainState);

    internal static string HashOf(TrainState state)
    {
        var hash = new XxHash128();
        hash.Append(Encode(state with { Hash = "" }));
        return Hex(hash);
    }

    internal static string Hex(XxHash128 hash) => hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>
/// A run's checkpoints, step-000500 and so on: written whole or not at all, read with every byte held against its hash, through
/// buffers made once.
/// </summary>
public sealed class CheckpointStore
{
    readonly string runFolder;
    readonly byte[] tokenizer;                                     // as it was when the run was opened
    readonly string? chatTemplate;
    readonly string licence;
    readonly Transformer transformer;
    readonly IDevice device;
    readonly ParamTable table;
    readonly (string Prefix, DeviceSpan<float> Memory)[] model, moments;
    readonly SafetensorsHeader modelHeader, momentsHeader;
    readonly float[] buffer = new float[1 << 18], written = new float[1 << 18];
    readonly XxHash128 hash = new();
    readonly Func<string, long, Stream> create;
    readonly Fence? fence;
    readonly Ranks? ranks;
    readonly SlabParts parts;
    (IDevice Host, (string, DeviceSpan<float>)[] Model, (string, DeviceSpan<float>)[] Moments)? copy;
    Task writing = Task.CompletedTask;

    /// <summary>Checkpoints of a model and its optimiser.</summary>
    /// <param name="runFolder">they lie below it; it is there</param>
    /// <param name="tokenizerFile">written into every one, with what it says to other programs: each is a whole model</param>
    public CheckpointStore(string runFolder, string tokenizerFile, Transformer model, Optimizer optimizer)
        : this(runFolder, tokenizerFile, model, optimizer, null) { }

    /// <param name="create">opens a file that will have so many bytes; null: on the disk</param>
    /// <param name="chatTemplate">how the model was taught to be spoken to; null: it was not</param>
    /// <param name="licence">what is known about the right to use the text, for the model card</param>
    /// <param name="fence">to be asked before a checkpoint gets its name</param>
    /// <param name="ranks">that save together: the moments come to the first, which writes</param>
    internal CheckpointStore(string runFolder, string tokenizerFile, Transformer transformer, Optimizer optimizer,
        Func<string, long, Stream>? create, string? chatTemplate = null, string licence = "", Fence? fence = null,
        Ranks? ranks = null)
    {
        (this.runFolder, tokenizer, this.transformer, this.chatTemplate, this.licence) =
            (runFolder, File.ReadAllBytes(tokenizerFile), transformer, chatTemplate, licence);
        (this.fence, this.ranks, parts) = (fence, ranks, optimizer.Parts);
        (device, table) = (transformer.Device, transformer.Table);
        model = [("", transformer.Params)];
        moments = [("m.", optimizer.M), ("v.", optimizer.V)];
        modelHeader = HeaderOf(model);
        momentsHeader = HeaderOf(moments);
        this.create = create ?? ((path, bytes) => new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
            PreallocationSize = bytes,
        }));
    }

    SafetensorsHeader HeaderOf((string Prefix, DeviceSpan<float>)[] slabs) =>
        new(slabs.SelectMany(s => table.All.Select(p => (s.Prefix + p.Name, p.Shape))));

    /// <summary>
    /// Writes the folder under a temporary name, syncs every file, and renames it. An older folder of this step is replaced.
    /// </summary>
    /// <returns>the folder</returns>
    /// <exception cref="DataException">The disk is full or gives up: nothing of this checkpoint stays, the ones before it
    /// do.</exception>
    public string Save(TrainState state)
    {
        Join();
        if (Writes) return Write(state, device, model, moments);
        foreach ((_, DeviceSpan<float> memory) in moments)
            foreach ((long offset, int length) in Pieces()) Read(device, memory, parts, offset, written.AsSpan(0, length));
        return "";
    }

    /// <summary>
    /// Copies weights and moments and returns; the copy is written beside what comes next. A kill meanwhile loses this checkpoint
    /// alone. What goes wrong is said by the next call, or by <see cref="Join"/>.
    /// </summary>
    /// <param name="then">done behind it</param>
    internal void SaveBeside(TrainState state, Action then)
    {
        Join();
        if (!Writes)
        {
            Save(state);
            return;
        }
        copy ??= CopyRoom();
        (IDevice host, var theirModel, var theirMoments) = copy.Value;
        var pairs = model.Concat(moments).Zip(theirModel.Concat(theirMoments));
        foreach (((string prefix, DeviceSpan<float> from), (_, DeviceSpan<float> to)) in pairs)
            foreach ((long offset, int length) in Pieces())
            {
                Read(device, from, prefix.Length == 0 ? null : parts, offset, buffer.AsSpan(0, length));
                host.Upload<float>(buffer.AsSpan(0, length), to.Slice(offset, length));
            }
        TrainState now = state with { Ledger = state.Ledger with { } };
        writing = Task.Run(() =>
        {
            Write(now, host, theirModel, theirMoments);
            then();
        });
    }

    (IDevice, (string, DeviceSpan<float>)[], (string, DeviceSpan<float>)[]) CopyRoom()
    {
        IDevice host = Devices.Open("cpu:reference");             // for its memory alone
        var memory = new DeviceMemory(host, "a copy to write checkpoints from, for save.beside");
        return (host, Room(model), Room(moments));

        (string, DeviceSpan<float>)[] Room((string Prefix, DeviceSpan<float> Memory)[] slabs) =>
            [.. slabs.Select(s => (s.Prefix, memory.Allocate<float>(table.Length)))];
    }

    bool Writes => ranks is null or { Rank: 0 };

    /// <summary>Some elements of a slab, at the rank that writes; where ranks have parts of it, all call this.</summary>
    void Read(IDevice from, DeviceSpan<float> memory, SlabParts? parts, long offset, Span<float> into)
    {
        if (parts is { Ranks: > 1 }) ranks!.Collect(from, memory, parts, offset, into);
        else if (Writes) from.Download(memory.Slice(offset, into.Length), into);
    }

    /// <summary>All tensors, in their order, in pieces that a buffer holds.</summary>
    IEnumerable<(long Offset, int Length)> Pieces()
    {
        foreach (Param param in table.All)
            for (long done = 0; done < param.Length; done += buffer.Length)
                yield return (param.Offset + done, (int)Math.Min(buffer.Length, param.Length - done));
    }

    /// <summary>Waits for what is written beside.</summary>
    /// <exception cref="DataException">It could not be.</exception>
    internal void Join()
    {
        Task last = writing;
        writing = Task.CompletedTask;
        last.GetAwaiter().GetResult();
    }

    /// <summary>The end: nothing is written any more, whatever came of it.</summary>
    internal void Settle()
    {
        ((IAsyncResult)writing).AsyncWaitHandle.WaitOne();
        copy?.Host.Dispose();
        copy = null;
    }

    string Write(TrainState state, IDevice from, (string, DeviceSpan<float>)[] model, (string, DeviceSpan<float>)[] moments)
    {
        string name = Checkpoint.NameOf(state.Step), target = Path.Combine(runFolder, name);
        string own = fence is null ? "" : $".{fence.Number}";
        string temporary = Path.Combine(runFolder, $".{name}{own}.tmp"), old = Path.Combine(runFolder, $".{name}.old.tmp");
        try
        {
            Remove(temporary);
            Directory.CreateDirectory(temporary);
            (byte[] published, string? end) = TokenizerFrame.Publish(tokenizer, state.EndOfText);
            var files = new SortedDictionary<string, FileDigest>(StringComparer.Ordinal)
            {
                [ModelFolder.ConfigFile] =
                    Write(temporary, ModelFolder.ConfigFile, ModelFolder.ConfigJson(transformer.Config, state.EndOfText)),
                [ModelFolder.GenerationFile] =
                    Write(temporary, ModelFolder.GenerationFile, ModelFolder.GenerationJson(state.EndOfText)),
                [ModelFolder.TokenizerFile] = Write(temporary, ModelFolder.TokenizerFile, published),
                [ModelFolder.TokenizerConfigFile] = Write(temporary, ModelFolder.TokenizerConfigFile,
                    ModelFolder.TokenizerConfigJson(end, transformer.Config.ContextLen, chatTemplate)),
                [ModelFolder.ModelFile] = Write(temporary, ModelFolder.ModelFile, modelHeader, from, model),
                [Checkpoint.OptimizerFile] = Write(temporary, Checkpoint.OptimizerFile, momentsHeader, from, moments),
            };
            Write(temporary, ModelCard.FileName, ModelCard.Of(Path.GetFileName(runFolder), transformer.Config, table.Parameters,
                state, licence, chatTemplate));
            TrainState whole = state with
            {
                Kind = TrainState.Format.Kind,
                Claim = fence?.Number,
                Files = files,
                Hash = "",
            };
            Write(temporary, Checkpoint.StateFile, Checkpoint.Encode(whole with { Hash = Checkpoint.HashOf(whole) }));
            Disk.SyncFolder(temporary);
            fence?.ThrowIfLost();
            Remove(old);
            if (Directory.Exists(target)) Directory.Move(target, old);
            Directory.Move(temporary, target);
            Disk.SyncFolder(runFolder);
            Remove(old);
            return target;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryRemove(temporary);
            fence?.ThrowIfLost();                                 // its folder was tidied under our hands
            List<int> good = Checkpoint.StepsIn(runFolder);
            string last = good.Count == 0 ? "No checkpoint was saved" : $"Last good checkpoint: {Checkpoint.NameOf(good[^1])}";
            double megabytes = (modelHeader.FileBytes + momentsHeader.FileBytes) / 1e6;
            throw new DataException($"{target}: cannot be saved: {e.Message} ({megabytes:0.0} MB are needed). {last}; " +
                "make room and repeat the command", e);
        }
        catch (FenceLostException)
        {
            TryRemove(temporary);
            throw;
        }
    }

    /// <summary>Goes back to the newest checkpoint.</summary>
    /// <returns>its state; null: there is none</returns>
    /// <exception cref="DataException">It was altered, or is another model's.</exception>
    public TrainState? LoadNewest()
    {
        if (Checkpoint.StepsIn(runFolder) is not [.., int newest]) return null;
        string folder = Path.Combine(runFolder, Checkpoint.NameOf(newest));
        TrainState state = Checkpoint.Verify(folder);
        Load(folder);
        return state;
    }

    /// <summary>Uploads parameters and moments of a checkpoint folder, which may lie in another run.</summary>
    /// <exception cref="DataException">A tensor is missing, of another shape, or not readable.</exception>
    internal void Load(string folder)
    {
        Load(Path.Combine(folder, ModelFolder.ModelFile), model);
        Load(Path.Combine(folder, Checkpoint.OptimizerFile), moments);
        transformer.RepackWeights();
    }

    void Load(string path, (string Prefix, DeviceSpan<float> Memory)[] slabs)
    {
        using var file = new TensorFiles(path);
        foreach ((string prefix, DeviceSpan<float> memory) in slabs)
            ModelFolder.Load(file, prefix, device, table, memory, buffer, parts: prefix.Length == 0 ? null : parts);
    }

    /// <summary>Removes what a killed process left half written.</summary>
    internal static void Tidy(string runFolder)
    {
        foreach (string folder in Directory.GetDirectories(runFolder, ".step-*.old.tmp"))
        {
            string target = Path.Combine(runFolder, Path.GetFileName(folder)[1..^".old.tmp".Length]);
            if (!Directory.Exists(target)) Directory.Move(folder, target);      // killed between two renames
        }
        foreach (string folder in Directory.GetDirectories(runFolder, ".step-*.tmp")) Remove(folder);
    }

    static void Remove(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    static void TryRemove(string folder)
    {
        try { Remove(folder); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }       // the first error is the one to tell
    }

    FileDigest Write(string folder, string name, byte[] content)
    {
        using Stream file = create(Path.Combine(folder, name), content.Length);
        hash.Reset();
        Append(file, content);
        return Close(file, content.Length);
    }

    FileDigest Write(string folder, string name, SafetensorsHeader header, IDevice from,
        (string Prefix, DeviceSpan<float> Memory)[] slabs)
    {
        using Stream file = create(Path.Combine(folder, name), header.FileBytes);
        hash.Reset();
        Append(file, header.Bytes);
        foreach ((_, DeviceSpan<float> memory) in slabs)
            foreach ((long offset, int length) in Pieces())
            {
                Read(from, memory, memory.Length < table.Length ? parts : null, offset, written.AsSpan(0, length));
                Append(file, MemoryMarshal.AsBytes(written.AsSpan(0, length)));
            }
        return Close(file, header.FileBytes);
    }

    void Append(Stream file, ReadOnlySpan<byte> bytes)
    {
        hash.Append(bytes);
        file.Write(bytes);
    }

    FileDigest Close(Stream file, long bytes)
    {
        if (file is FileStream disk) disk.Flush(flushToDisk: true);
        else file.Flush();
        return new(bytes, Checkpoint.Hex(hash));
    }
}
