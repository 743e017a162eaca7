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
        .isoflop-chart [style*="stroke:rgb(85,"], .isoflop-chart [stroke^="rgb(85,"] { stroke: #b0b0b0 !important }
        .isoflop-chart [style*="stroke:rgb(255,"] { stroke: #161616 !important }
        .isoflop-chart [style*="fill:rgb(255,"] { fill: #161616 !important }
        }</style><rect class="paper" width="100%" height="100%" fill="#fdfdfd"/>
        """;

    // The exporter lays text out with this font's widths; it measures no other.
    const string Font = "Arial";

    /// <summary>Where a page lacks the first.</summary>
    internal const string Fonts = "Arial, Helvetica, 'DejaVu Sans', sans-serif";

    // Pixels within which two lines, with their marks, hide one another, and two areas are one.
    const double Hidden = 4, SameArea = 2;

    const byte BandAlpha = 48;
    const double LabelSize = 11, SubtitleSize = 12.5, LineOfText = 14, CharacterWidth = 6.2;

    readonly Chart chart;
    readonly double width, height;
    readonly ChartScale x, y;
    readonly PlotModel plot;
    readonly ChartLegend legend;
    readonly ChartLooks looks;

    ChartSvg(Chart chart, ChartLooks looks, double width, double height)
    {
        (this.chart, this.looks, this.width, this.height) = (chart, looks, width, height);
        (x, y) = (chart.XScale(0.04), chart.YScale(0.05));
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
        var looks = new ChartLooks(charts);
        var svg = new StringBuilder();
        svg.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"isoflop-chart\" role=\"img\" ")
            .Append(CultureInfo.InvariantCulture, $"width=\"{columns * width}\" height=\"{rows * height}\" ")
            .Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {columns * width} {rows * height}\" ")
            .Append(CultureInfo.InvariantCulture,
                $"aria-label=\"{SecurityElement.Escape(string.Join("; ", charts.Select(c => c.Title)))}\">{Style}");
        for (int i = 0; i < charts.Count; i++)
        {
            string panel = new ChartSvg(charts[i], looks, width, height).Panel();
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
        // What is wide lies below what is narrow: areas, bars, clouds of marks, lines, the few marks that matter.
        foreach (ChartSeries s in chart.Series) if (s.Surface is not null) AddContours(s.Surface);
        foreach (ChartSeries s in chart.Series) AddRange(s);
        foreach (ChartSeries s in chart.Series.Where(IsDrawn).OrderBy(s => s.Kind == SeriesKind.Line ? 1
            : s.IsFew ? 2 : 0)) AddPoints(s);
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

    static bool IsDrawn(ChartSeries s) => s.Kind is SeriesKind.Line or SeriesKind.Points;

    double[] DashesOf(ChartSeries s) => looks[s.Name].Dashes is { Length: > 0 } own ? own
        : s.Dashed ? ChartLooks.Broken : ChartLooks.Upon(Under(s).Count());

    /// <summary>Lines before it that it would hide: it is broken, and they show in its gaps.</summary>
    IEnumerable<ChartSeries> Under(ChartSeries s) => s.Kind != SeriesKind.Line || s.Points.Count < 2 ? []
        : chart.Series.TakeWhile(t => t != s).Where(t => t.Kind == SeriesKind.Line && t.Name != s.Name && !t.Dashed
            && t.Points.Count == s.Points.Count && chart.PointsOf(t).Zip(chart.PointsOf(s)).All(p =>
                IsNear(x, p.First.X, p.Second.X, Hidden / width) && IsNear(y, p.First.Y, p.Second.Y, Hidden / height)));

    static bool IsNear(ChartScale scale, double a, double b, double share) => !scale.Holds(a) ? !scale.Holds(b)
        : scale.Holds(b) && Math.Abs(scale.Share(a) - scale.Share(b)) <= share;

    /// <summary>Its area too is one with that of a line that it hides: drawn twice it would be of neither's colour.</summary>
    bool IsSameRange(ChartSeries s, ChartSeries t) => chart.RangeOf(s) is var a && chart.RangeOf(t) is var b
        && a.Count == b.Count && a.Zip(b).All(p => IsNear(y, p.First.Low, p.Second.Low, SameArea / height)
            && IsNear(y, p.First.High, p.Second.High, SameArea / height));

    /// <summary>A line of the legend, as all series of its name look together, at the height where their line ends.</summary>
    LegendEntry EntryOf(string name)
    {
        List<ChartSeries> all = [.. chart.Series.Where(s => s.Name == name)];
        ChartSeries? line = all.FirstOrDefault(s => s.Kind is SeriesKind.Line or SeriesKind.Contours);
        double end = double.NaN;
        if ((line ?? all.FirstOrDefault(s => s.Kind == SeriesKind.Points && s.Points.Count == 1)) is { Surface: null } drawn)
            foreach ((double px, double py) in chart.PointsOf(drawn))
                if (x.Holds(px) && y.Holds(py)) end = py;
        bool joined = line is not null && (line.Kind == SeriesKind.Contours || line.Points.Count > 1);
        return new(name, looks[name].Colour, end, joined, line is null ? [] : DashesOf(line),
            all.Any(s => s.IsMarked) ? looks[name].Mark : MarkerType.None, all.All(s => s.Kind == SeriesKind.Band))
        { Shaded = line is { Kind: SeriesKind.Contours } };
    }

    IEnumerable<LegendEntry> Horizontals() => chart.Series
        .Where(s => s.Kind == SeriesKind.AtY && s.Name.Length > 0 && s.Points.Count > 0 && y.Holds(s.Points[0].Y))
        .Select(s => new LegendEntry(s.Name, Marker, s.Points[0].Y, true, s.Dashed ? ChartLooks.Broken : [],
            MarkerType.None, false)
        { Through = true });

    DataPoint At(double px, double py) => x.Holds(px) && y.Holds(py) ? new(px, py) : DataPoint.Undefined;

    /// <summary>The area of a line, the error bars of marks.</summary>
    void AddRange(ChartSeries s)
    {
        if (s.Kind is not (SeriesKind.Line or SeriesKind.Points or SeriesKind.Band)) return;
        OxyColor colour = looks[s.Name].Colour;
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
        else if (ranges.Count > 0 && !Under(s).Any(t => IsSameRange(s, t)))
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
    }

    /// <summary>The line, the marks and their labels.</summary>
    void AddPoints(ChartSeries s)
    {
        (OxyColor colour, MarkerType mark, _) = looks[s.Name];
        bool joined = s.Kind == SeriesKind.Line && s.Points.Count > 1;
        LineSeries line = joined && !s.IsMarked ? Plain(colour, 1.9) : Marked(colour, mark, joined, Under(s).Any());
        if (joined && DashesOf(s) is { Length: > 0 } dashes) line.Dashes = dashes;
        line.Points.AddRange(chart.PointsOf(s).Select(p => At(p.X, p.Y)));
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

    static LineSeries Marked(OxyColor colour, MarkerType mark, bool line, bool above) => new()
    {
        Color = line ? colour : OxyColors.Transparent,
        StrokeThickness = 1.9,
        MarkerType = mark,
        MarkerFill = colour,
        MarkerStroke = OxyColors.White,
        MarkerStrokeThickness = 0.7,
        MarkerSize = above ? 2.2 : line ? 3.4 : 4.2,
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
            ContourColors = [.. levels.Select((_, i) => ChartLooks.Shade(1 - (i + 0.5) / levels.Length))],
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

    /// <summary>
    /// Lines through the whole plot. Names of lines too near for a label each stand together on the uppermost, in the lines'
    /// order.
    /// </summary>
    void MarkerLines()
    {
        (double plotWidth, double plotHeight) = PlotSize;
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
            double from = x.Share(at) * plotWidth, length = s.Name.Length * CharacterWidth, top = LineOfText * row;
            bool toTheLeft = from + length > plotWidth || from > length && Covered(from - length, from, top, top + LineOfText)
                < Covered(from, from + length, top, top + LineOfText);
            TextAnnotation label = Label(s.Name, new(at, y.High));
            label.Offset = new(toTheLeft ? -4 : 4, 4 + LineOfText * row++);
            label.TextHorizontalAlignment = toTheLeft ? HorizontalAlignment.Right : HorizontalAlignment.Left;
            label.TextVerticalAlignment = VerticalAlignment.Top;
            plot.Annotations.Add(label);
        }
        var together = new List<(double At, double Last, string Name)>();
        foreach (ChartSeries s in markers
            .Where(s => !legend.AtRight && s.Kind == SeriesKind.AtY && s.Name.Length > 0 && y.Holds(s.Points[0].Y))
            .OrderByDescending(s => s.Points[0].Y))
        {
            double at = s.Points[0].Y;
            if (together.Count > 0 && (y.Share(together[^1].Last) - y.Share(at)) * plotHeight < LineOfText + 2)
                together[^1] = (together[^1].At, at, together[^1].Name + ", " + s.Name);
            else together.Add((at, at, s.Name));
        }
        const int Places = 8;
        foreach ((double at, _, string name) in together)
        {
            double down = (1 - y.Share(at)) * plotHeight, length = name.Length * CharacterWidth;
            bool high = down <= LineOfText;
            // At the right end, or where it covers less.
            (double end, bool below) = Enumerable.Range(0, Places)
                .Select(i => plotWidth - (plotWidth - length) * i / (Places - 1))
                .SelectMany(end => ((double End, bool Below)[])[(end, false), (end, true)])
                .Where(p => p.Below ? high || down < plotHeight - LineOfText : !high)
                .MinBy(p => Covered(p.End - length, p.End, p.Below ? down : down - LineOfText,
                    p.Below ? down + LineOfText : down));
            TextAnnotation label = Label(name, new(x.At(Math.Min(1, end / plotWidth)), at));
            label.Offset = new(-5, below ? 3 : -2);
            label.TextHorizontalAlignment = HorizontalAlignment.Right;
            label.TextVerticalAlignment = below ? VerticalAlignment.Top : VerticalAlignment.Bottom;
            plot.Annotations.Add(label);
        }
    }

    /// <summary>About so much of the picture is left to the plot.</summary>
    (double Width, double Height) PlotSize => (width - 75 - legend.Column, height - 110 - legend.Below);

    /// <summary>Points of series, and of the lines between them, that a box covers; pixels from the plot's upper left.</summary>
    int Covered(double left, double right, double top, double bottom)
    {
        const int Parts = 8;
        const double Mark = 4;
        (double w, double h) = PlotSize;
        return chart.Series.Where(IsDrawn).Sum(s =>
        {
            (double X, double Y)[] at = [.. chart.PointsOf(s).Where(p => x.Holds(p.X) && y.Holds(p.Y))
                .Select(p => (x.Share(p.X) * w, (1 - y.Share(p.Y)) * h))];
            return (s.Kind == SeriesKind.Line ? at.Zip(at.Skip(1)).SelectMany(p => Enumerable.Range(0, Parts).Select(i =>
                    (X: p.First.X + (p.Second.X - p.First.X) * i / Parts, Y: p.First.Y + (p.Second.Y - p.First.Y) * i / Parts)))
                .Concat(at.TakeLast(1)) : at)
                .Count(p => p.X >= left - Mark && p.X <= right + Mark && p.Y >= top - Mark && p.Y <= bottom + Mark);
        });
    }
}
