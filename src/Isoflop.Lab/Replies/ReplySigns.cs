using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>The signs of replies in words, for who reads one for the first time.</summary>
static class ReplySigns
{
    static readonly (char Sign, string Means)[] all =
    [
        (Reply.Think, "a thought begins"), (Reply.Say, "the answer"), (Marks.Failed, "attempt failed"),
        (Marks.DeadEnd, "dead end"), (Marks.Back, "step back"), (Marks.Solved, "checked: right"),
        (Marks.Goal, "to be reached next"), (Marks.Said, "said before its proof"),
    ];

    /// <summary>Those that stand in some replies.</summary>
    public static IEnumerable<(char Sign, string Means)> In(IEnumerable<string> replies)
    {
        HashSet<char> there = [.. replies.SelectMany(r => r)];
        return all.Where(s => there.Contains(s.Sign));
    }
}
