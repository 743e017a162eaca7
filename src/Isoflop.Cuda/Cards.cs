using System.Globalization;
using System.Text;
using Isoflop.Kernels;

namespace Isoflop.Cuda;

/// <summary>A card as its driver describes it.</summary>
/// <param name="Index">as the driver counts; the N of cuda:N</param> <param name="Name">of the model of card</param>
/// <param name="Major">compute capability</param> <param name="Processors">multiprocessors</param>
/// <param name="SharedBytes">of shared memory that a block may ask for</param>
sealed record Card(int Index, string Name, int Major, int Minor, long MemoryBytes, int Processors, int ClockKHz, int SharedBytes)
{
    /// <summary>"sm_90".</summary>
    public string Architecture => $"sm_{Major}{Minor}";

    /// <summary>What keeps it from computing, with the next step; or null.</summary>
    public string? Problem => Major >= 8 ? null
        : $"{Name} is {Architecture}; bfloat16 products begin at sm_80 (A100, RTX 30 and later): use another device";

    /// <summary>
    /// FLOPs a second at best by the data sheets' multiply-adds a clock and multiprocessor: float32 or bfloat16, dense.
    /// </summary>
    public double PeakFlops(bool bf16)
    {
        int perClock = bf16 ? (Major, Minor) switch { (8, 0) => 1024, (8, _) => 512, (9, _) => 2048, (10, _) => 4096, _ => 1024 }
            : (Major, Minor) == (8, 0) ? 64 : 128;
        return 2.0 * perClock * Processors * ClockKHz * 1e3;
    }
}

/// <summary>What a card reaches.</summary>
/// <param name="BandwidthGBs">a copy inside its memory, read and written bytes, 10⁹ a second</param>
/// <param name="Tflops">products in bfloat16 by our kernel, 10¹² FLOPs a second</param>
/// <param name="Products">"mma.sync", by warps; "wgmma", large ones by warpgroups; or why not those</param>
/// <param name="Overlaps">kernels of a graph begin while the one before still runs</param>
/// <param name="Problem">why it is not used, and not measured; or empty</param>
sealed record CardRate(string Device, string Name, string Architecture, long MemoryBytes, double BandwidthGBs, double Tflops,
    string Products, bool Overlaps, string Problem)
{
    public override string ToString() => Problem.Length > 0 ? Problem : FormattableString.Invariant(
        $"{Name}, {Architecture}, {MemoryBytes / 1e9:0.0} GB; copy {BandwidthGBs:0} GB/s, ") +
        FormattableString.Invariant($"products {Tflops:0.0} TFLOP/s bfloat16, {Products}") +
        (Overlaps ? ", kernels overlap" : "");
}

/// <summary>The cards of this machine, and the door to them.</summary>
public static class Cards
{
    const int ClockRate = 13, ProcessorCount = 16, MajorVersion = 75, MinorVersion = 76, SharedOptIn = 97;

    /// <summary>Makes "cuda:N" and "cuda:N:f32" names of devices, and "auto" the first card that can compute. Looks for no
    /// driver yet.</summary>
    public static void Register() => Devices.Register("cuda", Names, Open);

    /// <summary>Names of the cards that can compute; none without a driver.</summary>
    static IReadOnlyList<string> Names()
    {
        try
        {
            return [.. All().Where(c => c.Problem is null).Select(c => $"cuda:{c.Index}")];
        }
        catch (ConfigException)
        {
            return [];                                            // no driver, or an old one: said when a card is asked for
        }
        catch (DataException)
        {
            return [];
        }
    }

    /// <summary>Measures every card, some tenths of a second each.</summary>
    /// <param name="side">of the product's square matrices</param> <param name="bytes">that are copied</param>
    /// <returns>the cards; or why there are none</returns>
    internal static (IReadOnlyList<CardRate> Cards, string None) Measure(int side = 4096, long bytes = 1L << 28)
    {
        try
        {
            IReadOnlyList<Card> cards = All();
            return ([.. cards.Select(Of)], cards.Count == 0 ? "none: the driver finds no card" : "");
        }
        catch (Exception e) when (e is ConfigException or DataException)
        {
            return ([], $"none: {e.Message}");
        }

        CardRate Of(Card card)
        {
            var rate = new CardRate($"cuda:{card.Index}", card.Name, card.Architecture, card.MemoryBytes, 0, 0,
                "", false, card.Problem ?? "");
            if (card.Problem is not null) return rate;
            using var device = new CudaDevice(card, single: false);
            (double bandwidth, double flops) = device.Measure(side, bytes);
            string products = device.UsesWarpgroups ? device.ClusterBlocks > 1 ? "wgmma in clusters" : "wgmma"
                : card.Major != WarpgroupProducts.Capability ? "mma.sync"
                : CardContext.Plain ? "mma.sync: ISOFLOP_PLAIN_CARD is set"
                : "mma.sync: wgmma has other bits on this card";
            return rate with
            {
                BandwidthGBs = bandwidth / 1e9,
                Tflops = flops / 1e12,
                Products = products,
                Overlaps = device.Overlaps,
            };
        }
    }

    /// <summary>Every card, also those that cannot compute.</summary>
    /// <exception cref="ConfigException">No driver, or an old one.</exception>
    internal static unsafe IReadOnlyList<Card> All()
    {
        Driver driver = Driver.Open();
        var cards = new List<Card>();
        byte* name = stackalloc byte[256];
        for (int i = 0; i < driver.Count; i++)
        {
            int found;
            nuint memory;
            driver.Check(driver.DeviceGet(&found, i), "cuDeviceGet");
            driver.Check(driver.DeviceName(name, 256, found), "cuDeviceGetName");
            driver.Check(driver.DeviceMemory(&memory, found), "cuDeviceTotalMem");
            int device = found;
            int Attribute(int which)
            {
                int value;
                driver.Check(driver.DeviceAttribute(&value, which, device), "cuDeviceGetAttribute");
                return value;
            }
            var text = new ReadOnlySpan<byte>(name, 256);
            cards.Add(new(i, Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]), Attribute(MajorVersion),
                Attribute(MinorVersion), (long)memory, Attribute(ProcessorCount), Attribute(ClockRate), Attribute(SharedOptIn)));
        }
        return cards;
    }

    /// <summary>The card of one of a host's ranks: each has one, from the named one on.</summary>
    /// <exception cref="ConfigException">No driver, or an old one.</exception>
    internal static string ForRank(string device, int rank)
    {
        string[] parts = device.Split(':');
        if (parts is not ["cuda", var number, ..]) return device;
        if (!int.TryParse(number, CultureInfo.InvariantCulture, out int first)) return device;
        parts[1] = ((first + rank) % Math.Max(1, All().Count)).ToString(CultureInfo.InvariantCulture);
        return string.Join(':', parts);
    }

    /// <param name="name">cuda:N, or cuda:N:f32</param>
    static CudaDevice Open(string name)
    {
        string[] parts = name.Split(':');
        bool single = parts.Length == 3 && parts[2] == "f32";
        if (parts.Length is < 2 or > 3 || parts.Length == 3 && !single
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            throw new ConfigException($"device={name}: a card is cuda:N, or cuda:N:f32 for products in float32; try cuda:0");
        IReadOnlyList<Card> cards;
        try
        {
            cards = All();
        }
        catch (Exception e) when (e is ConfigException or DataException)
        {
            throw new ConfigException($"device={name}: {e.Message}");
        }
        if (index >= cards.Count)
            throw new ConfigException($"device={name}: " + (cards.Count == 0 ? "the driver finds no card; use another device"
                : $"there are {cards.Count} cards; try {string.Join(", ", cards.Select(c => $"cuda:{c.Index}"))}"));
        if (cards[index].Problem is { } problem) throw new ConfigException($"device={name}: {problem}");
        return new(cards[index], single);
    }
}
