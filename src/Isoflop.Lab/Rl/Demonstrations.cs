using System.Text.Json;
using Isoflop.Lab.Corpora;
using Isoflop.Tasks;
using Isoflop.Text;

namespace Isoflop.Lab.Rl;

/// <summary>
/// Whole documents in rows of the context: none crosses the border between two windows, so a reply is never learnt without its
/// prompt. What is left of a window is end-of-text that weighs nothing.
/// </summary>
sealed class PackedRows(int context, int endOfText)
{
    readonly List<int> tokens = [endOfText];
    readonly List<float> weights = [0];
    readonly List<(int Tag, int Count)> tags = [(0, 1)];
    long documents, bytes;

    /// <summary>Parts of a document, each with the weight of its tokens; end-of-text weighs as much as the last.</summary>
    /// <returns>false: it is longer than the context</returns>
    public bool Add(IReadOnlyList<(int[] Tokens, float Weight)> parts, int tag, int utf8Bytes)
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
        bytes += utf8Bytes;
        return true;
    }

    void Append(int token, float weight)
    {
        tokens.Add(token);
        weights.Add(weight);
    }

    public MadeSide Side()
    {
        int padding = 2 * context;                                // the last document's window is a whole one, and there is one
        for (int i = 0; i < padding; i++) Append(endOfText, 0);
        tags.Add((tags[^1].Tag, padding));
        return new([.. tokens], tags, documents, bytes, [.. weights]);
    }
}

/// <summary>Demonstrations as a corpus.</summary>
static class Demonstrations
{
    /// <summary>Generated ones: items of a split, a share of them with a thought.</summary>
    /// <exception cref="ConfigException">One is longer than the context; the tokenizer lacks a character.</exception>
    public static MadeSide Of(TeachRecipe recipe, TaskMix mix, Tokenizer tokenizer, int context, Split split)
    {
        var codec = new ReplyCodec(tokenizer);
        foreach (TaskLevel level in mix.Levels) codec.Check(level.Family);
        var rows = new PackedRows(context, tokenizer.EndOfText);
        int count = split == Split.Train ? recipe.Items : recipe.ValidItems;
        for (int i = 0; i < count; i++)
        {
            var rng = new Rng(recipe.Seed, RandomPurpose.Shuffle, (long)split, i);
            TaskLevel of = mix.Pick(ref rng);
            TaskItem item = of.Family.Make(split, of.Level, i, recipe.Seed);
            string reply = rng.NextDouble() < recipe.Think ? Thinking(recipe.Trace, of, item, split, i, recipe.Seed)
                : of.Family.Demonstrate(item, TraceForm.Direct, ref rng);
            int[] prompt = tokenizer.Encode(item.Prompt).ToArray(), said = codec.Encode(reply);
            if (!rows.Add([(prompt, 0), (said, 1)], mix.Levels.ToList().IndexOf(of), item.Prompt.Length + reply.Length))
                throw new ConfigException($"{of.Tag}: a demonstration has {prompt.Length + said.Length + 1} tokens, the context is " +
                    $"{context}; try context={System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(prompt.Length + said.Length + 1))}, " +
                    "or easier levels");
        }
        return rows.Side();
    }

    static string Thinking(Trace trace, TaskLevel of, TaskItem item, Split split, int index, ulong seed)
    {
        var rng = new Rng(seed, RandomPurpose.Generate, 1 + (long)split, index);
        TraceForm form = trace switch
        {
            Trace.Monologue => TraceForm.Monologue,
            Trace.AnswerFirst => TraceForm.AnswerFirst,
            _ => TraceForm.Proof,
        };
        string reply = of.Family.Demonstrate(item, form, ref rng);
        if (trace is not (Trace.Filler or Trace.Corrupted)) return reply;
        Reply own = Reply.Parse(reply)!.Value;
        if (trace == Trace.Filler) return (own with { Thought = new string('.', own.Thought.Length) }).ToString();
        // Another item's derivation, from the same side: nothing of the answer is in it but by chance.
        TaskItem other = of.Family.Make(split, of.Level, (1L << 40) + index, seed);
        return (own with { Thought = Reply.Parse(of.Family.Demonstrate(other, form, ref rng))!.Value.Thought }).ToString();
    }

    /// <summary>A user's conversations: the loss is on what the assistant says. One line in fifty is held out.</summary>
    /// <exception cref="ConfigException">A line that is no conversation; names file, line and rule.</exception>
    public static (MadeSide Train, MadeSide Valid, string? LeftOut) OfChat(string file, Tokenizer tokenizer, int context)
    {
        const int HeldOutOneIn = 50;
        int[] user = Sign("<|user|>"), assistant = Sign("<|assistant|>");
        var sides = (Train: new PackedRows(context, tokenizer.EndOfText), Valid: new PackedRows(context, tokenizer.EndOfText));
        int line = 0, tooLong = 0, trained = 0, held = 0;
        foreach (string text in Lines(file))
        {
            line++;
            if (text.Trim().Length == 0) continue;
            List<(int[], float)> parts = [];
            foreach ((string role, string content) in Messages(text, $"{file}: line {line}"))
            {
                bool own = role == "assistant";
                parts.Add((own ? assistant : user, 0));
                parts.Add(([.. tokenizer.Encode(content), .. own ? [tokenizer.EndOfText] : Array.Empty<int>()], own ? 1 : 0));
            }
            // The document's own end is the last reply's.
            if (parts[^1].Item2 > 0) parts[^1] = (parts[^1].Item1[..^1], 1);
            bool valid = (trained + held) % HeldOutOneIn == 0;
            if (!(valid ? sides.Valid : sides.Train).Add(parts, 0, text.Length)) tooLong++;
            else if (valid) held++;
            else trained++;
        }
        if (trained == 0 || held == 0)
            throw new ConfigException($"{file}: {trained + held} conversations fit the context of {context} tokens; two are needed at " +
                "least: give more, or a longer context");
        return (sides.Train.Side(), sides.Valid.Side(), tooLong == 0 ? null
            : $"{tooLong} of {line} conversations are longer than the context of {context} tokens and were left out");

        int[] Sign(string name) => [.. tokenizer.Encode(name)];
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
            throw new ConfigException($"{where}: must be {{\"messages\": [{{\"role\": …, \"content\": …}}, …]}}: {e.Message.Split(". ")[0]}");
        }
        if (all.Count == 0 || all[^1].Item1 != "assistant")
            throw new ConfigException($"{where}: the last message must be the assistant's: it is what is learnt");
        return all;
    }
}
