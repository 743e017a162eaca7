using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>
/// What a user says of a run: everything that decides its bits, and a little that does not. Null: not given; then a run that
/// begins at another's checkpoint takes that run's, else the default holds, else a rule of NOTATION.md chooses.
/// <see cref="Plan"/> is what follows.
/// </summary>
public sealed record RunConfig
{
    [Setting("the run's folder; else named by a hash of the settings")]
    public string? Name { get; init; }

    [Setting("seed of all randomness", Default = 1UL)]
    public ulong? Seed { get; init; }

    [Setting("the corpus to train on, as 'isoflop corpus' named it")]
    public string? Corpus { get; init; }

    /// <summary>Three thousand times the largest run that is known: what is above is a slip of the pen.</summary>
    internal const double MostFlops = 1e30;

    /// <summary>Refuses a budget that is none.</summary>
    internal static double Budget(double flops) =>
        BudgetProblem(flops) is { } problem ? throw new ConfigException(problem) : flops;

    static string? BudgetProblem(double? flops) => flops is null or (> 0 and <= MostFlops) ? null
        : FormattableString.Invariant($"flops={flops} must be positive, and at most {MostFlops:0e0}; try 1e13");

    [Setting("the one dial: training FLOPs; sets width, depth, tokens, batch and learning rate where they are not given",
        Above = 0, Try = "1e12")]
    public double? Flops { get; init; }

    [Setting("RUN@STEP: begin at that checkpoint, with its run's settings where none are given")]
    public string? From { get; init; }

    [Setting("extend: steps and schedule go on from there; fork: they start at 0 with those weights and moments",
        Default = StartMode.Extend)]
    public StartMode? FromMode { get; init; }

    /// <summary>Shape of the model.</summary>
    public ModelSettings Model { get; init; } = new();

    /// <summary>One optimisation.</summary>
    public TrainConfig Train { get; init; } = new();

    /// <summary>When the loss on held-out text is taken.</summary>
    public EvalConfig Eval { get; init; } = new();

    /// <summary>When checkpoints are written.</summary>
    public SaveConfig Save { get; init; } = new();

    /// <summary>Every rule that can be checked without the corpus: setting, value, rule, next step.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (string problem in SettingsJson.Problems(this, ConfigJson.Default.RunConfig)) yield return problem;
        if (Flops > 0 && BudgetProblem(Flops) is { } much) yield return much;
        if (string.IsNullOrEmpty(Corpus)) yield return "corpus='' must be named; make one with 'isoflop corpus'";
        if (Name is { Length: > 0 } && FolderName.Problem("name", Name) is { } odd) yield return odd;
        string[] goals = [.. (((string Key, object? Value)[])[("flops", Flops), ("train.steps", Train.Steps),
            ("train.tokens", Train.Tokens)]).Where(g => g.Value is not null)
            .Select(g => FormattableString.Invariant($"{g.Key}={g.Value}"))];
        if (goals.Length == 0) yield return "no length is set: give one of train.steps, train.tokens, flops; try flops=1e11";
        if (goals.Length > 1) yield return $"{string.Join(", ", goals)}: each sets the length; give one of them";
        if (From is { Length: > 0 } && !RunPoint.TryParse(From, out _))
            yield return $"from='{From}' must be RUN@STEP; try from=trunk@1000";
        if (FromMode is not (null or StartMode.Extend) && From is null) yield return $"from_mode={FromMode} needs from=RUN@STEP";
        if (Train.Spikes == SpikeAction.Rewind && !(Save.Every > 0))
            yield return "train.spikes=rewind needs checkpoints to go back to: set save.every; try save.every=100";
        TrainConfig train = Config.WithDefaults(this).Train;
        if (train.Schedule == ScheduleKind.Wsd && train.Warmup + train.Decay > 1)
            yield return FormattableString.Invariant(
                $"train.warmup={train.Warmup} and train.decay={train.Decay} must not exceed 1 together");
    }
}

/// <summary>What a user says of a model's shape; null: not given.</summary>
public sealed record ModelSettings
{
    [Setting("tokens of the vocabulary; else the corpus' tokenizer's", Min = 2)]
    public int? VocabSize { get; init; }

    [Setting("longest sequence the model is trained on, tokens", Default = 256, Min = 1)]
    public int? ContextLen { get; init; }

    [Setting("width of the residual stream, channels; else by the dial, or 128", Min = 1, Try = "128")]
    public int? DModel { get; init; }

    [Setting("layers; else by the dial, or 4", Min = 1, Try = "4")]
    public int? NLayer { get; init; }

    [Setting("query heads; else by the dial, or 4", Min = 1, Try = "4")]
    public int? NHead { get; init; }

    [Setting("key and value heads; divides n_head; else as many", Min = 1)]
    public int? NKvHead { get; init; }

    [Setting("width of a head, even; else d_model / n_head", Min = 2)]
    public int? DHead { get; init; }

    [Setting("width of the SwiGLU layer; else 8/3 · d_model, rounded up to a multiple of 32", Min = 1)]
    public int? DFf { get; init; }

    [Setting("RMSNorm on each head's q and k before the rotation: Qwen3; without it: Llama", Default = true)]
    public bool? QkNorm { get; init; }

    [Setting("the head shares the embedding's weights", Default = false)]
    public bool? TiedHead { get; init; }

    [Setting("base of the rotary angles", Default = 10_000.0, Above = 0)]
    public double? RopeTheta { get; init; }

    [Setting("added to the mean square in every RMSNorm", Default = 1e-5, Above = 0)]
    public double? NormEps { get; init; }

    /// <summary>All of a shape, given.</summary>
    public static ModelSettings Of(ModelConfig c) => new()
    {
        VocabSize = c.VocabSize,
        ContextLen = c.ContextLen,
        DModel = c.DModel,
        NLayer = c.NLayer,
        NHead = c.NHead,
        NKvHead = c.NKvHead,
        DHead = c.DHead,
        DFf = c.DFf,
        QkNorm = c.QkNorm,
        TiedHead = c.TiedHead,
        RopeTheta = c.RopeTheta,
        NormEps = c.NormEps,
    };

    /// <summary>The shape: what is given, and the usual where nothing is.</summary>
    public ModelConfig Shape()
    {
        var usual = new ModelConfig();
        return new()
        {
            VocabSize = VocabSize ?? usual.VocabSize,
            ContextLen = ContextLen ?? usual.ContextLen,
            DModel = DModel ?? usual.DModel,
            NLayer = NLayer ?? usual.NLayer,
            NHead = NHead ?? usual.NHead,
            NKvHead = NKvHead,
            DHead = DHead,
            DFf = DFf,
            QkNorm = QkNorm ?? usual.QkNorm,
            TiedHead = TiedHead ?? usual.TiedHead,
            RopeTheta = RopeTheta ?? usual.RopeTheta,
            NormEps = NormEps ?? usual.NormEps,
        };
    }
}

/// <summary>What a run does with the checkpoint it begins at.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StartMode>))]
public enum StartMode
{
    /// <summary>Steps, schedule and data go on where the checkpoint stands.</summary>
    [JsonStringEnumMemberName("extend")] Extend,
    /// <summary>
    /// Steps and schedule start at 0 with the checkpoint's weights, moments and, on the same corpus, place in the data.
    /// </summary>
    [JsonStringEnumMemberName("fork")] Fork,
}

/// <summary>A run and a step of it: RUN@STEP.</summary>
readonly record struct RunPoint(string Run, int Step)
{
    /// <summary>Reads RUN@STEP.</summary>
    public static bool TryParse(string? text, out RunPoint point)
    {
        int at = text?.LastIndexOf('@') ?? -1;
        bool good = int.TryParse(text.AsSpan(at + 1), out int step) && at > 0 && step >= 0;
        point = good ? new(text![..at], step) : default;
        return good;
    }
}

/// <summary>How the learning rate moves after its warm-up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScheduleKind>))]
public enum ScheduleKind
{
    /// <summary>
    /// Stable, then a decay over the last part: Hu et al. 2024, arXiv:2404.06395; the 1 − √x shape of Hägele et al. 2024,
    /// arXiv:2405.18392.
    /// </summary>
    [JsonStringEnumMemberName("wsd")] Wsd,
    /// <summary>Half a cosine to the end: Loshchilov &amp; Hutter 2017, arXiv:1608.03983.</summary>
    [JsonStringEnumMemberName("cosine")] Cosine,
}

/// <summary>How the layers' matrices are updated; embedding, head and gains always by AdamW.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OptimizerKind>))]
public enum OptimizerKind
{
    /// <summary>Loshchilov &amp; Hutter 2019, arXiv:1711.05101.</summary>
    [JsonStringEnumMemberName("adamw")] Adamw,
    /// <summary>
    /// Momentum, made orthogonal: Jordan et al. 2024, kellerjordan.github.io/posts/muon; as long as AdamW's steps: Liu et al.
    /// 2025, arXiv:2502.16982.
    /// </summary>
    [JsonStringEnumMemberName("muon")] Muon,
    /// <summary>Adam's direction at constant norms of matrix and step: Wen et al. 2026, arXiv:2606.16899.</summary>
    [JsonStringEnumMemberName("adamh")] Adamh,
    /// <summary>Muon's direction at constant norms, from the same paper.</summary>
    [JsonStringEnumMemberName("muonh")] Muonh,
}

/// <summary>What is done about a step whose loss jumps.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SpikeAction>))]
public enum SpikeAction
{
    /// <summary>Its update is left out: Walsh et al. 2024 (OLMo 2), arXiv:2501.00656.</summary>
    [JsonStringEnumMemberName("skip")] Skip,
    /// <summary>Its gradient is clipped to a tenth of the median norm; where it is not finite, the update is left out.</summary>
    [JsonStringEnumMemberName("clip")] Clip,
    /// <summary>
    /// Training goes back to a checkpoint from before and on behind the batches that did it: Chowdhery et al. 2022 (PaLM),
    /// arXiv:2204.02311. Where there is none the update is left out.
    /// </summary>
    [JsonStringEnumMemberName("rewind")] Rewind,
}

/// <summary>One optimisation.</summary>
public sealed record TrainConfig
{
    [Setting("tokens of one update; else by the rule", Min = 1)]
    public int? BatchTokens { get; init; }

    [Setting("tokens that pass through the model at once: memory, never bits; else chosen", Min = 1)]
    public int? MicroTokens { get; init; }

    [Setting("parts of a batch whose gradients are summed apart and then joined: threads take whole ones; else by the rule",
        Min = 1, Max = 1024, Later = true)]
    public int? Shards { get; init; }

    [Setting("of the weights' products, all else is float32; auto: bf16 where the machine has it and model.d_model is at least " +
        "256, else f32; bf16: bf16_tiles (AMX) or bf16_pairs (AVX512-BF16), whose bits differ; else f32", Later = true)]
    public Precision? Precision { get; init; }

    [Setting("updates; else from train.tokens or flops", Min = 1)]
    public int? Steps { get; init; }

    [Setting("tokens to train on, rounded to whole updates; else from train.steps or flops", Min = 1)]
    public long? Tokens { get; init; }

    [Setting("muon, adamh or muonh: the layers' matrices by that, the others by adamw; else all by adamw", Later = true)]
    public OptimizerKind? Optimizer { get; init; }

    [Setting("peak learning rate; else by the rule for width, batch and length", Above = 0, Below = 10, Try = "0.01")]
    public double? LearningRate { get; init; }

    [Setting("share of the steps over which the learning rate rises from 0", Default = 0.05, Min = 0, Below = 1)]
    public double? Warmup { get; init; }

    [Setting("the same in updates, for every run alike, whatever its length; else the share", Min = 1)]
    public int? WarmupSteps { get; init; }

    [Setting("wsd: stable, then decay; cosine", Default = ScheduleKind.Wsd)]
    public ScheduleKind? Schedule { get; init; }

    [Setting("wsd: share of the steps at the end over which the learning rate falls", Default = 0.4, Min = 0, Max = 1)]
    public double? Decay { get; init; }

    [Setting("learning rate at the end, as a share of the peak", Default = 0.0, Min = 0, Max = 1, Try = "0.1")]
    public double? MinLr { get; init; }

    [Setting("AdamW: decay of the mean of the gradient", Default = 0.9, Min = 0, Below = 1)]
    public double? Beta1 { get; init; }

    [Setting("AdamW: decay of the mean of its square", Default = 0.95, Min = 0, Below = 1)]
    public double? Beta2 { get; init; }

    [Setting("AdamW: added to the root of that mean", Default = 1e-8, Above = 0)]
    public double? Eps { get; init; }

    [Setting("AdamW: decay of the matrices, times the learning rate", Default = 0.1, Min = 0)]
    public double? WeightDecay { get; init; }

    [Setting("largest norm of the gradient; longer ones are scaled to it", Default = 1.0, Above = 0)]
    public double? Clip { get; init; }

    [Setting("what is done about a loss that jumps, six deviations above its running median: skip: no update; clip: an " +
        "update of a tenth of the usual norm; rewind: back to a checkpoint of save.every, and on behind the text that did it; " +
        "else nothing", Later = true)]
    public SpikeAction? Spikes { get; init; }

    [Setting("finds silent corruption: every so many steps one is computed twice and compared by hash, and weights and moments " +
        "are hashed between steps; else neither", Min = 1, Later = true, Try = "50")]
    public int? CheckEvery { get; init; }
}

/// <summary>When the loss on held-out text is taken. It always is at the end, on all of it.</summary>
public sealed record EvalConfig
{
    [Setting("steps between two evaluations; 0: only at the end", Default = 0, Min = 0)]
    public int? Every { get; init; }

    [Setting("tokens from the start of the held-out text for those evaluations; 0: all", Default = 65_536L, Min = 0)]
    public long? Tokens { get; init; }
}

/// <summary>
/// When checkpoints are written. Nothing here changes a bit of the training, but that a rewind goes to one of every so many.
/// </summary>
public sealed record SaveConfig
{
    [Setting("minutes between two checkpoints; 0: only at the end", Default = 5.0, Min = 0)]
    public double? Minutes { get; init; }

    [Setting("newest checkpoints that are kept; a run needs one to resume from", Default = 2, Min = 1)]
    public int? Keep { get; init; }

    [Setting("true: checkpoints are written beside the training, from a copy: 12 bytes of memory a parameter; else it waits",
        Later = true)]
    public bool? Beside { get; init; }

    [Setting("steps between checkpoints that are kept for good, for runs that begin there; 0: none", Default = 0, Min = 0)]
    public int? Every { get; init; }
}
