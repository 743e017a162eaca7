using Isoflop.Lab.Replies;
using Isoflop.Lab.Teaching;
using Isoflop.Sample;

namespace Isoflop.Lab.Inference;

/// <summary>How much a model is to think.</summary>
/// <param name="Form">whether it opens a thought</param> <param name="Tokens">of the thought, at most; null: as it likes</param>
readonly record struct Effort(ReplyForm Form, int? Tokens = null)
{
    /// <summary>Words for it, of the OpenAI interface.</summary>
    public static IReadOnlyList<string> Names { get; } = ["none", "minimal", "low", "medium", "high", "xhigh"];

    /// <summary>
    /// none and minimal answer at once; low, medium and high think for an eighth, a quarter and half of the context at most,
    /// xhigh as long as it likes. Null: the model chooses.
    /// </summary>
    public static Effort Of(string? name, int context) => name switch
    {
        "none" or "minimal" => new(ReplyForm.Direct),
        "low" => new(ReplyForm.Think, Math.Max(1, context / 8)),
        "medium" => new(ReplyForm.Think, Math.Max(1, context / 4)),
        "high" => new(ReplyForm.Think, Math.Max(1, context / 2)),
        "xhigh" => new(ReplyForm.Think),
        _ => new(ReplyForm.Open),
    };

    /// <summary>A budget of tokens; 0 answers at once.</summary>
    public static Effort Of(int tokens) => tokens == 0 ? new(ReplyForm.Direct) : new(ReplyForm.Think, tokens);
}

/// <summary>How a model is spoken to: as it was taught.</summary>
sealed class Speech
{
    readonly LanguageModel model;
    readonly Taught taught;
    ChatFormat? format;

    public Speech(LanguageModel model) => (this.model, taught) = (model, ChatFormat.TaughtTo(model));

    /// <summary>It answers what is said to it.</summary>
    public bool Converses => taught is Taught.Chats or Taught.Tasks;

    /// <summary>It may think before it answers, and the two are told apart.</summary>
    public bool Thinks => taught == Taught.Tasks;

    /// <summary>What it reads of a conversation, and how its reply begins.</summary>
    /// <returns>tokens; the form, where thought is told apart</returns>
    /// <exception cref="ConfigException">A model that was not taught to answer, or what it cannot be told.</exception>
    public (int[] Prompt, ReplyForm? Form) PromptOf(IReadOnlyList<Turn> turns, Effort effort)
    {
        if (turns.Count == 0 || turns[^1].Role != Role.User)
            throw new ConfigException("the last message must be the user's: it is what is answered");
        switch (taught)
        {
            case Taught.Chats:
                format ??= new(model.Tokenizer);
                if (format.Refusal(turns) is { } why) throw new ConfigException($"this cannot be said: {why}");
                return (format.Prompt(turns), null);
            case Taught.Tasks:
                if (turns.Any(t => t.Role == Role.System))
                    throw new ConfigException("this model was taught tasks, whose questions have no system message; " +
                        "leave it out");
                return (new ReplyCodec(model.Tokenizer).Prompt(turns[^1].Content, effort.Form), effort.Form);
            default:
                throw new ConfigException(taught == Taught.Texts
                    ? "this model was taught neither chats nor tasks: it goes on with a text, which /v1/completions shows; " +
                      "teach it with 'isoflop teach name=NAME chat=FILE.jsonl from=RUN'"
                    : "this model has a chat_template of another program, which is not run; give /v1/completions the whole " +
                      "prompt, with the marks that it wants");
        }
    }
}
