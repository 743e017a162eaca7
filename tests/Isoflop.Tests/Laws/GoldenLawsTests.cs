using System.Text.Json;
using Isoflop.Lab.Laws;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>The figures of golden.json: an independent program's fits of published measurements.</summary>
public class GoldenLawsTests
{
    static readonly FitOptions bare = new() { Bootstraps = 0, HeldOut = false };

    [Theory, InlineData(240), InlineData(245)]
    public void The_Chinchilla_surface_reaches_the_true_minimum(int points)
    {
        JsonElement golden = SharedData.Golden().GetProperty($"chinchilla_approach3_{points}pts");
        Law law = Law.Fit(LawForm.Chinchilla, SharedData.Chinchilla(points), bare);
        double least = golden.GetProperty("min").GetDouble();
        Assert.InRange(law.ObjectiveValue, least * (1 - 1e-6), least * (1 + 1e-6));
        foreach (string name in (string[])["A", "B", "E", "alpha", "beta"])
            Assert.Equal(1, law[name].Value / golden.GetProperty(name).GetDouble(), name is "A" or "B" ? 2e-3 : 2e-4);
        Assert.True(law.Identified);
        Assert.InRange(law.Agreeing, 2, law.Starts);
    }
}
