using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Lab.Studies;

/// <summary>One source's text as tokens, each document followed by its end.</summary>
sealed record MixSource(string Label, string Corpus, int[] Train, int[] Valid, double BytesPerToken);

/// <summary>The sources of a study of mixtures under one tokenizer, and corpora mixed of them.</summary>
sealed class MixSources
{
    readonly List<(int Start, int Length)[]> documents;           // [source] of its training text
    readonly ulong seed;
    readonly string[] hashes;                                     // [source] of its tokens

    MixSources(IReadOnlyList<MixSource> all, Tokenizer tokenizer, ulong seed)
    {
        (All, Tokenizer, this.seed) = (all, tokenizer, seed);
        documents = [.. all.Select(s => Documents(s.Train, tokenizer.EndOfText))];
        hashes = [.. all.Select(HashOf)];
    }

    public IReadOnlyList<MixSource> All { get; }

    public Tokenizer Tokenizer { get; }

    /// <summary>Shares of the training tokens, as the sources have them.</summary>
    public double[] Natural => [.. All.Select(s => s.Train.Length / (double)All.Sum(o => (long)o.Train.Length))];

    /// <summary>Held-out tokens of all sources together.</summary>
    public long ValidTokens => All.Sum(s => (long)s.Valid.Length);

    /// <summary>
    /// Opens corpora, and builds one for each source that is a file. The common tokenizer is that of the corpora, or is trained
    /// on all files together.
    /// </summary>
    /// <exception cref="ConfigException">No such corpus or file; two tokenizers; fewer than two sources.</exception>
    public static MixSources Open(MixRecipe recipe, Workspace here)
    {
        var named = recipe.Sources.Where(s => IsCorpus(here, s.From)).Select(s => here.CorpusFolder(s.From)).ToList();
        if (recipe.Corpus is { } tagged) return Tagged(tagged, recipe.Seed, here);
        CorpusRecipe common = new() { Vocab = recipe.Vocab, Field = recipe.Field, Seed = recipe.Seed };
        if (named.Count == 0)
            named.Add(Build(common with { Name = recipe.Name + ".all", Sources = [.. recipe.Sources.Select(s => s.From)] }));
        List<MixSource> all = [];
        foreach (MixInput s in recipe.Sources)
        {
            string folder = IsCorpus(here, s.From) ? here.CorpusFolder(s.From)
                : Build(common with { Name = $"{recipe.Name}.{s.Label}", Sources = [s.From], Tokenizer = named[0] });
            using Corpus corpus = Corpus.Open(folder);
            all.Add(new(s.Label, corpus.Name, Read(corpus.Train), Read(corpus.Valid), corpus.BytesPerToken));
        }
        string[] hashes = [.. named.Select(f => CorpusInfo.Load(f).TokenizerHash).Distinct()];
        if (hashes.Length > 1)
            throw new ConfigException($"sources: {string.Join(", ", named)} have {hashes.Length} tokenizers; losses a token " +
                "are then of different things; build them with one: isoflop corpus NAME PATH --tokenizer FOLDER");
        return new(all, Tokenizer.Load(named[0]), recipe.Seed);

        string Build(CorpusRecipe one) => CorpusBuilder.Build(one, here).Folder;
    }

    static bool IsCorpus(Workspace here, string from) => File.Exists(Path.Combine(here.CorpusFolder(from), CorpusInfo.FileName));

    /// <summary>The tags of one corpus as its sources.</summary>
    static MixSources Tagged(string name, ulong seed, Workspace here)
    {
        using Corpus corpus = Corpus.Open(here.CorpusFolder(name));
        if (corpus.TrainTags is null || corpus.Info.Tags.Count < 2)
            throw new ConfigException($"corpus={name}: its documents have no two tags; build it with " +
                "tag_field=FIELD, or give sources=LABEL=PATH");
        int[] train = Read(corpus.Train), valid = Read(corpus.Valid), trainTags = Read(corpus.TrainTags),
            validTags = Read(corpus.ValidTags!);
        List<MixSource> all = [.. corpus.Info.Tags.Select((label, tag) => new MixSource(label, $"{corpus.Name}/{label}",
            [.. train.Where((_, i) => trainTags[i] == tag)], [.. valid.Where((_, i) => validTags[i] == tag)],
            corpus.BytesPerToken))];
        if (all.Find(s => s.Train.Length < 2 || s.Valid.Length < 2) is { } empty)
            throw new ConfigException($"corpus={name}: '{empty.Label}' has {empty.Train.Length} tokens to train on " +
                $"and {empty.Valid.Length} held out; a source needs both");
        return new(all, corpus.Tokenizer, seed);
    }

    static int[] Read(TokenStream stream)
    {
        var tokens = new int[stream.Count];
        stream.Read(0, tokens);
        return tokens;
    }

    /// <summary>A corpus whose training text takes whole documents from the sources by weight, cut at so many tokens.</summary>
    /// <remarks>
    /// Held out is the text of every source, one after the other; tags say which. The documents of a source come in an order
    /// drawn for each pass over it: a source with a large share and little text repeats.
    /// </remarks>
    public MadeCorpus Mixed(string name, Mixture mixture, long tokens)
    {
        return new(name, Tokenizer, Facts(hashes), [.. All.Select(s => s.Label)], () => Interleaved(mixture, tokens), HeldOut)
        {
            Older = Facts(null),
        };

        JsonElement Facts(string[]? of) => JsonSerializer.SerializeToElement(new MixtureFacts([.. All.Select((s, j) =>
            new MixtureSource(s.Label, s.Corpus, s.Train.Length, s.Valid.Length, of?[j]))], mixture.Percent, tokens, seed),
            MixJson.Default.MixtureFacts);
    }

    static string HashOf(MixSource source)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(source.Train.AsSpan()));
        hash.Append(MemoryMarshal.AsBytes(source.Valid.AsSpan()));
        return hash.GetCurrentHashAsUInt128().ToString("x32", CultureInfo.InvariantCulture);
    }

    /// <summary>How often a mixture's largest need passes over a source: 1 and less is fresh text.</summary>
    public double Passes(Mixture mixture, long tokens) =>
        All.Select((s, j) => mixture.Shares[j] * tokens / s.Train.Length).Max();

    MadeSide HeldOut() => new([.. All.SelectMany(s => s.Valid)], [.. All.Select((s, j) => (j, s.Valid.Length))],
        All.Sum(s => s.Valid.LongCount(t => t == Tokenizer.EndOfText)), (long)All.Sum(s => s.Valid.Length * s.BytesPerToken));

    MadeSide Interleaved(Mixture mixture, long tokens)
    {
        var text = new List<int>((int)tokens);
        List<(int Tag, int Count)> tags = [];
        double bytes = 0;
        long[] count = new long[All.Count], taken = new long[All.Count];
        while (text.Count < tokens)
        {
            int next = Enumerable.Range(0, All.Count).MaxBy(j => mixture.Shares[j] * (text.Count + 1) - count[j]);
            (int Start, int Length)[] of = documents[next];
            var order = RandomUse.MixOrder.Order(of.Length, seed, ((taken[next] / of.Length) << 8) + next);
            (int start, int length) = of[order[taken[next]++ % of.Length]];
            length = (int)Math.Min(length, tokens - text.Count);
            text.AddRange(All[next].Train.AsSpan(start, length));
            tags.Add((next, length));
            count[next] += length;
            bytes += length * All[next].BytesPerToken;
        }
        return new([.. text], tags, taken.Sum(), (long)bytes);
    }

    static (int, int)[] Documents(int[] tokens, int end)
    {
        List<(int, int)> found = [];
        for (int start = 0, i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] != end && i < tokens.Length - 1) continue;
            found.Add((start, i + 1 - start));
            start = i + 1;
        }
        return [.. found];
    }
}

/// <summary>What a mixed corpus is made of.</summary>
sealed record MixtureFacts(IReadOnlyList<MixtureSource> Sources, IReadOnlyList<int> Percent, long Tokens, ulong Seed);

/// <summary>A source as it was.</summary>
sealed record MixtureSource(string Label, string Corpus, long TrainTokens, long ValidTokens,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? XxHash128 = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MixtureFacts))]
sealed partial class MixJson : JsonSerializerContext;
