using System.Globalization;

namespace Isoflop.Lab.Failures;

/// <summary>What can go wrong.</summary>
enum FaultKind
{
    /// <summary>SIGKILL: a node is gone.</summary>
    Kill,
    /// <summary>The process is there and does nothing more.</summary>
    Hang,
    /// <summary>One rank takes six times as long, and all wait for it.</summary>
    Slow,
    /// <summary>A checkpoint meets a full disk.</summary>
    Disk,
    /// <summary>A power cut behind which the newest checkpoint is cut short, as by a disk that said too early that it had it.
    /// </summary>
    Torn,
    /// <summary>A bit of the weights flips in memory.</summary>
    Weight,
    /// <summary>A bit of Adam's moments flips in memory.</summary>
    Moment,
    /// <summary>A bit of one step's gradient flips.</summary>
    Gradient,
    /// <summary>A core that computes wrongly from some step on: a bit of every gradient flips, on it alone.</summary>
    Core,
    /// <summary>A bit of the training text flips on the disk.</summary>
    Shard,
    /// <summary>A batch weighs its tokens with NaN, once.</summary>
    Nan,
    /// <summary>Three batches of noise.</summary>
    Data,
    /// <summary>Three steps at fifty times the learning rate.</summary>
    Rate,
}

/// <summary>One fault: the step at which it strikes, and the seed of what it hits. As text "kill@120@7".</summary>
sealed record Fault(FaultKind Kind, int Step, ulong Seed)
{
    /// <summary>Steps that one of several steps lasts.</summary>
    public const int Length = 3;

    /// <summary>Names of all kinds.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
        [.. Enum.GetValues<FaultKind>().Select(k => k.ToString().ToLowerInvariant())];

    /// <summary>What it is, in a table.</summary>
    public string Words => Kind switch
    {
        FaultKind.Kill => "SIGKILL",
        FaultKind.Hang => "a hang",
        FaultKind.Slow => "a slow rank",
        FaultKind.Disk => "a full disk",
        FaultKind.Torn => "a torn write",
        FaultKind.Weight => "a bit of the weights",
        FaultKind.Moment => "a bit of a moment",
        FaultKind.Gradient => "a bit of a gradient",
        FaultKind.Core => "a core gone bad",
        FaultKind.Shard => "a bit of the text",
        FaultKind.Nan => "a batch of NaN",
        FaultKind.Data => "batches of noise",
        _ => "too high a rate",
    };

    /// <summary>Draws one, in the second and third quarter of a run; text is hit before it is read.</summary>
    /// <param name="index">of the draws of this seed</param>
    public static Fault Draw(FaultKind kind, int steps, ulong seed, int index)
    {
        Rng random = RandomUse.Fault.Open(seed, index: index);
        int step = steps / 4 + random.NextInt(steps / 2);
        return new(kind, kind == FaultKind.Shard ? 1 : step, random.NextUInt64());
    }

    /// <summary>Reads a kind's name.</summary>
    /// <exception cref="ConfigException">There is none of that name.</exception>
    public static FaultKind KindOf(string name) => Kinds.Contains(name) ? Enum.Parse<FaultKind>(name, ignoreCase: true)
        : throw new ConfigException($"'{name}' is no fault; there are {string.Join(", ", Kinds)}");

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="ConfigException">It is none.</exception>
    public static Fault Parse(string text) => text.Split('@') is [var kind, var step, var seed]
        && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int at)
        && ulong.TryParse(seed, NumberStyles.None, CultureInfo.InvariantCulture, out ulong of)
        ? new(KindOf(kind), at, of) : throw new ConfigException($"'{text}' must be KIND@STEP@SEED; try kill@100@1");

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Kind.ToString().ToLowerInvariant()}@{Step}@{Seed}");
}
