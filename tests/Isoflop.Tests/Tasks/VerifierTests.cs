using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>All verifiers attacked at once.</summary>
public class VerifierTests
{
    const int Items = 8;

    public static TheoryData<string> Families => TaskFamilyTests.Families;

    static readonly string Giant = new('1', 1 << 20);

    /// <summary>Replies that hold the right answer and are none.</summary>
    static IEnumerable<string> Malformed(string right) =>
    [
        "", " ", "<", ">>", "<>>", right, $"<{right}", $"{right}>", $" >{right}", $"x>{right}", $">{right}>", $">{right}<", $">>{right}", $"<<>{right}",
        $"<a<b>{right}", $"<a>b>{right}", $">{right}>{right}", $"<{right}>{right}>", $"\0>{right}", $"\ufeff>{right}", $"＞{right}", $"<{Giant}>{right}",
        $"<{new string('>', 1 << 20)}{right}",
    ];

    /// <summary>Answers that only look right.</summary>
    static IEnumerable<string> Wrong(string right, string wrong) =>
    [
        "", " ", $" {right}", $"{right} ", $"{right}\n", $"\t{right}", $"{right}.", $"{right}\0", $"{right}\u200b", $"+{right}", $"-{right}", $"−{right}", $"0{right}",
        $"00{right}", $"{right}.0", $"{right}e0", $"={right}", $"answer {right}", $"{right} or {wrong}", $"{wrong} {right}", $"{right} {wrong}", $"{right},{wrong}",
        $"{right};{right}", $"{right}\n{right}", $"{right}{right}", $"\"{right}\"", $"({right}", $"{right}|{wrong}", $"{right}!", $"{right}?", $"{{{right}}}",
        string.Concat(Enumerable.Repeat(right + " ", 100)), string.Concat(Enumerable.Repeat(right, 1 + 3000 / right.Length)), Giant, new string('(', 4000), $"{new string('(', 4000)}{right}",
        string.Concat(Enumerable.Repeat("9*", 2000)) + "9", new string(' ', 4000), new string('/', 4000), "NaN", "Infinity", "null", "1/0", "💡", "\ud800", new string('9', 4000),
    ];

    [Theory, MemberData(nameof(Families))]
    public void Only_a_right_answer_scores(string name)
    {
        TaskFamily family = TaskFamilies.Find(name);
        long replies = 0;
        int items = Attack.Attack.IsWhole ? 100_000 / (100 * family.Levels) + 1 : Items;      // more than a hundred replies each
        for (int level = 1; level <= family.Levels; level++)
            for (int i = 0; i < items; i++)
            {
                TaskItem item = family.Make(Split.Test, level, i, 7);
                string right = family.Solve(item), wrong = WrongFor(family, item, level);
                foreach (string reply in Malformed(right).Where(Affordable)) Zero(reply);
                foreach (string answer in Wrong(right, wrong).Where(Affordable))
                {
                    Zero($">{answer}");
                    Zero($"<{right}>{answer}");
                    if (family.HasCheck) Assert.False(family.Check(item, answer), $"{item}: {Start(answer)}");
                }
                // A thought that has it right does not help, nor does one that has it wrong hurt.
                Zero($"<{right}!>{wrong}");
                Zero($"<{right}|{right}>{wrong}");
                Assert.Equal(1, family.Reward(item, $"<{wrong}!>{right}"));
                foreach (char zero in "０٠०𝟎"[..3]) NotAsDigits(zero);
                if (right.Any(char.IsAsciiLetterLower)) Zero($">{string.Concat(right.Select(c => char.IsAsciiLetterLower(c) ? (char)(c - 'a' + 'ａ') : c))}");

                void NotAsDigits(char zero)
                {
                    if (right.Any(char.IsAsciiDigit)) Zero($">{string.Concat(right.Select(c => char.IsAsciiDigit(c) ? (char)(c - '0' + zero) : c))}");
                }

                void Zero(string reply)
                {
                    replies++;
                    Assert.True(family.Reward(item, reply) == 0, $"{item}: scores for {Start(reply)}");
                }

                bool Affordable(string reply) => i < Items || reply.Length < 10_000;                   // a megabyte for some items is enough
            }
        Attack.Attack.Say($"{name}: {replies:N0} hostile replies, none rewarded");
    }

    static string Start(string text) => text.Length > 100 ? text[..100] + "…" : text;

    /// <summary>The right answer of another item, that is wrong for this one.</summary>
    static string WrongFor(TaskFamily family, TaskItem item, int level) =>
        Enumerable.Range(0, 1000).Select(i => family.Solve(family.Make(Split.Train, level, i, 8))).First(a => family.Reward(item, $">{a}") == 0);

    [Theory, MemberData(nameof(Families))]
    public void The_longest_replies_cost_what_their_length_does(string name)
    {
        TaskFamily family = TaskFamilies.Find(name);
        TaskItem item = family.Make(Split.Test, family.Levels, 0, 7);
        string right = family.Solve(item);
        string[] parts = ["1", "a", " ", "?", "~", ";", "!", ":", "|", "=", "+", "(", "1 ", "1?", "1 ?", "1;2!", "1 ~ 2?", "1+", "1+1=2 ", "-1=", "x1 ", item.Prompt + " ", right + "?", "a1 b2 c3?~~"];
        foreach (string part in parts)
        {
            string thought = string.Concat(Enumerable.Repeat(part, 60_000 / part.Length)), answer = string.Concat(Enumerable.Repeat(part, 4000 / part.Length));
            long before = GC.GetAllocatedBytesForCurrentThread();
            family.Reward(item, $"<{thought}>{right}");
            family.Reward(item, $"<{thought}>{answer}");
            family.Observe(item, $"<{thought}>{answer}");
            if (family.HasCheck) family.Check(item, answer);
            // The text copied some times, a tree of its words; not a path of words at each of them, which is a hundred times as much.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void The_question_echoed_does_not_score(string name)
    {
        TaskFamily family = TaskFamilies.Find(name);
        for (int level = 1; level <= family.Levels; level++)
            for (int i = 0; i < Items; i++)
            {
                TaskItem item = family.Make(Split.Test, level, i, 7);
                foreach (string reply in (string[])[item.Prompt, $">{item.Prompt}", $"<{item.Prompt}>{item.Prompt}", $"{item.Prompt}>", $">{item.Prompt} {item.Prompt}"])
                    Assert.True(family.Reward(item, reply) == 0, $"{item}: scores for {reply}");
            }
    }

    [Theory, InlineData("2+3", 5, 1), InlineData("2+3*4", 14, 1), InlineData("(2+3)*4", 20, 1), InlineData("8/(3-8/3)", 24, 1), InlineData("1/3", 1, 3),
        InlineData("1-2", -1, 1), InlineData("1/(1-2)", -1, 1), InlineData("10-3-2", 5, 1), InlineData("8/2/2", 2, 1), InlineData("((7))", 7, 1)]
    public void Expressions_are_exact(string text, long over, long under)
    {
        var value = Expression.Evaluate(text)!.Value;
        Assert.Equal((over, under), (value.Over, value.Under));
    }

    [Theory, InlineData(""), InlineData("factorial(4)+6"), InlineData("4!"), InlineData("2^3"), InlineData("2**3"), InlineData("-3"), InlineData("+3"), InlineData("2--3"),
        InlineData("2+"), InlineData("(2"), InlineData("2)"), InlineData("()"), InlineData("2 + 3"), InlineData("1/0"), InlineData("1/(2-2)"), InlineData("03"), InlineData("1.5"),
        InlineData("1e3"), InlineData("0x10"), InlineData("２+3"), InlineData("2(3)"), InlineData("999999*999999"), InlineData("1234567"), InlineData("5%3"), InlineData("2+3=5")]
    public void What_is_no_expression_has_no_value(string text) => Assert.Null(Expression.Evaluate(text));

    [Theory, InlineData("countdown", "24=3 5 8 9", "3*8", "3*8*1", "24", "8+8+8", "4*6", "3*(5+8-5)", "9+9+6", "3*8+5-5"),
        InlineData("game-24", "4 7 8 8", "(7-8/8)*4", "4*7-8/8-3", "8+8+8", "4*(7-1)", "24", "4+7+8+8-3", "7*4-4"),
        InlineData("subset-sum", "35=3 8 12 15 21", "8+12+15", "35", "20+15", "8+8+19", "12+8+12+3", "8 12 15", "8+12+15+0"),
        InlineData("modular-root", "5xx=14%31", "3", "34", "-28", "0", "3+0", "3%31", "4"),
        InlineData("hanoi", "aa c", "1b2c1c", "1c2c", "2c1c", "1c1b2c", "1b2c1c2c", "3c1b2c1c", "1b1b2c1c"),
        InlineData("maze", "s.# #.. #.g", "rddr", "rdr", "ddrr", "rlrddr", "rrdd", "rddrl"),
        InlineData("sudoku4", "1..4 .4.. ..4. 4..1", "1234 3412 2143 4321", "1324 2413 3142 4231x", "1234 3412 2143 4312", "1234341221434321", "2134 3412 1243 4321"),
        InlineData("sat3", "abC aBd", "abcd", "abcd ", "ABcd", "abc", "abcde", "acbd"),
        InlineData("queens", ".4..", "2413", "1432", "3142", "24131", "2444"),
        InlineData("graph-colouring", "ab bc", "121", "112", "122", "12", "1214", "124", "1 2 1"),
        InlineData("cryptarithm", "a3+b=c2", "43+9=52", "a3+b=c2", "23+9=32", "13+9=22", "43+8=52", "03+9=12", "43+9=52x", "93+9=02", "43+9=62", "53+9=52"),
        InlineData("crossword", "c../o../n.. ago cat con ant ten tow", null!, "con/ago/tow", "cat/ogo/ntw", "cat/ant/ten"),
        InlineData("poem", "at 2 3", "air and/tide after", "air/tide after", "tide and/air after", "air and/tide ater", "air air/tide after", "air  and/tide after",
            "air and/tide after/", "Air and/tide after"),
        InlineData("salt-ph", "NaF 0.10M pKa=3.17", null!, "8", "8.1", "08.09", "8.090", "+8.09", "-8.09", "8,09", "٨.٠٩")]
    public void Answers_near_the_right_one_are_wrong(string name, string prompt, string? right, params string[] wrong)
    {
        TaskFamily family = TaskFamilies.Find(name);
        var item = new TaskItem(name, 1, prompt, name == "salt-ph" ? "8.09" : "");
        if (right is not null) Assert.Equal(1, family.Reward(item, $">{right}"));
        foreach (string answer in wrong) Assert.True(family.Reward(item, $">{answer}") == 0, answer);
    }
}
