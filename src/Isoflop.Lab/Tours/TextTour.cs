using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Lab.Tours;

/// <summary>The best run of a budget of the tour.</summary>
/// <param name="Text">how it continues the tour's prompt</param>
sealed record TourStop(string Run, long Parameters, long Tokens, double Flops, double Loss, double BitsPerByte,
    double Seconds, string Text);

/// <summary>
/// The tour's first half: a ladder of twelve runs on text, its law, a forecast with ten times the compute, that run.
/// </summary>
/// <param name="Stops">the best run of each budget, last the one that was foretold</param>
sealed record TextTour(LadderResult Ladder, IReadOnlyList<TourStop> Stops, CorpusBaselines Baselines, Forecast Forecast,
    Score Score,
    StudyFindings Findings)
{
    public const string Scales = "Does more compute keep lowering the loss?", Foretold = "Can a run be foretold?",
        Words = "What does a model of the next word write?";

    // A small vocabulary: with 8,192 tokens the head would be nearly all of the smallest model.
    const int Vocab = 512;
    const string Name = "tour", Prompt = "Gets the number of";
    const double Check = 1e13;                                  // ten times the largest budget of the ladder

    public static TextTour Run(Workspace here, double scale)
    {
        string folder = CorpusBuilder.Build(new CorpusRecipe { Name = Name, Vocab = Vocab }, here).Folder;
        CorpusBaselines baselines;
        using (Corpus corpus = Corpus.Open(folder)) baselines = CorpusBaselines.Of(corpus, here with { Progress = null });
        LadderResult ladder = Tour.Climbed(Tour.Recipe(Name, scale, [3e10, 1e11, 3e11, 1e12], seeds: 1, sizes: 3), here);
        double flops = Check * scale;
        if (!Forecasts.All(ladder.Study).Any(f => Math.Abs(f.Flops / flops - 1) < 1e-9))
            Forecasts.Write(ladder.Study, here, flops);
        (Forecast forecast, Score score) = Forecasts.Check(ladder.Study, here);
        IEnumerable<StudyResult> best = ladder.Results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key).Select(g =>
            g.MinBy(r => r.Loss)!).Append(StudyResult.Of(here, forecast.Run)!);
        return new(ladder, [.. best.Select(r => StopOf(r, here))], baselines, forecast, score, StudyReport.Write(ladder.Study,
            here));
    }

    public IEnumerable<TourPart> Parts()
    {
        yield return new(Scales, TourAnswers.Scaling(StudyPoints.Frontier(Ladder.Results)) +
            $" The law: {Findings.Law.Verdict.Text}.")
        {
            Charts = [.. Findings.Charts.Where(c => c.File is "compute.svg" or "isoflop.svg").Select(c => c.Chart)],
            Note = $"{Ladder.Results.Count} runs of three sizes at each budget, on the documentation of .NET.",
            More = Findings.Page,
        };
        yield return new(Foretold, TourAnswers.Foretold(Forecast, Score))
        {
            Note = I($"The law is {Symbols.In(Forecast.Form)}, fitted to {Forecast.Points} runs up to ") +
                I($"{Forecast.Below:0.##e0} FLOPs; the run {Score.Run} has {Forecast.Flops / Forecast.Below:0} times that."),
            More = Findings.Page,
        };
        yield return new(Words, Compared())
        {
            Tables =
            [
                new($"How each continues “{Prompt}”", ["run", "FLOPs", "bits a byte", "continues"], [.. Stops.Select(s =>
                    (string[])
                    [s.Run, I($"{s.Flops:0.0e0}"), I($"{s.BitsPerByte:0.000}"), s.Text.ReplaceLineEndings(" ")])]),
                new("Methods without a neural network, on the same held-out text", ["method", "bits a byte"],
                    [.. Baselines.Rows.Select(b => (string[])[b.Name, I($"{b.BitsPerByte:0.000}")])]),
            ],
        };
    }

    /// <summary>The best model against the best of the methods that only count.</summary>
    string Compared()
    {
        TourStop last = Stops[^1];
        Baseline counts = Baselines.Rows.MinBy(b => b.BitsPerByte)!;
        string said = I($"The largest writes text like the corpus at {last.BitsPerByte:0.000} bits a byte, the smallest at ") +
            I($"{Stops[0].BitsPerByte:0.000}; the best method without a neural network, {counts.Name}, needs ") +
            I($"{counts.BitsPerByte:0.000}. ");
        return said + (counts.BitsPerByte < last.BitsPerByte
            ? I($"It beats all these models: it has counted {Baselines.TrainTokens:n0} tokens and keeps every count, the ") +
                I($"largest model has seen {last.Tokens:n0} and keeps {last.Parameters:n0} numbers.")
            : Stops.Where(s => s.BitsPerByte < counts.BitsPerByte).MinBy(s => s.Flops) is { } first
                ? I($"Models beat it from {first.Flops:0.0e0} FLOPs on.") : "");
    }

    static TourStop StopOf(StudyResult r, Workspace here)
    {
        using LanguageModel model = LanguageModel.Open(here, r.Run.Name);
        SampledReply reply = model.Continue(Prompt, 1, 40, new SamplingRule(0.7f), seed: 1)[0];
        return new(r.Run.Name, r.Run.Parameters, r.Tokens, r.Flops, r.Loss, r.BitsPerByte, r.Seconds,
            model.Tokenizer.Decode(reply.Said));
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
