using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Worlds;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop corpus world</c>: a generated corpus in which every token is labelled with its task.</summary>
static class WorldCommand
{
    public static Command Create()
    {
        var defaults = new WorldCorpusRecipe();
        var name = new Argument<string>("name")
        {
            Description = "Name of the corpus",
            DefaultValueFactory = _ => WorldCorpusRecipe.DefaultName,
        };
        var bytes = new Option<double>("--bytes")
        {
            Description = "Training text",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.Bytes,
        };
        var valid = new Option<double>("--valid-bytes")
        {
            Description = "Validation text",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.ValidBytes,
        };
        var vocab = new Option<int>("--vocab")
        {
            Description = "Tokens to train, 256 to 65536",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.Vocab,
        };
        var tokenizer = new Option<string>("--tokenizer")
        {
            Description = "Use this tokenizer instead of training one",
            HelpName = "FOLDER",
        };
        var zipf = new Option<double>("--zipf")
        {
            Description = "Facts of rank k come as often as k^-X",
            HelpName = "X",
            DefaultValueFactory = _ => defaults.World.Zipf,
        };
        var facts = new Option<int>("--facts")
        {
            Description = "Villages of the invented gazetteer",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.World.Facts,
        };
        var weight = new Option<string[]>("--weight")
        {
            Description = "How often a task is heard, 1 without this: sums=3, sums.8=0",
            HelpName = "TASK=X",
        };
        var mix = new Option<string[]>("--mix")
        {
            Description = "Real text for a share of the bytes: a file, folder or glob",
            HelpName = "PATH=X",
        };
        var seed = new Option<ulong>("--seed")
        {
            Description = "Another seed is another world",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.World.Seed,
        };
        var show = new Option<int>("--show")
        {
            Description = "Print so many documents of the training side, and build nothing",
            HelpName = "N",
        };
        var questions = new Option<int>("--questions")
        {
            Description = "Print so many held-out questions a task as JSON lines, and build nothing",
            HelpName = "N",
        };
        var chats = new Option<int>("--chats")
        {
            Description = "Print so many chats about the world as JSON lines, every fourth about .NET's documentation where " +
                "its SDK is, and build nothing",
            HelpName = "N",
        };
        var force = new Option<bool>("--force") { Description = "Rebuild a corpus that is there" };
        var verb = new Verb("world", "Build a corpus of a generated world: nine families of tasks, every token labelled.",
            "isoflop corpus world                                20 MB, 512 tokens of vocabulary",
            "isoflop corpus world --show 20                      what it reads like",
            "isoflop corpus world --questions 100 > world.jsonl  its questions, for any tool",
            "isoflop corpus world --chats 20000 > chat.jsonl     what 'isoflop teach chat=chat.jsonl' reads",
            "isoflop corpus world sums-only --weight grammar=0 --weight sums=5",
            "isoflop corpus world steep --zipf 1.5 --facts 100000",
            "isoflop corpus world half --mix ~/books=0.5")
        {
            name, bytes, valid, vocab, tokenizer, zipf, facts, weight, mix, seed, show, questions, chats, force,
        };
        verb.Runs(call =>
        {
            ParseResult given = call.Parsed;
            CorpusCommand.CheckName(given.GetValue(name)!, sourced: true);
            var recipe = new WorldCorpusRecipe
            {
                Name = given.GetValue(name)!,
                Bytes = Whole("--bytes", given.GetValue(bytes)),
                ValidBytes = Whole("--valid-bytes", given.GetValue(valid)),
                Vocab = given.GetValue(vocab),
                Tokenizer = given.GetValue(tokenizer),
                Mix = [.. (given.GetValue(mix) ?? []).Select(m => Split("--mix", m)).Select(m => new WorldMixin(m.Name,
                    m.Value))],
                World = new()
                {
                    Seed = given.GetValue(seed),
                    Zipf = given.GetValue(zipf),
                    Facts = given.GetValue(facts),
                    Weights = new SortedDictionary<string, double>((given.GetValue(weight) ?? []).Select(w => Split("--weight",
                        w))
                        .ToDictionary(w => w.Name, w => w.Value), StringComparer.Ordinal),
                },
            };
            if (given.GetValue(show) > 0)
            {
                Show(call, new World(recipe.World), given.GetValue(show));
                return 0;
            }
            if (given.GetValue(questions) > 0)
            {
                new World(recipe.World).Suite(given.GetValue(questions)).Write(call.Out);
                return 0;
            }
            if (given.GetValue(chats) > 0)
            {
                WorldChats.Write(call.Out, recipe.World.Seed, given.GetValue(chats));
                return 0;
            }
            CorpusBuild build = WorldCorpus.Build(recipe, call.Here, given.GetValue(force));
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(build, CorpusCommandJson.Default.CorpusBuild));
            else Write(call.Out, build);
            return 0;
        });
        return verb;
    }

    static long Whole(string option, double value) => value is >= 1 and < 9e18 ? (long)value
        : throw new ConfigException(FormattableString.Invariant($"{option} {value} must be a positive number of bytes; try 2e7"));

    static (string Name, double Value) Split(string option, string text)
    {
        int at = text.LastIndexOf('=');
        return at > 0 && double.TryParse(text.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
            ? (text[..at], x) : throw new ConfigException($"{option} '{text}' must be NAME=NUMBER; try sums=2");
    }

    static void Show(Invocation call, World world, int count)
    {
        for (long i = 0; i < count; i++)
        {
            WorldDocument document = world.Document(validation: false, i);
            string tag = world.Tasks[document.Task].Tag;
            call.Out.WriteLine(!call.Json ? $"[{tag}] {document.Text}"
                : JsonSerializer.Serialize(new(tag, document.Text), WorldCommandJson.Default.WorldText));
        }
    }

    static void Write(TextWriter output, CorpusBuild build)
    {
        CorpusInfo info = build.Info;
        output.WriteLine(build.AlreadyThere ? $"{build.Folder} (already there, same recipe)" : build.Folder);
        foreach ((string label, CorpusSide side) in ((string, CorpusSide)[])[("train", info.Train), ("valid", info.Valid)])
            output.WriteLine($"  {label,-11} {side.Documents} documents, {Format.Quantity(side.Bytes, "B")}, " +
                Format.Quantity(side.Tokens, "tokens"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  tokenizer   {info.VocabSize} tokens, {info.BytesPerToken:F3} bytes/token"));
        output.WriteLine("  entropy     nats/token of the best possible model, by task and level:");
        foreach (var family in info.Tags.Zip(info.TagEntropies).GroupBy(t => t.First.Split('.')[0]))
            output.WriteLine($"    {family.Key,-12} " + string.Join("  ", family.Select(t => t.Second is { } e
                ? e.ToString("0.000", CultureInfo.InvariantCulture) : "unknown")));
    }
}

/// <summary>A document of a world, as a script sees it.</summary>
sealed record WorldText(string Task, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WorldText))]
sealed partial class WorldCommandJson : JsonSerializerContext;
