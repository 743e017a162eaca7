using Isoflop.Lab.Eval;
using MathNet.Numerics.Distributions;

namespace Isoflop.Lab.Emergence;

/// <summary>How often smooth curves are called sudden.</summary>
/// <param name="Curve">what was simulated</param> <param name="Low">of the rate, 95 %, Clopper and Pearson</param>
public sealed record FalseAlarms(string Curve, int Alarms, int Tasks, double Low, double High)
{
    static readonly (string Name, Func<double, double> Nll)[] curves =
    [
        ("a straight line in log C", x => 3 - 0.6 * x),
        ("a power law with a floor", x => 0.3 + 2.7 * Math.Pow(10, -0.35 * x)),
        ("an S-curve of two decades", x => 0.2 + 2.8 / (1 + Math.Exp((x - 1.5) * Math.Log(9)))),
    ];

    /// <summary>Simulates tasks on the rungs and seeds of a study, with the noise between its seeds.</summary>
    /// <param name="x">log10 of the compute of each rung</param> <param name="sd">between seeds, nats an answer</param>
    public static IReadOnlyList<FalseAlarms> Simulate(IReadOnlyList<double> x, int seeds, double sd, int tasks, ulong seed = 1)
    {
        List<FalseAlarms> all = [];
        for (int c = 0; c < curves.Length; c++)
        {
            int alarms = 0;
            for (int t = 0; t < tasks; t++)
            {
                var rng = RandomUse.FalseAlarm.Open(seed, c, t);
                TaskRung[] rungs = [.. x.Select(at => RungOf(at, curves[c].Nll(at - x[0]), ref rng))];
                if (TaskFinding.Of(new("simulated", rungs, null), seed + (ulong)t).Class == TaskClass.Sudden) alarms++;
            }
            double low = alarms == 0 ? 0 : Beta.InvCDF(alarms, tasks - alarms + 1, 0.025),
                high = alarms == tasks ? 1 : Beta.InvCDF(alarms + 1, tasks - alarms, 0.975);
            all.Add(new(curves[c].Name, alarms, tasks, low, high));
        }
        return all;

        TaskRung RungOf(double at, double nll, ref Rng rng)
        {
            var results = new ItemResult[seeds][];
            for (int s = 0; s < seeds; s++)
            {
                double own = nll + sd * rng.NextNormal(), p = Math.Exp(-Math.Max(0, own));
                results[s] = new ItemResult[40];
                for (int i = 0; i < 40; i++)
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
