using Isoflop.Lab.Laws;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>Parameters that are given: fixed, or with a prior.</summary>
public sealed class KnownTests
{
    static double Planted(double n, double d) => 1.7 + 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3);

    static List<Observation> Grid(double noise, ulong world = 1)
    {
        var points = new List<Observation>();
        for (int b = 0; b < 5; b++)
            foreach (double off in (double[])[-1, -0.5, 0, 0.5, 1])
            {
                double c = 1e16 * Math.Pow(Math.Sqrt(10), b), n = Math.Sqrt(c / 120) * Math.Exp(off), d = c / 6 / n;
                points.Add(new() { N = n, D = d, Loss = Planted(n, d) * Math.Exp(noise * new Rng(world, RandomPurpose.Test, points.Count).NextNormal()) });
            }
        return points;
    }

    static readonly FitOptions bare = new() { Bootstraps = 0 };

    [Theory, InlineData("E", 1.7), InlineData("alpha", 0.34), InlineData("A", 400.0), InlineData("B", 900.0)]
    public void A_fixed_parameter_stays_and_the_others_come_back(string name, double value)
    {
        Law law = Law.Fit(LawForms.Chinchilla, Grid(0), bare with { Known = [new(name, value)], Objective = Objective.SquaredLog });
        Assert.Equal(value, law[name].Value);
        foreach ((string other, double want) in ((string, double)[])[("E", 1.7), ("A", 400), ("alpha", 0.34), ("B", 900), ("beta", 0.3)])
            Assert.True(Math.Abs(law[other].Value / want - 1) < 2e-3, $"{other} {law[other].Value}");
    }

    /// <summary>A's coordinate hangs on alpha's: both held at once, in either order.</summary>
    [Fact]
    public void Two_fixed_parameters_of_one_term_both_stay()
    {
        foreach (Known[] known in (Known[][])[[new("A", 400), new("alpha", 0.34)], [new("alpha", 0.34), new("A", 400)]])
        {
            Law law = Law.Fit(LawForms.Chinchilla, Grid(0.002), bare with { Known = known });
            Assert.Equal((400, 0.34), (law["A"].Value, law["alpha"].Value));
            Assert.True(Math.Abs(law["E"].Value / 1.7 - 1) < 0.1, $"{law["E"]}");
            Residual first = law.Residuals[0];
            Assert.Equal(first.Predicted, law.Predict(first.N, first.D).Value, 12);
        }
    }

    /// <summary>Where E is given, points on one curve tell the rest of a tied surface's frontier that they cannot alone.</summary>
    [Fact]
    public void What_is_given_narrows_the_rest()
    {
        List<Observation> points = Grid(0.004);
        FitOptions options = new() { Bootstraps = 200, Objective = Objective.SquaredLog };
        Law alone = Law.Fit(LawForms.Chinchilla, points, options), given = Law.Fit(LawForms.Chinchilla, points, options with { Known = [new("E", 1.7)] });
        double Width(Law law, string name) => law[name].High - law[name].Low;
        Assert.True(Width(given, "alpha") < Width(alone, "alpha"));
        Assert.True(Width(given, "beta") < 0.8 * Width(alone, "beta"));
        Assert.Equal((1.7, 1.7), (given["E"].Low, given["E"].High));
        Assert.True(given["beta"].Low < 0.3 && given["beta"].High > 0.3);
        Assert.DoesNotContain("contradict", given.Verdict.Text);
    }

    /// <summary>
    /// A line in logarithms, where the posterior of a normal prior is known in closed form: precision-weighted means.
    /// </summary>
    [Fact]
    public void A_prior_weighs_as_much_as_its_width_says()
    {
        List<Observation> points = [.. Enumerable.Range(0, 40).Select(i => Observation.Point(Math.Pow(1.2, i),
            3 * Math.Pow(1.2, -0.3 * i) * Math.Exp(0.2 * new Rng(3, RandomPurpose.Test, i).NextNormal())))];
        Law alone = Law.Fit(LawForms.PowerLaw, points, new() { Bootstraps = 2000 });
        double mean = points.Average(o => Math.Log(o.X));
        double p = alone["p"].Value, se = Math.Sqrt(alone.Residuals.Sum(r => r.Value * r.Value) / 38 / points.Sum(o => Math.Pow(Math.Log(o.X) - mean, 2)));
        Law with = Law.Fit(LawForms.PowerLaw, points, new() { Bootstraps = 2000, Known = [new("p", -0.25, se)] });
        Assert.Equal((p - 0.25) / 2, with["p"].Value, 3);
        double narrowed = (with["p"].High - with["p"].Low) / (alone["p"].High - alone["p"].Low);
        Assert.True(Math.Abs(narrowed - Math.Sqrt(0.5)) < 0.12, $"{narrowed}");
    }

    [Theory, InlineData("E", 1.2, 0.0), InlineData("alpha", 0.6, 0.02)]
    public void What_the_points_contradict_is_said(string name, double value, double sd)
    {
        Law law = Law.Fit(LawForms.Chinchilla, Grid(0.0005), new() { Bootstraps = 50, Known = [new(name, value, sd)] });
        Assert.True(law.Known.Single().Contradicts, law.Known.Single().Text);
        Assert.Contains($"contradict {name}", law.Verdict.Text);
        Law loose = Law.Fit(LawForms.Chinchilla, Grid(0.0005), new() { Bootstraps = 0, Known = [new(name, value, 1)] });
        Assert.False(loose.Known.Single().Contradicts);
    }

    [Theory]
    [InlineData("no parameter 'F'", "F=1", false)]
    [InlineData("must be above 0", "E=-1", false)]
    [InlineData("must be a name and a value", "E", false)]
    [InlineData("± its standard deviation", "E=1.7", true)]
    [InlineData("must be above 0", "E=1.7±0", true)]
    public void What_cannot_be_given_is_refused(string message, string text, bool prior)
    {
        ConfigException e = Assert.Throws<ConfigException>(() =>
            Law.Fit(LawForms.Chinchilla, Grid(0.001), bare with { Known = [Isoflop.Cli.KnownOptions.Parse(text, prior)] }));
        Assert.Contains(message, e.Message);
        Assert.Contains("budget by budget", Assert.Throws<ConfigException>(() =>
            Law.Fit(LawForms.IsoFlop, Grid(0.001), bare with { Known = [new("a", 0.5)] })).Message);
    }
}
