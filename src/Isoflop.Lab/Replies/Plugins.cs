using System.Collections.Concurrent;
using System.Reflection;
using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>
/// What of a user's own takes part: plugins that were loaded, and programs that make and judge tasks. A run records those that
/// decide its bits, as NAME#HASH.
/// </summary>
static class Plugins
{
    static readonly ConcurrentDictionary<Assembly, string> stamps = [];

    /// <summary>Notes where what an assembly registers comes from.</summary>
    /// <param name="hash">of the plugin's content</param>
    public static void Add(Assembly assembly, string name, string hash) => stamps[assembly] = $"{name}#{hash}";

    /// <summary>Of families and other registered things, those of a user's that are not in this program; null: none.</summary>
    public static IReadOnlyList<string>? Of(IEnumerable<object> used)
    {
        string[] own = [.. used.Select(StampOf).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
        return own.Length == 0 ? null : own;
    }

    static string? StampOf(object used) =>
        used is TaskFamily { Origin: { } program } ? $"{program.Name}#{program.Hash}"
        : stamps.GetValueOrDefault(used.GetType().Assembly);

    /// <summary>Refuses to go on with a run without what it was begun with.</summary>
    /// <exception cref="ConfigException">Names what is missing, or was edited.</exception>
    public static void Hold(string run, IReadOnlyList<string> recorded)
    {
        foreach (string stamp in recorded)
        {
            string name = stamp[..stamp.LastIndexOf('#')];
            string? now = name.StartsWith("cmd:", StringComparison.Ordinal) ? StampOf(TaskFamilies.Find(name))
                : stamps.Values.FirstOrDefault(s => s == stamp) ?? stamps.Values.FirstOrDefault(s => s.StartsWith(name + "#",
                    StringComparison.Ordinal));
            if (now == stamp) continue;
            throw new ConfigException(now is null ? $"{run} was begun with the plugin {name}, which is not loaded; load it"
                : $"{run} was begun with {stamp}, and {name} was edited since: it is {now} now; use the old " +
                    "one, or another name");
        }
    }
}
