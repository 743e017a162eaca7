using System.Globalization;
using System.Security;
using System.Text;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Isoflop.Lab.Charts;

/// <summary>Draws a chart as SVG.</summary>
sealed class ChartSvg
{
    /// <summary>
    /// Told apart by readers with any colour vision, after Okabe &amp; Ito 2008, and each at least 3 : 1 against white and black.
    /// </summary>
    internal static readonly OxyColor[] Colours =
    [
        OxyColor.Parse("#0072B2"), OxyColor.Parse("#D1402A"), OxyColor.Parse("#00946B"), OxyColor.Parse("#B45FA0"),
        OxyColor.Parse("#A67C00"), OxyColor.Parse("#1C97C2"), OxyColor.Parse("#777777"),
    ];

    /// <summary>Through several hues, so that neighbours differ; no end is lost on a white or a black page.</summary>
    internal static readonly OxyColor[] Shades =
        [OxyColor.Parse("#B98500"), OxyColor.Parse("#D4503F"), OxyColor.Parse("#AA44A0"), OxyColor.Parse("#5B62D6")];

    // Names beyond the colours there are have the next of these: no two look alike.
    static readonly LineStyle[] Dashes = [LineStyle.Solid, LineStyle.Dash, LineStyle.Dot, LineStyle.DashDot];

    static readonly MarkerType[] Marks = [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond];

    static readonly OxyColor Frame = OxyColor.Parse("#999999"), Marker = OxyColor.Parse("#555555"),
        Coarse = OxyColor.Parse("#dddddd"), Faint = OxyColor.Parse("#f2f2f2");

    // Colours of data hold on both pages; paper, text and grid are exchanged. The background is the picture's own: a viewer that
    // shows dark pages may still put pictures on white, and text would vanish.
    const string Style = """
        <style>@media (prefers-color-scheme: dark) {
        .isoflop-chart .paper { fill: #161616 } .isoflop-chart text { fill: #e4e4e4 }
        .isoflop-chart text[paint-order] { stroke: #161616 }
        .isoflop-chart text.s, .isoflop-chart text[fill^="rgb(85"] { fill: #b0b0b0 }
        .isoflop-chart [style*="stroke:rgb(242,"] { stroke: #242424 !important }
        .isoflop-chart [style*="stroke:rgb(221,"] { stroke: #3a3a3a !important }
        .isoflop-chart [style*="stroke:rgb(85,"] { stroke: #b0b0b0 !important }
        .isoflop-chart [style*="stroke:rgb(255,"] { stroke: #161616 !important }
        .isoflop-chart [style*="fill:rgb(255,"] { fill: #161616 !important }
        }</style><rect class="paper" width="100%" height="100%" fill="#fdfdfd"/>
        """;

    // The exporter lays text out with this font's widths; it measures no other.
    const string Font = "Arial";

    /// <summary>Where a page lacks the first.</summary>
    internal const string Fonts = "Arial, Helvetica, 'DejaVu Sans', sans-serif";

    // A line of so many points or fewer was measured at each: they are marked. Of more, it is a curve.
    const int FewPoints = 12;

    const byte BandAlpha = 48;
    const double LabelSize = 11, SubtitleSize = 12.5, LineOfText = 14, CharacterWidth = 6.2;

    readonly Chart chart;
    readonly double width, height;
    readonly ChartScale x, y;
    readonly PlotModel plot;
    readonly ChartLegend legend;
    readonly Dictionary<string, OxyColor> colours = [];
    readonly Dictionary<string, LineStyle> dashes = [];

    ChartSvg(Chart chart, double width, double height)
    {
        (this.chart, this.width, this.height) = (chart, width, height);
        (x, y) = (chart.XScale(0.04), chart.YScale(0.05));
        Paint();
        legend = new([.. chart.Names.Select(EntryOf), .. chart.Names.Count > 0 ? Horizontals() : []], chart.LegendTitle, width);
        plot = new()
        {
            Title = string.Join('\n', Chart.Wrapped(chart.Title, (int)(width / 8))),
            TitleFontWeight = FontWeights.Normal,
            TitleFontSize = 15,
            TitleHorizontalAlignment = TitleHorizontalAlignment.CenteredWithinView,
            Subtitle = string.Join('\n', Chart.Wrapped(chart.Subtitle, (int)(width / CharacterWidth))),
            SubtitleFontSize = SubtitleSize,
            SubtitleColor = Marker,
            DefaultFont = Font,
            Background = OxyColors.Transparent,
            PlotAreaBorderColor = Frame,
            Padding = new(8, 8, 14 + legend.Column, 8 + legend.Below),
        };
    }

    /// <summary>Charts side by side; one is a picture of its own.</summary>
    public static string Draw(IReadOnlyList<Chart> charts, int columns, double width, double height)
    {
        columns = Math.Clamp(columns, 1, Math.Max(1, charts.Count));
        int rows = (charts.Count + columns - 1) / columns;
        var svg = new StringBuilder();
        svg.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"isoflop-chart\" role=\"img\" ")
            .Append(CultureInfo.InvariantCulture, $"width=\"{columns * width}\" height=\"{rows * height}\" ")
            .Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {columns * width} {rows * height}\" ")
            .Append(CultureInfo.InvariantCulture,
                $"aria-label=\"{SecurityElement.Escape(string.Join("; ", charts.Select(c => c.Title)))}\">{Style}");
        for (int i = 0; i < charts.Count; i++)
        {
            string panel = new ChartSvg(charts[i], width, height).Panel();
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({i % columns * width},{i / columns * height})\">")
                .Append(panel).Append("</g>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>What stands inside the svg element, with identifiers that no other picture on a page has.</summary>
    string Panel()
    {
        plot.Axes.Add(AxisOf(chart.XTitle, AxisPosition.Bottom, x));
        plot.Axes.Add(AxisOf(chart.YTitle, AxisPosition.Left, y));
        foreach (ChartSeries s in chart.Series.OrderBy(s => s.Kind switch
        {
            SeriesKind.Contours => 0,
            SeriesKind.Band => 1,
            SeriesKind.Points => 3,
            _ => 2,
        })) Add(s);
        MarkerLines();
        string svg = new SvgExporter
        {
            Width = width,
            Height = height,
            IsDocument = false,
            UseVerticalTextAlignmentWorkaround = true,
            TextMeasurer = new WideText(width, height),
        }.ExportToString(plot);
        // Labels within the plot have an edge of the paper's colour: what they lie on does not run through them.
        svg = svg.Replace($"font-size=\"{LabelSize}\"",
            $"font-size=\"{LabelSize}\" paint-order=\"stroke\" stroke=\"#fdfdfd\" stroke-width=\"3\" stroke-linejoin=\"round\"");
        svg = svg.Replace($"font-family=\"{Font}\"", $"font-family=\"{Fonts}\"");
        int from = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        string inside = svg[from..svg.LastIndexOf("</svg>", StringComparison.Ordinal)]
            + legend.Draw(plot.PlotArea, height, v => plot.PlotArea.Bottom - y.Share(v) * plot.PlotArea.Height);
        uint hash = System.IO.Hashing.XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(inside));
        return inside.Replace("clipPath", $"clip{hash:x8}-").Replace($"<clip{hash:x8}-", "<clipPath")
            .Replace($"</clip{hash:x8}-", "</clipPath");
    }

    /// <summary>
    /// Measures text as wide as the widest of the fonts that a page may show it in, and as high as its capitals: the exporter
    /// sets baselines by it.
    /// </summary>
    sealed class WideText(double width, double height) : PdfRenderContext(width, height, OxyColors.Transparent)
    {
        const double Wider = 1.55;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            string[] lines = (text ?? "").Split('\n');
            return new(lines.Max(l => base.MeasureText(l, fontFamily, fontSize * Wider, fontWeight).Width),
                ((lines.Length - 1) * 1.3 + (fontSize == SubtitleSize ? 1.3 : 0.9)) * fontSize);
        }
    }

    sealed class LogAxis(ChartTicks ticks) : LogarithmicAxis
    {
        public override void GetTickValues(out IList<double> labels, out IList<double> major, out IList<double> minor) =>
            (labels, major, minor) = ([.. ticks.Major], [.. ticks.Major], [.. ticks.Minor]);
    }

    sealed class EvenAxis(ChartTicks ticks) : LinearAxis
    {
        public override void GetTickValues(out IList<double> labels, out IList<double> major, out IList<double> minor) =>
            (labels, major, minor) = ([.. ticks.Major], [.. ticks.Major], [.. ticks.Minor]);
    }

    Axis AxisOf(string title, AxisPosition position, ChartScale scale)
    {
        ChartTicks ticks = scale.Ticks(position == AxisPosition.Left ? (int)(height / 45) : (int)(width / 75));
        Axis axis = scale.Log ? new LogAxis(ticks) { PowerPadding = false } : new EvenAxis(ticks);
        axis.LabelFormatter = ticks.Label;
        axis.Minimum = scale.Low;
        axis.Maximum = scale.High;
        axis.Position = position;
        axis.Title = title;
        axis.TitleFontSize = width < 500 ? 12 : 13;
        axis.AxisTitleDistance = 10;
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = Coarse;
        axis.MinorGridlineStyle = scale.Log ? LineStyle.Solid : LineStyle.None;
        axis.MinorGridlineColor = Faint;
        axis.AxislineColor = axis.TicklineColor = Frame;
        return axis;
    }

    void Paint()
    {
        List<double> shades = [.. chart.Series.Where(s => s.Shade > 0).Select(s => Math.Log(s.Shade!.Value))];
        foreach (ChartSeries s in chart.Series.Where(s => s.Shade > 0))
            colours.TryAdd(s.Name, Shade(shades.Max() > shades.Min()
                ? (Math.Log(s.Shade!.Value) - shades.Min()) / (shades.Max() - shades.Min()) : 1));
        int next = 0;
        foreach (ChartSeries s in chart.Series.Where(s => s.Kind is not (SeriesKind.AtX or SeriesKind.AtY)))
            if (!colours.ContainsKey(s.Name))
            {
                dashes.Add(s.Name, Dashes[next / Colours.Length % Dashes.Length]);
                colours.Add(s.Name, s.Kind == SeriesKind.Contours ? Shade(0.7) : Colours[next++ % Colours.Length]);
            }
    }

    LineStyle DashOf(ChartSeries s) =>
        dashes.GetValueOrDefault(s.Name) is var dash && dash == LineStyle.Solid && s.Dashed ? LineStyle.Dash : dash;

    static bool IsMarked(ChartSeries s) => s.Kind == SeriesKind.Points
        || s.Kind == SeriesKind.Line && !s.Dashed && s.Points.Count <= FewPoints;

    /// <summary>A line of the legend, as all series of its name look together, at the height where their line ends.</summary>
    LegendEntry EntryOf(string name)
    {
        List<ChartSeries> all = [.. chart.Series.Where(s => s.Name == name)];
        ChartSeries? line = all.FirstOrDefault(s => s.Kind is SeriesKind.Line or SeriesKind.Contours);
        double end = double.NaN;
        if ((line ?? all.FirstOrDefault(s => s.Kind == SeriesKind.Points && s.Points.Count == 1)) is { Surface: null } drawn)
            foreach ((double px, double py) in drawn.Points)
                if (x.Holds(px) && y.Holds(py)) end = py;
        bool joined = line is not null && (line.Kind == SeriesKind.Contours || line.Points.Count > 1);
        return new(name, colours[name], end, joined, line is null ? LineStyle.Solid : DashOf(line),
            all.Any(IsMarked) ? MarkOf(name) : MarkerType.None, all.All(s => s.Kind == SeriesKind.Band));
    }

    IEnumerable<LegendEntry> Horizontals() => chart.Series
        .Where(s => s.Kind == SeriesKind.AtY && s.Name.Length > 0 && s.Points.Count > 0 && y.Holds(s.Points[0].Y))
        .Select(s => new LegendEntry(s.Name, Marker, s.Points[0].Y, false, LineStyle.Solid, MarkerType.None, false));

    static OxyColor Shade(double share)
    {
        double at = Math.Clamp(share, 0, 1) * (Shades.Length - 1);
        int i = Math.Min((int)at, Shades.Length - 2);
        return OxyColor.Interpolate(Shades[i], Shades[i + 1], at - i);
    }

    MarkerType MarkOf(string name)
    {
        List<string> marked =
            [.. chart.Series.Where(s => IsMarked(s) && s.Shade is null).Select(s => s.Name).Distinct()];
        return Marks[Math.Max(0, marked.IndexOf(name)) % Marks.Length];
    }

    DataPoint At(double px, double py) => x.Holds(px) && y.Holds(py) ? new(px, py) : DataPoint.Undefined;

    void Add(ChartSeries s)
    {
        if (s.Kind is SeriesKind.AtX or SeriesKind.AtY) return;
        OxyColor colour = colours[s.Name];
        if (s.Kind == SeriesKind.Contours)
        {
            if (s.Surface is not null) AddContours(s.Surface);
            return;
        }
        // On a logarithmic axis what begins at 0 or below begins below the axis.
        var ranges = s.Points.Zip(chart.RangeOf(s), (p, r) => (p.X,
            Low: At(p.X, y.Log && r.Low <= 0 && r.High > 0 ? y.Low : r.Low), High: At(p.X, r.High)))
            .Where(r => r.Low.IsDefined() && r.High.IsDefined()).ToList();
        if (s.Kind == SeriesKind.Points)
        {
            var bars = Plain(colour, 1.2);
            foreach ((_, DataPoint low, DataPoint high) in ranges) bars.Points.AddRange([low, high, DataPoint.Undefined]);
            plot.Series.Add(bars);
        }
        else if (ranges.Count > 0)
        {
            var area = new AreaSeries
            {
                Color = OxyColors.Transparent,
                Color2 = OxyColors.Transparent,
                Fill = OxyColor.FromAColor(BandAlpha, colour),
                EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
            };
            area.Points.AddRange(ranges.Select(r => r.High));
            area.Points2.AddRange(ranges.Select(r => r.Low));
            plot.Series.Add(area);
        }
        if (s.Kind == SeriesKind.Band) return;
        bool joined = s.Kind == SeriesKind.Line && s.Points.Count > 1;
        LineSeries line = joined && !IsMarked(s) ? Plain(colour, 1.9) : Marked(colour, MarkOf(s.Name), joined);
        if (joined) line.LineStyle = DashOf(s);
        line.Points.AddRange(s.Points.Select(p => At(p.X, p.Y)));
        plot.Series.Add(line);
        foreach ((int i, string text) in (s.Labels ?? []).Index())
            if (text.Length > 0 && At(s.Points[i].X, s.Points[i].Y) is var at && at.IsDefined())
            {
                TextAnnotation label = Label(text, at);
                (label.TextHorizontalAlignment, label.Offset) = (HorizontalAlignment.Left, new(6, 0));
                plot.Annotations.Add(label);
            }
    }

    static LineSeries Plain(OxyColor colour, double thickness) => new()
    {
        Color = colour,
        StrokeThickness = thickness,
        EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
    };

    static LineSeries Marked(OxyColor colour, MarkerType mark, bool line = false) => new()
    {
        Color = line ? colour : OxyColors.Transparent,
        StrokeThickness = 1.9,
        MarkerType = mark,
        MarkerFill = colour,
        MarkerStroke = OxyColors.White,
        MarkerStrokeThickness = 0.7,
        MarkerSize = line ? 3.4 : 4.2,
        EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
    };

    void AddContours(ChartSurface surface)
    {
        double[] levels = ChartContours.LevelsOf(surface);
        if (levels.Length == 0) return;
        var contours = new ContourSeries
        {
            ColumnCoordinates = [.. surface.X],
            RowCoordinates = [.. surface.Y],
            Data = surface.Z,
            ContourLevels = levels,
            ContourColors = [.. levels.Select((_, i) => Shade(1 - (i + 0.5) / levels.Length))],
            StrokeThickness = 1.2,
            LabelStep = 0,
            EdgeRenderingMode = EdgeRenderingMode.PreferGeometricAccuracy,
        };
        plot.Series.Add(contours);
        LabelContours(surface, levels);
    }

    /// <summary>Each level's label on its line, as far as can be from other labels, from points and from the frame.</summary>
    void LabelContours(ChartSurface surface, double[] levels)
    {
        const int Probes = 24, Steps = 200;
        const double Enough = 70, Half = 16;                     // pixels
        double w = width - 200, h = height - 110;
        List<(double X, double Y)> taken = [.. chart.Series.SelectMany(s => s.Points).Where(p => x.Holds(p.X) && y.Holds(p.Y))
            .Select(p => (x.Share(p.X) * w, y.Share(p.Y) * h))];
        var places = new List<(double X, double Y)>[levels.Length];
        for (int i = 0; i < levels.Length; i++) places[i] = [];
        for (int probe = 1; probe < 2 * Probes; probe++)
        {
            double? last = null;
            for (int step = 0; step <= Steps; step++)
            {
                double along = (double)step / Steps, across = (double)(probe % Probes) / Probes;
                (double u, double v) = probe < Probes ? (along, across) : (across, along);
                double? z = ChartContours.HeightAt(surface, x.At(u), y.At(v));
                for (int i = 0; i < levels.Length; i++)
                    if (last is { } a && z is { } b && (a < levels[i]) != (b < levels[i])) places[i].Add((u, v));
                last = z;
            }
        }
        for (int i = 0; i < levels.Length; i++)
        {
            places[i].RemoveAll(p => Math.Min(p.X, 1 - p.X) * w < Half || Math.Min(p.Y, 1 - p.Y) * h < Half);
            if (places[i].Count == 0) continue;                  // the line is in a corner: half a label would tell nothing
            (double u, double v) = places[i].MaxBy(p => Room(p.X * w, p.Y * h));
            taken.Add((u * w, v * h));
            plot.Annotations.Add(
                Label(ChartScale.Number(levels[i]), new(x.At(u), y.At(v))));
        }

        double Room(double px, double py) => Math.Min(
            taken.Select(t => Math.Sqrt((t.X - px) * (t.X - px) + (t.Y - py) * (t.Y - py))).Append(Enough).Min(),
            3 * Math.Min(Math.Min(px, w - px), Math.Min(py, h - py)));
    }

    static TextAnnotation Label(string text, DataPoint at) => new()
    {
        Text = text,
        FontSize = LabelSize,
        TextPosition = at,
        TextColor = Marker,
        StrokeThickness = 0,
        Padding = new(2),
        TextHorizontalAlignment = HorizontalAlignment.Center,
        TextVerticalAlignment = VerticalAlignment.Middle,
        Layer = AnnotationLayer.AboveSeries,
    };

    /// <summary>Lines through the whole plot. Names of lines too near for a label each stand together on the uppermost.</summary>
    void MarkerLines()
    {
        double plotWidth = width - 200, plotHeight = height - 110;
        List<ChartSeries> markers =
            [.. chart.Series.Where(s => s.Kind is SeriesKind.AtX or SeriesKind.AtY && s.Points.Count > 0)];
        foreach (ChartSeries s in markers)
        {
            bool vertical = s.Kind == SeriesKind.AtX;
            double at = vertical ? s.Points[0].X : s.Points[0].Y;
            if (!(vertical ? x : y).Holds(at)) continue;
            plot.Annotations.Add(new LineAnnotation
            {
                Type = vertical ? LineAnnotationType.Vertical : LineAnnotationType.Horizontal,
                X = at,
                Y = at,
                Color = Marker,
                StrokeThickness = 1.1,
                LineStyle = s.Dashed ? LineStyle.Dash : LineStyle.Solid,
                Layer = AnnotationLayer.BelowSeries,
            });
        }
        int row = 0;
        foreach (ChartSeries s in markers.Where(s => s.Kind == SeriesKind.AtX && s.Name.Length > 0 && x.Holds(s.Points[0].X)))
        {
            double at = s.Points[0].X;
            bool toTheLeft = x.Share(at) * plotWidth + s.Name.Length * CharacterWidth > plotWidth;
            TextAnnotation label = Label(s.Name, new(at, y.High));
            label.Offset = new(toTheLeft ? -4 : 4, 4 + LineOfText * row++);
            label.TextHorizontalAlignment = toTheLeft ? HorizontalAlignment.Right : HorizontalAlignment.Left;
            label.TextVerticalAlignment = VerticalAlignment.Top;
            plot.Annotations.Add(label);
        }
        var together = new List<(double At, string Name)>();
        foreach (ChartSeries s in markers
            .Where(s => !legend.AtRight && s.Kind == SeriesKind.AtY && s.Name.Length > 0 && y.Holds(s.Points[0].Y))
            .OrderByDescending(s => s.Points[0].Y))
        {
            double at = s.Points[0].Y;
            if (together.Count > 0 && (y.Share(together[^1].At) - y.Share(at)) * plotHeight < LineOfText + 2)
                together[^1] = (together[^1].At, together[^1].Name + ", " + s.Name);
            else together.Add((at, s.Name));
        }
        foreach ((double at, string name) in together)
        {
            bool below = (1 - y.Share(at)) * plotHeight < LineOfText;
            TextAnnotation label = Label(name, new(x.High, at));
            label.Offset = new(-5, below ? 3 : -2);
            label.TextHorizontalAlignment = HorizontalAlignment.Right;
            label.TextVerticalAlignment = below ? VerticalAlignment.Top : VerticalAlignment.Bottom;
            plot.Annotations.Add(label);
        }
    }
}
