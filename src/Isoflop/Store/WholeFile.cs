using System.Text;

namespace Isoflop.Store;

/// <summary>
/// Writes files whole: the old one or the new one is there, whatever happens. What is no file (a device, a pipe) is written to,
/// not replaced; of a link, what it points at.
/// </summary>
static class WholeFile
{
    /// <summary>Replaces a file and makes its folder where it is missing.</summary>
    /// <param name="write">may seek and read what it wrote</param>
    /// <exception cref="DataException">It cannot be written; the old one is as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            if (path.Length == 0 || path.Contains('\0') || Path.EndsInDirectorySeparator(path) || Directory.Exists(path))
                throw new DataException($"'{path.Replace('\0', '␀')}' cannot be written: {(path.Length == 0 ? "it is empty"
                    : path.Contains('\0') ? "it holds a zero" : "it is a folder")}; name a file");
            string whole = Path.GetFullPath(path);
            FileSystemInfo? next = new FileInfo(whole).LinkTarget is null ? null
                : File.ResolveLinkTarget(whole, returnFinalTarget: false);
            if (IsOpen(whole) || next is not null && IsOpen(next.FullName) || Disk.IsSpecial(whole)) WriteThrough(whole, write);
            else Replace(next is null ? whole : File.ResolveLinkTarget(whole, returnFinalTarget: true)!.FullName, write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new DataException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The same of bytes.</summary>
    public static void Write(string path, byte[] content) => Write(path, file => file.Write(content));

    /// <summary>The same of text.</summary>
    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <summary>A name of what a process has open, /dev/stdout: behind it a file may lie, to which others are writing.</summary>
    static bool IsOpen(string path) => path is "/dev/stdout" or "/dev/stderr"
        || path.StartsWith("/dev/fd/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal);

    static void Replace(string path, Action<Stream> write)
    {
        // A process number is no name of its own where hosts share a folder.
        string temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <remarks>By way of memory: the writer may seek, and nothing is sent of what fails half way.</remarks>
    static void WriteThrough(string path, Action<Stream> write)
    {
        using var content = new MemoryStream();
        write(content);
        // Opened anew, a file behind it would be written from its start, and by the next line of this process once more.
        using Stream device = path is "/dev/stdout" or "/dev/fd/1" ? Console.OpenStandardOutput()
            : path is "/dev/stderr" or "/dev/fd/2" ? Console.OpenStandardError()
            : new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        if (device.CanSeek && !Disk.IsSpecial(path)) device.Seek(0, SeekOrigin.End);
        content.Position = 0;
        content.CopyTo(device);
    }
}
