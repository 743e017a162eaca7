using Isoflop.Lab.Rl;
using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>Items of a level: what strategies see of them, and the judge, who alone has the keys.</summary>
sealed class Questions
{
    // Answers of so many other items say how long answers are.
    const int Examples = 8;

    readonly TaskItem[] items;

    public Questions(TaskLevel of, Split split, long first, int count, ulong seed, ReplyForm form)
    {
        Of = of;
        items = [.. Enumerable.Range(0, count).Select(i => of.Family.Make(split, of.Level, first + i, seed))];
        int longest = Enumerable.Range(0, Examples).Max(i =>
            of.Family.Solve(of.Family.Make(Split.Train, of.Level, i, seed)).Length);
        Problems = [.. items.Select((item, i) => Problem.Of(of.Family, item, first + i, form, longest + 1))];
    }

    /// <summary>Family and level.</summary>
    public TaskLevel Of { get; }

    /// <summary>Without keys.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>For the report alone.</summary>
    public bool IsRight(int item, string? answer) => AreRight([(item, answer)])[0];

    /// <summary>For the report alone: with the key, within the judge's time.</summary>
    public bool[] AreRight(IReadOnlyList<(int Item, string? Answer)> answers) =>
        [.. Judge.Of([.. answers.Select(a => (Of.Family, items[a.Item], a.Answer is null ? "" : $"{Reply.Say}{a.Answer}"))])
            .Select(j => j.Reward > 0)];
}
