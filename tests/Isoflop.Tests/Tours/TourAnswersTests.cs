using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tours;
using Xunit;

namespace Isoflop.Tests.Tours;

/// <summary>What the tour says follows from its numbers: where they show the contrary it says the contrary.</summary>
public sealed class TourAnswersTests
{
    [Fact]
    public void A_loss_that_rises_or_stays_is_not_called_falling()
    {
        Assert.StartsWith("Yes", TourAnswers.Scaling([(1e10, 3), (1e11, 2.5), (1e12, 2)]));
        Assert.Contains("no lower at 1e11", TourAnswers.Scaling([(1e10, 3), (1e11, 3.1), (1e12, 2)]));
        Assert.StartsWith("No", TourAnswers.Scaling([(1e10, 3), (1e11, 2), (1e12, 3)]));
    }

    [Theory]
    [InlineData(2.0, 1.9, 2.1, 2.05, true, "Within its interval", "the law did better")]
    [InlineData(2.0, 1.9, 2.1, 3.0, false, "No: the run fell outside", "the law did no better")]
    [InlineData(2.0, 1.0, 3.0, 2.0, true, "± 50 %: holding it proves little", "Within")]
    public void A_forecast_that_missed_is_called_missed(double said, double low, double high, double came, bool inside, string first,
        string second)
    {
        Forecast f = new(1, default, true, 1e12, 1e11, 9, "L", 0.1, null!, new(said, low, high), default, 0, 2.5);
        string text = TourAnswers.Foretold(f, new(1, default, "r", came, 1, said / came - 1, 0, 0, inside));
        Assert.Contains(first, text);
        Assert.Contains(second, text);
        Assert.StartsWith("A check, not a forecast", TourAnswers.Foretold(f with { Before = false },
            new(1, default, "r", came, 1, said / came - 1, 0, 0, inside)));
    }

    [Fact]
    public void Abilities_are_counted_and_nothing_is_called_sudden_that_is_not()
    {
        static TaskFinding Of(TaskClass kind) => new("t", kind, default, null, null, null, "");
        string text = TourAnswers.Abilities([Of(TaskClass.Flat), Of(TaskClass.Flat), Of(TaskClass.Smooth)]);
        Assert.StartsWith("No: of 3 tasks and levels 1 rose smoothly, 2 stayed flat. None is called sudden", text);
        Assert.StartsWith("They did: of 1 tasks", TourAnswers.Abilities([Of(TaskClass.Flat)]));
        Assert.DoesNotContain("None", TourAnswers.Abilities([Of(TaskClass.Sudden), Of(TaskClass.Flat)]));
    }

    static RlEval Eval(double right, double error = 0.01, int step = 0) => new(step, 0, "parity.2", ReplyForm.Open, 96, 4, right, right, error,
        right, 0.5, 3, 0, 0.5, new(0, 0, 0, 0, 0, 0, 0, 0));

    [Fact]
    public void A_change_within_the_noise_is_none()
    {
        Assert.StartsWith("Yes", TourAnswers.Learnt(Eval(0.6), Eval(0.9, step: 40)));
        Assert.StartsWith("No, it fell", TourAnswers.Learnt(Eval(0.9), Eval(0.6)));
        Assert.StartsWith("It did not move", TourAnswers.Learnt(Eval(0.50), Eval(0.52)));
        Assert.StartsWith("No, a thought helped at every size", TourAnswers.Thought([(10, Eval(0.5), Eval(0.9))]));
        Assert.StartsWith("Not always: a thought helped 1 of 2", TourAnswers.Thought([(10, Eval(0.5), Eval(0.5)), (20, Eval(0.5), Eval(0.9))]));
        Assert.StartsWith("Here it was: a thought made 1 of 1", TourAnswers.Thought([(10, Eval(0.9), Eval(0.5))]));
        Assert.StartsWith("Here nothing can be told", TourAnswers.Thought([(10, Eval(0.5), Eval(0.51))]));
    }

    [Fact]
    public void More_replies_help_only_where_intervals_part()
    {
        Assert.StartsWith("Yes", TourAnswers.Longer(new(0.5, 0.4, 0.6), 16, new(0.8, 0.7, 0.9)));
        Assert.StartsWith("No, it lowered", TourAnswers.Longer(new(0.8, 0.7, 0.9), 16, new(0.5, 0.4, 0.6)));
        Assert.StartsWith("Not beyond", TourAnswers.Longer(new(0.5, 0.4, 0.6), 16, new(0.6, 0.5, 0.7)));
    }
}
