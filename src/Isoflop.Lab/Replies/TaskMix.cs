using System.Globalization;
using System.Text.RegularExpressions;
using Isoflop.Tasks;

namespace Isoflop.Lab.Replies;

/// <summary>One family at one level, and how often it is drawn.</summary>
public readonly record struct TaskLevel(TaskFamily Family, int Level, double Weight)
{
    /// <summary>"parity.3": the tag of its tokens and the name in tables.</summary>
    public string Tag => $"{Family.Name}.{Level.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary>Families and levels to draw items from.</summary>
public sealed partial class TaskMix
{
    readonly double[] cumulative;

    /// <param name="tasks">
    /// <c>FAMILY[:LEVEL[..LEVEL]][*WEIGHT]</c>: "parity" is its level 1; a family's weight is shared by its levels. FAMILY may be
    /// FILE.jsonl or cmd:PROGRAM, see <see cref="TaskFamilies.Find"/>
    /// </param>
    /// <exception cref="ConfigException">No such family or level; not of that form; none.</exception>
    public TaskMix(IReadOnlyList<string> tasks)
    {
        if (tasks.Count == 0) throw new ConfigException("no tasks; try parity:1..3, and 'isoflop tasks' for all there are");
        Levels = [.. tasks.SelectMany(Parse)];
        if (Levels.Select(l => l.Tag).Distinct().Count() < Levels.Count)
            throw new ConfigException($"tasks {string.Join(", ", tasks)} name a level twice; leave one out");
        cumulative = new double[Levels.Count];
        double sum = 0;
        for (int i = 0; i < cumulative.Length; i++) cumulative[i] = sum += Levels[i].Weight;
    }

    /// <summary>In the order given, a family's levels ascending.</summary>
    public IReadOnlyList<TaskLevel> Levels { get; }

    /// <summary>Draws one.</summary>
    /// <param name="open">whether a level may be drawn now; at least one is</param>
    public TaskLevel Pick(ref Rng rng, Func<TaskLevel, bool>? open = null)
    {
        for (; ; )
        {
            double u = rng.NextDouble() * cumulative[^1];
            int i = Array.FindIndex(cumulative, c => u < c);
            if (open is null || open(Levels[i])) return Levels[i];
        }
    }

    [GeneratedRegex(@"\A(?<name>cmd:.+?)(:(?<levels>\d+(\.\.\d+)?))?(\*(?<weight>[-+.eE\d]+))?\z")]
    private static partial Regex OfProgram();

    static IEnumerable<TaskLevel> Parse(string text)
    {
        string[] weighted = text.Split('*'), named = weighted[0].Split(':');
        // The words of a program may hold these signs too.
        if (OfProgram().Match(text) is { Success: true, Groups: var part })
        {
            weighted = part["weight"].Success ? ["", part["weight"].Value] : [""];
            named = part["levels"].Success ? [part["name"].Value, part["levels"].Value] : [part["name"].Value];
        }
        double weight = 1;
        if (weighted.Length > 2 || named.Length > 2 || weighted.Length == 2 && !(double.TryParse(weighted[1], NumberStyles.Float,
            CultureInfo.InvariantCulture, out weight) && weight > 0 && double.IsFinite(weight))) throw Bad();
        TaskFamily family = TaskFamilies.Find(named[0]);
        string[] ends = named.Length == 1 ? ["1"] : named[1].Split("..");
        int[] levels = [.. ends.Select(e => int.TryParse(e, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n
            : throw Bad())];
        if (levels.Length > 2 || levels[0] < 1 || levels[^1] < levels[0]) throw Bad();
        if (levels[^1] > family.Levels)
            throw new ConfigException($"task '{text}': {family.Name} has levels 1 to {family.Levels}");
        int count = levels[^1] - levels[0] + 1;
        return Enumerable.Range(levels[0], count).Select(level => new TaskLevel(family, level, weight / count));

        ConfigException Bad() =>
            new($"task '{text}' must be FAMILY:LEVEL, FAMILY:FROM..TO, with *WEIGHT or not; try parity:1..3*2");
    }
}
