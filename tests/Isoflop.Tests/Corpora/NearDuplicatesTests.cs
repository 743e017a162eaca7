using System.Text;
using Isoflop.Lab.Corpora;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class NearDuplicatesTests
{
    static List<ulong> Hashes(string text)
    {
        var words = new List<ulong>();
        Words.Hash(Encoding.UTF8.GetBytes(text), words);
        return words;
    }

    static List<ulong> Shingles(List<ulong> words, int length)
    {
        var shingles = new List<ulong>();
        Words.Shingles(words, length, shingles);
        return shingles;
    }

    [Fact]
    public void Words_are_runs_of_letters_and_digits_case_ignored()
    {
        Assert.Equal(Hashes("the cat 42 naïve"), Hashes("  The, CAT\n(42): naïve."));
        Assert.Equal(4, Hashes("don't stop-now").Count);
        Assert.Equal(3, new HashSet<ulong>(Hashes("ab ba abc")).Count);
        Assert.Empty(Hashes(" -- !"));
        Assert.NotEqual(Hashes("é"), Hashes("è"));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(5), InlineData(13)]
    public void A_shingle_depends_on_its_words_and_their_order_only(int length)
    {
        List<ulong> words = Hashes(string.Join(' ', Enumerable.Range(0, 40).Select(i => $"w{i * i % 23}")));
        List<ulong> all = Shingles(words, length);
        Assert.Equal(words.Count - length + 1, all.Count);
        for (int i = 0; i < all.Count; i++) Assert.Equal(Assert.Single(Shingles(words[i..(i + length)], length)), all[i]);
        if (length > 1) Assert.NotEqual(Shingles(Hashes("a b c d e f g h i j k l m"), length)[0],
            Shingles(Hashes("b a c d e f g h i j k l m"), length)[0]);
    }

    [Fact]
    public void Few_words_make_one_shingle_and_none_make_none()
    {
        Assert.Single(Shingles(Hashes("two words"), 5));
        Assert.Empty(Shingles([], 5));
    }

    /// <summary>n pairs of sets that share a part s; the share of them that ends in one group.</summary>
    static double Met(double s, int n)
    {
        var near = new NearDuplicates();
        var rng = new Random(1);
        for (int pair = 0; pair < n; pair++)
        {
            ulong[] both = [.. Enumerable.Range(0, (int)(400 * s)).Select(_ => (ulong)rng.NextInt64())];
            for (int side = 0; side < 2; side++)
                near.Join(NearDuplicates.Keys([.. both, .. Enumerable.Range(0, (400 - both.Length) / 2)
                    .Select(_ => (ulong)rng.NextInt64())]));
        }
        int[] groups = near.Groups();
        return Enumerable.Range(0, n).Count(p => groups[2 * p] == groups[2 * p + 1]) / (double)n;
    }

    [Theory, InlineData(0.8), InlineData(0.5), InlineData(0.3), InlineData(0.1)]
    public void Pairs_meet_as_often_as_the_formula_says(double s)
    {
        const int N = 600;
        double p = 1 - Math.Pow(1 - Math.Pow(s, NearDuplicates.Rows), NearDuplicates.Bands);
        // Four standard deviations of a binomial, and 0.01 for 400 shingles being few.
        Assert.Equal(p, Met(s, N), 4 * Math.Sqrt(p * (1 - p) / N) + 0.01);
    }

    [Fact]
    public void What_is_joined_to_one_is_joined_to_all_and_texts_without_words_to_none()
    {
        ulong[] a = [1, 2, 3, 4], b = [5, 6, 3, 7], c = [8, 6, 9, 10], other = [11, 12, 13, 14], none = [0, 0, 0, 0];
        var near = new NearDuplicates();
        foreach (ulong[] keys in (ulong[][])[a, none, c, other, b, none]) near.Join([.. keys, .. new ulong[12]]);
        Assert.Equal([0, 1, 0, 3, 0, 5], near.Groups());

        // A chain laid down backwards: each document meets the next in one band or another.
        var chain = new NearDuplicates();
        for (ulong i = 0; i < 50; i++)
            chain.Join([.. Enumerable.Range(0, 16).Select(b => 1000 - (i + (ulong)(b & 1)) / 2 * 2 - (ulong)(b & 1))]);
        Assert.All(chain.Groups(), g => Assert.Equal(0, g));
    }

    [Fact]
    public void Content_is_equal_but_for_white_space()
    {
        static UInt128 Of(string s) => Survey.ContentHash(Encoding.UTF8.GetBytes(s));
        Assert.Equal(Of("a b c"), Of(" a\n\nb\t c \r\n"));
        Assert.NotEqual(Of("a b c"), Of("ab c"));
        Assert.NotEqual(Of("a b c"), Of("a b C"));
        string longer = string.Concat(Enumerable.Range(0, 3000).Select(i => $"{i} "));
        Assert.Equal(Of(longer), Of(longer.Replace(" ", " \n")));
        Assert.NotEqual(Of(longer), Of(longer + "x"));
    }
}
