using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Emergence;
using Xunit;

namespace Isoflop.Tests.Emergence;

public sealed class MapTableTests : IDisposable
{
    readonly string home = Directory.CreateTempSubdirectory("isoflop-map-table-").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    string Written(params string[] lines)
    {
        string path = Path.Combine(home, "t.csv");
        File.WriteAllLines(path, lines);
        return path;
    }

    (int Code, string Out, string Err) Run(params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(["map", .. args, "--home", home], [MapCommand.Create()], output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Seven budgets, five seeds, three tasks: one flat, one that rises evenly, one that jumps at 10^11.75.</summary>
    string Planted()
    {
        var rng = new Rng(1, RandomPurpose.Test);
        List<string> lines = ["task,flops,seed,accuracy,answer_nll,items,chance"];
        foreach (string task in (string[])["flat", "even", "jump"])
            for (double x = 10; x <= 13; x += 0.5)
                for (int seed = 1; seed <= 5; seed++)
                {
                    double nll = task switch { "flat" => 1.4, "even" => 2.3 - 0.7 * (x - 10), _ => x < 11.75 ? 2.3 : 0.3 };
                    nll += 0.05 * rng.NextNormal();
                    lines.Add(FormattableString.Invariant($"{task},{Math.Pow(10, x)},{seed},{Math.Exp(-nll)},{nll},400,0"));
                }
        return Written([.. lines]);
    }

    [Fact]
    public void Classes_of_a_table_are_what_was_planted()
    {
        CapabilityMap map = CapabilityMap.OfTable(Planted(), new(), []);
        Assert.Equal([TaskClass.Flat, TaskClass.Smooth, TaskClass.Sudden], map.Findings.Select(f => f.Class));
        Assert.InRange(map.Findings[2].Break!.Value.At, 11.5, 12);
        Assert.All(map.Curves.SelectMany(c => c.Rungs), r => Assert.Equal((5, 400), (r.Seeds.Count, r.Items)));
        // The table by seed is the map again.
        string again = Path.Combine(home, "again.csv");
        map.ToSeedTable().WriteCsv(again);
        Assert.Equal(map.Findings, CapabilityMap.OfTable(again, new(), []).Findings);
    }

    [Fact]
    public void A_column_a_task_and_runs_of_about_the_same_work_as_seeds()
    {
        // As tables of finished models are: no seeds, no two of the same compute, a column a benchmark.
        string path = Written("model,FLOPs (1E21),mmlu,arc", "a,1.0,0.30,0.20", "b,1.2,0.32,0.22", "c,9,0.50,", "d,11,0.52,0.5", "secret,,0.6,0.6");
        MapColumns columns = new() { Flops = "FLOPs (1E21)", Accuracy = ["mmlu", "arc"], Items = "1000", Chance = "0.25", PerDecade = 1 };
        List<string> notes = [];
        CapabilityMap map = CapabilityMap.OfTable(path, columns, notes);
        Assert.Equal(["mmlu", "arc"], map.Curves.Select(c => c.Task));
        Assert.Equal([2, 2, 2, 1], map.Curves.SelectMany(c => c.Rungs).Select(r => r.Seeds.Count));
        Assert.Equal(Math.Sqrt(1.2), map.Curves[0].Rungs[0].Flops / 1e21, 1e-9);             // geometric mean
        Assert.Equal((0.31 - 0.25) / 0.75, map.Curves[0].Rungs[0].Ability.Mean, 1e-12);
        Assert.Equal(["column 'FLOPs (1E21)' is taken as 1e21 FLOPs, as its name says", "left out: 1 rows without FLOPs", "left out: 1 without an accuracy"], notes);
        Assert.All(map.Findings, f => Assert.Equal((TaskClass.Rising, "a break needs 5 budgets"), (f.Class, f.Untested)));
        // Var = Var_seeds/2 + p(1 − p)/n, by hand.
        Assert.Equal(Math.Sqrt(0.0002 / 2 + 0.31 * 0.69 / 1000), map.Curves[0].Rungs[0].Accuracy.Error, 1e-12);
    }

    [Fact]
    public void All_right_is_no_certainty()
    {
        string[] Rows(int items) => ["flops,seed,accuracy,items", .. from x in (double[])[1e10, 1e11, 1e12]
            from s in (int[])[1, 2, 3] select FormattableString.Invariant($"{x},{s},{(x < 1e11 ? 0.1 : 1)},{items}")];
        CapabilityMap Of(int items) => CapabilityMap.OfTable(Written(Rows(items)), new(), []);
        Assert.Null(Of(40).Findings[0].SaturatedAt);
        Assert.Equal(1e11, Of(60).Findings[0].SaturatedAt);
        (double low, double high) = Of(60).Curves[0].Rungs[^1].AccuracyRange(0.95);
        Assert.Equal((Math.Pow(0.025, 1 / 60.0), 1), (Math.Round(low, 12), high), (a, b) => Math.Abs(a.Item1 - b.Item1) < 1e-9 && a.Item2 == b.Item2);
    }

    [Theory]
    [InlineData("line 3, column 'accuracy': 71.3 is no share", "flops,accuracy,items", "1e10,0.3,60", "1e11,71.3,60")]
    [InlineData("no column 'items'; without their number an accuracy has no error", "flops,accuracy", "1e10,0.3", "1e11,0.4")]
    [InlineData("line 2: 0 items must be a whole number", "flops,accuracy,items", "1e10,0.3,0")]
    [InlineData("line 2: 12.5 items must be a whole number", "flops,accuracy,items", "1e10,0.3,12.5")]
    [InlineData("line 2: chance 25 must be from 0 to below 1", "flops,accuracy,items,chance", "1e10,0.3,60,25")]
    [InlineData("column 'answer_nll': -2.1 is below 0", "flops,accuracy,items,answer_nll", "1e10,0.3,60,-2.1")]
    [InlineData("column 'flops': -1 FLOPs must be above 0", "flops,accuracy,items", "-1,0.3,60")]
    [InlineData("and seed 1 again, as line 2", "task,flops,seed,accuracy,items", "a,1e10,1,0.3,60", "a,1e10,1,0.4,60")]
    [InlineData("if it is another seed, name the column", "task,flops,accuracy,items", "a,1e10,0.3,60", "a,1e10,0.3,60")]
    [InlineData("no row has an accuracy", "flops,accuracy,items", "1e10,,60")]
    [InlineData("no column 'flops'", "compute,accuracy,items", "1e10,0.3,60")]
    public void Bad_tables_are_refused_in_one_line(string said, params string[] lines)
    {
        (int code, string output, string error) = Run("--table", Written(lines));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(said, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void Too_many_budgets_are_to_be_grouped()
    {
        string path = Written(["flops,accuracy,items", .. Enumerable.Range(0, 30).Select(i => FormattableString.Invariant($"{1e20 * (1 + i)},0.{10 + i},60"))]);
        (int code, _, string error) = Run("--table", path);
        Assert.Equal(2, code);
        Assert.Contains("30 different FLOPs", error);
        Assert.Equal(0, Run("--table", path, "--per-decade", "2").Code);
    }

    [Fact]
    public void The_command_maps_a_table_and_draws_it()
    {
        string path = Planted(), folder = Path.Combine(home, "drawn");
        (int code, string output, _) = Run("--table", path, "--folder", folder, "--calibrate", "2");
        Assert.Equal(0, code);
        Assert.Contains("sudden", output);
        Assert.Contains("a step of 1 nats within 0.5 decades", output);
        Assert.Equal(["map-ability.svg", "map-likelihood.svg", "map-seeds.csv", "map.csv", "map.svg"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        System.Xml.Linq.XDocument.Parse(File.ReadAllText(Path.Combine(folder, "map.svg")));
        Assert.Equal(2, Run("--table", path, "some-study").Code);
        Assert.Equal(2, Run("some-study", "--accuracy", "mmlu").Code);
        Assert.Equal(2, Run().Code);
    }
}
