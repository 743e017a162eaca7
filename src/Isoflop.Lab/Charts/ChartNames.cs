using System.Text.RegularExpressions;

namespace Isoflop.Lab.Charts;

/// <summary>Names for readers: of runs what tells them apart, in words; of tasks and levels without their dots.</summary>
static partial class ChartNames
{
    /// <summary>
    /// By name: "parity.direct.d32" and "parity.thought.d128" are "direct, width 32" and "thought, width 128".
    /// </summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<string> runs)
    {
        string[] names = [.. runs.Distinct()];
        if (names.Length == 0) return new Dictionary<string, string>();
        string[][] parts = [.. names.Select(n => n.Split('.'))];
        int shortest = parts.Min(p => p.Length), front = 0, back = 0;
        if (names.Length > 1)
        {
            while (front < shortest - 1 && parts.All(p => p[front] == parts[0][front])) front++;
            while (back < shortest - 1 - front && parts.All(p => p[^(back + 1)] == parts[0][^(back + 1)])) back++;
        }
        return names.Zip(parts).ToDictionary(p => p.First, p => string.Join(", ", p.Second[front..^back].Select(Words)));
    }

    /// <summary>"addition.3" is "addition, level 3".</summary>
    public static string Level(string tag) => tag.Split('.') is [var task, var level] ? $"{task}, level {level}" : tag;

    /// <summary>With a capital letter.</summary>
    public static string Title(string text) => text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..];

    static string Words(string part) => part switch
    {
        "rl" => "reinforcement",
        "rft" => "own right replies",
        "more" => "more demonstrations",
        _ => Width().Match(part) is { Success: true } width ? $"width {width.Groups[1].Value}"
            : Seed().Match(part) is { Success: true } seed ? $"seed {seed.Groups[1].Value}"
            : part.Replace('_', ' '),
    };

    [GeneratedRegex(@"^d(\d+)$")]
    private static partial Regex Width();

    [GeneratedRegex(@"^s(\d+)$")]
    private static partial Regex Seed();
}
