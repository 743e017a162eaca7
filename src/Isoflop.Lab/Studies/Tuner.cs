using System.Globalization;

namespace Isoflop.Lab.Studies;

/// <summary>What a tuning found, from its trials and their losses.</summary>
static class Tuner
{
    /// <summary>
    /// The factors with the smallest mean loss over the sizes; of those that trained the same, those nearest to the rules. Null:
    /// none has a run of every size.
    /// </summary>
    public static RuleFactors? Best(IReadOnlyList<Trial> trials, IReadOnlyList<StudyResult> grid)
    {
        Dictionary<string, double> loss = grid.ToDictionary(r => r.Run.Name, r => r.Loss);
        var whole = trials.GroupBy(t => t.Factors).Where(g => g.All(t => loss.ContainsKey(t.Run.Name))).ToList();
        return whole.Count == 0 ? null : whole.OrderBy(g => g.Average(t => loss[t.Run.Name])).ThenBy(g => Distance(g.Key))
            .First().Key;
    }

    static double Distance(RuleFactors f) => Math.Abs(Math.Log(f.LearningRate)) + Math.Abs(Math.Log(f.Batch));

    /// <param name="runs">of the grid</param> <param name="moves">around the choice, on a larger run; may be none</param>
    public static Tuning Of(RuleFactors chosen, int runs, IReadOnlyList<Trial> moves, IReadOnlyList<StudyResult> check)
    {
        string note = I($"rate × {chosen.LearningRate:0.##}, batch × {chosen.Batch:0.##} of the rules, best of {runs} runs");
        Dictionary<string, double> loss = check.ToDictionary(r => r.Run.Name, r => r.Loss);
        Trial[] done = [.. moves.Where(t => loss.ContainsKey(t.Run.Name)).DistinctBy(t => t.Run.Name)];
        if (done.Length < 2 || done[0].Factors != chosen) return new(chosen, null, note);
        Trial best = done.MinBy(t => loss[t.Run.Name]);
        RuleFactors transfer = new(best.Factors.LearningRate / chosen.LearningRate, best.Factors.Batch / chosen.Batch);
        string on = I($" on a {check[0].Run.Budget:0.##e0} run ");
        if (best.Factors != chosen)
            return new(chosen, transfer, note + $";{on}" +
                I($"rate × {transfer.LearningRate:0.##}, batch × {transfer.Batch:0.##} of that is ") +
                I($"{loss[done[0].Run.Name] - loss[best.Run.Name]:0.0000} nats better"));
        string tried = string.Join(", ", done.Skip(1).Select(t => t.Factors.Batch == chosen.Batch
            ? I($"rate × {t.Factors.LearningRate / chosen.LearningRate:0.##}")
                : I($"batch × {t.Factors.Batch / chosen.Batch:0.##}")));
        return new(chosen, transfer, $"{note};{on}{tried} of that {(done.Length > 2 ? "are" : "is")} worse: it carries over");
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
