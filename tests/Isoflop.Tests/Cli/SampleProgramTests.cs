using System.Diagnostics;
using Xunit;

namespace Isoflop.Tests.Cli;

/// <summary>samples/*.cs: each builds as its reader would build it, runs to its end, and says what it is there to say.</summary>
public sealed class SampleProgramTests
{
    public static TheoryData<string, string> Programs => new()
    {
        { "train.cs", "done already" },
        { "fit-law.cs", "1e19 FLOPs: " },
        { "own-family.cs", "right on held-out items" },
        { "endpoint.cs", "60 items  8" },                         // eighty-five of a hundred
        { "four-sizes.cs", "L = (Nc/N)^alpha: keeps improving" },
        { "training-loop.cs", "the same bits: " },
        { "talk.cs", "next: " },
        { "serve.cs", "over HTTP: " },
    };

    [Fact]
    public void Every_sample_is_here_and_fits_a_page()
    {
        string[] files = Directory.GetFiles(Path.Combine(Places.Root, "samples"), "*.cs");
        Assert.Equal(Programs.Select(p => p.Data.Item1).Order(), files.Select(f => Path.GetFileName(f)!).Order());
        Assert.All(files, f => Assert.InRange(File.ReadAllLines(f).Length, 10, 60));
        Assert.All(files, f => Assert.All(File.ReadAllLines(f), l => Assert.InRange(l.Length, 0, 130)));
    }

    [Theory, MemberData(nameof(Programs))]
    public void A_sample_runs(string file, string says)
    {
        // What the tests themselves were built from is not built again.
        string configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}") ? "Debug" : "Release";
        Assert.Contains(says, Run("run", "-c", configuration, "-p:BuildProjectReferences=false", "-p:PublishAot=false",
            Path.Combine(Places.Root, "samples", file)));
    }

    static string Run(params string[] words)
    {
        string room = Directory.CreateTempSubdirectory("isoflop-sample").FullName;
        var start = new ProcessStartInfo("dotnet", words)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = room,
        };
        using Process child = Process.Start(start)!;
        Task<string> error = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Directory.Delete(room, recursive: true);
        Assert.True(child.ExitCode == 0, $"{string.Join(' ', words)}: {child.ExitCode}\n{output}\n{error.Result}");
        return output;
    }
}
