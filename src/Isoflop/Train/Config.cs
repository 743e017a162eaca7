using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Train;

/// <summary>Settings of a run from a JSON file and key=value, and back.</summary>
public static class Config
{
    static JsonTypeInfo<RunConfig> Type => ConfigJson.Default.RunConfig;

    /// <summary>All settings in the order of the records.</summary>
    internal static IReadOnlyList<Setting> Settings { get; } = SettingsJson.List(Type);

    /// <summary>Reads a file, if there is one, and applies "train.steps=100"s in order.</summary>
    /// <exception cref="ConfigException">An unknown key, a value of another type, text that is not JSON. One line.</exception>
    public static RunConfig Load(string? file, params IReadOnlyList<string> overrides) =>
        SettingsJson.Load(file, overrides, Type);

    /// <summary>What is given, as indented JSON, a file for <see cref="Load"/>.</summary>
    public static string ToJson(RunConfig config) => JsonSerializer.Serialize(config, Type);

    /// <summary>Eight characters that name the settings which decide the bits and the rows of a run.</summary>
    public static string HashOf(RunConfig resolved)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true })) Essence(resolved).WriteTo(json);
        return (XxHash3.HashToUInt64(text.ToArray()) >> 32).ToString("x8", CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Settings in which two configurations differ in what they compute: "train.steps=100, now 200"; empty if none.
    /// </summary>
    public static IReadOnlyList<string> Differences(RunConfig was, RunConfig now)
    {
        List<string> all = [];
        Compare(Essence(was), Essence(now), "", all);
        return all;
    }

    /// <summary>The default of every setting that has one and is not given.</summary>
    internal static RunConfig WithDefaults(RunConfig config) => SettingsJson.WithDefaults(config, Type);

    /// <summary>A run that begins at another's checkpoint has that run's settings wherever its user named none.</summary>
    internal static RunConfig Inherit(RunConfig source, RunConfig own)
    {
        bool length = own.Flops is not null || own.Train.Steps is not null || own.Train.Tokens is not null;
        return SettingsJson.Over(source with
        {
            Name = null,
            From = null,
            FromMode = null,
            Flops = null,
            Save = new(),
            Train = length ? source.Train with { Steps = null, Tokens = null } : source.Train,
        }, own, Type);
    }

    static JsonObject Essence(RunConfig c) => SettingsJson.IdentityTree(WithDefaults(c with
    {
        Name = null,
        Save = c.Train.Spikes == SpikeAction.Rewind ? new() { Every = c.Save.Every } : new(),
        Train = c.Train with { MicroTokens = null, CheckEvery = null },
    }), Type);

    static void Compare(JsonObject was, JsonObject now, string path, List<string> all)
    {
        foreach ((string key, JsonNode? value) in was)
        {
            if (value is JsonObject inner) Compare(inner, now[key]!.AsObject(), path + key + ".", all);
            else if (!JsonNode.DeepEquals(value, now[key]))
                all.Add($"{path}{key}={SettingsJson.Show(value)}, now {SettingsJson.Show(now[key])}");
        }
    }
}

/// <summary>How settings become JSON; names are the properties' in snake case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RunConfig))]
sealed partial class ConfigJson : JsonSerializerContext;
