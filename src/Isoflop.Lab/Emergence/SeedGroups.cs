using Isoflop.Lab.Statistics;

namespace Isoflop.Lab.Emergence;

/// <summary>The seeds of a task at one budget: how many have broken through, and whether they fall into two groups.</summary>
/// <param name="Through">seeds whose ability is above <see cref="MapRules.Through"/></param>
/// <param name="Range">of the share that has, exact, 95 %</param>
/// <param name="P">of two groups that are one, by <see cref="TwoGroups"/>, as one of all cells of the map that are tested
/// (Holm)</param>
sealed record SeedGroups(string Task, double Flops, int Seeds, int Through, (double Low, double High) Range, double P)
{
    /// <summary>Fewer seeds cannot show two groups.</summary>
    public const int MinSeeds = 8;

    /// <summary>They fall into two groups.</summary>
    public bool Two => P <= MapRules.Level;

    /// <summary>Every task and budget with seeds enough, in the map's order.</summary>
    public static IReadOnlyList<SeedGroups> All(CapabilityMap map)
    {
        List<SeedGroups> cells = [];
        foreach (TaskCurve curve in map.Curves)
            foreach (TaskRung rung in curve.Rungs.Where(r => r.Seeds.Count >= MinSeeds))
            {
                int through = rung.Seeds.Count(s => (s.Accuracy - rung.Chance) / (1 - rung.Chance) > MapRules.Through);
                cells.Add(new(curve.Task, rung.Flops, rung.Seeds.Count, through,
                    ExactShare.Of(through, rung.Seeds.Count, 0.95), TwoGroups.P([.. Spread(rung)])));
            }
        double[] p = PairedSample.Holm([.. cells.Select(c => c.P)]);
        return [.. cells.Select((c, i) => c with { P = p[i] })];
    }

    /// <summary>
    /// Accuracies as they were before they were counts: each anywhere in its own step of 1/items. Equal counts would else look
    /// like groups.
    /// </summary>
    static IEnumerable<double> Spread(TaskRung rung)
    {
        var rng = RandomUse.Groups.Open(2, step: rung.Items);
        foreach (SeedScore s in rung.Seeds) yield return s.Accuracy + (rng.NextDouble() - 0.5) / rung.Items;
    }
}
