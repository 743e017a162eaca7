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
        static Option<string?> Column(string name, string what) => new(name) { Description = what, HelpName = "COL" };
        var name = new Argument<string?>("study") { Description = "The study", Arity = ArgumentArity.ZeroOrOne };
        var suite = new Option<string>("--suite")
        {
            Description = "world: held-out questions of the corpus's world, of other tagged text the losses alone; or a file " +
                "of items",
            HelpName = "world|FILE.jsonl",
            DefaultValueFactory = _ => "world",
        };
        var items = new Option<string?>("--items")
        {
            Description = "Questions a task and level of the world, 60 if not given; of a table the number behind each " +
                "accuracy, or the column of it, 'items' if not given",
            HelpName = "N|COL",
        };
        var table = new Option<string?>("--table")
        {
            Description = "A CSV file of any tool instead of a study: task, FLOPs, seed, accuracy, likelihood, items",
            HelpName = "FILE",
        };
        Option<string?> task = Column("--task", "Column of tasks, 'task' if not given"),
            flops = Column("--c", "Column of training FLOPs, 'flops' if not given"),
            seeds = Column("--seeds", "Column of seeds, 'seed' if not given"),
            likelihood = Column("--likelihood", "Column of −ln p of the answer, nats, 'answer_nll' if not given"),
            chance = Column("--chance", "Column of what guessing gets right, or a number; 'chance' if not given, else 0");
        var accuracy = new Option<string[]>("--accuracy")
        {
            Description = "Column of accuracies, 0 to 1, 'accuracy' if not given; several: a task each",
            HelpName = "COL",
        };
        var perDecade = new Option<int>("--per-decade")
        {
            Description = "Take a table's runs of about the same FLOPs, so many groups a decade, for seeds of one budget",
            HelpName = "N",
        };
        var csv = new Option<string>("--csv") { Description = "Write one row a task and budget here", HelpName = "FILE" };
        var folder = new Option<string?>("--folder")
        {
            Description = "Write pictures and tables into this folder; of a study its own if not given",
            HelpName = "DIR",
        };
        var calibrate = new Option<int>("--calibrate")
        {
            Description = "Also simulate so many tasks of each kind, smooth ones and steps, and count how many are called sudden",
            HelpName = "N",
        };
        var verb = new Verb("map", "Map tasks against the rungs of a ladder: who can do what, what is flat, smooth, sudden; " +
            "who paid.",
            "isoflop map world", "isoflop map world --items 100 --calibrate 300", "isoflop map mine --suite items.jsonl",
            "isoflop map --table evals.csv --c train_flops --accuracy mmlu --accuracy arc --items 1000 --per-decade 2")
        {
            name, suite, items, table, task, flops, seeds, accuracy, likelihood, chance, perDecade, csv, folder, calibrate,
        };
        Option[] ofTables = [task, flops, seeds, accuracy, likelihood, chance, perDecade];
        verb.Runs(call =>
        {
            T? Given<T>(Option<T> option) => call.Parsed.GetValue(option);
            string? which = call.Parsed.GetValue(name), path = Given(table);
            if (which is null == path is null) throw new ConfigException("give a study or --table FILE, one of them");
            if (path is null && ofTables.FirstOrDefault(o => call.Parsed.GetResult(o) is { Implicit: false }) is { } odd)
                throw new ConfigException($"{odd.Name} is of --table FILE; a study knows its own");
            if (Given(perDecade) is var groups && groups is < 0 or > 20)
                throw new ConfigException($"--per-decade {groups} must be from 0 (only the same FLOPs are one budget) to 20");
            if (which is not null)
                OfStudy(call, Study.Open(call.Here, which), Given(suite)!, Given(items), Given(csv), Given(folder),
                    Given(calibrate));
            else
            {
                List<string> notes = [];
                CapabilityMap map = CapabilityMap.OfTable(path!, new()
                {
                    Task = Given(task),
                    Flops = Given(flops) ?? "flops",
                    Seed = Given(seeds),
                    Accuracy = Given(accuracy) ?? [],
                    Likelihood = Given(likelihood),
                    Items = Given(items),
                    Chance = Given(chance),
                    PerDecade = Given(perDecade),
                }, notes);
                foreach (string note in notes) call.Err.WriteLine(note);
                Show(call, map, [], Given(csv), Given(folder), Given(calibrate));
            }
            return 0;
        });
        return verb;
    }

    static void OfStudy(Invocation call, Study study, string suite, string? items, string? csv, string? folder, int calibrate)
    {
        int count = 60;
        if (items is not null && (!int.TryParse(items, CultureInfo.InvariantCulture, out count) || count < 1))
            throw new ConfigException($"--items {items} must be a whole number from 1");
        CapabilityMap map = CapabilityMap.Of(study, call.Here, corpus => suite != "world" ? EvalSuite.Read(suite)
            : corpus.Tags.Count > 0 && corpus.TagEntropies.Count == 0 ? null
            : WorldCorpus.WorldOf(corpus).Suite(count));
        call.Here.Report("floors", 0);
        Show(call, map, EntropyCheck.All(study, call.Here), csv, folder ?? study.Folder, calibrate);
    }

    static void Show(Invocation call, CapabilityMap map, IReadOnlyList<EntropyCheck> entropies, string? csv, string? folder,
        int calibrate)
    {
        call.Here.Report("breaks", 0);
        IReadOnlyList<TaskBreak> breaks = TaskBreak.All(map, call.Stop);
        Table table = map.ToTable(breaks);
        if (folder is not null)
        {
            MapPictures.Write(map, folder);
            table.WriteCsv(Path.Combine(folder, "map.csv"));
            if (map.ToSeedTable() is { RowCount: > 0 } bySeed) bySeed.WriteCsv(Path.Combine(folder, "map-seeds.csv"));
        }
        if (csv is not null) table.WriteCsv(csv);
        if (call.Json)
        {
            table.WriteJsonLines(call.Out);
            return;
        }
        MapPictures.Terminal(map, call.Out);
        Gains(call.Out, map);
        Floors(call.Out, entropies);
        Breaks(call.Out, map, breaks);
        Groups(call.Out, map);
        Next(call.Out, map);
        if (calibrate > 0) Calibrated(call.Out, map, calibrate);
        if (folder is not null)
            call.Out.WriteLine($"\n{Path.Combine(folder, "map*.svg")}: pictures; map.csv: table; map-seeds.csv: by seed");
    }

    static void Gains(TextWriter output, CapabilityMap map)
    {
        if (map.Gains.Count == 0 || map.Gains[0].Tasks.Count == 0) return;
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
        double first = map.Budgets[0], last = map.Budgets[^1];
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

    /// <summary>Of tasks whose seeds differ in having broken through at some budget.</summary>
    static void Groups(TextWriter output, CapabilityMap map)
    {
        SeedGroups[] mixed = [.. SeedGroups.All(map).GroupBy(c => c.Task)
            .Where(t => t.Any(c => c.Two || c.Through > 0 && c.Through < c.Seeds)).SelectMany(t => t)];
        if (mixed.Length == 0) return;
        output.WriteLine(I($"\nseeds that have broken through: ability above {MapRules.Through} (95 %, exact); ") +
            "do they fall into two groups? (excess mass, Holm)");
        foreach (SeedGroups c in mixed)
            output.WriteLine(I($"  {c.Task,-14} {c.Flops,7:0.#e0}  {c.Through,3} of {c.Seeds,3}  ") +
                I($"{c.Through / (double)c.Seeds:0.00} ({c.Range.Low:0.00}–{c.Range.High:0.00})  p {c.P:0.0000}") +
                (c.Two ? "  two groups" : ""));
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
        if (suspects.Length > 0 && map.Curves[0].Rungs[0].Losses.Count is > 0 and < 8)
            output.WriteLine($"\nbreaks in {string.Join(", ", suspects)}: seeds may be bimodal there; " +
                $"train 8 at the small sizes: isoflop ladder {map.Study} … --seeds 8");
    }

    static string Upper(double x) => double.IsNaN(x) ? "never" : I($"{x:0.#e0}");

    static void Calibrated(TextWriter output, CapabilityMap map, int tasks)
    {
        TaskCurve[] asked = [.. map.Curves.Where(c => c.IsAsked)];
        if (asked.Length == 0) throw new ConfigException("--calibrate takes its noise from questions; give --suite FILE.jsonl");
        IReadOnlyList<TaskRung> rungs = asked[0].Rungs;
        int[] seeds = [.. rungs.Select(r => r.Seeds.Count)];
        int items = rungs[0].Items;
        double[] sds = [.. asked.Select(c => Math.Sqrt(c.Rungs.Average(r => BreakTest.Variance([.. r.Seeds.Select(s =>
            s.AnswerNll)])))).Where(double.IsFinite).Order()];
        if (sds.Length == 0 || sds[sds.Length / 2] == 0)
            throw new ConfigException("--calibrate takes its noise from the answers' likelihood between seeds, and there is " +
                "none");
        double sd = sds[sds.Length / 2];
        output.WriteLine(I($"\ncalled sudden of {tasks} simulated tasks each ({rungs.Count} rungs, {string.Join(' ', seeds)} ") +
            I($"seeds, {items} items, sd {sd:0.000} nats between seeds; 95 %)"));
        foreach (var kind in Calibration.Simulate([.. rungs.Select(r => Math.Log10(r.Flops))], seeds, items, sd, tasks)
            .GroupBy(c => c.IsStep))
        {
            output.WriteLine(kind.Key ? "  power: steps, anywhere with two rungs on either side"
                : "  false alarms: smooth curves");
            foreach (Calibration c in kind)
                output.WriteLine(I($"    {c.Kind,-38} {100.0 * c.Sudden / c.Tasks,5:0.0} % ") +
                    I($"({100 * c.Range.Low:0.0}–{100 * c.Range.High:0.0} %)"));
        }
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
