using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Isoflop.Lab.Tables;
using Isoflop.Train;

namespace Isoflop.Lab.Runs;

/// <summary>
/// Runs as tidy tables. Columns are the summary's, then every setting of run.json under its key ("model.d_model"; one whose key
/// the summary has already is "config.flops"), then what the ledger says was spent.
/// </summary>
public static class RunTables
{
    /// <summary>Columns of the summary: what came of a run.</summary>
    public static IReadOnlyList<string> Outcome { get; } =
        ["status", "parameters", "step", "tokens", "flops", "seconds", "loss", "valid_loss", "bits_per_byte"];

    // Of one run: its summary, and the record and ledger where they can be read.
    sealed record Row(RunSummary Summary, RunRecord? Record, JsonObject? Settings, Ledger? Ledger);

    /// <summary>One row a run, in the order given. What a broken run does not tell is missing.</summary>
    public static Table Of(RunStore store, IReadOnlyList<RunSummary> runs)
    {
        List<(string Name, ColumnKind? Kind, Func<Row, object?> Value)> columns =
        [
            ("name", ColumnKind.Text, r => r.Summary.Name), ("status", ColumnKind.Text, r => r.Summary.Status),
            ("corpus", ColumnKind.Text, r => r.Record is null ? null : r.Summary.Corpus),
            ("parameters", ColumnKind.Whole, r => r.Record?.Parameters),
            ("non_embedding", ColumnKind.Whole, r => r.Record?.NonEmbedding),
            ("step", ColumnKind.Whole, r => r.Record is null ? null : r.Summary.Step),
            ("steps", ColumnKind.Whole, r => r.Record is null ? null : r.Summary.Steps),
            ("tokens", ColumnKind.Whole, r => r.Record is null ? null : r.Summary.Tokens),
            ("flops", ColumnKind.Real, r => r.Record is null ? null : r.Summary.Flops),
            ("seconds", ColumnKind.Real, r => r.Record is null ? null : r.Summary.Seconds),
            ("loss", ColumnKind.Real, r => r.Summary.Loss), ("valid_loss", ColumnKind.Real, r => r.Summary.ValidLoss),
            ("bits_per_byte", ColumnKind.Real, r => r.Summary.BitsPerByte),
            ("created", ColumnKind.Time, r => r.Summary.Created),
            ("planned_tokens", ColumnKind.Whole, r => r.Record?.Tokens), ("planned_flops", ColumnKind.Real, r => r.Record?.Flops),
            ("code_version", ColumnKind.Text, r => r.Record?.CodeVersion), ("host", ColumnKind.Text, r => r.Record?.Machine.Host),
            ("device", ColumnKind.Text, r => r.Record?.Machine.Device),
        ];
        HashSet<string> taken = [.. columns.Select(c => c.Name)];
        foreach ((string key, Type type) in SettingsOf(ConfigJson.Default.RunConfig, ""))
        {
            if (key is "name" or "corpus") continue;             // the run's and the corpus' own names stand there already
            string[] path = key.Split('.');
            columns.Add((taken.Contains(key) ? "config." + key : key, KindOf(type), r => Cell(r.Settings, path, type)));
        }
        columns.AddRange(
        [
            Spent("train", l => l.Train), Spent("tune", l => l.Tune), Spent("sample", l => l.Sample),
            Spent("verify", l => l.Verify), Spent("measure", l => l.Measure),
        ]);
        return Table.Of(runs.Select(r => RowOf(store, r)), columns);

        static (string, ColumnKind?, Func<Row, object?>) Spent(string purpose, Func<Ledger, Spending> part) =>
            ($"ledger.{purpose}.flops", ColumnKind.Real, r => r.Ledger is null ? null : part(r.Ledger).Flops);
    }

    /// <summary>One row a step of each run; the loss on held-out text stands where it was taken.</summary>
    /// <exception cref="DataException">Rows that cannot be read.</exception>
    public static Table StepsOf(RunStore store, IReadOnlyList<RunSummary> runs) => Table.Of(
        runs.SelectMany(run =>
        {
            string path = store.PathOf(run.Name);
            // the older rows of reinforcement learning call their entropy a loss
            bool policy = run.Problem is null && RunRecord.Load(path).Recipe is not null;
            var valid = new Dictionary<int, ValidRow>();
            foreach (ValidRow row in RunFolder.ReadValid(path)) valid[row.Step] = row;
            return RunFolder.ReadSteps(path).Select(s => (run.Name,
                Step: policy ? s with { Loss = null, Entropy = s.Entropy ?? s.Loss } : s,
                Valid: valid.TryGetValue(s.Step, out ValidRow v) ? v : (ValidRow?)null));
        }),
        ("run", ColumnKind.Text, r => r.Name), ("step", ColumnKind.Whole, r => r.Step.Step),
        ("tokens", ColumnKind.Whole, r => r.Step.Tokens), ("flops", ColumnKind.Real, r => r.Step.Flops),
        ("loss", ColumnKind.Real, r => r.Step.Loss), ("learning_rate", ColumnKind.Real, r => r.Step.LearningRate),
        ("grad_norm", ColumnKind.Real, r => r.Step.GradNorm), ("seconds", ColumnKind.Real, r => r.Step.Seconds),
        ("tokens_per_second", ColumnKind.Real, r => r.Step.TokensPerSecond),
        ("peak_share", ColumnKind.Real, r => r.Step.PeakShare), ("entropy", ColumnKind.Real, r => r.Step.Entropy),
        ("valid_loss", ColumnKind.Real, r => r.Valid?.Loss),
        ("bits_per_byte", ColumnKind.Real, r => r.Valid?.BitsPerByte));

    static Row RowOf(RunStore store, RunSummary run)
    {
        string path = store.PathOf(run.Name);
        try
        {
            RunRecord record = RunRecord.Load(path);
            return new(run, record, JsonSerializer.SerializeToNode(record.Config, ConfigJson.Default.RunConfig)!.AsObject(),
                LedgerOf(path));
        }
        catch (DataException)
        {
            return new(run, null, null, null);
        }
    }

    /// <summary>Of the newest checkpoint; null where there is none that can be read.</summary>
    static Ledger? LedgerOf(string path)
    {
        try
        {
            return Checkpoint.StepsIn(path) is { Count: > 0 } steps
                ? Checkpoint.ReadState(Path.Combine(path, Checkpoint.NameOf(steps[^1]))).Ledger : null;
        }
        catch (Exception e) when (e is DataException or IOException or UnauthorizedAccessException)
        {
            return null;                                         // a run under way removes its older checkpoints
        }
    }

    static IEnumerable<(string Key, Type Type)> SettingsOf(JsonTypeInfo type, string path)
    {
        foreach (JsonPropertyInfo property in type.Properties.Where(p => p.Get is not null))
        {
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (inner.Kind == JsonTypeInfoKind.Object)
                foreach ((string, Type) setting in SettingsOf(inner, $"{path}{property.Name}.")) yield return setting;
            else yield return (path + property.Name, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        }
    }

    // A seed may be larger than whole numbers are here, and is no quantity.
    static ColumnKind KindOf(Type type) => type == typeof(bool) ? ColumnKind.Boolean : type == typeof(double) ? ColumnKind.Real
        : type == typeof(int) || type == typeof(long) ? ColumnKind.Whole : ColumnKind.Text;

    static object? Cell(JsonNode? settings, string[] path, Type type)
    {
        foreach (string key in path) settings = settings?[key];
        return settings is null ? null : KindOf(type) switch
        {
            ColumnKind.Boolean => settings.GetValue<bool>(),
            ColumnKind.Real => settings.GetValue<double>(),
            ColumnKind.Whole => settings.Deserialize(LongJson.Default.Int64),
            _ => settings.ToString(),
        };
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(long))]
sealed partial class LongJson : System.Text.Json.Serialization.JsonSerializerContext;
