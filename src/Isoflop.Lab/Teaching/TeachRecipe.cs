using System.Text.Json.Serialization;
using Isoflop.Lab.Recipes;
using Isoflop.Lab.Replies;

namespace Isoflop.Lab.Teaching;

/// <summary>What stands in the thought of a demonstration that thinks first.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Trace>))]
public enum Trace
{
    /// <summary>Tries, mistakes noticed, steps back.</summary>
    [JsonStringEnumMemberName("monologue")] Monologue,
    /// <summary>The clean derivation.</summary>
    [JsonStringEnumMemberName("proof")] Proof,
    /// <summary>The answer, then its derivation: a summary after the fact.</summary>
    [JsonStringEnumMemberName("answer_first")] AnswerFirst,
    /// <summary>A control: as many dots as the clean derivation has characters. Time to compute, nothing said.</summary>
    [JsonStringEnumMemberName("filler")] Filler,
    /// <summary>A control: the derivation of another item of the level, then the right answer.</summary>
    [JsonStringEnumMemberName("corrupted")] Corrupted,
}

/// <summary>Fine-tuning on demonstrations, generated or a user's own; the loss is on the replies alone.</summary>
public sealed record TeachRecipe
{
    /// <summary>Name of the run; its demonstrations are the corpus of that name.</summary>
    public string Name { get; set; } = "";
    /// <summary>What is demonstrated: "parity:1..3", see <see cref="TaskMix"/>; none where <see cref="Chat"/> is given.</summary>
    public IReadOnlyList<string> Tasks { get; set; } = [];
    /// <summary>
    /// JSON lines of {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}, …]}.
    /// </summary>
    public string Chat { get; set; } = "";
    /// <summary>The model to begin with, RUN or RUN@STEP; empty: a fresh one with a token a byte.</summary>
    public string From { get; set; } = "";
    /// <summary>Share of the demonstrations that think first; the others answer at once.</summary>
    public double Think { get; set; } = 0.3;
    /// <summary>How those think.</summary>
    public Trace Trace { get; set; }
    /// <summary>Demonstrations.</summary>
    public int Items { get; set; } = 20_000;
    /// <summary>Held-out ones.</summary>
    public int ValidItems { get; set; } = 500;
    /// <summary>Times that each is seen, unless a length is set by train.steps, train.tokens or flops.</summary>
    public double Passes { get; set; } = 1;
    /// <summary>Longest demonstration, tokens: the context; 0: 128, or that of the model to begin with.</summary>
    public int Context { get; set; }
    /// <summary>Seed of items, demonstrations and training.</summary>
    public ulong Seed { get; set; } = 1;

    /// <summary>Reads a file and applies "think=0.5"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static TeachRecipe Load(string? file, IReadOnlyList<string> edits) =>
        RecipeFile.Load(file, edits, TeachJson.Default.TeachRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0) yield return "name='' must be given: the run and its demonstrations are found by it";
        if (Tasks.Count == 0 == (Chat.Length == 0))
            yield return "give tasks to demonstrate or chat=FILE.jsonl, one of them; try parity:1..3";
        if (!(Think >= 0 && Think <= 1))
            yield return FormattableString.Invariant($"think={Think} is a share from 0 to 1; try 0.3");
        if (Items is < 1 or > 10_000_000) yield return $"items={Items} must be from 1 to 10000000; try 20000";
        if (ValidItems is < 1 or > 100_000) yield return $"valid_items={ValidItems} must be from 1 to 100000; try 500";
        if (!(Passes > 0 && Passes <= 10_000))
            yield return FormattableString.Invariant($"passes={Passes} must be above 0; try 1");
        if (Context is < 0 or > 1 << 20) yield return $"context={Context} must be a number of tokens; try 128";
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TeachRecipe))]
sealed partial class TeachJson : JsonSerializerContext;
