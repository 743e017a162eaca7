using System.Diagnostics;
using System.Text.Json.Nodes;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Studies;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public class LadderTests
{
    /// <summary>Two budgets, two sizes, two seeds: seconds.</summary>
    internal static LadderRecipe Tiny(string name = "t") => new()
    {
        Name = name,
        Corpus = "tiny",
        Settings = ["model.context_len=32", "train.warmup=0.1"],
        Widths = [8, 16, 24],
        Rungs = [new() { Budgets = "1e8..1e9", PerDecade = 1, Seeds = 2, Sizes = 2 }],
        MinSteps = 20,
        MaxEpochs = 100,
        TokensPerParameter = 1,
        Spacing = 4,
    };

    static double RateOf(PlannedRun r) => ComputeOptimal.LearningRate(r.DModel, r.BatchTokens, r.Tokens);

    static string Results(TinyHome home, string name = "t") =>
        File.ReadAllText(Path.Combine(new Workspace(home.Path).StudyFolder(name), Study.ResultsFile));

    /// <summary>The table without its last column, which is time.</summary>
    static string Timeless(TinyHome home, string name = "t") => string.Join('\n',
        Results(home, name).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.TrimEnd('\r')[..l.LastIndexOf(',')]));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_recipe_that_was_written_is_read_again(bool tuned)
    {
        LadderRecipe recipe = Tiny() with { Tune = tuned ? new() { Flops = 1e8 } : null };
        using var home = new TinyHome();
        string file = Path.Combine(home.Path, "r.json");
        File.WriteAllText(file, recipe.Text());
        Assert.Equal(recipe.Text(), LadderRecipe.Load(file).Text());
        Assert.Empty(recipe.Differences(LadderRecipe.Load(file)));
    }

    [Fact]
    public void A_plan_spends_each_budget_and_prices_every_run()
    {
        using var home = new TinyHome();
        IReadOnlyList<PlannedRun> runs = Ladder.PlanOf(Tiny(), new(home.Path));
        Assert.Equal(2 * 2 * 2, runs.Count);
        Assert.Equal(runs.Count, runs.Select(r => r.Name).Distinct().Count());
        Assert.Equal([1e8, 1e9], runs.Select(r => r.Budget).Distinct());
        foreach (PlannedRun r in runs)
        {
            // whole updates: half of one may be missing or too much
            Assert.InRange(Math.Abs(r.Flops / r.Budget - 1), 0, 0.5 / r.Steps + 1e-9);
            Assert.Equal((long)r.Steps * r.BatchTokens, r.Tokens);
            Assert.True(r.MemoryBytes > 16 * r.Parameters && r.EvalFlops > 0 && r.ParametersWithoutEmbedding < r.Parameters);
        }
        Assert.False(Directory.Exists(Path.Combine(home.Path, "runs")));
    }

    [Fact]
    public void Sizes_lie_around_the_one_that_spends_the_budget_at_the_wanted_ratio()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = Tiny() with
        {
            Widths = [],
            Rungs = [new() { Budgets = "1e13", Seeds = 1, Sizes = 3 }],
            Spacing = 2,
            TokensPerParameter = 20,
        };
        double[] ratio = [.. Ladder.PlanOf(recipe, new(home.Path)).Select(r => (double)r.Tokens / r.ParametersWithoutEmbedding).Order()];
        Assert.Equal(3, ratio.Length);
        // the middle within the width grid's coarseness (a factor of about 2 in size: √2² in the ratio), the others a factor of 4 away
        Assert.InRange(ratio[1], 20 / 2.1, 20 * 2.1);
        Assert.True(ratio[0] < ratio[1] / 1.9 && ratio[2] > ratio[1] * 1.9);
    }

    [Fact]
    public void A_study_ends_with_a_table_and_repeats_nothing()
    {
        using var home = new TinyHome();
        LadderResult first = Ladder.Run(Tiny(), new(home.Path), workers: 2);
        Assert.Equal(8, first.Results.Count);
        Assert.Empty(first.Failed);
        string table = Results(home);
        Assert.Equal(9, table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.StartsWith("run,phase,budget,d_model,n_layer,parameters,non_embedding,parameters_without_embedding,tokens,flops,loss,", table);
        Assert.All(first.Results, r => Assert.Equal(r.Run.Tokens, r.Tokens));

        DateTime written = first.Results.Max(r => File.GetLastWriteTimeUtc(
            Path.Combine(new Workspace(home.Path).RunFolder(r.Run.Name), RunFolder.EventsFile)));
        LadderResult again = Ladder.Run(Tiny(), new(home.Path), workers: 1);
        Assert.Equal(first.Results, again.Results);
        Assert.Equal(table, Results(home));
        Assert.Equal(written, again.Results.Max(r => File.GetLastWriteTimeUtc(
            Path.Combine(new Workspace(home.Path).RunFolder(r.Run.Name), RunFolder.EventsFile))));
    }

    [Fact]
    public void More_budgets_and_seeds_may_be_added_but_no_other_setting_changed()
    {
        using var home = new TinyHome();
        LadderRecipe small = Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 1, Sizes = 1 }] };
        Ladder.Run(small, new(home.Path));
        LadderResult grown = Ladder.Run(Tiny(), new(home.Path));
        Assert.Equal(8, grown.Results.Count);
        ConfigException e = Assert.Throws<ConfigException>(() =>
            Ladder.Run(Tiny() with { Settings = ["model.context_len=16"] }, new(home.Path)));
        Assert.Contains("was made with settings=", e.Message);
    }

    [Fact]
    public void Stopped_and_called_again_it_ends_with_the_same_table()
    {
        using TinyHome home = new(), calm = new();
        Ladder.Run(Tiny(), new(calm.Path), workers: 1);
        int stops = 0;
        while (true)
        {
            using var stop = new CancellationTokenSource();
            int reports = 0;
            try
            {
                Ladder.Run(Tiny(), new Workspace(home.Path).Reporting(_ => { if (++reports > 3) stop.Cancel(); }) with { Stop = stop.Token }, workers: 2);
                break;
            }
            catch (OperationCanceledException)
            {
                stops++;
            }
        }
        Assert.InRange(stops, 2, 100);
        Assert.Equal(Timeless(calm), Timeless(home));
        foreach (PlannedRun r in Ladder.PlanOf(Tiny(), new(home.Path)))
        {
            List<RunEvent> events = RunFolder.ReadEvents(new Workspace(home.Path).RunFolder(r.Name));
            Assert.Single(events, e => e.Event == "done");
            Assert.Equal(r.Steps, RunFolder.ReadSteps(new Workspace(home.Path).RunFolder(r.Name)).Count);
        }
    }

    [Fact, Trait("speed", "slow")]
    public void Killed_at_random_nothing_is_lost_and_nothing_done_twice()
    {
        using TinyHome home = new(), calm = new();
        string recipe = Path.Combine(home.Path, "t.json");
        File.WriteAllText(recipe, """
            { "corpus": "tiny", "settings": ["model.context_len=32"], "widths": [8, 16, 24], "min_steps": 20, "max_epochs": 100,
              "tokens_per_parameter": 1, "spacing": 4, "rungs": [{ "budgets": "1e8,1e9", "seeds": 2, "sizes": 2 }] }
            """);
        string[] args = ["ladder", recipe, "--yes"];
        var random = new Random(7);
        int kills = 0;
        var done = new HashSet<string>();
        var until = Stopwatch.StartNew();
        while (kills < 12 && until.Elapsed.TotalSeconds < 30)
        {
            using Process child = Start(home, args);
            if (kills > 0)                                        // the first may die before it has written anything
                for (int n = done.Count; !child.HasExited && Done(home).Count <= n;) Thread.Sleep(2);
            Thread.Sleep(random.Next(150));
            bool ended = child.HasExited;
            child.Kill();
            child.WaitForExit();
            HashSet<string> now = Done(home);
            Assert.Superset(done, now);                           // nothing that was done is lost
            done = now;
            if (ended) break;
            kills++;
        }
        Assert.InRange(kills, 3, 12);
        using (Process last = Start(home, args))
        {
            last.WaitForExit();
            Assert.Equal(0, last.ExitCode);
        }
        Assert.Equal(0, App.Run([.. args, "--home", calm.Path], [LadderCommand.Create()], TextWriter.Null, TextWriter.Null));
        Assert.Equal(Timeless(calm), Timeless(home));
        foreach (string name in done)
            Assert.Single(RunFolder.ReadEvents(new Workspace(home.Path).RunFolder(name)), e => e.Event == "done");
    }

    static HashSet<string> Done(TinyHome home) => !Directory.Exists(Path.Combine(home.Path, "runs")) ? []
        : [.. Directory.GetDirectories(Path.Combine(home.Path, "runs"))
            .Where(d => RunFolder.ReadEvents(d).Any(e => e.Event == "done")).Select(d => Path.GetFileName(d)!)];

    static Process Start(TinyHome home, string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), .. args, "--home", home.Path])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        Process child = Process.Start(start)!;
        child.OutputDataReceived += (_, _) => { };
        child.BeginOutputReadLine();
        child.ErrorDataReceived += (_, _) => { };
        child.BeginErrorReadLine();
        return child;
    }

    [Fact]
    public void A_run_deleted_under_a_study_is_trained_again_to_the_same_loss()
    {
        using var home = new TinyHome();
        LadderResult first = Ladder.Run(Tiny(), new(home.Path));
        string table = Timeless(home);
        Directory.Delete(new Workspace(home.Path).RunFolder(first.Results[3].Run.Name), recursive: true);
        Ladder.Run(Tiny(), new(home.Path));
        Assert.Equal(table, Timeless(home));
    }

    [Fact]
    public void A_run_that_fails_is_named_and_the_rest_goes_on()
    {
        using var home = new TinyHome();
        string bad = Ladder.PlanOf(Tiny(), new(home.Path))[2].Name;
        home.Train($"name={bad}");                                // a run of that name with other settings
        LadderResult result = Ladder.Run(Tiny(), new(home.Path));
        FailedRun failed = Assert.Single(result.Failed);
        Assert.Equal(bad, failed.Name);
        Assert.Contains("was started with", failed.Reason);
        Assert.Equal(7, result.Results.Count);
    }

    [Fact]
    public void Two_ladders_on_one_study_are_refused()
    {
        using var home = new TinyHome();
        Ladder.Run(Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 1, Sizes = 1 }] }, new(home.Path));
        using (Study.Open(new(home.Path), "t").Lock())
            Assert.Contains($"is being written by process {Environment.ProcessId} on ",
                Assert.Throws<ConfigException>(() => Ladder.Run(Tiny(), new(home.Path))).Message);
        Ladder.Run(Tiny(), new(home.Path));
    }

    [Fact]
    public void A_run_killed_while_it_saved_its_last_checkpoint_is_not_done_and_is_trained_to_the_same_bits()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 1, Sizes = 1 }] };
        StudyResult whole = Assert.Single(Ladder.Run(recipe, home.Here).Results);
        string run = home.Here.RunFolder(whole.Run.Name), last = Path.Combine(run, Checkpoint.NameOf(whole.Run.Steps));
        byte[] weights = File.ReadAllBytes(Path.Combine(last, ModelFolder.ModelFile));
        Directory.Move(last, Path.Combine(run, $".{Path.GetFileName(last)}.tmp"));           // written, and never renamed
        Assert.Null(StudyResult.Of(home.Here, whole.Run));
        Assert.Equal(whole.Loss, Assert.Single(Ladder.Run(recipe, home.Here).Results).Loss);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(last, ModelFolder.ModelFile)));
        Assert.Empty(Directory.GetDirectories(run, ".*"));
    }

    [Fact]
    public void A_study_of_another_version_is_refused()
    {
        using var home = new TinyHome();
        Ladder.Run(Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 1, Sizes = 1 }] }, new(home.Path));
        string path = Path.Combine(new Workspace(home.Path).StudyFolder("t"), Study.RecordFile);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"format_version\": 2", "\"format_version\": 9"));
        Assert.Contains("format version 9; this program reads up to 2",
            Assert.Throws<DataException>(() => Ladder.Run(Tiny(), new(home.Path))).Message);
        File.WriteAllText(path, "{");
        Assert.StartsWith(path, Assert.Throws<DataException>(() => Ladder.Run(Tiny(), new(home.Path))).Message);
    }

    [Fact]
    public void A_study_of_another_dial_is_read_but_not_gone_on_with()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = Tiny() with { Rungs = [new() { Budgets = "1e8", Seeds = 1, Sizes = 1 }] };
        PlannedRun run = Assert.Single(Ladder.Run(recipe, new(home.Path)).Results).Run;
        Assert.Equal(ComputeOptimal.Version, run.Dial);
        Assert.Equal(ComputeOptimal.Version, RunRecord.Load(home.Here.RunFolder(run.Name)).Dial);
        string path = Path.Combine(new Workspace(home.Path).StudyFolder("t"), Study.RecordFile);
        JsonObject older = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.Equal(ComputeOptimal.Version, (int)older["runs"]![0]!["dial"]!);
        foreach (string key in (string[])["hash", "format_version"]) older.Remove(key);
        older["runs"]![0]!.AsObject().Remove("dial");             // as the first wrote it
        File.WriteAllText(path, older.ToJsonString());
        Assert.Equal(1, Assert.Single(Study.Open(new(home.Path), "t").Record.Runs).Dial);
        string message = Assert.Throws<ConfigException>(() => Ladder.Run(recipe, new(home.Path))).Message;
        Assert.Contains($"its runs are of dial 1, new ones would be of dial {ComputeOptimal.Version}", message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Tuning_is_charged_apart_and_its_choice_is_used()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = Tiny() with { Tune = new() { Flops = 2e7, TransferFlops = 1e8 } };
        LadderResult result = Ladder.Run(recipe, new(home.Path));
        Assert.True(result.Tuned.Count >= 5 + 3);                    // five rates on one size at least; half, once, twice the rate
        RuleFactors chosen = result.Study.Record.Tuning!.Factors;
        Assert.All(result.Results, r => Assert.Equal(
            RateOf(r.Run) * chosen.LearningRate, r.Run.LearningRate, 12));
        Assert.All(result.Tuned, r => Assert.NotEmpty(r.Run.Excluded));
        Assert.Contains(",tune,", Results(home));
        Assert.Contains("best of", result.Study.Record.Tuning.Note);
    }

    [Fact]
    public void Factors_that_train_the_same_are_trained_once_and_the_rule_is_chosen_among_them()
    {
        using var home = new TinyHome();
        LadderPlan plan = LadderPlan.Of(Tiny() with { Tune = new() { Flops = 2e7, TransferFlops = 1e8 } }, home.Here);
        IReadOnlyList<Trial> trials = plan.Tuning();
        IReadOnlyList<PlannedRun> runs = LadderPlan.RunsOf(trials);
        Assert.Equal(runs.Count, runs.DistinctBy(r => (r.DModel, r.BatchTokens, r.LearningRate)).Count());
        Assert.True(runs.Count < trials.Count, "no batch was too small for its factor: the recipe tests nothing");
        Assert.All(trials, t => Assert.Equal(RateOf(t.Run) * t.Factors.LearningRate, t.Run.LearningRate, 12));
        // Equal losses at every batch: the tuning has no reason to leave the rule.
        StudyResult[] grid = [.. runs.Select(r => new StudyResult(r, r.Flops, r.Flops, r.Tokens, r.LearningRate, 1, 0))];
        Assert.Equal(new RuleFactors(0.25, 1), Tuner.Best(trials, grid));
        Assert.Null(Tuner.Best(trials, []));
    }

    [Fact]
    public void A_tuning_says_which_moves_were_tried()
    {
        using var home = new TinyHome();
        LadderPlan plan = LadderPlan.Of(Tiny() with { Tune = new() { Flops = 2e7, TransferFlops = 1e8 } }, home.Here);
        IReadOnlyList<Trial> moves = plan.Transfer(new(1, 1));
        IReadOnlyList<PlannedRun> runs = LadderPlan.RunsOf(moves);
        StudyResult Result(PlannedRun r, double loss) => new(r, r.Flops, r.Flops, r.Tokens, loss, 1, 0);
        string stays = Tuner.Of(new(1, 1), 7, moves, [.. runs.Select((r, i) => Result(r, 1 + i))]).Note;
        Assert.Contains("rate × 0.5, rate × 2", stays);
        Assert.EndsWith("worse: it carries over", stays);
        int batches = stays.Split("batch × ").Length - 2;                        // besides the choice itself
        Assert.Equal(runs.Count - 3, batches);
        Assert.Contains("rate × 0.5, batch × 1 of that is 0.2500 nats better",
            Tuner.Of(new(1, 1), 7, moves, [.. runs.Select((r, i) => Result(r, i == 1 ? 0.75 : 1))]).Note);
    }

    [Fact]
    public void Branches_of_a_trunk_share_its_steps_and_its_group()
    {
        using var home = new TinyHome();
        LadderRecipe recipe = Tiny() with
        {
            Trunks = true,
            Widths = [8],
            Rungs = [new() { Budgets = "1e8,4e8,1e9", Seeds = 1, Sizes = 1 }],
        };
        IReadOnlyList<PlannedRun> plan = Ladder.PlanOf(recipe, new(home.Path));
        PlannedRun[] branches = [.. plan.Where(r => r.Phase == Phase.Ladder)];
        Assert.Equal(3, branches.Length);
        Assert.Single(branches.Select(b => b.Group).Distinct());
        double apart = branches.Sum(b => b.Flops), spent = plan.Sum(r => r.NewFlops);
        // stable parts .6·(1, 4, 10) once: 6; decays .4·(1 + 4 + 10) = 6; apart 15; whole updates blur it by a few per cent
        Assert.InRange(spent / apart, 12 / 15.0 - 0.03, 12 / 15.0 + 0.03);

        LadderResult result = Ladder.Run(recipe, new(home.Path));
        Assert.Empty(result.Failed);
        StudyResult[] ends = [.. result.Results.Where(r => r.Run.Phase == Phase.Ladder)];
        Assert.Equal(3, ends.Length);
        foreach (StudyResult r in ends)
        {
            Assert.InRange(r.Flops / r.Run.Flops, 0.8, 1.001);     // documents that end inside a window cost less than planned
            Assert.InRange(r.Spent / r.Run.NewFlops, 0.8, 1.001);
        }
    }

    [Theory]
    [InlineData("1e10..1e9", "must be a range")]
    [InlineData("1e10..3e11", "do not end at")]
    [InlineData("many", "must be a range")]
    [InlineData("1e10,1e10", "must be a range")]
    public void Budgets_that_are_none_are_one_line(string budgets, string message)
    {
        using var home = new TinyHome();
        Assert.Contains(message, Assert.Throws<ConfigException>(() =>
            Ladder.PlanOf(Tiny() with { Rungs = [new() { Budgets = budgets }] }, new(home.Path))).Message);
    }

    [Fact]
    public void Without_a_yes_nothing_starts()
    {
        using var home = new TinyHome();
        var error = new StringWriter();
        int code = App.Run(["ladder", "t", "--corpus", "tiny", "--budgets", "1e8", "--tune", "0", "model.context_len=32", "--home", home.Path],
            [LadderCommand.Create()], TextWriter.Null, error);
        Assert.Equal(2, code);
        Assert.Contains("add --yes", error.ToString());
        Assert.False(Directory.Exists(Path.Combine(home.Path, "studies")));
    }
}
