using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Laws;
using Xunit;

namespace Isoflop.Tests.Laws;

/// <summary>Tables, studies and the two commands.</summary>
public sealed class LawsCommandTests : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("isoflop-laws").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home], (Command[])[FitCommand.Create(), OptimalCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    string Write(string name, string text)
    {
        string path = Path.Combine(home, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    static double Loss(double n, double d) => 1.7 + 400 * Math.Pow(n, -0.34) + 900 * Math.Pow(d, -0.3);

    static string Table(Func<double, double, string>? more = null)
    {
        var lines = new List<string> { "\"Model, size\",tokens,\"val \"\"loss\"\"\"" };
        for (int i = 0; i < 6; i++)
            foreach (double ratio in (double[])[5, 20, 80])
            {
                double n = 1e5 * Math.Pow(3, i), d = ratio * n;
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{n:R},\"{d:R}\",{Loss(n, d):R}") + (more?.Invoke(n, d) ?? ""));
            }
        return string.Join("\r\n", lines) + "\r\n";
    }

    string[] Columns(string path) => ["fit", "--table", path, "--n", "Model, size", "--d", "tokens", "--loss", "val \"loss\"", "--bootstraps", "20"];

    [Fact]
    public void A_table_of_another_tool_is_fitted()
    {
        string path = Write("t.csv", Table());
        (int code, string output, string error) = Run(Columns(path));
        Assert.Equal((0, ""), (code, error));
        foreach (string word in (string[])["α", "objective", "huber-log", "starts", "residuals", "held out", "verdict", "next point", "N = Model, size"])
            Assert.Contains(word, output);
        (code, output, _) = Run([.. Columns(path), "--json"]);
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.Equal("chinchilla", json.RootElement.GetProperty("form").GetString());
        Assert.Equal(1.7, json.RootElement.GetProperty("parameters")[2].GetProperty("estimate").GetProperty("value").GetDouble(), 1e-3);
        Assert.Contains("over-training", Run([.. Columns(path), "--form", "all"]).Out);
        Assert.Contains("for a new run", Run([.. Columns(path), "--at", "1e16"]).Out);
    }

    [Theory]
    [InlineData("n,d,loss\n1,2,3\n1,x,3\n", "line 3, column 'd': 'x' is not a number")]
    [InlineData("n,d,loss\n1,,3\n", "line 2, column 'd': an empty cell is not a number")]
    [InlineData("n,d,loss\n1,2,nan\n", "no row is left to fit: rows left out: 1 without a finite value")]
    [InlineData("n,d,loss\n", "no row is left to fit")]
    [InlineData("n,d,loss\r", "no row is left to fit")]
    [InlineData("n,d,loss\n1,2,x\n", "line 2, column 'loss': 'x' is not a number")]
    [InlineData("n,d,loss\n1,2\n", "line 2 has 2 cells, the header 3")]
    [InlineData("n,d\n1,2\n", "no column 'loss'; here there are: n, d")]
    [InlineData("n,d,loss\n1,\"2,3\n", "a quote that does not end")]
    [InlineData("n,d,\"loss\n1,2,3\n", "line 1: a quote that does not end")]
    [InlineData("n,d,loss\n1,2,3\n\n\"1\n\",2,3\n1,5\" pipe,3\n", "line 6: a quote that does not end")]
    [InlineData("", "is empty")]
    [InlineData("n,d,loss\n\"a\nb\",1,2\n4,5,?\n", "line 2, column 'n'")]
    [InlineData("n,d,loss\n1,2,-3\n1,2,3\n", "loss = -3 must be positive")]
    public void A_table_that_cannot_be_used_is_one_line_and_exit_code_2(string text, string message)
    {
        (int code, string output, string error) = Run("fit", "--table", Write("t.csv", text), "--n", "n", "--d", "d", "--loss", "loss");
        Assert.Equal((2, "", 1), (code, output, error.TrimEnd().Split('\n').Length));
        Assert.Contains(message, error);
    }

    [Theory]
    [InlineData("give a study or --table", "fit")]
    [InlineData("no such file", "fit", "nothing")]
    [InlineData("cannot be read", "fit", "--table", "/no/such.csv", "--n", "n", "--d", "d", "--loss", "l")]
    [InlineData("no law form 'parabola'; there are: chinchilla", "fit", "nothing", "--form", "parabola")]
    [InlineData("--flops '-1' must be a number, not negative", "optimal", "--flops", "-1")]
    [InlineData("--flops 0 must be positive", "optimal", "--flops", "0")]
    [InlineData("--flops 1E+308 must be positive, and at most 1e30", "optimal", "--flops", "1e308")]
    [InlineData("--loss loss names a column of --table FILE", "fit", "nothing", "--loss", "loss")]
    [InlineData("give PFLOP/s or one of", "optimal", "--flops", "1e21", "--gpu", "abacus")]
    [InlineData("must be above 0", "optimal", "--flops", "1e21", "--mfu", "2")]
    [InlineData("neither a file nor a fitted study", "optimal", "--flops", "1e21", "--law", "none")]
    [InlineData("a number", "optimal", "--flops", "much")]
    public void A_mistake_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.Equal((2, "", 1), (code, output, error.TrimEnd().Split('\n').Length));
        Assert.Contains(message, error);
    }

    [Fact]
    public void Rows_without_a_loss_are_left_out_and_conditions_choose_rows()
    {
        string path = Write("w.tsv", "Step\trun\tloss\n1\ta\t\n2\ta\t3\n4\tb\t2\n8\ta\t1.5\n");
        var table = new ObservationTable(path);
        Assert.Equal([2.0, 4, 8], table.Observations(new() { X = "step", Loss = "loss" }).Select(p => p.X));
        Assert.Equal(1, table.Skipped);
        Assert.Equal([2.0, 8], table.Observations(new() { X = "Step", Loss = "loss", Where = ["run=a"] }).Select(p => p.X));
        Assert.Equal([4.0], table.Observations(new() { X = "Step", Loss = "loss", Where = ["run!=a", "Step>=4"] }).Select(p => p.X));
        Assert.Equal([2.0], table.Observations(new() { X = "Step", Loss = "loss", Where = ["Step<3"] }).Select(p => p.X));
        Assert.Throws<ConfigException>(() => table.Observations(new() { X = "Step", Loss = "loss", Where = ["Step"] }));
        Assert.Throws<ConfigException>(() => table.Observations(new() { N = "Step", Loss = "loss" }));
    }

    [Theory]
    [InlineData("\uFEFFx;name;l\r\n1;\"a;\"\"b\"\"\";2\r\n\r\n")]
    [InlineData(" x \tname\tl\n1\t \"a;\"\"b\"\"\" \t 2 ")]
    [InlineData("x|name|l\r1|a;\"b\"|2\r")]
    [InlineData("\"x\",name,l\n1,\"a;\"\"b\"\"\",\"2\"")]
    public void A_table_may_be_separated_and_quoted_in_several_ways(string text)
    {
        Observation p = new ObservationTable(Write("s.csv", text)).Observations(new() { X = "x", Loss = "l", Name = "name" }).Single();
        Assert.Equal((1, 2, "a;\"b\""), (p.X, p.Loss, p.Name));
    }

    [Fact]
    public void Two_of_N_D_and_C_give_the_third()
    {
        var table = new ObservationTable(Write("c.csv", "n,d,c,l\n10,20,1200,3\n"));
        foreach (TableColumns map in (TableColumns[])[new() { N = "n", D = "d" }, new() { N = "n", C = "c" }, new() { D = "d", C = "c" }])
        {
            Observation p = table.Observations(map with { Loss = "l" }).Single();
            Assert.Equal((10.0, 20.0, 1200.0, 20.0), (p.N, p.D, p.C, p.Unique));
        }
    }

    [Fact]
    public void A_studys_law_is_written_and_splits_a_budget()
    {
        var lines = new List<string>
        {
            "run,phase,budget,d_model,n_layer,parameters,non_embedding,parameters_without_embedding,tokens,flops,loss,bits_per_byte,unique_tokens," +
                "epochs,seed,trunk,steps,law,seconds",
        };
        for (int i = 0; i < 6; i++)
            foreach (double ratio in (double[])[5, 20, 80])
                for (int seed = 0; seed < 2; seed++)
                {
                    double n = 1e5 * Math.Pow(3, i), d = ratio * n, noise = 1 + 0.003 * new Rng(1, RandomPurpose.Test, seed, lines.Count).NextNormal();
                    lines.Add(string.Create(CultureInfo.InvariantCulture,
                        $"r{lines.Count},ladder,1e15,64,2,{1.5 * n:R},{0.8 * n:R},{n:R},{d:R},{6.6 * n * d:R},{Loss(n, d) * noise:R},1.5,{d:R}," +
                        $"1,{seed},t{i}-{seed},300,true,{6.6 * n * d / 1e11:R}"));
                }
        lines.Add("odd,tune,1e15,64,2,1e5,1e5,1e5,1e6,1e12,99,1.5,1e6,1,0,t,300,false,10");
        Write("studies/ladder/results.csv", string.Join('\n', lines));
        (int code, string output, string error) = Run("fit", "ladder", "--bootstraps", "40");
        Assert.True(code == 0, error);
        Assert.Contains("36 in 12 groups", output);
        Assert.Contains("N = parameters_without_embedding", output);
        Assert.Contains("here", output.Split('\n').Single(l => l.StartsWith("next point")));

        Law law = Law.Load(Path.Combine(home, "studies", "ladder", "law.json"));
        Assert.Equal(6.6, law.FlopsPerNd, 1e-9);
        Assert.Equal(Resampling.Residuals, law.Resampling);
        (code, output, _) = Run("optimal", "--flops", "1e16", "--law", "ladder", "--gpu", "0.001", "--mfu", "0.5", "--price", "2");
        Assert.Equal(0, code);
        foreach (string word in (string[])["ladder", "Hoffmann", "Besiroglu", "Kaplan", "parameters_without_embedding"]) Assert.Contains(word, output);
        (_, output, _) = Run("optimal", "--flops", "3.6e15", "--law", "ladder", "--gpu", "0.001", "--mfu", "0.5", "--price", "2", "--json");
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.Equal(2, json.RootElement.GetProperty("gpu_hours").GetDouble(), 1e-9);              // 3.6e15 / 5e11 / 3600
        Assert.Equal(4, json.RootElement.GetProperty("money").GetDouble(), 1e-9);
        Assert.Equal(4, json.RootElement.GetProperty("laws").GetArrayLength());

        Assert.Contains("N = parameters", Run("fit", "ladder", "--n", "parameters", "--bootstraps", "0").Out);
        Assert.Equal(2, Run("fit", "ladder", "--where", "tokens<1e6", "--at", "1e16").Code);
        (code, _, error) = Run("optimal", "--flops", "1e16", "--law", "ladder");
        Assert.Equal(2, code);
        Assert.Contains("not identified", error);
    }

    [Fact]
    public void Two_steps_from_a_table()
    {
        var lines = new List<string> { "n,d,bpb,acc" };
        for (int i = 0; i < 6; i++)
            foreach (double ratio in (double[])[5, 20, 80])
            {
                double n = 1e5 * Math.Pow(3, i), d = ratio * n, l = Loss(n, d);
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{n:R},{d:R},{l:R},{0.7 / (1 + Math.Exp(l - 9)) + 0.25:R}"));
            }
        string path = Write("s.csv", string.Join('\n', lines));
        (int code, string output, string error) = Run("fit", "--table", path, "--form", "two-step", "--n", "n", "--d", "d", "--loss", "bpb",
            "--y", "acc", "--bootstraps", "0");
        Assert.True(code == 0, error);
        Assert.Contains("step 2", output);
        Assert.Contains("x0", output);
        Assert.Equal(2, Run("fit", "--table", path, "--form", "two-step", "--n", "n", "--d", "d", "--loss", "bpb").Code);
        (code, output, _) = Run("fit", "--table", path, "--form", "two-step", "--n", "n", "--d", "d", "--loss", "bpb",
            "--y", "acc", "--bootstraps", "0", "--at", "1e14");
        Assert.Equal(0, code);
        Assert.StartsWith("at 1e14", output.TrimEnd().Split('\n')[^1]);
    }


    [Fact]
    public void Every_verdict_has_a_next_point()
    {
        static string Next(string output) => output.Split('\n').Single(l => l.StartsWith("next point"));
        string path = Write("t.csv", Table());
        string[] heads = Run([.. Columns(path), "--form", "all"]).Out.Split('\n');
        Assert.Contains("next point", heads[0]);
        Assert.All(heads.Skip(1).Where(l => l.Length > 0), l => Assert.Contains(" FLOPs ", l));
        Assert.Equal("any first run", Law.Fit(LawForms.Chinchilla, []).Verdict.Next.Why);
        string loss = Write("s.csv", "bpb,acc\n" + string.Join('\n', Enumerable.Range(0, 12).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{0.5 + 0.1 * i},{0.25 + 0.6 / (1 + Math.Exp(6 * (0.1 * i - 0.5)))}"))));
        Assert.DoesNotContain("x =", Next(Run("fit", "--table", loss, "--form", "task-sigmoid", "--x", "bpb", "--y", "acc",
            "--bootstraps", "0").Out));
    }

    [Theory]
    [InlineData("--out writes one law", "--form", "all", "--out", "law.json")]
    [InlineData("--out writes one law", "--form", "two-step", "--y", "loss", "--out", "law.json")]
    [InlineData("--at asks one law", "--form", "all", "--at", "1e16")]
    public void What_would_be_ignored_is_refused(string message, params string[] more)
    {
        (int code, string output, string error) = Run([.. Columns(Write("t.csv", Table())), .. more]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(message, error);
    }

    [Fact]
    public void Another_table_is_predicted_at_any_N_and_D()
    {
        string path = Write("t.csv", Table()), other = Write("o.csv", "\"Model, size\",tokens,\"val \"\"loss\"\"\"\n3e7,2e8,2.5\n1e6,5e7,\n1e14,1e9,2\n");
        (int code, string output, string error) = Run([.. Columns(path), "--predict", other, "--at", "N=3e6,D=2e7"]);
        Assert.True(code == 0, error);
        string[] lines = output.Split('\n');
        string said = LawText.Number(Loss(3e6, 2e7));
        Assert.StartsWith($"at N=3e6,D=2e7  {said}", lines.Single(l => l.StartsWith("at ")));
        Assert.Contains("2 rows of", lines.Single(l => l.StartsWith("predicted")));
        Assert.Contains("N or D", lines.Single(l => l.StartsWith("range")));
        Assert.Contains("line 4: N = 1e14", lines.Single(l => l.StartsWith("left out")));
        Assert.Contains("1 above", lines.Single(l => l.StartsWith("errors")).Replace("0 above", "1 above"));
        Assert.StartsWith("coverage", lines.Single(l => l.StartsWith("coverage")));
        Assert.Contains("nothing to hold predictions against", Run([.. Columns(path), "--predict", Write("q.csv", "\"Model, size\",tokens\n3e6,2e7\n")]).Err);
        (code, output, error) = Run([.. Columns(path), "--predict", Write("w.csv", "size,tokens,loss\n3e6,2e7,2\n")]);
        Assert.Equal((2, "", 1), (code, output, error.TrimEnd().Split('\n').Length));
        Assert.Contains("no column 'Model, size'", error);
    }

    [Fact]
    public void Known_parameters_are_given_and_shown()
    {
        string path = Write("t.csv", Table());
        (int code, string output, string error) = Run([.. Columns(path), "--fix", "E=1.7", "--prior", "alpha=.34±.02"]);
        Assert.True(code == 0, error);
        Assert.Equal(2, output.Split('\n').Count(l => l.StartsWith("known")));
        Assert.Equal(2, Run([.. Columns(path), "--fix", "Q=1"]).Code);
        Assert.Equal(2, Run([.. Columns(path), "--form", "all", "--fix", "E=1"]).Code);
    }

    [Fact]
    public void A_published_law_that_does_not_reach_so_far_says_so()
    {
        foreach ((string flops, string why) in ((string, string)[])[("1e28", "times the largest point"), ("1e12", "of the smallest point")])
        {
            (int code, string output, _) = Run("optimal", "--flops", flops);
            Assert.Equal(0, code);
            foreach (string law in (string[])["Hoffmann", "Besiroglu", "Kaplan"])
                Assert.Contains(why, output.Split('\n').Single(l => l.StartsWith(law)));
            Assert.DoesNotContain("N*", output);
        }
    }
}
