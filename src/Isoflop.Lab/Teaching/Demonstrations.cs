using System.Numerics;
using System.Text;
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
        int padding = tokens.Count == 1 ? context : (context - (tokens.Count - 1) % context) % context;
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
    /// that. One different conversation in fifty is held out, by what it says: equal ones lie on one side, whatever their spaces
    /// and system turns, and what begins like one that is taught is held out from where it goes on otherwise.
    /// </summary>
    /// <exception cref="ConfigException">The tokenizer cannot mark turns; nothing is left to teach.</exception>
    /// <exception cref="DataException">A line that is no conversation; names file, line and rule.</exception>
    public static (MadeSide Train, MadeSide Valid, string? LeftOut) OfChat(string file, Tokenizer tokenizer, int context)
    {
        const int HeldOutOneIn = 50;
        var format = new ChatFormat(tokenizer);
        var chats = new ChatFile(file, format);
        List<(UInt128 Key, List<(List<(int[], float)> Parts, int Bytes, UInt128 Key)> Documents)> all = [];
        foreach (Turn[] chat in chats.Conversations)
        {
            List<(List<(int[] Tokens, float)> Parts, int Bytes, UInt128 Key)> documents = [];
            var key = new System.IO.Hashing.XxHash128();
            for (int last = 0; last < chat.Length; last++)
            {
                string plain = string.Join(' ', chat[last].Content.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
                if (chat[last].Role != Role.System) key.Append(Encoding.UTF8.GetBytes($"{(int)chat[last].Role}{plain}\0"));
                if (chat[last].Learnt)
                    documents.Add((format.Parts(chat.Take(last + 1)), Encoding.UTF8.GetByteCount(chat[last].Content),
                        key.GetCurrentHashAsUInt128()));
            }
            int fit = documents.RemoveAll(d => d.Parts.Sum(p => p.Tokens.Length) + 1 > context);
            if (fit > 0) chats.LeaveOut($"turns beyond the context of {context} tokens (the turns before them are taught)");
            if (documents.Count > 0) all.Add((key.GetCurrentHashAsUInt128(), documents));
        }
        UInt128[] different = [.. all.Select(c => c.Key).Distinct().Order()];
        string left = string.Join("; ", chats.LeftOut);
        if (different.Length == 0)
            throw new ConfigException($"{file}: of {chats.Count} conversations none can be taught" +
                $"{(left.Length > 0 ? $": {left}" : "")}");
        // One alone is taught and not held out; the run says that its loss is on nothing.
        int few = different.Length == 1 ? 0 : (different.Length + HeldOutOneIn - 1) / HeldOutOneIn;
        HashSet<UInt128> held = [.. different.Take(few)];
        var sides = (Train: new PackedRows(context, tokenizer.EndOfText), Valid: new PackedRows(context, tokenizer.EndOfText));
        HashSet<UInt128> taught = [.. all.Where(c => !held.Contains(c.Key)).SelectMany(c => c.Documents).Select(d => d.Key)];
        foreach ((UInt128 conversation, var documents) in all)
            foreach ((List<(int[], float)> parts, int bytes, UInt128 key) in documents)
                if (!held.Contains(conversation)) sides.Train.Add(parts, 0, bytes);
                else if (!taught.Contains(key)) sides.Valid.Add(parts, 0, bytes);
        return (sides.Train.Side(), sides.Valid.Side(),
            left.Length == 0 ? null : $"{file}: of {chats.Count} conversations left out, whole or in part: {left}");
    }
}
