using System.Globalization;
using System.Text.RegularExpressions;

namespace Isoflop.Lab.Tables;

/// <summary>What the numbers of a column measure: what their header may say of a unit, and how they may be written.</summary>
enum Quantity
{
    /// <summary>A number without a unit.</summary>
    Plain,
    /// <summary>Parameters or tokens: whole, and 124M or 1.3B.</summary>
    Count,
    /// <summary>Work, in FLOPs.</summary>
    Flops,
}

/// <summary>
/// A column of a <see cref="ForeignTable"/> as numbers: 1.5e9, 1,000,000 or 1 000 000 or 1_000_000, and 1,5 where no other cell
/// of the column speaks against it. Nothing is guessed: what may be read in two ways is refused.
/// </summary>
sealed partial class NumberColumn
{
    readonly ForeignTable table;
    readonly int column;
    readonly Quantity quantity;
    // Rows that show what a comma or a point is here; −1: none does.
    readonly int decimalComma = -1, decimalPoint = -1;

    public NumberColumn(ForeignTable table, string name, Quantity quantity)
    {
        (this.table, this.quantity, column) = (table, quantity, table.Column(name));
        (Factor, Unit) = Units.Of(table.Header[column], quantity, table.Path);
        for (int row = table.Count - 1; row >= 0; row--)
        {
            string cell = Bare(table[row, column]);
            bool groups = Grouped().IsMatch(cell);
            bool points = groups ? cell.Count(c => c == ',') > 1 || cell.Contains('.')
                : Point().IsMatch(cell) && !MaybeByPoint().IsMatch(cell);
            if (points) decimalPoint = row;
            else if (!groups && Fraction().IsMatch(cell) || ByPoints().IsMatch(cell)) decimalComma = row;
        }
    }

    /// <summary>For messages.</summary>
    public string Name => ForeignTable.Shown(table.Header[column]);

    /// <summary>What a number of the column is multiplied with.</summary>
    public double Factor { get; }

    /// <summary>"millions", "GFLOPs", where the header says so.</summary>
    public string? Unit { get; }

    /// <summary>Nothing was measured: an empty cell, NaN, inf, null.</summary>
    public bool IsMissing(int row) => Missing().IsMatch(table[row, column]);

    /// <exception cref="DataException">It is no number, or may be two; names line and column.</exception>
    public double this[int row]
    {
        get
        {
            string cell = table[row, column];
            double? value = Read(Plain(row, cell));
            return value is { } v && double.IsFinite(v * Factor) ? v * Factor
                : throw table.Bad(row, column, (cell.Length == 0 ? "an empty cell" : $"'{ForeignTable.Shown(cell)}'") +
                    " is not a number" + (cell.EndsWith('%') ? "; write the share, as 0.25" : ""));
        }
    }

    /// <summary>Without spaces between groups, and with a minus that computers know.</summary>
    string Bare(string cell)
    {
        cell = cell.Replace('−', '-');
        if (Spaced().IsMatch(cell)) cell = Gaps().Replace(cell, "");
        return quantity == Quantity.Count ? Suffixed().Replace(cell, "$1$2") : cell;
    }

    /// <summary>Digits, a point and an exponent; nothing between groups.</summary>
    string Plain(int row, string written)
    {
        string cell = Bare(written);
        if (decimalComma >= 0 && decimalPoint >= 0 && cell.AsSpan().ContainsAny(',', '.'))
            throw table.Bad(row, column, $"'{ForeignTable.Shown(written)}': commas and points do not mean the same in lines " +
                $"{table.LineOf(decimalComma)} and {table.LineOf(decimalPoint)}; write all numbers in one way");
        if (decimalComma >= 0)
            return Fraction().IsMatch(cell) || ByPoints().IsMatch(cell) ? cell.Replace(".", "").Replace(',', '.')
                : !cell.Contains('.') ? cell
                : throw table.Bad(row, column, $"'{ForeignTable.Shown(written)}' may be {cell} or {cell.Replace(".", "")}, " +
                    $"since line {table.LineOf(decimalComma)} has a decimal comma; write it without a point");
        if (!Grouped().IsMatch(cell)) return cell;
        // A count is whole, unless its unit is a million of them.
        bool whole = quantity == Quantity.Count && Factor == 1 && char.IsAsciiDigit(cell[^1]);
        return decimalPoint >= 0 || whole ? cell.Replace(",", "")
            : throw table.Bad(row, column, $"'{ForeignTable.Shown(written)}' may be {cell.Replace(",", "")} or " +
                $"{cell.Replace(',', '.')}; write it without a comma");
    }

    double? Read(string text)
    {
        double scale = 1;
        if (quantity == Quantity.Count && text.Length > 1)
            scale = char.ToLowerInvariant(text[^1]) switch { 'k' => 1e3, 'm' => 1e6, 'b' or 'g' => 1e9, 't' => 1e12, _ => 1 };
        if (scale > 1) text = text[..^1];
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) ? value * scale : null;
    }

    [GeneratedRegex(@"^([+-]?)(?!0,)\d{1,3}(,\d{3})+(\.\d+)?[kmbgtKMBGT]?$")]
    private static partial Regex Grouped();

    [GeneratedRegex(@"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?[kmbgtKMBGT]?$")]
    private static partial Regex Fraction();

    [GeneratedRegex(@"^[+-]?\d*\.\d+([eE][+-]?\d+)?[kmbgtKMBGT]?$")]
    private static partial Regex Point();

    [GeneratedRegex(@"^[+-]?\d{1,3}(\.\d{3}){2,}$")]
    private static partial Regex ByPoints();

    [GeneratedRegex(@"^[+-]?(?!0\.)\d{1,3}(\.\d{3})+$")]
    private static partial Regex MaybeByPoint();

    [GeneratedRegex(@"^[+-]?\d{1,3}([ \u00A0\u2009\u202F'’]\d{3}|_\d{3})+([.,]\d+)?\s?[kmbgtKMBGT]?$")]
    private static partial Regex Spaced();

    [GeneratedRegex(@"[\s'’_]")]
    private static partial Regex Gaps();

    [GeneratedRegex(@"^(.*\d)\s+([kmbgtKMBGT])$")]
    private static partial Regex Suffixed();

    [GeneratedRegex(@"^([+-]?(nan|inf|infinity|∞)|null|none|na|n/a|#n/a|<na>|-|)$", RegexOptions.IgnoreCase)]
    private static partial Regex Missing();
}
