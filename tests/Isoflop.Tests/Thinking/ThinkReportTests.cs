using Isoflop.Lab.Replies;
using Isoflop.Lab.Thinking;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Thinking;

/// <summary>What is chosen is judged on items that did not choose it.</summary>
public sealed class ThinkReportTests
{
    static readonly TaskLevel of = new TaskMix(["addition:1"]).Levels[0];

    static ThinkRow Row(Split split, string strategy, int item, string prompt, bool right) =>
        new(of.Tag, split, strategy, 4, item, prompt, right, true, 10, 0, 1e6, 0.1, 40, 4, 4, right ? 2 : 1);

    static ThinkReport Of(IReadOnlyList<ThinkRow> rows, bool choose) => new(new()
    {
        Models = ["m"],
        Task = "addition:1",
        Budgets = (4, 4),
        Choose = choose,
    }, [("m", of, rows)], [], []);

    /// <summary>Twelve strategies that guess at ½ on 40 items: the best of them on these same items is right in .65 and more.</summary>
    [Fact]
    public void The_best_of_many_guessers_is_a_guesser()
    {
        string[] names = ["majority", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        double sum = 0, best = 0;
        const int Studies = 40, Items = 40;
        for (int study = 0; study < Studies; study++)
        {
            List<ThinkRow> rows = [];
            foreach ((string name, int n) in names.Select((name, n) => (name, n)))
            {
                var rng = new Rng(3, RandomPurpose.Test, study, n);
                for (int i = 0; i < Items; i++) rows.Add(Row(Split.Test, name, i, $"p{i}", rng.NextDouble() < 0.5));
            }
            sum += Of(rows, choose: false).Coverages.Single().BestSelection.Accuracy;
            best += names.Max(name => rows.Where(r => r.Strategy == name).Average(r => r.Right ? 1.0 : 0));
        }
        // 40 studies of 40 judged answers each: a standard error of .0125.
        Assert.InRange(sum / Studies, 0.5 - 4 * 0.0125, 0.5 + 4 * 0.0125);
        Assert.True(best / Studies > 0.62);
    }

    /// <summary>A strategy that knows Valid's prompts by heart: on Test's other prompts it is no better, though Test repeats Valid's.</summary>
    [Fact]
    public void A_choice_is_judged_on_prompts_that_did_not_make_it()
    {
        List<ThinkRow> rows = [];
        for (int i = 0; i < 40; i++)
        {
            rows.Add(Row(Split.Valid, "majority", i, $"p{i}", i % 2 == 0));
            rows.Add(Row(Split.Valid, "heart", i, $"p{i}", true));
            rows.Add(Row(Split.Test, "majority", i, $"p{i + 20}", i % 2 == 0));
            rows.Add(Row(Split.Test, "heart", i, $"p{i + 20}", i < 20 || i % 2 == 0));
        }
        Policy policy = Of(rows, choose: true).Policies.Single();
        Assert.Equal(("heart", 0.5), (policy.Choices.Single().Strategy, policy.Accuracy));
        Assert.Equal(0.5, Of(rows, choose: true).Coverages.Single().BestSelection.Accuracy);

        Policy none = Of([.. rows.Where(r => r.Split == Split.Valid || r.Item < 20)], choose: true).Policies.Single();
        Assert.True(double.IsNaN(none.Accuracy) && double.IsNaN(none.Gain.Value));
    }
}
