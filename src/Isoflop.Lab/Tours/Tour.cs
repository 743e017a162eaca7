using Isoflop.Data;
using Isoflop.Kernels;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Worlds;
using Isoflop.Sample;
using Isoflop.Store;

namespace Isoflop.Lab.Tours;

/// <summary>The best run of a budget of the tour.</summary>
/// <param name="Text">how it continues the tour's prompt</param>
public sealed record TourStop(string Run, long Parameters, long Tokens, double Flops, double Loss, double BitsPerByte,
    double Seconds, string Text);

/// <summary>What the tour found.</summary>
public sealed record TourResult(LadderResult Ladder, IReadOnlyList<TourStop> Stops, CorpusBaselines Baselines, string Prompt,
    Forecast Forecast, Score Score, StudyFindings Findings, WorldTour World, ThinkingTour Thinking)
{
    /// <summary>report.html of the home: the talk, chart after chart, with these numbers.</summary>
    public string Page { get; init; } = "";
}

/// <summary>What the tour found in a generated world.</summary>
/// <param name="Question">a prompt that every rung continues</param> <param name="Answer">what should come</param>
public sealed record WorldTour(CapabilityMap Map, string Question, string Answer, IReadOnlyList<ClimbedRung> Climbed,
    string Page);

/// <summary>
/// The whole program in a few minutes on two cores: a corpus, a ladder of twelve small runs, their law, a forecast of a run with
/// ten times the compute, that run, the score, the report; one prompt through the best run of each budget; then a world of
/// labelled tasks, a ladder on it, and the map of what each rung can do; then a model that is taught to think and learns by
/// reinforcement when to.
/// </summary>
/// <remarks>Killed and called again it goes on where it was: corpus, runs and forecast are found by their names.</remarks>
public static class Tour
{
    // A small vocabulary: with 8,192 tokens the head would be nearly all of the smallest model.
    const int Vocab = 512;
    const string Name = "tour", Prompt = "Gets the number of";
    const double Check = 1e13;                                  // ten times the largest budget of the ladder
    const string WorldName = "tour-world", Question = "Zuko went to the kitchen. Zuko left the", Answer = " kitchen";
    const int Items = 30;                                       // questions a task and level

    /// <param name="scale">multiplies the budgets</param>
    /// <exception cref="OperationCanceledException">Stopped; nothing is lost.</exception>
    public static TourResult Run(Workspace here, double scale = 1)
    {
        string folder = CorpusBuilder.Build(
            new CorpusRecipe { Name = Name, Vocab = Vocab }, here).Folder;
        CorpusBaselines baselines;
        using (Corpus corpus = Corpus.Open(folder)) baselines = CorpusBaselines.Of(corpus, here with { Progress = null });
        LadderResult ladder = Climbed(RecipeOf(scale), here);
        double flops = Check * scale;
        if (!Forecasts.All(ladder.Study).Any(f => Math.Abs(f.Flops / flops - 1) < 1e-9))
            Forecasts.Write(ladder.Study, here, flops);
        (Forecast forecast, Score score) = Forecasts.Check(ladder.Study, here);
        StudyFindings findings = StudyReport.Write(ladder.Study, here);
        IEnumerable<StudyResult> best = ladder.Results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key).Select(g =>
            g.MinBy(r => r.Loss)!)
            .Append(StudyResult.Of(here, forecast.Run)!);
        TourResult tour = new(ladder, [.. best.Select(r => StopOf(r, here))], baselines, Prompt, forecast, score, findings,
            World(here, scale), ThinkingTour.Run(here, scale));
        return tour with { Page = TourPage.Write(tour, here) };
    }

    static WorldTour World(Workspace here, double scale)
    {
        WorldCorpus.Build(new() { Name = WorldName }, here);
        LadderResult ladder = Climbed(WorldRecipeOf(scale), here);
        CapabilityMap map = CapabilityMap.Of(ladder.Study, here, c => WorldCorpus.WorldOf(c).Suite(Items));
        MapPictures.Write(map, ladder.Study.Folder);
        StudyFindings findings = StudyReport.Write(ladder.Study, here);
        return new(map, Question, Answer,
            [.. Climb.Continue(Climb.Rungs(ladder.Study, here), here, Question, 12, 0, Answer, 1)], findings.Page);
    }

    static LadderResult Climbed(LadderRecipe recipe, Workspace here)
    {
        LadderResult ladder = Ladder.Run(recipe, here);
        return ladder.Failed.Count == 0 ? ladder
            : throw new DataException($"{ladder.Failed[0].Name} failed: {ladder.Failed[0].Reason}");
    }

    static LadderRecipe RecipeOf(double scale) => Recipe(Name, scale, [3e10, 1e11, 3e11, 1e12], seeds: 1, sizes: 3);

    static LadderRecipe WorldRecipeOf(double scale) =>
        Recipe(WorldName, scale, [1e10, 3e10, 1e11, 3e11, 1e12, 3e12], seeds: 2, sizes: 2);

    static LadderRecipe Recipe(string name, double scale, double[] budgets, int seeds, int sizes) => new()
    {
        Name = scale == 1 ? name : FormattableString.Invariant($"{name}-x{scale:0.#####}"),
        Corpus = name,
        Settings = ["model.context_len=128"],
        Rungs = [new() { Budgets = string.Join(',', budgets.Select(b => FormattableString.Invariant($"{b * scale:0.####e0}"))),
            Seeds = seeds, Sizes = sizes }],
        // What the tuning of recipes/decades.json found at 1e11 FLOPs, and found again at 1e12.
        LearningRateFactor = 0.5,
        BatchFactor = 0.25,
    };

    static TourStop StopOf(StudyResult r, Workspace here)
    {
        using LanguageModel model = LanguageModel.Open(here, r.Run.Name);
        SampledReply reply = model.Continue(Prompt, 1, 40, new SamplingRule(0.7f), seed: 1)[0];
        return new(r.Run.Name, r.Run.Parameters, r.Tokens, r.Flops, r.Loss, r.BitsPerByte, r.Seconds,
            model.Tokenizer.Decode(reply.Said));
    }
}
