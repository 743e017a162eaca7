using System.Text.Json.Serialization;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>What a run is there for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Phase>))]
public enum Phase
{
    /// <summary>The grid of learning rates and batches.</summary>
    [JsonStringEnumMemberName("tune")] Tune,
    /// <summary>Whether the choice carries over to a larger run.</summary>
    [JsonStringEnumMemberName("transfer")] Transfer,
    /// <summary>The stable part that branches share.</summary>
    [JsonStringEnumMemberName("trunk")] Trunk,
    /// <summary>A point of the law.</summary>
    [JsonStringEnumMemberName("ladder")] Ladder,
    /// <summary>The run that checks a forecast.</summary>
    [JsonStringEnumMemberName("forecast")] Forecast,
    /// <summary>One factor changed at the end of a curve.</summary>
    [JsonStringEnumMemberName("bottleneck")] Bottleneck,
    /// <summary>Bits that a model stores.</summary>
    [JsonStringEnumMemberName("capacity")] Capacity,
    /// <summary>One mixture of sources.</summary>
    [JsonStringEnumMemberName("mix")] Mix,
}

/// <summary>One run of a study, priced, with nothing left to choose.</summary>
/// <param name="Budget">training FLOPs asked for</param> <param name="Parameters">all of them</param>
/// <param name="NonEmbedding">without embedding and head</param> <param
/// name="ParametersWithoutEmbedding">all but those of the input embedding</param>
/// <param name="Tokens">that the model has seen at its end, its trunk's included</param>
/// <param name="Epochs">how often the text is seen</param>
/// <param name="Flops">that reach this loss: of the model from its start</param>
/// <param name="NewFlops">that this run itself trains for: less for a branch of a trunk</param>
/// <param name="EvalFlops">measured, not spent</param> <param name="Group">runs of one trunk share it</param>
/// <param name="After">the run whose last checkpoint it begins at</param>
/// <param name="Excluded">why it is left out of fits; empty: it counts</param>
/// <param name="Later">only run when its budget is asked for</param>
public sealed record PlannedRun(string Name, Phase Phase, double Budget, ulong Seed, int DModel, int NLayer, long Parameters,
    long NonEmbedding, long ParametersWithoutEmbedding, long Tokens, int BatchTokens, int Steps, double LearningRate,
    double Epochs, double Flops, double NewFlops, double EvalFlops, long MemoryBytes, string Group, string After,
    string Excluded, bool Later)
{
    /// <summary>The name that <see cref="ParametersWithoutEmbedding"/> had in older files.</summary>
    [JsonInclude, JsonPropertyName("compute_parameters"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal long? Former { get => null; init => ParametersWithoutEmbedding = value ?? ParametersWithoutEmbedding; }

    /// <summary>The settings it is trained with.</summary>
    [JsonIgnore] public RunConfig? Config { get; init; }

    /// <summary>What it was priced from.</summary>
    [JsonIgnore] internal Plan? Plan { get; init; }

    /// <summary>Bytes that it takes on a device.</summary>
    internal long MemoryOn(Kernels.DeviceTraits device) => Plan?.MemoryOn(device).Total ?? MemoryBytes;

    /// <summary>Version of the dial that planned it: runs of two obey no one law.</summary>
    /// <remarks>Older files have no such key: what is missing is 0.</remarks>
    public int Dial { get; init => field = Math.Max(1, value); } = 1;

    /// <summary>Prices a plan.</summary>
    internal static PlannedRun Of(Plan plan, Phase phase, double budget, string excluded = "", bool later = false) =>
        new(plan.Name, phase, budget, plan.Seed, plan.Model.DModel, plan.Model.NLayer, plan.Parameters,
            plan.NonEmbedding, plan.ParametersWithoutEmbedding, plan.Tokens, plan.BatchTokens, plan.Steps,
            plan.LearningRate, plan.Epochs, plan.FlopsByLayer.Total, plan.FlopsByLayer.Total, plan.EvalFlops,
            plan.Memory.Total, plan.Name, "", excluded, later)
        {
            Config = plan.Config,
            Plan = plan,
            Dial = ComputeOptimal.Version,
        };

    /// <summary>Reckoned wall time on one thread of so many FLOPs a second at most.</summary>
    public double SecondsAt(double threadFlops) => (NewFlops + EvalFlops) / (ShareOfPeak(DModel) * threadFlops);

    /// <summary>
    /// Share of the peak that a training step of this width reaches. From `Isoflop.Bench train 1`: 0.28 at 16, 0.50 at 64,
    /// 0.55 at 128, 0.67 at 256 channels.
    /// </summary>
    static double ShareOfPeak(int dModel) => 0.75 * dModel / (dModel + 32.0);
}
