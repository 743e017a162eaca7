using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>
/// From N and D to a task's accuracy in two steps: the task's loss by a surface, then accuracy by a sigmoid of that loss.
/// Bhagia et al. 2024, arXiv:2412.04403.
/// </summary>
public sealed record TwoStep(Law Loss, Law Accuracy)
{
    /// <summary>Fits both steps.</summary>
    /// <param name="points">Loss is the task's loss, bits per byte of the right answer</param>
    /// <param name="accuracy">of the same runs</param>
    public static TwoStep Fit(IReadOnlyList<Observation> points, IReadOnlyList<double> accuracy, FitOptions? options = null,
        CancellationToken stop = default)
    {
        List<Observation> second = [.. points.Select((p, i) =>
            Observation.Point(p.Loss, accuracy[i], p.Group, p.Seed) with { C = p.C, Name = p.Name })];
        return new(Law.Fit(LawForms.Chinchilla, points, options, stop), Law.Fit(LawForms.TaskSigmoid, second, options, stop));
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
