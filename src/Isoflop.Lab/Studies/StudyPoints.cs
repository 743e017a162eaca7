using Isoflop.Lab.Laws;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>A study's runs as observations. N counts the parameters without the embedding.</summary>
static class StudyPoints
{
    public const string NMeaning = "parameters without the embedding";

    /// <summary>Runs that count for laws, at budgets up to <paramref name="below"/>.</summary>
    /// <exception cref="DataException">They are of two dials.</exception>
    public static IReadOnlyList<StudyResult> Counted(Study study, Workspace here, double below = double.PositiveInfinity)
    {
        IReadOnlyList<StudyResult> runs = StudyResult.Of(here, study.Record.Runs.Where(r => r.Phase == Phase.Ladder
            && r.Excluded.Length == 0 && r.Budget <= below * 1.001));
        return StudyResults.MixedDials(runs.Select(r => r.Run.Dial)) is { } mixed
            ? throw new DataException($"{study.Folder}: {mixed}; train them anew under another name") : runs;
    }

    public static Observation ObservationOf(StudyResult r) => new()
    {
        N = r.Run.ParametersWithoutEmbedding,
        D = r.Tokens,
        C = r.Flops,
        Loss = r.Loss,
        Unique = r.Tokens / Math.Max(1, r.Run.Epochs),
        Group = r.Run.Group,
        Seed = (long)r.Run.Seed,
        Name = r.Run.Name,
    };

    /// <summary>Losses by tag at the end of a run; empty: its corpus has no tags.</summary>
    public static IReadOnlyList<TagLoss> TagsOf(Workspace here, StudyResult r) =>
        RunFolder.ReadValid(here.RunFolder(r.Run.Name)).Last(v => v.Whole).Tags ?? [];

    public static Law Fit(IReadOnlyList<StudyResult> results, LawForm? form = null, FitOptions? options = null,
        CancellationToken stop = default) =>
        Law.Fit(form ?? LawForms.Chinchilla, [.. results.Select(ObservationOf)], (options ?? new()) with
        {
            NMeaning = NMeaning,
        }, stop);

    /// <summary>Of each budget the size with the best mean loss, its seeds in order.</summary>
    public static IReadOnlyList<IReadOnlyList<StudyResult>> BestSizes(IEnumerable<StudyResult> results) =>
        [.. results.GroupBy(r => r.Run.Budget).OrderBy(g => g.Key)
            .Select(b => b.GroupBy(r => r.Run.DModel).MinBy(s => s.Average(r => r.Loss))!.OrderBy(r => r.Run.Seed).ToArray())];

    /// <summary>Best mean loss of each budget.</summary>
    public static IReadOnlyList<(double Flops, double Loss)> Frontier(IEnumerable<StudyResult> results) =>
        [.. BestSizes(results).Select(s => (s.Average(r => r.Flops), s.Average(r => r.Loss)))];

    /// <summary>The straight line through ln loss and ln FLOPs of the frontier: what a forecast has to beat.</summary>
    public static double LineAt(IReadOnlyList<(double Flops, double Loss)> frontier, double flops)
    {
        if (frontier.Count < 2) return double.NaN;
        double mx = frontier.Average(p => Math.Log(p.Flops)), my = frontier.Average(p => Math.Log(p.Loss));
        double slope = frontier.Sum(p => (Math.Log(p.Flops) - mx) * (Math.Log(p.Loss) - my))
            / frontier.Sum(p => Math.Pow(Math.Log(p.Flops) - mx, 2));
        return Math.Exp(my + slope * (Math.Log(flops) - mx));
    }
}
