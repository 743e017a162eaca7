using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Isoflop.Tests.Docs;

/// <summary>Pages that people read. With ISOFLOP_REWRITE=1 the tests write what they would otherwise compare.</summary>
static partial class Pages
{
    static readonly bool rewrite = Environment.GetEnvironmentVariable("ISOFLOP_REWRITE") == "1";

    /// <summary>All of them but the log, which quotes.</summary>
    public static IEnumerable<string> All => Directory.EnumerateFiles(Path.Combine(Places.Root, "docs"), "*.md")
        .Append(Path.Combine(Places.Root, "README.md"));

    /// <summary>Holds a page to a text, or writes it.</summary>
    public static void Hold(string path, string text)
    {
        string page = Path.Combine(Places.Root, path);
        if (rewrite) File.WriteAllText(page, text);
        string there = File.Exists(page) ? File.ReadAllText(page) : "";
        if (there == text) return;
        string[] want = text.Split('\n'), got = there.Split('\n');
        int at = want.Zip(got).TakeWhile(l => l.First == l.Second).Count();
        static string Line(string[] of, int i) => i < of.Length ? $"'{of[i]}'" : "the end";
        Assert.Fail($"{path}:{at + 1} differs from the program: {Line(got, at)} should be {Line(want, at)}; " +
            "ISOFLOP_REWRITE=1 dotnet test writes it");
    }

    /// <summary>A page without what stands between backticks.</summary>
    public static string WithoutCode(string page) => Code().Replace(Fence().Replace(page, ""), "");

    /// <summary>Prose of a page: no code, tables, headings, pictures.</summary>
    public static IEnumerable<string> Sentences(string page)
    {
        string text = Fence().Replace(page, "\n\n");
        foreach (string paragraph in text.Split("\n\n"))
        {
            string[] lines = [.. paragraph.Split('\n').Where(l => l.Length > 0 && l[0] is not ('|' or '#' or '!' or '<'))];
            var one = new StringBuilder();
            foreach (string line in lines)
            {
                if (Item().IsMatch(line)) one.Append(". ");
                one.Append(' ').Append(line.TrimStart('-', ' '));
            }
            foreach (string sentence in End().Split(Code().Replace(Link().Replace(one.ToString(), "$1"), "code")))
                if (sentence.Trim().Length > 0) yield return sentence.Trim();
        }
    }

    [GeneratedRegex("^ *```.*?^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^\s*(-|\d+\.) ")]
    private static partial Regex Item();

    [GeneratedRegex(@"(?<=[.:;?!])[*)]*\s+")]
    private static partial Regex End();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();
}
