using Isoflop.Kernels;
using Isoflop.Lab.Replies;
using Isoflop.Sample;

namespace Isoflop.Lab.Inference;

/// <summary>One reply that an engine is asked for. What it gives hangs on nothing but this and the weights.</summary>
sealed record ReplyRequest
{
    /// <summary>Tokens as the model reads them, their beginning among them.</summary>
    public required int[] Prompt { get; init; }

    /// <summary>Of these, what nobody wrote: the beginning of a text. Not echoed.</summary>
    public int HiddenTokens { get; init; }

    /// <summary>Of the reply, thought included, at most; the context may leave less. 0: the prompt is only scored.</summary>
    public int MaxTokens { get; init; } = int.MaxValue;

    /// <summary>How tokens are drawn.</summary>
    public SamplingRule Rule { get; init; } = new();

    /// <summary>With <see cref="Index"/> names the random numbers: those of 'isoflop sample' with this seed.</summary>
    public ulong Seed { get; init; }

    /// <summary>Which of the replies to one prompt it is.</summary>
    public int Index { get; init; }

    /// <summary>Texts before which the answer ends.</summary>
    public IReadOnlyList<string> Stops { get; init; } = [];

    /// <summary>So many likeliest tokens of each place are wanted, and how likely its own was; null: neither.</summary>
    public int? Tops { get; init; }

    /// <summary>The same of the prompt's tokens.</summary>
    public bool ScoresPrompt { get; init; }

    /// <summary>What it was asked to begin with, where thought is told apart from answer; null: all is the answer.</summary>
    public ReplyForm? Form { get; init; }

    /// <summary>Tokens of thought at most: it is then made to answer, as by budget forcing; null: as it likes.</summary>
    public int? ThoughtTokens { get; init; }
}

/// <summary>Why a reply ended.</summary>
enum Ending
{
    /// <summary>The model ended it, or one of its stops came.</summary>
    Stop,
    /// <summary>Its tokens or the context were used up.</summary>
    Length,
    /// <summary>Whoever asked has gone.</summary>
    Cancelled,
    /// <summary>The engine failed: <see cref="LiveReply.Fault"/>.</summary>
    Fault,
}

/// <summary>What a reply has come to since it was last looked at.</summary>
/// <param name="Thought">more of it</param> <param name="Answer">more of it</param>
/// <param name="FromToken">first of the reply's tokens whose text is in it</param> <param name="ToToken">the one after the
/// last</param>
/// <param name="Ending">it ended so; null: more will come</param>
readonly record struct ReplyPiece(string Thought, string Answer, int FromToken, int ToToken, Ending? Ending);
