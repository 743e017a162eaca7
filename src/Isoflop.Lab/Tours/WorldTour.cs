using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Worlds;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Lab.Tours;

/// <summary>What the tour found in a generated world, whose every token bears the name of its task.</summary>
/// <param name="Runs">that count</param> <param name="Rungs">the best size of each budget</param>
/// <param name="Climbed">what each makes of one question</param>
sealed record WorldTour(CapabilityMap Map, IReadOnlyList<StudyResult> Runs, IReadOnlyList<StudyResult> Rungs,
    IReadOnlyList<ClimbedRung> Climbed, string Page)
{
    public const string Alike = "Do all abilities grow alike?", Easy = "Are all words equally hard?";

    const string Name = "tour-world", Question = "Zuko went to the kitchen. Zuko left the", Answer = " kitchen";
    const int Items = 30;                                       // questions a task and level
    const int Families = 5;                                     // that have a colour of their own

    public static WorldTour Run(Workspace here, double scale)
    {
        WorldCorpus.Build(new() { Name = Name }, here);
        LadderResult ladder = Tour.Climbed(
            Tour.Recipe(Name, scale, [1e10, 3e10, 1e11, 3e11, 1e12, 3e12], seeds: 2, sizes: 2), here);
        CapabilityMap map = CapabilityMap.Of(ladder.Study, here, c => WorldCorpus.WorldOf(c).Suite(Items));
        MapPictures.Write(map, ladder.Study.Folder);
        StudyFindings findings = StudyReport.Write(ladder.Study, here);
        IReadOnlyList<StudyResult> rungs = Climb.Rungs(ladder.Study, here);
        return new(map, StudyPoints.Counted(ladder.Study, here), rungs,
            [.. Climb.Continue(rungs, here, Question, 12, 0, Answer, 1)], findings.Page);
    }

    public IEnumerable<TourPart> Parts(Workspace here)
    {
        var shown = new StringWriter();
        MapPictures.Terminal(Map, shown);
        List<Chart> charts = [Paid(Map)];
        if (Climbed.Count > 2) charts.Add(new("One question through the rungs", "training FLOPs",
            "probability of the right answer",
            [new($"“{Question} …{Answer}”", [.. Climbed.Select(c => (c.Budget,
                Math.Exp(-c.AnswerNats!.Value)))])])
        { LogY = true });
        if (MapPictures.Saturation(Map) is { } full) charts.Add(full);
        yield return new(Alike, TourAnswers.Abilities(Map.Findings))
        {
            Charts = charts,
            Figure = MapPictures.Svg(Map),
            FigureText = shown.ToString(),
            Tables = [new($"One question through the rungs: “{Question} …”; right is “{Answer.Trim()}”",
                ["FLOPs", "run", "probability of the right answer", "continues"], [.. Climbed.Select(c => (string[])
                    [I($"{c.Budget:0.##e0}"), c.Run, I($"{100 * Math.Exp(-c.AnswerNats!.Value):0.0} %"),
                        c.Text.ReplaceLineEndings(" ")])])],
            Note = $"{Runs.Count} runs; {Items} held-out questions a task and level, asked of the best size of each budget.",
            More = Page,
        };
        yield return Hardness(here);
    }

    /// <summary>The falling loss as a weighted sum: what each family of tasks has paid since the first rung.</summary>
    static Chart Paid(CapabilityMap map)
    {
        string Family(string task) => task.Split('.')[0];
        RungGain[] steps = [.. map.Gains.SkipLast(1)];
        string[] largest = [.. map.Gains[^1].Tasks.GroupBy(t => Family(t.Task)).OrderByDescending(g => g.Sum(t => t.Share))
            .Take(Families).Select(g => g.Key)];
        double[] budgets = [map.Gains[^1].From, .. steps.Select(s => s.To)], below = new double[budgets.Length];
        List<ChartSeries> bands = [];
        foreach (string? family in largest.Append(null))
        {
            var above = new double[budgets.Length];
            for (int i = 1; i < budgets.Length; i++)
                above[i] = above[i - 1] + steps[i - 1].Tasks.Where(t => family is null ? !largest.Contains(Family(t.Task))
                    : Family(t.Task) == family).Sum(t => t.Share);
            double[] low = below, high = [.. below.Zip(above, (a, b) => a + b)];
            bands.Add(new(family ?? "all others", [.. budgets.Zip(high)], SeriesKind.Band) { Range = [.. low.Zip(high)] });
            below = high;
        }
        return new("Which tasks paid for the falling loss", "training FLOPs", "nats a token saved since the first rung", bands)
        {
            Subtitle = "loss is a weighted sum over tasks; layers add up to its fall",
        };
    }

    /// <summary>Where the loss sits: the next token after one text at every rung, and the loss of all held-out tokens in
    /// order.</summary>
    TourPart Hardness(Workspace here)
    {
        StudyResult small = Rungs[0], large = Rungs[^1];
        using Corpus corpus = Corpus.Open(here.CorpusFolder(Name));
        Workspace quiet = here with { Progress = null };
        here.Report("losses of held-out tokens", 0, 2, "runs", small.Run.Name);
        float[] first = TokenLosses.Of(quiet, small.Run.Name, corpus);
        here.Report("losses of held-out tokens", 1, 2, "runs", large.Run.Name);
        float[] last = TokenLosses.Of(quiet, large.Run.Name, corpus);
        SharpenedRung[] next = [.. Climb.Next(Rungs, here, Question)];
        using LanguageModel model = LanguageModel.Open(here, large.Run.Name);
        (_, int[] tokens, float[] logProbs) = model.Read(Question + Answer + ". The sum of 7 and 8 is 15.");
        LossText text = LossText.Of(model.Tokenizer, tokens, logProbs);
        int[] top = [.. Enumerable.Range(0, next[^1].LogProbs.Length).OrderByDescending(i => next[^1].LogProbs[i]).Take(6)];
        double tenth = Share(last, 0.1), easy = last.Count(x => x < 0.1) / (double)last.Length;
        return new(Easy, I($"No: for the best model {100 * easy:0} % of the held-out tokens cost less than 0.1 nats, and the ") +
            I($"hardest tenth carries {100 * tenth:0} % of the loss. Yet a pass of the network spends the same compute on each."))
        {
            Charts =
            [
                new Chart("Easy and hard words", "share of the tokens, hardest first", "share of the loss",
                [
                    Lorenz(I($"{small.Run.Budget:0.##e0} FLOPs"), first), Lorenz(I($"{large.Run.Budget:0.##e0} FLOPs"), last),
                    new("were all alike", [(0, 0), (1, 1)]) { Dashed = true },
                ]) { LogX = false, XLimits = (-0.02, 1.02) }.AsShares(),
                new($"The next word after “{Question}”", "rank of the token", "probability", [.. next.Select(r => new ChartSeries(
                    I($"{r.Budget:0.##e0}"), [.. r.LogProbs.OrderDescending().Take(200).Select((p, i) => (i + 1.0, Math.Exp(p)))])
                    { Shade = r.Budget })]) { LogY = true, LegendTitle = "training FLOPs" },
            ],
            Figure = $"<p class=\"tokens\">{text.Spans()}</p>\n",
            Tables = [new($"Likeliest tokens after “{Question}”", ["", .. next.Select(r => I($"{r.Budget:0.##e0}"))],
                [.. top.Select(t => (string[])[$"‘{model.Tokenizer.Decode([t])}’", .. next.Select(r =>
                    I($"{100 * Math.Exp(r.LogProbs[t]):0.0} %"))])])],
            Note = "The coloured text: pale where the best model knew the next token, deep red where it did not.",
            More = Page,
        };
    }

    static ChartSeries Lorenz(string name, float[] nats)
    {
        double[] hard = [.. nats.Select(x => (double)x).OrderDescending()];
        double all = hard.Sum(), sum = 0;
        List<(double, double)> points = [(0, 0)];
        for (int i = 0, at = 0; i < 50; i++)
        {
            for (int to = (int)((i + 1L) * hard.Length / 50); at < to; at++) sum += hard[at];
            points.Add(((i + 1) / 50.0, sum / all));
        }
        return new(name, points);
    }

    /// <summary>Share of the loss that the hardest tokens carry.</summary>
    static double Share(float[] nats, double part) =>
        nats.OrderDescending().Take((int)(part * nats.Length)).Sum(x => (double)x) / nats.Sum(x => (double)x);

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
