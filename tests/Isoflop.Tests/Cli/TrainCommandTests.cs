using System.Diagnostics;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Xunit;

namespace Isoflop.Tests.Cli;

public class TrainCommandTests
{
    static readonly string[] Tiny =
    [
        "corpus=tiny", "train.batch_tokens=128", "train.learning_rate=0.02", "model.context_len=32", "model.d_model=16",
            "model.n_layer=2",
        "model.n_head=2", "--threads", "1", "--peak", "100",
    ];

    static (int Code, string Out, string Err) Run(TinyHome home, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [TrainCommand.Create(), PlanCommand.Create(), RunsCommand.Create()],
            output, error);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public void Train_prints_one_record_and_says_when_it_was_done_already()
    {
        using var home = new TinyHome();
        (int code, string output, _) = Run(home, ["train", .. Tiny, "train.steps=4", "name=x"]);
        Assert.Equal(0, code);
        Assert.StartsWith(home.RunPath("x") + "\tloss ", output);
        Assert.Contains("\nx ", output);                          // first of the table of baselines
        (code, output, _) = Run(home, ["train", .. Tiny, "train.steps=4", "name=x", "--json"]);
        using JsonDocument record = JsonDocument.Parse(output);
        Assert.Equal((0, true), (code, record.RootElement.GetProperty("already_done").GetBoolean()));
        Assert.Equal(512, record.RootElement.GetProperty("ledger").GetProperty("train").GetProperty("tokens").GetInt64());
    }

    [Fact]
    public void A_lost_last_measurement_is_taken_again_with_a_word()
    {
        using var home = new TinyHome();
        string[] args = ["train", .. Tiny, "train.steps=4", "name=x"];
        string first = Run(home, args).Out.Split('\n')[0], rows = Path.Combine(home.RunPath("x"), RunFolder.ValidFile);
        File.WriteAllText(rows, "{\"st");                          // as a bad disk leaves it
        (int code, string output, string error) = Run(home, args);
        Assert.Equal((0, first), (code, output.Split('\n')[0]));
        Assert.Contains("measured again", error);
        Assert.Contains("was done already", Run(home, args).Out);
    }

    [Theory]
    [InlineData("model.n_haed=3", "no setting 'model.n_haed'; did you mean model.n_head? here there are: ")]
    [InlineData("d_model=3", "no setting 'd_model'; did you mean model.d_model? here there are: ")]
    [InlineData("train.lr=3", "no setting 'train.lr'; did you mean train.learning_rate? here there are: ")]
    [InlineData("train.steps=x", "train.steps=x must be a whole number")]
    [InlineData("model.n_head=3", "model.n_head=3 must divide model.d_model=16")]
    [InlineData("model.context_len=9999", "model.context_len=9999 is longer than the corpus")]
    [InlineData("train.min_lr=7 train.clip=-1",
        "train.min_lr=7 must be from 0 to 1; try 0.1; train.clip=-1 must be above 0; try 1")]
    public void A_mistake_is_one_line_and_exit_code_2(string setting, string message)
    {
        using var home = new TinyHome();
        (int code, string output, string error) = Run(home, ["train", .. Tiny, "train.steps=4", .. setting.Split(' ')]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(message, error);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Plan_prices_a_run_and_starts_nothing()
    {
        using var home = new TinyHome();
        (int code, string output, _) = Run(home, "plan", "corpus=tiny", "flops=1e9", "model.context_len=64", "--gflops", "10");
        Assert.Equal(0, code);
        foreach (string part in new[] { "model ", "parameters ", "tokens ", "memory ", "FLOPs ", "attention ", "head ", "time " })
            Assert.Contains(part, output);
        using JsonDocument record = JsonDocument.Parse(
            Run(home, "plan", "corpus=tiny", "flops=1e9", "model.context_len=64", "--gflops", "10", "--json").Out);
        Assert.InRange(record.RootElement.GetProperty("flops").GetDouble(), 0.97e9, 1.03e9);
        Assert.Equal(record.RootElement.GetProperty("flops").GetDouble(),
            record.RootElement.GetProperty("flops_by_layer").EnumerateObject().Sum(l => l.Value.GetDouble()), 1.0);
        Assert.False(Directory.Exists(Path.Combine(home.Path, "runs")));
    }

    [Fact]
    public void Runs_are_a_table_or_lines_of_JSON()
    {
        using var home = new TinyHome();
        Assert.Contains("no runs in", Run(home, "runs").Err);
        Run(home, ["train", .. Tiny, "train.steps=4", "name=x"]);
        string[] table = Run(home, "runs").Out.Split('\n');
        Assert.StartsWith("name  status  corpus", table[0]);
        Assert.Matches("^x +done +tiny .* 4/4 ", table[1]);
        Assert.Equal("x", JsonDocument.Parse(Run(home, "runs", "--json").Out).RootElement.GetProperty("name").GetString());
    }

    [Fact]
    public void Help_lists_every_setting()
    {
        using var home = new TinyHome();
        string help = Run(home, "train", "--help").Out;
        Assert.All(Config.Settings, s => Assert.Contains(s.Default.Length > 0 ? $" {s.Key}={s.Default} " : $" {s.Key} ", help.Replace("\n", " ")));
    }

    static Process Start(TinyHome home, params string[] args)
    {
        string cli = Path.Combine(AppContext.BaseDirectory, "isoflop.dll");
        var start = new ProcessStartInfo(
            "dotnet", [cli, .. args, "--home", home.Path])
        { RedirectStandardError = true, RedirectStandardOutput = true };
        Process child = Process.Start(start)!;
        child.OutputDataReceived += (_, _) => { };
        child.BeginOutputReadLine();
        child.ErrorDataReceived += (_, _) => { };
        child.BeginErrorReadLine();
        return child;
    }

    [Fact, Trait("speed", "slow")]
    public void Killed_twenty_times_at_random_it_ends_with_the_bits_of_a_run_never_killed()
    {
        using TinyHome home = new(), calm = new();
        string[] args = ["train", .. Tiny, "train.steps=3000", "name=run", "eval.every=100", "eval.tokens=200",
            "save.minutes=0.0003", "save.keep=2"];
        var random = new Random(1);
        int kills = 0;
        var until = Stopwatch.StartNew();
        while (kills < 20 && (kills < 8 || until.Elapsed.TotalSeconds < 40))
        {
            int saved = Newest(home);
            using Process child = Start(home, args);
            // A third dies while it starts, a third in the middle of saving, a third some time after a new checkpoint.
            if (kills % 3 == 1)
                while (!child.HasExited && !(
                    Directory.Exists(home.RunPath()) && Directory.GetDirectories(home.RunPath(), ".step*").Length > 0)) Thread.Yield();
            if (kills % 3 == 2)
                while (!child.HasExited && Newest(home) == saved) Thread.Sleep(2);
            Thread.Sleep(random.Next(kills % 3 == 0 ? 300 : kills % 3 == 1 ? 10 : 60));
            bool ended = child.HasExited;
            child.Kill();                                         // SIGKILL
            child.WaitForExit();
            if (ended) break;
            kills++;
        }
        Assert.InRange(kills, 8, 20);
        using (Process last = Start(home, args))
        {
            last.WaitForExit();
            Assert.Equal(0, last.ExitCode);
        }
        Assert.Equal(0, Run(calm, [.. args, "save.minutes=0"]).Code);
        Assert.Equal(calm.Model(3000), home.Model(3000));
        Assert.Equal(calm.Optimizer(3000), home.Optimizer(3000));
        Assert.Equal(calm.Rows(), home.Rows());
        Assert.Equal(RunFolder.ReadValid(calm.RunPath()), RunFolder.ReadValid(home.RunPath()));
        Assert.Empty(Directory.GetDirectories(home.RunPath(), ".*"));
        Assert.Contains(RunFolder.ReadEvents(home.RunPath()), e => e.Event == "resume");
    }

    static int Newest(TinyHome home) => Checkpoint.StepsIn(home.RunPath()) is { Count: > 0 } steps ? steps[^1] : -1;

    [Fact]
    public void Ctrl_C_saves_and_exits_with_130()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("no SIGINT to send");
        using var home = new TinyHome();
        using Process child = Start(home, ["train", .. Tiny, "train.steps=200000", "name=run"]);
        while (!child.HasExited && RunFolder.ReadSteps(home.RunPath()).Count == 0) Thread.Sleep(5);
        using (Process kill = Process.Start("kill", ["-INT", child.Id.ToString()])) kill.WaitForExit();
        Assert.True(child.WaitForExit(20_000));
        Assert.Equal(130, child.ExitCode);
        int step = Assert.Single(Checkpoint.StepsIn(home.RunPath()));
        Assert.Equal(step, RunFolder.ReadSteps(home.RunPath())[^1].Step);
    }
}
