using System.Globalization;
using System.Security;
using System.Text;
using OxyPlot;

namespace Isoflop.Lab.Charts;

/// <summary>A line of a legend and how its series look.</summary>
/// <param name="Y">height at which the series ends, a value of the axis; NaN: nowhere</param>
/// <param name="Line">drawn as a line; else <paramref name="Mark"/> alone, or a patch of a band</param>
sealed record LegendEntry(string Name, OxyColor Colour, double Y, bool Line, LineStyle Dash, MarkerType Mark, bool Band);

/// <summary>
/// Names of what is drawn. Short ones stand at the right, each at the height where its line ends, so that the eye need not look
/// for its colour; long ones below, in rows.
/// </summary>
sealed class ChartLegend
{
    const double Size = 12, Row = 17, Sample = 20, Gap = 6, Between = 18, CharacterWidth = 6.3;
    // Of the picture's width: a column of names leaves the rest to the plot.
    const double LargestColumn = 0.3;

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
        foreach (LegendEntry e in entries.Where(e => !IsMarker(e)))
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

    static double Long(LegendEntry e) => (IsMarker(e) ? 0 : Sample + Gap) + e.Name.Length * CharacterWidth;

    // A line through the whole plot needs no sample: its name stands at its end, or on it.
    static bool IsMarker(LegendEntry e) => !e.Line && !e.Band && e.Mark == MarkerType.None;

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
        var wanted = entries.Select((e, i) => (Entry: e, At: double.IsNaN(e.Y) ? top : Math.Clamp(place(e.Y), top, area.Bottom)))
            .OrderBy(p => p.At).ToList();
        double[] at = Apart([.. wanted.Select(p => p.At)], top, Math.Max(area.Bottom, top + (wanted.Count - 1) * Row));
        for (int i = 0; i < at.Length; i++) Draw(svg, wanted[i].Entry, left, at[i]);
    }

    /// <summary>
    /// A row apart each, as near as can be to where they want to be: those that would overlap stand around their middle.
    /// </summary>
    /// <param name="wanted">rising</param>
    internal static double[] Apart(IReadOnlyList<double> wanted, double top, double bottom)
    {
        // Less i rows each, the places need only not fall: neighbours that do are pooled to their mean.
        List<(double Sum, int Count)> pools = [];
        for (int i = 0; i < wanted.Count; i++)
        {
            pools.Add((wanted[i] - i * Row, 1));
            while (pools.Count > 1 && pools[^2].Sum / pools[^2].Count > pools[^1].Sum / pools[^1].Count)
            {
                pools[^2] = (pools[^2].Sum + pools[^1].Sum, pools[^2].Count + pools[^1].Count);
                pools.RemoveAt(pools.Count - 1);
            }
        }
        double last = bottom - (wanted.Count - 1) * Row;
        return [.. pools.SelectMany(p => Enumerable.Repeat(Math.Clamp(p.Sum / p.Count, top, Math.Max(top, last)), p.Count))
            .Select((place, i) => place + i * Row)];
    }

    static void Draw(StringBuilder svg, LegendEntry e, double x, double y)
    {
        if (IsMarker(e))
        {
            Text(svg, x, y, e.Name, "s");
            return;
        }
        string colour = $"rgb({e.Colour.R},{e.Colour.G},{e.Colour.B})";
        if (e.Band)
            svg.Append(I($"<rect x=\"{x}\" y=\"{y - 6}\" width=\"{Sample}\" height=\"12\" ") +
                $"fill=\"{colour}\" fill-opacity=\".25\"/>");
        if (e.Line)
            svg.Append(I($"<line x1=\"{x}\" y1=\"{y}\" x2=\"{x + Sample}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\"") +
                e.Dash switch
                {
                    LineStyle.Dash => " stroke-dasharray=\"5,3\"",
                    LineStyle.Dot => " stroke-dasharray=\"2,3\"",
                    LineStyle.DashDot => " stroke-dasharray=\"6,3,2,3\"",
                    _ => "",
                } + "/>");
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
        Text(svg, x + Sample + Gap, y, e.Name, "t");
    }

    static void Text(StringBuilder svg, double x, double y, string text, string style) => svg.Append(
        I($"<text class=\"{style}\" x=\"{x}\" y=\"{y + 4}\" font-size=\"{Size}\" fill=\"{(style == "s" ? "#555" : "#111")}\" ") +
        $"font-family=\"{ChartSvg.Fonts}\">{SecurityElement.Escape(text)}</text>");

    static string I(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
