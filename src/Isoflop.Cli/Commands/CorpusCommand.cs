using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Corpora;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop corpus</c>: text in, a corpus folder out.</summary>
static class CorpusCommand
{
    public static Command Create()
    {
        var defaults = new CorpusRecipe();
        var name = new Argument<string>("name")
        {
            Description = "Name of the corpus",
            DefaultValueFactory = _ => CorpusRecipe.DefaultName,
        };
        var sources = new Argument<string[]>("sources")
        {
            Description = "Text, Markdown, JSON lines or Parquet, also .gz, .zst or .tar; folders and globs. " +
                "None: the reference documentation of the .NET SDK",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var vocab = new Option<int>("--vocab")
        {
            Description = "Tokens to train, 256 to 65536",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.Vocab
        };
        var tokenizer = new Option<string>("--tokenizer")
        {
            Description = "Use this tokenizer instead of training one",
            HelpName = "FOLDER"
        };
        var field = new Option<string>("--field")
        {
            Description = "JSON property or Parquet column that holds the text; further in: data.text",
            HelpName = "NAME",
            DefaultValueFactory = _ => defaults.Field,
        };
        var tagField = new Option<string>("--tag-field")
        {
            Description = "JSON property or Parquet column that labels a " +
            "document's tokens",
            HelpName = "NAME"
        };
        var lossy = new Option<bool>("--lossy")
        {
            Description = "Replace what is not UTF-8 by U+FFFD; leave lines out that are not JSON, and count them"
        };
        var share = new Option<double?>("--valid-share")
        {
            Description = "Share of validation text; else 1 %, 100 kB to 2 MB",
            HelpName = "X"
        };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Draws the validation documents",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.Seed
        };
        var licence = new Option<string>("--licence")
        {
            Description = "A note on the right to use the text, kept in " +
            "corpus.json",
            HelpName = "TEXT"
        };
        var force = new Option<bool>("--force") { Description = "Rebuild a corpus that is there" };

        var verb = new Verb("corpus", "Build a corpus: tokenizer, training and validation tokens, without duplicates.",
            "isoflop corpus                                      the documentation beside dotnet, nothing to download",
            "isoflop corpus small --vocab 1024                   the same with a small vocabulary",
            "isoflop corpus books ~/books --vocab 16384          a folder of text and Markdown",
            "isoflop corpus web 'web/*.jsonl.zst' --field content",
            "isoflop corpus qa qa.parquet --field answer --tag-field topic",
            "isoflop corpus more more.txt --tokenizer isoflop/corpus/books")
        {
            name, sources, vocab, tokenizer, field, tagField, lossy, share, seed, licence, force, WorldCommand.Create(),
        };
        verb.Runs(call =>
        {
            ParseResult given = call.Parsed;
            CheckName(given.GetValue(name)!, given.GetValue(sources) is { Length: > 0 });
            var recipe = new CorpusRecipe
            {
                Name = given.GetValue(name)!,
                Sources = given.GetValue(sources) ?? [],
                Vocab = given.GetValue(vocab),
                Tokenizer = given.GetValue(tokenizer),
                Field = given.GetValue(field)!,
                TagField = given.GetValue(tagField),
                Lossy = given.GetValue(lossy),
                ValidShare = given.GetValue(share),
                Seed = given.GetValue(seed),
                Licence = given.GetValue(licence),
            };
            CorpusBuild build = CorpusBuilder.Build(recipe, call.Here, given.GetValue(force));
            using Corpus corpus = Corpus.Open(build.Folder);
            CorpusBaselines baselines = CorpusBaselines.Of(corpus, call.Here);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(build, CorpusCommandJson.Default.CorpusBuild));
            else
            {
                Write(call.Out, build);
                BaselineTable.Write(call.Out, baselines);
            }
            return 0;
        });
        return verb;
    }

    static readonly string[] ofFiles =
    [
        ".txt", ".md", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz", ".zst", ".tar", ".tgz", ".zip", ".html",
        ".xml",
    ];

    /// <summary>Refuses the name of a file in the place of a corpus' name, and a mistyped command below this one.</summary>
    /// <param name="sourced">there is a file beside it</param>
    internal static void CheckName(string name, bool sourced)
    {
        string stem = Path.GetFileName(name.TrimEnd('/')).Split('.')[0], better = stem.Length > 0 ? stem : "mine";
        bool file = File.Exists(name) || ofFiles.Contains(Path.GetExtension(name).ToLowerInvariant());
        // A folder of that name is no text where it is a corpus, or where other text is given.
        bool folder = !sourced && Directory.Exists(name) && !File.Exists(Path.Combine(name, CorpusInfo.FileName));
        if (file || folder || name.AsSpan().ContainsAny('/', '\\', '*'))
            throw new ConfigException($"'{name}' {(folder ? "is a folder" : "names a file")}, and a corpus has a name first; " +
                $"try 'isoflop corpus {better} {name}'");
        if (!sourced && name != "world" && SettingsJson.Nearest(name, ["world"]) is not null)
            throw new ConfigException($"'{name}' is nearly the command 'world', and there is no text beside it; a corpus of " +
                "the documentation must be named otherwise");
    }

    static void Write(TextWriter output, CorpusBuild build)
    {
        CorpusInfo info = build.Info;
        output.WriteLine(build.AlreadyThere ? $"{build.Folder} (already there, same recipe)" : build.Folder);
        Side("train", info.Train);
        Side("valid", info.Valid);
        Line("tokenizer", string.Create(CultureInfo.InvariantCulture,
            $"{info.VocabSize} tokens, {info.BytesPerToken:F3} bytes/token"));
        Line("duplicates", $"{info.DuplicatesDropped} dropped; {info.NearDuplicateDocuments} near-duplicates in " +
            $"{info.NearDuplicateClusters} groups, each on one side");
        if (info.LinesLeftOut > 0) Line("left out", $"{info.LinesLeftOut} lines that are not JSON");
        Line("verbatim", string.Create(CultureInfo.InvariantCulture,
            $"{100 * info.VerbatimShare:F1} % of the runs of 13 words in validation also stand in training"));
        Line("licence", info.Licence);
        if (info.Tags.Count > 0) Line("tags", string.Join(", ", info.Tags.Take(20)) + (info.Tags.Count > 20 ? ", …" : ""));

        void Line(string label, string text) => output.WriteLine($"  {label,-11} {text}");
        void Side(string label, CorpusSide side) => Line(label,
            $"{side.Documents} documents, {Format.Quantity(side.Bytes, "B")}, {Format.Quantity(side.Tokens, "tokens")}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CorpusBuild))]
sealed partial class CorpusCommandJson : JsonSerializerContext;
