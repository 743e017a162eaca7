using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Text;

namespace Isoflop.Lab.Replies;

/// <summary>What a prompt asks of the reply's form.</summary>
public enum ReplyForm
{
    /// <summary>The model chooses.</summary>
    Open,
    /// <summary>A thought is opened for it.</summary>
    Think,
    /// <summary>It answers at once.</summary>
    Direct,
}

/// <summary>
/// Prompts and replies as tokens. The parts of a reply are encoded apart, so that forcing a form, ending a thought and learning
/// from a demonstration all see the same tokens.
/// </summary>
sealed class ReplyCodec(Tokenizer tokenizer)
{
    readonly int[] think = [.. tokenizer.Encode(Reply.Think.ToString())],
        say = [.. tokenizer.Encode(Reply.Say.ToString())];

    /// <summary>The beginning of a text, the prompt, and what forces the form.</summary>
    public int[] Prompt(string prompt, ReplyForm form) =>
        [tokenizer.Beginning, .. tokenizer.Encode(prompt), .. form switch
        {
            ReplyForm.Think => think,
            ReplyForm.Direct => say,
            _ => [],
        }];

    /// <summary>A well-formed reply.</summary>
    public int[] Encode(string reply) => Reply.Parse(reply) is { } parts
        ? [.. parts.Thinks ? think : [], .. tokenizer.Encode(parts.Thought), .. say, .. tokenizer.Encode(parts.Answer)]
        : throw new ArgumentException($"'{reply}' is not a reply");

    /// <summary>The same with a dot for every token of the thought.</summary>
    public int[] Filled(string reply)
    {
        Reply parts = Reply.Parse(reply)!.Value;
        int[] dot = [.. tokenizer.Encode(".")];
        return [.. parts.Thinks ? think : [], .. tokenizer.Encode(parts.Thought).SelectMany(_ => dot), .. say,
            .. tokenizer.Encode(parts.Answer)];
    }

    /// <summary>The reply as its reader sees it, with the sign that forced its form.</summary>
    public string Decode(SampledReply reply, ReplyForm form)
    {
        string drawn = tokenizer.Decode(reply.Ended ? reply.Tokens[..^1] : reply.Tokens);
        return form switch { ReplyForm.Think => Reply.Think + drawn, ReplyForm.Direct => Reply.Say + drawn, _ => drawn };
    }

    /// <summary>Refuses a family whose characters the tokenizer cannot write.</summary>
    /// <exception cref="ConfigException">Names the first of them.</exception>
    public void Check(TaskFamily family)
    {
        foreach (char c in family.Alphabet)
        {
            string text = c.ToString();
            string? back = null;
            try { back = tokenizer.Decode([.. tokenizer.Encode(text)]); }
            catch (DataException) { }                            // no token for it: said below, with what needs it
            if (back != text)
                throw new ConfigException($"task '{family.Name}' writes '{c}', which the model's tokenizer cannot; " +
                    "teach a model whose tokenizer has all bytes, or leave the task out");
        }
    }
}
