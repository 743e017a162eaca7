using System.Globalization;
using System.IO.Enumeration;
using System.IO.Hashing;
using Isoflop.Data;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>What the user named, as files, in an order that is the same on every machine.</summary>
sealed class SourceFiles : IDisposable
{
    readonly List<(string Path, List<SourceFile> Files)> named = [];
    readonly Workspace here;
    readonly Lazy<CorpusSource[]> hashed;

    SourceFiles(Workspace here)
    {
        this.here = here;
        hashed = new(() => [.. named.Zip(Sized).Select(s => s.Second with { XxHash128 = HashOf(s.First.Files) })]);
    }

    /// <summary>What was named, with the size and the hash of what was found there.</summary>
    public IReadOnlyList<CorpusSource> Sources => hashed.Value;

    IEnumerable<CorpusSource> Sized =>
        named.Select(s => new CorpusSource { Path = s.Path, Files = s.Files.Count, Bytes = s.Files.Sum(f => f.Bytes) });

    /// <summary>The files of each that was named.</summary>
    public IReadOnlyList<List<SourceFile>> ByName => [.. named.Select(s => s.Files)];

    /// <summary>All files, in order.</summary>
    public IReadOnlyList<SourceFile> Files => [.. named.SelectMany(s => s.Files)];

    /// <summary>Finds the files of a recipe's sources.</summary>
    /// <exception cref="ConfigException">Nothing there.</exception>
    /// <exception cref="DataException">What cannot be read, or is no text; says what it is.</exception>
    public static SourceFiles Of(CorpusRecipe recipe, IReadOnlyList<string> paths, Workspace here)
    {
        var found = new SourceFiles(here);
        try
        {
            foreach (string path in paths) found.named.Add((path, new Finder(recipe, here).Find(path)));
            return found;
        }
        catch
        {
            found.Dispose();
            throw;
        }
    }

    /// <summary>The reference documentation of the SDK.</summary>
    public static SourceFiles OfReference(Workspace here)
    {
        var found = new SourceFiles(here);
        found.named.AddRange(ReferenceDocs.Find());
        return found;
    }

    /// <summary>Whether they are what a corpus was built from; one that is older than hashes has only their sizes.</summary>
    public bool Equal(IReadOnlyList<CorpusSource> then) => then.Select(s => s with { XxHash128 = null }).SequenceEqual(Sized)
        && (then.All(s => s.XxHash128 is null) || then.SequenceEqual(Sources));

    string HashOf(List<SourceFile> files)
    {
        var hash = new XxHash128();
        byte[] buffer = new byte[1 << 20];
        long done = 0, total = Math.Max(1, files.Sum(f => f.Bytes));
        foreach (SourceFile file in files)
        {
            using FileStream raw = SourceFile.OpenRaw(file.Copy ?? file.Path);
            hash.Append(BitConverter.GetBytes(raw.Length));
            try
            {
                for (int n; (n = raw.Read(buffer)) > 0;)
                {
                    here.Stop.ThrowIfCancellationRequested();
                    hash.Append(buffer.AsSpan(0, n));
                    here.Report("hashing", Math.Min(done += n, total), total, "B");
                }
            }
            catch (IOException e)
            {
                throw new DataException($"{file.Path}: cannot be read past byte {raw.Position}: {e.Message}", e);
            }
        }
        return hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
    }

    /// <summary>Removes copies of pipes.</summary>
    public void Dispose()
    {
        foreach (SourceFile file in Files)
            if (file.Copy is { } copy) File.Delete(copy);
    }

    /// <summary>From a name to files.</summary>
    sealed class Finder(CorpusRecipe recipe, Workspace here)
    {
        readonly SortedDictionary<string, int> unread = new(StringComparer.Ordinal);

        public List<SourceFile> Find(string source)
        {
            if (source.Length == 0 || source.Contains('\0'))
                throw new ConfigException("a source is empty or holds a NUL; name a file, a folder or a glob");
            if (FileNature.Of(source) is { } nature)
            {
                if (!nature.IsFolder) return [nature.IsRegular ? Describe(source, named: true)! : Spooled(source)];
                List<SourceFile> found = [.. Walk(source, IsKnown).Select(f => Describe(f, named: false)).OfType<SourceFile>()];
                if (unread.Count > 0)
                    here.Remark($"{source}: not read: " + string.Join(", ", unread.Select(u => $"{u.Value} {u.Key}")));
                return found.Count > 0 ? found
                    : throw new ConfigException($"{source}: no files to read in this folder; read are {SourceNames.Known}");
            }
            if (source.AsSpan().IndexOfAny('*', '?') < 0)
                throw new ConfigException($"{source}: no such file or folder");
            List<SourceFile> matched = [.. Glob(source).Select(f => Describe(f, named: true)!)];
            return matched.Count > 0 ? matched : throw new ConfigException($"{source}: no file matches this pattern");
        }

        bool IsKnown(string path)
        {
            if (SourceNames.KindOf(path) is not null) return true;
            string kind = Path.GetExtension(path) is { Length: > 0 and < 10 } extension ? extension : "without an ending";
            unread[kind] = unread.GetValueOrDefault(kind) + 1;
            return false;
        }

        SourceFile? Describe(string path, bool named, string? copy = null)
        {
            here.Stop.ThrowIfCancellationRequested();
            using FileStream raw = SourceFile.OpenRaw(copy ?? path);
            long bytes = raw.Length;
            try
            {
                byte[] head = FileForms.HeadOf(raw);
                FileForm packing = FileForms.Of(head);
                if (packing is not (FileForm.Gzip or FileForm.Zstd)) packing = FileForm.Text;
                if (packing != FileForm.Text)
                {
                    raw.Position = 0;
                    using Stream content = SourceFile.Unpack(raw, packing);
                    head = FileForms.HeadOf(content);
                    if (FileForms.Of(head) is FileForm.Gzip or FileForm.Zstd)
                        throw new DataException($"{path}: is compressed twice; {packing.Advice()}");
                }
                SourceKind? kind = SourceNames.Decide(path, packing, head, recipe, named, out string? remark);
                if (remark is not null) here.Remark(remark);
                return kind is null ? null : new(path, kind.Value, bytes, packing, copy);
            }
            catch (Exception e) when (SourceFile.IsBroken(e))
            {
                throw new DataException($"{path}: cannot be read: {e.Message}", e);
            }
        }

        /// <summary>A pipe or a device is read once, into a temporary file, for a corpus is built in two passes.</summary>
        SourceFile Spooled(string path)
        {
            string copy = Path.GetTempFileName();
            try
            {
                // Opening a pipe waits for who writes to it: that may be never.
                Task.Run(() => Spool(path, copy)).WaitAsync(here.Stop).GetAwaiter().GetResult();
                return Describe(path, named: true, copy)!;
            }
            catch (Exception e)
            {
                File.Delete(copy);
                if (e is IOException or UnauthorizedAccessException)
                    throw new DataException($"{path}: cannot be read: {e.Message}", e);
                throw;
            }
        }

        void Spool(string path, string copy)
        {
            using FileStream from = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            using FileStream to = new(copy, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            byte[] buffer = FileForms.HeadOf(from);
            // What has no end must be seen before it is copied.
            if (FileForms.Of(buffer) is FileForm.Binary) throw FileForm.Binary.Refusal(path, SourceNames.Wanted);
            to.Write(buffer);
            buffer = new byte[1 << 20];
            for (int n; (n = from.Read(buffer)) > 0;)
            {
                here.Stop.ThrowIfCancellationRequested();
                to.Write(buffer.AsSpan(0, n));
            }
        }

        /// <summary>All regular files below a folder but hidden ones, by ordinal path, each once, whatever the links.</summary>
        /// <param name="depth">folders to go down, the first one counted</param>
        List<string> Walk(string root, Func<string, bool> wanted, int depth = int.MaxValue)
        {
            HashSet<string> seen = [];
            List<string> found = [];
            var links = new Queue<(string Path, int Depth)>();
            var folders = new Stack<(string Path, int Depth)>();
            Visit(root, 0);
            // What links lead to comes after what really is there, so that a file has its own name where it has one.
            while (folders.Count > 0 || links.Count > 0)
            {
                if (!folders.TryPop(out (string Path, int Depth) folder))
                {
                    (string path, int at) = links.Dequeue();
                    Visit(path, at);
                    continue;
                }
                foreach (FileSystemInfo entry in Entries(folder.Path).OrderBy(e => e.Name, StringComparer.Ordinal))
                {
                    here.Stop.ThrowIfCancellationRequested();
                    string path = Path.Combine(folder.Path, entry.Name);
                    if (entry.LinkTarget is not null) links.Enqueue((path, folder.Depth + 1));
                    else Visit(path, folder.Depth + 1);
                }
            }
            found.Sort(StringComparer.Ordinal);
            return found;

            void Visit(string path, int at)
            {
                if (FileNature.Of(path) is not { } nature) return;
                if ((!nature.IsFolder && !wanted(path)) || !seen.Add(nature.Identity)) return;
                if (nature.IsRegular) found.Add(path);
                else if (!nature.IsFolder) here.Remark($"{path}: left out: a pipe, socket or device; name it to have it read");
                else if (at < depth) folders.Push((path, at));
            }
        }

        static FileSystemInfo[] Entries(string folder)
        {
            var options = new EnumerationOptions
            {
                AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
                IgnoreInaccessible = false,
            };
            try
            {
                return new DirectoryInfo(folder).GetFileSystemInfos("*", options);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DataException($"{folder}: cannot be read: {e.Message}", e);
            }
        }

        /// <summary>Files that match, where * and ? stay within a name and ** is any number of folders.</summary>
        List<string> Glob(string pattern)
        {
            string[] parts = pattern.Replace('\\', '/').Split('/');
            int wild = Array.FindIndex(parts, p => p.AsSpan().IndexOfAny('*', '?') >= 0);
            string root = wild == 0 ? "." : string.Join('/', parts[..wild]) is { Length: > 0 } r ? r : "/";
            if (!Directory.Exists(root)) return [];
            parts = parts[wild..];
            return Walk(root, f => Matches(Path.GetRelativePath(root, f).Replace('\\', '/').Split('/'), parts),
                parts.Contains("**") ? int.MaxValue : parts.Length);
        }

        static bool Matches(ReadOnlySpan<string> names, ReadOnlySpan<string> parts)
        {
            if (parts.IsEmpty) return names.IsEmpty;
            if (parts[0] == "**")
            {
                for (int skip = 0; skip <= names.Length; skip++)
                    if (Matches(names[skip..], parts[1..])) return true;
                return false;
            }
            return !names.IsEmpty && FileSystemName.MatchesSimpleExpression(parts[0], names[0], ignoreCase: false)
                && Matches(names[1..], parts[1..]);
        }
    }
}
