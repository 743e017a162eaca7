using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Laws;

/// <summary>A value and its interval, 95 % unless said otherwise. NaN ends: no interval is known.</summary>
public readonly record struct Estimate(double Value, double Low, double High)
{
    /// <summary>A value without an interval.</summary>
    public static Estimate Of(double value) => new(value, double.NaN, double.NaN);

    /// <summary>
    /// Mean of independent values ± t·s/√n: Student's quantile, since with three seeds it is 4.30 and not 1.96.
    /// </summary>
    /// <param name="level">share of intervals that hold the mean</param>
    public static Estimate OfMean(IReadOnlyList<double> values, double level = 0.95)
    {
        double mean = values.Average();
        if (values.Count < 2) return Of(mean);
        double sd = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1));
        double half = StudentT.InvCDF(0, 1, values.Count - 1, 0.5 + level / 2) * sd / Math.Sqrt(values.Count);
        return new(mean, mean - half, mean + half);
    }
}

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
    /// <summary>What is resampled as one: the trunk of branches that share training. Empty: the run stands alone.</summary>
    public string Group { get; init; } = "";
    /// <summary>Seed of the run: points that differ in it may disagree.</summary>
    public long Seed { get; init; }
    /// <summary>For messages.</summary>
    public string Name { get; init; } = "";

    /// <summary>A point of a curve y(x).</summary>
    public static Observation Point(double x, double y, string group = "", long seed = 0) =>
        new() { N = x, D = x, C = x, X = x, Loss = y, Group = group, Seed = seed };
}

/// <summary>What a form reads: parameters, tokens, unique tokens, or a curve's one coordinate.</summary>
readonly record struct Inputs(double N, double D, double U, double X);
