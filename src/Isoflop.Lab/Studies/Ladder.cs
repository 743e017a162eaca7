using System.Globalization;
using Isoflop.Kernels;
using Isoflop.Lab.Laws;
using Isoflop.Store;

namespace Isoflop.Lab.Studies;

/// <summary>What a ladder came to.</summary>
/// <param name="Tuned">runs of the tuning and its check: charged apart</param> <param name="Results">runs of the ladder</param>
public sealed record LadderResult(Study Study, IReadOnlyList<StudyResult> Tuned, IReadOnlyList<StudyResult> Results,
    IReadOnlyList<FailedRun> Failed);

/// <summary>
/// Trains a study: tuning first, then isoFLOP budgets × sizes × seeds. Killed at any moment and called again with the same
/// recipe, it goes on; what is done is never repeated.
/// </summary>
public static class Ladder
{
    static readonly Lazy<double> threadPeak = new(() => Machine.Measure(1).PeakGflops * 1e9);

    /// <summary>Peak of one thread of this machine, FLOPs a second: measured once a process.</summary>
    public static double ThreadPeak => threadPeak.Value;

    /// <summary>Where runs go side by side.</summary>
    /// <param name="PeakFlops">of a run's share of it: a thread of the host, or a part of a card</param>
    internal sealed record Place(Kernels.DeviceTraits Device, double PeakFlops, int Cores, bool OnHost)
    {
        /// <summary>Threads of each of so many runs.</summary>
        public int ThreadsOf(int runs) => OnHost ? Math.Max(1, Cores / runs) : 1;
    }

    /// <summary>What so many runs side by side find.</summary>
    internal static Place PlaceOf(Workspace here, int workers)
    {
        using IDevice device = (here with { Threads = 1 }).OpenDevice();
        bool onHost = Devices.OnHost(here.Device);
        return new(device.Traits, onHost ? ThreadPeak : device.Traits.PeakFlops.Value / Math.Max(1, workers), here.Cores, onHost);
    }

    /// <summary>Every run of a recipe, in order, before anything starts. Tuned factors are used where they are known.</summary>
    /// <exception cref="ConfigException">A broken rule; a study of that name made with other settings.</exception>
    public static IReadOnlyList<PlannedRun> PlanOf(LadderRecipe recipe, Workspace here)
    {
        LadderPlan plan = LadderPlan.Of(recipe, here);
        return RunsOf(plan, recipe, Study.OpenOrCreate(here, recipe).Record);
    }

    static IReadOnlyList<PlannedRun> RunsOf(LadderPlan plan, LadderRecipe recipe, StudyRecord record)
    {
        IEnumerable<Trial> sweep = plan.Swept(null).SelectMany(b => (record.Tuning?.Rates?.FirstOrDefault(r => r.Budget == b)
            ?.Tried ?? RateSweep.First(recipe.LearningRateFactor)).Select(f => plan.Probe(b, f)));
        return [.. LadderPlan.RunsOf([.. sweep, .. plan.Tuning()]), .. LadderPlan.RunsOf(plan.Transfer(record.FactorsAt(0))),
            .. plan.Ladder(record.FactorsAt)];
    }

    /// <summary>Trains what is not done yet.</summary>
    /// <param name="upTo">budgets above are left for later; those marked so are too, unless they are asked for by this</param>
    /// <param name="workers">runs side by side; 0: one a core</param>
    /// <exception cref="OperationCanceledException">Asked to stop; nothing is lost.</exception>
    public static LadderResult Run(LadderRecipe recipe, Workspace here, double? upTo = null, int workers = 0)
    {
        LadderPlan plan = LadderPlan.Of(recipe, here);
        Study study = Study.OpenOrCreate(here, recipe);
        using IDisposable? held = study.Lock();
        workers = here.SideBySide(workers);
        StudyRecord planned = study.Record with { Runs = RunsOf(plan, recipe, study.Record) };
        CheckMemory(planned.Runs.Where(r => upTo is { } largest ? r.Budget <= largest * 1.001 : !r.Later),
            PlaceOf(here, workers), workers);
        // Of several workers one that comes late must not undo what the tuning of the others found.
        if (here.Claims is null || !study.IsThere) study.Save(planned);
        else study.Plan(planned);

        Dictionary<string, StudyResult> known = Known(study, here);
        List<FailedRun> failed = [];
        List<StudyResult> tuned = [];
        if (plan.Tuning() is { Count: > 0 } trials)
        {
            IReadOnlyList<StudyResult> grid = Work("tune", LadderPlan.RunsOf(trials));
            RuleFactors chosen = Tuner.Best(trials, grid) ?? throw new DataException(
                $"{study.Folder}: no factors were tried on every size: {failed[0].Reason}");
            IReadOnlyList<Trial> moves = plan.Transfer(chosen);
            IReadOnlyList<StudyResult> check = Work("transfer", LadderPlan.RunsOf(moves));
            tuned = [.. grid, .. check];
            study.Save(study.Record with { Tuning = Tuner.Of(chosen, grid.Count, moves, check) });
            study.Save(study.Record with { Runs = RunsOf(plan, recipe, study.Record) });
        }
        foreach (double budget in plan.Swept(upTo))
        {
            IReadOnlyList<BudgetRate> rates = study.Record.Tuning?.Rates ?? [];
            BudgetRate rate = RateSweep.Of(plan, budget, rates.LastOrDefault(r => r.Budget < budget)?.Factor
                ?? recipe.LearningRateFactor, runs => Work("tune", runs, mayFail: true));
            rates = [.. rates.Where(r => r.Budget != budget).Append(rate).OrderBy(r => r.Budget)];
            study.Save(study.Record with
            {
                Tuning = new(new(rate.Factor, recipe.BatchFactor), null, RateSweep.NoteOf(rates)) { Rates = rates },
            });
        }
        study.Save(study.Record with { Runs = RunsOf(plan, recipe, study.Record) });
        PlannedRun[] wanted = [.. plan.Ladder(study.Record.FactorsAt).Where(r => upTo is { } most ? r.Budget <= most * 1.001
            : !r.Later)];
        IReadOnlyList<StudyResult> results = Work("ladder", wanted);
        Tabulate(study, known);
        return new(study, tuned, results, failed);

        IReadOnlyList<StudyResult> Work(string stage, IReadOnlyList<PlannedRun> runs, bool mayFail = false)
        {
            var queue = new RunQueue(here.Reporting(p =>
            {
                if (p.Detail is LadderProgress { Result: { } result })
                {
                    known[result.Run.Name] = result;
                    Tabulate(study, known);
                }
                here.Progress?.Report(p);
            }), stage, runs, workers);
            (IReadOnlyList<StudyResult> done, IReadOnlyList<FailedRun> lost) = queue.Work();
            foreach (StudyResult result in done) known[result.Run.Name] = result;       // other workers' among them
            if (!mayFail) failed.AddRange(lost);                  // too high a rate is an answer of the sweep
            return done;
        }
    }

    /// <remarks>On a card runs wait for each other's memory: there each has to fit alone.</remarks>
    static void CheckMemory(IEnumerable<PlannedRun> runs, Place place, int workers)
    {
        if (!place.OnHost) workers = 1;
        long need = runs.Select(r => r.MemoryOn(place.Device)).OrderDescending().Take(workers).Sum(),
            there = place.Device.MemoryBytes;
        if (need > there)
            throw new ConfigException(string.Create(CultureInfo.InvariantCulture,
                $"the {workers} largest runs side by side need {need / 1e9:0.0} GB, there are {there / 1e9:0.0} GB; ") +
                "use fewer workers, or leave large budgets out with up_to=FLOPS");
    }

    /// <summary>Writes results.csv: every finished run of the study and of its forecasts.</summary>
    internal static void Tabulate(Study study, Workspace here) => Tabulate(study, Known(study, here));

    static IEnumerable<PlannedRun> RunsOf(Study study) =>
        study.Record.Runs.Concat(Forecasts.All(study).Select(f => f.Run)).DistinctBy(r => r.Name);

    static Dictionary<string, StudyResult> Known(Study study, Workspace here) =>
        StudyResult.Of(here, RunsOf(study)).ToDictionary(r => r.Run.Name);

    static void Tabulate(Study study, Dictionary<string, StudyResult> known)
    {
        StudyResult[] results = [.. RunsOf(study).Where(r => known.ContainsKey(r.Name)).Select(r => known[r.Name])];
        long unique = results.Length == 0 ? 0 : (long)results.Max(r => r.Run.Epochs > 0 ? r.Run.Tokens / r.Run.Epochs : 0);
        StudyResults.Write(study.Folder, StudyResult.TableOf(results, unique));
    }
}
