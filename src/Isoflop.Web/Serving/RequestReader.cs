using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Isoflop.Web.Serving;

/// <summary>
/// Reads a request's members one by one, and says of what is wrong which member it is, its value and the rule. What nobody has
/// read is unknown.
/// </summary>
sealed class RequestReader
{
    const int ShownLength = 60;

    readonly JsonElement root;
    readonly HashSet<string> read = [];

    public RequestReader(JsonElement root) => this.root = root.ValueKind == JsonValueKind.Object ? root
        : throw ApiException.Bad($"the request must be an object, and is {Shown(root)}");

    /// <summary>A member that is there and not null.</summary>
    public JsonElement? Find(string name)
    {
        read.Add(name);
        return root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string? Text(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, value, "must be a string");

    public bool Flag(string name) => Find(name) is { } value && (value.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? value.GetBoolean() : throw Wrong(name, value, "must be true or false"));

    public int? Whole(string name, int from, int to) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == Math.Floor(number)
            && number >= from && number <= to ? (int)number
            : throw Wrong(name, value, $"must be a whole number from {from} to {to}");

    public float? Number(string name, double from, double to) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= from && number <= to
            ? (float)number
            : throw Wrong(name, value, string.Create(CultureInfo.InvariantCulture, $"must be a number from {from} to {to}"));

    /// <summary>Any 64 bits; with a sign or without.</summary>
    public ulong? Bits(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong bits) ? bits
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long signed) ? (ulong)signed
        : throw Wrong(name, value, "must be a whole number of 64 bits");

    /// <summary>A string or a list of them.</summary>
    public string[] Texts(string name, int most)
    {
        if (Find(name) is not { } value) return [];
        if (value.ValueKind == JsonValueKind.String) return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.String))
            throw Wrong(name, value, "must be a string or a list of strings");
        if (value.GetArrayLength() > most) throw Wrong(name, value, $"may hold {most} strings at most");
        return [.. value.EnumerateArray().Select(v => v.GetString()!)];
    }

    /// <summary>One of some words.</summary>
    public string? OneOf(string name, IReadOnlyList<string> words) => Text(name) is not { } word ? null
        : words.Contains(word) ? word : throw Wrong(name, Find(name)!.Value, $"must be one of {string.Join(", ", words)}");

    /// <summary>Members that other servers heed and that change nothing here, whatever they hold.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (string name in names) read.Add(name);
    }

    /// <summary>Members that ask for what is not done here, unless they ask for nothing.</summary>
    public void Refuse(string why, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            if (Find(name) is { } value && !AsksNothing(value))
                throw Wrong(name, value, $"is not supported: {why}; leave it out", "unsupported_parameter");
    }

    static bool AsksNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetDouble(out double number) && number == 0,
        JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.String => value.ValueEquals("none") || value.ValueEquals("auto") || value.ValueEquals(""),
        _ => false,
    };

    /// <summary>The end: nothing else may be there.</summary>
    public void End()
    {
        foreach (JsonProperty member in root.EnumerateObject())
            if (!read.Contains(member.Name))
                throw ApiException.Bad($"unknown parameter '{Cut(member.Name)}'; " +
                    $"known are {string.Join(", ", read.Order(StringComparer.Ordinal))}", Cut(member.Name), "unknown_parameter");
    }

    /// <summary>A member's value breaks a rule.</summary>
    public static ApiException Wrong(string name, JsonElement value, string rule, string code = "invalid_value") =>
        ApiException.Bad($"{name} = {Shown(value)} {rule}", name, code);

    static string Shown(JsonElement value) => Cut(value.GetRawText());

    static string Cut(string text) => text.Length > ShownLength ? text[..ShownLength] + "…" : text;
}
