using Isoflop.Lab.Replies;
using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>What a strategy works with: draws, checks and values, every one of them charged.</summary>
public sealed class BudgetedSession
{
    const int RepliesInTime = 8;                                 // at once, where the budget is seconds
    const int MaxAtOnce = 1 << 12;

    readonly Problem problem;
    readonly Budget budget;
    readonly IReplyGenerator generator;
    readonly Func<IReadOnlyList<GenerationRequest>, Task<IReadOnlyList<Generation>>> draw;
    readonly Func<IReadOnlyList<PartialReply>, Task<IReadOnlyList<(double Value, Cost Cost)>>> score;
    readonly TimeProvider time;
    readonly Dictionary<string, bool> checks = [];
    readonly List<PartialReply> drafts = [];
    int draws;
    double used;                                                 // of a budget in replies

    internal BudgetedSession(Problem problem, Budget budget, IReplyGenerator generator,
        Func<IReadOnlyList<GenerationRequest>, Task<IReadOnlyList<Generation>>> draw,
        Func<IReadOnlyList<PartialReply>, Task<IReadOnlyList<(double Value, Cost Cost)>>> score, TimeProvider time)
    {
        (this.problem, this.budget, this.generator, this.draw, this.score, this.time) =
            (problem, budget, generator, draw, score, time);
        Start = problem.Form switch
        {
            ReplyForm.Think => Opened,
            ReplyForm.Direct => Write(PartialReply.Empty, 0, $"{Reply.Say}"),
            _ => PartialReply.Empty,
        };
    }

    /// <summary>What has been spent.</summary>
    public Cost Spent { get; private set; }

    /// <summary>All that was drawn, in order.</summary>
    public IReadOnlyList<PartialReply> Drafts => drafts;

    /// <summary>Attempts at an answer, in all thoughts together; what was continued counts once.</summary>
    public int Attempts { get; private set; }

    /// <summary>A draw was cut off by the budget alone.</summary>
    internal bool WasCut { get; private set; }

    /// <summary>What a whole reply begins with.</summary>
    public PartialReply Start { get; }

    /// <summary>An opened thought.</summary>
    public PartialReply Opened => generator.Continues ? Write(PartialReply.Empty, 0, $"{Reply.Think}") : PartialReply.Empty;

    /// <summary>Replies that the budget buys, of usual length where that is known, else of the longest; at least 1.</summary>
    public int Width => (int)Math.Clamp(budget.Unit == BudgetUnit.Replies ? budget.Amount
        : Fitting(Start, Math.Max(1, generator.Room(problem, Start))), 1, MaxAtOnce);

    /// <summary>
    /// Tokens that each of so many continuations may have at most; 0: the budget is spent, or the context full.
    /// </summary>
    public int Room(PartialReply from, int count = 1)
    {
        double left = budget.Unit switch
        {
            BudgetUnit.Tokens => (budget.Amount - Spent.Tokens) / count,
            BudgetUnit.Replies => (budget.Amount - used) * budget.Reply / count,
            BudgetUnit.Flops => generator.Within(problem, from, (budget.Amount - Spent.Flops) / count),
            _ => budget.Amount > Spent.Seconds ? double.PositiveInfinity : 0,
        };
        return (int)Math.Clamp(Math.Floor(left), 0, Math.Max(0, generator.Room(problem, from)));
    }

    /// <summary>The context has no room for this many tokens more.</summary>
    public bool IsFull(PartialReply from, int tokens) => generator.Room(problem, from) < tokens;

    /// <summary>Whole replies, as many as the budget leaves; several at once where each surely fits.</summary>
    /// <param name="atMost">of them</param> <param name="temperature">0: the likeliest</param>
    public async Task<IReadOnlyList<PartialReply>> Sample(int atMost = int.MaxValue, float temperature = 1)
    {
        List<PartialReply> all = [];
        while (all.Count < atMost)
        {
            int longest = generator.Room(problem, Start), count = Math.Min(atMost - all.Count, Fitting(Start, longest));
            int most = budget.Unit == BudgetUnit.Replies ? longest : Room(Start, Math.Max(1, count));
            if (count < 1 || most < 1) break;
            double whole = used + count;                         // however long each
            all.AddRange(await Draw([.. Enumerable.Repeat(Start, count)], most, temperature: temperature));
            used = whole;
        }
        return all;
    }

    int Fitting(PartialReply from, int longest)
    {
        if (budget.Unit == BudgetUnit.Replies) return (int)Math.Min(MaxAtOnce, budget.Amount - used);
        if (budget.Unit == BudgetUnit.Seconds) return Room(from) > 0 ? RepliesInTime : 0;
        if (Room(from) < 1) return 0;
        int low = 1, high = MaxAtOnce + 1;                      // low fits, or is the one that is drawn all the same
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (Room(from, middle) >= longest) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <summary>A continuation of each draft.</summary>
    /// <param name="most">tokens of each; at most <see cref="Room"/> of them all</param>
    /// <param name="step">up to the end of a step</param> <param name="temperature">0: the likeliest</param>
    public async Task<IReadOnlyList<PartialReply>> Draw(IReadOnlyList<PartialReply> from, int most, bool step = false,
        float temperature = 1)
    {
        IReadOnlyList<Generation> drawn = await draw(
            [.. from.Select(f => new GenerationRequest(problem, f, most, step, temperature, draws++))]);
        for (int i = 0; i < drawn.Count; i++)
        {
            Spent += drawn[i].Cost;
            if (budget.Reply > 0) used += drawn[i].Cost.Tokens / budget.Reply;
            PartialReply now = drawn[i].Draft;
            // A conversation's earlier answers were counted when they were given.
            Attempts += Math.Max(0, now.Attempts - from[i].Attempts);
            WasCut |= !now.Ended && !step && most < generator.Room(problem, from[i]);
            drafts.Add(now);
        }
        return [.. drawn.Select(d => d.Draft)];
    }

    /// <summary>The first characters of a draft, and then a text.</summary>
    public PartialReply Write(PartialReply from, int length, string text) => generator.Rewrite(from, length, text);

    /// <summary>
    /// What another attempt is conditioned on: the thought without its answer and last self-check, turned back; at an endpoint
    /// the conversation so far.
    /// </summary>
    public PartialReply Again(PartialReply failed)
    {
        if (!generator.Continues) return PartialReply.Empty with { Earlier = [.. failed.Earlier, failed.Answer ?? ""] };
        int end = failed.Text.IndexOf(Reply.Say);
        if (end < 0) end = failed.Text.Length;
        if (end == 0) return Opened;                             // it did not think: now it does
        while (end > 1 && problem.StepEnds.Contains(failed.Text[end - 1])) end--;
        return Write(failed, end, end > 1 ? problem.ContinuationMarker : "");
    }

    /// <summary>Whether the answer is right, judged without a key; false where there is no such check.</summary>
    public bool Check(string? answer)
    {
        if (answer is null || !problem.HasCheck) return false;
        if (checks.TryGetValue(answer, out bool known)) return known;
        long began = time.GetTimestamp();
        bool passed = problem.VerdictLimit == Timeout.InfiniteTimeSpan ? problem.Check(answer) : CheckInTime(answer);
        Spent += new Cost(0, 0, 0, time.GetElapsedTime(began).TotalSeconds);
        return checks[answer] = passed;
    }

    bool CheckInTime(string answer)
    {
        bool right = false;
        var work = new Thread(() =>
        {
            try { right = problem.Check(answer); }
#pragma warning disable CA1031 // a user's own check may throw anything: the answer did not pass
            catch (Exception) { }
#pragma warning restore CA1031
        })
        { IsBackground = true };
        work.Start();
        return work.Join(problem.VerdictLimit) && right;
    }

    /// <summary>Some step of the thought is false, where that can be told.</summary>
    public bool IsFalse(PartialReply draft) => problem.FalseSteps(draft.Thought) > 0;

    /// <summary>How likely each comes to a right answer.</summary>
    public async Task<IReadOnlyList<double>> Score(IReadOnlyList<PartialReply> of)
    {
        IReadOnlyList<(double Value, Cost Cost)> values = await score(of);
        foreach ((_, Cost cost) in values) Spent += cost;
        return [.. values.Select(v => v.Value)];
    }
}
