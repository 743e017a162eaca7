using System.Collections.Concurrent;

namespace Isoflop.Kernels;

/// <summary>What a device is: for records, and for those who lay out work for it.</summary>
/// <param name="Name">for the record: kind, threads or model, instruction set</param>
/// <param name="InstructionSet">the widest that its kernels run on</param> <param name="Precision">of what it multiplies</param>
/// <param name="BatchInvariant">a row's bits depend on its own sequence alone, trained, read or decoded</param>
/// <param name="PageTokens">positions of a page of cached keys and values</param> <param name="MemoryBytes">in all</param>
/// <param name="PeakFlops">multiply-adds at best, FLOP/s; where nobody knows it, measured when first asked</param>
public sealed record DeviceTraits(string Name, string InstructionSet, string Precision, bool BatchInvariant, int PageTokens,
    long MemoryBytes, Lazy<double> PeakFlops)
{
    /// <summary>Rows that a pass should have to fill it: all groups of a batch pass together. 0: a group at a time, in the
    /// cores' caches.</summary>
    public int PassRows { get; init; }

    /// <summary>Bytes that an activation takes there: <see cref="IDevice.AllocateActivations"/>.</summary>
    public int ActivationBytes { get; init; } = sizeof(float);

    /// <summary>It works on while its caller lays out what comes next: training reads its losses once in many steps.</summary>
    public bool RunsBehind { get; init; }
}

/// <summary>The one door to a device.</summary>
public static class Devices
{
    static readonly ConcurrentDictionary<string, Func<int, Precision, IDevice>> known = new(StringComparer.Ordinal)
    {
        ["cpu"] = (threads, precision) => new CpuDevice(threads, Multiplication.Of(precision)),
        [$"cpu:{CpuDevice.Variant}"] = (threads, precision) => new CpuDevice(threads, Multiplication.Of(precision)),
        ["cpu:reference"] = (_, precision) => new ReferenceDevice(precision),
    };

    /// <summary>Devices that are found when they are asked for: what comes before the colon, and how to look.</summary>
    static readonly ConcurrentDictionary<string, (Func<IReadOnlyList<string>> Names, Func<string, IDevice> Open)> families =
        new(StringComparer.Ordinal);

    /// <summary>Those there are on this machine.</summary>
    public static IReadOnlyList<string> Names => [.. known.Keys.Concat(Found()).Order(StringComparer.Ordinal)];

    static IEnumerable<string> Found() => families.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => f.Value.Names());

    /// <summary>It computes in the host's memory, on the host's threads.</summary>
    internal static bool OnHost(string name) => !families.ContainsKey(Resolve(name).Split(':')[0]);

    static string Resolve(string name) => name == "auto" ? Found().FirstOrDefault() ?? "cpu" : name;

    /// <summary>Opens a device; who opens it disposes of it.</summary>
    /// <param name="name">"cpu", with the instruction set behind a colon if wanted: "cpu:avx2"; "cpu:reference" is the definition
    /// of every operation; what was registered; "auto": the first of a family of devices, where one is found, else "cpu"</param>
    /// <param name="threads">of the host; 0 takes every core</param>
    /// <param name="precision">of weights' products: one that a record may name</param>
    /// <exception cref="ConfigException">There is none of that name here, or not in this precision.</exception>
    public static IDevice Open(string name = "cpu", int threads = 0, Precision precision = Precision.F32)
    {
        name = Resolve(name);
        if (known.TryGetValue(name, out Func<int, Precision, IDevice>? open)) return open(threads, precision);
        if (families.TryGetValue(name.Split(':')[0], out var family))
            return precision == Precision.F32 ? family.Open(name) : throw OfItsOwn(name, precision);
        string why = name.StartsWith("cpu:", StringComparison.Ordinal) ? $"this machine's cpu runs {CpuDevice.Variant}"
            : "there is none of that name";
        throw new ConfigException($"device={name}: {why}; there are: {string.Join(", ", Names)}");
    }

    /// <summary>Adds a device of another assembly, or puts it in the place of the one of that name.</summary>
    /// <param name="open">given the threads of the host, 0: every core</param>
    public static void Register(string name, Func<int, IDevice> open) => known[name] = (threads, precision) =>
        precision == Precision.F32 ? open(threads) : throw OfItsOwn(name, precision);

    static ConfigException OfItsOwn(string name, Precision precision) => new(
        $"train.precision={precision.Name()}: device '{name}' has one precision of its own; leave train.precision out");

    /// <summary>Adds a family of devices, "family:…", which are looked for when one is asked for.</summary>
    /// <param name="names">whole names of those there are</param> <param name="open">given the whole name</param>
    public static void Register(string family, Func<IReadOnlyList<string>> names, Func<string, IDevice> open) =>
        families[family] = (names, open);
}
