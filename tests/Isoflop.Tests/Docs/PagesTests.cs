using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Cli;
using Xunit;

namespace Isoflop.Tests.Docs;

/// <summary>What the pages say is what the program does.</summary>
public sealed partial class PagesTests : IDisposable
{
    const int LongestSentence = 30;
    const string Alone = "ISOFLOP_TEST_ALONE";

    readonly string home = Directory.CreateTempSubdirectory("isoflop-pages").FullName;

    public void Dispose() => Directory.Delete(home, recursive: true);

    [Fact]
    public void The_page_of_commands_is_their_help()
    {
        if (Environment.GetEnvironmentVariable(Alone) is null)
        {
            InAProcessOfItsOwn(nameof(The_page_of_commands_is_their_help));
            return;
        }
        var page = new StringBuilder("# Commands\n\nEvery command, as `isoflop COMMAND --help` prints it. This page is generated; a test holds it.\n\n");
        Command root = App.Root(Verbs.All());
        page.Append("```\n").Append(HelpText.Of(root)).Append("```\n");
        foreach (Command verb in root.Subcommands)
            foreach (Command command in (Command[])[verb, .. verb.Subcommands])
                page.Append($"\n## {HelpText.PathOf(command)["isoflop ".Length..]}\n\n```\n").Append(HelpText.Of(command)).Append("```\n");
        Pages.Hold("docs/commands.md", page.ToString());
    }

    // Help lists what was registered, and other tests register.
    static void InAProcessOfItsOwn(string test)
    {
        string runner = Path.ChangeExtension(typeof(PagesTests).Assembly.Location, ".dll");
        var start = new ProcessStartInfo("dotnet", [runner, "-method", $"{typeof(PagesTests).FullName}.{test}"]) { RedirectStandardOutput = true };
        start.Environment[Alone] = "1";
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, output);
    }

    [Fact]
    public void Every_command_has_a_description_examples_and_explained_options()
    {
        List<string> wrong = [];
        foreach (Command verb in App.Root(Verbs.All()).Subcommands)
            foreach (Command command in (Command[])[verb, .. verb.Subcommands])
            {
                string name = HelpText.PathOf(command);
                if (command is not Verb { Examples.Count: > 0 } of || !of.Examples.Any(e => e.StartsWith(name, StringComparison.Ordinal)))
                    wrong.Add($"{name}: no example of its own");
                if (command.Description is not { Length: > 0 } said || !said.EndsWith('.')) wrong.Add($"{name}: its description is no sentence");
                foreach (Symbol symbol in command.Options.Concat<Symbol>(command.Arguments))
                    if (symbol.Description is not { Length: > 0 }) wrong.Add($"{name}: {symbol.Name} is not explained");
            }
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [Theory, InlineData("README.md")]
    public void Commands_of_a_page_print_what_it_shows(string path)
    {
        Assert.SkipUnless(System.Runtime.Intrinsics.X86.Fma.IsSupported, "without fused multiply-add other bits are right");
        string page = File.ReadAllText(Path.Combine(Places.Root, path));
        string now = Console_().Replace(page, block => "```console\n" + Replayed(block.Groups[1].Value) + "```");
        Pages.Hold(path, now);
    }

    /// <summary>Runs each line behind "$ "; "…" at an output's end stands for what is not shown, the lines before it must be.</summary>
    string Replayed(string block)
    {
        var text = new StringBuilder();
        foreach (Match command in Prompt().Matches(block))
        {
            string[] args = [.. Word().Matches(command.Groups[1].Value).Skip(1).Select(w => w.Value.Trim('"'))
                .Select(w => w.StartsWith("recipes/", StringComparison.Ordinal) ? Path.Combine(Places.Root, w) : w), "--home", home];
            StringWriter output = new(), error = new();
            int code = App.Run(args, Verbs.All(), output, error);
            Assert.True(code == 0, $"{command.Groups[1].Value}: {error}");
            string printed = Date().Replace(output.ToString().Replace(home, "./isoflop", StringComparison.Ordinal), "2026-11-28 12:00:00 UTC");
            string[] shown = command.Groups[2].Value.TrimEnd('\n').Split('\n');
            text.Append("$ ").Append(command.Groups[1].Value).Append('\n');
            if (shown[^1] == "…")
            {
                foreach (string line in printed.Split('\n').Take(shown.Length - 1)) text.Append(line.TrimEnd()).Append('\n');
                text.Append("…\n");
            }
            else
            {
                foreach (string line in printed.TrimEnd('\n').Split('\n')) text.Append(line.TrimEnd()).Append('\n');
            }
        }
        return text.ToString();
    }

    [Fact]
    public void The_first_program_of_the_library_is_the_sample_of_that_name()
    {
        string sample = File.ReadAllText(Path.Combine(Places.Root, "samples", "four-sizes.cs")), page = "docs/library.md";
        string code = sample.Replace("#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj", "#:package Isoflop.Lab@0.1.0", StringComparison.Ordinal);
        Pages.Hold(page, CSharp().Replace(File.ReadAllText(Path.Combine(Places.Root, page)), $"```csharp\n{code.Replace("$", "$$")}```", 1));
    }

    [Fact]
    public void No_sentence_has_more_than_30_words()
    {
        List<string> long_ = [.. Pages.All.SelectMany(p => Pages.Sentences(File.ReadAllText(p))
            .Where(s => s.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length > LongestSentence)
            .Select(s => $"{Path.GetFileName(p)}: {s}"))];
        Assert.True(long_.Count == 0, string.Join(Environment.NewLine, long_));
    }

    [Fact]
    public void Links_lead_somewhere()
    {
        List<string> wrong = [];
        foreach (string page in Pages.All.Concat(Directory.EnumerateFiles(Places.Root, "*.md")))
            foreach (Match link in Target().Matches(Pages.WithoutCode(File.ReadAllText(page))))
                if (!link.Groups[1].Value.Contains("://", StringComparison.Ordinal)
                    && !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value)))
                    wrong.Add($"{Path.GetFileName(page)}: {link.Groups[1].Value}");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    [GeneratedRegex("^```console\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Console_();

    [GeneratedRegex(@"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", RegexOptions.Multiline)]
    private static partial Regex Prompt();

    [GeneratedRegex("^```csharp\n.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")]
    private static partial Regex Date();

    [GeneratedRegex("\"[^\"]*\"|\\S+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\]\(([^)#]+)(?:#[^)]*)?\)")]
    private static partial Regex Target();
}
