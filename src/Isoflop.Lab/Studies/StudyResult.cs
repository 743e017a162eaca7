using Isoflop.Lab.Laws;
using Isoflop.Lab.Tables;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>A finished run of a study.</summary>
/// <param name="Run">as planned</param> <param name="Flops">counted: of the model from its start</param>
/// <param name="Spent">counted: by this run itself</param> <param name="Loss">on all held-out text, nats a token</param>
/// <param name="Seconds">of training, on the threads it had</param>
public sealed record StudyResult(PlannedRun Run, double Flops, double Spent, long Tokens, double Loss, double BitsPerByte,
    double Seconds)
{
    /// <summary>The finished runs of a plan, in its order; runs that are not there, or not done, are missing.</summary>
    public static IReadOnlyList<StudyResult> Of(Workspace here, IEnumerable<PlannedRun> runs)
    {
        List<StudyResult> results = [];
        foreach (PlannedRun run in runs)
            if (Of(here, run) is { } result) results.Add(result);
        return results;
    }

    /// <summary>The result of a run that is done and whose last checkpoint is there, or null.</summary>
    /// <exception cref="DataException">The run's folder is broken.</exception>
    public static StudyResult? Of(Workspace here, PlannedRun run)
    {
        string path = here.RunFolder(run.Name);
        ValidRow end = RunFolder.ReadValid(path).LastOrDefault(v => v.Whole && v.Step == run.Steps);
        if (!end.Whole || Checkpoint.At(path, run.Steps) is not { } state) return null;
        if (state.ValidLoss != end.Loss)
            throw new DataException($"{path}: {RunFolder.ValidFile} says {end.Loss} of its last step, its checkpoint " +
                $"{state.ValidLoss}: rows were altered; restore the file from a copy");
        List<StepRow> steps = RunFolder.ReadSteps(path);
        if (steps.Count == 0 || steps[^1].Step != run.Steps) return null;
        StepRow last = steps[^1], first = steps[0];
        double share = (double)steps.Count / run.Steps;            // a branch's rows begin where its trunk ended
        double spent = run.After.Length == 0 ? last.Flops
            : (last.Flops - first.Flops) * steps.Count / Math.Max(1, steps.Count - 1);
        double seconds = share < 1 ? last.Seconds - first.Seconds : last.Seconds;
        return new(run, last.Flops, spent, last.Tokens, end.Loss, end.BitsPerByte, seconds);
    }

    /// <summary>The runs that count for laws of a table that <see cref="TableOf"/> wrote: where the runs are gone.</summary>
    /// <exception cref="DataException">A column is missing, or no number.</exception>
    internal static IReadOnlyList<StudyResult> Read(string path)
    {
        var table = new ForeignTable(path);
        NumberColumn Of(string name) => new(table, name, Quantity.Plain);
        NumberColumn budget = Of("budget"), width = Of("d_model"), layers = Of("n_layer"), parameters = Of("parameters"),
            without = Of("non_embedding"), tokens = Of("tokens"), flops = Of("flops"), loss = Of("loss"),
            bits = Of("bits_per_byte"), epochs = Of("epochs"), seed = Of("seed"), steps = Of("steps"),
            batch = Of("batch_tokens"), rate = Of("learning_rate"),
            seconds = Of("seconds"),
            counted = Of(table.Header.Contains("compute_parameters") ? "compute_parameters" : "parameters_without_embedding");
        int name = table.Column("run"), phase = table.Column("phase"), law = table.Column("law"), trunk = table.Column("trunk");
        List<StudyResult> results = [];
        for (int r = 0; r < table.Count; r++)
        {
            if (table[r, phase] != "ladder" || table[r, law] != "true") continue;
            var run = new PlannedRun(table[r, name], Phase.Ladder, budget[r], (ulong)seed[r], (int)width[r], (int)layers[r],
                (long)parameters[r], (long)without[r], (long)counted[r], (long)tokens[r], (int)batch[r], (int)steps[r], rate[r],
                epochs[r], flops[r], flops[r], 0, 0, table[r, trunk], "", "", false);
            results.Add(new(run, flops[r], flops[r], (long)tokens[r], loss[r], bits[r], seconds[r]));
        }
        return results;
    }

    /// <summary>The tidy table of a study, one row a finished run.</summary>
    internal static Table TableOf(IEnumerable<StudyResult> results, long uniqueTokens) => Table.Of(results,
        ("run", r => r.Run.Name), ("phase", r => r.Run.Phase.ToString().ToLowerInvariant()), ("budget", r => r.Run.Budget),
        ("d_model", r => r.Run.DModel), ("n_layer", r => r.Run.NLayer), ("parameters", r => r.Run.Parameters),
        ("non_embedding", r => r.Run.NonEmbedding), ("parameters_without_embedding", r => r.Run.ParametersWithoutEmbedding),
        ("tokens", r => r.Tokens), ("flops", r => r.Flops), ("loss", r => r.Loss), ("bits_per_byte", r => r.BitsPerByte),
        ("unique_tokens", r => Math.Min(uniqueTokens, r.Tokens)), ("epochs", r => r.Run.Epochs), ("seed", r => (long)r.Run.Seed),
        ("trunk", r => r.Run.Group), ("steps", r => r.Run.Steps), ("batch_tokens", r => r.Run.BatchTokens),
        ("learning_rate", r => r.Run.LearningRate), ("law", r => r.Run.Excluded.Length == 0),
        ("excluded", r => r.Run.Excluded), (StudyResults.Dial, r => r.Run.Dial), ("seconds", r => r.Seconds));
}
