using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>Rewards of a level in one step.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record LevelReward(string Level, int Replies, double Reward);

/// <summary>One line of rl.jsonl: a step.</summary>
/// <param name="Step">steps done, this one included</param> <param name="Reward">mean of right answers over all replies
/// drawn</param>
/// <param name="Groups">drawn</param> <param name="Dropped">of these, with equal rewards</param>
/// <param name="Length">tokens of a reply, mean</param> <param name="LengthEnded">of those that ended</param>
/// <param name="Truncated">share that was cut off</param> <param name="Thinking">share that thought first</param>
/// <param name="Entropy">of the policy: mean −log π of the tokens drawn, nats: an unbiased estimate</param>
/// <param name="Clipped">share of tokens without a gradient for their ratio</param>
/// <param name="Divergence">mean of the KL estimate to the first policy; 0 where it is not used</param>
/// <param name="Faults">replies whose judge threw or took too long: rewarded 0</param>
/// <param name="SampleSeconds">of drawing replies</param> <param name="LearnSeconds">of passes and updates</param>
/// <param name="Seconds">of the whole step: what is more than these two went elsewhere</param>
/// <param name="Flops">sampled and learnt so far, without what the policy had cost before</param>
/// <param name="Levels">rewards by level</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record RlStep([property: JsonRequired] int Step, double Reward, int Groups, int Dropped, double Length,
    double LengthEnded, double Truncated, double Thinking, double Entropy, double Clipped, double Divergence, int Faults,
    double GradNorm, double SampleSeconds, double LearnSeconds, double Seconds, double Flops, IReadOnlyList<LevelReward> Levels)
{
    /// <summary>What of it is not to the last bit as in another row, but for times: "entropy 1.2 (there 1.3)".</summary>
    internal IReadOnlyList<string> DifferencesFrom(RlStep there)
    {
        (string Of, double Here, double There)[] all =
        [
            ("reward", Reward, there.Reward), ("groups", Groups, there.Groups), ("dropped", Dropped, there.Dropped),
            ("length", Length, there.Length), ("length_ended", LengthEnded, there.LengthEnded),
            ("truncated", Truncated, there.Truncated), ("thinking", Thinking, there.Thinking),
            ("entropy", Entropy, there.Entropy), ("clipped", Clipped, there.Clipped),
            ("divergence", Divergence, there.Divergence), ("faults", Faults, there.Faults),
            ("grad_norm", GradNorm, there.GradNorm), ("flops", Flops, there.Flops),
            .. Levels.Zip(there.Levels, (a, b) => (a.Level, a.Reward, b.Reward)),
        ];
        return [.. all.Where(v => !v.Here.Equals(v.There))
            .Select(v => FormattableString.Invariant($"{v.Of} {v.Here:R} (there {v.There:R})"))];
    }
}

/// <summary>A step that was played again.</summary>
/// <param name="Differences">from the row of the first time; none: the same bits</param>
sealed record Replayed(IReadOnlyList<ReplyRow> Rows, IReadOnlyList<string> Differences);

/// <summary>One reply, for a reader: of a replayed step, or beside an evaluation.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
sealed record ReplyRow([property: JsonRequired] int Step, string Level, string Prompt, string Reply, double Reward,
    double Advantage, bool Ended, IReadOnlyList<int> Tokens, IReadOnlyList<float> LogProbs);

/// <summary>Reads the rows of a run of reinforcement learning.</summary>
static class RlRows
{
    /// <summary>Names of the row files in a run's folder.</summary>
    public const string StepsFile = "rl.jsonl", EvalsFile = "rl-evals.jsonl", RepliesFile = "rl-replies.jsonl";

    /// <summary>Steps of a run.</summary>
    /// <exception cref="DataException">A line that is no such row; names it.</exception>
    public static List<RlStep> ReadSteps(string folder) =>
        JsonLines.Read(Path.Combine(folder, StepsFile), RlJson.Default.RlStep);

    /// <summary>Evaluations of a run.</summary>
    /// <exception cref="DataException">A line that is no such row; names it.</exception>
    public static List<RlEval> ReadEvals(string folder) =>
        JsonLines.Read(Path.Combine(folder, EvalsFile), RlJson.Default.RlEval);

    /// <summary>Replies kept beside the evaluations: as many beside each.</summary>
    /// <exception cref="DataException">A line that is no such row, or rows that are missing; names them.</exception>
    public static List<ReplyRow> ReadReplies(string folder)
    {
        string path = Path.Combine(folder, RepliesFile);
        List<ReplyRow> rows = JsonLines.Read(path, RlJson.Default.ReplyRow);
        int saved = Checkpoint.StepsIn(folder) is [.., var newest] ? newest : -1, each = rows.Count(r => r.Step == 0);
        foreach (int step in ReadEvals(folder).Select(e => e.Step).Distinct().Where(s => s <= saved))
            if (rows.Count(r => r.Step == step) != each)
                throw new DataException($"{path}: replies of step {step} are missing; restore the file from a copy");
        return rows;
    }
}
