using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Rl;
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
        var threads = new Option<int>("--threads") { Description = "0: one a core. The result is the same", HelpName = "N" };
        var verb = new Verb("teach", "Fine-tune on demonstrations: the loss is on the replies alone. The same command resumes.",
            "isoflop teach name=p tasks=parity:1..3 think=0.3 model.d_model=64     a fresh model, a token a byte",
            "isoflop teach name=m tasks=modular-root trace=monologue items=50000",
            "isoflop teach name=w tasks=addition:1..2 from=world.1e13.d96.s1       on top of a ladder's run",
            "isoflop teach name=mine chat=chats.jsonl from=base      lines of {\"messages\": [{\"role\": …, \"content\": …}]}",
            "settings: name, tasks, chat, from, think, trace (monologue, proof, answer_first, filler, corrupted), items,",
            "valid_items, passes, context, seed; 'isoflop tasks' lists the tasks, 'isoflop train --help' a run's settings")
        { given, threads };
        verb.Runs(call =>
        {
            string[] all = call.Parsed.GetValue(given) ?? [];
            (string? file, string[] own, string[] ofRun) = Sort(all);
            TeachRecipe recipe = TeachRecipe.Load(file, own);
            TrainResult result;
            using (ProgressLine line = call.Progress())
                result = Teach.Run(recipe, ofRun, new()
                {
                    Home = call.Home,
                    Threads = call.Parsed.GetValue(threads),
                    Progress = p => line.Report("teach", p.Step, p.Steps, "steps",
                        string.Create(CultureInfo.InvariantCulture, $"loss {p.Loss:F4}")),
                }, call.Err.WriteLine, call.Stop);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(result, TrainCommandJson.Default.TrainResult));
            else
                call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Path}\t") + (result.Done
                    ? string.Create(CultureInfo.InvariantCulture,
                        $"loss {result.ValidLoss:F4} nats/token of held-out replies, ") +
                      string.Create(CultureInfo.InvariantCulture,
                          $"{result.Ledger.Spent.Flops:0.00e0} FLOPs{(result.AlreadyDone ? " (was done already)" : "")}")
                    : $"stopped at step {result.Step} of {result.Steps}; the same command resumes"));
            return result.Done ? 0 : App.Interrupted;
        });
        return verb;
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
