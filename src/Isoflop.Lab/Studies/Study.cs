using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Clusters;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Studies;

/// <summary>What the tuning found.</summary>
/// <param name="Factors">on the rules for learning rate and batch</param>
/// <param name="Transfer">best of half, once and twice each on the larger run, as factors on the choice; null: unchecked</param>
/// <param name="Note">for a reader</param>
sealed record Tuning(RuleFactors Factors, RuleFactors? Transfer, string Note)
{
    /// <summary>Learning rates by budget, ascending; null: one factor for all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<BudgetRate>? Rates { get; init; }

    /// <summary>Factors at a budget: between two that were tuned on the logarithms' line, beyond them the nearest's.</summary>
    public RuleFactors At(double budget)
    {
        if (Rates is not { Count: > 0 } rates) return Factors;
        int above = rates.TakeWhile(r => r.Budget < budget * 0.999).Count();
        if (above == 0 || above == rates.Count) return Factors with { LearningRate = rates[Math.Max(0, above - 1)].Factor };
        (BudgetRate a, BudgetRate b) = (rates[above - 1], rates[above]);
        double t = Math.Clamp(Math.Log(budget / a.Budget) / Math.Log(b.Budget / a.Budget), 0, 1);
        return Factors with { LearningRate = t > 0.999 ? b.Factor : a.Factor * Math.Pow(b.Factor / a.Factor, t) };
    }
}

/// <summary>study.json: the recipe and the runs it plans. Runs lie beside all others, in runs/.</summary>
sealed record StudyRecord
{
    /// <summary>What was asked for.</summary>
    public required LadderRecipe Recipe { get; init; }

    /// <summary>What the tuning found; null: not yet, or none.</summary>
    public Tuning? Tuning { get; init; }

    /// <summary>Factors at a budget: tuned, else the recipe's.</summary>
    public RuleFactors FactorsAt(double budget) =>
        Tuning?.At(budget) ?? new(Recipe.LearningRateFactor, Recipe.BatchFactor);

    /// <summary>All runs, in the order they are trained.</summary>
    public IReadOnlyList<PlannedRun> Runs { get; init; } = [];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(StudyRecord))]
[JsonSerializable(typeof(LadderRecipe))]
sealed partial class StudyJson : JsonSerializerContext;

/// <summary>A study's folder: study.json, results.csv, law.json, forecast.json, score.json, pictures and report.</summary>
public sealed class Study
{
    /// <summary>File names in the folder.</summary>
    public const string RecordFile = "study.json", ResultsFile = "results.csv", LawFile = "law.json";

    static readonly Format format = new("study");
    readonly Workspace here;

    Study(Workspace here, string name, StudyRecord record) => (this.here, Name, Record) = (here, name, record);

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>Recipe and runs.</summary>
    internal StudyRecord Record { get; private set; }

    /// <summary>The folder.</summary>
    public string Folder => here.StudyFolder(Name);

    /// <summary>Opens a study to read.</summary>
    /// <exception cref="ConfigException">There is none of that name.</exception>
    /// <exception cref="DataException">study.json is broken or of another version.</exception>
    public static Study Open(Workspace here, string name)
    {
        string all = here.Studies, path = Path.Combine(here.StudyFolder(name), RecordFile);
        if (name.Length > 0 && File.Exists(path)) return new(here, name, Read(path));
        string[] there = Directory.Exists(all)
            ? [.. Directory.GetDirectories(all).Where(d => File.Exists(Path.Combine(d, RecordFile)))
                .Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)] : [];
        throw new ConfigException($"study '{name}': there is none of that name in {all}; " +
            (there.Length == 0 ? "make one with 'isoflop ladder'" : $"there are: {string.Join(", ", there)}"));
    }

    /// <summary>Opens the recipe's study, or makes it.</summary>
    /// <exception cref="ConfigException">It was made with settings that decide the bits of its runs and differ.</exception>
    internal static Study OpenOrCreate(Workspace here, LadderRecipe recipe)
    {
        string path = Path.Combine(here.StudyFolder(recipe.Name), RecordFile);
        if (!File.Exists(path)) return new(here, recipe.Name, new() { Recipe = recipe });
        StudyRecord record = Read(path);
        string differences = string.Join("; ", record.Recipe.Differences(recipe));
        if (differences.Length > 0)
            throw new ConfigException($"{path} was made with {differences}; choose another name for another study " +
                "(budgets, seeds and sizes may change)");
        var study = new Study(here, recipe.Name, record with { Recipe = recipe });
        study.RequireDial();
        return study;
    }

    /// <summary>Refuses to plan runs beside those of another dial.</summary>
    /// <exception cref="ConfigException">The study's runs were planned by rules that are no more.</exception>
    internal void RequireDial()
    {
        if (Record.Runs.FirstOrDefault(r => r.Dial != ComputeOptimal.Version) is { } old)
            throw new ConfigException($"{Path.Combine(Folder, RecordFile)}: its runs are of dial {old.Dial}, new ones would be " +
                $"of dial {ComputeOptimal.Version}: a study with mixed recipes obeys no law; choose another name");
    }

    /// <summary>
    /// Takes the study for writing: one ladder at a time. One of several workers needs no lock: they decide the same, each for
    /// itself, from the same results, and replace files whole.
    /// </summary>
    /// <exception cref="ConfigException">Another process holds it, or workers do.</exception>
    internal IDisposable? Lock(string name = FolderLock.LockFile)
    {
        if (here.Claims is not null) return null;
        if (name == FolderLock.LockFile) Crew.ThrowIfAtWork(Folder);
        return FolderLock.Take(Folder, here.Clock, name);
    }

    /// <summary>It has a study.json.</summary>
    internal bool IsThere => File.Exists(Path.Combine(Folder, RecordFile));

    /// <summary>Goes by a record that is not written yet.</summary>
    internal void Plan(StudyRecord record) => Record = record;

    /// <summary>Replaces study.json.</summary>
    internal void Save(StudyRecord record)
    {
        Record = record;
        JsonFile.Write(Path.Combine(Folder, RecordFile), record, format, StudyJson.Default.StudyRecord);
    }

    static StudyRecord Read(string path) => JsonFile.Read(path, format, StudyJson.Default.StudyRecord);
}
