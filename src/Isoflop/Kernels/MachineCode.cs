using System.Runtime.InteropServices;

namespace Isoflop.Kernels;

/// <summary>Entry points of a kernel in machine code; zero: there is none.</summary>
/// <param name="Multiply">(words, a, b, c, bytes from row to row of c, start)</param>
/// <param name="Begin">before a thread's first tile</param> <param name="End">after its last</param>
readonly record struct KernelCode(nint Multiply, nint Begin = 0, nint End = 0);

/// <summary>Machine code that we write, in memory that is writable first and executable then, never both.</summary>
static unsafe partial class MachineCode
{
    const int Read = 1, Write = 2, Execute = 4, Private = 2, Anonymous = 0x20;
    const long ArchPrctl = 158, RequestPermission = 0x1023, TileData = 18;

    /// <summary>Whether this process can have any: System V's calling convention on x86-64.</summary>
    public static bool Possible => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Lays it out for the rest of the process's life; 0: the system refuses.</summary>
    public static nint Load(ReadOnlySpan<byte> code)
    {
        nuint length = (nuint)code.Length;
        nint memory = Map(0, length, Read | Write, Private | Anonymous, -1, 0);
        if (memory == -1) return 0;
        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        return Protect(memory, length, Read | Execute) == 0 ? memory : 0;
    }

    /// <summary>Asks Linux to let this process use AMX's tiles: its Documentation/arch/x86/xstate.rst.</summary>
    public static bool AskForTiles() => SystemCall(ArchPrctl, RequestPermission, TileData) == 0;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint at, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint memory, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(long number, long first, long second);
}
