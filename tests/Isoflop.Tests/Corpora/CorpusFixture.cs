using System.Text;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Corpora;

/// <summary>A temporary home with sources in it, and what tests ask of the corpora built there.</summary>
public abstract class CorpusFixture : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("isoflop-corpus").FullName;
    protected string Home => Path.Combine(Folder, "home");

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected string Put(string name, string text) => Put(name, Encoding.UTF8.GetBytes(text));

    protected string Put(string name, byte[] bytes)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Sentences of made-up words; other seeds share no run of five words but by rare chance.</summary>
    protected static string Prose(int seed, int words)
    {
        var rng = new Random(seed);
        var text = new StringBuilder();
        for (int i = 0; i < words; i++)
        {
            if (i > 0) text.Append(i % 12 == 0 ? ".\n" : " ");
            for (int n = rng.Next(1, 4); n >= 0; n--) text.Append("bcdfglmnprst"[rng.Next(12)]).Append("aeiouäé"[rng.Next(7)]);
        }
        return text.Append('.').ToString();
    }

    /// <summary>A folder of different documents.</summary>
    protected string ProseFolder(int documents = 40, int words = 300)
    {
        for (int i = 0; i < documents; i++) Put($"texts/{i:D3}.txt", Prose(i, words));
        return Path.Combine(Folder, "texts");
    }

    protected CorpusBuild Build(CorpusRecipe recipe, bool force = false, int threads = 2, long shardTokens = 1 << 20,
        IProgress<Progress>? progress = null, CancellationToken stop = default) =>
        CorpusBuilder.Build(recipe, new(Home) { Threads = threads, Progress = progress, Stop = stop }, force, shardTokens);

    protected CorpusBuild Build(params string[] sources) => Build(Recipe(sources));

    protected static CorpusRecipe Recipe(params string[] sources) =>
        new() { Name = "c", Sources = sources, Vocab = 320, ValidShare = 0.2 };

    /// <summary>The documents of a stream, decoded.</summary>
    protected static List<string> Documents(Corpus corpus, TokenStream stream)
    {
        int[] all = new int[stream.Count];
        stream.Read(0, all);
        var documents = new List<string>();
        for (int at = 0; at < all.Length;)
        {
            int end = Array.IndexOf(all, corpus.EndOfText, at);
            Assert.True(end >= 0, "the last document ends");
            documents.Add(corpus.Tokenizer.Decode(all.AsSpan(at, end - at)));
            at = end + 1;
        }
        return documents;
    }

    protected (List<string> Train, List<string> Valid) Sides(CorpusBuild build)
    {
        using Corpus corpus = Corpus.Open(build.Folder);
        return (Documents(corpus, corpus.Train), Documents(corpus, corpus.Valid));
    }

    protected List<string> All(CorpusBuild build) => Sides(build) is var (train, valid) ? [.. train, .. valid] : [];
}
