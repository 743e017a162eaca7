using System.Text.Json.Serialization;
using Isoflop.Lab.Charts;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Failures;

/// <summary>What a fleet is reckoned with.</summary>
/// <param name="Config">of the run that stands for its job</param> <param name="Fleets">numbers of accelerators</param>
/// <param name="HoursBetween">accelerator-hours from one failure to the next</param>
/// <param name="RestartSeconds">of a fleet; the lab's start stands for it, and so sets how much faster its time goes</param>
/// <param name="Runs">of each fleet</param>
sealed record FleetRecipe(RunConfig Config, IReadOnlyList<int> Fleets, double HoursBetween, double RestartSeconds, int Runs,
    ulong Seed);

/// <summary>A fleet: measured in the lab, and simulated with what the lab measured.</summary>
/// <param name="Between">seconds of the lab from one failure to the next</param> <param name="Interval">between two saves</param>
/// <param name="Measured">effective share, a run each</param> <param name="Kills">failures of each</param>
/// <param name="Low">of 95 % of simulated runs as long as these</param>
sealed record FleetPoint(int Accelerators, double Between, double Interval, IReadOnlyList<double> Measured,
    IReadOnlyList<double> Replayed, IReadOnlyList<int> Kills, double Simulated, double Low, double High)
{
    /// <summary>Mean over the runs.</summary>
    [JsonIgnore] public double Mean => Measured.Average();

    /// <summary>Of what the model says of the very failures that these runs had.</summary>
    [JsonIgnore] public double MeanReplayed => Replayed.Average();
}

/// <summary>All of it.</summary>
/// <param name="Scale">seconds of the fleet in one of the lab</param> <param name="Save">seconds of the lab</param>
/// <param name="Restart">seconds that a failure, and the first start, cost beside the work that is lost</param>
/// <param name="Beside">a run's time from its first step on, over that of its steps alone: rows, the last measurement</param>
sealed record FleetReport(string Settings, double Scale, double Save, double Restart, double Beside,
    IReadOnlyList<FleetPoint> Points);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(FleetReport))]
sealed partial class FleetJson : JsonSerializerContext;

/// <summary>
/// Effective training time against the size of a fleet. One accelerator more is one more that can fail, so a fleet of N is one
/// process that is killed N times as often: its failures come at the fleet's rate, in a time that goes as much faster as the
/// process starts faster than a fleet.
/// </summary>
static class FleetLab
{
    const int Saves = 200, Kills = 6;
    const double Month = 30 * 86400;
    static readonly Format format = new("fleet", 3);

    /// <summary>Runs what is still to be run.</summary>
    /// <exception cref="ConfigException">A recipe that breaks a rule, or a laboratory of that name with another one.</exception>
    public static FleetReport Run(FleetRecipe recipe, Workspace here, TrainLine line)
    {
        if (!(recipe.HoursBetween > 0)) throw new ConfigException($"hours_between={recipe.HoursBetween} must be above 0");
        if (!(recipe.RestartSeconds > 0)) throw new ConfigException($"restart={recipe.RestartSeconds} must be above 0: seconds");
        if (recipe.Runs < 1) throw new ConfigException($"trials={recipe.Runs} must be at least 1");
        (Workspace lab, Plan plan, string text, string settings) = FailureLab.Open(recipe.Config, here, checks: false);
        settings += FormattableString.Invariant($" {recipe.HoursBetween} {recipe.RestartSeconds} {recipe.Seed} {recipe.Runs}");
        string file = Path.Combine(lab.Root, "fleet.json");
        FleetReport? done = File.Exists(file) ? JsonFile.Read(file, format, FleetJson.Default.FleetReport) : null;
        if (done is not null && (done.Settings != settings || done.Beside == 0))     // 0: by an older program
            throw new ConfigException($"{lab.Root} was begun with other settings; choose another name, or remove it");
        double all = 3 + recipe.Fleets.Count * recipe.Runs, at = 0;

        if (done is null)
        {
            (Attended bare, double bareSteps) = Train(null, "save.every=0", "save.minutes=0");
            double start = bare.Lives[0].Start;
            double beside = (bare.Seconds - start) / bareSteps;
            // Of so many saves that what a start varies by is nothing to their sum.
            int every = Math.Max(1, plan.Steps / Saves), saves = (plan.Steps - 1) / every;
            (Attended saving, double savingSteps) = Train(null, $"save.every={every}", "save.minutes=0");
            double save = Math.Max(1e-3, (saving.Seconds - saving.Lives[0].Start - savingSteps * beside) / saves);
            // A failure costs more than a start: the first save of each process translates its code.
            (Attended killed, double killedSteps) = Train(() => start + bareSteps * beside / Kills, $"save.every={every}",
                "save.minutes=0");
            double again = killed.Again * bareSteps / plan.Steps, lives = Math.Max(1, killed.Lives.Count - 1);
            double restart = Math.Max(start, (killed.Seconds - start - (killedSteps + again) * beside - saves * save) / lives);
            done = new(settings, recipe.RestartSeconds / restart, save, restart, beside, []);
            Keep();
        }
        at = 3;
        foreach (int fleet in recipe.Fleets)
        {
            if (done.Points.Any(p => p.Accelerators == fleet))
            {
                at += recipe.Runs;
                continue;
            }
            double between = recipe.HoursBetween * 3600 / fleet / done.Scale, work = 0;
            double interval = CheckpointInterval.Daly(done.Save, between);
            var model = new FleetModel(between, interval, done.Save, done.Restart);
            List<double> measured = [], replayed = [];
            List<int> kills = [];
            for (int run = 0; run < recipe.Runs; run++)
            {
                Rng random = RandomUse.Fleet.Open(recipe.Seed, step: 1, index: (long)fleet * 1000 + run), again = random;
                (Attended what, double steps) = Train(() => -between * Math.Log(1 - random.NextDouble()), "save.every=0",
                    FormattableString.Invariant($"save.minutes={interval / 60}"));
                if (!what.Done) throw new DataException($"a fleet of {fleet} does not end its run; name smaller ones");
                measured.Add(steps * done.Beside / what.Seconds);
                kills.Add(what.Lives.Count - 1);
                replayed.Add(model.Effective(steps * done.Beside, ref again, ref random));
                work += steps * done.Beside / recipe.Runs;
            }
            (double mean, double low, double high) = model.Play(work, recipe.Seed, fleet, 2000);
            done = done with
            {
                Points = [.. done.Points, new(fleet, between, interval, measured, replayed, kills, mean, low, high)],
            };
            Keep();
        }
        here.Report("fleets", all, all, "runs");
        return done with { Points = [.. recipe.Fleets.Select(n => done.Points.First(p => p.Accelerators == n))] };

        void Keep() => JsonFile.Write(file, done, format, FleetJson.Default.FleetReport);

        (Attended What, double Steps) Train(Func<double>? kill, params string[] also)
        {
            here.Report("fleets", at++, all, "runs");
            string folder = lab.RunFolder("fleet");
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            var supervisor = new Supervisor(line, lab, text, 60) { Also = also, NextKill = kill };
            Attended what = supervisor.Attend("fleet", null, here.Stop);
            return (what, RunFolder.ReadSteps(folder).Select(r => r.Seconds).LastOrDefault());
        }
    }

    /// <summary>The same model at a fleet's own scale, a month long.</summary>
    /// <param name="save">for which the work stands still</param> <param name="lag">until a save counts</param>
    /// <param name="spares">nodes of eight; repair takes a day</param>
    public static double Simulate(FailureRates rates, int accelerators, double save, double restart, double lag = 0,
        int spares = int.MaxValue, double? interval = null)
    {
        double between = rates.Between(accelerators), step = 10;
        int check = CheckpointInterval.CheckEvery(step, between / rates.Silent);
        return new FleetModel(between, interval ?? CheckpointInterval.Daly(save, between), save, restart, lag)
        {
            HungShare = rates.Hung,
            HungSeconds = 600,
            SilentShare = rates.Silent,
            CheckSeconds = check * step,
            CheckCost = 1.0 / check,
            HardwareShare = rates.Hardware,
            RepairSeconds = 86400,
            Spares = spares,
        }.Play(Month, 1, accelerators, 60).Mean;
    }

    /// <summary>Effective time against fleet size: measured points, and the simulation.</summary>
    public static Chart ChartOf(FleetReport report, FleetRecipe recipe)
    {
        var rates = FailureRates.Llama3 with { HoursBetween = recipe.HoursBetween };
        FleetPoint[] points = [.. report.Points];
        int last = (int)Math.Ceiling(4 * Math.Log2(Math.Max(40_000, points.Max(p => p.Accelerators)) / 512.0));
        int[] sizes = [.. Enumerable.Range(0, last + 1).Select(i => (int)Math.Round(512 * Math.Pow(2, i / 4.0)))];
        double save = report.Save * report.Scale;
        (double, double)[] At(Func<FleetPoint, double> of) => [.. points.Select(p => ((double)p.Accelerators, of(p)))];
        double AsTheLab(int n) => new FleetModel(rates.Between(n), CheckpointInterval.Daly(save, rates.Between(n)), save,
            recipe.RestartSeconds).Play(Month, 1, n, 60).Mean;
        ChartSeries Line(string name, Func<int, double> of) => new(name, [.. sizes.Select(n => ((double)n, of(n)))]);
        return new Chart("Effective training time against the size of a fleet", "accelerators", "useful share of all time",
        [
            Line(FormattableString.Invariant($"simulated: restart {recipe.RestartSeconds:0} s, save {save:0} s"), AsTheLab),
            new("measured: a process killed at that rate", At(p => p.Mean), SeriesKind.Points)
            {
                Range = [.. points.Select(p => (p.Measured.Min(), p.Measured.Max()))],
            },
            new("simulated: the failures that it had", At(p => p.MeanReplayed), SeriesKind.Points),
            Line("restart 120 s, saves beside the work, hangs and silent faults", n => Simulate(rates, n, 1, 120, 60)),
            Line("the same with 16 spare nodes, a day of repair", n => Simulate(rates, n, 1, 120, 60, 16)),
            new("published: Llama 3 (above 0.90), ByteRobust (0.97)", [(16384, 0.90), (9600, 0.97)], SeriesKind.Points),
        ])
        {
            Possible = Chart.Share,
            Subtitle = FormattableString.Invariant($"one failure in {recipe.HoursBetween:0} accelerator-hours; a save as ") +
                "often as Daly's formula says; bars: from the worst run to the best",
        };
    }
}
