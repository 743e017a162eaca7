using Isoflop.Tasks;

namespace Isoflop.Lab.Thinking;

/// <summary>
/// Beams of thought: every step is drawn several times, and the scorer keeps the best N/M of N. Diverse: each of the N/M trees
/// keeps its own best, so that they stay different. Snell et al. 2024, arXiv:2408.03314; Beeching et al. 2024 (DVTS).
/// </summary>
sealed class StepBeam(bool diverse) : IStrategy
{
    const int Branches = 4;

    public string Name => diverse ? "diverse-beam" : "beam";
    public string Says => diverse ? "beams as separate trees, each of which keeps its own best step"
        : $"step by step, {Branches} continuations a beam, of which the scorer keeps the best";
    public Needs Needs => Needs.Scorer | Needs.Prefix;

    public async Task<PartialReply?> Think(Problem problem, BudgetedSession session)
    {
        int width = session.Width, branches = Math.Min(Branches, width), kept = width / branches;
        List<PartialReply> beams = [.. Enumerable.Repeat(session.Opened, kept)], done = [];
        while (beams.Count > 0)
        {
            PartialReply[] from = [.. beams.SelectMany(b => Enumerable.Repeat(b, branches))];
            int most = from.Min(f => session.Room(f, from.Length));
            if (most < 1) break;
            IReadOnlyList<PartialReply> next = await session.Draw(from, most, step: true);
            // A step that the budget or the context cut off leads nowhere.
            (PartialReply Draft, int Tree)[] open = [.. next.Select((d, i) => (d, i / branches)).Where(d =>
                d.d.Ended ? d.d.Answer is not null : problem.StepEnds.Contains(d.d.Text[^1]))
                .DistinctBy(d => (d.d.Text, diverse ? d.Item2 : 0))];
            if (open.Length == 0) break;
            IReadOnlyList<double> values = await session.Score([.. open.Select(o => o.Draft)]);
            var ranked = open.Zip(values, (o, v) => (o.Draft, o.Tree, Value: v)).OrderByDescending(o => o.Value);
            PartialReply[] best = [.. (diverse ? ranked.DistinctBy(o => o.Tree) : ranked).Take(beams.Count).Select(o => o.Draft)];
            done.AddRange(best.Where(b => b.Ended));
            beams = [.. best.Where(b => !b.Ended)];
        }
        return done.Count == 0 ? null : Vote.Of(done, await session.Score(done));
    }
}
