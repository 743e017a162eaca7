using Isoflop.Lab.Charts;

namespace Isoflop.Lab.Thinking;

/// <summary>Replies whose values lie together.</summary>
/// <param name="Foretold">mean value</param> <param name="Right">share that were right</param>
/// <param name="Low">of its 95 % interval, items drawn as clusters</param>
sealed record ReliabilityBin(int Count, double Foretold, double Right, double Low, double High);

/// <summary>Whether values mean what they say.</summary>
/// <param name="Bins">of equal counts</param> <param name="Brier">mean of (value − right)²</param>
/// <param name="Error">expected calibration error: mean over the bins of |foretold − right|</param>
/// <param name="Area">a right one's value is above a wrong one's; ½: it tells nothing</param>
sealed record Reliability(int Count, IReadOnlyList<ReliabilityBin> Bins, double Brier, double Error, double Area)
{
    /// <summary>From values and outcomes; those of one item are one cluster.</summary>
    internal static Reliability Of(IReadOnlyList<(int Item, double Value, bool Right)> of, int bins = 10)
    {
        var sorted = of.OrderBy(v => v.Value).ToList();
        List<ReliabilityBin> all = [];
        for (int b = 0; b < bins; b++)
        {
            var part = sorted[(sorted.Count * b / bins)..(sorted.Count * (b + 1) / bins)];
            if (part.Count == 0) continue;
            double mean = part.Average(p => p.Right ? 1.0 : 0);
            // √(C/(C−1)·Σ_c(Σ_{i∈c}(s_i − s̄))²)/n
            double[] clusters = [.. part.GroupBy(p => p.Item).Select(c => c.Sum(p => (p.Right ? 1 : 0) - mean))];
            double error = clusters.Length < 2 ? double.NaN
                : Math.Sqrt(clusters.Length / (clusters.Length - 1.0) * clusters.Sum(c => c * c)) / part.Count;
            all.Add(new(part.Count, part.Average(p => p.Value), mean, Math.Max(0, mean - 1.96 * error),
                Math.Min(1, mean + 1.96 * error)));
        }
        return new(of.Count, all, of.Average(v => Math.Pow(v.Value - (v.Right ? 1 : 0), 2)),
            all.Sum(b => b.Count * Math.Abs(b.Foretold - b.Right)) / of.Count, AreaOf([.. of.Select(v => (v.Value, v.Right))]));
    }

    /// <summary>Mann and Whitney's: share of pairs of a right and a wrong one in order, ties half. NaN where one kind is
    /// missing.</summary>
    internal static double AreaOf(IReadOnlyList<(double Value, bool Right)> of)
    {
        double above = 0, wrong = 0;
        foreach (var tie in of.GroupBy(v => v.Value).OrderBy(g => g.Key))
        {
            double r = tie.Count(v => v.Right), w = tie.Count() - r;
            above += r * (wrong + w / 2);
            wrong += w;
        }
        return above / ((of.Count - wrong) * wrong);
    }

    /// <summary>Right against foretold, before and after the calibration.</summary>
    public static Chart Picture(ScorerCard card)
    {
        static ChartSeries Of(string name, Reliability r) => new(name, [.. r.Bins.Select(b => (b.Foretold, b.Right))])
        {
            Range = [.. r.Bins.Select(b => (b.Low, b.High))],
        };
        return new Chart("Does a value of 0.7 mean right in 70 %?", "value given", "share with a right answer in the end",
            [Of("as trained", card.Raw), Of("calibrated", card.Calibrated), new("perfect", [(0, 0), (1, 1)]) { Dashed = true }])
        {
            LogX = false,
            XLimits = (-0.02, 1.02),                             // marks at an end are whole
            Subtitle = FormattableString.Invariant($"Brier {card.Raw.Brier:0.000} → {card.Calibrated.Brier:0.000}, ") +
                FormattableString.Invariant($"AUC {card.Calibrated.Area:0.000}; areas: 95 %, items as clusters"),
        }.AsShares();
    }
}

/// <summary>p = σ(slope·logit(raw) + offset), fitted by the likelihood.</summary>
static class Platt
{
    const double Least = 1e-6;

    public static double At(double raw, double slope, double offset) => 1 / (1 + Math.Exp(-(slope * Logit(raw) + offset)));

    static double Logit(double p)
    {
        p = Math.Clamp(p, Least, 1 - Least);
        return Math.Log(p / (1 - p));
    }

    /// <summary>Newton's method from (1, 0); a little of a prior towards it, so that separable points have a maximum
    /// too.</summary>
    public static (double Slope, double Offset) Fit(IReadOnlyList<(double Raw, bool Right)> of)
    {
        const double Prior = 1;
        double a = 1, b = 0;
        for (int round = 0; round < 50; round++)
        {
            double ga = Prior * (1 - a), gb = -Prior * b, haa = Prior, hab = 0, hbb = Prior;
            foreach ((double raw, bool right) in of)
            {
                double x = Logit(raw), p = 1 / (1 + Math.Exp(-(a * x + b))), w = p * (1 - p), r = (right ? 1 : 0) - p;
                (ga, gb, haa, hab, hbb) = (ga + r * x, gb + r, haa + w * x * x, hab + w * x, hbb + w);
            }
            double det = haa * hbb - hab * hab, da = (hbb * ga - hab * gb) / det, db = (haa * gb - hab * ga) / det;
            double length = Math.Sqrt(da * da + db * db), shrink = length > 2 ? 2 / length : 1;
            (a, b) = (a + da * shrink, b + db * shrink);
            if (length < 1e-10) break;
        }
        return (a, b);
    }
}
