using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>How the tokens' losses of a step are averaged.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Aggregation>))]
public enum Aggregation
{
    /// <summary>Mean over replies of the mean over their tokens: a token of a long reply counts less.</summary>
    [JsonStringEnumMemberName("reply_mean")] ReplyMean,
    /// <summary>Mean over all tokens of the step: DAPO, Yu et al. 2025, arXiv:2503.14476.</summary>
    [JsonStringEnumMemberName("token_mean")] TokenMean,
    /// <summary>Sum over replies × the longest reply there may be: every token counts alike, whatever came with it.</summary>
    [JsonStringEnumMemberName("constant")] Constant,
}

/// <summary>Everything that decides the bits of a run of reinforcement learning.</summary>
public sealed record RlRecipe
{
    [Setting("the run and its folder; else named by a hash of the recipe")]
    public string Name { get; set; } = "";

    [Setting("the policy to begin with, which must be given: RUN, its newest checkpoint, or RUN@STEP")]
    public string From { get; set; } = "";

    [Setting("what is asked, which must be given: parity:1..3, FAMILY:LEVEL or FAMILY:FROM..TO, with *WEIGHT or not")]
    public IReadOnlyList<string> Tasks { get; set; } = [];

    [Setting("names baseline, aggregation, ratio and clip_high where they are not given; see the methods below")]
    public string Method { get; set; } = "dr_grpo";

    [Setting("what a reward r is held against in its group; mean: r − μ, std: (r − μ)/σ, leave_one_out: r less the mean of " +
        "the others, log: (r − μ)/μ, rejection: 1 for the best that is above 0, else 0; else the method's")]
    public AdvantageBaseline? Baseline { get; set; }

    [Setting("how the tokens' losses are averaged; reply_mean: in each reply, then over replies, token_mean: over all " +
        "tokens, constant: their sum over what the longest replies would have; else the method's")]
    public Aggregation? Aggregation { get; set; }

    [Setting("what a reply is worth, by the name of a reward; else what the task's verifier says", Later = true)]
    public string? Reward { get; set; }

    [Setting("what of a user's own decides tasks and reward, NAME#HASH: filled in; where it is given, it must be so",
        Later = true)]
    public IReadOnlyList<string>? Plugins { get; set; }

    [Setting("how the ratio of a token's probability to the one that it was drawn with enters; clip: PPO's, by clip_low and " +
        "clip_high, cispo: capped, and a weight alone, gspo: clip, of the whole reply; else the method's")]
    public RatioRule? Ratio { get; set; }

    [Setting("the ratio's lower bound is 1 less this", Above = 0, Max = 1)]
    public double ClipLow { get; set; } = 0.2;

    [Setting("the upper one is 1 and this; of cispo it is the largest ratio; else the method's", Above = 0, Max = 100)]
    public double? ClipHigh { get; set; }

    [Setting("weight of the divergence from the first policy", Min = 0, Max = 100)]
    public double Kl { get; set; }

    [Setting("open: the model chooses to think or not; think, direct: it is made to")]
    public ReplyForm Form { get; set; }

    [Setting("seed of items and replies")]
    public ulong Seed { get; set; } = 1;

    [Setting("batches of replies", Min = 1, Max = 1_000_000)]
    public int Steps { get; set; } = 60;

    [Setting("prompts of a step", Min = 1, Max = 65_536)]
    public int Prompts { get; set; } = 32;

    [Setting("replies to each: a group", Min = 1, Max = 4096)]
    public int Replies { get; set; } = 16;

    [Setting("tokens of a reply at most, its end among them", Min = 2, Max = 65_536, Was = "most_tokens")]
    public int MaxNewTokens { get; set; } = 64;

    [Setting("updates made of one step's replies, a part of them each", Min = 1, Max = 64)]
    public int Updates { get; set; } = 1;

    [Setting("groups of equal rewards are dropped and others drawn, so many times at most; 0: kept, with advantages of 0",
        Min = 0, Max = 100)]
    public int Redraws { get; set; } = 2;

    [Setting("over the last so many tokens the reward falls linearly by 1, as that of a reply cut off does; 0: never", Min = 0)]
    public int Overlong { get; set; }

    [Setting("reward that a token costs", Min = 0, Max = 1)]
    public double TokenPrice { get; set; }

    [Setting("levels open one after another: the next when the last is answered right at this rate; 0: all from the start",
        Min = 0, Max = 1)]
    public double OpensAt { get; set; }

    [Setting("learning rate after the first steps", Above = 0, Max = 1)]
    public double LearningRate { get; set; } = 1e-3;

    [Setting("largest norm of the gradient", Above = 0, Max = 1e9)]
    public double Clip { get; set; } = 1;

    [Setting("steps over which the rate rises", Min = 0, Max = 100_000)]
    public int Warmup { get; set; } = 3;

    [Setting("steps between two evaluations on held-out items; 0: at the start and the end", Min = 0, Max = 1_000_000)]
    public int EvalEvery { get; set; } = 10;

    [Setting("held-out items of each level", Min = 1, Max = 100_000)]
    public int EvalItems { get; set; } = 128;

    [Setting("replies to each, for pass@k", Min = 1, Max = 4096)]
    public int EvalReplies { get; set; } = 8;

    [Setting("start even where the gate says that the model is not ready")]
    public bool SkipGate { get; set; }

    /// <summary>The three choices and the upper clip of each method.</summary>
    static readonly Dictionary<string, (AdvantageBaseline, Aggregation, RatioRule, double)> methods = new()
    {
        ["grpo"] = (AdvantageBaseline.Std, Rl.Aggregation.ReplyMean, RatioRule.Clip, 0.2),
        ["dr_grpo"] = (AdvantageBaseline.Mean, Rl.Aggregation.Constant, RatioRule.Clip, 0.2),
        ["dapo"] = (AdvantageBaseline.Std, Rl.Aggregation.TokenMean, RatioRule.Clip, 0.28),
        ["rloo"] = (AdvantageBaseline.LeaveOneOut, Rl.Aggregation.Constant, RatioRule.Clip, 0.2),
        ["cispo"] = (AdvantageBaseline.Std, Rl.Aggregation.TokenMean, RatioRule.Cispo, 5),
        ["gspo"] = (AdvantageBaseline.Std, Rl.Aggregation.ReplyMean, RatioRule.Gspo, 0.2),
        ["rejection"] = (AdvantageBaseline.Rejection, Rl.Aggregation.TokenMean, RatioRule.Clip, 0.2),
    };

    /// <summary>Each method and what it names, for a reader.</summary>
    internal static IEnumerable<(string Name, string Says)> Methods => methods.Select(m => (m.Key, FormattableString.Invariant(
        $"baseline={Key(m.Value.Item1)} aggregation={Key(m.Value.Item2)} ratio={Key(m.Value.Item3)} clip_high={m.Value.Item4}")));

    static string Key<T>(T choice) where T : struct, Enum =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(choice.ToString());

    internal (AdvantageBaseline Baseline, Aggregation Aggregation, PolicyTerm Term) Choices
    {
        get
        {
            (AdvantageBaseline b, Aggregation a, RatioRule r, double high) = methods[Method];
            RatioRule rule = Ratio ?? r;
            double upper = ClipHigh ?? (rule == r ? high : rule == RatioRule.Cispo ? 5 : 0.2);
            return (Baseline ?? b, Aggregation ?? a, new(rule, ClipLow, upper, Kl));
        }
    }

    /// <summary>Reads a file and applies "steps=100"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static RlRecipe Load(string? file, IReadOnlyList<string> edits) =>
        SettingsJson.Load(file, edits, RlJson.Default.RlRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length > 0 && FolderName.Problem("name", Name) is { } odd) yield return odd;
        if (From.Length == 0)
            yield return "from='' must name a run to begin with: from=RUN or from=RUN@STEP; 'isoflop teach' makes one";
        bool known = methods.ContainsKey(Method);
        if (!known) yield return $"method='{Method}' must be one of {string.Join(", ", methods.Keys)}";
        foreach (string problem in SettingsJson.Problems(this, RlJson.Default.RlRecipe)) yield return problem;
        if (Overlong > MaxNewTokens) yield return $"overlong={Overlong} must be from 0 to max_new_tokens={MaxNewTokens}";
        if (known && Replies < 2 && Choices.Baseline != AdvantageBaseline.Rejection)
            yield return $"replies={Replies}: a group of one teaches nothing; try 16";
        if (known && Choices.Term is { Rule: RatioRule.Cispo, ClipHigh: < 1 })
            yield return FormattableString.Invariant($"clip_high={ClipHigh} is the largest ratio: at least 1; try 5");
        if (Updates > Prompts) yield return $"updates={Updates} of prompts={Prompts}: each needs a group; try 1";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RlRecipe))]
[JsonSerializable(typeof(RlStep))]
[JsonSerializable(typeof(RlEval))]
[JsonSerializable(typeof(ReplyRow))]
sealed partial class RlJson : JsonSerializerContext;
