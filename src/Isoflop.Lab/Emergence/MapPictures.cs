using System.Globalization;
using System.Net;
using System.Text;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Statistics;
using Isoflop.Lab.Worlds;
using Isoflop.Store;

namespace Isoflop.Lab.Emergence;

/// <summary>A capability map to look at.</summary>
static class MapPictures
{
    const int Top = 106, Cell = 48, Row = 22, Bottom = 46;
    // Right of the cells: the class, how ability changed, how the answer's likelihood went, what that says.
    const int ClassAt = 10, ChangeAt = 84, LineAt = 226, LineWidth = 84, NoteAt = 322, Right = 630;

    /// <summary>The map's file in a study's folder; the other pictures are called map-*.svg.</summary>
    public const string MapFile = "map.svg", LikelihoodFile = "map-likelihood.svg";

    /// <summary>Writes all pictures into a study's folder; those of abilities where there are questions.</summary>
    public static void Write(CapabilityMap map, string folder)
    {
        if (map.Gains.Count > 0 && map.Gains[0].Tasks.Count > 0) Put("map-loss.svg", Losses(map));
        if (map.Curves.All(c => !c.IsAsked)) return;
        WholeFile.Write(Path.Combine(folder, MapFile), Svg(map));
        Put("map-ability.svg", Curves(map));
        Put(LikelihoodFile, Likelihoods(map));
        if (Saturation(map) is { } chart) Put("map-saturation.svg", [chart]);
        if (Seeds(map) is { Count: > 0 } seeds) Put("map-groups.svg", seeds);
        void Put(string file, IReadOnlyList<Chart> charts)
        {
            string path = Path.Combine(folder, file);
            Directory.CreateDirectory(folder);
            if (!Chart.Save(path, charts, 2, 460, 340)) File.Delete(path);
        }
    }

    /// <summary>Tasks × rungs: ability as colour, accuracy as number, class beside it.</summary>
    public static string Svg(CapabilityMap map)
    {
        TaskCurve[] tasks = [.. map.Curves.Where(c => c.IsAsked)];
        if (tasks.Length == 0) return "";
        int left = 16 + 7 * tasks.Max(t => LabelOf(t.Task).Length);
        IReadOnlyList<double> budgets = map.Budgets;
        int rungs = budgets.Count, gaps = tasks.Select(t => FamilyOf(t.Task)).Distinct().Count() - 1;
        int width = left + rungs * Cell + Right, height = Top + tasks.Length * Row + gaps * 6 + Bottom;
        var svg = new StringBuilder("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"isoflop-map\" " +
            I($"viewBox=\"0 0 {width} {height}\" ") +
            I($"width=\"{width}\" ") +
            I($"height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">") +
            Style);
        Text(12, 22, "t", $"What each rung of '{map.Study}' can do", 16, weight: "600");
        Text(12, 42, "s", "blue: ability, the share of what lies above chance; red: below chance; number: accuracy in percent");
        Text(12, 58, "s", (map.Gains.Count > 0 ? "of each budget the size with the least loss; " : "") +
            "line: −ln p of the right answer along the budgets, each in its own height;");
        Text(12, 74, "s", "sudden: that line has a break (dot) which no smooth curve has, and ability rises");
        for (int r = 0; r < rungs; r++)
            Text(left + r * Cell + Cell / 2, Top - 8, "t", Flops(budgets[r]), anchor: "middle");
        int right = left + rungs * Cell;
        Text(right + ClassAt, Top - 8, "t", "class");
        Text(right + ChangeAt, Top - 8, "t", "change, 90 %");
        Text(right + LineAt, Top - 8, "t", "−ln p, answer");
        Text(right + NoteAt, Top - 8, "t", "evidence (slope of −ln p, nats a decade)");
        int y = Top;
        string family = FamilyOf(tasks[0].Task);
        foreach (TaskCurve task in tasks)
        {
            if (FamilyOf(task.Task) != family) (family, y) = (FamilyOf(task.Task), y + 6);
            Text(left - 8, y + 15, "t", LabelOf(task.Task), anchor: "end");
            for (int r = 0; r < rungs; r++)
            {
                if (RungAt(task, budgets[r]) is not { } rung) continue;
                double ability = rung.Ability.Mean;
                svg.Append(I($"<rect x=\"{left + r * Cell + 1}\" y=\"{y + 1}\" width=\"{Cell - 2}\" height=\"{Row - 2}\" ") +
                    $"class=\"{(ability < 0 ? "down" : "up")}\" " +
                    I($"fill-opacity=\"{Math.Clamp(Math.Abs(ability), 0.04, 1):0.##}\"/>"));
                svg.Append(I($"<text x=\"{left + r * Cell + Cell / 2}\" y=\"{y + 15}\" text-anchor=\"middle\" ") +
                    I($"class=\"{(Math.Abs(ability) > 0.5 ? "w" : "t")}\">{100 * rung.Accuracy.Mean:0}</text>"));
            }
            TaskFinding finding = map.Findings.First(f => f.Task == task.Task);
            Text(right + ClassAt, y + 15, "t", finding.Class.ToString().ToLowerInvariant(),
                weight: finding.Class == TaskClass.Sudden ? "700" : "400");
            (double low, double high) = finding.ChangeRange;
            string Signed(double x) => TaskFinding.Signed(x, 2);
            if (double.IsFinite(low))
                Text(right + ChangeAt, y + 15, "s", $"{Signed(finding.Change.Mean)} ({Signed(low)} … {Signed(high)})", 11);
            svg.Append(Sparkline(task, finding, right + LineAt, y + 3));
            Text(right + NoteAt, y + 15, "s", NoteOf(finding));
            y += Row;
        }
        Text(left + rungs * Cell / 2, y + 24, "s", "training FLOPs", anchor: "middle");
        return svg.Append("</svg>\n").ToString();

        void Text(int x, int at, string style, string text, int size = 12, string anchor = "start", string weight = "400") =>
            svg.Append(I($"<text x=\"{x}\" y=\"{at}\" class=\"{style}\" font-size=\"{size}\" text-anchor=\"{anchor}\" ") +
                I($"font-weight=\"{weight}\">{WebUtility.HtmlEncode(text)}</text>"));
    }

    const string Style = """
        <style>.isoflop-map .t{fill:#222}.isoflop-map .s{fill:#5a5a5a}.isoflop-map .w{fill:#fff}.isoflop-map .b{fill:#fdfdfd}
        .isoflop-map .up{fill:#1f6fc4}.isoflop-map .down{fill:#c43c4a}.isoflop-map .d{fill:#d1402a}
        .isoflop-map .l{fill:none;stroke:#0072b2;stroke-width:1.6}@media (prefers-color-scheme:dark){.isoflop-map .t{fill:#e4e4e4}
        .isoflop-map .s{fill:#b0b0b0}.isoflop-map .b{fill:#161616}.isoflop-map .l{stroke:#3f9ad6}}</style>
        <rect class="b" width="100%" height="100%"/>
        """;

    /// <summary>−ln p of the answer along the budgets, from its highest to its lowest; of sudden tasks the break.</summary>
    static string Sparkline(TaskCurve task, TaskFinding finding, int x, int y)
    {
        (double X, double Y)[] points = [.. task.Rungs.Select(r => (Math.Log10(r.Flops), r.AnswerNll.Mean))
            .Where(p => double.IsFinite(p.Mean))];
        if (points.Length < 3) return "";
        double low = points.Min(p => p.Y), high = points.Max(p => p.Y), left = points[0].X, span = points[^1].X - left;
        double PlaceX(double v) => x + (v - left) / span * LineWidth;
        double PlaceY(double v) => y + (high > low ? (high - v) / (high - low) : 0.5) * (Row - 7);
        string line = "<polyline class=\"l\" points=\"" +
            string.Join(' ', points.Select(p => I($"{PlaceX(p.X):0.#},{PlaceY(p.Y):0.#}"))) + "\"/>";
        if (finding is not { Class: TaskClass.Sudden, Break: { } found }) return line;
        int i = Math.Clamp(Array.FindIndex(points, p => p.X >= found.At), 1, points.Length - 1);
        double share = (found.At - points[i - 1].X) / (points[i].X - points[i - 1].X),
            at = points[i - 1].Y + share * (points[i].Y - points[i - 1].Y);
        return line + I($"<circle class=\"d\" cx=\"{PlaceX(found.At):0.#}\" cy=\"{PlaceY(at):0.#}\" r=\"3.5\"/>");
    }

    /// <summary>The same in characters, one task a line; without questions the tasks' losses.</summary>
    public static void Terminal(CapabilityMap map, TextWriter output)
    {
        TaskCurve[] tasks = [.. map.Curves.Where(c => c.IsAsked)];
        int width = Math.Max(12, map.Curves.Max(t => t.Task.Length));
        if (tasks.Length == 0)
        {
            output.WriteLine("nats/token".PadRight(width) +
                string.Concat(map.Curves[0].Rungs.Select(r => $"{Flops(r.Budget),9}")));
            foreach (TaskCurve task in map.Curves)
                output.WriteLine(task.Task.PadRight(width) + string.Concat(task.Rungs.Select(r => I($"{r.Loss,9:0.0000}"))) +
                    $"  {World.TitleOf(task.Task)}".TrimEnd());
            return;
        }
        output.WriteLine("task".PadRight(width) + "  chance" + string.Concat(map.Budgets.Select(b => $"{Flops(b),9}")) +
            "  class");
        foreach (TaskCurve task in tasks)
        {
            TaskFinding f = map.Findings.First(x => x.Task == task.Task);
            output.WriteLine(task.Task.PadRight(width) + I($"  {100 * task.Rungs[0].Chance,4:0} %") +
                string.Concat(map.Budgets.Select(b => RungAt(task, b) is { } r
                    ? I($"  {100 * r.Accuracy.Mean,4:0} {Shade(r.Ability.Mean)}") : new(' ', 8))) +
                $"   {f.Class.ToString().ToLowerInvariant(),-9} " +
                string.Join("; ", ((string[])[World.TitleOf(task.Task), NoteOf(f)]).Where(t => t.Length > 0)));
        }
        string sizes = map.Gains.Count > 0 ? ", of each budget's best size" : "";
        output.WriteLine($"numbers: accuracy in percent{sizes}; ability, the share of what lies above " +
            "chance: ░ from 10 %, ▒ 35, ▓ 65, █ 90");
        output.WriteLine(string.Join("; ", classes.Where(c => map.Findings.Any(f => f.Class == c.Is)).Select(c =>
            $"{c.Is.ToString().ToLowerInvariant()}: {c.Means}")));
    }

    /// <summary>Ability against compute, a line a task with its standard error, a picture a family.</summary>
    public static IReadOnlyList<Chart> Curves(CapabilityMap map) => [.. Families(map).Select(g => ChartOf(g,
        "ability above chance", "ability ± standard error", r => r.Ability.Mean, r => Band(r.Ability)) with
    { YLimits = (Lowest(map), 1.1), Possible = (double.NegativeInfinity, 1) })];

    /// <summary>
    /// Of each task whose seeds differ in having broken through: every seed's accuracy, and the share that has.
    /// </summary>
    public static IReadOnlyList<Chart> Seeds(CapabilityMap map) => [.. SeedGroups.All(map).GroupBy(c => c.Task)
        .Where(t => t.Any(c => c.Through > 0 && c.Through < c.Seeds)).SelectMany(t =>
        {
            TaskCurve curve = map.Curves.First(c => c.Task == t.Key);
            double step = curve.Rungs.Count < 2 ? 1 : curve.Rungs[1].Flops / curve.Rungs[0].Flops;
            // Seeds of a budget stand side by side, in the order of their accuracy: else they would lie on one another.
            (double, double)[] all = [.. curve.Rungs.SelectMany(r => r.Seeds.OrderBy(s => s.Accuracy).Select((s, i) =>
                (r.Flops * Math.Pow(step, 0.5 * (i / Math.Max(1.0, r.Seeds.Count - 1) - 0.5)), s.Accuracy)))];
            return (Chart[])[new Chart($"{LabelOf(t.Key)}: every seed", "training FLOPs", "accuracy",
                [new("a seed", all, SeriesKind.Points), ChartSeries.AtY("chance", curve.Rungs[0].Chance)])
                { Possible = Chart.Share, YLimits = (-0.03, 1.03) },
            new Chart($"{LabelOf(t.Key)}: seeds that have broken through", "training FLOPs", "share of the seeds, 95 %",
                [new("ability above a half", [.. t.Select(c => (c.Flops, c.Through / (double)c.Seeds))], SeriesKind.Points)
                {
                    Range = [.. t.Select(c => (c.Range.Low, c.Range.High))],
                    Labels = [.. t.Select(c => c.Two ? "two groups" : "")],
                }])
                { Possible = Chart.Share, YLimits = (-0.03, 1.03) }];
        })];

    /// <summary>One axis for all families: below chance is as deep as the deepest goes.</summary>
    static double Lowest(CapabilityMap map) => Math.Min(-0.4, -0.1 + map.Curves.Where(c => c.IsAsked)
        .SelectMany(c => c.Rungs).Min(r => Band(r.Ability).Low));

    /// <summary>−ln p of the answer against compute: where a break would show.</summary>
    public static IReadOnlyList<Chart> Likelihoods(CapabilityMap map) => [.. Families(map).Select(g => ChartOf(g,
        "how unlikely the right answer is", "−ln p ± standard error, nats", r => r.AnswerNll.Mean, r => Band(r.AnswerNll)) with
    { Possible = Chart.NotNegative })];

    /// <summary>Loss of each tag against compute.</summary>
    public static IReadOnlyList<Chart> Losses(CapabilityMap map) => [.. map.Curves.Where(c => c.Rungs.All(r => r.Losses.Count > 0
        && double.IsFinite(r.Loss))).GroupBy(c => FamilyOf(c.Task)).Select(g => ChartOf(g, "loss",
        "nats a token; area: all seeds", r => r.Loss, r => (r.Losses.Min(), r.Losses.Max())))];

    static Chart ChartOf(IGrouping<string, TaskCurve> family, string what, string y, Func<TaskRung, double> value,
        Func<TaskRung, (double, double)> range) => new($"{ChartNames.Title(family.Key)}: {what}", "training FLOPs", y,
        [.. family.Select(t => new ChartSeries(LevelOf(t.Task, family.Count()), [.. t.Rungs.Select(r => (r.Flops, value(r)))])
        { Range = [.. t.Rungs.Select(range)] })]);

    /// <summary>Within its family a level is enough.</summary>
    static string LevelOf(string task, int tasks) => tasks > 1 && task.Split('.') is [_, var level] ? $"level {level}" : task;

    /// <summary>One standard error to both sides: 95 % of several tasks would cover one another.</summary>
    static (double Low, double High) Band(TwoLevel mean) => double.IsNaN(mean.Error) ? (mean.Mean, mean.Mean)
        : (mean.Mean - mean.Error, mean.Mean + mean.Error);

    /// <summary>Compute at which each level of a family is full; null: none is.</summary>
    public static Chart? Saturation(CapabilityMap map)
    {
        ChartSeries[] series = [.. map.Findings.Where(f => f.SaturatedAt is not null).GroupBy(f => FamilyOf(f.Task))
            .Select(g => new ChartSeries(g.Key, [.. g.Select(f => (LevelOf(f.Task), f.SaturatedAt!.Value))], SeriesKind.Points))];
        return series.Length == 0 ? null : new("Compute to saturation", "level of the task", "training FLOPs", series)
        {
            LogX = false,
            XLimits = (0.5, Math.Max(8, series.Max(s => s.Points.Max(p => p.X))) + 0.5),
            LogY = true,
            Subtitle = "first rung from which on the ability is shown to be full; levels that are not are " +
                "not shown",
        };
    }

    static IEnumerable<IGrouping<string, TaskCurve>> Families(CapabilityMap map) =>
        map.Curves.Where(c => c.IsAsked).GroupBy(c => FamilyOf(c.Task));

    static TaskRung? RungAt(TaskCurve task, double budget) => task.Rungs.FirstOrDefault(r => r.Budget == budget);

    static string FamilyOf(string task) => task.Split('.')[0];

    static double LevelOf(string task) => task.Split('.') is [_, var level] && int.TryParse(level, out int n) ? n : 1;

    static readonly (TaskClass Is, string Means)[] classes =
    [
        (TaskClass.Flat, I($"ability moves by less than {MapRules.Change:0.0}")),
        (TaskClass.Rising, "it rises; too few budgets or seeds to tell how"),
        (TaskClass.Smooth, "it rises, and a smooth curve is enough for the answers' likelihood"),
        (TaskClass.Sudden, "it rises, and the answers' likelihood has a break"),
        (TaskClass.Saturated, I($"ability is shown to be above {1 - MapRules.FullMargin:0.00}")),
        (TaskClass.Inverse, "it falls"), (TaskClass.Unclear, "none of these can be shown"),
    ];

    /// <summary>"agreement past another noun · grammar.3".</summary>
    static string LabelOf(string task) => World.TitleOf(task) is { Length: > 0 } title ? $"{title} · {task}" : task;

    static string NoteOf(TaskFinding f) => f.Class switch
    {
        TaskClass.Unclear when !f.Evidence.StartsWith("ability", StringComparison.Ordinal) => f.Evidence,
        TaskClass.Sudden when f.Break is { } b =>
            I($"break at {Flops(Math.Pow(10, b.At))}, p {b.P:0.000}; slope ") + SlopesOf(b) +
            (f.SaturatedAt is { } full ? $"; full from {Flops(full)}" : ""),
        TaskClass.Smooth when f.Break is { P: <= MapRules.BreakP } b =>
            I($"p {b.P:0.000}, but not steeper: slope ") + SlopesOf(b),
        TaskClass.Smooth when f.Break is { } b => I($"no break, p {b.P:0.000}"),
        TaskClass.Saturated => $"full from {Flops(f.SaturatedAt!.Value)}",
        TaskClass.Rising => f.Untested,
        TaskClass.Flat when f.Rise is { } r => double.IsNaN(r.Flops) ? "no rise in sight"
            : $"a straight line would rise at {Flops(r.Flops)}",
        _ => "",
    };

    /// <summary>Of −ln p, outside of a break and in it, nats a decade.</summary>
    static string SlopesOf(BreakResult b) => $"{TaskFinding.Signed(b.Before, 1)} → {TaskFinding.Signed(b.After, 1)}";

    static string Flops(double x) => x.ToString("0.##e0", CultureInfo.InvariantCulture);

    static char Shade(double ability) => ability switch { < 0.1 => ' ', < 0.35 => '░', < 0.65 => '▒', < 0.9 => '▓', _ => '█' };

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
