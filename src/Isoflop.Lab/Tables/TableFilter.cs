using System.Globalization;
using System.IO.Enumeration;

namespace Isoflop.Lab.Tables;

/// <summary>
/// A condition on a row of a table, "loss&lt;3": a column, one of = != &lt; &lt;= &gt; &gt;=, a value. Text is compared with
/// = and !=, and the value may hold * and ?. What is missing fulfils only !=.
/// </summary>
sealed class TableFilter
{
    static readonly string[] Operators = ["!=", "<=", ">=", "=", "<", ">"];

    readonly string text, column, sign, value;

    TableFilter(string text, string column, string sign, string value) =>
        (this.text, this.column, this.sign, this.value) = (text, column, sign, value);

    /// <summary>Name of the column, as it was given.</summary>
    public string Column => column;

    /// <summary>Reads "column sign value".</summary>
    /// <exception cref="ConfigException">It is not of that form.</exception>
    public static TableFilter Parse(string text)
    {
        int at = text.AsSpan().IndexOfAny("!=<>");
        string? sign = at <= 0 ? null : Operators.FirstOrDefault(o => text.AsSpan(at).StartsWith(o));
        if (sign is null)
            throw new ConfigException($"'{text}' must be a column, one of = != < <= > >=, and a value; try loss<3");
        return new(text, text[..at].Trim(), sign, text[(at + sign.Length)..].Trim());
    }

    /// <summary>Place of a column by its name, or by the end of it behind a dot ("d_model") where only one has that.</summary>
    /// <exception cref="ConfigException">There is none, or there are several.</exception>
    public static int ColumnOf(Table table, string name)
    {
        int[] ends = [.. Enumerable.Range(0, table.Columns.Count)
            .Where(c => table.Columns[c].Name.EndsWith("." + name, StringComparison.Ordinal))];
        bool own = table.Columns.Any(c => c.Name == name);
        if (!own && ends.Length > 1)
            throw new ConfigException($"column '{name}' may be {string.Join(" or ", ends.Select(c => table.Columns[c].Name))}; " +
                "give the whole name");
        return own || ends.Length == 0 ? table.ColumnOf(name) : ends[0];
    }

    /// <summary>The rows that fulfil it, in order.</summary>
    /// <exception cref="ConfigException">No such column, or a value of another kind than the column's.</exception>
    public Table Apply(Table table)
    {
        int at = ColumnOf(table, column);
        Func<object, int?> compare = Comparison(table.Columns[at].Kind);
        return table.Rows([.. Enumerable.Range(0, table.RowCount).Where(r => Holds(table[r, at]))]);

        bool Holds(object? cell)
        {
            if (cell is null || compare(cell) is not { } order) return sign == "!=";
            return sign switch
            {
                "=" => order == 0,
                "!=" => order != 0,
                "<" => order < 0,
                "<=" => order <= 0,
                ">" => order > 0,
                _ => order >= 0,
            };
        }
    }

    /// <summary>Sign of cell − value; null: neither smaller nor larger nor equal.</summary>
    Func<object, int?> Comparison(ColumnKind kind)
    {
        if (kind is ColumnKind.Whole or ColumnKind.Real)
        {
            if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                || double.IsNaN(number))
                throw new ConfigException($"'{text}': {column} is a number and '{value}' is none; try {column}{sign}1e3");
            return cell => Convert.ToDouble(cell, CultureInfo.InvariantCulture) is var x && double.IsNaN(x) ? null
                : x.CompareTo(number);
        }
        if (kind == ColumnKind.Time)
        {
            if (!DateTime.TryParse(value, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time))
                throw new ConfigException($"'{text}': {column} is a time and '{value}' is none; try {column}{sign}2026-01-31");
            return cell => ((DateTime)cell).CompareTo(time);
        }
        if (sign is not ("=" or "!="))
            throw new ConfigException($"'{text}': {column} is text and is compared with = and !=; try {column}={value}");
        return cell => FileSystemName.MatchesSimpleExpression(value, cell is bool truth ? truth ? "true" : "false" : (string)cell,
            ignoreCase: false) ? 0 : 1;
    }
}
