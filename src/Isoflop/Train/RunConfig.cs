using System.ComponentModel;
using System.Text.Json.Serialization;
using Isoflop.Nn;

namespace Isoflop.Train;

/// <summary>
/// Everything that decides a run's bits, and a little that does not. 0 means: chosen by the rules of NOTATION.md.
/// </summary>
public sealed record RunConfig
{
    [Description("the run's folder; empty: named by a hash of the settings")]
    public string Name { get; init; } = "";

    [Description("seed of all randomness")]
    public ulong Seed { get; init; } = 1;

    [Description("the corpus to train on, as 'isoflop corpus' named it")]
    public string Corpus { get; init; } = "";

    [Description("the one dial: training FLOPs; sets width, depth, tokens, batch and learning rate where they are not given")]
    public double Flops { get; init; }

    [Description("RUN@STEP: begin at that checkpoint")]
    public string From { get; init; } = "";

    [Description("extend: steps and schedule go on from there; fork: they start at 0 with those weights and moments")]
    public StartMode FromMode { get; init; }

    public ModelConfig Model { get; init; } = new();

    public TrainConfig Train { get; init; } = new();

    public EvalConfig Eval { get; init; } = new();

    public SaveConfig Save { get; init; } = new();

    /// <summary>
    /// Settings that the user named ("model.d_model"): neither the dial nor a source run overrides them. Null for settings made
    /// in code: the dial then chooses the shape, and a source run leaves all as it is.
    /// </summary>
    [JsonIgnore] internal IReadOnlySet<string>? Given { get; init; }

    /// <summary>Every rule that can be checked without the corpus: setting, value, rule, next step.</summary>
    public IEnumerable<string> Problems()
    {
        if (Corpus.Length == 0) yield return "corpus='' must be named; make one with 'isoflop corpus'";
        if (Name.Length > 0 && (Name is "." or ".." || Name.StartsWith('-') || Name.IndexOfAny(['/', '\\', '@', ' ', ':']) >= 0))
            yield return $"name='{Name}' must be a plain folder name without / \\ @ : and spaces; try {"run-1"}";
        if (!double.IsFinite(Flops) || Flops < 0) yield return $"flops={Flops} must be positive; try 1e12";
        int goals = (Flops > 0 ? 1 : 0) + (Train.Steps != 0 ? 1 : 0) + (Train.Tokens != 0 ? 1 : 0);
        if (goals == 0) yield return "no length is set: give one of train.steps, train.tokens, flops; try flops=1e11";
        if (goals > 1)
            yield return $"flops={Flops}, train.steps={Train.Steps}, train.tokens={Train.Tokens}: each sets the length; " +
                "give one of them";
        if (From.Length > 0 && !RunPoint.TryParse(From, out _))
            yield return $"from='{From}' must be RUN@STEP; try from=trunk@1000";
        if (FromMode != StartMode.Extend && From.Length == 0) yield return $"from_mode={FromMode} needs from=RUN@STEP";
        foreach (string problem in Train.Problems().Concat(Eval.Problems()).Concat(Save.Problems())) yield return problem;
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
public readonly record struct RunPoint(string Run, int Step)
{
    /// <summary>Reads RUN@STEP.</summary>
    public static bool TryParse(string text, out RunPoint point)
    {
        int at = text.LastIndexOf('@');
        bool good = int.TryParse(text.AsSpan(at + 1), out int step) && at > 0 && step >= 0;
        point = good ? new(text[..at], step) : default;
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

/// <summary>One optimisation.</summary>
public sealed record TrainConfig
{
    [Description("tokens of one update; 0: by the rule")]
    public int BatchTokens { get; init; }

    [Description("tokens that pass through the model at once: memory, never bits; 0: chosen")]
    public int MicroTokens { get; init; }

    [Description("updates; 0: from train.tokens or flops")]
    public int Steps { get; init; }

    [Description("tokens to train on, rounded to whole updates; 0: from train.steps or flops")]
    public long Tokens { get; init; }

    [Description("peak learning rate; 0: by the rule for the width")]
    public double LearningRate { get; init; }

    [Description("share of the steps over which the learning rate rises from 0")]
    public double Warmup { get; init; } = 0.05;

    [Description("the same in updates, for every run alike, whatever its length; 0: the share")]
    public int WarmupSteps { get; init; }

    [Description("wsd: stable, then decay; cosine")]
    public ScheduleKind Schedule { get; init; }

    [Description("wsd: share of the steps at the end over which the learning rate falls")]
    public double Decay { get; init; } = 0.2;

    [Description("learning rate at the end, as a share of the peak")]
    public double MinLr { get; init; }

    [Description("AdamW: decay of the mean of the gradient")]
    public double Beta1 { get; init; } = 0.9;

    [Description("AdamW: decay of the mean of its square")]
    public double Beta2 { get; init; } = 0.95;

    [Description("AdamW: added to the root of that mean")]
    public double Eps { get; init; } = 1e-8;

    [Description("AdamW: decay of the matrices, times the learning rate")]
    public double WeightDecay { get; init; } = 0.1;

    [Description("largest norm of the gradient; longer ones are scaled to it")]
    public double Clip { get; init; } = 1.0;

    internal IEnumerable<string> Problems()
    {
        if (BatchTokens < 0) yield return $"train.batch_tokens={BatchTokens} must be positive, or 0 for the rule";
        if (MicroTokens < 0) yield return $"train.micro_tokens={MicroTokens} must be positive, or 0";
        if (Steps < 0) yield return $"train.steps={Steps} must be positive";
        if (Tokens < 0) yield return $"train.tokens={Tokens} must be positive";
        if (!(LearningRate >= 0 && LearningRate < 10))
            yield return $"train.learning_rate={LearningRate} must be in [0, 10); 0 takes the rule; try 0.01";
        if (!(Warmup >= 0 && Warmup < 1)) yield return $"train.warmup={Warmup} is a share of the steps in [0, 1); try 0.05";
        if (WarmupSteps < 0) yield return $"train.warmup_steps={WarmupSteps} must be positive, or 0 for the share";
        if (!(Decay >= 0 && Decay <= 1)) yield return $"train.decay={Decay} is a share of the steps in [0, 1]; try 0.2";
        if (Schedule == ScheduleKind.Wsd && Warmup + Decay > 1)
            yield return $"train.warmup={Warmup} and train.decay={Decay} must not exceed 1 together";
        if (!(MinLr >= 0 && MinLr <= 1)) yield return $"train.min_lr={MinLr} is a share of the peak in [0, 1]; try 0.1";
        if (!(Beta1 >= 0 && Beta1 < 1)) yield return $"train.beta1={Beta1} must be in [0, 1); try 0.9";
        if (!(Beta2 >= 0 && Beta2 < 1)) yield return $"train.beta2={Beta2} must be in [0, 1); try 0.95";
        if (!(Eps > 0)) yield return $"train.eps={Eps} must be positive; try 1e-8";
        if (!(WeightDecay >= 0)) yield return $"train.weight_decay={WeightDecay} must not be negative; try 0.1";
        if (!(Clip > 0)) yield return $"train.clip={Clip} must be positive; try 1.0";
    }
}

/// <summary>When the loss on held-out text is taken. It always is at the end, on all of it.</summary>
public sealed record EvalConfig
{
    [Description("steps between two evaluations; 0: only at the end")]
    public int Every { get; init; }

    [Description("tokens from the start of the held-out text for those evaluations; 0: all")]
    public long Tokens { get; init; } = 65_536;

    internal IEnumerable<string> Problems()
    {
        if (Every < 0) yield return $"eval.every={Every} must not be negative";
        if (Tokens < 0) yield return $"eval.tokens={Tokens} must not be negative";
    }
}

/// <summary>When checkpoints are written. Nothing here changes a bit of the training.</summary>
public sealed record SaveConfig
{
    [Description("minutes between two checkpoints; 0: only at the end")]
    public double Minutes { get; init; } = 5;

    [Description("newest checkpoints that are kept")]
    public int Keep { get; init; } = 2;

    [Description("steps between checkpoints that are kept for good, for runs that begin there; 0: none")]
    public int Every { get; init; }

    internal IEnumerable<string> Problems()
    {
        if (!(Minutes >= 0)) yield return $"save.minutes={Minutes} must not be negative; try 5";
        if (Keep < 1) yield return $"save.keep={Keep} must be at least 1: a run needs a checkpoint to resume from";
        if (Every < 0) yield return $"save.every={Every} must not be negative";
    }
}
