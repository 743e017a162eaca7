using System.Numerics;
using System.Text;
using System.Text.Json;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Replies;
using Isoflop.Tasks;
using Isoflop.Text;

namespace Isoflop.Lab.Teaching;

/// <summary>
/// Whole documents in rows of the context: none crosses the border between two windows, so a reply is never learnt without its
/// prompt. What is left of a window is end-of-text that weighs nothing.
/// </summary>
sealed class PackedRows(int context, int endOfText)
{
    readonly List<int> tokens = [endOfText];
    readonly List<float> weights = [0];
    readonly List<(int Tag, int Count)> tags = [(0, 1)];
    long documents, bytes;                                       // bytes of what weighs

    /// <summary>Parts of a document, each with the weight of its tokens; end-of-text weighs as much as the last.</summary>
    /// <returns>false: it is longer than the context</returns>
    public bool Add(IReadOnlyList<(int[] Tokens, float Weight)> parts, int tag, int weighedBytes)
    {
        int length = parts.Sum(p => p.Tokens.Length) + 1, first = tokens.Count - 1;
        if (length > context) return false;
        // Its inputs are the end-of-text before it and all of it but its own end.
        int padding = first / context == (first + length - 1) / context ? 0 : context - first % context;
        for (int i = 0; i < padding; i++) Append(endOfText, 0);
        foreach ((int[] part, float weight) in parts)
            foreach (int token in part) Append(token, weight);
        Append(endOfText, parts[^1].Weight);
        tags.Add((tag, length + padding));
        documents++;
        bytes += weighedBytes;
        return true;
    }

    void Append(int token, float weight)
    {
        tokens.Add(token);
        weights.Add(weight);
    }

    public MadeSide Side()
    {
        // The last window is a whole one, with a document in it like all of them.
        int padding = (context - (tokens.Count - 1) % context) % context;
        for (int i = 0; i < padding; i++) Append(endOfText, 0);
        if (padding > 0) tags.Add((tags[^1].Tag, padding));
        return new([.. tokens], tags, documents, bytes, [.. weights]);
    }
}

/// <summary>Demonstrations as a corpus.</summary>
static class Demonstrations
{
    /// <summary>Indexes of items from here on are in no demonstration.</summary>
    public const long FirstFree = 1L << 42;

    /// <summary>Generated ones: items of a split, a share of them with a thought.</summary>
    /// <exception cref="ConfigException">One is longer than the context; the tokenizer lacks a character.</exception>
    public static MadeSide Of(TeachRecipe recipe, TaskMix mix, Tokenizer tokenizer, int context, Split split)
    {
        var codec = new ReplyCodec(tokenizer);
        foreach (TaskLevel level in mix.Levels) codec.Check(level.Family);
        var rows = new PackedRows(context, tokenizer.EndOfText);
        int count = split == Split.Train ? recipe.Items : recipe.ValidItems;
        var tags = mix.Levels.Index().ToDictionary(l => l.Item.Tag, l => l.Index);
        for (int i = 0; i < count; i++)
        {
            var rng = RandomUse.Demonstration.Open(recipe.Seed, (long)split, i);
            TaskLevel of = mix.Pick(ref rng);
            TaskItem item = of.Family.Make(split, of.Level, i, recipe.Seed);
            string reply = rng.NextDouble() < recipe.Think ? Thinking(recipe.Trace, of, item, split, i, recipe.Seed)
                : of.Family.Demonstrate(item, TraceForm.Direct, ref rng);
            int[] prompt = [.. tokenizer.Encode(item.Prompt)];
            int[] said = recipe.Trace == Trace.Filler ? codec.Filled(reply) : codec.Encode(reply);
            if (!rows.Add([(prompt, 0), (said, 1)], tags[of.Tag], Encoding.UTF8.GetByteCount(reply)))
            {
                int length = prompt.Length + said.Length + 1;
                throw new ConfigException($"{of.Tag}: a demonstration has {length} tokens, the context is {context}; " +
                    $"try context={BitOperations.RoundUpToPowerOf2((uint)length)}, or easier levels");
            }
        }
        return rows.Side();
    }

    static string Thinking(Trace trace, TaskLevel of, TaskItem item, Split split, int index, ulong seed)
    {
        var rng = RandomUse.Thought.Open(seed, (long)split, index);
        TraceForm form = trace switch
        {
            Trace.Monologue => TraceForm.Monologue,
            Trace.AnswerFirst => TraceForm.AnswerFirst,
            _ => TraceForm.Proof,
        };
        string reply = of.Family.Demonstrate(item, form, ref rng);
        if (trace != Trace.Corrupted) return reply;
        Reply own = Reply.Parse(reply)!.Value;
        // Another item's derivation, from the same side: nothing of the answer is in it but by chance.
        TaskItem other = of.Family.Make(split, of.Level, (1L << 40) + index, seed);
        return (own with { Thought = Reply.Parse(of.Family.Demonstrate(other, form, ref rng))!.Value.Thought }).ToString();
    }

    /// <summary>
    /// A user's conversations, a document for each thing that the assistant says, with all that came before it: the loss is on
    /// that. One line in fifty is held out.
    /// </summary>
    /// <exception cref="ConfigException">A line that is no conversation; names file, line and rule.</exception>
    public static (MadeSide Train, MadeSide Valid, string? LeftOut) OfChat(string file, Tokenizer tokenizer, int context)
    {
        const int HeldOutOneIn = 50;
        int[] user = Sign("<|user|>"), assistant = Sign("<|assistant|>");
        var sides = (Train: new PackedRows(context, tokenizer.EndOfText), Valid: new PackedRows(context, tokenizer.EndOfText));
        int line = 0, tooLong = 0, conversations = 0;
        foreach (string text in Lines(file))
        {
            line++;
            if (text.Trim().Length == 0) continue;
            (string Role, string Content)[] said = [.. Messages(text, $"{file}: line {line}")];
            bool valid = conversations % HeldOutOneIn == 0, fits = true;
            for (int last = 0; last < said.Length; last++)
                if (said[last].Role == "assistant")
                    fits &= (valid ? sides.Valid : sides.Train).Add([.. said.Take(last + 1).SelectMany((m, i) =>
                        Parts(m, i == last))], 0,
                        Encoding.UTF8.GetByteCount(said[last].Content));
            if (!fits) tooLong++;
            conversations++;
        }
        (MadeSide train, MadeSide held) = (sides.Train.Side(), sides.Valid.Side());
        if (train.Documents == 0 || held.Documents == 0)
            throw new ConfigException($"{file}: of {conversations} conversations too few fit the context of {context} tokens; " +
                "give two at least, or a longer context");
        return (train, held, tooLong == 0 ? null
            : $"{tooLong} of {line} conversations are longer than the context of {context} tokens: their later turns " +
                "were left out");

        int[] Sign(string name) => [.. tokenizer.Encode(name)];

        (int[], float)[] Parts((string Role, string Content) m, bool learnt) =>
            [(m.Role == "assistant" ? assistant : user, 0), ([.. tokenizer.Encode(m.Content)], learnt ? 1 : 0)];
    }

    static IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"chat={file}: cannot be read: {e.Message}");
        }
    }

    static IEnumerable<(string Role, string Content)> Messages(string json, string where)
    {
        List<(string, string)> all = [];
        try
        {
            using JsonDocument tree = JsonDocument.Parse(json);
            foreach (JsonElement m in tree.RootElement.GetProperty("messages").EnumerateArray())
            {
                string role = m.GetProperty("role").GetString() ?? "", content = m.GetProperty("content").GetString() ?? "";
                if (role is not ("user" or "assistant" or "system"))
                    throw new ConfigException($"{where}: role '{role}' must be system, user or assistant");
                all.Add((role, content));
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ConfigException($"{where}: must be {{\"messages\": [{{\"role\": …, \"content\": …}}, …]}}: " +
                e.Message.Split(". ")[0]);
        }
        if (all.Count == 0 || all[^1].Item1 != "assistant")
            throw new ConfigException($"{where}: the last message must be the assistant's: it is what is learnt");
        return all;
    }
}
