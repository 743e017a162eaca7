using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Eval;

public class EvalReportTests
{
    static List<(double, string)> Scores(params (string Cluster, int Right, int Wrong)[] clusters) =>
        [.. clusters.SelectMany(c => Enumerable.Repeat((1.0, c.Cluster), c.Right).Concat(Enumerable.Repeat((0.0, c.Cluster), c.Wrong)))];

    [Fact]
    public void A_clustered_interval_is_the_one_worked_out_by_hand()
    {
        // n = 40, mean 0.5; sums of residuals 4, −3, 1, −2 give Σ² = 30; se = √(4/3 · 30)/40 = √40/40; t of 3 degrees is 3.18244630528.
        ScoreInterval got = ScoreInterval.Of(Scores(("a", 9, 1), ("b", 2, 8), ("c", 6, 4), ("d", 3, 7)));
        double half = 3.18244630528 * Math.Sqrt(40) / 40;
        Assert.Equal(0.5, got.Mean);
        Assert.Equal(Math.Max(0, 0.5 - half), got.Low, 1e-9);
        Assert.Equal(Math.Min(1, 0.5 + half), got.High, 1e-9);
        Assert.Equal((4, false), (got.Clusters, got.Wilson));
        // Inside of [0, 1]: 40 clusters of 3 items; 20 all right, 20 one of three. Residual sums ±1, Σ² = 40, n = 120, mean 2/3.
        got = ScoreInterval.Of(Scores([.. Enumerable.Range(0, 40).Select(i => ($"c{i}", i < 20 ? 3 : 1, i < 20 ? 0 : 2))]));
        half = 2.02269092 * Math.Sqrt(40.0 / 39 * 40) / 120;
        Assert.Equal((2 / 3.0 - half, 2 / 3.0 + half), (got.Low, got.High), (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-8 && Math.Abs(a.Item2 - b.Item2) < 1e-8);
    }

    [Fact]
    public void Where_clusters_tell_nothing_the_interval_is_Wilsons()
    {
        // Wilson 1927 for 8 of 10: (0.8 + 1.92073/10 ± 1.95996·√(0.016 + 0.0096036)) / 1.384146 = 0.490162, 0.943318.
        foreach (ScoreInterval few in new[] { ScoreInterval.Of(Scores(("a", 8, 2))), ScoreInterval.Of(Scores(("a", 4, 1), ("b", 4, 1))) })
        {
            Assert.Equal(0.490162, few.Low, 1e-6);
            Assert.Equal(0.943318, few.High, 1e-6);
            Assert.True(few.Wilson);
        }
        ScoreInterval all = ScoreInterval.Of(Scores(("a", 20, 0), ("b", 20, 0)));
        Assert.True(all.Wilson && all.High == 1 && all.Low is > 0.9 and < 1);
        Assert.True(ScoreInterval.Of(Scores(("a", 100, 100))).Wilson);
    }

    static ItemResult Result(string id, string task, int level, double score) => new()
    {
        Id = id,
        Task = task,
        Level = level,
        Template = "t",
        Score = score,
        AnswerNll = 2,
        Bytes = 4,
        Tokens = 3,
    };

    [Fact]
    public void Every_number_has_its_interval()
    {
        // Two templates with means 1 and 3 nats: mean 2, sums ∓2 about it, se = √(2/1 · 8)/4 = 1, t of one degree 12.706.
        ItemResult[] results = [.. Enumerable.Range(0, 4).Select(i => Result($"{i}", "sums", 1, i % 2) with
        {
            AnswerNll = 0.5 + i,
            Margin = -0.5 - i,
            Template = i < 2 ? "s" : "t",
            ScorePerToken = i % 2,
        })];
        EvalRow all = new EvalReport(results).Rows[0];
        Assert.Equal(2 - 12.7062, all.NllInterval!.Value.Low, 1e-3);
        Assert.Equal(2 + 12.7062, all.NllInterval!.Value.High, 1e-3);
        Assert.Equal(-2 + 12.7062, all.MarginInterval!.Value.High, 1e-3);
        Assert.Equal((2 + 12.7062) / Math.Log(2) / 4, all.BitsInterval!.Value.High, 1e-3);       // four bytes each
        Assert.Equal(all.Accuracy, all.PerToken);
        Assert.Null(all.PerByte);
    }

    [Fact]
    public void What_was_noted_is_told_with_the_items()
    {
        ItemResult[] results = [.. Enumerable.Range(0, 8).Select(i => Result($"i{i}", "sums", 1, 1) with
        {
            Note = i < 6 ? $"prompt cut by {i + 1} tokens" : "asked by letter; empty reply",
        })];
        IReadOnlyList<EvalNote> notes = new EvalReport(results).Notes;
        Assert.Equal([("prompt cut by", 6), ("asked by letter", 2), ("empty reply", 2)], notes.Select(n => (n.Note, n.Items)));
        Assert.Equal(["i0", "i1", "i2", "i3", "i4"], notes[0].First);
    }

    [Fact]
    public void Every_quality_has_a_column_of_its_own()
    {
        List<ItemResult> results =
        [
            Result("a", "sums", 1, 1) with { Chance = 0.5, Margin = 3, ScorePerToken = 0, ScorePerByte = 1 },
            Result("b", "sums", 2, 0) with { Chance = 0.5, Margin = -1, ScorePerToken = 1, ScorePerByte = 1 },
            Result("c", "words", 1, 0) with { FormatError = true, Milliseconds = 30, Reply = "", Note = "prompt cut by 3 tokens" },
            Result("d", "words", 1, 1) with { Milliseconds = 10, Reply = "x", Note = "likelihoods are not finite", AnswerNll = null },
        ];
        IReadOnlyList<EvalRow> rows = new EvalReport(results, new(new HashSet<string> { "b" }, new HashSet<string> { "d" }, 1)).Rows;
        EvalRow all = rows[0], sums = rows.Single(r => r.Slice == "task" && r.Task == "sums"),
            words = rows.Single(r => r.Slice == "task" && r.Task == "words");
        Assert.Equal((4, 0.5, 0.25, 2), (all.Items, all.Accuracy.Mean, all.Chance, all.Accuracy.Clusters));
        Assert.Equal((1.0, 0.5, 1.0, (double?)null), (sums.Margin!.Value, sums.AccuracyPerToken!.Value, sums.AccuracyPerByte!.Value, sums.Milliseconds));
        Assert.Equal(2 / Math.Log(2) / 4, words.BitsPerByte!.Value, 1e-12);
        Assert.Equal((20.0, 1, 1, 2, 0, 1), (words.Milliseconds!.Value, words.FormatErrors, words.Cut, words.Notes, words.Contaminated!.Value, words.TooShort!.Value));
        Assert.Null(words.AccuracyPerToken);
        Assert.Equal(1, sums.Contaminated);
        Assert.Equal(["all", "task", "task", "task level", "task level", "task level", "level", "level", "template", "template"], rows.Select(r => r.Slice));
        Assert.Null(new EvalReport(results).Rows[0].Contaminated);
    }
}
