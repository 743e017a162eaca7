namespace Isoflop.Lab.Thinking;

/// <summary>The answer whose replies have the largest sum of values. Li et al. 2023, arXiv:2206.02336.</summary>
sealed class Weighted : IStrategy
{
    public string Name => "weighted";
    public string Says => "as many replies as the budget buys; the answer with the largest sum of the scorer's values";
    public Needs Needs => Needs.Scorer;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        PartialReply[] replies = [.. (await session.Sample()).Where(r => r.Answer is not null)];
        return replies.Length == 0 ? null : Vote.Of(replies, await session.Score(replies));
    }
}
