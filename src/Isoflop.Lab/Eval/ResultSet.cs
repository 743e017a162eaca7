using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>
/// What one model made of many items, read from JSON lines: ours (<see cref="ItemResult"/>), sample logs of
/// lm-evaluation-harness (samples_TASK_DATE.jsonl, or a folder of them), or lines with an id and a score.
/// </summary>
public sealed partial class ResultSet
{
    const string Harness = "samples_";

    readonly List<ItemResult> items = [];
    readonly HashSet<string> keys = [];
    readonly Dictionary<string, string> questions = [];
    readonly List<string> metrics = [], warnings = [];

    ResultSet(string name) => Name = name;

    /// <summary>File or folder, as given.</summary>
    public string Name { get; }
    /// <summary>One for each item.</summary>
    public IReadOnlyList<ItemResult> Items => items;
    /// <summary>Field that the score was read from: "score", "acc".</summary>
    public string Metric => string.Join(" and ", metrics);
    /// <summary>What a reader should know.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Each item names its task.</summary>
    internal bool HasTasks => items.All(i => i.Task.Length > 0);
    /// <summary>Of results of ours: which questions they answer; null: not known.</summary>
    internal string? SuiteHash { get; private set; }
    /// <summary>The file counts replies that could not be read.</summary>
    internal bool HasFormatErrors { get; private set; }
    /// <summary>By <see cref="Key"/>: a hash of the question, where the file has one.</summary>
    internal IReadOnlyDictionary<string, string> Questions => questions;

    internal static string Key(ItemResult item) => item.Task.Length > 0 ? $"{item.Task}/{item.Id}" : item.Id;

    /// <summary>Reads a file, or the newest log of each task in a folder.</summary>
    /// <param name="metric">field of the score; null: score or correct of ours, the first of acc, exact_match, acc_norm and
    /// others of the harness</param>
    /// <param name="filter">of a harness log with several: "strict-match"; null: the first</param>
    /// <exception cref="DataException">Names the file and line: no JSON, no id, no score, an id twice, nothing.</exception>
    public static ResultSet Read(string path, string? metric = null, string? filter = null)
    {
        var set = new ResultSet(path);
        string[] files = Directory.Exists(path) ? Newest(path) : [path];
        if (files.Length == 0) throw new DataException($"{path}: no {Harness}TASK_DATE.jsonl in this folder; name a file");
        foreach (string file in files)
        {
            int before = set.items.Count;
            set.ReadFile(file, metric, filter);
            if (set.items.Count == before)
                throw new DataException($"{file}: no results; each line needs an id and a score");
        }
        return set;
    }

    /// <summary>
    /// Two sets by name: files, folders, or runs of a home, RUN or RUN@STEP. Of a run the file runs/RUN/evals/NAME-STEP.jsonl is
    /// taken whose NAME is the other side's, at its last step; of two runs the newest that both have.
    /// </summary>
    /// <exception cref="DataException">There is no such file or run, or no suite that both answered.</exception>
    public static (ResultSet A, ResultSet B) Open(string a, string b, Workspace here, string? metric = null,
        string? filter = null)
    {
        string[]? left = OfRun(a, here), right = OfRun(b, here);
        if (left is null && right is null) return (Read(a, metric, filter), Read(b, metric, filter));
        string[] there = left ?? [a], other = right ?? [b];
        string? common = there.Select(SuiteOf).Intersect(other.Select(SuiteOf))
            .MaxBy(name => (left is null ? other : there).Where(f => SuiteOf(f) == name).Max(File.GetLastWriteTimeUtc));
        if (common is null)
            throw new DataException($"no evaluation of one name: A has {Names(there)}, B has {Names(other)}; " +
                "evaluate both on one suite, or name two files");
        return (Read(Last(there), metric, filter), Read(Last(other), metric, filter));

        string Last(string[] files) => files.Where(f => SuiteOf(f) == common).MaxBy(Path.GetFileName, StringComparer.Ordinal)!;

        static string Names(string[] files) => files.Length == 0 ? "none"
            : string.Join(", ", files.Select(SuiteOf).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>A file's name without its ending, and without the step that stands in names of ours.</summary>
    static string SuiteOf(string file) => StepOfName().Replace(Path.GetFileNameWithoutExtension(file), "");

    [GeneratedRegex(@"-\d{6,}$")]
    private static partial Regex StepOfName();

    static string[]? OfRun(string name, Workspace here)
    {
        if (File.Exists(name) || Directory.Exists(name)) return null;
        bool hasStep = RunPoint.TryParse(name, out RunPoint point);
        string run = here.RunFolder(hasStep ? point.Run : name), evals = Path.Combine(run, "evals");
        if (!Directory.Exists(run))
            throw new DataException($"{name}: no such file, and no run of that name in {here.Runs}");
        string ending = hasStep ? string.Create(CultureInfo.InvariantCulture, $"-{point.Step:000000}.jsonl") : ".jsonl";
        return !Directory.Exists(evals) ? []
            : [.. Directory.GetFiles(evals).Where(f => f.EndsWith(ending, StringComparison.Ordinal))];
    }

    /// <summary>The harness adds a date to each log: the last in order is the newest.</summary>
    static string[] Newest(string folder) => [.. Directory.GetFiles(folder, Harness + "*.jsonl").GroupBy(TaskOf)
        .OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.MaxBy(f => Path.GetFileName(f), StringComparer.Ordinal)!)];

    static string TaskOf(string file) => HarnessName().Match(Path.GetFileNameWithoutExtension(file)) is { Success: true } match
        ? match.Groups[1].Value : Path.GetFileNameWithoutExtension(file);

    [GeneratedRegex(@"^samples_(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d.:-]+)?$")]
    private static partial Regex HarnessName();

    void ReadFile(string file, string? metric, string? filter)
    {
        string task = TaskOf(file);
        string? chosen = metric, only = filter;
        var others = new HashSet<string>();
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            string at = $"{file}:{number}";
            using JsonDocument document = Parse(line, at);
            JsonElement row = document.RootElement;
            bool harness = row.TryGetProperty("doc_id", out JsonElement id);
            if (!harness && !row.TryGetProperty("id", out id))
            {
                if (number == 1)                                    // a header
                {
                    SuiteHash = Word(row, "suite_hash");
                    continue;
                }
                throw new DataException($"{at}: no id; each line needs an id (doc_id in logs of lm-evaluation-harness)");
            }
            if (harness && Word(row, "filter") is { } named)
            {
                only ??= named;
                if (named != only)
                {
                    others.Add(named);
                    continue;
                }
            }
            chosen ??= MetricOf(row, harness, at);
            double score = Score(row, chosen, at);
            ItemResult item = harness ? OfHarness(row, IdOf(id, at), task, score) : OfLine(row, IdOf(id, at), score, at);
            if (!keys.Add(Key(item))) throw new DataException($"{at}: '{Key(item)}' is there twice; an item has one result");
            items.Add(item);
            if (Word(row, "doc_hash") is { } hash) questions[Key(item)] = hash;
            HasFormatErrors |= item.Reply is not null && row.TryGetProperty("format_error", out _);
        }
        if (chosen is not null && !metrics.Contains(chosen)) metrics.Add(chosen);
        if (others.Count > 0 && filter is null)
            warnings.Add($"{task} has several filters; {only} is taken, --filter takes {string.Join(" or ", others)}");
        else if (others.Count > 0 && items.Count == 0)
            throw new DataException($"{file}: no filter '{filter}'; there are: {string.Join(", ", others)}");
    }

    static JsonDocument Parse(string line, string at)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
            throw new DataException($"{at}: not a JSON object; each line is one (an array becomes lines with jq -c '.[]')");
        }
        catch (JsonException e)
        {
            throw new DataException($"{at}: no JSON ({e.Message.Split('.')[0]}); each line is one object", e);
        }
    }

    static string IdOf(JsonElement id, string at) => id.ValueKind switch
    {
        JsonValueKind.String when id.GetString() is { Length: > 0 } text => text,
        JsonValueKind.Number => id.GetRawText(),
        _ => throw new DataException($"{at}: id is {id.GetRawText()}; it must be text or a number"),
    };

    static string MetricOf(JsonElement row, bool harness, string at)
    {
        string[] usual = harness ? ["acc", "exact_match", "acc_norm"] : ["score", "correct"];
        if (usual.FirstOrDefault(m => row.TryGetProperty(m, out JsonElement v) && Number(v) is not null) is { } found)
            return found;
        string? first = null;
        if (harness && row.TryGetProperty("metrics", out JsonElement listed) && listed.ValueKind == JsonValueKind.Array)
            first = listed.EnumerateArray().Select(m => m.ValueKind == JsonValueKind.String ? m.GetString() : null)
                .FirstOrDefault(m => m is not null && row.TryGetProperty(m, out JsonElement v) && Number(v) is not null);
        return first ?? throw new DataException($"{at}: none of {string.Join(", ", usual)} is there; " +
            $"{Numeric(row)}; --metric names one");
    }

    static string Numeric(JsonElement row)
    {
        string[] fields = [.. row.EnumerateObject().Where(p => p.Name is not ("id" or "doc_id") && Number(p.Value) is not null)
            .Select(p => p.Name)];
        return fields.Length > 0 ? "numbers are " + string.Join(", ", fields) : "no field is a number";
    }

    static double Score(JsonElement row, string metric, string at)
    {
        if (!row.TryGetProperty(metric, out JsonElement value))
            throw new DataException($"{at}: no '{metric}'; {Numeric(row)}");
        return Number(value) ?? throw new DataException($"{at}: {metric} is {value.GetRawText()}; it must be a number or a bool");
    }

    static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        JsonValueKind.Number when value.GetDouble() is double x && double.IsFinite(x) => x,
        _ => null,
    };

    static string? Word(JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static double? Number(JsonElement row, string name, string at)
    {
        if (!row.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
        return Number(value) ?? throw new DataException($"{at}: {name} is {value.GetRawText()}; it must be a number");
    }

    static ItemResult OfLine(JsonElement row, string id, double score, string at) => new()
    {
        Id = id,
        Task = Word(row, "task") ?? "",
        Template = Word(row, "template") ?? Word(row, "cluster") ?? "",
        Score = score,
        AnswerNll = Number(row, "answer_nll", at),
        Bytes = (int)(Number(row, "bytes", at) ?? 0),
        Reply = Word(row, "reply"),
        FormatError = Number(row, "format_error", at) > 0,
        Milliseconds = Number(row, "milliseconds", at) ?? 0,
        Note = Word(row, "note") ?? "",
    };

    /// <summary>
    /// Of a log-likelihood item: filtered_resps is [["-3.2", "False"], …], one for each of arguments, whose second part is the
    /// choice, and target the index of the right one. Numbers stand as text; older logs have them as numbers.
    /// </summary>
    static ItemResult OfHarness(JsonElement row, string id, string task, double score)
    {
        var item = new ItemResult { Id = id, Task = task, Score = score };
        JsonElement[] replies = Parts(row, "filtered_resps"), asked = Parts(row, "arguments");
        if (replies.Length == 0) return item;
        if (replies[0].ValueKind == JsonValueKind.String) return item with { Reply = replies[0].GetString() };
        int right = 0;
        if (replies.Length > 1 && (!row.TryGetProperty("target", out JsonElement target)
            || !int.TryParse(target.ToString(), out right) || right < 0 || right >= replies.Length)) return item;
        if (replies[right].ValueKind != JsonValueKind.Array || replies[right].GetArrayLength() == 0
            || !double.TryParse(replies[right][0].ToString(), CultureInfo.InvariantCulture, out double logP)
            || !double.IsFinite(logP)) return item;
        string? choice = right < asked.Length ? Choice(asked[right]) : null;
        return item with { AnswerNll = -logP, Bytes = choice is null ? 0 : Encoding.UTF8.GetByteCount(choice) };
    }

    /// <summary>Members of an array, or of an object as the harness writes one: {"gen_args_0": …, "gen_args_1": …}.</summary>
    static JsonElement[] Parts(JsonElement row, string name) =>
        !row.TryGetProperty(name, out JsonElement value) ? [] : Members(value);

    static JsonElement[] Members(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => [.. value.EnumerateArray()],
        JsonValueKind.Object => [.. value.EnumerateObject().Select(p => p.Value)],
        _ => [],
    };

    static string? Choice(JsonElement argument) =>
        Members(argument) is [_, { ValueKind: JsonValueKind.String } choice, ..] ? choice.GetString() : null;
}
