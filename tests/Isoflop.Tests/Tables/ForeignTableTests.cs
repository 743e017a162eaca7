using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Laws;
using Isoflop.Lab.Tables;
using Xunit;

namespace Isoflop.Tests.Tables;

/// <summary>Tables as spreadsheets, data frames and trackers write them.</summary>
public sealed class ForeignTableTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-table-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Write(string text, string name = "t.csv")
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    double[] Column(string text, string name, Quantity quantity = Quantity.Plain)
    {
        var table = new ForeignTable(Write(text));
        var column = new NumberColumn(table, name, quantity);
        return [.. Enumerable.Range(0, table.Count).Select(r => column[r])];
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n")]
    [InlineData("\uFEFFa,b\r\n1,2\r\n3,4\r\n")]
    [InlineData("a,b\r1,2\r3,4\r")]
    [InlineData("sep=;\na;b\n1;2\n3;4\n")]
    [InlineData("\uFEFFsep=,\r\na,b\r\n1,2\r\n3,4")]
    [InlineData("SEP=|\na|b\n1|2\n3|4\n")]
    [InlineData("a\tb\n1\t2\n3\t4")]
    [InlineData("a,b,\n1,2,\n3,4,\n")]
    [InlineData("a,b\n1,2,\n3,4,,\n")]
    [InlineData("a,b,\n1,2\n3,4\n")]
    [InlineData("# made by hand\n# on Monday\na,b\n1,2\n# a pause, in between\n3,4\n")]
    [InlineData("\n\na,b\n\n1,2\n\n,\n3,4\n\n")]
    [InlineData("\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"4\"\n")]
    [InlineData("\"sum, in all\";a;b\nx;1;2\ny;3;4\n")]
    [InlineData("a;b\n1,0;2,0\n3,0;4,0\n")]
    public void A_table_is_read_however_its_cells_are_kept_apart(string text) =>
        Assert.Equal([1, 3, 2, 4], (double[])[.. Column(text, "a"), .. Column(text, "B")]);

    [Theory]
    [InlineData("1,5\n2,25", 1.5, 2.25)]
    [InlineData("1.234,5\n2,25", 1234.5, 2.25)]
    [InlineData("1.234.567\n2,5", 1234567, 2.5)]
    [InlineData("0,123\n0,5", 0.123, 0.5)]
    [InlineData("1,234,567\n1,000", 1234567, 1000)]
    [InlineData("1,234.5\n1,000", 1234.5, 1000)]
    [InlineData("1.5\n1,000", 1.5, 1000)]
    [InlineData("1,5e9\n2", 1.5e9, 2)]
    [InlineData("1 000 000\n12 000,5", 1e6, 12000.5)]
    [InlineData("1\u00A0000\n1\u202F000", 1000, 1000)]
    [InlineData("1'000'000\n1’000", 1e6, 1000)]
    [InlineData("1_000_000\n1_000.5", 1e6, 1000.5)]
    [InlineData("−1.5\n+2e-3", -1.5, 2e-3)]
    public void A_number_is_read_as_its_column_writes_it(string cells, double first, double second) =>
        Assert.Equal([first, second], Column("x;y\n" + string.Join('\n', cells.Split('\n').Select(c => $"{c};1")), "x"));

    [Theory]
    [InlineData("1,234\n5", "line 2, column 'x': '1,234' may be 1234 or 1.234; write it without a comma")]
    [InlineData("1,5\n1.5", "line 2, column 'x': '1,5': commas and points do not mean the same in lines 2 and 3")]
    [InlineData("1.5\n1,5", "lines 3 and 2")]
    [InlineData("1,234,567\n1,5", "lines 3 and 2")]
    [InlineData("1,5\n1.234", "line 3, column 'x': '1.234' may be 1.234 or 1234, since line 2 has a decimal comma")]
    [InlineData("12,34,567\n1", "'12,34,567' is not a number")]
    [InlineData("1 00\n1", "'1 00' is not a number")]
    [InlineData("25%\n1", "'25%' is not a number; write the share, as 0.25")]
    [InlineData("124M\n1", "'124M' is not a number")]
    [InlineData("$5\n1", "'$5' is not a number")]
    [InlineData("1e999\n1", "is not a number")]
    [InlineData("\u001b[31mred\n1", "'\uFFFD[31mred' is not a number")]
    public void What_may_be_two_numbers_or_is_none_is_refused(string cells, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() =>
            Column("x;y\n" + string.Join('\n', cells.Split('\n').Select(c => $"{c};1")), "x")).Message);

    [Theory]
    [InlineData("n", "124M", 124e6)]
    [InlineData("n", "1.3B", 1.3e9)]
    [InlineData("n", "1,3B", 1.3e9)]
    [InlineData("n", "70m", 70e6)]
    [InlineData("n", "2 T", 2e12)]
    [InlineData("n", "7e9", 7e9)]
    [InlineData("n", "124,439", 124439)]
    [InlineData("params_m", "124", 124e6)]
    [InlineData("Params (M)", "124.5", 124.5e6)]
    [InlineData("tokens [billions]", "2.6", 2.6e9)]
    [InlineData("n_million", "2", 2e6)]
    [InlineData("tokens_b", "2,6", 2.6e9)]
    [InlineData("m", "2", 2)]
    [InlineData("embed_dim", "2", 2)]
    public void Counts_say_their_unit_in_the_cell_or_in_the_header(string header, string cell, double value) =>
        Assert.Equal(value, Column($"{header};y\n{cell};1\n", header, Quantity.Count).Single(), value * 1e-12);

    [Theory]
    [InlineData("flops", 1)]
    [InlineData("C", 1)]
    [InlineData("train_flop", 1)]
    [InlineData("GFLOPs", 1e9)]
    [InlineData("compute (TFLOP)", 1e12)]
    [InlineData("exaflops", 1e18)]
    [InlineData("PF-days", 86400e15)]
    [InlineData("pfs_days", 86400e15)]
    [InlineData("petaflop/s-days", 86400e15)]
    [InlineData("PFLOP-days", 86400e15)]
    [InlineData("petaflop_s_days", 86400e15)]
    [InlineData("zf", 1e21)]
    public void Work_says_its_unit_in_the_header(string header, double factor) =>
        Assert.Equal(2 * factor, Column($"{header},y\n2,1\n", header, Quantity.Flops).Single());

    [Theory, InlineData("TFLOP/s"), InlineData("gflops_per_s"), InlineData("gflops per second")]
    public void A_rate_is_no_work(string header) =>
        Assert.Contains("is a rate by its name", Assert.Throws<DataException>(() => Column($"{header},y\n2,1\n", header, Quantity.Flops)).Message);

    [Fact]
    public void A_name_that_stands_twice_is_refused_with_its_places_where_it_is_asked_for()
    {
        var table = new ForeignTable(Write("loss,n,loss,N\n1,2,3,4\n"));
        Assert.Contains("2 columns are named 'loss', at places 1, 3", Assert.Throws<DataException>(() => table.Column("loss")).Message);
        Assert.Equal((1, 3), (table.Column("n"), table.Column("N")));
        Assert.Contains("no column 'd'; here there are: loss, n", Assert.Throws<DataException>(() => table.Column("d")).Message);
    }

    [Fact]
    public void What_is_no_table_is_named_and_sends_no_control_characters()
    {
        foreach ((byte[] bytes, string what) in ((byte[], string)[])[([.. "PAR1\u001b[31m"u8], "a Parquet file"), ([.. "PK\u0003\u0004xl/workbook"u8], "a ZIP archive"),
            ([0x1F, 0x8B, 8, 0, 0], "gzip"), ([.. "{\"n\":1}\n{\"n\":2}\n"u8], "JSON lines"), ([.. Enumerable.Range(0, 200).Select(i => (byte)(i % 7))], "a binary file")])
        {
            string path = Path.Combine(folder, "b.csv");
            File.WriteAllBytes(path, bytes);
            string message = Assert.Throws<DataException>(() => new ForeignTable(path)).Message;
            Assert.Contains(what, message);
            Assert.DoesNotContain(message, char.IsControl);
        }
        Assert.Contains("is a folder", Assert.Throws<DataException>(() => new ForeignTable(folder)).Message);
        Assert.DoesNotContain(Assert.Throws<DataException>(() => new ForeignTable(Write("a\u001b[31m,b\n1,2\n")).Column("c")).Message, char.IsControl);
    }

    // ---- fit -------------------------------------------------------------------------------------------------------------------

    (int Code, string Out, string Err) Fit(string text, params string[] more)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(["fit", "--table", Write(text), "--bootstraps", "0", "--home", folder, .. more], [FitCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    static readonly string[] Sizes = ["--n", "n", "--d", "d", "--loss", "loss"];

    /// <summary>Twelve runs with FLOPs, counted in units of their own.</summary>
    static string Runs(string header = "n,d,c,loss,lr", double n = 1, double d = 1, double c = 1, string end = "") => header + "\n" + string.Concat(
        from i in Enumerable.Range(0, 6)
        from ratio in (double[])[5, 20, 80]
        let size = 1e6 * Math.Pow(3, i)
        select FormattableString.Invariant($"{size / n},{ratio * size / d},{6 * ratio * size * size / c},{1.7 + 400 * Math.Pow(size, -0.34) + 900 * Math.Pow(ratio * size, -0.3)},0.001\n")) + end;

    [Fact]
    public void Copies_of_a_run_count_once_and_say_so()
    {
        (int code, string once, string error) = Fit(Runs(), Sizes);
        Assert.Equal((0, ""), (code, error));
        string lines = Runs()[Runs().IndexOf('\n')..];
        (code, string thrice, error) = Fit(Runs(end: lines + lines), Sizes);
        Assert.Equal((0, once), (code, thrice));
        Assert.Contains("rows left out: 36 copies of others", error);
        Assert.Contains("points      54", Fit(Runs(end: lines + lines), [.. Sizes, "--replicates"]).Out);
    }

    [Fact]
    public void Rows_that_did_not_measure_are_left_out_and_counted()
    {
        string text = Runs(end: "1e6,5e6,3e13,nan,0.001\n1e6,5e6,3e13,,0.001\n1e6,5e6,3e13,-inf,0.001\n1e6,5e6,3e13,NA,0.001\n2e6,5e6,6e13,9,\n2e6,6e6,7.2e13,9,NaN\n");
        (int code, string output, string error) = Fit(text, [.. Sizes, "--where", "lr<0.01"]);
        Assert.Equal(0, code);
        Assert.Contains("points      18 ", output);
        Assert.Contains("rows left out: 2 with nothing to compare for lr<0.01", error);
        Assert.Contains("rows left out: 4 without a finite value", error);
        Assert.Contains("points      20 ", Fit(text, [.. Sizes, "--where", "lr!=0.01"]).Out);
    }

    [Fact]
    public void Conditions_compare_numbers_in_every_writing()
    {
        string text = Runs(end: "2e6,5e6,6e13,9,1e-3\n2e6,6e6,7.2e13,9,0.0010\n2e6,7e6,8.4e13,9,0.02\n");
        string equal = Fit(text, [.. Sizes, "--where", "lr=0.001"]).Out;
        Assert.Contains("points      20 ", equal);
        Assert.Equal(equal, Fit(text, [.. Sizes, "--where", "lr=1e-3"]).Out);
        Assert.Equal(equal, Fit(text, [.. Sizes, "--where", "lr!=2e-2"]).Out);
        Assert.Contains("no row is left to fit; lr=7 holds for none", Fit(text, [.. Sizes, "--where", "lr=7"]).Err);
    }

    [Theory]
    [InlineData("n_m,d_b,gflops,loss,lr", 1e6, 1e9, 1e9)]
    [InlineData("params (M),tokens (B),PF-days,loss,lr", 1e6, 1e9, 86400e15)]
    public void Units_of_the_headers_are_converted_with_a_note(string header, double n, double d, double c)
    {
        string[] names = header.Split(',');
        (int code, string output, string error) = Fit(Runs(header, n, d, c), "--n", names[0], "--d", names[1], "--c", names[2], "--loss", "loss");
        Assert.True(code == 0, error);
        Assert.Contains("as its name says", error);
        Assert.Equal(Alpha(Fit(Runs(), "--n", "n", "--d", "d", "--c", "c", "--loss", "loss").Out), Alpha(output));

        static string Alpha(string text) => text.Split('\n').Single(l => l.TrimStart().StartsWith('α')).Trim()[..5];
    }

    [Theory]
    [InlineData(1e6, 1e9, 1, "times parameters times tokens at the median", "--n", "n", "--d", "d", "--c", "c")]
    [InlineData(1, 1, 1e9, "times parameters times tokens at the median", "--n", "n", "--d", "d", "--c", "c")]
    [InlineData(1, 1, 1e21, "follow from C = 6·N·D", "--d", "d", "--c", "c")]
    [InlineData(1e9, 1, 1, "parameters, which are whole", "--n", "n", "--d", "d")]
    public void Units_that_nothing_names_are_refused(double n, double d, double c, string message, params string[] columns)
    {
        (int code, _, string error) = Fit(Runs(n: n, d: d, c: c), [.. columns, "--loss", "loss"]);
        Assert.Equal((2, 1), (code, error.TrimEnd().Split('\n').Length));
        Assert.Contains(message, error);
        Assert.Contains("name the units in the header", error);
    }

    [Fact]
    public void Accuracies_at_chance_are_not_identified()
    {
        var rng = new Rng(7, RandomPurpose.Test);
        string flat = "loss,acc\n", rising = flat;
        for (int i = 0; i < 14; i++)
        {
            double noise = 0.008 * rng.NextNormal(), x = 2 + 0.12 * i;
            flat += FormattableString.Invariant($"{x},{0.25 + noise}\n");
            rising += FormattableString.Invariant($"{x},{0.25 + 0.5 / (1 + Math.Exp(4 * (x - 2.6))) + noise}\n");
        }
        string[] form = ["--x", "loss", "--y", "acc", "--form", "task-sigmoid"];
        Assert.Contains("not identified: the values rise no more than their scatter", Fit(flat, form).Out);
        Assert.Contains("keeps improving", Fit(rising, form).Out);
        Assert.Contains("not identified", Fit(flat, "--x", "loss", "--y", "acc", "--form", "error-of-loss").Out);
    }

    [Theory, InlineData("task-sigmoid"), InlineData("error-of-loss"), InlineData("power-law"), InlineData("rl-sigmoid")]
    public void A_constant_is_not_identified(string form)
    {
        foreach (string value in (string[])["0.25", "1", "0"])
        {
            string text = "x,y\n" + string.Concat(Enumerable.Range(0, 14).Select(i => FormattableString.Invariant($"{2 + 0.12 * i},{value}\n")));
            (int code, string output, string error) = Fit(text, "--x", "x", "--y", "y", "--form", form);
            Assert.True(code == 0 ? output.Contains("not identified") : code == 2 && error.TrimEnd().Split('\n').Length == 1, output + error);
        }
    }

    [Fact]
    public void A_plateau_saturates()
    {
        string text = "loss,acc\n" + string.Concat(Enumerable.Range(0, 25).Select(i => 4 - 0.1 * i).Select(x =>
            FormattableString.Invariant($"{x},{0.25 + 0.7 / (1 + Math.Exp(8 * (x - 3)))}\n")));
        (_, string output, string error) = Fit(text, "--x", "loss", "--y", "acc", "--form", "task-sigmoid");
        Assert.Contains("saturates at 0.95", output + error);
    }
}
