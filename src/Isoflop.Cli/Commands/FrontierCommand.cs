using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Frontiers;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop frontier</c>: accuracy over size, demonstrations, reinforcement and thought; <c>isoflop
/// spend</c>.</summary>
static class FrontierCommand
{
    public static Command Create()
    {
        var given = new Argument<string[]>("study")
        {
            Description = "Name of the study, or a recipe's JSON file, and key=value",
            Arity = ArgumentArity.OneOrMore,
        };
        var task = new Option<string?>("--task") { Description = "One level: parity:2", HelpName = "TASK" };
        var verb = new Verb("frontier",
            "Sizes × demonstrations × reinforcement × replies on one grid: which training thought can replace. The same " +
            "command resumes.",
        [
            "isoflop frontier f --task parity:2 widths=32,48,64 teach=2e11,6e11 steps=40 budget=16",
            "isoflop frontier recipes/frontier.json",
            "isoflop frontier recipes/frontier.json --on local:4             its models by four workers",
        ])
        { given, task };
        verb.Sections = [Settings.Help(SettingsJson.List(FrontierJson.Default.FrontierRecipe))];
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            string[] all = call.Parsed.GetValue(given)!;
            bool file = all[0].EndsWith(".json", StringComparison.OrdinalIgnoreCase);
            List<string> edits = [.. all[(all[0].Contains('=') ? 0 : 1)..]];
            if (!file && !all[0].Contains('=')) edits.Add($"name={all[0]}");
            if (call.Parsed.GetValue(task) is { } level) edits.Add($"task={level}");
            bool open = edits.Count == 1 && edits[0].StartsWith("name=", StringComparison.Ordinal);
            if (open && crew.IsAsked(call)) throw new ConfigException("--on trains a grid; give its recipe or --task too");
            FrontierRecipe recipe = open ? Frontier.Find(edits[0]["name=".Length..], call.Here)
                : FrontierRecipe.Load(file ? all[0] : null, edits);
            if (!open) Frontier.Begin(recipe, call.Here);
            if (crew.Begin(call, recipe.Name, 0, Frontier.ModelsOf(recipe).Count,
                here => Frontier.Work(recipe, here)) is { } code) return code;
            Frontier found = Frontier.Run(recipe, call.Here);
            if (call.Json) found.ToTable().WriteJsonLines(call.Out);
            else Write(call.Out, found);
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, Frontier found)
    {
        output.WriteLine("accuracy, mean over seeds, by replies to a question");
        int[] budgets = [.. found.Cells.Select(c => c.Budget).Distinct().Order()];
        output.WriteLine("  width  parameters  demonstrations  RL steps  " + string.Join("  ", budgets.Select(b => $"{b,5}")));
        foreach (var row in found.Cells.GroupBy(c =>
            (c.Width, c.Parameters, Teach: (int)Math.Round(20 * Math.Log(c.TeachFlops)), c.Steps))
            .OrderBy(g => g.Key.Width).ThenBy(g => g.Key.Teach).ThenBy(g => g.Key.Steps))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {row.Key.Width,5}  {row.Key.Parameters,10:n0}  {row.Average(c => c.TeachFlops),14:0.00e0}  " +
                $"{row.Key.Steps,8}  ") +
                string.Join("  ", budgets.Select(b => row.Where(c => c.Budget == b).Average(c => c.Accuracy)
                    .ToString("0.000", CultureInfo.InvariantCulture))));
        output.WriteLine();
        output.WriteLine("training that one accuracy needs, as thought grows (slope: 10× the thought, 10^slope × the training)");
        foreach (IsoAccuracy line in found.Lines)
            output.WriteLine(FormattableString.Invariant($"  {line.Accuracy:0.00}  {line.Points[0].Train.Value:0.0e0} at ") +
                FormattableString.Invariant($"{line.Points[0].Test:0.0e0} a question, {line.Points[^1].Train.Value:0.0e0} at ") +
                FormattableString.Invariant($"{line.Points[^1].Test:0.0e0}; slope ") + LawText.Show(line.Slope));
        output.WriteLine($"{Path.Combine(found.Folder, "frontier.svg")}");
    }

    /// <summary><c>isoflop spend</c>.</summary>
    public static Command CreateSpend()
    {
        var study = new Argument<string?>("study") { Description = "A frontier of this home", Arity = ArgumentArity.ZeroOrOne };
        var task = new Option<string?>("--task")
        {
            Description = "Without a study: the frontier of this task",
            HelpName = "TASK"
        };
        var flops = new Option<double>("--flops")
        {
            Description = "For training and all questions",
            HelpName = "X",
            Required = true
        };
        var queries = new Option<double>("--queries")
        {
            Description = "Questions of a lifetime",
            HelpName = "Q",
            Required = true
        };
        var check = new Option<bool>("--check")
        {
            Description = "Train and question the split, the best cell and all into " +
            "size; fresh seeds"
        };
        var verb = new Verb("spend",
            "How to split a budget between size, demonstrations, reinforcement and thought, for a stated number of questions: " +
            "what the surface foresees as best, and the best measured cell.",
            "isoflop spend --flops 2e12 --queries 1e4 --task parity:2", "isoflop spend f --flops 2e12 --queries 1e4 --check")
        { study, task, flops, queries, check };
        verb.Runs(call =>
        {
            string name = call.Parsed.GetValue(study) ?? Frontier.NameOf(call.Parsed.GetValue(task) ?? "", call.Here);
            Frontier of = Frontier.Open(name, call.Here);
            SpendForecast forecast = Spend.Forecast(of, call.Parsed.GetValue(flops), call.Parsed.GetValue(queries));
            string file = Spend.Write(of, forecast);
            SpendCheck? checkd = call.Parsed.GetValue(check) ? Spend.Check(of, forecast, call.Here) : null;
            if (checkd is null) call.Err.WriteLine(file);
            if (call.Json)
                call.Out.WriteLine(checkd is null ? JsonSerializer.Serialize(forecast, FrontierCommandJson.Default.SpendForecast)
                    : JsonSerializer.Serialize(checkd, FrontierCommandJson.Default.SpendCheck));
            else
            {
                Write(call.Out, "the surface's", forecast.Best, checkd?.Best);
                Write(call.Out, "best cell", forecast.BestCell, checkd?.BestCell);
                Write(call.Out, "all into size", forecast.AllSize, checkd?.AllSize);
                call.Out.WriteLine(forecast.Advice);
                if (checkd is not null)
                    call.Out.WriteLine($"regret {LawText.Show(checkd.Regret)}; over all into size " +
                        $"{LawText.Show(checkd.OverSize)}");
            }
            return 0;
        });
        return verb;
    }

    static void Write(TextWriter output, string name, Priced p, Priced? measured) => output.WriteLine(FormattableString.Invariant(
        $"{name,-14}{p.Split}\n{"",14}{p.TrainFlops:0.00e0} of training, {p.TestFlops:0.00e0} a question, ") +
        FormattableString.Invariant($"{p.Flops:0.00e0} in all; ") +
        (double.IsNaN(p.Accuracy.Value) ? "more demonstrations than the grid holds: not foreseen"
            : $"accuracy {LawText.Show(p.Accuracy)}") + (measured is null ? "" : FormattableString.Invariant(
        $"\n{"",14}fresh seeds: {measured.Flops:0.00e0} in all, accuracy ") + LawText.Show(measured.Accuracy)));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(SpendForecast))]
[JsonSerializable(typeof(SpendCheck))]
sealed partial class FrontierCommandJson : JsonSerializerContext;
