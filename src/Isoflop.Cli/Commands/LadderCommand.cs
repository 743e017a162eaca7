using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Pages;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop ladder</c>: isoFLOP budgets × sizes × seeds, planned first, then trained.</summary>
static class LadderCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The study, or a recipe's JSON file" };
        var settings = new Argument<string[]>("settings")
        {
            Description = "Settings of every run, as 'isoflop train' takes them",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var recipe = new RecipeOptions();
        var upTo = new Option<double?>("--up-to") { Description = "Leave budgets above for later", HelpName = "FLOPs" };
        var workers = new Option<int>("--workers") { Description = "Runs side by side; 0: one a core", HelpName = "N" };
        var yes = new Option<bool>("--yes") { Description = "Start without asking" };
        var planOnly = new Option<bool>("--plan") { Description = "Show the plan and stop" };
        var verb = new Verb("ladder",
            "Train isoFLOP budgets × sizes × seeds: planned and priced first, resumed by the same command.",
            "isoflop ladder first --corpus small --budgets 1e10..1e12         asks before it starts",
            "isoflop ladder first --corpus small --budgets 1e10..1e13 --yes      more budgets; what is done stays",
            "isoflop ladder recipes/small.json --plan                         a recipe's table of runs and its price",
            "isoflop ladder recipes/world.json --up-to 1e12 --yes             its corpus: isoflop corpus world --bytes 1.2e8")
        { name, settings, upTo, workers, yes, planOnly };
        recipe.AddTo(verb);
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            LadderRecipe ladder = recipe.Read(call, call.Parsed.GetValue(name)!, call.Parsed.GetValue(settings) ?? []);
            double? most = call.Parsed.GetValue(upTo);
            int given = call.Parsed.GetValue(workers), count = crew.SideBySide(call, given);
            IReadOnlyList<PlannedRun> runs = Ladder.PlanOf(ladder, call.Here);
            TextWriter shown = call.Json ? call.Err : call.Out;
            StudyTables.Plan(shown, runs, most, count, call.Here);
            if (call.Parsed.GetValue(planOnly))
            {
                if (call.Json)
                    foreach (PlannedRun r in runs) call.Out.WriteLine(JsonSerializer.Serialize(r, LadderJson.Default.PlannedRun));
                return 0;
            }
            StudyTables.Ask(call, call.Parsed.GetValue(yes));
            List<PlannedRun> wanted = [.. runs.Where(r => most is { } m ? r.Budget <= m * 1.001 : !r.Later)];
            if (crew.Begin(call, ladder.Name, given, wanted.Count - StudyResult.Of(call.Here, wanted).Count,
                here => Ladder.Run(ladder, here, most, 1).Failed) is { } code)
                return code;
            LadderResult result = Ladder.Run(ladder, call.Here, most, count);
            if (call.Json)
                foreach (StudyResult r in result.Results)
                    call.Out.WriteLine(JsonSerializer.Serialize(r, LadderJson.Default.StudyResult));
            else
            {
                StudyTables.Results(call.Out, result);
                if (result.Results.Any(r => r.Run.Excluded.Length == 0))
                    StudyTables.Findings(call.Out, StudyReport.Write(result.Study, call.Here), 1);
            }
            foreach (FailedRun f in result.Failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
            return result.Failed.Count > 0 ? App.UserError : 0;
        });
        return verb;
    }
}

/// <summary>What the commands that train ladders share: a recipe file, or flags that make one.</summary>
sealed class RecipeOptions
{
    readonly Option<string> corpus = new("--corpus") { Description = "The corpus of all runs", HelpName = "NAME" };
    readonly Option<string> budgets = new("--budgets")
    {
        Description = "Training FLOPs: 1e10..1e13, or 1e10,3e10,1e11",
        HelpName = "RANGE",
    };

    readonly Option<int?> perDecade = new("--per-decade")
    {
        Description = "Budgets a decade of a range (default 2)",
        HelpName = "N",
    };
    readonly Option<int?> seeds = new("--seeds") { Description = "Seeds of each size (default 3)", HelpName = "N" };
    readonly Option<int?> sizes = new("--sizes")
    {
        Description = "Sizes at each budget, a factor of 2 apart (default 5)",
        HelpName = "N",
    };
    readonly Option<string> widths = new("--widths") { Description = "Widths to choose the sizes from", HelpName = "16,32,…" };
    readonly Option<bool> trunks = new("--trunks")
    {
        Description = "One stable run a size; each budget is a decay that branches off: cheaper, correlated",
    };

    readonly Option<string> precision = Settings.Precision();

    readonly Option<double?> tune = new("--tune")
    {
        Description = "FLOPs of each tuning run, ten times that for the check; 0: none "
            + "(default a hundredth of the largest budget)",
        HelpName = "FLOPs",
    };

    readonly Option<bool> tuneEach = new("--tune-each")
    {
        Description = "Tune the learning rate at every budget anew, until the best lies between two others",
    };

    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[corpus, budgets, perDecade, seeds, sizes, widths, trunks, tune, tuneEach, precision])
            verb.Add(option);
    }

    /// <param name="name">of the study, or a recipe's file</param>
    public LadderRecipe Read(Invocation call, string name, IReadOnlyList<string> settings)
    {
        ParseResult given = call.Parsed;
        bool file = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        LadderRecipe recipe = file ? LadderRecipe.Load(name) : new() { Name = name };
        if (file && recipe.Name.Length == 0) recipe = recipe with { Name = Path.GetFileNameWithoutExtension(name) };
        if (given.GetValue(corpus) is { } c) recipe = recipe with { Corpus = c };
        if (given.GetValue(trunks)) recipe = recipe with { Trunks = true };
        if (given.GetValue(widths) is { } w) recipe = recipe with { Widths = Whole(w) };
        if (given.GetValue(budgets) is { } b) recipe = recipe with { Rungs = [new() { Budgets = b }] };
        recipe = recipe with
        {
            Settings = [.. recipe.Settings, .. settings, .. Settings.Precision(given, precision)],
            Rungs = [.. recipe.Rungs.Select(r => r with
            {
                PerDecade = given.GetValue(perDecade) ?? r.PerDecade,
                Seeds = given.GetValue(seeds) ?? r.Seeds,
                Sizes = given.GetValue(sizes) ?? r.Sizes,
            })],
        };
        if (given.GetValue(tuneEach)) return recipe with { Tune = new() { EveryBudget = true } };
        if (given.GetValue(tune) is { } t)
            return recipe with { Tune = t > 0 ? new() { Flops = t, TransferFlops = 10 * t } : null };
        return file || recipe.Rungs.Count == 0 ? recipe : recipe with { Tune = UsualTuning(call.Here, recipe) };
    }

    /// <summary>
    /// A hundredth of the largest budget for each run of the grid and a tenth for the check: together less than one largest run.
    /// A study that is there keeps its own, so that it may grow.
    /// </summary>
    static TuneRecipe? UsualTuning(Workspace here, LadderRecipe recipe)
    {
        if (recipe.Problems().Any()) return null;                 // said by the plan
        if (File.Exists(Path.Combine(here.StudyFolder(recipe.Name), Study.RecordFile)))
            return Study.Open(here, recipe.Name).Record.Recipe.Tune;
        double largest = recipe.Rungs.Max(r => r.Values().Max());
        return largest < 1e10 ? null : new() { Flops = largest / 100, TransferFlops = largest / 10 };
    }

    static int[] Whole(string list)
    {
        string[] parts = list.Split(',', StringSplitOptions.TrimEntries);
        return [.. parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out int w) ? w
            : throw new ConfigException($"--widths {list}: '{p}' is not a whole number; try 16,32,64"))];
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(PlannedRun))]
[JsonSerializable(typeof(StudyResult))]
sealed partial class LadderJson : JsonSerializerContext;
