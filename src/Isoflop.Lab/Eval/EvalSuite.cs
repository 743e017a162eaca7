using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Store;

namespace Isoflop.Lab.Eval;

/// <summary>Items that are asked together, under a name; equal content has an equal hash.</summary>
public sealed class EvalSuite
{
    static readonly JsonObject Defaults = JsonSerializer.SerializeToNode(
        new EvalItem { Id = "", Task = "", Answer = "" }, EvalJson.Default.EvalItem)!.AsObject();

    EvalSuite(string name, IReadOnlyList<EvalItem> items, Func<int, string> placeOf)
    {
        (Name, Items) = (name, items);
        if (items.Count == 0) throw new DataException($"{name}: holds no item; write one a line");
        var places = new Dictionary<string, int>();
        var hash = new XxHash128();
        for (int i = 0; i < items.Count; i++)
        {
            if (items[i].Problem() is { } problem) throw new DataException($"{placeOf(i)}: {problem}");
            if (!places.TryAdd(items[i].Id, i))
                throw new DataException($"{placeOf(i)}: id '{items[i].Id}' was used at {placeOf(places[items[i].Id])}; " +
                    "give each item its own");
            hash.Append(JsonSerializer.SerializeToUtf8Bytes(items[i], EvalJson.Default.EvalItem));
            hash.Append("\n"u8);
        }
        Hash = Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>A suite of items that were made.</summary>
    /// <exception cref="DataException">There is none, one breaks a rule, two have one id.</exception>
    public EvalSuite(string name, IReadOnlyList<EvalItem> items) : this(name, items, i => $"{name}: item {i + 1}") { }

    /// <summary>A file's name without its ending; a file of results is named by it.</summary>
    public string Name { get; }

    /// <summary>In order.</summary>
    public IReadOnlyList<EvalItem> Items { get; }

    /// <summary>Hex of the XxHash128 of all items.</summary>
    public string Hash { get; }

    /// <summary>
    /// Reads JSON lines, an <see cref="EvalItem"/> each, or one list of them, keys in snake_case. Blank lines do not count.
    /// </summary>
    /// <exception cref="ConfigException">There is no such file.</exception>
    /// <exception cref="DataException">A line that is not an item, or breaks a rule; names file, line and rule.</exception>
    public static EvalSuite Read(string path)
    {
        if (!File.Exists(path)) throw new ConfigException($"suite={path}: no such file; give one of JSON lines, an item each");
        var items = new List<EvalItem>();
        var places = new List<string>();
        foreach ((string place, JsonElement row) in ForeignJson.Rows(path))
        {
            items.Add(Parse(row, place));
            places.Add(place);
        }
        if (items.Count == 0) throw new DataException($"{path}: holds no item; write one a line");
        return new(Path.GetFileNameWithoutExtension(path), items, i => places[i]);
    }

    /// <summary>Writes the items as JSON lines; <see cref="Read"/> gives them back.</summary>
    public void Write(TextWriter output)
    {
        foreach (EvalItem item in Items) output.WriteLine(JsonSerializer.Serialize(item, EvalJson.Default.EvalItem));
    }

    static EvalItem Parse(JsonElement row, string place)
    {
        var keys = EvalJson.Default.EvalItem.Properties;
        try
        {
            if (row.ValueKind != JsonValueKind.Object || JsonObject.Create(row) is not { } own)
                throw new DataException($"{place}: is no JSON object; an item is one: {{\"id\": …}}");
            if (own.FirstOrDefault(p => keys.All(k => k.Name != p.Key)).Key is { } odd)
                throw new DataException($"{place}: no key '{odd}'; an item has: {string.Join(", ", keys.Select(k => k.Name))}");
            foreach (var key in keys.Where(k => !own.ContainsKey(k.Name)))
            {
                if (key.IsRequired) throw new DataException($"{place}: no '{key.Name}'; every item needs one");
                own[key.Name] = Defaults[key.Name]?.DeepClone();                 // what is left out has its default, and not null
            }
            return own.Deserialize(EvalJson.Default.EvalItem)!;
        }
        catch (JsonException e)
        {
            throw new DataException($"{place}: '{e.Path?.TrimStart('$', '.')}' has a value of the wrong kind; " +
                "see isoflop eval --help", e);
        }
    }
}
