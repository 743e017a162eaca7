using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>
/// Budget forcing: a thought that wants to end below its budget is turned back instead, and closed when the budget is spent; the
/// answer is then asked for. Muennighoff et al. 2025, "s1", arXiv:2501.19393.
/// </summary>
sealed class Forcing : IStrategy
{
    public string Name => "forcing";
    public string Says => "one thought, made to go on until the budget is spent, then made to answer (s1)";
    public Needs Needs => Needs.Prefix | Needs.ContinuationMarker;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        PartialReply thought = session.Opened, last = thought;
        // What the answer needs is kept back.
        while (session.Room(thought) - problem.AnswerTokens is > 0 and int most)
        {
            last = (await session.Draw([thought], most))[0];
            thought = session.Again(last);
            if (!last.Ended)
            {
                thought = last;
                break;
            }
        }
        if (last.Answer is not null) return last;                // the answer came as the budget went
        // Cut in the midst of its answer, it begins that anew.
        int end = thought.Text.IndexOf(Reply.Say);
        PartialReply closed = session.Write(thought, end < 0 ? thought.Text.Length : end, $"{Reply.Say}");
        int left = session.Room(closed);
        return left < 1 ? null : (await session.Draw([closed], left))[0] is { Answer: not null } answered ? answered : null;
    }
}
