using Isoflop.Lab.Laws;
using MathNet.Numerics.Statistics;

namespace Isoflop.Lab.Studies;

/// <summary>Residuals of one budget under a law: ln(loss / predicted).</summary>
sealed record BudgetResiduals(double Budget, int Count, double Mean, double Sd);

/// <summary>One law over a stretch of budgets, and whether its residuals let it stand.</summary>
/// <param name="Survives">its misfit was tested, and no test of <see cref="LackOfFit"/> rejects it</param>
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

    /// <summary>The tests and their verdict, for a reader.</summary>
    public string Says => Law.LackOfFit.Count == 0 ? "One seed, too few sizes: nothing is tested."
        : FormattableString.Invariant($"F-tests of its misfit, Holm over {Law.LackOfFit.Count}, {100 * LackOfFit.Level:0} %: ") +
            string.Join("; ", Law.LackOfFit.Select(t => Verdicts.Says(t, Law.Objective))) +
            (Survives ? "; the law stands." : "; one law is not enough.");

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
        BudgetResiduals[] means = [.. inside.Zip(law.Residuals).GroupBy(p => p.First.Run.Budget).OrderBy(g => g.Key)
            .Select(g => Of(g.Key, [.. g.Select(p => Math.Log(p.Second.Loss / p.Second.Predicted))]))];
        return new(from, to, law.LackOfFit.Count > 0 && law.Fits, means.Max(b => Math.Abs(b.Mean)), means, law);
    }

    static BudgetResiduals Of(double budget, double[] x) => new(budget, x.Length, x.Average(), x.StandardDeviation());
}
