using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tests.Train;
using Xunit;

namespace Isoflop.Tests.Studies;

public class StudyCommandsTests
{
    static (int Code, string Out, string Err) Run(TinyHome home, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path],
        [
            LadderCommand.Create(), ForecastCommand.Create(), ForecastCommand.CreateScore(), ReportCommand.Create(),
            DuelCommand.Create(), BottleneckCommand.Create(), FitCommand.Create(),
        ], output, error);
        return (code, output.ToString(), error.ToString());
    }

    static string Recipe(TinyHome home, string name, string more = "")
    {
        string path = Path.Combine(home.Path, name + ".json");
        File.WriteAllText(path, $$"""
            { "corpus": "tiny", "settings": ["model.context_len=32"{{more}}], "widths": [8, 16, 24], "min_steps": 20, "max_epochs": 100,
              "tokens_per_parameter": 1, "spacing": 4, "rungs": [{ "budgets": "1e8,3e8,1e9", "seeds": 2, "sizes": 2 }] }
            """);
        return path;
    }

    [Fact]
    public void From_a_recipe_to_a_ladder_a_forecast_a_score_and_a_report()
    {
        using var home = new TinyHome();
        string recipe = Recipe(home, "t");
        (int code, string output, _) = Run(home, "ladder", recipe, "--plan");
        Assert.Equal(0, code);
        Assert.Contains("12 runs to train of 12", output);
        Assert.False(Directory.Exists(Path.Combine(home.Path, "runs")));

        (code, output, string error) = Run(home, "ladder", recipe, "--yes");
        Assert.Equal(0, code);
        Assert.Contains("12 runs", output);
        Assert.Contains("12 of 12 runs", error);
        (code, output, _) = Run(home, "forecast", "t", "--flops", "3e9", "--json");
        if (code == 0)                                            // twelve noisy runs need not identify a law; refusing is one line
        {
            Assert.Equal(1, JsonDocument.Parse(output).RootElement.GetProperty("id").GetInt32());
            (code, output, _) = Run(home, "score", "t");
            Assert.Equal(0, code);
            Assert.Contains("measured", output);
        }
        Assert.Equal(0, Run(home, "forecast", "t", "--backtest").Code);
        (code, output, _) = Run(home, "report", "t");
        Assert.Equal(0, code);
        Assert.Contains("report.html", output);
    }

    [Fact]
    public void The_table_of_a_ladder_with_trunks_has_the_branches_alone()
    {
        using var home = new TinyHome();
        (int code, string output, _) = Run(home, "ladder", Recipe(home, "t"), "--trunks", "--yes");
        Assert.Equal(0, code);
        Assert.Contains("saved", output);
        string[] table = [.. output.Split('\n').SkipWhile(line => !line.Contains("± seeds")).Skip(1).Take(6)];
        Assert.All(table, line => Assert.True(line.Contains("e8") || line.Contains("e9"), line));
        Assert.DoesNotContain(table, line => line.Contains("trunk"));
    }

    [Fact]
    public void A_duel_trains_what_is_missing_and_compares()
    {
        using var home = new TinyHome();
        string a = Recipe(home, "a"), b = Recipe(home, "b", ", \"model.qk_norm=false\"");
        Assert.Equal(2, Run(home, "duel", a, b).Code);             // nobody said yes
        (int code, string output, _) = Run(home, "duel", a, b, "--yes", "--json");
        Assert.Equal(0, code);
        JsonElement duel = JsonDocument.Parse(output).RootElement;
        Assert.Equal(("a", "b", 3), (duel.GetProperty("a").GetString(), duel.GetProperty("b").GetString(),
            duel.GetProperty("points").GetArrayLength()));
        (code, output, string error) = Run(home, "duel", "a", "b");
        Assert.Equal((0, ""), (code, error));                      // nothing is trained again
        Assert.Contains("multiplier", output);
        Assert.DoesNotContain("NaN", output);                      // what is not known is a dash
        (code, output, _) = Run(home, "ladder", a, "--plan", "--json");
        Assert.Equal((0, "a"), (code, JsonDocument.Parse(output.Split('\n')[0]).RootElement.GetProperty("name").GetString()!.Split('.')[0]));
        (code, output, _) = Run(home, "bottleneck", "a", "--at", "1e8", "--seeds", "2", "--yes");
        Assert.Equal(0, code);
        Assert.Contains("learning rate", output);
        (code, output, _) = Run(home, "bottleneck", "a", "--at", "1e8", "--seeds", "1", "--yes");
        Assert.Equal((0, false, true), (code, output.Contains("NaN"), output.Contains("unclear")));
        Assert.DoesNotContain("inside the noise", output);         // nobody knows how large it is
    }

    [Theory]
    [InlineData("study 'nil': there is none of that name", "report", "nil")]
    [InlineData("study 'nil': there is none of that name", "forecast", "nil", "--flops", "1e12")]
    [InlineData("study 'nil': there is none of that name", "score", "nil")]
    [InlineData("study='../nil' becomes a folder", "fit", "../nil")]
    [InlineData("study='../nil' becomes a folder", "report", "../nil")]
    [InlineData("study='../nil' becomes a folder", "forecast", "../nil", "--flops", "1e12")]
    [InlineData("study 'nil': there is none of that name", "bottleneck", "nil")]
    [InlineData("study 'nil': there is none of that name", "duel", "nil", "nil")]
    [InlineData("--corpus '' must be named", "ladder", "x", "--budgets", "1e8")]
    [InlineData("no budgets; try --budgets", "ladder", "x", "--corpus", "tiny")]
    [InlineData("--corpus 'nil'", "ladder", "x", "--corpus", "nil", "--budgets", "1e8")]
    [InlineData("--widths 8,x: 'x' is not a whole number", "ladder", "x", "--corpus", "tiny", "--budgets", "1e8", "--widths", "8,x")]
    [InlineData("'seed=3': the ladder sets this itself", "ladder", "x", "--corpus", "tiny", "--budgets", "1e8", "seed=3")]
    [InlineData("no setting 'model.n_haed'", "ladder", "x", "--corpus", "tiny", "--budgets", "1e8", "model.n_haed=3")]
    [InlineData("nil.json: cannot be read", "ladder", "nil.json")]
    [InlineData("study='../x' becomes a folder", "ladder", "../x", "--corpus", "tiny", "--budgets", "1e8")]
    [InlineData("a duel has two sides", "duel", "x")]
    [InlineData("--a and --b go with one name", "duel", "x", "y", "--a", "seed=1")]
    public void A_mistake_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        using var home = new TinyHome();
        (int code, string output, string error) = Run(home, args);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(message, error);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_recipe_with_a_key_of_its_own_is_refused_by_line()
    {
        using var home = new TinyHome();
        string path = Path.Combine(home.Path, "bad.json");
        File.WriteAllText(path, "{\n  \"corpus\": \"tiny\",\n  \"budgtes\": 3\n}");
        (int code, _, string error) = Run(home, "ladder", path);
        Assert.Equal(2, code);
        Assert.StartsWith($"{path}: line 3: ", error);
    }


    [Fact]
    public void A_run_deleted_under_a_study_is_named_and_left_out()
    {
        using var home = new TinyHome();
        Assert.Equal(0, Run(home, "ladder", Recipe(home, "t"), "--yes").Code);
        Assert.Contains("12 in 12 groups", Run(home, "fit", "t", "--bootstraps", "0").Out);
        string run = Directory.GetDirectories(Path.Combine(home.Path, "runs"), "t.3e8.*")[0];
        Directory.Delete(run, recursive: true);
        (_, string output, string error) = Run(home, "fit", "t", "--bootstraps", "0");
        Assert.Contains("11 in 11 groups", output);
        Assert.Contains(Path.GetFileName(run), error);
        Assert.Contains($"1 of 12 planned runs are not there: {Path.GetFileName(run)}", Run(home, "report", "t").Err);

        string record = Path.Combine(home.Path, "studies", "t", "study.json");
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"format_version\": 2", "\"format_version\": 99"));
        (int code, _, error) = Run(home, "fit", "t");
        Assert.Equal(2, code);
        Assert.Contains("format version 99", error);
    }
}
