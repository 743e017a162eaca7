using Isoflop.Lab.Report;

namespace Isoflop.Lab.Eval;

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
    readonly Contamination? contamination;

    /// <param name="contamination">null: the training text was not searched</param>
    public EvalReport(IReadOnlyList<ItemResult> results, Contamination? contamination = null)
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
    }

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
            Tokens = items.Average(r => r.Tokens),
            Milliseconds = items.Where(r => r.Milliseconds > 0).Average(r => (double?)r.Milliseconds),
            FormatErrors = items.Count(r => r.FormatError),
            Cut = items.Count(r => r.Note.StartsWith(ItemResult.CutNote, StringComparison.Ordinal)),
            Notes = items.Count(r => r.Note.Length > 0),
            Contaminated = contamination is null ? null : items.Count(r => contamination.Found.Contains(r.Id)),
            TooShort = contamination is null ? null : items.Count(r => contamination.TooShort.Contains(r.Id)),
            Flops = items.Sum(r => r.Flops),
        };
    }

    static string ClusterOf(ItemResult r) => r.Template.Length > 0 ? $"template {r.Task}\n{r.Template}" : $"item {r.Id}";

    /// <summary>A row each, with the names of the model and the suite before it.</summary>
    public Table ToTable(string model, EvalSuite suite) => Table.Of<EvalRow>(Rows,
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
        ("accuracy_per_byte", ColumnKind.Real, r => r.AccuracyPerByte),
        ("answer_nll", ColumnKind.Real, r => r.AnswerNll),
        ("bits_per_byte", ColumnKind.Real, r => r.BitsPerByte),
        ("margin", ColumnKind.Real, r => r.Margin),
        ("tokens", ColumnKind.Real, r => r.Tokens),
        ("milliseconds", ColumnKind.Real, r => r.Milliseconds),
        ("format_errors", ColumnKind.Whole, r => r.FormatErrors),
        ("cut", ColumnKind.Whole, r => r.Cut),
        ("notes", ColumnKind.Whole, r => r.Notes),
        ("contaminated", ColumnKind.Whole, r => r.Contaminated),
        ("too_short", ColumnKind.Whole, r => r.TooShort),
        ("flops", ColumnKind.Real, r => r.Flops));
}
