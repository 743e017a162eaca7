using System.Globalization;
using Isoflop.Lab.Laws;

namespace Isoflop.Cli;

/// <summary>Parameters that are known, as a command gives them.</summary>
static class KnownOptions
{
    /// <summary>"E=1.69", or a prior, "alpha=.35±.05"; "+-" is as good as "±".</summary>
    /// <exception cref="ConfigException">Says what it is instead.</exception>
    public static Known Parse(string text, bool prior)
    {
        string[] sides = text.Split('=', 2), values = sides[^1].Replace("+-", "±", StringComparison.Ordinal).Split('±');
        if (sides.Length < 2 || sides[0].Trim().Length == 0 || values.Length != (prior ? 2 : 1)
            || values.Any(v => Number(v) is null))
            throw new ConfigException(prior
                ? $"--prior {text} must be a name and a value ± its standard deviation, as in --prior alpha=0.35±0.05"
                : $"--fix {text} must be a name and a value, as in --fix E=1.69");
        return prior && !(Number(values[1]) > 0)
            ? throw new ConfigException($"--prior {text}: the standard deviation must be above 0; " +
                $"--fix {sides[0]}={values[0]} holds it")
            : new(sides[0].Trim(), Number(values[0])!.Value, prior ? Number(values[1])!.Value : 0);

        static double? Number(string s) => double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out double v)
            && double.IsFinite(v) ? v : null;
    }
}
