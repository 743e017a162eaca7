using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Isoflop.Cuda;
using Isoflop.Kernels;
using Isoflop.Tests.Kernels;
using Xunit;

namespace Isoflop.Tests.Cuda;

/// <summary>Tests of the card run one after another: they share a driver.</summary>
[CollectionDefinition(Name)]
public sealed class CudaCollection : ICollectionFixture<HostCard>, ICollectionFixture<PtxCard>
{
    public const string Name = "cuda";
}

/// <summary>
/// A driver with a card on the host: the kernels' own sources, compiled for this machine by tools/kernels.sh, once for each state of them.
/// </summary>
public unsafe class HostCard
{
    // A real card's name, where these tests are run on one.
    static readonly string? real = Environment.GetEnvironmentVariable("ISOFLOP_CARD");
    nint library;
    string? path, missing;

    /// <summary>All files that the library is made of: it is kept as long as none changes.</summary>
    private protected virtual IEnumerable<string> Sources =>
        [.. Directory.GetFiles(Under("src/Isoflop.Cuda/Kernels")), Under("tests/Isoflop.Tests/Cuda/host_driver.cpp"), Under("tools/kernels.sh")];

    /// <summary>Makes it; says why not, or null.</summary>
    private protected virtual string? Make(string path)
    {
        (int code, string said) = Compile(["host", path]);
        return code == 0 ? null : code == 3 ? "there is no C++ compiler" : throw new InvalidOperationException(said);
    }

    private protected static string Under(string path) => System.IO.Path.Combine(Places.Root, path);

    /// <summary>The library, as a driver's. It is made when it is first asked for.</summary>
    public string Path
    {
        get
        {
            Prepare();
            if (missing is not null) Assert.Skip(missing);
            return path!;
        }
    }

    void Prepare()
    {
        if (path is not null) return;
        var hash = new XxHash128();
        foreach (string file in Sources.Order(StringComparer.Ordinal)) hash.Append(File.ReadAllBytes(file));
        path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"isoflop-host-card-{Convert.ToHexString(hash.GetCurrentHash())}.so");
        missing = !OperatingSystem.IsLinux() ? "the kernels are compiled for the host on Linux alone" : File.Exists(path) ? null : Make(path);
        if (missing is not null) return;
        library = NativeLibrary.Load(path);
        Cards.Register();
    }

    /// <summary>Runs tools/kernels.sh.</summary>
    internal static (int Code, string Said) Compile(string[] arguments)
    {
        (int code, string said, _) = Script(arguments);
        return (code, said);
    }

    internal static (int Code, string Said, string Output) Script(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", [System.IO.Path.Combine(Places.Root, "tools", "kernels.sh"), .. arguments])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        Task<string> said = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said.Result, output);
    }

    /// <summary>A card of the usual kind; a real one stays as it is.</summary>
    /// <param name="played">only a played one will do</param>
    public void Reset(int count = 1, int major = 8, int minor = 0, int version = 13_000, long memory = 1L << 34, bool played = false)
    {
        if (real is not null && (played || this is PtxCard)) Assert.Skip("for a card that the host plays");
        if (real is not null)
        {
            Cards.Register();
            return;
        }
        string driver = Path;
        ((delegate* unmanaged<int, int, int, int, nuint, void>)Export("isoflop_card"))(count, major, minor, version, (nuint)memory);
        Driver.Use(driver);
    }

    /// <summary>Operands between fences, where the card reads them by the host's address.</summary>
    internal Fences Fences(int seed)
    {
        if (real is null) return new(seed);
        Driver driver = Driver.Open();
        CardContext context = CardContext.Of(driver, Cards.All()[int.Parse(real.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture)]);
        return new(seed, bytes =>
        {
            nint made;
            context.Enter();
            driver.Check(driver.AllocateHost(&made, (nuint)bytes, 3), "cuMemHostAlloc");        // portable and mapped
            return made;
        }, at =>
        {
            context.Enter();
            driver.FreeHost(at);                                 // unchecked: after an error all calls fail, and that one is to be seen
        });
    }

    internal CudaDevice Open(bool single) => (CudaDevice)Devices.Open(Name(single));

    public string Name(bool single) => (real ?? "cuda:0") + (single ? ":f32" : "");

    /// <summary>Nothing was written outside of its place, no lane waited for one that never came.</summary>
    public void Check() => Assert.Equal("", real is not null ? "" : Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)Export("isoflop_fault"))()));

    public long Used => real is not null ? 0 : (long)((delegate* unmanaged<nuint>)Export("isoflop_used"))();

    /// <summary>From now on every call fails.</summary>
    public void Break() => ((delegate* unmanaged<void>)Export("isoflop_break"))();

    /// <summary>The driver refuses edges between kernels that overlap.</summary>
    public void Chain() => ((delegate* unmanaged<void>)Export("isoflop_chains"))();

    /// <summary>Nothing that was launched ends.</summary>
    public void Hang() => ((delegate* unmanaged<void>)Export("isoflop_hang"))();

    /// <summary>The driver has no clusters, or none in graphs.</summary>
    public void Alone(bool inGraphs) => ((delegate* unmanaged<void>)Export(inGraphs ? "isoflop_alone_in_graphs" : "isoflop_alone"))();

    /// <summary>Whether warpgroups sum in another order than warps.</summary>
    public void Reverse(bool reversed) => *(int*)Export("isoflop_reversed") = reversed ? 1 : 0;

    /// <summary>Bytes that a kernel takes.</summary>
    public int BytesOf(string kernel) => ((delegate* unmanaged<int>)Export($"{kernel}_bytes"))();

    nint Export(string name) => NativeLibrary.GetExport(library, name);
}
