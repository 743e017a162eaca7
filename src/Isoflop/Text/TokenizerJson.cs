using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Isoflop.Text;

/// <summary>All that makes a tokenizer, as its file says it.</summary>
sealed record TokenizerSpec
{
    /// <summary>[VocabSize] bytes of each token; empty where the file has no token of this id.</summary>
    public required byte[][] Tokens { get; init; }
    /// <summary>In order of rank.</summary>
    public required IReadOnlyList<Merge> Merges { get; init; }
    public required IReadOnlyList<AddedToken> Added { get; init; }
    /// <summary>Rules that cut the text, one after the other.</summary>
    public IReadOnlyList<SplitRule> Rules { get; init; } = [new(PreTokenizer.Pattern)];
    /// <summary>The rules at work; null for our own, which <see cref="PreTokenizer"/> does faster.</summary>
    public RegexSplitter? Splitter { get; init; }
    /// <summary>A piece that is a token is that token, whatever the merges would make of it.</summary>
    public bool IgnoreMerges { get; init; }
    /// <summary>Text is brought to this normal form first.</summary>
    public bool Nfc { get; init; }
    /// <summary>As the file has them, so that saving loses nothing. Default: null in the file.</summary>
    public JsonElement Normalizer { get; init; }
    public JsonElement PostProcessor { get; init; }
}

/// <summary>Reads and writes Hugging Face's tokenizer.json, byte-level BPE only.</summary>
static class TokenizerJson
{
    /// <summary>GPT-2's pattern, which a ByteLevel pre-tokenizer with use_regex stands for.</summary>
    const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // ---- writing -----------------------------------------------------------------------------------------------------

    public static byte[] Write(TokenizerSpec spec)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            json.WriteStartArray("added_tokens");
            foreach (AddedToken token in spec.Added) WriteAdded(json, token);
            json.WriteEndArray();
            WriteKept(json, "normalizer", spec.Normalizer);
            json.WriteStartObject("pre_tokenizer");
            json.WriteString("type", "Sequence");
            json.WriteStartArray("pretokenizers");
            foreach (SplitRule rule in spec.Rules) WriteSplit(json, rule);
            json.WriteStartObject();
            WriteByteLevel(json);
            json.WriteEndArray();
            json.WriteEndObject();
            WriteKept(json, "post_processor", spec.PostProcessor);
            json.WriteStartObject("decoder");
            WriteByteLevel(json);
            WriteModel(json, spec);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    static void WriteAdded(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteStartObject();
        json.WriteNumber("id", token.Id);
        json.WriteString("content", token.Text);
        json.WriteBoolean("single_word", token.SingleWord);
        json.WriteBoolean("lstrip", token.TakesLeft);
        json.WriteBoolean("rstrip", token.TakesRight);
        json.WriteBoolean("normalized", token.Normalized && !token.IsSpecial);
        json.WriteBoolean("special", token.IsSpecial);
        json.WriteEndObject();
    }

    static void WriteKept(Utf8JsonWriter json, string name, JsonElement kept)
    {
        json.WritePropertyName(name);
        if (kept.ValueKind == JsonValueKind.Undefined) json.WriteNullValue(); else kept.WriteTo(json);
    }

    static void WriteSplit(Utf8JsonWriter json, SplitRule rule)
    {
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", rule.Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", rule.Kept == Kept.All ? "Isolated" : "Removed");
        json.WriteBoolean("invert", rule.Kept == Kept.Matches);
        json.WriteEndObject();
    }

    /// <summary>The body of a ByteLevel object, and its end.</summary>
    static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", false);
        json.WriteBoolean("use_regex", false);
        json.WriteEndObject();
    }

    static void WriteModel(Utf8JsonWriter json, TokenizerSpec spec)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", spec.IgnoreMerges);
        json.WriteStartObject("vocab");
        Dictionary<int, string> added = spec.Added.ToDictionary(a => a.Id, a => a.Text);
        for (int id = 0; id < spec.Tokens.Length; id++)
            if (spec.Tokens[id].Length > 0)
                json.WriteNumber(added.GetValueOrDefault(id) ?? ByteAlphabet.Write(spec.Tokens[id]), id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((int left, int right, _) in spec.Merges)
            json.WriteStringValue($"{ByteAlphabet.Write(spec.Tokens[left])} {ByteAlphabet.Write(spec.Tokens[right])}");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // ---- reading -----------------------------------------------------------------------------------------------------

    /// <summary>The specification in a file. Everything in it is done as its author does, or refused by name.</summary>
    /// <remarks>Truncation and padding are the caller's, there as here.</remarks>
    /// <exception cref="DataException">one line, without the file's name, for anything we would not do as written</exception>
    public static TokenizerSpec Read(byte[] json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new() { AllowDuplicateProperties = false });
            return Read(document.RootElement);
        }
        catch (JsonException e) when (e.LineNumber is null)
        {
            throw new DataException($"has a key twice ({e.Message.TrimEnd('.')})", e);
        }
        catch (JsonException e)
        {
            throw new DataException($"is not valid JSON at line {e.LineNumber + 1}; it may be cut short: copy it again", e);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new DataException($"is not a tokenizer.json as Hugging Face writes it ({e.Message})", e);
        }
    }

    static TokenizerSpec Read(JsonElement root)
    {
        JsonElement model = Part(root, "model") ?? throw new DataException("has no model; is it a tokenizer.json?");
        string type = Text(model, "type") ?? (Part(model, "merges") is null ? "" : "BPE");
        if (type != "BPE") throw new DataException($"model type '{type}' is not supported; only byte-level 'BPE' is");
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (Text(model, name) is { Length: > 0 } value) throw new DataException($"model.{name}='{value}' is not supported");
        if (Part(model, "dropout") is { } dropout && dropout.GetDouble() != 0)
            throw new DataException("model.dropout is not supported: the same text must give the same tokens");
        if (Flag(model, "byte_fallback"))
            throw new DataException("model.byte_fallback is not supported; only byte-level BPE is");
        if (Part(root, "decoder") is { } decoder)
            foreach (string? part in Parts(decoder, "decoders").Select(d => Text(d, "type")))
                if (part != "ByteLevel") throw new DataException($"decoder '{part}' is not supported; only 'ByteLevel' is");

        List<SplitRule> rules = ReadRules(Part(root, "pre_tokenizer"));
        List<AddedToken> added = ReadAdded(root);
        Dictionary<string, int> vocab = [];
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            vocab.Add(token.Name, token.Value.GetInt32());
        JsonElement ends = Part(root, "post_processor")?.Clone() ?? default;
        return new TokenizerSpec
        {
            Tokens = ReadTokens(vocab, added),
            Merges = ReadMerges(model.GetProperty("merges"), vocab),
            Added = added,
            Rules = rules,
            Splitter = rules is [{ Pattern: PreTokenizer.Pattern, Kept: Kept.All }] ? null : new RegexSplitter(rules),
            IgnoreMerges = Flag(model, "ignore_merges"),
            Nfc = ReadNormalizer(Part(root, "normalizer")),
            Normalizer = Part(root, "normalizer")?.Clone() ?? default,
            PostProcessor = TokenizerFrame.Foreign(ends, added),
        };
    }

    /// <summary>Whether text is brought to normal form C; the one change of text that is done.</summary>
    static bool ReadNormalizer(JsonElement? normalizer)
    {
        string?[] parts = normalizer is { } given ? [.. Parts(given, "normalizers").Select(n => Text(n, "type"))] : [];
        foreach (string? part in parts)
            if (part != "NFC")
                throw new DataException($"normalizer '{part}' is not supported: it changes the text; only 'NFC' is");
        return parts.Length > 0;
    }

    /// <summary>The cuts of a pre-tokenizer that ends in ByteLevel, which every byte-level BPE has.</summary>
    static List<SplitRule> ReadRules(JsonElement? preTokenizer)
    {
        if (preTokenizer is not { } outer) throw new DataException("has no pre_tokenizer; only byte-level BPE is supported");
        List<SplitRule> rules = [];
        bool byteLevel = false;
        foreach (JsonElement part in Parts(outer, "pretokenizers"))
        {
            string? type = Text(part, "type");
            if (byteLevel) throw new DataException($"pre_tokenizer '{type}' after 'ByteLevel' is not supported");
            switch (type)
            {
                case "Split":
                    Kept kept = (Text(part, "behavior"), Flag(part, "invert")) switch
                    {
                        ("Isolated", false) => Kept.All,
                        ("Removed", bool inverted) => inverted ? Kept.Matches : Kept.Between,
                        (string name, bool inverted) => throw new DataException(
                            $"pre_tokenizer Split with behavior '{name}'{(inverted ? ", inverted," : "")} is not supported"),
                        _ => throw new DataException("pre_tokenizer Split has no behavior"),
                    };
                    rules.Add(new(ReadPattern(part.GetProperty("pattern")), kept));
                    break;
                case "Digits":
                    rules.Add(new(Flag(part, "individual_digits") ? @"\p{N}" : @"\p{N}+"));
                    break;
                case "ByteLevel":
                    if (Flag(part, "add_prefix_space"))
                        throw new DataException("pre_tokenizer ByteLevel.add_prefix_space is not supported: it changes the text");
                    if (Part(part, "use_regex") is null || Flag(part, "use_regex")) rules.Add(new(Gpt2Pattern));
                    byteLevel = true;
                    break;
                default:
                    throw new DataException($"pre_tokenizer '{type}' is not supported; only Split, Digits and ByteLevel are");
            }
        }
        return byteLevel ? rules : throw new DataException("pre_tokenizer has no ByteLevel; only byte-level BPE is supported");
    }

    static string ReadPattern(JsonElement pattern) => Text(pattern, "Regex") is { } regex ? regex
        : Text(pattern, "String") is { } text ? Regex.Escape(text)
        : throw new DataException("pre_tokenizer Split has a pattern that is neither Regex nor String");

    static List<AddedToken> ReadAdded(JsonElement root)
    {
        List<AddedToken> added = [];
        if (Part(root, "added_tokens") is { } list)
            foreach (JsonElement token in list.EnumerateArray())
            {
                int id = token.GetProperty("id").GetInt32();
                bool special = Flag(token, "special");
                added.Add(new AddedToken(id, Text(token, "content") ?? "", special)
                {
                    SingleWord = Flag(token, "single_word"),
                    TakesLeft = Flag(token, "lstrip"),
                    TakesRight = Flag(token, "rstrip"),
                    Normalized = Part(token, "normalized") is null ? !special : Flag(token, "normalized"),
                });
                if (added[^1].Text.Length == 0) throw new DataException($"added token {id} has no content");
            }
        if (added.CountBy(a => a.Id).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } twice)
            throw new DataException($"added_tokens has two tokens of one id, {twice.Key}");
        if (added.CountBy(a => a.Text).FirstOrDefault(n => n.Value > 1) is { Value: > 1, Key: var name })
            throw new DataException($"added_tokens has '{name}' twice");
        return added;
    }

    static byte[][] ReadTokens(Dictionary<string, int> vocab, List<AddedToken> added)
    {
        const int MaxTokens = 1 << 22;                           // a damaged id must not ask for the whole memory
        int size = 0;
        foreach ((string name, int id) in vocab) size = Math.Max(size, Id(id, name) + 1);
        foreach (AddedToken token in added) size = Math.Max(size, Id(token.Id, token.Text) + 1);

        var tokens = new byte[size][];
        Array.Fill(tokens, []);
        var ofAdded = new string?[size];
        foreach (AddedToken token in added)
        {
            tokens[token.Id] = Encoding.UTF8.GetBytes(token.Text);
            ofAdded[token.Id] = token.Text;
            if (vocab.TryGetValue(token.Text, out int other) && other != token.Id)
                throw new DataException($"'{token.Text}' has id {token.Id} in added_tokens and {other} in the vocab");
        }
        int ofUtf8 = 0;
        foreach ((string name, int id) in vocab)
        {
            byte[]? bytes = ByteAlphabet.Read(name);
            if (bytes is [var single] && ByteAlphabet.InUtf8(single)) ofUtf8++;
            if (ofAdded[id] == name) continue;
            if (bytes is null)
                throw new DataException($"token {id} '{name}' is not written in the byte-level alphabet; " +
                    "only byte-level BPE is supported");
            if (tokens[id].Length > 0) throw new DataException($"there are two tokens of id {id}, one of them '{name}'");
            if (bytes.Length == 0) throw new DataException($"token {id} is empty");
            tokens[id] = bytes;
        }
        return ofUtf8 == ByteAlphabet.Utf8Values ? tokens
            : throw new DataException($"vocab has {ofUtf8} of the {ByteAlphabet.Utf8Values} bytes of UTF-8; " +
                "some text could not be encoded");

        static int Id(int id, string name) => id is >= 0 and < MaxTokens ? id
            : throw new DataException($"token '{name}' has id {id}; ids go from 0 to {MaxTokens - 1}");
    }

    static List<Merge> ReadMerges(JsonElement merges, Dictionary<string, int> vocab)
    {
        List<Merge> result = new(merges.GetArrayLength());
        foreach (JsonElement merge in merges.EnumerateArray())
        {
            string?[] pair = merge.ValueKind switch
            {
                JsonValueKind.Array => (string?[])[.. merge.EnumerateArray().Select(side => side.GetString())],
                JsonValueKind.String => merge.GetString()!.Split(' '),
                _ => [],
            };
            if (pair is not [{ } left, { } right])
                throw new DataException($"merge {result.Count}, {merge.GetRawText()}, is not two tokens");
            result.Add(new Merge(IdOf(left), IdOf(right), IdOf(left + right)));
        }
        return result;

        int IdOf(string token) => vocab.TryGetValue(token, out int id) ? id
            : throw new DataException($"merge {result.Count} names '{token}', which is not in the vocab");
    }

    /// <summary>The members of a Sequence, or the one part that it is.</summary>
    static IEnumerable<JsonElement> Parts(JsonElement part, string members) =>
        Text(part, "type") == "Sequence" ? part.GetProperty(members).EnumerateArray() : [part];

    static JsonElement? Part(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement part)
        && part.ValueKind != JsonValueKind.Null ? part : null;

    static string? Text(JsonElement from, string name) => Part(from, name)?.GetString();

    static bool Flag(JsonElement from, string name) => Part(from, name)?.GetBoolean() ?? false;
}
