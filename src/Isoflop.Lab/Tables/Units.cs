using System.Globalization;
using System.Text.RegularExpressions;

namespace Isoflop.Lab.Tables;

/// <summary>Units that the header of a column names: GFLOPs, FLOPs (1E21), PF-days, params (M), tokens_b.</summary>
static partial class Units
{
    static readonly (string Letter, string Name, double Factor)[] Prefixes =
    [
        ("k", "kilo", 1e3), ("m", "mega", 1e6), ("g", "giga", 1e9), ("t", "tera", 1e12), ("p", "peta", 1e15), ("e", "exa", 1e18),
        ("z", "zetta", 1e21), ("y", "yotta", 1e24),
    ];

    static readonly (string[] Words, string Name, double Factor)[] Counts =
    [
        (["k", "thousand", "thousands"], "thousands", 1e3), (["m", "mn", "million", "millions"], "millions", 1e6),
        (["b", "bn", "g", "billion", "billions"], "billions", 1e9), (["t", "tn", "trillion", "trillions"], "trillions", 1e12),
    ];

    /// <summary>What numbers below this header are multiplied with, and the unit's name; 1 and null: it names none.</summary>
    /// <exception cref="DataException">It names a rate where work is meant.</exception>
    public static (double Factor, string? Name) Of(string header, Quantity quantity, string path)
    {
        string lower = header.ToLowerInvariant();
        if (quantity == Quantity.Count)
        {
            string[] words = Words().Split(lower);
            // One letter alone is a name, behind a name it is a unit.
            foreach ((string[] names, string name, double factor) in Counts)
                if (words.Where((w, i) => i > 0 || w.Length > 2).Any(names.Contains)) return (factor, name);
            return (1, null);
        }
        if (quantity == Quantity.Plain || Work().Match(lower) is not { Success: true } m) return (1, null);
        string prefix = m.Groups["prefix"].Value;
        (_, string full, double scale) = prefix.Length == 0 ? ("", "", 1)
            : Prefixes.First(p => prefix == p.Letter || prefix == p.Name);
        if (m.Groups["days"].Success) return (scale * 86400, $"{full}FLOP/s-days");
        if (m.Groups["rate"].Success)
            throw new DataException($"{path}: column '{ForeignTable.Shown(header)}' is a rate by its name; " +
                "name the column of FLOPs in all");
        if (scale == 1 && PowerOfTen().Match(lower) is { Success: true } power)
            return (double.Parse(power.Groups[1].Value, CultureInfo.InvariantCulture), $"{power.Groups[1].Value} FLOPs");
        return (scale, scale == 1 ? null : $"{full}FLOPs");
    }

    /// <summary>"FLOPs (1E21)".</summary>
    [GeneratedRegex(@"[(\[ ]x?(1e\+?[0-9]{1,2})[)\] ]?$")]
    private static partial Regex PowerOfTen();

    [GeneratedRegex("[^a-z]+")]
    private static partial Regex Words();

    [GeneratedRegex(@"(?<![a-z])" +
        @"((?<prefix>kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])?[-_ ]?flops?|(?<prefix>[tpez])f)" +
        @"((?<days>[-_ /]?(p?s|per[-_ ]?sec(ond)?|sec(ond)?)?[-_ ·*]*days?)|(?<rate>[-_ ]?(/|per)[-_ ]?s(ec(ond)?)?))?(?![a-z])")]
    private static partial Regex Work();
}
