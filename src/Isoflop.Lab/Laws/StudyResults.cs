using System.IO.Hashing;
using System.Text.Json.Serialization;
using Isoflop.Lab.Tables;
using Isoflop.Store;

namespace Isoflop.Lab.Laws;

/// <summary>results.csv of a study: a row a finished run, law = true for those that a fit uses.</summary>
static class StudyResults
{
    /// <summary>File name in the study's folder.</summary>
    public const string FileName = "results.csv";
    /// <summary>Which N is counted when nothing else is asked: parameters without the embedding.</summary>
    public const string DefaultN = "parameters_without_embedding";

    /// <summary>Which version of the dial planned a run; runs of older tables are of the first.</summary>
    public const string Dial = "dial";

    static readonly Format format = new("results");

    /// <summary>What is wrong with points of these dials: null where all are of one.</summary>
    public static string? MixedDials(IEnumerable<int> dials)
    {
        IGrouping<int, int>[] all = [.. dials.GroupBy(d => d).OrderBy(g => g.Key)];
        return all.Length < 2 ? null : "a study with mixed recipes: " +
            string.Join(" and ", all.Select(g => $"{g.Count()} runs of dial {g.Key}")) + " obey no one law";
    }

    /// <summary>Writes the table, and beside it the hash that a reader holds it against.</summary>
    public static void Write(string folder, Table table)
    {
        string path = Path.Combine(folder, FileName);
        table.WriteCsv(path);
        JsonFile.Write(SealOf(path), new(HashOf(path)), format, ResultsJson.Default.ResultsSeal);
    }

    /// <summary>Of results.csv: results.seal.json.</summary>
    public static string SealOf(string path) => Path.ChangeExtension(path, ".seal.json");

    static string HashOf(string path) => Convert.ToHexStringLower(XxHash128.Hash(File.ReadAllBytes(path)));

    /// <exception cref="DataException">No such study; the table was altered after it was written.</exception>
    static ObservationTable Open(Workspace here, string study)
    {
        string path = Path.Combine(here.StudyFolder(study), FileName);
        if (!File.Exists(path)) throw new DataException($"{path}: no such file; a ladder writes it, " +
            "or fit a table with table=FILE");
        if (File.Exists(SealOf(path))) Verify(path);
        return new(path);
    }

    /// <exception cref="DataException">The table does not fit its seal.</exception>
    public static bool Verify(string path) =>
        JsonFile.Read(SealOf(path), format, ResultsJson.Default.ResultsSeal).XxHash128 == HashOf(path) ? true
            : throw new DataException($"{path}: was altered after it was written: its hash does not fit; the study's " +
                "'isoflop ladder' writes it anew from its runs, and table=FILE fits a copy of your own");

    /// <summary>Reads the runs that count.</summary>
    /// <param name="n">column of N: parameters_without_embedding, parameters, non_embedding</param>
    /// <exception cref="DataException">No such study, a column is missing, a cell is not a number.</exception>
    public static List<Observation> Read(Workspace here, string study, string n = DefaultN, IReadOnlyList<string>? where = null)
    {
        ObservationTable table = Open(here, study);
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
        if (!File.Exists(Path.Combine(here.StudyFolder(study), FileName))) return double.NaN;
        ObservationTable table = Open(here, study);
        if (!table.Header.Contains("seconds")) return double.NaN;
        TableColumns of = new() { Loss = "loss" };
        double seconds = table.Numbers("seconds", of).Sum(), flops = table.Numbers("flops", of).Sum();
        return flops > 0 ? seconds / flops : double.NaN;
    }
}

/// <summary>What results.csv was when it was written.</summary>
sealed record ResultsSeal(string XxHash128);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ResultsSeal))]
sealed partial class ResultsJson : JsonSerializerContext;
