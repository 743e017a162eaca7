using Isoflop.Cli;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Worlds;
using Xunit;

namespace Isoflop.Tests.Report;

/// <summary>What a newcomer is told beside a number, a sign or a name.</summary>
public class WordsTests
{
    [Fact]
    public void The_box_of_a_page_has_the_words_that_stand_on_it_and_no_others()
    {
        string box = Glossary.Of("<style>.seed{}</style><p class=\"policy\">Two budgets, &#8722;ln p of the answer.</p>");
        Assert.Contains("<b>budget</b>", box);
        Assert.Contains("<b>&#8722;ln p</b>", box.Replace("−", "&#8722;"));
        foreach (string absent in (string[])["seed", "policy", "isoFLOP", "irreducible"]) Assert.DoesNotContain($"<b>{absent}", box);
        Assert.Equal("", Glossary.Of("<p>Nothing of that kind</p>"));
        Assert.Contains("<b>irreducible loss</b>", Glossary.Of("<td>E</td>"));
        Assert.Equal("", Glossary.Of("<td>e</td>"));                                 // a letter of a word is no parameter of a law
    }

    [Fact]
    public void Signs_are_explained_where_they_stand()
    {
        Assert.Equal("<>", string.Concat(ReplySigns.In(["<101>1", ">0"]).Select(s => s.Sign)));
        Assert.Empty(ReplySigns.In(["101"]));
    }

    [Fact]
    public void Every_task_of_a_world_has_a_title()
    {
        foreach (Family family in World.FamiliesOf(new()))
        {
            Assert.Equal((family.Name, family.Levels), (family.Name, family.Titles.Count));
            Assert.All(family.Titles, t => Assert.InRange(t.Length, 5, 40));
            Assert.Equal(family.Titles.Count, family.Titles.Distinct().Count());
        }
        Assert.Equal("agreement past another noun", World.TitleOf("grammar.3"));
        Assert.Equal("", World.TitleOf("mine.3"));
    }

    [Fact]
    public void Where_counting_is_ahead_of_a_model_it_is_said_why()
    {
        var baselines = new CorpusBaselines(2_000_000, 1000, "", [new("5-gram, Kneser-Ney", 2.5, 3.4, 1)]);
        using StringWriter behind = new(), ahead = new();
        BaselineTable.Write(behind, baselines, ("small", 3.6, 2.6), ("large", 3.2, 2.4));
        BaselineTable.Write(ahead, baselines, ("large", 3.2, 2.4));
        Assert.Contains("the 5-gram is ahead of small: it keeps a count of every five tokens of 2.00 Mtokens", behind.ToString());
        Assert.DoesNotContain("ahead", ahead.ToString());
    }

    [Fact]
    public void Every_method_of_reinforcement_says_what_it_names() =>
        Assert.Contains(("dapo", "baseline=std aggregation=token_mean ratio=clip clip_high=0.28"), RlRecipe.Methods);
}
