using System.Text;
using Isoflop.Store;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Text;

public class BpeTrainerTests
{
    static Tokenizer Train(string text, int vocabSize) => BpeTrainer.Train([Encoding.UTF8.GetBytes(text)], vocabSize);

    static string[] Learnt(Tokenizer tokenizer) =>
        [.. Enumerable.Range(248, tokenizer.VocabSize - 248).Select(id => Encoding.UTF8.GetString(tokenizer.Bytes(id)))];

    [Fact]
    public void Merges_follow_the_counts()
    {
        // "low" five times, "lower" twice, "newest" six, "widest" three: the example of Sennrich et al. 2016. Counts at first:
        // es 9, st 9, we 8, lo 7, ow 7; without the e of es, we is only in lower. Of ew 6, ne 6, w·est 6 the smallest left is e.
        string text = string.Concat(Enumerable.Repeat("low\n", 5)) + string.Concat(Enumerable.Repeat("lower\n", 2))
            + string.Concat(Enumerable.Repeat("newest\n", 6)) + string.Concat(Enumerable.Repeat("widest\n", 3));
        Assert.Equal(["es", "est", "lo", "low", "ew"], Learnt(Train(text, 253)));
    }

    [Fact]
    public void Of_equal_counts_the_smaller_left_then_right_token_goes_first() =>
        Assert.Equal(["ab", "ac", "bc"], Learnt(Train("bc\nac\nab", 251)));

    [Fact]
    public void Repeats_merge_from_the_left() => Assert.Equal(["aa", "aaa", "aaaaa"], Learnt(Train("aaaaa", 251)));

    /// <summary>The definition: count all pairs anew before every merge.</summary>
    [Fact]
    public void Learner_equals_counting_anew()
    {
        byte[] text = Texts.Generated(20_000, seed: 3);
        Tokenizer trained = BpeTrainer.Train([text], 600);
        List<List<string>> words = [];
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = PreTokenizer.Next(text, start);
            words.Add([.. text[start..end].Select(b => ((char)b).ToString())]);
        }
        Dictionary<string, int> ids = Enumerable.Range(0, 248).Skip(5).ToDictionary(id => Latin(trained, id), id => id);
        for (int id = 248; id < 600; id++)
        {
            Dictionary<(string, string), int> counts = [];
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    counts[(word[i], word[i + 1])] = counts.GetValueOrDefault((word[i], word[i + 1])) + 1;
            (string left, string right) = counts.OrderByDescending(c => c.Value)
                .ThenBy(c => ids[c.Key.Item1]).ThenBy(c => ids[c.Key.Item2]).First().Key;
            Assert.Equal(left + right, Latin(trained, id));
            ids[left + right] = id;
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
        }

        static string Latin(Tokenizer tokenizer, int id) => Encoding.Latin1.GetString(tokenizer.Bytes(id));
    }

    [Fact]
    public void Result_depends_neither_on_threads_nor_on_how_text_is_cut_into_documents()
    {
        byte[] text = Texts.Generated(1_500_000, seed: 4);
        string hash = BpeTrainer.Train([text], 1024, here: new() { Threads = 1 }).Hash;
        Assert.Equal(hash, BpeTrainer.Train([text], 1024, here: new() { Threads = 4 }).Hash);
        ReadOnlyMemory<byte>[] documents = [.. BpeTrainer.Segments([text], 1000)];
        Assert.True(documents.Length > 1000);
        Assert.Equal(hash, BpeTrainer.Train(documents, 1024, here: new() { Threads = 3 }).Hash);
    }

    [Fact]
    public void Special_tokens_take_the_first_ids()
    {
        Tokenizer trained = Train("some text", 248);
        Assert.Equal([0, 1, 2, 3, 4], BpeTrainer.DefaultSpecials.Select(s => trained.Special(s)!.Value));
        Assert.Equal(0, trained.EndOfText);
        Assert.Equal("<|think|>", Encoding.UTF8.GetString(trained.Bytes(3)));
        Assert.Null(trained.Special("some"));
        Assert.Equal(3, BpeTrainer.Train([], 246, ["x", "y", "<|endoftext|>"]).VocabSize - 243);
    }

    [Theory]
    [InlineData(0), InlineData(247), InlineData(65_537)]
    public void A_size_out_of_bounds_is_refused(int vocabSize) =>
        Assert.Contains($"vocab_size={vocabSize} must be from 248",
            Assert.Throws<ConfigException>(() => Train("text", vocabSize)).Message);

    [Fact]
    public void Too_little_text_is_refused_with_what_it_gives() =>
        Assert.Contains("it fills 250;", Assert.Throws<ConfigException>(() => Train("abc", 300)).Message);

    [Theory]
    [InlineData("a,a,<|endoftext|>"), InlineData("a,b"), InlineData("<|endoftext|>,")]
    public void Specials_that_make_no_sense_are_refused(string specials) =>
        Assert.Contains("specials=[",
            Assert.Throws<ConfigException>(() => BpeTrainer.Train([], 300, specials.Split(','))).Message);

    [Fact]
    public void A_failing_source_fails_with_its_own_exception()
    {
        static IEnumerable<ReadOnlyMemory<byte>> Failing()
        {
            yield return "abc"u8.ToArray();
            throw new DataException("torn");
        }
        Assert.Equal("torn", Assert.Throws<DataException>(() => BpeTrainer.Train(Failing(), 300, here: new() { Threads = 4 })).Message);
    }

    [Fact]
    public void Progress_rises_to_one()
    {
        List<double> shares = [];
        BpeTrainer.Train([Texts.Generated(50_000, seed: 5)], 500, here: new Isoflop.Store.Workspace().Reporting(p => shares.Add(p.Done)));
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1]);
        Assert.InRange(shares.Count, 50, 210);
    }

    [Fact]
    public void Torn_text_is_learnt_from_as_replacement_characters()
    {
        byte[] torn = [.. Enumerable.Repeat<byte[]>([0xFF, 0xC3, 0x20], 100).SelectMany(b => b)];
        Assert.Contains("�", Learnt(BpeTrainer.Train([torn], 250)));
    }

    [Fact]
    public void A_word_without_end_is_learnt_from()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("abcde", 100_000)));
        Assert.All(Learnt(BpeTrainer.Train([text], 260)), token => Assert.Contains(token, Encoding.UTF8.GetString(text, 0, 300)));
    }
}
