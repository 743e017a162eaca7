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
    public static bool IsSpecial(string path)
    {
        if (!OperatingSystem.IsLinux()) return !OperatingSystem.IsWindows() && path.StartsWith("/dev/", StringComparison.Ordinal);
        const int currentFolder = -100, typeAlone = 1, modeAt = 28, kinds = 0xF000, folder = 0x4000, file = 0x8000;   // statx(2)
        Span<byte> said = stackalloc byte[256];
        try
        {
            if (Stat(currentFolder, path, 0, typeAlone, said) != 0) return false;
        }
        catch (EntryPointNotFoundException)                       // a C library older than 2018
        {
            return path.StartsWith("/dev/", StringComparison.Ordinal);
        }
        int mode = BitConverter.ToUInt16(said[modeAt..]);
        return (mode & kinds) is not (folder or file);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(int from, string path, int flags, uint mask, Span<byte> said);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
