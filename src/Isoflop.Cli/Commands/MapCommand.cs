using System.CommandLine;
using System.Globalization;
using System.Text;
using Isoflop.Data;
using Isoflop.Lab.Emergence;
using Isoflop.Lab.Eval;
using Isoflop.Lab.Studies;
using Isoflop.Lab.Tables;
using Isoflop.Lab.Worlds;
using Isoflop.Train;

namespace Isoflop.Cli.Commands;

/// <summary><c>isoflop map</c>: tasks × rungs of a ladder.</summary>
static class MapCommand
{
    public static Verb Create()
    {
        var name = new Argument<string>("study") { Description = "The study" };
        var suite = new Option<string>("--suite")
        {
            Description = "world: held-out questions of the corpus's world, of other tagged text the losses alone; or a file " +
                "of items",
            HelpName = "world|FILE.jsonl",
            DefaultValueFactory = _ => "world",
        };
        var items = new Option<int>("--items")
        {
            Description = "Questions a task and level of the world",
            HelpName = "N",
            DefaultValueFactory = _ => 60,
        };
        var csv = new Option<string>("--csv") { Description = "Write one row a task and rung here", HelpName = "FILE" };
        var calibrate = new Option<int>("--calibrate")
        {
            Description = "Also simulate so many tasks of each kind, smooth ones and steps, and count how many are called sudden",
            HelpName = "N",
        };
        var verb = new Verb("map", "Map tasks against the rungs of a ladder: who can do what, what is flat, smooth, sudden; " +
            "who paid.",
            "isoflop map world", "isoflop map world --items 100 --calibrate 300", "isoflop map mine --suite items.jsonl")
        { name, suite, items, csv, calibrate };
        verb.Runs(call =>
        {
            Study study = Study.Open(call.Here, call.Parsed.GetValue(name)!);
            int count = call.Parsed.GetValue(items);
            string which = call.Parsed.GetValue(suite)!;
            CapabilityMap map = CapabilityMap.Of(study, call.Here, corpus => which != "world" ? EvalSuite.Read(which)
                : corpus.Tags.Count > 0 && corpus.TagEntropies.Count == 0 ? null
                : WorldCorpus.WorldOf(corpus).Suite(count));
            call.Here.Report("floors", 0);
            IReadOnlyList<EntropyCheck> entropies = EntropyCheck.All(study, call.Here);
            call.Here.Report("breaks", 0);
            IReadOnlyList<TaskBreak> breaks = TaskBreak.All(map, call.Stop);
            Table table = map.ToTable(breaks);
            MapPictures.Write(map, study.Folder);
            table.WriteCsv(Path.Combine(study.Folder, "map.csv"));
            if (call.Parsed.GetValue(csv) is { } file) table.WriteCsv(file);
            if (call.Json) table.WriteJsonLines(call.Out);
            else
            {
                MapPictures.Terminal(map, call.Out);
                Gains(call.Out, map);
                Floors(call.Out, entropies);
                Breaks(call.Out, map, breaks);
                Next(call.Out, map);
                if (call.Parsed.GetValue(calibrate) is > 0 and var tasks) Calibrated(call.Out, map, tasks);
                call.Out.WriteLine($"\n{Path.Combine(study.Folder, "map*.svg")}: pictures; map.csv: table");
            }
            return 0;
        });
        return verb;
    }

    static void Gains(TextWriter output, CapabilityMap map)
    {
        if (map.Gains[0].Tasks.Count == 0) return;
        output.WriteLine("\nwhich tasks paid for the falling loss (nats a token of all text)");
        foreach (RungGain gain in map.Gains.DistinctBy(g => (g.From, g.To)))
            output.WriteLine(I($"  {gain.From:0.##e0} → {gain.To:0.##e0}  {gain.Total,7:0.0000}  ") + string.Join(", ",
                gain.Tasks.Where(t => t.Share > 0).Take(6).Select(t => Paid(t, gain))) +
                (gain.Tasks[^1].Share < -0.005 * Math.Abs(gain.Total) ? $"; worse: {Paid(gain.Tasks[^1], gain)}" : ""));

        static string Paid(TaskGain t, RungGain gain) => I($"{t.Task} {100 * t.Share / gain.Total:0} %");
    }

    static void Floors(TextWriter output, IReadOnlyList<EntropyCheck> checks)
    {
        if (checks.Count == 0) return;
        output.WriteLine("\nnats/token      generator's   fitted E (95 %)              best run");
        foreach (EntropyCheck c in checks)
            output.WriteLine(I($"  {c.Of,-12}  {c.Known,9:0.0000}   ") + (double.IsNaN(c.Fitted.Value)
                ? "not identified".PadRight(26)
                : I($"{c.Fitted.Value:0.0000} ({c.Fitted.Ends("0.0000")})").PadRight(26)) +
                    I($"  {c.Best,9:0.0000}"));
    }

    /// <summary>Breaks of tasks that move, if their interval lies inside of the ladder; the table has all.</summary>
    static void Breaks(TextWriter output, CapabilityMap map, IReadOnlyList<TaskBreak> breaks)
    {
        double first = map.Gains[^1].From, last = map.Gains[^1].To;
        Dictionary<string, TaskClass> classes = map.Findings.ToDictionary(f => f.Task, f => f.Class);
        TaskBreak[] moving = [.. breaks.Where(b => classes[b.Task] is not (TaskClass.Flat or TaskClass.Unclear))];
        if (moving.Length == 0) return;
        TaskBreak[] inside = [.. moving.Where(b => b.At.Low >= first && b.At.High <= last)];
        int refused = moving.Count(b => b.Reason.Length > 0);
        output.WriteLine("\nbreak of a broken power law through the answers' −ln p (95 %; where it bends most: whether it " +
            "breaks, the class says)");
        foreach (TaskBreak b in inside)
            output.WriteLine(I($"  {b.Task,-14} {b.At.Value:0.#e0} ({b.At.Low:0.#e0}–{b.At.High:0.#e0})  ") +
                classes[b.Task].ToString().ToLowerInvariant());
        output.WriteLine($"  {moving.Length - inside.Length} other tasks that move: {refused} not identified, " +
            $"{moving.Length - inside.Length - refused} with an interval that leaves the ladder");
    }

    static void Next(TextWriter output, CapabilityMap map)
    {
        TaskFinding[] full = [.. map.Findings.Where(f => f.SaturatedAt is not null)];
        if (full.Length > 0)
            output.WriteLine("\nfull: " + string.Join(", ", full.Select(f => I($"{f.Task} from {f.SaturatedAt:0.##e0}"))));
        string[] made = [.. map.Curves.Where(c => c.Entropy is not null).Select(c => c.Task).Intersect(full.Select(f => f.Task))];
        if (made.Length > 0)
            output.WriteLine("  the next levels start there: isoflop corpus world harder " +
                string.Join(' ', made.Select(task => $"--weight {task}=0")));
        TaskFinding[] rising = [.. map.Findings.Where(f => f.Class == TaskClass.Flat && f.Rise is { } r
            && double.IsFinite(r.Flops))];
        if (rising.Length > 0)
            output.WriteLine("\nflat so far; a line through the answers' log-likelihood, carried on (no law: a break cannot " +
                "be foreseen; first to last seed):\n  " +
                string.Join(", ", rising.Select(f => I($"{f.Task} {f.Rise!.Value.Flops:0.#e0} ") +
                    I($"({f.Rise.Value.Low:0.#e0}–{Upper(f.Rise.Value.High)})"))));
        string[] suspects = [.. map.Findings.Where(f => f.Class == TaskClass.Sudden).Select(f => f.Task)];
        if (suspects.Length > 0 && map.Curves[0].Rungs[0].Losses.Count < 8)
            output.WriteLine($"\nbreaks in {string.Join(", ", suspects)}: seeds may be bimodal there; " +
                $"train 8 at the small sizes: isoflop ladder {map.Study} … --seeds 8");
    }

    static string Upper(double x) => double.IsNaN(x) ? "never" : I($"{x:0.#e0}");

    static void Calibrated(TextWriter output, CapabilityMap map, int tasks)
    {
        TaskCurve[] asked = [.. map.Curves.Where(c => c.Rungs[0].Results.Count > 0)];
        if (asked.Length == 0) throw new ConfigException("--calibrate takes its noise from questions; give --suite FILE.jsonl");
        IReadOnlyList<TaskRung> rungs = asked[0].Rungs;
        int[] seeds = [.. rungs.Select(r => r.Results.Count)];
        int items = rungs[0].Results[0].Count;
        double[] sds = [.. asked.Select(c => Math.Sqrt(c.Rungs.Average(r => BreakTest.Variance([.. r.Results.Select(s =>
            s.Average(i => i.AnswerNll ?? 0))])))).Order()];
        double sd = sds[sds.Length / 2];
        output.WriteLine(I($"\ncalled sudden of {tasks} simulated tasks each ({rungs.Count} rungs, {string.Join(' ', seeds)} ") +
            I($"seeds, {items} items, sd {sd:0.000} nats between seeds; 95 %)"));
        foreach (var kind in Calibration.Simulate([.. rungs.Select(r => Math.Log10(r.Flops))], seeds, items, sd, tasks)
            .GroupBy(c => c.IsStep))
        {
            output.WriteLine(kind.Key ? "  power: steps, anywhere with two rungs on either side" : "  false alarms: smooth curves");
            foreach (Calibration c in kind)
                output.WriteLine(I($"    {c.Kind,-38} {100.0 * c.Sudden / c.Tasks,5:0.0} % ") +
                    I($"({100 * c.Range.Low:0.0}–{100 * c.Range.High:0.0} %)"));
        }
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
