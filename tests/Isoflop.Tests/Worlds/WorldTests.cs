using Isoflop.Lab.Eval;
using Isoflop.Lab.Worlds;
using Xunit;

namespace Isoflop.Tests.Worlds;

public class WorldTests
{
    static readonly World world = new(new());

    [Fact]
    public void A_document_is_a_function_of_recipe_side_and_index()
    {
        var again = new World(new());
        var other = new World(new() { Seed = 2 });
        for (int i = 0; i < 50; i++) Assert.Equal(world.Document(false, i), again.Document(false, i));
        Assert.NotEqual(world.Document(false, 1), world.Document(true, 1));
        Assert.NotEqual(Enumerable.Range(0, 20).Select(i => world.Document(false, i).Text),
            Enumerable.Range(0, 20).Select(i => other.Document(false, i).Text));
    }

    [Fact]
    public void Every_family_has_forty_frames_and_every_task_has_questions()
    {
        Assert.All(World.FamiliesOf(new()), f => Assert.True(f.Frames >= 40, $"{f.Name} has {f.Frames} frames"));
        EvalSuite suite = world.Suite(25);                        // its constructor holds each item against the rules
        Assert.All(suite.Items.GroupBy(i => (i.Task, i.Level)), g => Assert.Equal(25, g.Count()));
        Assert.Equal(world.Tasks.Count, suite.Items.Select(i => (i.Task, i.Level)).Distinct().Count());
        Assert.All(suite.Items, i => Assert.DoesNotContain(i.Choices, c => c != i.Answer && c.Trim() == i.Answer.Trim()));
    }

    [Fact]
    public void What_is_asked_was_never_said()
    {
        var said = new HashSet<string>();
        var text = new System.Text.StringBuilder();
        for (long i = 0; i < 20_000; i++)
            foreach (Statement s in world.Statements(validation: i % 10 == 0, i).Said)
            {
                said.Add(s.Prompt + s.Answer);
                text.Append(s.Text).Append('\n');
            }
        string all = text.ToString();
        foreach (EvalItem item in world.Suite(20).Items)
        {
            string asked = item.Prompt + item.Answer;
            Assert.DoesNotContain(asked, said);
            if (asked.Length >= 40) Assert.False(all.Contains(asked, StringComparison.Ordinal), asked);
        }
    }

    /// <summary>Validation is drawn as training is: the same head of facts, and one statement in eight drawn is not said.</summary>
    [Fact]
    public void Validation_has_the_distribution_of_training()
    {
        var villages = new World(new()
        {
            Zipf = 1.5,
            Weights = new[] { "grammar", "meaning", "knowledge.1", "knowledge.2", "knowledge.3",
            "knowledge.4", "opinion", "translation", "rooms", "sums", "decimals", "exam" }.ToDictionary(t => t, _ => 0.0)
        });
        const int documents = 4000;
        (double Said, double Tried, double First)[] sides = [.. new[] { false, true }.Select(validation =>
        {
            var all = Enumerable.Range(0, documents).Select(i => villages.Statements(validation, i)).ToList();
            return ((double)all.Sum(d => d.Said.Count), (double)all.Sum(d => d.Tries),
                (double)all.Sum(d => d.Said.Count(s => s.Text.Contains(Knowledge.Village(0)))));
        })];
        // Shares of some 10,000 statements: differences within five standard errors of √(2·0.25/n).
        double bound = 5 * Math.Sqrt(0.5 / sides[0].Said);
        Assert.Equal(sides[0].First / sides[0].Said, sides[1].First / sides[1].Said, bound);
        Assert.Equal(sides[0].Said / sides[0].Tried, sides[1].Said / sides[1].Tried, bound);
        Assert.InRange(sides[0].First / sides[0].Said, 0.2, 0.6);
    }

    [Fact]
    public void Sums_and_comparisons_are_right()
    {
        int sums = 0, comparisons = 0;
        for (int t = 0; t < world.Tasks.Count; t++)
            foreach (EvalItem item in world.Items(t, 30))
            {
                if (item.Task == "sums")
                {
                    MatchNumbers(item.Prompt, out long[] numbers);
                    Assert.Equal(numbers.Sum(), long.Parse(item.Answer));
                    sums++;
                }
                if (item.Task == "decimals")
                {
                    Assert.True(decimal.Parse(item.Answer) > item.Choices.Where(c => c != item.Answer).Max(decimal.Parse), item.Prompt);
                    comparisons++;
                }
            }
        Assert.Equal((8 * 30, 3 * 30), (sums, comparisons));

        static void MatchNumbers(string prompt, out long[] numbers) =>
            numbers = [.. System.Text.RegularExpressions.Regex.Match(prompt, @"\d+( \+ \d+)*").Value.Split(" + ").Select(long.Parse)];
    }

    [Fact]
    public void A_held_out_sum_or_comparison_is_said_by_nobody_in_any_words_or_order()
    {
        HashSet<string> said = [];
        for (int i = 0; i < 40_000; i++)
            foreach (string line in world.Document(i % 8 == 0, i).Text.Split('\n')) said.UnionWith(Contents(line));
        int asked = 0;
        for (int t = 0; t < world.Tasks.Count; t++)
        {
            if (world.Tasks[t] is not ({ Family: "sums", Level: > 1 } or { Family: "decimals" } or { Family: "exam", Level: 2 or 3 })) continue;
            foreach (EvalItem item in world.Items(t, 60))
            {
                string content = Contents(item.Prompt).First();
                Assert.DoesNotContain(content, said);
                asked++;
            }
        }
        Assert.Equal((7 + 3 + 2) * 60, asked);
        Assert.True(said.Count > 20_000);

        // Sums with their terms in order; the two decimals of a line.
        static IEnumerable<string> Contents(string line)
        {
            foreach (System.Text.RegularExpressions.Match m in System.Text.RegularExpressions.Regex.Matches(line,
                @"(?<!× )(?<![\d.])\d+( \+ \d+)+"))
                yield return string.Join(" + ", m.Value.Split(" + ").Select(long.Parse).Order());
            string[] decimals = [.. System.Text.RegularExpressions.Regex.Matches(line, @"\d+\.\d+").Select(m => m.Value).Distinct().Order(StringComparer.Ordinal)];
            if (decimals.Length == 2) yield return string.Join(" or ", decimals);
        }
    }

    [Fact]
    public void The_reply_ends_where_the_sentence_goes_on()
    {
        for (int t = 0; t < world.Tasks.Count; t++)
            foreach (EvalItem item in world.Items(t, 20).Where(i => i.Choices.Count == 0))
                Assert.False(item.Stop.Length > 0 && item.Answer.Trim().Contains(item.Stop), $"{item.Answer} / {item.Stop}");
    }

    /// <summary>Statements whose choices can be read off them come as often as their surprisal says.</summary>
    [Fact]
    public void Surprisal_is_minus_log_frequency()
    {
        const int n = 200_000;
        var family = new Opinion();
        var counts = new Dictionary<string, (int Count, double P)>();
        var draw = new Draw(new Rng(1, RandomPurpose.Test));
        for (int i = 0; i < n; i++)
        {
            draw.Nats = 0;
            string text = family.Say(1, draw).Text;
            counts[text] = counts.TryGetValue(text, out var c) ? (c.Count + 1, c.P) : (1, Math.Exp(-draw.Nats));
        }
        var often = counts.Values.Where(c => n * c.P >= 20).ToList();
        Assert.True(often.Count > 100);
        double chi = often.Sum(c => Math.Pow(c.Count - n * c.P, 2) / (n * c.P));
        Assert.InRange(chi, often.Count - 5 * Math.Sqrt(2 * often.Count), often.Count + 5 * Math.Sqrt(2 * often.Count));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void Facts_come_by_zipf(double s)
    {
        const int n = 100_000;
        double[] sums = Draw.Zipf(1000, s);
        var draw = new Draw(new Rng(1, RandomPurpose.Test));
        int[] counts = new int[1000];
        for (int i = 0; i < n; i++) counts[draw.Among(sums)]++;
        double total = Enumerable.Range(1, 1000).Sum(k => Math.Pow(k, -s));
        for (int k = 0; k < 5; k++)
        {
            double p = Math.Pow(k + 1, -s) / total;
            Assert.InRange(counts[k], n * p - 5 * Math.Sqrt(n * p), n * p + 5 * Math.Sqrt(n * p));
        }
    }

    [Fact]
    public void No_two_villages_have_one_name() =>
        Assert.Equal(100_000, Enumerable.Range(0, 100_000).Select(Knowledge.Village).Distinct().Count());

    [Theory]
    [InlineData("sums.9", 1.0, "sums.9")]
    [InlineData("sums", -1.0, "must not be negative")]
    public void Bad_weights_are_named(string tag, double weight, string message)
    {
        var bad = new WorldRecipe { Weights = new Dictionary<string, double> { [tag] = weight } };
        Assert.Contains(message, Assert.Throws<ConfigException>(() => new World(bad)).Message);
    }

    [Fact]
    public void A_weight_of_zero_silences_a_task()
    {
        var quiet = new World(new() { Weights = new Dictionary<string, double> { ["sums"] = 0, ["exam.2"] = 0, ["rooms"] = 2 } });
        Assert.DoesNotContain(quiet.Tasks, t => t.Family == "sums" || t.Tag == "exam.2");
        Assert.Equal(1, quiet.Tasks.Sum(t => t.Weight), 12);
        Assert.Equal(2, quiet.Tasks.Where(t => t.Family == "rooms").Sum(t => t.Weight)
            / quiet.Tasks.Where(t => t.Family == "grammar").Sum(t => t.Weight), 12);
    }
}
