using System.Diagnostics;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

public sealed class AnswersTests
{
    [Theory]
    [InlineData("<think>a</think>5", "a", "5")]
    [InlineData("<think>two and three\nare 5</think>\n\n5", "two and three\nare 5", "\n\n5")]
    [InlineData("two and three</think>5", "two and three", "5")]                      // a template opened it in the prompt
    [InlineData("<think>it may be 5", "it may be 5", "")]                             // it never ended
    [InlineData("<thinking>a</thinking>5", "a", "5"), InlineData("<reasoning>a</reasoning>5", "a", "5")]
    [InlineData("<THINK>a</THINK>5", "a", "5"), InlineData("[THINK]a[/THINK]5", "a", "5"), InlineData("◁think▷a◁/think▷5", "a", "5")]
    [InlineData("<think>a<think>b</think>c</think>5", "abc", "5")]
    [InlineData("<think>a</think>5<think>b</think>6", "ab", "56")]
    [InlineData("<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>5<|end_of_solution|>", "a", "5")]
    [InlineData("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>5<|return|>",
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant", "5")]
    [InlineData("5<|im_end|>\n", "", "5"), InlineData("5", "", "5"), InlineData("", "", ""), InlineData("a < b <thin", "", "a < b <thin")]
    public void Thoughts_are_no_part_of_what_is_said(string reply, string thought, string said) =>
        Assert.Equal((thought, said), Answers.Parts(reply));

    /// <summary>As models write the number 145.</summary>
    public static TheoryData<string> Right =>
    [
        "145", "The answer is 145.", "The answer is 145", "\\boxed{145}", "#### 145", "<answer>145</answer>", "145\n\nI hope this helps!",
        "145.0", "+145", "145.", "**145**", "$145$", "Answer: 145", "**Answer:** 145", "Final answer: **145**", "```\n145\n```",
        "The final answer is: $\\boxed{145}$", "<answer>\n145\n</answer>", "<answer>\\boxed{145}</answer>", "<answer>145",
        "The answer is $145$.", "The answer is \\(145\\).", "The answer to the question is 145.", "The answer is therefore 145.",
        "Answer:\n145", "Answer (in dollars): 145", "Let me add.\n70 + 75 = 145\nThe answer is 145. I hope this helps!",
        "Sure! 100 + 45 = 145", "x = 145", "The sum of 72 and 73 is 145.", "So the total is **145** apples.", "The sum is **145**.",
        "The answer is 145 apples.", "145 dollars", "$145.00", "145e0", "1.45e2", "1.45 \\times 10^2", "290/2", "\\frac{290}{2}",
        "\\boxed{\\text{145}}", "\\boxed{\\$145}", "First \\boxed{7}, no: \\boxed{145}", "The answer is 7.\nThe answer is 145.",
        "#### 7\n#### 145", "#### Step 1\nadd\n#### Step 2\n145", "145. I hope this helps! Let me know if you have any questions 😊",
        "**145**\n\n---\nLet me know if you need anything else!", "{\"answer\": 145}", "The answer is 145.\nConfidence: 90%",
        "The answer is 145. Check: 70 + 75 = 145.", "My answer: 145.", "145<|im_end|>", "\\boxed{ 145 }", "\\fbox{145}", "７ no, 145\n145",
        "The answer would be 145.", "It's 145.", "72 + 73 comes to 145", "Result: 145", "=> 145", "So: 72 + 73 → 145", "145 (one hundred and so on)",
        "[ANSWER]145[/ANSWER]", "<final_answer>145</final_answer>", "```json\n{\n  \"answer\": 145\n}\n```",
        "Final Answer: The final answer is $145$. I hope it is correct.", "### Final Answer\n145", "**Final Answer**\n\\[\n\\boxed{145}\n\\]",
        "“145”", "`145`", "__145__", "Answer = 145", "ANSWER: 145",
        "The answer is 145!", "The answer is **145**, which is 72 plus 73.", "**Answer:** **145** apples", "**The answer is 145.**", "Hence 145.",
        "So, 145.", "I got 145.", "Ans: 145", "145 is the answer.", "So **145** is the final answer.", "'145'", "145<end_of_turn>", "145<eos>",
    ];

    [Theory, MemberData(nameof(Right))]
    public void A_number_is_read_from_what_stands_around_it(string reply) =>
        Assert.Equal("145", Answers.Of(Answers.Parts(reply).Said, number: true));

    /// <summary>No answer, another one, or one that is taken back.</summary>
    public static TheoryData<string> Wrong =>
    [
        "146", "The answer is 145 or 146.", "145 or 146", "The answer is 146.\n", "\\boxed{145} \\boxed{146}", "\\boxed{145}\n#### 146",
        "The answer is not 145.", "It is not 145.", "The answer isn't 145", "The answer is 145. No, it is 146.", "The answer is 145.\nWait, 146.",
        "The answer is 145. Or 146.", "The answer is 145.\n146", "145\n146", "<answer>145</answer><answer>146</answer>", "<answer>145 or 146</answer>",
        "<answer>145</answer> The answer is 146.", "145, 146", "145 146", "145 and 146", "145 hundred", "145 thousand", "145 squared", "145%",
        "145 percent", "0145", "14 5", "1,45", "145,", "145/1/1", "145/0", "one of 144 145 146", "**145** or **146**", "**144** **145**", "14.5e2", "145k",
        "145x", "-145", "−145", "- 145 =", "145?", "I think 145 is wrong", "145 is it", "145 = 146", "The answer might be 145", "", "I do not know",
        "<think>145", "<think>145</think>", "\\boxed{145", "####", "<answer></answer>", "145\u0661", "١٤٥", "0x91", "145 = x or 146", "The sum could be 145",
        "The answer is 145, or maybe 146", "The answer is 145.\nActually I am not sure", "The answer is 145 - 1", "145+0", "5\n145\n6", "It's not 145", "145 (or 146)", "145 (not)", "Result: 145 or 146", "=> 145, 146", "[ANSWER]145[/ANSWER] [ANSWER]146[/ANSWER]",
        "145!", "The answer is 145! No, it is 146.", "The answer is **145** or **146**.", "145 or 146 is the answer", "So 145, 146", "I got 145 or 146.",
    ];

    [Theory, MemberData(nameof(Wrong))]
    public void Nothing_else_is_read_as_that_number(string reply) =>
        Assert.NotEqual("145", Answers.Of(Answers.Parts(reply).Said, number: true));

    [Theory]
    [InlineData("1,450", "1450"), InlineData("−5", "-5"), InlineData("–5", "-5"), InlineData("$29.00", "29"), InlineData("-$29", "-29"), InlineData("7.0", "7")]
    [InlineData("1e3", "1000"), InlineData("1E-2", "0.01"), InlineData("-0", "0"), InlineData("0.50", "0.5"), InlineData("1/2", "0.5"), InlineData("-3/4", "-0.75")]
    [InlineData("2/6", "1/3"), InlineData("1/3", "1/3"), InlineData("1{,}450", "1450"), InlineData("1\\,450", "1450"), InlineData("1\u202F450", "1450")]
    [InlineData("29 €", null), InlineData("29€", "29"), InlineData("1,234,567.125", "1234567.125"), InlineData("12,34", null), InlineData("1,2345", null)]
    [InlineData("+-5", null), InlineData("5-", null), InlineData(".5", null), InlineData("1.2.3", null), InlineData("NaN", null), InlineData("", null), InlineData("1e999", null)]
    [InlineData("007", null), InlineData("0.000000000000000000000000000000000000001", "0.000000000000000000000000000000000000001")]
    public void Numbers_have_one_writing(string text, string? number) => Assert.Equal(number, Answers.Number(text));

    [Theory]
    [InlineData("The capital is:\nAnswer: **Paris**.", "Paris"), InlineData("The answer is Paris. It is the capital of France.", "Paris")]
    [InlineData("The answer is Paris. Or is it Rome?", "The answer is Paris. Or is it Rome?"), InlineData("\\boxed{\\text{Paris}}", "Paris")]
    [InlineData("The answer is Mr. Smith.", "Mr. Smith"), InlineData("#### Paris", "Paris"), InlineData("Paris\n\nHope that helps!", "Paris")]
    [InlineData("(1+2)*3", "(1+2)*3"), InlineData("<answer>1234 3412</answer>", "1234 3412"), InlineData("Thank you!", "Thank you!")]
    [InlineData("The capital of France is **Paris**.", "Paris"), InlineData("It is not **Paris**.", "It is not **Paris")]
    public void Words_are_read_too(string reply, string answer) => Assert.Equal(answer, Answers.Of(reply));

    [Fact]
    public void A_reply_of_megabytes_is_read_at_once()
    {
        long began = Stopwatch.GetTimestamp();
        foreach (string part in (string[])["<think>", "</think>", "a</think>", "answer: ", "answer is 1. ", "\\boxed{", "#### ", "####\n", "**", "I hope ",
            "I hope it\n", "let me know 1", "<answer>", "=", " is ", "1,", "(", "thanks\n", "answer to a", "<|a|>", "\n", " ", "``` ", "$"])
            foreach (string end in (string[])["", "x", "1"])
            {
                string reply = string.Concat(Enumerable.Repeat(part, (1 << 20) / part.Length)) + end;
                Answers.Of(Answers.Parts(reply).Said, number: true);
            }
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 30);
    }

    [Theory]
    [InlineData("decimals", "max 9.11 9.90", "9.90", "The larger one is 9.9."), InlineData("decimals", "min 9.11 9.90", "9.11", "9.110")]
    [InlineData("salt-ph", "", "4.70", "pH = 4.7"), InlineData("countdown", "24=3 5 8", "3*8", "The answer is 3 × 8 = 24.")]
    [InlineData("game-24", "1 2 3 4", "(1+2+3)*4", "\\boxed{24 = (1 + 2 + 3) \\times 4}"), InlineData("base-conversion", "5 base 2", "101", "Answer: **101**")]
    public void Families_take_what_is_said_in_their_own_writing(string name, string prompt, string answer, string said) =>
        Assert.Equal(answer, TaskFamilies.Find(name).AnswerIn(prompt, said));

    /// <summary>Replies that do not know the answer: made of many numbers, hedged, or the question again.</summary>
    static IEnumerable<string> Blind(string prompt)
    {
        string[] numbers = [.. Enumerable.Range(0, 200).Select(i => $"{i}")];
        foreach (string between in (string[])[" ", ", ", " or ", "\n", "/", " = ", ". The answer is ", "} \\boxed{", "\n#### ", "</answer><answer>", "**, **",
            " and ", "|", "</think>", " is "])
            foreach ((string open, string close) in ((string, string)[])[("", ""), ("The answer is ", "."), ("\\boxed{", "}"), ("#### ", ""), ("<answer>", "</answer>"),
                ("**", "**"), ("<think>", "</think>")])
                yield return open + string.Join(between, numbers) + close;
        foreach (string echo in (string[])[prompt, $"The answer is {prompt}", $"\\boxed{{{prompt}}}", $"= {prompt}", $"<answer>{prompt}</answer>", $"{prompt} =", $"({prompt})"])
            yield return echo;
        foreach (string nothing in (string[])["", ">", "<", "true", "any number", "The answer is the right one.", "NaN", "∞", "-0", "0/0", "1e99", "*", "\\boxed{}", "####"])
            yield return nothing;
    }

    [Fact]
    public void Who_does_not_know_gains_nothing_by_the_way_it_is_said()
    {
        foreach (TaskFamily family in TaskFamilies.All.Take(30))
        {
            Dictionary<string, int> right = [];
            TaskItem[] items = [.. Enumerable.Range(0, 100).Select(i => family.Make(Split.Test, 1, i, 5))];
            foreach (TaskItem item in items)
                foreach ((int form, string reply) in Blind(item.Prompt).Index())
                {
                    string? answer = family.AnswerIn(item.Prompt, Answers.Parts(reply).Said);
                    if (answer is null || family.Reward(item, $">{answer}") < 1) continue;
                    string key = form < 15 * 7 ? reply : $"echo {form}";
                    right[key] = right.GetValueOrDefault(key) + 1;
                }
            // One constant answer, or one that is copied, is right by the family's chance; five deviations of a hundred draws.
            double chance = family.Chance(1), most = 100 * chance + 5 * Math.Sqrt(100 * chance * (1 - chance)) + 1;
            Assert.All(right, r => Assert.True(r.Value <= most, $"{family.Name}: {r.Value} of 100 by {r.Key[..Math.Min(60, r.Key.Length)]}"));
        }
    }

    [Theory, InlineData("addition", "72+73", "145"), InlineData("base-conversion", "5 base 2", "101"), InlineData("multiplication", "29*5", "145")]
    public void The_verifier_itself_stays_to_the_letter(string name, string prompt, string key)
    {
        TaskFamily family = TaskFamilies.Find(name);
        TaskItem item = new(name, 1, prompt, key);
        Assert.Equal(1, family.Reward(item, $">{key}"));
        foreach (string other in (string[])[$"{key}.0", $"+{key}", $"\\boxed{{{key}}}", $"the answer is {key}", $" {key}", $"{key}."])
            Assert.Equal(0, family.Reward(item, $">{other}"));
    }
}
