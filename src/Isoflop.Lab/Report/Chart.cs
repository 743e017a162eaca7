using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Isoflop.Lab.Report;

/// <summary>One curve or set of points.</summary>
/// <param name="Name">in the legend</param> <param name="Line">joined, or marks alone</param>
public sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points, bool Line = true, bool Dashed = false);

/// <summary>A picture of curves, as SVG: axes with units, decades as ticks, a legend beside the plot, readable on light and on dark pages.</summary>
public sealed record Chart(string Title, string XTitle, string YTitle, IReadOnlyList<ChartSeries> Series)
{
    // Okabe & Ito 2008: told apart by readers with any colour vision.
    static readonly OxyColor[] Colours =
    [
        OxyColor.Parse("#0072B2"), OxyColor.Parse("#D55E00"), OxyColor.Parse("#009E73"), OxyColor.Parse("#CC79A7"),
        OxyColor.Parse("#E69F00"), OxyColor.Parse("#56B4E9"), OxyColor.Parse("#777777"),
    ];

    // The page's own background shows; on a dark one lightness is turned round and hues are turned back.
    const string Style = "<style>@media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }</style>";

    // The exporter lays text out with this font's widths; it measures no other.
    const string Font = "Arial";

    /// <summary>Logarithmic x.</summary>
    public bool LogX { get; init; } = true;

    /// <summary>Logarithmic y.</summary>
    public bool LogY { get; init; }

    /// <summary>The picture.</summary>
    public string Svg(double width = 860, double height = 480)
    {
        var plot = new PlotModel
        {
            Title = Title, TitleFontWeight = FontWeights.Normal, TitleFontSize = 15, DefaultFont = Font,
            Background = OxyColors.Transparent, PlotAreaBorderColor = OxyColor.Parse("#999999"),
        };
        plot.Axes.Add(AxisOf(XTitle, AxisPosition.Bottom, LogX, Series.SelectMany(s => s.Points.Select(p => p.X))));
        plot.Axes.Add(AxisOf(YTitle, AxisPosition.Left, LogY, Series.SelectMany(s => s.Points.Select(p => p.Y))));
        plot.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.RightTop, LegendBorderThickness = 0, LegendFontSize = 12,
        });
        for (int i = 0; i < Series.Count; i++) plot.Series.Add(SeriesOf(Series[i], Colours[i % Colours.Length]));
        string svg = new SvgExporter { Width = width, Height = height, IsDocument = false, UseVerticalTextAlignmentWorkaround = true, TextMeasurer = new WideText(width, height) }.ExportToString(plot);
        svg = svg.Replace($"font-family=\"{Font}\"", $"font-family=\"{Font}, Helvetica, 'DejaVu Sans', sans-serif\"");
        return svg.Insert(svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1, Style);
    }

    /// <summary>Measures text as wide as the widest of the fonts that a page may show it in.</summary>
    sealed class WideText(double width, double height) : PdfRenderContext(width, height, OxyColors.Transparent)
    {
        const double Wider = 1.55;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight) =>
            base.MeasureText(text, fontFamily, fontSize * Wider, fontWeight);
    }

    static Axis AxisOf(string title, AxisPosition position, bool logarithmic, IEnumerable<double> values)
    {
        double low = values.Min(), high = values.Max();
        Axis axis = logarithmic ? new LogarithmicAxis { PowerPadding = false, LabelFormatter = Number } : new LinearAxis();
        double margin = logarithmic ? Math.Pow(high / low, 0.04) : Math.Max(high - low, 1e-9) * 0.05;
        axis.Minimum = logarithmic ? low / margin : low - margin;
        axis.Maximum = logarithmic ? high * margin : high + margin;
        axis.Position = position;
        axis.Title = title;
        axis.TitleFontSize = 13;
        axis.AxisTitleDistance = 10;
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = OxyColor.Parse("#dddddd");
        axis.MinorGridlineStyle = logarithmic ? LineStyle.Solid : LineStyle.None;
        axis.MinorGridlineColor = OxyColor.Parse("#f2f2f2");
        axis.AxislineColor = axis.TicklineColor = OxyColor.Parse("#999999");
        return axis;
    }

    static LineSeries SeriesOf(ChartSeries series, OxyColor colour)
    {
        var line = new LineSeries
        {
            Title = series.Name, Color = series.Line ? colour : OxyColors.Transparent, StrokeThickness = 1.8, EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
            LineStyle = series.Dashed ? LineStyle.Dash : LineStyle.Solid,
            MarkerType = series.Line ? MarkerType.None : MarkerType.Circle, MarkerFill = colour, MarkerSize = 5,
        };
        foreach ((double x, double y) in series.Points) line.Points.Add(new DataPoint(x, y));
        return line;
    }

    /// <summary>The same in characters: one letter a series, y down the left, x below.</summary>
    public string Terminal(int columns = 72, int rows = 18)
    {
        var points = Series.SelectMany(s => s.Points).ToList();
        Func<double, double> fx = LogX ? Math.Log10 : x => x, fy = LogY ? Math.Log10 : y => y;
        double x0 = points.Min(p => fx(p.X)), x1 = points.Max(p => fx(p.X)), y0 = points.Min(p => fy(p.Y)), y1 = points.Max(p => fy(p.Y));
        char[][] grid = [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Repeat(' ', columns).ToArray())];
        foreach ((ChartSeries series, char mark) in Series.Select((s, i) => (s, Mark(s, i))).OrderByDescending(s => s.s.Dashed))
            foreach ((double x, double y) in series.Points)
            {
                int column = Place(fx(x), x0, x1, columns), row = rows - 1 - Place(fy(y), y0, y1, rows);
                if (series.Dashed) Array.Fill(grid[row], mark);
                else grid[row][column] = mark;
            }
        var lines = new List<string> { Title };
        for (int r = 0; r < rows; r++)
        {
            double y = y1 - (y1 - y0) * r / (rows - 1);
            string label = r % 4 == 0 || r == rows - 1 ? Number(LogY ? Math.Pow(10, y) : y) : "";
            lines.Add($"{label,9} │{new string(grid[r])}");
        }
        string first = Number(LogX ? Math.Pow(10, x0) : x0), last = Number(LogX ? Math.Pow(10, x1) : x1);
        lines.Add(new string(' ', 10) + "└" + new string('─', columns));
        lines.Add(new string(' ', 11) + first + XTitle.PadLeft((columns + XTitle.Length) / 2 - first.Length).PadRight(columns - first.Length - last.Length) + last);
        for (int s = 0; s < Series.Count; s++)
            lines.Add($"{Mark(Series[s], s),11} {(Series[s].Dashed ? Number(Series[s].Points[0].Y) + " " : "")}{Series[s].Name}");
        return string.Join('\n', lines);

        static char Mark(ChartSeries s, int index) => s.Dashed ? '╌' : s.Line ? "·+x*o"[index % 5] : '●';

        static int Place(double v, double low, double high, int cells) =>
            high > low ? (int)Math.Min(cells - 1, (v - low) / (high - low) * cells) : 0;

    }

    static string Number(double v) => v is >= 1e4 or < 1e-2 and not 0
        ? v.ToString("0.#e0", CultureInfo.InvariantCulture) : v.ToString("G4", CultureInfo.InvariantCulture);
}
