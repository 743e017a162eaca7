using Isoflop.Data;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Emergence;

/// <summary>What a fit says no model can save, beside what the generator knows.</summary>
/// <param name="Of">"all", or a family</param> <param name="Known">nats a token, of the generator</param>
/// <param name="Fitted">E of L = E + A/N^α + B/D^β; NaN: not identified</param>
/// <param name="Best">loss of the best run, nats a token</param>
public sealed record EntropyCheck(string Of, double Known, Estimate Fitted, double Best)
{
    /// <summary>
    /// All tasks together, then each family, over the longest stretch of budgets up to the last on which one law of the whole
    /// loss survives the test of its residuals; over all budgets where none does. Empty: the corpus knows no entropies.
    /// </summary>
    public static IReadOnlyList<EntropyCheck> All(Study study, Workspace here)
    {
        CorpusInfo corpus = CorpusInfo.Load(here.CorpusFolder(study.Record.Recipe.Corpus));
        if (corpus.TagEntropies.Count == 0) return [];
        IReadOnlyList<StudyResult> counted = StudyPoints.Counted(study, here);
        double from = LawRange.Longest(counted, stop: here.Stop)?.From ?? 0;
        var runs = counted.Where(r => r.Run.Budget >= from * 0.999).Select(r => (Run: r, Tags: StudyPoints.TagsOf(here, r)))
            .ToArray();
        var known = corpus.Tags.Zip(corpus.TagEntropies).Where(t => t.Second is not null)
            .ToDictionary(t => t.First, t => t.Second!.Value);
        TagLoss[] tasks = [.. runs[^1].Tags.Where(t => known.ContainsKey(t.Tag))];
        return [Check("all", tasks), .. tasks.GroupBy(t => t.Tag.Split('.')[0]).Select(g => Check(g.Key, [.. g]))];

        EntropyCheck Check(string name, TagLoss[] of)
        {
            double all = of.Sum(t => t.Tokens);
            Observation[] points = [.. runs.Select(r => StudyPoints.ObservationOf(r.Run) with
            {
                Loss = of.Sum(t => t.Tokens / all * r.Tags.First(x => x.Tag == t.Tag).Loss),
            })];
            Law law = Law.Fit(LawForms.Chinchilla, points, new() { Bootstraps = 200, HeldOut = false }, here.Stop);
            return new(name, of.Sum(t => t.Tokens / all * known[t.Tag]), law.Identified ? law["E"] : Estimate.Of(double.NaN),
                points.Min(p => p.Loss));
        }
    }
}
