using System.Text.Json;
using System.Text.Json.Serialization;

namespace Isoflop.Lab.Laws;

/// <summary>What a fit makes small. They give different laws; every result names its own.</summary>
[JsonConverter(typeof(SnakeCase<Objective>))]
public enum Objective
{
    /// <summary>Σ Huber(ln y − ln f), δ = 1e-3: the sum, not the mean. The literature's choice.</summary>
    HuberLog,
    /// <summary>Σ (y − f)².</summary>
    SquaredError,
    /// <summary>Σ (ln y − ln f)².</summary>
    SquaredLog,
    /// <summary>Σ (ln(y + 1) − ln(f + 1))². Caballero et al. 2023.</summary>
    SquaredLog1p,
    /// <summary>Σ n·(asin √y − asin √f)², of shares of n answers: their variance is 1/4n whatever y. Anscombe 1948.</summary>
    SquaredArcsine,
}

/// <summary>How randomness is drawn again for intervals.</summary>
[JsonConverter(typeof(SnakeCase<Resampling>))]
public enum Resampling
{
    /// <summary>Nothing was resampled: no intervals.</summary>
    None,
    /// <summary>Clusters with replacement, then runs of each cluster with replacement.</summary>
    Groups,
    /// <summary>
    /// Errors drawn anew at the same points, normal, of a run and of its cluster, with the residuals' variance, which is drawn
    /// too: the parametric bootstrap, with Student's t. With few clusters resampled ones often identify nothing.
    /// </summary>
    Residuals,
}

/// <summary>Names of an enumeration as files have them.</summary>
sealed class SnakeCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;

/// <summary>How to fit.</summary>
public sealed record FitOptions
{
    /// <summary>Resamples for the intervals; 0: none.</summary>
    public int Bootstraps { get; init; } = 1000;
    /// <summary>Seed of resamples and starts.</summary>
    public ulong Seed { get; init; } = 1;
    /// <summary>
    /// What is made small; null: what the form's source uses, but squared log where Huber's has under 3 points a parameter
    /// or a prior, which needs a likelihood.
    /// </summary>
    public Objective? Objective { get; init; }
    /// <summary>Parameters that are fixed, or have a prior.</summary>
    internal IReadOnlyList<Known> Known { get; init; } = [];
    /// <summary>Starts of the optimiser.</summary>
    public int Starts { get; init; } = 16;
    /// <summary>Threads; 0: one a core. The result does not depend on it.</summary>
    public int Threads { get; init; }
    /// <summary>Also fit the smaller runs and predict the larger.</summary>
    public bool HeldOut { get; init; } = true;
    /// <summary>The same point with another loss is another seed, whatever its seed says.</summary>
    public bool Replicates { get; init; }
    /// <summary>Which parameters N counts: for reports.</summary>
    public string NMeaning { get; init; } = "parameters";
}
