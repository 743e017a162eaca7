namespace Isoflop.Train;

/// <summary>
/// A setting, all of it: its help, what holds where it is not given, and what it may be. Its key is the property's name in snake
/// case. A property that may be null and has no default is chosen by a rule where it is not given.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class SettingAttribute(string help) : Attribute
{
    /// <summary>What it is, in what unit; of one that is chosen also by what.</summary>
    public string Help { get; } = help;

    /// <summary>Holds where nothing is given, of the property's own type; else the property's first value.</summary>
    public object? Default { get; set; }

    /// <summary>The value, or each of a list, is not below this.</summary>
    public double Min { get; set; } = double.NegativeInfinity;

    /// <summary>Nor above this.</summary>
    public double Max { get; set; } = double.PositiveInfinity;

    /// <summary>It is more than this.</summary>
    public double Above { get; set; } = double.NegativeInfinity;

    /// <summary>It is less than this.</summary>
    public double Below { get; set; } = double.PositiveInfinity;

    /// <summary>A value that is good, for a message.</summary>
    public string? Try { get; set; }

    /// <summary>The key that it had first: identities keep it.</summary>
    public string? Was { get; set; }

    /// <summary>It came after files of format 1: identities leave it out where it is not given.</summary>
    public bool Later { get; set; }

    /// <summary>Whether a value keeps the rules. NaN keeps none that has a bound.</summary>
    public bool Allows(double x) => !double.IsNaN(x) && x >= Min && x <= Max && (x > Above || double.IsNegativeInfinity(Above))
        && (x < Below || double.IsPositiveInfinity(Below)) && (double.IsFinite(x) || double.IsPositiveInfinity(Max));

    /// <summary>The rule in words: "must be from 0 to below 1".</summary>
    public string Rule
    {
        get
        {
            string low = double.IsFinite(Min) ? N(Min) : "", above = double.IsFinite(Above) ? $"above {N(Above)}" : "",
                high = double.IsFinite(Max) ? N(Max) : "", below = double.IsFinite(Below) ? $"below {N(Below)}" : "";
            return "must be " + (low, above, high, below) switch
            {
                ({ Length: > 0 }, _, { Length: > 0 }, _) => $"from {low} to {high}",
                ({ Length: > 0 }, _, _, { Length: > 0 }) => $"from {low} to {below}",
                ({ Length: > 0 }, _, _, _) => $"at least {low}",
                (_, { Length: > 0 }, { Length: > 0 }, _) => $"{above} and at most {high}",
                (_, { Length: > 0 }, _, { Length: > 0 }) => $"{above} and {below}",
                (_, { Length: > 0 }, _, _) => above,
                _ => "a number",
            };
        }
    }

    static string N(double x) => x.ToString("0.##########", System.Globalization.CultureInfo.InvariantCulture);
}
