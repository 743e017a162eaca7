using System.Text.Json;
using Isoflop.Data;
using Isoflop.Store;
using Isoflop.Text;
using Isoflop.Train;

namespace Isoflop.Lab.Corpora;

/// <summary>One side of a made corpus.</summary>
/// <param name="Tags">tag and number of tokens, in order; empty where the corpus has none</param>
/// <param name="Weights">of each token in the loss; null: 1. Of both sides, or of none</param>
sealed record MadeSide(int[] Tokens, List<(int Tag, int Count)> Tags, long Documents, long Bytes, float[]? Weights = null);

/// <summary>
/// A corpus of tokens that a program made or put together: trained on like any other, without a source to read. What it is made
/// of is its recipe; the same recipe finds the folder that is there.
/// </summary>
/// <param name="Recipe">everything that decides its bits</param> <param name="Labels">names of the tags; empty: no tags</param>
sealed record MadeCorpus(string Name, Tokenizer Tokenizer, JsonElement Recipe, IReadOnlyList<string> Labels, Func<MadeSide> Train,
    Func<MadeSide> Valid)
{
    /// <summary>The recipe as it was written before it said as much; a corpus that has it is taken for this one.</summary>
    public JsonElement? Older { get; init; }

    /// <summary>See <see cref="CorpusInfo.ChatTemplate"/>.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Writes the folder below a home, or finds it there.</summary>
    /// <exception cref="ConfigException">Another corpus has that name.</exception>
    public CorpusFacts Write(Workspace here, string licence)
    {
        string folder = here.CorpusFolder(Name);
        here.Claims?.WaitOrClaim(Piece + Name, () => Directory.Exists(folder), () => Build(here, licence), here.Stop);
        return Directory.Exists(folder) ? Found(folder) : Build(here, licence);
    }

    /// <summary>Start of a corpus's name among the pieces of work that workers claim.</summary>
    public const string Piece = "corpus:";

    CorpusFacts Build(Workspace here, string licence)
    {
        using var site = new BuildSite(here, Name);
        site.Begin(Tokenizer);
        CorpusSide train = Side(site, SideWriter.TrainName, Train()), valid = Side(site, SideWriter.ValidName, Valid());
        site.Finish(site.Describe(train, valid, Recipe, licence, Labels) with { ChatTemplate = ChatTemplate });
        return FactsIn(here.CorpusFolder(Name));
    }

    CorpusFacts Found(string folder)
    {
        CorpusInfo info = CorpusInfo.Load(folder);
        if (info.TokenizerHash != Tokenizer.Hash || !(JsonElement.DeepEquals(info.Recipe, Recipe)
            || Older is { } older && JsonElement.DeepEquals(info.Recipe, older)))
            throw new ConfigException($"{folder} is another corpus{Differing(info.Recipe)}; " +
                "move it away, or choose another name or home=DIR");
        return FactsIn(folder);
    }

    /// <summary>What differs, by name; empty: something that has none, such as the tokenizer.</summary>
    string Differing(JsonElement there)
    {
        if (there.ValueKind != JsonValueKind.Object || Recipe.ValueKind != JsonValueKind.Object) return "";
        string[] keys = [.. Recipe.EnumerateObject().Concat(there.EnumerateObject()).Select(p => p.Name).Distinct().Where(k =>
            !(there.TryGetProperty(k, out JsonElement a) && Recipe.TryGetProperty(k, out JsonElement b)
            && JsonElement.DeepEquals(a, b)))];
        return keys.Length == 0 ? "" : $": {string.Join(", ", keys)} {(keys.Length == 1 ? "differs" : "differ")}";
    }

    static CorpusFacts FactsIn(string folder)
    {
        using Corpus corpus = Corpus.Open(folder);
        return CorpusFacts.Of(corpus);
    }

    CorpusSide Side(BuildSite site, Func<int, string> names, MadeSide side)
    {
        using SideWriter writer = site.Side(names, Labels.Count > 0, side.Weights is not null);
        writer.Append(side.Tokens, side.Tags, side.Documents, side.Bytes, side.Weights);
        return writer.Commit();
    }

    /// <summary>One byte a symbol after end-of-text, which is token 0.</summary>
    public static Tokenizer Symbols(int count) => new(new TokenizerSpec
    {
        Tokens = ["<|endoftext|>"u8.ToArray(), .. Enumerable.Range(0, count).Select(i => new[] { (byte)(i + 1) })],
        Merges = [],
        Added = [new(0, "<|endoftext|>", true)],
    });
}
