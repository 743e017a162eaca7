using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Xunit;

namespace Isoflop.Tests.Rl;

public class DoctorTests
{
    static RlStep Step(int step, double reward = 0.5, int dropped = 0, double length = 20, double truncated = 0, double entropy = 0.4) =>
        new(step, reward, 32, dropped, length, length, truncated, 0.5, entropy, 0, 0, 0, 1, 1, 1, 2, step, []);

    static RlEval Eval(int step, double pass, double error = 0.01, double passK = 0.9, double chance = 0) => new(step, step, "t.1",
        ReplyForm.Open, 100, 8, pass, pass, error, passK, chance, 20, 0, 0.5, new(0, 0, 0, 0, 0, 0, 0, 0));

    static Ailment[] Found(Func<int, RlStep> step, params RlEval[] evals) =>
        [.. Doctor.Examine([.. Enumerable.Range(1, 12).Select(step)], evals).Select(d => d.Ailment)];

    [Fact]
    public void A_healthy_run_has_nothing() => Assert.Empty(Found(s => Step(s, reward: 0.3 + 0.05 * s, dropped: 10, length: 20 + s),
        Eval(0, 0.3), Eval(12, 0.8)));

    [Fact]
    public void A_solved_task_is_no_ailment() => Assert.Empty(Found(s => Step(s, reward: 0.99, dropped: 31, entropy: s == 1 ? 0.4 : 0.01)));

    [Fact]
    public void Each_ailment_is_named()
    {
        Assert.Equal([Ailment.NoVariance], Found(s => Step(s, reward: 0.01, dropped: 30)));
        Assert.Equal([Ailment.LengthCollapse], Found(s => Step(s, length: s == 1 ? 20 : 4)));
        Assert.Equal([Ailment.Truncation], Found(s => Step(s, truncated: 0.3)));
        Assert.Equal([Ailment.EntropyCollapse], Found(s => Step(s, entropy: s == 1 ? 0.5 : 0.02)));
        Assert.Equal([Ailment.RewardHacking], Found(s => Step(s, reward: s / 12.0), Eval(0, 0.6), Eval(12, 0.3)));
    }

    [Fact]
    public void A_fall_within_the_noise_is_no_hacking() =>
        Assert.Empty(Found(s => Step(s, reward: s / 12.0), Eval(0, 0.6, error: 0.1), Eval(12, 0.4, error: 0.1)));

    [Fact]
    public void The_first_steps_say_nothing() => Assert.Empty(Doctor.Examine([Step(1, truncated: 1), Step(2, truncated: 1)], []));

    [Fact]
    public void The_gate_wants_thoughts_to_be_followed_and_more_than_chance()
    {
        Assert.Null(Doctor.Gate(0.95, [Eval(0, 0.3)]));
        Assert.Contains("given a right thought", Doctor.Gate(0.5, [Eval(0, 0.9)])!.Text, StringComparison.Ordinal);
        Assert.Contains("chance", Doctor.Gate(1, [Eval(0, 0.02, passK: 0.05)])!.Text, StringComparison.Ordinal);
        // Yes or no: eight replies hold a right one nearly always, so one must be right more often than every second.
        Assert.Contains("chance", Doctor.Gate(1, [Eval(0, 0.51, error: 0.02, passK: 1, chance: 0.5)])!.Text, StringComparison.Ordinal);
        Assert.Null(Doctor.Gate(1, [Eval(0, 0.7, error: 0.02, passK: 1, chance: 0.5)]));
    }

    [Fact]
    public void Levels_open_one_after_another()
    {
        var mix = new TaskMix(["parity:1..3"]);
        var curriculum = new Curriculum(mix, 0.7);
        Assert.Equal([true, false, false], mix.Levels.Select(curriculum.Open));
        curriculum.See(Step(1) with { Levels = [new("parity.1", 16, 0.9)] });
        Assert.Equal([true, true, false], mix.Levels.Select(curriculum.Open));
        for (int s = 0; s < 9; s++) curriculum.See(Step(2) with { Levels = [new("parity.1", 16, 0.4), new("parity.2", 16, 1)] });
        Assert.Equal([true, false, false], mix.Levels.Select(curriculum.Open));
        Assert.Equal([true, true, true], mix.Levels.Select(new Curriculum(mix, 0).Open));
    }
}
