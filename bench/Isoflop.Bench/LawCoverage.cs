using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;

namespace Isoflop.Bench;

/// <summary>
/// How often 95 % intervals hold what they are of: studies of Hoffmann's law (E 1.69, α .34, β .28), simulated with known errors,
/// at equal ratios of size around the best of each budget, from 1e18 FLOPs in half decades.
/// </summary>
static class LawCoverage
{
    /// <summary>Standard deviation of ln loss.</summary>
    const double Noise = 0.005;
    static readonly double[] truth = [406.4, 410.7, 1.69, 0.34, 0.28];

    /// <summary>Runs of a study: budgets × sizes × seeds.</summary>
    public static readonly (int Budgets, int Sizes, int Seeds)[] Designs = [(4, 2, 1), (4, 3, 1), (5, 4, 1), (7, 5, 1), (7, 5, 3)];

    /// <summary>Errors: independent normal ones; heavy tails; one run in ten with ten times the error; half of the variance shared
    /// by the runs of a cell, or of a budget.</summary>
    public static readonly string[] Errors = ["clean", "t2", "outliers", "cell", "budget"];

    /// <summary>What is looked for: parameters, the best size at the largest budget, new runs at 10 and 100 times the compute.</summary>
    public static readonly string[] Quantities = ["E", "alpha", "beta", "N*", "10x", "100x"];

    /// <param name="Held">of each quantity</param> <param name="Rejected">studies whose form was called wrong</param>
    public sealed record Row(int Runs, string Errors, int Studies, int Refused, int Rejected, int[] Held);

    /// <summary>Prints the table.</summary>
    public static void Run(int studies, int bootstraps)
    {
        Console.WriteLine($"95 % intervals, {studies} studies a row, {bootstraps} draws each; held, %");
        Console.WriteLine($"| runs | errors | {string.Join(" | ", Quantities)} | form rejected | not identified |");
        Console.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", Quantities.Length + 4))}");
        foreach (var design in Designs)
            foreach (string errors in Errors)
            {
                Row row = Of(design, errors, studies, bootstraps);
                int fitted = studies - row.Refused;
                Console.WriteLine($"| {row.Runs} | {errors} | {string.Join(" | ", row.Held.Select(h => $"{100.0 * h / fitted:0}"))} | " +
                    $"{100.0 * row.Rejected / studies:0} % | {100.0 * row.Refused / studies:0} % |");
                Console.Out.Flush();
            }
    }

    /// <summary>One row; the same bits for the same arguments.</summary>
    public static Row Of((int Budgets, int Sizes, int Seeds) design, string errors, int studies, int bootstraps)
    {
        int[] held = new int[Quantities.Length];
        int refused = 0, rejected = 0, runs = 0;
        for (int study = 0; study < studies; study++)
        {
            var rng = new Rng(16, RandomPurpose.Test, Array.IndexOf(Errors, errors), 1000 * design.Budgets + study);
            List<Observation> points = Study(design, errors, ref rng);
            runs = points.Count;
            Law law = Law.Fit(LawForms.Chinchilla, points, new() { Bootstraps = bootstraps, Starts = 4, HeldOut = false, Threads = 1 });
            if (!law.Fits) rejected++;
            if (!law.Identified)
            {
                refused++;
                continue;
            }
            Law supposed = law with { LackOfFit = [] };                  // the intervals themselves, whether they are given or not
            double top = law.MaxFlops;
            Estimate[] said = [law["E"], law["alpha"], law["beta"], supposed.Optimal(top).N, supposed.PredictAt(10 * top),
                supposed.PredictAt(100 * top)];
            double n10 = LawForms.Chinchilla.OptimalN(law.Parameters.Select(p => p.Estimate.Value).ToArray(), 10 * top, 6),
                n100 = LawForms.Chinchilla.OptimalN(law.Parameters.Select(p => p.Estimate.Value).ToArray(), 100 * top, 6);
            double[] true_ = [truth[2], truth[3], truth[4], LawForms.Chinchilla.OptimalN(truth, top, 6),
                Loss(n10, 10 * top / (6 * n10)) * Math.Exp(Noise * Error(errors, ref rng)),
                Loss(n100, 100 * top / (6 * n100)) * Math.Exp(Noise * Error(errors, ref rng))];
            for (int q = 0; q < held.Length; q++)
                if (true_[q] >= said[q].Low && true_[q] <= said[q].High) held[q]++;
        }
        return new(runs, errors, studies, refused, rejected, held);
    }

    /// <summary>A study with independent errors.</summary>
    public static List<Observation> Study((int Budgets, int Sizes, int Seeds) design, ulong seed = 16)
    {
        var rng = new Rng(seed, RandomPurpose.Test, 0);
        return Study(design, "clean", ref rng);
    }

    static double Loss(double n, double d) => LawForms.Chinchilla.At(truth, new(n, d, d, 0));

    /// <summary>Of a run by itself, its shared part included, in units of <see cref="Noise"/>.</summary>
    static double Error(string errors, ref Rng rng) => errors switch
    {
        "t2" => StudentT.InvCDF(0, 1, 2, rng.NextDouble()),
        "outliers" => rng.NextNormal() * (rng.NextDouble() < 0.1 ? 10 : 1),
        _ => rng.NextNormal(),
    };

    static List<Observation> Study((int Budgets, int Sizes, int Seeds) design, string errors, ref Rng rng)
    {
        List<Observation> points = [];
        double half = Math.Sqrt(0.5);
        for (int b = 0; b < design.Budgets; b++)
        {
            double budget = rng.NextNormal();
            for (int size = 0; size < design.Sizes; size++)
            {
                double cell = rng.NextNormal(), c = 1e18 * Math.Pow(10, 0.5 * b);
                double n = LawForms.Chinchilla.OptimalN(truth, c, 6) * Math.Pow(design.Sizes > 3 ? 2 : 3, size - (design.Sizes - 1) / 2.0);
                for (int seed = 0; seed < design.Seeds; seed++)
                {
                    double own = Error(errors, ref rng);
                    double error = errors == "cell" ? half * (cell + own) : errors == "budget" ? half * (budget + own) : own;
                    points.Add(new() { N = n, D = c / (6 * n), C = c, Seed = seed, Loss = Loss(n, c / (6 * n)) * Math.Exp(Noise * error) });
                }
            }
        }
        return points;
    }
}
