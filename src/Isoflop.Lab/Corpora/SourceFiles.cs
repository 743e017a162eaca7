using System.IO.Compression;
using System.IO.Enumeration;
using Isoflop.Store;
using ZstdSharp;

namespace Isoflop.Lab.Corpora;

enum SourceKind { Text, JsonLines, Parquet, ReferenceXml }

/// <summary>One file to read: what is in it, and whether it is compressed.</summary>
sealed record SourceFile(string Path, SourceKind Kind, string Packing, long Bytes)
{
    /// <summary>The file's bytes, decompressed.</summary>
    /// <param name="raw">the file itself; its position is the progress</param>
    public Stream Open(out FileStream raw)
    {
        try
        {
            raw = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{Path}: cannot be opened: {e.Message}", e);
        }
        return Packing switch
        {
            ".gz" => new GZipStream(raw, CompressionMode.Decompress),
            ".zst" => new DecompressionStream(raw),
            _ => raw,
        };
    }
}

/// <summary>Turns what the user named into files, in an order that is the same on every machine.</summary>
static class SourceFiles
{
    const string Known = ".txt .md .markdown .jsonl .ndjson .parquet, each also with .gz or .zst";

    /// <summary>The files of one source: a file, a folder's files of known kinds, or what a glob matches.</summary>
    /// <exception cref="ConfigException">Nothing there.</exception>
    public static List<SourceFile> Find(string source)
    {
        if (File.Exists(source)) return [Describe(source, KindOf(source) ?? SourceKind.Text)];
        if (Directory.Exists(source))
        {
            List<SourceFile> found = [.. Walk(source).Where(f => KindOf(f) is not null)
                .Select(f => Describe(f, KindOf(f)!.Value))];
            return found.Count > 0 ? found : throw new ConfigException($"{source}: no files to read in this folder; read are " +
                $"{Known}");
        }
        if (source.AsSpan().IndexOfAny('*', '?') < 0)
            throw new ConfigException($"{source}: no such file or folder");
        List<SourceFile> matched = [.. Glob(source).Select(f => Describe(f, KindOf(f) ?? SourceKind.Text))];
        return matched.Count > 0 ? matched : throw new ConfigException($"{source}: no file matches this pattern");
    }

    static SourceFile Describe(string path, SourceKind kind) =>
        new(path, kind, PackingOf(path), new FileInfo(path).Length);

    static string PackingOf(string path) => Path.GetExtension(path).ToLowerInvariant() is var p && p is (".gz" or ".zst") ? p
        : "";

    static SourceKind? KindOf(string path)
    {
        string inner = PackingOf(path).Length > 0 ? Path.GetFileNameWithoutExtension(path) : path;
        return Path.GetExtension(inner).ToLowerInvariant() switch
        {
            ".txt" or ".text" or ".md" or ".markdown" => SourceKind.Text,
            ".jsonl" or ".ndjson" => SourceKind.JsonLines,
            ".parquet" => SourceKind.Parquet,
            _ => null,
        };
    }

    /// <summary>All files below a folder but hidden ones, by ordinal path.</summary>
    static IEnumerable<string> Walk(string folder)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
            IgnoreInaccessible = false,
        };
        return Directory.EnumerateFiles(folder, "*", options).Order(StringComparer.Ordinal);
    }

    /// <summary>Files that match, where * and ? stay within a name and ** is any number of folders.</summary>
    static IEnumerable<string> Glob(string pattern)
    {
        string[] parts = pattern.Replace('\\', '/').Split('/');
        int wild = Array.FindIndex(parts, p => p.AsSpan().IndexOfAny('*', '?') >= 0);
        string root = wild == 0 ? "." : string.Join('/', parts[..wild]) is { Length: > 0 } r ? r : "/";
        if (!Directory.Exists(root)) return [];
        return Walk(root).Where(f => Matches(Path.GetRelativePath(root, f).Replace('\\', '/').Split('/'), parts.AsSpan(wild)));
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
