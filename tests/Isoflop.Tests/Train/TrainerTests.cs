using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Isoflop.Store;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Train;

public class TrainerTests
{
    [Fact]
    public void A_resumed_run_ends_with_the_bits_of_an_uninterrupted_one()
    {
        using TinyHome whole = new(), parts = new();
        TrainResult want = whole.Train();
        foreach (int step in new[] { 1, 5, 6, 11 }) Assert.False(parts.TrainUntil(step).Done);
        TrainResult got = parts.Train();
        Assert.True(got.Done);
        Assert.Equal(whole.Model(12), parts.Model(12));
        Assert.Equal(whole.Optimizer(12), parts.Optimizer(12));
        Assert.Equal(whole.Rows(), parts.Rows());
        Assert.Equal(RunFolder.ReadValid(whole.RunPath()), RunFolder.ReadValid(parts.RunPath()));
        Assert.Equal((want.Loss, want.ValidLoss, want.BitsPerByte), (got.Loss, got.ValidLoss, got.BitsPerByte));
        Assert.Equal(["start", "stop", "resume", "stop", "resume", "stop", "resume", "stop", "resume", "done"],
            RunFolder.ReadEvents(parts.RunPath()).Select(e => e.Event));
    }

    [Theory]
    [InlineData(32, 1), InlineData(128, 1), InlineData(64, 3)]
    public void Micro_batches_and_threads_do_not_change_a_bit(int micro, int threads)
    {
        using TinyHome a = new(), b = new();
        a.Train();
        Trainer.Train(b.Config($"train.micro_tokens={micro}"), b.Here with { Threads = threads });
        Assert.Equal(a.Model(12), b.Model(12));
        Assert.Equal(a.Rows(), b.Rows());
    }

    [Fact]
    public void It_learns()
    {
        using var home = new TinyHome();
        TrainResult result = home.Train("train.steps=150", "eval.every=0");
        Assert.InRange(result.ValidLoss, 1.0, 2.4);               // the text's entropy is about 1.5 nats, ln 64 is 4.2
        Assert.Equal(result.ValidLoss / Math.Log(2) / 2, result.BitsPerByte, 1e-12);       // two bytes a token
    }

    [Fact]
    public void A_finished_run_says_so_and_does_nothing()
    {
        using var home = new TinyHome();
        TrainResult first = home.Train();
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(home.RunPath(), RunFolder.EventsFile));
        TrainResult again = home.Train();
        Assert.True(again is { Done: true, AlreadyDone: true } && first is { Done: true, AlreadyDone: false });
        Assert.Equal((first.Step, first.ValidLoss, first.BitsPerByte), (again.Step, again.ValidLoss, again.BitsPerByte));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(home.RunPath(), RunFolder.EventsFile)));
    }

    [Fact]
    public void A_run_without_a_name_is_found_by_its_settings()
    {
        using var home = new TinyHome();
        TrainResult first = Nameless(), again = Nameless("save.keep=3"), other = Nameless("seed=2");
        Assert.Equal((first.Name, true), (again.Name, again.AlreadyDone));
        Assert.NotEqual(first.Name, other.Name);

        TrainResult Nameless(params string[] edits) => Trainer.Train(home.Config(edits) with { Name = null }, home.Here);
    }

    [Fact]
    public void A_name_in_use_with_other_settings_is_refused_with_the_difference()
    {
        using var home = new TinyHome();
        home.TrainUntil(3);
        string message = Assert.Throws<ConfigException>(() => home.Train("train.learning_rate=0.03")).Message;
        Assert.Contains("was started with train.learning_rate=0.02, now 0.03; choose another name", message);
    }

    [Fact]
    public void A_second_process_is_told_who_writes_the_run()
    {
        using var home = new TinyHome();
        string? message = null;
        Trainer.Train(home.Config(), home.Here.Reporting(_ =>
            message ??= Assert.Throws<ConfigException>(() => home.Train()).Message));
        Assert.Contains($"is being written by process {Environment.ProcessId} on {Environment.MachineName}", message);
    }

    [Fact]
    public void A_torn_last_line_and_rows_after_the_checkpoint_are_dropped()
    {
        using TinyHome home = new(), other = new();
        home.TrainUntil(4);
        other.Train();
        string metrics = Path.Combine(home.RunPath(), RunFolder.MetricsFile);
        File.AppendAllText(metrics, "{\"step\":5,\"loss\":1}\n{\"step\":6,\"lo");
        File.AppendAllText(Path.Combine(home.RunPath(), RunFolder.EventsFile), "{\"event\":\"st");
        home.Train();
        Assert.Equal(other.Rows(), home.Rows());
        Assert.Equal("done", RunFolder.ReadEvents(home.RunPath())[^1].Event);
    }

    [Fact]
    public void An_altered_row_is_named()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        string metrics = Path.Combine(home.RunPath(), RunFolder.MetricsFile);
        File.WriteAllText(metrics, File.ReadAllText(metrics).Replace("{\"step\":2,", "{\"stop\":2,"));
        Assert.Contains("metrics.jsonl: line 2 is not a row with a step",
            Assert.Throws<DataException>(() => home.Train()).Message);
        Assert.Contains("metrics.jsonl: line 2 was altered",
            Assert.Throws<DataException>(() => RunFolder.ReadSteps(home.RunPath())).Message);
    }

    [Fact]
    public void A_weight_that_is_not_a_number_stops_the_run_by_name()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        home.Spoil(4, "model.layers.1.mlp.up_proj.weight");
        string message = Assert.Throws<DataException>(() => home.Train()).Message;
        Assert.Contains("step 5: loss is NaN; first bad tensor 'model.layers.1.mlp.up_proj.weight' (weights). " +
            "Last good checkpoint: step-000004", message);
        Assert.Equal("fault", RunFolder.ReadEvents(home.RunPath())[^1].Event);
        Assert.Equal(4, RunFolder.ReadSteps(home.RunPath())[^1].Step);
    }

    [Fact]
    public void The_newest_checkpoints_and_those_of_every_so_many_steps_are_kept()
    {
        using var home = new TinyHome();
        home.Train("save.every=3", "save.keep=1", "save.minutes=1e-9");
        Assert.Equal([3, 6, 9, 12], Checkpoint.StepsIn(home.RunPath()));
    }

    [Fact]
    public void An_extended_run_is_the_run_that_was_never_cut()
    {
        using var home = new TinyHome();
        home.Train("save.every=6");
        TrainResult got = Trainer.Train(Config.Load(null, "from=run@6", "name=branch"), home.Here);
        Assert.Equal(home.Model(12), home.Model(12, "branch"));
        Assert.Equal(home.Rows()[6..], home.Rows("branch"));
        Assert.Equal(12, got.Step);

        Trainer.Train(Config.Load(null, "from=run@6", "name=longer", "train.steps=20"), home.Here);
        Assert.Equal(20, RunFolder.ReadSteps(home.RunPath("longer"))[^1].Step);
    }

    [Fact]
    public void A_killed_extension_resumes()
    {
        using var home = new TinyHome();
        home.Train("save.every=6");
        RunConfig config = Config.Load(null, "from=run@6", "name=branch");
        using var stop = new CancellationTokenSource();
        Trainer.Train(config, home.Here.Reporting(p => { if (p.Done == 9) stop.Cancel(); }) with { Stop = stop.Token });
        Trainer.Train(config, home.Here);
        Assert.Equal(home.Model(12), home.Model(12, "branch"));
    }

    [Fact]
    public void A_fork_starts_at_step_0_with_the_weights()
    {
        using var home = new TinyHome();
        home.Train();
        home.MakeCorpus("other", 4000, 500, "{\"tiny\":1}");
        TrainResult fork = Trainer.Train(
            Config.Load(null, "from=run@12", "from_mode=fork", "corpus=other", "name=fork", "train.steps=3"), home.Here);
        Assert.Equal([1, 2, 3], RunFolder.ReadSteps(fork.Path).Select(r => r.Step));
        // not from scratch
        Assert.Equal(RunFolder.ReadSteps(home.RunPath())[^1].Loss!.Value, RunFolder.ReadSteps(fork.Path)[0].Loss!.Value, 0.3);
        TrainState state = Checkpoint.Verify(home.StepPath(3, "fork"));
        Assert.Equal((3, 15, 15 * 128L), (state.Step, state.Updates, state.Ledger.Train.Tokens));
    }

    [Theory]
    [InlineData("from=run@12 train.steps=12", "train.steps=12 must be more than the 12 steps that from=run@12 has done")]
    [InlineData("from=run@12 train.steps=20 model.d_model=32", "model.*: the shape must be that of from=run@12")]
    [InlineData("from=run@12 train.steps=20 corpus=foreign", "that model was trained with tokenizer")]
    [InlineData("from=run@12 train.steps=20 corpus=other", "from=run@12 is extended on its own corpus 'tiny'")]
    [InlineData("from=run@7 train.steps=20", "from=run@7: no such checkpoint; ")]
    [InlineData("from=nil@7 train.steps=20", "from=nil@7: there is no run ")]
    [InlineData("from=nil train.steps=20 corpus=tiny", "from='nil' must be RUN@STEP")]
    [InlineData("corpus=nil train.steps=20", "corpus='nil': there is none of that name in ")]
    [InlineData("train.steps=20", "corpus='': name one in ")]
    public void A_start_that_cannot_be_is_refused(string settings, string message)
    {
        using var home = new TinyHome();
        home.Train();
        home.MakeCorpus("other", 4000, 500, "{\"tiny\":1}");
        home.MakeCorpus("foreign", 4000, 500, "{\"foreign\":1}");
        RunConfig config = Config.Load(null, [.. settings.Split(' '), "name=next"]);
        Assert.Contains(message, Assert.Throws<ConfigException>(() => Trainer.Train(config, home.Here)).Message);
        Assert.False(Directory.Exists(home.RunPath("next")));
    }

    [Fact]
    public void Resuming_at_a_step_without_checkpoint_lists_those_there_are()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        Assert.EndsWith("has checkpoints at 4",
            Assert.Throws<ConfigException>(() => Trainer.Train(home.Config(), home.Here, 3)).Message);
    }

    [Fact]
    public void The_ledger_grows_over_resumes_and_counts_exactly()
    {
        using TinyHome whole = new(), parts = new();
        whole.Train();
        parts.TrainUntil(4);
        double before = Checkpoint.ReadState(parts.StepPath(4)).Ledger.Train.Seconds;
        parts.Train();
        Ledger a = Checkpoint.ReadState(whole.StepPath(12)).Ledger, b = Checkpoint.ReadState(parts.StepPath(12)).Ledger;
        Assert.Equal((a.Train.Flops, a.Train.Bytes, a.Train.Tokens), (b.Train.Flops, b.Train.Bytes, b.Train.Tokens));
        Assert.Equal((a.Measure.Flops, a.Measure.Tokens), (b.Measure.Flops, b.Measure.Tokens));
        Assert.Equal((12 * 128L, 2 * 200L + 699), (a.Train.Tokens, a.Measure.Tokens));
        Assert.True(b.Train.Seconds > before);
        Plan plan = Trainer.PlanOf(whole.Config(), new(whole.Path));
        // documents end inside of windows
        Assert.InRange(a.Train.Flops, 0.9 * plan.FlopsByLayer.Total, plan.FlopsByLayer.Total);
        Assert.Equal(a.Spent, a.Train);
    }

    [Theory]
    [InlineData(false)]                                            // only the checkpoint was pruned
    [InlineData(true)]                                             // the whole run was deleted
    public void A_run_that_began_at_a_checkpoint_does_not_need_it_once_it_has_its_own(bool wholeRun)
    {
        using TinyHome home = new(), calm = new();
        foreach (TinyHome h in (TinyHome[])[home, calm])
            Trainer.Train(h.Config(), h.Here);
        RunConfig config = Config.Load(null, "from=run@12", "from_mode=fork", "name=fork", "train.steps=9", "save.minutes=0");
        Trainer.Train(config, calm.Here);
        using (var stop = new CancellationTokenSource())
            Trainer.Train(config, home.Here.Reporting(p => { if (p.Done == 4) stop.Cancel(); }) with { Stop = stop.Token });
        Directory.Delete(wholeRun ? home.RunPath() : home.StepPath(12), recursive: true);
        Assert.Equal(9, Trainer.Train(config, home.Here).Step);
        Assert.True(Trainer.Train(config, home.Here).AlreadyDone);
        Assert.Equal(calm.Model(9, "fork"), home.Model(9, "fork"));
        Assert.Contains(wholeRun ? "there is no run" : "no such checkpoint",
            Assert.Throws<ConfigException>(() => Trainer.Train(config with { Name = "new" }, home.Here)).Message);
        Assert.False(Directory.Exists(home.RunPath("new")));
    }

    [Fact]
    public void A_fork_with_another_context_begins_the_text_anew()
    {
        using var home = new TinyHome();
        home.Train();
        Trainer.Train(Config.Load(null, "from=run@12", "from_mode=fork", "name=same", "train.steps=1"), home.Here);
        Trainer.Train(Config.Load(null, "from=run@12", "from_mode=fork", "name=other", "train.steps=1", "model.context_len=16"),
            home.Here);
        Assert.Equal(12 * 4 + 4, Checkpoint.ReadState(home.StepPath(1, "same")).Cursor);
        Assert.Equal(8, Checkpoint.ReadState(home.StepPath(1, "other")).Cursor);
    }

    [Fact]
    public void A_setting_younger_than_a_run_has_its_default_there()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        string path = Path.Combine(home.RunPath(), RunRecord.FileName);
        string json = TinyHome.Unsealed(File.ReadAllText(path));
        Assert.Contains("\"beta2\": 0.95,", json);
        File.WriteAllText(path, json.Replace("\"beta2\": 0.95,", ""));       // as if it had been written before there was a beta2
        Assert.Equal(0.95, RunRecord.Load(home.RunPath()).Config.Train.Beta2);
        Assert.True(home.Train().Done);
    }

    [Fact]
    public void A_run_begun_by_a_program_older_than_hashes_goes_on_to_the_same_bits()
    {
        using TinyHome home = new(), other = new();
        home.TrainUntil(4);
        string path = Path.Combine(home.RunPath(), RunRecord.FileName);
        JsonObject old = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string younger in (string[])["hash", "also_on"]) Assert.True(old.Remove(younger));
        Assert.True(old["corpus"]!.AsObject().Remove("streams_hash"));
        old["format_version"] = 2;
        File.WriteAllText(path, old.ToJsonString());
        foreach (string rows in (string[])[RunFolder.MetricsFile, RunFolder.ValidFile, RunFolder.EventsFile])
        {
            string file = Path.Combine(home.RunPath(), rows);
            File.WriteAllText(file, Regex.Replace(File.ReadAllText(file), ",\"hash\":\"[0-9a-f]{16}\"", ""));
        }
        Assert.True(home.Train().Done);
        Assert.True(other.Train().Done);
        Assert.Equal(other.Model(12), home.Model(12));
        Assert.NotNull(RunRecord.Load(home.RunPath()).Corpus.StreamsHash);
    }

    [Fact]
    public void A_run_begun_with_other_arithmetic_goes_on_only_where_that_is_allowed_and_says_so()
    {
        using var home = new TinyHome();
        home.TrainUntil(4);
        string path = Path.Combine(home.RunPath(), RunRecord.FileName);
        RunRecord record = RunRecord.Load(home.RunPath());
        (record with { Machine = record.Machine with { InstructionSet = "128-bit of another kind" } }).Save(home.RunPath());
        string message = Assert.Throws<ConfigException>(() => home.Train()).Message;
        Assert.Contains("it would end with bits of neither", message);
        Assert.Contains("allow_other_bits=true", message);
        Assert.Equal([4], Checkpoint.StepsIn(home.RunPath()));
        Assert.True(Trainer.Train(home.Config(), home.Here with { AllowOtherBits = true }).Done);
        Assert.Equal(record.Machine.InstructionSet, Assert.Single(RunRecord.Load(home.RunPath()).AlsoOn).InstructionSet);
        Assert.True(home.Train().AlreadyDone);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_not_said_to_be_held_by_a_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc, which nobody may write");
        Assert.Contains("/proc/isoflop: cannot be written", Assert.Throws<DataException>(
            () => FolderLock.Take("/proc/isoflop", TimeProvider.System)).Message);
        using var home = new TinyHome();
        Assert.Contains("cannot be written", Assert.Throws<DataException>(
            () => FolderLock.Take(home.Path, TimeProvider.System, "no/such/lock")).Message);
    }

    [Fact]
    public void Resuming_a_run_that_is_not_there_makes_no_folder()
    {
        using var home = new TinyHome();
        Assert.Contains("has no checkpoint",
            Assert.Throws<ConfigException>(() => Trainer.Train(home.Config(), home.Here, 3)).Message);
        Assert.False(Directory.Exists(home.RunPath()));
    }

    [Fact]
    public void A_run_larger_than_the_machine_is_refused_before_it_makes_a_folder()
    {
        using var home = new TinyHome();
        Assert.StartsWith("the run needs ", Assert.Throws<ConfigException>(() =>
            home.Train("model.d_model=8192", "model.n_layer=48", "model.n_head=64")).Message);
        Assert.StartsWith("threads=100000 must be ", Assert.Throws<ConfigException>(() =>
            Trainer.Train(home.Config(), home.Here with { Threads = 100_000 })).Message);
        Assert.False(Directory.Exists(home.RunPath()));
    }
}
