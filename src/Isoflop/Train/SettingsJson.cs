using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Isoflop.Store;

namespace Isoflop.Train;

/// <summary>One setting, for help and documentation.</summary>
/// <param name="Key">"train.steps"</param>
/// <param name="Default">as it would be given; empty: chosen, as <paramref name="Help"/> says</param>
sealed record Setting(string Key, string Default, string Help);

/// <summary>
/// Records of settings as a user writes them: one reader of files and key=value, one check, one help, for runs and all recipes.
/// What is not given is null, and left out of files.
/// </summary>
static class SettingsJson
{
    static readonly JsonDocumentOptions lenient =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    /// <summary>Reads a file, if there is one, and applies "train.steps=100"s in order.</summary>
    /// <exception cref="ConfigException">Not readable, an unknown key, a value of another type. One line.</exception>
    public static T Load<T>(string? file, IReadOnlyList<string> edits, JsonTypeInfo<T> type) where T : new()
    {
        JsonObject tree = [];
        string text = "";
        try
        {
            if (file is not null)
            {
                (tree, text) = Parse(file);
                Check(type, tree, "");
            }
            foreach (string edit in edits) Apply(type, tree, edit);
            return Read(tree, type);
        }
        catch (BadSetting e) when (edits.Any(edit => edit.StartsWith(e.Key + "=", StringComparison.Ordinal)))
        {
            throw new ConfigException(e.Message);
        }
        catch (BadSetting e)
        {
            int at = text.IndexOf($"\"{e.Key.Split('.')[^1]}\"", StringComparison.Ordinal);
            throw new ConfigException($"{file}: line {text.AsSpan(0, Math.Max(0, at)).Count('\n') + 1}: {e.Message}");
        }
    }

    /// <summary>A setting that cannot be read; <paramref name="key"/> is where.</summary>
    sealed class BadSetting(string key, string message) : Exception(message)
    {
        public string Key => key;
    }

    /// <summary>A record from a tree; a key that is missing has its first value.</summary>
    /// <remarks>Every key is filled in: generated readers leave a missing init-only property at zero.</remarks>
    public static T Read<T>(JsonObject tree, JsonTypeInfo<T> type) where T : new() => Over(new T(), tree, type);

    /// <summary>What <paramref name="own"/> says, and what <paramref name="below"/> says where it says nothing.</summary>
    public static T Over<T>(T below, T own, JsonTypeInfo<T> type) => Over(below, TreeOf(own, type), type);

    static T Over<T>(T below, JsonObject tree, JsonTypeInfo<T> type)
    {
        JsonObject whole = TreeOf(below, type);
        Overlay(whole, tree);
        return whole.Deserialize(type)!;
    }

    /// <summary>The same with the default of every setting that has one.</summary>
    public static T WithDefaults<T>(T value, JsonTypeInfo<T> type) =>
        Defaults(type).Deserialize(type) is { } defaults ? Over(defaults, value, type) : value;

    /// <summary>All settings, in the order of the records.</summary>
    public static IReadOnlyList<Setting> List<T>(JsonTypeInfo<T> type) where T : new() =>
        [.. List(type, TreeOf(new T(), type), "")];

    /// <summary>Every rule of a single setting that is broken: key, value, rule, next step.</summary>
    public static IEnumerable<string> Problems(object value, JsonTypeInfo type, string path = "")
    {
        foreach (JsonPropertyInfo property in PropertiesOf(type))
        {
            object? held = property.Get!(value);
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            string key = path + property.Name;
            if (held is not null && inner.Kind == JsonTypeInfoKind.Object)
                foreach (string problem in Problems(held, inner, key + ".")) yield return problem;
            if (RuleOf(property) is not { } rule) continue;
            string next = rule.Try is { } good ? $"; try {good}" : rule.Default is { } d ? $"; try {Text(d)}"
                : MayBeNull(property) ? ", or left out" : "";
            if (held is "" && MayBeNull(property)) yield return $"{key}='' is empty; leave it out";
            foreach (object one in held is System.Collections.IEnumerable list and not string ? list.Cast<object>() : [held!])
                if (one is int or long or ulong or double
                    && !rule.Allows(Convert.ToDouble(one, CultureInfo.InvariantCulture)))
                    yield return $"{key}={Text(one)} {rule.Rule}{next}";
        }
    }

    /// <summary>
    /// What tells two records of settings apart, for ever: its text is hashed for names and kept with what was made. All keys, by
    /// the name they had first; a number that is not given is 0 there, and a text empty, as files of format 1 have them.
    /// </summary>
    public static JsonElement Identity<T>(T value, JsonTypeInfo<T> type)
    {
        using JsonDocument text = JsonDocument.Parse(IdentityTree(value!, type).ToJsonString());
        return text.RootElement.Clone();
    }

    /// <summary>The same, to compare or write by its parts.</summary>
    public static JsonObject IdentityTree(object value, JsonTypeInfo type)
    {
        JsonObject tree = [];
        foreach (JsonPropertyInfo property in PropertiesOf(type))
        {
            object? held = property.Get!(value);
            if (held is null && RuleOf(property) is { Later: true }) continue;
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            Type bare = Bare(property.PropertyType);
            tree[RuleOf(property)?.Was ?? property.Name] =
                held is null ? bare == typeof(string) ? "" : bare.IsEnum || !bare.IsPrimitive ? null : JsonValue.Create(0)
                : inner.Kind == JsonTypeInfoKind.Object ? IdentityTree(held, inner)
                : JsonSerializer.SerializeToNode(held, inner);
        }
        return tree;
    }

    /// <summary>The record that has this identity. A setting younger than it has its default.</summary>
    /// <exception cref="JsonException">It is none of this type.</exception>
    public static T FromIdentity<T>(JsonObject identity, JsonTypeInfo<T> type) where T : new()
    {
        var tree = (JsonObject)identity.DeepClone();
        DropNulls(tree);
        Forget(tree, type);
        try
        {
            Check(type, tree, "");
        }
        catch (BadSetting e)
        {
            throw new JsonException(e.Message);
        }
        return WithDefaults(Read(tree, type), type);
    }

    /// <summary>A file's tree, of today or in the form of an identity, as the record is written today.</summary>
    /// <exception cref="JsonException">It is none of this type.</exception>
    public static void Renew<T>(JsonObject tree, JsonTypeInfo<T> type) where T : new()
    {
        JsonObject renewed = TreeOf(FromIdentity(tree, type), type);
        tree.Clear();
        foreach ((string key, JsonNode? value) in renewed) tree[key] = value?.DeepClone();
    }

    static void Forget(JsonObject tree, JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo property in PropertiesOf(type))
        {
            SettingAttribute? rule = RuleOf(property);
            if (rule?.Was is { } was && tree.Remove(was, out JsonNode? moved)) tree[property.Name] = moved;
            if (tree[property.Name] is JsonObject group) Forget(group, type.Options.GetTypeInfo(property.PropertyType));
            else if (rule is { Default: null } && MayBeNull(property) && tree[property.Name] is JsonValue value
                && (value.GetValueKind() == JsonValueKind.Number ? (double)value == 0 : Show(value).Length == 0))
                tree.Remove(property.Name);
        }
    }

    /// <summary>The nearest of some names, where one is near enough to have been meant.</summary>
    public static string? Nearest(string name, IEnumerable<string> names)
    {
        (string Name, int Distance) best = names.Select(n => (n, Distance(name, n))).DefaultIfEmpty(("", int.MaxValue))
            .MinBy(n => n.Item2);
        return best.Distance <= Math.Max(1, name.Length / 3) ? best.Name : null;
    }

    /// <summary>Letters to insert, delete, replace or swap. Damerau 1964, doi:10.1145/363958.363994.</summary>
    static int Distance(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0) d[i, j] = i + j;
                else d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        return d[a.Length, b.Length];
    }

    /// <summary>For a message: text bare, all else as JSON.</summary>
    public static string Show(JsonNode? value) =>
        value is JsonValue v && v.GetValueKind() == JsonValueKind.String ? v.GetValue<string>() : value?.ToJsonString() ?? "null";

    static (JsonObject, string) Parse(string file)
    {
        try
        {
            if (file.Length == 0 || file.Contains('\0') || Directory.Exists(file))
                throw new ConfigException($"'{file.Replace('\0', '␀')}' is no file of settings; name one, or leave it out");
            ReadOnlyMemory<byte> bytes = BoundedFile.Read(file);
            if (!Utf8.IsValid(bytes.Span)) throw new ConfigException($"{file}: is not UTF-8; save it as UTF-8");
            string text = Encoding.UTF8.GetString(bytes.Span).TrimStart('\uFEFF');
            return (Tree(text) as JsonObject
                ?? throw new ConfigException($"{file}: the settings must be one JSON object {{ … }}"), text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{file}: cannot be read: {e.Message}");
        }
        catch (JsonException e)
        {
            throw new ConfigException($"{file}: line {e.LineNumber + 1}: not JSON: {FirstSentence(e.Message)}");
        }
    }

    /// <summary>JSON with comments and trailing commas. Half a surrogate pair, which no text may hold, is U+FFFD.</summary>
    /// <exception cref="JsonException">It is none, or holds a key twice.</exception>
    static JsonNode? Tree(string text) =>
        JsonNode.Parse(ForeignJson.Repaired(Encoding.UTF8.GetBytes(text)).Span, documentOptions: lenient);

    static void Apply(JsonTypeInfo type, JsonObject tree, string edit)
    {
        int equals = edit.IndexOf('=');
        if (equals <= 0) throw new ConfigException($"'{edit}' is not key=value; try train.steps=100");
        string[] keys = edit[..equals].Split('.');
        for (int i = 0; i < keys.Length; i++)
        {
            string path = string.Concat(keys[..i].Select(k => k + "."));
            JsonTypeInfo inner = type.Options.GetTypeInfo(Property(type, keys[i], path).PropertyType);
            if (i == keys.Length - 1)
            {
                tree[keys[i]] = Fit(inner, ValueOf(edit[(equals + 1)..], inner, edit[..equals]), edit[..equals]);
                return;
            }
            if (inner.Kind != JsonTypeInfoKind.Object)
                throw new BadSetting(edit[..equals], $"'{edit}': {string.Join('.', keys[..(i + 1)])} is no group of settings");
            if (tree[keys[i]] is not JsonObject next) tree[keys[i]] = next = [];
            (tree, type) = (next, inner);
        }
    }

    static JsonNode ValueOf(string text, JsonTypeInfo type, string key)
    {
        Type bare = Bare(type.Type);
        if (type.Kind == JsonTypeInfoKind.Enumerable && !text.StartsWith('['))
        {
            JsonTypeInfo element = type.Options.GetTypeInfo(type.ElementType!);
            return new JsonArray([.. text.Split(',', StringSplitOptions.TrimEntries).Select(t => ValueOf(t, element, key))]);
        }
        if (bare == typeof(string) || bare.IsEnum) return JsonValue.Create(text);
        try
        {
            if (Tree(text) is { } value) return value;
        }
        catch (JsonException e)
        {
            if (text.StartsWith('{') || text.StartsWith('['))
                throw new BadSetting(key, $"{key}={text}: not JSON: {FirstSentence(e.Message)}");
            // else a number or a word as people write it
        }
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x) && double.IsFinite(x)
            ? JsonValue.Create(x) : bool.TryParse(text, out bool b) ? JsonValue.Create(b) : JsonValue.Create(text);
    }

    static void Check(JsonTypeInfo type, JsonObject tree, string path)
    {
        foreach ((string key, JsonNode? value) in tree.ToList())
        {
            JsonNode fit = Fit(type.Options.GetTypeInfo(Property(type, key, path).PropertyType), value, path + key);
            if (!ReferenceEquals(fit, value)) tree[key] = fit;
        }
    }

    static JsonPropertyInfo Property(JsonTypeInfo type, string key, string path)
    {
        if (PropertiesOf(type).FirstOrDefault(p => p.Name == key) is { } property) return property;
        string[] names = [.. PropertiesOf(type).Select(p => p.Name)];
        string? meant = Meant(type, key);
        throw new BadSetting(path + key, $"no setting '{path}{key}'; " + (meant is null ? "" : $"did you mean {path}{meant}? ") +
            $"here there are: {string.Join(", ", names)}");
    }

    /// <summary>
    /// The setting that a wrong key may stand for: an older name, nearly the same letters, the first letters of its words (lr),
    /// or one of a group, whose name was left out.
    /// </summary>
    static string? Meant(JsonTypeInfo type, string key)
    {
        JsonPropertyInfo[] all = [.. PropertiesOf(type)];
        (string Name, JsonTypeInfo Of)[] groups = [.. all.Select(p => (p.Name, type.Options.GetTypeInfo(p.PropertyType)))
            .Where(g => g.Item2.Kind == JsonTypeInfoKind.Object)];
        return all.FirstOrDefault(p => RuleOf(p)?.Was == key)?.Name
            ?? InGroup(inner => PropertiesOf(inner).FirstOrDefault(p => p.Name == key)?.Name)
            ?? Nearest(key, all.Select(p => p.Name))
            ?? all.FirstOrDefault(p => key.Length > 1 && string.Concat(p.Name.Split('_').Select(w => w[0])) == key)?.Name
            ?? InGroup(inner => Meant(inner, key));

        string? InGroup(Func<JsonTypeInfo, string?> find) =>
            groups.Select(g => find(g.Of) is { } name ? $"{g.Name}.{name}" : null).FirstOrDefault(path => path is not null);
    }

    /// <summary>
    /// The value as its type wants it: 1e6 whole where a whole number is wanted, the text of a number where text is, and the
    /// number of a text.
    /// </summary>
    static JsonNode Fit(JsonTypeInfo type, JsonNode? value, string key)
    {
        Type bare = Bare(type.Type);
        if (value is null) throw new BadSetting(key, $"{key}=null must be {Wanted(bare)}; or leave it out");
        if (type.Kind == JsonTypeInfoKind.Object)
        {
            if (value is not JsonObject child)
                throw new BadSetting(key, $"{key}={Show(value)} must be a group of settings: " +
                    string.Join(", ", PropertiesOf(type).Select(p => p.Name)));
            Check(type, child, key + ".");
            return value;
        }
        if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            if (value is not JsonArray list) throw new BadSetting(key, $"{key}={Show(value)} must be a list [ … ]");
            JsonTypeInfo element = type.Options.GetTypeInfo(type.ElementType!);
            for (int i = 0; i < list.Count; i++)
            {
                JsonNode fit = Fit(element, list[i], element.Kind == JsonTypeInfoKind.Object ? $"{key}[{i}]" : key);
                if (!ReferenceEquals(fit, list[i])) list[i] = fit;
            }
            if (list.GroupBy(v => v!.ToJsonString()).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new BadSetting(key, $"{key}: {Show(twice.First())} stands {twice.Count()} times; once is enough");
            return value;
        }
        JsonNode fitting = Scalar(value, bare);
        try
        {
            // a number stands for no choice, though the place of a choice in its list would be taken
            bool number = bare.IsEnum && Show(fitting) is [>= '0' and <= '9' or '-' or '+', ..];
            if (!number && fitting.Deserialize(type) is not (double.PositiveInfinity or double.NegativeInfinity)) return fitting;
            throw new BadSetting(key, $"{key}={Show(value)} must be {(number ? Wanted(bare) : "a finite number")}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new BadSetting(key, $"{key}={Show(value)} must be {Wanted(bare)}");
        }
    }

    static JsonNode Scalar(JsonNode value, Type type)
    {
        if (value is not JsonValue leaf) return value;
        JsonValueKind kind = leaf.GetValueKind();
        if (type == typeof(string) && kind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
            return type == typeof(string) ? JsonValue.Create(leaf.ToJsonString()) : value;
        if (!type.IsPrimitive || type == typeof(bool) || kind is not (JsonValueKind.Number or JsonValueKind.String)) return value;
        string text = Show(leaf);
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x) || !double.IsFinite(x))
            return value;
        if (type == typeof(double)) return kind == JsonValueKind.String ? JsonValue.Create(x) : value;
        return x == Math.Floor(x) && Math.Abs(x) < 1L << 53 && (kind == JsonValueKind.String || text.AsSpan().ContainsAny("eE."))
            ? JsonValue.Create((long)x) : value;
    }

    static string Wanted(Type type) =>
        type == typeof(int) ? "a whole number below 2^31"
        : type == typeof(long) ? "a whole number"
        : type == typeof(ulong) ? "a whole number, not negative"
        : type == typeof(double) ? "a number"
        : type == typeof(bool) ? "true or false"
        : type.IsEnum ? Choices(type)
        : type == typeof(string) ? "text" : "a value of its kind";

    /// <summary>The names of a choice as settings write them: "wsd or cosine".</summary>
    static string Choices(Type type)
    {
        string[] names = [.. Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)];
        return $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }

    /// <summary>What <see cref="Load"/> reads again: what is not given is left out.</summary>
    public static string Text<T>(T value, JsonTypeInfo<T> type) => TreeOf(value, type).ToJsonString();

    static JsonObject TreeOf<T>(T value, JsonTypeInfo<T> type)
    {
        JsonObject tree = JsonSerializer.SerializeToNode(value, type)!.AsObject();
        DropNulls(tree);
        return tree;
    }

    static void DropNulls(JsonObject tree)
    {
        foreach ((string key, JsonNode? value) in tree.ToList())
        {
            if (value is null) tree.Remove(key);
            else if (value is JsonObject inner) DropNulls(inner);
        }
    }

    static void Overlay(JsonObject whole, JsonObject tree)
    {
        foreach ((string key, JsonNode? value) in tree)
        {
            if (value is JsonObject inner && whole[key] is JsonObject into) Overlay(into, inner);
            else whole[key] = value?.DeepClone();
        }
    }

    static JsonObject Defaults(JsonTypeInfo type)
    {
        JsonObject tree = [];
        foreach (JsonPropertyInfo property in PropertiesOf(type))
        {
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (RuleOf(property)?.Default is { } value) tree[property.Name] = JsonSerializer.SerializeToNode(value, inner);
            else if (inner.Kind == JsonTypeInfoKind.Object) tree[property.Name] = Defaults(inner);
        }
        return tree;
    }

    static IEnumerable<Setting> List(JsonTypeInfo type, JsonObject values, string path)
    {
        foreach (JsonPropertyInfo property in PropertiesOf(type))
        {
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (inner.Kind == JsonTypeInfoKind.Object)
            {
                JsonObject group = values[property.Name] as JsonObject ?? [];
                foreach (Setting setting in List(inner, group, path + property.Name + ".")) yield return setting;
                continue;
            }
            SettingAttribute? rule = RuleOf(property);
            JsonNode? first = rule?.Default is { } d ? JsonSerializer.SerializeToNode(d, inner) : values[property.Name];
            yield return new(path + property.Name, first switch
            {
                null => "",
                JsonArray list => string.Join(',', list.Select(Show)),
                _ => Show(first)
            }, rule?.Help ?? "");
        }
    }

    static IEnumerable<JsonPropertyInfo> PropertiesOf(JsonTypeInfo type) => type.Properties.Where(p => p.Get is not null);

    static SettingAttribute? RuleOf(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(SettingAttribute), false).OfType<SettingAttribute>()
            .FirstOrDefault();

    static bool MayBeNull(JsonPropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null : property.IsSetNullable;

    static Type Bare(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    static string FirstSentence(string text) => text.Split(". ")[0];
}
