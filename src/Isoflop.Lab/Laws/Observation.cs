namespace Isoflop.Lab.Laws;

/// <summary>One measured end of a run, or one point of a curve.</summary>
public sealed record Observation
{
    readonly double flops = double.NaN, unique = double.NaN, x = double.NaN;

    /// <summary>Parameters; who makes the table says which are counted.</summary>
    public required double N { get; init; }
    /// <summary>Training tokens, repeats included.</summary>
    public required double D { get; init; }
    /// <summary>Nats a token, or any other positive loss or score.</summary>
    public required double Loss { get; init; }
    /// <summary>Training FLOPs; 6·N·D when not given.</summary>
    public double C { get => double.IsNaN(flops) ? 6 * N * D : flops; init => flops = value; }
    /// <summary>Unique tokens; D when not given.</summary>
    public double Unique { get => double.IsNaN(unique) ? D : unique; init => unique = value; }
    /// <summary>Where a curve is measured; C when not given.</summary>
    public double X { get => double.IsNaN(x) ? C : x; init => x = value; }
    /// <summary>What the loss is a mean of, such as answers: its variance falls with them. Alike: no weights.</summary>
    public double Items { get; init; } = 1;
    /// <summary>The cluster: branches that share a trunk, resampled as one. Empty: the run stands alone.</summary>
    public string Group { get; init; } = "";
    /// <summary>Seed of the run: points that differ in it may disagree.</summary>
    public long Seed { get; init; }
    /// <summary>For messages.</summary>
    public string Name { get; init; } = "";

    /// <summary>A point of a curve y(x).</summary>
    public static Observation Point(double x, double y, string group = "", long seed = 0) =>
        new() { N = x, D = x, C = x, X = x, Loss = y, Group = group, Seed = seed };
}

/// <summary>What a form reads of a point.</summary>
/// <param name="N">parameters</param> <param name="D">training tokens</param> <param name="U">unique ones</param>
/// <param name="X">a curve's one coordinate</param>
public readonly record struct Inputs(double N, double D, double U, double X);
