using System.Runtime.InteropServices;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// The reference documentation that every .NET SDK carries, as English prose: a document is a type with its members. Overloads
/// repeat each other, so a line that the document already has is left out, and a member with nothing new to say with it.
/// </summary>
static class ReferenceDocs
{
    public const string Licence = "XML documentation of the .NET reference packs, (c) .NET Foundation and contributors, " +
        "distributed with the .NET SDK under the MIT licence";

    /// <summary>The newest version of each reference pack: its name and its files.</summary>
    /// <exception cref="ConfigException">No SDK with documentation; says where it looked.</exception>
    public static List<(string Pack, List<SourceFile> Files)> Find() => Find(DotnetRoots());

    internal static List<(string Pack, List<SourceFile> Files)> Find(IEnumerable<string> roots)
    {
        var looked = new List<string>();
        foreach (string root in roots.Distinct(StringComparer.Ordinal))
        {
            string packs = Path.Combine(root, "packs");
            looked.Add(packs);
            if (!Directory.Exists(packs)) continue;
            var found = new List<(string, List<SourceFile>)>();
            var have = new HashSet<(string, long)>();           // the packs carry copies of each other's files
            // .NET itself first, so that copies of its files count as its own.
            foreach (string pack in Directory.GetDirectories(packs)
                .OrderBy(p => Path.GetFileName(p) != "Microsoft.NETCore.App.Ref").ThenBy(p => p, StringComparer.Ordinal))
            {
                string? newest = Directory.GetDirectories(pack).Where(d => Directory.Exists(Path.Combine(d, "ref")))
                    .MaxBy(d => Version.TryParse(Path.GetFileName(d).Split('-')[0], out Version? v) ? v : new Version());
                if (newest is null) continue;
                List<SourceFile> files = [.. Directory.EnumerateFiles(Path.Combine(newest, "ref"), "*.xml",
                    SearchOption.AllDirectories)
                    .Order(StringComparer.Ordinal)
                    .Select(f => new SourceFile(f, SourceKind.ReferenceXml, new FileInfo(f).Length))
                    .Where(f => have.Add((Path.GetFileName(f.Path), f.Bytes)))];
                if (files.Count > 0) found.Add(($"{Path.GetFileName(pack)} {Path.GetFileName(newest)}", files));
            }
            if (found.Count > 0) return found;
        }
        throw new ConfigException($"no reference documentation of a .NET SDK in {string.Join(", ", looked)}; " +
            "install the SDK, set DOTNET_ROOT, or name a source: isoflop corpus ./texts");
    }

    static IEnumerable<string> DotnetRoots()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } set) yield return set;
        // <root>/shared/Microsoft.NETCore.App/<version>/
        string runtime = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd(Path.DirectorySeparatorChar);
        if (Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(runtime))) is { Length: > 0 } above)
            yield return above;
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            var file = new FileInfo(Path.Combine(folder, name));
            if (folder.Length == 0 || !file.Exists) continue;
            yield return Path.GetDirectoryName((file.ResolveLinkTarget(returnFinalTarget: true) ?? file).FullName)!;
        }
        foreach (string usual in (string[])["/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet"])
            yield return usual;
    }

    /// <summary>The documents of one file, a type each, in the file's order.</summary>
    /// <exception cref="DataException">Not well-formed XML.</exception>
    public static List<TextDocument> Parse(string path)
    {
        XElement root;
        try
        {
            root = XElement.Load(path, LoadOptions.PreserveWhitespace);
        }
        catch (Exception e) when (e is XmlException or IOException)
        {
            throw new DataException($"{path}: {e.Message}", e);
        }
        List<(string Id, XElement Member)> members = [.. root.Descendants("member")
            .Where(m => m.Attribute("name") is { Value.Length: > 2 }).Select(m => (m.Attribute("name")!.Value, m))];
        return [.. members.GroupBy(m => TypeOf(m.Id), StringComparer.Ordinal)
            // Tables of machine instructions (1.2 MB), not English.
            .Where(g => !g.Key.StartsWith("System.Runtime.Intrinsics.Arm.", StringComparison.Ordinal)
                && !g.Key.StartsWith("System.Runtime.Intrinsics.X86.", StringComparison.Ordinal)
                && !g.Key.StartsWith("System.Runtime.Intrinsics.Wasm.", StringComparison.Ordinal))
            .Select(g => Document(g.Key, [.. g])).OfType<string>()
            .Select(text => new TextDocument(Encoding.UTF8.GetBytes(text), null))];
    }

    /// <summary>Full name of the type that a member id belongs to.</summary>
    static string TypeOf(string id)
    {
        string name = id[2..];
        if (id[0] == 'T') return name;
        int end = name.AsSpan().IndexOfAny('(', '~');
        string path = end < 0 ? name : name[..end];
        int dot = path.LastIndexOf('.');
        return dot < 0 ? path : path[..dot];
    }

    /// <summary>The prose of a type and its members; null where nothing is written.</summary>
    static string? Document(string type, List<(string Id, XElement Member)> members)
    {
        XElement? own = members.FirstOrDefault(m => m.Id[0] == 'T').Member;
        var names = new MemberNames(type, own);
        var said = new HashSet<string>(StringComparer.Ordinal);
        var text = new StringBuilder();
        text.Append(names.TypeName).Append(names.Namespace.Length > 0 ? $", in {names.Namespace}\n" : "\n");
        int heading = text.Length;
        if (own is not null)
            foreach (string line in Lines(own, said)) text.Append(line).Append('\n');
        foreach ((string id, XElement member) in members)
        {
            if (id[0] == 'T') continue;
            List<string> lines = Lines(member, said);
            if (lines.Count == 0) continue;
            string title = names.Heading(id, member);
            bool brief = lines.Count == 1 && id[0] is 'F' && !lines[0].Contains('\n');
            text.Append('\n').Append(title).Append(brief ? ": " : "\n").AppendJoin('\n', lines).Append('\n');
        }
        return text.Length > heading ? text.ToString().TrimEnd() : null;
    }

    /// <summary>What a member says and the document has not said yet.</summary>
    static List<string> Lines(XElement member, HashSet<string> said)
    {
        var lines = new List<string>();
        foreach (XElement part in member.Elements().OrderBy(e => Rank(e.Name.LocalName)))
        {
            string body = DocComment.Prose(part);
            if (body.Length == 0) continue;
            string? line = part.Name.LocalName switch
            {
                "summary" or "remarks" or "example" => body,
                "param" or "typeparam" when part.Attribute("name") is { } name => $"{name.Value}: {body}",
                "returns" => "Returns: " + body,
                "value" => "Value: " + body,
                "exception" when part.Attribute("cref") is { } cref => Throws(MemberNames.Short(cref.Value), body),
                _ => null,
            };
            if (line is not null && said.Add(line)) lines.Add(line);
        }
        return lines;
    }

    /// <summary>The order in which one reads them; remarks last.</summary>
    static int Rank(string part) =>
        part switch { "summary" => 0, "typeparam" => 1, "param" => 2, "returns" or "value" => 3, "exception" => 4, _ => 5 };

    /// <summary>"Throws X when the length is …" where the text is a condition, "Throws X: …" where it is a sentence of another
    /// kind.</summary>
    static string Throws(string exception, string body) => body.Split(' ',
        2)[0] is "The" or "A" or "An" or "One" or "There" or "Some"
        or "Neither" or "Either" or "Any" or "No" or "Another" or "Both" or "Access" or "All" or "It"
        ? $"Throws {exception} when {char.ToLowerInvariant(body[0])}{body[1..]}"
        : $"Throws {exception}{(char.IsAsciiLetterLower(body[0]) ? " when" : ":")} {body}";
}
