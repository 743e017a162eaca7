namespace Isoflop.Lab.Laws;

/// <summary>Greek letters as readers know them; files and options write their names.</summary>
static class Symbols
{
    static readonly (string Name, string Letter)[] letters =
        [("alpha", "α"), ("beta", "β"), ("gamma", "γ"), ("epsilon", "ε"), ("tau", "τ")];

    /// <summary>"alpha_n" is α_n, in names and in formulas.</summary>
    public static string In(string text) =>
        letters.Aggregate(text, (t, l) => t.Replace(l.Name, l.Letter, StringComparison.Ordinal));
}
