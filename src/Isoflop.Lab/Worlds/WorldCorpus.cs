using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Worlds;

/// <summary>Text of the user's in the world.</summary>
/// <param name="Path">file, folder or glob</param> <param name="Share">of the bytes</param>
public sealed record WorldMixin(string Path, double Share);

/// <summary>Everything that decides the bits of a world's corpus.</summary>
public sealed record WorldCorpusRecipe
{
    /// <summary>Folder name of a world's corpus where none is given.</summary>
    public const string DefaultName = "world";

    /// <summary>Name of the corpus and of its folder.</summary>
    public string Name { get; init; } = DefaultName;
    /// <summary>The world.</summary>
    public WorldRecipe World { get; init; } = new();
    /// <summary>Bytes of training text; it ends with the 64 documents in which it gets there.</summary>
    public long Bytes { get; init; } = 20_000_000;
    /// <summary>Bytes of validation text.</summary>
    public long ValidBytes { get; init; } = 400_000;
    /// <summary>Vocabulary to train, 256 to 65536 tokens; not used with <see cref="Tokenizer"/>.</summary>
    public int Vocab { get; init; } = 512;
    /// <summary>Folder or file of a tokenizer to use instead of training one.</summary>
    public string? Tokenizer { get; init; }
    /// <summary>Real text beside it.</summary>
    public IReadOnlyList<WorldMixin> Mix { get; init; } = [];

    internal IEnumerable<string> Problems()
    {
        foreach (string problem in new CorpusRecipe { Name = Name, Vocab = Vocab }.Problems()) yield return problem;
        if (Bytes is < 10_000 or > 1L << 42) yield return $"bytes={Bytes} must be from 10000 to 4e12; try 2e7";
        if (ValidBytes is < 10_000 or > 1L << 32) yield return $"valid_bytes={ValidBytes} must be from 10000 to 4e9; try 4e5";
        foreach (WorldMixin mix in Mix)
            if (!(mix.Share > 0 && mix.Share < 1))
                yield return FormattableString.Invariant($"mix {mix.Path}={mix.Share} is a share of the bytes above 0 and ") +
                    FormattableString.Invariant($"below 1; try 0.2");
        if (Mix.Sum(m => m.Share) >= 1) yield return "the shares of mix=PATH=SHARE leave nothing of the world; " +
            "lower them below 1 in all";
        foreach (string problem in World.Problems()) yield return problem;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(WorldCorpusRecipe))]
sealed partial class WorldCorpusJson : JsonSerializerContext;

/// <summary>Writes a world down as a corpus whose every token is labelled with its task.</summary>
public static class WorldCorpus
{
    const int ChunkDocuments = 64;
    const int SampleBytes = 4_000_000;
    /// <summary>Of a user's documents, one in so many is held out, by the hash of its text.</summary>
    const int TextHeldOutOneIn = 20;

    /// <summary>Builds <c>home/corpus/name</c>, or finds it there.</summary>
    /// <exception cref="ConfigException">A bad setting; another recipe's corpus of that name; too little text to mix
    /// in.</exception>
    public static CorpusBuild Build(WorldCorpusRecipe recipe, Workspace here, bool force = false)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        JsonElement json = JsonSerializer.SerializeToElement(recipe, WorldCorpusJson.Default.WorldCorpusRecipe);
        string folder = here.CorpusFolder(recipe.Name);
        using SourceFiles sources = SourceFiles.Of(new(), [.. recipe.Mix.Select(m => m.Path)], here);
        if (Directory.Exists(folder) && !force)
        {
            CorpusInfo there = CorpusInfo.Load(folder);
            string[] changed = [.. CorpusBuilder.Differences(there.Recipe, json)];
            if (changed.Length > 0)
                throw new ConfigException($"{folder} was built with another recipe ({string.Join("; ", changed)}); " +
                    "choose another name, or rebuild it with force=true");
            if (there.Sources.Any(s => s.XxHash128 is not null) && !sources.Equal(there.Sources))
                throw new ConfigException($"{folder} was built from text that has changed since; rebuild it with force=true");
            return new(folder, there, AlreadyThere: true);
        }
        var world = new World(recipe.World);
        IReadOnlyList<List<SourceFile>> files = sources.ByName;
        Tokenizer tokenizer = recipe.Tokenizer is { } path ? Tokenizer.Load(path).AsTrained()
            : BpeTrainer.Train(Sample(world, recipe, files), recipe.Vocab, specials: null, here);
        using var site = new BuildSite(here, recipe.Name);
        site.Begin(tokenizer);
        var job = new Job(recipe, world, tokenizer, files, site, here);
        (CorpusSide valid, double?[] entropies) = job.Write(validation: true, recipe.ValidBytes);
        (CorpusSide train, _) = job.Write(validation: false, recipe.Bytes);
        string licence = recipe.Mix.Count == 0 ? "generated: public domain" : "generated; mixed-in text: that of the sources";
        CorpusInfo info = site.Describe(train, valid, json, licence, job.Tags) with
        {
            Sources = sources.Sources,
            TagEntropies = entropies,
            VerbatimMeaning = "not measured: documents are drawn, short ones perhaps twice; held-out questions never occur",
        };
        site.Finish(info);
        return new(folder, info, AlreadyThere: false);
    }

    /// <summary>The world that a corpus was written from.</summary>
    /// <exception cref="ConfigException">It is not a world's corpus.</exception>
    internal static World WorldOf(CorpusInfo info)
    {
        try
        {
            if (info.Recipe.ValueKind == JsonValueKind.Object && info.Recipe.TryGetProperty("world", out _)
                && info.Recipe.Deserialize(WorldCorpusJson.Default.WorldCorpusRecipe) is { } recipe) return new(recipe.World);
        }
        catch (JsonException)
        {
        }
        throw new ConfigException($"corpus '{info.Name}' was not made by 'isoflop corpus world', so the world has no " +
            $"questions about it; " +
            "give a file of items: suite=FILE.jsonl");
    }

    /// <summary>Beginning of the training side, with its real text.</summary>
    static List<ReadOnlyMemory<byte>> Sample(World world, WorldCorpusRecipe recipe, IReadOnlyList<List<SourceFile>> files)
    {
        List<ReadOnlyMemory<byte>> sample = [];
        double share = recipe.Mix.Sum(m => m.Share);
        long bytes = 0, limit = Math.Min(SampleBytes, recipe.Bytes);
        for (long i = 0; bytes < limit * (1 - share); i++)
        {
            sample.Add(Encoding.UTF8.GetBytes(world.Document(validation: false, i).Text));
            bytes += sample[^1].Length;
        }
        for (int m = 0; m < files.Count; m++)
        {
            long taken = 0;
            double most = limit * recipe.Mix[m].Share;
            foreach (ReadOnlyMemory<byte> text in Texts(files[m], validation: false).TakeWhile(_ => taken < most))
            {
                sample.Add(text);
                taken += text.Length;
            }
        }
        return sample;
    }

    /// <summary>A user's documents of one side, none twice.</summary>
    static IEnumerable<ReadOnlyMemory<byte>> Texts(List<SourceFile> files, bool validation)
    {
        HashSet<UInt128> seen = [];
        foreach (Chunk chunk in new ChunkReader(new CorpusRecipe()).Chunks(files))
            foreach (TextDocument document in chunk.Parse().Documents)
            {
                UInt128 hash = Survey.ContentHash(document.Utf8.Span);
                if (hash % TextHeldOutOneIn == 0 == validation && seen.Add(hash)) yield return document.Utf8;
            }
    }

    /// <summary>A corpus under way.</summary>
    sealed class Job(WorldCorpusRecipe recipe, World world, Tokenizer tokenizer, IReadOnlyList<List<SourceFile>> files,
        BuildSite site, Workspace here)
    {
        public IReadOnlyList<string> Tags { get; } = [.. world.Tasks.Select(t => t.Tag), .. recipe.Mix.Select(TagOf)];

        static string TagOf(WorldMixin mix) => "text:" + Path.GetFileNameWithoutExtension(mix.Path.TrimEnd('/', '*'));

        /// <summary>Documents as tokens.</summary>
        sealed class Piece
        {
            public readonly List<int> Tokens = [];
            public readonly List<(int Tag, int Count)> Tags = [];
            public readonly List<WorldDocument> Documents = [];
            public long Bytes;

            public void Add(ReadOnlySpan<byte> utf8, int tag, WorldDocument document, Tokenizer tokenizer)
            {
                int before = Tokens.Count;
                tokenizer.Encode(utf8, Tokens);
                Tokens.Add(tokenizer.EndOfText);
                Tags.Add((tag, Tokens.Count - before));
                Documents.Add(document);
                Bytes += utf8.Length;
            }
        }

        public (CorpusSide, double?[] Entropies) Write(bool validation, long bytes)
        {
            using SideWriter writer = site.Side(validation ? SideWriter.ValidName : SideWriter.TrainName, tagged: true);
            long written = 0;
            var nats = new double[Tags.Count];
            var tokens = new long[Tags.Count];
            var (said, tried) = (new long[Tags.Count], new long[Tags.Count]);
            var texts = files.Select(f => Texts(f, validation).GetEnumerator()).ToArray();
            var mixed = new long[texts.Length];

            IEnumerable<long> Starts()
            {
                for (long at = 0; written < bytes; at += ChunkDocuments) yield return at;
            }
            Piece World(long start)
            {
                var piece = new Piece();
                for (long i = start; i < start + ChunkDocuments; i++)
                {
                    WorldDocument document = world.Document(validation, i);
                    piece.Add(Encoding.UTF8.GetBytes(document.Text), document.Task, document with { Text = "" }, tokenizer);
                }
                return piece;
            }
            void Put(Piece piece)
            {
                writer.Append(CollectionsMarshal.AsSpan(piece.Tokens), piece.Tags, piece.Tags.Count, piece.Bytes);
                written += piece.Bytes;
                for (int d = 0; d < piece.Tags.Count; d++)
                {
                    int tag = piece.Tags[d].Tag;
                    nats[tag] += piece.Documents[d].Nats;
                    tokens[tag] += piece.Tags[d].Count;
                    said[tag] += piece.Documents[d].Statements;
                    tried[tag] += piece.Documents[d].Tries;
                }
            }
            OrderedPipeline.Run(Starts(), World, piece =>
            {
                // Chunks drawn ahead of the end are dropped: which ones must not depend on the threads.
                if (written >= bytes) return;
                Put(piece);
                for (int m = 0; m < texts.Length; m++)
                    while (mixed[m] < recipe.Mix[m].Share * written)
                    {
                        if (!texts[m].MoveNext()) throw TooLittle(recipe.Mix[m], mixed[m], bytes, validation);
                        var text = new Piece();
                        text.Add(texts[m].Current.Span, world.Tasks.Count + m, default, tokenizer);
                        mixed[m] += text.Bytes;
                        Put(text);
                    }
                here.Report(validation ? "validation" : "training", Math.Min(written, bytes), bytes, "B");
            }, here.Cores, here.Stop);
            // The best model knows what is never said: each statement costs −ln of p over the share of draws that are said.
            return (writer.Commit(), [.. Enumerable.Range(0, Tags.Count).Select(t => t < world.Tasks.Count && tokens[t] > 0
                ? (nats[t] + said[t] * Math.Log((double)said[t] / tried[t])) / tokens[t] : (double?)null)]);
        }

        static ConfigException TooLittle(WorldMixin mix, long there, long bytes, bool validation) =>
            new(FormattableString.Invariant($"mix {mix.Path}={mix.Share}: it has {there / 1e6:0.##} MB for the ") +
                FormattableString.Invariant($"{(validation ? "validation" : "training")} side, {mix.Share * bytes / 1e6:0.##} ") +
                    FormattableString.Invariant($"are asked for; ") +
                "lower the share or bytes=N, or add text: nothing is repeated");
    }
}
