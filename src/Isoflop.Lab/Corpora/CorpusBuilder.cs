using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Corpora;

/// <summary>A corpus folder, just built or found.</summary>
/// <param name="AlreadyThere">the same recipe had built it before, from the same files</param>
public sealed record CorpusBuild(string Folder, CorpusInfo Info, bool AlreadyThere);

/// <summary>
/// Builds corpus folders. The sources are read twice, front to back: once for hashes, signatures and the tokenizer's sample,
/// once to encode. Same recipe and text, same bits, whatever the thread count.
/// </summary>
public static class CorpusBuilder
{
    /// <summary>Builds <c>home/corpus/name</c> under a temporary name, or finds it there.</summary>
    /// <param name="force">replace a corpus of that name</param>
    /// <exception cref="ConfigException">A bad setting, no such source, another recipe's corpus of that name.</exception>
    /// <exception cref="DataException">A source that cannot be used, or too little text; names the file.</exception>
    public static CorpusBuild Build(CorpusRecipe recipe, Workspace here, bool force = false) =>
        Build(recipe, here, force, BuildSite.ShardTokens);

    internal static CorpusBuild Build(CorpusRecipe recipe, Workspace here, bool force, long shardTokens)
    {
        string[] problems = [.. recipe.Problems()];
        if (problems.Length > 0) throw new ConfigException(string.Join("; ", problems));
        Tokenizer? given = recipe.Tokenizer is null ? null : Tokenizer.Load(recipe.Tokenizer);
        using SourceFiles sources = recipe.Sources.Count == 0 ? SourceFiles.OfReference(here)
            : SourceFiles.Of(recipe, recipe.Sources, here);
        string folder = here.CorpusFolder(recipe.Name);
        if (Directory.Exists(folder) && !force) return Found(folder, recipe, sources, given);

        using var site = new BuildSite(here, recipe.Name);
        CorpusInfo info = new Job(recipe, sources, site, given?.AsTrained(), here, shardTokens).Run();
        here.Stop.ThrowIfCancellationRequested();
        site.Finish(info);
        return new(folder, info, AlreadyThere: false);
    }

    /// <summary>The corpus of that name, if it is the one that the recipe would build.</summary>
    static CorpusBuild Found(string folder, CorpusRecipe recipe, SourceFiles sources, Tokenizer? given)
    {
        using Corpus corpus = Corpus.Open(folder);
        CorpusInfo info = corpus.Info;
        string[] changed = [.. Differences(info.Recipe, recipe.ToJson())];
        if (changed.Length > 0)
            throw new ConfigException($"{folder} was built with another recipe ({string.Join("; ", changed)}); " +
                "choose another name, or rebuild it with force=true");
        if (!sources.Equal(info.Sources) || given is not null && given.Hash != info.TokenizerHash
            && given.AsTrained().Hash != info.TokenizerHash)
            throw new ConfigException($"{folder} was built from these sources, which have changed since; rebuild it with " +
                $"force=true");
        return new(folder, info, AlreadyThere: true);
    }

    internal static IEnumerable<string> Differences(JsonElement had, JsonElement now)
    {
        if (had.ValueKind != JsonValueKind.Object) return ["it names none"];
        return now.EnumerateObject()
            .Select(p => (p.Name, Had: had.TryGetProperty(p.Name, out JsonElement v) ? Line(v) : "null", Now: Line(p.Value)))
            .Where(p => !JsonNode.DeepEquals(JsonNode.Parse(p.Had), JsonNode.Parse(p.Now)))
            .Select(p => $"{p.Name} was {p.Had}, is {p.Now}");

        static string Line(JsonElement value) => JsonNode.Parse(value.GetRawText())?.ToJsonString() ?? "null";
    }

    /// <summary>One build under way.</summary>
    sealed class Job(CorpusRecipe recipe, SourceFiles sources, BuildSite site, Tokenizer? given, Workspace here, long shardTokens)
    {
        readonly long total = Math.Max(1, sources.Files.Sum(f => f.Bytes));

        public CorpusInfo Run()
        {
            var reader = new ChunkReader(recipe, here.Remark);
            long read = 0;
            Survey survey = Survey.Take(recipe, reader.Chunks(sources.Files), given is null, here,
                bytes => Report("reading", read += bytes));
            Tokenizer tokenizer = given ?? Train(survey.TakeSample());
            site.Begin(tokenizer);
            (CorpusSide train, CorpusSide valid) = Encode(reader, survey, tokenizer);
            string licence = recipe.Licence ?? (recipe.Sources.Count == 0 ? ReferenceDocs.Licence
                : "not stated; that of the sources");
            CorpusInfo info = site.Describe(train, valid, recipe.ToJson(), licence,
                [.. survey.Tags.OrderBy(t => t.Value).Select(t => t.Key)]) with
            {
                Sources = sources.Sources,
                DuplicatesDropped = survey.Duplicates,
                LinesLeftOut = survey.Broken,
                NearDuplicateClusters = survey.Clusters,
                NearDuplicateDocuments = survey.ClusteredDocuments,
                VerbatimMeaning = VerbatimShare.Meaning,
            };
            site.Write(info);
            // Through the front door: what is measured is what a training run will read, every block of it checked.
            using Corpus corpus = Corpus.Open(site.Folder);
            return info with
            {
                VerbatimShare = VerbatimShare.Measure(corpus.Train, corpus.Valid, corpus.Tokenizer, here),
            };
        }

        void Report(string stage, double done) => here.Report(stage, Math.Min(done, total), total, "B");

        Tokenizer Train(List<ReadOnlyMemory<byte>> sample)
        {
            try
            {
                return BpeTrainer.Train(sample, recipe.Vocab, specials: null, here);
            }
            catch (AggregateException) when (here.Stop.IsCancellationRequested)
            {
                throw new OperationCanceledException(here.Stop);
            }
        }

        (CorpusSide Train, CorpusSide Valid) Encode(ChunkReader reader, Survey survey, Tokenizer tokenizer)
        {
            bool tagged = recipe.TagField is not null;
            using SideWriter train = site.Side(SideWriter.TrainName, tagged, shardTokens: shardTokens),
                valid = site.Side(SideWriter.ValidName, tagged, shardTokens: shardTokens);
            long read = 0;
            int chunks = 0;
            OrderedPipeline.Run(reader.Chunks(sources.Files).Select((chunk, i) => (chunk, i)),
                c => Encoded.Of(c.chunk, c.i, survey, tokenizer), chunk =>
                {
                    chunk.Train.AppendTo(train);
                    chunk.Valid.AppendTo(valid);
                    chunks++;
                    Report("encoding", read += chunk.SourceBytes);
                }, here.Cores, here.Stop);
            if (chunks != survey.Chunks) throw Survey.Changed();
            return (train.Commit(), valid.Commit());
        }
    }

    /// <summary>A chunk's documents as tokens, by side.</summary>
    sealed record Encoded(long SourceBytes, Piece Train, Piece Valid)
    {
        public static Encoded Of(Chunk chunk, int index, Survey survey, Tokenizer tokenizer)
        {
            List<TextDocument> documents = chunk.Parse().Documents;
            ReadOnlySpan<Side> sides = survey.SidesOf(index, documents);
            Piece train = new(), valid = new();
            for (int i = 0; i < documents.Count; i++)
                if (sides[i] != Side.Dropped) (sides[i] == Side.Train ? train : valid).Add(documents[i], survey, tokenizer);
            return new(chunk.SourceBytes, train, valid);
        }
    }

    sealed class Piece
    {
        readonly List<int> tokens = [];
        readonly List<(int Tag, int Count)> tags = [];
        long documents, bytes;

        public void Add(TextDocument document, Survey survey, Tokenizer tokenizer)
        {
            int before = tokens.Count;
            tokenizer.Encode(document.Utf8.Span, tokens);
            tokens.Add(tokenizer.EndOfText);
            if (document.Tag is { } tag) tags.Add((survey.Tags[tag], tokens.Count - before));
            documents++;
            bytes += document.Utf8.Length;
        }

        public void AppendTo(SideWriter writer) =>
            writer.Append(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(tokens), tags, documents, bytes);
    }
}
