namespace Isoflop.Lab.Worlds;

/// <summary>
/// The unit of the world: something said, with one place where a task decides what follows. In training it is text; held out, it
/// is a question with its answer.
/// </summary>
/// <param name="Prompt">up to the deciding place</param> <param name="Answer">what is right there, with its leading space</param>
/// <param name="Others">what would be wrong, likewise; none where the answer is to be written</param>
/// <param name="Tail">the rest</param> <param name="Frame">the sentence frame, for clusters</param>
readonly record struct Statement(string Prompt, string Answer, IReadOnlyList<string> Others, string Tail, string Frame)
{
    /// <summary>
    /// The content that is held out or trained on. Of what can be worked out (sums, comparisons, phrases) it is the thing itself,
    /// whatever says it; of what must be heard (facts, words, styles) the statement, so that its fact is said in other words.
    /// </summary>
    public string Key { get; init; } = Prompt + Answer;

    public string Text => Prompt + Answer + Tail;
}

/// <summary>A kind of task: makes statements of growing difficulty.</summary>
abstract class Family
{
    /// <summary>First part of its tags.</summary>
    public abstract string Name { get; }

    /// <summary>Levels of difficulty, from 1.</summary>
    public abstract int Levels { get; }

    /// <summary>What each level asks for, in a reader's words.</summary>
    public abstract IReadOnlyList<string> Titles { get; }

    /// <summary>Sentence frames of all levels.</summary>
    public abstract int Frames { get; }

    /// <summary>Between two statements of a document.</summary>
    public virtual char Separator => ' ';

    /// <summary>Says something.</summary>
    public abstract Statement Say(int level, Draw draw);
}
