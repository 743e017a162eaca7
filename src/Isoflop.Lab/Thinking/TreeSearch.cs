using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>
/// Depth first through the model's choices: it is drawn to its next self-check; one that failed, a step that is false or an
/// answer that fails takes the last choice back (where thoughts begin anew after a failure: all), and another is drawn from
/// there. What was tried is not gone into again; a place tried often enough is left too. Ends when the check passes.
/// </summary>
/// <remarks>Yao et al. 2023, arXiv:2305.10601, with the model's self-checks as its evaluator.</remarks>
sealed class TreeSearch : IStrategy
{
    const int MaxTries = 6;                                     // at one place, repeats counted; the root has no limit

    public string Name => "tree";
    public string Says => "depth first: choices are taken back at dead ends, false steps and failed answers";
    public Needs Needs => Needs.Check | Needs.Prefix | Needs.ContinuationMarker;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        bool anew = problem.ContinuationMarker[0] == Marks.Failed;
        List<PartialReply> said = [];
        Dictionary<string, (HashSet<string> Words, int Count)> tried = [];
        PartialReply at = session.Opened;
        while (session.Room(at) is > 0 and int most)
        {
            PartialReply next = (await session.Draw([at], most, step: true))[0];
            if (!next.Ended && next.Text[^1] == Marks.Solved && !session.IsFalse(next)
                && !tried.ContainsKey(next.Text) && session.Room(next) is > 0 and int rest)
            {
                tried.Add(next.Text, ([], 0));                   // asked for its answer once
                next = (await session.Draw([next], rest))[0];
            }
            if (session.Check(next.Answer)) return next;
            if (next.Answer is not null) said.Add(next);
            at = Back(session, at, next, anew, tried);
        }
        return Vote.Of(said);
    }

    /// <summary>Where to draw from next, the last choice of what failed noted as tried.</summary>
    static PartialReply Back(BudgetedSession session, PartialReply at, PartialReply failed, bool anew,
        Dictionary<string, (HashSet<string> Words, int Count)> tried)
    {
        int end = failed.Text.IndexOf(Reply.Say);
        string text = failed.Text[..(end < 0 ? failed.Text.Length : end)].TrimEnd([.. Marks.All, ' ']);
        // Of what was repeated the first word blames itself: nothing behind it is new.
        int from = at.Text.Length, place = anew ? 1 : Math.Max(1, text.LastIndexOf(' ') + 1);
        if (!anew && from < text.Length && tried.TryGetValue(at.Text, out var here))
        {
            int word = text.IndexOf(' ', from);
            if (here.Words.Contains(text[from..(word < 0 ? text.Length : word)])) place = from;
        }
        for (; ; )
        {
            string prefix = text[..Math.Min(place, text.Length)], choice = text[prefix.Length..].Split(' ')[0];
            (HashSet<string> words, int count) = tried.GetValueOrDefault(prefix, ([], 0));
            words.Add(choice);
            tried[prefix] = (words, count + 1);
            if (prefix.Length <= 1) return session.Opened;
            if (count + 1 < MaxTries) return session.Write(failed, prefix.Length, "");
            place = Math.Max(1, prefix.TrimEnd(' ').LastIndexOf(' ') + 1);       // enough: the choice before is to blame
            text = prefix.TrimEnd(' ');
        }
    }
}
