using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Laws;

/// <summary>From points to a law: checks, starts, the best of them, intervals, residuals, held-out error, verdict.</summary>
static class Fitter
{
    /// <summary>Starts within this share of the best objective agree with it.</summary>
    const double Agreement = 1e-4;
    /// <summary>Resamples that a law keeps.</summary>
    const int KeptDraws = 400;

    public static Law Fit(LawForm form, IReadOnlyList<Observation> points, FitOptions options, CancellationToken stop)
    {
        if (form.OfFrontier && points.Count > 0)
        {
            Identifiability.Check(form, points, options.Objective ?? form.Default, options.Replicates);
            var all = new FitData(form, points);
            IReadOnlyList<Observation> given = points;
            points = [.. BestOfBudget.Of(all, [.. Enumerable.Range(0, given.Count)]).SelectMany(size => size)
                .Select(i => given[i])];
        }
        Law law = Checked(form, points, options, stop);
        // Where x is a loss and nothing else is known of the runs, nothing is known of the next one's price.
        return form.ReadsLoss && points.All(p => p.C == p.X)
            ? law with { Verdict = law.Verdict with { Next = law.Verdict.Next with { Flops = double.NaN } } } : law;
    }

    static Law Checked(LawForm form, IReadOnlyList<Observation> points, FitOptions options, CancellationToken stop)
    {
        KnownForm.Check(form, options.Known);
        Objective objective = options.Objective ?? DefaultOf(form, points.Count, options.Known);
        Identifiability.Check(form, points, objective, options.Replicates);
        Law law = Empty(form, points, objective, options);
        if (Identifiability.Refusal(form, points, options.Known) is { } refusal)
            return Refuse(law, refusal.Reason, refusal.Next);

        var data = new FitData(form, points);
        FitProblem problem = ProblemOf(form, data, objective, options, stop);
        law = law with
        {
            Known = ChecksOf(form, data, objective, options, stop),
            Solver = problem.Form.SolverName(objective),
        };
        Best best = Search(problem, options, stop);
        if (!double.IsFinite(best.Minimum.Value))
            return Refuse(law, best.Minimum.Status, Further(law, 3, form is Allocation ? "more sizes at a further budget"
                : "a longer range"));
        double[] natural = NaturalOf(problem, best.Minimum.Theta), fitted = problem.Form.Fitted(problem, natural);
        law = law with
        {
            Parameters = [.. form.Names.Select((name, i) => new LawParameter(name, Estimate.Of(natural[i])))],
            ObjectiveValue = best.Minimum.Value,
            Starts = best.Starts,
            Agreeing = best.Agreeing,
            Status = best.Minimum.Status,
            Residuals = [.. points.Select((p, i) => new Residual(p.Name, p.N, p.D, p.C, p.Loss, fitted[i],
                FitProblem.Residual(objective, p.Loss, fitted[i]))).Where(r => double.IsFinite(r.Value))],
        };
        bool finite = natural.All(double.IsFinite);
        law = law with
        {
            Decades = DecadesOf(law.Residuals),
            LackOfFit = finite ? LackOfFit.Of(problem, best.Minimum.Theta, HeldOutCheck.CutOf(form, points)) : [],
        };
        string? bound = finite ? problem.Form.AtBound(natural, data) : "a parameter is not finite";
        if (bound is not null) return Refuse(law, bound, Further(law, 10, "ten times the compute"));
        if (Negative(law, points) is { } negative) return Refuse(law, negative, Further(law, 10, "a longer range"));
        if (!best.Minimum.Converged && best.Agreeing <= best.Starts / 2)     // where most starts come to, it has converged
            return Refuse(law, $"the optimiser did not converge: {best.Minimum.Status}", Further(law, 3, "a longer range"));

        if (form is Surface && options.Known.All(known => known.Sd == 0) && Identifiability.IsNearCurve(data)
            && Linear.Of(problem, best.Minimum.Theta)?.Condition() is > Identifiability.WorstCondition and var k)
            return Refuse(law, FormattableString.Invariant($"the points lie near one curve of D and N (condition {k:0}, at ") +
                $"most {Identifiability.WorstCondition}): what each of them buys cannot be told",
                Identifiability.OffTheCurve(points));
        if (IsConstant(law))
            return Refuse(law, "all values are equal: nothing shows what moves them", Further(law, 10, "a longer range"));
        if ((form.ReadsLoss || form is RlSigmoid) && IsNoise(law))
            return Refuse(law, "the values rise no more than their scatter: a constant says as much of them",
                Further(law, 10, "a loss at which they leave chance"));

        if (form.HasWidth)
        {
            Width own = form.WidthOf(problem);
            law = law with { DegreesOfFreedom = own.Df, NoiseSd = own.Noise };
        }
        else if (options.Bootstraps > 0) law = WithIntervals(law, problem, best.Minimum.Theta, fitted, options, stop);
        if (options.HeldOut)
            law = law with { HeldOut = HeldOutCheck.Of(form, points, options with { Objective = objective }, stop) };
        law = law with { Verdict = new(VerdictKind.KeepsImproving, "", law.Verdict.Next) };       // from here on it predicts
        return law with { Verdict = Verdicts.Of(law, problem, best.Minimum.Theta) };
    }

    /// <summary>
    /// The form's own; of few points least squares in place of Huber's: as many residuals as parameters are near 0 there, and
    /// their size, which intervals come from, is not that of the noise.
    /// </summary>
    static Objective DefaultOf(LawForm form, int points, IReadOnlyList<Known> known) =>
        form.Default == Objective.HuberLog
            && (points < Bootstrap.GroupsPerParameter * (form.Free - known.Count) || known.Any(k => k.Sd > 0))
            ? Objective.SquaredLog : form.Default;

    /// <summary>
    /// With what is known. A prior's penalty has the objective's unit a nat of likelihood, from a fit without priors: least
    /// squares are RSS/2σ², and Huber's far from 0 are Laplace's Σ|r|/b.
    /// </summary>
    static FitProblem ProblemOf(LawForm form, FitData data, Objective objective, FitOptions options, CancellationToken stop)
    {
        if (options.Known.Count == 0) return new(form, data, objective);
        Known[] priors = [.. options.Known.Where(k => k.Sd > 0)];
        double unit = 0;
        if (priors.Length > 0)
        {
            FitOptions fixedOnly = options with { Known = [.. options.Known.Except(priors)] };
            FitProblem without = ProblemOf(form, data, objective, fixedOnly, stop);
            double least = Search(without, options, stop).Minimum.Value;
            unit = (objective == Objective.HuberLog ? 1 : 2) * least / Math.Max(1, data.Count - without.Form.Free);
        }
        return new(new KnownForm(form, data, options.Known, unit), data, objective);
    }

    /// <summary>What the points say by themselves of each parameter that is given.</summary>
    static IReadOnlyList<KnownCheck> ChecksOf(LawForm form, FitData data, Objective objective, FitOptions options,
        CancellationToken stop)
    {
        if (options.Known.Count == 0 || options.Bootstraps == 0 && !options.HeldOut) return [];
        var alone = new FitProblem(form, data, objective == Objective.HuberLog ? Objective.SquaredLog : objective);
        Minimum least = Search(alone, options, stop).Minimum;
        return [.. options.Known.Select(k => double.IsFinite(least.Value) && data.Count > form.Free
            ? KnownCheck.Of(k, alone, least.Theta) : new(k, Estimate.Of(double.NaN), double.NaN, false))];
    }

    /// <summary>Parameters alone, without checks and intervals.</summary>
    public static double[]? Parameters(LawForm form, IReadOnlyList<Observation> points, FitOptions options,
        CancellationToken stop)
    {
        var data = new FitData(form, points);
        FitProblem problem = ProblemOf(form, data, options.Objective ?? form.Default, options, stop);
        Best best = Search(problem, options, stop);
        if (!double.IsFinite(best.Minimum.Value)) return null;
        double[] natural = NaturalOf(problem, best.Minimum.Theta);
        return natural.All(double.IsFinite) ? natural : null;
    }

    readonly record struct Best(Minimum Minimum, int Starts, int Agreeing);

    static Best Search(FitProblem problem, FitOptions options, CancellationToken stop)
    {
        var rng = RandomUse.LawStart.Open(options.Seed, LawForms.StreamOf(problem.Form));
        double[][] starts = [.. problem.Form.Starts(problem.Data, Math.Max(1, options.Starts), ref rng)];
        var found = new Minimum[starts.Length];
        Parallel.For(0, starts.Length, new ParallelOptions
        {
            MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
            CancellationToken = stop,
        }, i => found[i] = problem.Form.Solve(new(problem.Form, problem.Data, problem.Objective), starts[i]));
        if (found.Length == 0) return new(new([], double.PositiveInfinity, false, "no start has a value"), 0, 0);
        Minimum best = found.MinBy(m => m.Value);
        double limit = best.Value * (1 + Agreement) + 1e-16 * problem.Data.Count;
        return new(best, starts.Length, found.Count(m => m.Value <= limit));
    }

    static Law WithIntervals(Law law, FitProblem problem, double[] theta, double[] fitted, FitOptions options,
        CancellationToken stop)
    {
        (string shared, int[][] clusters) = Bootstrap.Clusters(problem, law.LackOfFit);
        Resampling how = Bootstrap.Choose(problem.Form, clusters.Length);
        ErrorModel errors = ErrorModel.Of(problem, theta, fitted, clusters);
        law = law with
        {
            Groups = clusters.Length,
            Shared = shared,
            DegreesOfFreedom = how == Resampling.Groups ? Degrees.OfFreedom(problem, theta, clusters) : errors.Df,
            NoiseSd = how == Resampling.Groups ? 0 : errors.Sd,
        };
        List<double[]> draws = Bootstrap.Draw(problem, theta, fitted, how, errors, options, stop);
        if (draws.Count < 20) return law;
        int kept = Math.Min(KeptDraws, draws.Count);
        return law with
        {
            Resampling = how,
            Bootstraps = draws.Count,
            AtBound = draws.Count(d => problem.Form.AtBound(d, problem.Data) is not null) / (double)draws.Count,
            Draws = [.. Enumerable.Range(0, kept).Select(i => draws[(int)((long)i * draws.Count / kept)])],
            Parameters = [.. law.Parameters.Select((p, i) =>
            {
                double[] sorted = [.. draws.Select(d => d[i]).Order()];
                return p with { Estimate = Quantile.Interval(p.Estimate.Value, sorted) };
            })],
        };
    }

    /// <summary>Where the law goes below 0 although no point does: ten times beyond, or in the end; null: nowhere.</summary>
    static string? Negative(Law law, IReadOnlyList<Observation> points)
    {
        if (law.Form.ReadsLoss || law.Form.IsSurface && !law.Form.HasOptimum || points.Any(p => p.Loss <= 0)) return null;
        double[] best = [.. law.Parameters.Select(p => p.Estimate.Value)];
        double at = 10 * (law.Form.IsSurface ? law.MaxFlops : law.MaxX), there = law.ValueAt(best, at);
        return there < 0
            ? FormattableString.Invariant($"the law is negative at ten times the points, {there:0.####}, and no point is")
            : law.Form.Limit(best) is < 0 and var end
                ? FormattableString.Invariant($"the law ends below 0, at {end:0.####}, and no point is negative") : null;
    }

    /// <summary>All values are equal to the last places of a double.</summary>
    static bool IsConstant(Law law)
    {
        if (law.Residuals.Count == 0) return false;
        double low = law.Residuals.Min(r => r.Loss), high = law.Residuals.Max(r => r.Loss);
        return high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high));
    }

    /// <summary>An F-test against a constant: its level is low, since a step is searched for among many places.</summary>
    static bool IsNoise(Law law)
    {
        double mean = law.Residuals.Average(r => r.Loss), total = law.Residuals.Sum(r => Math.Pow(r.Loss - mean, 2)),
            left = law.Residuals.Sum(r => Math.Pow(r.Loss - r.Predicted, 2));
        int spent = law.Parameters.Count - 1, free = law.Residuals.Count - 1 - spent;
        return free > 0 && (left >= total
            || left > 0 && 1 - FisherSnedecor.CDF(spent, free, (total - left) / spent / (left / free)) > 1e-4);
    }

    static double[] NaturalOf(FitProblem problem, double[] theta)
    {
        double[] natural = new double[problem.Form.Names.Count];
        problem.Form.Natural(theta, problem.Data, natural);
        return natural;
    }

    static Law Empty(LawForm form, IReadOnlyList<Observation> points, Objective objective, FitOptions options)
    {
        double[] x = [.. points.Select(p => form.InputsOf(p).X)], k = [.. points.Select(p => p.C / (p.N * p.D)).Order()];
        return new()
        {
            Form = form,
            Formula = form.Formula,
            NMeaning = options.NMeaning,
            Objective = objective,
            Solver = form.SolverName(objective),
            Points = points.Count,
            Groups = Bootstrap.Groups(points).Length,
            Seed = options.Seed,
            FlopsPerNd = k.Length > 0 && (form.IsSurface || form is Allocation) ? Quantile.Of(k, 0.5) : 6,
            MinFlops = points.Count > 0 ? points.Min(p => p.C) : 0,
            MaxFlops = points.Count > 0 ? points.Max(p => p.C) : 0,
            MinX = points.Count > 0 ? x.Min() : 0,
            MaxX = points.Count > 0 ? x.Max() : 0,
            Status = "not run",
            Verdict = new(VerdictKind.NotIdentified, "nothing was fitted", new(double.NaN, double.NaN, double.NaN, "")),
        };
    }

    static Law Refuse(Law law, string reason, NextPoint next) =>
        law with { Verdict = new(VerdictKind.NotIdentified, $"not identified: {reason}", next) };

    static NextPoint Further(Law law, double factor, string why) => new(factor * law.MaxFlops, double.NaN, double.NaN, why);

    static IReadOnlyList<DecadeResiduals> DecadesOf(IReadOnlyList<Residual> residuals) =>
        [.. residuals.GroupBy(r => (int)Math.Floor(Math.Log10(r.C))).OrderBy(g => g.Key).Select(g =>
        {
            double mean = g.Average(r => r.Value), n = g.Count(), sd = g.Select(r => r.Value).StandardDeviation();
            double p = n > 1 && sd > 0 ? 2 * StudentT.CDF(0, 1, n - 1, -Math.Abs(mean) / (sd / Math.Sqrt(n))) : double.NaN;
            return new DecadeResiduals(g.Key, (int)n, mean, sd, p);
        })];
}
