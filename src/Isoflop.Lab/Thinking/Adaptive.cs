namespace Isoflop.Lab.Thinking;

/// <summary>
/// Draws in rounds and stops as soon as an answer passes the check; where there is none, as soon as one answer leads. Easy
/// problems get little, hard ones the rest. Aggarwal et al. 2023, arXiv:2305.11860.
/// </summary>
sealed class Adaptive : IStrategy
{
    const int Round = 4, EnoughLead = 4;

    public string Name => "adaptive";
    public string Says => $"replies in rounds of {Round} until one passes the check or, without one, until an answer leads by " +
        $"{EnoughLead}";
    public Needs Needs => Needs.Nothing;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        List<PartialReply> replies = [];
        for (; ; )
        {
            IReadOnlyList<PartialReply> round = await session.Sample(Round);
            replies.AddRange(round);
            if (round.FirstOrDefault(r => session.Check(r.Answer)) is { } right) return right;
            if (round.Count == 0 || !problem.HasCheck && Vote.Lead(replies) >= EnoughLead) return Vote.Of(replies);
        }
    }
}
