using Isoflop.Lab.Laws;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>A law against the runs of another table.</summary>
public sealed class ForetoldTests
{
    static double Planted(double n, double d) => 1.7 + 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3);

    static Observation At(double n, double d, double noise, long k, double shift = 0) => new()
    {
        N = n,
        D = d,
        Loss = Planted(n, d) * Math.Exp(shift + noise * new Rng(5, RandomPurpose.Test, k).NextNormal()),
        Name = $"{n:0.#e0}",
    };

    static Law Fitted(double noise) => Law.Fit(LawForms.Chinchilla, [.. from i in Enumerable.Range(0, 6) from ratio in (double[])[5, 20, 80]
        select At(1e5 * Math.Pow(3, i), ratio * 1e5 * Math.Pow(3, i), noise, 100 * i + (long)ratio)], new() { Bootstraps = 200 });

    [Fact]
    public void Errors_keep_their_signs_and_intervals_are_counted()
    {
        Law law = Fitted(0.003);
        List<Observation> other = [.. Enumerable.Range(0, 40).Select(i =>
            At(1e5 * Math.Pow(1.16, i), (i % 2 == 0 ? 200 : 8) * 1e5 * Math.Pow(1.16, i), 0.003, 1000 + i))];
        Foretold f = Foretold.Of(law, other);
        Assert.Equal((40, 40, 0), (f.Measured, f.Judged, f.Refused.Count));
        Assert.True(f.Coverage.High >= 0.95 && f.Coverage.Low <= 0.95, $"{f.Inside} of 40");
        Assert.True(Math.Abs(f.Mean) < 0.003 && f.Size < 0.006, $"{f.Mean} {f.Size}");
        Assert.Contains(f.Rows, r => r.Extrapolated);
        Assert.Contains(f.Rows, r => !r.Extrapolated);
        Assert.Equal(law.Predict(other[7].N, other[7].D).Value, f.Rows[7].Said.Value);

        // Three percent above: every error has that sign, and intervals fail.
        Foretold biased = Foretold.Of(law, [.. other.Select(p => p with { Loss = 1.03 * p.Loss })]);
        Assert.Equal((40, 0.0), (biased.Above, Math.Round(biased.Mean - f.Mean - 0.03, 2)));
        Assert.True(biased.Coverage.High < 0.5);
    }

    [Fact]
    public void Rows_out_of_reach_are_left_out_with_their_reason_and_losses_may_be_missing()
    {
        Law law = Fitted(0.001);
        Foretold f = Foretold.Of(law, [At(1e6, 2e7, 0, 1) with { Loss = double.NaN }, At(1e13, 1e7, 0, 2), At(1e6, 3e13, 0, 3), At(2e6, 2e7, 0, 4)]);
        Assert.Equal((2, 1), (f.Rows.Count, f.Measured));
        Assert.Equal(["N = 1e13", "D = 3e13"], f.Refused.Select(r => r.Reason.Split(" is")[0]));
        Assert.True(double.IsNaN(f.Rows[0].Error));
    }

    [Fact]
    public void A_form_that_does_not_fit_has_errors_and_no_coverage()
    {
        Law law = Fitted(0.001) with { LackOfFit = [new("seeds", 99, 3, 30, 0.1, 0.001, 1e-20)] };
        Foretold f = Foretold.Of(law, [At(1e6, 2e7, 0, 1)]);
        Assert.Equal((1, 0), (f.Measured, f.Judged));
        Assert.True(double.IsNaN(f.Coverage.Value));
        Assert.Throws<DataException>(() => Foretold.Of(Law.Fit(LawForms.Chinchilla, [At(1e6, 2e7, 0, 1)]), [At(1e6, 2e7, 0, 1)]));
    }
}
