using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Corpora;
using Isoflop.Lab.Studies;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop mix</c>: which mixture of sources to train on.</summary>
static class MixCommand
{
    public static Command Create()
    {
        var defaults = new MixRecipe { Name = "" };
        var name = new Argument<string>("name") { Description = "Name of the study" };
        var sources = new Option<string[]>("--sources")
        {
            Description = "Labelled sources: corpora of this home, or files, folders, globs of text",
            HelpName = "LABEL=PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> corpus = Text("--corpus", "Instead: a corpus whose tags are the sources", "NAME", null),
            target = Text("--target", "Source whose held-out loss is to be least; else the mean over sources", "LABEL", null),
            field = Text("--field", "Property or column that holds the text", "NAME", defaults.Field);
        Option<double> budget = Number("--budget", "Training FLOPs of each mixture's run", defaults.Budget),
            scale = Number("--scale", "FLOPs of the check over the budget; 0: no check", defaults.Scale);
        Option<int> mixtures = Whole("--mixtures", "Corners, centre, as the sources are, and drawn ones", defaults.Mixtures),
            seeds = Whole("--seeds", "Seeds of the check", defaults.Seeds),
            vocab = Whole("--vocab", "Vocabulary of the common tokenizer, where sources are files", defaults.Vocab),
            context = Whole("--context", "Context of the models, tokens", defaults.ContextLen),
            workers = Whole("--workers", "Runs side by side; 0: one a core", 0);
        var seed = new Option<ulong>("--seed")
        {
            Description = "Draws mixtures and the order of documents",
            HelpName = "N",
            DefaultValueFactory = _ => defaults.Seed,
        };
        var yes = new Option<bool>("--yes") { Description = "Start without asking" };
        var verb = new Verb("mix",
            "A run for each of several mixtures of sources, a law for the loss on each source, the best mixture, and its check.",
            "isoflop mix news --sources web=web.jsonl books=~/books code=code --budget 1e11 --target books --yes",
            "isoflop mix topics --corpus qa --mixtures 12 --yes")
        {
            name, sources, corpus, target, field, budget, scale, mixtures, seeds, vocab, context, seed, workers, yes,
        };
        var crew = new CrewOptions();
        crew.AddTo(verb);
        verb.Runs(call =>
        {
            var recipe = new MixRecipe
            {
                Name = call.Parsed.GetValue(name)!,
                Sources = [.. (call.Parsed.GetValue(sources) ?? []).Select(InputOf)],
                Corpus = call.Parsed.GetValue(corpus),
                Target = call.Parsed.GetValue(target),
                Field = call.Parsed.GetValue(field)!,
                Budget = call.Parsed.GetValue(budget),
                Scale = call.Parsed.GetValue(scale),
                Mixtures = call.Parsed.GetValue(mixtures),
                Seeds = call.Parsed.GetValue(seeds),
                Vocab = call.Parsed.GetValue(vocab),
                ContextLen = call.Parsed.GetValue(context),
                Seed = call.Parsed.GetValue(seed),
            };
            int side = call.Parsed.GetValue(workers);
            Mix mix = Mix.Open(recipe, call.Here);
            IReadOnlyList<PlannedRun> runs = mix.Runs;
            int open = runs.Count - StudyResult.Of(call.Here, runs).Count;
            if (open > 0)
            {
                StudyTables.Plan(call.Err, runs, null, crew.SideBySide(call, side), call.Here);
                double larger = recipe.Scale * recipe.Budget;
                if (larger > 0) call.Err.WriteLine(I($"then up to {3 * recipe.Seeds} runs of {larger:0.##e0} FLOPs: the check"));
                StudyTables.Ask(call, call.Parsed.GetValue(yes));
            }
            if (crew.Begin(call, recipe.Name, side, open, here => Mix.Open(recipe, here).Run(1).Failed) is { } code)
                return code;
            MixStudy study = mix.Run(side);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(study, MixStudyJson.Default.MixStudy));
            else Write(call.Out, study, call.Here.StudyFolder(recipe.Name));
            foreach (FailedRun f in study.Failed) call.Err.WriteLine($"{f.Name} failed: {f.Reason}");
            return study.Failed.Count > 0 ? App.UserError : 0;
        });
        return verb;
    }

    static MixInput InputOf(string text)
    {
        int at = text.IndexOf('=');
        return at > 0 ? new(text[..at], text[(at + 1)..])
            : throw new ConfigException($"--sources '{text}' is not LABEL=PATH; try docs={text}");
    }

    static void Write(TextWriter output, MixStudy s, string folder)
    {
        var rows = new List<string[]>
        {
            (string[])["mixture, %", "passes", .. s.Sources.Select(l => $"loss {l}"), s.Target],
        };
        foreach (MixResult r in s.Small)
            rows.Add([r.Mixture.Name, I($"{r.Passes:0.0}"), .. r.Losses.Select(l => I($"{l:0.0000}")), I($"{r.Score:0.0000}")]);
        PlannedRun run = s.Small[0].Run;
        output.WriteLine($"shares of {string.Join(", ", s.Sources)}; " +
            I($"{run.ParametersWithoutEmbedding:N0} parameters without the embedding, {run.Tokens:N0} tokens"));
        TextTable.Write(output, rows, 0);
        foreach (MixFit f in s.Fits)
            output.WriteLine($"{f.Source}: L = {I($"{f.Law.C:0.000} + {f.Law.K:0.000}")}·exp(" +
                string.Join(" ", f.Law.T.Select((t, j) => I($"{t:+0.000;-0.000}·{s.Sources[j]}"))) +
                I($"); a mixture left out: {f.LawLeftOut:0.0000} nats off, by a straight line {f.LineLeftOut:0.0000}"));
        output.WriteLine(I($"best for {s.Target}: {s.Best.Name}, predicted {s.Predicted:0.0000} nats/token at this size"));
        if (s.Checks.Count > 0)
        {
            List<string[]> checks = [["check", "mixture, %", "predicted (small)", "measured", "95 %", "seeds"]];
            foreach (MixCheck c in s.Checks.OrderBy(c => c.Score.Value))
                checks.Add([c.What, c.Mixture.Name, I($"{c.Predicted:0.0000}"), I($"{c.Score.Value:0.0000}"),
                    double.IsNaN(c.Score.Low) ? "-" : I($"± {c.Score.High - c.Score.Value:0.0000}"), I($"{c.Seeds}")]);
            TextTable.Write(output, checks, 0, 1);
            output.WriteLine(I($"rank correlation of predicted and come: {s.Rank:0.00}"));
        }
        output.WriteLine(folder);
    }

    static Option<string?> Text(string name, string what, string help, string? value) =>
        new(name) { Description = what, HelpName = help, DefaultValueFactory = _ => value };

    static Option<double> Number(string name, string what, double value) =>
        new(name) { Description = what, HelpName = "X", DefaultValueFactory = _ => value };

    static Option<int> Whole(string name, string what, int value) =>
        new(name) { Description = what, HelpName = "N", DefaultValueFactory = _ => value };

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(MixStudy))]
sealed partial class MixStudyJson : JsonSerializerContext;
