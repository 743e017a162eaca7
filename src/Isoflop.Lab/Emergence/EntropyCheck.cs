using Isoflop.Lab.Laws;

namespace Isoflop.Lab.Emergence;

/// <summary>What a fit says no model can save, beside what the generator knows.</summary>
/// <param name="Of">"all", or a family</param> <param name="Known">nats a token, of the generator</param>
/// <param name="Fitted">E of L = E + A·C^−α through the best size of every budget; NaN: not identified</param>
/// <param name="Best">loss of the last rung, nats a token</param>
public sealed record EntropyCheck(string Of, double Known, Estimate Fitted, double Best, string Verdict)
{
    /// <summary>All tasks together, then each family.</summary>
    public static IReadOnlyList<EntropyCheck> All(CapabilityMap map, IReadOnlyDictionary<string, long> tokens,
        CancellationToken stop = default)
    {
        TaskCurve[] known = [.. map.Curves.Where(c => c.Entropy is not null && tokens.ContainsKey(c.Task))];
        if (known.Length == 0) return [];
        return [Check("all", known), .. known.GroupBy(c => c.Task.Split('.')[0]).Select(g => Check(g.Key, [.. g]))];

        EntropyCheck Check(string name, TaskCurve[] of)
        {
            double all = of.Sum(c => tokens[c.Task]);
            double entropy = of.Sum(c => tokens[c.Task] / all * c.Entropy!.Value);
            List<Observation> points = [];
            for (int r = 0; r < of[0].Rungs.Count; r++)
                for (int s = 0; s < of[0].Rungs[r].Losses.Count; s++)
                    points.Add(Observation.Point(of[0].Rungs[r].Flops, of.Sum(c => tokens[c.Task] / all * c.Rungs[r].Losses[s]),
                        seed: s + 1));
            Law law = Law.Fit(LawForm.SaturatingPower, points, new() { Bootstraps = 200, HeldOut = false }, stop);
            return new(name, entropy, law.Identified ? law["E"] : Estimate.Of(double.NaN),
                of.Sum(c => tokens[c.Task] / all * c.Rungs[^1].Loss), law.Identified ? "" : law.Verdict.Text);
        }
    }
}
