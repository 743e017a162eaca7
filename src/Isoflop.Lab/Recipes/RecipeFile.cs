using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Isoflop.Lab.Recipes;

/// <summary>A flat recipe: a JSON file, edited by key=value.</summary>
static class RecipeFile
{
    static readonly JsonDocumentOptions lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type; one line.</exception>
    public static T Load<T>(string? file, IReadOnlyList<string> edits, JsonTypeInfo<T> type)
    {
        JsonObject tree = [];
        string at = file ?? "settings";
        try
        {
            if (file is not null)
                tree = JsonNode.Parse(File.ReadAllText(file), documentOptions: lenient) as JsonObject
                    ?? throw new ConfigException($"{file}: a recipe is one JSON object {{ … }}");
            foreach (string edit in edits) Apply(tree, edit, type);
            foreach ((string key, JsonNode? value) in tree)
                if (Known(key, type) is not null && value is null)
                    throw new ConfigException($"{at}: {key} is null; leave it out");
            return tree.Deserialize(type)!;
        }
        catch (JsonException e)
        {
            string key = e.Path is { Length: > 2 } path ? path[2..] + " " : "";
            throw new ConfigException($"{at}: {key}has a value of the wrong kind ({e.Message.Split(". ")[0]})");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConfigException($"{at}: cannot be read: {e.Message}");
        }
    }

    static void Apply<T>(JsonObject tree, string edit, JsonTypeInfo<T> type)
    {
        int equals = edit.IndexOf('=');
        if (equals <= 0) throw new ConfigException($"'{edit}' is not key=value; try steps=100");
        (string key, string text) = (edit[..equals], edit[(equals + 1)..]);
        Type wanted = Known(key, type).PropertyType;
        tree[key] = wanted == typeof(string) ? JsonValue.Create(text)
            : typeof(IEnumerable<string>).IsAssignableFrom(wanted)
                ? new JsonArray([.. text.Split(',').Select(t => (JsonNode)JsonValue.Create(t))])
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
                ? x == Math.Floor(x) && Math.Abs(x) < 1L << 53 ? JsonValue.Create((long)x) : JsonValue.Create(x)
            : bool.TryParse(text, out bool b) ? JsonValue.Create(b) : JsonValue.Create(text);
    }

    static JsonPropertyInfo Known<T>(string key, JsonTypeInfo<T> type) =>
        type.Properties.FirstOrDefault(p => p.Name == key) ?? throw new ConfigException($"no setting '{key}'; here there are: " +
            string.Join(", ", type.Properties.Select(p => p.Name)));
}
