using Isoflop.Kernels;
using Isoflop.Lab.Replies;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>Held-out items, the same at every call, asked of a policy.</summary>
sealed class Exam
{
    readonly List<(TaskLevel Of, TaskItem Item)> items = [];
    readonly Func<ReplyForm, Rollouts> rollouts;
    readonly int replies, mostTokens;
    readonly ulong seed;
    readonly TimeProvider time;

    public Exam(TaskMix mix, Split split, int itemsPerLevel, int replies, int mostTokens, ulong seed,
        Func<ReplyForm, Rollouts> rollouts, TimeProvider time)
    {
        (this.rollouts, this.replies, this.mostTokens, this.seed, this.time) = (rollouts, replies, mostTokens, seed, time);
        foreach (TaskLevel of in mix.Levels)
            for (int i = 0; i < itemsPerLevel; i++)
                items.Add((of, of.Family.Make(split, of.Level, i, seed)));
    }

    /// <summary>Rows by level, and the groups behind them.</summary>
    /// <param name="measured">what it took</param>
    public List<RlEval> Take(int step, double flops, ReplyForm form, out List<Group> sampled, ref Spending measured,
        CancellationToken stop = default)
    {
        Rollouts draw = rollouts(form);
        List<Group> greedy = draw.Draw(items, 1, mostTokens, new SamplingRule(0), seed, RandomUse.ExamReply.Index(0), time, stop);
        measured += draw.Sampled;
        sampled = draw.Draw(items, replies, mostTokens, new SamplingRule(1), seed, RandomUse.ExamReply.Index(0), time, stop);
        measured += draw.Sampled;
        List<RlEval> rows = [];
        foreach (var level in sampled.Zip(greedy).GroupBy(g => g.First.Of.Tag))
        {
            Group[] groups = [.. level.Select(g => g.First)];
            TaskLevel of = groups[0].Of;
            SampledReply[] all = [.. groups.SelectMany(g => g.Replies)];
            double mean = groups.Average(g => g.Rate);
            double error = Math.Sqrt(groups.Sum(g => (g.Rate - mean) * (g.Rate - mean)) / Math.Max(1, groups.Length - 1)
                / groups.Length);
            Behaviour[] seen = [.. groups.SelectMany(g => g.Texts.Select(t => of.Family.Observe(g.Item, t)))];
            rows.Add(new(step, flops, of.Tag, form, groups.Length, replies, level.Average(g => g.Second.Rate), mean, error,
                groups.Average(g => PassAt(replies, g.Right.Count(r => r == 1), replies)), of.Family.Chance(of.Level),
                all.Average(r => r.Count), all.Average(r => r.Ended ? 0.0 : 1), groups.Average(g => g.Texts.Average(Thinks)),
                BehaviourMeans.Of(seen)));
        }
        return rows;
    }

    internal static double Thinks(string reply) => reply.Length > 0 && reply[0] == Reply.Think ? 1 : 0;

    /// <summary>
    /// Probability that one of k replies is right, unbiased from n of which c are: 1 − Π (1 − k/i), i from n − c + 1 to n. Chen
    /// et al. 2021, arXiv:2107.03374.
    /// </summary>
    /// <returns>NaN for n below k</returns>
    internal static double PassAt(int n, int c, int k)
    {
        if (n < k) return double.NaN;
        if (c == 0) return 0;
        double none = 1;
        for (int i = n - c + 1; i <= n; i++) none *= 1 - k / (double)i;
        return 1 - Math.Max(0, none);
    }
}
