using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Isoflop.Text;

/// <summary>A token that is no product of merges; <paramref name="IsSpecial"/>: it marks structure, not text.</summary>
sealed record AddedToken(int Id, string Text, bool IsSpecial);

/// <summary>All that makes a tokenizer, as its file says it.</summary>
sealed record TokenizerSpec
{
    /// <summary>[VocabSize] bytes of each token; empty where the file has no token of this id.</summary>
    public required byte[][] Tokens { get; init; }
    /// <summary>In order of rank.</summary>
    public required IReadOnlyList<Merge> Merges { get; init; }
    public required IReadOnlyList<AddedToken> Added { get; init; }
    /// <summary>Patterns that cut the text, one after the other.</summary>
    public IReadOnlyList<string> Patterns { get; init; } = [PreTokenizer.Pattern];
    /// <summary>The patterns at work; null for our own, which <see cref="PreTokenizer"/> does faster.</summary>
    public RegexSplitter? Splitter { get; init; }
    /// <summary>A piece that is a token is that token, whatever the merges would make of it.</summary>
    public bool IgnoreMerges { get; init; }
    /// <summary>Parts that plain text does not need, kept so that saving loses nothing. Default: null in the file.</summary>
    public JsonElement Normalizer { get; init; }
    public JsonElement PostProcessor { get; init; }
}

/// <summary>Reads and writes Hugging Face's tokenizer.json, byte-level BPE only.</summary>
static class TokenizerJson
{
    /// <summary>GPT-2's pattern, which a ByteLevel pre-tokenizer with use_regex stands for.</summary>
    const string Gpt2Pattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

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
            foreach (string pattern in spec.Patterns) WriteSplit(json, pattern);
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
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", token.IsSpecial);
        json.WriteEndObject();
    }

    static void WriteKept(Utf8JsonWriter json, string name, JsonElement kept)
    {
        json.WritePropertyName(name);
        if (kept.ValueKind == JsonValueKind.Undefined) json.WriteNullValue(); else kept.WriteTo(json);
    }

    static void WriteSplit(Utf8JsonWriter json, string pattern)
    {
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
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

    /// <summary>The specification in a file.</summary>
    /// <exception cref="DataException">one line, without the file's name, for anything we would not do as written</exception>
    /// <remarks>Unicode normalisation (NFC) is the exception: it is kept in the file and not done, since text is data.</remarks>
    public static TokenizerSpec Read(byte[] json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Read(document.RootElement);
        }
        catch (JsonException e)
        {
            string place = e.LineNumber is long line ? $" at line {line + 1}" : "";
            throw new DataException($"is not valid JSON{place}; it may be cut short: copy it again", e);
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
        if (Part(root, "normalizer") is { } normalizer && Text(normalizer, "type") != "NFC")
            throw new DataException($"normalizer '{Text(normalizer, "type")}' is not supported: it changes the text");
        if (Part(root, "decoder") is { } decoder && Text(decoder, "type") != "ByteLevel")
            throw new DataException($"decoder '{Text(decoder, "type")}' is not supported; only 'ByteLevel' is");

        IReadOnlyList<string> patterns = ReadPatterns(Part(root, "pre_tokenizer"));
        List<AddedToken> added = ReadAdded(root);
        byte[][] tokens = ReadTokens(model.GetProperty("vocab"), added);
        return new TokenizerSpec
        {
            Tokens = tokens,
            Merges = ReadMerges(model.GetProperty("merges"), model.GetProperty("vocab")),
            Added = added,
            Patterns = patterns,
            Splitter = patterns is [PreTokenizer.Pattern] ? null : MakeSplitter(patterns),
            IgnoreMerges = Flag(model, "ignore_merges"),
            Normalizer = Part(root, "normalizer")?.Clone() ?? default,
            PostProcessor = Part(root, "post_processor")?.Clone() ?? default,
        };
    }

    static RegexSplitter MakeSplitter(IReadOnlyList<string> patterns)
    {
        try
        {
            return new RegexSplitter(patterns);
        }
        catch (RegexParseException e)
        {
            throw new DataException($"pre_tokenizer pattern is not one .NET can read: {e.Message}", e);
        }
    }

    /// <summary>The cuts of a pre-tokenizer that ends in ByteLevel, which every byte-level BPE has.</summary>
    static List<string> ReadPatterns(JsonElement? preTokenizer)
    {
        if (preTokenizer is not { } outer) throw new DataException("has no pre_tokenizer; only byte-level BPE is supported");
        JsonElement[] parts = Text(outer, "type") == "Sequence"
            ? [.. outer.GetProperty("pretokenizers").EnumerateArray()] : [outer];
        List<string> patterns = [];
        bool byteLevel = false;
        foreach (JsonElement part in parts)
        {
            string? type = Text(part, "type");
            if (byteLevel) throw new DataException($"pre_tokenizer '{type}' after 'ByteLevel' is not supported");
            switch (type)
            {
                case "Split":
                    if (Text(part, "behavior") != "Isolated")
                        throw new DataException($"pre_tokenizer Split with behavior '{Text(part, "behavior")}' is not supported");
                    patterns.Add(ReadPattern(part.GetProperty("pattern")));
                    break;
                case "Digits":
                    patterns.Add(Flag(part, "individual_digits") ? @"\p{N}" : @"\p{N}+");
                    break;
                case "ByteLevel":
                    if (Flag(part, "add_prefix_space"))
                        throw new DataException("pre_tokenizer ByteLevel.add_prefix_space is not supported: it changes the text");
                    if (Part(part, "use_regex") is null || Flag(part, "use_regex")) patterns.Add(Gpt2Pattern);
                    byteLevel = true;
                    break;
                default:
                    throw new DataException($"pre_tokenizer '{type}' is not supported; only Split, Digits and ByteLevel are");
            }
        }
        return byteLevel ? patterns : throw new DataException("pre_tokenizer has no ByteLevel; only byte-level BPE is supported");
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
                added.Add(new AddedToken(id, Text(token, "content") ?? "", Flag(token, "special")));
            }
        return added;
    }

    static byte[][] ReadTokens(JsonElement vocab, List<AddedToken> added)
    {
        const int MaxTokens = 1 << 22;                           // a damaged id must not ask for the whole memory
        int size = 0;
        foreach (JsonProperty token in vocab.EnumerateObject()) size = Math.Max(size, Id(token.Value.GetInt32(), token.Name) + 1);
        foreach (AddedToken token in added) size = Math.Max(size, Id(token.Id, token.Text) + 1);

        var tokens = new byte[size][];
        Array.Fill(tokens, []);
        foreach (AddedToken token in added) tokens[token.Id] = Encoding.UTF8.GetBytes(token.Text);
        HashSet<int> addedIds = [.. added.Select(a => a.Id)];
        if (addedIds.Count < added.Count) throw new DataException("added_tokens has two tokens of one id");
        int ofUtf8 = 0;
        foreach (JsonProperty token in vocab.EnumerateObject())
        {
            int id = token.Value.GetInt32();
            if (addedIds.Contains(id)) continue;
            byte[] bytes = ByteAlphabet.Read(token.Name)
                ?? throw new DataException($"token {id} '{token.Name}' is not written in the byte-level alphabet; " +
                    "only byte-level BPE is supported");
            if (tokens[id].Length > 0) throw new DataException($"vocab has two tokens of id {id}");
            tokens[id] = bytes;
            if (bytes.Length == 1 && ByteAlphabet.InUtf8(bytes[0])) ofUtf8++;
        }
        return ofUtf8 == ByteAlphabet.Utf8Values ? tokens
            : throw new DataException($"vocab has {ofUtf8} of the {ByteAlphabet.Utf8Values} bytes of UTF-8; " +
                "some text could not be encoded");

        static int Id(int id, string name) => id is >= 0 and < MaxTokens ? id
            : throw new DataException($"token '{name}' has id {id}; ids go from 0 to {MaxTokens - 1}");
    }

    static List<Merge> ReadMerges(JsonElement merges, JsonElement vocab)
    {
        Dictionary<string, int> ids = [];
        foreach (JsonProperty token in vocab.EnumerateObject()) ids[token.Name] = token.Value.GetInt32();
        List<Merge> result = new(merges.GetArrayLength());
        foreach (JsonElement merge in merges.EnumerateArray())
        {
            string[] pair = merge.ValueKind == JsonValueKind.Array
                ? [.. merge.EnumerateArray().Select(side => side.GetString() ?? "")]
                : merge.GetString()!.Split(' ');
            if (pair.Length != 2) throw new DataException($"merge {result.Count} '{merge}' is not two tokens");
            result.Add(new Merge(IdOf(pair[0]), IdOf(pair[1]), IdOf(pair[0] + pair[1])));
        }
        return result;

        int IdOf(string token) => ids.TryGetValue(token, out int id) ? id
            : throw new DataException($"merge {result.Count} names '{token}', which is not in the vocab");
    }

    static JsonElement? Part(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement part)
        && part.ValueKind != JsonValueKind.Null ? part : null;

    static string? Text(JsonElement from, string name) => Part(from, name)?.GetString();

    static bool Flag(JsonElement from, string name) => Part(from, name)?.GetBoolean() ?? false;
}
