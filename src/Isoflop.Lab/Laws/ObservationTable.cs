using System.Globalization;
using nietras.SeparatedValues;

namespace Isoflop.Lab.Laws;

/// <summary>Which column holds what. Null: there is none.</summary>
public sealed record TableColumns
{
    /// <summary>Parameters.</summary>
    public string? N { get; init; }
    /// <summary>Training tokens.</summary>
    public string? D { get; init; }
    /// <summary>Training FLOPs; any two of N, D and C give the third by C = 6·N·D.</summary>
    public string? C { get; init; }
    /// <summary>Loss, or a curve's value.</summary>
    public string? Loss { get; init; }
    /// <summary>Where a curve is measured.</summary>
    public string? X { get; init; }
    /// <summary>Unique tokens.</summary>
    public string? Unique { get; init; }
    /// <summary>Cluster: what is resampled as one.</summary>
    public string? Group { get; init; }
    /// <summary>Seed.</summary>
    public string? Seed { get; init; }
    /// <summary>Name of a row, for messages.</summary>
    public string? Name { get; init; }
    /// <summary>Further columns to read.</summary>
    public IReadOnlyList<string> More { get; init; } = [];
    /// <summary>Rows to keep: "column=text", or with != &lt; &gt; &lt;= &gt;= and a number.</summary>
    public IReadOnlyList<string> Where { get; init; } = [];
}

/// <summary>
/// Reads tables that this and other tools export: comma, semicolon, tab or bar, quoted fields, numbers with a decimal point.
/// A row without a loss is left out, as a W&amp;B export has them; every other cell that should be a number must be one.
/// </summary>
public sealed class ObservationTable
{
    static readonly string[] signs = ["!=", "<=", ">=", "=", "<", ">"];

    readonly string path;
    readonly string[] header = [];
    readonly List<(int Line, string[] Cells)> rows = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">Missing, empty, a quote that does not end, a row that is too long.</exception>
    public ObservationTable(string path)
    {
        this.path = path;
        try
        {
            using SepReader reader = Sep.Reader(o => o with
            {
                HasHeader = false,                               // two columns may have one name: the first is taken
                DisableColCountCheck = true,                     // ours names the line
                Unescape = true,
                Trim = SepTrim.Outer,
            }).FromFile(path);
            foreach (SepReader.Row row in reader)
            {
                int line = header.Length == 0 ? 1 : row.LineNumberFrom;
                if (row.Span.Count('"') % 2 != 0) throw new DataException($"{path}: line {line}: a quote that does not end");
                string[] cells = Array.ConvertAll(row[..].ToStringsArray(), c => c.Trim());
                if (cells is [""]) continue;
                if (header.Length == 0) header = cells;
                else if (cells.Length == header.Length) rows.Add((line, cells));
                else throw new DataException($"{path}: line {line} has {cells.Length} cells, the header {header.Length}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        if (header.Length == 0) throw new DataException($"{path}: is empty; the first line names the columns");
    }

    /// <summary>Names of the columns.</summary>
    public IReadOnlyList<string> Header => header;
    /// <summary>Rows that were left out for want of a loss.</summary>
    public int Skipped { get; private set; }

    /// <summary>The rows as observations.</summary>
    /// <exception cref="DataException">A column is missing, or a cell is not a number; names line and column.</exception>
    public List<Observation> Observations(TableColumns map)
    {
        int loss = Column(map.Loss ?? throw new ConfigException("no column for the loss; give --loss COL or --y COL"));
        int? n = Find(map.N), d = Find(map.D), c = Find(map.C), x = Find(map.X), unique = Find(map.Unique);
        int? group = Find(map.Group), seed = Find(map.Seed), name = Find(map.Name);
        if (x is null && new[] { n, d, c }.Count(k => k is not null) < 2)
            throw new ConfigException("two of the columns --n, --d and --c are needed, or --x for a curve");
        Func<int, bool> keeps = Filter(map.Where);
        var points = new List<Observation>();
        Skipped = 0;
        for (int r = 0; r < rows.Count; r++)
        {
            if (!keeps(r)) continue;
            if (rows[r].Cells[loss].Length == 0)
            {
                Skipped++;
                continue;
            }
            points.Add(Row(r));
        }
        return points;

        Observation Row(int r)
        {
            double y = Number(r, loss), at = x is { } xc ? Number(r, xc) : double.NaN;
            double flops = c is { } cc ? Number(r, cc) : double.NaN;
            double parameters = n is { } nc ? Number(r, nc) : double.NaN, tokens = d is { } dc ? Number(r, dc) : double.NaN;
            if (n is null) parameters = d is null ? at : flops / (6 * tokens);
            if (d is null) tokens = n is null ? at : flops / (6 * parameters);
            return new Observation
            {
                N = parameters,
                D = tokens,
                Loss = y,
                C = c is not null ? flops : n is null && d is null ? at : 6 * parameters * tokens,
                X = at,
                Unique = unique is { } uc ? Number(r, uc) : double.NaN,
                Group = group is { } gc ? rows[r].Cells[gc] : "",
                Seed = seed is { } sc ? (long)Number(r, sc) : 0,
                Name = name is { } mc ? rows[r].Cells[mc] : $"line {rows[r].Line}",
            };
        }
    }

    /// <summary>A column as numbers, over the rows that <see cref="Observations"/> would keep.</summary>
    public double[] Numbers(string column, string loss, IReadOnlyList<string> where)
    {
        int at = Column(column), y = Column(loss);
        Func<int, bool> keeps = Filter(where);
        return [.. Enumerable.Range(0, rows.Count).Where(r => keeps(r) && rows[r].Cells[y].Length > 0)
            .Select(r => Number(r, at))];
    }

    int? Find(string? name) => name is null ? null : Column(name);

    int Column(string name)
    {
        int at = Array.FindIndex(header, h => h == name);
        if (at < 0) at = Array.FindIndex(header, h => string.Equals(h, name, StringComparison.OrdinalIgnoreCase));
        return at >= 0 ? at : throw new DataException($"{path}: no column '{name}'; here there are: {string.Join(", ", header)}");
    }

    double Number(int row, int column)
    {
        string cell = rows[row].Cells[column];
        if (double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
            return value;
        string what = cell.Length == 0 ? "an empty cell" : $"'{cell}'";
        throw new DataException($"{path}: line {rows[row].Line}, column '{header[column]}': {what} is not a number");
    }

    Func<int, bool> Filter(IReadOnlyList<string> conditions)
    {
        var tests = new List<Func<int, bool>>();
        foreach (string condition in conditions)
        {
            string? sign = signs.Where(s => condition.IndexOf(s, StringComparison.Ordinal) > 0)
                .OrderBy(s => condition.IndexOf(s, StringComparison.Ordinal)).ThenByDescending(s => s.Length).FirstOrDefault()
                ?? throw new ConfigException($"'{condition}' is no condition; write column=text or column<number");
            int at = condition.IndexOf(sign, StringComparison.Ordinal), column = Column(condition[..at].Trim());
            string text = condition[(at + sign.Length)..].Trim();
            if (sign is "=" or "!=")
                tests.Add(r => rows[r].Cells[column] == text == (sign == "="));
            else if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double limit))
                tests.Add(r => Number(r, column) is var v && sign switch
                {
                    "<" => v < limit,
                    ">" => v > limit,
                    "<=" => v <= limit,
                    _ => v >= limit,
                });
            else throw new ConfigException($"'{condition}': '{text}' is not a number");
        }
        return r => tests.TrueForAll(t => t(r));
    }
}
