using System.Runtime.InteropServices;

namespace Isoflop.Store;

/// <summary>What .NET has no portable call for.</summary>
static partial class Disk
{
    /// <summary>
    /// Makes the names in a folder durable, as fsync(2) on it does; elsewhere than on Linux and macOS the file system sees to it.
    /// </summary>
    public static void SyncFolder(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return;
        int handle = Open(path, 0);
        if (handle < 0) return;                                   // a file system that cannot: a kill is survived all the same
        _ = Sync(handle);
        _ = Close(handle);
    }

    /// <summary>Something that is there and is neither a file nor a folder, nor a link to one: a device, a pipe, a
    /// socket.</summary>
    public static bool IsSpecial(string path) => FileNature.Of(path) is { IsFolder: false, IsRegular: false };

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
