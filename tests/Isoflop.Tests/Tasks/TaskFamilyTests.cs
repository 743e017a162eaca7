using System.Text.RegularExpressions;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>What every family keeps, at every level.</summary>
public class TaskFamilyTests
{
    // Items a level. ISOFLOP_TASK_ITEMS=10000 is the long run.
    static readonly int Items = int.TryParse(Environment.GetEnvironmentVariable("ISOFLOP_TASK_ITEMS"), out int n) ? n : 100;

    const ulong Seed = 42;

    public static TheoryData<string> Families => [.. Ours.Select(f => f.Name)];

    // Other tests register families of their own meanwhile.
    static IEnumerable<TaskFamily> Ours => TaskFamilies.All.Where(f => f.Group != "own");

    public static TheoryData<string, int> Levels
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (TaskFamily family in Ours)
                for (int level = 1; level <= family.Levels; level++) data.Add(family.Name, level);
            return data;
        }
    }

    static IEnumerable<TaskItem> Made(TaskFamily family, int level, int count, Split split = Split.Train) =>
        Enumerable.Range(0, count).Select(i => family.Make(split, level, i, Seed));

    [Fact]
    public void There_are_families_of_every_group_with_names_of_their_own()
    {
        Assert.True(TaskFamilies.All.Count >= 24);
        Assert.Equal(TaskFamilies.All.Count, TaskFamilies.All.Select(f => f.Name).Distinct().Count());
        Assert.Equal(["arithmetic", "logic", "planning", "science", "search", "serial"], TaskFamilies.All.Select(f => f.Group).Where(g => g != "own")
            .Distinct().Order());
        Assert.All(TaskFamilies.All, f =>
        {
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", f.Name);
            Assert.InRange(f.Levels, 3, 9);
            Assert.DoesNotContain('\n', f.Summary);
            Assert.Same(f, TaskFamilies.Find(f.Name));
            Assert.Throws<ConfigException>(() => f.Make(Split.Train, 0, 0, 0));
            Assert.Throws<ConfigException>(() => f.Make(Split.Train, f.Levels + 1, 0, 0));
        });
        Assert.Contains("parity, modular-chain", Assert.Throws<ConfigException>(() => TaskFamilies.Find("chess")).Message);
    }

    [Theory, MemberData(nameof(Levels))]
    public void Items_are_a_function_of_their_arguments(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name), other = (TaskFamily)Activator.CreateInstance(family.GetType(), nonPublic: true)!;
        TaskItem[] items = [.. Made(family, level, 20)];
        Assert.Equal(items, Made(other, level, 20));
        Assert.Equal(items.Reverse(), Enumerable.Range(0, 20).Reverse().Select(i => family.Make(Split.Train, level, i, Seed)));
        // Neighbouring seeds share no streams: what is equal, at the same place or the next, is so because there is little to draw.
        TaskItem[] next = [.. Enumerable.Range(0, 20).Select(i => family.Make(Split.Train, level, i, Seed + 1))];
        foreach (int shift in (int[])[0, 1])
            Assert.InRange(Enumerable.Range(0, 19).Count(i => items[i + shift] == next[i] || next[i + shift] == items[i]), 0, 5);
        foreach (TaskItem item in items.Take(5))
            foreach (TraceForm form in Enum.GetValues<TraceForm>())
            {
                Rng a = new(1, RandomPurpose.Test), b = new(1, RandomPurpose.Test);
                Assert.Equal(family.Demonstrate(item, form, ref a), other.Demonstrate(item, form, ref b));
            }
    }

    [Theory, MemberData(nameof(Levels))]
    public void The_oracle_scores_1(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        foreach (TaskItem item in Made(family, level, Items))
        {
            // From the prompt alone: neither the key nor the drawing helps.
            string answer = family.Solve(new(item.Family, item.Level, item.Prompt, ""));
            Assert.True(family.Reward(item, $">{answer}") == 1, $"{item} is answered {answer}");
            Assert.Equal(1, family.Reward(item, $"<no idea>{answer}"));
            if (family.HasCheck) Assert.True(item.Key == "" && family.Check(item, answer), $"{item}, {answer}");
            else Assert.Throws<InvalidOperationException>(() => family.Check(item, answer));
        }
    }

    [Theory, MemberData(nameof(Levels))]
    public void Demonstrations_score_1_and_keep_to_the_alphabet(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        HashSet<char> alphabet = [.. family.Alphabet];
        foreach ((int i, TaskItem item) in Made(family, level, Items).Index())
        {
            Assert.True(item.Prompt.Length > 0 && !item.Prompt.AsSpan().ContainsAny('<', '>'), item.Prompt);
            Assert.True(alphabet.IsSupersetOf(item.Prompt), item.Prompt);
            foreach (TraceForm form in Enum.GetValues<TraceForm>())
            {
                var rng = new Rng(Seed, RandomPurpose.Test, 0, i);
                string reply = family.Demonstrate(item, form, ref rng);
                Assert.True(family.Reward(item, reply) == 1, $"{item}: {form} {reply}");
                Assert.True(alphabet.IsSupersetOf(reply), $"{reply} holds more than {family.Alphabet}");
                Assert.Equal(form != TraceForm.Direct, reply[0] == Reply.Think);
                Behaviour seen = family.Observe(item, reply);
                Assert.True(seen is { Slips: 0, FalseSolved: false, Repeats: 0 }, $"{item}: {reply} {seen}");
                if (form != TraceForm.Monologue) Assert.True(seen is { StepsBack: 0, Changes: 0 }, $"{item}: {reply} {seen}");
            }
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void Answer_first_is_the_proof_with_the_answer_before_it(string name)
    {
        TaskFamily family = TaskFamilies.Find(name);
        foreach ((int i, TaskItem item) in Made(family, 1, 20).Index())
        {
            Rng a = new(Seed, RandomPurpose.Test, 0, i), b = new(Seed, RandomPurpose.Test, 0, i);
            Reply proof = Reply.Parse(family.Demonstrate(item, TraceForm.Proof, ref a))!.Value;
            Reply first = Reply.Parse(family.Demonstrate(item, TraceForm.AnswerFirst, ref b))!.Value;
            Assert.Equal((proof.Answer, $"{proof.Answer}|{proof.Thought}"), (first.Answer, first.Thought));
        }
    }

    [Theory, InlineData("modular-root", false), InlineData("countdown", true), InlineData("sudoku4", true), InlineData("subset-sum", true),
        InlineData("game-24", true), InlineData("sat3", true), InlineData("graph-colouring", true), InlineData("queens", true),
        InlineData("cryptarithm", true), InlineData("crossword", true), InlineData("poem", true), InlineData("maze", true), InlineData("knights", true)]
    public void Monologues_of_a_search_try_fail_and_step_back(string name, bool back)
    {
        TaskFamily family = TaskFamilies.Find(name);
        int level = Math.Min(3, family.Levels), failed = 0, stepped = 0, solved = 0;
        foreach ((int i, TaskItem item) in Made(family, level, 40).Index())
        {
            var rng = new Rng(Seed, RandomPurpose.Test, 1, i);
            Behaviour seen = family.Observe(item, family.Demonstrate(item, TraceForm.Monologue, ref rng));
            if (seen.Checks > seen.Claims) failed++;
            if (seen.StepsBack > 0) stepped++;
            if (seen.Claims == 1) solved++;
        }
        Assert.Equal(40, solved);
        Assert.InRange(failed, 8, 40);
        Assert.InRange(stepped, back ? 8 : 0, back ? 40 : 0);
    }

    [Theory, MemberData(nameof(Levels))]
    public void Who_does_not_read_the_prompt_scores_at_most_the_stated_chance(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        double chance = family.Chance(level);
        Assert.InRange(chance, 0, 0.5);
        int count = Math.Max(Items, 200);
        TaskItem[] items = [.. Made(family, level, count)];
        string[] answers = [.. items.Select(family.Solve)];
        string most = answers[..(count / 2)].GroupBy(a => a).MaxBy(g => g.Count())!.Key;
        var rng = new Rng(Seed, RandomPurpose.Test, 2);
        AtMost("another item's answer", i => answers[(i + 1) % count]);
        AtMost("the commonest answer", _ => most, count / 2);
        AtMost("any text", _ => Text(answers[0].Length, ref rng));
        AtMost("the prompt", i => items[i].Prompt);
        AtMost("the prompt's first word", i => items[i].Prompt.Split(' ')[0]);
        AtMost("the prompt's last word", i => items[i].Prompt.Split(' ')[^1]);
        AtMost("the prompt's last character", i => items[i].Prompt[^1..]);

        void AtMost(string what, Func<int, string> guess, int from = 0)
        {
            int right = 0;
            for (int i = from; i < count; i++) right += (int)family.Reward(items[i], $">{guess(i)}");
            double tail = Tail(count - from, chance, right);
            Assert.True(tail > 1e-6, $"{what} scores {right} of {count - from}, chance is {chance}: p = {tail:g2}");
        }

        string Text(int length, ref Rng rng)
        {
            string symbols = family.Alphabet.Replace("<", "").Replace(">", ""), text = "";
            for (int i = 0; i < length; i++) text += symbols[rng.NextInt(symbols.Length)];
            return text;
        }
    }

    /// <summary>P(at least k of n) for a share of p.</summary>
    static double Tail(int n, double p, int k)
    {
        double term = Math.Pow(1 - p, n), below = 0;
        if (term == 0) return k <= n * p ? 1 : Math.Exp(-2 * Math.Pow(k - n * p, 2) / n);        // Hoeffding 1963
        for (int i = 0; i < k; i++)
        {
            below += term;
            term *= (double)(n - i) / (i + 1) * p / (1 - p);
        }
        return 1 - below;
    }

    [Theory, MemberData(nameof(Levels))]
    public void No_content_stands_in_two_splits(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        HashSet<string>[] contents = [.. Enum.GetValues<Split>().Select(split => Made(family, level, Items, split).Select(item =>
        {
            Assert.Equal(split, family.SplitOfPrompt(item.Prompt));
            return item.Prompt;
        }).ToHashSet())];
        for (int a = 0; a < 3; a++)
            for (int b = a + 1; b < 3; b++) Assert.Empty(contents[a].Intersect(contents[b]));
        Assert.All(contents, c => Assert.True(c.Count > 1));
        if (family.Size(level) is { } size) Assert.InRange(contents.Sum(c => c.Count), 1, size * 2);           // 2: prompts of one content
    }

    [Theory, InlineData("parity", 1), InlineData("hanoi", 1), InlineData("hanoi", 2), InlineData("game-24", 1), InlineData("multiplication", 1)]
    public void A_finite_level_holds_what_it_says(string name, int level)
    {
        TaskFamily family = TaskFamilies.Find(name);
        long size = family.Size(level)!.Value;
        // n·ln n draws bring all; three times as many nearly surely.
        int draws = (int)(3 * size * Math.Log(size));
        Assert.Equal(size, Enum.GetValues<Split>().Sum(s => Made(family, level, draws, s).Select(i => i.Prompt).Distinct().Count()));
    }

    [Theory, InlineData("addition", "12+345", "345+12"), InlineData("multiplication", "12*34", "34*12"), InlineData("gcd", "gcd 12 18", "gcd 18 12"),
        InlineData("decimals", "max 9.11 9.8", "max 9.8 9.11"), InlineData("pointer-chasing", "ab bc ca a 2", "bc ab ca a 2")]
    public void What_asks_the_same_is_one_content(string name, string a, string b)
    {
        TaskFamily family = TaskFamilies.Find(name);
        Assert.Equal(b, Swapped(a));
        for (int i = 0; i < 50; i++)
        {
            string prompt = family.Make(Split.Valid, family.Levels, i, Seed).Prompt, other = Swapped(prompt);
            Assert.Equal(Split.Valid, family.SplitOfPrompt(other));
            Assert.Equal(family.Solve(new(name, 1, prompt, "")), family.Solve(new(name, 1, other, "")));
        }

        // The first two numbers or pairs in the other order.
        static string Swapped(string prompt) => Regex.Replace(prompt, @"^(gcd |max |min )?([\w.]+)([ +*])([\w.]+)", "$1$4$3$2");
    }

    [Fact]
    public void Splits_take_eight_one_and_one_of_ten()
    {
        TaskFamily parity = TaskFamilies.Find("parity");
        int[] counts = new int[3];
        for (int i = 0; i < 20_000; i++) counts[(int)parity.SplitOfPrompt(Convert.ToString(i, 2))]++;
        // Five standard errors of a share of .1 in 20,000.
        Assert.InRange(counts[1], 2000 - 213, 2000 + 213);
        Assert.InRange(counts[2], 2000 - 213, 2000 + 213);
    }
}
