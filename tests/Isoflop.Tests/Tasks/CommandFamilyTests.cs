using System.Diagnostics;
using System.Text.RegularExpressions;
using Isoflop.Cli;
using Isoflop.Cli.Commands;
using Isoflop.Tasks;
using Xunit;

namespace Isoflop.Tests.Tasks;

/// <summary>docs/plugins.md: its programs, and programs that do not keep to its protocol.</summary>
public sealed class CommandFamilyTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-judge-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A family whose parts a test replaces with worse ones.</summary>
    const string Shell = """
        describe='{"name":"count","summary":"How many?","levels":2,"chance":[0.5,0.25],"symbols":"x0123456789"}'
        make='{"prompt":"xxx","key":"3"}'
        solve='{"answer":"3","thought":"x"}'
        reward='{"score":1}'
        while IFS= read -r line; do
            case $line in
            *describe*) echo "$describe" ;;
            *'"make"'*) echo "$make" ;;
            *solve*) echo "$solve" ;;
            *'"answer":"3"'*) echo "$reward" ;;
            *'"answer":"2"'*) echo '{"score":0.5}' ;;
            *) echo '{"score":0}' ;;
            esac
        done
        """;

    string Program(string text, string name = "judge.sh")
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text.ReplaceLineEndings("\n") + "\n");
        return path;
    }

    static void NeedsShell() => Assert.SkipWhen(OperatingSystem.IsWindows(), "no sh here");

    /// <summary>The block of code below a heading of docs/plugins.md.</summary>
    internal static string Documented(string language) => Regex.Match(File.ReadAllText(Path.Combine(Places.Root, "docs", "plugins.md")),
        $"^```{language}\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value.Replace("\"largest\"", "\"largest-py\"");

    [Theory, InlineData("python", "judge.py", "python3", 5), InlineData("sh", "judge.sh", "sh", 100)]
    public void The_documented_programs_are_families(string language, string name, string interpreter, int modulo)
    {
        try { using var found = Process.Start(new ProcessStartInfo(interpreter, ["-c", "0"]) { RedirectStandardError = true })!; found.WaitForExit(); }
        catch (System.ComponentModel.Win32Exception) { Assert.Skip($"no {interpreter} here"); }
        TaskFamily family = TaskFamilies.Find($"cmd:{interpreter} '{Program(Documented(language), name)}'");
        for (int level = 1; level <= family.Levels; level++)
            for (int i = 0; i < 5; i++)
            {
                TaskItem item = family.Make(Split.Train, level, i, 1);
                Assert.Equal(item, family.Make(Split.Train, level, i, 1));
                Assert.Equal(Split.Train, family.SplitOfPrompt(item.Prompt));
                Rng rng = new(1, RandomPurpose.Test);
                foreach (TraceForm form in Enum.GetValues<TraceForm>())
                    Assert.Equal(1, family.Reward(item, family.Demonstrate(item, form, ref rng)));
                Assert.Equal(0, family.Reward(item, ">no"));
                Assert.Equal(0, family.Reward(item, "no"));
            }
        Assert.True(Enumerable.Range(0, 20).Select(i => family.Make(Split.Test, 2, i, 1).Prompt).Distinct().Count() > modulo / 20);
        Assert.Equal("own", family.Group);
    }

    [Fact]
    public void A_program_is_one_process_with_grades_of_its_own()
    {
        NeedsShell();
        string address = $"cmd:sh {Program(Shell)}";
        TaskFamily family = TaskFamilies.Find(address);
        Assert.Same(family, TaskFamilies.Find(address));
        Assert.Equal((0.5, 0.25), (family.Chance(1), family.Chance(2)));
        var item = new TaskItem("count", 1, "xxx", "3");
        Assert.Equal([1, 0.5, 0, 0], ((string[])[">3", "<xx>2", ">1", "3"]).Select(r => family.Reward(item, r)));
        Assert.False(family.HasCheck);
        // Many threads at once: each has the answer to its own question.
        double[] scores = new double[400];
        Parallel.For(0, scores.Length, i => scores[i] = family.Reward(item, $">{i % 4}"));
        Assert.All(scores.Index(), s => Assert.Equal((s.Index % 4) switch { 3 => 1, 2 => 0.5, _ => 0 }, s.Item));
        Assert.Matches("^[0-9a-f]{16}$", family.Origin!.Value.Hash);
        StringWriter output = new(), error = new();
        Assert.Equal(0, App.Run(["tasks", address, "--count", "1"], [TasksCommand.Create()], output, error));
        Assert.Contains("count: How many?", output.ToString());
        Assert.Contains("<x>3", output.ToString());
    }

    [Theory]
    [InlineData("describe='{'", "describe: not JSON: '{'")]
    [InlineData("describe='[]'", "describe: no JSON object")]
    [InlineData("describe='{}'", "describe: no 'name'")]
    [InlineData("""describe='{"error":"no data: get it first"}'""", "no data: get it first")]
    [InlineData("""describe='{"name":"Über"}'""", "must be words")]
    [InlineData("""describe='{"name":"parity"}'""", "another task's")]
    [InlineData("""describe='{"name":"x","summary":"","levels":0}'""", "'levels' must be a number from 1 to 1000")]
    [InlineData("""describe='{"name":"x","summary":"","levels":1.5}'""", "'levels' must be a whole number")]
    [InlineData("""describe='{"name":"x","summary":"","levels":2,"chance":[0,0,0]}'""", "'chance' must be one number or 2")]
    [InlineData("""describe='{"name":"x","summary":"","levels":2,"chance":0,"symbols":"x3","checks":1}'""", "'checks' must be true or false")]
    [InlineData("""make='{"prompt":""}'""", "'prompt' is empty")]
    [InlineData("""make='{"prompt":"y"}'""", "holds 'y', which is not among its symbols")]
    [InlineData("""make='{"prompt":"<x"}'""", "'prompt' holds < or >")]
    [InlineData("""make='{"prompt":7}'""", "'prompt' must be a text")]
    [InlineData("""reward='{"score":2}'""", "'score' must be a number from 0 to 1")]
    [InlineData("""reward='{"score":0}'""", "scores 0, not 1")]
    [InlineData("exec >&-", "it closed its output")]
    [InlineData("echo 'no such table' >&2; exit 7", "exit code 7, asked {\"op\":\"describe\"}; its last words: no such table")]
    [InlineData("i=0; while :; do i=$((i+1)); printf '%01000d' 0; done", "a line of more than 1048576 bytes")]
    public void Nonsense_is_refused_in_one_line(string worse, string message)
    {
        NeedsShell();
        string[] lines = Shell.ReplaceLineEndings("\n").Split('\n');
        string text = string.Join('\n', [.. lines[..4], worse, .. lines[4..]]), address = $"cmd:sh {Program(text)}";
        Exception e = Assert.Throws<DataException>(() => TaskFamilies.Find(address));
        Assert.Contains(message, e.Message);
        Assert.StartsWith(address + ": ", e.Message);
    }

    [Fact]
    public void Two_answers_to_one_question_are_refused()
    {
        NeedsShell();
        string text = Shell.Replace("echo \"$make\"", "n=x$n; echo \"{\\\"prompt\\\":\\\"$n\\\"}\"");
        Assert.Contains("was answered in two ways", Assert.Throws<DataException>(() => TaskFamilies.Find($"cmd:sh {Program(text)}")).Message);
    }

    [Fact]
    public void A_program_that_is_not_there_is_the_users_mistake()
    {
        Assert.Contains("cannot be started", Assert.Throws<ConfigException>(() => TaskFamilies.Find("cmd:./no-such-judge")).Message);
        Assert.Contains("names no program", Assert.Throws<ConfigException>(() => TaskFamilies.Find("cmd: ")).Message);
    }

    [Fact]
    public void One_that_hangs_is_ended_and_one_that_ends_is_started_again()
    {
        NeedsShell();
        string hangs = Shell.Replace("\"symbols\"", "\"seconds\":0.3,\"symbols\"").Replace("*) echo '{\"score\":0}'", "*) sleep 30");
        TaskFamily family = TaskFamilies.Find($"cmd:sh {Program(hangs, "hangs.sh")}");
        var item = new TaskItem("count", 1, "xxx", "3");
        var watch = Stopwatch.StartNew();
        Assert.Contains("no answer within 0.3 s", Assert.Throws<DataException>(() => family.Reward(item, ">1")).Message);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.25, 20);
        Assert.Equal(1, family.Reward(item, ">3"));              // a new process

        // Ends at its 30th request: the 30th is asked again of a new one.
        string ends = Shell.Replace("case $line in", "n=$((n+1)); [ $n = 30 ] && exit 1\n    case $line in");
        TaskFamily other = TaskFamilies.Find($"cmd:sh {Program(ends, "ends.sh")}");
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(0.5, other.Reward(item, ">2")));

        string never = Shell.Replace("*'\"answer\":\"2\"'*)", "*'\"answer\":\"2\"'*) echo 'cannot judge 2' >&2; exit 3;;\n    *never*)");
        TaskFamily third = TaskFamilies.Find($"cmd:sh {Program(never, "never.sh")}");
        string message = Assert.Throws<DataException>(() => third.Reward(item, ">2")).Message;
        Assert.Contains("it ended with exit code 3", message);
        Assert.Contains("its last words: cannot judge 2", message);

        string edited = Shell.Replace("*'\"answer\":\"2\"'*)", "*'\"answer\":\"2\"'*) exit 3;;\n    *never*)");
        string path = Program(edited, "edited.sh");
        TaskFamily fourth = TaskFamilies.Find($"cmd:sh {path}");
        File.WriteAllText(path, edited.Replace("How many?", "How few?"));
        Assert.Contains("describes itself differently", Assert.Throws<DataException>(() => fourth.Reward(item, ">2")).Message);
    }
}
