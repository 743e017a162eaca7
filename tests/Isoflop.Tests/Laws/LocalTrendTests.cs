using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using MathNet.Numerics.Distributions;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>The frontier's last slope and the width of its drift.</summary>
public sealed class LocalTrendTests
{
    static readonly double half = Math.Sqrt(10);

    [Fact]
    public void A_power_law_goes_on_without_width()
    {
        LocalTrend trend = LocalTrend.Of(Enumerable.Range(0, 6).Select(i => (1e9 * Math.Pow(half, i), 5 * Math.Pow(0.93, i))))!;
        Estimate at = trend.At(1e9 * Math.Pow(10, 4.5));
        Assert.Equal(5 * Math.Pow(0.93, 9), at.Value, 9);
        Assert.True(at.High - at.Low < 1e-9);
        Assert.All(trend.Exponents, e => Assert.Equal(-2 * Math.Log(0.93), e.Exponent, 9));
    }

    /// <summary>Changes of .01, −.01, .02 a half decade: q² = 2e-4; √5·q·t₃ at ten times, √30·q·t₃ at a hundred times.</summary>
    [Fact]
    public void The_width_is_of_the_changes_to_come()
    {
        double[] falls = [0.05, 0.06, 0.05, 0.07];
        List<(double, double)> points = [(1e12, 4)];
        foreach (double fall in falls) points.Add((points[^1].Item1 * half, points[^1].Item2 * Math.Exp(-fall)));
        LocalTrend trend = LocalTrend.Of(points)!;
        Assert.Equal(3, trend.Df);
        Assert.Equal(Math.Sqrt(2e-4), trend.Drift, 12);
        double t = StudentT.InvCDF(0, 1, 3, 0.975), last = points[^1].Item1;
        foreach ((double factor, double root) in ((double, double)[])[(10, Math.Sqrt(5)), (100, Math.Sqrt(30))])
        {
            Estimate at = trend.At(factor * last);
            Assert.Equal(points[^1].Item2 * Math.Pow(factor, -0.14 / Math.Log(10)), at.Value, 9);
            Assert.Equal(t * root * Math.Sqrt(2e-4), Math.Log(at.High / at.Value), 9);
            Assert.Equal(t * root * Math.Sqrt(2e-4), Math.Log(at.Value / at.Low), 9);
        }
    }

    /// <summary>Slopes that walk: 95 % of 2,000 studies hold 10 and 100 times the compute, within the binomial's 99.9 %.</summary>
    [Theory, InlineData(0.0, false), InlineData(0.004, true)]
    public void The_interval_holds_as_often_as_it_says(double noise, bool more)
    {
        const int Studies = 2000;
        int[] held = new int[2];
        for (int study = 0; study < Studies; study++)
        {
            var rng = new Rng(7, RandomPurpose.Test, study);
            double slope = 0.1, y = Math.Log(6);
            List<double> logs = [y];
            for (int i = 0; i < 11; i++)
            {
                slope += 0.01 * rng.NextNormal();
                logs.Add(y -= slope);
            }
            (double, double)[] seen = [.. logs.Take(8).Select((l, i) =>
                (1e9 * Math.Pow(half, i), Math.Exp(l + noise * rng.NextNormal())))];
            LocalTrend trend = LocalTrend.Of(seen)!;
            foreach ((int k, int h) in ((int, int)[])[(0, 2), (1, 4)])
                if (trend.At(seen[^1].Item1 * Math.Pow(half, h)) is var e && e.Low <= Math.Exp(logs[7 + h]) && Math.Exp(logs[7 + h]) <= e.High)
                    held[k]++;
        }
        foreach (int k in held)
        {
            (double low, double high) = ExactShare.Of(k, Studies, 0.999);
            Assert.True(high >= 0.95 && (more || low <= 0.95), $"{k} of {Studies}");
        }
    }

    /// <summary>The top of an S-curve, as small models have it: power laws of the frontier miss it, and their interval too.</summary>
    [Fact]
    public void Where_the_slope_steepens_the_local_trend_holds_what_a_power_law_does_not()
    {
        static double Loss(double c) => 1 + 6 / (1 + Math.Pow(c / 1e14, 0.25));
        List<Observation> points = [];
        for (int b = 0; b < 7; b++)
            foreach (double off in (double[])[-1, 0, 1])
                for (int seed = 0; seed < 2; seed++)
                {
                    double c = 1e10 * Math.Pow(half, b), n = Math.Sqrt(c / 120) * Math.Pow(2, off);
                    var rng = new Rng(1, RandomPurpose.Test, b, (long)(10 * off) + 10 + 100 * seed);
                    points.Add(new() { N = n, D = c / 6 / n, Loss = Loss(c) * Math.Exp(0.01 * off * off + 0.001 * rng.NextNormal()), Seed = seed });
                }
        Law trend = Law.Fit(LawForms.LocalTrend, points);
        Assert.Equal(VerdictKind.KeepsImproving, trend.Verdict.Kind);
        foreach (double at in (double[])[1e14, 1e15])
        {
            Estimate said = trend.PredictAt(at);
            Assert.True(said.Low < Loss(at) && Loss(at) < said.High, $"{at:e0}: {said}, {Loss(at)}");
            Assert.True(said.High / said.Low < 1.6);
        }
        Law power = Law.Fit(LawForms.KaplanC, [.. points.Where(p => Math.Abs(p.N * p.N / (p.C / 120) - 1) < 0.1)],
            new() { Bootstraps = 200 });
        Assert.False(power.Fits && power.PredictAt(1e15).Low < Loss(1e15));
    }

    [Fact]
    public void Its_law_is_saved_and_says_what_it_lacks()
    {
        List<Observation> points = [.. Enumerable.Range(0, 5).Select(i =>
            new Observation { N = 1e5 * Math.Pow(1.8, i), D = 2e6 * Math.Pow(1.8, i), Loss = 4 * Math.Pow(0.93 - 0.004 * i, i) })];
        Law law = Law.Fit(LawForms.LocalTrend, points);
        string path = Path.GetTempFileName();
        law.Save(path);
        Assert.Equal(law.PredictAt(1e14), Law.Load(path).PredictAt(1e14));
        Assert.Equal(law.Optimal(1e14), Law.Load(path).Optimal(1e14));
        File.Delete(path);

        Law few = Law.Fit(LawForms.LocalTrend, [.. points.Take(3)]);
        Assert.Contains("at least 4 are needed", few.Verdict.Text);
        Assert.Contains("budgets, and 4 are needed", Law.Fit(LawForms.LocalTrend,
            [.. points.Take(3), points[2] with { N = 2 * points[2].N, D = points[2].D / 2 }]).Verdict.Text);
    }
}
