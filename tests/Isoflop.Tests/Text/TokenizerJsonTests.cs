using System.Text;
using System.Text.Json.Nodes;
using Isoflop.Text;
using Xunit;

namespace Isoflop.Tests.Text;

public sealed class TokenizerJsonTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string File(string json)
    {
        string file = Path.Combine(folder, "tokenizer.json");
        System.IO.File.WriteAllText(file, json);
        return file;
    }

    Tokenizer Load(JsonNode json) => Tokenizer.Load(File(json.ToJsonString()));

    string Refusal(Action<JsonNode> change)
    {
        JsonNode json = Foreign();
        change(json);
        string message = Assert.Throws<DataException>(() => Load(json)).Message;
        Assert.StartsWith(Path.Combine(folder, "tokenizer.json") + ": ", message);
        Assert.DoesNotContain('\n', message);
        return message;
    }

    /// <summary>As GPT-2's file: the 256 bytes, some merges, ByteLevel with its own pattern.</summary>
    static JsonNode Foreign()
    {
        var vocab = new JsonObject();
        for (int b = 0; b < 256; b++) vocab[ByteAlphabet.Write([(byte)b])] = b;
        string[] merges = ["h e", "l l", "he ll", "hell o", "Ġ hello", "1 2"];
        foreach (string merge in merges) vocab[merge.Replace(" ", "")] = vocab.Count;
        vocab["<|endoftext|>"] = vocab.Count;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 262, ["content"] = "<|endoftext|>", ["special"] = true }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true },
            ["post_processor"] = new JsonObject { ["type"] = "ByteLevel", ["trim_offsets"] = false },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocab,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)m)]),
            },
        };
    }

    [Fact]
    public void Saved_and_loaded_is_the_same_tokenizer()
    {
        byte[] text = Texts.Generated(100_000, seed: 6);
        Tokenizer trained = BpeTrainer.Train([text], 700);
        trained.Save(Path.Combine(folder, "tokenizer.json"));
        Tokenizer fromFolder = Tokenizer.Load(folder), fromFile = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        Assert.Equal(trained.Hash, fromFolder.Hash);
        Assert.Equal(trained.VocabSize, fromFile.VocabSize);
        Assert.Equal(trained.EndOfText, fromFile.EndOfText);
        Assert.Equal(trained.Encode(Encoding.UTF8.GetString(text)), fromFile.Encode(Encoding.UTF8.GetString(text)));
        Assert.Null(fromFile.Spec.Splitter);
        for (int token = 0; token < trained.VocabSize; token++)
            Assert.True(trained.Bytes(token).SequenceEqual(fromFile.Bytes(token)));
    }

    [Fact]
    public void Hash_is_of_what_the_file_says_not_of_how_it_is_laid_out()
    {
        Tokenizer trained = BpeTrainer.Train([Texts.Generated(50_000, seed: 7)], 400);
        trained.Save(Path.Combine(folder, "tokenizer.json"));
        JsonNode json = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!;
        Assert.Equal(trained.Hash, Load(json).Hash);
        json["model"]!["merges"]!.AsArray().RemoveAt(100);
        Assert.NotEqual(trained.Hash, Load(json).Hash);
        Assert.Equal(32, trained.Hash.Length);
    }

    [Fact]
    public void A_gpt2_file_is_read_with_its_own_pattern()
    {
        Tokenizer gpt2 = Load(Foreign());
        Assert.Equal(263, gpt2.VocabSize);
        Assert.Equal(262, gpt2.EndOfText);
        // " hello" is one token, "12" a merge that our own pattern would forbid
        Assert.Equal([259, 260, ' ', 261], gpt2.Encode("hello hello 12").Select(t => t == 256 + 0 ? -1 : Token(t)));
        int Token(int t) => gpt2.Bytes(t).Length == 1 ? gpt2.Bytes(t)[0] : t;
    }

    [Fact]
    public void Merges_may_be_pairs()
    {
        JsonNode json = Foreign();
        List<int> expected = Load(json).Encode("hello hello, hell 12");
        json["model"]!["merges"] = new JsonArray([.. json["model"]!["merges"]!.AsArray()
            .Select(m => (JsonNode)new JsonArray([.. m!.GetValue<string>().Split(' ').Select(s => (JsonNode)s)]))]);
        Assert.Equal(expected, Load(json).Encode("hello hello, hell 12"));
    }

    const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" +
        @"\s*[\r\n]+|\s+(?!\S)|\s+";
    const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" +
        @"\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    // Llama 3 and Qwen 2: digits by three and one, a mark may join the word that follows, line ends go together
    [InlineData(Llama3, "it'S 12345 (ok)!\n\n  x", "it|'S| |123|45| (|ok|)!\n\n| | x")]
    [InlineData(Qwen2, "12\t漢字 𝐀𝐁", "1|2|\t漢字| 𝐀𝐁")]
    public void Other_patterns_are_matched_as_they_are_written(string pattern, string text, string pieces)
    {
        JsonNode json = Foreign();
        json["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":""},"behavior":"Isolated","invert":false},
            {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
            """);
        json["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = pattern;
        List<int> ends = [];
        Load(json).Spec.Splitter!.Split(Encoding.UTF8.GetBytes(text), ends);
        int at = 0;
        Assert.Equal(pieces.Split('|').Select(p => at += Encoding.UTF8.GetByteCount(p)), ends);
    }

    [Fact]
    public void Digits_before_ByteLevel_stand_alone()
    {
        JsonNode json = Foreign();
        json["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
            {"type":"ByteLevel","add_prefix_space":false}]}
            """);
        Tokenizer tokenizer = Load(json);
        Assert.Equal(["hello", "1", "2", " hello"], tokenizer.Encode("hello12 hello").Select(t => tokenizer.Decode([t])));
    }

    [Fact]
    public void Whole_pieces_that_are_tokens_go_before_merges_where_the_file_says_so()
    {
        JsonNode json = Foreign();
        json["model"]!["vocab"]!["help"] = 263;
        Assert.Equal(3, Load(json).Encode("help").Count);                        // he, l, p: no merge makes it
        json["model"]!["ignore_merges"] = true;
        Tokenizer tokenizer = Load(json);
        Assert.Equal([263], tokenizer.Encode("help"));
        Assert.DoesNotContain(262, tokenizer.Encode("<|endoftext|>"));
    }

    [Fact]
    public void What_a_foreign_file_says_survives_saving()
    {
        JsonNode json = Foreign();
        json["normalizer"] = JsonNode.Parse("""{"type":"NFC"}""");
        json["model"]!["ignore_merges"] = true;
        Tokenizer tokenizer = Load(json);
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        JsonNode saved = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!;
        Assert.True(JsonNode.DeepEquals(json["normalizer"], saved["normalizer"]));
        Assert.True(JsonNode.DeepEquals(json["post_processor"], saved["post_processor"]));
        Assert.True(saved["model"]!["ignore_merges"]!.GetValue<bool>());
        Assert.Equal(tokenizer.Hash, Tokenizer.Load(folder).Hash);
        Assert.Equal(tokenizer.Encode("hello 12"), Tokenizer.Load(folder).Encode("hello 12"));
    }

    [Fact]
    public void What_cannot_be_honoured_is_refused_in_one_line()
    {
        Assert.Contains("model type 'Unigram'", Refusal(j => j["model"]!["type"] = "Unigram"));
        Assert.Contains("end_of_word_suffix='</w>'", Refusal(j => j["model"]!["end_of_word_suffix"] = "</w>"));
        Assert.Contains("byte_fallback", Refusal(j => j["model"]!["byte_fallback"] = true));
        Assert.Contains("dropout", Refusal(j => j["model"]!["dropout"] = 0.1));
        Assert.Contains("normalizer 'Lowercase'", Refusal(j => j["normalizer"] = JsonNode.Parse("""{"type":"Lowercase"}""")));
        Assert.Contains("decoder 'Metaspace'", Refusal(j => j["decoder"] = JsonNode.Parse("""{"type":"Metaspace"}""")));
        Assert.Contains("'Whitespace'", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""{"type":"Whitespace"}""")));
        Assert.Contains("no pre_tokenizer", Refusal(j => j["pre_tokenizer"] = null));
        Assert.Contains("add_prefix_space", Refusal(j => j["pre_tokenizer"]!["add_prefix_space"] = true));
        Assert.Contains("no ByteLevel", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""{"type":"Digits"}""")));
        Assert.Contains("pattern is not one", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{Han}"},"behavior":"Isolated"},
            {"type":"ByteLevel","add_prefix_space":false}]}
            """)));
        Assert.Contains("'Removed'", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a"},"behavior":"Removed"}]}
            """)));
        Assert.Contains("242 of the 243 bytes", Refusal(j => j["model"]!["vocab"]!.AsObject().Remove("Ġ")));
        Assert.Contains("names 'hello'", Refusal(j => j["model"]!["vocab"]!.AsObject().Remove("hello")));
        Assert.Contains("not two tokens", Refusal(j => j["model"]!["merges"]![2] = "a b c"));
        Assert.Contains("two tokens of id 97", Refusal(j => j["model"]!["vocab"]!["b"] = 97));
        Assert.Contains("not written in the byte-level alphabet", Refusal(j => j["model"]!["vocab"]!["▁the"] = 300));
        Assert.Contains("ids go from 0", Refusal(j => j["model"]!["vocab"]!["hello"] = int.MaxValue));
        Assert.Contains("end-of-text", Refusal(j => j["added_tokens"]![0]!["content"] = "<pad>"));
        Assert.Contains("no model", Refusal(j => j.AsObject().Remove("model")));
        Assert.Contains("not a tokenizer.json", Refusal(j => j["model"]!["vocab"] = 3));
        Assert.Contains("not a tokenizer.json", Refusal(j => j["model"]!["vocab"]!["hello"] = 3.5));
    }

    [Fact]
    public void A_file_that_is_missing_or_cut_short_is_named()
    {
        Assert.Contains("cannot be read", Assert.Throws<DataException>(() => Tokenizer.Load(folder)).Message);
        string whole = Foreign().ToJsonString();
        string torn = File(whole[..(whole.Length / 2)]);
        Assert.Contains("not valid JSON at line 1", Assert.Throws<DataException>(() => Tokenizer.Load(torn)).Message);
    }
}
