using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>What a judge said of a reply.</summary>
/// <param name="Reward">1 right, 0 wrong</param> <param name="Fault">why it could not be judged, and so has 0; else null</param>
readonly record struct Judgement(double Reward, string? Fault);

/// <summary>
/// Judges replies side by side. One that throws or does not end in time has its reply rewarded 0 and is counted: a hole in a
/// user's own family must not teach.
/// </summary>
static class Judge
{
    // So many replies are one piece of work: a task each would cost more than the judging.
    const int Piece = 64;

    /// <summary>Verdicts in the order of the replies.</summary>
    /// <param name="reward">null: the verifier</param> <param name="limit">null: that of each family</param>
    public static Judgement[] Of(IReadOnlyList<(TaskFamily Family, TaskItem Item, string Reply)> replies, IReward? reward = null,
        TimeSpan? limit = null)
    {
        IReward judge = reward ?? Rewards.Default;
        var verdicts = new Judgement[replies.Count];
        var done = new int[replies.Count];
        // A family that keeps its own time is asked in order, and what it throws ends the run.
        for (int i = 0; i < done.Length; i++)
            if (replies[i].Family.VerdictLimit == Timeout.InfiniteTimeSpan) One(i, mayFail: true);
        var work = new List<Task>();
        for (int from = 0; from < replies.Count; from += Piece)
        {
            int first = from, last = Math.Min(from + Piece, replies.Count);
            work.Add(Task.Run(() => All(first, last)));
        }
        TimeSpan wait = limit ?? replies.Select(r => r.Family.VerdictLimit).DefaultIfEmpty().Max();
        if (Task.WaitAll([.. work], wait)) return verdicts;
        // Something hangs: what is not judged yet is judged alone, each within the limit.
        for (int i = 0; i < verdicts.Length; i++)
        {
            if (Volatile.Read(ref done[i]) == 1) continue;
            int at = i;
            var alone = new Thread(() => One(at)) { IsBackground = true };
            alone.Start();
            wait = limit ?? replies[i].Family.VerdictLimit;
            if (!alone.Join(wait)) verdicts[i] = new(0, $"{replies[i].Family.Name}: no verdict within {wait.TotalSeconds:0.#} s");
        }
        return [.. verdicts];                                     // a thread that comes back late writes into the old ones

        void All(int first, int last)
        {
            for (int i = first; i < last; i++)
                if (Volatile.Read(ref done[i]) == 0) One(i);
        }

        void One(int i, bool mayFail = false)
        {
            (TaskFamily family, TaskItem item, string reply) = replies[i];
            Judgement said;
            try
            {
                double value = judge.Of(family, item, reply);
                said = value is >= 0 and <= 1 ? new(value, null) : new(0, $"{family.Name}: reward {value} is outside 0 to 1");
            }
#pragma warning disable CA1031 // a user's own code may throw anything; it is counted, and pays nothing
            catch (Exception e) when (!mayFail)
#pragma warning restore CA1031
            {
                said = new(0, $"{family.Name}: {e.GetType().Name}: {e.Message}");
            }
            verdicts[i] = said;
            Volatile.Write(ref done[i], 1);
        }
    }
}
