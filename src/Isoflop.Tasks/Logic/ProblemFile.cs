using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Isoflop.Tasks;

/// <summary>
/// A user's word problems: JSON lines with <c>question</c> and <c>answer</c>, the way to the answer and then <c>#### 42</c>, as
/// GSM8K is written (Cobbe et al. 2021, arXiv:2110.14168). Answers are compared as numbers. <c>&lt;</c> and <c>&gt;</c> become ‹
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
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            string place = $"{path}: line {number}";
            Problem problem = Parse(line, place);
            decimal answer = Number(problem.Answer)
                ?? throw new DataException($"{place}: '{problem.Answer}' after #### is no number; write one, as in #### 1,234.5");
            if (answers.TryGetValue(problem.Question, out decimal earlier) && earlier != answer)
                throw new DataException($"{place}: the question stood there before with another answer; leave one out");
            answers[problem.Question] = answer;
            problems.Add(problem);
        }
        return problems.Count > 0 ? new(path, problems) : throw new DataException($"{path}: holds no problem; write one a line");
    }

    static Problem Parse(string line, string place)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw new DataException($"{place}: is no JSON object");
            string question = Field("question"), answer = Field("answer");
            int end = answer.LastIndexOf("####", StringComparison.Ordinal);
            if (end < 0) throw new DataException($"{place}: 'answer' ends without #### and a number");
            return new(Clean(question), Clean(answer[..end]), answer[(end + 4)..].Trim().TrimStart('$').TrimEnd('%', '.'));

            string Field(string name) =>
                json.RootElement.TryGetProperty(name, out JsonElement field) && field.ValueKind == JsonValueKind.String
                    && field.GetString() is { Length: > 0 } text
                    ? text : throw new DataException($"{place}: no text '{name}'; a problem has question and answer");
        }
        catch (JsonException e)
        {
            throw new DataException($"{place}: is not JSON: {e.Message}", e);
        }
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
