using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Report;
using Isoflop.Sample;
using Isoflop.Train;

namespace Isoflop.Lab;

/// <summary>One size of the tour.</summary>
/// <param name="Loss">held-out, nats a token</param> <param name="Text">how it continues the tour's prompt</param>
public sealed record TourStop(string Run, long Parameters, long Tokens, double Flops, double Loss, double BitsPerByte,
    double Seconds, string Text);

/// <summary>What the tour found.</summary>
public sealed record TourResult(IReadOnlyList<TourStop> Stops, CorpusBaselines Baselines, string Prompt, Chart Chart,
    string Picture);

/// <summary>
/// The whole program in three minutes on two cores: a corpus, three sizes, loss against compute, one prompt through each.
/// </summary>
/// <remarks>Killed and called again it goes on where it was: a corpus and runs are found by their names.</remarks>
public static class Tour
{
    // Half a decade apart; together about 1.4e13 FLOPs, two minutes at 110 GFLOP/s.
    static readonly double[] Budgets = [1e12, 3e12, 1e13];

    // A small vocabulary: with 8,192 tokens the head would be nearly all of the smallest model.
    const int Vocab = 1024;
    const string Name = "tour", Prompt = "Gets the number of";

    /// <param name="scale">multiplies the budgets: 1 takes about three minutes on two cores</param>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static TourResult Run(string home, double scale = 1, IProgress<CorpusProgress>? corpusProgress = null,
        Action<string, TrainProgress>? trainProgress = null, Action<string>? baselineProgress = null,
        CancellationToken stop = default)
    {
        string folder = CorpusBuilder.Build(
            new CorpusRecipe { Name = Name, Vocab = Vocab }, home, progress: corpusProgress, stop: stop).Folder;
        CorpusBaselines baselines;
        using (Corpus corpus = Corpus.Open(folder)) baselines = CorpusBaselines.Of(corpus, baselineProgress);
        double peak = Machine.Measure().PeakGflops * 1e9;
        var stops = new List<TourStop>();
        var curves = new List<ChartSeries>();
        foreach (double budget in Budgets.Select(b => b * scale))
        {
            string name = $"{Name}-{budget:0.###e0}";
            TrainResult result = Trainer.Train(new RunConfig { Name = name, Corpus = Name, Flops = budget }, new TrainOptions
            {
                Home = home,
                PeakFlops = peak,
                Progress = p => trainProgress?.Invoke(name, p),
            }, stop);
            if (!result.Done) throw new OperationCanceledException(stop);
            RunRecord record = RunRecord.Load(result.Path);
            using LanguageModel model = LanguageModel.Open(home, name);
            Reply reply = model.Continue(Prompt, 1, 40, new SamplingRule(0.7f), seed: 1)[0];
            stops.Add(new(name, record.Parameters, result.Ledger.Train.Tokens, result.Ledger.Train.Flops, result.ValidLoss,
                result.BitsPerByte, result.Ledger.Train.Seconds, model.Tokenizer.Decode([.. reply.Tokens])));
            curves.Add(new($"{record.Parameters / 1e3:F0} k parameters", Thinned(RunFolder.ReadSteps(result.Path))));
        }
        curves.Add(new("held-out, at the end", [.. stops.Select(s => (s.Flops, s.Loss))], SeriesKind.Points));
        foreach (Baseline b in baselines.Rows.Where(r => r.NatsPerToken is not null))
            curves.Add(ChartSeries.AtY(b.Name, b.NatsPerToken!.Value));
        var chart = new Chart("Loss against training compute", "training FLOPs", "loss, nats a token", curves);
        string picture = Path.Combine(home, "tour.svg");
        File.WriteAllText(picture, chart.Svg());
        return new(stops, baselines, Prompt, chart, picture);
    }

    /// <summary>At most 150 points, evenly spaced in log FLOPs, each the mean loss since the last.</summary>
    static List<(double, double)> Thinned(List<StepRow> rows)
    {
        const int Points = 150, Skip = 10;                      // the first steps only leave the starting point
        var result = new List<(double, double)>();
        double sum = 0, from = Math.Log(rows[Math.Min(Skip, rows.Count - 1)].Flops), to = Math.Log(rows[^1].Flops);
        int n = 0;
        foreach (StepRow row in rows.Skip(Skip))
        {
            sum += row.Loss;
            n++;
            if (Math.Log(row.Flops) < from + (to - from) * result.Count / Points && row.Step != rows[^1].Step) continue;
            result.Add((row.Flops, sum / n));
            (sum, n) = (0, 0);
        }
        return result;
    }
}
