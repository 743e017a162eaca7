using Isoflop.Lab.Eval;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Xunit;

namespace Isoflop.Tests.Rl;

public class PolicyExamTests(TaughtHome home) : IClassFixture<TaughtHome>
{
    [Fact]
    public void It_answers_as_the_examination_of_a_run_does()
    {
        RlResult run = home.Run("examined", "steps=2", "eval_every=0");
        IReadOnlyList<ExamRow> rows = PolicyExam.Of(["taught", "examined"], new(["parity:1"], [ReplyForm.Open, ReplyForm.Think], Items: 8,
            Replies: 4, MaxNewTokens: 16), new(home.Path) { Threads = 2 });
        foreach ((string name, int step) in (ReadOnlySpan<(string, int)>)[("taught", 0), ("examined", 2)])
            foreach (ReplyForm form in (ReplyForm[])[ReplyForm.Open, ReplyForm.Think])
                Assert.Equal(run.Evals.Single(e => e.Step == step && e.Form == form) with { Step = 0, Flops = 0 },
                    rows.Single(r => r.Run == name && r.Answers.Form == form).Answers with { Step = 0, Flops = 0 });
        Assert.True(rows[^1].Flops > rows[0].Flops);
        using var csv = new StringWriter();
        PolicyExam.ToTable(rows).WriteCsv(csv);
        Assert.Equal(rows.Count + 2, csv.ToString().Split('\n').Length);
        Assert.StartsWith("run,line,parameters,flops,level,form,items,replies,greedy,pass_at_1,error,pass_at_k,chance,length,truncated,thinking\r\n",
            csv.ToString(), StringComparison.Ordinal);
        Assert.Contains("levels 1 to", Assert.Throws<ConfigException>(() => PolicyExam.Of(["taught"], new(["parity:99"], []), new(home.Path))).Message,
            StringComparison.Ordinal);
        Assert.Contains("there is no run", Assert.Throws<ConfigException>(() => PolicyExam.Of(["x"], new(["parity"], []), new(home.Path))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scale.parity.filler.d64.s2", "scale.parity.filler")]
    [InlineData("world.3.16e10.d16.s3", "world")]
    [InlineData("world.1e12.d48.s3.rl", "world.rl")]
    [InlineData("p-rl", "p-rl")]
    public void Runs_that_differ_in_size_budget_and_seed_are_one_line(string run, string line) => Assert.Equal(line, PolicyExam.LineOf(run));
}
