using System.Globalization;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Studies;

/// <summary>One factor changed at the end of a curve, all else as it was.</summary>
/// <param name="Factor">size, data, learning rate, batch, context</param> <param name="Change">"× 2"</param>
/// <param name="Gain">loss before − loss after, mean over paired seeds, nats a token: positive is better</param>
/// <param name="Compute">FLOPs after over FLOPs before</param>
sealed record Intervention(string Factor, string Change, Estimate Gain, double Compute, int Seeds)
{
    /// <summary>The interval lies above zero.</summary>
    public bool Helps => Gain.Low > 0;
}

/// <summary>What binds at the end of a study's curve.</summary>
/// <param name="Base">the best size of the budget</param> <param name="BaseLoss">mean over seeds</param>
/// <param name="Noise">standard deviation of the loss over seeds; NaN with one</param>
/// <param name="Verdict">a sentence</param>
sealed record BottleneckResult(double Budget, PlannedRun Base, double BaseLoss, double Noise,
    IReadOnlyList<Intervention> Interventions, IReadOnlyList<FailedRun> Failed, string Verdict);

/// <summary>
/// Scaling is active: at the end of a curve one factor at a time is changed, in paired seeds, and the one that pays is named.
/// </summary>
/// <remarks>Size and data cost compute, the others do not: gains are shown beside the compute they cost, never mixed.</remarks>
static class Bottleneck
{
    /// <summary>The runs: the best size of the budget as it was, and with one factor changed.</summary>
    /// <param name="at">the budget; null: the largest that was trained with <paramref name="seeds"/> seeds or more, else the
    /// largest</param>
    /// <exception cref="ConfigException">Nothing is trained at that budget.</exception>
    public static IReadOnlyList<PlannedRun> PlanOf(Study study, Workspace here, double? at, int seeds) =>
        [.. CellsOf(study, here, at, seeds).SelectMany(c => c.Runs)];

    /// <summary>Trains them and compares.</summary>
    public static BottleneckResult Run(Study study, Workspace here, double? at = null, int seeds = 3, int workers = 0)
    {
        using IDisposable? held = study.Lock();
        IReadOnlyList<Cell> cells = CellsOf(study, here, at, seeds);
        workers = here.SideBySide(workers);
        var queue = new RunQueue(here, "bottleneck", [.. cells.SelectMany(c => c.Runs)], workers);
        (IReadOnlyList<StudyResult> results, IReadOnlyList<FailedRun> failed) = queue.Work();
        var byName = results.ToDictionary(r => r.Run.Name);
        List<Intervention> found = [];
        foreach (Cell cell in cells.Skip(1))
        {
            double[] gains = [.. cells[0].Runs.Zip(cell.Runs)
                .Where(p => byName.ContainsKey(p.First.Name) && byName.ContainsKey(p.Second.Name))
                .Select(p => byName[p.First.Name].Loss - byName[p.Second.Name].Loss)];
            if (gains.Length == 0) continue;
            found.Add(new(cell.Factor, cell.Change, Estimate.OfMean(gains), cell.Runs[0].Flops / cells[0].Runs[0].Flops,
                gains.Length));
        }
        double[] before = [.. cells[0].Runs.Where(r => byName.ContainsKey(r.Name)).Select(r => byName[r.Name].Loss)];
        if (before.Length == 0) throw new DataException($"{study.Folder}: no run as it was could be trained: {failed[0].Reason}");
        return new(cells[0].Runs[0].Budget, cells[0].Runs[0], before.Average(), before.StandardDeviation(), found, failed,
            VerdictOf(found));
    }

    sealed record Cell(string Factor, string Change, IReadOnlyList<PlannedRun> Runs);

    static IReadOnlyList<Cell> CellsOf(Study study, Workspace here, double? at, int seeds)
    {
        if (seeds is < 1 or > 100) throw new ConfigException($"seeds={seeds} must be from 1 to 100; try 3");
        IReadOnlyList<StudyResult> done = StudyResult.Of(here, study.Record.Runs.Where(r => r.Phase == Phase.Ladder));
        var budgets = done.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key).ToList();
        if (budgets.Count == 0)
            throw new ConfigException($"{study.Folder} has no finished run; train it first with 'isoflop ladder'");
        var budget = at is { } wanted ? budgets.Find(b => Math.Abs(b.Key / wanted - 1) < 0.01)
            : budgets.FindLast(b => b.Select(r => r.Run.Seed).Distinct().Count() >= seeds) ?? budgets[^1];
        if (budget is null)
            throw new ConfigException(string.Create(CultureInfo.InvariantCulture,
                $"at={at:0.##e0}: the study has no such budget; ") +
                $"there are: {string.Join(", ", budgets.Select(b => b.Key.ToString("0.##e0", CultureInfo.InvariantCulture)))}");
        var best = budget.GroupBy(r => r.Run.DModel).MinBy(g => g.Average(r => r.Loss))!;
        string template = best.First().Run.Name;
        RunRecord record = RunRecord.Load(here.RunFolder(template));
        if (best.First().Run.After.Length > 0)
            throw new ConfigException($"{study.Folder}: '{template}' is a branch of a trunk; interventions need runs of " +
                "their own: make a study without trunks=true");
        RunConfig c = record.Config;
        Plan was = Plan.Make(c, record.Corpus);
        (string Factor, string Change, Func<RunConfig, RunConfig> Do)[] all =
        [
            ("as it was", "", x => x),
            ("size", "× 2", x => x with { Model = Doubled(x.Model) }),
            ("data", "× 2", x => x with { Train = x.Train with { Steps = 2 * x.Train.Steps } }),
            ("learning rate", "× 2", x => x with { Train = x.Train with { LearningRate = 2 * x.Train.LearningRate } }),
            ("learning rate", "÷ 2", x => x with { Train = x.Train with { LearningRate = x.Train.LearningRate / 2 } }),
            ("batch", "× 2", x => Batch(x, was, 2)),
            ("batch", "÷ 2", x => Batch(x, was, 0.5)),
            ("context", "× 2", x => Context(x, was)),
        ];
        // Half a batch of one context is that context: nothing changed is no intervention.
        IEnumerable<Cell> cells = all.Where(a => a.Change.Length == 0 || a.Do(c) != c).Select(a =>
            new Cell(a.Factor, a.Change, [.. Enumerable.Range(1, seeds).Select(seed =>
                Price(a.Do(c with { Seed = (ulong)seed }), a.Factor, a.Change, seed))]));
        return [.. cells.Where(cell => cell.Runs.All(r => r.Steps > 1))];

        PlannedRun Price(RunConfig x, string factor, string change, int seed)
        {
            string known = template[..template.LastIndexOf(".s", StringComparison.Ordinal)];
            string name = factor == "as it was" ? $"{known}.s{seed}"
                : $"{known}.{factor.Replace(' ', '-')}{(change.StartsWith('×') ? "-x2" : "-half")}.s{seed}";
            return PlannedRun.Of(Plan.Make(x with { Name = name }, record.Corpus), Phase.Bottleneck, budget.Key);
        }
    }

    /// <summary>
    /// The width that comes nearest to twice the parameters without the embedding, depth as it was: × 2 where the
    /// head is the model, × √2 where the layers are.
    /// </summary>
    internal static ModelSettings Doubled(ModelSettings m)
    {
        Nn.ModelConfig shape = m.Shape();
        int step = 2 * shape.NHead, first = shape.DModel / step + 1;
        double wanted = 2.0 * ComputeOptimal.ParametersWithoutEmbedding(shape);
        return Enumerable.Range(first, first).Select(k => m with { DModel = k * step, DFf = null, DHead = null })
            .MinBy(x => Math.Abs(ComputeOptimal.ParametersWithoutEmbedding(x.Shape()) / wanted - 1))!;
    }

    static RunConfig Batch(RunConfig x, Plan was, double factor)
    {
        int context = was.Model.ContextLen, batch = Math.Max(1, (int)(was.BatchTokens * factor) / context) * context;
        long tokens = (long)was.Steps * was.BatchTokens;
        return x with { Train = x.Train with { BatchTokens = batch, Steps = (int)Math.Max(1, tokens / batch) } };
    }

    static RunConfig Context(RunConfig x, Plan was)
    {
        int context = 2 * was.Model.ContextLen, batch = Math.Max(1, was.BatchTokens / context) * context;
        long tokens = (long)was.Steps * was.BatchTokens;
        return x with
        {
            Model = x.Model with { ContextLen = context },
            Train = x.Train with { BatchTokens = batch, Steps = (int)(tokens / batch) },
        };
    }

    /// <summary>Up to this much more compute a gain is called free: what rounding to whole batches and windows costs.</summary>
    const double Free = 1.1;

    internal static string VerdictOf(IReadOnlyList<Intervention> all)
    {
        List<Intervention> free = [.. all.Where(i => i.Helps && i.Compute < Free).OrderByDescending(i => i.Gain.Value)],
            paid = [.. all.Where(i => i.Helps && i.Compute >= Free).OrderByDescending(i => i.Gain.Value / Math.Log2(i.Compute))];
        if (free.Count > 0)
            return $"{free[0].Factor} {free[0].Change} binds: it pays without more compute; the line should be drawn " +
                $"again with it";
        if (paid.Count == 0)
            return all.Any(i => double.IsNaN(i.Gain.Low)) ? "one seed: nothing can be told from noise; use seeds=3"
                : "nothing helps beyond the noise of these seeds";
        return $"{paid[0].Factor} binds: the best return on more compute; no free factor helps beyond the noise";
    }
}
