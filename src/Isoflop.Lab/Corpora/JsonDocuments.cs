using System.Text;
using System.Text.Json;
using Isoflop.Store;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// The text of a JSON object: of a property, or of one further in, <c>data.text</c> or <c>data/text</c>; what stands in lists is
/// one document, a line each. What is not asked for need not be more than JSON as Python writes it.
/// </summary>
sealed class JsonDocuments(CorpusRecipe recipe)
{
    static readonly JsonReaderOptions options = new() { MaxDepth = 1000 };

    /// <summary>Adds an object's document, if it has one.</summary>
    /// <param name="json">UTF-8</param> <param name="unit">"line", "member": with its number, for messages</param>
    /// <exception cref="DataException">No JSON object, or without the field; where that is asked for, what is no JSON is counted
    /// and left out.</exception>
    public void Add(ReadOnlyMemory<byte> json, string path, string unit, long number, Parsed into)
    {
        ReadOnlyMemory<byte> text = json;
        for (bool repaired = false; ; repaired = true)
        {
            try
            {
                if (Document(text.Span, path, unit, number) is { } document) into.Documents.Add(document);
                return;
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                if (!repaired && (recipe.Lossy || e is JsonException)) text = ForeignJson.Repaired(json, halves: recipe.Lossy);
                else if (recipe.Lossy)
                {
                    into.Broken++;
                    return;
                }
                else throw new DataException($"{path}: {unit} {number} " + (e is not JsonException broken
                    ? "has half of a surrogate pair, which is not text; replace it with lossy=true"
                    : $"is {Brief(broken)}; each {unit} must be one object" +
                        (number == 1 ? "" : "; leave such out with lossy=true")), e);
            }
        }
    }

    static string Brief(JsonException e) => e.BytePositionInLine is not { } at ? e.Message
        : $"not JSON: {e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ')} at byte {at}";

    TextDocument? Document(ReadOnlySpan<byte> json, string path, string unit, long number)
    {
        List<string>? texts = Find(json, recipe.Field, scalars: false, out string? wrong);
        List<string>? tags = recipe.TagField is null || wrong is not null ? null
            : Find(json, recipe.TagField, scalars: true, out wrong);
        if (wrong is not null) throw new DataException($"{path}: {unit} {number}: {wrong}");
        if (texts is null) throw NoField($"{path}: {unit} {number}: no property", recipe.Field, NamesIn(json));
        if (recipe.TagField is { } field && tags is not [_])
            throw tags is { Count: > 1 }
                ? new DataException($"{path}: {unit} {number}: '{field}' has {tags.Count} values, a tag is one")
                : NoField($"{path}: {unit} {number}: no tag", field, NamesIn(json));
        string text = texts.Count == 1 ? texts[0] : string.Join('\n', texts);
        return string.IsNullOrWhiteSpace(text) ? null
            : new(Encoding.UTF8.GetBytes(text), tags is null ? null : TagOf(tags[0], path, unit, number, recipe.Lossy));
    }

    /// <summary>A tag names a column and a curve: it is one line.</summary>
    public static string TagOf(string tag, string path, string unit, long number, bool lossy) => !tag.Any(char.IsControl) ? tag
        : lossy ? string.Concat(tag.Select(c => char.IsControl(c) ? ' ' : c))
        : throw new DataException($"{path}: {unit} {number}: the tag \"{JsonEncodedText.Encode(tag)}\" holds a control " +
            "character; clean that field, or replace such by spaces with lossy=true");

    public static DataException NoField(string where, string field, IEnumerable<string> there) =>
        new($"{where} '{field}'; here there are: {string.Join(", ", there)}");

    /// <summary>Whether an object, or the first of a list, that begins so has the field; the rest may be missing.</summary>
    public static bool Has(ReadOnlySpan<byte> json, string field)
    {
        var search = new Search(field, scalars: true);
        try
        {
            if (json.StartsWith("\uFEFF"u8)) json = json[3..];
            var reader = new Utf8JsonReader(ForeignJson.Repaired(json.ToArray()).Span, options);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray) reader.Read();
            search.Object(ref reader, field, top: true);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) { }      // cut, or more lines
        return search.Found is not null || search.Wrong is not null;
    }

    /// <summary>What stands at a path; null: nothing does.</summary>
    /// <param name="scalars">numbers too, as they are written</param>
    /// <param name="wrong">something stands there that is no text</param>
    static List<string>? Find(ReadOnlySpan<byte> json, string field, bool scalars, out string? wrong)
    {
        var reader = new Utf8JsonReader(json, options);
        var search = new Search(field, scalars);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException($"a JSON {reader.TokenType}");
        search.Object(ref reader, field, top: true);
        reader.Read();                                          // anything after the object throws
        wrong = search.Wrong;
        return search.Found;
    }

    static List<string> NamesIn(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, options);
        List<string> names = [];
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            names.Add(NameOf(ref reader));
            reader.Read();
            reader.Skip();
        }
        return names;
    }

    static string NameOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(reader.ValueSpan);   // half of a pair, in a name: not the one that is asked for
        }
    }

    /// <summary>One walk through an object, a property after the other.</summary>
    sealed class Search(string field, bool scalars)
    {
        bool whole;                                             // the property that is named by the path itself wins

        public List<string>? Found { get; private set; }
        public string? Wrong { get; private set; }

        /// <summary>Reads to the end of the object at whose beginning the reader stands.</summary>
        public void Object(ref Utf8JsonReader reader, string path, bool top)
        {
            int mark = -1;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool same = !reader.ValueIsEscaped && reader.ValueTextEquals(path);
                string? name = same ? path : NameOf(ref reader);
                reader.Read();
                if (name == path)
                {
                    if (top) (Found, Wrong, whole) = (null, null, true);
                    else if (!whole && mark >= 0) Found!.RemoveRange(mark, Found.Count - mark);      // the last of a name counts
                    if (top || !whole)
                    {
                        mark = (Found ??= []).Count;
                        Value(ref reader, inList: false);
                        continue;
                    }
                }
                else if (!whole && Below(path, name) is { } rest)
                {
                    Descend(ref reader, rest);
                    continue;
                }
                reader.Skip();
            }
        }

        static string? Below(string path, string name) => name.Length > 0 && path.Length > name.Length + 1
            && path[name.Length] is '.' or '/' && path.StartsWith(name, StringComparison.Ordinal)
                ? path[(name.Length + 1)..] : null;

        void Descend(ref Utf8JsonReader reader, string rest)
        {
            if (reader.TokenType == JsonTokenType.StartObject) Object(ref reader, rest, top: false);
            if (reader.TokenType != JsonTokenType.StartArray) return;
            Found ??= [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Descend(ref reader, rest);
        }

        void Value(ref Utf8JsonReader reader, bool inList)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    Found!.Add(reader.GetString()!);
                    break;
                case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null when scalars:
                    Found!.Add(Encoding.UTF8.GetString(reader.ValueSpan));
                    break;
                case JsonTokenType.Null:
                    break;
                case JsonTokenType.StartArray:
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Value(ref reader, inList: true);
                    break;
                case JsonTokenType.StartObject:
                    Wrong = $"'{field}' is {(inList ? "a list of objects" : "an object")}, not text; name what to read in it: " +
                        $"field={field}.NAME";
                    reader.Skip();
                    break;
                default:
                    Wrong = $"'{field}' is {(inList ? "a list with " : "")}a {reader.TokenType}, not a string";
                    break;
            }
        }
    }
}
