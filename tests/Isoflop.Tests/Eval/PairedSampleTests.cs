using Isoflop.Lab.Statistics;
using Xunit;

namespace Isoflop.Tests.Eval;

public sealed class PairedSampleTests
{
    static PairedSample Sample(double[] differences, params string[] clusters) =>
        new(differences, new double[differences.Length], null,
            clusters.Length > 0 ? clusters : [.. differences.Select((_, i) => $"{i}")]);

    [Theory]
    [InlineData(10, 2, 158.0 / 4096)]               // 2·(1 + 12 + 66)/2¹²
    [InlineData(2, 10, 158.0 / 4096)]
    [InlineData(6, 0, 2.0 / 64)]
    [InlineData(5, 0, 2.0 / 32)]
    [InlineData(1, 1, 1)]
    [InlineData(0, 0, 1)]
    [InlineData(4, 3, 1)]                           // 2·64/128
    public void McNemar_is_the_binomial_of_the_discordant(int b, int c, double p) =>
        Assert.Equal(p, PairedSample.McNemar(b, c), 1e-12);

    [Fact]
    public void Holm_multiplies_by_what_is_left_and_stays_monotone()
    {
        double[] adjusted = PairedSample.Holm([0.01, 0.04, 0.03, 0.005]);
        double[] want = [0.03, 0.06, 0.06, 0.02];
        for (int i = 0; i < 4; i++) Assert.Equal(want[i], adjusted[i], 1e-12);
        Assert.Equal([1.0, 1.0], PairedSample.Holm([0.7, 0.9]));
        Assert.Empty(PairedSample.Holm([]));
    }

    [Fact]
    public void Interval_is_robust_to_clusters()
    {
        // Sums 2, 0, 0 less D·W = ⅔ each: 4/3, −⅔, −⅔; √(24/9 · 3/2)/6 = ⅓; t of 2 degrees 4.302653.
        PairedSample x = Sample([1, 1, 0, 0, -1, 1], "x", "x", "y", "y", "z", "z");
        Assert.Equal((6, 3), (x.Items, x.Clusters));
        Assert.Equal(1.0 / 3, x.Difference, 1e-12);
        Assert.Equal(1.0 / 3, x.StandardError, 1e-12);
        Assert.Equal(1.0 / 3 - 4.302653 / 3, x.Interval()!.Value.Low, 1e-6);
        Assert.Equal(1.0 / 3 + 4.302653 / 3, x.Interval()!.Value.High, 1e-6);
    }

    [Fact]
    public void Without_clusters_the_error_is_that_of_a_mean()
    {
        PairedSample x = Sample([1, 2, 3, 4, 5, 6]);
        Assert.Equal(Math.Sqrt(3.5 / 6), x.StandardError, 1e-12);                 // variance 17.5/5 over 6
        Assert.Equal((2.570582 + 0.919544) * Math.Sqrt(3.5 / 6), x.Detectable()!.Value, 1e-5);
        Assert.Equal((2.0 / 64, "sign flip, exact"), x.Test(1000, 0, 0, default));
    }

    [Fact]
    public void A_ratio_weighs_by_bytes()
    {
        // 8 − 4 bits over 2 bytes and 3 − 3 over 6: D = 4/8; S − D·W = 4 − 1, 0 − 3; √(18·2)/8.
        var x = new PairedSample([8, 3], [4, 3], [2, 6], ["a", "b"]);
        Assert.Equal((11.0 / 8, 7.0 / 8, 0.5), (x.MeanA, x.MeanB, x.Difference));
        Assert.Equal(6.0 / 8, x.StandardError, 1e-12);
        Assert.False(x.Binary);
    }

    [Fact]
    public void Six_items_that_differ_are_the_least_that_can_be_seen()
    {
        Assert.Equal(6.0 / 100, Sample(new double[100]).Detectable());            // no difference at all is no proof of none
        Assert.Null(Sample(new double[5]).Detectable());
        Assert.Null(Sample([.. Enumerable.Repeat(1.0, 50)], [.. Enumerable.Range(0, 50).Select(i => $"{i % 5}")]).Detectable());
        PairedSample one = Sample([1, 0, 1], "x", "x", "x");
        Assert.Null(one.Interval());
        Assert.Null(one.Bootstrap(100, 0, 0, default));
    }

    [Fact]
    public void Few_flips_are_counted_and_many_drawn()
    {
        // Of the 2³ signs of 3, 1, 1 those with |sum| ≥ 5 are two, with |sum| ≥ 3 four.
        Assert.Equal(2.0 / 8, Sample([3, 1, 1]).Test(1, 0, 0, default).P);
        Assert.Equal(6.0 / 8, Sample([3, 1, -1]).Test(1, 0, 0, default).P);
        double[] many = [.. Enumerable.Range(0, 40).Select(i => i < 26 ? 0.5 : -0.5)];
        (double p, string name) = Sample(many).Test(100_000, 0, 0, default);
        Assert.Equal("sign flip", name);
        double want = PairedSample.McNemar(26, 14);                                // halves flip as ones do
        Assert.Equal(want, p, 4 * Math.Sqrt(want / 100_000));
        Assert.Equal("McNemar, exact", Sample([.. many.Select(d => d > 0 ? 1.0 : 0)]).Test(1, 0, 0, default).Name);
    }

    [Fact]
    public void The_bootstrap_is_seeded_and_near_the_interval()
    {
        var rng = new Rng(3, RandomPurpose.Test);
        double[] d = new double[400];
        string[] clusters = new string[400];
        double shared = 0;
        for (int i = 0; i < 400; i++)
        {
            if (i % 4 == 0) shared = rng.NextNormal();
            (d[i], clusters[i]) = (0.2 + shared + 0.1 * rng.NextNormal(), $"{i / 4}");
        }
        PairedSample x = Sample(d, clusters);
        (double Low, double High) boot = x.Bootstrap(10_000, 1, 0, default)!.Value, robust = x.Interval()!.Value;
        Assert.Equal(boot, x.Bootstrap(10_000, 1, 0, default));
        Assert.NotEqual(boot, x.Bootstrap(10_000, 2, 0, default));
        // A percentile of 10,000 draws errs by about 0.03 of an error; t against the normal by 0.02 of one.
        Assert.Equal(robust.Low, boot.Low, 0.2 * x.StandardError);
        Assert.Equal(robust.High, boot.High, 0.2 * x.StandardError);
    }

    [Theory, InlineData(1), InlineData(5)]
    public void Two_alike_are_told_apart_no_oftener_than_promised(int perCluster)
    {
        const int Trials = 600, Groups = 40;
        int alarms = 0, naive = 0, outside = 0;
        for (int t = 0; t < Trials; t++)
        {
            var rng = new Rng((ulong)t, RandomPurpose.Test, perCluster);
            double[] a = new double[Groups * perCluster], b = new double[a.Length];
            string[] clusters = new string[a.Length];
            for (int i = 0; i < a.Length; i++)
            {
                bool first = i % perCluster == 0;                                  // all of a cluster alike: the worst case
                (a[i], b[i]) = first ? (rng.NextInt(2), rng.NextInt(2)) : (a[i - 1], b[i - 1]);
                clusters[i] = $"{i / perCluster}";
            }
            var x = new PairedSample(a, b, null, clusters);
            if (x.Test(400, (ulong)t, 0, default).P < 0.05) alarms++;
            if (PairedSample.McNemar(x.OnlyA, x.OnlyB) < 0.05) naive++;
            if (x.Interval()!.Value is { Low: > 0 } or { High: < 0 }) outside++;
        }
        double nominal = 0.05 * Trials, spread = 3 * Math.Sqrt(0.05 * 0.95 * Trials);
        Assert.InRange(alarms, 0, nominal + spread);
        Assert.InRange(outside, 0, nominal + spread + 0.01 * Trials);              // t over sums of few values: 1 % of slack
        if (perCluster > 1) Assert.True(naive > nominal + 2 * spread, $"McNemar alarmed {naive} times: no test of clusters");
    }

    [Fact]
    public void What_could_have_been_seen_is_seen_four_times_in_five()
    {
        const int Trials = 400, Items = 400;
        // Independent answers right with p and q: a difference of d has the error √((p(1 − p) + q(1 − q))/n).
        const double Q = 0.5, P = 0.597;                                           // 2.80 errors of √(0.4906/400) = 0.0350
        int seen = 0;
        double detectable = 0;
        for (int t = 0; t < Trials; t++)
        {
            var rng = new Rng((ulong)t, RandomPurpose.Test, 9);
            double[] a = new double[Items], b = new double[Items];
            for (int i = 0; i < Items; i++) (a[i], b[i]) = (rng.NextDouble() < P ? 1 : 0, rng.NextDouble() < Q ? 1 : 0);
            var x = new PairedSample(a, b, null, [.. Enumerable.Range(0, Items).Select(i => $"{i}")]);
            if (x.Test(1, 0, 0, default).P < 0.05) seen++;
            detectable += x.Detectable()!.Value / Trials;
        }
        Assert.Equal(P - Q, detectable, 0.002);
        // Three errors of a binomial, and 5 % below for what the exact test gives away.
        Assert.InRange(seen, (0.75 - 0.06) * Trials, (0.8 + 0.06) * Trials);
    }
}
