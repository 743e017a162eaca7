using System.Runtime.InteropServices;

namespace Isoflop.Store;

/// <summary>What a path leads to, links followed.</summary>
/// <param name="IsRegular">a file with a length, and no pipe, socket or device</param>
/// <param name="Identity">the same for every name of one file or folder</param>
readonly partial record struct FileNature(bool IsFolder, bool IsRegular, string Identity)
{
    /// <summary>Looks at a path without opening it; null: nothing is there, or a link into nothing.</summary>
    public static FileNature? Of(string path)
    {
        if (OperatingSystem.IsLinux() && Look(path, out ushort mode, out string identity) is { } there)
            return there ? new((mode & TypeBits) == Folder, (mode & TypeBits) == Regular, identity) : null;
        FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
        if (!info.Exists) return null;
        string target = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? info.FullName;
        bool device = !OperatingSystem.IsWindows() && path.StartsWith("/dev/", StringComparison.Ordinal);
        return new(info is DirectoryInfo, info is FileInfo && !device, Path.TrimEndingDirectorySeparator(target));
    }

    // Of Linux' statx, whose layout is the same on every processor: type and mode, inode, device.
    const int Here = -100, TypeAndInode = 0x101, TypeBits = 0xF000, Folder = 0x4000, Regular = 0x8000;

    /// <summary>null: the system has no such call</summary>
    static unsafe bool? Look(string path, out ushort mode, out string identity)
    {
        byte* status = stackalloc byte[256];
        (mode, identity) = (0, "");
        try
        {
            if (StatX(Here, path, 0, TypeAndInode, status) != 0) return false;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
        mode = *(ushort*)(status + 28);
        identity = $"{*(uint*)(status + 136)}:{*(uint*)(status + 140)}:{*(ulong*)(status + 32)}";
        return true;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* status);
}
