using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>What accuracy is at the ends of a task's loss.</summary>
/// <param name="Chance">of guessing; null: fitted</param> <param name="Ceiling">with no loss; null: fitted</param>
readonly record struct AccuracyEnds(double? Chance = null, double? Ceiling = null)
{
    /// <summary>As parameters of <see cref="LawForms.TaskSigmoid"/>: b is chance, and a what lies between.</summary>
    /// <exception cref="ConfigException">No shares, or not in this order; a ceiling without chance.</exception>
    public IReadOnlyList<Known> Known()
    {
        if (Chance is not { } chance)
            return Ceiling is null ? []
                : throw new ConfigException("a ceiling goes with chance, chance=P: the span between them is held");
        double ceiling = Ceiling ?? 1;
        if (!(chance >= 0 && chance < ceiling && ceiling <= 1))
            throw new ConfigException(FormattableString.Invariant(
                $"chance={chance} and ceiling={ceiling} must be shares from 0 to 1, chance below the ceiling"));
        return Ceiling is null ? [new("b", chance)] : [new("b", chance), new("a", ceiling - chance)];
    }
}

/// <summary>
/// From N and D to a task's accuracy in two steps: the task's loss by a surface, then accuracy by a sigmoid of that loss. The
/// steps have points of their own: the second may take every checkpoint. Bhagia et al. 2024, arXiv:2412.04403.
/// </summary>
sealed record TwoStep(Law Loss, Law Accuracy)
{
    /// <summary>Fits both steps.</summary>
    /// <param name="losses">Loss is the task's loss, bits per byte of the right answer</param>
    /// <param name="accuracies">x is that loss, the value a share; with items errors are a binomial's</param>
    public static TwoStep Fit(IReadOnlyList<Observation> losses, IReadOnlyList<Observation> accuracies,
        AccuracyEnds ends = default, FitOptions? options = null, CancellationToken stop = default)
    {
        options ??= new();
        FitOptions second = options with { Known = ends.Known(), Replicates = true };
        if (accuracies.Any(p => p.Items != 1)) second = second with { Objective = Objective.SquaredArcsine };
        return new(Law.Fit(LawForms.Chinchilla, losses, options, stop), Law.Fit(LawForms.TaskSigmoid, accuracies, second, stop));
    }

    /// <summary>Accuracy of a new run: the ends of the loss's interval, each with the ends of accuracy's there.</summary>
    /// <exception cref="DataException">One of the steps is not identified, or the loss is far outside of the points.</exception>
    public Estimate Predict(double n, double d) => Of(Loss.Predict(n, d));

    /// <summary>Accuracy of a compute-optimal run of C FLOPs, likewise.</summary>
    /// <exception cref="DataException">One of the steps is not identified, or reaches far outside of the points.</exception>
    public Estimate PredictAt(double flops) => Of(Loss.PredictAt(flops));

    Estimate Of(Estimate loss)
    {
        Estimate middle = Accuracy.Predict(loss.Value);
        if (double.IsNaN(loss.Low)) return middle;
        Estimate low = Accuracy.Predict(loss.Low), high = Accuracy.Predict(loss.High);
        return new(middle.Value, Math.Min(low.Low, high.Low), Math.Max(low.High, high.High));
    }
}
