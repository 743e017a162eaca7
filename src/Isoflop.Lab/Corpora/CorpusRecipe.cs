using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>Everything that decides the bits of a corpus, except the text itself.</summary>
public sealed record CorpusRecipe
{
    /// <summary>Folder name of the corpus of the SDK's reference documentation.</summary>
    public const string DefaultName = "reference";

    /// <summary>Name of the corpus and of its folder.</summary>
    public string Name { get; init; } = DefaultName;
    /// <summary>Files, folders, globs; none: the reference documentation of the .NET SDK.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];
    /// <summary>Vocabulary to train, 256 to 65536 tokens; not used with <see cref="Tokenizer"/>.</summary>
    public int Vocab { get; init; } = 8192;
    /// <summary>Folder or file of a tokenizer to use instead of training one.</summary>
    public string? Tokenizer { get; init; }
    /// <summary>Property of a JSON line, or column of a Parquet file, that holds the text; of one further in its path,
    /// <c>data.text</c>. What a list holds is one document, a line each.</summary>
    public string Field { get; init; } = "text";
    /// <summary>Property or column that labels a document; its tokens get a parallel stream of tags.</summary>
    public string? TagField { get; init; }
    /// <summary>Replace what is not UTF-8, and halves of surrogate pairs, by U+FFFD, and leave lines out that are not JSON,
    /// instead of refusing them.</summary>
    public bool Lossy { get; init; }
    /// <summary>Validation's share of the bytes, above 0 and up to 0.5; null: 0.01, but 100 kB at least and 2 MB at
    /// most.</summary>
    public double? ValidShare { get; init; }
    /// <summary>Decides which documents validate and which train the tokenizer.</summary>
    public ulong Seed { get; init; }
    /// <summary>What is known about the right to use the text.</summary>
    public string? Licence { get; init; }

    /// <summary>Everything wrong with the settings, not only the first.</summary>
    public IEnumerable<string> Problems()
    {
        if (FolderName.Problem("corpus", Name) is { } odd) yield return $"{odd}; the name comes before the sources";
        if (Vocab is < 256 or > 65536)
            yield return $"vocab={Vocab} must be from 256 (the bytes alone) to 65536 (two bytes a token)";
        if (ValidShare is { } share && !(share > 0 && share <= 0.5))
            yield return FormattableString.Invariant($"valid_share={share} must be above 0 and at most 0.5; try 0.01");
        if (TagField is "") yield return "tag_field is empty; name the property or column that labels, or leave it out";
        if (Field.Length == 0) yield return "field is empty; name the property or column that holds the text";
    }

    internal JsonElement ToJson() => JsonSerializer.SerializeToElement(this, RecipeJson.Default.CorpusRecipe);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CorpusRecipe))]
sealed partial class RecipeJson : JsonSerializerContext;
