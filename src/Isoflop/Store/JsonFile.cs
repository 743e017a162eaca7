using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Store;

/// <summary>What a record that stands alone says of itself: its keys kind and format_version.</summary>
/// <param name="Newest">version that this program writes, and the newest that it reads</param>
readonly record struct Format(string Kind, int Newest = 1)
{
    /// <summary>Refuses another kind and a newer version; a record older than kinds has none.</summary>
    /// <exception cref="DataException">Names the file, what it is, and what to do.</exception>
    public void Check(string path, string? kind, int version)
    {
        if (kind is not null && kind != Kind)
            throw new DataException($"{path}: is of kind '{kind}', not '{Kind}'; another program or a newer one wrote it");
        if (version > Newest)
            throw new DataException($"{path}: format version {version}; this program reads up to {Newest}; update it");
    }
}

/// <summary>
/// Records that stand alone, a JSON file each: written whole, under their kind and version. Keys that the type does not know are
/// refused where the type says so: settings decide bits, and may not be guessed.
/// </summary>
static class JsonFile
{
    /// <summary>Replaces a record.</summary>
    public static void Write<T>(string path, T value, Format format, JsonTypeInfo<T> type) =>
        WholeFile.Write(path, Encode(value, format, type));

    /// <summary>A record's text, with kind and version before its own keys.</summary>
    public static string Encode<T>(T value, Format format, JsonTypeInfo<T> type)
    {
        JsonObject tree = JsonSerializer.SerializeToNode(value, type)!.AsObject();
        tree.Insert(0, "kind", format.Kind);
        tree.Insert(1, "format_version", format.Newest);
        return tree.ToJsonString(type.Options);
    }

    /// <summary>Reads a record.</summary>
    /// <param name="mend">what an older program did not write</param>
    /// <exception cref="DataException">Missing, broken, of another kind, of a newer format, with unknown keys.</exception>
    public static T Read<T>(string path, Format format, JsonTypeInfo<T> type, Action<JsonObject>? mend = null)
    {
        try
        {
            return Decode(File.ReadAllBytes(path), path, format, type, mend);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException or FormatException
            or IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message.Split(". Path")[0]}", e);
        }
    }

    /// <summary>The same of a text.</summary>
    /// <exception cref="JsonException">It is no such record.</exception>
    public static T Decode<T>(ReadOnlySpan<byte> text, string path, Format format, JsonTypeInfo<T> type,
        Action<JsonObject>? mend = null)
    {
        JsonNode? node = JsonNode.Parse(text);
        JsonObject tree = node as JsonObject
            ?? throw new JsonException(node is null ? "it holds null" : "it is not a JSON object");
        format.Check(path, (string?)tree["kind"], (int?)tree["format_version"] ?? 0);
        tree.Remove("kind");
        tree.Remove("format_version");
        mend?.Invoke(tree);
        return tree.Deserialize(type) ?? throw new JsonException("it holds null");
    }
}
