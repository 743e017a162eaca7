using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>Forms beside the published surfaces: planted constants, or at least planted losses, come back.</summary>
public sealed class FormsTests
{
    static readonly FitOptions bare = new() { Bootstraps = 0 };

    static List<Observation> Grid(Func<double, double, double> loss, double noise = 0, int sizes = 6, int durations = 5) =>
        [.. from i in Enumerable.Range(0, sizes) from j in Enumerable.Range(0, durations)
            let n = 1e6 * Math.Pow(3, i) let d = 2e7 * Math.Pow(4, j)
            select new Observation { N = n, D = d, Loss = loss(n, d) * Math.Exp(noise * new Rng(2, RandomPurpose.Test, 100 * i + j).NextNormal()) }];

    static void Near(double want, double got, double share) => Assert.True(Math.Abs(got / want - 1) <= share, $"{got}, not {want}");

    [Fact]
    public void A_bent_surface_comes_back_where_Hoffmanns_does_not_fit()
    {
        static double Bent(double n, double d) => 1.5 + Math.Pow(2e4 * Math.Pow(n, -0.8) + 3e5 * Math.Pow(d, -0.7), 0.4);
        Law law = Law.Fit(LawForms.PowerSurface, Grid(Bent), bare);
        Near(1.5, law["E"].Value, 1e-3);
        Near(0.4, law["kappa"].Value, 1e-2);
        Near(Bent(2e9, 4e10), law.Predict(2e9, 4e10).Value, 1e-4);
        Optimum best = law.Optimal(1e18);
        Assert.True(Bent(best.N.Value, best.D.Value) <= Bent(1.2 * best.N.Value, best.D.Value / 1.2));
        Assert.True(Bent(best.N.Value, best.D.Value) <= Bent(best.N.Value / 1.2, best.D.Value * 1.2));

        Law bent = Law.Fit(LawForms.PowerSurface, Grid(Bent, 0.001), bare), sum = Law.Fit(LawForms.Chinchilla, Grid(Bent, 0.001), bare);
        Assert.True(Math.Abs(bent.Predict(2e9, 4e10).Value / Bent(2e9, 4e10) - 1) < Math.Abs(sum.Predict(2e9, 4e10).Value / Bent(2e9, 4e10) - 1));
    }

    /// <summary>Where the exponent of data changes with the size. Constants of the order that its authors print.</summary>
    [Fact]
    public void Farseers_form_foretells_what_it_planted()
    {
        static double Planted(double n, double d) => Math.Exp(-0.021 * Math.Pow(n, 0.169) - 0.091 + 1)
            + Math.Exp(88.01 * Math.Pow(n, -0.1) - 5.287 - Math.Exp(-0.124 * Math.Pow(n, 0.123) - 0.424) * Math.Log(d));
        Law law = Law.Fit(LawForms.Farseer, Grid(Planted), bare);
        Assert.True(law.Identified, law.Verdict.Text);
        Assert.All(law.Residuals, r => Assert.True(Math.Abs(r.Value) < 1e-3, $"{r}"));
        Near(Planted(2.9e9, 8e10), law.Predict(2.9e9, 8e10).Value, 0.01);
        Law sum = Law.Fit(LawForms.Chinchilla, Grid(Planted), bare);
        Assert.True(Math.Abs(law.Predict(2.9e9, 8e10).Value / Planted(2.9e9, 8e10) - 1) < Math.Abs(sum.Predict(2.9e9, 8e10).Value / Planted(2.9e9, 8e10) - 1));
    }

    [Fact]
    public void Farseers_gradient_is_the_slope()
    {
        var data = new FitData(LawForms.Farseer, Grid((n, d) => 2 + 30 * Math.Pow(n, -0.3) + 50 * Math.Pow(d, -0.3)));
        double[] theta = [-1, 0.05, 0.1, 4, -0.3, 0.2, 0.8, -0.1, -0.3], slope = new double[9], bent = [0.1, 0.2, 0.4, 0.5, 0.6, -0.3], six = new double[6];
        foreach ((LawForm form, double[] t, double[] s) in ((LawForm, double[], double[])[])[(LawForms.Farseer, theta, slope), (LawForms.PowerSurface, bent, six)])
        {
            form.ValueAndSlope(t, data, 7, s);
            for (int j = 0; j < t.Length; j++)
            {
                double[] up = [.. t], down = [.. t], unused = new double[t.Length];
                up[j] += 1e-5;
                down[j] -= 1e-5;
                double numeric = (form.ValueAndSlope(up, data, 7, unused) - form.ValueAndSlope(down, data, 7, unused)) / 2e-5;
                Assert.True(Math.Abs(numeric - s[j]) < 1e-6 * (1 + Math.Abs(numeric)), $"{form.Name} {j}: {s[j]}, not {numeric}");
            }
            double[] natural = new double[t.Length];
            form.Natural(t, data, natural);
            Near(form.ValueAndSlope(t, data, 7, s), form.At(natural, data.Inputs[7]), 1e-9);
        }
    }

    /// <summary>lr = 1.797·N^−.713·D^.307 and its noise of 10 %: exponents come back with intervals; nothing is called an optimum.</summary>
    [Fact]
    public void A_learning_rate_of_size_and_data_comes_back()
    {
        static double Rate(double n, double d) => 1.797 * Math.Pow(n, -0.713) * Math.Pow(d, 0.307);
        Law exact = Law.Fit(LawForms.PowerOfBoth, Grid(Rate), bare);
        foreach ((string name, double want) in ((string, double)[])[("A", 1.797), ("p", -0.713), ("q", 0.307)]) Near(want, exact[name].Value, 1e-9);
        Law law = Law.Fit(LawForms.PowerOfBoth, Grid(Rate, 0.1), new() { Bootstraps = 400 });
        Assert.Equal(VerdictKind.Describes, law.Verdict.Kind);
        foreach ((string name, double want) in ((string, double)[])[("p", -0.713), ("q", 0.307)])
            Assert.True(law[name].Low < want && want < law[name].High, $"{name} {law[name]}");
        Estimate at = law.Predict(1e9, 2e10);
        Assert.True(at.Low < Rate(1e9, 2e10) && Rate(1e9, 2e10) < at.High);
        Assert.Contains("no split", Assert.Throws<DataException>(() => law.PredictAt(1e17)).Message);
        Assert.Throws<DataException>(() => law.Optimal(1e17));
        Assert.False(Law.Fit(LawForms.PowerOfBoth, [.. Grid(Rate).Where(p => p.D == 20 * p.N)], bare).Identified);
    }

    /// <summary>Budgets with sizes off the best one, which must not count.</summary>
    static List<Observation> Frontier(Func<double, double> loss, double noise) =>
        [.. from b in Enumerable.Range(0, 9) from off in (double[])[-1, 0, 1]
            let c = 1e12 * Math.Pow(10, b / 2.0) let n = Math.Sqrt(c / 120) * Math.Exp(off)
            select new Observation { N = n, D = c / 6 / n, C = c, Loss = loss(c) * Math.Exp(0.05 * off * off + noise * new Rng(4, RandomPurpose.Test, (long)(10 * b + off + 1)).NextNormal()) }];

    [Fact]
    public void A_frontier_with_a_floor_comes_back()
    {
        static double Loss(double c) => 1.3 + 40 * Math.Pow(c, -0.12);
        Law law = Law.Fit(LawForms.FrontierPower, Frontier(Loss, 0), bare);
        Assert.Equal(9, law.Points);
        Near(1.3, law["E"].Value, 1e-3);
        Near(Loss(1e18), law.PredictAt(1e18).Value, 1e-3);
    }

    /// <summary>The top of an S-curve, ends known: as ln V, and the entropy of a world.</summary>
    [Fact]
    public void An_S_curve_with_known_ends_is_foretold_from_its_top()
    {
        static double Loss(double c) => 1 + 5 / (1 + Math.Pow(c / 1e18, 0.2));
        FitOptions ends = new() { Bootstraps = 100, Known = [new("L0", 6), new("E", 1)] };
        Law law = Law.Fit(LawForms.FrontierSigmoid, Frontier(Loss, 0.002), ends);
        Assert.True(law.Identified, law.Verdict.Text);
        Near(Loss(1e18), law.PredictAt(1e18).Value, 0.01);
        Estimate at = law.PredictAt(1e18);
        Assert.True(at.Low < Loss(1e18) && Loss(1e18) < at.High);
        Assert.True(Math.Abs(law["Cmid"].Value / 1e18 - 1) < 0.5);
        // Read from its top alone without them it is a guess, and says so; a power law of the frontier is wrong by more.
        Law power = Law.Fit(LawForms.FrontierPower, Frontier(Loss, 0.002), bare with { Objective = Objective.SquaredLog });
        Assert.True(!power.Identified || !power.Fits || Math.Abs(power.PredictAt(1e18).Value / Loss(1e18) - 1) > 0.01);
    }

    /// <summary>Checkpoints say how accuracy follows the loss; few runs say how the loss follows N and D. Counts of 200 to 2,000 answers.</summary>
    [Fact]
    public void Two_steps_take_tables_of_their_own_chance_a_ceiling_and_counts()
    {
        static double Loss(double n, double d) => 0.4 + 20 * Math.Pow(n, -0.25) + 30 * Math.Pow(d, -0.25);
        static double Share(double x) => 0.25 + 0.75 / (1 + Math.Exp(9 * (x - 0.75)));
        List<Observation> losses = Grid(Loss, 0.003), accuracies = [];
        for (int i = 0; i < 60; i++)
        {
            var rng = new Rng(6, RandomPurpose.Test, i);
            double x = 0.65 + 0.012 * i;
            int items = i % 2 == 0 ? 200 : 2000, right = 0;
            for (int k = 0; k < items; k++) if (rng.NextDouble() < Share(x)) right++;
            accuracies.Add(Observation.Point(x, right / (double)items) with { Items = items });
        }
        TwoStep held = TwoStep.Fit(losses, accuracies, new(0.25, 1), new() { Bootstraps = 200 }),
            free = TwoStep.Fit(losses, accuracies, default, new() { Bootstraps = 200 });
        Assert.Equal(Objective.SquaredArcsine, held.Accuracy.Objective);
        Assert.Equal((0.25, 0.75), (held.Accuracy["b"].Value, held.Accuracy["a"].Value));
        double truth = Share(Loss(3e9, 6e10));
        Estimate said = held.Predict(3e9, 6e10);
        Assert.True(said.Low <= truth && truth <= said.High && said is { Low: >= 0, High: <= 1 }, $"{said}, {truth}");
        Near(truth, said.Value, 0.03);
        Assert.True(held.Accuracy["x0"].High - held.Accuracy["x0"].Low < free.Accuracy["x0"].High - free.Accuracy["x0"].Low);
        Assert.Contains("from 0 to 1", Assert.Throws<DataException>(() =>
            TwoStep.Fit(losses, [.. accuracies.Select(p => p with { Loss = 100 * p.Loss })], new(0.25), bare)).Message);
        Assert.Throws<ConfigException>(() => TwoStep.Fit(losses, accuracies, new(0.5, 0.4), bare));
        Assert.Throws<ConfigException>(() => TwoStep.Fit(losses, accuracies, new(null, 1), bare));
    }

    /// <summary>Half of the points of 40 answers, half of 4,000: weighed by their answers the middle is told three times as well.</summary>
    [Fact]
    public void Shares_of_more_answers_weigh_more()
    {
        double Spread(bool weighed)
        {
            double[] found = [.. Enumerable.Range(0, 60).Select(study =>
            {
                List<Observation> points = [];
                for (int i = 0; i < 24; i++)
                {
                    var rng = new Rng(8, RandomPurpose.Test, study, i);
                    double x = 0.3 + 0.05 * i, sd = Math.Sqrt(0.25 / (i % 2 == 0 ? 40 : 4000));
                    double share = Math.Pow(Math.Sin(Math.Asin(Math.Sqrt(0.1 + 0.8 / (1 + Math.Exp(6 * (x - 0.9))))) + sd * rng.NextNormal()), 2);
                    points.Add(Observation.Point(x, share) with { Items = weighed ? i % 2 == 0 ? 40 : 4000 : 1 });
                }
                return Law.Fit(LawForms.TaskSigmoid, points, bare with { HeldOut = false, Starts = 4, Objective = Objective.SquaredArcsine })["x0"].Value;
            })];
            return Math.Sqrt(found.Average(x => Math.Pow(x - 0.9, 2)));
        }
        Assert.True(Spread(true) < 0.5 * Spread(false));
    }
}
