using Isoflop.Store;

namespace Isoflop.Lab.Laws;

/// <summary>results.csv of a study: a row a finished run, law = true for those that a fit uses.</summary>
static class StudyResults
{
    /// <summary>File name in the study's folder.</summary>
    public const string FileName = "results.csv";
    /// <summary>Which N is counted when nothing else is asked: parameters without the embedding.</summary>
    public const string DefaultN = "parameters_without_embedding";

    /// <summary>Reads the runs that count.</summary>
    /// <param name="n">column of N: parameters_without_embedding, parameters, non_embedding</param>
    /// <exception cref="DataException">No such study, a column is missing, a cell is not a number.</exception>
    public static List<Observation> Read(Workspace here, string study, string n = DefaultN, IReadOnlyList<string>? where = null)
    {
        string path = Path.Combine(here.StudyFolder(study), FileName);
        if (!File.Exists(path)) throw new DataException($"{path}: no such file; a ladder writes it, " +
            "or fit a table with table=FILE");
        var table = new ObservationTable(path);
        // as tables of the first version name it
        if (n == DefaultN && !table.Header.Contains(n) && table.Header.Contains("compute_parameters")) n = "compute_parameters";
        string[] law = table.Header.Contains("law") ? ["law=true"] : [];
        return table.Observations(new()
        {
            N = n,
            D = "tokens",
            C = "flops",
            Loss = "loss",
            Unique = "unique_tokens",
            Group = "trunk",
            Seed = "seed",
            Name = "run",
            Where = [.. law, .. where ?? []],
        });
    }

    /// <summary>Seconds of a FLOP of training, from the study's own runs; NaN if it has none.</summary>
    public static double SecondsPerFlop(Workspace here, string study)
    {
        string path = Path.Combine(here.StudyFolder(study), FileName);
        if (!File.Exists(path)) return double.NaN;
        var table = new ObservationTable(path);
        if (!table.Header.Contains("seconds")) return double.NaN;
        double seconds = table.Numbers("seconds", new() { Loss = "loss" }).Sum(), flops = table.Numbers("flops", new() { Loss = "loss" }).Sum();
        return flops > 0 ? seconds / flops : double.NaN;
    }
}
