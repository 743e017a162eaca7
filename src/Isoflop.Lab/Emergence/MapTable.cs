using System.Globalization;
using Isoflop.Lab.Tables;

namespace Isoflop.Lab.Emergence;

/// <summary>Which column of a table holds what. One that is not named is used where its usual name is there.</summary>
sealed record MapColumns
{
    /// <summary>Task; without one every column of accuracies is a task.</summary>
    public string? Task { get; init; }
    /// <summary>Training FLOPs.</summary>
    public string Flops { get; init; } = "flops";
    /// <summary>Seed; without one, rows of the same FLOPs that differ are other seeds.</summary>
    public string? Seed { get; init; }
    /// <summary>Share that is right, 0 to 1; several: a task each.</summary>
    public IReadOnlyList<string> Accuracy { get; init; } = [];
    /// <summary>−ln p of the answer, nats.</summary>
    public string? Likelihood { get; init; }
    /// <summary>Items behind an accuracy: a column, or their number.</summary>
    public string? Items { get; init; }
    /// <summary>Share that guessing gets right: a column, or a number; else 0.</summary>
    public string? Chance { get; init; }
    /// <summary>Rungs a decade of FLOPs: runs of about the same work are seeds of one rung. 0: of exactly the same.</summary>
    public int PerDecade { get; init; }
}

/// <summary>Tasks × compute × seeds from a table of any tool: a row a task and run, or a row a run and a column a task.</summary>
static class MapTable
{
    /// <summary>What still can be drawn side by side.</summary>
    const int MostRungs = 24;

    readonly record struct Row(int Line, string Task, double Flops, string? Seed, SeedScore Score, int Items, double Chance);

    /// <param name="notes">of what was left out</param>
    /// <exception cref="DataException">A column that is missing, a value that cannot be, a run that stands there
    /// twice.</exception>
    public static IReadOnlyList<TaskCurve> Read(string path, MapColumns columns, ICollection<string> notes)
    {
        List<Row> rows = Rows(new ForeignTable(path), columns, notes);
        if (rows.Count == 0) throw new DataException($"{path}: no row has an accuracy; a map needs some");
        RefuseCopies(path, rows);
        double budgets = rows.Select(Budget).Distinct().Count();
        if (budgets > MostRungs)
            throw new DataException($"{path}: has {budgets} different FLOPs, a map {MostRungs} budgets at most; put runs of " +
                "about the same work together with per_decade=2");
        return [.. rows.GroupBy(r => r.Task).Select(task => new TaskCurve(task.Key,
            [.. task.GroupBy(Budget).OrderBy(rung => rung.Key).Select(RungOf)], null))];

        TaskRung RungOf(IGrouping<double, Row> rows) => TaskRung.OfScores(rows.Key,
            columns.PerDecade == 0 ? rows.Key : Math.Exp(rows.Average(r => Math.Log(r.Flops))),
            [.. rows.Select(r => r.Score)], rows.Min(r => r.Items), rows.Average(r => r.Chance));

        double Budget(Row r) => columns.PerDecade == 0 ? r.Flops
            : Math.Pow(10, Math.Round(Math.Log10(r.Flops) * columns.PerDecade) / columns.PerDecade);
    }

    static List<Row> Rows(ForeignTable table, MapColumns columns, ICollection<string> notes)
    {
        int? task = Usual(columns.Task, "task") is { } name ? table.Column(name) : null,
            seed = Usual(columns.Seed, "seed") is { } s ? table.Column(s) : null;
        NumberColumn flops = new(table, columns.Flops, Quantity.Flops);
        if (flops.Unit is { } unit) notes.Add($"column '{flops.Name}' is taken as {unit}, as its name says");
        string[] named = [.. columns.Accuracy.DefaultIfEmpty("accuracy")];
        if (task is not null && named.Length > 1)
            throw new ConfigException($"{named.Length} columns of accuracies ({string.Join(", ", named)}) are a task each, and " +
                $"'{ForeignTable.Shown(table.Header[task.Value])}' names tasks too; give one of the two");
        NumberColumn[] accuracies = [.. named.Select(a => new NumberColumn(table, a, Quantity.Plain))];
        NumberColumn? nll = Usual(columns.Likelihood, "answer_nll") is { } l && named.Length == 1
            ? new(table, l, Quantity.Plain) : null;
        NumberColumn? margin = Usual(null, "margin") is { } m && named.Length == 1 ? new(table, m, Quantity.Plain) : null;
        Func<int, double> items = NumberOr(columns.Items, "items", null), chances = NumberOr(columns.Chance, "chance", 0);
        List<Row> rows = [];
        int missing = 0, unpriced = 0;
        for (int r = 0; r < table.Count; r++)
        {
            if (flops.IsMissing(r)) { unpriced++; continue; }
            foreach (NumberColumn accuracy in accuracies)
            {
                if (accuracy.IsMissing(r)) { missing++; continue; }
                double right = accuracy[r], c = flops[r], n = items(r), chance = chances(r),
                    nats = nll is null || nll.IsMissing(r) ? double.NaN : nll[r];
                if (right is < 0 or > 1)
                    throw Bad(accuracy, I($"{right} is no share from 0 to 1; write 71.3 % as 0.713"));
                if (!(c > 0)) throw Bad(flops, I($"{c} FLOPs must be above 0"));
                if (nats < 0) throw Bad(nll!, I($"{nats} is below 0, and −ln p never is; give −ln p, not ln p"));
                if (n < 1 || n % 1 != 0 || n > int.MaxValue) throw Odd(I($"{n} items must be a whole number from 1"));
                if (chance is < 0 or >= 1) throw Odd(I($"chance {chance} must be from 0 to below 1"));
                rows.Add(new(table.LineOf(r), task is { } t ? table[r, t] : accuracy.Name, c, seed is { } k ? table[r, k] : null,
                    new(right, nats, margin is null || margin.IsMissing(r) ? double.NaN : margin[r]), (int)n, chance));

                DataException Bad(NumberColumn column, string why) =>
                    new($"{table.Path}: line {table.LineOf(r)}, column '{column.Name}': {why}");
                DataException Odd(string why) => new($"{table.Path}: line {table.LineOf(r)}: {why}");
            }
        }
        if (unpriced > 0) notes.Add($"left out: {unpriced} rows without FLOPs");
        if (missing > 0) notes.Add($"left out: {missing} without an accuracy");
        return rows;

        string? Usual(string? given, string usual) => given ?? (table.Header.Contains(usual) ? usual : null);

        Func<int, double> NumberOr(string? given, string usual, double? otherwise)
        {
            if (given is not null && !table.Header.Contains(given)
                && double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double all)) return _ => all;
            if (Usual(given, usual) is { } column) return new NumberColumn(table, column, Quantity.Plain) is var numbers
                ? r => numbers[r] : null!;
            return otherwise is { } value ? _ => value
                : throw new DataException($"{table.Path}: no column '{usual}'; without their number an accuracy has no error: " +
                    $"give {usual}=COL, or {usual}=1000 where all have as many");
        }
    }

    /// <summary>A run that is listed twice is no second run.</summary>
    static void RefuseCopies(string path, List<Row> rows)
    {
        var seen = new Dictionary<object, int>();
        foreach (Row r in rows)
        {
            object key = r.Seed is not null ? (r.Task, r.Flops, r.Seed) : (r.Task, r.Flops, r.Score);
            if (!seen.TryAdd(key, r.Line))
                throw new DataException($"{path}: line {r.Line} is task '{ForeignTable.Shown(r.Task)}' at " +
                    I($"{r.Flops:0.###e0} FLOPs ") + (r.Seed is not null
                        ? $"and seed {ForeignTable.Shown(r.Seed)} again, as line {seen[key]}; one row a run"
                        : $"as line {seen[key]} is; if it is another seed, name the column: seeds=COL"));
        }
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
