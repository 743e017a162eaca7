using System.CommandLine;
using System.Text.Json;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tests.Corpora;
using Xunit;

namespace Isoflop.Tests.Cli;

public sealed class AppTests : CorpusFixture
{
    (int Code, string Out, string Err) Run(params string[] args) => Run(default, [CorpusCommand.Create()], args);

    static (int Code, string Out, string Err) Run(CancellationToken stop, Command[] verbs, params string[] args)
    {
        StringWriter output = new(), error = new();
        int code = App.Run(args, verbs, output, error, terminal: false, stop);
        return (code, output.ToString(), error.ToString());
    }

    static Command Verb(Func<Invocation, int> run)
    {
        var verb = new Verb("do", "Do it.", "isoflop do");
        verb.Runs(run);
        return verb;
    }

    [Theory]
    [InlineData("Unrecognized command or argument 'korpus'; did you mean 'corpus'; see isoflop --help", "korpus")]
    [InlineData("Unrecognized command or argument '--voacb'; did you mean '--vocab'; see isoflop corpus --help", "corpus", "a", "--voacb")]
    [InlineData("Cannot parse argument 'many' for option '--vocab' as a whole number; see isoflop corpus --help", "corpus",
        "--vocab", "many")]
    [InlineData("--valid-share 'x' must be a number, not negative, with a point for decimals; such as 1.5 or 1e9; " +
        "see isoflop corpus --help", "corpus", "--valid-share", "x")]
    [InlineData("--vocab 7 must be from 256 (the bytes alone) to 65536 (two bytes a token)", "corpus", "--vocab", "7")]
    [InlineData("no/such.txt: no such file or folder", "corpus", "a", "no/such.txt")]
    [InlineData("'small.txt' names a file, and a corpus has a name first; try 'isoflop corpus small small.txt'", "corpus", "small.txt")]
    [InlineData("'a.jsonl.zst' names a file, and a corpus has a name first; try 'isoflop corpus a a.jsonl.zst'", "corpus", "a.jsonl.zst", "b")]
    [InlineData("'/usr' is a folder, and a corpus has a name first; try 'isoflop corpus usr /usr'", "corpus", "/usr")]
    [InlineData("'wrold' is nearly the command 'world', and there is no text beside it; a corpus of the documentation must be named " +
        "otherwise; did you mean 'isoflop corpus world'?", "corpus", "wrold")]
    [InlineData("'books.txt' names a file, and a corpus has a name first; try 'isoflop corpus books books.txt'", "corpus", "world", "books.txt")]
    [InlineData("--vocab has no value; give it as --vocab N; see isoflop corpus --help", "corpus", "--vocab")]
    [InlineData("Unrecognized command or argument 'corpsu'; did you mean 'corpus'; see isoflop --help", "corpsu", "--help")]
    [InlineData("Unrecognized command or argument 'corpsu'; did you mean 'corpus'; see isoflop --help", "help", "corpsu")]
    public void A_mistake_is_one_line_on_stderr_and_exit_code_2(string message, params string[] args)
    {
        (int code, string output, string error) = Run([.. args, "--home", Home]);
        Assert.Equal((2, "", message + Environment.NewLine), (code, output, error));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_unusable_file_or_setting_is_one_line_and_exit_code_2(bool data)
    {
        (int code, _, string error) = Run(default, [Verb(_ =>
            throw (data ? new DataException("a\nb") : new ConfigException("a\nb")))], "do");
        Assert.Equal((2, "a b" + Environment.NewLine), (code, error));
    }

    [Fact]
    public void Our_own_mistakes_crash_loudly() =>
        Assert.Throws<InvalidOperationException>(() => Run(default, [Verb(_ => throw new InvalidOperationException())], "do"));

    [Theory]
    [InlineData("--temperature '0,8' must be a number", "sample", "m", "--temperature", "0,8")]
    [InlineData("--flops '1,5e12' must be a number", "optimal", "--flops", "1,5e12")]
    [InlineData("--gflops 'NaN' must be a number", "plan", "--gflops", "NaN")]
    [InlineData("--gflops '-5' must be a number", "plan", "--gflops", "-5")]
    [InlineData("--timeout 'Infinity' must be a number", "eval", "m", "--timeout", "Infinity")]
    [InlineData("--workers -1 must not be negative; see isoflop ladder --help", "ladder", "x", "--workers", "-1")]
    [InlineData("--top -1 must not be negative", "next", "m", "text", "--top", "-1")]
    [InlineData("--top 0 must be positive", "next", "m", "text", "--top", "0")]
    [InlineData("--top is of the next token's distribution, --loss and --html show the loss", "next", "m", "text", "--top", "3", "--html", "x.html")]
    [InlineData("--csv '' is empty; give a value", "runs", "--csv", "")]
    [InlineData("--home has no value; give it as --home DIR; see isoflop --help", "--home")]
    [InlineData("--home has no value; give it as --home DIR; see isoflop runs --help", "--home", "h", "runs", "--home")]
    [InlineData("--threads has no value", "--threads")]
    [InlineData("--parquet - : Parquet goes into a file", "runs", "--parquet", "-")]
    [InlineData("'delte': no run in ./isoflop/runs has such a name; start one with isoflop train; did you mean 'isoflop runs delete'?",
        "runs", "delte", "x")]
    [InlineData("--csv '/' is a folder; name a file in it", "runs", "--csv", "/")]
    [InlineData("'--- a text' is no option; text that begins with -- goes last, after a -- of its own", "next", "m", "--- a text")]
    public void Values_of_options_are_refused_by_name(string message, params string[] args)
    {
        (int code, string output, string error) = Run(default, [.. Verbs.All()], args);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(message, error);
        Assert.Equal(error.Length - Environment.NewLine.Length, error.IndexOf(Environment.NewLine, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("@home")]
    [InlineData("@")]
    [InlineData("--", "--top")]
    [InlineData("--", "-- a list")]
    public void A_prompt_may_begin_with_any_character(params string[] prompt)
    {
        (int code, _, string error) = Run(default, [.. Verbs.All()], ["next", "no-such-model", .. prompt]);
        Assert.Equal(2, code);
        Assert.Contains("no-such-model", error);                        // as far as the model: the prompt was taken
    }

    [Fact]
    public void A_stopped_command_exits_with_130()
    {
        using var stop = new CancellationTokenSource();
        Command verb = Verb(call =>
        {
            stop.Cancel();
            call.Stop.ThrowIfCancellationRequested();
            return 0;
        });
        (int code, _, string error) = Run(stop.Token, [verb], "do");
        Assert.Equal(130, code);
        Assert.StartsWith("interrupted", error);
    }

    [Fact]
    public void Shared_options_stand_before_and_after_the_verb()
    {
        foreach (string[] args in (string[][])[["--home", "h", "--json", "do"], ["do", "--json", "--home", "h"]])
            Run(default, [Verb(call =>
            {
                Assert.Equal(("h", true), (call.Here.Root, call.Json));
                return 7;
            })], args);
        Run(default, [Verb(call =>
        {
            Assert.Equal(("./isoflop", false), (call.Here.Root, call.Json));
            return 0;
        })], "do");
    }

    [Fact]
    public void Help_ends_with_examples_and_no_arguments_mean_help()
    {
        (int code, string output, _) = Run("corpus", "--help");
        Assert.Equal(0, code);
        Assert.Contains("--valid-share", output);
        Assert.Contains("isoflop corpus", output[output.IndexOf("Examples", StringComparison.Ordinal)..]);
        Assert.Equal(output, Run("help", "corpus").Out);
        (code, output, _) = Run();
        Assert.Equal(0, code);
        Assert.Contains("corpus", output);
        Assert.Equal(output, Run("help").Out);
        Assert.Equal(Run("corpus", "world", "--help").Out, Run("--home", "h", "help", "corpus", "world").Out);
    }

    [Fact]
    public void A_corpus_is_built_with_its_record_on_stdout_and_progress_on_stderr()
    {
        string folder = ProseFolder();
        string[] args = ["corpus", "texts", folder, "--vocab", "300", "--home", Home, "--valid-share", "0.1", "--licence", "CC0"];
        (int code, string output, string error) = Run(args);
        Assert.Equal((0, true), (code, output.StartsWith(Path.Combine(Home, "corpus", "texts") + Environment.NewLine)));
        Assert.Contains("CC0", output);
        foreach (string stage in (string[])["reading", "tokenizer", "encoding", "comparing"])
            Assert.Matches($"{stage} +100 %", error);

        (code, output, _) = Run([.. args, "--json"]);
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.True(json.RootElement.GetProperty("already_there").GetBoolean());
        Assert.Equal(300, json.RootElement.GetProperty("info").GetProperty("vocab_size").GetInt32());
        Assert.Equal(2, Run([.. args, "--seed", "5"]).Code);
        Assert.Equal(0, Run([.. args, "--seed", "5", "--force"]).Code);
    }
}
