using Isoflop.Lab.Laws;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Studies;

/// <summary>Residuals of one budget under a law: ln(loss / predicted).</summary>
/// <param name="P">of a two-sided t-test that their mean is 0</param>
sealed record BudgetResiduals(double Budget, int Count, double Mean, double Sd, double P);

/// <summary>One law over a stretch of budgets, and whether its residuals let it stand.</summary>
/// <param name="Survives">no budget's mean residual differs from 0 at 5 %, Holm's correction over the budgets</param>
/// <param name="Worst">largest |mean residual| of a budget</param>
sealed record LawRange(double From, double To, bool Survives, double Worst, IReadOnlyList<BudgetResiduals> Budgets,
    Law Law)
{
    /// <summary>Budgets at least of a stretch: two more than a straight line has parameters.</summary>
    const int MinBudgets = 3;

    /// <summary>log10 of its ends' ratio.</summary>
    public double Decades => Math.Log10(To / From);

    /// <summary>"2.5 decades".</summary>
    public string Span => Spanned(From, To);

    /// <summary>The test and its verdict, for a reader.</summary>
    public string Says
    {
        get
        {
            // Holm: the least p against 5 % over the number of tests, the next against one fewer, until one passes.
            BudgetResiduals[] rising = [.. Budgets.Where(b => double.IsFinite(b.P)).OrderBy(b => b.P)];
            BudgetResiduals[] differ = [.. rising.TakeWhile((b, i) => b.P < Level / (rising.Length - i)).OrderBy(b => b.Budget)];
            string test = FormattableString.Invariant(
                $"t-test of each budget's mean against 0, Holm over {rising.Length} budgets, {100 * Level:0} %: ");
            return rising.Length == 0 ? "One run a budget: nothing is tested."
                : differ.Length == 0
                    ? FormattableString.Invariant($"{test}none differs (least p {rising[0].P:0.0##}); the law stands.")
                : test + string.Join(", ", differ.Select(b => FormattableString.Invariant($"{b.Budget:0.##e0}"))) +
                    FormattableString.Invariant($" differ{(differ.Length == 1 ? "s" : "")} (least p {rising[0].P:0.0e0}); ") +
                    "one law is not enough.";
        }
    }

    const double Level = 0.05;

    internal static string Spanned(double from, double to) =>
        Math.Round(Math.Log10(to / from), 1) is var d && d == 1 ? "1 decade" : FormattableString.Invariant($"{d:0.#} decades");

    /// <summary>Every stretch of neighbouring budgets, the longest first and of those the highest.</summary>
    public static IReadOnlyList<LawRange> All(IReadOnlyList<StudyResult> results, LawForm? form = null,
        CancellationToken stop = default)
    {
        double[] budgets = [.. results.Select(r => r.Run.Budget).Distinct().Order()];
        List<LawRange> ranges = [];
        for (int n = budgets.Length; n >= MinBudgets; n--)
            for (int first = budgets.Length - n; first >= 0; first--)
                if (Of(results, budgets[first], budgets[first + n - 1], form, stop) is { } range) ranges.Add(range);
        return ranges;
    }

    /// <summary>The longest stretch that ends at the largest budget and survives; null: none does.</summary>
    public static LawRange? Longest(IReadOnlyList<StudyResult> results, LawForm? form = null,
        CancellationToken stop = default)
    {
        double[] budgets = [.. results.Select(r => r.Run.Budget).Distinct().Order()];
        for (int first = 0; first <= budgets.Length - MinBudgets; first++)
            if (Of(results, budgets[first], budgets[^1], form, stop) is { Survives: true } range) return range;
        return null;
    }

    /// <summary>One law from a budget to another; null: the points do not identify it.</summary>
    public static LawRange? Of(IReadOnlyList<StudyResult> results, double from, double to, LawForm? form = null,
        CancellationToken stop = default)
    {
        StudyResult[] inside = [.. results.Where(r => r.Run.Budget >= from * 0.999 && r.Run.Budget <= to * 1.001)];
        Law law = StudyPoints.Fit(inside, form, new() { Bootstraps = 0, HeldOut = false }, stop);
        if (law.Residuals.Count != inside.Length) return null;
        BudgetResiduals[] tests = [.. inside.Zip(law.Residuals).GroupBy(p => p.First.Run.Budget).OrderBy(g => g.Key)
            .Select(g => Test(g.Key, [.. g.Select(p => Math.Log(p.Second.Loss / p.Second.Predicted))]))];
        double[] sorted = [.. tests.Select(t => t.P).Where(double.IsFinite).Order()];
        bool survives = sorted.Length > 0 && sorted[0] >= Level / sorted.Length;       // Holm rejects any only with the least
        return new(from, to, survives, tests.Max(t => Math.Abs(t.Mean)), tests, law);
    }

    static BudgetResiduals Test(double budget, double[] x)
    {
        double mean = x.Average();
        if (x.Length < 2) return new(budget, x.Length, mean, double.NaN, double.NaN);
        double sd = x.StandardDeviation(), t = mean / (sd / Math.Sqrt(x.Length));
        return new(budget, x.Length, mean, sd, 2 * StudentT.CDF(0, 1, x.Length - 1, -Math.Abs(t)));
    }
}
