using Isoflop.Lab.Corpora;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class DocQuestionsTests
{
    static Dictionary<string, string> Of(string document)
    {
        OrderedDictionary<string, string> all = [];
        DocQuestions.Add(document, all);
        return new(all);
    }

    [Fact]
    public void A_type_is_asked_for_by_its_first_sentence_and_its_namespace()
    {
        Dictionary<string, string> all = Of("Widget<T>, in System.IO\nRepresents a widget that turns. It is never idle.\n\nWidget<T>.Turn(Int32)\nTurns the widget once around.");
        const string Says = "Represents a widget that turns.";
        Assert.Equal(new Dictionary<string, string>
        {
            ["What is Widget<T>?"] = Says,
            ["What is Widget<T> in .NET?"] = Says,
            ["Explain Widget<T>."] = Says,
            ["Which namespace is Widget<T> in?"] = "Widget<T> is in System.IO.",
        }, all);                                                    // no member: a small model cannot keep them all
    }

    [Fact]
    public void Of_overloads_the_first_one_answers()
    {
        Dictionary<string, string> all = Of("Math, in System\nProvides constants and static methods.\n\nMath.Abs(Int32)\nReturns the absolute value of an integer.\n\nMath.Abs(Single)\n" +
            "Returns the absolute value of a single.\n\nMath.E\nRepresents the natural logarithmic base.\n\nMath operator + (Math, Math)\nAdds two of them, one to the other.");
        Assert.Equal("Returns the absolute value of an integer.", all["What does Math.Abs do?"]);
        Assert.Equal(5, all.Count);                                 // neither what is no method nor what has no plain name
    }

    [Theory]
    [InlineData("Widget, in Some.Corner\nRepresents a widget that turns.")]
    [InlineData("Widget, in System\nShort.")]
    [InlineData("Widget, in System\nlacks a beginning like that of a sentence.")]
    [InlineData("Widget, in System\nRepresents a widget without an end")]
    [InlineData("Widget, in System")]
    [InlineData("Widget")]
    public void What_is_nothing_to_remember_is_not_asked(string document) => Assert.Empty(Of(document));

    [Fact]
    public void The_types_that_one_meets_first_are_there()
    {
        IReadOnlyList<(string Ask, string Say)> all = DocQuestions.All();
        Assert.SkipWhen(all.Count == 0, "there is no .NET SDK with documentation here");
        Assert.Equal(all.Count, all.Select(a => a.Ask).Distinct().Count());
        var of = all.ToDictionary();
        Assert.StartsWith("Represents a strongly typed list of objects", of["What is List<T>?"]);
        Assert.Equal("Task is in System.Threading.Tasks.", of["Which namespace is Task in?"]);
        Assert.Contains("What does File.ReadAllText do?", of.Keys);
        Assert.All(all, a => Assert.InRange(a.Say.Length, 10, 160));
    }
}
