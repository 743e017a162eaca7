using System.ComponentModel;
using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Train;

/// <summary>One setting, for help and documentation.</summary>
/// <param name="Key">"train.steps"</param> <param name="Default">as JSON</param>
public sealed record Setting(string Key, string Default, string Help);

/// <summary>
/// Reads a run's settings: a JSON file, edited by key=value, held against the records of <see cref="RunConfig"/>.
/// </summary>
public static class Config
{
    static readonly JsonDocumentOptions Lenient =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    static JsonTypeInfo<RunConfig> Type => ConfigJson.Default.RunConfig;

    /// <summary>All settings in the order of the records.</summary>
    public static IReadOnlyList<Setting> Settings { get; } = [.. SettingsOf(Type, JsonNode.Parse(ToJson(new()))!.AsObject(), "")];

    /// <summary>Reads a file, if there is one, and applies "train.steps=100"s in order.</summary>
    /// <exception cref="ConfigException">An unknown key, a value of another type, text that is not JSON. One line.</exception>
    public static RunConfig Load(string? file, params IReadOnlyList<string> overrides)
    {
        JsonObject tree = file is null ? [] : ParseFile(file);
        foreach (string edit in overrides) Apply(tree, edit);
        var given = new HashSet<string>();
        Check(Type, tree, "", given);
        return Read(tree) with { Given = given };
    }

    /// <summary>The settings as indented JSON, a file for <see cref="Load"/>.</summary>
    public static string ToJson(RunConfig config) => JsonSerializer.Serialize(config, Type);

    /// <summary>Eight characters that name the settings which decide the bits and the rows of a run.</summary>
    public static string HashOf(RunConfig resolved)
    {
        RunConfig essence = Essence(resolved);
        ulong hash = XxHash3.HashToUInt64(JsonSerializer.SerializeToUtf8Bytes(essence, Type));
        return (hash >> 32).ToString("x8", CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Settings in which two configurations differ in what they compute: "train.steps=100, now 200"; empty if none.
    /// </summary>
    public static IReadOnlyList<string> Differences(RunConfig was, RunConfig now)
    {
        List<string> all = [];
        Compare(JsonSerializer.SerializeToNode(Essence(was), Type)!.AsObject(),
            JsonSerializer.SerializeToNode(Essence(now), Type)!.AsObject(), "", all);
        return all;
    }

    /// <summary>A run that begins at another's checkpoint has that run's settings wherever its user named none.</summary>
    internal static RunConfig Inherit(RunConfig source, RunConfig config)
    {
        if (config.Given is null) return config;
        JsonObject tree = JsonSerializer.SerializeToNode(source, Type)!.AsObject();
        JsonObject own = JsonSerializer.SerializeToNode(config, Type)!.AsObject();
        bool length = config.Given.Overlaps(["train.steps", "train.tokens", "flops"]);
        string[] always = ["name", "from", "from_mode", "flops", "save.minutes", "save.keep", "save.every"];
        string[] alsoOwn = length ? ["train.steps", "train.tokens"] : [];
        foreach (string key in config.Given.Concat(always).Concat(alsoOwn))
        {
            string[] path = key.Split('.');
            (JsonObject into, JsonObject from) = path.Length == 1 ? (tree, own)
                : (tree[path[0]]!.AsObject(), own[path[0]]!.AsObject());
            into[path[^1]] = from[path[^1]]!.DeepClone();
        }
        return Read(tree) with { Given = config.Given };
    }

    static RunConfig Essence(RunConfig c) => c with { Name = "", Save = new(), Train = c.Train with { MicroTokens = 0 } };

    static void Compare(JsonObject was, JsonObject now, string path, List<string> all)
    {
        foreach ((string key, JsonNode? value) in was)
        {
            if (value is JsonObject inner) Compare(inner, now[key]!.AsObject(), path + key + ".", all);
            else if (!JsonNode.DeepEquals(value, now[key])) all.Add($"{path}{key}={Show(value)}, now {Show(now[key])}");
        }
    }

    static JsonObject ParseFile(string file)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(file), documentOptions: Lenient) as JsonObject
                ?? throw new ConfigException($"{file}: the settings must be one JSON object {{ … }}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConfigException($"{(file.Length == 0 ? "''" : file)}: cannot be read: {e.Message}");
        }
        catch (JsonException e)
        {
            throw new ConfigException($"{file}: line {e.LineNumber + 1}: not JSON: {FirstSentence(e.Message)}");
        }
    }

    static void Apply(JsonObject tree, string edit)
    {
        int equals = edit.IndexOf('=');
        if (equals <= 0) throw new ConfigException($"'{edit}' is not key=value; try train.steps=100");
        string[] keys = edit[..equals].Split('.');
        JsonObject node = tree;
        foreach (string key in keys[..^1])
        {
            if (node[key] is not JsonObject next) node[key] = next = [];
            node = next;
        }
        node[keys[^1]] = ParseValue(edit[(equals + 1)..]);
    }

    static JsonNode ParseValue(string text)
    {
        try
        {
            if (JsonNode.Parse(text) is { } value) return value;
        }
        catch (JsonException)
        {
            // not JSON: a word
        }
        return JsonValue.Create(text);
    }

    /// <summary>
    /// Holds keys and values against the records; makes 1e6 whole where a whole number is wanted, and text of a number where text
    /// is.
    /// </summary>
    static void Check(JsonTypeInfo type, JsonObject tree, string path, HashSet<string> given)
    {
        foreach ((string key, JsonNode? value) in tree.ToList())
        {
            JsonPropertyInfo property = type.Properties.FirstOrDefault(p => p.Name == key && p.Get is not null)
                ?? throw new ConfigException($"no setting '{path}{key}'; here there are: {string.Join(", ", KeysOf(type))}");
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (inner.Kind == JsonTypeInfoKind.Object)
            {
                if (value is not JsonObject child)
                    throw new ConfigException(
                        $"{path}{key}={Show(value)} must be a group of settings: {string.Join(", ", KeysOf(inner))}");
                Check(inner, child, path + key + ".", given);
                continue;
            }
            JsonNode? fitting = Fit(value, property.PropertyType);
            if (!ReferenceEquals(fitting, value)) tree[key] = fitting;
            try
            {
                if (fitting is null) throw new JsonException();
                fitting.Deserialize(inner);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new ConfigException($"{path}{key}={Show(value)} must be {Wanted(property.PropertyType)}");
            }
            given.Add(path + key);
        }
    }

    static JsonNode? Fit(JsonNode? value, Type type)
    {
        if (value is not JsonValue leaf) return value;
        bool number = leaf.GetValueKind() == JsonValueKind.Number;
        if (type == typeof(string) && leaf.GetValueKind() is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
            return JsonValue.Create(leaf.ToJsonString());
        if (number && (type == typeof(int) || type == typeof(long) || type == typeof(ulong))
            && double.TryParse(leaf.ToJsonString(), CultureInfo.InvariantCulture, out double x)
            && x == Math.Floor(x) && Math.Abs(x) < 1L << 53 && leaf.ToJsonString().AsSpan().ContainsAny("eE."))
            return JsonValue.Create((long)x);
        return value;
    }

    static string Wanted(Type type) =>
        type == typeof(int) ? "a whole number below 2^31"
        : type == typeof(long) ? "a whole number"
        : type == typeof(ulong) ? "a whole number, not negative"
        : type == typeof(double) ? "a number"
        : type == typeof(bool) ? "true or false"
        : type == typeof(ScheduleKind) ? "wsd or cosine"
        : type == typeof(StartMode) ? "extend or fork"
        : "text";

    static IEnumerable<string> KeysOf(JsonTypeInfo type) => type.Properties.Where(p => p.Get is not null).Select(p => p.Name);

    static string Show(JsonNode? value) =>
        value is JsonValue v && v.GetValueKind() == JsonValueKind.String ? v.GetValue<string>() : value?.ToJsonString() ?? "null";

    /// <remarks>
    /// Every key is filled in first: generated readers leave a missing init-only property at zero, not at its default.
    /// </remarks>
    static RunConfig Read(JsonObject tree)
    {
        try
        {
            return Filled(tree).Deserialize(Type)!;
        }
        catch (JsonException e)
        {
            throw new ConfigException($"{e.Path}: {FirstSentence(e.Message)}");
        }
    }

    /// <summary>Settings of a file with the default for every key it lacks.</summary>
    internal static JsonObject Filled(JsonObject tree)
    {
        JsonObject whole = JsonSerializer.SerializeToNode(new RunConfig(), Type)!.AsObject();
        Overlay(whole, tree);
        return whole;
    }

    static void Overlay(JsonObject whole, JsonObject tree)
    {
        foreach ((string key, JsonNode? value) in tree)
        {
            if (value is JsonObject inner && whole[key] is JsonObject into) Overlay(into, inner);
            else whole[key] = value?.DeepClone();
        }
    }

    static string FirstSentence(string text) => text.Split(". ")[0];

    static IEnumerable<Setting> SettingsOf(JsonTypeInfo type, JsonObject values, string path)
    {
        foreach (JsonPropertyInfo property in type.Properties.Where(p => p.Get is not null))
        {
            if (values[property.Name] is JsonObject inner)
            {
                foreach (Setting setting in SettingsOf(
                    type.Options.GetTypeInfo(property.PropertyType), inner, path + property.Name + "."))
                    yield return setting;
                continue;
            }
            var help = property.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), false)
                .OfType<DescriptionAttribute>();
            yield return new(path + property.Name, Show(values[property.Name]), help?.FirstOrDefault()?.Description ?? "");
        }
    }
}

/// <summary>How settings become JSON; names are the properties' in snake case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RunConfig))]
sealed partial class ConfigJson : JsonSerializerContext;
