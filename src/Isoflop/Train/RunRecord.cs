using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>What computed a run.</summary>
sealed record MachineRecord(string Host, string Os, string Architecture, int Cores, string Device, string InstructionSet,
    string Runtime)
{
    /// <summary>What decides its bits: vectors of 512 bits add up as two of 256 do (tests hold them equal), narrower ones
    /// otherwise.</summary>
    [JsonIgnore]
    public string Bits => $"{Device.Split(": ")[0]} with " +
        $"{(InstructionSet == "AVX-512" ? "AVX2 + FMA" : InstructionSet)} on {Architecture}";
}

/// <summary>run.json: written when a run starts, and again only where it goes on with other bits.</summary>
sealed record RunRecord
{
    // 3 carries its hash; 2 leaves settings out that are not given; 1 has 0 and "" for them.
    static readonly Format format = new("run", 3, Sealed: 3);

    /// <summary>File name in the run folder.</summary>
    public const string FileName = "run.json";

    /// <summary>Name of the run and its folder.</summary>
    public required string Name { get; init; }
    /// <summary>When it was first started, UTC.</summary>
    public DateTime Created { get; init; }
    /// <summary>Version of the program that started it.</summary>
    public string CodeVersion { get; init; } = "";
    /// <summary>Version of the dial's rules, that chose what was not given.</summary>
    /// <remarks>Older records have no such key: what is missing is 0.</remarks>
    public int Dial { get; init => field = Math.Max(1, value); } = 1;
    /// <summary>All settings, nothing left to choose.</summary>
    public required RunConfig Config { get; init; }
    /// <summary>The model's shape.</summary>
    [JsonIgnore] public Nn.ModelConfig Model => Config.Model.Shape();
    /// <summary>The corpus.</summary>
    public required CorpusFacts Corpus { get; init; }
    /// <summary>All parameters.</summary>
    public long Parameters { get; init; }
    /// <summary>Without embedding and head.</summary>
    public long NonEmbedding { get; init; }
    /// <summary>Tokens to train on.</summary>
    public long Tokens { get; init; }
    /// <summary>Training FLOPs as planned.</summary>
    public double Flops { get; init; }
    /// <summary>What computes.</summary>
    public required MachineRecord Machine { get; init; }
    /// <summary>Machines of other bits that it went on, as its user allowed; its own bits are no machine's.</summary>
    /// <remarks>Older records have no such key, which is read as null.</remarks>
    public IReadOnlyList<MachineRecord> AlsoOn { get; init => field = value ?? []; } = [];
    /// <summary>What else decides its bits, where it is more than next-word training; its maker's, opaque here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Recipe { get; init; }

    internal static RunRecord Of(Plan plan, IDevice device, DateTime created) => new()
    {
        Name = plan.Name,
        Created = created,
        CodeVersion = typeof(RunRecord).Assembly.GetName().Version?.ToString(3) ?? "",
        Dial = ComputeOptimal.Version,
        Config = plan.Config,
        Corpus = plan.Corpus,
        Parameters = plan.Parameters,
        NonEmbedding = plan.NonEmbedding,
        Tokens = plan.Tokens,
        Flops = plan.FlopsByLayer.Total,
        Machine = MachineOf(device),
    };

    internal static MachineRecord MachineOf(IDevice device) =>
        new(Environment.MachineName, RuntimeInformation.OSDescription, RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount, device.Traits.Name, device.Traits.InstructionSet,
            RuntimeInformation.FrameworkDescription);

    /// <summary>Settings in which a run of the same name would differ: "train.steps=100, now 200".</summary>
    internal IEnumerable<string> Differences(RunRecord now)
    {
        foreach (string difference in Train.Config.Differences(Config, now.Config)) yield return difference;
        if (Recipe is null && now.Recipe is null) yield break;
        if (Recipe is not { ValueKind: JsonValueKind.Object } was || now.Recipe is not { ValueKind: JsonValueKind.Object } own)
        {
            yield return "another kind of training";
            yield break;
        }
        foreach (JsonProperty p in was.EnumerateObject())
            if (!own.TryGetProperty(p.Name, out JsonElement value) || !JsonElement.DeepEquals(p.Value, value))
                yield return $"{p.Name}={p.Value.GetRawText()}, now " +
                    (value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText());
    }

    /// <summary>Reads run.json of a run folder.</summary>
    /// <exception cref="DataException">Missing, broken, of a newer format, with unknown keys.</exception>
    public static RunRecord Load(string runFolder) =>
        JsonFile.Read(Path.Combine(runFolder, FileName), format, RunJson.Default.RunRecord, static tree =>
        {
            // what format 1 had as 0 was not given, and a setting younger than the run has its default
            if (tree["config"] is JsonObject config) SettingsJson.Renew(config, ConfigJson.Default.RunConfig);
        });

    /// <summary>Loss of a step; null in reinforcement learning, whose older rows called its entropy so.</summary>
    internal double? LossOf(StepRow? row) => Recipe is null ? row?.Loss : null;

    /// <summary>Writes run.json of a run folder.</summary>
    internal void Save(string runFolder) =>
        JsonFile.Write(Path.Combine(runFolder, FileName), this, format, RunJson.Default.RunRecord);
}

/// <summary>One line of metrics.jsonl: a step of training.</summary>
/// <param name="Step">updates done, this one included</param>
/// <param name="Loss">nats a token, before the update; null: this training has none</param>
/// <param name="GradNorm">of the whole gradient, before the clip</param> <param name="LearningRate">of this update</param>
/// <param name="Tokens">trained on so far</param> <param name="Flops">spent on training so far</param>
/// <param name="Seconds">of training so far, over all resumes</param> <param name="TokensPerSecond">of this step</param>
/// <param name="PeakShare">FLOPs a second of this step over the machine's measured peak</param>
/// <param name="Entropy">of reinforcement learning: mean −log π of the tokens drawn, nats</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
readonly record struct StepRow([property: JsonRequired] int Step, double? Loss, double GradNorm, double LearningRate,
    [property: JsonRequired] long Tokens, [property: JsonRequired] double Flops, [property: JsonRequired] double Seconds,
    double TokensPerSecond, double PeakShare, double? Entropy = null);

/// <summary>One line of valid.jsonl: the loss on held-out text.</summary>
/// <param name="Step">updates done</param> <param name="Loss">nats a token</param>
/// <param name="BitsPerByte">the loss over ln 2 and over the bytes a token stands for: comparable between tokenizers</param>
/// <param name="Tokens">that were predicted</param> <param name="Whole">all held-out text, not only its start</param>
/// <param name="Tags">
/// the same by tag, where the corpus has tags: Σ tokens·loss over all of them is Tokens·Loss; null without tags
/// </param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
readonly record struct ValidRow([property: JsonRequired] int Step, [property: JsonRequired] double Loss,
    [property: JsonRequired] double BitsPerByte, [property: JsonRequired] long Tokens, [property: JsonRequired] bool Whole,
    IReadOnlyList<TagLoss>? Tags = null);

/// <summary>The loss on the tokens of one tag.</summary>
/// <param name="Tokens">that were predicted</param> <param name="Loss">their mean, nats a token</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
sealed record TagLoss(string Tag, long Tokens, double Loss);

/// <summary>One line of events.jsonl.</summary>
/// <param name="Event">start, resume, fork, rewind, fault, stop, done</param> <param name="Utc">when</param>
/// <param name="Note">for a reader</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
sealed record RunEvent([property: JsonRequired] string Event, DateTime Utc, int Step, int Pid, string Host, string Note);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(StepRow))]
[JsonSerializable(typeof(ValidRow))]
[JsonSerializable(typeof(RunEvent))]
sealed partial class RunJson : JsonSerializerContext;
