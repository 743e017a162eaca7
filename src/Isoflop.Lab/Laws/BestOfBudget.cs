namespace Isoflop.Lab.Laws;

/// <summary>The frontier's points: of each budget the size with the least mean loss, all its seeds.</summary>
static class BestOfBudget
{
    /// <summary>Smallest budget first.</summary>
    public static IEnumerable<int[]> Of(FitData data, IReadOnlyList<int> points) =>
        IsoFlopParabolas.Budgets(data, points).Select(budget => budget.GroupBy(i => Math.Round(data.LnN[i], 2))
            .MinBy(size => size.Average(i => data.Y[i]))!.ToArray());
}
