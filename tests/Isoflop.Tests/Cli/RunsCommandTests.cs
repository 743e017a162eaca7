using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Lab.Tables;
using Isoflop.Store;
using Isoflop.Tests.Report;
using Isoflop.Tests.Train;
using Isoflop.Train;
using Parquet;
using Xunit;

namespace Isoflop.Tests.Cli;

/// <summary>Two runs that are done, one that was stopped, and one that cannot be read.</summary>
public sealed class RunsHome : IDisposable
{
    internal TinyHome Home { get; } = new();

    public RunsHome()
    {
        Home.Train("name=decades.a", "train.steps=4");
        Home.Train("name=decades.b", "train.steps=6", "model.d_model=32", "seed=18446744073709551615");
        Home.TrainUntil(2, "name=other", "train.steps=5");
        Directory.CreateDirectory(Home.RunPath("wreck"));
        File.WriteAllText(Path.Combine(Home.RunPath("wreck"), RunRecord.FileName), "{ \"format_version\": 7 }");
    }

    public void Dispose() => Home.Dispose();
}

public sealed class RunsCommandTests(RunsHome shared) : IClassFixture<RunsHome>, IDisposable
{
    RunsHome? own;

    /// <summary>The shared one, to read; a test that changes it takes its own.</summary>
    TinyHome home = shared.Home;

    void TakeOwnHome() => home = (own = new()).Home;

    public void Dispose() => own?.Dispose();

    (int Code, string Out, string Err) Run(params string[] args) => Answered(null, args);

    /// <summary>With somebody at the terminal who gives an answer.</summary>
    (int Code, string Out, string Err) Answered(string? answer, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run([.. args, "--home", home.Path], [RunsCommand.Create()], output, error, terminal: answer is not null,
            input: answer is null ? null : new StringReader(answer));
        return (code, output.ToString(), error.ToString());
    }

    string[] Chosen(params string[] args)
    {
        (int code, string output, string error) = Run(["runs", .. args, "--json"]);
        Assert.Equal((0, args.Contains("loss<0") ? "loss is that of the last step's batch; valid_loss is of held-out text" : ""),
            (code, error.TrimEnd()));
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonDocument.Parse(l).RootElement.GetProperty("name").GetString()!)];
    }

    void Mistake(string message, params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(message, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("decades.a decades.b", "decades.*")]
    [InlineData("decades.b other", "*.b", "oth??")]
    [InlineData("decades.a", "--where", "model.d_model=16", "--where", "status=done")]
    [InlineData("decades.b", "--where", "d_model>16")]
    [InlineData("decades.b", "--where", "steps>=6")]
    [InlineData("decades.a other", "--where", "model.d_model<=16")]
    [InlineData("other wreck", "--where", "status!=done")]
    [InlineData("decades.a decades.b", "--where", "name=dec*", "--where", "corpus=tiny", "--where", "created>2020-01-01")]
    [InlineData("decades.b", "--where", "seed=18446744073709551615")]
    [InlineData("other", "--where", "tokens<3e2")]
    [InlineData("decades.b decades.a other wreck", "--sort", "tokens", "--descending")]
    [InlineData("other decades.a decades.b wreck", "--sort", "tokens")]
    [InlineData("", "--where", "loss<0")]
    public void Runs_are_chosen_by_name_and_by_what_they_are(string names, params string[] args) =>
        Assert.Equal(names, string.Join(' ', args.Contains("--sort") ? Chosen(args) : [.. Chosen(args).Order()]));

    [Fact]
    public void Runs_of_a_study_are_one_line_unless_they_are_asked_for()
    {
        TakeOwnHome();
        Directory.CreateDirectory(Path.Combine(home.Path, "studies", "decades"));
        string text = Run("runs").Out;
        Assert.Contains("\ndecades.*", text);
        Assert.Contains("2 done", text);
        Assert.DoesNotContain("decades.a", text);
        Assert.Contains("other", text);
        foreach (string[] asked in (string[][])[["runs", "--all"], ["runs", "decades.*"], ["runs", "--sort", "loss"]])
            Assert.Contains("decades.a", Run(asked).Out);
    }

    [Fact]
    public void Columns_are_shown_that_were_asked_for()
    {
        string[] lines = Run("runs", "decades.*", "--columns", "name,d_model,status", "--sort", "d_model").Out
            .Split('\n').Select(l => l.TrimEnd()).ToArray();
        Assert.Equal(["name       model.d_model  status", "decades.a             16  done", "decades.b             32  done", ""],
            lines);
        Assert.Contains("none of 1 runs", Run("runs", "other", "--where", "status=done").Err);
    }

    [Theory]
    [InlineData("no column 'lsos'; there are: name, ", "--where", "lsos<3")]
    [InlineData("one of = != < <= > >=", "--where", "loss")]
    [InlineData("loss is a number and 'low' is none", "--where", "loss<low")]
    [InlineData("loss is a number and '3,5' is none", "--where", "loss<3,5")]
    [InlineData("status is text and is compared with", "--where", "status<done")]
    [InlineData("no column 'nme'", "--columns", "nme")]
    [InlineData("'none*': no run in", "none*")]
    [InlineData("--steps needs a place", "--steps")]
    public void A_mistake_is_one_line_and_exit_code_2(string message, params string[] args) =>
        Mistake(message, ["runs", .. args]);

    [Fact]
    public async Task Runs_are_exported_with_every_setting_a_row_each()
    {
        string csv = Path.Combine(home.Path, "tables", "runs.csv"), parquet = Path.ChangeExtension(csv, ".parquet");
        Assert.Equal((0, ""), Run("runs", "--csv", csv, "--parquet", parquet, "--sort", "name") is var r ? (r.Code, r.Out) : default);
        List<List<string?>> rows = TableTests.ParseCsv(await File.ReadAllTextAsync(csv, Token));
        string[] head = [.. rows[0].Select(h => h!)];
        foreach (Setting setting in Config.Settings)
            Assert.Contains(setting.Key == "flops" ? "config.flops" : setting.Key, head);
        Assert.Equal(head.Length, head.Distinct().Count());
        Assert.Equal(5, rows.Count);
        Dictionary<string, string?> a = head.Zip(rows[1]).ToDictionary(p => p.First, p => p.Second);
        Assert.Equal(("decades.a", "4", "16", "0.02", "512"),
            (a["name"], a["step"], a["model.d_model"], a["train.learning_rate"], a["tokens"]));
        Assert.Equal(RunFolder.ReadSteps(home.RunPath("decades.a"))[^1].Flops, double.Parse(a["flops"]!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(a["flops"], a["ledger.train.flops"]);
        Assert.Equal("0", a["ledger.sample.flops"]);
        Dictionary<string, string?> wreck = head.Zip(rows[4]).ToDictionary(p => p.First, p => p.Second);
        Assert.Equal(("wreck", "broken", null, null), (wreck["name"], wreck["status"], wreck["step"], wreck["model.d_model"]));

        await using FileStream file = File.OpenRead(parquet);
        await using ParquetReader reader = await ParquetReader.CreateAsync(file, cancellationToken: Token);
        Assert.Equal(head, reader.Schema.DataFields.Select(f => f.Name));
        using ParquetRowGroupReader group = reader.OpenRowGroupReader(0);
        long?[] widths = new long?[group.RowCount];
        await group.ReadAsync<long>(reader.Schema.DataFields[Array.IndexOf(head, "model.d_model")], widths, cancellationToken: Token);
        Assert.Equal([16, 32, 16, null], widths);
    }

    [Fact]
    public void Steps_are_exported_a_row_each()
    {
        string[] rows = Run("runs", "decades.*", "--steps", "--csv", "-").Out.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("run,step,tokens,flops,loss,learning_rate,", rows[0]);
        Assert.Equal(4 + 6, rows.Length - 1);
        StepRow first = RunFolder.ReadSteps(home.RunPath("decades.a"))[0];
        Assert.StartsWith(FormattableString.Invariant($"decades.a,1,128,{first.Flops},{first.Loss},"), rows[1]);
        Assert.EndsWith(",,", rows[1]);
        ValidRow last = RunFolder.ReadValid(home.RunPath("decades.a"))[^1];
        Assert.EndsWith(FormattableString.Invariant($",{last.Loss},{last.BitsPerByte}"), rows[4]);
        Assert.Equal(2, Run("runs", "other", "--steps", "--json", "--columns", "run,loss").Out.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void Two_runs_are_compared()
    {
        string[] lines = Run("runs", "diff", "decades.a", "decades.b").Out.Split('\n');
        Assert.Contains(lines, l => l.StartsWith("model.d_model ") && l.Contains(" 16 ") && l.TrimEnd().EndsWith(" 32"));
        Assert.Contains(lines, l => l.StartsWith("tokens ") && l.TrimEnd().EndsWith("×1.5"));
        Assert.DoesNotContain(lines, l => l.StartsWith("model.n_layer") || l.StartsWith("name") || l.StartsWith("train.beta1"));
        Assert.Contains("no setting differs", Run("runs", "diff", "other", "other").Out);
        JsonElement row = Run("runs", "diff", "decades.a", "decades.b", "--json").Out.Split('\n')
            .Where(l => l.Length > 0).Select(l => JsonDocument.Parse(l).RootElement)
            .Single(r => r.GetProperty("what").GetString() == "model.d_model");
        Assert.Equal((16, 32, "setting"),
            (row.GetProperty("a").GetInt32(), row.GetProperty("b").GetInt32(), row.GetProperty("kind").GetString()));
        Mistake("'nobody': no run in", "runs", "diff", "other", "nobody");
    }

    [Fact]
    public void Runs_are_deleted_only_when_that_was_confirmed()
    {
        TakeOwnHome();
        Mistake("give --yes", "runs", "delete", "decades.*");
        (int code, string output, string error) = Answered("n\n", "runs", "delete", "decades.*");
        Assert.Equal((0, ""), (code, output));
        Assert.Contains("delete 2 runs", error);
        Assert.Contains("decades.a  done", error);
        Assert.EndsWith("nothing was deleted" + Environment.NewLine, error);
        Assert.Equal(4, Chosen().Length);
        Assert.Equal("decades.a", Answered("yes\n", "runs", "delete", "decades.a").Out.TrimEnd());
        Assert.Equal(0, Run("runs", "delete", "w*", "decades.b", "--yes").Code);
        Assert.Equal(["other"], Chosen());
        Assert.Equal(["other"], Directory.GetFileSystemEntries(Path.Combine(home.Path, "runs")).Select(p => Path.GetFileName(p)));
    }

    [Fact]
    public void A_run_that_a_process_holds_stays_and_so_do_those_named_with_it()
    {
        TakeOwnHome();
        using (FolderLock.Take(home.RunPath("other"), TimeProvider.System))
            Mistake("is being written by process", "runs", "delete", "*", "--yes");
        Assert.Equal(4, Chosen().Length);
        Assert.Equal(0, Run("runs", "delete", "other", "--yes").Code);
    }

    [Fact]
    public void A_run_that_a_study_refers_to_is_deleted_by_force_alone()
    {
        TakeOwnHome();
        string study = Path.Combine(home.Path, "studies", "decades");
        Directory.CreateDirectory(study);
        Directory.CreateDirectory(Path.Combine(home.Path, "studies", "empty"));
        File.WriteAllText(Path.Combine(study, "study.json"), """{"runs":[{"name":"gone"},{"name":"decades.a","steps":4},7],"x":1}""");
        Mistake("run 'decades.a' belongs to the study 'decades'", "runs", "delete", "decades.*", "--yes");
        Assert.Equal(4, Chosen().Length);
        Assert.Equal(0, Run("runs", "delete", "decades.b", "--yes").Code);
        Assert.Equal(0, Run("runs", "delete", "decades.a", "--yes", "--force").Code);
        File.WriteAllText(Path.Combine(study, "study.json"), "{");
        Mistake("study.json: cannot be read", "runs", "delete", "other", "--yes");
    }

    [Fact]
    public void What_a_killed_deletion_left_is_no_run()
    {
        TakeOwnHome();
        Directory.Move(home.RunPath("other"), home.RunPath(RunFolder.DeletedPrefix + "other-1"));
        Assert.Equal(3, Chosen().Length);
    }

    [Fact]
    public void A_short_name_of_two_columns_is_refused()
    {
        Table table = Table.Of<int>([1], ("a.x", i => i), ("b.x", i => i), ("a.y", i => i), ("y", i => 2));
        Assert.Contains("a.x or b.x", Assert.Throws<ConfigException>(() => TableFilter.ColumnOf(table, "x")).Message);
        Assert.Equal(3, TableFilter.ColumnOf(table, "y"));
    }

    static CancellationToken Token => TestContext.Current.CancellationToken;
}
