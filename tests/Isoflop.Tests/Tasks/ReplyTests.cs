using System.Text.Json;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

public sealed class ReplyTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, InlineData(">7", false, "", "7"), InlineData("<>7", true, "", "7"), InlineData("<3 4;>7", true, "3 4;", "7"), InlineData(">", false, "", ""),
        InlineData("<a>b c ", true, "a", "b c ")]
    public void A_reply_is_an_answer_with_or_without_a_thought(string text, bool thinks, string thought, string answer)
    {
        Assert.Equal(new Reply(thinks, thought, answer), Reply.Parse(text));
        Assert.Equal(text, Reply.Parse(text).ToString());
    }

    [Theory, InlineData(null), InlineData(""), InlineData("7"), InlineData("<7"), InlineData("7>"), InlineData(">7>"), InlineData("<<a>7"), InlineData("<a>7<"), InlineData(">>7"),
        InlineData(" >7")]
    public void Anything_else_is_malformed(string? text) => Assert.Null(Reply.Parse(text));

    [Fact]
    public void Long_replies_are_malformed()
    {
        Assert.NotNull(Reply.Parse("<" + new string('1', Reply.MaxLength - 3) + ">7"));
        Assert.Null(Reply.Parse("<" + new string('1', Reply.MaxLength - 2) + ">7"));
        Assert.NotNull(Reply.Parse(">" + new string('1', Reply.MaxAnswer)));
        Assert.Null(Reply.Parse(">" + new string('1', Reply.MaxAnswer + 1)));
    }

    [Theory]
    [InlineData("0110", 0, 0, 0, 0, 0, 0, 0)]
    [InlineData("3 14;5 2;7 9!", 3, 3, 0, 0, 0, 2, 1)]
    [InlineData("3 14;5 2;3 14;7 9!", 4, 4, 0, 0, 1, 3, 1)]
    [InlineData("3 14;5 2;7", 3, 2, 0, 0, 0, 2, 0)]                 // cut off in its third attempt
    [InlineData("3 14;3 14;", 2, 2, 0, 0, 1, 0, 0)]
    [InlineData("b3 c2?~c4 d1!", 2, 2, 1, 0, 0, 1, 1)]
    [InlineData("a1 b2 c3?~~b3 c2!", 2, 2, 2, 0, 0, 1, 1)]
    [InlineData("a b?~b?~b!", 3, 3, 2, 0, 2, 0, 1)]
    [InlineData("3c: 2b: 1c 2b 1b 3c", 0, 0, 0, 2, 0, 0, 0)]
    [InlineData("12|3+4=7 7+5=12", 0, 0, 0, 0, 0, 0, 0)]
    [InlineData("~~~", 0, 0, 3, 0, 0, 0, 0)]
    [InlineData("1!2!", 2, 2, 0, 0, 0, 0, 2)]
    public void A_thought_is_counted_by_its_marks(string thought, int attempts, int checks, int back, int goals, int repeats, int changes, int claims) =>
        Assert.Equal(new Behaviour(attempts, checks, back, goals, repeats, changes, claims), Behaviour.Of(new Reply(true, thought, "7")));

    [Theory, InlineData("5+8=13 4+7+1=12", 0), InlineData("5+8=12 4+7+1=12", 1), InlineData("2+3*4=14", 0), InlineData("2+3*4=20", 1), InlineData("45=22*2+1", 0),
        InlineData("8-9=-1?~8/2=4!", 0), InlineData("8/3=2", 0), InlineData("3x+5=20 3x=15", 0), InlineData("7+(3.17-1.00)/2=8.09", 0), InlineData("Bob=3+2=6", 1),
        InlineData("=", 0), InlineData("==5", 0), InlineData("5=", 0), InlineData("99999*99999=1", 0), InlineData("1+1=99999999999999999999", 0)]
    public void False_equations_are_slips(string thought, int slips) => Assert.Equal(slips, Equations.CountFalse(thought));

    [Fact]
    public void Slips_and_false_claims_are_seen()
    {
        Assert.Equal(1, TaskFamilies.Find("parity").Observe(new("parity", 1, "0110", "0"), "<0111>1").Slips);
        Assert.Equal(1, TaskFamilies.Find("modular-chain").Observe(new("modular-chain", 1, "3+4*2%7", "0"), "<1 2>2").Slips);
        Behaviour root = TaskFamilies.Find("modular-root").Observe(new("modular-root", 1, "5xx=14%31", ""), "<4 14!>4");
        Assert.Equal((1, true, 1), (root.Slips, root.FalseSolved, root.Claims));
        Assert.False(TaskFamilies.Find("modular-root").Observe(new("modular-root", 1, "5xx=14%31", ""), "<3 14!>3").FalseSolved);
        Assert.Equal(default, TaskFamilies.Find("parity").Observe(new("parity", 1, "0110", "0"), "0110"));
    }

    // ---- a user's word problems -------------------------------------------------------------------------------------------------

    string FileOf(params string[] lines)
    {
        string path = Path.Combine(folder, "mine.jsonl");
        File.WriteAllLines(path, lines);
        return path;
    }

    static string Line(string question, string answer) => JsonSerializer.Serialize(new Dictionary<string, string> { ["question"] = question, ["answer"] = answer });

    [Fact]
    public void Word_problems_of_a_file_are_a_family()
    {
        TaskFamily family = TaskFamilies.Find(FileOf([.. Enumerable.Range(0, 200).Select(i =>
            Line($"A pen costs {i + 2} and 5 > 3. What do {i % 7 + 1} pens cost?", $"{i + 2} * {i % 7 + 1} = <<{i + 2}*{i % 7 + 1}=0>>\n#### {(i + 2) * (i % 7 + 1):N0}"))]));
        Assert.Equal(("mine", 1, 200L), (family.Name, family.Levels, family.Size(1)));
        HashSet<string>[] prompts = [.. Enum.GetValues<Split>().Select(s => Enumerable.Range(0, 400).Select(i =>
        {
            TaskItem item = family.Make(s, 1, i, 3);
            var rng = new Rng(1, RandomPurpose.Test);
            foreach (TraceForm form in Enum.GetValues<TraceForm>())
            {
                string reply = family.Demonstrate(item, form, ref rng);
                Assert.Equal(1, family.Reward(item, reply));
                Assert.Empty((item.Prompt + reply).Except(family.Alphabet));
            }
            return item.Prompt;
        }).ToHashSet())];
        Assert.Equal(200, prompts.Sum(p => p.Count));
        Assert.Equal(200, prompts.SelectMany(p => p).Distinct().Count());
    }

    [Theory, InlineData("1234.5", true), InlineData("1,234.50", true), InlineData("+1234.500", true), InlineData("01234.5", true), InlineData("-1234.5", false),
        InlineData("12,34.5", false), InlineData("1234.5 ", false), InlineData("1234.5 or 7", false), InlineData("1.2345e3", false), InlineData("$1234.5", false),
        InlineData("١٢٣٤.٥", false), InlineData("1234,5", false), InlineData("", false), InlineData("1234.", false), InlineData(".5", false)]
    public void Their_answers_are_compared_as_numbers(string answer, bool right)
    {
        TaskFamily family = TaskFamilies.Find(FileOf(Line("How much?", "So much. #### $1,234.50")));
        Assert.Equal(right ? 1 : 0, family.Reward(new("mine", 1, "How much?", family.Solve(new("mine", 1, "How much?", ""))), $">{answer}"));
    }

    [Theory, InlineData(":1: is not JSON", "{"), InlineData(":1: is no JSON object", "[1]"), InlineData(":1: no text 'answer'", """{"question":"a"}"""),
        InlineData(":1: the answer ends without ####", """{"question":"a","answer":"seven"}"""), InlineData("'x' is no number to answer with", """{"question":"a","answer":"#### x"}"""),
        InlineData(":2: the question stood there before", """{"question":"a","answer":"#### 1"}""", """{"question":"a","answer":"#### 2"}"""), InlineData("holds no problem", "")]
    public void A_line_that_is_no_problem_is_named(string message, params string[] lines) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => TaskFamilies.Find(FileOf(lines))).Message);

    [Theory]
    [InlineData("""{"question":"how many?","answer":"So 7. #### 7"}""", "So 7.", "7"), InlineData("""[{"question":"how many?","answer":"#### 7"}]""", "", "7")]
    [InlineData("[\n {\n  \"question\": \"how many?\",\n  \"answer\": \"#### 7\"\n }\n]", "", "7"), InlineData("""{"question":"how many?","answer":7}""", "", "7")]
    [InlineData("""{"problem":"how many?","solution":"It is \\boxed{1{,}450}.","level":"5"}""", "It is \\boxed{1{,}450}.", "1450")]
    [InlineData("""{"problem":"how many?","solution":"Well.","answer":"7"}""", "Well.", "7"), InlineData("""{"prompt":"how many?","completion":"The answer is 7."}""", "The answer is 7.", "7")]
    [InlineData("""{"input":"how many?","target":"$1,234.50"}""", "", "1,234.50"), InlineData("""{"question":"how many?","input":"x","answer":"1/2"}""", "", "0.5")]
    public void Other_names_and_lists_are_read_where_they_are_plain(string text, string way, string answer)
    {
        TaskFamily family = TaskFamilies.Find(FileOf(text));
        TaskItem item = new("mine", 1, "how many?", "");
        var rng = new Rng(1, RandomPurpose.Test);
        Assert.Equal((answer, $"<{way}>{answer}"), (family.Solve(item), family.Demonstrate(item, TraceForm.Proof, ref rng)));
    }

    [Theory, InlineData("prompt and input may each be the question; name it 'question'", """{"prompt":"a","input":"b","answer":"#### 1"}""")]
    [InlineData("output and response may each be the answer", """{"question":"a","output":"1","response":"2"}"""), InlineData(":1: is not JSON: Duplicate", """{"question":"a","question":"b","answer":"1"}""")]
    [InlineData("'1/3' is no number to answer with", """{"question":"a","answer":"1/3"}""")]
    public void What_is_not_plain_is_refused(string message, string line) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => TaskFamilies.Find(FileOf(line))).Message);

    [Fact]
    public void Half_a_surrogate_pair_in_a_question_is_read()
    {
        TaskFamily family = TaskFamilies.Find(FileOf("""{"question":"how many \ud83d?","answer":"#### 7"}"""));
        Assert.Equal("7", family.Solve(new("mine", 1, "how many \uFFFD?", "")));
    }

    [Fact]
    public void A_file_without_problems_for_a_split_says_so()
    {
        Assert.Contains("no such file", Assert.Throws<ConfigException>(() => TaskFamilies.Find(Path.Combine(folder, "none.jsonl"))).Message);
        TaskFamily one = TaskFamilies.Find(FileOf(Line("How much?", "#### 1")));
        Assert.Contains(Enum.GetValues<Split>(), s => Record.Exception(() => one.Make(s, 1, 0, 0)) is DataException e && e.Message.Contains("give more"));
    }
}
