using System.Text.Json;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Runs;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Teaching;

/// <summary>
/// Fine-tuning: demonstrations become a corpus whose prompts weigh nothing, and the trainer trains on it, from a fresh model or
/// from any checkpoint; so resume, rows and ledger are those of every run.
/// </summary>
public static class Teach
{
    const int ByteTokens = 248, FreshContext = 128;

    /// <summary>Makes the demonstrations, or finds them, and trains, resumes, or says that it is done.</summary>
    /// <param name="settings">of the run, as 'isoflop train' takes them: "model.d_model=64"</param>
    /// <exception cref="ConfigException">A broken rule; a demonstration that does not fit the context.</exception>
    public static TrainResult Run(TeachRecipe recipe, IReadOnlyList<string> settings, Workspace here)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        RunPoint? from = recipe.From.Length == 0 ? null : RunStore.CheckpointOf(recipe.From, here);
        RunRecord? parent = from is { } p ? RunRecord.Load(here.RunFolder(p.Run)) : null;
        Tokenizer tokenizer = from is { } at
            ? Tokenizer.Load(Path.Combine(here.RunFolder(at.Run), Checkpoint.NameOf(at.Step)))
            : BpeTrainer.Train([], ByteTokens);
        int context = recipe.Context > 0 ? recipe.Context : parent?.Config.Model.ContextLen ?? FreshContext;
        Corpus(recipe, tokenizer, context, here);
        List<string> all = [$"name={recipe.Name}", $"corpus={recipe.Name}", $"seed={recipe.Seed}",
            $"model.context_len={context}"];
        if (from is { } start) all.AddRange([$"from={start.Run}@{start.Step}", "from_mode=fork"]);
        if (!settings.Any(s => s.StartsWith("flops=", StringComparison.Ordinal)
            || s.StartsWith("train.steps=", StringComparison.Ordinal)
            || s.StartsWith("train.tokens=", StringComparison.Ordinal)))
        {
            long tokens = CorpusInfo.Load(here.CorpusFolder(recipe.Name)).Train.Tokens;
            all.Add(FormattableString.Invariant($"train.tokens={(long)Math.Round(tokens * recipe.Passes)}"));
        }
        return Trainer.Train(Config.Load(null, [.. all, .. settings]), here.Part(p => p with { Stage = "teach" }));
    }

    static void Corpus(TeachRecipe recipe, Tokenizer tokenizer, int context, Workspace here)
    {
        // A file that was edited is another recipe.
        JsonElement json = JsonSerializer.SerializeToElement(recipe with
        {
            Context = context,
            Passes = 1,
            Chat = recipe.Chat.Length == 0 ? "" : Named(recipe.Chat),
            Tasks = [.. recipe.Tasks.Select(t => t.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) ? Named(t) : t)],
        }, TeachJson.Default.TeachRecipe);
        if (recipe.Chat.Length > 0)
        {
            var sides = new Lazy<(MadeSide Train, MadeSide Valid, string? LeftOut)>(() =>
                Demonstrations.OfChat(recipe.Chat, tokenizer, context));
            new MadeCorpus(recipe.Name, tokenizer, json, [], () => sides.Value.Train, () => sides.Value.Valid).Write(here,
                "the user's");
            if (sides.IsValueCreated && sides.Value.LeftOut is { } left) here.Remark(left);
            return;
        }
        var mix = new TaskMix(recipe.Tasks);
        new MadeCorpus(recipe.Name, tokenizer, json, [.. mix.Levels.Select(l => l.Tag)],
            () => Demonstrations.Of(recipe, mix, tokenizer, context, Split.Train),
            () => Demonstrations.Of(recipe, mix, tokenizer, context, Split.Valid)).Write(here, "generated: public domain");
    }

    /// <summary>A file's name with the hash of what it holds.</summary>
    static string Named(string file)
    {
        try
        {
            return $"{file}#{System.IO.Hashing.XxHash3.HashToUInt64(File.ReadAllBytes(file)):x16}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{file}: cannot be read: {e.Message}");
        }
    }
}
