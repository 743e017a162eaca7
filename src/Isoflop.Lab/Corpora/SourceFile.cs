using Isoflop.Store;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Isoflop.Lab.Corpora;

enum SourceKind { Text, JsonLines, JsonList, Parquet, Tar, ReferenceXml }

/// <summary>One file to read: what is in it, and how it is compressed.</summary>
/// <param name="Path">as the user knows it</param> <param name="Bytes">on disk</param>
/// <param name="Packing">gzip or Zstandard; text: neither</param>
/// <param name="Copy">where its bytes lie, if not under its path: a pipe is read once and copied</param>
sealed record SourceFile(string Path, SourceKind Kind, long Bytes, FileForm Packing = FileForm.Text, string? Copy = null)
{
    /// <summary>Zstandard's longest window, 2 GiB; what is taken is what a frame asks for.</summary>
    const int LongestWindow = 31;

    /// <summary>The file's bytes, decompressed.</summary>
    /// <param name="raw">the file itself; its position is the progress</param>
    public Stream Open(out FileStream raw)
    {
        raw = OpenRaw(Copy ?? Path);
        return Unpack(raw, Packing);
    }

    /// <exception cref="DataException">It cannot be opened.</exception>
    public static FileStream OpenRaw(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>The content of a compressed file; disposing of it closes the file.</summary>
    public static Stream Unpack(FileStream raw, FileForm packing)
    {
        if (packing == FileForm.Gzip) return new GzipMembers(raw);
        if (packing != FileForm.Zstd) return raw;
        var stream = new DecompressionStream(raw, leaveOpen: false);
        stream.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LongestWindow);
        return stream;
    }

    /// <summary>What a broken archive or a disk that fails throws.</summary>
    public static bool IsBroken(Exception e) => e is InvalidDataException or IOException or ZstdException;
}
