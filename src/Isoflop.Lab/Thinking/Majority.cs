namespace Isoflop.Lab.Thinking;

/// <summary>The answer that most replies agree on. Wang et al. 2022, arXiv:2203.11171.</summary>
sealed class Majority : IStrategy
{
    public string Name => "majority";
    public string Says => "as many replies as the budget buys; the answer that most of them say";
    public Needs Needs => Needs.Nothing;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session) => Vote.Of(await session.Sample());
}
