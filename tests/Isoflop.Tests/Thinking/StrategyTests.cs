using System.Reflection;
using Isoflop.Lab.Thinking;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Thinking;

public class StrategyTests
{
    static readonly Planted family = new("bca");

    static Thought Think(string strategy, Script script, Budget budget, Problem? problem = null) =>
        new Thinker(script, new CountB()).Think(Strategies.Find(strategy), [problem ?? family.Ask()], budget)[0];

    static Budget Tokens(int n) => new(n, BudgetUnit.Tokens);

    static PartialReply Said(string answer) => new($">{answer}", [1], true);

    [Fact]
    public void A_vote_is_of_answers_that_mean_the_same_and_the_first_seen_wins_a_tie()
    {
        Assert.Equal(">7", Vote.Of([Said("8"), Said("7"), Said("007"), Said("8.5")])!.Text);
        Assert.Equal(">b", Vote.Of([Said("b"), Said("a"), Said("a"), Said(" b ")])!.Text);
        Assert.Equal(">x", Vote.Of([Said("x"), Said("y")], [1, 1])!.Text);
        Assert.Equal(">y", Vote.Of([Said("x"), Said("y")], [1, 1.5])!.Text);
        Assert.Null(Vote.Of([Said("x") with { Ended = false }]));                    // cut off: no vote
        foreach ((string a, string b) in ((string, string)[])[("+5", "5"), ("3.50", "3.5"), ("1  2", "1 2"), ("12.", "12"), ("-0", "0")])
            Assert.Equal(Vote.Canonical(a), Vote.Canonical(b));
        Assert.NotEqual(Vote.Canonical("9.11"), Vote.Canonical("9.8"));
        Assert.NotEqual(Vote.Canonical("A"), Vote.Canonical("a"));
        Assert.Equal(1, Vote.Lead([Said("a"), Said("b"), Said("a")]));
    }

    [Fact]
    public void Best_of_n_takes_the_first_that_passes_and_pays_for_all()
    {
        string[] said = ["aaa", "aaa", "bca", "bca"];
        var script = new Script(r => $">{said[r.Number % 4]}\n");
        Thought t = Think("best-of-n", script, new(4, BudgetUnit.Replies, 5));
        Assert.Equal(("bca", 4, 4), (t.Answer, t.Drafts.Count, t.Attempts));
        Assert.Equal(20, t.Spent.Tokens);
        Assert.Equal("aaa", Think("majority", script, new(3, BudgetUnit.Replies, 5)).Answer);
        Assert.Equal(3, Think("adaptive", new Script(r => $">{said[Math.Min(r.Number, 8) / 4]}\n"), new(16, BudgetUnit.Replies, 5))
            .Drafts.Count / 4);                                                     // two rounds fail, the third passes
    }

    [Fact]
    public void Adaptive_stops_without_a_check_as_soon_as_an_answer_leads()
    {
        Problem open = Problem.Of("what");
        Assert.Equal(4, Think("adaptive", new Script(_ => ">1\n"), new(64, BudgetUnit.Replies, 3), open).Drafts.Count);
        Assert.Equal(64, Think("adaptive", new Script(r => $">{r.Number % 2}\n"), new(64, BudgetUnit.Replies, 3), open).Drafts.Count);
    }

    [Fact]
    public void Revision_goes_on_from_the_failed_thought_turned_back()
    {
        var script = new Script(r => r.From.Text.Length == 0 ? "<b b!>bbb\n" : "b c a!>bca\n");
        Thought t = Think("revision", script, Tokens(200));
        Assert.Equal("<b b?~", script.Asked[1].From.Text);
        Assert.Equal(("bca", "<b b?~b c a!>bca"), (t.Answer, t.Chosen!.Text));
        Assert.Equal(2, script.Asked.Count);                                        // the check passed: no more is spent
        var anew = new Script(r => r.From.Text.Length == 0 ? "<b b!>bbb\n" : "b c a!>bca\n");
        Think("revision", anew, Tokens(200), new Planted("bca", "abc ;!|").Ask());
        Assert.Equal("<b b;", anew.Asked[1].From.Text);
    }

    [Fact]
    public void Forcing_goes_on_to_the_budget_then_closes_and_asks()
    {
        // It would end its thought after 4 characters each time; asked to close, it answers at once.
        var script = new Script(r => r.From.Text.EndsWith('>') ? "cab\n" : "a b!>aab\n");
        Thought t = Think("forcing", script, Tokens(60));
        string thought = t.Chosen!.Thought;
        Assert.Equal("cab", t.Answer);
        Assert.DoesNotContain('!', thought.TrimEnd('!'));                            // every end but one that the budget made is turned
        Assert.True(thought.Split("?~").Length > 3);
        Assert.InRange(t.Spent.Tokens, 60 - 16, 60);
        Assert.EndsWith(">cab", t.Chosen.Text);
    }

    [Fact]
    public void A_tree_finds_what_is_planted_and_never_goes_where_it_has_failed()
    {
        // Words at random; at the third one the policy sees whether it is right, and stops.
        static string Says(GenerationRequest r)
        {
            string[] words = r.From.Text.TrimStart('<').Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (r.From.Text.EndsWith('!')) return $">{string.Concat(words).TrimEnd('!')}\n";
            var rng = new Rng(7, RandomPurpose.Test, 0, r.Number);
            List<char> path = [.. words.Select(w => w[0])];
            while (path.Count < 3) path.Add("abc"[rng.NextInt(3)]);
            return string.Join(' ', path.Skip(words.Length)) + (path is ['b', 'c', 'a'] ? "!" : "?");
        }
        var script = new Script(Says);
        Thought t = Think("tree", script, Tokens(2000));
        Assert.Equal("bca", t.Answer);
        Assert.InRange(script.Asked.Count, 2, 200);
        Assert.All(script.Asked, r => Assert.DoesNotContain('?', r.From.Text));
        Assert.Contains(script.Asked, r => r.From.Text.EndsWith(' ') && r.From.Text.Count(c => c == ' ') == 2);   // one word back
        Thought none = Think("tree", new Script(r => Says(r).Replace('!', '?')), Tokens(500));
        Assert.Null(none.Answer);
        Assert.InRange(none.Spent.Tokens, 490, 500);
    }

    [Fact]
    public void Beams_keep_what_the_scorer_likes_and_diverse_ones_stay_apart()
    {
        static string Letters(string text) => string.Concat(text.Where(char.IsLetter));
        static string Says(GenerationRequest r) => r.From.Text.Count(c => c == '?') >= 3 ? $">{Letters(r.From.Text)}\n"
            : r.Number < 16 ? r.Number < 4 ? "b?" : $"{"ac"[r.Number % 2]}?" : $"{"abc"[r.Number % 3]}?";
        foreach (string name in (string[])["beam", "diverse-beam"])
        {
            var script = new Script(Says);
            // Beams crowd where the value is; of four trees that stay apart three end with abb, and their values add up.
            Assert.Equal(name == "beam" ? "bbb" : "abb", Think(name, script, new(16, BudgetUnit.Replies, 12)).Answer);
            // The first tree alone has found a b. Beams go on from b, a and c; diverse trees each from its own best, a.
            Assert.Equal(name == "beam" ? 3 : 2, script.Asked.Skip(16).Take(12).Select(r => r.From.Text).Distinct().Count());
        }
    }

    public static TheoryData<string> All => [.. Strategies.All.Select(s => s.Name)];

    [Theory, MemberData(nameof(All))]
    public void Key_and_reward_are_out_of_reach_and_a_budget_is_never_exceeded(string name)
    {
        Problem problem = family.Ask();
        foreach (FieldInfo f in typeof(Problem).GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            Assert.NotEqual("the key", (f.GetValue(problem) as TaskItem)?.Key ?? f.GetValue(problem) as string);
        static string Says(GenerationRequest r) => new Rng(3, RandomPurpose.Test, 0, r.Number).NextInt(4) switch
        {
            0 => "<a b?~c!>abc\n",
            1 => "b!>bbb\n",
            2 => ">cc\n",
            _ => "b c a!>bca\n",
        };
        foreach (int budget in (int[])[1, 3, 17, 40, 200])
            foreach (BudgetUnit unit in (BudgetUnit[])[BudgetUnit.Tokens, BudgetUnit.Flops])
            {
                Thought t = Think(name, new Script(Says, 60), new(budget, unit), problem);
                Assert.InRange(t.Spent.Tokens, 0, budget);
            }
        Assert.True(Think(name, new Script(Says), new(4, BudgetUnit.Replies, 12), problem).Drafts.Count > 0);
    }

    [Fact]
    public void What_a_strategy_needs_and_does_not_get_is_one_line()
    {
        var script = new Script(_ => ">1\n");
        Problem text = Problem.Of("what"), parity = Problem.Of(TaskFamilies.Find("parity"),
            TaskFamilies.Find("parity").Make(Split.Test, 1, 0, 1), 0);
        Assert.Contains("needs a check without a key, and task 'parity' has none", Refused("best-of-n", parity));
        Assert.Contains("never turn back", Refused("forcing", parity));
        Assert.Contains("a text has none", Refused("tree", text));
        Assert.Contains("needs a scorer", Assert.Throws<ConfigException>(() =>
            new Thinker(script).Think(Strategies.Find("weighted"), text, Tokens(9))).Message);
        Assert.Contains("no strategy 'best'", Assert.Throws<ConfigException>(() => Strategies.Find("best")).Message);
        Assert.Contains("here one takes 3 tokens; try budget=6", Assert.Throws<ConfigException>(() =>
            new Thinker(script).Think(Strategies.Find("greedy"), text, Tokens(2))).Message);

        string Refused(string name, Problem p) => Assert.Throws<ConfigException>(() => Think(name, script, Tokens(9), p)).Message;
    }

    [Theory]
    [InlineData("512", 512, BudgetUnit.Tokens)]
    [InlineData("1e9flops", 1e9, BudgetUnit.Flops)]
    [InlineData("2.5s", 2.5, BudgetUnit.Seconds)]
    public void Budgets_are_read(string text, double amount, BudgetUnit unit) => Assert.Equal(new(amount, unit), Budget.Parse(text));

    [Theory, InlineData("0"), InlineData("-3"), InlineData("many"), InlineData("5h"), InlineData("s"), InlineData("1e999")]
    public void What_is_no_budget_is_refused(string text) => Assert.Throws<ConfigException>(() => Budget.Parse(text));
}
