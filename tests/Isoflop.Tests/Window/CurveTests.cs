using System.Globalization;
using System.Text;
using Isoflop.Store;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Isoflop.Web.Home;
using Xunit;

namespace Isoflop.Tests.Window;

/// <summary>Rows as columns, and as many points of them as a screen can show.</summary>
public sealed class CurveTests
{
    [Fact]
    public void Columns_are_the_rows_and_grow_with_them()
    {
        using var home = new TinyHome();
        home.TrainUntil(5);
        var columns = new RunColumns(home.RunPath());
        columns.Look();
        Assert.Equal(5, columns.Count);
        home.Train();
        columns.Look();
        List<StepRow> rows = RunFolder.ReadSteps(home.RunPath());
        Assert.Equal(rows.Count, columns.Count);
        Assert.Equal(rows.Select(r => (double)r.Step), columns["step"].ToArray());
        Near(rows.Select(r => r.Loss!.Value), columns["loss"]);
        Near(rows.Select(r => r.LearningRate), columns["learning_rate"]);
        Near(rows.Select(r => r.Flops), columns["flops"]);
        Assert.All(columns["entropy"].ToArray(), v => Assert.True(double.IsNaN(v)));
    }

    /// <summary>Two roundings and the power of ten's: within 2 units in the last place, 2^-51 of the value.</summary>
    static void Near(IEnumerable<double> expected, ReadOnlySpan<double> there)
    {
        double[] wanted = [.. expected];
        Assert.Equal(wanted.Length, there.Length);
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], there[i], Math.Abs(wanted[i]) * Math.ScaleB(1, -51));
    }

    [Fact]
    public void Every_way_to_write_a_number_is_read()
    {
        string[] texts = ["0", "-0.5", "1E-07", "1e+5", "2.2792208322298446E-05", "12345678901234567890123", "0.00000000000000000000000012345",
            "123456789012345678.9", "-1.7976931348623157E+308", "9007199254740993", "3.4028235E+38"];
        string folder = Directory.CreateTempSubdirectory("isoflop-test-").FullName;
        try
        {
            File.WriteAllLines(Path.Combine(folder, RunFolder.MetricsFile), [.. texts.Select(t => $"{{\"loss\":{t},\"step\":7}}"),
                "{\"loss\":null,\"hash\":\"12\"}", "{\"loss\":\"NaN\"}", "{\"loss\":-}"]);
            var columns = new RunColumns(folder);
            columns.Look();
            Near(texts.Select(t => double.Parse(t, CultureInfo.InvariantCulture)), columns["loss"][..texts.Length]);
            Assert.All(columns["step"][..texts.Length].ToArray(), s => Assert.Equal(7, s));
            Assert.All(columns["loss"][texts.Length..].ToArray(), v => Assert.True(double.IsNaN(v)));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void A_file_that_was_cut_or_replaced_is_read_anew_and_a_row_half_written_later()
    {
        string folder = Directory.CreateTempSubdirectory("isoflop-test-").FullName, file = Path.Combine(folder, RunFolder.MetricsFile);
        try
        {
            static string Row(int step, double loss) => FormattableString.Invariant($"{{\"step\":{step},\"loss\":{loss},\"tokens\":{10 * step}}}\n");
            var columns = new RunColumns(folder);
            columns.Look();
            Assert.Equal(0, columns.Count);                       // no file yet
            File.WriteAllText(file, Row(1, 3.5) + Row(2, 3.25) + Row(3, 1e-7));
            columns.Look();
            Assert.Equal([3.5, 3.25, 1e-7], columns["loss"].ToArray());
            File.AppendAllText(file, "{\"step\":4,\"lo");
            columns.Look();
            Assert.Equal(3, columns.Count);
            File.AppendAllText(file, "ss\":2.5,\"tokens\":40}\n");
            columns.Look();
            Assert.Equal([10, 20, 30, 40], columns["tokens"].ToArray());
            File.WriteAllText(file, Row(1, 9) + Row(2, 8));       // a run that goes back does steps again
            columns.Look();
            Assert.Equal([9, 8], columns["loss"].ToArray());
            // More than a piece, so that several threads read: every row is where it belongs.
            const int Many = 150_000;
            var text = new StringBuilder();
            for (int i = 1; i <= Many; i++) text.Append(Row(i, i % 7));
            File.WriteAllText(file, text.ToString());
            columns.Look();
            Assert.Equal(Many, columns.Count);
            for (int i = 0; i < Many; i++)
            {
                Assert.Equal(i + 1, columns["step"][i]);
                Assert.Equal((i + 1) % 7, columns["loss"][i]);
            }
            File.Delete(file);
            columns.Look();
            Assert.Equal(0, columns.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spikes_stay_when_rows_are_thinned(bool log)
    {
        const int Rows = 100_000, Pixels = 300;
        double[] x = [.. Enumerable.Range(1, Rows).Select(i => (double)i)], y = [.. x.Select(v => 2 + Math.Sin(v / 5000) / 10)];
        int[] up = [3, 777, 50_000, Rows - 2], down = [4, 31_415, 99_000];
        foreach (int i in up) y[i] = 100 + i;
        foreach (int i in down) y[i] = -100 - i;
        y[60_000] = double.NaN;
        Curve thin = Thinning.Of(x, y, double.NegativeInfinity, double.PositiveInfinity, Pixels, log);
        Assert.InRange(thin.X.Count, Pixels / 2, 2 * Pixels);
        foreach (int i in up.Concat(down))
        {
            // Of two spikes of one direction above one pixel the larger stays.
            int at = thin.X.ToList().IndexOf(x[i]);
            Assert.True(at >= 0, $"the spike at {i} is gone");
            Assert.Equal((float)y[i], thin.Y[at]);
        }
        Assert.Equal(thin.X.Order(), thin.X);
        Assert.DoesNotContain(thin.Y, float.IsNaN);
        Curve part = Thinning.Of(x, y, 40_000, 40_100, Pixels, log);
        Assert.Equal((39_999, 40_101, 103), (part.X[0], part.X[^1], part.X.Count));
    }

    [Fact]
    public void Smoothing_is_the_mean_of_the_rows_around_and_not_of_the_thinned_ones()
    {
        double[] x = [.. Enumerable.Range(0, 1000).Select(i => (double)i)], y = [.. x.Select(v => v % 2 == 0 ? 1.0 : 3.0)];
        Curve smooth = Thinning.Smooth(x, y, double.NegativeInfinity, double.PositiveInfinity, 100, log: false, 0.1);
        Assert.InRange(smooth.X.Count, 90, 100);
        // 101 rows of ones and threes: the mean is off 2 by at most 1/101; at the ends the window shrinks to what is there.
        foreach ((double at, float mean) in smooth.X.Zip(smooth.Y))
            Assert.InRange(mean, 2 - 1.0 / (2 * Math.Min(50, Math.Min(at, 999 - at)) + 1) - 1e-6,
                2 + 1.0 / (2 * Math.Min(50, Math.Min(at, 999 - at)) + 1) + 1e-6);
    }

    [Fact]
    public void The_last_row_of_a_file_is_its_last_row()
    {
        using var home = new TinyHome();
        home.Train();
        string path = Path.Combine(home.RunPath(), RunFolder.MetricsFile);
        Assert.Equal(RunFolder.ReadSteps(home.RunPath())[^1], LastRow.Of(path, RunJson.Default.StepRow));
        File.AppendAllText(path, "{\"step\":13,");
        Assert.Equal(12, LastRow.Of(path, RunJson.Default.StepRow).Step);
        File.WriteAllText(path, "no row\n");
        Assert.Contains("its last line is not a row", Assert.Throws<DataException>(() => LastRow.Of(path, RunJson.Default.StepRow)).Message);
        Assert.Equal(default, LastRow.Of(path + ".no", RunJson.Default.StepRow));
    }

    [Fact]
    public void A_thought_becomes_the_tree_of_its_choices()
    {
        IReadOnlyList<TreePlace> tree = Thoughts.TreeOf("a b;a c? ~ d!");
        // Two attempts begin with a; the second takes c back and ends at d.
        Assert.Equal([(-1, "", ""), (0, "a", ""), (1, "b", "failed"), (1, "c", "dead end"), (1, "d", "solved")],
            tree.Select(p => (p.Parent, p.Choice, p.Outcome)));
        Assert.Equal([1, 2, 1, 1, 1], tree.Select(p => p.Visits));
    }
}
