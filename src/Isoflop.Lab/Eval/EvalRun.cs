using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>First line of a file of results: what the others belong to.</summary>
/// <param name="Suite">name</param> <param name="SuiteHash">of its items</param>
/// <param name="TargetHash">of what answered</param>
sealed record EvalHeader(string Suite, string SuiteHash, string TargetHash)
{
    internal static readonly Format Format = new("eval");
}

/// <summary>
/// Asks a suite. With a file every result is kept as it comes: the same call after a kill goes on where that one was, and asks
/// nothing when all is there. Results of another suite or another model under these names are kept aside, in a folder "kept"
/// beside the file, and come back when they are asked for again: answers may have been paid for.
/// </summary>
public static class EvalRun
{
    /// <summary>Where results of a checkpoint are kept, runs/RUN/evals/SUITE-000500.jsonl; null outside of a run.</summary>
    public static string? FileFor(string modelFolder, EvalSuite suite) => RunOf(modelFolder) is not { } run ? null
        : Path.Combine(run.Folder, "evals", string.Create(CultureInfo.InvariantCulture, $"{suite.Name}-{run.Step:000000}.jsonl"));

    /// <summary>The run that a model folder is a checkpoint of; null: none.</summary>
    public static (string Folder, int Step)? RunOf(string modelFolder)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder));
        string? run = Path.GetDirectoryName(folder);
        if (run is null || !File.Exists(Path.Combine(run, RunRecord.FileName))) return null;
        int step = Checkpoint.StepsIn(run).Find(s => Checkpoint.NameOf(s) == Path.GetFileName(folder));
        return Path.GetFileName(folder) == Checkpoint.NameOf(step) ? (run, step) : null;
    }

    /// <summary>
    /// Folders of the corpora that a checkpoint was trained on, those of the runs it began at too, and what they were then.
    /// </summary>
    internal static IReadOnlyList<(string Folder, CorpusFacts? Then)> CorporaOf(string modelFolder)
    {
        var corpora = new List<(string, CorpusFacts?)>();
        if (RunOf(modelFolder) is not { } point) return corpora;
        var here = new Workspace(Path.GetFullPath(Path.Combine(point.Folder, "..", "..")));
        for (string? run = point.Folder; run is not null;)
        {
            if (!Directory.Exists(run))
            {
                corpora.Add((run, null));                                       // a deleted run's corpus is not known
                break;
            }
            RunRecord record = RunRecord.Load(run);
            corpora.Add((here.CorpusFolder(record.Corpus.Name), record.Corpus));
            run = RunPoint.TryParse(record.Config.From, out RunPoint from) ? here.RunFolder(from.Run) : null;
        }
        return [.. corpora.Distinct()];
    }

    /// <summary>Results of the first <paramref name="limit"/> items (0: of all) in the suite's order; of an item that
    /// got no answer there is none.</summary>
    /// <param name="file">where results are kept; null: nowhere</param>
    /// <exception cref="DataException">The file was altered, or is of a newer format.</exception>
    /// <exception cref="ConfigException">Another process writes it.</exception>
    /// <exception cref="OperationCanceledException">Stopped; what is done is kept.</exception>
    public static IReadOnlyList<ItemResult> Ask(IEvalTarget target, EvalSuite suite, Workspace here, string? file,
        int limit = 0)
    {
        EvalItem[] items = [.. suite.Items.Take(limit > 0 ? limit : int.MaxValue)];
        var header = new EvalHeader(suite.Name, suite.Hash, target.Hash);
        using ResultFile? kept = file is null ? null : ResultFile.Open(file, header, here);
        Dictionary<string, ItemResult> results = kept?.Found ?? [];
        EvalItem[] open = [.. items.Where(i => !results.ContainsKey(i.Id))];
        int done = items.Length - open.Length;
        here.Report("eval", done, items.Length, "items");
        here.Stop.ThrowIfCancellationRequested();
        foreach (IReadOnlyList<ItemResult> some in target.Answer(open, here.Stop))
        {
            kept?.Append(some);
            foreach (ItemResult result in some) results.Add(result.Id, result);
            here.Report("eval", done += some.Count, items.Length, "items");
            here.Stop.ThrowIfCancellationRequested();
        }
        return [.. items.Where(i => results.ContainsKey(i.Id)).Select(i => results[i.Id])];
    }

    /// <summary>A file of results, open for this process alone.</summary>
    sealed class ResultFile : IDisposable
    {
        readonly FileStream file;
        RowChain chain;

        /// <summary>Results that the file holds, by their items' ids.</summary>
        public Dictionary<string, ItemResult> Found { get; } = [];

        /// <summary>Opens a file, or makes it; what it holds of another suite or target is kept aside before.</summary>
        public static ResultFile Open(string path, EvalHeader header, Workspace here)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (var found = new ResultFile(path))
                if (found.header != header)
                {
                    if (found.Found.Count > 0) KeepAside(path, found, header, here);
                    // A file without results may make way.
                    if (File.Exists(Aside(path, header))) File.Move(Aside(path, header), path, overwrite: true);
                }
            var file = new ResultFile(path);
            try
            {
                if (file.header != header) file.Begin(header);
                return file;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        static void KeepAside(string path, ResultFile found, EvalHeader header, Workspace here)
        {
            EvalHeader other = found.header!;
            string aside = Aside(path, other);
            for (int copy = 2; File.Exists(aside); copy++) aside = Aside(path, other, $".{copy}");
            Directory.CreateDirectory(Path.GetDirectoryName(aside)!);
            File.Move(path, aside);
            string what = other.SuiteHash == header.SuiteHash ? "another model, or of other options" : "another suite";
            here.Remark($"{found.Found.Count} results of {what} are kept in {aside}");
        }

        static string Aside(string path, EvalHeader of, string copy = "")
        {
            ulong hash = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes($"{of.Suite}\n{of.SuiteHash}\n{of.TargetHash}"));
            return Path.Combine(Path.GetDirectoryName(path)!, "kept",
                $"{Path.GetFileNameWithoutExtension(path)}.{hash:x16}{copy}{Path.GetExtension(path)}");
        }

        readonly EvalHeader? header;

        ResultFile(string path)
        {
            try
            {
                file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (FolderLock.IsHeld(e))
            {
                throw new ConfigException($"{path}: another process has it open ({e.Message}); wait for it, or stop it");
            }
            try
            {
                byte[] text = new byte[file.Length];
                file.ReadExactly(text);
                int whole = text.AsSpan().LastIndexOf((byte)'\n') + 1;          // a torn last line is what a kill left
                header = Load(text.AsSpan(0, whole), path);
                file.Position = whole;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        /// <summary>Begins a file that holds no result.</summary>
        void Begin(EvalHeader of)
        {
            file.Position = 0;
            chain = default;
            Append(sealing: false, Encoding.UTF8.GetBytes(JsonFile.Encode(of, EvalHeader.Format, EvalJson.Default.EvalHeader)));
        }

        /// <summary>Reads the results, and whose they are; null: there is no whole line.</summary>
        EvalHeader? Load(ReadOnlySpan<byte> text, string path)
        {
            EvalHeader? own = null;
            for (int line = 1; text.Length > 0; line++)
            {
                int end = text.IndexOf((byte)'\n');
                try
                {
                    if (!chain.Read(text[..end], out int bare)) throw RowChain.Altered(path, line);
                    if (line > 1)
                    {
                        byte[] row = [.. bare > 0 ? text[..bare] : text[..end], .. bare > 0 ? "}"u8 : ""u8];
                        ItemResult result = JsonSerializer.Deserialize(row, EvalJson.Default.ItemResult)
                            ?? throw new JsonException();
                        Found[result.Id] = result;
                    }
                    else own = JsonFile.Decode(text[..end], path, EvalHeader.Format, EvalJson.Default.EvalHeader);
                }
                catch (JsonException e)
                {
                    throw new DataException($"{path}: line {line} is not a result: it was altered; " +
                        "mend it, or move the file away", e);
                }
                text = text[(end + 1)..];
            }
            return own;
        }

        /// <summary>Hands results to the operating system: from here on they survive a kill.</summary>
        public void Append(IReadOnlyList<ItemResult> results) =>
            Append(sealing: true, [.. results.Select(r => JsonSerializer.SerializeToUtf8Bytes(r, EvalJson.Default.ItemResult))]);

        /// <param name="sealing">each line gets the running hash; else it has one of its own, or none</param>
        void Append(bool sealing, params byte[][] lines)
        {
            using var text = new MemoryStream();
            Span<byte> seal = stackalloc byte[RowChain.Length];
            foreach (byte[] line in lines)
            {
                text.Write(sealing ? line.AsSpan(..^1) : line);
                if (sealing) chain.Write(line.AsSpan(..^1), seal);
                else chain.Read(line, out _);
                if (sealing) text.Write(seal);
                text.WriteByte((byte)'\n');
            }
            try
            {
                if (file.Position < file.Length) file.SetLength(file.Position);     // the torn line
                file.Write(text.GetBuffer().AsSpan(0, (int)text.Length));
            }
            catch (IOException e)
            {
                throw new DataException($"{file.Name}: cannot be written: {e.Message}; make room and repeat the command", e);
            }
        }

        public void Dispose() => file.Dispose();
    }
}
