using System.Text.Json;
using System.Text.Json.Nodes;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Web.Home;

/// <summary>A setting of a run.</summary>
sealed record SettingLine(string Key, string Value);

/// <summary>Something that happened to a run.</summary>
sealed record EventLine(string Event, DateTime Utc, int Step, string Note);

/// <summary>A run's own page, beside its curves.</summary>
/// <param name="Command">that trains it, or goes on with it; empty: not known</param>
sealed record RunView(RunLine Line, IReadOnlyList<SettingLine> Settings, IReadOnlyList<EventLine> Events, string Machine,
    string Command, IReadOnlyList<int> Checkpoints);

/// <summary>Reads what a run's page shows.</summary>
sealed class RunViews(Workspace here, RunIndex runs)
{
    /// <summary>A run; null: none of that name.</summary>
    public RunView? Of(string name)
    {
        string path = here.RunFolder(name);
        if (runs.Find(name) is not { } line) return null;
        try
        {
            RunRecord record = RunRecord.Load(path);
            return new(line, [.. SettingsOf(record).Select(s => new SettingLine(s.Key, s.Value))],
                [.. RunFolder.ReadEvents(path).TakeLast(200).Select(e => new EventLine(e.Event, e.Utc, e.Step, e.Note))],
                $"{record.Machine.Device} on {record.Machine.Host}, {record.Machine.Runtime}", "", Checkpoint.StepsIn(path));
        }
        catch (DataException e)
        {
            return new(line with { Problem = e.Message }, [], [], "", "", []);
        }
    }

    /// <summary>Settings as the command takes them; those of the recipe where it is more than next-word training.</summary>
    public static IEnumerable<(string Key, string Value)> SettingsOf(RunRecord record) => record.Recipe is { } recipe
        ? Flat(JsonNode.Parse(recipe.GetRawText()), "")
        : Flat(JsonNode.Parse(Config.ToJson(record.Config)), "");

    static IEnumerable<(string, string)> Flat(JsonNode? node, string path)
    {
        if (node is not JsonObject tree) yield break;
        foreach ((string key, JsonNode? value) in tree)
            if (value is JsonObject) foreach ((string, string) inner in Flat(value, path + key + ".")) yield return inner;
            else if (value is JsonArray list) yield return (path + key, string.Join(',', list.Select(v => v?.ToString())));
            else if (value is not null && value.ToString().Length > 0) yield return (path + key, value.GetValueKind() switch
            {
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                _ => value.ToString(),
            });
    }
}
