using Isoflop.Kernels;
using Isoflop.Lab.Replies;
using Isoflop.Sample;
using Isoflop.Tasks;

namespace Isoflop.Lab.Teaching;

/// <summary>A reply in a conversation.</summary>
/// <param name="Text">all of it</param>
/// <param name="Thought">what it thinks first; null: nothing, or it was taught chats</param>
/// <param name="Answer">what it answers; of a chat and of what is malformed, all</param>
/// <param name="LogProb">sum over its tokens at temperature 1, nats</param>
/// <param name="Ended">the model ended it; else it was stopped, or cut off</param>
/// <param name="Full">cut off by the end of the context</param>
/// <param name="Dropped">turns that had to leave the context for it, the oldest first</param>
sealed record Said(string Text, string? Thought, string Answer, int Tokens, double LogProb, bool Ended, bool Full, int Dropped);

/// <summary>
/// A talk with a taught model. One that was taught chats has all that was said in its context, as long as that fits; one that
/// was taught tasks is asked every question by itself, as it was taught.
/// </summary>
/// <remarks>The same seed and the same questions in the same order: the same replies, whatever was stopped between.</remarks>
sealed class Conversation : IDisposable
{
    readonly LanguageModel model;
    readonly ChatFormat? format;                                 // null: taught tasks
    readonly Turn[] scene;
    readonly SamplingRule rule;
    readonly int maxTokens;
    readonly ulong seed;
    readonly BatchSampler sampler;
    readonly List<Turn> turns = [];
    long asked;

    /// <param name="system">sets the scene of a chat; null: nothing does</param>
    /// <exception cref="ConfigException">A model that was not taught to answer; a scene that it cannot be given.</exception>
    public Conversation(LanguageModel model, string? system, SamplingRule rule, int maxTokens, ulong seed)
    {
        (this.model, this.rule, this.maxTokens, this.seed) = (model, rule, maxTokens, seed);
        format = ChatFormat.TaughtTo(model) switch
        {
            Taught.Chats => new(model.Tokenizer),
            Taught.Tasks when system is null => null,
            Taught.Tasks => throw new ConfigException($"system=… must be left out: {model.Folder} was taught tasks, whose " +
                "questions have no system turn"),
            Taught.Texts => throw new ConfigException($"{model.Folder} was taught neither chats nor tasks: it goes on with a " +
                "text, which 'isoflop sample' shows; teach it with 'isoflop teach name=NAME chat=FILE.jsonl from=RUN'"),
            _ => throw new ConfigException($"{model.Folder} has a chat_template of another program, which is not run; " +
                "give 'isoflop sample' the whole prompt, with the marks that it wants"),
        };
        scene = system is null ? [] : [new(Role.System, system)];
        Refuse(scene);
        sampler = model.Sampler(1);
    }

    /// <summary>What was said before is in the context.</summary>
    public bool Remembers => format is not null;

    /// <summary>Begins anew; the scene stays.</summary>
    public void Forget() => turns.Clear();

    /// <summary>Says something, and has the reply. What a stopped reply had said by then stays said.</summary>
    /// <param name="hear">told of the reply's text as it is drawn, in pieces of whole characters</param>
    /// <exception cref="ConfigException">It does not fit the context, or holds marks that the tokenizer writes with
    /// letters.</exception>
    public Said Say(string user, Action<string>? hear = null, CancellationToken stop = default)
    {
        List<Turn> kept = [.. Remembers ? turns : [], new(Role.User, user)];
        Refuse(kept);
        int context = model.Config.ContextLen, room = Math.Min(maxTokens, context / 4), dropped = 0;
        int[] prompt = PromptOf(kept);
        for (; prompt.Length + room > context && kept.Count > 1; prompt = PromptOf(kept))
        {
            kept.RemoveRange(0, 2);                              // a question with its reply
            dropped += 2;
        }
        if (prompt.Length >= context)
            throw new ConfigException($"this has {prompt.Length} tokens with all that belongs to it, the model's context is " +
                $"{context}; say it shorter");

        string Text(SampledReply r) => model.Tokenizer.Decode(r.Said);
        int heard = 0;
        void Hear(string text, int end)
        {
            if (end > heard) hear?.Invoke(text[heard..end]);
            heard = Math.Max(heard, end);
        }
        var reply = new SampledReply
        {
            // The last bytes may be half a character.
            Told = hear is null ? null : r => { string text = Text(r); Hear(text, text.TrimEnd('\uFFFD').Length); },
        };
        bool stopped = false;
        try
        {
            sampler.Draw([new(prompt, maxTokens, asked++, null, prompt.Length)], rule, seed, [reply], reuse: true, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            stopped = true;
        }
        string all = Text(reply);
        Hear(all, all.Length);
        turns.Clear();
        turns.AddRange(kept);
        if (reply.Said.Length > 0) turns.Add(new(Role.Assistant, all));
        else turns.RemoveAt(turns.Count - 1);                    // nobody answers it
        Reply? parts = Remembers ? null : Reply.Parse(all);
        double logProb = 0;
        foreach (float p in reply.LogProbs[..reply.Said.Length]) logProb += p;
        return new(all, parts is { Thinks: true } ? parts.Value.Thought : null, parts?.Answer ?? all, reply.Said.Length, logProb,
            reply.Ended, !reply.Ended && !stopped && reply.Count < maxTokens, dropped);
    }

    int[] PromptOf(List<Turn> said) => format is null ? new ReplyCodec(model.Tokenizer).Prompt(said[^1].Content, ReplyForm.Open)
        : format.Prompt([.. scene, .. said]);

    void Refuse(IReadOnlyList<Turn> said)
    {
        if (format?.Refusal(said) is { } why) throw new ConfigException($"this cannot be said: {why}");
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose() => sampler.Dispose();
}
