using System.Text;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class VerbatimShareTests : CorpusFixture
{
    static readonly Tokenizer tokenizer = BpeTrainer.Train([Encoding.UTF8.GetBytes(Prose(1, 3000))], 300);

    TokenStream Stream(string name, IEnumerable<string> documents)
    {
        string path = Path.Combine(Folder, name);
        using (var writer = new TokenShardWriter(path, StreamKind.Tokens, 2, tokenizer.Hash))
        {
            foreach (string document in documents) writer.Append([.. tokenizer.Encode(document), tokenizer.EndOfText]);
            writer.Commit();
        }
        return new TokenStream([TokenShard.Open(path)]);
    }

    static IEnumerable<string> Runs(string document)
    {
        string[] words = document.ToLowerInvariant().Split(' ');
        for (int i = 0; i + 13 <= words.Length; i++) yield return string.Join(' ', words[i..(i + 13)]);
    }

    [Theory, InlineData(1), InlineData(7), InlineData(100), InlineData(VerbatimShare.Stretch)]
    public void The_share_is_that_of_the_definition(int stretch)
    {
        // Two words of text in long chains: many runs occur elsewhere, many do not.
        var rng = new Random(5);
        string[] Documents(int n) =>
            [.. Enumerable.Range(0, n).Select(_ => string.Join(' ', Enumerable.Range(0, rng.Next(40))
                .Select(_ => rng.Next(2) == 0 ? "Ja" : "no")))];
        string[] train = Documents(400), valid = Documents(40);
        HashSet<string> known = [.. train.SelectMany(Runs)];
        List<string> runs = [.. valid.SelectMany(Runs)];
        double want = runs.Count(known.Contains) / (double)runs.Count;
        Assert.InRange(want, 0.1, 0.6);
        double got = VerbatimShare.Measure(Stream("t.tok", train), Stream("v.tok", valid), tokenizer, new() { Threads = 2 },
            stretch);
        Assert.Equal(want, got, 1e-12);
    }

    [Fact]
    public void Each_document_counts_also_the_first_and_the_last()
    {
        string[] texts = [.. Enumerable.Range(0, 4).Select(i => Prose(i, 30).Replace(".\n", " "))];
        foreach (int one in (int[])[0, 3])
            Assert.Equal(0.25, VerbatimShare.Measure(Stream("t.tok", [texts[one]]), Stream("v.tok", texts), tokenizer, new() { Threads = 1 }), 1e-12);
    }

    [Fact]
    public void Documents_shorter_than_a_run_count_nothing() =>
        Assert.Equal(0, VerbatimShare.Measure(Stream("t.tok", ["a b"]), Stream("v.tok", ["a b"]), tokenizer, new()));
}
