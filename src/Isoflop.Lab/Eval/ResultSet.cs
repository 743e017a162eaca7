using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Eval;

/// <summary>
/// What one model made of many items, read from JSON lines or lists: ours (<see cref="ItemResult"/>), sample logs of
/// lm-evaluation-harness (samples_TASK_DATE.jsonl, or a folder of them), or lines with an id and a score.
/// </summary>
sealed partial class ResultSet
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

    /// <summary>Reads a file, or the newest log of each task in a folder or the one folder below it that has some.</summary>
    /// <param name="metric">field of the score; null: score or correct of ours, the first of acc, exact_match, acc_norm and
    /// others of the harness</param>
    /// <param name="filter">of a harness log with several: "strict-match"; null: the first</param>
    /// <exception cref="DataException">Names the file and line: no JSON, no id, no score, an id twice, nothing.</exception>
    public static ResultSet Read(string path, string? metric = null, string? filter = null)
    {
        var set = new ResultSet(path);
        string[] files = Directory.Exists(path) ? set.Newest(path) : [path];
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

    /// <summary>
    /// The harness adds a date to each log: the last in order is the newest. It writes them into a folder of the model's, below
    /// the one that it was given.
    /// </summary>
    string[] Newest(string folder)
    {
        var here = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true };
        ILookup<string, string> folders = Directory.EnumerateFiles(folder, Harness + "*", here)
            .Where(f => Path.GetExtension(f) is ".jsonl" or ".json").ToLookup(f => Path.GetDirectoryName(f)!);
        if (folders.Count == 0)
            throw new DataException($"{folder}: no {Harness}TASK_DATE.jsonl in this folder or below; name a file");
        IGrouping<string, string> nearest = folders.MinBy(f => f.Key.Length)!;
        if (folders.Count > 1 && Path.GetFullPath(nearest.Key) != Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder)))
            throw new DataException($"{folder}: holds logs in {folders.Count} folders; name one: " +
                string.Join(", ", folders.Select(f => f.Key).Order(StringComparer.Ordinal).Take(5)));
        List<string> newest = [];
        foreach (var logs in nearest.GroupBy(f => TaskOf(f)!).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            newest.Add(logs.MaxBy(f => Path.GetFileName(f), StringComparer.Ordinal)!);
            if (logs.Count() > 1)
                warnings.Add($"{logs.Key} has {logs.Count()} logs; the newest is taken, {Path.GetFileName(newest[^1])}");
        }
        return [.. newest];
    }

    /// <summary>Of a log of the harness; of another file empty.</summary>
    static string TaskOf(string file) => HarnessName().Match(Path.GetFileNameWithoutExtension(file)) is { Success: true } match
        ? match.Groups[1].Value : "";

    [GeneratedRegex(@"^samples_(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d.:-]+)?$")]
    private static partial Regex HarnessName();

    void ReadFile(string file, string? metric, string? filter)
    {
        string? chosen = metric, only = filter, blank = null;
        var others = new HashSet<string>();
        int without = 0;
        bool first = true;
        foreach ((string at, string task, JsonElement row) in Rows(file))
        {
            bool begins = first;
            first = false;
            bool harness = row.TryGetProperty("doc_id", out JsonElement id);
            if (!harness && !row.TryGetProperty("id", out id))
            {
                if (begins)                                         // a header
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
            var scored = new ScoredRow(row, task, harness, filter, at);
            chosen ??= scored.Metric();
            if (chosen is null || scored.Score(chosen) is not { } score)
            {
                without++;                                          // Python's NaN: no value
                blank ??= at;
                continue;
            }
            ItemResult item = harness ? OfHarness(row, IdOf(id, at), task, score) : OfLine(row, IdOf(id, at), score, at);
            if (!keys.Add(Key(item))) throw new DataException($"{at}: '{Key(item)}' is there twice; an item has one result");
            items.Add(item);
            if (Word(row, "doc_hash") is { } hash) questions[Key(item)] = hash;
            HasFormatErrors |= item.Reply is not null && row.TryGetProperty("format_error", out _);
        }
        if (chosen is null && blank is not null)
            throw new DataException($"{blank}: none of score, correct is there; no field is a number");
        if (without > 0) warnings.Add($"{without} rows have no value of {chosen}, the first at {blank}; they are left out");
        if (chosen is not null && !metrics.Contains(chosen)) metrics.Add(chosen);
        if (others.Count > 0 && filter is null)
            warnings.Add($"{TaskOf(file)} has several filters; {only} is taken, filter=NAME takes {string.Join(" or ", others)}");
        else if (others.Count > 0 && items.Count == 0)
            throw new DataException($"{file}: no filter '{filter}'; there are: {string.Join(", ", others)}");
    }

    /// <summary>Rows of a file; where the harness keeps them among the results, those below "samples", by task.</summary>
    static IEnumerable<(string At, string Task, JsonElement Row)> Rows(string file)
    {
        foreach ((string at, JsonElement row) in ForeignJson.Rows(file))
        {
            if (row.ValueKind != JsonValueKind.Object) throw new DataException($"{at}: not a JSON object; each line is one");
            if (!row.TryGetProperty("samples", out JsonElement samples) || samples.ValueKind != JsonValueKind.Object
                || row.TryGetProperty("doc_id", out _) || row.TryGetProperty("id", out _))
            {
                yield return (at, TaskOf(file), row);
                continue;
            }
            foreach (JsonProperty task in samples.EnumerateObject())
                foreach ((int i, JsonElement sample) in Members(task.Value).Index())
                {
                    string place = $"{at}, {task.Name} {i + 1}";
                    yield return sample.ValueKind == JsonValueKind.Object ? (place, task.Name, sample)
                        : throw new DataException($"{place}: not a JSON object");
                }
        }
    }

    static string IdOf(JsonElement id, string at) => id.ValueKind switch
    {
        JsonValueKind.String when id.GetString() is { Length: > 0 } text => text,
        JsonValueKind.Number => id.GetRawText(),
        _ => throw new DataException($"{at}: id is {id.GetRawText()}; it must be text or a number"),
    };

    static string? Word(JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static double? Number(JsonElement row, string name, string at)
    {
        if (!row.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
        return ScoredRow.Number(value) ?? throw new DataException($"{at}: {name} is {value.GetRawText()}; it must be a number");
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
        if (replies.Length == 0) replies = Parts(row, "resps");
        if (replies.Length == 0) return item;
        if (replies[0].ValueKind == JsonValueKind.Array && replies[0].GetArrayLength() == 1
            && replies[0][0].ValueKind == JsonValueKind.String) replies = [replies[0][0]];
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
