using Isoflop.Lab.Replies;
using Isoflop.Sample;
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
            .Select(j => j.Reward == 1)];
}

/// <summary>One held-out item, to be thought about and judged.</summary>
public sealed class TaskQuestion
{
    readonly Questions one;

    TaskQuestion(Questions one) => this.one = one;

    /// <summary>The Test item of this index.</summary>
    /// <exception cref="ConfigException">No such family or level.</exception>
    public static TaskQuestion Of(string family, int level, long index, ulong seed, ReplyForm form) =>
        new(new(new(TaskFamilies.Find(family), level, 1), Split.Test, index, 1, seed, form));

    /// <summary>Without its key.</summary>
    public Problem Problem => one.Problems[0];

    /// <summary>For the report alone: judged with the key.</summary>
    public bool IsRight(string? answer) => one.IsRight(0, answer);

    /// <summary>Refuses a model whose tokenizer cannot write what the family needs.</summary>
    /// <exception cref="ConfigException">It cannot.</exception>
    public void Fits(LanguageModel model) => new ReplyCodec(model.Tokenizer).Check(one.Of.Family);
}
