using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Store;

/// <summary>What a record that stands alone says of itself: its keys kind and format_version.</summary>
/// <param name="Newest">version that this program writes, and the newest that it reads</param>
/// <param name="Sealed">version from which on a record carries the hash of its text</param>
readonly record struct Format(string Kind, int Newest = 2, int Sealed = 2)
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
/// Records that stand alone, a JSON file each: written whole, under their kind and version, with the hash of their text, which a
/// change by hand does not fit. Keys that the type does not know are refused where the type says so: settings decide bits, and
/// may not be guessed.
/// </summary>
static class JsonFile
{
    /// <summary>Replaces a record.</summary>
    public static void Write<T>(string path, T value, Format format, JsonTypeInfo<T> type) =>
        WholeFile.Write(path, Encode(value, format, type));

    const string Seal = "hash";

    /// <summary>A record's text, with kind and version before its own keys and its hash behind them.</summary>
    public static string Encode<T>(T value, Format format, JsonTypeInfo<T> type)
    {
        JsonObject tree = JsonSerializer.SerializeToNode(value, type)!.AsObject();
        tree.Insert(0, "kind", format.Kind);
        tree.Insert(1, "format_version", format.Newest);
        if (format.Newest >= format.Sealed) tree[Seal] = HashOf(tree);
        return tree.ToJsonString(type.Options);
    }

    /// <summary>Reads a record.</summary>
    /// <param name="mend">what an older program did not write</param>
    /// <exception cref="DataException">Missing, broken, of another kind, of a newer format, with unknown keys.</exception>
    public static T Read<T>(string path, Format format, JsonTypeInfo<T> type, Action<JsonObject>? mend = null)
    {
        try
        {
            return Decode(BoundedFile.Read(path), path, format, type, mend);
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
        int version = (int?)tree["format_version"] ?? 0;
        format.Check(path, (string?)tree["kind"], version);
        string? stated = (string?)tree[Seal];
        tree.Remove(Seal);
        if (stated is null ? version >= format.Sealed : stated != HashOf(tree))
            throw Altered(path);
        tree.Remove("kind");
        tree.Remove("format_version");
        mend?.Invoke(tree);
        return tree.Deserialize(type) ?? throw new JsonException("it holds null");
    }

    /// <summary>Holds a record of any kind against its hash.</summary>
    /// <returns>true: it fits; false: it has none; null: no record of ours</returns>
    /// <exception cref="DataException">It does not fit, or is no JSON.</exception>
    public static bool? Verify(string path)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllBytes(path)) is not JsonObject tree || !tree.ContainsKey("kind")) return null;
            string? stated = (string?)tree[Seal];
            tree.Remove(Seal);
            return stated is null ? false : stated == HashOf(tree) ? true : throw Altered(path);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException or FormatException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message.Split(". ")[0]}", e);
        }
    }

    static DataException Altered(string path) => new($"{path}: was altered after it was written: its hash does not fit; " +
        "restore it, or take its lines hash and format_version out to use it as it is");

    // Of the values, not of white space: a record may be printed anew.
    static string HashOf(JsonObject tree) => XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(tree.ToJsonString()))
        .ToString("x32", CultureInfo.InvariantCulture);
}
