using System.Text.Json;
using Isoflop.Tasks;

namespace Isoflop.Lab.Eval;

/// <summary>A row of a file of results, and where its score stands.</summary>
/// <param name="Task">of a harness' log</param> <param name="Filter">of its scores the one asked for; null: the first</param>
readonly record struct ScoredRow(JsonElement Row, string Task, bool Harness, string? Filter, string At)
{
    /// <summary>Name of the score that is read from the reply itself, where a row has none.</summary>
    const string ByReply = "reply";

    /// <summary>
    /// Name of the score: of the usual ones the first that is a number; else what the row says are its metrics; else the reply
    /// against the answer. Null: it has no value here.
    /// </summary>
    /// <exception cref="DataException">There is none.</exception>
    public string? Metric()
    {
        ScoredRow self = this;
        string[] usual = Harness ? ["acc", "exact_match", "acc_norm"] : ["score", "correct"];
        if (usual.FirstOrDefault(m => self.Find(m) is { } v && Number(v) is not null) is { } found) return found;
        string? listed = null;
        if (Harness && Row.TryGetProperty("metrics", out JsonElement names) && names.ValueKind == JsonValueKind.Array)
            listed = names.EnumerateArray().Select(m => m.ValueKind == JsonValueKind.String ? m.GetString() : null)
                .FirstOrDefault(m => m is not null && self.Find(m) is { } v && Number(v) is not null);
        if (listed is not null) return listed;
        if (usual.Any(m => self.Find(m) is { ValueKind: JsonValueKind.Null })) return null;
        if (Replied() is not null) return ByReply;
        throw new DataException($"{At}: none of {string.Join(", ", usual)} is there; {Numeric()}; metric=NAME names one");
    }

    /// <summary>Null: no value, as Python's NaN.</summary>
    /// <exception cref="DataException">It is not there, or no number.</exception>
    public double? Score(string metric)
    {
        if (Find(metric) is not { } value || (metric == ByReply && value.ValueKind == JsonValueKind.String))
            return metric == ByReply && Replied() is { } right ? right ? 1 : 0
                : throw new DataException($"{At}: no '{metric}'; {Numeric()}");
        if (value.ValueKind == JsonValueKind.Null) return null;
        return Number(value) ?? throw new DataException($"{At}: {metric} is {value.GetRawText()}; it must be a number or a bool");
    }

    /// <summary>
    /// The reply is the answer that the row holds, both as <see cref="Answers"/> reads them; null: it has not both.
    /// </summary>
    bool? Replied()
    {
        string? reply = Text("reply") ?? Text("response") ?? First("filtered_resps") ?? First("resps"),
            answer = Text("answer") ?? Text("target");
        if (reply is null || answer is null || Answers.Of(answer) is not { } right) return null;
        string? said = Answers.Of(Answers.Parts(reply).Said, Answers.Number(right) is not null);
        return said is not null && Answers.Same(said, right);
    }

    string? Text(string name) => Row.TryGetProperty(name, out JsonElement value)
        && value.ValueKind is JsonValueKind.String or JsonValueKind.Number ? value.ToString() : null;

    string? First(string name)
    {
        if (!Row.TryGetProperty(name, out JsonElement value)) return null;
        while (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>A metric by its name: in the row, or in an object of its metrics or its task; "acc,none" is acc.</summary>
    JsonElement? Find(string metric)
    {
        foreach (string? inner in (ReadOnlySpan<string?>)[null, "metrics", Task])
        {
            JsonElement holder = Row;
            if (inner is not null && !(inner.Length > 0 && Row.TryGetProperty(inner, out holder))) continue;
            if (holder.ValueKind != JsonValueKind.Object) continue;
            if (holder.TryGetProperty(metric, out JsonElement value)) return value;
            foreach (JsonProperty p in holder.EnumerateObject())
                if (p.Name.StartsWith(metric + ",", StringComparison.Ordinal)
                    && (Filter is null || p.Name.EndsWith("," + Filter, StringComparison.Ordinal))) return p.Value;
        }
        return null;
    }

    string Numeric()
    {
        string[] fields = [.. Row.EnumerateObject().Where(p => p.Name is not ("id" or "doc_id") && Number(p.Value) is not null)
            .Select(p => p.Name)];
        return fields.Length > 0 ? "numbers are " + string.Join(", ", fields) : "no field is a number";
    }

    /// <summary>Null: none.</summary>
    public static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        JsonValueKind.Number when value.GetDouble() is double x && double.IsFinite(x) => x,
        JsonValueKind.Array when value.GetArrayLength() == 1 => Number(value[0]),
        _ => null,
    };
}
