using System.Globalization;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;

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
    /// <summary>A row without a loss stays, with NaN: it is asked of, not fitted.</summary>
    internal bool Asked { get; init; }
    /// <summary>Further columns of which a row must hold a value, as it must of the loss.</summary>
    public IReadOnlyList<string> More { get; init; } = [];
    /// <summary>Rows that are equal are other runs with the same result; else they are one run, listed twice.</summary>
    public bool Replicates { get; init; }
    /// <summary>Rows to keep: "column=text", or with != &lt; &gt; &lt;= &gt;= and a number.</summary>
    public IReadOnlyList<string> Where { get; init; } = [];
}

/// <summary>
/// Reads tables that this and other tools export, see <see cref="ForeignTable"/>. A row without a loss, or whose loss is not
/// finite, is left out, as is a copy of another; every other cell that should be a number must be one.
/// </summary>
public sealed class ObservationTable
{
    static readonly string[] signs = ["!=", "<=", ">=", "=", "<", ">"];
    // Work of a token and parameter as runs have it: 6, less of experts at rest, more of attention and small embeddings.
    const double LeastFlopsPerNd = 0.06, MostFlopsPerNd = 600;

    readonly ForeignTable table;
    readonly List<string> notes = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">Missing, no text, empty, a quote that does not end, a row that is too long.</exception>
    public ObservationTable(string path) => table = new(path);

    /// <summary>Names of the columns.</summary>
    public IReadOnlyList<string> Header => table.Header;
    /// <summary>Rows that were left out for want of a loss.</summary>
    public int Skipped { get; private set; }
    /// <summary>What was left out and converted, a line each.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>The rows as observations.</summary>
    /// <exception cref="DataException">A column is missing or there twice, a cell is not a number, or may be two; names line and
    /// column.</exception>
    public List<Observation> Observations(TableColumns map)
    {
        notes.Clear();
        NumberColumn? n = Find(map.N, Quantity.Count), d = Find(map.D, Quantity.Count), c = Find(map.C, Quantity.Flops),
            x = Find(map.X, Quantity.Plain), unique = Find(map.Unique, Quantity.Count), seed = Find(map.Seed, Quantity.Plain);
        if (x is null && new[] { n, d, c }.Count(k => k is not null) < 2)
            throw new ConfigException("two of the columns n=COL, d=COL and c=COL are needed, or x=COL for a curve");
        foreach (NumberColumn? column in (NumberColumn?[])[n, d, c, unique])
            if (column?.Unit is { } unit) notes.Add($"column '{column.Name}' is taken as {unit}, as its name says");
        int? group = map.Group is null ? null : table.Column(map.Group), run = map.Name is null ? null : table.Column(map.Name);
        NumberColumn? loss = map.Asked && map.Loss is { } wanted
            && !table.Header.Contains(wanted, StringComparer.OrdinalIgnoreCase) ? null : Loss(map);
        if (loss is null) notes.Add($"no column '{map.Loss}': nothing to hold predictions against");
        List<Observation> points = [];
        HashSet<object> seen = [];
        int copies = 0;
        List<int> kept = Kept(map, loss, notes);
        CheckDials(kept);
        foreach (int r in kept)
        {
            Observation point = Row(r);
            object key = x is not null ? string.Join('\n', table.Row(r))
                : (point.N, point.D, point.C, point.Unique, point.Seed, point.Loss);
            if (map.Replicates || seen.Add(key)) points.Add(point);
            else copies++;
        }
        if (copies > 0)
            notes.Add($"rows left out: {copies} copies of others; if they are other seeds, say so with replicates=true");
        return points;

        Observation Row(int r)
        {
            double y = loss is null || loss.IsMissing(r) ? double.NaN : loss[r];
            double at = x?[r] ?? double.NaN, flops = c?[r] ?? double.NaN;
            double parameters = n?[r] ?? double.NaN, tokens = d?[r] ?? double.NaN;
            if (n is null) parameters = d is null ? at : flops / (6 * tokens);
            if (d is null) tokens = n is null ? at : flops / (6 * parameters);
            return new Observation
            {
                N = parameters,
                D = tokens,
                Loss = y,
                C = c is not null ? flops : n is null && d is null ? at : 6 * parameters * tokens,
                X = at,
                Unique = unique?[r] ?? double.NaN,
                Group = group is { } gc ? table[r, gc] : "",
                Seed = (long)(seed?[r] ?? 0),
                Name = run is { } mc ? table[r, mc] : $"line {table.LineOf(r)}",
            };
        }
    }

    /// <summary>A column as numbers, over the rows that hold a loss and fulfil the conditions, copies included.</summary>
    public double[] Numbers(string column, TableColumns map)
    {
        var numbers = new NumberColumn(table, column, Quantity.Plain);
        return [.. Kept(map, map.Asked ? null : Loss(map), []).Select(r => numbers[r])];
    }

    /// <summary>
    /// Refuses points whose compute is not that of their sizes, and counts that are fractions, as where a column has a unit of
    /// its own; notes sizes that no other column speaks against and that no model has.
    /// </summary>
    /// <exception cref="DataException">Says what is odd.</exception>
    internal void CheckUnits(IReadOnlyList<Observation> points, TableColumns map)
    {
        if (points.Count == 0 || map.X is not null) return;
        const string How = "name the units in the header (params_m, tokens_b, gflops), or convert";
        double[] ratios = [.. points.Select(p => p.C / (p.N * p.D)).Where(double.IsFinite).Order()];
        double ratio = ratios.Length > 0 ? Quantile.Of(ratios, 0.5) : 6;
        if (ratio is < LeastFlopsPerNd or > MostFlopsPerNd)
            throw new DataException($"{table.Path}: FLOPs are {Shown(ratio)} times parameters times tokens at the median, and " +
                $"training costs about 6: one of these columns has another unit; {How}");
        foreach ((string what, string? column, Func<Observation, double> of) in
            ((string, string?, Func<Observation, double>)[])[("parameters", map.N, p => p.N), ("tokens", map.D, p => p.D)])
            if (points.FirstOrDefault(p => of(p) is > 0 and < 1000 && of(p) % 1 != 0) is { } odd)
                throw new DataException($"{table.Path}: {(odd.Name.Length > 0 ? odd.Name + ": " : "")}{Shown(of(odd))} {what}" +
                    (column is null ? " follow from C = 6·N·D" : "") + $", which are whole: a column has another unit; {How}");
        double n = points.Max(p => p.N), d = points.Max(p => p.D);
        if (n < 1e5 && d > 1e6 * n) notes.Add($"parameters, {Shown(n)} at most, are taken as they stand; {How}");
        if (d < n / 1000) notes.Add($"tokens, {Shown(d)} at most, are taken as they stand; {How}");

        static string Shown(double x) => x.ToString("0.###e0", CultureInfo.InvariantCulture);
    }

    /// <summary>Refuses rows that were planned by two versions of the dial, where the table says which.</summary>
    /// <exception cref="DataException">Says how many of each.</exception>
    void CheckDials(List<int> kept)
    {
        if (!table.Header.Contains(StudyResults.Dial)) return;
        int column = table.Column(StudyResults.Dial);
        int[] dials = [.. kept.Select(r => int.TryParse(table[r, column], CultureInfo.InvariantCulture, out int d) ? d : 1)];
        if (StudyResults.MixedDials(dials) is { } mixed)
            throw new DataException($"{table.Path}: {mixed}; choose with where={StudyResults.Dial}={dials.Max()}");
    }

    NumberColumn Loss(TableColumns map) =>
        new(table, map.Loss ?? throw new ConfigException("no column for the loss; give loss=COL or y=COL"), Quantity.Plain);

    NumberColumn? Find(string? name, Quantity quantity) => name is null ? null : new(table, name, quantity);

    /// <summary>Rows that fulfil the conditions and hold a loss.</summary>
    List<int> Kept(TableColumns map, NumberColumn? loss, List<string> notes)
    {
        NumberColumn[] needed = [.. map.Asked || loss is null ? [] : (NumberColumn[])[loss],
            .. map.More.Select(m => new NumberColumn(table, m, Quantity.Plain))];
        List<(string Text, Func<int, bool?> Holds)> conditions = [.. map.Where.Select(w => (w, Condition(w)))];
        int[] unknown = new int[conditions.Count];
        List<int> kept = [];
        Skipped = 0;
        for (int r = 0; r < table.Count; r++)
        {
            bool keeps = true;
            for (int i = 0; i < conditions.Count && keeps; i++)
            {
                bool? holds = conditions[i].Holds(r);
                if (holds is null) unknown[i]++;
                keeps = holds == true;
            }
            if (!keeps) continue;
            if (needed.Any(c => c.IsMissing(r))) Skipped++;
            else kept.Add(r);
        }
        for (int i = 0; i < unknown.Length; i++)
            if (unknown[i] > 0)
                notes.Add($"rows left out: {unknown[i]} with nothing to compare for {ForeignTable.Shown(conditions[i].Text)}");
        if (Skipped > 0) notes.Add($"rows left out: {Skipped} without a finite value");
        return kept;
    }

    /// <summary>Null: the cell is empty or no finite number, so it is neither more nor less.</summary>
    Func<int, bool?> Condition(string condition)
    {
        string? sign = signs.Where(s => condition.IndexOf(s, StringComparison.Ordinal) > 0)
            .OrderBy(s => condition.IndexOf(s, StringComparison.Ordinal)).ThenByDescending(s => s.Length).FirstOrDefault()
            ?? throw new ConfigException($"'{condition}' is no condition; write column=text or column<number");
        int at = condition.IndexOf(sign, StringComparison.Ordinal);
        string name = condition[..at].Trim(), text = condition[(at + sign.Length)..].Trim();
        int column = table.Column(name);
        bool isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double limit);
        // 1000 is 1000.0, and 0.001 is 1e-3: programs write whole numbers as fractions once a cell of the column was empty.
        if (sign is "=" or "!=")
            return r => (table[r, column] == text || (isNumber && double.TryParse(table[r, column], NumberStyles.Float,
                CultureInfo.InvariantCulture, out double cell) && cell == limit)) == (sign == "=");
        if (!isNumber)
            throw new ConfigException($"'{condition}': '{text}' is not a number");
        var numbers = new NumberColumn(table, name, Quantity.Plain);
        return r => numbers.IsMissing(r) ? null : numbers[r] is var v && sign switch
        {
            "<" => v < limit,
            ">" => v > limit,
            "<=" => v <= limit,
            _ => v >= limit,
        };
    }
}
