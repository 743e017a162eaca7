using System.Text;
using CsCheck;
using Isoflop.Text;
using Microsoft.ML.Tokenizers;
using Xunit;
using BpeTokenizer = Microsoft.ML.Tokenizers.BpeTokenizer;
using PreTokenizer = Isoflop.Text.PreTokenizer;
using Tokenizer = Isoflop.Text.Tokenizer;

namespace Isoflop.Tests.Text;

public class TokenizerTests
{
    static readonly byte[] Sample = Texts.Generated(400_000, seed: 1);
    static readonly Tokenizer Trained = BpeTrainer.Train([Sample], 2000);

    /// <summary>The independent encoder, told the same vocabulary, merges and pattern.</summary>
    static BpeTokenizer Oracle(Tokenizer ours, IReadOnlyList<Merge> merges)
    {
        string Written(int token) => ByteAlphabet.Write(ours.Bytes(token));
        int specials = BpeTrainer.DefaultSpecials.Count;
        var vocab = Enumerable.Range(specials, ours.VocabSize - specials).Select(id => KeyValuePair.Create(Written(id), id));
        var options = new BpeOptions(vocab)
        {
            Merges = merges.Select(m => $"{Written(m.Left)} {Written(m.Right)}"),
            PreTokenizer = new RegexPreTokenizer(new(PreTokenizer.Pattern), null),
            ByteLevel = true,
        };
        return BpeTokenizer.Create(options);
    }

    static readonly BpeTokenizer TrainedOracle = Oracle(Trained, Trained.Spec.Merges);

    [Fact]
    public void Any_text_comes_back_exactly() =>
        Texts.Unicode().Sample(text => Assert.Equal(text, Trained.Decode([.. Trained.Encode(text)])), iter: 5000);

    [Fact]
    public void Tokens_equal_those_of_another_encoder_on_any_text() =>
        Texts.Unicode(lettersBeyond: false).Sample(iter: 3000,
            assert: text => Assert.Equal(TrainedOracle.EncodeToIds(text), Trained.Encode(text)));

    [Fact]
    public void Tokens_equal_those_of_another_encoder_on_prose()
    {
        string text = Encoding.UTF8.GetString(Texts.Generated(300_000, seed: 2));
        Assert.Equal(TrainedOracle.EncodeToIds(text), Trained.Encode(text));
    }

    [Fact]
    public void Tokens_equal_those_of_another_encoder_on_documentation()
    {
        byte[]? text = Texts.Documentation();
        Assert.SkipWhen(text is null, "this .NET SDK carries no reference documentation");
        Tokenizer ours = BpeTrainer.Train([text], 4096);
        string read = Encoding.UTF8.GetString(text);
        Assert.Equal(Oracle(ours, ours.Spec.Merges).EncodeToIds(read), ours.Encode(read));
    }

    [Fact]
    public void Long_words_merge_like_short_ones()
    {
        var random = new Random(8);
        foreach (int length in (int[])[127, 128, 129, 130, 400, 3000])
        {
            string word = string.Concat(Enumerable.Range(0, length).Select(_ => "tarionesthinge"[random.Next(14)]));
            Assert.Equal(TrainedOracle.EncodeToIds(word), Trained.Encode(word));
        }
    }

    [Fact]
    public void A_megabyte_without_a_space_takes_no_quadratic_time()
    {
        string word = string.Concat(Enumerable.Repeat("tarion", 170_000));
        Assert.Equal(word, Trained.Decode([.. Trained.Encode(word)]));           // quadratic: minutes
    }

    [Fact]
    public void Names_of_special_tokens_are_plain_text()
    {
        List<int> tokens = Trained.Encode("a<|endoftext|><|user|>");
        Assert.DoesNotContain(tokens, t => t < BpeTrainer.DefaultSpecials.Count);
        Assert.Equal("a<|endoftext|><|user|>", Trained.Decode([.. tokens]));
        Assert.Equal("<|endoftext|>", Trained.Decode([Trained.EndOfText]));
    }

    [Fact]
    public void Torn_text_becomes_replacement_characters()
    {
        List<int> tokens = [];
        Trained.Encode([(byte)'a', 0xF0, 0x9F, 0x98, (byte)'b', 0xFF], tokens);
        Assert.Equal("a\uFFFDb\uFFFD", Trained.Decode([.. tokens]));
        List<int> smile = Trained.Encode("é😀€");
        Assert.True(smile.Count > 3);
        Assert.EndsWith("\uFFFD", Trained.Decode([.. smile[..^1]]));
    }

    [Fact]
    public void Encode_appends()
    {
        List<int> tokens = [7];
        Trained.Encode("on"u8, tokens);
        Trained.Encode("on"u8, tokens);
        Assert.Equal([7, .. Trained.Encode("on"), .. Trained.Encode("on")], tokens);
    }

    [Fact]
    public void A_bytes_vocabulary_of_256_keeps_every_text()
    {
        Tokenizer small = BpeTrainer.Train([Sample], 256);
        Assert.Equal(256, small.VocabSize);
        Texts.Unicode().Sample(text => Assert.Equal(text, small.Decode([.. small.Encode(text)])), iter: 1000);
    }

    [Fact]
    public void Many_threads_at_once_get_the_same_tokens()
    {
        string[] texts = [.. Enumerable.Range(0, 64).Select(i => Encoding.UTF8.GetString(Texts.Generated(5000, seed: i)))];
        List<int>[] expected = [.. texts.Select(Trained.Encode)];
        Parallel.For(0, 512, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
            Assert.Equal(expected[i % 64], Trained.Encode(texts[i % 64])));
    }

    [Fact]
    public void Words_forgotten_and_met_again_have_the_same_tokens()
    {
        // 200,000 different words: the memory of 65,536 is emptied three times
        Tokenizer tokenizer = BpeTrainer.Train([Sample], 500);
        List<int> first = [], again = [];
        for (int i = 0; i < 200_000; i++)
        {
            byte[] word = [.. " on"u8, Letter(i), Letter(i / 26), Letter(i / 676), Letter(i / 17576)];
            tokenizer.Encode(word, first);
        }
        Assert.Equal(200_000 * 7, first.Sum(t => tokenizer.Bytes(t).Length));
        tokenizer.Encode(" onabcd onzzzz"u8, again);
        Assert.Equal(BpeTrainer.Train([Sample], 500).Encode(" onabcd onzzzz"), again);

        static byte Letter(int n) => (byte)('a' + n % 26);
    }

    [Fact]
    public void Encoding_known_words_allocates_nothing()
    {
        List<int> tokens = new(1 << 20);
        for (int i = 0; i < 2; i++)
        {
            tokens.Clear();
            long before = GC.GetAllocatedBytesForCurrentThread();
            Trained.Encode(Sample, tokens);
            if (i == 1) Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }
}
