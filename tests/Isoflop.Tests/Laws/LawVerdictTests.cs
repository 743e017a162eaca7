using Isoflop.Bench;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>What a fit says of its points, held to simulated ones whose law is known.</summary>
public sealed class LawVerdictTests
{
    static readonly FitOptions bare = new() { Bootstraps = 0 };

    static double Hoffmann(double n, double d) => 1.69 + 406.4 * Math.Pow(n, -0.34) + 410.7 * Math.Pow(d, -0.28);

    /// <summary>Loss falls by 6 % a decade more above 3e19 FLOPs.</summary>
    static double Broken(double n, double d) => Hoffmann(n, d) * Math.Pow(Math.Max(1, 6 * n * d / 3e19), -0.025);

    /// <summary>Five sizes at equal ratios around the best of each budget, from 1e18 FLOPs in half decades.</summary>
    /// <param name="noise">standard deviation of ln loss</param>
    static List<Observation> Runs(Func<double, double, double> loss, double noise, ulong world, int budgets = 5, int seeds = 3)
    {
        var rng = new Rng(world, RandomPurpose.Test, 16);
        List<Observation> points = [];
        for (int b = 0; b < budgets; b++)
            for (int size = -2; size <= 2; size++)
                for (int seed = 0; seed < seeds; seed++)
                {
                    double c = 1e18 * Math.Pow(10, 0.5 * b), n = 0.0977 * Math.Pow(c, 0.4925) * Math.Pow(2, size), d = c / (6 * n);
                    points.Add(new() { N = n, D = d, C = c, Loss = loss(n, d) * Math.Exp(noise * rng.NextNormal()), Seed = seed });
                }
        return points;
    }

    [Fact]
    public void A_broken_surface_does_not_fit_and_gives_no_interval()
    {
        for (ulong world = 1; world <= 10; world++)
        {
            Law law = Law.Fit(LawForms.Chinchilla, Runs(Broken, 0.005, world), bare with { Bootstraps = world == 1 ? 40 : 0 });
            Assert.True(law.Verdict.Kind == VerdictKind.DoesNotFit, $"{world}: {law.Verdict.Text}");
            Assert.StartsWith("this form does not fit: against ", law.Verdict.Text);
            Assert.True(law.PredictAt(1e21) is { Value: > 0 } at && double.IsNaN(at.Low));
        }
    }

    [Fact]
    public void Without_seeds_a_drift_over_half_decades_is_found()
    {
        int found = 0;
        for (ulong world = 1; world <= 20; world++)
        {
            Law law = Law.Fit(LawForms.Chinchilla, Runs(Broken, 0.003, world, seeds: 1), bare);
            Assert.DoesNotContain(law.LackOfFit, t => t.Against == "seeds");
            if (!law.Fits) found++;
        }
        // Power of half at least would give fewer than six with a chance of 2 %.
        Assert.True(found >= 6, $"{found} of 20");
    }

    [Theory, InlineData(1), InlineData(3)]
    public void A_form_that_is_right_is_seldom_called_wrong(int seeds)
    {
        int wrong = 0;
        for (ulong world = 1; world <= 100; world++)
            if (!Law.Fit(LawForms.Chinchilla, Runs(Hoffmann, 0.01, world, seeds: seeds), bare with { Starts = 2 }).Fits) wrong++;
        // The level is 1 %: more than five of a hundred have a chance of 5e-4.
        Assert.True(wrong <= 5, $"{wrong} of 100");
    }

    [Fact]
    public void An_F_test_is_that_of_the_textbook()
    {
        // A line through means 1, 3, 2 at x = 1, 2, 3 with two seeds each ± 0.1: pure error 6·0.01 on 3 degrees, lack of fit
        // 2·(½² + 1² + ½²)·… on 1: the means leave (−½, 1, −½), twice 1.5 = 3. F = 3/(0.06/3) = 150.
        List<Observation> points = [];
        foreach ((double x, double y) in ((double, double)[])[(1, 1), (2, 3), (3, 2)])
            foreach (int seed in (int[])[-1, 1])
                points.Add(Observation.Point(x, y + 0.1 * seed, seed: seed));
        var form = new Straight();
        var problem = new FitProblem(form, new(form, points), Objective.SquaredError);
        FitTest test = Assert.Single(LackOfFit.Of(problem, [1, 0.5], double.NaN));
        Assert.Equal(("seeds", 1, 3), (test.Against, test.Df1, test.Df2));
        Assert.Equal(150, test.F, 1e-4);
        Assert.Equal(0.00117, test.P, 2e-5);                          // F(1, 3) = 150, R: pf(150, 1, 3, lower = FALSE) = .001170
    }

    sealed class Straight : LawForm
    {
        public override string Name => "straight-here";
        public override string Formula => "y = a + b * x";
        public override IReadOnlyList<string> Names => ["a", "b"];
        public override Objective Default => Objective.SquaredError;
        public override bool MayBeNegative(int parameter) => true;
        public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] + p[1] * x.X;
    }

    [Fact]
    public void The_law_that_survived_two_decades_is_rejected_against_its_seeds()
    {
        string path = Path.Combine(Places.Root, "results", "decades", "results.csv");
        List<Observation> points = new ObservationTable(path).Observations(new()
        {
            N = "parameters_without_embedding",
            D = "tokens",
            C = "flops",
            Loss = "loss",
            Seed = "seed",
            Where = ["law=true", "budget>=9e10", "budget<=1.1e13"],
        });
        Law law = Law.Fit(LawForms.Kaplan, points, bare);
        FitTest seeds = law.LackOfFit.Single(t => t.Against == "seeds");
        // An independent program: F(21, 50) = 69.6, p = 7e-30, of residuals of the Huber fit; least squares leave a little less.
        Assert.Equal((VerdictKind.DoesNotFit, 21, 50), (law.Verdict.Kind, seeds.Df1, seeds.Df2));
        Assert.InRange(seeds.F, 50, 70);
        Assert.True(seeds.P < 1e-25);
    }

    [Fact]
    public void Noise_is_no_plateau()
    {
        // Ten times the compute truly buys 8 %; with 8 % noise the law may not know it, but it never knows the contrary.
        int keeps = 0;
        for (ulong world = 1; world <= 60; world++)
        {
            Law law = Law.Fit(LawForms.Chinchilla, Runs(Hoffmann, 0.08, world, budgets: 7), bare with { Starts = 4, HeldOut = false });
            Assert.NotEqual(VerdictKind.Saturates, law.Verdict.Kind);
            if (law.Verdict.Kind == VerdictKind.KeepsImproving) keeps++;
        }
        Assert.True(keeps >= 30, $"{keeps} of 60");
    }

    [Theory, InlineData(0.0005, VerdictKind.Saturates), InlineData(0.1, VerdictKind.Undecided)]
    public void A_plateau_is_shown_or_left_open(double noise, VerdictKind want)
    {
        // Ten times 316 makes 2.016 into 2.002, 0.7 %, below the margin of 1 %; whether that is known is a matter of noise.
        var rng = new Rng(3, RandomPurpose.Test, 17);
        List<Observation> points = [.. Enumerable.Range(0, 30).Select(i => Math.Pow(10, 2.5 * i / 29)).Select(x =>
            Observation.Point(x, (2 + 5 / x) * Math.Exp(noise * rng.NextNormal())))];
        Law law = Law.Fit(LawForms.SaturatingPower, points, bare with { Objective = Objective.SquaredLog });
        Assert.True(law.Verdict.Kind == want, law.Verdict.Text);
    }

    [Theory, InlineData(0, "clean"), InlineData(1, "clean"), InlineData(1, "t2"), InlineData(2, "budget"), InlineData(4, "cell")]
    public void Intervals_hold_what_they_are_of(int design, string errors)
    {
        // The whole table: Isoflop.Bench coverage. Here: at least 90 % of 40 studies, less four binomial errors, 21 %.
        LawCoverage.Row row = LawCoverage.Of(LawCoverage.Designs[design], errors, studies: 40, bootstraps: 60);
        int fitted = row.Studies - row.Refused;
        Assert.True(fitted >= 30, $"{row.Refused} refused");
        Assert.All(row.Held.Zip(LawCoverage.Quantities), h => Assert.True(h.First >= fitted * (0.9 - 4 * Math.Sqrt(0.09 / fitted)),
            $"{h.Second}: {h.First} of {fitted}"));
    }

    [Fact]
    public void A_small_study_is_fitted_by_least_squares_and_has_Students_intervals()
    {
        List<Observation> all = Runs(Hoffmann, 0.005, 3, budgets: 4, seeds: 1);
        Law law = Law.Fit(LawForms.Chinchilla, all[..14], new() { Bootstraps = 60 });
        Assert.Equal((Objective.SquaredLog, Resampling.Residuals, "runs", 9.0),
            (law.Objective, law.Resampling, law.Shared, law.DegreesOfFreedom));
        law = Law.Fit(LawForms.Chinchilla, all, new() { Bootstraps = 60 });
        Assert.Equal((Objective.HuberLog, Resampling.Groups), (law.Objective, law.Resampling));
    }

    [Fact]
    public void Points_near_one_curve_tell_no_exponents_and_a_grid_does()
    {
        for (ulong world = 1; world <= 20; world++)
        {
            var rng = new Rng(world, RandomPurpose.Test, 18);
            List<Observation> line = [.. Enumerable.Range(0, 13).Select(i =>
            {
                double c = 1e18 * Math.Pow(10, 0.25 * i), n = 0.0977 * Math.Pow(c, 0.4925) * Math.Exp(0.06 * rng.NextNormal());
                return new Observation { N = n, D = c / (6 * n), C = c, Loss = Hoffmann(n, c / (6 * n)) * Math.Exp(0.002 * rng.NextNormal()) };
            })];
            Law law = Law.Fit(LawForms.Chinchilla, line, bare with { Starts = 4 });
            Assert.True(law.Verdict.Kind == VerdictKind.NotIdentified, $"{world}: {law.Verdict.Text}");
        }
        Assert.True(Law.Fit(LawForms.Chinchilla, Runs(Hoffmann, 0.005, 1, seeds: 1), bare).Identified);
    }

    /// <summary>The first twelve points of the four-digit addition curve, Caballero et al. 2023, figure 4 left.</summary>
    static (double X, double Y)[] Addition()
    {
        string path = Path.Combine(Places.SharedFolder("cases"), "laws", "broken-negative", "input.csv");
        Assert.SkipUnless(File.Exists(path), $"published data are not here: {path}");
        return [.. File.ReadLines(path).Skip(1).Select(l => l.Split(',')).Select(c => (SharedData.Number(c[0]), SharedData.Number(c[1])))];
    }

    [Theory, InlineData(8), InlineData(7), InlineData(6)]
    public void A_law_of_positive_values_that_turns_negative_is_refused_whatever_the_last_digit(int digits)
    {
        // Near a + b·x^-c0 with a = -0.53 up to 640: what is measured at 928 is 0.557, and no loss is below 0.
        Law law = Law.Fit(LawForms.Broken, [.. Addition().Select(p => Observation.Point(p.X, Math.Round(p.Y, digits)))], bare);
        Assert.Equal(VerdictKind.NotIdentified, law.Verdict.Kind);
        Assert.Contains("negative", law.Verdict.Text);
    }

    [Fact]
    public void Parabolas_hold_the_exponent_of_the_best_size()
    {
        // N* grows as C^.4516; the exponent's interval held it in 63 of 100 such studies when degrees were counted once.
        int held = 0, tried = 0;
        for (ulong world = 1; world <= 100; world++)
        {
            Law law = Law.Fit(LawForms.IsoFlop, Runs(Hoffmann, 0.005, world, budgets: 7, seeds: 1), new() { Bootstraps = 100, HeldOut = false });
            if (!law.Identified) continue;
            tried++;
            if (law["a"].Low <= 0.28 / 0.62 && law["a"].High >= 0.28 / 0.62) held++;
        }
        Assert.True(tried >= 60 && held >= tried * (0.95 - 4 * Math.Sqrt(0.95 * 0.05 / tried)), $"{held} of {tried}");
    }

    [Fact]
    public void A_vertex_at_the_edge_of_its_sizes_refuses_the_law()
    {
        List<Observation> points = [.. Runs(Hoffmann, 0, 1, seeds: 1).Select(p => p.C > 2e18 ? p
            : p with { N = 8 * p.N, D = p.D / 8, Loss = Hoffmann(8 * p.N, p.D / 8) })];
        Law law = Law.Fit(LawForms.IsoFlop, points, bare);
        Assert.Equal(VerdictKind.NotIdentified, law.Verdict.Kind);
        Assert.Contains("1e18 has no optimum inside its sizes", law.Verdict.Text);
    }

    [Fact]
    public void The_condition_of_a_grid_is_small_and_of_one_curve_large()
    {
        static double Of(IReadOnlyList<Observation> points)
        {
            LawForm form = LawForms.Chinchilla;
            var data = new FitData(form, points);
            double[] theta = [Math.Log(406.4) - 0.34 * data.CentreN, Math.Log(410.7) - 0.28 * data.CentreD, Math.Log(1.69), 0.34, 0.28];
            return Linear.Of(new(form, data, Objective.SquaredLog), theta)!.Value.Condition();
        }
        double[] grids = [.. LawCoverage.Designs.Select(d => Of(LawCoverage.Study(d)))];
        Assert.InRange(grids.Min(), 30, 45);
        Assert.InRange(grids.Max(), 130, 155);
        List<Observation> line = [.. Enumerable.Range(0, 13).Select(i => (C: 1e18 * Math.Pow(10, 0.25 * i), Off: i % 2 == 0 ? 0.08 : -0.08))
            .Select(p => (p.C, N: LawForms.Chinchilla.OptimalN([406.4, 410.7, 1.69, 0.34, 0.28], p.C, 6) * Math.Exp(p.Off)))
            .Select(p => new Observation { N = p.N, D = p.C / (6 * p.N), C = p.C, Loss = Hoffmann(p.N, p.C / (6 * p.N)) })];
        Assert.True(Of(line) > Identifiability.WorstCondition, $"{Of(line)}");
    }

    /// <summary>A ladder as it is common: sizes over a factor of seven, each with 1, 2, 5 and 10 times twenty tokens a parameter; the law that
    /// such runs showed for a task's loss (Bhagia et al. 2024). Its condition is large and says nothing of D for N.</summary>
    static List<Observation> TokenLadder(ref Rng rng, double noise)
    {
        var points = new List<Observation>();
        foreach (double n in (double[])[1.9e8, 3.7e8, 7.6e8, 1.28e9])
            foreach (double times in (double[])[1, 2, 5, 10])
                points.Add(new() { N = n, D = 20 * times * n, C = 120 * times * n * n, Loss = TaskLoss(n, 20 * times * n) * Math.Exp(noise * rng.NextNormal()) });
        return points;
    }

    static double TaskLoss(double n, double d) => 0.454 + 38 / Math.Pow(n, 0.226) + 100 / Math.Pow(d, 0.236);

    [Fact]
    public void A_ladder_of_sizes_by_durations_foretells_and_its_intervals_hold()
    {
        const int Studies = 40;
        int[] held = new int[3];
        int identified = 0;
        for (int study = 0; study < Studies; study++)
        {
            var rng = new Rng(17, RandomPurpose.Test, 0, study);
            Law law = Law.Fit(LawForms.Chinchilla, TokenLadder(ref rng, 0.007), new() { Bootstraps = 100, Starts = 4, HeldOut = false, Threads = 1 });
            Assert.DoesNotContain("one curve", law.Verdict.Text);
            if (!law.Identified) continue;                       // E may stand at its bound
            identified++;
            Estimate[] said = [law["alpha"], law["beta"], (law with { LackOfFit = [] }).Predict(1.3e10, 5e12)];
            double[] truth = [0.226, 0.236, TaskLoss(1.3e10, 5e12)];
            for (int i = 0; i < held.Length; i++)
                if (said[i].Low <= truth[i] && truth[i] <= said[i].High) held[i]++;
        }
        Assert.InRange(identified, 30, Studies);
        // Of 40 studies with intervals that hold in 90 % fewer than 31 are seen once in a hundred.
        Assert.All(held, h => Assert.InRange(h, 31 * identified / Studies, identified));
    }
}
