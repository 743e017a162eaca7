namespace Isoflop.Lab.Charts;

/// <summary>Draws a chart in characters.</summary>
sealed class ChartTerminal
{
    const string LineMarks = "·+x*o#%@=&", PointMarks = "●○■□▲△◆◇";
    const int Left = 9;                                          // columns of y's labels

    readonly Chart chart;
    readonly int columns, rows;
    readonly ChartScale x, y;
    readonly char[][] cells;
    readonly List<string> lines, points;                         // names that have a mark of each sort
    readonly List<string> notes = [];

    public ChartTerminal(Chart chart, int columns, int rows)
    {
        (this.chart, this.columns, this.rows) = (chart, Math.Max(8, columns), Math.Max(3, rows));
        (x, y) = (chart.XScale(0), chart.YScale(0));
        cells = [.. Enumerable.Range(0, this.rows).Select(_ => Enumerable.Repeat(' ', this.columns).ToArray())];
        lines = [.. chart.Series.Where(s => s.Kind == SeriesKind.Line).Select(s => s.Name).Distinct()];
        points = [.. chart.Series.Where(s => s.Kind == SeriesKind.Points).Select(s => s.Name).Distinct()];
    }

    public string Draw()
    {
        // What is narrow lies on what is wide.
        foreach (ChartSeries s in chart.Series) if (s.Kind is SeriesKind.Line or SeriesKind.Band) Band(s);
        foreach (ChartSeries s in chart.Series) if (s.Kind is SeriesKind.AtX or SeriesKind.AtY) Marker(s);
        foreach (ChartSeries s in chart.Series) if (s.Surface is not null) Contours(s.Surface);
        foreach (ChartSeries s in chart.Series) if (s.Kind == SeriesKind.Line) Line(s);
        foreach (ChartSeries s in chart.Series) if (s.Kind == SeriesKind.Points) Bars(s);
        foreach (ChartSeries s in chart.Series) if (s.Kind == SeriesKind.Points) Marks(s);
        var text = new List<string> { chart.Title };
        text.AddRange(Chart.Wrapped(chart.Subtitle, columns + Left + 2));
        text.AddRange(Framed());
        if (chart.LegendTitle.Length > 0) text.Add($"{"",Left + 3}{chart.LegendTitle}");
        text.AddRange(chart.Names.Select(n => $"{MarksOf(n),Left + 2} {n}"));
        text.AddRange(notes);
        return string.Join('\n', text);
    }

    IEnumerable<string> Framed()
    {
        ChartTicks ticks = y.Ticks(Math.Max(2, rows / 3));
        var labels = new string[rows];
        foreach (double tick in ticks.Major) labels[Row(tick)] = ticks.Label(tick);
        for (int r = 0; r < rows; r++)
            yield return $"{labels[r],Left} {(labels[r] is null ? '│' : '┤')}{new string(cells[r])}";

        char[] axis = [.. Enumerable.Repeat('─', columns)], below = [.. Enumerable.Repeat(' ', columns)];
        int free = 0;
        ticks = x.Ticks(columns / 8);
        foreach (double tick in ticks.Major)
        {
            string label = ticks.Label(tick);
            int at = Column(tick), from = Math.Clamp(at - label.Length / 2, 0, columns - label.Length);
            axis[at] = '┬';
            if (from < free) continue;
            label.CopyTo(0, below, from, label.Length);
            free = from + label.Length + 1;
        }
        yield return $"{"",Left} └{new string(axis)}";
        yield return $"{"",Left}  {new string(below).TrimEnd()}";
        yield return $"{"",Left}  {new string(' ', Math.Max(0, (columns - chart.XTitle.Length) / 2))}{chart.XTitle}";
    }

    string MarksOf(string name)
    {
        string marks = (lines.Contains(name) ? $"{LineMark(name)}" : "") + (points.Contains(name) ? $"{PointMark(name)}" : "");
        return marks.Length > 0 ? marks : chart.Series.Any(s => s.Name == name && s.Kind == SeriesKind.Band) ? "░" : "a";
    }

    char LineMark(string name) => LineMarks[lines.IndexOf(name) % LineMarks.Length];

    char PointMark(string name) => PointMarks[points.IndexOf(name) % PointMarks.Length];

    int Column(double v) => (int)Math.Clamp(x.Share(v) * columns, 0, columns - 1);

    int Row(double v) => rows - 1 - (int)Math.Clamp(y.Share(v) * rows, 0, rows - 1);

    bool Inside(double px, double py) => InsideOf(x, px) && InsideOf(y, py);

    static bool InsideOf(ChartScale scale, double v) => scale.Holds(v) && scale.Share(v) is > -1e-9 and < 1 + 1e-9;

    void Band(ChartSeries s)
    {
        var edge = s.Points.Zip(chart.RangeOf(s), (p, r) => (p.X, r.Low, r.High))
            .Where(p => x.Holds(p.X) && y.Holds(p.Low) && y.Holds(p.High)).ToList();
        for (int c = 0; c < columns && edge.Count > 1; c++)
        {
            double at = (c + 0.5) / columns;
            int i = edge.FindIndex(1, p => x.Share(p.X) >= at);
            if (i < 0 || x.Share(edge[0].X) > at) continue;
            double from = x.Share(edge[i - 1].X), share = (at - from) / Math.Max(1e-12, x.Share(edge[i].X) - from);
            int low = (int)(Between(edge[i - 1].Low, edge[i].Low) * rows);
            int high = (int)(Between(edge[i - 1].High, edge[i].High) * rows);
            for (int r = Math.Max(0, low); r <= Math.Min(rows - 1, high); r++) cells[rows - 1 - r][c] = '░';

            double Between(double a, double b) => y.Share(a) + (y.Share(b) - y.Share(a)) * share;
        }
    }

    void Marker(ChartSeries s)
    {
        if (s.Points.Count == 0) return;
        bool vertical = s.Kind == SeriesKind.AtX;
        double at = vertical ? s.Points[0].X : s.Points[0].Y;
        if (!InsideOf(vertical ? x : y, at)) return;
        if (vertical) foreach (char[] row in cells) row[Column(at)] = '┆';
        else Array.Fill(cells[Row(at)], '╌');
        if (s.Name.Length > 0) notes.Add($"{(vertical ? '┆' : '╌'),Left + 2} {ChartScale.Number(Math.Round(at, 4))} {s.Name}");
    }

    void Line(ChartSeries s)
    {
        char mark = LineMark(s.Name);
        IReadOnlyList<(double X, double Y)> points = chart.PointsOf(s);
        for (int i = 0; i < points.Count; i++)
        {
            (double px, double py) = points[i];
            if (!x.Holds(px) || !y.Holds(py)) continue;
            (double qx, double qy) = i + 1 < points.Count ? points[i + 1] : (px, py);
            if (!x.Holds(qx) || !y.Holds(qy)) (qx, qy) = (px, py);
            double fromX = x.Share(px), fromY = y.Share(py), dx = x.Share(qx) - fromX, dy = y.Share(qy) - fromY;
            int steps = (int)Math.Clamp(Math.Ceiling(Math.Max(Math.Abs(dx) * columns, Math.Abs(dy) * rows)), 1, 4 * columns);
            for (int k = 0; k < steps || k == steps && i == points.Count - 1; k++)
            {
                double vx = x.At(fromX + dx * k / steps), vy = y.At(fromY + dy * k / steps);
                if (Inside(vx, vy) && !(s.Dashed && Column(vx) % 3 == 2)) cells[Row(vy)][Column(vx)] = mark;
            }
        }
    }

    void Bars(ChartSeries s)
    {
        foreach (((double px, double py), (double low, double high)) in s.Points.Zip(chart.RangeOf(s)))
        {
            if (!InsideOf(x, px) || !y.Holds(low) || !y.Holds(high)) continue;
            for (int r = Row(high); r <= Row(low); r++) cells[r][Column(px)] = '│';
        }
    }

    void Marks(ChartSeries s)
    {
        foreach ((double px, double py) in s.Points)
            if (Inside(px, py)) cells[Row(py)][Column(px)] = PointMark(s.Name);
    }

    /// <summary>A letter a level, where the surface passes it on the way to the cell on the right or below.</summary>
    void Contours(ChartSurface surface)
    {
        double[] levels = ChartContours.LevelsOf(surface);
        int Level(int r, int c) => ChartContours.HeightAt(surface, x.At((c + 0.5) / columns), y.At(1 - (r + 0.5) / rows)) is { } z
            ? levels.Count(l => l <= z) : -1;
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++)
            {
                int here = Level(r, c);
                int right = c + 1 < columns ? Level(r, c + 1) : -1, below = r + 1 < rows ? Level(r + 1, c) : -1;
                int other = right >= 0 && right != here ? right : below >= 0 ? below : here;
                if (here >= 0 && other != here) cells[r][c] = (char)('a' + (Math.Max(here, other) - 1) % 26);
            }
        notes.AddRange(levels.Select((l, i) => $"{(char)('a' + i % 26)} {ChartScale.Number(l)}").Chunk(8)
            .Select(row => $"{"",Left + 1} {string.Join("  ", row)}"));
    }
}

/// <summary>Heights and levels of a surface.</summary>
static class ChartContours
{
    /// <summary>Levels as given, or about ten round ones; where heights crowd at one end, they are taken there.</summary>
    public static double[] LevelsOf(ChartSurface surface)
    {
        if (surface.Levels is { } given) return [.. given];
        double[] heights = [.. surface.Z.Cast<double>().Where(double.IsFinite).Order()];
        if (heights.Length < 4 || surface.X.Count < 2 || surface.Y.Count < 2) return [];
        double low = heights[0], high = heights[(int)(0.9 * (heights.Length - 1))];
        return high > low ? [.. new ChartScale(low, high, Log: false).Ticks(12).Major] : [];
    }

    /// <summary>Height between grid points, linear along both axes; null outside.</summary>
    public static double? HeightAt(ChartSurface s, double x, double y)
    {
        if (Find(s.X, x) is not ({ } i, { } u) || Find(s.Y, y) is not ({ } j, { } v)) return null;
        double z = (1 - u) * ((1 - v) * s.Z[i, j] + v * s.Z[i, j + 1]) + u * ((1 - v) * s.Z[i + 1, j] + v * s.Z[i + 1, j + 1]);
        return double.IsFinite(z) ? z : null;
    }

    static (int?, double?) Find(IReadOnlyList<double> grid, double v)
    {
        for (int i = 0; i + 1 < grid.Count; i++)
            if (v >= grid[i] && v <= grid[i + 1] && grid[i + 1] > grid[i]) return (i, (v - grid[i]) / (grid[i + 1] - grid[i]));
        return (null, null);
    }
}
