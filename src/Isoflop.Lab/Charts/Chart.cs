using Isoflop.Store;

namespace Isoflop.Lab.Charts;

/// <summary>How a series is drawn.</summary>
enum SeriesKind
{
    /// <summary>Points joined; its <see cref="ChartSeries.Range"/> is an area around it.</summary>
    Line,
    /// <summary>Marks; their <see cref="ChartSeries.Range"/> are error bars.</summary>
    Points,
    /// <summary>The area of <see cref="ChartSeries.Range"/> alone.</summary>
    Band,
    /// <summary>A vertical line through the whole plot at the x of its point, with its name beside it.</summary>
    AtX,
    /// <summary>A horizontal line through the whole plot at the y of its point, with its name beside it.</summary>
    AtY,
    /// <summary>Contour lines of <see cref="ChartSeries.Surface"/>.</summary>
    Contours,
}

/// <summary>Heights over a grid.</summary>
/// <param name="X">rising</param> <param name="Y">rising</param> <param name="Z">height, [x, y]</param>
/// <param name="Levels">where contour lines run; null: about ten</param>
sealed record ChartSurface(IReadOnlyList<double> X, IReadOnlyList<double> Y, double[,] Z,
    IReadOnlyList<double>? Levels = null);

/// <summary>
/// One thing of a picture. Series of one name are one thing: they share a colour and a line of the legend; without a name a
/// series is not in it. Points that are not numbers, or not positive on a logarithmic axis, are left out, and a line breaks
/// there.
/// </summary>
sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points, SeriesKind Kind = SeriesKind.Line)
{
    /// <summary>Low and high y at each point.</summary>
    public IReadOnlyList<(double Low, double High)>? Range { get; init; }

    /// <summary>Beside each point; empty: none.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    // A line of so many points or fewer was measured at each: they are marked. Of more, it is a curve; and of more marks a cloud,
    // on which what is said of it is drawn.
    const int Few = 12;

    /// <summary>Few points.</summary>
    public bool IsFew => Points.Count <= Few;

    /// <summary>Its points have marks.</summary>
    public bool IsMarked => Kind == SeriesKind.Points || Kind == SeriesKind.Line && !Dashed && IsFew;

    /// <summary>A broken line.</summary>
    public bool Dashed { get; init; }

    /// <summary>
    /// Colours the series by a quantity above 0, light to dark from the least to the largest of the chart, evenly in its
    /// logarithm: a family of curves by budget. Null: a colour of its own.
    /// </summary>
    public double? Shade { get; init; }

    /// <summary>Of <see cref="SeriesKind.Contours"/>.</summary>
    public ChartSurface? Surface { get; init; }

    /// <summary>A vertical line with a label.</summary>
    public static ChartSeries AtX(string name, double x) => new(name, [(x, double.NaN)], SeriesKind.AtX) { Dashed = true };

    /// <summary>A horizontal line with a label.</summary>
    public static ChartSeries AtY(string name, double y) => new(name, [(double.NaN, y)], SeriesKind.AtY) { Dashed = true };

    /// <summary>Contour lines.</summary>
    public static ChartSeries Contours(string name, ChartSurface surface) =>
        new(name, [], SeriesKind.Contours) { Surface = surface };
}

/// <summary>
/// A picture of curves, points, bands and contours: as SVG, readable on light and dark pages, and in characters.
/// </summary>
sealed record Chart(string Title, string XTitle, string YTitle, IReadOnlyList<ChartSeries> Series)
{
    /// <summary>Below the title: what the picture shows, as a sentence.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>Over the legend: what its names are, such as the unit of budgets.</summary>
    public string LegendTitle { get; init; } = "";

    /// <summary>Logarithmic x.</summary>
    public bool LogX { get; init; } = true;

    /// <summary>Logarithmic y.</summary>
    public bool LogY { get; init; }

    /// <summary>What y can be: lines, areas and error bars end there, whatever a formula says of them.</summary>
    public (double Low, double High) Possible { get; init; } = (double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>Of <see cref="Possible"/>: a share is from 0 to 1; a rate, a count and a loss are at least 0.</summary>
    public static readonly (double Low, double High) Share = (0, 1), NotNegative = (0, double.PositiveInfinity);

    /// <summary>Ends of x; null: around all that is drawn.</summary>
    public (double Low, double High)? XLimits { get; init; }

    /// <summary>Ends of y; null: around all that is drawn.</summary>
    public (double Low, double High)? YLimits { get; init; }

    /// <summary>The picture as SVG.</summary>
    public string Svg(double width = 860, double height = 480) => ChartSvg.Draw([this], 1, width, height);

    /// <summary>The same in characters: a mark a series, bands as ░, y down the left, x below.</summary>
    public string Terminal(int columns = 72, int rows = 18) => new ChartTerminal(this, columns, rows).Draw();

    /// <summary>
    /// For a page: drawn twice, for wide and for narrow screens, of which <see cref="PageStyle"/> shows one.
    /// </summary>
    public string Html() => $"<div class=\"chart wide\">{Svg()}</div><div class=\"chart narrow\">{Svg(390, 380)}</div>\n";

    /// <summary>Several for a page: side by side where it is wide, one below the other where it is narrow.</summary>
    public static string Html(IReadOnlyList<Chart> charts, int columns = 2) => charts.Any(c => c.IsEnough)
        ? $"<div class=\"chart wide\">{Grid(charts, columns)}</div>" +
            $"<div class=\"chart narrow\">{Grid(charts, 1, 390, 340)}</div>\n" : "";

    /// <summary>What a page with <see cref="Html()"/> needs of CSS.</summary>
    public const string PageStyle = """
        .chart svg { max-width: 100%; height: auto } .chart.narrow { display: none }
        @media (max-width: 40rem) { .chart.wide { display: none } .chart.narrow { display: block } }
        """;

    /// <summary>Has at least three points: two say nothing that their numbers do not.</summary>
    public bool IsEnough => Series.Any(s => s.Surface is not null) || Series.All(s => s.Kind == SeriesKind.Band)
        || Series.Where(s => s.Kind is SeriesKind.Line or SeriesKind.Points).SelectMany(s => s.Points)
            .Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).Distinct().Skip(2).Any();

    /// <summary>
    /// Pictures side by side in one SVG, row by row; width and height are those of each. Those that are not enough are left out.
    /// </summary>
    public static string Grid(IReadOnlyList<Chart> charts, int columns = 2, double width = 560, double height = 400) =>
        ChartSvg.Draw([.. charts.Where(c => c.IsEnough)], columns, width, height);

    /// <summary>Why a picture was not written.</summary>
    public const string TooFew = "no picture: a chart of fewer than three points says nothing that its numbers do not";

    /// <summary>Writes a grid; false: none of the charts has three points, and nothing is written.</summary>
    public static bool Save(string path, IReadOnlyList<Chart> charts, int columns = 2, double width = 560, double height = 400)
    {
        if (!charts.Any(c => c.IsEnough)) return false;
        WholeFile.Write(path, Grid(charts, columns, width, height));
        return true;
    }

    /// <summary>A series' range, as far as it can be.</summary>
    internal IReadOnlyList<(double Low, double High)> RangeOf(ChartSeries s)
    {
        (double low, double high) = Possible;
        return s.Range is null ? [] : [.. s.Range.Select(r => (Math.Clamp(r.Low, low, high), Math.Clamp(r.High, low, high)))];
    }

    /// <summary>A series' points; a line as far as it can be.</summary>
    internal IReadOnlyList<(double X, double Y)> PointsOf(ChartSeries s) => s.Kind != SeriesKind.Line ? s.Points
        : [.. s.Points.Select(p => (p.X, Math.Clamp(p.Y, Possible.Low, Possible.High)))];

    /// <summary>
    /// Pictures of shares on one axis: to 1, from 0, or from the quarter or tenth below all of them. Marks that stand
    /// at an end are whole.
    /// </summary>
    public static IReadOnlyList<Chart> OfShares(IEnumerable<Chart> charts)
    {
        const double Room = 0.02;
        List<Chart> all = [.. charts.Select(c => c with { Possible = Share })];
        double least = all.SelectMany(c => c.Series.SelectMany(s => c.PointsOf(s).Select(p => p.Y)
            .Concat(c.RangeOf(s).Select(r => r.Low)))).Where(double.IsFinite).DefaultIfEmpty(0).Min();
        double low = ((double[])[0.9, 0.75, 0.5, 0.25]).FirstOrDefault(l => l <= least);
        return [.. all.Select(c => c with { YLimits = (low - Room * (1 - low), 1 + Room * (1 - low)) })];
    }

    /// <summary>A picture of shares, see <see cref="OfShares"/>.</summary>
    public Chart AsShares() => OfShares([this])[0];

    /// <summary>Names in the legend, in order, each once; marker lines bear theirs themselves.</summary>
    internal IReadOnlyList<string> Names =>
        [.. Series.Where(s => s.Kind is not (SeriesKind.AtX or SeriesKind.AtY)).Select(s => s.Name).Where(n => n.Length > 0)
            .Distinct()];

    /// <summary>Text in lines of at most so many characters.</summary>
    internal static List<string> Wrapped(string text, int columns)
    {
        var lines = new List<string>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (lines.Count > 0 && lines[^1].Length + 1 + word.Length <= columns) lines[^1] += " " + word;
            else lines.Add(word);
        return lines;
    }

    /// <param name="margin">share of the axis left free at both ends, where no limits are set</param>
    internal ChartScale XScale(double margin) => ChartScale.Of(
        Series.SelectMany(s => s.Points.Select(p => p.X).Concat(s.Surface?.X ?? [])), LogX, XLimits,
        Series.Any(s => s.Surface is not null) ? 0 : margin);

    /// <inheritdoc cref="XScale"/>
    internal ChartScale YScale(double margin) => ChartScale.Of(
        Series.SelectMany(s => (s.Kind == SeriesKind.Band ? [] : PointsOf(s).Select(p => p.Y)).Concat(s.Surface?.Y ?? [])
            .Concat(RangeOf(s).SelectMany(r => (double[])[r.Low, r.High]))), LogY, YLimits,
        Series.Any(s => s.Surface is not null) ? 0 : margin);
}

/// <summary>Ticks of an axis and how they are written.</summary>
/// <param name="Decimals">of all labels; null: as many as each needs</param>
sealed record ChartTicks(IReadOnlyList<double> Major, IReadOnlyList<double> Minor, int? Decimals)
{
    public string Label(double v) => ChartScale.Number(v, Decimals);
}

/// <summary>One axis: its ends, and where values stand between them.</summary>
readonly record struct ChartScale(double Low, double High, bool Log)
{
    // Steps within a decade, from coarse to fine.
    static readonly int[][] Steps = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]];

    public static ChartScale Of(IEnumerable<double> values, bool log, (double Low, double High)? limits, double margin)
    {
        List<double> good = [.. values.Where(v => double.IsFinite(v) && (!log || v > 0))];
        if (limits is { } set) return new(set.Low, set.High, log);
        if (good.Count == 0) return log ? new(1, 10, true) : new(0, 1, false);
        double low = good.Min(), high = good.Max();
        if (log)
        {
            if (high / low < 1 + 1e-9) (low, high) = (low / 2, high * 2);
            double by = Math.Pow(high / low, margin);
            return new(low / by, high * by, true);
        }
        if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high)))
            (low, high) = (low - (low == 0 ? 1 : Math.Abs(low) / 2), high + (high == 0 ? 1 : Math.Abs(high) / 2));
        return new(low - (high - low) * margin, high + (high - low) * margin, false);
    }

    /// <summary>Can stand on this axis.</summary>
    public bool Holds(double v) => double.IsFinite(v) && (!Log || v > 0);

    /// <summary>0 at the low end, 1 at the high one.</summary>
    public double Share(double v) => Log ? Math.Log(v / Low) / Math.Log(High / Low) : (v - Low) / (High - Low);

    /// <summary>The value at a share.</summary>
    public double At(double share) => Log ? Low * Math.Pow(High / Low, share) : Low + (High - Low) * share;

    /// <summary>At most so many ticks with labels, at round values.</summary>
    public ChartTicks Ticks(int atMost)
    {
        atMost = Math.Max(2, atMost);
        if (!Log) return LinearTicks(atMost);
        int first = (int)Math.Ceiling(Math.Log10(Low) - 1e-9), last = (int)Math.Floor(Math.Log10(High) + 1e-9);
        int decades = last - first + 1;
        if (decades > atMost)
        {
            int step = 2;
            while ((decades + step - 1) / step > atMost) step++;
            List<double> all = [.. Enumerable.Range(first, decades).Select(Power)];
            return new([.. Enumerable.Range(first, decades).Where(e => e % step == 0).Select(Power)], all, null);
        }
        List<double> fine = Within(Steps[^1], first - 1, last);
        foreach (int[] steps in Steps)
        {
            List<double> ticks = Within(steps, first - 1, last);
            // Less than a decade: 8, 9 and 10 may all lie at one end, and nothing says how far the other is.
            bool even = ticks.Count >= 3 && Share(ticks[0]) < 0.5 && Share(ticks[^1]) > 0.5;
            if (even && ticks.Count <= atMost) return new(ticks, fine, null);
        }
        if (decades >= 2) return new([.. Enumerable.Range(first, decades).Select(Power)], fine, null);
        return LinearTicks(atMost);
    }

    List<double> Within(int[] steps, int first, int last)
    {
        double low = Low * (1 - 1e-9), high = High * (1 + 1e-9);
        return [.. Enumerable.Range(first, last - first + 1).SelectMany(e => steps.Select(s => s * Power(e)))
            .Where(v => v >= low && v <= high)];
    }

    ChartTicks LinearTicks(int atMost)
    {
        double least = (High - Low) / atMost, power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        double step = power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
        var ticks = new List<double>();
        for (double i = Math.Ceiling(Low / step - 1e-9); i * step <= High + 1e-9 * step; i++) ticks.Add(i == 0 ? 0 : i * step);
        return new(ticks, [], (int)Math.Max(0, -Math.Floor(Math.Log10(step) + 1e-9)));
    }

    static double Power(int exponent) => double.Parse($"1e{exponent}", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>1e10, 2.5e6, 3000, 3.25, 0.01.</summary>
    public static string Number(double v, int? decimals = null)
    {
        double size = Math.Abs(v);
        string form = size >= 9999.5 || size < 0.99e-3 && v != 0 ? "0.###e0" : decimals is { } d ? $"F{d}" : "0.#####";
        return v.ToString(form, System.Globalization.CultureInfo.InvariantCulture);
    }
}
