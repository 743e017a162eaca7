using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Failures;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop failures</c>: a run is made to fail.</summary>
static class FailuresCommand
{
    public static Command Create()
    {
        var faults = new Option<string>("--faults")
        {
            Description = "Which, with commas",
            HelpName = "KIND,…",
            DefaultValueFactory = _ => string.Join(',', Fault.Kinds),
        };
        var trials = new Option<int>("--trials")
        {
            Description = "Faults of each kind",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var seed = new Option<ulong>("--fault-seed")
        {
            Description = "Of where and when they strike",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var patience = new Option<double>("--patience")
        {
            Description = "A process without a step for so long hangs",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 10,
        };
        var verb = new Verb("failures",
            "Make a run fail in many ways, as real processes: what is found, by what, how late, and what it costs.",
            "isoflop failures corpus=small --flops 1e10                     every fault once",
            "isoflop failures recipe.json name=lab --faults weight,moment,gradient --trials 10",
            "isoflop failures corpus=small --flops 1e10 train.check_every=1 --faults gradient,core",
            "isoflop failures corpus=small --flops 1e11 save.every=50 --spikes --trials 3",
            "isoflop failures corpus=small --flops 1e12 name=fleet --fleet 2048,8192,16384 --trials 3 --svg fleet.svg")
        {
            faults, trials, seed, patience,
        };
        Option<string?> fleet = new("--fleet")
        {
            Description = "Instead: effective time of fleets of so many accelerators, by a process killed at their rate",
            HelpName = "N,…",
        }, svg = new("--svg") { Description = "With --fleet: the picture", HelpName = "FILE" };
        Option<double> between = new("--hours-between")
        {
            Description = "Accelerator-hours from one failure to the next (Llama 3 had 419 in 54 days on 16,384)",
            HelpName = "H",
            DefaultValueFactory = _ => FailureRates.Llama3.HoursBetween,
        }, restart = new("--restart")
        {
            Description = "Seconds that a fleet takes from a failure to its next step",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 300,
        };
        var spikes = new Option<bool>("--spikes")
        {
            Description = "Instead: what train.spikes makes of noise in the text and of too high a rate, each way on the same",
        };
        foreach (Option option in (Option[])[spikes, fleet, between, restart, svg]) verb.Add(option);
        var settings = new Settings(verb);
        verb.Sections = [Settings.Help(Config.Settings)];
        verb.Runs(call =>
        {
            if (call.Parsed.GetValue(fleet) is { } fleets)
            {
                var asked = new FleetRecipe(settings.Load(call.Parsed), [.. fleets.Split(',').Select(CountOf).Order().Distinct()],
                    call.Parsed.GetValue(between), call.Parsed.GetValue(restart), call.Parsed.GetValue(trials),
                    call.Parsed.GetValue(seed));
                FleetReport measured = FleetLab.Run(asked, call.Here, Line);
                if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(measured, FleetJson.Default.FleetReport));
                else Write(call.Out, measured);
                if (call.Parsed.GetValue(svg) is { } picture)
                    Chart.Save(picture, [FleetLab.ChartOf(measured, asked)], 1, 860, 480);
                return 0;
            }
            IEnumerable<string> kinds = call.Parsed.GetValue(faults)!.Split(',', StringSplitOptions.TrimEntries).Distinct();
            var recipe = new FailureRecipe(settings.Load(call.Parsed), [.. kinds.Select(Fault.KindOf)],
                call.Parsed.GetValue(trials), call.Parsed.GetValue(seed), call.Parsed.GetValue(patience));
            if (call.Parsed.GetValue(spikes))
            {
                SpikeReport ways = SpikeLab.Run(recipe, call.Here, Line);
                if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(ways, SpikeJson.Default.SpikeReport));
                else Write(call.Out, ways);
                return 0;
            }
            FailureReport report = FailureLab.Run(recipe, call.Here, Line);
            if (call.Json) call.Out.WriteLine(JsonSerializer.Serialize(report, FailureJson.Default.FailureReport));
            else Write(call.Out, report);
            return 0;
        });
        return verb;
    }

    static IReadOnlyList<string> Line(Workspace lab, IReadOnlyList<string> settings, Fault? fault, int? resumeAt)
    {
        List<string> words = [.. Launch.Program(), "train", .. settings, "--home", lab.Root, "--threads", I($"{lab.Cores}"),
            "--device", lab.Device, "--peak", "100"];
        if (fault is not null) words.AddRange(["--fault", fault.ToString()]);
        if (resumeAt is { } step) words.AddRange(["--resume-at", I($"{step}")]);
        return words;
    }

    static int CountOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        && count > 0 ? count
        : throw new ConfigException($"--fleet '{text}' must be whole numbers above 0, with commas between them");

    static void Write(TextWriter output, SpikeReport r)
    {
        double? calm = r.Outcomes.First(o => o.Fault == "" && o.Way == "").Loss;
        List<string[]> rows = [["fault", "at step", "train.spikes", "spikes", "skipped", "done again", "loss",
            "above undisturbed", "effective"]];
        foreach (SpikeOutcome o in r.Outcomes)
        {
            Fault? fault = o.Fault.Length > 0 ? Fault.Parse(o.Fault) : null;
            rows.Add([fault?.Words ?? "none", I($"{fault?.Step}"), o.Way.Length > 0 ? o.Way : "-", I($"{o.Spikes}"),
                I($"{o.Skipped}"), I($"{o.Again}"), o.Loss is { } loss ? I($"{loss:0.0000}") : "lost",
                I($"{o.Loss - calm:+0.0000;−0.0000;0}"), I($"{100 * o.Effective:0.0} %")]);
        }
        TextTable.Write(output, rows, 0, 2);
    }

    static void Write(TextWriter output, FleetReport r)
    {
        output.WriteLine(I($"a second of the lab is {r.Scale:0} of the fleet; save {1e3 * r.Save:0} ms, ") +
            I($"restart {r.Restart:0.00} s"));
        List<string[]> rows = [["accelerators", "a failure in", "saves every", "failures", "measured",
            "simulated, these failures", "difference", "any failures", "95 %"]];
        foreach (FleetPoint p in r.Points)
            rows.Add([I($"{p.Accelerators:N0}"), I($"{p.Between * r.Scale / 3600:0.00} h"),
                I($"{p.Interval * r.Scale / 60:0.0} min"), string.Join('+', p.Kills), I($"{100 * p.Mean:0.0} %"),
                I($"{100 * p.MeanReplayed:0.0} %"), I($"{100 * (p.Mean - p.MeanReplayed):+0.0;−0.0}"),
                I($"{100 * p.Simulated:0.0} %"), I($"{100 * p.Low:0.0} … {100 * p.High:0.0}")]);
        TextTable.Write(output, rows);
    }

    static void Write(TextWriter output, FailureReport r)
    {
        output.WriteLine(I($"{r.Name}: {r.Steps} steps of {1e3 * r.StepSeconds:0.0} ms, a checkpoint ") +
            I($"{1e3 * r.SaveSeconds:0} ms, a start {r.StartSeconds:0.0} s; undisturbed: ") +
            I($"loss {r.Undisturbed.Loss:0.0000}, ") +
            I($"effective {100 * r.Undisturbed.Effective:0.0} %"));
        List<string[]> rows = [["fault", "at step", "found by", "steps later", "done again", "processes", "bits", "loss",
            "effective"]];
        foreach (FaultOutcome o in r.Outcomes)
        {
            Fault fault = Fault.Parse(o.Fault);
            rows.Add([fault.Words, I($"{fault.Step}"), o.By.Length > 0 ? o.By : "nothing", I($"{o.After}"), I($"{o.Again}"),
                I($"{o.Lives}"), o.Loss is null ? "" : o.SameBits ? "the same" : "others",
                o.Loss is { } loss ? I($"{loss:0.0000}") : "lost", I($"{100 * o.Effective:0.0} %")]);
        }
        TextTable.Write(output, rows, 0, 2, 6);
        int found = r.Outcomes.Count(o => o.By.Length > 0), same = r.Outcomes.Count(o => o.SameBits);
        double useful = r.Outcomes.Sum(o => o.Effective * o.Seconds), all = r.Outcomes.Sum(o => o.Seconds);
        output.WriteLine(I($"{found} of {r.Outcomes.Count} found, {same} ended with the bits of the undisturbed run; ") +
            I($"effective training time {100 * useful / all:0.0} %: {useful:0} useful seconds of {all:0}"));
    }

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
