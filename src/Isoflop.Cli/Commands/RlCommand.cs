using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Replies;
using Isoflop.Lab.Rl;
using Isoflop.Lab.Statistics;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop rl</c>: reinforcement learning on verifiable rewards; <c>isoflop rl replay</c>.</summary>
static class RlCommand
{
    public static Command Create()
    {
        var given = new Argument<string[]>("recipe")
        {
            Description = "A recipe's JSON file, and key=value",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var verb = new Verb("rl",
            "Reinforcement learning: groups of replies, judged, the better made likelier. The same command resumes.",
        [
            "isoflop teach name=p tasks=parity:3 && isoflop rl name=p-rl from=p tasks=parity:3 steps=40",
            "isoflop rl recipes/parity.json seed=2 name=parity-2",
            "isoflop rl name=d from=p tasks=parity:3 method=dapo updates=4 kl=0.01",
            "isoflop rl name=p-rl from=p tasks=parity:3 --seeds 8 --on slurm --workers 8",
            "isoflop rl show p-rl                                    its examinations",
            "isoflop rl replay p-rl --step 20 --show 3               a step again, to the last bit",
            "isoflop rl forecast p-rl.s1 p-rl.s2 p-rl.s3             from the first half of the steps to the end",
        ])
        { given };
        var seeds = new SeedOptions();
        seeds.AddTo(verb);
        verb.Add(Show());
        verb.Add(Replay());
        verb.Add(Forecast());
        verb.Sections =
        [
            Settings.Help(SettingsJson.List(RlJson.Default.RlRecipe)),
            ("Methods, as method=NAME", [.. RlRecipe.Methods]),
            ("Rewards, as reward=NAME", [.. Rewards.All.Select(r => (r.Name, r.Says))]),
        ];
        verb.Runs(call =>
        {
            string[] all = call.Parsed.GetValue(given) ?? [];
            bool file = all.Length > 0 && !all[0].Contains('=');
            RlRecipe recipe = RlRecipe.Load(file ? all[0] : null, file ? all[1..] : all);
            return seeds.Run(call, recipe.Name, recipe.Seed, (name, seed, here) =>
            {
                RlResult result = Reinforcement.Run(recipe with { Name = name, Seed = seed }, here);
                return (result.Done, () => Write(call, result));
            });
        });
        return verb;
    }

    static Command Show()
    {
        var run = new Argument<string>("run") { Description = "The run" };
        var verb = new Verb("show", "Print a run's examinations so far.", "isoflop rl show p-rl",
            "isoflop rl show p-rl --json") { run };
        verb.Runs(call =>
        {
            Write(call, Reinforcement.ResultOf(call.Parsed.GetValue(run)!, call.Here));
            return 0;
        });
        return verb;
    }

    static Command Forecast()
    {
        var runs = new Argument<string[]>("runs") { Description = "Seeds of one recipe", Arity = ArgumentArity.OneOrMore };
        var until = new Option<double?>("--until")
        {
            Description = "Fit the steps up to so many FLOPs of reinforcement; default: of half of the steps",
            HelpName = "FLOPS",
        };
        var verb = new Verb("forecast",
            "Fit the reward's sigmoid in log compute to a run's first steps and hold it against the later ones.",
            "isoflop rl forecast p-rl", "isoflop rl forecast p-rl.s1 p-rl.s2 p-rl.s3 --until 2e11") { runs, until };
        verb.Runs(call =>
        {
            RewardLaw found = RewardLaw.Of(call.Parsed.GetValue(runs)!, call.Here, call.Parsed.GetValue(until));
            if (call.Json)
            {
                call.Out.WriteLine(JsonSerializer.Serialize(found, RlCommandJson.Default.RewardLaw));
                return 0;
            }
            LawText.Write(call.Out, found.Law, double.NaN);
            call.Out.WriteLine();
            call.Out.WriteLine(FormattableString.Invariant($"fitted to steps up to {found.Until:0.00e0} FLOPs; after them:"));
            call.Out.WriteLine("     FLOPs  forecast                 measured");
            foreach (RewardCheck c in found.Checks)
                call.Out.WriteLine(FormattableString.Invariant($"  {c.Flops,8:0.00e0}  ") + Range(c.Forecast).PadRight(25) +
                    Range(c.Measured));
            return 0;
        });
        return verb;
    }

    static string Range(Estimate e) => double.IsNaN(e.Value) ? "none" : FormattableString.Invariant($"{e.Value:0.000}") +
        (double.IsNaN(e.Low) ? "" : FormattableString.Invariant($" ({e.Low:0.000} to {e.High:0.000})"));

    static Command Replay()
    {
        var run = new Argument<string>("run") { Description = "The run" };
        var step = new Option<int>("--step") { Description = "1 to the steps done", HelpName = "N", Required = true };
        var show = new Option<int>("--show")
        {
            Description = "Groups to print; all of them with --json",
            HelpName = "N",
            DefaultValueFactory = _ => 2
        };
        var verb = new Verb("replay",
            "Play a step again, from the checkpoint before it, and say whether it is the same to the last bit: groups, " +
            "tokens, log-probabilities, gradient; exit code 2 where it is not.",
            "isoflop rl replay p-rl --step 20", "isoflop rl replay p-rl --step 20 --json > replies.jsonl") { run, step, show };
        verb.Runs(call =>
        {
            int which = call.Parsed.GetValue(step);
            Replayed again = Reinforcement.Replay(call.Parsed.GetValue(run)!, which, call.Here);
            string found = $"step {which} played again " + (again.Differences.Count == 0
                ? $"is the step of {RlRows.StepsFile} to the last bit: rewards, lengths, log-probabilities, gradient"
                : $"differs from {RlRows.StepsFile}: {string.Join(", ", again.Differences)}; the arithmetic of that machine, " +
                    "or a judge, was another");
            (call.Json ? call.Err : call.Out).WriteLine(found);
            int code = again.Differences.Count == 0 ? 0 : App.UserError;
            if (call.Json)
            {
                foreach (ReplyRow row in again.Rows)
                    call.Out.WriteLine(JsonSerializer.Serialize(row, RlCommandJson.Default.ReplyRow));
                return code;
            }
            foreach (var group in again.Rows.GroupBy(r => (r.Level, r.Prompt)).Take(call.Parsed.GetValue(show)))
            {
                call.Out.WriteLine($"{group.Key.Level}  {group.Key.Prompt}");
                foreach (ReplyRow r in group)
                    call.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"  {(r.Reward > 0 ? "right" : "wrong")}  advantage {r.Advantage,6:0.00}  ") +
                        string.Create(CultureInfo.InvariantCulture, $"log p {r.LogProbs.Sum(),7:0.00}  {r.Reply}"));
            }
            return code;
        });
        return verb;
    }

    static void Write(Invocation call, RlResult r)
    {
        TextWriter output = call.Out;
        if (call.Json)
        {
            output.WriteLine(JsonSerializer.Serialize(new RlRecord(r.Name, r.Path, r.Done, r.Step, r.Steps.LastOrDefault(),
                r.Evals),
                RlCommandJson.Default.RlRecord));
            return;
        }
        output.WriteLine($"{r.Path}\t" + (r.Done ? (r.AlreadyDone ? "was done already" : "done")
            : $"stopped at step {r.Step}; the same command resumes"));
        output.WriteLine("  step     FLOPs  form    level                 greedy  pass@1      ±  pass@k  " +
            "length  thinks  cut off  chance");
        foreach (RlEval e in r.Evals)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {e.Step,4}  {e.Flops,8:0.00e0}  ") +
                RlText.Form(e.Form) + $"  {e.Level,-20}  " + RlText.Scores(e));
        if (r.Steps.Count == 0) return;
        double all = r.Steps.Sum(s => s.Seconds), drew = r.Steps.Sum(s => s.SampleSeconds) / all,
            learnt = r.Steps.Sum(s => s.LearnSeconds) / all;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {drew:P1} of the time drew replies, {learnt:P1} learnt, {1 - drew - learnt:P1} went elsewhere; ") +
            string.Create(CultureInfo.InvariantCulture,
                $"{r.Ledger.Spent.Flops:0.00e0} FLOPs spent on this model from its start"));
    }
}

/// <summary>An examination in columns.</summary>
static class RlText
{
    public static string Form(ReplyForm form) => form.ToString().ToLowerInvariant().PadRight(6);

    public static string Scores(RlEval e) => string.Create(CultureInfo.InvariantCulture,
        $"{e.Greedy,6:0.000}  {e.PassAt1,6:0.000}  {1.96 * e.Error:0.000}  {e.PassAtK,6:0.000}  {e.Length,6:0.0}  ") +
        string.Create(CultureInfo.InvariantCulture, $"{e.Thinking,6:P0}  {e.Truncated,7:P0}  {e.Chance,6:0.000}");
}

sealed record RlRecord(string Name, string Path, bool Done, int Step, RlStep? Last, IReadOnlyList<RlEval> Evals);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RlRecord))]
[JsonSerializable(typeof(RewardLaw))]
[JsonSerializable(typeof(ReplyRow))]
sealed partial class RlCommandJson : JsonSerializerContext;
