using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Baselines;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Studies;
using Isoflop.Store;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop capacity</c>: how many bits a parameter stores.</summary>
static class CapacityCommand
{
    public static Command Create()
    {
        var defaults = new CapacityRecipe();
        var name = new Argument<string?>("name")
        {
            Description = "Name of the study; 'capacity-random' or 'capacity-facts'",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var kind = new Option<string>("--kind") { Description = "random strings, or facts", DefaultValueFactory = _ => "random" };
        kind.AcceptOnlyFromAmong("random", "facts");
        Option<string> sizes = List("--sizes", "Widths of the models", defaults.Sizes.Select(s => (double)s)),
            exposures = List("--exposures", "How often each string or fact is seen", defaults.Exposures.Select(e => (double)e)),
            bits = List("--bits", "Amounts of data, bits for each parameter of the model", defaults.Load),
            rates = List("--rates", "Factors on the rule for the learning rate; each size takes its best",
                defaults.Rates);
        Option<int> symbols = Whole("--symbols", "Different symbols; log2 is the information of one", defaults.Symbols),
            batch = Whole("--batch", "Documents of an update", defaults.Batch),
            seeds = Whole("--seeds", "Seeds, of data and training together", defaults.Seeds),
            workers = Whole("--workers", "Runs side by side; 0: one a core", 0);
        var length = new Option<int?>("--length")
        {
            Description = "Symbols of a string, attributes of a name; else 32, 8",
            HelpName = "N",
        };
        var yes = new Option<bool>("--yes") { Description = "Start without asking" };
        var run = new Option<string?>("--run")
        {
            Description = "Instead: how much of this run's gain lies beyond counting words and pairs",
            HelpName = "RUN",
        };
        var verb = new Verb("capacity",
            "How many bits a parameter stores: of random strings or of facts, at several sizes, amounts and exposures.",
            "isoflop capacity --sizes 16,24,32 --exposures 100,1000 --yes",
            "isoflop capacity --kind facts --sizes 16,32 --exposures 100,1000 --bits 0.5,1,2,4 --yes",
            "isoflop capacity --run short")
        {
            name, kind, sizes, exposures, bits, symbols, length, batch, rates, seeds, workers, yes, run,
        };
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            if (call.Parsed.GetValue(run) is { } done) return Orders(call, done);
            var recipe = new CapacityRecipe
            {
                Kind = call.Parsed.GetValue(kind) == "facts" ? MemoryKind.Facts : MemoryKind.Random,
                Sizes = [.. Numbers(call, sizes).Select(Integer)],
                Exposures = [.. Numbers(call, exposures).Select(Integer)],
                Load = Numbers(call, bits),
                Rates = Numbers(call, rates),
                Symbols = call.Parsed.GetValue(symbols),
                Length = call.Parsed.GetValue(length),
                Batch = call.Parsed.GetValue(batch),
                Seeds = call.Parsed.GetValue(seeds),
            };
            string study = FolderName.Checked("study", call.Parsed.GetValue(name) ?? $"capacity-{call.Parsed.GetValue(kind)}");
            int side = call.Parsed.GetValue(workers);
            IReadOnlyList<PlannedRun> runs = Capacity.PlanOf(recipe, call.Here);
            int open = runs.Count - StudyResult.Of(call.Here, runs).Count;
            if (open > 0)
            {
                StudyTables.Plan(call.Err, runs, null, crew.SideBySide(call, side), call.Here);
                StudyTables.Ask(call, call.Parsed.GetValue(yes));
            }
            if (crew.Begin(call, study, side, open, here => Capacity.Run(recipe, here, study, 1).Failed) is { } code)
                return code;
            CapacityResult result = Capacity.Run(recipe, call.Here, study, side);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(result, CapacityJson.Default.CapacityResult));
            else Write(call.Out, result, call.Here.StudyFolder(study));
            foreach (FailedRun f in result.Failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
            return result.Failed.Count > 0 ? App.UserError : 0;

            int Integer(double value) => (int)value == value ? (int)value
                : throw new ConfigException(I($"{value} must be a whole number; try {Math.Round(value)}"));
        });
        return verb;
    }

    static int Orders(Invocation call, string run)
    {
        GainByOrder gain = GainByOrder.Of(call.Here, run);
        if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(gain, CapacityJson.Default.GainByOrder));
        else
            call.Out.WriteLine($"{gain.Run}\t" + I($"loss {gain.Loss:0.0000}, unigram {gain.Unigram:0.0000}, ") +
                I($"bigram {gain.Bigram:0.0000}, 5-gram {gain.FiveGram:0.0000} nats/token; of the gain over the unigram ") +
                I($"{100 * gain.BeyondPairs:0.0} % lie beyond the bigram, {100 * gain.BeyondFives:0.0} % beyond the 5-gram"));
        return 0;
    }

    static void Write(TextWriter output, CapacityResult r, string folder)
    {
        var rows = new List<string[]>
        {
            new[] { "width", "parameters", r.Kind == MemoryKind.Facts ? "names" : "strings", "exposures", "bits there are",
                "memorised", "95 %", "bits/param", "no emb.", "no emb., head", "rate ×", "seeds" },
        };
        foreach (CapacityPoint p in r.Points)
            rows.Add([I($"{p.Run.DModel}"), I($"{p.Run.Parameters:N0}"), I($"{p.Count}"), I($"{p.Exposures}"),
                I($"{p.DatasetBits:N0}"), I($"{p.Memorised.Value:N0}"), Half(p.Memorised, "N0"),
                I($"{p.Memorised.Value / p.Run.Parameters:0.000}"),
                I($"{p.Memorised.Value / p.Run.ParametersWithoutEmbedding:0.000}"),
                I($"{p.Memorised.Value / p.Run.NonEmbedding:0.000}"), I($"{p.Rate}"), I($"{p.Seeds}")]);
        TextTable.Write(output, rows);
        foreach (CapacityPlateau plateau in r.Plateaus)
        {
            PlannedRun run = plateau.At.Run;
            Estimate all = plateau.Per(run.Parameters);
            output.WriteLine((plateau.Reached ? "plateau   " : "at least  ") +
                I($" width {run.DModel}, {plateau.At.Exposures} exposures: {all.Value:0.00} bits/parameter ") +
                I($"({Half(all, "0.00")}), {plateau.Per(run.ParametersWithoutEmbedding).Value:0.00} without the embedding, ") +
                I($"{plateau.Per(run.NonEmbedding).Value:0.00} without embedding and head") +
                (plateau.Reached ? "" : "; " + plateau.Bound));
        }
        output.WriteLine(r.Kind == MemoryKind.Random
            ? "literature  3.6 bits/parameter of random strings, all parameters, half precision (Morris et al. 2025)"
            : "literature  2 bits/parameter of facts at 1000 exposures, 1 at 100 (Allen-Zhu & Li 2024)");
        output.WriteLine(folder);
    }

    static string Half(Estimate e, string form) =>
        double.IsNaN(e.Low) ? "-" : "± " + (e.High - e.Value).ToString(form, CultureInfo.InvariantCulture);

    static Option<string> List(string name, string what, IEnumerable<double> values) => new(name)
    {
        Description = what,
        HelpName = "X,Y,…",
        DefaultValueFactory = _ => string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture))),
    };

    static Option<int> Whole(string name, string what, int value) => new(name)
    {
        Description = what,
        HelpName = "N",
        DefaultValueFactory = _ => value,
    };

    static double[] Numbers(Invocation call, Option<string> option) => [.. call.Parsed.GetValue(option)!.Split(',').Select(text =>
        double.TryParse(text, CultureInfo.InvariantCulture, out double value) ? value
            : throw new ConfigException($"{option.Name} '{text}' is not a number; give numbers with commas between them"))];

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(CapacityResult))]
[JsonSerializable(typeof(GainByOrder))]
sealed partial class CapacityJson : JsonSerializerContext;
