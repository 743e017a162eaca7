using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;

namespace Isoflop.Lab.Eval;

/// <summary>Something that was noted of items.</summary>
/// <param name="Note">as the items have it; of cuts alike, whatever their length</param> <param name="Items">how many</param>
/// <param name="First">ids of the first few</param>
sealed record EvalNote(string Note, int Items, IReadOnlyList<string> First);

/// <summary>What the items of one slice of a suite came to. Qualities stand side by side; none is folded into another.</summary>
public sealed record EvalRow
{
    /// <summary>What the slice shares: "all", "task", "task level", "level" or "template".</summary>
    public required string Slice { get; init; }
    /// <summary>Null: of several.</summary>
    public string? Task { get; init; }
    /// <summary>Null: of several.</summary>
    public int? Level { get; init; }
    /// <summary>Null: of several.</summary>
    public string? Template { get; init; }
    /// <summary>Items.</summary>
    public required int Items { get; init; }
    /// <summary>Mean score with its interval, clustered by template.</summary>
    public required ScoreInterval Accuracy { get; init; }
    /// <summary>Mean score of one who knows nothing.</summary>
    public double Chance { get; init; }
    /// <summary>Mean score by log-likelihood a token, over items with choices; null: there is none.</summary>
    public double? AccuracyPerToken { get; init; }
    /// <summary>The same a byte.</summary>
    public double? AccuracyPerByte { get; init; }
    /// <summary>Interval of <see cref="AccuracyPerToken"/>, as all others clustered by template; null: there is none.</summary>
    public ScoreInterval? PerToken { get; init; }
    /// <summary>Of <see cref="AccuracyPerByte"/>.</summary>
    public ScoreInterval? PerByte { get; init; }
    /// <summary>95 %, of <see cref="AnswerNll"/>; null for a single cluster.</summary>
    public (double Low, double High)? NllInterval { get; init; }
    /// <summary>95 %, of <see cref="BitsPerByte"/>, a ratio of two sums.</summary>
    public (double Low, double High)? BitsInterval { get; init; }
    /// <summary>95 %, of <see cref="Margin"/>.</summary>
    public (double Low, double High)? MarginInterval { get; init; }
    /// <summary>Mean −ln p of the answer, nats.</summary>
    public double? AnswerNll { get; init; }
    /// <summary>Σ −ln p of the answers over ln 2 and their bytes.</summary>
    public double? BitsPerByte { get; init; }
    /// <summary>Mean of how much likelier the answer is than its best rival, nats.</summary>
    public double? Margin { get; init; }
    /// <summary>Mean tokens of an answer or reply.</summary>
    public double Tokens { get; init; }
    /// <summary>Mean over the items that were asked alone; null: all shared a batch.</summary>
    public double? Milliseconds { get; init; }
    /// <summary>Replies without an answer that could be read; they count as wrong too.</summary>
    public int FormatErrors { get; init; }
    /// <summary>Items whose prompt was shortened.</summary>
    public int Cut { get; init; }
    /// <summary>Items with any note, the shortened among them.</summary>
    public int Notes { get; init; }
    /// <summary>Items that stand in the training text; null: not looked for.</summary>
    public int? Contaminated { get; init; }
    /// <summary>Items too short to be looked for; null: not looked for.</summary>
    public int? TooShort { get; init; }
    /// <summary>FLOPs of asking.</summary>
    public double Flops { get; init; }
}

/// <summary>Results of a suite, sliced every way that its items differ.</summary>
public sealed class EvalReport
{
    /// <summary>Shown of items with a note.</summary>
    const int Few = 5;

    readonly Contamination? contamination;

    /// <summary>Scores of results, all together and by what they share.</summary>
    public EvalReport(IReadOnlyList<ItemResult> results) : this(results, null) { }

    /// <param name="contamination">null: the training text was not searched</param>
    internal EvalReport(IReadOnlyList<ItemResult> results, Contamination? contamination)
    {
        this.contamination = contamination;
        Rows =
        [
            Row("all", results),
            .. results.GroupBy(r => r.Task).Select(g => Row("task", g) with { Task = g.Key }),
            .. results.GroupBy(r => (r.Task, r.Level)).OrderBy(g => g.Key.Level)
                .Select(g => Row("task level", g) with { Task = g.Key.Task, Level = g.Key.Level }),
            .. results.GroupBy(r => r.Level).OrderBy(g => g.Key).Select(g => Row("level", g) with { Level = g.Key }),
            .. results.Where(r => r.Template.Length > 0).GroupBy(r => (r.Task, r.Template))
                .Select(g => Row("template", g) with { Task = g.Key.Task, Template = g.Key.Template }),
        ];
        Notes = [.. results.SelectMany(r => r.Note.Split("; ", StringSplitOptions.RemoveEmptyEntries), (r, n) => (r.Id, Note: n))
            .GroupBy(n => IsCut(n.Note) ? ItemResult.CutNote : n.Note)
            .Select(g => new EvalNote(g.Key, g.Count(), [.. g.Take(Few).Select(n => n.Id)]))];
    }

    static bool IsCut(string note) => note.StartsWith(ItemResult.CutNote, StringComparison.Ordinal);

    /// <summary>All that was noted of items, in the order in which it came first.</summary>
    internal IReadOnlyList<EvalNote> Notes { get; }

    /// <summary>All; then by task, by task and level, by level, by template.</summary>
    public IReadOnlyList<EvalRow> Rows { get; }

    EvalRow Row(string slice, IEnumerable<ItemResult> of)
    {
        ItemResult[] items = [.. of];
        ItemResult[] read = [.. items.Where(r => r.AnswerNll is not null)];
        return new()
        {
            Slice = slice,
            Items = items.Length,
            Accuracy = ScoreInterval.Of([.. items.Select(r => (r.Score, ClusterOf(r)))]),
            Chance = items.Average(r => r.Chance),
            AccuracyPerToken = items.Average(r => r.ScorePerToken),
            AccuracyPerByte = items.Average(r => r.ScorePerByte),
            AnswerNll = items.Average(r => r.AnswerNll),
            BitsPerByte = read.Sum(r => r.Bytes) is > 0 and var bytes ? read.Sum(r => r.AnswerNll) / Math.Log(2) / bytes : null,
            Margin = items.Average(r => r.Margin),
            PerToken = Scores(r => r.ScorePerToken),
            PerByte = Scores(r => r.ScorePerByte),
            NllInterval = Interval(read, r => r.AnswerNll!.Value, null),
            BitsInterval = Interval([.. read.Where(r => r.Bytes > 0)], r => r.AnswerNll!.Value / Math.Log(2), r => r.Bytes),
            MarginInterval = Interval([.. items.Where(r => r.Margin is not null)], r => r.Margin!.Value, null),
            Tokens = items.Average(r => r.Tokens),
            Milliseconds = items.Where(r => r.Milliseconds > 0).Average(r => (double?)r.Milliseconds),
            FormatErrors = items.Count(r => r.FormatError),
            Cut = items.Count(r => IsCut(r.Note)),
            Notes = items.Count(r => r.Note.Length > 0),
            Contaminated = contamination is null ? null : items.Count(r => contamination.Found.Contains(r.Id)),
            TooShort = contamination is null ? null : items.Count(r => contamination.TooShort.Contains(r.Id)),
            Flops = items.Sum(r => r.Flops),
        };

        ScoreInterval? Scores(Func<ItemResult, double?> of)
        {
            ItemResult[] some = [.. items.Where(r => of(r) is not null)];
            return some.Length == 0 ? null : ScoreInterval.Of([.. some.Select(r => (of(r)!.Value, ClusterOf(r)))]);
        }
    }

    static (double, double)? Interval(ItemResult[] items, Func<ItemResult, double> of, Func<ItemResult, double>? weight) =>
        items.Length == 0 ? null : new PairedSample([.. items.Select(of)], new double[items.Length],
            weight is null ? null : [.. items.Select(weight)], [.. items.Select(ClusterOf)]).Interval();

    static string ClusterOf(ItemResult r) => r.Template.Length > 0 ? $"template {r.Task}\n{r.Template}" : $"item {r.Id}";

    /// <summary>A row each, with the names of the model and the suite before it.</summary>
    internal Table ToTable(string model, EvalSuite suite) => Table.Of<EvalRow>(Rows,
        ("model", ColumnKind.Text, _ => model),
        ("suite", ColumnKind.Text, _ => suite.Name),
        ("suite_hash", ColumnKind.Text, _ => suite.Hash),
        ("slice", ColumnKind.Text, r => r.Slice),
        ("task", ColumnKind.Text, r => r.Task),
        ("level", ColumnKind.Whole, r => r.Level),
        ("template", ColumnKind.Text, r => r.Template),
        ("items", ColumnKind.Whole, r => r.Items),
        ("accuracy", ColumnKind.Real, r => r.Accuracy.Mean),
        ("low", ColumnKind.Real, r => r.Accuracy.Low),
        ("high", ColumnKind.Real, r => r.Accuracy.High),
        ("clusters", ColumnKind.Whole, r => r.Accuracy.Clusters),
        ("interval", ColumnKind.Text, r => r.Accuracy.Wilson ? "wilson" : "clustered"),
        ("chance", ColumnKind.Real, r => r.Chance),
        ("accuracy_per_token", ColumnKind.Real, r => r.AccuracyPerToken),
        ("accuracy_per_token_low", ColumnKind.Real, r => r.PerToken?.Low),
        ("accuracy_per_token_high", ColumnKind.Real, r => r.PerToken?.High),
        ("accuracy_per_byte", ColumnKind.Real, r => r.AccuracyPerByte),
        ("accuracy_per_byte_low", ColumnKind.Real, r => r.PerByte?.Low),
        ("accuracy_per_byte_high", ColumnKind.Real, r => r.PerByte?.High),
        ("answer_nll", ColumnKind.Real, r => r.AnswerNll),
        ("answer_nll_low", ColumnKind.Real, r => r.NllInterval?.Low),
        ("answer_nll_high", ColumnKind.Real, r => r.NllInterval?.High),
        ("bits_per_byte", ColumnKind.Real, r => r.BitsPerByte),
        ("bits_per_byte_low", ColumnKind.Real, r => r.BitsInterval?.Low),
        ("bits_per_byte_high", ColumnKind.Real, r => r.BitsInterval?.High),
        ("margin", ColumnKind.Real, r => r.Margin),
        ("margin_low", ColumnKind.Real, r => r.MarginInterval?.Low),
        ("margin_high", ColumnKind.Real, r => r.MarginInterval?.High),
        ("tokens", ColumnKind.Real, r => r.Tokens),
        ("milliseconds", ColumnKind.Real, r => r.Milliseconds),
        ("format_errors", ColumnKind.Whole, r => r.FormatErrors),
        ("cut", ColumnKind.Whole, r => r.Cut),
        ("notes", ColumnKind.Whole, r => r.Notes),
        ("contaminated", ColumnKind.Whole, r => r.Contaminated),
        ("too_short", ColumnKind.Whole, r => r.TooShort),
        ("flops", ColumnKind.Real, r => r.Flops));
}
