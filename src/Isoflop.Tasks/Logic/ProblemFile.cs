using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Isoflop.Store;

namespace Isoflop.Tasks;

/// <summary>
/// A user's word problems: JSON lines, or one list, with <c>question</c> and <c>answer</c>, the way to the answer and then
/// <c>#### 42</c>, as GSM8K is written (Cobbe et al. 2021, arXiv:2110.14168), or names that others give to the two.
/// Answers are compared as numbers. <c>&lt;</c> and <c>&gt;</c> become ‹
/// and ›, what stands between double ones (a calculator's notes) is left out.
/// </summary>
sealed partial class ProblemFile : TaskFamily
{
    readonly record struct Problem(string Question, string Way, string Answer);

    readonly Dictionary<string, Problem> byQuestion = new(StringComparer.Ordinal);
    readonly ILookup<Split, Problem> bySplit;
    readonly string path;

    ProblemFile(string path, List<Problem> problems)
    {
        this.path = path;
        Name = Path.GetFileNameWithoutExtension(path);
        foreach (Problem problem in problems) byQuestion[problem.Question] = problem;
        bySplit = byQuestion.Values.ToLookup(p => SplitOfPrompt(p.Question));
        double most = problems.GroupBy(p => Number(p.Answer)).Max(g => g.Count());
        chance = most / problems.Count;
        Symbols = string.Concat(problems.Select(p => p.Question + p.Way + p.Answer).SelectMany(t => t).Distinct()) + Marks.Said;
    }

    readonly double chance;

    public override string Name { get; }
    public override string Group => "logic";
    public override string Summary => $"Word problems of {path}: the number they ask for";
    public override int Levels => 1;
    public override long? Size(int level) => byQuestion.Count;
    protected override string Symbols { get; }

    /// <summary>The commonest answer's share.</summary>
    public override double Chance(int level) => chance;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigException">There is no such file.</exception>
    /// <exception cref="DataException">A line that is not a problem with a number at its end, or one question with two
    /// answers.</exception>
    public static ProblemFile Read(string path)
    {
        if (!File.Exists(path)) throw new ConfigException($"{path}: no such file; give one of JSON lines with question and " +
            "answer");
        List<Problem> problems = [];
        Dictionary<string, decimal> answers = new(StringComparer.Ordinal);
        foreach ((string place, JsonElement row) in ForeignJson.Rows(path))
        {
            Problem problem = Parse(row, place);
            decimal answer = Number(problem.Answer) ?? throw new DataException(
                $"{place}: '{problem.Answer}' is no number to answer with; write one, as in #### 1,234.5");
            if (answers.TryGetValue(problem.Question, out decimal earlier) && earlier != answer)
                throw new DataException($"{place}: the question stood there before with another answer; leave one out");
            answers[problem.Question] = answer;
            problems.Add(problem);
        }
        return problems.Count > 0 ? new(path, problems) : throw new DataException($"{path}: holds no problem; write one a line");
    }

    // Names that other programs give to the two; the first is ours.
    static readonly string[] questions = ["question", "problem", "prompt", "input", "instruction", "query"],
        ways = ["answer", "solution", "completion", "target", "output", "response"];

    static Problem Parse(JsonElement row, string place)
    {
        if (row.ValueKind != JsonValueKind.Object) throw new DataException($"{place}: is no JSON object");
        string question = Field(row, questions, place), answer = Field(row, ways, place);
        int end = answer.LastIndexOf("####", StringComparison.Ordinal);
        if (end >= 0) return new(Clean(question), Clean(answer[..end]), Bare(answer[(end + 4)..]));
        // Without the sign the number stands alone, or is marked otherwise; the way to it may be told apart.
        string? bare = Number(Bare(answer)) is not null ? Bare(answer) : Answers.Number(answer);
        string number = bare ?? Answers.Marked(answer, number: true)
            ?? throw new DataException($"{place}: the answer ends without #### and a number, and marks none otherwise");
        string way = bare is null ? answer : row.TryGetProperty("solution", out JsonElement told)
            && told.ValueKind == JsonValueKind.String ? told.GetString()! : "";
        return new(Clean(question), Clean(way), Bare(number));
    }

    static string Bare(string answer) => answer.Trim().TrimStart('$').TrimEnd('%', '.');

    static string Field(JsonElement row, string[] names, string place)
    {
        string[] there = [.. names.Where(n => row.TryGetProperty(n, out JsonElement field)
            && field.ValueKind is JsonValueKind.String or JsonValueKind.Number && field.ToString().Length > 0)];
        if (there.Length > 1 && there[0] != names[0])
            throw new DataException($"{place}: {string.Join(" and ", there)} may each be the {names[0]}; name it '{names[0]}'");
        return there.Length > 0 ? row.GetProperty(there[0]).ToString()
            : throw new DataException($"{place}: no text '{names[0]}'; a problem has question and answer");
    }

    static string Clean(string text) => Notes().Replace(text, "").Replace('<', '‹').Replace('>', '›').Trim();

    [GeneratedRegex("<<[^<>]*>>")]
    private static partial Regex Notes();

    public override TaskItem Make(Split split, int level, long index, ulong seed)
    {
        CheckLevel(level);
        Problem[] problems = [.. bySplit[split]];
        if (problems.Length == 0)
            throw new DataException($"{path}: none of {byQuestion.Count} problems falls in {split}, which takes one in ten; " +
                "give more");
        var order = RandomUse.TaskItem.Order(problems.Length, StreamOf(split, level, seed), index / problems.Length);
        Problem problem = problems[order[index % problems.Length]];
        return new(Name, level, problem.Question, problem.Answer);
    }

    protected override string ContentOf(string prompt) => White().Replace(prompt, " ");

    [GeneratedRegex(@"\s+")]
    private static partial Regex White();

    protected override Draft? Draw(int level, ref Rng rng) => throw new InvalidOperationException("problems are read, not drawn");

    /// <summary>Looked up: nobody solves these.</summary>
    public override string Solve(TaskItem item) => byQuestion[item.Prompt].Answer;

    protected override Derivation Derive(TaskItem item, bool explore, ref Rng rng) =>
        new(byQuestion[item.Prompt].Way, byQuestion[item.Prompt].Answer);

    /// <summary>As a key loses its percent sign, so does what is said.</summary>
    internal override string? AnswerIn(string prompt, string said) => base.AnswerIn(prompt, said)?.TrimEnd('%');

    public override bool AnswersAreNumbers => true;

    protected override bool IsRight(TaskItem item, string answer) => Number(answer) is { } said && said == Number(item.Key);

    /// <summary>
    /// +1,234.50 and 1234.5 are one number: a sign, digits with or without commas every three, decimals; nothing else.
    /// </summary>
    internal static decimal? Number(string text) =>
        text.Length <= 28 && Form().IsMatch(text) ? decimal.Parse(text.Replace(",", ""),
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"\A[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?\z")]
    private static partial Regex Form();
}
