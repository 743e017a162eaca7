using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Teaching;
using Isoflop.Lab.Thinking;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop teach</c>: fine-tuning on demonstrations.</summary>
static class TeachCommand
{
    public static Command Create()
    {
        var given = new Argument<string[]>("recipe")
        {
            Description = "A recipe's JSON file, and key=value: the recipe's, or a run's (train.steps=500)",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var scorer = new Option<bool>("--scorer")
        {
            Description = "Teach a scorer: which beginnings of the policy's replies come to a right answer",
        };
        Option<string> precision = Settings.Precision();
        var verb = new Verb("teach", "Fine-tune on demonstrations: the loss is on the replies alone. The same command resumes.",
        [
            "isoflop teach name=p tasks=parity:1..3 think=0.3 model.d_model=64     a fresh model, a token a byte",
            "isoflop teach name=m tasks=modular-root trace=monologue items=50000",
            "isoflop teach name=w tasks=addition:1..2 from=world.1e13.d96.s1       on top of a ladder's run",
            "isoflop teach --scorer name=v from=m tasks=modular-root                values of beginnings of m's own replies",
            "isoflop teach name=p tasks=parity:3 --seeds 4 --on local:4            p.s1 to p.s4, by four workers",
            "isoflop teach name=mine chat=chats.jsonl from=base      lines of {\"messages\": [{\"role\": …, \"content\": …}]}",
        ])
        { given, scorer, precision };
        var seeds = new SeedOptions();
        seeds.AddTo(verb);
        verb.Sections =
        [
            Settings.Help(SettingsJson.List(TeachJson.Default.TeachRecipe)),
            ("Settings of the run, as KEY=VALUE",
            [
                ("model.*, train.*, save.*, eval.*, flops", "as 'isoflop train --help' lists them, with their defaults"),
            ]),
            Settings.Help(SettingsJson.List(ScorerJson.Default.ScorerRecipe), "Settings of a scorer"),
        ];
        verb.Runs(call =>
        {
            string[] all = [.. call.Parsed.GetValue(given) ?? [], .. Settings.Precision(call.Parsed, precision)];
            (string? file, string[] own, string[] ofRun) = Sort(all);
            RunConfig settings = Config.Load(null, ofRun);
            if (call.Parsed.GetValue(scorer))
            {
                ScorerRecipe values = ScorerRecipe.Load(file, own);
                return seeds.Run(call, values.Name, values.Seed, (name, seed, here) =>
                {
                    (TrainResult result, ScorerCard? card) =
                        TeachScorer.Run(values with { Name = name, Seed = seed }, settings, here);
                    return (result.Done, () => Write(call, result, card));
                });
            }
            TeachRecipe recipe = TeachRecipe.Load(file, own);
            return seeds.Run(call, recipe.Name, recipe.Seed, (name, seed, here) =>
            {
                TrainResult result = Teach.Run(recipe with { Name = name, Seed = seed }, settings, here);
                return (result.Done, () => Write(call, result, null));
            });
        });
        return verb;
    }

    static void Write(Invocation call, TrainResult result, ScorerCard? card)
    {
        if (call.Json)
        {
            call.Out.WriteLine(JsonSerializer.Serialize(result, TrainCommandJson.Default.TrainResult));
            return;
        }
        call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Path}\t") + (result.Done
            ? (double.IsNaN(result.ValidLoss) ? "no reply held out, " : string.Create(CultureInfo.InvariantCulture,
                $"loss {result.ValidLoss:F4} nats/token of held-out replies, ")) +
              string.Create(CultureInfo.InvariantCulture,
                  $"{result.Ledger.Spent.Flops:0.00e0} FLOPs{(result.AlreadyDone ? " (was done already)" : "")}")
            : $"stopped at step {result.Step} of {result.Steps}; the same command resumes"));
        if (card is null) return;
        call.Out.WriteLine(FormattableString.Invariant(
            $"  Brier {card.Raw.Brier:0.000}, calibrated {card.Calibrated.Brier:0.000}; ") +
            FormattableString.Invariant($"area {card.Calibrated.Area:0.000}; ") +
            string.Join(", ", card.ByShare.Where(p => p.Area >= 0).Select(p =>
                FormattableString.Invariant($"{p.Area:0.000} at {p.Share:0.##} of a reply"))) +
            $"\n{Path.Combine(result.Path, "reliability.svg")}");
    }

    /// <summary>The file, settings of the recipe, and those of a run: model.*, train.*, save.*, eval.*, flops.</summary>
    static (string?, string[], string[]) Sort(string[] given)
    {
        bool file = given.Length > 0 && !given[0].Contains('=');
        string[] edits = file ? given[1..] : given;
        bool OfRun(string s) => s.StartsWith("flops=", StringComparison.Ordinal) || s.Split('=')[0].Contains('.');
        return (file ? given[0] : null, [.. edits.Where(e => !OfRun(e))], [.. edits.Where(OfRun)]);
    }
}
