using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Isoflop.Lab.Laws;

/// <summary>Where an optimiser ended.</summary>
/// <param name="Converged">a further polish changes nothing that matters</param> <param name="Status">in words</param>
readonly record struct Minimum(double[] Theta, double Value, bool Converged, string Status);

/// <summary>
/// BFGS with gradients, then Nelder–Mead from where it ended, again while that helps. With δ = 1e-3 Huber's loss has kinks at
/// this scale: line searches fail at them, and the simplex goes the last part of the way.
/// </summary>
static class Minimiser
{
    /// <summary>A polish that gains less than this share has nothing left to do.</summary>
    const double Enough = 1e-9;
    /// <summary>After the last polish the objective is known to this share, far below what points tell: settled.</summary>
    const double Settled = 1e-6;

    /// <summary>From a start to the best point reached.</summary>
    public static Minimum Run(FitProblem problem, double[] start)
    {
        double[] best = [.. start];
        double first = problem.Value(start), value = first;
        if (!double.IsFinite(first)) return new(best, double.PositiveInfinity, false, "no value at the start");
        double floor = 1e-24 * problem.Data.Count;                   // exact data: nothing is left to gain
        if (first <= floor) return new(best, value, true, "exact");
        double scale = 1 / first;
        string status = Bfgs(theta =>
        {
            double[] gradient = new double[theta.Length];
            double at = problem.ValueAndGradient(theta, gradient);
            Keep(theta, at);
            for (int j = 0; j < gradient.Length; j++) gradient[j] *= scale;
            return (at * scale, gradient);
        }, best, problem.Steps);

        bool converged = false, settled = false;
        for (int round = 0; round < problem.Polishes && !converged; round++)
        {
            double before = value;
            NelderMead(theta =>
            {
                double at = problem.Value(theta);
                Keep(theta, at);
                return at * scale;
            }, [.. best], round);
            converged = before - value <= Enough * before || value <= floor;
            settled = converged || before - value <= Settled * before;
        }
        return new(best, value, settled, settled ? $"converged ({status})" : $"still improving ({status})");

        void Keep(double[] theta, double at)
        {
            if (!(at < value)) return;
            value = at;
            theta.CopyTo(best, 0);
        }
    }

    /// <summary>Nelder–Mead alone, on any function.</summary>
    public static (double[] At, double Value) Simplex(Func<double[], double> function, double[] start, double step)
    {
        double[] best = [.. start];
        double value = function(start);
        for (int round = 0; round < 6; round++)
        {
            double before = value;
            NelderMead(theta =>
            {
                double at = function(theta);
                if (at < value) (value, _) = (at, Copy(theta));
                return at;
            }, [.. best], round, step);
            if (before - value <= Enough * Math.Abs(before)) break;
        }
        return (best, value);

        bool Copy(double[] theta)
        {
            theta.CopyTo(best, 0);
            return true;
        }
    }

    static string Bfgs(Func<double[], (double, double[])> function, double[] start, int steps)
    {
        double[] at = [], gradient = [];
        double value = 0;
        void Visit(Vector<double> v)
        {
            double[] theta = v.ToArray();
            if (at.AsSpan().SequenceEqual(theta)) return;
            (value, gradient) = function(theta);
            at = theta;
        }
        IObjectiveFunction objective = ObjectiveFunction.Gradient(
            v => { Visit(v); return value; }, v => { Visit(v); return Vector<double>.Build.DenseOfArray(gradient); });
        try
        {
            return new BfgsMinimizer(1e-9, 1e-12, 1e-13, steps)
                .FindMinimum(objective, Vector<double>.Build.DenseOfArray([.. start])).ReasonForExit switch
            {
                ExitCondition.AbsoluteGradient or ExitCondition.RelativeGradient => "gradient vanished",
                _ => "no more progress",
            };
        }
        catch (MaximumIterationsException)
        {
            return $"{steps} BFGS steps";
        }
        catch (OptimizationException)                                // the line search met a kink, or a place without a value
        {
            return "line search ended";
        }
    }

    static void NelderMead(Func<double[], double> function, double[] start, int round, double step = 0)
    {
        // Other sizes and signs each round: a simplex that collapsed along a kink opens again across it.
        double size = step > 0 ? step * Math.Pow(0.3, round) : 0.03 * Math.Pow(0.3, round);
        double[] steps = [.. start.Select((t, j) => size * ((round + j) % 2 == 0 ? 1 : -1))];
        try
        {
            NelderMeadSimplex.Minimum(ObjectiveFunction.Value(v => Finite(function(v.ToArray()))),
                Vector<double>.Build.DenseOfArray(start), Vector<double>.Build.DenseOfArray(steps), 1e-12, 400 * start.Length);
        }
        catch (OptimizationException)
        {
            // the best point it saw is kept by the function
        }

        static double Finite(double x) => double.IsFinite(x) ? x : 1e300;
    }
}
