using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;

namespace Isoflop.Lab.Laws;

/// <summary>law.json.</summary>
static class LawFile
{
    public const string Name = "law.json";

    public static void Save(Law law, string path) =>
        WholeFile.Write(path, JsonSerializer.Serialize(law, LawJson.Default.Law) + "\n");

    public static Law Load(string path)
    {
        try
        {
            byte[] json = File.ReadAllBytes(path);
            using (JsonDocument tree = JsonDocument.Parse(json))
                if (tree.RootElement.ValueKind == JsonValueKind.Object
                    && tree.RootElement.TryGetProperty("format_version", out var v) && v.GetInt32() > Law.NewestFormat)
                    throw new DataException(
                        $"{path}: format version {v.GetInt32()}; this program reads up to {Law.NewestFormat}; update it");
            Law law = JsonSerializer.Deserialize(json, LawJson.Default.Law) ?? throw new DataException($"{path}: holds null");
            int names = Form.Of(law.Form).Names.Count;
            bool broken = law.Identified && law.Parameters.Count != names || law.Draws.Any(d => d.Length != names);
            return broken
                ? throw new DataException($"{path}: {law.Form} has {names} parameters, the file does not; fit again") : law;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or IOException
            or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Law))]
sealed partial class LawJson : JsonSerializerContext;
