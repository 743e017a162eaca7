using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>Planted constants come back, intervals hold them, and what points cannot tell is refused.</summary>
public sealed class LawTests
{
    static readonly FitOptions bare = new() { Bootstraps = 0, HeldOut = false };

    /// <summary>Sizes times ratios, with noise in the logarithm.</summary>
    static List<Observation> Ladder(Func<double, double, double> loss, double noise = 0, int seeds = 1, ulong world = 1)
    {
        var points = new List<Observation>();
        int k = 0;
        for (int i = 0; i < 7; i++)
            foreach (double ratio in (double[])[5, 20, 80])
                for (int seed = 0; seed < seeds; seed++)
                {
                    double n = 1e5 * Math.Pow(3, i), d = ratio * n;
                    var rng = new Rng(world, RandomPurpose.Test, 0, k++);
                    points.Add(new() { N = n, D = d, Loss = loss(n, d) * Math.Exp(noise * rng.NextNormal()), Seed = seed, Group = $"{i}" });
                }
        return points;
    }

    static double Planted(double n, double d) => 1.7 + 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3);

    static List<Observation> Curve(Func<double, double> y, double low, double high, int n) =>
        [.. Enumerable.Range(0, n).Select(i => low * Math.Pow(high / low, i / (n - 1.0))).Select(x => Observation.Point(x, y(x)))];

    static void Near(double want, double got, double share, string what = "") =>
        Assert.True(Math.Abs(got - want) <= share * Math.Abs(want), $"{what}: {got}, not {want}");

    [Theory, InlineData(Objective.HuberLog), InlineData(Objective.SquaredError), InlineData(Objective.SquaredLog)]
    public void A_planted_surface_comes_back(Objective objective)
    {
        Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted), bare with { Objective = objective });
        foreach ((string name, double want) in ((string, double)[])[("A", 400), ("B", 900), ("E", 1.7), ("alpha", 0.34), ("beta", 0.3)])
            Near(want, law[name].Value, 1e-3, name);
        Assert.Equal((objective, 21, 6.0), (law.Objective, law.Points, Math.Round(law.FlopsPerNd, 9)));
        Near(Planted(1e8, 3e9), law.Predict(1e8, 3e9).Value, 1e-4);

        // The split is where the slope along C = 6ND is zero.
        Optimum best = law.Optimal(1e18);
        Near(1e18, 6 * best.N.Value * best.D.Value, 1e-9);
        Assert.True(Planted(best.N.Value, best.D.Value) < Planted(best.N.Value * 1.1, best.D.Value / 1.1));
        Assert.True(Planted(best.N.Value, best.D.Value) < Planted(best.N.Value / 1.1, best.D.Value * 1.1));
        Near(law.PredictAt(1e18).Value, best.Loss.Value, 1e-12);
    }

    [Fact]
    public void Other_surfaces_come_back()
    {
        double Tied(double n, double d) => 2 + 50 * Math.Pow(n, -0.25) + 90 * Math.Pow(d, -0.25);
        Law tied = Law.Fit(LawForms.OverTraining, Ladder(Tied), bare);
        Near(0.25, tied["alpha"].Value, 1e-4);
        Near(2, tied["E"].Value, 1e-4);

        double Kaplan(double n, double d) => Math.Pow(Math.Pow(6e12 / n, 0.09 / 0.11) + 3e12 / d, 0.11);
        Law kaplan = Law.Fit(LawForms.Kaplan, Ladder(Kaplan), bare);
        Near(0.09, kaplan["alpha_n"].Value, 1e-3);
        Near(6e12, kaplan["Nc"].Value, 2e-2);
        Assert.True(kaplan.Optimal(1e16).N.Value is > 1e5 and < 1e10);
    }

    [Fact]
    public void Repeats_are_worth_less_as_planted()
    {
        LawForm form = LawForms.RepeatedData;
        double[] planted = [500, 1500, 1.9, 0.35, 12, 5];
        List<Observation> points = [];
        foreach (double n in (double[])[1e7, 4e7, 1.6e8, 6.4e8])
            foreach (double u in (double[])[1e8, 1e9])
                foreach (double epochs in (double[])[1, 3, 10, 40])
                    points.Add(new() { N = n, D = u * epochs, Unique = u, Loss = form.At(planted, new(n, u * epochs, u, 0)) });
        Law law = Law.Fit(LawForms.RepeatedData, points, bare with { Starts = 6 });
        Near(12, law["R_D"].Value, 0.02, "R_D");
        Near(5, law["R_N"].Value, 0.02, "R_N");
        Assert.True(law.Predict(1e8, 1e10, 1e8).Value > law.Predict(1e8, 1e10).Value);
        Law fresh = Law.Fit(LawForms.RepeatedData, [.. points.Where(p => p.D == p.Unique)], bare with { Starts = 4 });
        Assert.Contains("no run repeats", Law.Fit(LawForms.RepeatedData, Ladder(Planted), bare with { Starts = 4 }).Verdict.Text);
        Assert.False(fresh.Identified);
    }

    public static TheoryData<LawForm, double[], double, double> Curves => new()
    {
        { LawForms.PowerLaw, [3, -0.2], 1e3, 1e7 },
        { LawForms.KaplanC, [3e8, 0.05], 1e12, 1e17 },
        { LawForms.SaturatingPower, [1.5, 20, 0.4], 1e2, 1e6 },
        { LawForms.SaturatingExponential, [1.5, 3, 2e4], 1e3, 1e5 },
        { LawForms.Broken, [0.4, 2.3, 0.055, 5.6, 600, 0.06], 160, 900 },
        { LawForms.TaskSigmoid, [0.7, -6, 1.1, 0.25], 0.4, 2 },
        { LawForms.ErrorOfLoss, [0.9, 2, 1.3], 1.5, 4 },
        { LawForms.RlSigmoid, [0.2, 0.65, 3e4, 1.4], 1e3, 1e6 },
        { LawForms.Coverage, [-2.5, -0.35], 1, 1000 },
    };

    [Theory, MemberData(nameof(Curves))]
    public void A_planted_curve_comes_back(LawForm form, double[] planted, double low, double high)
    {
        List<Observation> points = Curve(x => form.At(planted, new(x, x, x, x)), low, high, 25);
        Law law = Law.Fit(form, points, bare);
        Assert.True(law.Identified, law.Verdict.Text);
        for (int i = 0; i < planted.Length; i++) Near(planted[i], law.Parameters[i].Estimate.Value, 2e-3, form.Names[i]);
        double middle = Math.Sqrt(low * high);
        Near(form.At(planted, new(middle, middle, middle, middle)), law.Predict(middle).Value, 1e-4);
    }

    [Fact]
    public void A_power_law_and_a_saturating_exponential_are_told_apart_by_what_they_predict()
    {
        List<Observation> points = Curve(x => 1.5 + 20 * Math.Pow(x, -0.4), 1e2, 1e6, 25);
        HeldOut power = Law.Fit(LawForms.SaturatingPower, points, bare with { HeldOut = true }).HeldOut!;
        HeldOut exponential = Law.Fit(LawForms.SaturatingExponential, points, bare with { HeldOut = true }).HeldOut!;
        Assert.True(power.MeanRelativeError < 1e-3 && exponential.MeanRelativeError > 10 * power.MeanRelativeError);
        Assert.True(power.Skill > 0.9);
    }

    [Fact]
    public void Two_ways_to_the_optimum_agree_on_the_planted_exponents()
    {
        // α = β: N* ∝ C^.5. Parabolas in ln N approximate the surface near its minimum.
        static double Loss(double n, double d) => 1.8 + 300 * Math.Pow(n, -0.33) + 400 * Math.Pow(d, -0.33);
        List<Observation> flat = [], curves = [];
        foreach (double c in (double[])[1e15, 1e16, 1e17, 1e18])
            for (int i = -3; i <= 3; i++)
            {
                double n = 0.65 * Math.Sqrt(c / 6) * Math.Pow(1.3, i);
                flat.Add(new() { N = n, D = c / (6 * n), C = c, Loss = Loss(n, c / (6 * n)) });
            }
        for (int i = 0; i < 24; i++)
            for (int t = 0; t < 30; t++)
            {
                double n = 1e6 * Math.Pow(1.4, i), d = n * Math.Pow(1.25, t);
                curves.Add(new() { N = n, D = d, Loss = Loss(n, d), Group = $"{i}" });
            }
        Law parabolas = Law.Fit(LawForms.IsoFlop, flat, bare with { Bootstraps = 50 }), envelope = Law.Fit(LawForms.Envelope, curves, bare);
        Law surface = Law.Fit(LawForms.Chinchilla, flat, bare);
        Near(0.5, parabolas["a"].Value, 0.01);
        Near(0.5, envelope["a"].Value, 0.05);
        Near(surface.Optimal(1e17).N.Value, parabolas.Optimal(1e17).N.Value, 0.05);
        Near(surface.Optimal(1e17).N.Value, envelope.Optimal(1e17).N.Value, 0.3);
        Near(surface.PredictAt(1e17).Value, parabolas.PredictAt(1e17).Value, 0.02);
        Assert.Equal(Resampling.Residuals, parabolas.Resampling);
    }

    [Fact]
    public void Two_steps_lead_from_size_to_accuracy()
    {
        List<Observation> points = Ladder(Planted, 0.002);
        static double Accuracy(double loss) => 0.7 / (1 + Math.Exp(3 * (loss - 8))) + 0.25;
        TwoStep both = TwoStep.Fit(points, [.. points.Select(p => Observation.Point(p.Loss, Accuracy(p.Loss), p.Group))], options: bare with { Bootstraps = 60 });
        Estimate got = both.Predict(2e7, 4e8);
        Near(Accuracy(Planted(2e7, 4e8)), got.Value, 0.02);
        Assert.InRange(got.Value, got.Low, got.High);
    }

    [Fact]
    public void The_gradient_is_the_slope_of_the_objective()
    {
        foreach (LawForm kind in (LawForm[])[LawForms.Chinchilla, LawForms.OverTraining, LawForms.Kaplan, LawForms.SaturatingPower, LawForms.KaplanC,
            LawForms.RepeatedData])
        {
            LawForm form = kind;
            List<Observation> points = [.. Ladder(Planted, 0.05).Select((p, i) => p with { Unique = p.D / (1 + i % 9) })];
            var problem = new FitProblem(form, new(form, points), Objective.SquaredLog);
            double[] theta = [0.4, 0.7, 0.2, 0.3, 0.4, 0.6], gradient = new double[form.Names.Count];
            theta = theta[..form.Names.Count];
            problem.ValueAndGradient(theta, gradient);
            for (int j = 0; j < theta.Length; j++)
            {
                double h = 1e-6;
                double[] up = [.. theta], down = [.. theta];
                (up[j], down[j]) = (theta[j] + h, theta[j] - h);
                double slope = (problem.Value(up) - problem.Value(down)) / (2 * h);
                Assert.True(Math.Abs(slope - gradient[j]) < 1e-5 * (1 + Math.Abs(slope)), $"{kind} {form.Names[j]}: {gradient[j]}, not {slope}");
            }
        }
    }

    [Fact]
    public void The_same_bits_with_any_number_of_threads()
    {
        List<Observation> points = Ladder(Planted, 0.01);
        Law one = Law.Fit(LawForms.Chinchilla, points, new() { Bootstraps = 40, Threads = 1 });
        Law three = Law.Fit(LawForms.Chinchilla, points, new() { Bootstraps = 40, Threads = 3 });
        Assert.Equal(one.Parameters, three.Parameters);
        Assert.Equal(one.Draws.SelectMany(d => d), three.Draws.SelectMany(d => d));
        Assert.Equal((one.ObjectiveValue, one.Agreeing, one.HeldOut), (three.ObjectiveValue, three.Agreeing, three.HeldOut));
        Law other = Law.Fit(LawForms.Chinchilla, points, new() { Bootstraps = 40, Seed = 2 });
        Assert.NotEqual(one.Draws[0], other.Draws[0]);
    }

    [Fact]
    public void Intervals_of_new_runs_hold_new_runs()
    {
        int held = 0, tried = 0;
        for (ulong world = 1; world <= 25; world++)
        {
            Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.01, world: world),
                bare with { Bootstraps = 60, Starts = 4, Objective = Objective.SquaredLog });
            if (!law.Identified) continue;
            var rng = new Rng(world, RandomPurpose.Test, 1);
            foreach ((double n, double d) in ((double, double)[])[(3e6, 6e7), (1e8, 2e9), (3e8, 1e10)])
            {
                Estimate y = law.Predict(n, d);
                double run = Planted(n, d) * Math.Exp(0.01 * rng.NextNormal());
                tried++;
                if (run >= y.Low && run <= y.High) held++;
            }
        }
        // Of 75 at 95 % with three of a world correlated: four binomial errors (for 75 / 3 independent ones) below.
        Assert.True(tried >= 60 && held >= tried * (0.95 - 4 * Math.Sqrt(0.95 * 0.05 / (tried / 3.0))), $"{held} of {tried}");
    }

    [Fact]
    public void Trunks_are_resampled_whole()
    {
        // Errors shared by all runs of a trunk: intervals from single runs would be too short.
        List<Observation> Points(Func<int, string> group)
        {
            var points = new List<Observation>();
            for (int i = 0; i < 24; i++)
            {
                double shared = 0.02 * new Rng(3, RandomPurpose.Test, 0, i).NextNormal(), n = 1e5 * Math.Pow(1.5, i);
                for (int j = 0; j < 4; j++)
                    points.Add(new() { N = n, D = n * Math.Pow(3, j), Loss = Planted(n, n * Math.Pow(3, j)) * Math.Exp(shared), Group = group(4 * i + j) });
            }
            return points;
        }
        FitOptions options = bare with { Bootstraps = 150, Objective = Objective.SquaredLog };
        Law trunks = Law.Fit(LawForms.Chinchilla, Points(k => $"{k / 4}"), options), runs = Law.Fit(LawForms.Chinchilla, Points(k => $"{k}"), options);
        Assert.Equal((24, 96, Resampling.Groups), (trunks.Groups, runs.Groups, trunks.Resampling));
        double Width(Law law) => law["alpha"].High - law["alpha"].Low;
        Assert.True(Width(trunks) > 1.2 * Width(runs), $"{Width(trunks)} {Width(runs)}");
    }

    [Fact]
    public void Intervals_of_new_trunks_hold_new_trunks()
    {
        // Seven trunks of four branches are seven points and not twenty-eight: five parameters leave little of them.
        int held = 0, worlds = 60;
        for (int world = 1; world <= worlds; world++)
        {
            double Trunk(int i) => 0.01 * new Rng((ulong)world, RandomPurpose.Test, 2, i).NextNormal();
            var points = new List<Observation>();
            for (int i = 0; i < 7; i++)
                for (int j = 0; j < 4; j++)
                {
                    double n = 1e6 * Math.Pow(2.5, i), d = 4 * n * Math.Pow(3, j);
                    points.Add(new() { N = n, D = d, Loss = Planted(n, d) * Math.Exp(Trunk(i)), Group = $"{i}" });
                }
            Law law = Law.Fit(LawForms.Chinchilla, points, bare with { Bootstraps = 60, Starts = 4, Objective = Objective.SquaredLog });
            Estimate y = law.Predict(2e7, 1e9);
            double run = Planted(2e7, 1e9) * Math.Exp(Trunk(7));
            if (run >= y.Low && run <= y.High) held++;
        }
        // Four binomial errors below 95 %.
        Assert.True(held >= worlds * (0.95 - 4 * Math.Sqrt(0.95 * 0.05 / worlds)), $"{held} of {worlds}");
    }

    [Fact]
    public void A_saved_law_predicts_as_before()
    {
        string path = Path.Combine(Path.GetTempPath(), $"law-{Guid.NewGuid():N}.json");
        try
        {
            Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.01), new() { Bootstraps = 30 });
            law.Save(path);
            Law back = Law.Load(path);
            Assert.Equal(law.Predict(1e7, 1e9), back.Predict(1e7, 1e9));
            Assert.Equal(law.Optimal(1e17), back.Optimal(1e17));
            Assert.Equal((law.Verdict, law.HeldOut, law.Status), (back.Verdict, back.HeldOut, back.Status));
            Assert.Contains("\"form\": \"chinchilla\"", File.ReadAllText(path));

            Law refused = Law.Fit(LawForms.Chinchilla, [.. Ladder(Planted).Take(4)], bare);
            refused.Save(path);
            Assert.False(Law.Load(path).Identified);

            foreach ((string text, string message) in ((string, string)[])
                [("{", "cannot be read"), ("{\"format_version\": 9}", "format version 9"), ("{\"format_version\": 1}", "cannot be read"),
                ("null", "null"), ("[]", "cannot be read"),
                (File.ReadAllText(path).Replace("not_identified", "keeps_improving"), "was altered"),
                (TinyHome.Unsealed(File.ReadAllText(path)).Replace("not_identified", "keeps_improving"), "parameters")])
            {
                File.WriteAllText(path, text);
                Assert.Contains(message, Assert.Throws<DataException>(() => Law.Load(path)).Message);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    static void Refuses(Law law, string reason)
    {
        Assert.False(law.Identified, law.Verdict.Text);
        Assert.StartsWith("not identified: ", law.Verdict.Text);
        Assert.Contains(reason, law.Verdict.Text);
        Assert.True(law.Verdict.Next.Flops > 0, "the next point has a price");
        Assert.Contains(reason, Assert.Throws<DataException>(() => law.Predict(1e7, 1e9)).Message);
        Assert.Throws<DataException>(() => law.PredictAt(1e15));
        Assert.Throws<DataException>(() => law.Optimal(1e15));
    }

    [Fact]
    public void What_points_cannot_tell_is_refused_with_the_reason()
    {
        List<Observation> all = Ladder(Planted, 0.003);
        Refuses(Law.Fit(LawForms.Chinchilla, [.. all.Take(5)], bare), "5 different points for 5 parameters");
        Refuses(Law.Fit(LawForms.Chinchilla, [.. Enumerable.Range(1, 12).Select(i => new Observation
            { N = 1e5 * i, D = 1e14 / (6e5 * i), Loss = Planted(1e5 * i, 1e14 / (6e5 * i)) })], bare), "one budget");
        Refuses(Law.Fit(LawForms.Chinchilla, [.. Enumerable.Range(1, 12).Select(i => new Observation
            { N = 1e5 * i, D = 2e6 * i, Loss = Planted(1e5 * i, 2e6 * i) })], bare), "one curve");
        Refuses(Law.Fit(LawForms.Chinchilla, Ladder((n, d) => 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3)), bare), "E stands at its bound");
        Refuses(Law.Fit(LawForms.IsoFlop, Ladder(Planted), bare), "optimum inside");
        Assert.Contains("no points", Law.Fit(LawForms.Chinchilla, [], bare).Verdict.Text);
    }

    [Fact]
    public void Values_that_no_law_can_have_are_refused()
    {
        List<Observation> all = Ladder(Planted);
        foreach ((Observation bad, string message) in ((Observation, string)[])
            [(all[3] with { Loss = 0 }, "loss = 0"), (all[3] with { Loss = -1 }, "loss = -1"), (all[3] with { Loss = double.NaN }, "loss = NaN"),
            (all[3] with { N = 0 }, "N = 0"), (all[3] with { D = double.PositiveInfinity }, "D = "), (all[3] with { C = -5 }, "C = -5")])
        {
            List<Observation> points = [.. all];
            points[3] = bad;
            string got = Assert.Throws<DataException>(() => Law.Fit(LawForms.Chinchilla, points, bare)).Message;
            Assert.Contains("point 4", got);
            Assert.Contains(message, got);
        }
        List<Observation> twice = [.. all, all[2] with { Loss = all[2].Loss * 1.05 }];
        Assert.Contains("the same point twice", Assert.Throws<DataException>(() => Law.Fit(LawForms.Chinchilla, twice, bare)).Message);
        Assert.True(Law.Fit(LawForms.Chinchilla, twice, bare with { Replicates = true }).Identified);
        twice[^1] = twice[^1] with { Seed = 7 };
        Assert.True(Law.Fit(LawForms.Chinchilla, twice, bare).Identified);
    }

    [Fact]
    public void A_forecast_far_beyond_the_points_is_refused()
    {
        Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.003), bare);
        law.PredictAt(law.MaxFlops * 9.9e3);
        foreach (Action far in (Action[])[() => law.PredictAt(law.MaxFlops * 1.01e4), () => law.Optimal(law.MaxFlops * 1.01e4),
            () => law.Predict(1e12, 1e12)])
            Assert.Contains("times the largest point", Assert.Throws<DataException>(far).Message);
        Assert.Throws<DataException>(() => law.Predict(1e15));
        Assert.Throws<DataException>(() => law.PredictAt(-1));
        Assert.Throws<DataException>(() => law.PredictAt(double.NaN));
        Law curve = Law.Fit(LawForms.PowerLaw, Curve(x => 3 * Math.Pow(x, -0.2), 1, 100, 9), bare);
        Assert.Throws<DataException>(() => curve.Predict(1.1e6));
        Assert.Throws<DataException>(() => curve.Optimal(10));
        Law sigmoid = Law.Fit(LawForms.TaskSigmoid, Curve(x => 0.7 / (1 + Math.Exp(6 * (x - 1.1))) + 0.25, 0.4, 2, 20), bare);
        Assert.Throws<DataException>(() => sigmoid.Predict(4));
    }

    [Fact]
    public void A_curve_that_has_ended_saturates_and_one_that_has_not_keeps_improving()
    {
        Law ended = Law.Fit(LawForms.RlSigmoid, Curve(x => 0.2 + 0.45 / (1 + Math.Pow(1e3 / x, 2)), 1e2, 1e6, 25), bare);
        Assert.Equal(VerdictKind.Saturates, ended.Verdict.Kind);
        Assert.Contains("saturates at 0.65", ended.Verdict.Text);
        Law still = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.003), bare);
        Assert.Equal(VerdictKind.KeepsImproving, still.Verdict.Kind);
        Assert.True(still.Verdict.Next.Flops > still.MaxFlops && still.Verdict.Next.N > 0);
    }

    [Fact]
    public void Residuals_by_decade_show_where_a_law_does_not_hold()
    {
        Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.005, seeds: 3), bare);
        Assert.Equal(63, law.Decades.Sum(d => d.Count));
        Assert.All(law.Decades, d => Assert.True(double.IsNaN(d.P) || d.P is >= 0 and <= 1));
        Law wrong = Law.Fit(LawForms.KaplanC, Ladder((n, d) => 6 * n * d > 1e14 ? 1.5 * Planted(n, d) : Planted(n, d)), bare);
        Assert.Contains(wrong.Decades, d => d.P < 0.05);
    }

    [Fact]
    public void Three_seeds_use_Students_quantile()
    {
        Estimate e = Estimate.OfMean([1, 2, 3]);
        Assert.Equal(2, e.Value, 1e-12);
        Assert.Equal(4.302652729911275 / Math.Sqrt(3), e.High - e.Value, 1e-9);        // t(2) at 97.5 %, s = 1
        Assert.True(double.IsNaN(Estimate.OfMean([1]).Low));
        Assert.Equal(("–", "-0.48–4.48", "-0.5 to +4.5"), (Estimate.OfMean([1]).Ends("0.0"), e.Ends("0.00"), e.Ends("+0.0;-0.0", " to ")));
    }

    [Fact]
    public void Published_laws_answer_as_printed()
    {
        Near(0.46, Math.Log10(Published.Hoffmann.Optimal(1e22).N.Value / Published.Hoffmann.Optimal(1e21).N.Value), 0.02);   // a = .46
        Near(0.73, Math.Log10(Published.Kaplan.Optimal(1e22).N.Value / Published.Kaplan.Optimal(1e21).N.Value), 1e-9);
        Near(Math.Pow(3.1e8, 0.05), Published.Kaplan.PredictAt(Published.PetaflopDay).Value, 1e-12);
        Optimum k = Published.Kaplan.Optimal(1e21);
        // D* as printed: of the critical batch, where training costs twice the least compute, C/(6N) tokens at a small one.
        Near(2e10, Published.Kaplan.Optimal(Published.PetaflopDay).D.Value, 1e-12);
        Near(6 * 1.3e9 * 2e10 / Published.PetaflopDay * 1e21, 6 * k.N.Value * k.D.Value, 1e-9);
        Near(Math.Pow(Math.Pow(6.4e13 / 1e9, 0.076 / 0.103) + 1.8e13 / 1e10, 0.103), Published.KaplanSurface.Predict(1e9, 1e10).Value, 1e-12);
        Assert.True(double.IsNaN(k.N.Low));
    }


    [Fact]
    public void A_score_is_refused_where_the_objective_has_no_value()
    {
        List<Observation> rewards = Curve(x => -0.5 + 1.2 / (1 + Math.Pow(1e3 / x, 2)), 1e2, 1e6, 25);
        Assert.True(Law.Fit(LawForms.RlSigmoid, rewards, bare).Identified);
        foreach (Objective logarithm in (Objective[])[Objective.HuberLog, Objective.SquaredLog])
            Assert.Contains("must be positive", Assert.Throws<DataException>(() =>
                Law.Fit(LawForms.RlSigmoid, rewards, bare with { Objective = logarithm })).Message);
        Assert.True(Law.Fit(LawForms.RlSigmoid, rewards, bare with { Objective = Objective.SquaredLog1p }).Identified);
        rewards[0] = rewards[0] with { Loss = -1 };
        Assert.Contains("must be above -1", Assert.Throws<DataException>(() =>
            Law.Fit(LawForms.RlSigmoid, rewards, bare with { Objective = Objective.SquaredLog1p })).Message);
    }

    /// <summary>Five sizes at each of five budgets.</summary>
    static List<Observation> IsoFlops() => [.. from c in (double[])[1e15, 1e16, 1e17, 1e18, 1e19]
        from share in (double[])[0.25, 0.5, 1, 2, 4]
        let n = share * Math.Sqrt(c / 120) select new Observation { N = n, D = c / (6 * n), Loss = Planted(n, c / (6 * n)) }];

    [Fact]
    public void Parabolas_are_held_to_the_best_run_of_each_budget_above()
    {
        List<Observation> points = IsoFlops();
        HeldOut held = Law.Fit(LawForms.IsoFlop, points, bare with { HeldOut = true }).HeldOut!;
        Assert.Equal((3, 2), (held.Trained, held.Tested));
        Law below = Law.Fit(LawForms.IsoFlop, [.. points.Take(15)], bare);
        Near(points.Skip(15).Chunk(5).Max(budget => budget.Min(p => Math.Abs(1 - below.PredictAt(p.C).Value / budget.Min(q => q.Loss)))),
            held.LargestRelativeError, 1e-9);
        points.Add(points[7] with { Loss = 1.1 * points[7].Loss });
        Assert.Contains("the same point twice", Assert.Throws<DataException>(() => Law.Fit(LawForms.IsoFlop, points, bare)).Message);
    }

    [Fact]
    public void An_envelope_of_single_points_asks_for_curves() =>
        Refuses(Law.Fit(LawForms.Envelope, IsoFlops(), bare), "training curves: 1, at least 3");

    [Fact]
    public void A_forecast_far_below_the_points_is_refused()
    {
        Law law = Law.Fit(LawForms.Chinchilla, Ladder(Planted, 0.003), bare);
        law.PredictAt(law.MinFlops / 9.9e3);
        foreach (Action far in (Action[])[() => law.PredictAt(law.MinFlops / 1.01e4), () => law.Optimal(law.MinFlops / 1.01e4),
            () => law.Predict(1, 1e5)])
            Assert.Contains("of the smallest point", Assert.Throws<DataException>(far).Message);
    }

    [Fact]
    public void The_next_point_of_a_law_of_loss_is_no_loss()
    {
        List<Observation> points = Curve(x => 0.7 / (1 + Math.Exp(6 * (x - 1.1))) + 0.25, 0.4, 2, 20);
        NextPoint next = Law.Fit(LawForms.TaskSigmoid, points, bare).Verdict.Next;
        Assert.True(double.IsNaN(next.Flops), "no FLOPs are known");
        Assert.Contains("less loss", next.Why);
        points = [.. points.Select(p => p with { C = 1e15 / p.X })];
        Assert.Equal(2.5e15 * Math.Sqrt(10), Law.Fit(LawForms.TaskSigmoid, points, bare).Verdict.Next.Flops, 1e9);
    }

    [Fact]
    public void Two_steps_lead_from_FLOPs_to_accuracy_with_and_without_intervals()
    {
        List<Observation> points = Ladder(Planted, 0.002);
        List<Observation> accuracy = [.. points.Select(p => Observation.Point(p.Loss, 0.7 / (1 + Math.Exp(3 * (p.Loss - 8))) + 0.25, p.Group))];
        TwoStep both = TwoStep.Fit(points, accuracy, options: bare with { Bootstraps = 60 });
        Estimate got = both.PredictAt(1e15), plain = TwoStep.Fit(points, accuracy, options: bare).PredictAt(1e15);
        Near(both.Accuracy.Predict(both.Loss.PredictAt(1e15).Value).Value, got.Value, 1e-12);
        Assert.InRange(got.Value, got.Low, got.High);
        Assert.Equal((got.Value, double.NaN), (plain.Value, plain.Low));
    }

    /// <summary>docs/plugins.md's form.</summary>
    sealed class Logarithmic : LawForm
    {
        public override string Name => "logarithmic-here";
        public override string Formula => "y = a - b * ln x";
        public override IReadOnlyList<string> Names => ["a", "b"];
        public override double At(ReadOnlySpan<double> p, in Inputs x) => p[0] - p[1] * Math.Log(x.X);
        public override IEnumerable<double[]> Guesses(IReadOnlyList<Observation> points) => [[points.Max(o => o.Loss), 0.1]];
    }

    /// <summary>A surface of a user's own: Chinchilla's, whose exponents are guessed, and an E that might be negative.</summary>
    sealed class OwnSurface : LawForm
    {
        public override string Name => "own-surface";
        public override string Formula => "L = E + A/N^alpha + B/D^beta";
        public override IReadOnlyList<string> Names => ["A", "B", "E", "alpha", "beta"];
        public override bool IsSurface => true;
        public override bool MayBeNegative(int parameter) => parameter == 2;
        public override double At(ReadOnlySpan<double> p, in Inputs x) =>
            p[2] + p[0] * Math.Pow(x.N, -p[3]) + p[1] * Math.Pow(x.D, -p[4]);
        public override IEnumerable<double[]> Guesses(IReadOnlyList<Observation> points) => [[100, 1000, 1, 0.3, 0.3]];
    }

    [Fact]
    public void A_form_of_ones_own_is_fitted_saved_and_predicts()
    {
        LawForms.Register(new Logarithmic());
        LawForm form = LawForms.Find("logarithmic_here");
        List<Observation> points = Curve(x => 5 - 0.3 * Math.Log(x), 1e2, 1e5, 20);
        Law law = Law.Fit(form, points, new() { Bootstraps = 50, Objective = Objective.SquaredError });
        Assert.True(law.Identified, law.Verdict.Text);
        Near(5, law["a"].Value, 1e-4);
        Near(0.3, law["b"].Value, 1e-4);
        Near(5 - 0.3 * Math.Log(1e6), law.Predict(1e6).Value, 1e-4);
        string path = Path.GetTempFileName();
        law.Save(path);
        Assert.Contains("\"form\": \"logarithmic_here\"", File.ReadAllText(path));
        Assert.Equal(law.Predict(1e6), Law.Load(path).Predict(1e6));
        File.WriteAllText(path, TinyHome.Unsealed(File.ReadAllText(path)).Replace("logarithmic_here", "not_loaded"));
        Assert.Contains("no law form 'not-loaded'", Assert.Throws<DataException>(() => Law.Load(path)).Message);
        File.Delete(path);
        Assert.Contains("has that name", Assert.Throws<ConfigException>(() => LawForms.Register(new Logarithmic())).Message);
    }

    [Fact]
    public void A_surface_of_ones_own_splits_compute_as_ours_does()
    {
        Law own = Law.Fit(new OwnSurface(), Ladder(Planted), bare with { Objective = Objective.SquaredLog });
        Assert.True(own.Identified, own.Verdict.Text);
        foreach ((string name, double want) in ((string, double)[])[("E", 1.7), ("alpha", 0.34), ("beta", 0.3)])
            Near(want, own[name].Value, 1e-2, name);
        Law ours = Law.Fit(LawForms.Chinchilla, Ladder(Planted), bare);
        Near(ours.Optimal(1e18).N.Value, own.Optimal(1e18).N.Value, 5e-2);
    }

    [Fact]
    public void Names_and_random_streams_of_the_forms_stay() => Assert.Equal(
        "chinchilla kaplan kaplan-n kaplan-d kaplan-c envelope iso-flop over-training repeated-data power-law saturating-power " +
        "saturating-exponential broken task-sigmoid error-of-loss rl-sigmoid coverage",
        string.Join(' ', LawForms.All.Take(17).OrderBy(LawForms.StreamOf).Select(f => f.Name)));
}
