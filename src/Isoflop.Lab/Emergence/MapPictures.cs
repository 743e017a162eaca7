using System.Globalization;
using System.Net;
using System.Text;
using Isoflop.Lab.Charts;
using Isoflop.Lab.Worlds;
using Isoflop.Store;

namespace Isoflop.Lab.Emergence;

/// <summary>A capability map to look at.</summary>
static class MapPictures
{
    const int Top = 90, Cell = 58, Row = 22, Right = 290, Bottom = 46;

    /// <summary>The map's file in a study's folder; the other pictures are called map-*.svg.</summary>
    public const string MapFile = "map.svg";

    /// <summary>Writes all pictures into a study's folder; those of abilities where there are questions.</summary>
    public static void Write(CapabilityMap map, string folder)
    {
        if (map.Gains[0].Tasks.Count > 0) Put("map-loss.svg", Losses(map));
        if (map.Curves.All(c => c.Rungs[0].Results.Count == 0)) return;
        Put(MapFile, Svg(map));
        Put("map-ability.svg", Curves(map));
        Put("map-likelihood.svg", Likelihoods(map));
        if (Saturation(map) is { } chart) Put("map-saturation.svg", chart.Svg());
        void Put(string file, string svg) => WholeFile.Write(Path.Combine(folder, file), svg);
    }

    /// <summary>Tasks × rungs: ability as colour, accuracy as number, class beside it.</summary>
    public static string Svg(CapabilityMap map)
    {
        TaskCurve[] tasks = [.. map.Curves.Where(c => c.Rungs[0].Results.Count > 0)];
        if (tasks.Length == 0) return "";
        int left = 16 + 7 * tasks.Max(t => LabelOf(t.Task).Length);
        int rungs = tasks[0].Rungs.Count, gaps = tasks.Select(t => FamilyOf(t.Task)).Distinct().Count() - 1;
        int width = left + rungs * Cell + Right, height = Top + tasks.Length * Row + gaps * 6 + Bottom;
        var svg = new StringBuilder(I($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" ") +
            I($"width=\"{width}\" ") +
            I($"height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">") +
            "<style>.t{fill:#222}.s{fill:#666}.b{fill:#fdfdfd}@media (prefers-color-scheme: " +
            "dark){.t{fill:#ddd}.s{fill:#aaa}.b{fill:#161616}}</style>" +
            "<rect class=\"b\" width=\"100%\" height=\"100%\"/>");
        Text(12, 22, "t", $"What each rung of '{map.Study}' can do", 16, weight: "600");
        Text(12, 42, "s", "blue: ability, the share of what lies above chance; red: below chance");
        Text(12, 58, "s", "number: accuracy in percent; of each budget the size with the least loss");
        for (int r = 0; r < rungs; r++)
            Text(left + r * Cell + Cell / 2, Top - 8, "t", Flops(tasks[0].Rungs[r].Budget), anchor: "middle");
        Text(left + rungs * Cell + 12, Top - 8, "t", "class");
        Text(left + rungs * Cell + 96, Top - 8, "t", "break, saturation or rise");
        int y = Top;
        string family = FamilyOf(tasks[0].Task);
        foreach (TaskCurve task in tasks)
        {
            if (FamilyOf(task.Task) != family) (family, y) = (FamilyOf(task.Task), y + 6);
            Text(left - 8, y + 15, "t", LabelOf(task.Task), anchor: "end");
            for (int r = 0; r < rungs; r++)
            {
                double ability = task.Rungs[r].Ability.Mean;
                svg.Append(I($"<rect x=\"{left + r * Cell + 1}\" y=\"{y + 1}\" width=\"{Cell - 2}\" height=\"{Row - 2}\" ") +
                    I($"fill=\"{Colour(ability)}\"/>"));
                svg.Append(I($"<text x=\"{left + r * Cell + Cell / 2}\" y=\"{y + 15}\" text-anchor=\"middle\" ") +
                    I($"fill=\"{(ability > 0.45 ? "#fff" : "#222")}\">{100 * task.Rungs[r].Accuracy.Mean:0}</text>"));
            }
            TaskFinding finding = map.Findings.First(f => f.Task == task.Task);
            Text(left + rungs * Cell + 12, y + 15, "t", finding.Class.ToString().ToLowerInvariant(),
                weight: finding.Class == TaskClass.Sudden ? "700" : "400");
            Text(left + rungs * Cell + 96, y + 15, "s", NoteOf(finding));
            y += Row;
        }
        Text(left + rungs * Cell / 2, y + 24, "s", "training FLOPs", anchor: "middle");
        return svg.Append("</svg>\n").ToString();

        void Text(int x, int at, string style, string text, int size = 12, string anchor = "start", string weight = "400") =>
            svg.Append(I($"<text x=\"{x}\" y=\"{at}\" class=\"{style}\" font-size=\"{size}\" text-anchor=\"{anchor}\" ") +
                I($"font-weight=\"{weight}\">{WebUtility.HtmlEncode(text)}</text>"));
    }

    /// <summary>The same in characters, one task a line; without questions the tasks' losses.</summary>
    public static void Terminal(CapabilityMap map, TextWriter output)
    {
        TaskCurve[] tasks = [.. map.Curves.Where(c => c.Rungs[0].Results.Count > 0)];
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
        output.WriteLine("task".PadRight(width) + "  chance" + string.Concat(tasks[0].Rungs.Select(r => $"{Flops(r.Budget),9}")) +
            "  class");
        foreach (TaskCurve task in tasks)
        {
            TaskFinding f = map.Findings.First(x => x.Task == task.Task);
            output.WriteLine(task.Task.PadRight(width) + I($"  {100 * task.Rungs[0].Chance,4:0} %") +
                string.Concat(task.Rungs.Select(r => I($"  {100 * r.Accuracy.Mean,4:0} {Shade(r.Ability.Mean)}"))) +
                $"   {f.Class.ToString().ToLowerInvariant(),-9} " +
                string.Join("; ", ((string[])[World.TitleOf(task.Task), NoteOf(f)]).Where(t => t.Length > 0)));
        }
        output.WriteLine("numbers: accuracy in percent, of each budget's best size; ability, the share of what lies above " +
            "chance: ░ from 10 %, ▒ 35, ▓ 65, █ 90");
        output.WriteLine(string.Join("; ", classes.Where(c => map.Findings.Any(f => f.Class == c.Is)).Select(c =>
            $"{c.Is.ToString().ToLowerInvariant()}: {c.Means}")));
    }

    /// <summary>Ability against compute, a line a task with its standard error, a picture a family.</summary>
    public static string Curves(CapabilityMap map) => Chart.Grid([.. Families(map).Select(g => new Chart(g.Key, "training FLOPs",
        "ability above chance ± standard error", [.. g.Select(t => new ChartSeries(t.Task, [.. t.Rungs.Select(r => (r.Flops,
            r.Ability.Mean))])
        { Range = [.. t.Rungs.Select(r => Band(r.Ability))] })]) { YLimits = (Lowest(map), 1.1) })], 3, 460, 340);

    /// <summary>One axis for all families: below chance is as deep as the deepest goes.</summary>
    static double Lowest(CapabilityMap map) => Math.Min(-0.4, -0.1 + map.Curves.Where(c => c.Rungs[0].Results.Count > 0)
        .SelectMany(c => c.Rungs).Min(r => r.Ability.Mean));

    /// <summary>−ln p of the answer against compute: where a break would show.</summary>
    public static string Likelihoods(CapabilityMap map) => Chart.Grid([.. Families(map).Select(g => new Chart(g.Key,
        "training FLOPs",
        "−ln p of the answer, nats ± standard error", [.. g.Select(t => new ChartSeries(t.Task, [.. t.Rungs.Select(r =>
            (r.Flops, r.AnswerNll.Mean))])
        { Range = [.. t.Rungs.Select(r => Band(r.AnswerNll))] })]))], 3, 460, 340);

    /// <summary>Loss of each tag against compute.</summary>
    public static string Losses(CapabilityMap map) => Chart.Grid([.. map.Curves.Where(c => c.Rungs.All(r => r.Losses.Count > 0
        && double.IsFinite(r.Loss))).GroupBy(c => FamilyOf(c.Task)).Select(g => new Chart(g.Key, "training FLOPs",
        "nats a token; area: all seeds", [.. g.Select(t => new ChartSeries(t.Task, [.. t.Rungs.Select(r => (r.Flops, r.Loss))])
        { Range = [.. t.Rungs.Select(r => (r.Losses.Min(), r.Losses.Max()))] })]))], 3, 460, 340);

    /// <summary>One standard error to both sides: 95 % of several tasks would cover one another.</summary>
    static (double, double) Band(TwoLevel mean) => (mean.Mean - mean.Error, mean.Mean + mean.Error);

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
            Subtitle = "first rung from which on the ability's interval reaches the ceiling; levels that are not full are " +
                "not shown",
        };
    }

    static IEnumerable<IGrouping<string, TaskCurve>> Families(CapabilityMap map) =>
        map.Curves.Where(c => c.Rungs[0].Results.Count > 0).GroupBy(c => FamilyOf(c.Task));

    static string FamilyOf(string task) => task.Split('.')[0];

    static double LevelOf(string task) => task.Split('.') is [_, var level] && int.TryParse(level, out int n) ? n : 1;

    static readonly (TaskClass Is, string Means)[] classes =
    [
        (TaskClass.Flat, I($"ability moves by less than {MapRules.Change:0.0}")),
        (TaskClass.Smooth, "it rises, and the answers' likelihood bends evenly"),
        (TaskClass.Sudden, "it rises, and the answers' likelihood has a break"),
        (TaskClass.Saturated, I($"it reaches {MapRules.Ceiling:0.00} within noise")),
        (TaskClass.Inverse, "it falls"), (TaskClass.Unclear, "none of these can be shown"),
    ];

    /// <summary>"agreement past another noun · grammar.3".</summary>
    static string LabelOf(string task) => World.TitleOf(task) is { Length: > 0 } title ? $"{title} · {task}" : task;

    static string NoteOf(TaskFinding f) => f.Class switch
    {
        TaskClass.Unclear when !f.Evidence.StartsWith("ability", StringComparison.Ordinal) => f.Evidence,
        TaskClass.Sudden => $"break at {Flops(Math.Pow(10, f.Break!.Value.At))}, p " +
            $"{f.Break.Value.P.ToString("0.000", CultureInfo.InvariantCulture)}",
        TaskClass.Saturated => $"full from {Flops(f.SaturatedAt!.Value)}",
        TaskClass.Flat when f.Rise is { } r => double.IsNaN(r.Flops) ? "no rise in sight" : $"a line says {Flops(r.Flops)}",
        _ => "",
    };

    static string Flops(double x) => x.ToString("0.##e0", CultureInfo.InvariantCulture);

    static char Shade(double ability) => ability switch { < 0.1 => ' ', < 0.35 => '░', < 0.65 => '▒', < 0.9 => '▓', _ => '█' };

    /// <summary>Light to dark blue; red below chance.</summary>
    static string Colour(double ability)
    {
        double a = Math.Clamp(Math.Abs(ability), 0, 1);
        (double r, double g, double b) = ability < 0 ? (178, 24, 43) : (8, 69, 148);
        double Mix(double end) => 240 + (end - 240) * a;
        return string.Create(CultureInfo.InvariantCulture, $"rgb({Mix(r):0},{Mix(g):0},{Mix(b):0})");
    }

    static string I(FormattableString text) => FormattableString.Invariant(text);
}
