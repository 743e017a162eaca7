using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Recipes;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;

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
    /// <summary>Name of the run and its folder.</summary>
    public string Name { get; set; } = "";
    /// <summary>The policy to begin with: RUN, its newest checkpoint, or RUN@STEP.</summary>
    public string From { get; set; } = "";
    /// <summary>What is asked: "parity:1..3", see <see cref="TaskMix"/>.</summary>
    public IReadOnlyList<string> Tasks { get; set; } = [];
    /// <summary>grpo, dr_grpo, dapo, rloo, cispo, gspo, rejection: names the three choices below where these are not
    /// given.</summary>
    public string Method { get; set; } = "dr_grpo";
    /// <summary>What a reward is held against.</summary>
    public AdvantageBaseline? Baseline { get; set; }
    /// <summary>How tokens are averaged.</summary>
    public Aggregation? Aggregation { get; set; }
    /// <summary>How the ratio enters.</summary>
    public RatioRule? Ratio { get; set; }
    /// <summary>The ratio's lower bound is 1 less this.</summary>
    public double ClipLow { get; set; } = 0.2;
    /// <summary>The upper one is 1 and this; of cispo it is the largest ratio; 0: the method's.</summary>
    public double ClipHigh { get; set; }
    /// <summary>Weight of the divergence from the first policy.</summary>
    public double Kl { get; set; }
    /// <summary>Open: the model chooses to think or not; think, direct: it is made to.</summary>
    public ReplyForm Form { get; set; }
    /// <summary>Seed of items and replies.</summary>
    public ulong Seed { get; set; } = 1;
    /// <summary>Batches of replies.</summary>
    public int Steps { get; set; } = 60;
    /// <summary>Prompts of a step.</summary>
    public int Prompts { get; set; } = 32;
    /// <summary>Replies to each: a group.</summary>
    public int Replies { get; set; } = 16;
    /// <summary>Tokens of a reply at most, its end among them.</summary>
    public int MostTokens { get; set; } = 64;
    /// <summary>Updates made of one step's replies, a part of them each.</summary>
    public int Updates { get; set; } = 1;
    /// <summary>Groups of equal rewards are dropped and others drawn, so many times at most; 0: kept, with advantages of
    /// 0.</summary>
    public int Redraws { get; set; } = 2;
    /// <summary>Over the last so many tokens the reward falls linearly by 1, as that of a reply cut off does; 0: never.</summary>
    public int Overlong { get; set; }
    /// <summary>Reward that a token costs.</summary>
    public double TokenPrice { get; set; }
    /// <summary>Levels open one after another: the next when the last is answered right at this rate; 0: all from the
    /// start.</summary>
    public double OpensAt { get; set; }
    /// <summary>Learning rate after the first steps.</summary>
    public double LearningRate { get; set; } = 1e-3;
    /// <summary>Largest norm of the gradient.</summary>
    public double Clip { get; set; } = 1;
    /// <summary>Steps over which the rate rises.</summary>
    public int Warmup { get; set; } = 3;
    /// <summary>Steps between two evaluations on held-out items; 0: at the start and the end.</summary>
    public int EvalEvery { get; set; } = 10;
    /// <summary>Held-out items of each level.</summary>
    public int EvalItems { get; set; } = 128;
    /// <summary>Replies to each, for pass@k.</summary>
    public int EvalReplies { get; set; } = 8;
    /// <summary>Start even where the gate says that the model is not ready.</summary>
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

    internal (AdvantageBaseline Baseline, Aggregation Aggregation, PolicyTerm Term) Choices
    {
        get
        {
            (AdvantageBaseline b, Aggregation a, RatioRule r, double high) = methods[Method];
            RatioRule rule = Ratio ?? r;
            double upper = ClipHigh > 0 ? ClipHigh : rule == r ? high : rule == RatioRule.Cispo ? 5 : 0.2;
            return (Baseline ?? b, Aggregation ?? a, new(rule, ClipLow, upper, Kl));
        }
    }

    /// <summary>Reads a file and applies "steps=100"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static RlRecipe Load(string? file, IReadOnlyList<string> edits) =>
        RecipeFile.Load(file, edits, RlJson.Default.RlRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (From.Length == 0)
            yield return "from='' must name a run to begin with: from=RUN or from=RUN@STEP; 'isoflop teach' makes one";
        bool known = methods.ContainsKey(Method);
        if (!known) yield return $"method='{Method}' must be one of {string.Join(", ", methods.Keys)}";
        foreach ((string key, int value, int least, int most) in ((string, int, int, int)[])[("steps", Steps, 1, 1_000_000),
            ("prompts", Prompts, 1, 65_536), ("replies", Replies, 1, 4096), ("most_tokens", MostTokens, 2, 65_536),
            ("updates", Updates, 1, 64), ("redraws", Redraws, 0, 100), ("warmup", Warmup, 0, 100_000),
            ("eval_every", EvalEvery, 0, 1_000_000), ("eval_items", EvalItems, 1, 100_000),
                ("eval_replies", EvalReplies, 1, 4096),
            ("overlong", Overlong, 0, MostTokens)])
            if (value < least || value > most) yield return $"{key}={value} must be from {least} to {most}";
        if (known && Replies < 2 && Choices.Baseline != AdvantageBaseline.Rejection)
            yield return $"replies={Replies}: a group of one teaches nothing; try 16";
        if (known && Choices.Term is { Rule: RatioRule.Cispo, ClipHigh: < 1 })
            yield return FormattableString.Invariant($"clip_high={ClipHigh} is the largest ratio: at least 1; try 5");
        if (Updates > Prompts) yield return $"updates={Updates} of prompts={Prompts}: each needs a group; try 1";
        foreach ((string key, double value, double most) in ((string, double, double)[])[("learning_rate", LearningRate, 1),
            ("clip", Clip, 1e9), ("clip_low", ClipLow, 1)])
            if (!(value > 0 && value <= most))
                yield return FormattableString.Invariant($"{key}={value} must be above 0 and at most {most}");
        foreach ((string key, double value, double most) in ((string, double, double)[])[("kl", Kl, 100),
            ("clip_high", ClipHigh, 100),
            ("token_price", TokenPrice, 1), ("opens_at", OpensAt, 1)])
            if (!(value >= 0 && value <= most))
                yield return FormattableString.Invariant($"{key}={value} must be from 0 to {most}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RlRecipe))]
[JsonSerializable(typeof(RlStep))]
[JsonSerializable(typeof(RlEval))]
[JsonSerializable(typeof(ReplyRow))]
sealed partial class RlJson : JsonSerializerContext;
