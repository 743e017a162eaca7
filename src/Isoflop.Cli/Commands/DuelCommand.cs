using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop duel</c>: one recipe's compute multiplier over another.</summary>
static class DuelCommand
{
    public static Command Create()
    {
        var names = new Argument<string[]>("names")
        {
            Description = "Two studies or recipes' JSON files; or one new name, with --a and --b",
            Arity = new ArgumentArity(1, 2),
        };
        var a = Side("--a");
        var b = Side("--b");
        var yes = new Option<bool>("--yes") { Description = "Train what is missing without asking" };
        var workers = new Option<int>("--workers") { Description = "Runs side by side; 0: one a core", HelpName = "N" };
        var svg = new Option<string?>("--svg") { Description = "Write both curves and the multiplier", HelpName = "FILE" };
        var recipe = new RecipeOptions();
        var verb = new Verb("duel",
            "Two recipes on a ladder each, seeds paired: how much less compute B needs for A's loss, and how that changes " +
                "with scale.",
            "isoflop duel plain.json normed.json --yes        two recipes; what is missing is trained",
            "isoflop duel short long                          two studies that are there",
            "isoflop duel norm --corpus small --budgets 1e9..1e11 --a model.qk_norm=false --b model.qk_norm=true --yes")
        {
            names, a, b, yes, workers, svg,
        };
        recipe.AddTo(verb);
        verb.Runs(call =>
        {
            string[] given = call.Parsed.GetValue(names)!;
            string[] settingsA = call.Parsed.GetValue(a) ?? [], settingsB = call.Parsed.GetValue(b) ?? [];
            if (given.Length == 2 && settingsA.Length + settingsB.Length > 0)
                throw new ConfigException("--a and --b go with one name; two names are two studies or recipes");
            if (given.Length == 1 && settingsA.Length + settingsB.Length == 0)
                throw new ConfigException("a duel has two sides: give two studies or recipes, or one new name with --a and --b");
            LadderRecipe[] sides = given.Length == 2 ? [.. given.Select(n => RecipeOf(call, recipe, n))]
                :
                [
                    recipe.Read(call, given[0] + ".a", settingsA), recipe.Read(call, given[0] + ".b", settingsB),
                ];
            TrainMissing(call, sides, call.Parsed.GetValue(yes), call.Parsed.GetValue(workers));
            DuelResult duel = Duel.Of(Study.Open(call.Here, sides[0].Name), Study.Open(call.Here, sides[1].Name), call.Here);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(duel, DuelJson.Default.DuelResult));
            else Write(call.Out, duel);
            if (call.Parsed.GetValue(svg) is { } picture && !Chart.Save(picture, Duel.Pictures(duel)))
                call.Err.WriteLine(Chart.TooFew);
            return 0;
        });
        return verb;
    }

    static Option<string[]> Side(string name) => new(name)
    {
        Description = $"A setting of side {name[2..].ToUpperInvariant()} alone; may be repeated",
        HelpName = "key=value",
        AllowMultipleArgumentsPerToken = true,
    };

    static LadderRecipe RecipeOf(Invocation call, RecipeOptions options, string name) =>
        name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? options.Read(call, name, [])
            : Study.Open(call.Here, name).Record.Recipe;

    static void TrainMissing(Invocation call, LadderRecipe[] sides, bool yes, int workers)
    {
        List<PlannedRun> plan = [.. sides.SelectMany(s => Ladder.PlanOf(s, call.Here)).Where(r => !r.Later)];
        if (StudyResult.Of(call.Here, plan).Count == plan.Count && sides.All(s => File.Exists(
            Path.Combine(call.Here.StudyFolder(s.Name), Study.RecordFile)))) return;
        int count = call.Here.SideBySide(workers);
        StudyTables.Plan(call.Err, plan, null, count, call.Here);
        StudyTables.Ask(call, yes);
        foreach (LadderRecipe side in sides)
        {
            LadderResult result = Ladder.Run(side, call.Here, workers: workers);
            foreach (FailedRun f in result.Failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
        }
    }

    static void Write(TextWriter output, DuelResult duel)
    {
        var rows = new List<string[]> { new[] { "FLOPs", "loss of A", "loss of B", "multiplier", "95 %", "seeds" } };
        foreach (DuelPoint p in duel.Points)
            rows.Add([I($"{p.Budget:0.0e0}"), I($"{p.LossA:0.0000}"), double.IsNaN(p.LossB) ? "–" : I($"{p.LossB:0.0000}"),
                double.IsNaN(p.Multiplier) ? "outside" : I($"{p.Multiplier:0.000}"),
                new Estimate(p.Multiplier, p.Low, p.High).Ends("0.00"), I($"{p.Seeds}")]);
        output.WriteLine($"A = {duel.A}, B = {duel.B}; the multiplier is A's compute over what B needs for A's loss");
        TextTable.Write(output, rows);
        // Nothing in common, or one budget: there is no such number.
        if (double.IsFinite(duel.Multiplier.Value))
            output.WriteLine(I($"multiplier {duel.Multiplier.Value:0.000} ({duel.Multiplier.Ends("0.000")})") +
                (double.IsNaN(duel.Growth.Value) ? "" : I($", its log10 a decade {duel.Growth.Value:+0.000;-0.000} ") +
                    $"({duel.Growth.Ends("+0.000;-0.000", " to ")})"));
        output.WriteLine(duel.Verdict);
        foreach (string warning in duel.Warnings) output.WriteLine("beware: " + warning);
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(DuelResult))]
[JsonSerializable(typeof(BottleneckResult))]
sealed partial class DuelJson : JsonSerializerContext;
