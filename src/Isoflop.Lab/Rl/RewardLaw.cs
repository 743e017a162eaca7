using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Rl;

/// <summary>What the law said of steps that it had not seen, and what they gave.</summary>
/// <param name="Flops">of reinforcement, in the middle of a few steps</param>
/// <param name="Forecast">NaN where the law identifies nothing</param> <param name="Measured">mean over the runs, with an
/// interval
/// over them</param>
sealed record RewardCheck(double Flops, Estimate Forecast, Estimate Measured);

/// <summary>
/// The reward of a run, or of seeds of one run, as a sigmoid in the logarithm of compute, fitted to the steps below a cut and
/// held
/// against those after it. Khatri et al. 2025 (ScaleRL), arXiv:2510.13786.
/// </summary>
/// <param name="Until">the cut, FLOPs of reinforcement</param>
sealed record RewardLaw(Law Law, double Until, IReadOnlyList<RewardCheck> Checks)
{
    // Steps of the warm-up: their rewards are the first policy's.
    public const int LeaveOut = 3;
    const int Windows = 4;

    /// <summary>Fits and checks.</summary>
    /// <param name="runs">seeds of one recipe</param>
    /// <param name="until">
    /// FLOPs of reinforcement; null: those of half of the steps. No reward chooses it: where a rise bends is known only from the
    /// steps behind it.
    /// </param>
    /// <exception cref="ConfigException">A run is none of 'isoflop rl', has too few steps, or none behind the cut.</exception>
    public static RewardLaw Of(IReadOnlyList<string> runs, Workspace here, double? until = null)
    {
        var all = runs.Select(r =>
        {
            _ = Reinforcement.RecipeOf(r, here);
            return (Run: r, Steps: RlRows.ReadSteps(here.RunFolder(r)));
        }).ToList();
        int steps = all.Min(r => r.Steps.Count);
        if (steps < 4 * Windows) throw new ConfigException($"{runs[0]} has {steps} steps, a forecast needs {4 * Windows}");
        double cut = until ?? all.Average(r => r.Steps[steps / 2 - 1].Flops);
        Observation[] below = [.. all.SelectMany(r => r.Steps.Skip(LeaveOut).Where(s => s.Flops <= cut)
            .Select(s => Observation.Point(s.Flops, s.Reward, r.Run)))];
        int first = all.Min(r => r.Steps.FindIndex(s => s.Flops > cut) is >= 0 and int i ? i : steps);
        if (steps - first < Windows || first <= LeaveOut)
            throw new ConfigException(FormattableString.Invariant(
                $"until {cut:0.###e0} leaves {Math.Max(0, first - LeaveOut)} steps before it and {steps - first} after it") +
                FormattableString.Invariant(
                $"; these runs span {all[0].Steps[0].Flops:0.##e0} to {all.Min(r => r.Steps[^1].Flops):0.##e0} FLOPs"));
        Law law = Law.Fit(LawForms.RlSigmoid, below, new FitOptions { Replicates = true, HeldOut = false, Bootstraps = 400 },
            here.Stop);
        RewardCheck[] checks = [.. Enumerable.Range(0, Windows).Select(w =>
        {
            int from = first + (steps - first) * w / Windows, to = first + (steps - first) * (w + 1) / Windows;
            double flops = all.Average(r => r.Steps[from..to].Average(s => s.Flops));
            return new RewardCheck(flops, law.Identified ? law.Predict(flops) : Estimate.Of(double.NaN),
                Estimate.OfMean([.. all.Select(r => r.Steps[from..to].Average(s => s.Reward))]));
        })];
        return new(law, cut, checks);
    }
}
