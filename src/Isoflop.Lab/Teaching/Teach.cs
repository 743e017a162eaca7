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
    /// <param name="settings">of the run, as the trainer takes them; its name, corpus, seed and source are the recipe's</param>
    /// <exception cref="ConfigException">A broken rule; a demonstration that does not fit the context.</exception>
    public static TrainResult Run(TeachRecipe recipe, RunConfig settings, Workspace here)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        RunPoint? from = recipe.From is null ? null : RunStore.CheckpointOf(recipe.From, here);
        RunRecord? parent = from is { } p ? RunRecord.Load(here.RunFolder(p.Run)) : null;
        Tokenizer tokenizer = from is { } at
            ? ModelFolder.LoadTokenizer(Path.Combine(here.RunFolder(at.Run), Checkpoint.NameOf(at.Step)))
            : BpeTrainer.Train([], ByteTokens);
        int context = recipe.Context ?? parent?.Model.ContextLen ?? FreshContext;
        Corpus(recipe, tokenizer, context, here);
        return Trainer.Train(RunOf(settings, recipe.Name, recipe.Seed, context, from,
            CorpusInfo.Load(here.CorpusFolder(recipe.Name)).Train.Tokens, recipe.Passes),
            here.Part(p => p with { Stage = "teach" }));
    }

    /// <summary>A run on rows that a recipe made: what the recipe says, and the user's settings for all else.</summary>
    /// <param name="tokens">of the rows, seen <paramref name="passes"/> times where the settings give no length</param>
    /// <exception cref="ConfigException">The settings give what is the recipe's.</exception>
    internal static RunConfig RunOf(RunConfig settings, string name, ulong seed, int context, RunPoint? from, long tokens,
        double passes)
    {
        if ((settings.Name ?? settings.Corpus ?? settings.From) is { } taken
            || (taken = settings.Seed?.ToString(System.Globalization.CultureInfo.InvariantCulture)) is not null
            || settings.FromMode is not null)
            throw new ConfigException($"'{taken ?? "from_mode"}': name, corpus, seed and source of the run are the recipe's; " +
                "leave them out of its settings");
        bool length = settings.Flops is not null || settings.Train.Steps is not null || settings.Train.Tokens is not null;
        return settings with
        {
            Name = name,
            Corpus = name,
            Seed = seed,
            From = from is { } start ? $"{start.Run}@{start.Step}" : null,
            FromMode = from is null ? null : StartMode.Fork,
            Model = settings.Model with { ContextLen = settings.Model.ContextLen ?? context },
            Train = length ? settings.Train : settings.Train with { Tokens = (long)Math.Round(tokens * passes) },
        };
    }

    static void Corpus(TeachRecipe recipe, Tokenizer tokenizer, int context, Workspace here)
    {
        string folder = here.CorpusFolder(recipe.Name);
        Plugins.Hold("the recipe", recipe.Plugins ?? []);
        if (Directory.Exists(folder) && CorpusInfo.Load(folder).Recipe.TryGetProperty("plugins", out JsonElement begun))
            Plugins.Hold($"corpus '{recipe.Name}'", [.. begun.EnumerateArray().Select(p => p.GetString()!)]);
        TaskMix? mix = recipe.Chat is not null ? null : new(recipe.Tasks);
        // A file that was edited is another recipe.
        JsonElement json = SettingsJson.Identity(recipe with
        {
            Context = context,
            Passes = 1,
            Plugins = Plugins.Of(mix?.Levels.Select(l => l.Family) ?? []),
            Chat = recipe.Chat is null ? null : Named(recipe.Chat),
            Tasks = [.. recipe.Tasks.Select(t => Path.GetExtension(t) is ".jsonl" or ".json"
                && !t.StartsWith("cmd:", StringComparison.Ordinal) ? Named(t) : t)],
        }, TeachJson.Default.TeachRecipe);
        if (mix is null)
        {
            var sides = new Lazy<(MadeSide Train, MadeSide Valid, string? LeftOut)>(() =>
                Demonstrations.OfChat(recipe.Chat!, tokenizer, context));
            new MadeCorpus(recipe.Name, tokenizer, json, [], () => sides.Value.Train, () => sides.Value.Valid)
            {
                ChatTemplate = new ChatFormat(tokenizer).Template,
            }.Write(here, "the user's");
            if (sides.IsValueCreated && sides.Value.LeftOut is { } left) here.Remark(left);
            return;
        }
        new MadeCorpus(recipe.Name, tokenizer, json, [.. mix.Levels.Select(l => l.Tag)],
            () => Demonstrations.Of(recipe, mix, tokenizer, context, Split.Train),
            () => Demonstrations.Of(recipe, mix, tokenizer, context, Split.Valid))
        {
            ChatTemplate = ChatFormat.Plain,
        }.Write(here, "generated: public domain");
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
