using System.Globalization;
using System.Text;

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
    /// <summary>Unit of resampling.</summary>
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
/// Reads tables that this and other tools export: comma, semicolon or tab, quoted fields, numbers with a decimal point.
/// A row without a loss is left out, as a W&amp;B export has them; every other cell that should be a number must be one.
/// </summary>
public sealed class ObservationTable
{
    static readonly string[] signs = ["!=", "<=", ">=", "=", "<", ">"];

    readonly string path;
    readonly List<string> header;
    readonly List<(int Line, List<string> Cells)> rows = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">Missing, empty, a quote that does not end, a row that is too long.</exception>
    public ObservationTable(string path)
    {
        this.path = path;
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read: {e.Message}", e);
        }
        List<(int Line, List<string> Cells)> all = Split(text);
        if (all.Count == 0) throw new DataException($"{path}: is empty; the first line names the columns");
        header = [.. all[0].Cells.Select(c => c.Trim())];
        foreach ((int line, List<string> cells) in all.Skip(1))
        {
            if (cells.Count > header.Count || cells.Count < header.Count)
                throw new DataException($"{path}: line {line} has {cells.Count} cells, the header {header.Count}");
            rows.Add((line, cells));
        }
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
            if (rows[r].Cells[loss].Trim().Length == 0)
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
                Group = group is { } gc ? rows[r].Cells[gc].Trim() : "",
                Seed = seed is { } sc ? (long)Number(r, sc) : 0,
                Name = name is { } mc ? rows[r].Cells[mc].Trim() : $"line {rows[r].Line}",
            };
        }
    }

    /// <summary>A column as numbers, over the rows that <see cref="Observations"/> would keep.</summary>
    public double[] Numbers(string column, string loss, IReadOnlyList<string> where)
    {
        int at = Column(column), y = Column(loss);
        Func<int, bool> keeps = Filter(where);
        return [.. Enumerable.Range(0, rows.Count).Where(r => keeps(r) && rows[r].Cells[y].Trim().Length > 0)
            .Select(r => Number(r, at))];
    }

    int? Find(string? name) => name is null ? null : Column(name);

    int Column(string name)
    {
        int at = header.FindIndex(h => h == name);
        if (at < 0) at = header.FindIndex(h => string.Equals(h, name, StringComparison.OrdinalIgnoreCase));
        return at >= 0 ? at : throw new DataException($"{path}: no column '{name}'; here there are: {string.Join(", ", header)}");
    }

    double Number(int row, int column)
    {
        string cell = rows[row].Cells[column].Trim();
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
                tests.Add(r => rows[r].Cells[column].Trim() == text == (sign == "="));
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

    List<(int, List<string>)> Split(string text)
    {
        var all = new List<(int, List<string>)>();
        string first = text.AsSpan().TrimStart('\uFEFF').ToString().Split('\n')[0];
        char separator = new[] { ',', '\t', ';' }.MaxBy(s => first.Count(ch => ch == s));
        var cells = new List<string>();
        var cell = new StringBuilder();
        int line = 1, start = 1;
        bool quoted = false;
        for (int i = text.StartsWith('\uFEFF') ? 1 : 0; i < text.Length; i++)
        {
            char ch = text[i];
            if (ch == '\n') line++;
            if (quoted)
            {
                if (ch != '"') cell.Append(ch);
                else if (i + 1 < text.Length && text[i + 1] == '"') cell.Append(text[++i]);
                else quoted = false;
            }
            else if (ch == '"' && cell.ToString().Trim().Length == 0)
            {
                cell.Clear();
                quoted = true;
            }
            else if (ch == separator) EndCell();
            else if (ch == '\n') EndRow();
            else if (ch != '\r') cell.Append(ch);
        }
        if (quoted) throw new DataException($"{path}: line {start}: a quote that does not end");
        EndRow();
        return all;

        void EndCell()
        {
            cells.Add(cell.ToString());
            cell.Clear();
        }
        void EndRow()
        {
            EndCell();
            if (cells.Count > 1 || cells[0].Trim().Length > 0) all.Add((start, cells));
            (cells, start) = ([], line);
        }
    }
}
