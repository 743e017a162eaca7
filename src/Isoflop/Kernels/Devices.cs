using System.Collections.Concurrent;

namespace Isoflop.Kernels;

/// <summary>What a device is: for records, and for those who lay out work for it.</summary>
/// <param name="Name">for the record: kind, threads or model, instruction set</param>
/// <param name="InstructionSet">the widest that its kernels run on</param> <param name="Precision">of what it multiplies</param>
/// <param name="BatchInvariant">a row's bits depend on its own sequence alone, trained, read or decoded</param>
/// <param name="PageTokens">positions of a page of cached keys and values</param> <param name="MemoryBytes">in all</param>
/// <param name="PeakFlops">multiply-adds at best, FLOP/s; where nobody knows it, measured when first asked</param>
public sealed record DeviceTraits(string Name, string InstructionSet, string Precision, bool BatchInvariant, int PageTokens,
    long MemoryBytes, Lazy<double> PeakFlops);

/// <summary>The one door to a device.</summary>
public static class Devices
{
    static readonly ConcurrentDictionary<string, Func<int, Precision, IDevice>> known = new(StringComparer.Ordinal)
    {
        ["cpu"] = (threads, precision) => new CpuDevice(threads, Multiplication.Of(precision)),
        [$"cpu:{CpuDevice.Variant}"] = (threads, precision) => new CpuDevice(threads, Multiplication.Of(precision)),
        ["cpu:reference"] = (_, precision) => new ReferenceDevice(precision),
    };

    /// <summary>Those there are on this machine.</summary>
    public static IReadOnlyList<string> Names => [.. known.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Opens a device; who opens it disposes of it.</summary>
    /// <param name="name">"cpu", with the instruction set behind a colon if wanted: "cpu:avx2"; "cpu:reference" is the definition
    /// of every operation; or what was registered</param>
    /// <param name="threads">of the host; 0 takes every core</param>
    /// <param name="precision">of weights' products: one that a record may name</param>
    /// <exception cref="ConfigException">There is none of that name here, or not in this precision.</exception>
    public static IDevice Open(string name = "cpu", int threads = 0, Precision precision = Precision.F32)
    {
        if (known.TryGetValue(name, out Func<int, Precision, IDevice>? open)) return open(threads, precision);
        string why = name.StartsWith("cpu:", StringComparison.Ordinal) ? $"this machine's cpu runs {CpuDevice.Variant}"
            : "there is none of that name";
        throw new ConfigException($"device={name}: {why}; there are: {string.Join(", ", Names)}");
    }

    /// <summary>Adds a device of another assembly, or puts it in the place of the one of that name.</summary>
    /// <param name="open">given the threads of the host, 0: every core</param>
    public static void Register(string name, Func<int, IDevice> open) => known[name] = (threads, precision) =>
        precision == Precision.F32 ? open(threads) : throw new ConfigException(
            $"train.precision={precision.Name()}: device '{name}' has one precision of its own; leave train.precision out");
}
