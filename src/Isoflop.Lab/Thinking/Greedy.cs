namespace Isoflop.Lab.Thinking;

/// <summary>One reply, the likeliest token each time: what the others are measured against.</summary>
sealed class Greedy : IStrategy
{
    public string Name => "greedy";
    public string Says => "one reply, the likeliest token each time";
    public Needs Needs => Needs.Nothing;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session) =>
        Vote.Of(await session.Sample(1, temperature: 0));
}
