using Isoflop.Lab.Eval;
using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>How many simulated tasks of a kind are called sudden: of smooth ones false alarms, of steps the power.</summary>
/// <param name="Kind">what was simulated</param> <param name="IsStep">else smooth</param>
sealed record Calibration(string Kind, bool IsStep, int Sudden, int Tasks)
{
    /// <summary>Nats at the foot of a step: the answer has p = 0.82.</summary>
    const double Foot = 0.2;

    /// <summary>Of the rate, 95 %.</summary>
    public (double Low, double High) Range => ExactShare.Of(Sudden, Tasks, 0.95);

    /// <summary>−ln p over the decades above the first rung; Place: 0 to 1 over a kind's tasks, moves a step.</summary>
    sealed record Shape(string Name, bool IsStep, Func<double, double, double> Nll);

    static readonly Shape[] smooth =
    [
        Smooth("a straight line in log C", x => 3 - 0.6 * x),
        Smooth("a power law with a floor", x => 0.3 + 2.7 * Math.Pow(10, -0.35 * x)),
        Smooth("two power laws with a floor", x => 0.2 + 1.5 * Math.Pow(10, -0.2 * x) + 1.2 * Math.Pow(10, -x)),
        Smooth("an S-curve of two decades, early", x => 3 - 2.8 * S(x, 0.7)),
        Smooth("an S-curve of two decades, amid", x => 3 - 2.8 * S(x, 1.5)),
        Smooth("an S-curve of two decades, late", x => 3 - 2.8 * S(x, 2.5)),
        Smooth("a small S-curve of two decades", x => 1.2 - S(x, 1.5)),
        Smooth("two S-curves, one after the other", x => 4 - 1.5 * S(x, 0.5) - 2 * S(x, 2.5)),
        Smooth("a line and an S-curve", x => 4 - 0.5 * x - 1.5 * S(x, 1.5)),
        Smooth("an accelerating exponential", x => 3 - 0.02 * Math.Exp(1.5 * x)),
        Smooth("an S-curve, then acceleration", x => 5 - 1.5 * S(x, 0.5) - 0.01 * Math.Exp(1.8 * x)),
        Smooth("an accelerating parabola", x => 3 - 0.3 * x * x),
        Smooth("a parabola, first up", x => 3 + 0.5 * x - 0.45 * x * x),
        Smooth("Gompertz's curve of two decades", x => 0.2 + 2.8 * (1 - Math.Exp(-Math.Exp(-1.54 * (x - 1.3))))),
    ];

    static Shape Smooth(string name, Func<double, double> nll) => new(name, false, (x, _) => nll(x));

    /// <summary>An S-curve that takes two decades from 10 to 90 %.</summary>
    static double S(double x, double middle) => 1 / (1 + Math.Exp((middle - x) * Math.Log(9)));

    /// <summary>Simulates tasks on the rungs, seeds and items of a study, with the noise between its seeds.</summary>
    /// <param name="x">log10 of the compute of each rung</param> <param name="seeds">of each rung</param>
    /// <param name="sd">between seeds, nats an answer</param>
    /// <remarks>A step's middle has two rungs or more on either side: nearer to an end it may be a slow curve's
    /// tail.</remarks>
    public static IReadOnlyList<Calibration> Simulate(IReadOnlyList<double> x, IReadOnlyList<int> seeds, int items, double sd,
        int tasks, ulong seed = 1)
    {
        int first = Math.Min(2, x.Count / 2);
        double left = x[first] - x[0], right = x[Math.Max(first, x.Count - 3)] - x[0];
        double[] heights = [0.5, 1, 2], widths = [0.1, 0.5, 1];
        IEnumerable<Shape> steps = heights.SelectMany(nats => widths.Select(width => Step(nats, width)));
        return [.. smooth.Concat(steps).Select((shape, c) => new Calibration(shape.Name, shape.IsStep,
            ParallelEnumerable.Range(0, tasks).Count(t => IsSudden(shape, c, t)), tasks))];

        Shape Step(double nats, double width) => new(FormattableString.Invariant($"a step of {nats} nats within {width} decades"),
            true, (v, place) => Foot + nats * Math.Clamp(0.5 - (v - left - place * (right - left)) / width, 0, 1));

        bool IsSudden(Shape shape, int c, int t)
        {
            var rng = RandomUse.FalseAlarm.Open(seed, c, t);
            double place = (t + 0.5) / tasks;
            TaskRung[] rungs = [.. x.Select((at, r) => RungOf(at, seeds[r], shape.Nll(at - x[0], place), ref rng))];
            return TaskFinding.Of(new("simulated", rungs, null), seed + (ulong)t).Class == TaskClass.Sudden;
        }

        TaskRung RungOf(double at, int seeds, double nll, ref Rng rng)
        {
            var results = new ItemResult[seeds][];
            for (int s = 0; s < seeds; s++)
            {
                double own = nll + sd * rng.NextNormal(), p = Math.Exp(-Math.Max(0, own));
                results[s] = new ItemResult[items];
                for (int i = 0; i < items; i++)
                    results[s][i] = new()
                    {
                        Id = $"{i}",
                        Task = "simulated",
                        AnswerNll = own,
                        Score = rng.NextDouble() < p ? 1 : 0,
                    };
            }
            double flops = Math.Pow(10, at);
            return new(flops, flops, results, [.. Enumerable.Repeat(nll, seeds)]);
        }
    }
}
