using Isoflop.Lab.Replies;
using Isoflop.Lab.Thinking;
using Isoflop.Sample;
using Isoflop.Tasks;
using Isoflop.Tests.Rl;
using Xunit;

namespace Isoflop.Tests.Thinking;

public sealed class LocalGeneratorTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    static readonly TaskFamily root = TaskFamilies.Find("modular-root"), parity = TaskFamilies.Find("parity");

    // A model of parity asked for roots writes nonsense: which must cost and come out the same all the same.
    static Problem[] Problems(TaskFamily family, int count) =>
        [.. Enumerable.Range(0, count).Select(i => Problem.Of(family, family.Make(Split.Train, 1, i, 1), i, ReplyForm.Open, 3))];

    static object Bits(Thought t) => (t.Answer, string.Join('\n', t.Drafts.Select(d => d.Text)), t.Spent.Tokens, t.Spent.Passed, t.Spent.Flops,
        t.Attempts, string.Join(' ', t.Drafts.Select(d => d.LogProb)));

    public static TheoryData<string> All => [.. Strategies.All.Select(s => s.Name)];

    [Theory, MemberData(nameof(All))]
    public void Alone_and_in_company_it_is_the_same_and_the_charge_is_what_the_sampler_spent(string name)
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "taught");
        IStrategy strategy = Strategies.Find(name);
        foreach (TaskFamily family in (TaskFamily[])[root, parity])
        {
            Problem[] problems = Problems(family, 5);
            var budget = new Budget(90, BudgetUnit.Tokens);
            var generator = new LocalGenerator(model, 3);
            if (Strategies.Refusal(strategy, problems[0], generator, new CountB()) is not null) continue;
            IReadOnlyList<Thought> together = new Thinker(generator, new CountB()).Think(strategy, problems, budget);
            long passed = together.Sum(t => t.Spent.Passed), tokens = together.Sum(t => t.Spent.Tokens);
            double flops = together.Sum(t => t.Spent.Flops);
            // Questions and beginnings that happen to be alike are read once by the sampler; each problem pays its own.
            if (!strategy.Needs.HasFlag(Needs.Scorer))
            {
                Assert.InRange(generator.Sampled.Flops / flops, 0.9, 1);
                Assert.InRange(passed, generator.Sampled.Tokens, 1.1 * generator.Sampled.Tokens);
            }
            Assert.True(tokens > 0 && together.All(t => t.Spent.Tokens <= 90));
            foreach (int i in (int[])[3, 0])
                Assert.Equal(Bits(together[i]), Bits(new Thinker(new LocalGenerator(model, 3), new CountB()).Think(strategy, [problems[i]],
                    budget)[0]));
            Assert.NotEqual(Bits(together[0]), Bits(new Thinker(new LocalGenerator(model, 4), new CountB()).Think(strategy, [problems[4]],
                budget)[0]));
        }
    }

    [Fact]
    public void A_charge_is_to_the_flop_what_the_sampler_spends_on_a_problem_alone()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "taught");
        var generator = new LocalGenerator(model, 3);
        Problem problem = Problems(root, 1)[0];
        Thought t = new Thinker(generator).Think(Strategies.Find("majority"), problem, new(6, BudgetUnit.Replies, 9));
        Assert.Equal((generator.Sampled.Tokens, generator.Sampled.Flops), (t.Spent.Passed, t.Spent.Flops));
        // A beginning of two pages is read once; what is written into it is read, a page that it tears is read again.
        var long_ = generator.Rewrite(Isoflop.Lab.Thinking.PartialReply.Empty, 0, "<0110;1001;0011;1");
        double before = generator.Sampled.Flops;
        Generation first = generator.Draw([new(problem, long_, 6, false, 1, 20)], default)[0];
        Assert.Equal(generator.Sampled.Flops - before, first.Cost.Flops);
        before = generator.Sampled.Flops;
        var again = generator.Rewrite(first.Draft, first.Draft.Text.Length, ";");
        Generation next = generator.Draw([new(problem, again, 2, false, 1, 21)], default)[0];
        Assert.Equal(generator.Sampled.Flops - before, next.Cost.Flops);
        Assert.InRange(next.Cost.Passed, 1, 18);
    }

    [Theory, InlineData("majority"), InlineData("adaptive"), InlineData("revision"), InlineData("confidence")]
    public void What_is_recalled_is_what_would_be_drawn(string name)
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "taught");
        IStrategy strategy = Strategies.Find(name);
        Problem[] problems = Problems(name == "revision" ? root : parity, 4);
        var local = new LocalGenerator(model, 3);
        var recalling = new CachedGenerator(local, local.Shortened);
        foreach (Budget budget in (Budget[])[new(16, BudgetUnit.Replies, 9), new(70, BudgetUnit.Tokens), new(4, BudgetUnit.Replies, 9),
            new(33, BudgetUnit.Tokens), new(4e6, BudgetUnit.Flops)])
        {
            double before = local.Sampled.Flops;
            IReadOnlyList<Thought> recalled = new Thinker(recalling).Think(strategy, problems, budget);
            if (budget.Amount == 4 && name != "revision") Assert.Equal(before, local.Sampled.Flops);      // nothing new was drawn
            IReadOnlyList<Thought> drawn = new Thinker(new LocalGenerator(model, 3)).Think(strategy, problems, budget);
            for (int i = 0; i < 4; i++)
            {
                Assert.Equal((drawn[i].Answer, drawn[i].Spent.Tokens, drawn[i].Spent.Flops, drawn[i].Attempts),
                    (recalled[i].Answer, recalled[i].Spent.Tokens, recalled[i].Spent.Flops, recalled[i].Attempts));
                Assert.Equal(drawn[i].Drafts.Select(d => d.Text), recalled[i].Drafts.Select(d => d.Text));
            }
        }
    }

    [Fact]
    public void A_rewritten_draft_has_the_tokens_of_its_text()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "taught");
        var local = new LocalGenerator(model, 3);
        var all = local.Rewrite(Isoflop.Lab.Thinking.PartialReply.Empty, 0, "<0110;1?~");
        for (int at = 0; at <= all.Text.Length; at++)
        {
            var cut = local.Rewrite(all, at, ">0");
            Assert.Equal(all.Text[..at] + ">0", cut.Text);
            Assert.Equal(cut.Text, model.Tokenizer.Decode([.. cut.Tokens]));
        }
    }

    [Fact]
    public void A_budget_of_flops_is_kept_and_nearly_used()
    {
        using LanguageModel model = LanguageModel.Open(new(home.Path) { Threads = 1 }, "taught");
        Problem[] problems = Problems(parity, 6);
        const double flops = 8e6;
        foreach (Thought t in new Thinker(new LocalGenerator(model, 3)).Think(Strategies.Find("majority"), problems, new(flops, BudgetUnit.Flops)))
            Assert.InRange(t.Spent.Flops, 0.5 * flops, flops);
    }
}
