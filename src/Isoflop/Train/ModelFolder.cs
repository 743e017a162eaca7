using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Kernels;
using Isoflop.Nn;
using Isoflop.Store;
using Isoflop.Text;

namespace Isoflop.Train;

/// <summary>What Hugging Face calls a model: config.json, model.safetensors, tokenizer.json. Llama and Qwen3 families.</summary>
static class ModelFolder
{
    const string HeadName = "lm_head.weight";
    const long MaxAngles = 1L << 28;

    static readonly PublishedJson readable =
        new(new JsonSerializerOptions(PublishedJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The shape.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>The weights.</summary>
    public const string ModelFile = "model.safetensors";

    /// <summary>The tokenizer.</summary>
    public const string TokenizerFile = "tokenizer.json";

    /// <summary>What other programs ask beside the tokenizer: class, special tokens, length, chat template.</summary>
    public const string TokenizerConfigFile = "tokenizer_config.json";

    /// <summary>Where a text that is written begins and ends.</summary>
    public const string GenerationFile = "generation_config.json";

    /// <summary>Reads config.json of a folder into a shape with nothing left to derive.</summary>
    /// <exception cref="DataException">Missing, broken, or of a family or with a variant that this program does not
    /// compute.</exception>
    public static ModelConfig LoadConfig(string folder)
    {
        string path = Path.Combine(folder, ConfigFile);
        PublishedConfig c;
        try
        {
            byte[] json = File.ReadAllBytes(path);
            LfsPointer.Refuse(path, json);
            c = ForeignJson.Parse(json, path).Deserialize(PublishedJson.Default.PublishedConfig)
                ?? throw new DataException($"{path}: holds null");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        if (c.ModelType is not ("llama" or "qwen3"))
            throw new DataException($"{path}: model_type '{c.ModelType}'; this program computes llama and qwen3");
        foreach ((bool other, string what) in c.Variants())
            if (other) throw new DataException($"{path}: {what} is not supported");
        bool qwen = c.ModelType == "qwen3";
        var model = new ModelConfig
        {
            VocabSize = c.VocabSize,
            ContextLen = c.MaxPositionEmbeddings ?? (qwen ? 32_768 : 2048),
            DModel = c.HiddenSize,
            NLayer = c.NumHiddenLayers,
            NHead = c.NumAttentionHeads,
            NKvHead = c.NumKeyValueHeads ?? c.NumAttentionHeads,
            DHead = c.HeadDim ?? (qwen ? 128 : c.HiddenSize / Math.Max(1, c.NumAttentionHeads)),
            DFf = c.IntermediateSize,
            QkNorm = qwen,
            TiedHead = c.TieWordEmbeddings,
            RopeTheta = c.RopeTheta ?? c.RopeParameters?.RopeTheta ?? 10_000,
            NormEps = c.RmsNormEps ?? 1e-6,
        };
        string? problem = model.Problems().FirstOrDefault();
        if (problem is null && (long)model.ContextLen * model.HeadWidth > MaxAngles)
            problem = $"max_position_embeddings={model.ContextLen} needs a table of angles of " +
                $"{(long)model.ContextLen * model.HeadWidth * 4L >> 30} GB; set it to the longest text that you need";
        return problem is null ? model : throw new DataException($"{path}: {problem}");
    }

    /// <summary>
    /// The same, held against the headers of the weights: sizes are believed where the file has them, and all it has is used.
    /// </summary>
    /// <exception cref="DataException">As <see cref="LoadConfig"/>; tensors are missing, misshapen or left over.</exception>
    public static ModelConfig LoadShape(string folder)
    {
        ModelConfig c = LoadConfig(folder);
        using var files = new TensorFiles(Path.Combine(folder, ModelFile));
        // These bound all sizes of the table below by what is there.
        const string Layer = "model.layers.0.";
        long q = (long)c.NHead * c.HeadWidth, kv = (long)c.KvHeads * c.HeadWidth;
        files.Find("model.embed_tokens.weight", c.VocabSize, c.DModel);
        files.Find(Layer + "self_attn.q_proj.weight", q, c.DModel);
        files.Find(Layer + "self_attn.k_proj.weight", kv, c.DModel);
        files.Find(Layer + "mlp.gate_proj.weight", c.FfWidth, c.DModel);
        if (c.NLayer > files.Names.Count)
            throw new DataException($"{Path.Combine(folder, ConfigFile)}: num_hidden_layers={c.NLayer}, but there are " +
                $"{files.Names.Count} tensors");
        var table = new ParamTable(c);
        foreach (Param param in table.All) files.Find(param.Name, [.. param.Shape]);
        HashSet<string> used = [.. table.All.Select(p => p.Name)];
        if (c.TiedHead) used.Add(HeadName);                       // held against the embedding when it is read
        string[] left = [.. files.Names.Where(n => !used.Contains(n)
            && !n.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        if (left.Length > 0)
            throw new DataException($"{Path.Combine(folder, ModelFile)}: {left.Length} tensors are not of the model that " +
                $"{ConfigFile} describes, '{left[0]}' the first; they belong to different models");
        return c;
    }

    /// <summary>Uploads model.safetensors of a folder, or the files of its index, into a slab.</summary>
    /// <exception cref="DataException">A tensor is missing, of another shape or not finite; a broken file.</exception>
    public static void LoadParams(string folder, IDevice device, ParamTable table, DeviceSpan<float> into)
    {
        using var files = new TensorFiles(Path.Combine(folder, ModelFile));
        float[] buffer = new float[1 << 18];
        Load(files, "", device, table, into, buffer, finite: true);
        if (table.Head == table.Embedding && files.Names.Contains(HeadName)) CompareHead(files, table.Head, buffer);
    }

    /// <summary>A head of its own beside tie_word_embeddings is harmless where it is the embedding.</summary>
    static void CompareHead(TensorFiles files, Param head, float[] buffer)
    {
        (SafetensorsFile File, TensorInfo Tensor) own = files.Find(HeadName, [.. head.Shape]),
            tied = files.Find(head.Name, [.. head.Shape]);
        int half = buffer.Length / 2;
        for (long done = 0; done < head.Length; done += half)
        {
            int n = (int)Math.Min(half, head.Length - done);
            own.File.Read(own.Tensor, done, buffer.AsSpan(0, n));
            tied.File.Read(tied.Tensor, done, buffer.AsSpan(half, n));
            if (!buffer.AsSpan(0, n).SequenceEqual(buffer.AsSpan(half, n)))
                throw new DataException($"{own.File.Path}: '{HeadName}' differs from the embedding, but {ConfigFile} says " +
                    "tie_word_embeddings: true; set it to false where the head counts");
        }
    }

    /// <param name="finite">refuse weights that are not</param>
    /// <param name="parts">what <paramref name="into"/> holds of the slab; null: all</param>
    internal static void Load(TensorFiles files, string prefix, IDevice device, ParamTable table, DeviceSpan<float> into,
        float[] buffer, bool finite = false, SlabParts? parts = null)
    {
        foreach (Param param in table.All)
        {
            (SafetensorsFile file, TensorInfo tensor) = files.Find(prefix + param.Name, [.. param.Shape]);
            for (long done = 0; done < param.Length;)
            {
                int n = (int)Math.Min(buffer.Length, param.Length - done);
                file.Read(tensor, done, buffer.AsSpan(0, n));
                if (finite && FirstBad(buffer.AsSpan(0, n)) is { } bad)
                    throw new DataException($"{file.Path}: '{tensor.Name}' holds {bad}; weights must be finite: the file is " +
                        "damaged, or its training diverged");
                long at = param.Offset + done;
                if (parts is null) device.Upload(buffer.AsSpan(0, n), into.Slice(at, n));
                else
                    foreach (SlabParts.Stretch s in parts.Split(at, n))
                        if (s.Rank == parts.Rank)
                            device.Upload(buffer.AsSpan((int)(s.Offset - at), (int)s.Length), into.Slice(s.At, s.Length));
                done += n;
            }
        }
    }

    static float? FirstBad(ReadOnlySpan<float> weights)
    {
        foreach (float x in weights)
            if (!float.IsFinite(x)) return x;
        return null;
    }

    /// <summary>config.json of a model.</summary>
    internal static byte[] ConfigJson(ModelConfig c, int endOfText) => JsonSerializer.SerializeToUtf8Bytes(new PublishedConfig
    {
        Architectures = [c.QkNorm ? "Qwen3ForCausalLM" : "LlamaForCausalLM"],
        ModelType = c.QkNorm ? "qwen3" : "llama",
        VocabSize = c.VocabSize,
        HiddenSize = c.DModel,
        IntermediateSize = c.FfWidth,
        NumHiddenLayers = c.NLayer,
        NumAttentionHeads = c.NHead,
        NumKeyValueHeads = c.KvHeads,
        HeadDim = c.HeadWidth,
        MaxPositionEmbeddings = c.ContextLen,
        RmsNormEps = c.NormEps,
        RopeTheta = c.RopeTheta,
        TieWordEmbeddings = c.TiedHead,
        BosTokenId = endOfText,
        EosTokenId = endOfText,
    }, PublishedJson.Default.PublishedConfig);

    /// <summary>tokenizer_config.json of a model that is trained with end-of-text before every document.</summary>
    internal static byte[] TokenizerConfigJson(string? endOfText, int context, string? chatTemplate) =>
        JsonSerializer.SerializeToUtf8Bytes(new PublishedTokenizer
        {
            BosToken = endOfText,
            EosToken = endOfText,
            PadToken = endOfText,
            UnkToken = endOfText,
            ModelMaxLength = context,
            ChatTemplate = chatTemplate,
        }, readable.PublishedTokenizer);

    /// <summary>generation_config.json.</summary>
    internal static byte[] GenerationJson(int endOfText) =>
        JsonSerializer.SerializeToUtf8Bytes(new(endOfText, endOfText, endOfText), PublishedJson.Default.PublishedGeneration);

    /// <summary>The chat template of a folder; null: it has none.</summary>
    internal static string? ChatTemplateOf(string folder)
    {
        string path = Path.Combine(folder, TokenizerConfigFile);
        if (!File.Exists(path)) return null;
        JsonElement config = ForeignJson.Parse(File.ReadAllBytes(path), path);
        return config.ValueKind == JsonValueKind.Object && config.TryGetProperty("chat_template", out JsonElement template)
            && template.ValueKind == JsonValueKind.String ? template.GetString() : null;
    }

    /// <summary>The tokenizer of a folder; of a checkpoint as training uses it, else as its author does.</summary>
    /// <exception cref="DataException">As <see cref="Tokenizer.Load"/>.</exception>
    internal static Tokenizer LoadTokenizer(string folder)
    {
        Tokenizer tokenizer = Tokenizer.Load(folder);
        return File.Exists(Path.Combine(folder, Checkpoint.StateFile)) ? tokenizer.AsTrained() : tokenizer;
    }
}

/// <summary>tokenizer_config.json: by it transformers takes the class that adds no tokens of its own.</summary>
sealed record PublishedTokenizer
{
    public string TokenizerClass { get; set; } = "PreTrainedTokenizerFast";
    public string? BosToken { get; set; }
    public string? EosToken { get; set; }
    public string? PadToken { get; set; }
    public string? UnkToken { get; set; }
    public bool AddBosToken { get; set; } = true;
    public bool AddEosToken { get; set; }
    public bool CleanUpTokenizationSpaces { get; set; }
    public int ModelMaxLength { get; set; }
    public string? ChatTemplate { get; set; }
}

/// <summary>generation_config.json.</summary>
sealed record PublishedGeneration(int BosTokenId, int EosTokenId, int PadTokenId);

/// <summary>
/// config.json as transformers reads and writes it, the keys that matter. Set, not init: a missing key keeps its default.
/// </summary>
sealed record PublishedConfig
{
    public string[] Architectures { get; set; } = [];
    public string ModelType { get; set; } = "";
    public int VocabSize { get; set; }
    public int HiddenSize { get; set; }
    public int IntermediateSize { get; set; }
    public int NumHiddenLayers { get; set; }
    public int NumAttentionHeads { get; set; }
    public int? NumKeyValueHeads { get; set; }
    public int? HeadDim { get; set; }
    public int? MaxPositionEmbeddings { get; set; }
    public double? RmsNormEps { get; set; }
    public double? RopeTheta { get; set; }
    public RopeSettings? RopeParameters { get; set; }
    public RopeSettings? RopeScaling { get; set; }
    public string[]? LayerTypes { get; set; }
    public JsonElement? QuantizationConfig { get; set; }
    public bool TieWordEmbeddings { get; set; }
    public string HiddenAct { get; set; } = "silu";
    public bool AttentionBias { get; set; }
    public bool MlpBias { get; set; }
    public bool UseSlidingWindow { get; set; }
    public string TorchDtype { get; set; } = "float32";
    [JsonConverter(typeof(OneOrMany))] public int? BosTokenId { get; set; }
    [JsonConverter(typeof(OneOrMany))] public int? EosTokenId { get; set; }

    public IEnumerable<(bool, string)> Variants() =>
    [
        (HiddenAct != "silu", $"hidden_act '{HiddenAct}'"),
        (AttentionBias, "attention_bias"),
        (MlpBias, "mlp_bias"),
        (UseSlidingWindow, "use_sliding_window"),
        (LayerTypes?.FirstOrDefault(t => t != "full_attention") is not null,
            $"layer_types '{LayerTypes?.FirstOrDefault(t => t != "full_attention")}'"),
        (QuantizationConfig is { ValueKind: not JsonValueKind.Null }, "quantization_config"),
        (RopeScaling is { IsDefault: false }, $"rope_scaling '{RopeScaling?.Kind}'"),
        (RopeParameters is { IsDefault: false }, $"rope_parameters of type '{RopeParameters?.Kind}'"),
    ];
}

/// <summary>rope_parameters of transformers 5, rope_scaling of 4.</summary>
sealed record RopeSettings
{
    public double? RopeTheta { get; set; }
    public string? RopeType { get; set; }
    public string? Type { get; set; }

    [JsonIgnore] public string Kind => RopeType ?? Type ?? "default";
    [JsonIgnore] public bool IsDefault => Kind == "default";
}

/// <summary>A token id, or a list of them of which the first counts.</summary>
sealed class OneOrMany : JsonConverter<int?>
{
    public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        int? first = null;
        if (reader.TokenType == JsonTokenType.Number) return reader.GetInt32();
        if (reader.TokenType != JsonTokenType.StartArray) return null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) first ??= reader.GetInt32();
        return first;
    }

    public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value ?? 0);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PublishedConfig))]
[JsonSerializable(typeof(PublishedTokenizer))]
[JsonSerializable(typeof(PublishedGeneration))]
sealed partial class PublishedJson : JsonSerializerContext;
