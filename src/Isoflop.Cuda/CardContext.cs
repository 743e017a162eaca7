using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;

namespace Isoflop.Cuda;

/// <summary>
/// What all streams on a card share: the driver's context, and kernels, which it compiles when one is first asked for.
/// </summary>
/// <remarks>It lasts as long as the process: compiling takes seconds, until the driver has kept what came of it.</remarks>
sealed unsafe class CardContext
{
    const int MaxSharedAttribute = 8, ClusterWidthAttribute = 11, ClusterDimensions = 3, PlainShared = 48 << 10, JitErrors = 5,
        JitErrorBytes = 6;

    static readonly ConditionalWeakTable<Driver, ConcurrentDictionary<int, CardContext>> all = [];

    // Set: nothing that only cards from 9.0 on have, should one of them get it wrong; "clusters": all but those.
    static readonly string asked = Environment.GetEnvironmentVariable("ISOFLOP_PLAIN_CARD") ?? "";
    internal static readonly bool Plain = asked is not ("" or "clusters");

    readonly Driver driver;
    readonly Card card;
    readonly Lock one = new();
    readonly Dictionary<string, nint> modules = [];
    readonly Dictionary<Kernel, nint> functions = new(ReferenceEqualityComparer.Instance);
    bool? same;

    CardContext(Driver driver, Card card)
    {
        (this.driver, this.card) = (driver, card);
        int found;
        nint made;
        Check(driver.DeviceGet(&found, card.Index), "cuDeviceGet");
        Check(driver.RetainContext(&made, found), "cuDevicePrimaryCtxRetain");
        Handle = made;
        Overlaps = Waits = card.Major >= 9 && driver.AddEdges != null && !Plain;
        ClusterBlocks = card.Major == WarpgroupProducts.Capability && asked == "" ? WarpgroupProducts.ClusterBlocks : 1;
    }

    /// <summary>Whether kernels are loaded with the wait at their beginning; without overlap it does nothing.</summary>
    bool Waits { get; }

    /// <summary>The one of a card.</summary>
    /// <exception cref="DataException">The card does not answer.</exception>
    public static CardContext Of(Driver driver, Card card) =>
        all.GetOrCreateValue(driver).GetOrAdd(card.Index, _ => new(driver, card));

    /// <summary>The driver's name for it.</summary>
    public nint Handle { get; }

    /// <summary>Whether a kernel may be launched before the one ahead of it is done, and waits by itself.</summary>
    public bool Overlaps { get; set; }

    /// <summary>Neighbouring blocks of a product by warpgroups that run together and share what they copy; 1: none do.</summary>
    public int ClusterBlocks { get; private set; }

    /// <summary>From now on blocks are by themselves.</summary>
    public void LeaveClusters()
    {
        lock (one)
        {
            foreach ((Kernel kernel, nint function) in functions)
                if (kernel.Module == WarpgroupProducts.Module) SetCluster(function, 0);
            ClusterBlocks = 1;
        }
    }

    int SetCluster(nint function, int blocks)
    {
        int result = 0;
        for (int i = 0; i < ClusterDimensions && result == 0; i++)
            result = driver.SetFunction(function, ClusterWidthAttribute + i, i == 0 ? blocks : Math.Min(blocks, 1));
        return result;
    }

    /// <summary>Whether its warpgroups' products have the bits of its warps'. Compared once.</summary>
    public bool HasSameProducts(Func<bool> compare)
    {
        lock (one)
            if (same is { } known) return known;
        bool found = compare();                                   // loads kernels, which asks for the lock
        lock (one) return same ??= found;
    }

    /// <summary>The driver keeps a current context for each thread.</summary>
    public void Enter() => Check(driver.SetContext(Handle), "cuCtxSetCurrent");

    /// <exception cref="DataException">The call failed.</exception>
    public void Check(int result, string call)
    {
        if (result != 0)
            throw new DataException($"cuda:{card.Index} ({card.Name}): {driver.Explain(result)} ({call}); what was saved " +
                "stays, the same command goes on from there");
    }

    /// <summary>A kernel as the driver launches it.</summary>
    public nint Function(Kernel kernel)
    {
        lock (one)
        {
            if (functions.TryGetValue(kernel, out nint known)) return known;
            nint function, module = Module(kernel.Module);
            fixed (byte* name = Encoding.UTF8.GetBytes(kernel.Name + '\0'))
                Check(driver.GetFunction(&function, module, name), kernel.Name);
            // Blocks may have more than 48 KB of shared memory where a kernel says so.
            if (card.SharedBytes > PlainShared)
                Check(driver.SetFunction(function, MaxSharedAttribute, card.SharedBytes), kernel.Name);
            functions[kernel] = function;
            if (kernel.Module == WarpgroupProducts.Module && ClusterBlocks > 1)
                Check(SetCluster(function, ClusterBlocks), kernel.Name);
            return function;
        }
    }

    /// <summary>A module's kernels, compiled by the driver when they are first asked for.</summary>
    public nint Module(string name)
    {
        lock (one) return modules.TryGetValue(name, out nint known) ? known : modules[name] = Load(name);
    }

    /// <summary>Names of all modules that the card can have.</summary>
    public IEnumerable<string> Modules => typeof(CardContext).Assembly.GetManifestResourceNames()
        .Where(r => r.EndsWith(".ptx", StringComparison.Ordinal)).Select(r => r[..^4])
        .Where(r => card.Major == WarpgroupProducts.Capability || !r.EndsWith("_hopper", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    nint Load(string name)
    {
        byte[] ptx = Encoding.UTF8.GetBytes(Ptx(name, Waits) + '\0'), log = new byte[1 << 16];
        nint module;
        int result;
        fixed (byte* code = ptx, errors = log)
        {
            int* options = stackalloc int[] { JitErrors, JitErrorBytes };
            void** values = stackalloc void*[] { errors, (void*)(nint)log.Length };
            result = driver.LoadModule(&module, code, 2, options, values);
        }
        if (result == 0) return module;
        int end = log.AsSpan().IndexOf((byte)0);
        string said = Encoding.UTF8.GetString(end < 0 ? log : log.AsSpan(0, end)).Trim();
        throw new DataException($"cuda:{card.Index} ({card.Name}): {driver.Explain(result)}: {name}.ptx {said}");
    }

    /// <summary>A module's text. Where kernels may overlap, each waits for the one before where kernel.h has it begin.</summary>
    static string Ptx(string name, bool waits)
    {
        using Stream file = typeof(CardContext).Assembly.GetManifestResourceStream($"{name}.ptx")
            ?? throw new InvalidOperationException($"{name}.ptx is not part of the program");
        using var reader = new StreamReader(file);
        string ptx = reader.ReadToEnd();
        return !waits ? ptx : ptx.Replace(".target sm_80", ".target sm_90", StringComparison.Ordinal)
            .Replace("// griddepcontrol", "griddepcontrol.wait; griddepcontrol.launch_dependents;", StringComparison.Ordinal);
    }
}
