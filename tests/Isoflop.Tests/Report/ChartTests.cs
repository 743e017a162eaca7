using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Isoflop.Lab.Charts;
using Xunit;

namespace Isoflop.Tests.Report;

public class ChartTests
{
    static readonly Chart Sample = new("Loss", "training FLOPs", "nats a token",
    [
        new("small", [(1e9, 6), (1e10, 4), (1e11, 3)]),
        new("ends", [(1e10, 5)], SeriesKind.Points),
        ChartSeries.AtY("bigram", 3.5),
    ]);

    /// <summary>Everything at once.</summary>
    static readonly Chart Rich = new("Title & <more>", "x", "y",
    [
        new("with band", [(1e9, 6), (1e10, 4), (1e11, 3)]) { Range = [(5, 7), (3.5, 4.5), (2, 4)] },
        new("measured", [(1e9, 6), (1e10, double.NaN), (1e11, 3)], SeriesKind.Points) { Range = [(5, 7), (1, 2), (-1, 4)] },
        new("1e12", [(1e9, 5), (1e11, 4)]) { Shade = 1e12 },
        new("1e12", [(2e9, 5)], SeriesKind.Points) { Shade = 1e12 },
        new("1e13", [(1e9, 4), (1e11, 3)]) { Shade = 1e13, Dashed = true },
        new("band alone", [(1e9, 0), (1e11, 0)], SeriesKind.Band) { Range = [(2, 3), (2, 3)] },
        ChartSeries.Contours("surface", new([1e9, 1e10, 1e11], [2, 4, 8], new double[,] { { 1, 2, 3 }, { 2, 3, 4 }, { 3, 4, 5 } }, [2.5])),
        new("below zero", [(-1, -1), (0, 0), (double.PositiveInfinity, 1)]),
        ChartSeries.AtX("data end", 1e10),
        ChartSeries.AtY("noise", 2.2),
        new("", [(1e9, 3)]),
    ])
    {
        Subtitle = "One sentence",
        LegendTitle = "what they are",
        LogY = true,
    };

    [Fact]
    public void Lines_beyond_the_colours_there_are_are_broken()
    {
        static int Broken(int lines) => Regex.Count(new Chart("many", "x", "y", [.. Enumerable.Range(0, lines)
            .Select(i => new ChartSeries($"line {i}", [(1, i), (2, i + 1)]))]).Svg(), "stroke-dasharray");
        Assert.Equal(Broken(1), Broken(8));
        Assert.Equal(Broken(1) + 2, Broken(9));                           // the line, and its sample in the legend
    }

    static readonly Regex Odd = new("NaN|Infinity|∞|E[+-]?[0-9]{3}");

    /// <summary>All text of a picture, and that it is one.</summary>
    static List<string> TextOf(string svg)
    {
        Assert.DoesNotMatch(Odd, svg);
        XElement root = XDocument.Parse(svg).Root!;
        Assert.Equal("svg", root.Name.LocalName);
        return [.. root.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
    }

    static Chart Of(params ChartSeries[] series) => new("t", "x", "y", series);

    [Fact]
    public void The_picture_is_well_formed_and_names_axes_and_series()
    {
        List<string> text = TextOf(Sample.Svg());
        foreach (string label in new[] { "Loss", "training FLOPs", "nats a token", "small", "ends", "bigram", "1e10" })
            Assert.Contains(label, text);
    }

    [Fact]
    public void Everything_that_has_a_name_is_named_once()
    {
        List<string> text = TextOf(Rich.Svg());
        foreach (string name in Rich.Series.Select(s => s.Name).Where(n => n.Length > 0).Distinct()
            .Concat([Rich.Title, Rich.Subtitle, Rich.LegendTitle, "2.5"]))
            Assert.Single(text, name);
        string[] lines = Rich.Terminal().Split('\n');
        foreach (string name in Rich.Series.Select(s => s.Name).Where(n => n.Length > 0).Distinct().Append(Rich.LegendTitle))
            Assert.Single(lines, l => l.EndsWith(" " + name));
    }

    [Fact]
    public void A_series_of_none_or_one_point_is_drawn()
    {
        foreach (SeriesKind kind in Enum.GetValues<SeriesKind>())
            foreach ((double, double)[] points in ((double, double)[][])[[], [(5, 3)], [(0, 0)], [(double.NaN, 1)], [(1e300, -1e300)]])
                foreach (bool log in (bool[])[false, true])
                {
                    Chart chart = Of(new ChartSeries("one", points, kind) { Range = [.. points.Select(p => (p.Item2, p.Item2))] }) with
                    {
                        LogX = log,
                        LogY = log,
                    };
                    TextOf(chart.Svg());
                    Assert.DoesNotMatch(Odd, chart.Terminal());
                }
        TextOf(Of().Svg());
        Assert.StartsWith("t\n", Of().Terminal());
        Assert.Contains("one, two", TextOf(Of(ChartSeries.AtY("one", 3), ChartSeries.AtY("two", 3)).Svg()));
    }

    [Theory]
    [InlineData(1e9, 1e12, true, 10, "1e9 1e10 1e11 1e12")]
    [InlineData(2e-4, 3e1, true, 10, "0.001 0.01 0.1 1 10")]
    [InlineData(1, 1e12, true, 7, "1 100 1e4 1e6 1e8 1e10 1e12")]
    [InlineData(1e9, 9e9, true, 10, "1e9 2e9 5e9")]
    [InlineData(2.5, 6.5, true, 10, "3 4 5 6")]
    [InlineData(2.9, 3.3, true, 6, "2.9 3.0 3.1 3.2 3.3")]
    [InlineData(0.74, 1.7, true, 7, "0.8 1.0 1.2 1.4 1.6")]
    [InlineData(-0.02, 0.021, false, 5, "-0.02 -0.01 0.00 0.01 0.02")]
    [InlineData(0, 25000, false, 5, "0 5000 1e4 1.5e4 2e4 2.5e4")]
    [InlineData(0, 10, false, 100, "0.0 0.1 0.2")]
    public void Ticks_stand_at_round_values(double low, double high, bool log, int atMost, string labels)
    {
        ChartTicks ticks = new ChartScale(low, high, log).Ticks(atMost);
        Assert.StartsWith(labels, string.Join(' ', ticks.Major.Select(ticks.Label)));
        Assert.True(ticks.Major.Count <= atMost + 1);
        Assert.All(ticks.Major.Concat(ticks.Minor), t => Assert.InRange(t, low - 1e-9 * high, high * (1 + 1e-9)));
        Assert.Equal(ticks.Major.Count, ticks.Major.Select(ticks.Label).Distinct().Count());
    }

    [Fact]
    public void Clips_of_two_pictures_on_one_page_have_different_names()
    {
        string svg = Chart.Grid([Sample, Rich, Sample with { Title = "other" }], 2, 400, 300);
        List<string> text = TextOf(svg);
        Assert.Contains("other", text);
        List<string> ids = [.. XDocument.Parse(svg).Descendants().Attributes("id").Select(a => a.Value)];
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        foreach (Match use in Regex.Matches(svg, @"url\(#([^)]+)\)")) Assert.Contains(use.Groups[1].Value, ids);
        Assert.StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"isoflop-chart\" role=\"img\" width=\"800\" height=\"600\"", svg);
    }

    [Fact]
    public void In_the_terminal_the_lowest_loss_stands_to_the_right_of_the_highest()
    {
        string[] lines = Sample.Terminal(40, 10).Split('\n');
        Assert.Equal('·', lines[1][11]);                        // 6 at 1e9: the upper left corner
        Assert.Equal('·', lines[10][^1]);
        Assert.All(lines[1..11], l => Assert.True(l.Length <= 51, l));
        Assert.Contains(lines, l => l.Contains("3.5 bigram"));
    }

    [Fact]
    public void Bands_bars_and_markers_are_drawn_in_characters()
    {
        Chart chart = new("t", "x", "y",
        [
            new("fit", [(0, 0), (10, 10)]) { Range = [(0, 0), (6, 10)] },
            new("run", [(2, 8)], SeriesKind.Points) { Range = [(6, 10)] },
            ChartSeries.AtX("end", 8),
        ])
        { LogX = false, Subtitle = "below" };
        string drawn = string.Join('\n', chart.Terminal(11, 6).Split('\n').Select(l => l.TrimEnd()));
        Assert.Equal("""
            t
            below
                   10 ┤  │     ┆··
                      │  ●    ░··░
                    5 ┤  │  ░··┆░░
                      │    ·░░░┆
                      │  ··░░  ┆
                    0 ┤··░     ┆
                      └┬────┬────┬
                       0    5   10
                            x
                      · fit
                      ● run
                      ┆ 8 end
            """.ReplaceLineEndings("\n"), drawn);
    }


    [Fact]
    public void A_contour_in_a_corner_has_no_half_label()
    {
        double[] axis = [.. Enumerable.Range(0, 40).Select(i => (double)i)];
        var z = new double[40, 40];
        for (int i = 0; i < 40; i++)
            for (int j = 0; j < 40; j++) z[i, j] = i + j;
        List<string> text = TextOf(
            (Of(ChartSeries.Contours("heights", new(axis, axis, z, [40.25, 75.6]))) with { LogX = false }).Svg());
        Assert.Contains(ChartScale.Number(40.25), text);
        Assert.DoesNotContain(ChartScale.Number(75.6), text);
    }

    [Fact]
    public void Colours_hold_on_white_and_on_black()
    {
        static double Light(double r, double g, double b)
        {
            static double Linear(double c) => c <= 0.03928 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
            return 0.2126 * Linear(r / 255) + 0.7152 * Linear(g / 255) + 0.0722 * Linear(b / 255);
        }
        double white = Light(0xfd, 0xfd, 0xfd), black = Light(0x16, 0x16, 0x16);
        foreach (OxyPlot.OxyColor c in ChartLooks.Colours.Concat(ChartLooks.Shades))
        {
            double l = Light(c.R, c.G, c.B);
            Assert.True((white + 0.05) / (l + 0.05) >= 3 && (l + 0.05) / (black + 0.05) >= 3, $"{c}");
        }
    }

    [Fact]
    public void No_two_lines_of_twenty_look_alike()
    {
        string svg = new Chart("many", "x", "y", [.. Enumerable.Range(0, 20)
            .Select(i => new ChartSeries($"line {i}", [(1, i), (2, i + 1)]))]).Svg();
        string[] samples = [.. XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "line")
            .Select(e => $"{e.Attribute("stroke")!.Value} {e.Attribute("stroke-dasharray")?.Value}")];
        Assert.Equal((20, 20), (samples.Length, samples.Distinct().Count()));
    }

    [Fact]
    public void Short_names_stand_at_the_right_in_the_order_in_which_their_lines_end()
    {
        List<string> text = TextOf(Of(new("low", [(1, 9), (10, 1)]), new("high", [(1, 1), (10, 9)]), new("middle", [(1, 5), (10, 5)])).Svg());
        Assert.Equal(["high", "middle", "low"], text.Where(t => t is "low" or "high" or "middle"));
    }

    [Fact]
    public void Names_that_would_overlap_stand_around_their_middle()
    {
        Assert.Equal([83, 100, 117], ChartLegend.Apart([100, 100, 100], 0, 400));
        Assert.Equal([50, 200], ChartLegend.Apart([50, 200], 0, 400));
        Assert.Equal([0, 17, 300], ChartLegend.Apart([0, 0, 300], 0, 400));          // not above the plot
        Assert.Equal([383, 400], ChartLegend.Apart([399, 400], 0, 400));
    }

    /// <summary>Colour of each name in the legends of a picture, in order.</summary>
    static List<(string Name, string Colour)> Legend(string svg)
    {
        List<(string, string)> found = [];
        string colour = "";
        foreach (XElement e in XDocument.Parse(svg).Descendants())
            if (e.Attribute("class")?.Value is "t") found.Add((e.Value, colour));
            else if (e.Name.LocalName == "line") colour = e.Attribute("stroke")!.Value;
        return found;
    }

    [Fact]
    public void A_name_keeps_its_colour_in_all_panels_and_shares_it_with_none_beside_it()
    {
        static ChartSeries Line(string name) => new(name, [(1, 1), (2, 2), (3, name.Length)]);
        var all = Legend(Chart.Grid([Of(Line("attempts"), Line("repeats")), Of(Line("attempts"), Line("steps back"), Line("repeats"))]));
        Assert.Equal(5, all.Count);
        Assert.All(all.GroupBy(e => e.Name), g => Assert.Single(g.Select(e => e.Colour).Distinct()));
        Assert.Equal(3, all.Select(e => e.Colour).Distinct().Count());
        Assert.Equal(8, Legend(Of([.. Enumerable.Range(1, 8).Select(i => Line($"level {i}"))]).Svg()).Select(e => e.Colour)
            .Distinct().Count());
    }

    [Fact]
    public void Areas_lie_below_lines_and_a_cloud_below_its_curve_and_few_marks_above()
    {
        static (double X, double Y)[] Run(int points) => [.. Enumerable.Range(1, points).Select(i => ((double)i, (double)i))];
        string svg = Of(new("curve", Run(40)), new("few", Run(4), SeriesKind.Points), new("cloud", Run(40), SeriesKind.Points),
            new("measured", Run(5)) { Range = [.. Run(5).Select(p => (p.Y - 1, p.Y + 1))] }).Svg();
        int At(string what) => svg.IndexOf(what, StringComparison.Ordinal);
        string[] marks = [.. Regex.Matches(svg, "style=\"(fill:rgb[^;]*);stroke:rgb\\(255").Select(m => m.Groups[1].Value).Distinct()];
        Assert.Equal(3, marks.Length);                                    // the cloud, the measured, the few
        Assert.True(At("fill-opacity") < At(marks[0]));
        Assert.True(At(marks[0]) < At("stroke-width:1.9") && At("stroke-width:1.9") < At(marks[2]));
        Assert.Contains("0,148,107", marks[0]);
        Assert.Contains("209,64,42", marks[2]);
    }

    [Fact]
    public void Of_two_lines_in_one_place_both_are_seen()
    {
        (double, double)[] points = [(1, 2), (2, 3), (3, 2.5)];
        (double, double)[] range = [(1, 3), (2, 4), (2, 3)];
        Chart one = Of(new("attempts", points) { Range = range }, new("checks", points) { Range = range },
            new("repeats", [(1, 1), (2, 1), (3, 1)]));
        string svg = one.Svg();
        Assert.Equal(2, Regex.Count(svg, "stroke-dasharray[:=]\"?6,6"));         // the line, and its sample in the legend
        Assert.Equal(1, Regex.Count(svg, "fill-opacity:"));                  // one area, of one colour
        Assert.DoesNotContain("6,6", (one with { Series = [one.Series[0], one.Series[2]] }).Svg());
        Assert.Equal([3, 9], ChartLooks.Upon(2));
    }

    [Fact]
    public void A_share_is_drawn_to_1_at_most_and_its_axis_begins_below_all_of_it()
    {
        ChartSeries law = new("law", [(1, 0.8), (10, 1.2)]) { Range = [(0.6, 0.9), (0.9, 1.5)] };
        Chart high = Of(law).AsShares(), low = Of(law, ChartSeries.AtY("chance", 0.1)).AsShares();
        Assert.Equal([(1, 0.8), (10, 1)], high.PointsOf(law));
        Assert.Equal((0.49, 1.01), high.YLimits);
        Assert.Equal((-0.02, 1.02), low.YLimits);                            // a mark at 0 is whole
        Assert.All(Chart.OfShares([Of(law), low]), c => Assert.Equal((-0.02, 1.02), c.YLimits));
    }

    [Fact]
    public void An_area_that_begins_below_a_logarithmic_axis_reaches_the_frame()
    {
        string svg = (Of(new ChartSeries("stored", [(1, 1000), (2, 800), (3, 700)]) { Range = [(500, 2000), (400, 2000), (-147, 1549)] }) with
        {
            LogY = true,
            Possible = Chart.NotNegative,
        }).Svg();
        Match area = Regex.Match(svg, "<polygon points=\"([^\"]*)\" style=\"[^\"]*fill-opacity");
        double[] x = [.. area.Groups[1].Value.Split(' ').Select(p => double.Parse(p.Split(',')[0], CultureInfo.InvariantCulture))];
        Assert.Equal((6, 2), (x.Length, x.Count(v => v == x.Max())));
    }

    [Fact]
    public void Labels_keep_to_their_own_line_and_off_the_points()
    {
        ChartSeries wide = new("a name that is so long that it stands below the picture", [(1, 1), (2, 0.2), (3, 0)]);
        List<string> text = TextOf(Of(wide, ChartSeries.AtY("one", 0.52), ChartSeries.AtY("two", 0.5), ChartSeries.AtY("three", 0.48)).Svg());
        Assert.Contains("one, two, three", text);

        static string Anchor(params (double, double)[] points) => Regex.Match(
            (Of(new("reward", points, SeriesKind.Points), ChartSeries.AtX("fitted up to here", 5)) with { LogX = false }).Svg(),
            "text-anchor=\"(\\w+)\"[^>]*>fitted").Groups[1].Value;
        Assert.Equal("start", Anchor((0, 10), (4.5, 10), (9, 0)));
        Assert.Equal("end", Anchor((0, 0), (5.5, 10), (9, 10)));
    }

    [Fact]
    public void A_line_through_the_plot_has_a_sample_and_others_make_way_for_its_name()
    {
        string svg = Of(new("thought", [(1, 1), (2, 0.5), (3, 0)]), ChartSeries.AtY("chance", 0.01)).Svg();
        Assert.Matches("<line [^>]*stroke=\"rgb\\(85,85,85\\)\"[^>]*stroke-dasharray[^>]*/><text class=\"s\"[^>]*>chance<", svg);
        Assert.Equal([100, 117], ChartLegend.Apart([100, 100], 0, 400, [1e9, 1]), (a, b) => Math.Abs(a - b) < 1e-3);
        Assert.Equal([83, 100], ChartLegend.Apart([100, 100], 0, 400, [1, 1e9]), (a, b) => Math.Abs(a - b) < 1e-3);
    }

    [Fact]
    public void Areas_and_bars_end_at_what_can_be()
    {
        ChartSeries wide = new("share", [(1, 0.2), (10, 0.9)]) { Range = [(-0.5, 0.4), (0.7, 1.5)] };
        Chart chart = Of(wide) with { Possible = Chart.Share };
        Assert.Equal([(0, 0.4), (0.7, 1)], chart.RangeOf(wide));
        Assert.InRange(chart.YScale(0).Low, 0, 0.2);
        // On a logarithmic axis nothing is lost of a bar that begins at 0.
        ChartSeries loss = new("loss", [(1, 3)], SeriesKind.Points) { Range = [(-1, 5)] };
        Assert.Contains("polyline", (Of(loss) with { Possible = Chart.NotNegative, LogY = true, YLimits = (1, 6) }).Svg());
    }

    [Fact]
    public void Lines_of_few_points_are_marked_and_curves_are_not()
    {
        static int Marks(int points) => Regex.Count(
            Of(new ChartSeries("l", [.. Enumerable.Range(1, points).Select(i => ((double)i, (double)i))])).Svg(), "<ellipse|<circle");
        Assert.Equal(6, Marks(5));                                        // and one in the legend
        Assert.Equal(0, Marks(40));
    }

    [Fact]
    public void Two_dots_are_no_picture()
    {
        Chart two = Of(new("a", [(1, 1)], SeriesKind.Points), new("b", [(2, 1)]), ChartSeries.AtY("c", 3));
        Assert.False(two.IsEnough);
        Assert.True(Sample.IsEnough);
        string path = Path.Combine(Path.GetTempPath(), $"isoflop-{Guid.NewGuid():n}.svg");
        Assert.False(Chart.Save(path, [two]));
        Assert.False(File.Exists(path));
        Assert.Single(TextOf(Chart.Grid([two, Sample])), "Loss");
    }

    [Fact]
    public void A_page_has_a_drawing_for_narrow_screens_too()
    {
        XElement page = XDocument.Parse($"<div>{Sample.Html()}</div>").Root!;
        Assert.Equal(["chart wide", "chart narrow"], page.Elements().Select(e => e.Attribute("class")!.Value));
        Assert.Equal("390", page.Elements().Last().Elements().Single().Attribute("width")!.Value);
        Assert.Contains(".chart.narrow { display: none }", Chart.PageStyle);
    }

    [Fact]
    public void Points_bear_their_labels() => Assert.Contains("first", TextOf(
        Of(new ChartSeries("runs", [(1, 1), (2, 2)], SeriesKind.Points) { Labels = ["first", ""] }).Svg()));

    [Fact]
    public void Runs_are_called_by_what_tells_them_apart()
    {
        Assert.Equal(["direct, width 128", "thought, width 32"],
            ChartNames.Of(["p.direct.d128.x", "p.thought.d32.x"]).Values);
        Assert.Equal(["parity-2"], ChartNames.Of(["parity-2", "parity-2"]).Values);
        Assert.Equal(["a", "a, reinforcement"], ChartNames.Of(["a", "a.rl"]).Values);
        Assert.Equal("addition, level 3", ChartNames.Level("addition.3"));
    }
}
