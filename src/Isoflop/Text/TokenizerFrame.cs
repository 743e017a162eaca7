using System.Text.Encodings.Web;
using System.Text.Json;

namespace Isoflop.Text;

/// <summary>
/// What a tokenizer.json puts around a text: its post-processor. A corpus has end-of-text before every document; a published
/// model says so here, for the programs that do not train it.
/// </summary>
static class TokenizerFrame
{
    const string Name = "post_processor";

    static readonly JsonWriterOptions readable =
        new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The token that a post-processor puts before a text; null: none.</summary>
    /// <param name="other">what it does beside that, in words; null: nothing</param>
    public static int? BeginningOf(JsonElement processor, out string? other)
    {
        other = null;
        int? beginning = null;
        if (processor.ValueKind == JsonValueKind.Undefined) return null;
        try
        {
            foreach (JsonElement part in Parts(processor))
            {
                string? type = part.GetProperty("type").GetString();
                if (type == "ByteLevel") continue;
                if (type != "TemplateProcessing")
                {
                    other = $"{Name} '{type}'";
                    continue;
                }
                JsonElement[] single = [.. part.GetProperty("single").EnumerateArray()];
                if (single is [var only] && only.TryGetProperty("Sequence", out _)) continue;
                int[] ids = single is [var first, var text] && first.TryGetProperty("SpecialToken", out JsonElement token)
                    && text.TryGetProperty("Sequence", out _)
                        ? [.. part.GetProperty("special_tokens").GetProperty(token.GetProperty("id").GetString()!)
                            .GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())] : [];
                if (ids is [var id] && beginning is null) beginning = id;
                else other = $"a {Name} with more than one token before a text, or tokens after it";
            }
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            other = $"a {Name} that is not as Hugging Face writes it";
        }
        return beginning;
    }

    /// <summary>A file's post-processor without what <see cref="Publish"/> puts there: equal tokenizers stay equal.</summary>
    public static JsonElement Foreign(JsonElement processor, IReadOnlyList<AddedToken> added)
    {
        AddedToken? end = Tokenizer.EndNames.Select(n => added.FirstOrDefault(a => a.Text == n)).FirstOrDefault(a => a != null);
        if (end is null || processor.ValueKind == JsonValueKind.Undefined) return processor;
        JsonElement ours = Template(end.Text, end.Id);
        if (JsonElement.DeepEquals(processor, ours)) return default;
        return Parts(processor).ToArray() is [var theirs, var last] && JsonElement.DeepEquals(last, ours) ? theirs : processor;
    }

    /// <summary>A tokenizer.json with end-of-text before every text, where its author puts nothing else.</summary>
    /// <param name="endOfText">its name is among the added tokens</param>
    /// <returns>the file; the name of end-of-text, or null where the file has no such token: it stays as it is</returns>
    /// <exception cref="DataException">It is no tokenizer.json.</exception>
    public static (byte[] Json, string? EndOfText) Publish(byte[] json, int endOfText)
    {
        try
        {
            return Framed(json, endOfText);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new DataException($"tokenizer.json of the corpus is not as Hugging Face writes it ({e.Message})", e);
        }
    }

    static (byte[] Json, string? EndOfText) Framed(byte[] json, int endOfText)
    {
        using JsonDocument file = JsonDocument.Parse(json);
        if (!file.RootElement.TryGetProperty("added_tokens", out JsonElement added)
            || added.EnumerateArray().FirstOrDefault(t => t.GetProperty("id").GetInt32() == endOfText) is not
            { ValueKind: JsonValueKind.Object } end) return (json, null);
        string name = end.GetProperty("content").GetString()!;
        bool has = file.RootElement.TryGetProperty(Name, out JsonElement processor)
            && processor.ValueKind == JsonValueKind.Object;
        if (has && processor.GetProperty("type").GetString() != "ByteLevel") return (json, name);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, readable))
        {
            writer.WriteStartObject();
            foreach (JsonProperty part in file.RootElement.EnumerateObject())
                if (part.Name != Name) part.WriteTo(writer);
            writer.WritePropertyName(Name);
            if (has)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "Sequence");
                writer.WriteStartArray("processors");
                processor.WriteTo(writer);
            }
            Template(name, endOfText).WriteTo(writer);
            if (has)
            {
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
        return (stream.ToArray(), name);
    }

    static IEnumerable<JsonElement> Parts(JsonElement processor) => processor.GetProperty("type").GetString() == "Sequence"
        ? processor.GetProperty("processors").EnumerateArray() : [processor];

    static JsonElement Template(string name, int id)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("type", "TemplateProcessing");
            Sequence("single", "A");
            Sequence("pair", "A", "B");
            json.WriteStartObject("special_tokens");
            json.WriteStartObject(name);
            json.WriteString("id", name);
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();

            void Sequence(string form, params string[] texts)
            {
                json.WriteStartArray(form);
                foreach ((int type, string text) in texts.Index())
                {
                    Member("SpecialToken", name, type);
                    Member("Sequence", text, type);
                }
                json.WriteEndArray();
            }

            void Member(string kind, string of, int type)
            {
                json.WriteStartObject();
                json.WriteStartObject(kind);
                json.WriteString("id", of);
                json.WriteNumber("type_id", type);
                json.WriteEndObject();
                json.WriteEndObject();
            }
        }
        using JsonDocument made = JsonDocument.Parse(stream.ToArray());
        return made.RootElement.Clone();
    }
}
