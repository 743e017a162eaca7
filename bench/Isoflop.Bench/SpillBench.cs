using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Isoflop.Bench;

/// <summary>
/// Vector registers that the compiler could not keep, in every method of the kernels that a training step and a sampler run: counted
/// in the compiler's own listing of what it made last. A value that is written to the stack and read back inside an innermost loop is
/// a spill; one that is only read there is a constant for which no register was left, an operand from the first-level cache.
/// </summary>
static partial class SpillBench
{
    public static void Run()
    {
        string listing = Path.GetTempFileName();
        try
        {
            foreach (string[] work in new string[][] { ["step", "1", "3", "64"], ["generate", "1", "8", "64"] })
            {
                var start = new ProcessStartInfo(Environment.ProcessPath!, work) { RedirectStandardOutput = true };
                start.Environment["DOTNET_JitDisasm"] = "Isoflop.Kernels.*:*";
                start.Environment["DOTNET_JitStdOutFile"] = listing + "." + work[0];
                using Process child = Process.Start(start)!;
                child.StandardOutput.ReadToEnd();
                child.WaitForExit();
            }
            var methods = new SortedDictionary<string, (int Loops, int Spills, int Constants, int Outside)>(StringComparer.Ordinal);
            foreach (string file in Directory.GetFiles(Path.GetDirectoryName(listing)!, Path.GetFileName(listing) + ".*"))
            {
                foreach ((string name, List<string> code) in Methods(File.ReadLines(file)))
                    if (Counted(code) is { } counts) methods[name] = counts;
                File.Delete(file);
            }
            Console.WriteLine($"{"method",-40}{"innermost loops",16}{"spills in them",16}{"constants read",16}{"elsewhere",11}");
            foreach ((string name, (int loops, int spills, int constants, int outside)) in methods.Where(m => m.Value.Loops > 0))
                Console.WriteLine($"{name,-40}{loops,16}{spills,16}{constants,16}{outside,11}");
            Console.WriteLine($"{methods.Values.Count(m => m.Loops > 0)} methods with vectors and loops; " +
                $"{methods.Values.Count(m => m.Spills > 0)} with spills in an innermost one");
        }
        finally
        {
            File.Delete(listing);
        }
    }

    /// <summary>The optimised code of each method, a line an instruction; what was compiled later comes later.</summary>
    static IEnumerable<(string Name, List<string> Code)> Methods(IEnumerable<string> lines)
    {
        string? name = null;
        List<string> code = [];
        foreach (string line in lines.Append("; Assembly listing for method end:end() (Tier0)"))
        {
            if (Head().Match(line) is { Success: true } head)
            {
                if (name is not null) yield return (name, code);
                bool optimised = line.Contains("Tier1") || line.Contains("FullOpts");
                (name, code) = (optimised ? head.Groups[1].Value.Replace("Isoflop.Kernels.", "") : null, []);
            }
            else if (name is not null) code.Add(line);
        }
    }

    /// <summary>Operands on the stack as wide as a vector; null: no vectors at all.</summary>
    static (int Loops, int Spills, int Constants, int Outside)? Counted(List<string> code)
    {
        if (!code.Exists(l => l.Contains("mmword ptr"))) return null;
        var labels = new Dictionary<string, int>();
        var loops = new List<(int From, int To)>();
        for (int i = 0; i < code.Count; i++)
        {
            if (Label().Match(code[i]) is { Success: true } label) labels[label.Groups[1].Value] = i;
            else if (Jump().Match(code[i]) is { Success: true } jump && labels.TryGetValue(jump.Groups[1].Value, out int from))
                loops.Add((from, i));
        }
        var innermost = loops.FindAll(l => !loops.Exists(o => o != l && o.From >= l.From && o.To <= l.To));
        int spills = 0, constants = 0, outside = 0;
        for (int i = 0; i < code.Count; i++)
        {
            if (!Stack().IsMatch(code[i])) continue;
            if (!innermost.Exists(l => i > l.From && i < l.To)) outside++;
            else if (Store().IsMatch(code[i])) spills++;
            else constants++;
        }
        return (innermost.Count, spills, constants, outside);
    }

    [GeneratedRegex(@"^; Assembly listing for method (\S+?)\(")]
    private static partial Regex Head();

    [GeneratedRegex(@"^(G_M\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"\sj\w+\s+(?:SHORT )?(G_M\w+)")]
    private static partial Regex Jump();

    [GeneratedRegex(@"[yz]mmword ptr \[r[bs]p")]
    private static partial Regex Stack();

    [GeneratedRegex(@"[yz]mmword ptr \[r[bs]p[^\]]*\],")]
    private static partial Regex Store();
}
