namespace Isoflop.Lab.Thinking;

/// <summary>The first reply whose answer passes the check that needs no key; without one, the majority.</summary>
sealed class BestOfN : IStrategy
{
    public string Name => "best-of-n";
    public string Says => "as many replies as the budget buys; the first whose answer passes the check";
    public Needs Needs => Needs.Check;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        IReadOnlyList<PartialReply> replies = await session.Sample();
        return replies.FirstOrDefault(r => session.Check(r.Answer)) ?? Vote.Of(replies);
    }
}
