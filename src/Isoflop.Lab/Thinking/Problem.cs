using Isoflop.Lab.Replies;
using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>A question as a strategy sees it: what may be known at test time. It holds no key.</summary>
public sealed class Problem
{
    readonly TaskFamily? family;
    readonly TaskItem? bare;                                     // without its key

    Problem(string prompt, TaskFamily? family, TaskItem? bare, long stream) =>
        (Prompt, this.family, this.bare, Stream) = (prompt, family, bare, stream);

    /// <summary>A question of a user's own: nothing checks its answer.</summary>
    public static Problem Of(string prompt, ReplyForm form = ReplyForm.Open) =>
        new(prompt, null, null, 0) { ContinuationMarker = $"{Marks.Failed}", Form = form };

    /// <summary>An item of a family; its key is dropped here.</summary>
    /// <param name="number">names its random numbers, with the seed; equal numbers, equal draws</param>
    /// <param name="form">what every reply begins with</param> <param name="answerTokens">to keep for an answer</param>
    public static Problem Of(TaskFamily family, TaskItem item, long number, ReplyForm form = ReplyForm.Open,
        int answerTokens = 16) =>
        new(item.Prompt, family, item with { Key = "" }, number)
        {
            ContinuationMarker = family.Alphabet.Contains(Marks.Failed) ? $"{Marks.Failed}"
                : family.Alphabet.Contains(Marks.Back) ? $"{Marks.DeadEnd}{Marks.Back}" : "",
            Form = form,
            AnswerTokens = answerTokens,
        };

    /// <summary>What is asked.</summary>
    public string Prompt { get; }

    /// <summary>How questions and answers of its kind are written; empty: not known.</summary>
    public string Summary => family?.Summary ?? "";

    /// <summary>Its family, or "a text".</summary>
    public string Kind => family is null ? "a text" : $"task '{family.Name}'";

    /// <summary>An answer can be checked without a key.</summary>
    public bool HasCheck => family?.HasCheck == true;

    /// <summary>
    /// What a thought goes on with where it wanted to end: ";" drops the whole attempt, "?~" its last choice. Empty: thoughts of
    /// this family never turn back.
    /// </summary>
    public string ContinuationMarker { get; private init; } = "";

    /// <summary>A step ends with one of these.</summary>
    public string StepEnds => ContinuationMarker.Length > 0 ? $"{Marks.Failed}{Marks.DeadEnd}{Marks.Solved}" : " ";

    /// <summary>What every reply begins with.</summary>
    public ReplyForm Form { get; private init; }

    /// <summary>Tokens to keep for an answer: as long as the longest of some other items' answers.</summary>
    public int AnswerTokens { get; private init; } = 16;

    internal long Stream { get; }

    /// <summary>The answer of a reply in words, as a verifier wants it; null: it says none.</summary>
    internal string? AnswerIn(string said) => family is null ? Answers.Of(said) : family.AnswerIn(Prompt, said);

    internal TimeSpan VerdictLimit => family!.VerdictLimit;

    internal bool Check(string answer) => family!.Check(bare!, answer);

    /// <summary>False steps of a thought, where steps can be checked; else 0.</summary>
    internal int FalseSteps(string thought) => HasCheck ? family!.FalseSteps(bare!, thought) : 0;
}

/// <summary>A reply as far as it is written.</summary>
/// <param name="Text">as its reader sees it: &lt;thought&gt;answer</param>
/// <param name="Tokens">the same as the model reads it; none where only text goes over the wire</param>
/// <param name="Ended">the model itself ended it; else it was cut off, or is to go on</param>
public sealed record PartialReply(string Text, IReadOnlyList<int> Tokens, bool Ended)
{
    readonly string? thought, answer;

    /// <summary>Nothing yet.</summary>
    public static PartialReply Empty { get; } = new("", [], false);

    /// <summary>What is thought so far, without its signs; an endpoint's reasoning.</summary>
    public string Thought { get => thought ?? InnerOf(Text); init => thought = value; }

    /// <summary>The answer of a well-formed reply that ended; else null.</summary>
    public string? Answer { get => answer ?? (Ended ? Reply.Parse(Text)?.Answer : null); init => answer = value; }

    /// <summary>Σ ln p of the tokens drawn, nats; NaN: not told.</summary>
    public double LogProb { get; init; }

    /// <summary>Tokens drawn, those written into it not counted.</summary>
    public int DrawnTokens { get; init; }

    /// <summary>Tokens from its beginning that passed through the model as it was drawn: their keys are there.</summary>
    public int Read { get; init; }

    /// <summary>Answers said before in the same conversation and found wrong.</summary>
    public IReadOnlyList<string> Earlier { get; init; } = [];

    /// <summary>Attempts in its thought; one where it holds none and says an answer. Of text alone the answer is one.</summary>
    public int Attempts => Tokens.Count > 0 && Behaviour.Of(new Reply(true, Thought, "")).Attempts is > 0 and int n ? n
        : Answer is null ? 0 : 1;

    static string InnerOf(string text)
    {
        if (text.Length == 0 || text[0] != Reply.Think) return "";
        int end = text.IndexOf(Reply.Say);
        return end < 0 ? text[1..] : text[1..end];
    }
}
