using System.Diagnostics.CodeAnalysis;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// What a name promises and what the bytes are. The bytes decide; a name that promises something else is remarked upon, or
/// refused where nobody can tell what was meant.
/// </summary>
static class SourceNames
{
    /// <summary>What is read from a folder or an archive, for messages.</summary>
    public const string Known = ".txt .md .markdown .jsonl .ndjson .json .parquet .tar, each also with .gz or .zst";

    /// <summary>What a source is, for refusals.</summary>
    public const string Wanted = "text in UTF-8, JSON lines or Parquet";

    /// <summary>The name without what it says of compression, and that.</summary>
    static (string Inner, FileForm Packing) Split(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".gz" or ".gzip" => (path[..^Path.GetExtension(path).Length], FileForm.Gzip),
        ".zst" or ".zstd" => (path[..^Path.GetExtension(path).Length], FileForm.Zstd),
        ".tgz" => (path[..^4] + ".tar", FileForm.Gzip),
        ".tzst" => (path[..^5] + ".tar", FileForm.Zstd),
        _ => (path, FileForm.Text),
    };

    /// <summary>The kind that a name promises; null: none that is known.</summary>
    public static SourceKind? KindOf(string path) => Path.GetExtension(Split(path).Inner).ToLowerInvariant() switch
    {
        ".txt" or ".text" or ".md" or ".markdown" => SourceKind.Text,
        ".jsonl" or ".ndjson" or ".json" => SourceKind.JsonLines,
        ".parquet" => SourceKind.Parquet,
        ".tar" => SourceKind.Tar,
        _ => null,
    };

    /// <summary>The kind that a file is read as.</summary>
    /// <param name="packing">how it is compressed</param> <param name="head">its first bytes, decompressed</param>
    /// <param name="named">by the user: then it is read or refused, never left out</param>
    /// <param name="remark">what to say about it; null: nothing</param>
    /// <returns>null: what is found in a folder and holds none of the text that is asked for</returns>
    /// <exception cref="DataException">Nothing that can be read; says what it is.</exception>
    public static SourceKind? Decide(string path, FileForm packing, ReadOnlySpan<byte> head, CorpusRecipe recipe, bool named,
        out string? remark)
    {
        (string inner, FileForm promised) = Split(path);
        FileForm form = FileForms.Of(head);
        SourceKind? kind = KindOf(path);
        bool isJson = Path.GetExtension(inner).Equals(".json", StringComparison.OrdinalIgnoreCase);
        remark = null;
        if (packing == FileForm.Text && promised != FileForm.Text && !head.IsEmpty) Refuse(path, form);
        SourceKind read = form switch
        {
            FileForm.Parquet => SourceKind.Parquet,
            FileForm.Tar => SourceKind.Tar,
            _ when !form.IsText() => throw form.Refusal(path, Wanted),
            _ when kind is SourceKind.Parquet or SourceKind.Tar => head.IsEmpty
                ? throw new DataException($"{path}: is empty; fetch it again") : Refuse(path, form),
            FileForm.JsonList when kind != SourceKind.Text || HasText(head, recipe) => SourceKind.JsonList,
            FileForm.JsonLines when kind != SourceKind.Text || HasText(head, recipe) => SourceKind.JsonLines,
            FileForm.Json when isJson && named => throw form.Refusal(path, "JSON lines"),
            _ => kind is SourceKind.JsonLines ? kind.Value : SourceKind.Text,
        };
        if (!named && isJson && (form is FileForm.Json or FileForm.Text || form == FileForm.JsonLines && !HasText(head, recipe)))
        {
            remark = $"{path}: left out: no JSON lines with '{recipe.Field}'";
            return null;
        }
        bool asNamed = read == kind || read == SourceKind.JsonList || (kind is null && read == SourceKind.Text);
        if (!asNamed || (packing != promised && packing != FileForm.Text))
            remark = $"{path}: read as what it is: {form.Named()}{(packing == FileForm.Text ? "" : $", {packing.Named()}")}";
        else if (read == SourceKind.Text && form == FileForm.JsonLines)
            remark = $"{path}: its lines are JSON without '{recipe.Field}': read as plain text, as its name says; " +
                "rename it to .jsonl and give field=NAME for what is in them";
        return read;
    }

    [DoesNotReturn]
    static SourceKind Refuse(string path, FileForm form) => form.IsText()
        ? throw new DataException($"{path}: is {form.Named()}, though its name ends in '{Path.GetExtension(path)}'; " +
            "fetch it again if it should be more, or rename it")
        : throw (form is FileForm.Gzip or FileForm.Zstd
            ? new DataException($"{path}: {form.Named()} in an archive is not read; unpack it first")
            : form.Refusal(path, $"what its name says ('{Path.GetExtension(path)}')"));

    /// <summary>The first object, or the first of the list, has the text that is asked for.</summary>
    static bool HasText(ReadOnlySpan<byte> head, CorpusRecipe recipe) => JsonDocuments.Has(head, recipe.Field);
}
