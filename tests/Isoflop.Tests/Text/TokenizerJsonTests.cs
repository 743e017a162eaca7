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
        json["pre_tokenizer"] = WithPattern(pattern)["pre_tokenizer"]!.DeepClone();
        Assert.Equal(pieces.Split('|'), Pieces(json, text));
    }

    string[] Pieces(JsonNode json, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        List<(int Start, int End)> pieces = [];
        Load(json).Spec.Splitter!.Split(utf8, pieces);
        return [.. pieces.Select(p => Encoding.UTF8.GetString(utf8[p.Start..p.End]))];
    }

    static JsonNode WithPattern(string pattern, string behavior = "Isolated", bool invert = false)
    {
        JsonNode json = Foreign();
        json["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "Split",
                    ["pattern"] = new JsonObject { ["Regex"] = pattern },
                    ["behavior"] = behavior,
                    ["invert"] = invert,
                },
                new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
        };
        return json;
    }

    [Theory]
    [InlineData("Isolated", false, "a|, |b"), InlineData("Removed", false, "a|b"), InlineData("Removed", true, ", ")]
    public void Matches_of_a_rule_are_pieces_or_left_out(string behavior, bool invert, string pieces) =>
        Assert.Equal(pieces.Split('|'), Pieces(WithPattern(", ", behavior, invert), "a, b"));

    [Theory]
    [InlineData("(a|aa)+$"), InlineData("(a+)+$"), InlineData("(a|a?)+b"), InlineData(@"(\p{L}+\p{L}+)+!")]
    public void A_pattern_with_nested_repeats_ends(string pattern)
    {
        string text = new string('a', 5000) + "!";
        Assert.Equal(text, string.Concat(Pieces(WithPattern(pattern), text)));
    }

    [Fact]
    public void A_pattern_that_looks_ahead_and_goes_through_all_combinations_is_stopped_and_named()
    {
        Tokenizer tokenizer = Load(WithPattern(@"(a|aa)+(?=b)"));
        string message = Assert.Throws<DataException>(() => tokenizer.Encode(new string('a', 60))).Message;
        Assert.Contains("(a|aa)+(?=b)", message);
        Assert.Contains("takes more than 5 s", message);
    }

    [Theory]
    [InlineData(@"\w+", "dé_ि x", "dé_ि| |x"), InlineData(@"\W", "a-b", "a|-|b"), InlineData("a$", "a\nba", "a|\nb|a")]
    public void Patterns_mean_what_their_author_means(string pattern, string text, string pieces) =>
        Assert.Equal(pieces.Split('|'), Pieces(WithPattern(pattern), text));

    [Theory]
    [InlineData(@"\bword", @"has \b"), InlineData("[[:alpha:]]+", "a set within a set"), InlineData(@"[\w&&[^\d]]", "a set within a set")]
    [InlineData("[𝐀-𝐙]", "beyond U+FFFF"), InlineData("(?m:a.b)", "(?m)"), InlineData("a++", "not one .NET can read")]
    public void Patterns_that_would_mean_something_else_are_refused(string pattern, string named) =>
        Assert.Contains(named, Refusal(j => j["pre_tokenizer"] = WithPattern(pattern)["pre_tokenizer"]!.DeepClone()));

    [Fact]
    public void A_pattern_of_any_length_is_not_made_into_a_matcher() => Assert.Contains("is longer than 10000",
        Refusal(j => j["pre_tokenizer"] = WithPattern(string.Join('|', Enumerable.Range(0, 5000)))["pre_tokenizer"]!.DeepClone()));

    static JsonNode WithAdded(params string[] tokens)
    {
        JsonNode json = Foreign();
        for (int i = 0; i < tokens.Length; i++)
        {
            JsonNode token = JsonNode.Parse(tokens[i])!;
            token["id"] = 263 + i;
            json["added_tokens"]!.AsArray().Add(token);
        }
        return json;
    }

    [Theory]
    // the longest first, before the pattern; a special token's name is text, and passed over as a whole
    [InlineData("if x:\n    y", "i/f/ /x/:/\n/   / /y", """{"content":"  "}""", """{"content":"   "}""")]
    [InlineData("<|endoftext|>", "</|/e/n/d/o/f/t/e/x/t/|/>", """{"content":"<|end","normalized":false}""")]
    [InlineData("x<|end|>", "x/<|end/|/>", """{"content":"<|end","normalized":false}""")]
    [InlineData("cat cats cat", "cat/ /c/a/t/s/ /cat", """{"content":"cat","single_word":true}""")]
    [InlineData("a <m> b", "a/<m>/ /b", """{"content":"<m>","lstrip":true}""")]
    [InlineData("a <m> b", "a/ /<m>/b", """{"content":"<m>","rstrip":true}""")]
    public void Added_tokens_that_are_not_special_are_text(string text, string tokens, params string[] added)
    {
        Tokenizer tokenizer = Load(WithAdded(added));
        Assert.Equal(tokens.Split('/'), tokenizer.Encode(text).Select(t => tokenizer.Decode([t])));
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        Assert.Equal(tokenizer.Encode(text), Tokenizer.Load(folder).Encode(text));
    }

    [Fact]
    public void Text_is_brought_to_normal_form_C_where_the_file_says_so()
    {
        JsonNode json = WithAdded("""{"content":"ne\u0301e"}""");
        json["normalizer"] = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"NFC"}]}""");
        Tokenizer tokenizer = Load(json);
        Assert.Equal(tokenizer.Encode("\u00e0b"), tokenizer.Encode("a\u0300b"));
        Assert.Equal([263], tokenizer.Encode("n\u00e9e"));
        Assert.Equal([263], tokenizer.Encode("ne\u0301e"));
    }

    [Theory]
    [InlineData("a\u0300", "\u00e0"), InlineData("\u1100\u1161\u11a8", "\uac01"), InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("a\u0327\u0301", "\u00e1\u0327"), InlineData("\u0958", "\u0915\u093c"), InlineData("\u212b", "\u00c5")]
    [InlineData("\u0344", "\u0308\u0301"), InlineData("o\u0308\u0304", "\u022b"), InlineData("\uac00\u11a8", "\uac01")]
    [InlineData("a\u034f\u0301", "a\u034f\u0301"), InlineData("\ufb01", "\ufb01"), InlineData("\u0301a", "\u0301a")]
    public void Normal_form_C_joins_what_has_a_joint_character(string text, string form) =>
        Assert.Equal(form, Encoding.UTF8.GetString(Nfc.Of(Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void A_published_file_says_that_end_of_text_stands_before_a_text_and_is_the_same_tokenizer()
    {
        Tokenizer trained = BpeTrainer.Train([], 248);
        string file = Path.Combine(folder, "tokenizer.json");
        foreach (Tokenizer tokenizer in (Tokenizer[])[trained, Load(Foreign())])
        {
            tokenizer.Save(file);
            (byte[] json, string? name) = TokenizerFrame.Publish(System.IO.File.ReadAllBytes(file), tokenizer.EndOfText);
            Assert.Equal("<|endoftext|>", name);
            System.IO.File.WriteAllBytes(file, json);
            JsonNode ends = JsonNode.Parse(json)!["post_processor"]!;
            JsonNode template = ends["processors"]?[1] ?? ends;
            Assert.Equal("TemplateProcessing", (string?)template["type"]);
            Assert.Equal("<|endoftext|>", (string?)template["single"]![0]!["SpecialToken"]!["id"]);
            Assert.Equal(tokenizer.EndOfText, (int)template["special_tokens"]!["<|endoftext|>"]!["ids"]![0]!);
            Assert.Equal(tokenizer.Hash, Tokenizer.Load(file).Hash);
            Assert.Equal(tokenizer.EndOfText, Tokenizer.Load(file).Beginning);
        }
    }

    [Theory, InlineData("{"), InlineData("[]"), InlineData("""{"added_tokens":[{"id":"x"}]}""")]
    public void What_is_no_tokenizer_is_not_published(string json) =>
        Assert.Throws<DataException>(() => TokenizerFrame.Publish(Encoding.UTF8.GetBytes(json), 0));

    [Fact]
    public void What_a_strangers_file_puts_before_a_text_begins_it_and_training_does_not()
    {
        const string Bos = """{"content":"<s>","special":true}""";
        JsonNode json = WithAdded(Bos);
        json["post_processor"] = JsonNode.Parse("""
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
            "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[263],"tokens":["<s>"]}}}
            """);
        Tokenizer tokenizer = Load(json);
        Assert.Equal((263, null), (tokenizer.Beginning, tokenizer.OtherFrame));
        Assert.Equal(262, tokenizer.AsTrained().Beginning);
        json["post_processor"]!["single"]!.AsArray().Add(json["post_processor"]!["single"]![0]!.DeepClone());
        Assert.Contains("tokens after it", Load(json).OtherFrame);
        json["post_processor"] = JsonNode.Parse("""{"type":"RobertaProcessing"}""");
        Assert.Contains("RobertaProcessing", Load(json).OtherFrame);
        json["post_processor"] = JsonNode.Parse("""{"type":"TemplateProcessing"}""");
        Assert.Contains("not as Hugging Face writes it", Load(json).OtherFrame);
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
        Assert.Contains("normalizer 'Replace'", Refusal(j => j["normalizer"] = JsonNode.Parse(
            """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace"}]}""")));
        Assert.Contains("'MergedWithNext'", Refusal(j => j["pre_tokenizer"] =
            WithPattern("a", "MergedWithNext")["pre_tokenizer"]!.DeepClone()));
        Assert.Contains("'Isolated', inverted,", Refusal(j => j["pre_tokenizer"] =
            WithPattern("a", "Isolated", invert: true)["pre_tokenizer"]!.DeepClone()));
        Assert.Contains("not two tokens", Refusal(j => j["model"]!["merges"]![2] = null));
        Assert.Contains("not two tokens", Refusal(j => j["model"]!["merges"]![2] = new JsonArray("a", null)));
        Assert.Contains("has id 99 in added_tokens and 262", Refusal(j => j["added_tokens"]![0]!["id"] = 99));
        Assert.Contains("two tokens of id 97", Refusal(j => j["added_tokens"]!.AsArray().Add(
            new JsonObject { ["id"] = 97, ["content"] = "<x>" })));
        Assert.Contains("'<|endoftext|>' twice", Refusal(j => j["added_tokens"]!.AsArray().Add(
            new JsonObject { ["id"] = 300, ["content"] = "<|endoftext|>" })));
        Assert.Contains("has no content", Refusal(j => j["added_tokens"]![0]!["content"] = ""));
        Assert.Contains("decoder 'Metaspace'", Refusal(j => j["decoder"] = JsonNode.Parse("""{"type":"Metaspace"}""")));
        Assert.Contains("'Whitespace'", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""{"type":"Whitespace"}""")));
        Assert.Contains("no pre_tokenizer", Refusal(j => j["pre_tokenizer"] = null));
        Assert.Contains("add_prefix_space", Refusal(j => j["pre_tokenizer"]!["add_prefix_space"] = true));
        Assert.Contains("no ByteLevel", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""{"type":"Digits"}""")));
        Assert.Contains("pattern is not one", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{Han}"},"behavior":"Isolated"},
            {"type":"ByteLevel","add_prefix_space":false}]}
            """)));
        Assert.Contains("'Contiguous'", Refusal(j => j["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a"},"behavior":"Contiguous"}]}
            """)));
        Assert.Contains("242 of the 243 bytes", Refusal(j => j["model"]!["vocab"]!.AsObject().Remove("Ġ")));
        Assert.Contains("names 'hello'", Refusal(j => j["model"]!["vocab"]!.AsObject().Remove("hello")));
        Assert.Contains("not two tokens", Refusal(j => j["model"]!["merges"]![2] = "a b c"));
        Assert.Contains("two tokens of id 97", Refusal(j => j["model"]!["vocab"]!["b"] = 97));
        Assert.Contains("not written in the byte-level alphabet", Refusal(j => j["model"]!["vocab"]!["▁the"] = 300));
        Assert.Contains("ids go from 0", Refusal(j => j["model"]!["vocab"]!["hello"] = int.MaxValue));
        Assert.Contains("end-of-text", Refusal(j =>
        {
            j["added_tokens"]![0]!["content"] = "<pad>";
            j["model"]!["vocab"]!.AsObject().Remove("<|endoftext|>");
        }));
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
        string twice = File(whole.Replace("\"version\":", "\"model\":{},\"version\":"));
        Assert.Contains("has a key twice", Assert.Throws<DataException>(() => Tokenizer.Load(twice)).Message);
        File("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        Assert.Contains("git lfs pull", Assert.Throws<DataException>(() => Tokenizer.Load(folder)).Message);
        torn = File(whole[..(whole.Length / 2)]);
        Assert.Contains("not valid JSON at line 1", Assert.Throws<DataException>(() => Tokenizer.Load(torn)).Message);
    }
}
