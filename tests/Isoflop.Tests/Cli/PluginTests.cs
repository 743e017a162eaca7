using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests.Cli;

/// <summary>docs/plugins.md's classes as plugins, each command in a process of its own: what is registered stays there.</summary>
public sealed class PluginTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("isoflop-plugin-").FullName;
    readonly string largest, others;

    public PluginTests()
    {
        try
        {
            using Process sdk = Process.Start(new ProcessStartInfo("dotnet", ["--version"]) { RedirectStandardOutput = true })!;
            sdk.WaitForExit();
            Assert.SkipWhen(sdk.ExitCode != 0, "no .NET SDK here");
        }
        catch (System.ComponentModel.Win32Exception) { Assert.Skip("no dotnet here"); }
        string[] blocks = [.. Regex.Matches(File.ReadAllText(Path.Combine(Places.Root, "docs", "plugins.md")),
            "^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline).Select(m => m.Groups[1].Value)];
        Assert.Equal(4, blocks.Length);
        largest = Write("largest.cs", blocks[0]);
        others = Write("others.cs", string.Concat(blocks[1..]));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Write(string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    string Home => Path.Combine(folder, "home");

    (int Code, string Out, string Err) Run(params string[] args)
    {
        using Process child = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "isoflop.dll"), .. args, "--home", Home])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output, error.Result);
    }

    string Done(params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {code} {error}");
        return output;
    }

    string Refused(params string[] args)
    {
        (int code, string output, string error) = Run(args);
        Assert.Equal((2, ""), (code, output));
        return error;
    }

    [Fact]
    public void A_file_of_csharp_is_a_plugin()
    {
        Assert.Contains("<", Done("tasks", "largest", "--level", "2", "--count", "1", "--plugin", largest));
        // As the assembly that was built, too; and help names what plugins hold.
        string assembly = Assert.Single(Directory.GetFiles(Path.Combine(Home, "plugins"), "largest.dll", SearchOption.AllDirectories));
        Assert.Contains("Digits: the largest", Done("--plugin", assembly, "tasks", "largest", "--count", "1"));
        Assert.Contains("shortest: as many replies", Done("think", "--help", "--plugin", others));
        Assert.Contains("logarithmic", Done("fit", "--help", "--plugin", others));
        Assert.Matches("brief +right", Done("rl", "--help", "--plugin", others));
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(Home, "plugins")).Length);

        string table = Write("curve.csv", "x,y\n" + string.Concat(Enumerable.Range(1, 12).Select(i =>
            FormattableString.Invariant($"{i * 1000},{5 - 0.3 * Math.Log(i * 1000)}\n"))));
        Assert.Contains("\"form\":\"logarithmic\"", Done("fit", "--table", table, "--x", "x", "--y", "y", "--form", "logarithmic",
            "--bootstraps", "0", "--json", "--plugin", others));

        // A family, a reward and a strategy in one run.
        Done("teach", "name=l", "tasks=largest:1..2", "items=300", "valid_items=20", "context=32", "model.d_model=16", "model.n_layer=1", "--plugin", largest);
        string[] rl = ["rl", "name=l-rl", "from=l", "tasks=largest:1", "reward=brief", "steps=1", "prompts=4", "replies=4",
            "max_new_tokens=12", "eval_items=4", "eval_replies=2", "skip_gate=true"];
        Done([.. rl, "--plugin", largest, "--plugin", others]);
        string record = File.ReadAllText(Path.Combine(Home, "runs", "l-rl", "run.json"));
        Assert.Matches("\"plugins\": \\[\\s*\"largest.cs#[0-9a-f]{16}\",\\s*\"others.cs#[0-9a-f]{16}\"\\s*\\]", record);
        Assert.Contains("was done already", Done([.. rl, "--plugin", others, "--plugin", largest]));
        Assert.Contains("the plugin largest.cs, which is not loaded", Refused([.. rl, "--plugin", others]));
        Assert.Contains("the plugin others.cs, which is not loaded", Refused("rl", "replay", "l-rl", "--step", "1", "--plugin", largest));
        Directory.CreateDirectory(Path.Combine(folder, "edited"));
        string edited = Write("edited/largest.cs", File.ReadAllText(largest).Replace("Digits: the", "Digits, the"));
        Assert.Contains("largest.cs was edited since", Refused([.. rl, "--plugin", edited, "--plugin", others]));
        Done("think", "l", "--task", "largest", "--strategy", "shortest", "--budget", "64", "--plugin", largest, "--plugin", others);
    }

    [Fact]
    public void What_cannot_be_a_plugin_is_refused_in_one_line()
    {
        string error = Refused("tasks", "--plugin", Write("broken.cs", File.ReadAllText(largest).Replace("digits.Max()", "digit.Max()")));
        Assert.Matches(@"broken\.cs\(\d+,\d+\): error CS0103: .*'digit'", error);
        Assert.Contains("does not compile", error);
        Assert.Contains("holds no public class", Refused("tasks", "--plugin", Write("none.cs", "public class Nothing;")));
        Assert.Contains("must be a .cs or a .dll", Refused("tasks", "--plugin", Write("plugin.py", "")));
        Assert.Contains("cannot be read", Refused("tasks", "--plugin", Path.Combine(folder, "nowhere.cs")));
        Assert.Contains("cannot be loaded", Refused("tasks", "--plugin", Write("no.dll", "text")));
        Assert.Contains("has that name", Refused("tasks", "--plugin",
            Write("taken.cs", File.ReadAllText(largest).Replace("\"largest\"", "\"parity\""))));
    }
}
