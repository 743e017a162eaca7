using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests;

/// <summary>What reviews would otherwise have to watch: sizes of files, and which way they depend.</summary>
public class HouseTests
{
    // Written by a program; see tools/Microkernels.cs.
    const string Generated = "Microkernel.cs";

    static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Kernels"] = [],
        ["Nn"] = ["Kernels", "Data"],
        ["Text"] = [],
        ["Data"] = ["Text"],
        ["Train"] = ["Kernels", "Nn", "Text", "Data"],
        ["Sample"] = ["Kernels", "Nn", "Text", "Data", "Train"],
    };

    static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(Path.Combine(Places.Root, folder), "*.cs", SearchOption.AllDirectories)
        .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}") && Path.GetFileName(f) != Generated);

    [Fact]
    public void Files_have_at_most_600_lines_of_at_most_130_characters()
    {
        var long_ = Sources("src").Concat(Sources("tests")).Concat(Sources("bench"))
            .SelectMany(f => File.ReadLines(f).Select((line, i) => (f, i, line)))
            .Where(x => x.i >= 600 || x.f.Contains($"{Path.DirectorySeparatorChar}src{Path.DirectorySeparatorChar}") && x.line.Length > 130)
            .Select(x => $"{Path.GetFileName(x.f)}:{x.i + 1}").ToList();
        Assert.True(long_.Count == 0, string.Join(", ", long_));
    }

    [Fact]
    public void The_library_has_at_most_8000_lines_of_code() => Assert.InRange(
        Sources("src/Isoflop").Sum(f => File.ReadLines(f).Count(l => l.Trim() is { Length: > 0 } code && !code.StartsWith("//"))), 1, 8000);

    [Fact]
    public void Folders_of_the_library_use_only_those_below_them()
    {
        foreach (string file in Sources("src/Isoflop"))
        {
            string folder = Path.GetFileName(Path.GetDirectoryName(file))!;
            if (!MayUse.TryGetValue(folder, out string[]? allowed)) continue;
            foreach (Match use in Regex.Matches(File.ReadAllText(file), @"^using Isoflop\.(\w+);", RegexOptions.Multiline))
                Assert.True(allowed.Contains(use.Groups[1].Value), $"{folder}/{Path.GetFileName(file)} uses {use.Groups[1].Value}; it may use {string.Join(", ", allowed)}");
        }
    }

    [Fact]
    public void Assemblies_point_one_way()
    {
        string[] library = Names(typeof(ConfigException).Assembly), lab = Names(typeof(Lab.Tour).Assembly);
        Assert.DoesNotContain("Isoflop.Lab", library);
        Assert.DoesNotContain("isoflop", library);
        Assert.DoesNotContain("isoflop", lab);
        Assert.Equal(["Isoflop.Core"], Names(typeof(Isoflop.Tasks.Split).Assembly).Where(n => n.StartsWith("isoflop", StringComparison.OrdinalIgnoreCase)));

        static string[] Names(Assembly assembly) => [.. assembly.GetReferencedAssemblies().Select(a => a.Name!)];
    }
}
