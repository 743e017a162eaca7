using System.Diagnostics;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Lab.Failures;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Failures;

/// <summary>The laboratory of failures, by its command.</summary>
public class FailureLabTests
{
    static readonly string[] recipe =
    [
        "corpus=tiny", "name=lab", "train.steps=600", "train.batch_tokens=128", "train.learning_rate=0.005", "model.context_len=32",
        "model.d_model=16", "model.n_layer=2", "model.n_head=2", "--threads", "1", "--patience", "5",
    ];

    static (int Code, string Out, string Err) Run(TinyHome home, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), "failures", .. recipe, .. args, "--home", home.Path])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    static (int Code, string Err) Refused(TinyHome home, params string[] args)
    {
        StringWriter output = new(), error = new();
        return (App.Run([.. args, "--home", home.Path], Verbs.All(), output, error), error.ToString());
    }

    [Fact]
    public void What_strikes_is_found_by_what_finds_it_and_the_bits_come_out_the_same()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals");
        using var home = new TinyHome();
        (string Kind, string By)[] want =
        [
            ("kill", "the process's end"), ("hang", "no step for so long"), ("disk", "the write"), ("torn", "hash of the checkpoint"),
            ("core", "step computed twice"), ("shard", "checksum of the text"),
        ];
        (int code, string output, string error) = Run(home, "--faults", string.Join(',', want.Select(w => w.Kind)), "--json");
        Assert.True(code == 0, error);
        FailureReport report = JsonSerializer.Deserialize(output, FailureJson.Default.FailureReport)!;
        Assert.Equal(want, report.Outcomes.Select(o => (o.Fault.Split('@')[0], o.By)));
        Assert.All(report.Outcomes, o => Assert.True(o.SameBits && o.Loss == report.Undisturbed.Loss, o.ToString()));
        Assert.Equal("", report.Undisturbed.By);
        FaultOutcome core = report.Outcomes.First(o => o.Fault.StartsWith("core", StringComparison.Ordinal));
        Assert.InRange(core.After!.Value, 0, 9);                  // every tenth step is computed twice
        Assert.All(report.Outcomes, o => Assert.InRange(o.Effective, 0, 1));

        // Done is done; the plan is the seed's; another recipe is another laboratory.
        (code, string again, error) = Run(home, "--faults", string.Join(',', want.Select(w => w.Kind)), "--json");
        Assert.Equal(output, again);
        (code, _, error) = Run(home, "--faults", "kill", "train.weight_decay=0.2");
        Assert.Equal(2, code);
        Assert.Contains("was begun with other settings; choose another name", error);
        Assert.False(Directory.Exists(new Workspace(home.Path).Runs));     // no run of the user's was touched
    }

    [Fact]
    public void Faults_are_a_seeds()
    {
        Fault[] Of(ulong seed) => [.. Enum.GetValues<FaultKind>().Select((k, i) => Fault.Draw(k, 400, seed, i))];
        Assert.Equal(Of(1), Of(1));
        Assert.NotEqual(Of(1), Of(2));
        Assert.All(Of(1), f => Assert.True(f.Kind == FaultKind.Shard ? f.Step == 1 : f.Step is >= 100 and < 300));
        Assert.All(Of(3), f => Assert.Equal(f, Fault.Parse(f.ToString())));
    }

    [Theory]
    [InlineData("corpus=tiny train.steps=40", "a run of 40 steps is too short to fail in: 80 at least; try train.steps=160")]
    [InlineData("corpus=tiny train.steps=400 --faults fire", "'fire' is no fault; there are kill, hang, slow,")]
    [InlineData("corpus=tiny train.steps=400 --trials 0", "--trials 0 must be at least 1")]
    [InlineData("corpus=tiny train.steps=400 --patience 0", "--patience 0 must be at least 1 second")]
    [InlineData("corpus=none train.steps=400", "corpus='none': there is none of that name")]
    [InlineData("corpus=tiny train.steps=400 train.check_every=0", "train.check_every=0 must be at least 1; try 50")]
    public void Bad_input_is_one_line(string args, string says)
    {
        using var home = new TinyHome();
        (int code, string error) = Refused(home, ["failures", .. args.Split(' ')]);
        Assert.Equal(2, code);
        Assert.Contains(says, error);
        Assert.Equal(1, error.Count(c => c == '\n'));
        (code, error) = Refused(home, "train", "corpus=tiny", "train.steps=40", "--fault", "kill@x");
        Assert.Equal(2, code);
        Assert.Contains("'kill@x' must be KIND@STEP@SEED", error);
    }
}
