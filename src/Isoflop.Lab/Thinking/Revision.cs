namespace Isoflop.Lab.Thinking;

/// <summary>
/// One long thought: after an answer that fails the check (without a check: after every one) the answer is taken away and the
/// thought turned back, so that the next attempt is conditioned on those before. When the context is full a new thought begins.
/// Snell et al. 2024, arXiv:2408.03314.
/// </summary>
sealed class Revision : IStrategy
{
    public string Name => "revision";
    public string Says => "one thought that goes on after each failed answer; without a check it always goes on, and votes";
    public Needs Needs => Needs.ContinuationMarker;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        List<PartialReply> said = [];
        while (await session.Sample(1) is [var reply])
            for (; ; )
            {
                if (reply.Answer is not null) said.Add(reply);
                if (session.Check(reply.Answer)) return reply;
                PartialReply again = session.Again(reply);
                int room = reply.Answer is null ? 0 : session.Room(again);
                if (room < 1) break;
                reply = (await session.Draw([again], room))[0];
            }
        return Vote.Of(said);
    }
}
