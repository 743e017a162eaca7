using System.Diagnostics;
using System.Globalization;
using Isoflop.Store;
using Isoflop.Train;

namespace Isoflop.Lab.Failures;

/// <summary>One life of a process that trains.</summary>
/// <param name="From">steps that were done when it began</param> <param name="To">and when it ended</param>
/// <param name="Start">seconds to its first step; all where there was none</param>
/// <param name="End">how: "done", or what it was found by</param>
sealed record Life(int From, int To, double Seconds, double Start, string End);

/// <summary>That something is wrong, as it was found.</summary>
/// <param name="By">what found it</param> <param name="Step">steps done by then</param>
/// <param name="Said">in its own words</param>
sealed record Finding(string By, int Step, string Said);

/// <summary>A run that was brought to its end, or given up.</summary>
/// <param name="Found">the first that was found once its fault had struck; null: nothing</param>
sealed record Attended(bool Done, IReadOnlyList<Life> Lives, Finding? Found)
{
    /// <summary>Steps that were done more than once.</summary>
    public int Again => Lives.Skip(1).Zip(Lives, (next, last) => Math.Max(0, last.To - next.From)).Sum();

    /// <summary>From the first start to the end.</summary>
    public double Seconds => Lives.Sum(l => l.Seconds);
}

/// <summary>The command line that trains: program and words.</summary>
/// <param name="settings">a file, and key=value</param>
delegate IReadOnlyList<string> TrainLine(Workspace lab, IReadOnlyList<string> settings, Fault? fault, int? resumeAt);

/// <summary>
/// Brings a run to its end as a child process of the same command, which it starts again when it ends: what an agent of a cluster
/// does. It looks at nothing but the process's end and last line, and the rows that it writes.
/// </summary>
/// <param name="lab">the home in which runs are made to fail</param> <param name="recipe">a file of settings</param>
/// <param name="patience">seconds without a step after which a process hangs</param>
sealed class Supervisor(TrainLine line, Workspace lab, string recipe, double patience)
{
    // Of a process: to start, to open the text, to translate the code of its first step.
    const double StartSeconds = 60;
    const int MostLives = 200, Recent = 16, Before = 5;
    const double SlowBy = 3;

    const string Torn = "hash of the checkpoint", Silence = "no step for so long", Pace = "the pace of its rows",
        Loss = "loss above its median", Signal = "the process's end", Program = "an error of the program";

    // What the program says where it finds a fault by itself.
    static readonly (string Says, string By)[] findings =
    [
        ("while nothing wrote them", "hash between steps"), ("computed twice", "step computed twice"),
        ("does not match its checksum", "checksum of the text"), ("cannot be saved", "the write"),
        ("is NaN", "a value not finite"), ("∞", "a value not finite"), ("Infinity", "a value not finite"),
        ("cut short", Torn),
        ("does not match its hash", Torn),
    ];

    /// <summary>Kills the process after so many seconds of each of its lives; null: never.</summary>
    public Func<double>? NextKill { get; init; }

    /// <summary>Settings beside the recipe's.</summary>
    public IReadOnlyList<string> Also { get; init; } = [];

    /// <summary>Looks at the losses; false: the run deals with them itself.</summary>
    public bool Watches { get; init; } = true;

    /// <summary>Undoes what a fault left behind, before a life begins; told how the last one ended.</summary>
    public Action<Finding>? Mend { get; init; }

    /// <summary>Runs it.</summary>
    /// <param name="fault">strikes once</param>
    public Attended Attend(string run, Fault? fault, CancellationToken stop)
    {
        List<Life> lives = [];
        Finding? found = null;
        int? resumeAt = null;
        string folder = lab.RunFolder(run);
        bool struck = false;
        for (bool strikes = fault is not null; lives.Count < MostLives;)
        {
            (Life life, Finding? end) = Live(run, strikes ? fault : null, resumeAt, stop);
            lives.Add(life);
            if (end is null) return new(true, lives, found);
            resumeAt = null;
            struck |= fault is not null && life.To >= fault.Step - 1;
            // A power cut itself is not what is to be found.
            if (struck && !(fault!.Kind == FaultKind.Torn && strikes)) found ??= end;
            if (struck && fault!.Kind == FaultKind.Torn && strikes) Tear(folder, fault);
            else if (NextKill is null && lives.Count > 3 && lives[^3..].All(l => l.From == life.From && l.End == life.End)) break;
            strikes &= !struck;
            Mend?.Invoke(end);
            List<int> saved = Checkpoint.StepsIn(folder);
            if (end.By == Loss) resumeAt = Newest(s => s <= end.Step - Before);
            if (end.By == Torn) resumeAt = Newest(s => s < saved[^1]);

            int? Newest(Func<int, bool> good)
            {
                if (saved.LastOrDefault(good, -1) is >= 0 and int step) return step;
                Directory.Delete(folder, recursive: true);        // none is left: from the start
                return null;
            }
        }
        return new(false, lives, found);
    }

    (Life, Finding?) Live(string run, Fault? fault, int? resumeAt, CancellationToken stop)
    {
        string folder = lab.RunFolder(run);
        int from = resumeAt ?? Checkpoint.StepsIn(folder).LastOrDefault();
        IReadOnlyList<string> words = line(lab, [recipe, $"name={run}", .. Also], fault, resumeAt);
        var begin = new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        long began = Stopwatch.GetTimestamp();
        double killAt = NextKill?.Invoke() ?? double.PositiveInfinity;
        using Process child = Process.Start(begin)!;
        string said = "";
        child.ErrorDataReceived += (_, line) => said = string.IsNullOrWhiteSpace(line.Data) ? said : line.Data;
        child.OutputDataReceived += (_, _) => { };
        child.BeginErrorReadLine();
        child.BeginOutputReadLine();
        var rows = new Rows(folder, from);
        Finding? found = null;
        bool ended = false;
        while (!ended)
        {
            ended = child.WaitForExit(20);
            if (ended) child.WaitForExit();                       // and its last words
            bool more = rows.Read(Watches);
            if (ended || found is not null) continue;
            if (stop.IsCancellationRequested || rows.Spike is not null || Seconds() > killAt || !more
                && rows.SilentFor > patience + (rows.To == from ? StartSeconds : 0))
            {
                child.Kill();
                if (rows.Spike is { } loss)
                    found = new(Loss, rows.To, $"step {rows.To}: loss {N(loss)}, median {N(rows.Median)}");
                else if (Seconds() <= killAt) found = new(Silence, rows.To, $"no step for {N(rows.SilentFor)} s");
            }
            else if (rows.Slower > SlowBy)
            {
                found = new(Pace, rows.To, $"{N(rows.Slower)} times slower than before");
                using var ask = Process.Start("/bin/sh", ["-c", $"kill -TERM {child.Id}"]);
                ask.WaitForExit();
            }
        }
        stop.ThrowIfCancellationRequested();
        if (child.ExitCode != 0)
            found ??= child.ExitCode > 128 ? new(Signal, rows.To, $"exit code {child.ExitCode}")
                : new(findings.FirstOrDefault(f => said.Contains(f.Says)).By ?? Program, rows.To, said);
        else if (found?.By == Loss) found = null;                 // it had ended when it was to be killed
        double all = Seconds(), start = rows.First is { } first ? Stopwatch.GetElapsedTime(began, first).TotalSeconds : all;
        return (new(from, rows.To, all, start, found?.By ?? "done"), found);

        double Seconds() => Stopwatch.GetElapsedTime(began).TotalSeconds;
        static string N(double x) => x.ToString("0.####", CultureInfo.InvariantCulture);
    }

    /// <summary>The newest checkpoint's largest file loses its end.</summary>
    static void Tear(string folder, Fault fault)
    {
        if (Checkpoint.StepsIn(folder) is not [.., int newest]) return;
        using FileStream file = File.OpenWrite(Path.Combine(folder, Checkpoint.NameOf(newest), Checkpoint.OptimizerFile));
        file.SetLength((long)(RandomUse.Fault.Open(fault.Seed).NextDouble() * file.Length));
    }

    /// <summary>A life's rows, as far as they are written.</summary>
    sealed class Rows
    {
        readonly Tail<StepRow> tail;
        readonly SpikeWatch watch = new();
        readonly List<double> paces = [];
        readonly int from;
        long last = Stopwatch.GetTimestamp();

        /// <param name="from">step of the checkpoint at which it goes on; rows behind it are the last life's, and will be
        /// dropped</param>
        public Rows(string folder, int from)
        {
            (this.from, To) = (from, from);
            tail = RunFolder.Follow(folder).Steps;
            foreach (StepRow row in tail.Next().Rows)
                if (row.Step <= from) watch.IsSpike(row.Loss ?? double.NaN);
        }

        public int To { get; private set; }
        /// <summary>When the first step of this life was seen.</summary>
        public long? First { get; private set; }
        public double? Spike { get; private set; }
        public double Median => watch.Median;
        public double SilentFor => Stopwatch.GetElapsedTime(last).TotalSeconds;
        /// <summary>How many times longer the last steps took than those before them.</summary>
        public double Slower { get; private set; }

        public bool Read(bool watches)
        {
            (IReadOnlyList<StepRow> rows, bool anew) = tail.Next();
            if (anew)
            {
                (To, Spike) = (from, null);
                watch.Clear();
            }
            foreach (StepRow row in rows)
            {
                if (row.Step > from) (To, last, First) = (row.Step, Stopwatch.GetTimestamp(), First ?? Stopwatch.GetTimestamp());
                if (watches && watch.IsSpike(row.Loss ?? double.NaN) && row.Step > from)
                {
                    Spike = row.Loss;
                    break;
                }
                if (row.Step > from) paces.Add(row.TokensPerSecond);
            }
            if (rows.Count > 0 && paces.Count >= Recent + SpikeWatch.Least)
                Slower = MedianOf(paces[..^Recent]) / MedianOf(paces[^Recent..]);
            return rows.Count > 0;
        }

        static double MedianOf(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
