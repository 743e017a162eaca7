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
        var options = new BpeOptions(Enumerable.Range(specials, ours.VocabSize - specials).Select(id => KeyValuePair.Create(Written(id), id)))
        {
            Merges = merges.Select(m => $"{Written(m.Left)} {Written(m.Right)}"),
            PreTokenizer = new RegexPreTokenizer(new(PreTokenizer.Pattern), null),
            ByteLevel = true,
        };
        return BpeTokenizer.Create(options);
    }

    static readonly BpeTokenizer TrainedOracle = Oracle(Trained, Trained.Spec.Merges);

    [Fact]
    public void Any_text_comes_back_exactly() => Texts.Unicode().Sample(text => Assert.Equal(text, Trained.Decode([.. Trained.Encode(text)])), iter: 5000);

    [Fact]
    public void Tokens_equal_those_of_another_encoder_on_any_text() =>
        Texts.Unicode(lettersBeyond: false).Sample(text => Assert.Equal(TrainedOracle.EncodeToIds(text), Trained.Encode(text)), iter: 3000);

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
        Assert.Equal(Oracle(ours, ours.Spec.Merges).EncodeToIds(Encoding.UTF8.GetString(text!)), ours.Encode(Encoding.UTF8.GetString(text!)));
    }
}
