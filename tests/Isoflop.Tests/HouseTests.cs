using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests;

/// <summary>What reviews would otherwise have to watch: sizes of files, and which way they depend.</summary>
public class HouseTests
{
    // Written by programs: tools/Microkernels.cs, Bf16AssemblerTests.cs.
    static readonly string[] generated = ["Microkernel.cs", "Bf16Bytes.cs"];

    // Rooms of each project, from the ground up: a room uses rooms before it in its project, and projects before its own.
    static readonly (string Project, string[] Rooms)[] House =
    [
        ("Isoflop", ["Kernels", "Store", "Text", "Data", "Nn", "Train", "Sample"]),
        ("Isoflop.Cuda", []),
        ("Isoflop.Tasks", []),
        ("Isoflop.Lab", ["Statistics", "Tables", "Charts", "Corpora", "Baselines", "Laws", "Runs", "Replies", "Eval", "Teaching",
            "Rl", "Worlds", "Clusters", "Failures", "Studies", "Emergence", "Thinking", "Inference", "Frontiers", "Pages", "Tours"]),
        ("Isoflop.Web", ["Home", "Jobs", "Serving", "Pages"]),
        ("Isoflop.Cli", ["Commands"]),
    ];

    static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(Path.Combine(Places.Root, folder), "*.cs", SearchOption.AllDirectories)
        .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}") && !generated.Contains(Path.GetFileName(f)));

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
    public void The_library_has_at_most_11800_lines_of_code() => Assert.InRange(
        Sources("src/Isoflop").Sum(f => File.ReadLines(f).Count(l => l.Trim() is { Length: > 0 } code && !code.StartsWith("//"))), 1, 11_800);

    [Fact]
    public void Every_package_has_a_page_and_a_description_and_there_is_an_icon()
    {
        Assert.InRange(new FileInfo(Path.Combine(Places.Root, "src", "icon.png")).Length, 100, 10_000);
        foreach (string project in Directory.GetFiles(Path.Combine(Places.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            Assert.Matches("<Description>.{60,}</Description>", File.ReadAllText(project));
            Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "README.md")), project);
        }
    }

    [Fact]
    public void Rooms_use_only_rooms_below_them()
    {
        List<string> wrong = [];
        List<(string Project, string Room)> order = [.. House.SelectMany(h => h.Rooms.Select(r => (h.Project, r)).Append((h.Project, "")))];
        foreach ((string project, string[] rooms) in House)
        {
            IEnumerable<string> folders = Directory.GetDirectories(Path.Combine(Places.Root, "src", project))
                .Where(d => Sources(d).Any()).Select(d => Path.GetFileName(d)!);
            if (project != "Isoflop.Tasks") Assert.Equal(rooms.Order(), folders.Order());         // families share one namespace
            foreach (string file in Sources($"src/{project}"))
            {
                string text = File.ReadAllText(file), folder = Path.GetFileName(Path.GetDirectoryName(file))!;
                string room = rooms.Contains(folder) ? folder : "", space = room == "" ? project : $"{project}.{room}";
                if (Regex.Match(text, @"^namespace ([\w.]+);", RegexOptions.Multiline) is { Success: true } own)
                    Assert.True(own.Groups[1].Value == space, $"{file}: namespace {own.Groups[1].Value}");
                string code = Regex.Replace(text, """//.*|"(\\.|[^"\\])*"|`[^`]*`""", "");
                foreach ((string above, string other) in order.Skip(order.IndexOf((project, room)) + 1))
                    if (Uses(code, above, other)) wrong.Add($"{space}, {Path.GetFileName(file)}: uses {above} {other}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));

        // By a using, or by a type's name behind the room's.
        static bool Uses(string code, string project, string room)
        {
            if (room == "") return project != "Isoflop" && Regex.IsMatch(code, $@"\b{Regex.Escape(project)}\b(?!\.\w)");
            string types = string.Join('|', Sources($"src/{project}/{room}").Select(f => Path.GetFileNameWithoutExtension(f)));
            return Regex.IsMatch(code, $@"^using [^;]*\b{Regex.Escape(project)}\.{room}\b|(?<![\w.)]){room}\.({types})\b", RegexOptions.Multiline);
        }
    }

    [Fact]
    public void Assemblies_point_one_way()
    {
        string[] library = Names(typeof(ConfigException).Assembly), lab = Names(typeof(Lab.Tours.Tour).Assembly);
        Assert.DoesNotContain("Isoflop.Lab", library);
        Assert.DoesNotContain("isoflop", library);
        Assert.DoesNotContain("isoflop", lab);
        Assert.Equal(["Isoflop.Core"], Names(typeof(Isoflop.Tasks.Split).Assembly).Where(n => n.StartsWith("isoflop", StringComparison.OrdinalIgnoreCase)));

        static string[] Names(Assembly assembly) => [.. assembly.GetReferencedAssemblies().Select(a => a.Name!)];
    }
}
