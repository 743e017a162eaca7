namespace Isoflop.Tasks;

/// <summary>
/// What a thought does, read off its <see cref="Marks"/> exactly: no judge. A choice is a word; <c>~</c> takes the last one back,
/// <c>;</c> all; the choices up to a self-check (<c>;</c> <c>?</c> <c>!</c>) are an attempt.
/// </summary>
/// <param name="Attempts">attempts, one without a self-check at the thought's end included</param>
/// <param name="Checks">self-checks</param>
/// <param name="StepsBack">choices taken back one by one</param>
/// <param name="Goals">sub-goals named</param>
/// <param name="Repeats">attempts that equal an earlier one</param>
/// <param name="Changes">failed self-checks after which another attempt came: the answer changed after a check</param>
/// <param name="Claims">"solved" said</param>
/// <param name="Slips">steps that are false, as far as the family can tell</param>
/// <param name="FalseSolved">"solved" was said and the reply's answer is wrong</param>
public readonly record struct Behaviour(int Attempts, int Checks, int StepsBack, int Goals, int Repeats, int Changes, int Claims,
    int Slips = 0, bool FalseSolved = false)
{
    /// <summary>The counts that need the reply alone.</summary>
    public static Behaviour Of(Reply reply)
    {
        int checks = 0, back = 0, goals = 0, repeats = 0, changes = 0, claims = 0, attempts = 0;
        string thought = reply.Thought;
        // A path of choices is a place in the tree of all paths: equal paths are one place, however long they are.
        Dictionary<string, int> choices = new(StringComparer.Ordinal);
        var choiceOf = choices.GetAlternateLookup<ReadOnlySpan<char>>();
        Dictionary<long, int> places = [];
        Stack<int> path = new([0]);
        HashSet<int> seen = [];
        int? failed = null;
        int start = 0;
        for (int i = 0; i <= thought.Length; i++)
        {
            char c = i < thought.Length ? thought[i] : ' ';
            if (c != ' ' && !Marks.All.Contains(c)) continue;
            if (i > start && c is not (Marks.Goal or Marks.Said))
            {
                ReadOnlySpan<char> word = thought.AsSpan(start, i - start);
                if (!choiceOf.TryGetValue(word, out int choice)) choiceOf[word] = choice = choices.Count;
                long step = (long)path.Peek() << 32 | (uint)choice;
                if (!places.TryGetValue(step, out int place)) places.Add(step, place = places.Count + 1);
                path.Push(place);
            }
            start = i + 1;
            switch (c)
            {
                case Marks.Goal: goals++; break;
                case Marks.Said: Clear(); break;
                case Marks.Back:
                    back++;
                    if (path.Count > 1) path.Pop();
                    break;
                case Marks.Failed or Marks.DeadEnd or Marks.Solved:
                    int attempt = path.Peek();
                    attempts++;
                    checks++;
                    if (!seen.Add(attempt)) repeats++;
                    if (failed is { } before && before != attempt) changes++;
                    failed = c == Marks.Solved ? null : attempt;
                    if (c == Marks.Solved) claims++;
                    if (c == Marks.Failed) Clear();
                    break;
            }
        }
        // What was begun and not judged counts, where the thought tries at all.
        if (failed is { } last && path.Count > 1 && path.Peek() != last && !seen.Contains(path.Peek())
            && thought.AsSpan().TrimEnd(' ')[^1] is not (Marks.Back or Marks.DeadEnd or Marks.Failed))
            (attempts, changes) = (attempts + 1, changes + 1);
        return new(attempts, checks, back, goals, repeats, changes, claims);

        void Clear()
        {
            path.Clear();
            path.Push(0);
        }
    }
}
