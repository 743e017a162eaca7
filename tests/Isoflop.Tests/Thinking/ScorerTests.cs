using Isoflop.Data;
using Isoflop.Lab.Thinking;
using Isoflop.Store;
using Isoflop.Tasks;
using Isoflop.Tests.Rl;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Thinking;

public class ScorerTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    ScorerCard Taught(string name, params string[] edits)
    {
        (TrainResult trained, ScorerCard? card) = TeachScorer.Run(ScorerRecipe.Load(null, [$"name={name}", "from=taught", "tasks=parity:1",
            "items=60", "valid_items=40", "replies=4", "max_new_tokens=16", "form=think", .. edits]), new()
            {
                Train = new() { LearningRate = 0.003, BatchTokens = 768 },
            }, new(home.Path) { Threads = 1, PeakFlops = 1e11 });
        Assert.True(trained.Done);
        return card!;
    }

    [Fact]
    public void It_is_taught_calibrated_and_values_drafts_the_same_in_any_company()
    {
        ScorerCard card = Taught("scorer");
        Assert.Equal(card.Calibrated.Count, card.Raw.Count);
        Assert.Equal(card.Raw.Area, card.Calibrated.Area, 1e-12);                   // a rising function changes no order
        Assert.True(card.Sampled.Flops > 0);
        Assert.Equal(card.Slope, Taught("scorer").Slope);                           // found, not taught again
        using Scorer scorer = Scorer.Open("scorer", new(home.Path) { Threads = 1 });
        TaskFamily parity = TaskFamilies.Find("parity");
        var drafts = Enumerable.Range(0, 20).Select(i =>
        {
            TaskItem item = parity.Make(Split.Test, 1, i, 1);
            return (Problem.Of(parity, item, i), Isoflop.Lab.Thinking.PartialReply.Empty with { Text = i % 2 == 0 ? "<1010" : ">1" });
        }).ToList();
        var together = scorer.Score(drafts);
        Assert.All(together, t => Assert.InRange(t.Value, 0, 1));
        for (int i = 0; i < drafts.Count; i++) Assert.Equal(together[i].Value, scorer.Score([drafts[i]])[0].Value);
        Assert.All(together, t => Assert.True(t.Cost.Flops > 0 && t.Cost.Tokens == 0));
        Assert.Contains("is no scorer", Assert.Throws<ConfigException>(() => Scorer.Open("taught", new(home.Path))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_verdict_weighs_in_its_corpus()
    {
        Taught("weighed");
        using Corpus corpus = Corpus.Open(new Workspace(home.Path).CorpusFolder("weighed"));
        int[] tokens = new int[(int)corpus.Valid.Count];
        float[] weights = new float[tokens.Length];
        corpus.Valid.Read(0, tokens);
        corpus.ValidWeights!.Read(0, weights);
        int[] verdicts = [corpus.Tokenizer.Encode(Scorer.Right)[0], corpus.Tokenizer.Encode(Scorer.Wrong)[0]];
        for (int i = 0; i < tokens.Length; i++) Assert.Equal(verdicts.Contains(tokens[i]) ? 1 : 0, weights[i]);
        Assert.True(weights.Sum() == 40 * 4);
    }

    [Theory]
    [InlineData("<3 4;5 6!>5", "<3 4;|<3 4;5 6!|<3 4;5 6!>5")]         // "solved" itself is a beginning
    [InlineData("<1 0 1>1", "<1 |<1 0 |<1 0 1>1")]                      // no marks: words are steps
    [InlineData("<3 4;5", "<3 4;|<3 4;5")]                              // cut off
    [InlineData(">7", ">7")]
    public void Beginnings_end_where_steps_do_the_last_one_too(string reply, string expected)
    {
        var rng = new Rng(1, RandomPurpose.Test);
        Assert.Equal(expected.Split('|'), TeachScorer.Beginnings(reply, 9, ref rng).OrderBy(b => b.Length));
    }

    [Fact]
    public void Platt_finds_the_slope_that_was_planted()
    {
        var rng = new Rng(4, RandomPurpose.Test);
        List<(double, bool)> data = [];
        for (int i = 0; i < 40_000; i++)
        {
            double x = 2 * rng.NextNormal();
            data.Add((1 / (1 + Math.Exp(-x)), rng.NextDouble() < 1 / (1 + Math.Exp(-(0.5 * x - 1)))));
        }
        (double slope, double offset) = Platt.Fit(data);
        // Standard errors of a logistic regression here: 0.008 and 0.013; four of them.
        Assert.Equal(0.5, slope, 0.032);
        Assert.Equal(-1, offset, 0.052);
    }

    [Fact]
    public void Separable_values_have_a_finite_fit() =>
        Assert.True(Platt.Fit([(0.9, true), (0.95, true), (0.1, false), (0.2, false)]) is { Slope: > 0 and < 100 });

    [Fact]
    public void An_area_is_the_share_of_pairs_in_order()
    {
        Assert.Equal(1, Reliability.AreaOf([(0.1, false), (0.9, true), (0.8, true)]));
        Assert.Equal(0.5, Reliability.AreaOf([(0.4, false), (0.4, true)]));
        Assert.Equal(0.75, Reliability.AreaOf([(0.1, false), (0.4, true), (0.4, false), (0.9, true)]) - 0.125, 1e-12);
        Assert.True(double.IsNaN(Reliability.AreaOf([(0.1, true)])));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Contains("must name the policy", Assert.Throws<ConfigException>(() => Taught("x", "from=")).Message, StringComparison.Ordinal);
        Assert.Contains("valid_items=3 must be", Assert.Throws<ConfigException>(() => Taught("x", "valid_items=3")).Message, StringComparison.Ordinal);
        Assert.Contains("nothing to tell apart", Assert.Throws<ConfigException>(() => Taught("x", "tasks=countdown:3", "max_new_tokens=4")).Message,
            StringComparison.Ordinal);
    }
}
