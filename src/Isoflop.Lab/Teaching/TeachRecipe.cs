using System.Text.Json.Serialization;
using Isoflop.Lab.Replies;
using Isoflop.Store;
using Isoflop.Train;

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
    [Setting("the run, which must be given; its demonstrations are the corpus of that name")]
    public string Name { get; set; } = "";

    [Setting("what is demonstrated: parity:1..3, FAMILY:LEVEL or FAMILY:FROM..TO, with *WEIGHT or not; it or chat must be given")]
    public IReadOnlyList<string> Tasks { get; set; } = [];

    [Setting("instead: a file of chats, {\"messages\": [{\"role\": …, \"content\": …}, …]} a line; ShareGPT, Alpaca too")]
    public string? Chat { get; set; }

    [Setting("the model to begin with, RUN or RUN@STEP; else a fresh one with a token a byte")]
    public string? From { get; set; }

    [Setting("what of a user's own makes the tasks, NAME#HASH: filled in; where it is given, it must be so", Later = true)]
    public IReadOnlyList<string>? Plugins { get; set; }

    [Setting("share of the demonstrations that think first; the others answer at once", Min = 0, Max = 1, Try = "0.3")]
    public double Think { get; set; } = 0.3;

    [Setting("how those think; monologue: tries and steps back, proof: the clean derivation, answer_first: the answer, then " +
        "its derivation; controls are filler: dots, and corrupted: another item's derivation")]
    public Trace Trace { get; set; }

    [Setting("demonstrations", Min = 1, Max = 10_000_000, Try = "20000")]
    public int Items { get; set; } = 20_000;

    [Setting("held-out ones", Min = 1, Max = 100_000, Try = "500")]
    public int ValidItems { get; set; } = 500;

    [Setting("times that each is seen, unless a length is set by train.steps, train.tokens or flops", Above = 0, Max = 10_000,
        Try = "1")]
    public double Passes { get; set; } = 1;

    [Setting("longest demonstration, tokens: the context; else 128, or that of the model to begin with", Min = 1,
        Max = 1 << 20, Try = "128")]
    public int? Context { get; set; }

    [Setting("seed of items, demonstrations and training")]
    public ulong Seed { get; set; } = 1;

    /// <summary>Reads a file and applies "think=0.5"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static TeachRecipe Load(string? file, IReadOnlyList<string> edits) =>
        SettingsJson.Load(file, edits, TeachJson.Default.TeachRecipe);

    /// <summary>Every rule that needs no model.</summary>
    public IEnumerable<string> Problems()
    {
        if (Name.Length == 0) yield return "name='' must be given: the run and its demonstrations are found by it";
        else if (FolderName.Problem("name", Name) is { } odd) yield return odd;
        if (Tasks.Count == 0 == Chat is null)
            yield return "give tasks to demonstrate or chat=FILE.jsonl, one of them; try parity:1..3";
        foreach (string problem in SettingsJson.Problems(this, TeachJson.Default.TeachRecipe)) yield return problem;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TeachRecipe))]
sealed partial class TeachJson : JsonSerializerContext;
