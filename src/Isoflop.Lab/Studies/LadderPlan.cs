using System.Globalization;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>Factors on the rules for learning rate and batch.</summary>
readonly record struct RuleFactors(double LearningRate, double Batch);

/// <summary>Factors that were tried, and the run that tried them: one for all that come to the same batch.</summary>
readonly record struct Trial(RuleFactors Factors, PlannedRun Run);

/// <summary>From a recipe to its runs: isoFLOP budgets × sizes × seeds, each priced before anything starts.</summary>
sealed class LadderPlan
{
    static readonly int[] UsualWidths =
        [8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024, 1280, 1536, 2048];

    readonly CorpusFacts corpus;
    readonly RunConfig settings;

    LadderPlan(LadderRecipe recipe, CorpusFacts corpus)
    {
        (Recipe, this.corpus) = (recipe, corpus);
        RunConfig given = Config.Load(null, recipe.Settings);
        settings = given with
        {
            Corpus = recipe.Corpus,
            Model = given.Model with { VocabSize = given.Model.VocabSize ?? corpus.VocabSize },
            Save = given.Save with { Minutes = given.Save.Minutes ?? 2, Keep = given.Save.Keep ?? 1 },
        };
    }

    /// <summary>The recipe.</summary>
    public LadderRecipe Recipe { get; }

    /// <summary>The corpus of all runs.</summary>
    public CorpusFacts Corpus => corpus;

    /// <summary>Reads the recipe's corpus and checks the recipe.</summary>
    /// <exception cref="ConfigException">All broken rules in one line; no such corpus.</exception>
    public static LadderPlan Of(LadderRecipe recipe, Workspace here)
    {
        string problems = string.Join("; ", recipe.Problems());
        if (problems.Length > 0) throw new ConfigException(problems);
        CorpusFacts corpus = Trainer.PlanOf(new RunConfig
        {
            Corpus = recipe.Corpus,
            Model = new() { ContextLen = 1 },
            Train = new() { Steps = 1, BatchTokens = 1 },
        }, here).Corpus;
        return new(recipe, corpus);
    }

    /// <summary>The grid of the tuning: two sizes, five rates, four batches.</summary>
    public IReadOnlyList<Trial> Tuning()
    {
        if (Recipe.Tune is not { Flops: > 0, EveryBudget: false } tune) return [];
        return Shared(from width in WidthsAt(tune.Flops, 2, 4)
                      from rate in (double[])[0.25, 0.5, 1, 2, 4]
                      from batch in (double[])[0.25, 0.5, 1, 2]
                      select new Trial(new(rate, batch),
                          Price(Phase.Tune, tune.Flops, width, 1, new(rate, batch), I($".lr{rate}.b{batch}"))));
    }

    /// <summary>The chosen factors on a larger run, and half and twice of either.</summary>
    public IReadOnlyList<Trial> Transfer(RuleFactors chosen)
    {
        if (Recipe.Tune is not { Flops: > 0, TransferFlops: > 0, EveryBudget: false } tune) return [];
        int width = WidthsAt(tune.TransferFlops, 1, 2)[0];
        (double Rate, double Batch)[] moves = [(1, 1), (0.5, 1), (2, 1), (1, 0.5), (1, 2)];
        return Shared(moves.Select(m => new RuleFactors(chosen.LearningRate * m.Rate, chosen.Batch * m.Batch)).Select(f =>
            new Trial(f, Price(Phase.Transfer, tune.TransferFlops, width, 1, f, I($".lr{f.LearningRate}.b{f.Batch}")))));
    }

    /// <summary>A factor on the rate, on the middle size of a budget.</summary>
    public Trial Probe(double budget, double rate)
    {
        var factors = new RuleFactors(rate, Recipe.BatchFactor);
        return new(factors, Price(Phase.Tune, budget, WidthsAt(budget, 1, 2)[0], 1, factors, I($".lr{rate}")));
    }

    /// <summary>Budgets whose rate is tuned; none: the rate is tuned once, or not.</summary>
    /// <param name="upTo">as the ladder takes it</param>
    public IReadOnlyList<double> Swept(double? upTo) => Recipe.Tune is not { EveryBudget: true } ? []
        : [.. Recipe.Rungs.Where(r => upTo is not null || !r.Later).SelectMany(r => r.Values())
            .Where(b => !(b > upTo * 1.001)).Distinct().Order()];

    /// <summary>The runs of trials, each once.</summary>
    public static IReadOnlyList<PlannedRun> RunsOf(IEnumerable<Trial> trials) =>
        [.. trials.Select(t => t.Run).DistinctBy(r => r.Name)];

    /// <summary>A small run's batch cannot follow its factor below one window: what would train the same is trained
    /// once.</summary>
    static IReadOnlyList<Trial> Shared(IEnumerable<Trial> trials)
    {
        var first = new Dictionary<(int, int, double), PlannedRun>();
        return [.. trials.Select(t =>
        {
            var settings = (t.Run.DModel, t.Run.BatchTokens, t.Run.LearningRate);
            return t with { Run = first.TryGetValue(settings, out PlannedRun? same) ? same : first[settings] = t.Run };
        })];
    }

    /// <summary>The ladder, smallest budget first.</summary>
    /// <param name="factorsAt">of a budget</param>
    public IReadOnlyList<PlannedRun> Ladder(Func<double, RuleFactors> factorsAt)
    {
        var cells = new List<(double Budget, int Width, ulong Seed, bool Later)>();
        foreach (Rung rung in Recipe.Rungs)
            foreach (double budget in rung.Values())
                foreach (int width in WidthsAt(budget, rung.Sizes, Recipe.Spacing))
                    for (ulong seed = 1; seed <= (ulong)rung.Seeds; seed++)
                        cells.Add((budget, width, seed, rung.Later));
        cells = [.. cells.DistinctBy(c => (c.Budget, c.Width, c.Seed)).OrderBy(c => c.Budget).ThenByDescending(c => c.Width)
            .ThenBy(c => c.Seed)];
        return Recipe.Trunks ? Branched(cells, factorsAt) : [.. cells.Select(c =>
            Price(Phase.Ladder, c.Budget, c.Width, c.Seed, factorsAt(c.Budget), "", c.Later))];
    }

    /// <summary>The run that would check a forecast: the size nearest to <paramref name="parameters"/>.</summary>
    public PlannedRun Check(double flops, double parameters, ulong seed, RuleFactors factors)
    {
        int width = Widths().MinBy(w => Math.Abs(Math.Log(SizeOf(w, flops) / parameters)));
        return Price(Phase.Ladder, flops, width, seed, factors, "") with { Phase = Phase.Forecast };
    }

    IEnumerable<int> Widths() => Recipe.Widths.Count > 0 ? Recipe.Widths.Order() : UsualWidths;

    /// <summary>
    /// The widths nearest to sizes a factor of <paramref name="spacing"/> apart, centred on the one that spends the budget at the
    /// recipe's tokens a parameter; sizes below or above all widths, and two that fall on one width, make it fewer.
    /// </summary>
    IReadOnlyList<int> WidthsAt(double budget, int sizes, double spacing)
    {
        int[] widths = [.. Widths()];
        double[] parameters = [.. widths.Select(w => (double)SizeOf(w, budget))];
        double centre = Centre(budget, widths, parameters), slack = Math.Sqrt(spacing);
        List<int> chosen = [];
        for (int i = 0; i < sizes; i++)
        {
            double wanted = centre * Math.Pow(spacing, i - (sizes - 1) / 2.0);
            int at = Enumerable.Range(0, widths.Length).MinBy(k => Math.Abs(Math.Log(parameters[k] / wanted)));
            bool near = parameters[at] <= wanted * slack * 1.05 && parameters[at] >= wanted / slack / 1.05;
            if ((near || sizes == 1) && !chosen.Contains(widths[at])) chosen.Add(widths[at]);
        }
        if (chosen.Count == 0) chosen.Add(widths[Enumerable.Range(0, widths.Length)
            .MinBy(k => Math.Abs(Math.Log(parameters[k] / centre)))]);
        return chosen;
    }

    /// <summary>
    /// Parameters at which the budget buys the recipe's tokens a parameter, between widths on the logarithm's line.
    /// </summary>
    double Centre(double budget, int[] widths, double[] parameters)
    {
        double[] ratio = [.. widths.Select((w, k) => budget / PerToken(w) / parameters[k])];      // falls with the width
        double wanted = Recipe.TokensPerParameter;
        int above = Array.FindIndex(ratio, r => r <= wanted);
        if (above < 0) above = widths.Length - 1;
        if (above == 0 || widths.Length == 1)
            return parameters[above] * (above == 0 ? Math.Sqrt(ratio[0] / wanted) : 1);
        double t = Math.Log(ratio[above - 1] / wanted) / Math.Log(ratio[above - 1] / ratio[above]);
        return parameters[above - 1] * Math.Pow(parameters[above] / parameters[above - 1], Math.Clamp(t, 0, 2));
    }

    double PerToken(int width) => Flops.TrainingPerToken(Shape(width).Model.Shape()).Total;

    (ModelSettings Model, long Tokens) Shape(int width, double flops = 1e9) =>
        ComputeOptimal.Resolve(flops, settings.Model with { DModel = width });

    long SizeOf(int width, double flops) => ComputeOptimal.ParametersWithoutEmbedding(Shape(width, flops).Model.Shape());

    PlannedRun Price(Phase phase, double budget, int width, ulong seed, RuleFactors factors, string suffix, bool later = false)
    {
        (ModelSettings model, long tokens) = Shape(width, budget);
        int batch = Batch(tokens, model.Shape().ContextLen, factors.Batch),
            steps = ComputeOptimal.Steps(Paid(tokens, model, batch), batch);
        string what = phase is Phase.Tune or Phase.Transfer ? "." + phase.ToString().ToLowerInvariant() : "";
        RunConfig config = settings with
        {
            Name = I($"{Recipe.Name}{what}.{budget:0.##e0}.d{width}.s{seed}{suffix}"),
            Seed = seed,
            Model = model,
            Train = settings.Train with
            {
                Steps = steps,
                BatchTokens = batch,
                LearningRate = ComputeOptimal.LearningRate(width, batch, (double)steps * batch) * factors.LearningRate,
            },
        };
        return Priced(Plan.Make(config, corpus), phase, budget, later);
    }

    /// <summary>Tokens that a budget still pays for when its updates cost their part.</summary>
    long Paid(long tokens, ModelSettings model, int batch) => (long)(tokens
        * Flops.ShareOfTokens(model.Shape(), settings.Train.Optimizer ?? OptimizerKind.Adamw, batch));

    /// <summary>The rule's batch times a factor, in whole windows, as long as enough updates remain.</summary>
    static int Batch(double tokens, int contextLen, double factor)
    {
        double most = Math.Max(tokens / ComputeOptimal.MinSteps, contextLen);
        int rule = ComputeOptimal.BatchTokens(tokens, contextLen);
        return (int)Math.Max(1, Math.Floor(Math.Min(rule * factor, Math.Max(most, factor < 1 ? 0 : contextLen)) / contextLen))
            * contextLen;
    }

    PlannedRun Priced(Plan plan, Phase phase, double budget, bool later)
    {
        List<string> excluded = [];
        if (phase is not Phase.Ladder) excluded.Add(phase.ToString().ToLowerInvariant());
        if (plan.Steps < Recipe.MinSteps) excluded.Add(I($"{plan.Steps} updates are transient"));
        if (plan.Epochs > Recipe.MaxEpochs) excluded.Add(I($"{plan.Epochs:0.#} epochs"));
        return PlannedRun.Of(plan, phase, budget, string.Join("; ", excluded), later);
    }

    /// <summary>
    /// For each size and seed one trunk at the stable rate, in segments that end where a branch leaves; a branch is the last part
    /// of a run of its own length: the decay. Batch and rate are those of the middle budget, since a trunk has one of each.
    /// </summary>
    List<PlannedRun> Branched(List<(double Budget, int Width, ulong Seed, bool Later)> cells, Func<double, RuleFactors> factorsAt)
    {
        List<PlannedRun> runs = [];
        foreach (var trunk in cells.GroupBy(c => (c.Width, c.Seed)))
        {
            var ends = trunk.OrderBy(c => c.Budget).ToList();
            double budget = ends[ends.Count / 2].Budget;
            PlannedRun middle = Price(Phase.Ladder, budget, trunk.Key.Width, trunk.Key.Seed, factorsAt(budget), "");
            string group = I($"{Recipe.Name}.trunk.d{trunk.Key.Width}.s{trunk.Key.Seed}");
            PlannedRun? before = null;
            foreach (var end in ends)
            {
                (PlannedRun segment, PlannedRun branch) = Branch(group, before, end.Budget, end.Later, middle);
                if (before is null || segment.Steps > before.Steps) runs.Add(before = segment);
                runs.Add(branch);
            }
        }
        return [.. runs.OrderBy(r => r.Budget)];
    }

    (PlannedRun Segment, PlannedRun Branch) Branch(string group, PlannedRun? before, double budget, bool later, PlannedRun middle)
    {
        RunConfig like = middle.Config!;
        TrainConfig all = like.Train;
        int batch = middle.BatchTokens;
        long tokens = Paid(Shape(middle.DModel, budget).Tokens, like.Model, batch);
        int steps = Math.Max(2, (int)Math.Round((double)tokens / batch));
        int decay = Math.Max(1, (int)Math.Round(all.Decay!.Value * steps)), stable = steps - decay;
        TrainConfig constant = all with { Decay = 0, Steps = stable, Warmup = before is null ? all.Warmup : 0 };
        PlannedRun segment = From(before, I($"{group}.{stable}"), constant, Phase.Trunk);
        PlannedRun source = before is not null && segment.Steps <= before.Steps ? before : segment;
        TrainConfig end = all with { Decay = (double)decay / steps, Steps = steps, Warmup = 0 };
        PlannedRun branch = From(source, I($"{Recipe.Name}.{budget:0.##e0}.d{middle.DModel}.s{middle.Seed}"), end, Phase.Ladder);
        return (segment, branch);

        PlannedRun From(PlannedRun? origin, string name, TrainConfig train, Phase phase)
        {
            RunConfig config = like with
            {
                Name = name,
                Train = train,
                From = origin is null ? null : $"{origin.Name}@{origin.Steps}",
            };
            SourceFacts? facts = origin is null ? null : new(Math.Min(origin.Steps, train.Steps!.Value - 1), origin.Config!,
                corpus.Name, corpus.TokenizerHash);
            Plan plan = Plan.Make(config, corpus, facts);
            PlannedRun priced = Priced(plan, phase, budget, later);
            double perStep = plan.FlopsByLayer.Total / (plan.Steps - plan.FirstStep);
            return priced with
            {
                Group = group,
                After = origin?.Name ?? "",
                Tokens = (long)plan.Steps * batch,
                Flops = perStep * plan.Steps,
                Epochs = (double)plan.Steps * batch / corpus.TrainTokens,
            };
        }
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
