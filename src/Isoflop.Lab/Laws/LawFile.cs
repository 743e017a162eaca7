using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Store;

namespace Isoflop.Lab.Laws;

/// <summary>law.json.</summary>
static class LawFile
{
    public const string Name = "law.json";
    static readonly Format format = new("law");

    public static void Save(Law law, string path) =>
        WholeFile.Write(path, JsonFile.Encode(law, format, LawJson.Default.Law) + "\n");

    public static Law Load(string path)
    {
        Law law = JsonFile.Read(path, format, LawJson.Default.Law);
        int names = law.Form.Names.Count;
        bool broken = law.Identified && law.Parameters.Count != names || law.Draws.Any(d => d.Length != names);
        return broken
            ? throw new DataException($"{path}: {law.Form.Name} has {names} parameters, the file does not; fit again") : law;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Law))]
sealed partial class LawJson : JsonSerializerContext;
