using System.Globalization;
using System.Security;
using System.Text;
using OxyPlot;

namespace Isoflop.Lab.Charts;

/// <summary>A line of a legend and how its series look.</summary>
/// <param name="Y">height at which the series ends, a value of the axis; NaN: nowhere</param>
/// <param name="Line">drawn as a line; else <paramref name="Mark"/> alone, or a patch of a band</param>
sealed record LegendEntry(string Name, OxyColor Colour, double Y, bool Line, double[] Dashes, MarkerType Mark, bool Band)
{
    /// <summary>A horizontal line through the whole plot: below the plot its name is not repeated, beside it keeps its
    /// height.</summary>
    public bool Through { get; init; }

    /// <summary>In all colours of a quantity.</summary>
    public bool Shaded { get; init; }
}

/// <summary>
/// Names of what is drawn. Short ones stand at the right, each at the height where its line ends, so that the eye need not look
/// for its colour; long ones below, in rows.
/// </summary>
sealed class ChartLegend
{
    const double Size = 12, Row = 17, Sample = 20, Gap = 6, Between = 18, CharacterWidth = 6.3;
    // Of the picture's width: a column of names leaves the rest to the plot.
    const double LargestColumn = 0.3;
    // A name of a line through the plot keeps its height, and others make way.
    const double Heavy = 100;
    // Of a sample that shows several colours.
    const int Pieces = 5;

    readonly IReadOnlyList<LegendEntry> entries;
    readonly List<string> title;
    readonly double width;
    readonly List<List<(LegendEntry Entry, double X)>> rows = [];

    /// <param name="title">over the names</param> <param name="width">of the picture</param>
    public ChartLegend(IReadOnlyList<LegendEntry> entries, string title, double width)
    {
        (this.entries, this.title, this.width) = (entries, title.Length > 0 ? [title] : [], width);
        double longest = entries.Count == 0 ? 0 : entries.Max(Long);
        if (title.Length > 0) longest = Math.Max(longest, title.Length * CharacterWidth);
        AtRight = entries.Count > 0 && longest + 14 <= LargestColumn * width;
        Column = AtRight ? longest + 14 : 0;
        if (AtRight || entries.Count == 0) return;
        double x = width;
        foreach (LegendEntry e in entries.Where(e => !e.Through))
        {
            if (x + Long(e) > width - 8)
            {
                rows.Add([]);
                x = 14;
            }
            rows[^1].Add((e, x));
            x += Long(e) + Between;
        }
    }

    /// <summary>The names stand at the right.</summary>
    public bool AtRight { get; }

    /// <summary>Width that they take there.</summary>
    public double Column { get; }

    /// <summary>Height that they take below.</summary>
    public double Below => rows.Count == 0 ? 0 : (rows.Count + title.Count) * Row + 8;

    static double Long(LegendEntry e) => Sample + Gap + e.Name.Length * CharacterWidth;

    /// <param name="area">of the plot</param> <param name="height">of the picture</param>
    /// <param name="place">of a value of y, pixels from the top</param>
    public string Draw(OxyRect area, double height, Func<double, double> place)
    {
        var svg = new StringBuilder();
        if (AtRight) DrawColumn(svg, area, place);
        double y = height - Below + 4;
        foreach (string line in rows.Count > 0 ? title : [])
        {
            Text(svg, 14, y + Row / 2, line, "s");
            y += Row;
        }
        foreach (var row in rows)
        {
            double used = row[^1].X + Long(row[^1].Entry), shift = Math.Max(0, (width - used - 14) / 2);
            foreach ((LegendEntry entry, double x) in row) Draw(svg, entry, x + shift, y + Row / 2);
            y += Row;
        }
        return svg.ToString();
    }

    void DrawColumn(StringBuilder svg, OxyRect area, Func<double, double> place)
    {
        double top = area.Top + 8, left = area.Right + 8;
        foreach (string line in title)
        {
            Text(svg, left, top, line, "s");
            top += Row;
        }
        var wanted = entries.Select(e => (Entry: e, At: double.IsNaN(e.Y) ? double.NegativeInfinity : place(e.Y)))
            .OrderBy(p => p.At).ToList();
        double[] at = Apart([.. wanted.Select(p => Math.Clamp(p.At, top, area.Bottom))], top,
            Math.Max(area.Bottom, top + (wanted.Count - 1) * Row), [.. wanted.Select(p => p.Entry.Through ? Heavy : 1)]);
        for (int i = 0; i < at.Length; i++) Draw(svg, wanted[i].Entry, left, at[i]);
    }

    /// <summary>
    /// A row apart each, as near as can be to where they want to be: those that would overlap stand around their middle.
    /// </summary>
    /// <param name="wanted">rising</param> <param name="weights">the heavier moves less; null: all alike</param>
    internal static double[] Apart(IReadOnlyList<double> wanted, double top, double bottom, IReadOnlyList<double>? weights = null)
    {
        // Less i rows each, the places need only not fall: neighbours that do are pooled to their mean.
        List<(double Sum, double Weight, int Count)> pools = [];
        for (int i = 0; i < wanted.Count; i++)
        {
            double weight = weights?[i] ?? 1;
            pools.Add(((wanted[i] - i * Row) * weight, weight, 1));
            while (pools.Count > 1 && pools[^2].Sum / pools[^2].Weight > pools[^1].Sum / pools[^1].Weight)
            {
                (double sum, double all, int count) = pools[^1];
                pools[^2] = (pools[^2].Sum + sum, pools[^2].Weight + all, pools[^2].Count + count);
                pools.RemoveAt(pools.Count - 1);
            }
        }
        double last = bottom - (wanted.Count - 1) * Row;
        return [.. pools.SelectMany(p => Enumerable.Repeat(Math.Clamp(p.Sum / p.Weight, top, Math.Max(top, last)), p.Count))
            .Select((place, i) => place + i * Row)];
    }

    static void Draw(StringBuilder svg, LegendEntry e, double x, double y)
    {
        string colour = Of(e.Colour);
        if (e.Band)
            svg.Append(I($"<rect x=\"{x}\" y=\"{y - 6}\" width=\"{Sample}\" height=\"12\" ") +
                $"fill=\"{colour}\" fill-opacity=\".25\"/>");
        if (e.Shaded)
            for (int i = 0; i < Pieces; i++)
                svg.Append(I($"<rect x=\"{x + i * Sample / Pieces}\" y=\"{y - 1}\" width=\"{Sample / Pieces}\" height=\"2\" ") +
                    $"fill=\"{Of(ChartLooks.Shade(1 - i / (Pieces - 1.0)))}\"/>");
        else if (e.Line)
            svg.Append(I($"<line x1=\"{x}\" y1=\"{y}\" x2=\"{x + Sample}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\"") +
                (e.Dashes.Length == 0 ? ""
                    : $" stroke-dasharray=\"{string.Join(',', e.Dashes.Select(d => I($"{d}")))}\"") + "/>");
        double cx = x + Sample / 2, r = 4;
        svg.Append(e.Mark switch
        {
            MarkerType.Circle => I($"<circle cx=\"{cx}\" cy=\"{y}\" r=\"{r}\" fill=\"{colour}\"/>"),
            MarkerType.Square => I($"<path d=\"M{cx - r} {y - r}h{2 * r}v{2 * r}h{-2 * r}z\" fill=\"{colour}\"/>"),
            MarkerType.Triangle => I($"<path d=\"M{cx} {y - r - 1}l{r + 1} {2 * r}h{-2 * r - 2}z\" fill=\"{colour}\"/>"),
            MarkerType.Diamond =>
                I($"<path d=\"M{cx} {y - r - 1}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z\" fill=\"{colour}\"/>"),
            _ => "",
        });
        Text(svg, x + Sample + Gap, y, e.Name, e.Through ? "s" : "t");
    }

    static string Of(OxyColor c) => $"rgb({c.R},{c.G},{c.B})";

    static void Text(StringBuilder svg, double x, double y, string text, string style) => svg.Append(
        I($"<text class=\"{style}\" x=\"{x}\" y=\"{y + 4}\" font-size=\"{Size}\" fill=\"{(style == "s" ? "#555" : "#111")}\" ") +
        $"font-family=\"{ChartSvg.Fonts}\">{SecurityElement.Escape(text)}</text>");

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
