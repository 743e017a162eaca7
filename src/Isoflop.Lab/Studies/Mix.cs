using System.Globalization;
using Isoflop.Data;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Tables;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>A finished run on a mixture.</summary>
/// <param name="Losses">held-out, by source, nats a token</param> <param name="Score">what is to be least of them</param>
/// <param name="Passes">over the source that is repeated most</param>
sealed record MixResult(PlannedRun Run, Mixture Mixture, IReadOnlyList<double> Losses, double Score, double Passes);

/// <summary>What the small runs say of one source.</summary>
/// <param name="LawLeftOut">root mean square error of the law for a mixture that was left out, nats a token; single sources are
/// never left out, so that no prediction leaves the mixtures it is made from; NaN: too few runs</param>
/// <param name="LineLeftOut">the same of the linear regression</param>
sealed record MixFit(string Source, MixingLaw Law, double LawLeftOut, double LineLeftOut);

/// <summary>A mixture at the larger size.</summary>
/// <param name="What">predicted best, uniform, natural</param>
/// <param name="Predicted">score at the small size, by the law</param> <param name="Score">that came, over seeds</param>
sealed record MixCheck(string What, Mixture Mixture, double Predicted, Estimate Score, int Seeds);

/// <summary>A study of mixtures.</summary>
/// <param name="Target">what is to be least</param> <param name="Best">the mixture that the laws say has it</param>
/// <param name="Rank">Spearman's correlation of predicted and measured scores of the check; NaN without one</param>
sealed record MixStudy(IReadOnlyList<string> Sources, string Target, IReadOnlyList<MixResult> Small,
    IReadOnlyList<MixFit> Fits, Mixture Best, double Predicted, IReadOnlyList<MixCheck> Checks, double Rank,
    IReadOnlyList<FailedRun> Failed);

/// <summary>
/// Which mixture of sources to train on: a run a mixture at a small size, a law for the loss on each source, the best mixture by
/// those laws, and a check at a larger size. Ye et al. 2024, arXiv:2403.16952; Liu et al. 2024, arXiv:2407.01492.
/// </summary>
sealed class Mix
{
    /// <summary>File names in the study's folder.</summary>
    public const string ResultsFile = "results.csv";

    readonly MixRecipe recipe;
    readonly Workspace here;
    readonly MixSources sources;
    readonly int target;                                          // −1: the mean

    Mix(MixRecipe recipe, Workspace here, MixSources sources, int target) =>
        (this.recipe, this.here, this.sources, this.target) = (recipe, here, sources, target);

    /// <summary>Reads the sources; files become corpora the first time.</summary>
    /// <exception cref="ConfigException">A broken rule, no such source, no such target.</exception>
    public static Mix Open(MixRecipe recipe, Workspace here)
    {
        string problems = string.Join("; ", recipe.Problems());
        if (problems.Length > 0) throw new ConfigException(problems);
        MixSources sources = MixSources.Open(recipe, here);
        string[] labels = [.. sources.All.Select(s => s.Label)];
        int target = recipe.Target is null ? -1 : Array.IndexOf(labels, recipe.Target);
        if (recipe.Target is not null && target < 0)
            throw new ConfigException($"target={recipe.Target}: no source has that label; there are: " +
                string.Join(", ", labels));
        return new(recipe, here, sources, target);
    }

    /// <summary>The runs at the small size.</summary>
    public IReadOnlyList<PlannedRun> Runs =>
        [.. Mixture.Plan(recipe.Mixtures, sources.Natural, recipe.Seed).Select(m => Price(m, recipe.Budget, 1).Run)];

    /// <summary>Trains what is not done yet, fits, predicts, checks, and writes results.csv.</summary>
    /// <param name="workers">runs side by side; 0: one a core</param>
    /// <exception cref="OperationCanceledException">Asked to stop; nothing is lost.</exception>
    public MixStudy Run(int workers = 0)
    {
        workers = here.SideBySide(workers);
        List<FailedRun> failed = [];
        IReadOnlyList<MixResult> small = Train("mixtures",
            [.. Mixture.Plan(recipe.Mixtures, sources.Natural, recipe.Seed).Select(m => Price(m, recipe.Budget, 1))]);
        if (small.Count == 0) throw new DataException($"no run could be trained: {failed[0].Reason}");
        List<MixFit> fits = [.. sources.All.Select((s, i) => FitOf(s.Label, small, i))];
        Mixture best = Candidates(small).MinBy(m => Predict(fits, m))!;
        (string What, Mixture Mixture)[] asked = [("predicted best", best), ("uniform", Mixture.Uniform(sources.All.Count)),
            ("natural", Mixture.Of(sources.Natural))];
        IReadOnlyList<MixResult> large = recipe.Scale == 0 ? [] : Train("check", [.. asked.DistinctBy(a => a.Mixture.Name)
            .SelectMany(a => Enumerable.Range(1, recipe.Seeds).Select(s =>
                Price(a.Mixture, recipe.Scale * recipe.Budget, (ulong)s)))]);
        List<MixCheck> checks = [.. asked.Select(a => (a.What, a.Mixture, Came: large.Where(r => r.Mixture.Name == a.Mixture.Name)
            .Select(r => r.Score).ToList())).Where(a => a.Came.Count > 0).Select(a =>
                new MixCheck(a.What, a.Mixture, Predict(fits, a.Mixture), Estimate.OfMean(a.Came), a.Came.Count))];
        double rank = checks.DistinctBy(c => c.Mixture.Name).Count() < 2 ? double.NaN
            : MixtureRegression.Spearman([.. checks.Select(c => c.Predicted)], [.. checks.Select(c => c.Score.Value)]);
        string folder = here.StudyFolder(recipe.Name);
        Directory.CreateDirectory(folder);
        TableOf([.. small, .. large]).WriteCsv(Path.Combine(folder, ResultsFile));
        return new([.. sources.All.Select(s => s.Label)], recipe.Target ?? "mean over sources", small, fits, best,
            Predict(fits, best), checks, rank, failed);

        IReadOnlyList<MixResult> Train(string stage, IReadOnlyList<MixRun> runs)
        {
            foreach (MixRun run in runs) run.Corpus.Write(here, "that of its sources");
            (IReadOnlyList<StudyResult> done, IReadOnlyList<FailedRun> lost) = new RunQueue(here, stage,
                [.. runs.Select(r => r.Run)], workers).Work();
            failed.AddRange(lost);
            var names = done.Select(d => d.Run.Name).ToHashSet();
            return [.. runs.Where(r => names.Contains(r.Run.Name)).Select(Measure)];
        }
    }

    sealed record MixRun(PlannedRun Run, Mixture Mixture, MadeCorpus Corpus, long Tokens);

    MixRun Price(Mixture mixture, double flops, ulong seed)
    {
        string name = $"{recipe.Name}.{mixture.Name}.{I($"{flops:0.##e0}")}";
        var config = new RunConfig
        {
            Name = $"{name}.s{seed}",
            Corpus = name,
            Seed = seed,
            Flops = flops,
            Model = new() { ContextLen = recipe.ContextLen },
            Save = new() { Minutes = 2, Keep = 1 },
        };
        var facts = new CorpusFacts(name, sources.Tokenizer.VocabSize, 1L << 40, sources.ValidTokens, 1, sources.Tokenizer.Hash);
        long tokens = Plan.Make(config, facts).Tokens + 1;       // whole windows, each seen once
        Plan plan = Plan.Make(config, facts with { TrainTokens = tokens });
        return new(PlannedRun.Of(plan, Phase.Mix, flops), mixture, sources.Mixed(name, mixture, tokens), tokens);
    }

    MixResult Measure(MixRun run)
    {
        using Corpus corpus = Corpus.Open(here.CorpusFolder(run.Corpus.Name));
        double[] losses = BySource(TokenLosses.Of(here with { Threads = 1 }, run.Run.Name, corpus),
            [.. sources.All.Select(s => s.Valid.Length)]);
        return new(run.Run, run.Mixture, losses, ScoreOf(losses), sources.Passes(run.Mixture, run.Tokens));
    }

    /// <summary>Means over stretches of the held-out text; its first token is nobody's target.</summary>
    internal static double[] BySource(ReadOnlySpan<float> nats, IReadOnlyList<int> lengths)
    {
        double[] means = new double[lengths.Count];
        int at = -1;
        for (int j = 0; j < means.Length; j++)
        {
            int from = Math.Max(0, at), to = at += lengths[j];
            foreach (float x in nats[from..to]) means[j] += (double)x / (to - from);
        }
        return means;
    }

    double ScoreOf(IReadOnlyList<double> losses) => target < 0 ? losses.Average() : losses[target];

    double Predict(List<MixFit> fits, Mixture m) => ScoreOf([.. fits.Select(f => f.Law.Predict(m.Shares))]);

    static MixFit FitOf(string label, IReadOnlyList<MixResult> runs, int source)
    {
        double[][] mixtures = [.. runs.Select(r => r.Mixture.Shares)];
        double[] losses = [.. runs.Select(r => r.Losses[source])];
        int[] inside = [.. Enumerable.Range(0, losses.Length).Where(i => mixtures[i].Max() < 1)];
        bool enough = runs.Count > mixtures[0].Length + 1 && inside.Length > 0;
        return new(label, MixingLaw.Fit(mixtures, losses),
            enough ? LeftOut((x, y) => MixingLaw.Fit(x, y).Predict) : double.NaN,
            enough ? LeftOut((x, y) => MixtureRegression.Fit(x, y).Predict) : double.NaN);

        double LeftOut(Func<double[][], double[], Func<double[], double>> fit) => Math.Sqrt(inside.Average(i =>
        {
            double[][] others = [.. mixtures.Where((_, k) => k != i)];
            return Math.Pow(losses[i] - fit(others, [.. losses.Where((_, k) => k != i)])(mixtures[i]), 2);
        }));
    }

    /// <summary>Drawn evenly, and what was trained; all lie inside of the corners that were.</summary>
    IEnumerable<Mixture> Candidates(IReadOnlyList<MixResult> small)
    {
        const int Draws = 20_000;
        var rng = RandomUse.MixCandidates.Open(recipe.Seed);
        List<Mixture> all = [.. small.Select(r => r.Mixture)];
        for (int i = 0; i < Draws; i++) all.Add(Mixture.Draw(ref rng, sources.All.Count));
        return all.DistinctBy(m => m.Name);
    }

    Table TableOf(IReadOnlyList<MixResult> results) => Table.Of(results,
    [
        ("run", r => r.Run.Name), ("parameters", r => r.Run.Parameters),
        ("parameters_without_embedding", r => r.Run.ParametersWithoutEmbedding),
        ("tokens", r => r.Run.Tokens), ("flops", r => r.Run.Flops), ("seed", r => (long)r.Run.Seed),
        .. sources.All.Select((s, j) => ($"share_{s.Label}", (Func<MixResult, object?>)(r => r.Mixture.Shares[j]))),
        .. sources.All.Select((s, j) => ($"loss_{s.Label}", (Func<MixResult, object?>)(r => r.Losses[j]))),
        ("score", r => r.Score), ("passes", r => r.Passes),
    ]);

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
